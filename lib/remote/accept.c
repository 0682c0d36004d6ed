/* Delivers the emissions that an inbox has accepted. */
#include "delivery/default_action.h"
#include "delivery/emit.h"
#include "registry/layout.h"
#include "registry/payload.h"
#include "remote/accept.h"

/* Returns true if a queue that listens to the signal has no room for the emission. If the signal is
   ignored, its queues do not count. */
static bool accept_is_refused_by_queue(const struct tocsin__loop_signal *loop_signal,
                                       const struct tocsin_info *info)
{
    return loop_signal->state & TOCSIN__GATED && !(loop_signal->state & TOCSIN__IGNORED) &&
           !tocsin__admission_is_open(loop_signal, tocsin__payload_size(info->payload));
}

/* Delivers the emission, or makes it pending. Called if the signal may be blocked, its handlers may
   run, or older emissions may be pending. Returns false if there is no memory. */
static bool accept_held(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                        struct tocsin__info *info, struct tocsin__pending **place)
{
    bool held = tocsin__loop_signal_is_held(loop_signal), done;

    if (loop_signal->state & TOCSIN__PENDING && !held)
        tocsin__flush_slot(loop, loop_signal);
    held = tocsin__loop_signal_is_held(loop_signal);
    if (!held && !(loop_signal->state & TOCSIN__PENDING) &&
        !accept_is_refused_by_queue(loop_signal, &info->pub)) {
        tocsin__deliver_or_default(loop, loop_signal, info);
        return true;
    }
    done = tocsin__pending_add_accepted(loop_signal, info, place);
    if (done && !held && loop_signal->queued.first)
        tocsin__flush_slot(loop, loop_signal); /* puts the signal into the heap of those that wait
                                                * for room in a queue */
    return done;
}

bool tocsin__accept(struct tocsin__loop *loop, struct tocsin__signal *signal,
                    struct tocsin__info *info, struct tocsin__pending **place)
{
    struct tocsin__loop_signal *loop_signal;
    bool done;

    loop_signal = tocsin__loop_signal(loop, signal->signo);
    if (!loop_signal || !(tocsin__loop_signal_has_effect(loop_signal) ||
                          tocsin__loop_signal_has_pending_default(loop_signal))) {
        tocsin__default_action_if_unhandled(
            loop, signal, info,
            loop_signal && loop_signal->state & TOCSIN__IGNORED ? TOCSIN_DELIVERED : TOCSIN_NOBODY);
        return true;
    }
    if (!loop_signal->state) {
        tocsin__default_action_if_unhandled(
            loop, signal, info,
            tocsin__deliver_straight(loop, loop_signal,
                                     tocsin__list_from(loop, loop_signal, info->pub.source.id),
                                     info));
        return true;
    }
    tocsin__loop_enter(loop);
    done = accept_held(loop, loop_signal, info, place);
    tocsin__loop_leave(loop);
    return done;
}
