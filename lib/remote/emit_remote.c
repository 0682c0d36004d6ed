/* Emits a signal to which other loops listen. First sends a message to each of these loops (T2),
   then delivers the emission on this loop. lib/delivery calls these functions through
   tocsin__hooks. */
#include "delivery/default_action.h"
#include "delivery/emit.h"
#include "registry/layout.h"
#include "registry/owner.h"
#include "remote/emit_remote.h"
#include "remote/multicast.h"
#include "delivery/owner_here.h"
#include "registry/payload.h"

/* Makes a copy for the pending list, if the emission must wait on this loop; otherwise sets
 * *ret_pend to NULL. This is done before places are reserved on other loops, because it may fail
 * and may call a `ref` function of the program. Returns -EAGAIN if the limit is reached. */
static int pending_prepare(struct tocsin__loop_signal *loop_signal, struct tocsin__info *info,
                           struct tocsin__info *shared, struct tocsin__pending **ret_pend)
{
    int err;

    *ret_pend = NULL;
    if (!tocsin__loop_signal_is_held(loop_signal) && !(loop_signal->state & TOCSIN__PENDING))
        return 0;
    if (!tocsin__pending_would_merge(loop_signal, info->pub.source.id) &&
        !tocsin__pending_has_room(loop_signal, 1, tocsin__payload_size(info->pub.payload))) {
        tocsin__pending_count_refused(loop_signal, 0);
        return -EAGAIN;
    }
    err = tocsin__owner_room(tocsin__owner_here(), loop_signal->name, info->pub.payload);
    return err < 0
               ? err
               : tocsin__pending_make(loop_signal, shared ? &shared->pub : &info->pub, ret_pend);
}

/* Delivers the emission on this loop, after the messages to the other loops were sent. Then takes
 * the default action, if this loop must take it. `counted` is the shared copy, which counts the
 * undelivered copies. If the copies are not counted, `counted` is `info`, and info->handled is the
 * number of other loops. Then only the first listener may take the default action. */
static int deliver_part(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                        struct tocsin__info *info, struct tocsin__info *counted)
{
    bool ignored = loop_signal->state & TOCSIN__IGNORED;
    int result = tocsin__deliver(loop, loop_signal,
                                 tocsin__list_from(loop, loop_signal, info->pub.source.id), info);

    if (result != TOCSIN_NOBODY || ignored || counted != info || !info->handled ||
        tocsin__listens_first(loop->life.number, loop_signal->signal))
        tocsin__default_action_if_unhandled(loop, loop_signal->signal, counted,
                                            ignored ? TOCSIN_DELIVERED : result);
    return result;
}

/* Makes the copies, reserves places on the other loops, sends the messages, then delivers on this
   loop (T2). If a step fails, no loop receives the emission. */
static int reserve_and_deliver(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                               struct tocsin__info *info, struct tocsin__multicast *multicast)
{
    struct tocsin__pending *pending = NULL;
    int result = tocsin__multicast_share(multicast, &info->pub, 1);

    if (result < 0)
        return result;
    result = pending_prepare(loop_signal, info, multicast->shared, &pending);
    if (result < 0) {
        tocsin__multicast_abandon(multicast);
        return result;
    }
    result = tocsin__multicast_reserve(multicast, &info->pub);
    if (result < 0) {
        if (pending)
            tocsin__pending_end(pending);
        return result;
    }
    tocsin__multicast_send(multicast, &info->pub);
    tocsin__loop_enter(loop);
    if (pending) {
        tocsin__pending_set_shared(pending, multicast->shared);
        tocsin__pending_add(loop_signal, pending);
        result = TOCSIN_PENDED;
    } else {
        atomic_store_explicit(&info->handled, multicast->count, memory_order_relaxed);
        result = deliver_part(loop, loop_signal, info,
                              multicast->shared && multicast->shared->open ? multicast->shared
                                                                           : info);
    }
    tocsin__multicast_end(multicast);
    tocsin__loop_leave(loop);
    return result;
}

int tocsin__emit_both(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                      struct tocsin__info *info)
{
    struct tocsin__multicast multicast;
    int err = tocsin__multicast_to_listeners(&multicast, loop_signal->signal, loop->life.number);

    return err < 0 ? err : reserve_and_deliver(loop, loop_signal, info, &multicast);
}

int tocsin__emit_away(struct tocsin__loop *loop, struct tocsin__signal *signal,
                      struct tocsin__info *info, bool here)
{
    struct tocsin__multicast multicast;
    int err = tocsin__multicast_to_listeners(&multicast, signal, loop->life.number);

    if (err == 0)
        err = tocsin__multicast_share(&multicast, &info->pub, here);
    if (err == 0)
        err = tocsin__multicast_reserve(&multicast, &info->pub);
    if (err < 0)
        return err;
    tocsin__multicast_send_and_end(&multicast, &info->pub);
    return (int)multicast.count;
}
