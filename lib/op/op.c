/* The life of an operation on its loop: made, started, delivered, gone. How it is completed, from any thread, stands in complete.c. */
#include "core/emit.h"
#include "core/layout.h"
#include "core/owner.h"
#include "core/receive.h"
#include "core/seam.h"
#include "op/op.h"

int tocsin__op_failed(int err, struct tocsin_op *ret_op)
{
    if (ret_op)
        ret_op->source.id = (uint64_t)(int64_t)err;
    return err;
}

int tocsin__op_find(struct tocsin_op id, struct tocsin__op **ret_op)
{
    struct tocsin__source *source;
    int err = tocsin__source_find(id.source.id, &source);

    if (err < 0)
        return err;
    if (!source->is_op || ((struct tocsin__op *)source)->never || ((struct tocsin__op *)source)->over)
        return -ENOENT;
    *ret_op = (struct tocsin__op *)source;
    return 0;
}

/* Lists of operations */

static void link_into(struct tocsin__op **first, struct tocsin__op *op)
{
    op->next = *first;
    op->link = first;
    if (op->next)
        op->next->link = &op->next;
    *first = op;
}

static void unlink_from(struct tocsin__op *op)
{
    *op->link = op->next;
    if (op->next)
        op->next->link = op->link;
    op->link = NULL;
}

static void count_running(struct tocsin__op *op, uint32_t by)
{
    struct tocsin__tenant *tenant = op->engine->tenant;

    op->kind->running += by;
    if (op->serving)
        tenant->serving += by;
    else
        tenant->running += by;
}

/* Whose it is, and whose its type: both are counted. */

static bool type_stands(const struct tocsin_op_type *type)
{
    return type && type->flags & TOCSIN_STANDING;
}

static void disowned(struct tocsin__owner *owner, bool standing)
{
    if (standing)
        tocsin__owner_give(owner, TOCSIN__STANDING, 1);
    tocsin__owner_give(owner, TOCSIN_HOLDS_OPERATIONS, 1);
}

static void untyped(const struct tocsin_op_type *type)
{
    if (type_stands(type))
        tocsin__owner_give(tocsin__owner_of(type), TOCSIN__STANDING_TYPES, 1);
    tocsin__owner_give(tocsin__owner_of(type), TOCSIN_HOLDS_TYPES, 1);
}

/* -ESHUTDOWN: one of them is going; -EDQUOT. */
static int owned(struct tocsin__owner *owner, const struct tocsin_op_type *type)
{
    int err = tocsin__owner_take(tocsin__owner_of(type), TOCSIN_HOLDS_TYPES, 1);

    if (err < 0)
        return err;
    if (type_stands(type)) {                           /* before the operations: these are never more than they seem */
        tocsin__owner_hold(tocsin__owner_of(type), TOCSIN__STANDING_TYPES, 1);
        tocsin__owner_hold(owner, TOCSIN__STANDING, 1);
    }
    err = tocsin__owner_admit(owner, TOCSIN_HOLDS_OPERATIONS);
    if (err < 0) {
        if (type_stands(type))
            tocsin__owner_give(owner, TOCSIN__STANDING, 1);
        untyped(type);
    }
    return err;
}

static void own(struct tocsin__op *op, struct tocsin__owner *owner)
{
    if (owner == op->owner)
        return;
    if (op->standing)
        tocsin__owner_hold(owner, TOCSIN__STANDING, 1);
    tocsin__owner_hold(owner, TOCSIN_HOLDS_OPERATIONS, 1);
    disowned(op->owner, op->standing);
    op->owner = owner;
}

/* What it calls is somebody else's from now on. */
void tocsin__op_owned(struct tocsin__op *op, const void *code)
{
    struct tocsin__owner *owner = tocsin__owner_of(code);

    if (owner != &tocsin__program)
        own(op, owner);
}

void tocsin__op_owned_by_program(struct tocsin__op *op)
{
    own(op, &tocsin__program);
}

/* Made */

static void op_release(struct tocsin__info *info)
{
    struct tocsin__op *op = tocsin__container(info, struct tocsin__op, info);
    const struct tocsin_op_type *type = op->type;

    if (op->type && op->type->drop)
        op->type->drop(op->state);
    if (op->copy) {
        tocsin__payload_clear(op->copy);
        tocsin__release(op->copy);
    }
    tocsin__release(op);
    untyped(type);
}

static int notify_check(const struct tocsin_notify *notify)
{
    unsigned how = notify->how & ~(unsigned)TOCSIN_SERVING, calls = how & (TOCSIN_AT_END | TOCSIN_AT_EACH);

    if (notify->how & ~31u || notify->spare[0] || notify->spare[1])
        return -EINVAL;
    if (calls)
        return how == calls && notify->fn ? 0 : -EINVAL;
    return how & (how - 1) ? -EINVAL : 0;              /* one, or none */
}

