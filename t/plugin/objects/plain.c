/* This plugin has the smallest possible note. */
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("plain", "1.0", "Does nothing.");

int tocsin_plugin_init(void)
{
    return 0;
}
