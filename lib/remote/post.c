/* Posts: sends a message or a shared copy to the inboxes of the loops that listen. */
#include <time.h>

#include <tocsin/loop.h>

#include "remote/multicast.h"
#include "registry/name_error.h"
#include "delivery/handler.h"
#include "registry/layout.h"
#include "registry/owner.h"
#include "remote/post.h"
#include "remote/fence.h"
#include "base/refusal.h"
#include "remote/inject.h"
#include "delivery/owner_here.h"

/* Returns the sequence number of the emission whose handler makes this post, or 0. For a real
 * signal the result is 0, because the handler that the real signal interrupts has not caused it
 * (E15). */
static uint64_t post_parent(int code)
{
    return code == TOCSIN_OS ? 0 : tocsin__self->parent;
}

/* Sets the info of a post before its delivery. The receiving loop sets the sequence number and the
   turn, unless several loops share the info. */
static void post_fill(struct tocsin__info *info, const struct tocsin__signal *signal, int code,
                      const struct tocsin_payload *payload)
{
    info->pub = (struct tocsin_info){ .signo = signal->signo,
                                      .code = code,
                                      .name = signal->name,
                                      .parent = post_parent(code),
                                      .payload = payload };
    atomic_init(&info->refs, 0);
}

static bool post_has_layout(struct tocsin__signal *signal, const struct tocsin_payload *payload)
{
    const struct tocsin_layout *layout = payload ? payload->layout : NULL;

    if (layout == signal->spec.layout ||
        (layout && layout == atomic_load_explicit(&signal->fitted, memory_order_relaxed)))
        return layout || !payload;
    if (!layout || !tocsin__layout_same(signal->spec.layout, layout))
        return false;
    atomic_store_explicit(&signal->fitted, layout, memory_order_relaxed);
    return true;
}

static int post_check(int signo, const struct tocsin_payload *payload,
                      struct tocsin__signal **ret_signal)
{
    struct tocsin__signal *signal = tocsin__signal(signo);

    if (!signal || !signal->declared || signal->spec.kind == TOCSIN_DIRECT)
        return tocsin__no_signo(signo, false);
    *ret_signal = signal;
    return post_has_layout(signal, payload)
               ? tocsin__owner_room(tocsin__owner_here(), signal->name, payload)
               : tocsin__other_layout(signal, payload);
}

/* Returns a sequence number for a post that several loops share. Its loop number is 0xffff, which
   no loop has. */
static uint64_t post_shared_sequence(void)
{
    static _Atomic uint64_t last;

    return (uint64_t)0xffff << TOCSIN__ID_NUMBER_SHIFT |
           (atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1);
}

static int post_send(struct tocsin__multicast *multicast, int code,
                     const struct tocsin_payload *payload)
{
    struct tocsin__info info;
    int err;

    post_fill(&info, multicast->signal, code, payload);
    err = tocsin__multicast_share(multicast, &info.pub, 0);
    if (err == 0)
        err = tocsin__multicast_reserve(multicast, &info.pub);
    if (err < 0)
        return err;
    if (multicast->shared)
        multicast->shared->pub.sequence = post_shared_sequence();
    tocsin__multicast_send_and_end(multicast, &info.pub);
    return multicast->count ? TOCSIN_PENDED : TOCSIN_NOBODY;
}

/* Posts in the usual case: one loop listens, and a message can contain the payload. Returns
   -ENOTSUP in every other case. */
static int post_one(struct tocsin__signal *signal, const struct tocsin_payload *payload, int code,
                    uint32_t spare)
{
    uint32_t word = atomic_load(&signal->first.word), number = word & TOCSIN__LOOP_BITS;
    struct tocsin__message *message;
    struct tocsin__loop *loop;
    uint64_t at;
    int err;

    if (!number || !signal->flat || word != number ||
        number != atomic_load(&tocsin__interest[signal->signo]) ||
        atomic_load_explicit(&signal->first.latest, memory_order_relaxed))
        return -ENOTSUP;
    loop = tocsin__loop_numbered(number);
    err = tocsin__inbox_claim(&loop->inbox, TOCSIN__ANY_GENERATION, spare, &at);
    if (err < 0)
        return -ENOTSUP;
    message = tocsin__inbox_message(&loop->inbox, at);
    tocsin__message_fill(message, signal,
                         &(struct tocsin_info){ .signo = signal->signo,
                                                .code = code,
                                                .parent = post_parent(code),
                                                .payload = payload });
    tocsin__message_set_owner(message);
    tocsin__inbox_publish(&loop->inbox, at);
    return TOCSIN_PENDED;
}

