/* A plugin whose init fails. */
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("failing", "1", "Cannot begin.");

int tocsin_plugin_init(void)
{
    return -EIO;
}
