/* A plugin to begin with: it greets once, after delay_ms milliseconds. */
#include <stdio.h>
#include <stdlib.h>

#include <tocsin.h>

TOCSIN_PLUGIN("hello", "1.0", "Greets."
              TOCSIN_LICENCE("MIT"));

static int on_expired(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (info->status == 0)                             /* and not cancelled, since the plugin goes */
        printf("hello, %s\n", tocsin_setting("name", "world"));
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    return tocsin_timer(atoi(tocsin_setting("delay_ms", "0")), TOCSIN_CALL(on_expired), NULL);
}
