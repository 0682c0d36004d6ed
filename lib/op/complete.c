/* Completing an operation, once, from whichever thread: who claims it may touch it. */
#include "core/layout.h"
#include "op/op.h"

/* What the claim of an id entry is while a payload is copied, which may fail, and if it was asked to end meanwhile. No id is so small. */
enum { COPYING = 1, ASKED = 2 };

static struct tocsin__id_entry *entry_named(uint64_t id)
{
    struct tocsin__loop *loop = id > ASKED ? tocsin__loop_numbered(tocsin__id_number(id)) : NULL;

    return loop ? tocsin__id_entry(&loop->sources, id) : NULL;
}

static struct tocsin__op *claim(uint64_t id, uint64_t word, uint64_t as)
{
    struct tocsin__id_entry *entry = entry_named(id);

    if (!entry || !atomic_compare_exchange_strong_explicit(&entry->claim, &word, as, memory_order_acquire, memory_order_relaxed))
        return NULL;
    return entry->object;
}

struct tocsin__op *tocsin__op_claim(uint64_t id)
{
    struct tocsin__op *op = claim(id, id, 0);

    return op ? op : claim(id, tocsin__own_word(id), 0);
}

/* Why a public call could not claim it: it is the library's own, or it is not open. */
static int unclaimed(uint64_t id)
{
    struct tocsin__id_entry *entry = entry_named(id);
    bool own = entry && atomic_load_explicit(&entry->claim, memory_order_relaxed) == tocsin__own_word(id);

    return own ? -EINVAL : -ENOENT;
}

static struct tocsin__id_entry *entry_of(const struct tocsin__op *op)
{
    return tocsin__id_entry(&op->engine->loop->sources, op->source.id);
}

bool tocsin__op_ask(struct tocsin__op *op, int reason)
{
    op->reason = reason;
    return atomic_compare_exchange_strong_explicit(&entry_of(op)->claim, &(uint64_t){ COPYING }, ASKED, memory_order_release, memory_order_relaxed);
}

/* It is as it was; unless it was asked to end meanwhile, then it does. */
static void unclaim(struct tocsin__op *op)
{
    if (!atomic_compare_exchange_strong_explicit(&entry_of(op)->claim, &(uint64_t){ COPYING }, op->source.id, memory_order_release, memory_order_acquire))
        tocsin__op_finish(op, op->reason, NULL);
}

void tocsin__op_finish(struct tocsin__op *op, int status, const struct tocsin_payload *lent)
{
    op->status = status;
    op->info.seen.payload = lent ? lent : op->empty;
    if (op->engine->loop == tocsin__self)
        tocsin__ready(op->engine, &op->end_node);
    else
        tocsin__inbox_push(&op->engine->loop->inbox, &op->end_node);
}

void tocsin__op_complete(struct tocsin__op *op, int status, const struct tocsin_payload *lent)
{
    if (tocsin__op_claim(op->source.id))
        tocsin__op_finish(op, status, lent);
}

static bool inherited(uint64_t id)
{
    const struct tocsin__loop *loop = tocsin__loop_numbered(tocsin__id_number(id));

    return loop && tocsin__inherited(loop);
}

static int payload_take(struct tocsin__op *op, const struct tocsin_payload *payload)
{
    const struct tocsin_layout *layout = op->type ? tocsin__signal(op->kind->done)->spec.layout : payload->layout;
    int err;

    if (!payload->layout || !tocsin__layout_same(layout, payload->layout))
        return -EPROTO;
    if (tocsin__op_lent(op, payload))
        return 0;
    op->copy = tocsin__alloc(tocsin__payload_size(payload));
    err = op->copy ? tocsin__payload_copy(payload, op->copy, layout) : -ENOMEM;
    if (err < 0) {
        tocsin__release(op->copy);
        op->copy = NULL;
    }
    return err;
}

int tocsin_op_complete(struct tocsin_op id, int status, const struct tocsin_payload *payload)
{
    struct tocsin__op *op;
    int err = tocsin_id_error(id.source.id);

    if (err < 0 || inherited(id.source.id))
        return err < 0 ? err : -EOWNERDEAD;
    op = claim(id.source.id, id.source.id, payload ? COPYING : 0);
    if (!op)
        return unclaimed(id.source.id);
    err = payload ? payload_take(op, payload) : 0;
    if (err < 0) {
        unclaim(op);
        return err;
    }
    atomic_store_explicit(&entry_of(op)->claim, 0, memory_order_relaxed);
    tocsin__op_finish(op, status, op->copy ? op->copy : payload);
    return 0;
}
