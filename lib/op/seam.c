/* The end of an operation at the seam of interposers (tocsin/interpose.h): it may be held up, or be another one. */
#include "core/seam.h"
#include "op/op.h"

struct tocsin__held_up { struct tocsin__timer timer; struct tocsin__op *op; bool behind; };

static void become(struct tocsin__op *op, int status)
{
    op->status = status;
    op->info.seen.payload = op->empty;
}

void tocsin__op_let_go(struct tocsin__op *op)
{
    struct tocsin__held_up *held = op->held_up;

    if (!held)
        return;
    tocsin__timer_disarm(op->engine, &held->timer);
    op->held_up = NULL;
    tocsin__ops(op->engine)->behind -= held->behind;
    tocsin__release(held);
}

static void go(struct tocsin__op *op)
{
    tocsin__op_let_go(op);
    tocsin__ready(op->engine, &op->end_node);
}

static void on_due(struct tocsin__timer *timer)
{
    go(tocsin__container(timer, struct tocsin__held_up, timer)->op);
}

void tocsin__op_end_held(struct tocsin__op *op, int reason)
{
    become(op, reason);
    go(op);
}

/* That whose end waits for another end of this signal. */
static struct tocsin__op *behind(const struct tocsin__ops *ops, int signo)
{
    struct tocsin__op *op = ops->behind ? ops->running : NULL;

    while (op && !(op->held_up && op->held_up->behind && op->kind->done == signo))
        op = op->next;
    return op;
}

/* Without memory for it, it is not held up. No thread of ours ends it any more: it has. */
static bool hold_up(struct tocsin__op *op, const struct tocsin_verdict *verdict)
{
    struct tocsin__held_up *held = tocsin__alloc(sizeof *held);

    if (!held)
        return false;
    held->op = op;
    held->behind = verdict->behind;
    held->timer.fire = on_due;
    op->held_up = held;
    tocsin__ops(op->engine)->behind += held->behind;
    op->engine->tenant->threads -= op->threaded;
    op->threaded = false;
    tocsin__timer_arm(op->engine, &held->timer, tocsin__due_in(op->engine, verdict->delay_ms));
    return true;
}

static struct tocsin_verdict ask(const struct tocsin__op *op)
{
    return tocsin__cross(&(struct tocsin_crossing){
        .seam = TOCSIN_SEAM_END, .signo = op->kind->done, .name = tocsin__signal(op->kind->done)->name, .code = TOCSIN_DONE, .status = op->status,
        .source = { op->source.id },
    });
}

bool tocsin__op_holds_up(struct tocsin__op *op)
{
    struct tocsin_verdict verdict;
    struct tocsin__op *overtaken;

    if (op->crossed || op->ending || op->engine->loop->freeing)
        return false;
    op->crossed = true;
    verdict = ask(op);
    overtaken = behind(tocsin__ops(op->engine), op->kind->done);
    if (verdict.error)
        become(op, verdict.error);
    if (verdict.delay_ms && !(verdict.behind && overtaken) && hold_up(op, &verdict))
        return true;
    if (overtaken)
        go(overtaken);
    return false;
}
