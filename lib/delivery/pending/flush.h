/* Flushes deliver pending emissions: the lowest rank first, then the oldest. A flush delivers what
   was pending when it began; the next turn delivers the rest. */
#ifndef TOCSIN_DELIVERY_PENDING_FLUSH_H
#define TOCSIN_DELIVERY_PENDING_FLUSH_H

#include "delivery/loop.h"

/* Called when the outermost delivery of a signal has ended with something left to do: compacts the
   lists, and flushes what the delivery held back. */
void tocsin__delivery_finish(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal);

/* Each puts the signal into a heap, if it has an emission that can be delivered now.
   put: not if another flush on the stack will deliver it.
   release: into the heap of the delivery whose mask held the signal back; the same condition.
   take: in any case, also out of the heap of another flush. */
void tocsin__due_put(struct tocsin__heap *due, struct tocsin__loop_signal *loop_signal);
void tocsin__due_release(struct tocsin__heap *released, struct tocsin__loop_signal *loop_signal);
void tocsin__due_take(struct tocsin__heap *due, struct tocsin__loop_signal *loop_signal);

/* Flushes the signals of the heap, which is empty afterwards. Returns the number of deliveries. */
int tocsin__flush(struct tocsin__loop *loop, struct tocsin__heap *due);
/* Flushes one signal. */
void tocsin__flush_slot(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal);
/* Flushes what earlier flushes left for this turn, and what is older than before (T5). */
int tocsin__flush_late(struct tocsin__loop *loop, uint64_t before);
/* Resets all flushes of a stack that was left. The next turn delivers their emissions. */
void tocsin__flushes_drop(struct tocsin__loop *loop);
/* A queue has room again: the next turn delivers the emissions that wait for room. */
void tocsin__flush_shut(struct tocsin__loop *loop);

#endif
