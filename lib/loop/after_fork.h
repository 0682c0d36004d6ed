/* T8: a loop in the child of a fork. Until it is detached from the parent, it is inherited: no
 * descriptor that the parent shares may be touched. */
#ifndef TOCSIN_LOOP_AFTER_FORK_H
#define TOCSIN_LOOP_AFTER_FORK_H

#include "loop/engine.h"

/* Gives up everything that the engine shares with the parent, which does not notice, and drops the
 * operations. The engine has no descriptors then. */
void tocsin__engine_detach(struct tocsin__engine *engine);

/* No handler, turn or fiber that began in the parent is on the stack. */
bool tocsin__loop_can_detach(const struct tocsin__loop *loop);

/* Detaches the whole loop: drops also its inbox and pending emissions. The loop stays inherited. */
void tocsin__loop_detach_parent(struct tocsin__loop *loop);

#endif
