/* A plugin that declares the signal host.ticked without a payload. The host declares it with a
   payload, so the layouts differ. */
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("unlike", "1", "Takes a signal for another one." TOCSIN_CONSUMES("host.ticked"));

int tocsin_plugin_init(void)
{
    return 0;
}
