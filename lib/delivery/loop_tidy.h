/* Frees what waited for the loop to be at rest, and, when the loop ends, everything that the loop
   has. */
#ifndef TOCSIN_DELIVERY_LOOP_TIDY_H
#define TOCSIN_DELIVERY_LOOP_TIDY_H

struct tocsin__loop;

/* Frees what waited for the loop to be at rest. This calls drop functions, and these may call the
   library. */
void tocsin__loop_tidy(struct tocsin__loop *loop);
/* Frees all pending emissions. The caller still has the engine of the loop. */
void tocsin__loop_unpend(struct tocsin__loop *loop);
/* Disconnects all handlers, and frees sources, rules and signals. */
void tocsin__loop_clear(struct tocsin__loop *loop);

#endif
