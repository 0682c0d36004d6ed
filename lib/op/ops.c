/* The operations of one loop, and what the loop asks of them when it drains and ends. */
#include "core/catalogue.h"
#include "core/owner.h"
#include "op/op.h"
#include "op/pool.h"

/* Types */

static const struct tocsin_op_type by_hand;            /* stands for NULL */

static int declare_all(const struct tocsin_op_type *type, struct tocsin__kind *kind)
{
    kind->done = tocsin_declare(type == &by_hand ? &tocsin__op_done_spec : type->done);
    if (kind->done < 0)
        return kind->done;
    for (int i = 0; i < 4 && type->progress[i]; i++) {
        kind->progress[i] = tocsin_declare(type->progress[i]);
        if (kind->progress[i] < 0)
            return kind->progress[i];
    }
    return 0;
}

static int type_check(const struct tocsin_op_type *type)
{
    if (!type->done || type->flags & ~(unsigned)(TOCSIN_STANDING | TOCSIN__OWN | TOCSIN__GATHERS) || type->state_size > SIZE_MAX / 4 || type->done->kind == TOCSIN_DIRECT)
        return -EINVAL;
    return type->spare[0] || type->spare[1] || type->spare[2] || type->spare[3] ? -EINVAL : 0;
}

static int kind_new(struct tocsin__ops *ops, const struct tocsin_op_type *type, struct tocsin__kind **ret_kind)
{
    struct tocsin__kind *kind;
    int err = type == &by_hand ? 0 : type_check(type);

    if (err < 0)
        return err;
    kind = tocsin__alloc(sizeof *kind);
    err = kind ? declare_all(type, kind) : -ENOMEM;
    if (err < 0) {
        tocsin__release(kind);
        return err;
    }
    kind->type = type;
    kind->next = ops->kinds;
    ops->kinds = kind;
    *ret_kind = kind;
    return 0;
}

int tocsin__kind_of(struct tocsin__ops *ops, const struct tocsin_op_type *type, struct tocsin__kind **ret_kind)
{
    if (!type)
        type = &by_hand;
    for (struct tocsin__kind **link = &ops->kinds; *link; link = &(*link)->next)
        if ((*link)->type == type) {
            struct tocsin__kind *kind = *link;

            *link = kind->next;                        /* to the front: the types in use are few */
            kind->next = ops->kinds;
            ops->kinds = kind;
            *ret_kind = kind;
            return 0;
        }
    return kind_new(ops, type, ret_kind);
}

void tocsin__kinds_forget(struct tocsin__ops *ops, const struct tocsin__owner *owner)
{
    for (struct tocsin__kind **link = &ops->kinds; *link;) {
        struct tocsin__kind *kind = *link;

        if (!tocsin__owner_has(owner, kind->type)) {
            link = &kind->next;
            continue;
        }
        *link = kind->next;
        tocsin__release(kind);
    }
}

/* For the loop */

static void drain(struct tocsin__tenant *tenant)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)tenant;

    for (struct tocsin__op *op = ops->running, *next; op; op = next) {
        next = op->next;
        if (op->standing && !op->serving)
            tocsin__op_end(op, -ECANCELED);
    }
}

static void cancel(struct tocsin__tenant *tenant, bool serving)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)tenant;

    for (struct tocsin__op *op = ops->running, *next; op; op = next) {
        next = op->next;
        if (op->serving != serving || op->never)
            continue;
        if (op->phase == TOCSIN__MADE)
            tocsin__op_started(op, -ECANCELED, NULL);  /* never started: it never was */
        else
            tocsin__op_end(op, -ECANCELED);
    }
}

/* Those whose result was promised to somebody wait for whoever takes it now; what was to be called with it is not. */
static void kept_forget(struct tocsin__ops *ops)
{
    for (struct tocsin__op *op = ops->kept, *next; op; op = next) {
        next = op->next;
        op->waiter = NULL;
        if (!(op->notify.how & TOCSIN_KEEP))
            tocsin__op_gone(op);
    }
}

static void forget(struct tocsin__tenant *tenant)
{
    struct tocsin__ops *ops = (struct tocsin__ops *)tenant;

    if (ops->queues_forget)
        ops->queues_forget(ops);
    kept_forget(ops);
    while (ops->running)
        tocsin__op_forget(ops->running);
    tenant->threads = 0;
    ops->resume_wanted = false;
}

static void ops_last(struct tocsin__last *last, struct tocsin__engine *engine)
{
    struct tocsin__ops *ops = tocsin__container(last, struct tocsin__ops, last);

    if (ops->queues_close)
        ops->queues_close(ops);
    while (ops->kept)
        tocsin__op_gone(ops->kept);
    while (ops->kinds) {
        struct tocsin__kind *kind = ops->kinds;

        ops->kinds = kind->next;
        tocsin__release(kind);
    }
    engine->tenant = NULL;
    tocsin__release(ops);
    tocsin__pools_rest();
}

int tocsin__ops_make(struct tocsin__engine *engine)
{
    struct tocsin__ops *ops;

    if (engine->tenant)
        return 0;
    ops = tocsin__alloc(sizeof *ops);
    if (!ops)
        return -ENOMEM;
    ops->tenant = (struct tocsin__tenant){ .resumable = tocsin__resumable, .resume = tocsin__resume, .drain = drain, .cancel = cancel, .forget = forget };
    ops->engine = engine;
    ops->last.run = ops_last;
    tocsin__pools_use();
    engine->tenant = &ops->tenant;
    tocsin__engine_last(engine, &ops->last);
    return 0;
}
