/* Another event loop may wait for this loop: it polls the descriptor of tocsin_loop_fd, or the
 * program dispatches an adopted base. Then the wake edge, the alarm and this descriptor must always
 * show whether this loop has something to do, even between turns. */
#ifndef TOCSIN_LOOP_POLLED_H
#define TOCSIN_LOOP_POLLED_H

#include "loop/engine.h"

/* Records that from now on another event loop may wait for this loop. */
void tocsin__polled_begin(struct tocsin__engine *engine);

/* The slow part of tocsin__polled_update, which updates the descriptors. */
void tocsin__polled_refresh(struct tocsin__engine *engine);

/* Must be called after each change of the due times or of the ready list, also outside a turn. */
static inline void tocsin__polled_update(struct tocsin__engine *engine)
{
    if (tocsin__unlikely(engine->polled))
        tocsin__polled_refresh(engine);
}

#endif
