/* This shared object has no note. */
#include <tocsin/plugin.h>

int tocsin_plugin_init(void)
{
    return 0;
}
