/* A paused operation may wait until another loop has room, or has a handler.
 *
 * For room, the waiting loop pushes a node into the inbox of the full loop. The node runs there
 * after everything that is in the inbox, and is pushed back. If the pending emissions of the signal
 * are at their limit on that loop, the node stays there until they are below it. */
#ifndef TOCSIN_REMOTE_ROOM_H
#define TOCSIN_REMOTE_ROOM_H

#include "base/inbox.h"
#include "delivery/loop.h"

/* Requests that loop resumes its paused operations when the loop other has room for this signal.
 * Each loop has at most one such request at a time. */
void tocsin__room_request(struct tocsin__loop *loop, struct tocsin__loop *other, int signo);

/* Sends the requests that wait on this loop back. */
void tocsin__room_check(struct tocsin__loop *loop);

/* Another loop has begun to listen: this loop must resume its paused operations. Any thread. */
void tocsin__news_send(struct tocsin__loop *loop);

/* Whether a turn that runs this node has done work. The nodes of this file do not count. */
bool tocsin__room_counts_node(const struct tocsin__node *node);

#endif
