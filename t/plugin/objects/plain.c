/* A plugin with the smallest possible note. It does nothing. */
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("plain", "1.0", "Does nothing.");

int tocsin_plugin_init(void)
{
    return 0;
}
