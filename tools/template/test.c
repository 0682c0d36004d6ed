/* The plugin is loaded, greets, and leaves nothing behind: <tocsin/trial.h>. */
#include <stdio.h>

#include <tocsin.h>
#include <tocsin/trial.h>

static int on_expired(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

static int failed(void)
{
    fprintf(stderr, "test: %s\n", tocsin_plugin_reason());
    return 1;
}

int main(int argc, char **argv)
{
    static const char *const settings[] = { "name=test", "delay_ms=1", NULL };
    struct tocsin_trial *trial;
    int expired = 0;

    if (argc != 2 || tocsin_trial_begin(argv[1], settings, &trial) < 0)
        return failed();
    tocsin_on("timer.expired", on_expired, &expired);
    while (!expired)
        tocsin_turn(-1);
    if (tocsin_trial_end(trial, -1) < 0)
        return failed();
    return tocsin_free();
}
