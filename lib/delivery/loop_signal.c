/* One signal on one loop. This file makes its record, and copies its state to the places that other
 * threads read. */
#include <string.h>

#include "delivery/emit.h"
#include "delivery/handler_list.h"
#include "delivery/hooks.h"
#include "delivery/loop_signal.h"

static const struct tocsin_layout layout_unknown; /* a layout that no payload has, so the first
                                                   * emission compares its own layout */

static int loop_signals_reserve(struct tocsin__loop *loop, uint32_t signo)
{
    uint32_t count = loop->loop_signals_count ? loop->loop_signals_count : 64;
    struct tocsin__loop_signal **loop_signals, **old = loop->loop_signals;

    if (signo < loop->loop_signals_count)
        return 0;
    while (count <= signo)
        count *= 2;
    loop_signals = tocsin__alloc(count * sizeof *loop_signals);
    if (!loop_signals)
        return -ENOMEM;
    if (old)
        memcpy(loop_signals, old, loop->loop_signals_count * sizeof *loop_signals);
    loop->loop_signals = loop_signals;
    /* keeps the order of the two stores for a real signal handler that calls tocsin_has_listeners
     * between them */
    atomic_signal_fence(memory_order_seq_cst);
    loop->loop_signals_count = count;
    tocsin__release(old);
    return 0;
}

struct tocsin__loop_signal *tocsin__loop_signal_make(struct tocsin__loop *loop,
                                                     struct tocsin__signal *signal)
{
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(loop, signal->signo);

    if (loop_signal || loop_signals_reserve(loop, (uint32_t)signal->signo) < 0)
        return loop_signal;
    loop_signal = tocsin__alloc(sizeof *loop_signal);
    if (!loop_signal)
        return NULL;
    loop_signal->listener = tocsin__listener_make(signal, loop->life.number);
    if (!loop_signal->listener) {
        tocsin__release(loop_signal);
        return NULL;
    }
    loop_signal->signal = signal;
    loop_signal->name = signal->name;
    loop_signal->info.pub.signo = signal->signo;
    loop_signal->info.pub.code = TOCSIN_EMITTED;
    loop_signal->info.pub.name = signal->name;
    loop_signal->layout = &layout_unknown;
    loop_signal->list = &tocsin__list_empty;
    loop_signal->queued.last = &loop_signal->queued.first;
    loop->loop_signals[signal->signo] = loop_signal;
    return loop_signal;
}

void tocsin__loop_signal_state(struct tocsin__loop_signal *loop_signal)
{
    loop_signal->state &= ~(uint32_t)(TOCSIN__BLOCKED | TOCSIN__IGNORED);
    loop_signal->state |= (loop_signal->masks.blocks || loop_signal->masks.masked ? TOCSIN__BLOCKED
                                                                                  : 0) |
                          (loop_signal->masks.ignores ? TOCSIN__IGNORED : 0);
    tocsin__loop_signal_update_listener(loop_signal);
}

void tocsin__loop_signal_update_interest(struct tocsin__loop_signal *loop_signal)
{
    bool listens = tocsin__loop_signal_has_handlers(loop_signal),
         interested = listens || loop_signal->masks.rules ||
                      tocsin__loop_signal_is_held(loop_signal);

    loop_signal->state &= ~(uint32_t)TOCSIN__QUIET;
    loop_signal->state |= loop_signal->masks.rules && !listens ? TOCSIN__QUIET : 0;
    if (loop_signal->listening.interested != interested) {
        loop_signal->listening.interested = interested;
        tocsin__interest_change(loop_signal->signal, loop_signal->listener, interested ? 1 : -1u);
        /* no flag is set, because tocsin__interest_change has cleared the listener's flags */
        loop_signal->listening.full = false;
        tocsin__hooks.room_check(tocsin__self);
    }
    tocsin__loop_signal_update_listener(loop_signal);
}

void tocsin__loop_signal_update_listener(struct tocsin__loop_signal *loop_signal)
{
    bool deaf = !tocsin__loop_signal_has_effect(loop_signal),
         observes = !loop_signal->handlers && loop_signal->observers &&
                    !tocsin__loop_signal_is_held(loop_signal);

    if (loop_signal->listening.interested)
        tocsin__listener_flag(loop_signal->listener, TOCSIN__DEAF | TOCSIN__OBSERVES,
                              (deaf ? TOCSIN__DEAF : 0) | (observes ? TOCSIN__OBSERVES : 0));
    if (loop_signal->handlers && !loop_signal->listening.published)
        tocsin__loops_news(tocsin__self);
    loop_signal->listening.published = loop_signal->handlers;
}

void tocsin__loop_signal_compact(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal)
{
    loop_signal->state &= ~(uint32_t)TOCSIN__UNTIDY;
    if (loop_signal->list->dead * 2 > loop_signal->list->count)
        tocsin__list_compact(loop, loop_signal, loop_signal->list);
}
