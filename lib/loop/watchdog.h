/* The watchdog of all loops (tocsin/watchdog.h). */
#ifndef TOCSIN_LOOP_WATCHDOG_H
#define TOCSIN_LOOP_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/watchdog.h>

struct tocsin__loop;

/* Any thread: one look at all watched loops, as if now_us were the time. For tests. */
void tocsin__watchdog_look(int64_t now_us);

/* Any thread: takes the watchdog's lock, so that no handler of this loop is freed until
 * tocsin__watchdog_unlock. False: the loop is not watched, or another thread has the lock. */
bool tocsin__watchdog_try_lock(const struct tocsin__loop *loop);
void tocsin__watchdog_unlock(void);

#endif
