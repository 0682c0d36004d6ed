/* This plugin has two notes. */
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("twice", "1", "Says it once,");
#define tocsin__note tocsin__note_again
TOCSIN_PLUGIN("twice", "2", "and again.");

int tocsin_plugin_init(void)
{
    return 0;
}
