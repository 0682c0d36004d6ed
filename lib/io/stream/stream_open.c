/* Opening a stream. */
#include "base/refusal.h"
#include "io/connect/adopt.h"
#include "io/connect/connect.h"
#include "io/stream/stream_make.h"

static int local_parse(const struct tocsin_stream_options *options,
                       const struct tocsin__address *address, struct tocsin__address *ret_local)
{
    int err = options && options->local ? tocsin__address_parse(options->local, ret_local) : 0;

    if (err < 0 || !options || !options->local)
        return err;
    if (ret_local->scheme != address->scheme || !ret_local->endpoint.size)
        return tocsin__because(-EINVAL, "local is no address of the same scheme");
    return 0;
}

static int open_begin(struct tocsin__stream *stream, const struct tocsin__address *address,
                      const struct tocsin__address *local)
{
    if (address->scheme == TOCSIN__SCHEME_FD)
        return tocsin__adopt(stream, address->fd);
    if (address->scheme == TOCSIN__SCHEME_FILE)
        return tocsin__adopt_file(stream, address);
    return tocsin__connect_begin(stream, address, local);
}

/* If only a part of the stream could be made, tocsin__op_started frees it, as any operation whose
   start has failed. */
static int open_with(const struct tocsin__address *address, const struct tocsin__address *local,
                     struct tocsin__settings *settings, const struct tocsin_notify *notify,
                     struct tocsin_op *ret_stream)
{
    struct tocsin__stream *stream = NULL;
    int err = tocsin__stream_make(settings, notify, &stream);

    if (!stream)
        return tocsin__op_failed(err, ret_stream);
    if (err == 0)
        err = open_begin(stream, address, local);
    return tocsin__op_started(tocsin__stream_op(stream), err, ret_stream);
}

int tocsin_stream_open(const char *text, const struct tocsin_stream_options *options,
                       const struct tocsin_notify *notify, struct tocsin_op *ret_stream)
{
    struct tocsin__address address, local = { .name = "" };
    struct tocsin__settings *settings;
    int err = tocsin__address_parse(text, &address);

    if (err == 0 &&
        (address.scheme == TOCSIN__SCHEME_SYSTEMD || address.scheme == TOCSIN__SCHEME_UDP))
        err = -ENOTSUP;
    if (err == 0 && address.is_any)
        err = tocsin__because(-EINVAL, "a stream cannot be opened to '*'");
    if (err == 0)
        err = local_parse(options, &address, &local);
    if (err == 0)
        err = tocsin__settings_new(options, &settings);
    if (err == 0 && settings->flags & TOCSIN__STREAM_FILE_FLAGS &&
        address.scheme != TOCSIN__SCHEME_FILE) {
        err = tocsin__because(
            -EINVAL,
            "TOCSIN_STREAM_CREATE, _APPEND and _REPLACE need an address that begins with file:");
        tocsin__settings_unref(settings);
    }
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_stream));
    err = open_with(&address, local.endpoint.size ? &local : NULL, settings, notify, ret_stream);
    tocsin__settings_unref(settings);
    return tocsin__traced(err);
}
