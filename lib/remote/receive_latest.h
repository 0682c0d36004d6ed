/* The coalescing cells of a loop. The loop's own thread. */
#ifndef TOCSIN_REMOTE_RECEIVE_LATEST_H
#define TOCSIN_REMOTE_RECEIVE_LATEST_H

#include "base/inbox.h"

/* The run function of the node of a coalescing cell: delivers the message. */
void tocsin__receive_latest(struct tocsin__node *node);

#endif
