/* The options of streams, checked and with defaults filled in. All streams of a listener share one
   copy. */
#ifndef TOCSIN_IO_SETTINGS_H
#define TOCSIN_IO_SETTINGS_H

#include "io/part.h"
#include "io/rate.h"

/* The flags that say how a file is written. */
#define TOCSIN__STREAM_FILE_FLAGS \
    (TOCSIN_STREAM_CREATE | TOCSIN_STREAM_APPEND | TOCSIN_STREAM_REPLACE)

/* Only the loop's thread uses this struct. */
struct tocsin__settings {
    uint32_t refs;
    unsigned flags;           /* TOCSIN_STREAM_… */
    struct tocsin__part part; /* its delimiter is stored behind this struct */
    size_t high_bytes, low_bytes, limit_bytes;
    int64_t open_ms;                               /* time limit of opening; -1: no limit */
    int64_t idle_ms;                               /* time limit without data; 0: no limit */
    struct tocsin__rate *rates[TOCSIN__RATE_WAYS]; /* limits of bytes per second; NULL: no limit */
    struct tocsin_tls tls;
    /* The name that the certificate of the peer must have. The text is stored behind this struct.
       NULL: the certificate must have the host of the address. */
    const char *host;
};

/* Checks the options and copies them. options NULL: all defaults. -EINVAL, -ENOTSUP, -ENOMEM;
   -ENOENT or -EXDEV: a rate is not one of this loop */
int tocsin__settings_new(const struct tocsin_stream_options *options,
                         struct tocsin__settings **ret_settings);
void tocsin__settings_unref(struct tocsin__settings *settings);

static inline struct tocsin__settings *tocsin__settings_ref(struct tocsin__settings *settings)
{
    settings->refs++;
    return settings;
}

#endif
