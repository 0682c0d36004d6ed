/* A foreign loop may wait for this loop: it polls the descriptor of tocsin_loop_fd, or the program
 * dispatches an adopted base. Then the wake edge, the alarm and that descriptor must always show
 * what this loop has to do, also between turns. */
#ifndef TOCSIN_LOOP_POLLED_H
#define TOCSIN_LOOP_POLLED_H

#include "loop/engine.h"

/* From now on a foreign loop may wait for this one. */
void tocsin__polled_begin(struct tocsin__engine *engine);

/* The slow part of tocsin__polled_update. */
void tocsin__polled_refresh(struct tocsin__engine *engine);

/* Must be called after each change of what is due or ready, outside of a turn too. */
static inline void tocsin__polled_update(struct tocsin__engine *engine)
{
    if (tocsin__unlikely(engine->polled))
        tocsin__polled_refresh(engine);
}

#endif
