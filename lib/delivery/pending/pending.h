/* Functions for the pending emissions of one signal on one loop (E5, E10, E11). */
#ifndef TOCSIN_DELIVERY_PENDING_PENDING_H
#define TOCSIN_DELIVERY_PENDING_PENDING_H

#include <tocsin/emit.h>
#include <tocsin/mask.h>

#include "delivery/loop.h"

/* Queues a copy of the emission. Returns TOCSIN_PENDED, -EAGAIN if the list is full, -EDQUOT if the
   owner is at its limit, or -ENOMEM. */
int tocsin__pending_queue(struct tocsin__loop_signal *loop_signal, const struct tocsin_info *info);

/* tocsin__pending_make and tocsin__pending_add queue a copy without a limit. The first may fail;
   the second cannot. */
int tocsin__pending_make(const struct tocsin__loop_signal *loop_signal,
                         const struct tocsin_info *info, struct tocsin__pending **ret_pend);
void tocsin__pending_add(struct tocsin__loop_signal *loop_signal, struct tocsin__pending *pending);

/* Called between tocsin__pending_make and tocsin__pending_add if other loops received the emission,
   too. If `pending` has its own copy of the info, the shared info counts this loop as done.
   `shared` is the shared info, or NULL. */
void tocsin__pending_set_shared(struct tocsin__pending *pending, struct tocsin__info *shared);

/* Queues an emission that another thread sent, and that cannot be refused any more. `place` is
   NULL, or points to the memory to use; then *place is NULL afterwards. Returns false if there is
   no memory; then nothing has changed. */
bool tocsin__pending_add_accepted(struct tocsin__loop_signal *loop_signal,
                                  struct tocsin__info *info, struct tocsin__pending **place);

/* Queues the end of an operation in the memory that was reserved for this end. Takes a reference to
   the info. */
void tocsin__pending_add_reserved(struct tocsin__loop_signal *loop_signal,
                                  struct tocsin__pending *place, struct tocsin__info *info);

/* Returns true if an emission of this source would replace a pending emission. */
bool tocsin__pending_would_merge(const struct tocsin__loop_signal *loop_signal, uint64_t source);

/* Returns true if the list has room for `count` more emissions with `size` bytes in all. */
bool tocsin__pending_has_room(const struct tocsin__loop_signal *loop_signal, uint32_t count,
                              size_t size);

/* Removes the oldest emission from the list, which must not be empty. */
struct tocsin__pending *tocsin__pending_take(struct tocsin__loop_signal *loop_signal);

/* Returns true if the oldest emission of `one` is delivered before the oldest emission of `other`:
   by rank, then by age. */
bool tocsin__pending_is_before(const struct tocsin__loop_signal *one,
                               const struct tocsin__loop_signal *other);

/* Takes the oldest emission for a queue, and returns a reference to its info. Of the handlers, only
   observers see this emission. */
struct tocsin_info *tocsin__pending_accept(struct tocsin__loop *loop,
                                           struct tocsin__loop_signal *loop_signal);

/* Charges the owner's pending emissions to the program, because the owner is being unloaded. */
void tocsin__pending_disown(struct tocsin__loop_signal *loop_signal,
                            const struct tocsin__owner *owner);

/* Frees an emission that was taken from its list. */
void tocsin__pending_end(struct tocsin__pending *pending);

/* The first function is called before the delivery of an emission that was taken from its list, the
 * second one afterwards. The second function frees the emission. If a handler leaves the delivery
 * by a jump (longjmp), the reset of the loop calls the second function (frames.c). */
void tocsin__pending_delivery_begin(struct tocsin__loop *loop, struct tocsin__pending *pending);
void tocsin__pending_delivery_end(struct tocsin__loop *loop, struct tocsin__pending *pending);

/* Frees all pending emissions of the signal. */
void tocsin__pending_drop(struct tocsin__loop_signal *loop_signal);

/* Records that the list is no longer full, if it is at most half full. `to_come` is the number of
 * ends of operations that have a place, but are not in the list yet. */
void tocsin__pending_check_recovered(struct tocsin__loop_signal *loop_signal, uint32_t to_come);

/* Counts a refused emission. Emits tocsin.queue_full for the first one since the list was last at
 * most half full. */
void tocsin__pending_count_refused(struct tocsin__loop_signal *loop_signal, uint32_t to_come);

/* Emits tocsin.queue_full, unless the signal of the full list is one of the library's own. */
void tocsin__queue_full(struct tocsin_queue_full *what);

#endif
