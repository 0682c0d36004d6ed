/* Removes the resources that an owner has on this thread's loop. */
#include <tocsin/inspect.h>
#include <tocsin/mask.h>
#include <tocsin/queue.h>

#include "delivery/emit.h"
#include "delivery/handler.h"
#include "delivery/pending/mask.h"
#include "delivery/quarantine.h"
#include "remote/message.h"
#include "remote/inject.h"
#include "op/cancel.h"
#include "op/lifecycle.h"
#include "op/op.h"
#include "plugin/reclaim.h"

/* Operations */

static struct tocsin__ops *ops_here(void)
{
    struct tocsin__engine *engine = tocsin__self->engine;

    return engine && engine->loop_client ? tocsin__ops(engine) : NULL;
}

/* Returns true if the owner started the operation, or implements its type. */
static bool is_operation_of(const struct tocsin__owner *owner, const struct tocsin__op *op)
{
    return op->owner == owner || tocsin__owner_has(owner, tocsin__op_type(op));
}

static void operation_cancel(struct tocsin__op *op)
{
    if (op->phase == TOCSIN__OP_UNDONE)
        return;
    if (tocsin__op_is_unstarted(op))
        /* undoes an operation that was created but not started; its end is not emitted */
        tocsin__op_undo(op);
    else
        tocsin__op_end(op, -ECANCELED);
}

/* Kinds of operations: those that end by themselves, and those that are TOCSIN_PERSISTENT. */
enum { FINITE = 1, PERSISTENT = 2 };

static void operations_cancel(const struct tocsin__owner *owner, int kinds)
{
    const struct tocsin__ops *ops = ops_here();
    struct tocsin__op *op;

    for (uint64_t id = 0; ops && (op = tocsin__ops_listed_after(ops, &id));)
        if (is_operation_of(owner, op) &&
            kinds & (tocsin__op_is_persistent(op) ? PERSISTENT : FINITE))
            operation_cancel(op);
}

/* Gives up the results of the owner's running operations (TOCSIN_FUTURE), because no code will take
 * them. */
static void results_disclaim(const struct tocsin__owner *owner)
{
    const struct tocsin__ops *ops = ops_here();
    struct tocsin__op *op;

    for (uint64_t id = 0; ops && (op = tocsin__ops_listed_after(ops, &id));)
        if (op->owner == owner && !tocsin__op_waiter(op))
            op->mode &= ~(unsigned)TOCSIN_KEEP;
}

/* Frees the results that the owner's operations keep, because no code will take them. */
static void results_free(const struct tocsin__owner *owner)
{
    const struct tocsin__ops *ops = ops_here();
    struct tocsin__op *op;

    for (uint64_t id = 0; ops && (op = tocsin__ops_kept_after(ops, &id));)
        if (op->owner == owner && !tocsin__op_waiter(op))
            tocsin__op_release(op);
}

/* Frees the owner's ended operations that are still sources because some of their emissions are
   pending. */
static void operation_sources_free(const struct tocsin__owner *owner)
{
    const struct tocsin__ops *ops = ops_here();
    struct tocsin__op *op;

    for (uint64_t id = 0; ops && (op = tocsin__ops_after(ops, &id));)
        if (op->phase == TOCSIN__OP_OVER && is_operation_of(owner, op))
            tocsin__op_release(op);
}

static struct tocsin__mask_rule *block_next(const struct tocsin__owner *owner, uint64_t id)
{
    struct tocsin__mask_rule *rule;

    while ((rule = tocsin__id_after(&tocsin__self->ids.blocks, id)) && rule->owner != owner)
        id = rule->id;
    return rule;
}

static void blocks_end(const struct tocsin__owner *owner)
{
    struct tocsin__ids *ids = &tocsin__self->ids.blocks;
    const struct tocsin__mask_rule *rule;

    for (uint64_t id = 0; (rule = tocsin__id_after(ids, id));) {
        id = rule->id;
        if (rule->owner == owner)
            tocsin_unblock((struct tocsin_block){ id });
    }
}

void tocsin__reclaim_persistent(struct tocsin__owner *owner)
{
    atomic_store(&owner->reloading, true);
    operations_cancel(owner, PERSISTENT);
}

