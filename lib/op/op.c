/* Creates and starts an operation. Then complete.c completes it on any thread, end.c delivers its
 * end, and lifecycle.c changes its phase. */
#include <tocsin/inspect.h>

#include "base/refusal.h"
#include "registry/layout.h"
#include "registry/owner.h"
#include "loop/ready.h"
#include "op/cancel.h"
#include "op/complete.h"
#include "op/end.h"
#include "op/lifecycle.h"
#include "op/notify.h"
#include "op/op.h"
#include "op/op_owner.h"
#include "op/progress.h"
#include "op/reserve.h"
#include "registry/payload.h"

int tocsin__op_failed(int err, struct tocsin_op *ret_op)
{
    if (ret_op)
        ret_op->source.id = (uint64_t)(int64_t)err;
    return err;
}

static struct tocsin__op *op_alloc(struct tocsin__op_type *kind)
{
    struct tocsin__op *op = tocsin__slab_alloc(&tocsin__ops(kind->engine)->slabs, kind->op_bytes);
    struct tocsin_payload *payload;

    if (!op)
        return NULL;
    op->kind = kind;
    payload = tocsin__op_empty_payload(op);
    if (kind->progress[0] && !kind->is_thin) {
        tocsin__op_progress(op)->op = op;
        tocsin__op_progress(op)->node.run = tocsin__op_deliver_progress;
    }
    if (payload)
        payload->layout = tocsin__signal(kind->done)->spec.layout;
    return op;
}

static int op_init(struct tocsin__op *op, struct tocsin__engine *engine,
                   const struct tocsin_notify *notify)
{
    struct tocsin__loop *loop = engine->loop;
    int err;

    op->source.is_op = true;
    op->run.parent = loop->parent;
    if (tocsin__debug.caller && tocsin__op_rare(op))
        op->rare->started = tocsin__debug.caller();
    if (notify) {
        tocsin__op_set_notify(op, notify);
        op->background = notify->mode & TOCSIN_BACKGROUND;
    }
    err = tocsin__op_reserve_end(op);
    if (err < 0)
        return err;
    err = tocsin__source_init(loop, &op->source, NULL);
    if (err < 0)
        tocsin__op_release_end(op);
    return err;
}

/* Whether an operation may start now. Returns 0, or an error; -ESHUTDOWN: the loop is being freed
 * or drained. */
static int op_may_start(const struct tocsin__engine *engine, const struct tocsin_op_type *type,
                        const struct tocsin_notify *notify)
{
    bool serving = notify && notify->mode & TOCSIN_BACKGROUND;

    if (engine->loop->life.freeing)
        return -ESHUTDOWN;
    return engine->draining && !serving &&
                   (tocsin__type_is_persistent(type) || engine->drain_expired)
               ? -ESHUTDOWN
               : 0;
}

/* Makes the operation known: from now on it is found by its id. */
static void op_enter(struct tocsin__op *op)
{
    struct tocsin__id_entry *entry = tocsin__id_entry(&tocsin__op_engine(op)->loop->ids.sources,
                                                      op->source.id);

    op->run.end_node.run = tocsin__op_deliver_end;
    if (op->kind->progress[0])
        atomic_store_explicit(&tocsin__op_engine(op)->loop->remote.progresses, true,
                              memory_order_relaxed);
    atomic_store_explicit(&entry->claim,
                          tocsin__op_own(op) ? tocsin__own_word(op->source.id) : op->source.id,
                          memory_order_release);
    tocsin__op_set_phase(op, TOCSIN__OP_MADE);
}

int tocsin__op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify,
                   struct tocsin__op **ret_op)
{
    struct tocsin__owner *owner;
    struct tocsin__op_type *kind;
    struct tocsin__engine *engine;
    struct tocsin__op *op;
    size_t bytes;
    int err = notify ? tocsin__notify_check(notify) : 0;

