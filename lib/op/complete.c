/* Completing an operation exactly once, from any thread. The thread that takes the claim completes
 * the operation. No other thread may write to the operation. */
#include "registry/payload.h"
#include "registry/layout.h"
#include "base/refusal.h"
#include "loop/ready.h"
#include "op/complete.h"
#include "op/outlive.h"
#include "op/progress.h"

/* Two values of the claim. COPYING: a thread copies the payload of the end. ASKED: the same, and
 * the loop has asked for the end meanwhile. No id is as small as these. */
enum { COPYING = 1, ASKED = 2 };

static struct tocsin__id_entry *claim_entry(uint64_t id)
{
    struct tocsin__loop *loop = id > ASKED ? tocsin__loop_numbered(tocsin__id_number(id)) : NULL;

    return loop ? tocsin__id_entry(&loop->ids.sources, id) : NULL;
}

static struct tocsin__op *claim_take(uint64_t id, uint64_t word, uint64_t as)
{
    struct tocsin__id_entry *entry = claim_entry(id);

    if (!entry || !atomic_compare_exchange_strong_explicit(
                      &entry->claim, &word, as, memory_order_acquire, memory_order_relaxed))
        return NULL;
    return entry->object;
}

struct tocsin__op *tocsin__op_claim(uint64_t id)
{
    struct tocsin__op *op = claim_take(id, id, 0);

    return op ? op : claim_take(id, tocsin__own_word(id), 0);
}

/* The error that tocsin_op_complete returns if the caller could not take the claim. */
static int claim_error(uint64_t id)
{
    struct tocsin__id_entry *entry = claim_entry(id);
    bool own = entry &&
               atomic_load_explicit(&entry->claim, memory_order_relaxed) == tocsin__own_word(id);

    return own ? -EINVAL : -ENOENT;
}

static struct tocsin__id_entry *op_entry(const struct tocsin__op *op)
{
    return tocsin__id_entry(&tocsin__op_engine(op)->loop->ids.sources, op->source.id);
}

enum tocsin__claim tocsin__op_claim_request(struct tocsin__op *op, int reason)
{
    _Atomic uint64_t *word = &op_entry(op)->claim;
    uint64_t seen;

    op->run.reason = reason;
    for (;;) {
        seen = COPYING;
        if (atomic_compare_exchange_strong_explicit(word, &seen, ASKED, memory_order_release,
                                                    memory_order_relaxed))
            return TOCSIN__CLAIM_ASKED;
        if (seen == op->source.id || seen == tocsin__own_word(op->source.id))
            return TOCSIN__CLAIM_OPEN;
        if (seen != COPYING)
            return TOCSIN__CLAIM_TAKEN;
    }
}

bool tocsin__op_copies(const struct tocsin__op *op)
{
    uint64_t word = atomic_load_explicit(&op_entry(op)->claim, memory_order_relaxed);

    return word == COPYING;
}

/* Gives the claim back, since the payload could not be copied. The operation runs on, unless the
 * loop has asked for its end meanwhile: then it ends now. */
static void claim_give_back(struct tocsin__op *op)
{
    if (!atomic_compare_exchange_strong_explicit(&op_entry(op)->claim, &(uint64_t){ COPYING },
                                                 op->source.id, memory_order_release,
                                                 memory_order_acquire))
        tocsin__op_finish(op, op->run.reason, NULL);
}

bool tocsin__op_finished(const struct tocsin__op *op)
{
    return op->fiber_returned && tocsin__op_is_running(op) && op->phase != TOCSIN__OP_DELAYED &&
           !(op->mode & TOCSIN_KEEP);
}

struct tocsin_payload *tocsin__op_empty_payload(struct tocsin__op *op)
{
    unsigned char *end = op->state + op->kind->state_bytes;

    if (tocsin__op_is_thin(op))
        return (struct tocsin_payload *)((char *)tocsin__op_state(op) + op->kind->payload_at);
    if (!tocsin__op_type(op) || !tocsin__signal(op->kind->done)->spec.layout)
        return NULL;
    return (struct tocsin_payload *)(op->kind->progress[0] ? end + sizeof(struct tocsin__progress)
                                                           : end);
}

