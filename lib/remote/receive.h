/* Takes messages and nodes out of the inbox of a loop and runs them, on the loop's own thread. */
#ifndef TOCSIN_REMOTE_RECEIVE_H
#define TOCSIN_REMOTE_RECEIVE_H

#include "base/inbox.h"
#include "delivery/emit.h"

/* Runs what is in the inbox at the moment of the call (T5). Returns the number of messages and
   nodes. */
int tocsin__receive(struct tocsin__loop *loop);

/* Called when the inbox has been closed. Delivers everything that the inbox accepted, and waits for
   producers that have claimed a cell but not published it yet. */
void tocsin__receive_last(struct tocsin__loop *loop);

/* Called when the loop ends. Also closes the list, and runs the remaining nodes. */
void tocsin__receive_end(struct tocsin__loop *loop);

/* In the child of a fork (T8): drops everything that is in the inbox. */
void tocsin__receive_drop(struct tocsin__loop *loop);

/* Repairs the inbox after a handler has left the delivery of a message by a jump (longjmp). */
void tocsin__receive_left(struct tocsin__loop *loop);

#endif
