/* This plugin listens where the host says, and sends a byte to each client. */
#include <string.h>

#include <tocsin/io.h>

#include "host.h"

TOCSIN_PLUGIN("server", "1", "Serves clients.");

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream;

    (void)arg;
    tocsin_stream_write(stream, "v", 1);
    return tocsin_stream_close(stream);
}

int tocsin_plugin_init(void)
{
    struct tocsin_stream_facts facts;
    struct tocsin_op listener;
    int err = tocsin_listen(host.at, NULL, TOCSIN_EACH(on_accepted), &listener);

    host.inits++;
    if (err == 0)
        err = tocsin_stream_get(listener, &facts);
    if (err == 0)
        strcpy(host.where, facts.local);
    return err < 0 ? err : host.init_answer;
}

void tocsin_plugin_fini(void)
{
    host.finis++;
}