void tocsin__reclaim_operations(struct tocsin__owner *owner)
{
    operations_cancel(owner, PERSISTENT);
    tocsin__reclaim_finite(owner);
}

void tocsin__reclaim_finite(struct tocsin__owner *owner)
{
    struct tocsin__ops *ops = ops_here();

    results_disclaim(owner);
    operations_cancel(owner, FINITE);
    if (ops && ops->lent_return)
        ops->lent_return(ops, owner);
    results_free(owner);
    operation_sources_free(owner);
    blocks_end(owner);
}

/* Handlers, queues, sources */

/* Returns true if the owner connected the handler, or if the handler refers to the owner's code or
   texts. */
static bool is_handler_of(const struct tocsin__owner *owner, const struct tocsin__handler *handler)
{
    return handler->owner == owner || tocsin__owner_has(owner, (const void *)handler->user_fn) ||
           tocsin__owner_has(owner, (const void *)handler->drop) ||
           tocsin__owner_has(owner, handler->where);
}

static struct tocsin__handler *handler_next(const struct tocsin__owner *owner, uint64_t id)
{
    struct tocsin__handler *handler;

    while ((handler = tocsin__id_after(&tocsin__self->ids.handlers, id)) &&
           (handler->admission || !is_handler_of(owner, handler)))
        id = handler->id;
    return handler;
}

static void handlers_disconnect(const struct tocsin__owner *owner)
{
    struct tocsin__handler *handler;

    while ((handler = handler_next(owner, 0)))
        tocsin__handler_disconnect(tocsin__self, handler);
}

static void queues_close(const struct tocsin__owner *owner)
{
    struct tocsin_queue_facts facts = { .limit = 0 };

    while (tocsin_queue_next(facts.queue, &facts) == 0)
        if (facts.owner == owner->name)
            tocsin_queue_close(facts.queue);
}

static void sources_free(const struct tocsin__owner *owner)
{
    struct tocsin__source *source;

    for (uint64_t id = 0; (source = tocsin__id_after(&tocsin__self->ids.sources, id));) {
        id = source->id;
        if (!source->is_op && tocsin__made_source(source)->owner == owner)
            tocsin__source_free(tocsin__self, source);
    }
}

void tocsin__reclaim_connected(struct tocsin__owner *owner)
{
    tocsin__inject_remove(owner);
    handlers_disconnect(owner);
    queues_close(owner);
    sources_free(owner);
    for (uint32_t signo = 1; signo < tocsin__self->loop_signals_count; signo++)
        if (tocsin__self->loop_signals[signo])
            tocsin__pending_disown(tocsin__self->loop_signals[signo], owner);
}

bool tocsin__reclaim_finds(const struct tocsin__owner *owner)
{
    struct tocsin_queue_facts queue = { .limit = 0 };
    struct tocsin__source *source;

    if (handler_next(owner, 0) || block_next(owner, 0))
        return true;
    while (tocsin_queue_next(queue.queue, &queue) == 0)
        if (queue.owner == owner->name)
            return true;
    for (uint64_t id = 0; (source = tocsin__id_after(&tocsin__self->ids.sources, id));
         id = source->id)
        if (!source->is_op && tocsin__made_source(source)->owner == owner)
            return true;
    return false;
}

/* Caches of addresses. They are cleared because another file may later be mapped at the same
 * addresses. */

static void layouts_forget(const struct tocsin__owner *owner)
{
    for (uint32_t signo = 1; signo < tocsin__self->loop_signals_count; signo++) {
        struct tocsin__loop_signal *loop_signal = tocsin__self->loop_signals[signo];

        if (loop_signal && tocsin__owner_has(owner, loop_signal->layout))
            loop_signal->layout = loop_signal->signal->spec.layout
                                      ? loop_signal->signal->spec.layout
                                      : &tocsin__layout_none;
    }
}

void tocsin__reclaim_caches(struct tocsin__owner *owner)
{
    struct tocsin__ops *ops = ops_here();

    layouts_forget(owner);
    if (ops)
        tocsin__op_types_forget(ops, owner);
}

void tocsin__reclaim_unquarantine(struct tocsin__owner *owner)
{
    struct tocsin__handler *handler;

    for (uint64_t id = 0; (handler = tocsin__id_after(&tocsin__self->ids.handlers, id));) {
        id = handler->id;
        if (handler->owner == owner)
            tocsin__quarantine_release(tocsin__self, handler);
    }
}