void tocsin__op_payload_free(struct tocsin__op *op)
{
    struct tocsin_payload *copy = (struct tocsin_payload *)tocsin__op_payload(op);

    if (!(op->announced ? op->info_is_copied : op->run.payload_is_copied))
        return;
    if (op->announced)
        op->info_is_copied = false;
    else
        op->run.payload_is_copied = false;
    tocsin__payload_clear(copy);
    tocsin__release(copy);
}

void tocsin__op_push_thin(struct tocsin__op *op, void (*run)(struct tocsin__node *node))
{
    if (op->is_ready || op->is_finished)
        return;
    op->is_ready = true;
    op->run.end_node.run = run;
    tocsin__ready_push(tocsin__op_engine(op), &op->run.end_node);
}

/* The node was on the ready list when the operation was completed. Its end follows behind the ends
   that were pushed before: those of the reads of a stream, for example. */
static void on_thin_again(struct tocsin__node *node)
{
    struct tocsin__op *op = tocsin__container(node, struct tocsin__op, run.end_node);

    op->is_ready = false;
    tocsin__op_push_end(op);
}

void tocsin__op_push_end(struct tocsin__op *op)
{
    op->is_finished = true;
    op->run.end_node.run = op->is_ready
                                ? on_thin_again
                                : tocsin__ops(tocsin__op_engine(op))->deliver_end;
    if (!op->is_ready)
        tocsin__ready_push(tocsin__op_engine(op), &op->run.end_node);
    op->is_ready = tocsin__op_is_thin(op);
}

void tocsin__op_finish(struct tocsin__op *op, int status, const struct tocsin_payload *lent)
{
    op->status = status;
    op->run.payload = lent ? lent : tocsin__op_empty_payload(op);
    tocsin__assert(!tocsin__op_is_thin(op) || tocsin__op_engine(op)->loop == tocsin__self);
    if (tocsin__op_engine(op)->loop == tocsin__self)
        tocsin__op_push_end(op);
    else
        tocsin__inbox_push(&tocsin__op_engine(op)->loop->inbox, &op->run.end_node);
}

void tocsin__op_complete(struct tocsin__op *op, int status, const struct tocsin_payload *lent)
{
    if (tocsin__op_claim(op->source.id))
        tocsin__op_finish(op, status, lent);
}

static bool id_is_inherited(uint64_t id)
{
    const struct tocsin__loop *loop = tocsin__loop_numbered(tocsin__id_number(id));

    return loop && tocsin__inherited(loop);
}

/* Checks the payload of the end, and copies it into *ret_copy. A payload inside the state is not
 * copied: then *ret_copy stays NULL. */
static int payload_take(struct tocsin__op *op, const struct tocsin_payload *payload,
                        struct tocsin_payload **ret_copy)
{
    const struct tocsin_layout *layout = tocsin__op_type(op)
                                             ? tocsin__signal(op->kind->done)->spec.layout
                                             : payload->layout;
    struct tocsin_payload *copy;
    int err;

    if (!payload->layout || (tocsin__op_type(op) && !tocsin__layout_same(layout, payload->layout)))
        return -EPROTO;
    /* the layout must be checked here if its signal is not declared */
    if (!tocsin__op_type(op) && tocsin__layout_check(layout) < 0)
        return -EINVAL;
    if (tocsin__op_lent(op, payload))
        return 0;
    copy = tocsin__alloc(tocsin__payload_size(payload));
    err = copy ? tocsin__payload_copy(payload, copy, layout) : -ENOMEM;
    if (err < 0)
        tocsin__release(copy);
    else
        *ret_copy = copy;
    return err;
}

int tocsin_op_complete(struct tocsin_op id, int status, const struct tocsin_payload *payload)
{
    struct tocsin_payload *copy = NULL;
    struct tocsin__op *op;
    int err = tocsin_id_error(id.source.id);

    if (err < 0 || id_is_inherited(id.source.id))
        return tocsin__traced(err < 0 ? err : -EOWNERDEAD);
    op = claim_take(id.source.id, id.source.id, payload ? COPYING : 0);
    if (!op) {
        tocsin__outlived(id.source.id);
        return tocsin__traced(claim_error(id.source.id));
    }
    err = payload ? payload_take(op, payload, &copy) : 0;
    if (err < 0) {
        claim_give_back(op);
        return tocsin__traced(err);
    }
    atomic_store_explicit(&op_entry(op)->claim, 0, memory_order_relaxed);
    op->run.payload_is_copied = copy != NULL;
    tocsin__op_finish(op, status, copy ? copy : payload);
    return 0;
}
