/* A shared object without a note. */
#include <tocsin/plugin.h>

int tocsin_plugin_init(void)
{
    return 0;
}