/* Places in all queues where its end will go */

static void sets_expected(struct tocsin__ops *ops, int signo, const struct tocsin__sink *before)
{
    for (struct tocsin__sink *set = ops->sets; set != before; set = set->next_set)
        set->expected(set, signo);
}

static int sets_expect(struct tocsin__ops *ops, int signo)
{
    for (struct tocsin__sink *set = ops->sets; set; set = set->next_set)
        if (set->expect(set, signo) < 0) {
            sets_expected(ops, signo, set);
            return -ENOMEM;
        }
    return 0;
}

static uint32_t ends_to_come(const struct tocsin__ops *ops, int signo)
{
    uint32_t count = 0;

    for (const struct tocsin__kind *kind = ops->kinds; kind; kind = kind->next)
        count += kind->done == signo ? kind->running : 0;
    return count;
}

/* While its terminal signal is blocked: its end could not be refused, so it is. */
static bool place_pended(const struct tocsin__ops *ops, struct tocsin__slot *slot, int signo)
{
    uint32_t to_come = ends_to_come(ops, signo);
    bool room = tocsin__pend_room(slot, to_come + 1, 0);

    tocsin__pend_recovered(slot, to_come);
    if (!room)
        tocsin__pend_refused(slot, to_come);
    return room;
}

static int places_reserve(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);
    struct tocsin__loop *loop = op->engine->loop;
    struct tocsin__sink *sink = tocsin__op_sink(op);
    struct tocsin__slot *slot;
    int signo = op->kind->done, err;
    void *none;

    if (op->notify.how & TOCSIN_INTO_QUEUE && !sink)
        return tocsin__loop_find(offsetof(struct tocsin__loop, queues), op->notify.queue.id, &none);
    if (tocsin__signal(signo)->unresolved && tocsin__patterns_resolve(loop) < 0)
        return -ENOMEM;
    slot = tocsin__slot(loop, signo);
    if (slot && slot->state & TOCSIN__GATED && !tocsin__gates_open(slot, 0)) {
        tocsin__gates_refused(slot, 0);
        return -EAGAIN;
    }
    if (slot && slot->state & TOCSIN__BLOCKED && !place_pended(ops, slot, signo))
        return -EAGAIN;
    if (tocsin__elsewhere(tocsin__signal(signo), slot) && !tocsin__parcels_room(loop, tocsin__signal(signo)))
        return -EAGAIN;
    err = sets_expect(ops, signo);
    if (err == 0 && sink) {
        err = sink->reserve(sink);
        if (err < 0)
            sets_expected(ops, signo, NULL);
        if (err == -EAGAIN)
            sink->refused(sink, tocsin__signal(signo)->name);
    }
    return err;
}

static void places_release(struct tocsin__op *op)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (sink)
        sink->release(sink);
    if (sink && op->progress_info)
        sink->release(sink);
    sets_expected(tocsin__ops(op->engine), op->kind->done, NULL);
}

static struct tocsin__op *op_alloc(const struct tocsin_op_type *type, struct tocsin__kind *kind)
{
    const struct tocsin_layout *layout = type ? tocsin__signal(kind->done)->spec.layout : NULL;
    size_t state = ((type ? type->state_size : 0) + 15) & ~(size_t)15;
    struct tocsin__op *op = tocsin__alloc(sizeof *op + state + (layout ? layout->size : 0));

    if (!op)
        return NULL;
    op->type = type;
    op->kind = kind;
    if (layout) {
        op->empty = (struct tocsin_payload *)(op->state + state);
        op->empty->layout = layout;
    }
    return op;
}

static int op_init(struct tocsin__op *op, struct tocsin__engine *engine, const struct tocsin_notify *notify)
{
    struct tocsin__loop *loop = engine->loop;
    int err;

    op->engine = engine;
    op->source.is_op = true;
    op->serving = notify && notify->how & TOCSIN_SERVING;
    op->standing = type_stands(op->type);
    op->parent = loop->parent;
    if (notify)
        op->notify = *notify;
    atomic_init(&op->info.refs, 1);
    op->info.release = op_release;
    op->progress_node.run = tocsin__op_deliver_progress;
    err = places_reserve(op);
    if (err < 0)
        return err;
    err = tocsin__source_init(loop, &op->source, NULL);
    if (err < 0)
        places_release(op);
    return err;
}

