/* Computes when a loop next has something to do, and sets the timer descriptor that ends a wait at
   that time. */
#ifndef TOCSIN_LOOP_ALARM_H
#define TOCSIN_LOOP_ALARM_H

#include "loop/engine.h"

/* Returns true if a turn has something to do without waiting. Timers are not considered. */
bool tocsin__has_work(const struct tocsin__engine *engine);

/* Returns the real time at which the loop next has something to do. 0 means now, and INT64_MAX
   means that nothing is due. */
int64_t tocsin__next_due_us(struct tocsin__engine *engine);

/* Prepares a wait of at most timeout_us (-1: no limit). Returns true if the alarm is set for the
   next due time, so that libevent may wait. Returns false if there is something to do, or the alarm
   could not be set. */
bool tocsin__alarm_set(struct tocsin__engine *engine, int64_t timeout_us);

/* Sets the alarm for everything that the next turn has to do. An adopted base needs this, because
 * the program itself waits in its dispatch. */
void tocsin__alarm_set_adopted(struct tocsin__engine *engine);

#endif
