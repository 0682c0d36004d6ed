/* Fibers: stacks that a wait leaves. The loop resumes them between deliveries, at rest (W2). */
#ifndef TOCSIN_STYLE_FIBER_H
#define TOCSIN_STYLE_FIBER_H

#include <tocsin/fiber.h>

#include "loop/engine.h"

struct tocsin__fiber;
struct tocsin__op;

/* The fiber whose stack the caller is on; NULL: none, or a handler runs on that stack. */
struct tocsin__fiber *tocsin__fiber_running(const struct tocsin__engine *engine);

/* Leaves the running fiber until tocsin__fiber_resume. If the fiber is cancelled meanwhile,
   waits_for is cancelled too; if that is NULL, the fiber is resumed. Returns 0 or -ECANCELED. */
int tocsin__fiber_suspend(struct tocsin__fiber *fiber, struct tocsin__op *waits_for);
/* Puts a suspended fiber on the ready list, once for each suspend. */
void tocsin__fiber_resume(struct tocsin__fiber *fiber);
bool tocsin__fiber_is_cancelled(const struct tocsin__fiber *fiber);
/* Whether op is the fiber itself, or a fiber that waits for it, directly or not. */
bool tocsin__fiber_is_awaited(const struct tocsin__fiber *fiber, const struct tocsin__op *op);

#endif
