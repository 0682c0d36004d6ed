/* The options of streams. */
#include <string.h>

#include "base/mem.h"
#include "base/refusal.h"
#include "io/layer.h"
#include "io/settings.h"

enum {
    FLAGS = TOCSIN_STREAM_HALF | TOCSIN_STREAM_DUPLEX | TOCSIN_STREAM_GATHER | TOCSIN_STREAM_PROBE |
            TOCSIN__STREAM_FILE_FLAGS,
    HIGH = 64 * 1024,
    LIMIT = 1024 * 1024,
    OPEN_MS = 30000
};

static int options_check(const struct tocsin_stream_options *options)
{
    unsigned writes = options->flags & TOCSIN__STREAM_FILE_FLAGS;

    if (writes & (writes - 1))
        return tocsin__because(-EINVAL, "a file is created, appended to or replaced: one of them");
    if (options->flags & ~(unsigned)FLAGS || options->spare[0] || options->spare[1] ||
        options->spare[2] || options->spare[3])
        return tocsin__because(-EINVAL, "an unknown flag, or a spare word that is not zero");
    if (options->part.into)
        return tocsin__because(-EINVAL, "part.into is for tocsin_stream_read");
    if (options->open_ms < -1 || options->idle_ms < 0)
        return tocsin__because(-EINVAL, "a time limit is negative");
    if (options->low_bytes > (options->high_bytes ? options->high_bytes : HIGH))
        return tocsin__because(-EINVAL, "low_bytes is more than high_bytes");
    if (options->tls.id && !tocsin__layer_find("tls", 3))
        return tocsin__because(-ENOTSUP, "no library has registered TLS: link libtocsin-net");
    return 0;
}

static void settings_fill(struct tocsin__settings *settings,
                          const struct tocsin_stream_options *options)
{
    settings->refs = 1;
    settings->flags = options->flags;
    settings->high_bytes = options->high_bytes ? options->high_bytes : HIGH;
    settings->low_bytes = options->low_bytes ? options->low_bytes : settings->high_bytes / 4;
    settings->limit_bytes = options->limit_bytes ? options->limit_bytes : LIMIT;
    settings->open_ms = options->open_ms ? options->open_ms : OPEN_MS;
    settings->idle_ms = options->idle_ms;
    settings->tls = options->tls;
}

int tocsin__settings_new(const struct tocsin_stream_options *options,
                         struct tocsin__settings **ret_settings)
{
    static const struct tocsin_stream_options plain;
    struct tocsin__settings *settings;
    struct tocsin__part part;
    size_t host_size;
    int err;

    options = options ? options : &plain;
    err = options_check(options);
    if (err == 0)
        err = tocsin__part_set(&part, &options->part);
    if (err < 0)
        return err;
    host_size = options->host ? strlen(options->host) + 1 : 0;
    settings = tocsin__alloc(sizeof *settings + part.until_size + host_size);
    if (!settings)
        return -ENOMEM;
    settings_fill(settings, options);
    settings->part = part;
    if (part.until)
        settings->part.until = memcpy(settings + 1, part.until, part.until_size);
    if (host_size)
        settings->host = memcpy((char *)(settings + 1) + part.until_size, options->host, host_size);
    err = tocsin__rate_find(options->rate_in, &settings->rates[TOCSIN__RATE_IN]);
    if (err == 0)
        err = tocsin__rate_find(options->rate_out, &settings->rates[TOCSIN__RATE_OUT]);
    if (err < 0)
        tocsin__settings_unref(settings);
    else
        *ret_settings = settings;
    return err;
}

void tocsin__settings_unref(struct tocsin__settings *settings)
{
    if (!settings || --settings->refs > 0)
        return;
    tocsin__rate_unref(settings->rates[TOCSIN__RATE_IN]);
    tocsin__rate_unref(settings->rates[TOCSIN__RATE_OUT]);
    tocsin__release(settings);
}
