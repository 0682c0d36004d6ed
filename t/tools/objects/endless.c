/* A plugin whose work does not end and cannot be cancelled. So the plugin cannot be unloaded. */
#include <stdio.h>
#include <unistd.h>

#include <tocsin/plugin.h>

TOCSIN_PLUGIN("endless", "1", "Does not end.");

static int wait_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return 0;
}

static int on_draining(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    puts("endless goes on");
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    int err = tocsin_connect(
        "host.draining", &(struct tocsin_action){ .fn = on_draining, .flags = TOCSIN_EARLY }, NULL);

    return err < 0 ? err : tocsin_work(wait_for_ever, NULL, NULL, NULL);
}
