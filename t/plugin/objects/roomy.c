/* A plugin whose note is larger than the limit. The tests write their own texts into the note. */
#include <tocsin/plugin.h>

#define TEN(text) text text text text text text text text text text

TOCSIN_PLUGIN("roomy", "1", TEN(TEN(TEN(TEN("roomier")))));

int tocsin_plugin_init(void)
{
    return 0;
}
