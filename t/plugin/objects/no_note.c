/* A shared object without a note, so it is not a plugin. */
#include <tocsin/plugin.h>

int tocsin_plugin_init(void)
{
    return 0;
}
