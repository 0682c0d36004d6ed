/* The ready list of a loop. Callbacks of libevent and of providers only put a node on this list
   (E16). A turn runs the nodes after libevent has returned. */
#ifndef TOCSIN_LOOP_READY_H
#define TOCSIN_LOOP_READY_H

#include "loop/polled.h"

/* Puts a node on the list. Only the loop's own thread calls this. The next turn runs the node, or
   the present turn if it has not taken the list yet. */
static inline void tocsin__ready_push(struct tocsin__engine *engine, struct tocsin__node *node)
{
    tocsin__assert(!*engine->ready_last);
    node->next = NULL;
    *engine->ready_last = node;
    engine->ready_last = &node->next;
    tocsin__polled_update(engine);
}

/* Runs the nodes that are on the list now. Nodes that are pushed meanwhile wait for the next turn
   (T5). Returns the number of nodes that ran. */
int tocsin__ready_run(struct tocsin__engine *engine);

#endif
