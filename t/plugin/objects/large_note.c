/* A plugin whose note is larger than the limit of 64 KiB. Some tests write texts of their own into
   this note. */
#include <tocsin/plugin.h>

#define TEN(text) text text text text text text text text text text

TOCSIN_PLUGIN("large_note", "1", TEN(TEN(TEN(TEN("more text")))));

int tocsin_plugin_init(void)
{
    return 0;
}
