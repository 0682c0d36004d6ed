#include <tocsin/inspect.h>
#include <tocsin/mask.h>
#include <tocsin/queue.h>

#include "core/emit.h"
#include "core/handler.h"
#include "core/mask.h"
#include "core/quarantine.h"
#include "core/receive.h"
#include "core/seam.h"
#include "op/op.h"
#include "plugin/sweep.h"

/* Operations */

static struct tocsin__ops *ops_here(void)
{
    struct tocsin__engine *engine = tocsin__self->engine;

    return engine && engine->tenant ? tocsin__ops(engine) : NULL;
}

/* By it, or of a type that it implements. */
static bool concerns(const struct tocsin__owner *owner, const struct tocsin__op *op)
{
    return op->owner == owner || tocsin__owner_has(owner, op->type);
}

static void cancel(struct tocsin__op *op)
{
    if (op->never)
        return;
    if (op->phase == TOCSIN__MADE)
        tocsin__op_started(op, -ECANCELED, NULL);          /* never started: it never was */
    else
        tocsin__op_end(op, -ECANCELED);
}

enum { PASSING = 1, STANDING = 2 };                    /* operations: those that end by themselves, and those that are asked to */

static void cancel_all(const struct tocsin__owner *owner, int which)
{
    struct tocsin__ops *ops = ops_here();

    for (struct tocsin__op *op = ops ? ops->running : NULL, *next; op; op = next) {
        next = op->next;
        if (concerns(owner, op) && which & (op->standing ? STANDING : PASSING))
            cancel(op);
    }
}

/* What runs will end, and nobody will take the result. */
static void promise_less(const struct tocsin__owner *owner)
{
    struct tocsin__ops *ops = ops_here();

    for (struct tocsin__op *op = ops ? ops->running : NULL; op; op = op->next)
        if (op->owner == owner && !op->waiter)
            op->notify.how &= ~(unsigned)TOCSIN_KEEP;
}

/* Nor what is there already. */
static void drop_kept(const struct tocsin__owner *owner)
{
    struct tocsin__ops *ops = ops_here();

    for (struct tocsin__op *op = ops ? ops->kept : NULL, *next; op; op = next) {
        next = op->next;
        if (op->owner == owner && !op->waiter)
            tocsin__op_gone(op);
    }
}

static struct tocsin__hold *block_after(const struct tocsin__owner *owner, uint64_t id)
{
    struct tocsin__hold *hold;

    while ((hold = tocsin__id_after(&tocsin__self->blocks, id)) && hold->owner != owner)
        id = hold->id;
    return hold;
}

static void end_blocks(const struct tocsin__owner *owner)
{
    struct tocsin__ids *ids = &tocsin__self->blocks;
    const struct tocsin__hold *hold;

    for (uint64_t id = 0; (hold = tocsin__id_after(ids, id));) {
        id = hold->id;
        if (hold->owner == owner)
            tocsin_unblock((struct tocsin_mask){ id });
    }
}

void tocsin__sweep_standing(struct tocsin__owner *owner)
{
    cancel_all(owner, STANDING);
}

void tocsin__sweep_running(struct tocsin__owner *owner)
{
    cancel_all(owner, STANDING);
    tocsin__sweep_passing(owner);
}

void tocsin__sweep_passing(struct tocsin__owner *owner)
{
    promise_less(owner);
    cancel_all(owner, PASSING);
    drop_kept(owner);
    end_blocks(owner);
}

/* Handlers, queues, sources */

/* It would be called, or be told of, from there. */
static bool reaches(const struct tocsin__owner *owner, const struct tocsin__handler *handler)
{
    return handler->owner == owner || tocsin__owner_has(owner, (const void *)handler->user_fn) || tocsin__owner_has(owner, (const void *)handler->drop) ||
           tocsin__owner_has(owner, handler->where);
}

static struct tocsin__handler *handler_after(const struct tocsin__owner *owner, uint64_t id)
{
    struct tocsin__handler *handler;

    while ((handler = tocsin__id_after(&tocsin__self->handlers, id)) && (handler->gate || !reaches(owner, handler)))
        id = handler->id;
    return handler;
}

static void disconnect_all(const struct tocsin__owner *owner)
{
    struct tocsin__handler *handler;

    while ((handler = handler_after(owner, 0)))
        tocsin__handler_disconnect(tocsin__self, handler);
}

static void close_queues(const struct tocsin__owner *owner)
{
    struct tocsin_queue_facts facts = { .limit = 0 };

    while (tocsin_queue_next(facts.queue, &facts) == 0)
        if (facts.owner == owner->name)
            tocsin_queue_close(facts.queue);
}

static void free_sources(const struct tocsin__owner *owner)
{
    struct tocsin__source *source;

    for (uint64_t id = 0; (source = tocsin__id_after(&tocsin__self->sources, id));) {
        id = source->id;
        if (!source->is_op && source->owner == owner)
            tocsin__source_free(tocsin__self, source);
    }
}

void tocsin__sweep_connected(struct tocsin__owner *owner)
{
    tocsin__interpose_end(owner);
    disconnect_all(owner);
    close_queues(owner);
    free_sources(owner);
    for (uint32_t signo = 1; signo < tocsin__self->slots_count; signo++)
        if (tocsin__self->slots[signo])
            tocsin__pend_disown(tocsin__self->slots[signo], owner);
}

