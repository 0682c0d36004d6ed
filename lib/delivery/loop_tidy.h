/* Freeing: what waited for the loop to be at rest, and all that a loop has when it ends. */
#ifndef TOCSIN_DELIVERY_LOOP_TIDY_H
#define TOCSIN_DELIVERY_LOOP_TIDY_H

struct tocsin__loop;

/* Frees what waited for the loop to be at rest. Drops are called, and may do anything. */
void tocsin__loop_tidy(struct tocsin__loop *loop);
/* Frees all pending emissions, while the loop still has an engine. */
void tocsin__loop_unpend(struct tocsin__loop *loop);
/* Disconnects all handlers, and frees sources, rules and signals. */
void tocsin__loop_clear(struct tocsin__loop *loop);

#endif
