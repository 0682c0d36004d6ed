/* A plugin whose note is larger than is allowed: room for the texts of a test. */
#include <tocsin/plugin.h>

#define TEN(text) text text text text text text text text text text

TOCSIN_PLUGIN("roomy", "1", TEN(TEN(TEN(TEN("roomier")))));

int tocsin_plugin_init(void)
{
    return 0;
}
