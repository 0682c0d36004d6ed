/* A starting operation reserves a place for its end (O2) in each queue that the end will go to: the
 * queue of its notify, the queues that are connected to its signal, and the pending list if this
 * signal is blocked. */
#include "delivery/emit.h"
#include "remote/completion_message.h"
#include "op/progress.h"
#include "op/reserve.h"

static void sinks_unexpect(struct tocsin__ops *ops, int signo, const struct tocsin__sink *before)
{
    for (struct tocsin__sink *set = ops->listening; set != before; set = set->next)
        set->unexpect(set, signo);
}

void tocsin__ops_unexpect(struct tocsin__ops *ops, int signo)
{
    sinks_unexpect(ops, signo, NULL);
}

static int sinks_expect(struct tocsin__ops *ops, int signo)
{
    for (struct tocsin__sink *set = ops->listening; set; set = set->next)
        if (set->expect(set, signo) < 0) {
            sinks_unexpect(ops, signo, set);
            return -ENOMEM;
        }
    return 0;
}

static uint32_t reserve_count_ends(const struct tocsin__ops *ops, int signo)
{
    uint32_t count = 0;

    for (const struct tocsin__op_type *kind = ops->kinds; kind; kind = kind->next)
        count += kind->done == signo ? kind->running : 0;
    return count;
}

/* Checks the pending list for an operation whose terminal signal is blocked. The start is
 * refused if the ends of the running operations would fill the list, since an end cannot be
 * refused later. */
static bool reserve_pending(const struct tocsin__ops *ops, struct tocsin__loop_signal *loop_signal,
                            int signo)
{
    uint32_t to_come = reserve_count_ends(ops, signo);
    bool room = tocsin__pending_has_room(loop_signal, to_come + 1, 0);

    tocsin__pending_check_recovered(loop_signal, to_come);
    if (!room)
        tocsin__pending_count_refused(loop_signal, to_come);
    return room;
}

int tocsin__op_reserve_end(struct tocsin__op *op)
{
    struct tocsin__ops *ops = tocsin__ops(tocsin__op_engine(op));
    struct tocsin__loop *loop = tocsin__op_engine(op)->loop;
    struct tocsin__sink *sink = tocsin__op_sink(op);
    struct tocsin__loop_signal *loop_signal;
    int signo = op->kind->done, err;
    void *none;

    if (op->mode & TOCSIN_INTO_QUEUE && !sink)
        return tocsin__loop_find(offsetof(struct tocsin__loop, ids.queues), op->queue, &none);
    if (tocsin__signal(signo)->unresolved && tocsin__patterns_resolve(loop) < 0)
        return -ENOMEM;
    loop_signal = tocsin__loop_signal(loop, signo);
    if (loop_signal && loop_signal->state & TOCSIN__GATED &&
        !tocsin__admission_is_open(loop_signal, 0)) {
        tocsin__admission_count_refused(loop_signal, 0);
        return -EAGAIN;
    }
    if (loop_signal && loop_signal->state & TOCSIN__BLOCKED) {
        if (!reserve_pending(ops, loop_signal, signo))
            return -EAGAIN;
        if (!tocsin__op_rare(op))
            return -ENOMEM;
    }
    if (tocsin__has_other_listeners(tocsin__signal(signo), loop_signal) &&
        !tocsin__completion_messages_have_room(loop, tocsin__signal(signo)))
        return -EAGAIN;
    err = sinks_expect(ops, signo);
    if (err == 0 && sink) {
        err = sink->reserve(sink);
        if (err < 0)
            tocsin__ops_unexpect(ops, signo);
        if (err == -EAGAIN)
            sink->refused(sink, tocsin__signal(signo)->name);
    }
    return err;
}

void tocsin__op_release_end(struct tocsin__op *op)
{
    struct tocsin__sink *sink = tocsin__op_sink(op);

    if (sink)
        sink->release(sink);
    if (sink && tocsin__op_has_progress(op) && tocsin__op_progress(op)->info)
        sink->release(sink);
    tocsin__ops_unexpect(tocsin__ops(tocsin__op_engine(op)), op->kind->done);
}
