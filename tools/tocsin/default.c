#include <stdio.h>

#include "default.h"
#include "usage.h"

const char config_default[] =
    "; A file of your own begins with this, and has a [plugin NAME] for each plugin.\n"
    "[tocsin]\n"
    "tick_ms = 1000                ; host.ticked, every second\n"
    "drain_ms = 10000              ; how long SIGTERM waits for what runs\n"
    "watchdog_ms = 1000            ; loop.blocked, when a handler takes longer; 0, never\n"
    "\n"
    "[actions]                     ; what is done with signals: print, ignore, drain, stop\n"
    "host.**, plugin.** = print\n"
    "tocsin.handler.failed, tocsin.owner.limited, tocsin.queue.full, loop.blocked = print\n";

int default_print(void)
{
    fputs(config_default, stdout);
    return printed(EXIT_FINE);
}
