/* The default action of a signal (T7): what the library does when no handler handles an emission.
   It runs on the loop that emitted. The default action of a post runs on the main loop. */
#include <stdlib.h>

#include "base/inbox.h"
#include "delivery/context.h"
#include "delivery/default_action.h"
#include "delivery/emit.h"
#include "registry/info.h"
#include "registry/owner.h"

/* Returns the function of the default action, or NULL if there is none. A plugin's function is
 * charged to the plugin as a task, so an unload waits for it. The unload first clears unhandled_fn,
 * then checks the tasks. So this function reads unhandled_fn again after the charge. */
static tocsin_fn default_action_charge(const struct tocsin__signal *signal,
                                       struct tocsin__owner **ret_owner)
{
    tocsin_fn fn;

    *ret_owner = &tocsin__program;
    while ((fn = __atomic_load_n(&signal->spec.unhandled_fn, __ATOMIC_SEQ_CST))) {
        struct tocsin__owner *owner = tocsin__owner_of((const void *)fn);

        if (owner != &tocsin__program)
            tocsin__owner_charge_force(owner, TOCSIN_RESOURCE_TASKS, 1);
        *ret_owner = owner;
        if (__atomic_load_n(&signal->spec.unhandled_fn, __ATOMIC_SEQ_CST) == fn)
            break;
        if (owner != &tocsin__program)
            tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_TASKS, 1);
    }
    return fn;
}

void tocsin__default_action(struct tocsin__loop *loop, struct tocsin__signal *signal,
                            struct tocsin_info *info)
{
    struct tocsin__owner *owner;
    tocsin_fn fn;

    if (loop->life.thread_ended)
        return;
    fn = default_action_charge(signal, &owner);
    if (fn) {
        struct tocsin__context was = tocsin__context_enter(
            loop, (struct tocsin__activity){ (const void *)fn, signal->name, info->source.id });
        const void *frame = loop->stack.frame;

        if (!frame)
            tocsin__frame_set(loop->stack.frame);
        tocsin__loop_enter(loop);
        fn(info, NULL);
        tocsin__loop_leave_untidy(loop);
        loop->stack.frame = frame;
        tocsin__context_restore(loop, &was);
        if (owner != &tocsin__program)
            tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_TASKS, 1);
        tocsin__tidy_at_rest(loop);
    } else if (signal->spec.unhandled == TOCSIN_STOP_LOOP) {
        loop->life.stop_wanted = true;
        loop->life.stop_status = 0;
    } else if (signal->spec.unhandled == TOCSIN_ABORT) {
        abort();
    }
}

/* An emission that is sent to the main loop, because the main loop takes its default action. */
struct unhandled {
    struct tocsin__node node;
    struct tocsin__signal *signal;
    struct tocsin__info *info;
};

static bool unhandled_send(struct tocsin__loop *loop, struct tocsin__signal *signal,
                           struct tocsin__info *info);

/* Takes the default action on this loop. If older emissions are pending for their default action,
 * their default actions are taken first. */
static void default_action_in_order(struct tocsin__loop *loop, struct tocsin__signal *signal,
                                    struct tocsin__info *info)
{
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(loop, signal->signo);

    tocsin__loop_enter(loop);
    if (loop_signal && tocsin__loop_signal_has_pending_default(loop_signal))
        tocsin__flush_slot(loop, loop_signal);
    tocsin__default_action(loop, signal, &info->pub);
    tocsin__loop_leave(loop);
}

static void on_unhandled(struct tocsin__node *node)
{
    struct unhandled *unhandled = tocsin__container(node, struct unhandled, node);
    struct tocsin__info *info = unhandled->info;

    /* If another loop has become the main loop meanwhile, the emission is sent on to the new main
     * loop. */
    if (!unhandled_send(tocsin__self, unhandled->signal, info))
        default_action_in_order(tocsin__self, unhandled->signal, info);
    tocsin__release(unhandled);
    tocsin__info_put(info);
}

static void unhandled_drop(struct tocsin__node *node)
{
    struct unhandled *unhandled = tocsin__container(node, struct unhandled, node);

    tocsin__info_put(unhandled->info);
    tocsin__release(unhandled);
}

/* Sends the emission to the main loop. Returns false if this loop is the main loop, if there is no
   main loop, or if there is no memory. */
static bool unhandled_send(struct tocsin__loop *loop, struct tocsin__signal *signal,
                           struct tocsin__info *info)
{
    struct tocsin__loop *main = tocsin__loop_main();
    struct unhandled *unhandled = main && main != loop ? tocsin__alloc(sizeof *unhandled) : NULL;

    if (!unhandled)
        return false;
    unhandled->signal = signal;
    unhandled->node.run = on_unhandled;
    unhandled->node.drop = unhandled_drop;
    unhandled->info = (struct tocsin__info *)tocsin_info_ref(&info->pub);
    if (unhandled->info && tocsin__inbox_push(&main->inbox, &unhandled->node))
        return true;
    tocsin_info_unref(unhandled->info ? &unhandled->info->pub : NULL);
    tocsin__release(unhandled);
    return false;
}

/* Returns true if this loop emitted the emission. A post is never the loop's own: its default
   action runs on the main loop. */
static bool is_own(const struct tocsin__loop *loop, const struct tocsin_info *info)
{
    return info->code != TOCSIN_POSTED && info->code != TOCSIN_OS &&
           tocsin__id_number(info->sequence) == loop->life.number;
}

/* Counts one delivered copy. Returns true if this was the last copy and no loop handled any
   copy. */
static bool is_last_unhandled(struct tocsin__info *info, int result)
{
    if (result != TOCSIN_NOBODY)
        atomic_store(&info->handled, 1);
    return atomic_fetch_sub(&info->open, 1) == 1 && !atomic_load(&info->handled);
}

/* Returns true if several loops received copies of the emission and the copies are counted. */
static bool is_counted(const struct tocsin__info *info)
{
    uint32_t refs = atomic_load_explicit(&info->refs, memory_order_relaxed);

    return refs && refs != TOCSIN__COPIED &&
           atomic_load_explicit(&info->open, memory_order_relaxed);
}

void tocsin__default_action_if_unhandled(struct tocsin__loop *loop, struct tocsin__signal *signal,
                                         struct tocsin__info *info, int result)
{
    bool several = is_counted(info), here;

    if (!several && result != TOCSIN_NOBODY)
        return;
    here = is_own(loop, &info->pub) && !several;
    if (several && !is_last_unhandled(info, result))
        return;
    if (!tocsin__has_default(signal))
        return;
    if (!here && !several && atomic_load_explicit(&info->handled, memory_order_relaxed) &&
        !tocsin__listens_first(loop->life.number, signal))
        return; /* several loops received copies that nobody counts, so this loop cannot know
                 * whether it must take the default action, and takes none */
    if (here || !unhandled_send(loop, signal, info))
        tocsin__default_action(loop, signal, &info->pub);
}
