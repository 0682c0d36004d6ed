/* Draining a loop (O7). tocsin_run calls these functions while a drain is requested. */
#ifndef TOCSIN_LOOP_DRAIN_H
#define TOCSIN_LOOP_DRAIN_H

#include "loop/engine.h"

/* Cancels the persistent operations, once. When the time limit has passed, cancels all
   operations. */
void tocsin__drain_step(struct tocsin__engine *engine);

/* Returns true if the drain can end: no operation runs any more, and no emission waits for its
   delivery. After the time limit has passed, emissions that wait do not matter. */
bool tocsin__drain_is_done(const struct tocsin__engine *engine);

/* Ends the request to drain. Returns 0, or -ETIMEDOUT if the time limit has passed. */
int tocsin__drain_end(struct tocsin__engine *engine);

#endif
