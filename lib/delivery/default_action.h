#ifndef TOCSIN_DELIVERY_DEFAULT_ACTION_H
#define TOCSIN_DELIVERY_DEFAULT_ACTION_H

#include "delivery/loop.h"

/* Takes the default action of the signal immediately, on this loop. */
void tocsin__default_action(struct tocsin__loop *loop, struct tocsin__signal *signal,
                            struct tocsin_info *info);

/* Called when this loop has delivered its copy of an emission. `result` is the result of this
 * delivery. If no loop handled the emission, takes the default action, on this loop or on the main
 * loop. */
void tocsin__default_action_if_unhandled(struct tocsin__loop *loop, struct tocsin__signal *signal,
                                         struct tocsin__info *info, int result);

#endif
