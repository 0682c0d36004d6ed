/* The phases of an operation: the one function that changes them, and the release. */
#include "base/assert.h"
#include "op/complete.h"
#include "op/lifecycle.h"
#include "op/op_owner.h"
#include "op/pause.h"

int tocsin__op_find(struct tocsin_op id, struct tocsin__op **ret_op)
{
    struct tocsin__source *source;
    struct tocsin__op *op;
    int err = tocsin__source_find(id.source.id, &source);

    if (err < 0)
        return err;
    op = (struct tocsin__op *)source;
    if (!source->is_op || op->phase == TOCSIN__OP_OVER || op->phase == TOCSIN__OP_UNDONE)
        return -ENOENT;
    *ret_op = op;
    return 0;
}

static void op_link(struct tocsin__op **first, struct tocsin__op *op)
{
    tocsin__assert(!op->link);
    op->next = *first;
    op->link = first;
    if (op->next)
        op->next->link = &op->next;
    *first = op;
}

static void op_unlink(struct tocsin__op *op)
{
    tocsin__assert(*op->link == op);
    *op->link = op->next;
    if (op->next)
        op->next->link = op->link;
    op->link = NULL;
}

static bool phase_is_listed_running(enum tocsin__op_phase phase)
{
    return phase >= TOCSIN__OP_MADE && phase <= TOCSIN__OP_COMPLETED;
}

static void running_count(struct tocsin__op *op, uint32_t by)
{
    struct tocsin__loop_client *loop_client = op->engine->loop_client;

    tocsin__assert(by == 1 || op->kind->running > 0);
    tocsin__assert(by == 1 || (op->background ? loop_client->serving : loop_client->running) > 0);
    op->kind->running += by;
    if (op->background)
        loop_client->serving += by;
    else
        loop_client->running += by;
}

/* Whether a thread is still at work for an operation that is threaded. */
static bool phase_has_thread(enum tocsin__op_phase phase)
{
    return phase_is_listed_running(phase) && phase != TOCSIN__OP_DELAYED;
}

static void threads_count(struct tocsin__op *op, enum tocsin__op_phase phase)
{
    tocsin__assert(!phase_has_thread(op->phase) || op->engine->loop_client->threads > 0);
    if (phase_has_thread(op->phase) && !phase_has_thread(phase))
        op->engine->loop_client->threads--;
    else if (!phase_has_thread(op->phase) && phase_has_thread(phase))
        op->engine->loop_client->threads++;
}

/* Takes the operation out of the list of its phase. */
static void list_leave(struct tocsin__op *op)
{
    if (!op->link)
        return;
    op_unlink(op);
    tocsin__assert(op->phase != TOCSIN__OP_KEPT || op->engine->loop_client->kept > 0);
    if (op->phase == TOCSIN__OP_KEPT)
        op->engine->loop_client->kept--;
    else
        running_count(op, -1u);
}

static void list_enter(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(op->engine);

    if (op->phase == TOCSIN__OP_KEPT) {
        op_link(&ops->kept, op);
        op->engine->loop_client->kept++;
    } else if (phase_is_listed_running(op->phase)) {
        op_link(&ops->running, op);
        running_count(op, 1);
    }
}

enum { CHECKED_MOST = 32 };

/* Whether the counters of the loop equal the lists of operations. Longer lists are not read, since
   each change checks. */
static bool lists_are_sound(const struct tocsin__ops *ops)
{
    const struct tocsin__loop_client *loop_client = &ops->loop_client;
    uint32_t running = 0, serving = 0, kept = 0, threads = 0;

    if (loop_client->running + loop_client->serving > CHECKED_MOST ||
        loop_client->kept > CHECKED_MOST)
        return true;
    for (const struct tocsin__op *op = ops->running; op; op = op->next) {
        running += !op->background;
        serving += op->background;
        threads += op->threaded && phase_has_thread(op->phase);
    }
    for (const struct tocsin__op *op = ops->kept; op; op = op->next)
        kept++;
    return running == loop_client->running && serving == loop_client->serving &&
           kept == loop_client->kept && threads == loop_client->threads;
}

#define TO(phase) (1u << TOCSIN__OP_##phase)

