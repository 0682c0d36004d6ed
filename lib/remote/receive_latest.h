/* Receives from the latest cells of a loop. Only the loop's own thread calls this. */
#ifndef TOCSIN_REMOTE_RECEIVE_LATEST_H
#define TOCSIN_REMOTE_RECEIVE_LATEST_H

#include "base/inbox.h"

/* The run function of the node of a latest cell. It delivers the newest message of the cell. */
void tocsin__receive_latest(struct tocsin__node *node);

#endif
