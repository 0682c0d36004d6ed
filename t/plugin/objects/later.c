/* A plugin that was built for another ABI. */
#include <tocsin/plugin.h>

#undef TOCSIN_ABI
#define TOCSIN_ABI 2

TOCSIN_PLUGIN("later", "7", "Comes from the future.");

int tocsin_plugin_init(void)
{
    return 0;
}
