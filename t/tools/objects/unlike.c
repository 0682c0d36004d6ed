/* A plugin that declares host.ticked with another layout than the host: without a payload. */
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("unlike", "1", "Takes a signal for another one." TOCSIN_CONSUMES("host.ticked"));

int tocsin_plugin_init(void)
{
    return 0;
}
