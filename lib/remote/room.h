/* A paused operation may wait until another loop has room, or has a handler.
 *
 * To wait for room, the loop pushes a node into the inbox of the full loop. On the full loop, the
 * node runs after everything that is in the inbox, and is pushed back. If the pending emissions of
 * the signal are at their limit on the full loop, the node stays there until they are below the
 * limit. */
#ifndef TOCSIN_REMOTE_ROOM_H
#define TOCSIN_REMOTE_ROOM_H

#include "base/inbox.h"
#include "delivery/loop.h"

/* Requests that `loop` resumes its paused operations when the loop `other` has room for this
   signal. Each loop has at most one such request at a time. */
void tocsin__room_request(struct tocsin__loop *loop, struct tocsin__loop *other, int signo);

/* Sends back the requests of other loops that wait on this loop. */
void tocsin__room_check(struct tocsin__loop *loop);

/* Called when a handler has been connected on another loop. This loop must resume its paused
 * operations. Any thread may call this. */
void tocsin__news_send(struct tocsin__loop *loop);

/* Returns true if running this node counts as work of the turn. The nodes of this file do not
 * count. */
bool tocsin__room_counts_node(const struct tocsin__node *node);

#endif
