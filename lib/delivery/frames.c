/* Resets a loop when functions on its stack will never return. Either the thread has ended in a
 * handler (T6), or a handler has left these functions by an exception or a jump (longjmp). The next
 * call into the loop detects the jump: if the recorded functions still ran, the frame of the caller
 * would have a lower address than their frames. */
#define _GNU_SOURCE /* makes the headers declare pthread_getattr_np */
#include <pthread.h>

#include "delivery/emit.h"
#include "delivery/frames.h"
#include "delivery/hooks.h"
#include "delivery/pending/mask.h"
#include "base/refusal.h"

static bool is_within(const char *low, const char *high, const void *one, const void *other)
{
    return (const char *)one >= low && (const char *)one < high && (const char *)other >= low &&
           (const char *)other < high;
}

static void stack_find(struct tocsin__loop *loop)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    loop->stack.low = low;
    loop->stack.high = (const char *)low + size;
}

/* Returns true if the function with this frame was left by a jump. On a stack that the library does
 * not know, frames cannot be compared, so the result is false. */
bool tocsin__frame_left(struct tocsin__loop *loop, const void *frame, const void *here)
{
    if (!frame || (const char *)here < (const char *)frame)
        return false;
    if (!loop->stack.high)
        stack_find(loop);
    return is_within(loop->stack.fiber_low, loop->stack.fiber_high, frame, here) ||
           is_within(loop->stack.low, loop->stack.high, frame, here);
}

int tocsin__on_stack(const struct tocsin__loop *loop, const char *fiber)
{
    const struct tocsin__handler *handler = loop->running;

    if (handler)
        return tocsin__because(-EDEADLK, "a handler of '%s' is on the stack (%s)",
                               handler->subscription.text ? handler->subscription.text : "?",
                               *handler->where ? handler->where : "connected at an unknown place");
    if (loop->runs.activity.signal)
        return tocsin__because(-EDEADLK, "%s%s is on the stack",
                               fiber ? fiber : "a notify, task or default action of ",
                               loop->runs.activity.signal);
    return tocsin__because(-EDEADLK, "a turn, a flush or a drop is on the stack");
}

/* Returns true if every recorded function was left, and false if no function is recorded. After
   delivery_reset, loop->stack.left is true even if no frame is recorded. */
static bool is_all_left(struct tocsin__loop *loop, const void *here)
{
    bool some = loop->stack.frame || loop->stack.left;

    if (loop->stack.frame && !tocsin__frame_left(loop, loop->stack.frame, here))
        return false;
    for (uint32_t i = 0; i < loop->loop_signals_count; i++) {
        const struct tocsin__loop_signal *loop_signal = loop->loop_signals[i];

        if (!loop_signal || !(loop_signal->state & TOCSIN__RUNNING))
            continue;
        if (!tocsin__frame_left(loop, loop_signal->delivery.frame, here))
            return false;
        some = true;
    }
    return some;
}

/* Reports that a function was left by a jump: the handler with this id, or another function if `id`
   is 0. */
static void frames_report(struct tocsin__loop *loop, uint64_t id)
{
    struct tocsin__handler *handler = id ? tocsin__id_object(&loop->ids.handlers, id) : NULL;
    struct tocsin_info info = { .name = handler && handler->subscription.text
                                            ? handler->subscription.text
                                            : "" };

    if (!handler) {
        tocsin__remark(
            "a function that the loop called was left by an exception or a jump: it must return");
        return;
    }
    tocsin__remark("a handler of '%s' (%s) was left by an exception or a jump: it must return",
                   info.name, handler->where);
    tocsin__loop_enter(loop);
    tocsin__handler_failed(loop, handler, &info, -ECANCELED);
    tocsin__loop_leave_untidy(loop);
}

void tocsin__frames_lost(struct tocsin__loop *loop)
{
    uint64_t id = loop->running ? loop->running->id : 0;

    tocsin__frames_drop(loop);
    tocsin__hooks.receive_left(loop);
    if (loop->hooks.recover)
        loop->hooks.recover(loop);
    frames_report(loop, id);
}

