#include <stdio.h>

#include "config/default.h"
#include "usage.h"

const char config_default[] =
    "; Begin your own file with this one, and add a [plugin NAME] for each plugin.\n"
    "[tocsin]\n"
    "tick_ms = 1000                ; emit host.ticked every second\n"
    "drain_ms = 10000              ; how long SIGTERM waits for operations to end\n"
    "watchdog_ms = 1000            ; emit loop.blocked when a handler takes longer; 0: never\n"
    "\n"
    "[actions]                     ; what to do with signals: print, ignore, drain, stop\n"
    "host.**, plugin.** = print\n"
    "tocsin.handler.failed, tocsin.owner.limited, tocsin.queue.full, loop.blocked = print\n";

int default_print(void)
{
    fputs(config_default, stdout);
    return printed(EXIT_FINE);
}