/* Reload (P4) */

/* Emissions that were kept for muted handlers in quarantine, on this thread; NULL means none. */
static __thread struct tocsin__quarantine *quarantined;

void tocsin__reclaim_quarantined(const struct tocsin__owner *owner)
{
    struct tocsin__quarantine *all = quarantined;

    if (!all)
        return;
    quarantined = NULL;
    tocsin__quarantine_deliver_entries(tocsin__self, all, owner);
    tocsin__release(all);
}

/* Takes the emissions that were kept for a handler. If there is no memory, they are lost with the
   handler. */
static void quarantined_take(struct tocsin__handler *handler)
{
    if (!handler->quarantine || !handler->quarantine->first)
        return;
    if (!quarantined)
        quarantined = tocsin__alloc(sizeof *quarantined);
    if (quarantined)
        tocsin__quarantine_take_entries(handler, quarantined);
}

/* The function of a muted handler. It refuses questions, and ignores everything else. */
static int muted_fn(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    return tocsin__signal(info->signo)->spec.kind == TOCSIN_DIRECT ? -EACCES : TOCSIN_NEXT;
}

static void handler_mute(struct tocsin__handler *handler)
{
    tocsin_drop drop = handler->drop;

    handler->drop = NULL;
    if (drop)
        drop(handler->user_arg);
    quarantined_take(handler);
    tocsin__quarantine_free(handler);
    tocsin__owner_uncharge(handler->owner, TOCSIN_RESOURCE_HANDLERS, 1);
    tocsin__owner_charge_force(&tocsin__program, TOCSIN_RESOURCE_HANDLERS, 1);
    handler->owner = &tocsin__program;
    handler->user_fn = muted_fn;
    handler->flags &= ~(uint32_t)TOCSIN_ON_FIBER;
    handler->user_arg = NULL;
    handler->where = handler->name = "";
    tocsin__handler_select_trampoline(handler);
}

/* Blocks with this value of `where` end when the loops leave the barrier. */
static const char muted_place[] = "";

/* Mutes a block. The block stays until the new version runs, so that the new version receives the
   pending emissions. */
static void block_mute(struct tocsin__mask_rule *rule)
{
    tocsin__owner_uncharge(rule->owner, TOCSIN_RESOURCE_BLOCKS, 1);
    tocsin__owner_charge_force(&tocsin__program, TOCSIN_RESOURCE_BLOCKS, 1);
    rule->owner = &tocsin__program;
    rule->where = muted_place;
}

void tocsin__reclaim_mute(struct tocsin__owner *owner)
{
    struct tocsin__handler *handler;
    struct tocsin__mask_rule *rule;

    while ((handler = handler_next(owner, 0)))
        handler_mute(handler);
    while ((rule = block_next(owner, 0)))
        block_mute(rule);
}

void tocsin__reclaim_muted(void)
{
    struct tocsin__handler *handler;
    const struct tocsin__mask_rule *rule;
    uint64_t id = 0;

    while ((handler = tocsin__id_after(&tocsin__self->ids.handlers, id))) {
        id = handler->id;
        if (handler->user_fn == muted_fn)
            tocsin__handler_disconnect(tocsin__self, handler);
    }
    for (id = 0; (rule = tocsin__id_after(&tocsin__self->ids.blocks, id));) {
        id = rule->id;
        if (rule->where == muted_place)
            tocsin_unblock((struct tocsin_block){ id });
    }
}

/* Runs the owner's tasks that are in the ring, between other messages. Their cells become empty
   messages. */
void tocsin__reclaim_tasks(const struct tocsin__owner *owner)
{
    struct tocsin__inbox *inbox = &tocsin__self->inbox;
    uint64_t tail = tocsin__inbox_tail(inbox);

    for (uint64_t at = inbox->at; at != tail; at++) {
        struct tocsin__cell *cell = &inbox->cells[at % TOCSIN_INBOX];

        if (atomic_load_explicit(&cell->turn, memory_order_acquire) != at + 1 ||
            cell->message.kind != TOCSIN__TASK || cell->message.owner != owner->number)
            continue;
        tocsin__message_run_task(tocsin__self, &cell->message);
        cell->message.kind = TOCSIN__EMPTY;
    }
}
