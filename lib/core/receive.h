/* What comes out of a loop's inbox, and is delivered there. */
#ifndef TOCSIN_CORE_RECEIVE_H
#define TOCSIN_CORE_RECEIVE_H

#include "core/emit.h"
#include "core/inbox.h"

/* The loop's thread, at rest: what is in the inbox now, no more (T5). How many things that were. */
int  tocsin__receive(struct tocsin__loop *loop);
void tocsin__receive_last(struct tocsin__loop *loop);            /* it has been closed: all that was accepted, waiting for those who are about to publish */
void tocsin__receive_end(struct tocsin__loop *loop);             /* the loop ends: the list, too */
void tocsin__receive_drop(struct tocsin__loop *loop);            /* T8: nothing of it is delivered, nor what is in its boxes */
void tocsin__receive_box(struct tocsin__node *node);             /* what the node of a box runs */
void tocsin__receive_task(struct tocsin__loop *loop, const struct tocsin__letter *letter);      /* runs it, and its drop */

/* What a letter says, to be delivered at another time: a copy of its own; NULL: no memory. What is delivered late has been accepted; false: there is no memory for it
   now, as it was; true: the reference is used up. */
struct tocsin__info *tocsin__letter_copy(struct tocsin__loop *loop, const struct tocsin__letter *letter);
bool tocsin__receive_late(struct tocsin__loop *loop, struct tocsin__info *info);

/* One delivery of a signal has come to its end here: if nobody handled it, the default action is taken, here or on the main loop (T7). */
void tocsin__met(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin__info *info, int result);

/* The end of an operation, for another loop that listens: with all that it needs there, for it cannot be refused. */
struct tocsin__parcel {
    struct tocsin__pend pend;                          /* the first member: it is pended in it, and freed as such */
    struct tocsin__node node;
    struct tocsin__loop *from, *to;
    struct tocsin__parcel *next;
    struct tocsin__info *info;
};

bool tocsin__meet_parcel(struct tocsin__loop *loop, struct tocsin__parcel *parcel);       /* delivers what is in it; true: it is pended in it */
int  tocsin__parcels_make(struct tocsin__loop *loop, struct tocsin__signal *signal);      /* one for each other loop that listens, to loop->parcels; -ENOMEM */
int  tocsin__parcels_send(struct tocsin__loop *loop, struct tocsin__info *info, bool local);      /* to how many; local: this loop delivers it, too */
void tocsin__parcels_drop(struct tocsin__loop *loop);            /* those that were made, and not sent: nobody listened any more */
bool tocsin__parcels_room(struct tocsin__loop *loop, struct tocsin__signal *signal);      /* not too many are on their way */

bool tocsin__node_tells(const struct tocsin__node *node);        /* it is not for room, or news: it counts as something done */

/* Stirs the loop when what the other one's inbox has now has been taken, and the signal is below its limit there. */
void tocsin__want_room(struct tocsin__loop *loop, struct tocsin__loop *other, int signo);
void tocsin__wanted_back(struct tocsin__loop *loop);             /* what other loops wait for here may be so now */
void tocsin__tell_news(struct tocsin__loop *loop);               /* any thread: stirs it, in its next turn */

#endif
