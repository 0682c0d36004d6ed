/* This plugin lends its own static data to streams, and opens streams. */
#include <tocsin/io.h>

#include "host.h"

TOCSIN_PLUGIN("lender", "1", "Lends data to streams.");

static char block[300000];

static void on_drop(void *arg)
{
    host.dropped++;
    (void)arg;
}

static int lend(struct tocsin_op stream)
{
    const struct tocsin_bytes parts[] = { { block, 1000 }, { block + 1000, sizeof block - 1000 } };

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7 + i / 256);
    return tocsin_stream_write_with(
        stream, &(struct tocsin_outgoing){ .parts = parts, .count = 2, .drop = on_drop });
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    host.ended++;
    return TOCSIN_NEXT;
}

static int open_stream(const char *address, struct tocsin_op *ret_stream)
{
    return tocsin_stream_open(address, NULL, TOCSIN_CALL(on_end), ret_stream);
}

int tocsin_plugin_init(void)
{
    host.inits++;
    host.lend = lend;
    host.open_stream = open_stream;
    return 0;
}

void tocsin_plugin_fini(void)
{
    host.finis++;
}
