/* Posting: what is sent waits in the inboxes of those who listen. */
#include <pthread.h>
#include <time.h>

#include <tocsin/loop.h>

#include "core/cast.h"
#include "core/handler.h"
#include "core/layout.h"
#include "core/owner.h"
#include "core/receive.h"
#include "core/seam.h"

/* A real signal is no descendant of what it happens to interrupt (E15). */
static uint64_t parent(int code)
{
    return code == TOCSIN_OS ? 0 : tocsin__self->parent;
}

/* What a post looks like before it is delivered: the receiver gives it its sequence number and its turn, unless several share it. */
static void fill(struct tocsin__info *info, const struct tocsin__signal *signal, int code, const struct tocsin_payload *payload)
{
    info->seen = (struct tocsin_info){ .signo = signal->signo, .code = code, .name = signal->name, .parent = parent(code), .payload = payload };
    atomic_init(&info->refs, 0);
}

static bool fits(struct tocsin__signal *signal, const struct tocsin_payload *payload)
{
    const struct tocsin_layout *layout = payload ? payload->layout : NULL;

    if (layout == signal->spec.layout || (layout && layout == atomic_load_explicit(&signal->fitted, memory_order_relaxed)))
        return layout || !payload;
    if (!layout || !tocsin__layout_same(signal->spec.layout, layout))
        return false;
    atomic_store_explicit(&signal->fitted, layout, memory_order_relaxed);
    return true;
}

static int check(int signo, const struct tocsin_payload *payload, struct tocsin__signal **ret_signal)
{
    struct tocsin__signal *signal = tocsin__signal(signo);

    if (!signal || !signal->declared || signal->spec.kind == TOCSIN_DIRECT)
        return -EINVAL;
    *ret_signal = signal;
    return fits(signal, payload) ? tocsin__owner_room(tocsin__owner_here(), signal->name, payload) : -EPROTO;
}

/* The sequence numbers of posts that several loops share: of no loop. */
static uint64_t sequence_shared(void)
{
    static _Atomic uint64_t last;

    return (uint64_t)0xffff << TOCSIN__ID_NUMBER_SHIFT | (atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1);
}

static int send(struct tocsin__cast *cast, int code, const struct tocsin_payload *payload)
{
    struct tocsin__info info;
    int err;

    fill(&info, cast->signal, code, payload);
    err = tocsin__cast_share(cast, &info.seen, 0);
    if (err == 0)
        err = tocsin__cast_reserve(cast, &info.seen);
    if (err < 0)
        return err;
    if (cast->shared)
        cast->shared->seen.sequence = sequence_shared();
    tocsin__cast_sent(cast, &info.seen);
    return cast->count ? TOCSIN_PENDED : TOCSIN_NOBODY;
}

/* The usual case: one loop listens, and a letter holds the payload. -ENOTSUP: it is not so. */
static int post_one(struct tocsin__signal *signal, const struct tocsin_payload *payload, int code, uint32_t spare)
{
    uint32_t word = atomic_load(&signal->first.word), number = word & TOCSIN__LOOP_BITS;
    struct tocsin__letter *letter;
    struct tocsin__loop *loop;
    uint64_t at;
    int err;

    if (!number || !signal->flat || word != number || number != atomic_load(&tocsin__interest[signal->signo]) || atomic_load_explicit(&signal->first.box, memory_order_relaxed))
        return -ENOTSUP;
    loop = tocsin__loop_numbered(number);
    err = tocsin__inbox_claim(&loop->inbox, TOCSIN__ANY, spare, &at);
    if (err < 0)
        return -ENOTSUP;
    letter = tocsin__inbox_letter(&loop->inbox, at);
    tocsin__letter_fill(letter, signal, &(struct tocsin_info){ .signo = signal->signo, .code = code, .parent = parent(code), .payload = payload });
    tocsin__letter_owned(letter);
    tocsin__inbox_publish(&loop->inbox, at);
    return TOCSIN_PENDED;
}

