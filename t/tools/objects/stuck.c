/* A plugin whose handler never returns. */
#include <stdio.h>
#include <unistd.h>

#include <tocsin/plugin.h>

TOCSIN_PLUGIN("stuck", "1", "Does not come back.");

static int on_started(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    puts("stuck");
    for (;;)
        pause();
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    return tocsin_connect("host.started",
                          &(struct tocsin_action){ .fn = on_started, .flags = TOCSIN_EARLY }, NULL);
}
