/* Ends a loop and frees it (O7). */
#ifndef TOCSIN_LOOP_FREE_H
#define TOCSIN_LOOP_FREE_H

#include "loop/engine.h"

/* Ends the loop of a thread that ends (T6). The caller has set loop->life.thread_ended. Of the
 * program's functions, only destructors and providers are called. */
void tocsin__loop_end(struct tocsin__loop *loop);

/* Carries out a tocsin_loop_free that was called in a handler, as soon as this is possible. Every
   public function that runs turns must call this after its last turn. Afterwards the loop may not
   exist any more. */
void tocsin__free_if_wanted(void);

#endif