    if (err == 0)
        err = tocsin__engine_make(&engine);
    if (err == 0)
        err = op_may_start(engine, type, notify);
    if (err == 0)
        err = tocsin__ops_make(engine);
    if (err == 0)
        err = tocsin__op_type_find(tocsin__ops(engine), type, &kind);
    if (err == 0)
        err = tocsin__notify_check_type(kind, type, notify);
    if (err < 0)
        return err;
    owner = tocsin__op_owner_of(type, notify);
    err = tocsin__op_charge(owner, type);
    if (err < 0)
        return err;
    bytes = kind->op_bytes;
    op = op_alloc(kind);
    err = op ? op_init(op, engine, notify) : -ENOMEM;
    if (err < 0) {
        tocsin__op_uncharge(owner, type);
        tocsin__op_type_uncharge(type);
        if (op) {
            tocsin__release(op->rare);
            /* a handler of tocsin.queue.full may have freed the loop: ask for the slabs again */
            tocsin__slab_free(op, bytes, tocsin__slabs_here());
        }
        return err;
    }
    op->owner = owner;
    op_enter(op);
    *ret_op = op;
    return 0;
}

int tocsin_op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify,
                  struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = ret_op ? tocsin__op_new(type, notify, &op) : -EINVAL;

    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_op));
    if (!type)
        tocsin__op_set_phase(op, TOCSIN__OP_RUNNING);
    ret_op->source.id = op->source.id;
    return 0;
}

void *tocsin_op_state(struct tocsin_op id)
{
    struct tocsin__op *op;

    return tocsin__op_find(id, &op) < 0 || !tocsin__op_type(op) || tocsin__op_own(op) ? NULL
                                                                                      : op->state;
}

int tocsin__op_started(struct tocsin__op *op, int err, struct tocsin_op *ret_op)
{
    bool is_early;

    if (err < 0) {
        tocsin__op_undo(op);
        return tocsin__op_failed(err, ret_op);
    }
    is_early = op->phase == TOCSIN__OP_EARLY;
    tocsin__op_set_phase(op, TOCSIN__OP_RUNNING);
    if (is_early)
        tocsin__op_push_end(op);
    if (ret_op)
        ret_op->source.id = op->source.id;
    return 0;
}

int tocsin_op_start(struct tocsin_op id, int err, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int found = tocsin__op_find(id, &op);

    if (found == 0 && !tocsin__op_is_unstarted(op))
        found = -EINVAL;
    if (found < 0)
        return tocsin__traced(tocsin__op_failed(found, ret_op));
    return tocsin__traced(tocsin__op_started(op, err < 0 ? err : 0, ret_op));
}

int tocsin_op_status(struct tocsin_op id)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    return err < 0 ? tocsin__traced(err) : op->phase == TOCSIN__OP_KEPT ? op->status : -EINPROGRESS;
}

int tocsin__op_free(struct tocsin__op *op)
{
    op->mode &= ~(unsigned)TOCSIN_KEEP;
    if (op->phase == TOCSIN__OP_KEPT)
        tocsin__op_release(op);
    return 0;
}

int tocsin_op_free(struct tocsin_op id)
{
    struct tocsin__op *op;
    int err = tocsin__op_find(id, &op);

    if (err < 0)
        return tocsin__traced(err);
    if (tocsin__op_is_unstarted(op)) {
        tocsin__op_started(op, -ECANCELED, NULL);
        return 0;
    }
    if (!(op->mode & TOCSIN_KEEP))
        return tocsin__traced(-EINVAL);
    return tocsin__traced(tocsin__op_waiter(op) ? -EBUSY : tocsin__op_free(op));
}

int tocsin_op_next(struct tocsin_op after, struct tocsin_op_facts *ret_facts)
{
    struct tocsin__source *source = NULL;
    uint64_t id = after.source.id;
    struct tocsin__op *op = NULL;
    int err;

    if (!ret_facts)
        return tocsin__traced_but(-ENOENT, -EINVAL);
    while ((err = tocsin__loop_after(offsetof(struct tocsin__loop, ids.sources), id,
                                     (void **)&source)) == 0 &&
           tocsin__op_find((struct tocsin_op){ { source->id } }, &op) < 0)
        id = source->id;
    if (err < 0)
        return tocsin__traced_but(-ENOENT, err);
    *ret_facts = (struct tocsin_op_facts){
        .op = { { source->id } },
        .name = tocsin__signal(op->kind->done)->name,
        .owner = op->owner->name,
        .status = op->phase == TOCSIN__OP_KEPT ? op->status : -EINPROGRESS,
        .serving = op->background,
        .ended = tocsin__op_finished(op),
        .started = op->rare ? op->rare->started : NULL,
    };
    return 0;
}
