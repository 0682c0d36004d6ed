/* A record of what runs on a loop, read by another thread. */
#ifndef TOCSIN_LOOP_WATCHDOG_SIGHT_H
#define TOCSIN_LOOP_WATCHDOG_SIGHT_H

#include <tocsin/watchdog.h>

#include "delivery/loop.h"
#include "base/words.h"

/* A copy of the activity of a loop, made by another thread. If two records have the same handler
 * and emission, they show the same call. */
struct tocsin__sight {
    uint64_t phase;                        /* copy of loop->runs.phase; odd while a turn works */
    const struct tocsin__handler *handler; /* the running handler; NULL: no handler runs */
    uint64_t emission;                     /* sequence number of the emission whose handler runs */
    struct tocsin__activity activity;      /* the notify, task or fiber that runs */
    const struct tocsin__owner *entered;   /* the plugin whose init, fini or constructors run */
    const char *entered_by;                /* name of the function of the plugin that runs */
};

/* Reads what the loop is doing now. Any thread may call this function, which never waits. */
struct tocsin__sight tocsin__sight_read(const struct tocsin__loop *loop);

/* The next two functions read the handler. So the caller must be the loop's own thread, or hold the
   watchdog's lock. */
void tocsin__sight_fill(const struct tocsin__sight *sight, struct tocsin_loop_blocked *what);
/* Writes a description such as "handler on_tick (bell.c:12) of plugin bell for host.ticked".
   Returns false if nothing is known. This function is async-signal-safe. */
bool tocsin__sight_write(const struct tocsin__sight *sight, struct tocsin__text_builder *words);

/* Returns true if a handler, notify, task, fiber or plugin function runs on this loop. Any thread
   may call this. */
bool tocsin__sight_is_busy(const struct tocsin__loop *loop);

/* Writes "loop main: " and what the loop is doing, as far as this is known. Any thread may call
   this function, which never waits. */
void tocsin__sight_describe(const struct tocsin__loop *loop, struct tocsin__text_builder *words);

#endif
