/* Fibers: tasks with their own stacks. A wait in a fiber leaves its stack. The loop resumes the
 * fiber later, between deliveries, when no handler is on the loop's stack (W2). */
#ifndef TOCSIN_STYLE_FIBER_H
#define TOCSIN_STYLE_FIBER_H

#include <tocsin/fiber.h>

#include "loop/engine.h"

struct tocsin__fiber;
struct tocsin__op;

/* The fiber that runs. NULL: no fiber runs, or a handler runs on the stack of the fiber. */
struct tocsin__fiber *tocsin__fiber_running(const struct tocsin__engine *engine);

/* Leaves the stack of the running fiber until tocsin__fiber_resume is called. If the fiber is
 * cancelled meanwhile, waits_for is cancelled too. If waits_for is NULL, a cancelled fiber is
 * resumed at once. Returns 0 or -ECANCELED. */
int tocsin__fiber_suspend(struct tocsin__fiber *fiber, struct tocsin__op *waits_for);
/* Puts a suspended fiber on the ready list. Further calls do nothing until it is suspended
 * again. */
void tocsin__fiber_resume(struct tocsin__fiber *fiber);
bool tocsin__fiber_is_cancelled(const struct tocsin__fiber *fiber);
/* Whether op is the operation of this fiber, or of a fiber that waits for it, directly or through
 * others. */
bool tocsin__fiber_is_awaited(const struct tocsin__fiber *fiber, const struct tocsin__op *op);

#endif
