/* Frees memory of a loop: parts of it when the loop is at rest (no handler, notify or drop is on
 * its stack), and everything when the loop ends. */
#ifndef TOCSIN_DELIVERY_LOOP_TIDY_H
#define TOCSIN_DELIVERY_LOOP_TIDY_H

struct tocsin__loop;

/* Frees the memory that must not be freed before the loop is at rest. This calls drop functions,
 * which may call the library. */
void tocsin__loop_tidy(struct tocsin__loop *loop);
/* Frees all pending emissions. The caller still has the engine of the loop. */
void tocsin__loop_unpend(struct tocsin__loop *loop);
/* Disconnects all handlers, and frees sources, rules and signals. */
void tocsin__loop_clear(struct tocsin__loop *loop);

#endif
