/* A fiber as an operation: it runs a task on a stack of its own. stack.c switches the stacks. */
/* The longjmp of _FORTIFY_SOURCE reports an error if the target is on another stack. */
#undef _FORTIFY_SOURCE
#include <signal.h>
#include <unistd.h>

#include "delivery/context.h"
#include "delivery/hooks.h"
#include "registry/catalogue.h"
#include "base/assert.h"
#include "base/refusal.h"
#include "loop/clock.h"
#include "loop/ready.h"
#include "loop/turn.h"
#include "op/cancel.h"
#include "op/complete.h"
#include "op/op.h"
#include "op/op_owner.h"
#include "style/fiber.h"
#include "style/fiber_call.h"
#include "style/stack.h"

enum {
    STACKS_KEPT = 64,          /* the most unused stacks that a loop keeps for its next fibers */
    HANDLERS_STACK = 16 * 1024 /* size of the stack for real signal handlers, besides the frame that
                                * the kernel needs */
};

struct tocsin__fiber { /* The state of the operation. */
    struct tocsin_fiber_done done;
    struct tocsin__op *op;
    struct tocsin__stack *stack;
    /* node on the ready list, pushed when the fiber is to be resumed */
    struct tocsin__node node;
    struct tocsin__op *waits_for; /* the operation that the suspended fiber waits for; NULL: none */
    bool suspended;               /* the fiber waits, and its stack is not in use */
    bool resuming;                /* the node is on the ready list */
    bool cancelled;               /* cancelled: every wait returns -ECANCELED from now on */
    bool returned;                /* the task has returned */
    tocsin_task task;             /* NULL: the fiber runs call.fn */
    void *arg;
    struct tocsin__fiber_call call;
    int status;
    int64_t began_us;
    uint64_t parent; /* sequence number of the parent of the fiber's emissions (E15) */
};

struct tocsin__fibers { /* The fibers of one loop, and the stacks that it keeps for new ones. */
    struct tocsin__cleanup last;
    struct tocsin__stack *stacks;
    int stacks_count;
    /* the alternate stack for real signal handlers; NULL: the thread already had one */
    void *handlers_stack;
};

/* Stacks */

static size_t handlers_stack_size(void)
{
#ifdef _SC_SIGSTKSZ
    return (size_t)sysconf(_SC_SIGSTKSZ); /* this size depends on the registers that the processor
                                           * has */
#else
    return SIGSTKSZ;
#endif
}

/* Sets an alternate stack for real signal handlers, since the stack of a fiber may be nearly
 * full. */
static int handlers_stack_make(struct tocsin__fibers *fibers)
{
    stack_t stack = { .ss_size = handlers_stack_size() + HANDLERS_STACK }, was;

    if (sigaltstack(NULL, &was) < 0 || !(was.ss_flags & SS_DISABLE))
        return 0;
    stack.ss_sp = tocsin__alloc(stack.ss_size);
    if (!stack.ss_sp || tocsin__fault() || sigaltstack(&stack, NULL) < 0) {
        tocsin__release(stack.ss_sp);
        return -ENOMEM;
    }
    fibers->handlers_stack = stack.ss_sp;
    return 0;
}

static void handlers_stack_end(struct tocsin__fibers *fibers)
{
    const stack_t none = { .ss_flags = SS_DISABLE };
    stack_t now;

    if (fibers->handlers_stack && sigaltstack(NULL, &now) == 0 &&
        now.ss_sp == fibers->handlers_stack)
        sigaltstack(&none, NULL);
    tocsin__release(fibers->handlers_stack);
}

static void fibers_free(struct tocsin__cleanup *last, struct tocsin__engine *engine)
{
    struct tocsin__fibers *fibers = tocsin__container(last, struct tocsin__fibers, last);

    while (fibers->stacks) {
        struct tocsin__stack *stack = fibers->stacks;

        fibers->stacks = stack->next;
        tocsin__stack_close(stack);
        tocsin__release(stack);
    }
    engine->fibers = NULL;
    handlers_stack_end(fibers);
    tocsin__release(fibers);
}

/* The task, or a handler that ran on the fiber's stack, has jumped (longjmp) to another stack. The
 * fiber ends. */
static void fiber_left(struct tocsin__engine *engine)
{
    struct tocsin__fiber *fiber = engine->fiber;

    engine->fiber = NULL;
    engine->loop->stack.fiber_low = engine->loop->stack.fiber_high = NULL;
    tocsin__fiber_call_end(&fiber->call, -ECANCELED);
    tocsin__op_complete(fiber->op, -ECANCELED, &fiber->done.tocsin);
}

