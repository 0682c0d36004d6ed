/* A plugin that needs the plugin "speaker". */
#include <stdio.h>

#include <tocsin/plugin.h>

TOCSIN_PLUGIN("needy", "1", "Needs somebody who speaks." TOCSIN_NEEDS("speaker"));

int tocsin_plugin_init(void)
{
    puts("needy");
    return 0;
}

void tocsin_plugin_fini(void)
{
    puts("needy ends");
}
