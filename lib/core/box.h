/* A letter of which the newest stands for all: what waits of a coalescing signal in the inbox of a loop (E11, S1). Any thread may write, also a real signal
   handler that interrupts one who writes; the loop reads. Nothing is refused, and no lock is taken. It is never freed: it waits for the next loop in the same memory. */
#ifndef TOCSIN_CORE_BOX_H
#define TOCSIN_CORE_BOX_H

#include "core/inbox.h"

struct tocsin__box {
    struct tocsin__node node;                          /* on the inbox's list while something is to be taken */
    _Atomic uint64_t word;
    struct tocsin__signal *signal;
    struct tocsin__letter letters[3];                  /* the newest; the one that is read; the one that is written */
};

struct tocsin__box *tocsin__box_new(struct tocsin__signal *signal);     /* NULL: no memory */

/* Puts a letter in; what it shares is the box's. ret_older: what is to be put, an older one's, or its own; NULL: nothing. True: the node is to be pushed. */
bool tocsin__box_put(struct tocsin__box *box, const struct tocsin__letter *letter, struct tocsin__info **ret_older);

/* The loop, whose the node is from then on: the newest, with how many it stands for beyond itself; it stays as it is until the next is taken. NULL: there is none. */
struct tocsin__letter *tocsin__box_take(struct tocsin__box *box);
void tocsin__box_back(struct tocsin__box *box, const struct tocsin__letter *letter);      /* it could not be dealt with */
void tocsin__box_clear(struct tocsin__box *box);                 /* what is left in it of older ones; nobody puts anything in */
bool tocsin__box_done(struct tocsin__box *box);                  /* nothing has come meanwhile: the node goes; false: it is to be pushed again */

/* T8: what is in it goes, and whoever was writing will not go on. */
void tocsin__box_reset(struct tocsin__box *box);

#endif
