/* The watchdog, which checks all watched loops (tocsin/watchdog.h). */
#ifndef TOCSIN_LOOP_WATCHDOG_WATCHDOG_H
#define TOCSIN_LOOP_WATCHDOG_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/watchdog.h>

struct tocsin__loop;

/* Checks all watched loops once, as if the time were now_us. Any thread may call this; only tests
 * do. */
void tocsin__watchdog_look(int64_t now_us);

/* Takes the watchdog's lock, so that no handler of this loop is freed until
   tocsin__watchdog_unlock. Returns false if the loop is not watched, or another thread has the
   lock. Any thread may call this. */
bool tocsin__watchdog_try_lock(const struct tocsin__loop *loop);
void tocsin__watchdog_unlock(void);

#endif