static int fibers_make(struct tocsin__engine *engine)
{
    struct tocsin__fibers *fibers;

    if (engine->fibers)
        return 0;
    fibers = tocsin__alloc(sizeof *fibers);
    if (!fibers || handlers_stack_make(fibers) < 0) {
        tocsin__release(fibers);
        return -ENOMEM;
    }
    fibers->last.run = fibers_free;
    engine->fiber_left = fiber_left;
    engine->fibers = fibers;
    tocsin__engine_add_cleanup(engine, &fibers->last);
    return 0;
}

static struct tocsin__stack *stack_take(struct tocsin__fibers *fibers)
{
    struct tocsin__stack *stack = fibers->stacks;

    if (stack) {
        fibers->stacks = stack->next;
        fibers->stacks_count--;
        return stack;
    }
    stack = tocsin__alloc(sizeof *stack);
    if (stack && tocsin__stack_open(stack) < 0) {
        tocsin__release(stack);
        stack = NULL;
    }
    return stack;
}

static void stack_keep(struct tocsin__fibers *fibers, struct tocsin__stack *stack)
{
    if (fibers->stacks_count == STACKS_KEPT) {
        tocsin__stack_close(stack);
        tocsin__release(stack);
        return;
    }
    stack->next = fibers->stacks;
    fibers->stacks = stack;
    fibers->stacks_count++;
}

/* Running */

static void fiber_main(void *arg)
{
    struct tocsin__fiber *fiber = arg;

    fiber->status = fiber->task ? fiber->task(fiber->arg)
                                : fiber->call.fn(fiber->call.info, fiber->arg);
    fiber->returned = true;
}

static void fiber_end(struct tocsin__fiber *fiber)
{
    struct tocsin__engine *engine = tocsin__op_engine(fiber->op);

    stack_keep(engine->fibers, fiber->stack);
    fiber->stack = NULL;
    tocsin__fiber_call_end(&fiber->call, fiber->status);
    fiber->done.total_us = tocsin__now(engine) - fiber->began_us;
    fiber->op->fiber_returned = true;
    tocsin__op_complete(fiber->op, fiber->status, &fiber->done.tocsin);
}

static const void *fiber_code(const struct tocsin__fiber *fiber)
{
    return fiber->task ? (const void *)fiber->task : (const void *)fiber->call.fn;
}

static void on_fiber_resume(struct tocsin__node *node)
{
    struct tocsin__fiber *fiber = tocsin__container(node, struct tocsin__fiber, node);
    struct tocsin__engine *engine = tocsin__op_engine(fiber->op);
    struct tocsin__loop *loop = engine->loop;
    uint64_t parent = loop->parent;
    struct tocsin__context was;

    if (loop->life.thread_ended)
        return;
    tocsin__assert(fiber->stack && fiber->resuming && !fiber->returned && !engine->fiber);
    fiber->suspended = fiber->resuming = false;
    fiber->waits_for = NULL;
    tocsin__set_parent(loop, fiber->parent);
    was = tocsin__context_enter(loop, (struct tocsin__activity){ fiber_code(fiber),
                                                                 tocsin__fiber_done_spec.name,
                                                                 fiber->op->source.id });
    engine->fiber = fiber;
    loop->stack.fiber_low = fiber->stack->low;
    loop->stack.fiber_high = fiber->stack->low + fiber->stack->size;
    tocsin__stack_enter(fiber->stack);
    loop->stack.fiber_low = loop->stack.fiber_high = NULL;
    engine->fiber = NULL;
    fiber->parent = loop->parent;
    tocsin__set_parent(loop, parent);
    tocsin__context_restore(loop, &was);
    if (fiber->returned)
        fiber_end(fiber);
    tocsin__tidy_at_rest(loop);
}

struct tocsin__fiber *tocsin__fiber_running(const struct tocsin__engine *engine)
{
    return tocsin__at_rest(engine->loop) ? engine->fiber : NULL;
}

int tocsin__fiber_suspend(struct tocsin__fiber *fiber, struct tocsin__op *waits_for)
{
    fiber->suspended = true;
    fiber->waits_for = waits_for;
    fiber->done.suspended++;
    tocsin__stack_leave(fiber->stack);
    return fiber->cancelled ? -ECANCELED : 0;
}

void tocsin__fiber_resume(struct tocsin__fiber *fiber)
{
    if (fiber->resuming)
        return;
    fiber->resuming = true;
    tocsin__ready_push(tocsin__op_engine(fiber->op), &fiber->node);
}

bool tocsin__fiber_is_cancelled(const struct tocsin__fiber *fiber)
{
    return fiber->cancelled;
}

