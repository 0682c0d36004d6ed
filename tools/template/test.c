/* Loads the plugin, waits for its greeting, and checks that the plugin leaves nothing behind. */
#include <stdio.h>

#include <tocsin.h>
#include <tocsin/leak_check.h>
#include <tocsin/host.h>

static int on_expired(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

static int failed(void)
{
    fprintf(stderr, "test: %s\n", tocsin_plugin_last_error());
    return 1;
}

int main(int argc, char **argv)
{
    static const char *const settings[] = { "name=test", "delay_ms=1", NULL };
    struct tocsin_leak_check *trial;
    int expired = 0;

    if (argc != 2 || tocsin_leak_check_begin(argv[1], settings, &trial) < 0)
        return failed();
    tocsin_on("timer.expired", on_expired, &expired);
    while (!expired)
        tocsin_loop_turn(-1);
    if (tocsin_leak_check_end(trial, -1) < 0)
        return failed();
    return tocsin_loop_free();
}
