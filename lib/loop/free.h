/* Ending a loop (O7). */
#ifndef TOCSIN_LOOP_FREE_H
#define TOCSIN_LOOP_FREE_H

#include "loop/engine.h"

/* T6: ends the loop of a thread that ends. loop->life.thread_ended must be set: no function of the
 * program is called but destructors and providers. */
void tocsin__loop_end(struct tocsin__loop *loop);

/* Carries out a tocsin_loop_free that was called in a handler, as soon as it is possible. Every
 * public function that runs turns must call this after its last turn. The loop may be gone then. */
void tocsin__free_if_wanted(void);

#endif
