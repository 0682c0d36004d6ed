/* A plugin to begin with. It prints a greeting once, after delay_ms milliseconds. */
#include <stdio.h>
#include <stdlib.h>

#include <tocsin/plugin.h>

/* clang-format off */
TOCSIN_PLUGIN("hello", "1.0", "Greets."
    TOCSIN_LICENCE("MIT")
    TOCSIN_SETTING("name", "string", "world", "Who is greeted.")
    TOCSIN_SETTING("delay_ms", "u64 0..86400000", "0", "The delay, in milliseconds."));
/* clang-format on */

static int on_expired(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    /* when the plugin is unloaded before the greeting, the timer ends with an error, and nothing is
     * printed */
    if (info->status == 0)
        printf("hello, %s\n", tocsin_setting("name", "world"));
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    return tocsin_timer(atol(tocsin_setting("delay_ms", "0")), TOCSIN_CALL(on_expired), NULL);
}