static int may_start(const struct tocsin__engine *engine, const struct tocsin_op_type *type, const struct tocsin_notify *notify)
{
    bool serving = notify && notify->how & TOCSIN_SERVING;

    if (engine->loop->freeing)
        return -ESHUTDOWN;
    return engine->draining && !serving && (type_stands(type) || engine->drain_over) ? -ESHUTDOWN : 0;
}

static void on_end(struct tocsin__node *node);

static void op_enter(struct tocsin__op *op)
{
    struct tocsin__id_entry *entry = tocsin__id_entry(&op->engine->loop->sources, op->source.id);

    op->end_node.run = on_end;
    if (op->kind->progress[0])
        atomic_store_explicit(&op->engine->loop->progresses, true, memory_order_relaxed);
    atomic_store_explicit(&entry->claim, tocsin__op_own(op) ? tocsin__own_word(op->source.id) : op->source.id, memory_order_release);
    link_into(&tocsin__ops(op->engine)->running, op);
    count_running(op, 1);
}

/* What serves others is there for whoever fetches next, so it is whose file serves: not of the plugin that was the first to fetch. */
static struct tocsin__owner *owner_for(const struct tocsin_op_type *type, const struct tocsin_notify *notify)
{
    const void *code = notify && notify->fn ? (const void *)notify->fn : NULL;

    if (notify && notify->how & TOCSIN_SERVING && (code || (type && !(type->flags & TOCSIN__OWN))))
        return tocsin__owner_of(code ? code : type);
    return tocsin__owner_whose(code, NULL);
}

int tocsin__op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify, struct tocsin__op **ret_op)
{
    struct tocsin__owner *owner;
    struct tocsin__kind *kind;
    struct tocsin__engine *engine;
    struct tocsin__op *op;
    int err = notify ? notify_check(notify) : 0;

    if (err == 0)
        err = tocsin__engine_make(&engine);
    if (err == 0)
        err = may_start(engine, type, notify);
    if (err == 0)
        err = tocsin__ops_make(engine);
    if (err == 0)
        err = tocsin__kind_of(tocsin__ops(engine), type, &kind);
    if (err < 0)
        return err;
    owner = owner_for(type, notify);
    err = owned(owner, type);
    if (err < 0)
        return err;
    op = op_alloc(type, kind);
    err = op ? op_init(op, engine, notify) : -ENOMEM;
    if (err < 0) {
        disowned(owner, type_stands(type));
        untyped(type);
        tocsin__release(op);
        return err;
    }
    op->owner = owner;
    op_enter(op);
    *ret_op = op;
    return 0;
}

int tocsin_op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = ret_op ? tocsin__op_new(type, notify, &op) : -EINVAL;

    if (err < 0)
        return tocsin__op_failed(err, ret_op);
    if (!type)
        op->phase = TOCSIN__RUNS;
    ret_op->source.id = op->source.id;
    return 0;
}

void *tocsin_op_state(struct tocsin_op id)
{
    struct tocsin__op *op;

    return tocsin__op_find(id, &op) < 0 || !op->type || tocsin__op_own(op) ? NULL : op->state;
}

/* Started, or undone */

/* It is not an operation any more; its memory lives as long as somebody has its info. While its end is pended it is still a source, for
   those who listen to it alone. */
void tocsin__op_gone(struct tocsin__op *op)
{
    if (op->link) {
        unlink_from(op);
        if (op->phase == TOCSIN__ENDED)
            op->engine->tenant->kept--;
        else
            count_running(op, -1u);
    }
    tocsin__op_pause_end(op);
    tocsin__timer_disarm(op->engine, &op->deadline);
    op->over = true;
    if (tocsin__op_pended(op))
        return;
    tocsin__source_end(op->engine->loop, &op->source);
    disowned(op->owner, op->standing);
    tocsin__info_put(&op->info);
}

void tocsin__op_forget(struct tocsin__op *op)
{
    tocsin__op_progress_forget(op);
    tocsin__op_let_go(op);
    if (!op->never)
        places_release(op);
    op->never = true;
    op->waiter = NULL;
    tocsin__op_gone(op);
}

static void on_unpended(struct tocsin__pend *place)
{
    struct tocsin__op *op = tocsin__container(place, struct tocsin__op, place);

    sets_expected(tocsin__ops(op->engine), op->kind->done, NULL);
    if (op->over)
        tocsin__op_gone(op);
}

static void op_undo(struct tocsin__op *op)
{
    bool mine;

    places_release(op);
    op->notify.how = 0;
    do
        mine = tocsin__op_claim(op->source.id) || op->early;
    while (!mine && !tocsin__op_ask(op, -ECANCELED) && tocsin__op_open(op));
    if (mine && !op->progress_waits) {
        tocsin__op_gone(op);
        return;
    }
    op->never = true;                                  /* something of it is on its way: nothing is emitted when that arrives */
    if (mine)
        tocsin__ready(op->engine, &op->end_node);
}

