/* Injectors (tocsin/inject.h) may delay the end of an operation, or change its status. */
#include "loop/ready.h"
#include "loop/clock.h"
#include "base/assert.h"
#include "remote/inject.h"
#include "op/complete.h"
#include "op/inject.h"
#include "op/lifecycle.h"

struct tocsin__delay {
    struct tocsin__timer timer;
    struct tocsin__op *op;
    bool behind; /* the delay also ends when another end of the same signal has been delivered */
};

static void delay_set_status(struct tocsin__op *op, int status)
{
    op->status = status;
    tocsin__op_payload_free(op);
    op->run.payload = tocsin__op_empty_payload(op);
}

void tocsin__op_delay_free(struct tocsin__op *op)
{
    struct tocsin__delay *delay = tocsin__op_delay(op);

    if (!delay)
        return;
    tocsin__timer_disarm(tocsin__op_engine(op), &delay->timer);
    op->rare->delay = NULL;
    tocsin__ops(tocsin__op_engine(op))->behind -= delay->behind;
    tocsin__release(delay);
}

static void delay_finish(struct tocsin__op *op)
{
    tocsin__op_delay_free(op);
    tocsin__op_set_phase(op, TOCSIN__OP_COMPLETED);
    tocsin__op_push_end(op);
}

static void on_delay_due(struct tocsin__timer *timer)
{
    delay_finish(tocsin__container(timer, struct tocsin__delay, timer)->op);
}

void tocsin__op_delay_end(struct tocsin__op *op, int reason)
{
    delay_set_status(op, reason);
    delay_finish(op);
}

/* Finds an operation whose delayed end waits until another end of this signal is delivered. NULL:
 * none. */
static struct tocsin__op *delay_find_behind(const struct tocsin__ops *ops, int signo)
{
    struct tocsin__op *op = NULL;
    uint64_t id = 0;

    while (ops->behind && (op = tocsin__ops_listed_after(ops, &id)))
        if (tocsin__op_delay(op) && tocsin__op_delay(op)->behind && op->kind->done == signo)
            return op;
    return NULL;
}

/* Starts the delay. Returns false if there is no memory: then the end is not delayed. */
static bool delay_start(struct tocsin__op *op, const struct tocsin_inject_action *action)
{
    struct tocsin__op_rare *rare = tocsin__op_rare(op);
    struct tocsin__delay *delay = rare ? tocsin__alloc(sizeof *delay) : NULL;

    if (!delay)
        return false;
    delay->op = op;
    delay->behind = action->behind;
    delay->timer.fire = on_delay_due;
    tocsin__assert(!rare->delay);
    rare->delay = delay;
    tocsin__ops(tocsin__op_engine(op))->behind += delay->behind;
    tocsin__op_set_phase(op, TOCSIN__OP_DELAYED);
    tocsin__timer_arm(tocsin__op_engine(op), &delay->timer,
                      tocsin__due_in(tocsin__op_engine(op), action->delay_ms));
    return true;
}

static struct tocsin_inject_action injectors_ask(const struct tocsin__op *op)
{
    return tocsin__inject_ask(&(struct tocsin_inject_event){
        .point = TOCSIN_INJECT_COMPLETION,
        .signo = op->kind->done,
        .name = tocsin__signal(op->kind->done)->name,
        .code = TOCSIN_DONE,
        .status = op->status,
        .source = { op->source.id },
    });
}

bool tocsin__op_inject_delay(struct tocsin__op *op)
{
    struct tocsin_inject_action action;
    struct tocsin__op *overtaken;

    if (op->no_inject || tocsin__op_engine(op)->loop->life.exempt ||
        tocsin__op_engine(op)->loop->life.freeing)
        return false;
    tocsin__op_set_phase(op, TOCSIN__OP_COMPLETED);
    action = injectors_ask(op);
    overtaken = delay_find_behind(tocsin__ops(tocsin__op_engine(op)), op->kind->done);
    if (action.error)
        delay_set_status(op, action.error);
    if (action.delay_ms && !(action.behind && overtaken) && delay_start(op, &action))
        return true;
    if (overtaken)
        delay_finish(overtaken);
    return false;
}
