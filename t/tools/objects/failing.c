/* A plugin that cannot begin. */
#include <tocsin.h>

TOCSIN_PLUGIN("failing", "1", "Cannot begin.");

int tocsin_plugin_init(void)
{
    return -EIO;
}
