/* The phases of an operation. One function changes the phase; another one releases the
 * operation. */
#include <string.h>

#include "base/assert.h"
#include "op/complete.h"
#include "op/dependent.h"
#include "op/late.h"
#include "op/lifecycle.h"
#include "op/op_owner.h"
#include "op/outlive.h"
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

static bool phase_is_listed_running(enum tocsin__op_phase phase)
{
    return phase >= TOCSIN__OP_MADE && phase <= TOCSIN__OP_COMPLETED;
}

static void running_count(struct tocsin__op *op, uint32_t by)
{
    struct tocsin__loop_client *loop_client = tocsin__op_engine(op)->loop_client;

    tocsin__assert(by == 1 || op->kind->running > 0);
    tocsin__assert(by == 1 || (op->background ? loop_client->serving : loop_client->running) > 0);
    op->kind->running += by;
    if (op->background)
        loop_client->serving += by;
    else
        loop_client->running += by;
}

/* Whether a pool thread may still use the memory of a threaded operation in this phase. */
static bool phase_has_thread(enum tocsin__op_phase phase)
{
    return phase_is_listed_running(phase) && phase != TOCSIN__OP_DELAYED;
}

static void threads_count(struct tocsin__op *op, enum tocsin__op_phase phase)
{
    tocsin__assert(!phase_has_thread(op->phase) || tocsin__op_engine(op)->loop_client->threads > 0);
    if (phase_has_thread(op->phase) && !phase_has_thread(phase))
        tocsin__op_engine(op)->loop_client->threads--;
    else if (!phase_has_thread(op->phase) && phase_has_thread(phase))
        tocsin__op_engine(op)->loop_client->threads++;
}

static void kept_count(struct tocsin__op *op, uint32_t by)
{
    struct tocsin__loop_client *loop_client = tocsin__op_engine(op)->loop_client;

    tocsin__assert(by == 1 || loop_client->kept > 0);
    loop_client->kept += by;
}

/* Adds by (1 or -1) to the counter of operations that belongs to the current phase. */
static void phase_count(struct tocsin__op *op, uint32_t by)
{
    if (op->phase == TOCSIN__OP_KEPT)
        kept_count(op, by);
    else if (tocsin__op_is_listed(op))
        running_count(op, by);
}

enum { CHECKED_MOST = 32 };

/* Whether the counters of the loop equal the numbers of operations that they count. If there are
 * many operations, they are not checked, since this runs at every change of a phase. */
static bool counts_are_sound(const struct tocsin__ops *ops)
{
    const struct tocsin__loop_client *loop_client = &ops->loop_client;
    uint32_t running = 0, serving = 0, kept = 0, threads = 0;
    const struct tocsin__op *op;

    if (ops->engine->loop->ids.sources.live > CHECKED_MOST)
        return true;
    for (uint64_t id = 0; (op = tocsin__ops_listed_after(ops, &id));) {
        running += !op->background;
        serving += op->background;
        threads += op->threaded && phase_has_thread(op->phase);
    }
    for (uint64_t id = 0; tocsin__ops_kept_after(ops, &id);)
        kept++;
    return running == loop_client->running && serving == loop_client->serving &&
           kept == loop_client->kept && threads == loop_client->threads;
}

#define TO(phase) (1u << TOCSIN__OP_##phase)