/* To all who listen; if nobody does, or they have all just gone, to the main loop for the default action (T7). */
static int post_all(struct tocsin__cast *cast, struct tocsin__signal *signal, const struct tocsin_payload *payload, int code, uint32_t spare)
{
    int err = tocsin__cast_aim(cast, signal, 0), result = TOCSIN_NOBODY;

    cast->spare = spare;
    if (err == 0 && cast->count)
        result = err = send(cast, code, payload);
    while (err == 0 && result == TOCSIN_NOBODY && tocsin__has_default(signal)) {
        err = tocsin__cast_aim_main(cast, signal);
        cast->spare = spare;
        if (err == 0)
            result = err = send(cast, code, payload);
    }
    return err < 0 ? err : result;
}

int tocsin__post(int signo, const struct tocsin_payload *payload, int code, uint32_t spare, struct tocsin__loop **ret_full)
{
    struct tocsin__signal *signal;
    struct tocsin__cast cast;
    int err = check(signo, payload, &signal);

    if (err < 0)
        return err;
    if (atomic_load_explicit(&tocsin__interest[signo], memory_order_relaxed) == TOCSIN__NOBODY)
        return TOCSIN_NOBODY;
    err = post_one(signal, payload, code, spare);
    if (err != -ENOTSUP)
        return err;
    if (tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    err = post_all(&cast, signal, payload, code, spare);
    if (ret_full)
        *ret_full = err == -EAGAIN ? cast.full : NULL;
    return err;
}

int tocsin_post(int signo, const struct tocsin_payload *payload)
{
    int err = tocsin__seam() ? tocsin__cross_post(signo) : 0;

    return err < 0 ? err : tocsin__post(signo, payload, TOCSIN_POSTED, TOCSIN__SPARE, NULL);
}

int tocsin_post_to(struct tocsin_loop loop, int signo, const struct tocsin_payload *payload)
{
    struct tocsin__signal *signal;
    struct tocsin__cast cast;
    int err = check(signo, payload, &signal);

    if (err == 0 && tocsin__seam())
        err = tocsin__cross_post(signo);
    if (err == 0)
        err = tocsin__cast_aim_at(&cast, signal, loop);
    return err < 0 ? err : send(&cast, TOCSIN_POSTED, payload);
}

int tocsin_loop_call(struct tocsin_loop id, tocsin_task task, void *arg, tocsin_drop drop)
{
    struct tocsin__owner *owner = tocsin__owner_whose((const void *)task, NULL);
    struct tocsin__letter *letter;
    struct tocsin__loop *loop;
    uint64_t generation, at;
    int err = task ? tocsin__loop_of(id.id, &loop, &generation) : -EINVAL;

    if (err == 0)
        err = tocsin__owner_admit(owner, TOCSIN_HOLDS_TASKS);
    if (err < 0)
        return err;
    /* In an init the loop may stand still, with a full inbox, until that has returned (P4): so it may have more of it. */
    err = tocsin__inbox_claim(&loop->inbox, generation, tocsin__at_work && tocsin__self != &tocsin__no_loop ? TOCSIN__SPARE / 2 : TOCSIN__SPARE, &at);
    if (err < 0) {
        tocsin__owner_give(owner, TOCSIN_HOLDS_TASKS, 1);
        return err;
    }
    letter = tocsin__inbox_letter(&loop->inbox, at);
    letter->kind = TOCSIN__TASK;
    letter->flags = TOCSIN__FAR;
    letter->owner = owner->number;
    letter->task = task;
    letter->arg = arg;
    letter->drop = drop;
    tocsin__inbox_publish(&loop->inbox, at);
    return 0;
}

/* Waiting, on a thread without a loop: a node goes through the inbox of a loop, behind all that is in it */

struct meeting { struct tocsin__node node; pthread_mutex_t lock; pthread_cond_t met; bool over; _Atomic int refs; };

static void meeting_put(struct meeting *meeting)
{
    pthread_mutex_unlock(&meeting->lock);
    if (atomic_fetch_sub(&meeting->refs, 1) > 1)       /* not before: unlocking may still touch it when the other one has it */
        return;
    pthread_cond_destroy(&meeting->met);
    pthread_mutex_destroy(&meeting->lock);
    tocsin__release(meeting);
}

static void on_meeting(struct tocsin__node *node)
{
    struct meeting *meeting = tocsin__container(node, struct meeting, node);

    pthread_mutex_lock(&meeting->lock);
    meeting->over = true;
    pthread_cond_signal(&meeting->met);
    meeting_put(meeting);
}

static struct meeting *meeting_new(void)
{
    struct meeting *meeting = tocsin__alloc(sizeof *meeting);
    pthread_condattr_t attributes;

    if (!meeting)
        return NULL;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&meeting->met, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&meeting->lock, NULL);
    meeting->node.run = on_meeting;
    meeting->refs = 2;
    return meeting;
}

