/* A completion message sends the end of an operation to another loop that listens. The end cannot
 * be refused. So the message contains all the memory that the other loop needs, and goes through
 * the list of the inbox, which is never full, not through the ring. */
#ifndef TOCSIN_REMOTE_COMPLETION_MESSAGE_H
#define TOCSIN_REMOTE_COMPLETION_MESSAGE_H

#include "base/inbox.h"
#include "delivery/emit.h"

struct tocsin__completion_message {
    struct tocsin__pending pending; /* the first member: the emission may become pending in it */
    struct tocsin__node node;
    struct tocsin__loop *from, *to;
    struct tocsin__completion_message
        *next;                 /* next in from->remote.completions, until the message is sent */
    struct tocsin__info *info; /* the info, with a reference after the message was sent */
};

/* Makes a message for each other loop that listens, in loop->remote.completions. -ENOMEM: no
 * message was made. */
int tocsin__completion_messages_make(struct tocsin__loop *loop, struct tocsin__signal *signal);

/* Sends these messages and returns how many. local: this loop delivers the end, too. */
int tocsin__completion_messages_send(struct tocsin__loop *loop, struct tocsin__info *info,
                                     bool local);

/* Frees the messages that were made but not sent. */
void tocsin__completion_messages_drop(struct tocsin__loop *loop);

/* Whether another message may be sent: not too many are on their way, or no other loop has a
 * handler for this signal. */
bool tocsin__completion_messages_have_room(struct tocsin__loop *loop,
                                           struct tocsin__signal *signal);

#endif
