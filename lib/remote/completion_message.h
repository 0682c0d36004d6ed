/* A completion message sends the end of an operation to another loop that listens. The end cannot
   be refused, so the message contains all the memory that the other loop needs. It is sent through
   the list of the inbox, because the list is never full. */
#ifndef TOCSIN_REMOTE_COMPLETION_MESSAGE_H
#define TOCSIN_REMOTE_COMPLETION_MESSAGE_H

#include "base/inbox.h"
#include "delivery/emit.h"

struct tocsin__completion_message {
    struct tocsin__pending pending; /* must be the first member; used if the emission becomes
                                     * pending on the other loop */
    struct tocsin__node node;
    struct tocsin__loop *from, *to;
    struct tocsin__completion_message
        *next;                 /* next in from->remote.completions, until the message is sent */
    struct tocsin__info *info; /* the info of the end; once the message is sent, it has a reference
                                * to the info */
};

/* Makes a message for each other loop that listens, and links the messages into
   loop->remote.completions. Returns 0; or -ENOMEM if there is no memory, and then no message was
   made. */
int tocsin__completion_messages_make(struct tocsin__loop *loop, struct tocsin__signal *signal);

/* Sends the messages that were made, and returns their number. If `local` is true, this loop
   delivers the end, too. */
int tocsin__completion_messages_send(struct tocsin__loop *loop, struct tocsin__info *info,
                                     bool local);

/* Frees the messages that were made but not sent. */
void tocsin__completion_messages_drop(struct tocsin__loop *loop);

/* Returns true if another message may be sent: not too many messages are on their way, or no other
   loop has a handler for this signal. */
bool tocsin__completion_messages_have_room(struct tocsin__loop *loop,
                                           struct tocsin__signal *signal);

#endif
