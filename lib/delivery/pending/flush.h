/* Flushes deliver pending emissions: the lowest rank first, within a rank the oldest first. A flush
   delivers the emissions that were pending when it began. The next turn delivers the others. */
#ifndef TOCSIN_DELIVERY_PENDING_FLUSH_H
#define TOCSIN_DELIVERY_PENDING_FLUSH_H

#include "delivery/loop.h"

/* Called when the outermost delivery of a signal has ended and something is left to do. Compacts
   the lists, and flushes the emissions that the delivery held back. */
void tocsin__delivery_finish(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal);

/* Each function puts the signal into a heap, if the signal has an emission that can be delivered
 * now. tocsin__due_put does nothing if another running flush will deliver this emission.
 * tocsin__due_release also checks this, and puts the signal into the heap of the delivery whose
 * mask held it back. tocsin__due_take always puts the signal into the heap, even if another flush
 * has it. */
void tocsin__due_put(struct tocsin__heap *due, struct tocsin__loop_signal *loop_signal);
void tocsin__due_release(struct tocsin__heap *released, struct tocsin__loop_signal *loop_signal);
void tocsin__due_take(struct tocsin__heap *due, struct tocsin__loop_signal *loop_signal);

/* Flushes the signals of the heap, and leaves the heap empty. Returns the number of deliveries. */
int tocsin__flush(struct tocsin__loop *loop, struct tocsin__heap *due);
/* Flushes one signal on this loop. */
void tocsin__flush_slot(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal);
/* Flushes the emissions that earlier flushes have left for this turn, if they are older than
 * `before` (T5). */
int tocsin__flush_late(struct tocsin__loop *loop, uint64_t before);
/* Resets all flushes whose functions were left by a jump (longjmp). The next turn delivers their
 * emissions. */
void tocsin__flushes_drop(struct tocsin__loop *loop);
/* Called when a queue has room again. The next turn delivers the emissions that wait for this
   room. */
void tocsin__flush_shut(struct tocsin__loop *loop);

#endif