int tocsin__op_started(struct tocsin__op *op, int err, struct tocsin_op *ret_op)
{
    if (err < 0) {
        op_undo(op);
        return tocsin__op_failed(err, ret_op);
    }
    op->phase = TOCSIN__RUNS;
    if (op->early)
        tocsin__ready(op->engine, &op->end_node);
    if (ret_op)
        ret_op->source.id = op->source.id;
    return 0;
}

int tocsin_op_start(struct tocsin_op id, int err, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int found = tocsin__op_find(id, &op);

    if (found == 0 && op->phase != TOCSIN__MADE)
        found = -EINVAL;
    if (found < 0)
        return tocsin__op_failed(found, ret_op);
    return tocsin__op_started(op, err < 0 ? err : 0, ret_op);
}

/* Delivered */

void tocsin__op_call(struct tocsin__op *op, const struct tocsin_info *info)
{
    struct tocsin__loop *loop = op->engine->loop;
    uint64_t parent = loop->parent;
    struct tocsin__doing was = tocsin__doing(loop);

    tocsin__does(loop, (struct tocsin__doing){ (const void *)op->notify.fn, info->name, op->source.id });
    loop->depth++;
    tocsin__descends(loop, info->sequence);
    op->notify.fn(info, op->notify.arg);
    tocsin__descends(loop, parent);
    loop->depth--;
    tocsin__does(loop, was);
    if (loop->watch)
        loop->watch(loop);
    tocsin__tidy_at_rest(loop);
}

static void info_complete(struct tocsin__op *op)
{
    struct tocsin_info *seen = &op->info.seen;

    seen->signo = op->kind->done;
    seen->code = TOCSIN_DONE;
    seen->status = op->status;
    seen->name = tocsin__signal(op->kind->done)->name;
    seen->source.id = op->source.id;
    seen->parent = op->parent;
    op->info.data = op->source.data;
}

static void notify_end(struct tocsin__op *op)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (op->notify.how & TOCSIN_AT_END)
        tocsin__op_call(op, &op->info.seen);
    if (sink)
        sink->put(sink, tocsin_info_ref(&op->info.seen));
}

/* Its result waits for somebody to take it. */
static void op_keep(struct tocsin__op *op)
{
    struct tocsin__waiter *waiter = op->waiter;

    link_into(&tocsin__ops(op->engine)->kept, op);
    op->engine->tenant->kept++;
    if (waiter)
        waiter->wake(waiter, op);
}

static void deliver_end(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);
    struct tocsin__loop *loop = op->engine->loop;
    int result;

    tocsin__timer_disarm(op->engine, &op->deadline);
    tocsin__op_pause_end(op);
    unlink_from(op);
    count_running(op, -1u);
    op->engine->tenant->threads -= op->threaded;
    op->phase = TOCSIN__ENDS;
    info_complete(op);
    ops->ending = op;
    op->place.gone = on_unpended;
    result = tocsin__announce(loop, op->kind->done, &op->source, &op->info, &op->place,
                              op->notify.how & (TOCSIN_AT_END | TOCSIN_INTO_QUEUE | TOCSIN_KEEP));
    ops->ending = NULL;
    tocsin__parcels_drop(loop);
    if (result != TOCSIN_PENDED)
        sets_expected(ops, op->kind->done, NULL);
    notify_end(op);
    op->phase = TOCSIN__ENDED;
    if (op->notify.how & TOCSIN_KEEP)
        op_keep(op);
    else
        tocsin__op_gone(op);
}

/* Other loops that listen to its end are sent it in parcels of their own. */
static bool parcels_ready(struct tocsin__op *op)
{
    struct tocsin__loop *loop = op->engine->loop;
    struct tocsin__signal *signal = tocsin__signal(op->kind->done);

    return !tocsin__elsewhere(signal, tocsin__slot(loop, signal->signo)) || tocsin__parcels_make(loop, signal) == 0;
}

static void on_end(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, end_node);

    if (op->status < 0)
        tocsin__op_progress_drop(op);
    if (op->progress_waits) {                          /* what came before it is told before it */
        op->end_waits = true;
    } else if (op->never) {
        tocsin__op_gone(op);
    } else if (op->phase == TOCSIN__MADE) {
        op->early = true;
    } else if (tocsin__seam() && tocsin__op_holds_up(op)) {
        return;                                        /* until it is due, or is asked to end */
    } else if (!parcels_ready(op)) {
        tocsin__ready(op->engine, &op->end_node);      /* short of memory: in the next turn */
    } else {
        deliver_end(op);
    }
}
