/* Delivers and drops messages of an inbox, on the loop's own thread. A message contains a payload
   (inline), a reference to a counted info (shared), or a task. */
#ifndef TOCSIN_REMOTE_MESSAGE_H
#define TOCSIN_REMOTE_MESSAGE_H

#include "base/inbox.h"
#include "delivery/emit.h"

/* Delivers a message. Returns false if there is no memory. Then the message and all messages behind
   it must stay in the inbox. */
bool tocsin__message_deliver(struct tocsin__loop *loop, struct tocsin__message *message);

/* Returns a copy of the emission, for tocsin__message_deliver_late, or NULL if there is no
   memory. */
struct tocsin__info *tocsin__message_copy(struct tocsin__loop *loop,
                                          const struct tocsin__message *message);

/* Delivers a copy that tocsin__message_copy has made, and releases its reference. Returns false if
 * there is no memory; then nothing has been done. */
bool tocsin__message_deliver_late(struct tocsin__loop *loop, struct tocsin__info *info);

/* Calls the task, then the drop function of its argument. */
void tocsin__message_run_task(struct tocsin__loop *loop, struct tocsin__message *message);

/* Does not call the task, but calls the drop function of its argument. */
void tocsin__message_drop_task(const struct tocsin__message *message);

/* Releases the info or the task of the message, without delivering it. */
void tocsin__message_drop(const struct tocsin__message *message);

#endif