/* The transitions drawn in op.h: for each phase, the set of phases that may follow it. */
static const uint16_t phases_next[] = {
    [TOCSIN__OP_OVER] = TO(MADE) | TO(OVER), /* OVER again: a second release, after the last pending
                                              * emission was delivered */
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

/* Whether the claim has a value that is allowed in this phase. In MADE, RUNNING and CANCELED
 * another thread may complete the operation at any time, so each value is allowed. In OVER and
 * UNDONE the claim is not checked. */
static bool phase_fits_claim(const struct tocsin__op *op)
{
    return (op->phase != TOCSIN__OP_EARLY && op->phase < TOCSIN__OP_DELAYED) ||
           !tocsin__op_open(op);
}

void tocsin__op_set_phase(struct tocsin__op *op, enum tocsin__op_phase phase)
{
    bool stays = tocsin__op_is_listed(op) && phase_is_listed_running(phase);

    tocsin__assert(phases_next[op->phase] & 1u << phase);
    if (op->threaded)
        threads_count(op, phase);
    if (!stays)
        phase_count(op, -1u);
    op->phase = (uint8_t)phase;
    if (!stays)
        phase_count(op, 1);
    tocsin__assert(counts_are_sound(tocsin__ops(tocsin__op_engine(op))));
    tocsin__assert(!tocsin__op_delay(op) == (phase != TOCSIN__OP_DELAYED));
    tocsin__assert(phase_fits_claim(op));
}

void tocsin__op_set_threaded(struct tocsin__op *op)
{
    op->threaded = true;
    tocsin__op_engine(op)->loop_client->threads++;
}

/* Calls the disarm function of the type, which stops the timers and descriptors of the operation.
 * Does nothing if the end was announced, because the info of the end has replaced the timer. */
void tocsin__op_disarm(struct tocsin__op *op)
{
    if (!op->announced && op->kind->disarm)
        op->kind->disarm(tocsin__op_state(op));
}

void tocsin__op_deadline_end(struct tocsin__op *op)
{
    if (op->rare)
        tocsin__timer_disarm(tocsin__op_engine(op), &op->rare->deadline);
}

/* Whether the plugin that owns the operation, or its type, is being unloaded. In this case pending
 * emissions do not keep the source alive. */
static bool op_owner_is_closed(const struct tocsin__op *op)
{
    return atomic_load(&op->owner->closed) ||
           (tocsin__op_type(op) && atomic_load(&tocsin__owner_of(tocsin__op_type(op))->closed));
}

static bool op_is_still_source(const struct tocsin__op *op)
{
    return tocsin__op_end_is_pending(op) || (op->source.pending && !op_owner_is_closed(op));
}

/* Frees the operation. It is called on any thread, when the last reference to the info of the end
 * is released. */
static void op_free(struct tocsin__info *info)
{
    struct tocsin__op *op = tocsin__container(info, struct tocsin__op, info);
    const struct tocsin_op_type *type = op->type_of_over;

    if (type && type->drop)
        type->drop(type->flags & TOCSIN__THIN ? (char *)op + TOCSIN__THIN_STATE
                                              : (char *)op->state);
    tocsin__op_payload_free(op);
    tocsin__slab_free(op, op->bytes_of_over, tocsin__slabs_here());
    tocsin__op_type_uncharge(type);
}

void tocsin__op_make_info(struct tocsin__op *op)
{
    struct tocsin__op_run run = op->run;

    tocsin__assert(!op->announced && (tocsin__op_is_thin(op) || !tocsin__timer_armed(&run.timer)));
    memset(&op->info, 0, sizeof op->info);
    op->announced = true;
    op->info_is_copied = run.payload_is_copied;
    op->info.pub = (struct tocsin_info){ .signo = op->kind->done,
                                         .code = TOCSIN_DONE,
                                         .status = op->status,
                                         .name = tocsin__signal(op->kind->done)->name,
                                         .source = { op->source.id },
                                         .parent = run.parent,
                                         .payload = run.payload };
    op->info.data = op->source.data;
    op->info.release = op_free;
    atomic_init(&op->info.refs, 1);
    if (op->outlives)
        tocsin__op_outlives_announced(op);
}

/* Handlers of this source must still receive its pending emissions (O8), so the source lives until
 * these are delivered. Then on_source_unpended or on_end_unpended calls this function again. */
void tocsin__op_release(struct tocsin__op *op)
{
    const struct tocsin_op_type *type = tocsin__op_type(op);

    tocsin__op_set_phase(op, TOCSIN__OP_OVER);
    tocsin__op_pause_end(op);
    tocsin__op_late_forget(op);
    tocsin__op_disarm(op);
    tocsin__op_deadline_end(op);
    tocsin__op_dependents_end(op, 0);
    if (op_is_still_source(op))
        return;
    op->source.pending = 0;
    tocsin__source_end(tocsin__op_engine(op)->loop, &op->source);
    tocsin__op_uncharge(op->owner, type);
    tocsin__release(op->rare);
    op->rare = NULL;
    op->bytes_of_over = op->kind->op_bytes;
    op->type_of_over = type;
    if (op->announced)
        tocsin__info_put(&op->info);
    else
        op_free(&op->info);
}

void tocsin__op_unpended(struct tocsin__source *source)
{
    struct tocsin__op *op = tocsin__container(source, struct tocsin__op, source);

    if (op->phase == TOCSIN__OP_OVER)
        tocsin__op_release(op);
}