/* until: NULL, without limit. -ETIMEDOUT. */
static int meet(struct meeting *meeting, struct tocsin__loop *loop, const struct timespec *until)
{
    int err = 0;

    pthread_mutex_lock(&meeting->lock);
    if (!tocsin__inbox_push(&loop->inbox, &meeting->node)) {
        meeting->refs--;                               /* it has ended: there is nothing to wait for */
        meeting->over = true;
    }
    while (!meeting->over && err == 0)
        err = until ? pthread_cond_timedwait(&meeting->met, &meeting->lock, until) : pthread_cond_wait(&meeting->met, &meeting->lock);
    err = meeting->over ? 0 : -ETIMEDOUT;
    meeting_put(meeting);
    return err;
}

static const struct timespec *until_when(int64_t timeout_ms, struct timespec *when)
{
    if (timeout_ms < 0 || timeout_ms > INT64_MAX / 4000)
        return NULL;
    clock_gettime(CLOCK_MONOTONIC, when);
    when->tv_sec += timeout_ms / 1000;
    when->tv_nsec += timeout_ms % 1000 * 1000000;
    if (when->tv_nsec >= 1000000000)
        when->tv_sec++, when->tv_nsec -= 1000000000;
    return when;
}

static int may_wait(int64_t timeout_ms)
{
    if (timeout_ms < -1)
        return -EINVAL;
    if (tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    return tocsin__self == &tocsin__no_loop ? 0 : -EDEADLK;
}

int tocsin_post_wait(int signo, const struct tocsin_payload *payload, int64_t timeout_ms)
{
    static const struct timespec moment = { 0, 1000000 };        /* where a signal is blocked, nothing tells when its limit is not reached any more */
    const struct timespec *until = NULL;
    struct tocsin__loop *full = NULL;
    struct meeting *meeting;
    struct timespec when;
    int err = may_wait(timeout_ms);

    if (err == 0 && tocsin__seam())
        err = tocsin__cross_post(signo);
    if (err < 0)
        return err;
    until = until_when(timeout_ms, &when);
    while ((err = tocsin__post(signo, payload, TOCSIN_POSTED, TOCSIN__SPARE, &full)) == -EAGAIN && full) {
        meeting = meeting_new();
        if (!meeting)
            return -ENOMEM;
        err = meet(meeting, full, until);
        if (err < 0)
            return err;
        if (!tocsin__inbox_room(&full->inbox, TOCSIN__SPARE))
            continue;
        err = tocsin__post(signo, payload, TOCSIN_POSTED, TOCSIN__SPARE, &full);
        if (err != -EAGAIN || !full)
            return err;
        nanosleep(&moment, NULL);
    }
    return err;
}

int tocsin_disconnect_wait(struct tocsin_handler id, int64_t timeout_ms)
{
    struct meeting *meeting;
    struct timespec when;
    int err = may_wait(timeout_ms);

    if (err == 0)
        err = tocsin_id_error(id.id);
    meeting = err == 0 ? meeting_new() : NULL;
    if (!meeting)
        return err < 0 ? err : -ENOMEM;
    err = tocsin_disconnect(id);
    if (err == 0)
        return meet(meeting, tocsin__loop_numbered(tocsin__id_number(id.id)), until_when(timeout_ms, &when));
    meeting->refs = 1;
    pthread_mutex_lock(&meeting->lock);
    meeting_put(meeting);
    return err;
}