bool tocsin__sweep_finds(const struct tocsin__owner *owner)
{
    struct tocsin_queue_facts queue = { .limit = 0 };
    struct tocsin__source *source;

    if (handler_after(owner, 0) || block_after(owner, 0))
        return true;
    while (tocsin_queue_next(queue.queue, &queue) == 0)
        if (queue.owner == owner->name)
            return true;
    for (uint64_t id = 0; (source = tocsin__id_after(&tocsin__self->sources, id)); id = source->id)
        if (!source->is_op && source->owner == owner)
            return true;
    return false;
}

/* What was remembered, to be quick: at the same addresses there may be something else next. */

static void forget_layouts(const struct tocsin__owner *owner)
{
    for (uint32_t signo = 1; signo < tocsin__self->slots_count; signo++) {
        struct tocsin__slot *slot = tocsin__self->slots[signo];

        if (slot && tocsin__owner_has(owner, slot->layout))
            slot->layout = slot->signal->spec.layout ? slot->signal->spec.layout : &tocsin__layout_none;
    }
}

void tocsin__sweep_known(struct tocsin__owner *owner)
{
    struct tocsin__ops *ops = ops_here();

    forget_layouts(owner);
    if (ops)
        tocsin__kinds_forget(ops, owner);
}

void tocsin__sweep_release(struct tocsin__owner *owner)
{
    struct tocsin__handler *handler;

    for (uint64_t id = 0; (handler = tocsin__id_after(&tocsin__self->handlers, id));) {
        id = handler->id;
        if (handler->owner == owner)
            tocsin__quarantine_release(tocsin__self, handler);
    }
}

/* P4 */

static __thread struct tocsin__quarantine *held;           /* of those that were defused on this thread; NULL: nothing */

void tocsin__sweep_held(const struct tocsin__owner *owner)
{
    struct tocsin__quarantine *all = held;

    if (!all)
        return;
    held = NULL;
    tocsin__held_give(tocsin__self, all, owner);
    tocsin__release(all);
}

/* Without memory for it, it goes with the handler. */
static void hold(struct tocsin__handler *handler)
{
    if (!handler->quarantine || !handler->quarantine->first)
        return;
    if (!held)
        held = tocsin__alloc(sizeof *held);
    if (held)
        tocsin__held_take(handler, held);
}

/* Of a question that nobody can be asked about; of everything else, nothing. */
static int absent(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    return tocsin__signal(info->signo)->spec.kind == TOCSIN_DIRECT ? -EACCES : TOCSIN_NEXT;
}

static void defuse(struct tocsin__handler *handler)
{
    tocsin_drop drop = handler->drop;

    handler->drop = NULL;
    if (drop)
        drop(handler->user_arg);
    hold(handler);
    tocsin__quarantine_free(handler);
    tocsin__owner_give(handler->owner, TOCSIN_HOLDS_HANDLERS, 1);
    tocsin__owner_hold(&tocsin__program, TOCSIN_HOLDS_HANDLERS, 1);
    handler->owner = &tocsin__program;
    handler->user_fn = absent;
    handler->user_arg = NULL;
    handler->where = handler->call = "";
    tocsin__handler_aim(handler);
}

static const char parted[] = "";                       /* the place of a block that ends with the meeting */

/* What it has pended is for those who come: it holds until then. */
static void block_defuse(struct tocsin__hold *hold)
{
    tocsin__owner_give(hold->owner, TOCSIN_HOLDS_BLOCKS, 1);
    tocsin__owner_hold(&tocsin__program, TOCSIN_HOLDS_BLOCKS, 1);
    hold->owner = &tocsin__program;
    hold->where = parted;
}

void tocsin__sweep_defuse(struct tocsin__owner *owner)
{
    struct tocsin__handler *handler;
    struct tocsin__hold *hold;

    while ((handler = handler_after(owner, 0)))
        defuse(handler);
    while ((hold = block_after(owner, 0)))
        block_defuse(hold);
}

void tocsin__sweep_defused(void)
{
    struct tocsin__handler *handler;
    const struct tocsin__hold *hold;
    uint64_t id = 0;

    while ((handler = tocsin__id_after(&tocsin__self->handlers, id))) {
        id = handler->id;
        if (handler->user_fn == absent)
            tocsin__handler_disconnect(tocsin__self, handler);
    }
    for (id = 0; (hold = tocsin__id_after(&tocsin__self->blocks, id));) {
        id = hold->id;
        if (hold->where == parted)
            tocsin_unblock((struct tocsin_mask){ id });
    }
}

/* They lie in the ring among what waits, and their cells stay there, void. */
void tocsin__sweep_tasks(const struct tocsin__owner *owner)
{
    struct tocsin__inbox *inbox = &tocsin__self->inbox;
    uint64_t tail = tocsin__inbox_tail(inbox);

    for (uint64_t at = inbox->at; at != tail; at++) {
        struct tocsin__cell *cell = &inbox->cells[at % TOCSIN_INBOX];

        if (atomic_load_explicit(&cell->turn, memory_order_acquire) != at + 1 || cell->letter.kind != TOCSIN__TASK || cell->letter.owner != owner->number)
            continue;
        tocsin__receive_task(tocsin__self, &cell->letter);
        cell->letter.kind = TOCSIN__VOID;
    }
}
