/* Keeps the messages that an inject function delays. */
#include "remote/message.h"
#include "remote/inject.h"
#include "loop/clock.h"
#include "loop/ready.h"
#include "loop/inject.h"
#include "loop/engine.h"

struct tocsin__delayed {
    struct tocsin__timer timer;           /* the timer of the delay */
    struct tocsin__node node;             /* node of the ready list, used when the delay is over */
    struct tocsin__delayed *next, **link; /* links of the list engine->delayed */
    struct tocsin__engine *engine;
    struct tocsin__info *info; /* the info of the message; this struct has a reference to it */
    /* if true, the message is delivered directly after the next message of this signal */
    bool behind;
};

static void delayed_add(struct tocsin__delayed *delayed)
{
    struct tocsin__engine *engine = delayed->engine;

    delayed->next = NULL;
    delayed->link = engine->delayed_last;
    *delayed->link = delayed;
    engine->delayed_last = &delayed->next;
    engine->delayed_count++;
}

static void delayed_remove(struct tocsin__delayed *delayed)
{
    tocsin__assert(*delayed->link == delayed && delayed->engine->delayed_count > 0);
    *delayed->link = delayed->next;
    *(delayed->next ? &delayed->next->link : &delayed->engine->delayed_last) = delayed->link;
    delayed->engine->delayed_count--;
    tocsin__assert(!delayed->engine->delayed == !delayed->engine->delayed_count);
}

/* Delivers the message. It is taken off the list before its delivery, because a handler may release
   or drop all messages of the list. */
static void on_ready(struct tocsin__node *node)
{
    struct tocsin__delayed *delayed = tocsin__container(node, struct tocsin__delayed, node);

    delayed_remove(delayed);
    if (tocsin__message_deliver_late(delayed->engine->loop, delayed->info)) {
        tocsin__release(delayed);
        return;
    }
    delayed_add(delayed); /* there is no memory for the delivery, so the next turn tries again */
    tocsin__ready_push(delayed->engine, node);
}

static void on_due(struct tocsin__timer *timer)
{
    struct tocsin__delayed *delayed = tocsin__container(timer, struct tocsin__delayed, timer);

    delayed->behind = false;
    tocsin__ready_push(delayed->engine, &delayed->node);
}

static void delayed_make_ready(struct tocsin__delayed *delayed)
{
    if (!tocsin__timer_armed(&delayed->timer))
        return; /* the message is on the ready list already */
    tocsin__timer_disarm(delayed->engine, &delayed->timer);
    on_due(&delayed->timer);
}

/* Returns the delayed message that must be delivered directly after the next message of this
 * signal, or NULL if there is none. */
static struct tocsin__delayed *delayed_find_swap(const struct tocsin__engine *engine, int signo)
{
    struct tocsin__delayed *delayed = engine->delayed;

    while (delayed && !(delayed->behind && delayed->info->pub.signo == signo))
        delayed = delayed->next;
    return delayed;
}

/* Adds a delayed message, and takes over the reference to `info`. If `info` is NULL or there is no
   memory, returns false and leaves the reference to the caller. */
static bool delayed_new(struct tocsin__engine *engine, struct tocsin__info *info,
                        const struct tocsin_inject_action *action)
{
    struct tocsin__delayed *delayed = info ? tocsin__alloc(sizeof *delayed) : NULL;

    if (!delayed)
        return false;
    delayed->engine = engine;
    delayed->info = info;
    delayed->behind = action->behind;
    delayed->node.run = on_ready;
    delayed->timer.fire = on_due;
    delayed_add(delayed);
    if (action->delay_ms)
        tocsin__timer_arm(engine, &delayed->timer, tocsin__due_in(engine, action->delay_ms));
    else
        tocsin__ready_push(engine, &delayed->node);
    return true;
}

/* Adds a second copy of the message. If there is no memory, the message is delivered only once. */
static void inject_duplicate(struct tocsin__engine *engine, const struct tocsin__message *message,
                             const struct tocsin_inject_action *action)
{
    struct tocsin__info *info = tocsin__message_copy(engine->loop, message);

    if (info && !delayed_new(engine, info, action))
        tocsin__info_put(info);
}

/* Delays a message. Takes the reference of a shared message, or copies the payload of another
   message. Returns false if there is no memory; then the caller must deliver the message now. */
static bool inject_delay(struct tocsin__engine *engine, const struct tocsin__message *message,
                         const struct tocsin_inject_action *action)
{
    struct tocsin__info *info = message->kind == TOCSIN__SHARED
                                    ? message->info
                                    : tocsin__message_copy(engine->loop, message);
    bool done = delayed_new(engine, info, action);

    if (info && !done && message->kind != TOCSIN__SHARED)
        tocsin__info_put(info);
    return done;
}

static struct tocsin_inject_action inject_ask_receive(const struct tocsin__message *message)
{
    struct tocsin_inject_event event = { .point = TOCSIN_INJECT_RECEIVE,
                                         .signo = message->signo,
                                         .name = tocsin__signal(message->signo)->name,
                                         .code = message->code };

    if (message->kind == TOCSIN__SHARED)
        event.source = message->info->pub.source;
    return tocsin__inject_ask(&event);
}

bool tocsin__inject_receive(struct tocsin__loop *loop, struct tocsin__message *message)
{
    struct tocsin__engine *engine = loop->engine;
    struct tocsin__delayed *overtaken;
    struct tocsin_inject_action action;

    if (loop->life.freeing || loop->life.exempt || message->flags & TOCSIN__INJECTED ||
        message->code >= TOCSIN_PROGRESS)
        return false;
    /* The inject function is called only once for each message, even if the message cannot be
     * delivered now. */
    message->flags |= TOCSIN__INJECTED;
    action = inject_ask_receive(message);
    overtaken = delayed_find_swap(engine, message->signo);
    if (engine->delayed_count >= TOCSIN_INJECT_MAX || (action.behind && overtaken))
        action = (struct tocsin_inject_action){ .delay_ms = 0 };
    if (action.twice)
        inject_duplicate(engine, message, &action);
    if (action.delay_ms && inject_delay(engine, message, &action))
        return true;
    if (overtaken)
        delayed_make_ready(overtaken);
    return false;
}

void tocsin__delayed_release(struct tocsin__engine *engine)
{
    for (struct tocsin__delayed *delayed = engine->delayed; delayed; delayed = delayed->next)
        delayed_make_ready(delayed);
}

void tocsin__delayed_drop(struct tocsin__engine *engine)
{
    struct tocsin__delayed *delayed;

    while ((delayed = engine->delayed)) {
        delayed_remove(delayed);
        tocsin__timer_disarm(engine, &delayed->timer);
        tocsin__info_put(delayed->info);
        tocsin__release(delayed);
    }
}
