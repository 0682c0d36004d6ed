/* One signal on one loop. */
#ifndef TOCSIN_DELIVERY_LOOP_SIGNAL_H
#define TOCSIN_DELIVERY_LOOP_SIGNAL_H

struct tocsin__loop;
struct tocsin__loop_signal;
struct tocsin__signal;

/* The signal on this loop, made if it is missing; NULL: no memory. */
struct tocsin__loop_signal *tocsin__loop_signal_make(struct tocsin__loop *loop,
                                                     struct tocsin__signal *signal);

/* Computes BLOCKED and IGNORED of the state from the counts of rules. */
void tocsin__loop_signal_state(struct tocsin__loop_signal *loop_signal);

/* Copies the state to where other threads look: its listener, its interest word. */
void tocsin__loop_signal_update_listener(struct tocsin__loop_signal *loop_signal);
void tocsin__loop_signal_update_interest(struct tocsin__loop_signal *loop_signal);

/* Removes disconnected handlers from the list of the signal if they are more than half. */
void tocsin__loop_signal_compact(struct tocsin__loop *loop,
                                 struct tocsin__loop_signal *loop_signal);

#endif
