/* Draining a loop (O7): tocsin_run calls these while a drain is requested. */
#ifndef TOCSIN_LOOP_DRAIN_H
#define TOCSIN_LOOP_DRAIN_H

#include "loop/engine.h"

/* Cancels persistent operations, once; all operations, when the time limit has passed. */
void tocsin__drain_step(struct tocsin__engine *engine);

/* No operation runs any more; before the time limit, nothing is left to deliver either. */
bool tocsin__drain_is_done(const struct tocsin__engine *engine);

/* Ends the request. Returns 0, or -ETIMEDOUT if the time limit has passed. */
int tocsin__drain_end(struct tocsin__engine *engine);

#endif
