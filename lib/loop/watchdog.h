#ifndef TOCSIN_LOOP_WATCHDOG_H
#define TOCSIN_LOOP_WATCHDOG_H

#include <stdint.h>

#include <tocsin/watchdog.h>

/* Any thread: one look at all loops that are watched, as if this were the time. The watchdog's own, and a test's. */
void tocsin__watchdog_look(int64_t now_us);

#endif