int tocsin_yield(void)
{
    struct tocsin__engine *engine = tocsin__self->engine;
    struct tocsin__fiber *fiber;

    tocsin__check_jump();
    fiber = engine ? tocsin__fiber_running(engine) : NULL;
    if (tocsin__inherited(tocsin__self))
        return tocsin__traced(-EOWNERDEAD);
    if (!fiber)
        return tocsin__traced(-EDEADLK);
    if (fiber->cancelled)
        return -ECANCELED;
    tocsin__fiber_resume(fiber);
    return tocsin__fiber_suspend(fiber, NULL);
}

/* As an operation */

/* Cancels a fiber: its current wait and all later waits return -ECANCELED. The fiber still ends
 * with the status that its task returns. */
static int fiber_cancel(struct tocsin_op op, void *state, int reason)
{
    struct tocsin__fiber *fiber = state;

    (void)op;
    fiber->cancelled = true;
    /* the thread has ended (T6): the fiber is not resumed, and fiber_drop unmaps its stack */
    if (tocsin__op_engine(fiber->op)->loop->life.thread_ended)
        tocsin__op_complete(fiber->op, reason, &fiber->done.tocsin);
    else if (fiber->waits_for)
        tocsin__op_end(fiber->waits_for, -ECANCELED);
    else if (fiber->suspended)
        tocsin__fiber_resume(fiber);
    return 0;
}

/* A fiber that never returned still has its stack. This happens when its thread ended (T6), and in
 * the child of a fork (T8). */
static void fiber_drop(void *state)
{
    struct tocsin__fiber *fiber = state;

    if (!fiber->stack)
        return;
    tocsin__stack_close(fiber->stack);
    tocsin__release(fiber->stack);
}

static void fiber_disarm(void *state)
{
    tocsin__fiber_call_forget(&((struct tocsin__fiber *)state)->call);
}

static const struct tocsin__own_type fiber_type = {
    .type = { .done = &tocsin__fiber_done_spec,
              .state_size = sizeof(struct tocsin__fiber),
              .cancel = fiber_cancel,
              .drop = fiber_drop,
              .flags = TOCSIN__OWN | TOCSIN__DISARMS | TOCSIN__FIBERS << TOCSIN__COUNTED },
    .disarm = fiber_disarm,
};

bool tocsin__fiber_is_awaited(const struct tocsin__fiber *fiber, const struct tocsin__op *op)
{
    while (op && tocsin__op_type(op) == &fiber_type.type && op != fiber->op)
        op = ((const struct tocsin__fiber *)op->state)->waits_for;
    return op == fiber->op;
}

static int fiber_start(struct tocsin__op *op, void *arg)
{
    struct tocsin__fiber *fiber = (struct tocsin__fiber *)op->state;

    if (fibers_make(tocsin__op_engine(op)) < 0)
        return -ENOMEM;
    fiber->stack = stack_take(tocsin__op_engine(op)->fibers);
    if (!fiber->stack)
        return -ENOMEM;
    tocsin__op_set_owner(op, fiber_code(fiber));
    fiber->op = op;
    fiber->done = tocsin_fiber_done_make();
    fiber->node.run = on_fiber_resume;
    fiber->arg = arg;
    fiber->parent = op->run.parent;
    fiber->began_us = tocsin__now(tocsin__op_engine(op));
    tocsin__stack_set(fiber->stack, fiber_main, fiber);
    tocsin__fiber_resume(fiber);
    return 0;
}

int tocsin_spawn(tocsin_task task, void *arg, const struct tocsin_notify *notify,
                 struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = task ? tocsin__op_new(&fiber_type.type, notify, &op) : -EINVAL;

    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_op));
    ((struct tocsin__fiber *)op->state)->task = task;
    return tocsin__traced(tocsin__op_started(op, fiber_start(op, arg), ret_op));
}

/* Calls of handlers and notifies */

static void on_served_failed(struct tocsin__dependent *dependent)
{
    struct tocsin__fiber *fiber = tocsin__container(dependent, struct tocsin__fiber,
                                                    call.dependent);

    tocsin__op_end(fiber->op, -ECANCELED);
}

static int fiber_call(const struct tocsin_info *info, tocsin_fn fn, void *arg,
                      struct tocsin__handler *handler)
{
    struct tocsin__fiber *fiber;
    struct tocsin__op *op;
    int err = tocsin__op_new(&fiber_type.type, NULL, &op);

    if (err < 0)
        return err;
    fiber = (struct tocsin__fiber *)op->state;
    fiber->op = op;
    fiber->call.dependent.failed = on_served_failed;
    err = tocsin__fiber_call_begin(&fiber->call, info, fn, handler);
    return tocsin__op_started(op, err < 0 ? err : fiber_start(op, arg), NULL);
}

static __attribute__((constructor)) void fiber_register(void)
{
    tocsin__hooks.fiber_call = fiber_call;
}