/* Posts to all loops that listen. If no loop listens, or all of them have just ended, posts to the
 * main loop, which takes the default action (T7). */
static int post_all(struct tocsin__multicast *multicast, struct tocsin__signal *signal,
                    const struct tocsin_payload *payload, int code, uint32_t spare)
{
    int err = tocsin__multicast_to_listeners(multicast, signal, 0), result = TOCSIN_NOBODY;

    multicast->spare = spare;
    if (err == 0 && multicast->count)
        result = err = post_send(multicast, code, payload);
    while (err == 0 && result == TOCSIN_NOBODY && tocsin__has_default(signal)) {
        err = tocsin__multicast_to_main(multicast, signal);
        multicast->spare = spare;
        if (err == 0)
            result = err = post_send(multicast, code, payload);
    }
    return err < 0 ? err : result;
}

int tocsin__post(int signo, const struct tocsin_payload *payload, int code, uint32_t spare,
                 struct tocsin__loop **ret_full)
{
    struct tocsin__signal *signal;
    struct tocsin__multicast multicast;
    int err = post_check(signo, payload, &signal);

    if (err < 0)
        return err;
    if (atomic_load_explicit(&tocsin__interest[signo], memory_order_relaxed) == TOCSIN__NOBODY)
        return TOCSIN_NOBODY;
    err = post_one(signal, payload, code, spare);
    if (err != -ENOTSUP)
        return err;
    if (tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    err = post_all(&multicast, signal, payload, code, spare);
    if (ret_full)
        *ret_full = err == -EAGAIN ? multicast.full : NULL;
    return err;
}

int tocsin_post(int signo, const struct tocsin_payload *payload)
{
    int err = tocsin__is_injecting() ? tocsin__inject_post(signo) : 0;

    return tocsin__traced_async(
        err < 0 ? err : tocsin__post(signo, payload, TOCSIN_POSTED, TOCSIN__RESERVED_CELLS, NULL));
}

int tocsin_post_to(struct tocsin_loop loop, int signo, const struct tocsin_payload *payload)
{
    struct tocsin__signal *signal;
    struct tocsin__multicast multicast;
    int err = post_check(signo, payload, &signal);

    if (err == 0 && tocsin__is_injecting())
        err = tocsin__inject_post(signo);
    if (err == 0)
        err = tocsin__multicast_to_loop(&multicast, signal, loop);
    return tocsin__traced_async(err < 0 ? err : post_send(&multicast, TOCSIN_POSTED, payload));
}

int tocsin_post_wait(int signo, const struct tocsin_payload *payload, int64_t timeout_ms)
{
    /* The wait checks the room repeatedly. If the signal is blocked on the full loop, no message
     * announces that its pending emissions are below the limit again. */
    static const struct timespec moment = { 0, 1000000 };
    const struct timespec *until = NULL;
    struct tocsin__loop *full = NULL;
    struct tocsin__fence *fence;
    struct timespec when;
    int err = tocsin__fence_check(timeout_ms);

    if (err == 0 && tocsin__is_injecting())
        err = tocsin__inject_post(signo);
    if (err < 0)
        return tocsin__traced(err);
    until = tocsin__fence_deadline(timeout_ms, &when);
    while ((err = tocsin__post(signo, payload, TOCSIN_POSTED, TOCSIN__RESERVED_CELLS, &full)) ==
               -EAGAIN &&
           full) {
        fence = tocsin__fence_new();
        if (!fence)
            return tocsin__traced(-ENOMEM);
        err = tocsin__fence_wait(fence, full, until);
        if (err < 0)
            return tocsin__traced(err);
        if (!tocsin__inbox_has_room(&full->inbox, TOCSIN__RESERVED_CELLS))
            continue;
        err = tocsin__post(signo, payload, TOCSIN_POSTED, TOCSIN__RESERVED_CELLS, &full);
        if (err != -EAGAIN || !full)
            return tocsin__traced(err);
        nanosleep(&moment, NULL);
    }
    return tocsin__traced(err);
}
