/* Functions for one signal on one loop. */
#ifndef TOCSIN_DELIVERY_LOOP_SIGNAL_H
#define TOCSIN_DELIVERY_LOOP_SIGNAL_H

struct tocsin__loop;
struct tocsin__loop_signal;
struct tocsin__signal;

/* Returns the signal on this loop, made if it is missing, or NULL if there is no memory. */
struct tocsin__loop_signal *tocsin__loop_signal_make(struct tocsin__loop *loop,
                                                     struct tocsin__signal *signal);

/* Computes the bits BLOCKED and IGNORED of the state from the numbers of matching rules. */
void tocsin__loop_signal_state(struct tocsin__loop_signal *loop_signal);

/* Each function copies a part of the state to a place that other threads read: the listener, and
   the interest word. */
void tocsin__loop_signal_update_listener(struct tocsin__loop_signal *loop_signal);
void tocsin__loop_signal_update_interest(struct tocsin__loop_signal *loop_signal);

/* Removes disconnected handlers from the signal's list if more than half of its handlers are
   disconnected. */
void tocsin__loop_signal_compact(struct tocsin__loop *loop,
                                 struct tocsin__loop_signal *loop_signal);

#endif
