/* Delivers or drops one message of an inbox. */
#include "delivery/context.h"
#include "delivery/handler.h"
#include "registry/layout.h"
#include "registry/owner.h"
#include "registry/payload.h"
#include "remote/accept.h"
#include "remote/inject.h"
#include "remote/message.h"

/* Sets an info from an inline message. The info borrows the payload of the message. */
static void message_read(struct tocsin__loop *loop, const struct tocsin__message *message,
                         struct tocsin__info *info)
{
    const struct tocsin__signal *signal = tocsin__signal(message->signo);

    tocsin__info_fill(info, loop, message->signo, signal->name, 0,
                      signal->spec.layout ? (const struct tocsin_payload *)message->payload : NULL);
    info->pub.code = message->code;
    if (message->flags & TOCSIN__HAS_EXTRAS) {
        info->pub.overrun = message->overrun;
        info->pub.parent = message->parent;
        info->pub.sequence = message->sequence ? message->sequence : info->pub.sequence;
    } else {
        info->pub.parent = 0;
    }
    atomic_init(&info->handled, message->flags & TOCSIN__ONE_OF_SEVERAL);
}

static bool message_deliver_inline(struct tocsin__loop *loop, struct tocsin__message *message)
{
    struct tocsin__info info;
    bool done;

    message_read(loop, message, &info);
    done = tocsin__accept(loop, tocsin__signal(message->signo), &info, NULL);
    tocsin__info_end(&info);
    return done;
}

/* Numbers a post that only this loop has received. Such a post gets the next sequence number of
   this loop and the time of its turn. */
static void message_number(struct tocsin__loop *loop, struct tocsin__info *info)
{
    if (info->pub.code == TOCSIN_EMITTED || info->pub.code >= TOCSIN_PROGRESS ||
        atomic_load(&info->refs) > 1)
        return;
    info->pub.sequence = loop->sequence++;
    info->pub.turn_us = loop->turn_us;
}

static bool message_deliver_shared(struct tocsin__loop *loop, struct tocsin__message *message)
{
    struct tocsin__info *info = message->info;

    message_number(loop, info);
    if (!tocsin__accept(loop, tocsin__signal(message->signo), info, NULL))
        return false;
    tocsin__info_put(info);
    return true;
}

/* Makes a copy of the emission. The copy is not counted in info->open. So if other loops have
   copies, this copy takes no default action (T7). */
struct tocsin__info *tocsin__message_copy(struct tocsin__loop *loop,
                                          const struct tocsin__message *message)
{
    struct tocsin__info own, *info = message->kind == TOCSIN__SHARED ? message->info : &own, *copy;
    int err;

    if (info == &own)
        message_read(loop, message, info);
    copy = tocsin__info_copy(&info->pub, tocsin_info_data(&info->pub),
                             tocsin__signal(message->signo)->spec.layout, &err);
    if (copy)
        atomic_init(&copy->handled,
                    atomic_load(&info->handled) || (info != &own && atomic_load(&info->open)));
    return copy;
}

/* An emission that was numbered by this loop, but is delivered later, gets a new sequence
 * number. */
static void message_renumber(struct tocsin__loop *loop, struct tocsin__info *info)
{
    if (atomic_load(&info->refs) > 1 || tocsin__id_number(info->pub.sequence) != loop->life.number)
        return;
    info->pub.sequence = loop->sequence++;
    info->pub.turn_us = loop->turn_us;
}

bool tocsin__message_deliver_late(struct tocsin__loop *loop, struct tocsin__info *info)
{
    struct tocsin__signal *signal = tocsin__signal(info->pub.signo);

    if (signal->unresolved && tocsin__patterns_resolve(loop) < 0)
        return false;
    message_renumber(loop, info);
    if (!tocsin__accept(loop, signal, info, NULL))
        return false;
    tocsin__info_put(info);
    return true;
}

void tocsin__message_drop_task(const struct tocsin__message *message)
{
    if (message->drop)
        message->drop(message->arg);
    tocsin__owner_uncharge(tocsin__owner_numbered(message->owner), TOCSIN_RESOURCE_TASKS, 1);
}

void tocsin__message_run_task(struct tocsin__loop *loop, struct tocsin__message *message)
{
    struct tocsin__context was = tocsin__context_enter(
        loop, (struct tocsin__activity){ .code = (const void *)message->task });

    tocsin__loop_enter(loop);
    if (!loop->life.thread_ended)
        message->task(message->arg);
    /* The kind is cleared before `drop` is called. So `drop` is called only once, even if the
       thread ends in it. */
    message->kind = TOCSIN__EMPTY;
    tocsin__message_drop_task(message);
    tocsin__loop_leave_untidy(loop);
    tocsin__context_restore(loop, &was);
    tocsin__tidy_at_rest(loop);
}

static bool message_deliver_kind(struct tocsin__loop *loop, struct tocsin__message *message)
{
    switch (message->kind) {
    case TOCSIN__INLINE: return message_deliver_inline(loop, message);
    case TOCSIN__SHARED: return message_deliver_shared(loop, message);
    case TOCSIN__TASK: tocsin__message_run_task(loop, message); return true;
    default: return true;
    }
}

bool tocsin__message_deliver(struct tocsin__loop *loop, struct tocsin__message *message)
{
    bool done;

    if (message->kind < TOCSIN__TASK && tocsin__signal(message->signo)->unresolved &&
        tocsin__patterns_resolve(loop) < 0)
        return false;
    if (tocsin__is_injecting() && message->kind < TOCSIN__TASK && loop->hooks.delay_message &&
        loop->hooks.delay_message(loop, message))
        return true;
    if (message->flags & TOCSIN__HAS_OWNER)
        loop->runs.sender = tocsin__owner_numbered(message->owner);
    done = message_deliver_kind(loop, message);
    loop->runs.sender = NULL;
    return done;
}

void tocsin__message_drop(const struct tocsin__message *message)
{
    if (message->kind == TOCSIN__SHARED)
        tocsin__info_put(message->info);
    else if (message->kind == TOCSIN__TASK)
        tocsin__message_drop_task(message);
}
