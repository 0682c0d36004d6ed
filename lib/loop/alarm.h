/* When a loop next has something to do, and the timer descriptor that ends a wait for it. */
#ifndef TOCSIN_LOOP_ALARM_H
#define TOCSIN_LOOP_ALARM_H

#include "loop/engine.h"

/* A turn has something to do without waiting; timers are not considered. */
bool tocsin__has_work(const struct tocsin__engine *engine);

/* The time of the next thing to do, in real time; 0: at once; INT64_MAX: nothing is due. */
int64_t tocsin__next_due_us(const struct tocsin__engine *engine);

/* Prepares a wait of at most timeout_us (-1: no limit). True: the alarm is set for the next due
 * time, and libevent may wait. False: there is something to do, or the alarm could not be set. */
bool tocsin__alarm_set(struct tocsin__engine *engine, int64_t timeout_us);

/* For an adopted base, where the program waits in its own dispatch: sets the alarm for everything
 * that the next turn has to do. */
void tocsin__alarm_set_adopted(struct tocsin__engine *engine);

#endif