/* The transitions that op.h draws: for each phase, the phases that may follow. */
static const uint16_t phases_next[] = {
    [TOCSIN__OP_OVER] =
        TO(MADE) | TO(OVER), /* the operation is released again, since nothing is pending now */
    [TOCSIN__OP_MADE] = TO(EARLY) | TO(UNDONE) | TO(RUNNING) | TO(OVER),
    [TOCSIN__OP_EARLY] = TO(UNDONE) | TO(RUNNING) | TO(OVER),
    [TOCSIN__OP_UNDONE] = TO(OVER),
    [TOCSIN__OP_RUNNING] = TO(CANCELED) | TO(COMPLETED) | TO(ENDING) | TO(OVER),
    [TOCSIN__OP_CANCELED] = TO(RUNNING) | TO(ENDING) | TO(OVER),
    [TOCSIN__OP_DELAYED] = TO(COMPLETED) | TO(OVER),
    [TOCSIN__OP_COMPLETED] = TO(DELAYED) | TO(ENDING) | TO(OVER),
    [TOCSIN__OP_ENDING] = TO(NOTIFYING) | TO(OVER),
    [TOCSIN__OP_NOTIFYING] = TO(KEPT) | TO(OVER),
    [TOCSIN__OP_KEPT] = TO(OVER),
};

#undef TO

/* Whether the claim is what it should be in this phase. It may be anything in MADE, RUNNING and
   CANCELED, where another thread may complete the operation, and in OVER and UNDONE. */
static bool phase_fits_claim(const struct tocsin__op *op)
{
    return (op->phase != TOCSIN__OP_EARLY && op->phase < TOCSIN__OP_DELAYED) ||
           !tocsin__op_open(op);
}

void tocsin__op_set_phase(struct tocsin__op *op, enum tocsin__op_phase phase)
{
    bool stays = phase_is_listed_running(op->phase) && phase_is_listed_running(phase);

    tocsin__assert(phases_next[op->phase] & 1u << phase);
    if (op->threaded)
        threads_count(op, phase);
    if (!stays)
        list_leave(op);
    op->phase = phase;
    if (!stays)
        list_enter(op);
    tocsin__assert(lists_are_sound(tocsin__ops(op->engine)));
    tocsin__assert(!op->delay == (phase != TOCSIN__OP_DELAYED));
    tocsin__assert(!op->link == !(phase_is_listed_running(phase) || phase == TOCSIN__OP_KEPT));
    tocsin__assert(phase_fits_claim(op));
}

void tocsin__op_set_threaded(struct tocsin__op *op)
{
    op->threaded = true;
    op->engine->loop_client->threads++;
}

void tocsin__op_disarm(struct tocsin__op *op)
{
    if (op->disarm)
        op->disarm(op->state);
}

void tocsin__op_deadline_free(struct tocsin__op *op)
{
    if (!op->deadline)
        return;
    tocsin__timer_disarm(op->engine, &op->deadline->timer);
    tocsin__release(op->deadline);
    op->deadline = NULL;
}

/* Whether the plugin of the operation, or of its type, is being unloaded. Then pending emissions do
   not keep the source alive. */
static bool op_owner_is_closed(const struct tocsin__op *op)
{
    return atomic_load(&op->owner->closed) ||
           (op->type && atomic_load(&tocsin__owner_of(op->type)->closed));
}

static bool op_is_still_source(const struct tocsin__op *op)
{
    return tocsin__op_end_is_pending(op) || (op->source.pending && !op_owner_is_closed(op));
}

/* The source lives until its pending emissions are delivered, for the handlers of this source (O8).
   Then this function is called again, by on_source_unpended or on_end_unpended. */
void tocsin__op_release(struct tocsin__op *op)
{
    tocsin__op_set_phase(op, TOCSIN__OP_OVER);
    tocsin__op_pause_end(op);
    tocsin__op_disarm(op);
    tocsin__op_deadline_free(op);
    if (op_is_still_source(op))
        return;
    op->source.pending = 0;
    tocsin__source_end(op->engine->loop, &op->source);
    tocsin__op_uncharge(op->owner, op->type);
    tocsin__info_put(&op->info);
}