bool tocsin__frames_dropped(struct tocsin__loop *loop, const void *here)
{
    bool left = !tocsin__at_rest(loop) && is_all_left(loop, here);

    loop->stack.checked_at = here;
    if (left)
        tocsin__frames_lost(loop);
    return left;
}

/* Resets the members of the signal that describe the running delivery. The delivery may have a
 * reference to a copy of the info. This reference is never released, so the copy is never freed,
 * like everything that the jump has left behind. */
static void delivery_forget(struct tocsin__loop_signal *loop_signal)
{
    loop_signal->state &= ~(uint32_t)(TOCSIN__RUNNING | TOCSIN__KEPT);
    tocsin__info_take_copy(&loop_signal->info);
    loop_signal->delivery.nested = 0;
    loop_signal->delivery.nodefer = loop_signal->delivery.unblocked = false;
    loop_signal->walks++;
}

/* Resets all members of the signal that a delivery sets. */
static void loop_signal_reset(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal)
{
    delivery_forget(loop_signal);
    loop_signal->masks.masked = 0;
    loop_signal->queued.announced = 0;
    tocsin__loop_signal_state(loop_signal);
    if (loop_signal->state & TOCSIN__UNTIDY)
        tocsin__loop_signal_compact(loop, loop_signal);
    tocsin__loop_signal_update_interest(loop_signal);
}

/* Resets one delivery while other deliveries may be on the stack. The remaining state is reset when
 * the loop is at rest. */
static void delivery_reset(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal)
{
    uint64_t id = loop->running ? loop->running->id : 0;

    delivery_forget(loop_signal);
    loop->stack.left = true;
    loop->cleanup_pending = 1;
    frames_report(loop, id);
}

bool tocsin__loop_signal_was_left(struct tocsin__loop *loop,
                                  struct tocsin__loop_signal *loop_signal, const void *here)
{
    if (!tocsin__frame_left(loop, loop_signal->delivery.frame, here))
        return false;
    if (loop->stack.in_turn &&
        !is_within(loop->stack.fiber_low, loop->stack.fiber_high, here, here))
        delivery_reset(loop, loop_signal); /* resets one delivery; the end of the turn resets the
                                              rest */
    else if (!tocsin__frames_dropped(loop, here))
        delivery_reset(loop, loop_signal);
    return true;
}

/* The handlers that were running have been left by a jump, so their masks must no longer hold
 * signals back. */
static void masks_reset(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->ids.handlers.made; i++) {
        const struct tocsin__handler *handler = tocsin__id_entry(&loop->ids.handlers, i)->object;

        if (handler && handler->mask)
            handler->mask->active = 0;
    }
}

void tocsin__frames_drop(struct tocsin__loop *loop)
{
    loop->stack.left = false;
    loop->stack.frame = NULL;
    tocsin__set_running(loop, NULL);
    tocsin__set_parent(loop, 0);
    tocsin__set_activity(loop, (struct tocsin__activity){ .code = NULL });
    loop->runs.sender = NULL;
    loop->hooks.watch = NULL;
    loop->hooks.watcher = NULL;
    loop->depth = 1; /* while depth is 1, nothing is freed until all state is reset */
    masks_reset(loop);
    for (uint32_t i = 0; i < loop->loop_signals_count; i++)
        if (loop->loop_signals[i])
            loop_signal_reset(loop, loop->loop_signals[i]);
    tocsin__flushes_drop(loop);
    if (loop->cleanup.dropping)
        tocsin__handler_defer_free(loop, loop->cleanup.dropping);
    loop->cleanup.dropping = NULL;
    while (loop->pending.delivering)
        tocsin__pending_delivery_end(loop, loop->pending.delivering);
    loop->cleanup_pending = 1;
    loop->depth = 0;
}
