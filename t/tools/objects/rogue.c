/* A plugin that fails, blocks, or exceeds its limits. The setting "does" selects what it does. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <tocsin/plugin.h>

TOCSIN_PLUGIN("rogue", "1", "Does what it should not.");

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static int fail(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return -EIO;
}

static int block(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    sleep_ms(100);
    return TOCSIN_NEXT;
}

static int want(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op op;

    (void)info, (void)arg;
    tocsin_timer(3600000, NULL, &op); /* each call leaves one more timer */
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    const char *does = tocsin_setting("does", "");

    if (strcmp(does, "begin slowly") == 0)
        sleep_ms(200);
    return tocsin_on("host.ticked",
                     strcmp(does, "fail") == 0    ? fail
                     : strcmp(does, "block") == 0 ? block
                                                  : want,
                     NULL);
}
