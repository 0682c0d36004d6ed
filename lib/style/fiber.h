/* Fibers: stacks that a wait leaves and the loop comes back to, at rest, between deliveries (W2). */
#ifndef TOCSIN_STYLE_FIBER_H
#define TOCSIN_STYLE_FIBER_H

#include <tocsin/fiber.h>

#include "loop/engine.h"

struct tocsin__fiber;
struct tocsin__op;

struct tocsin__fiber *tocsin__fiber_running(const struct tocsin__engine *engine);     /* NULL: none, or a handler runs on its stack */

/* Leaves the running fiber until tocsin__fiber_resume; its cancellation ends the operation it waits for (NULL: none), or calls it off: 0 or
   -ECANCELED. */
int  tocsin__fiber_suspend(struct tocsin__fiber *fiber, struct tocsin__op *waits_for);
void tocsin__fiber_resume(struct tocsin__fiber *fiber);          /* soon, from the loop; once for each suspend */
bool tocsin__fiber_cancelled(const struct tocsin__fiber *fiber);
bool tocsin__fiber_awaited(const struct tocsin__fiber *fiber, const struct tocsin__op *op);     /* op is it, or a fiber that waits for it */

#endif
