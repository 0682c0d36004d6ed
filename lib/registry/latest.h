/* The latest cell of a coalescing signal on one loop (E11, S1): the newest message, and a count of
   the messages that it replaced. Any thread may write, also a real signal handler that interrupts a
   writer; only the loop reads. Writers take no lock and are never refused. A cell is never freed:
   the next loop in the same memory uses it again. */
#ifndef TOCSIN_REGISTRY_LATEST_H
#define TOCSIN_REGISTRY_LATEST_H

#include "base/inbox.h"

struct tocsin__latest {
    struct tocsin__node node; /* node on the inbox's list while there is a message to take */
    _Atomic uint64_t word;    /* the state; drawn in latest.c */
    struct tocsin__signal *signal;
    struct tocsin__message messages[3]; /* the newest, the one being read, the one being written */
};

/* NULL: no memory. */
struct tocsin__latest *tocsin__latest_new(struct tocsin__signal *signal);

/* Stores a message; the cell takes over its shared info. *ret_older: an info that the caller must
 * put; NULL: none. Returns whether the caller must push the node. */
bool tocsin__latest_put(struct tocsin__latest *latest, const struct tocsin__message *message,
                        struct tocsin__info **ret_older);

/* For the loop, while its thread runs the node. take returns the newest message; its overrun is the
 * number of messages that it replaced. The message stays unchanged until the next take. NULL: there
 * is none. */
struct tocsin__message *tocsin__latest_take(struct tocsin__latest *latest);
/* The message could not be delivered: the next take returns it again, or a newer one. */
void tocsin__latest_put_back(struct tocsin__latest *latest, const struct tocsin__message *message);
/* Puts the infos of older messages. There must be no writers any more. */
void tocsin__latest_clear(struct tocsin__latest *latest);
/* The loop has taken the message. False: a newer one was stored meanwhile, so the caller must push
 * the node again. */
bool tocsin__latest_done(struct tocsin__latest *latest);

/* T8: drops the messages. A thread of the parent that was writing does not exist here. */
void tocsin__latest_reset(struct tocsin__latest *latest);

#endif
