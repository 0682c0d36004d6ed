/* The latest cell of a coalescing signal on one loop (E11, S1): the newest message, and a count of
   the messages that it replaced. Any thread may write a message, also a real signal handler that
   interrupts a writer. Only the loop reads messages. Writers take no lock and are never refused. A
   cell is never freed, because the next loop in the same memory uses the cell again. */
#ifndef TOCSIN_REGISTRY_LATEST_H
#define TOCSIN_REGISTRY_LATEST_H

#include "base/inbox.h"

struct tocsin__latest {
    struct tocsin__node node; /* node in the list of the inbox, pushed when there is a message to
                               * take */
    _Atomic uint64_t word;    /* the state of the cell; latest.c explains its bits */
    struct tocsin__signal *signal;
    struct tocsin__message messages[3]; /* the newest message, the one being read, and the one being
                                         * written */
};

/* Makes a cell. Returns NULL if there is no memory. */
struct tocsin__latest *tocsin__latest_new(struct tocsin__signal *signal);

/* Stores a message. The cell takes over the message's shared info. *ret_older is set to the info of
 * a replaced message, which the caller must release, or to NULL. Returns true if the caller must
 * push the node. */
bool tocsin__latest_put(struct tocsin__latest *latest, const struct tocsin__message *message,
                        struct tocsin__info **ret_older);

/* Returns the newest message, or NULL if there is none. Only the loop calls this, while its thread
   runs the node. The message's overrun is the number of messages that it replaced. The message
   stays unchanged until the next take. */
struct tocsin__message *tocsin__latest_take(struct tocsin__latest *latest);
/* Puts back a message that could not be delivered. The next take returns this message again, or a
   newer one. */
void tocsin__latest_put_back(struct tocsin__latest *latest, const struct tocsin__message *message);
/* Releases the infos of all messages in the cell. No thread may write to the cell any more. */
void tocsin__latest_clear(struct tocsin__latest *latest);
/* Called when the loop has taken the message. Returns false if a newer message was stored
   meanwhile; then the caller must push the node again. */
bool tocsin__latest_done(struct tocsin__latest *latest);

/* In the child of a fork (T8): drops the messages. If a thread of the parent was writing to the
 * cell, this thread does not exist in the child. */
void tocsin__latest_reset(struct tocsin__latest *latest);

#endif
