/* A loop in the child of a fork (T8). Until the loop is detached from the parent, it is called
 * inherited. The library must not use descriptors that the child shares with the parent. */
#ifndef TOCSIN_LOOP_AFTER_FORK_H
#define TOCSIN_LOOP_AFTER_FORK_H

#include "loop/engine.h"

/* Gives up everything that the engine shares with the parent, without an effect on the parent. Also
 * drops the operations. Afterwards the engine has no descriptors. */
void tocsin__engine_detach(struct tocsin__engine *engine);

/* Returns true if no handler, turn or fiber that began in the parent is on the stack. */
bool tocsin__loop_can_detach(const struct tocsin__loop *loop);

/* Detaches the whole loop: also drops its inbox and its pending emissions. The loop is still marked
   as inherited. */
void tocsin__loop_detach_parent(struct tocsin__loop *loop);

#endif
