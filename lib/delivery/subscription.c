/* Subscriptions join the signals that match a pattern: existing signals, and signals that are
 * declared later. */
#include <stdlib.h>
#include <string.h>

#include "registry/name_error.h"
#include "delivery/handler.h"
#include "delivery/subscription.h"
#include "registry/os_names.h"
#include "registry/pattern.h"
#include "registry/pattern_index.h"
#include "registry/lookup.h"

/* Joining one signal */

static int loop_signals_reserve(struct tocsin__subscription *subscription)
{
    uint32_t capacity = subscription->loop_signals_count * 2 + 2;
    struct tocsin__loop_signal **loop_signals;

    if (subscription->loop_signals_count == 0 && !subscription->slots_capacity)
        subscription->loop_signals = &subscription->one_slot;
    if (subscription->loop_signals_count <
        (subscription->slots_capacity ? subscription->slots_capacity : 1))
        return 0;
    loop_signals = tocsin__resize(subscription->slots_capacity ? subscription->loop_signals : NULL,
                                  capacity * sizeof *loop_signals);
    if (!loop_signals)
        return -ENOMEM;
    loop_signals[0] = subscription->slots_capacity ? loop_signals[0] : subscription->one_slot;
    subscription->loop_signals = loop_signals;
    subscription->slots_capacity = capacity;
    return 0;
}

static int join_one(struct tocsin__loop *loop, struct tocsin__subscription *subscription, int signo)
{
    struct tocsin__signal *signal = tocsin__signal(signo);
    bool question = signal->declared && signal->spec.kind == TOCSIN_DIRECT;
    struct tocsin__loop_signal *loop_signal;

    if (question && !subscription->kind->questions)
        return subscription->pattern ? 0 : tocsin__is_question(signal->name, strlen(signal->name));
    loop_signal = tocsin__loop_signal_make(loop, signal);
    if (!loop_signal || loop_signals_reserve(subscription) < 0 ||
        subscription->kind->join(loop, subscription, loop_signal) < 0)
        return -ENOMEM;
    tocsin__assert(!subscription->loop_signals_count ||
                   subscription->loop_signals[subscription->loop_signals_count - 1]->signal->signo <
                       signo); /* the array is sorted, because tocsin__subscription_has uses binary
                                * search */
    subscription->loop_signals[subscription->loop_signals_count++] = loop_signal;
    return 0;
}

static int join_all(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                    const struct tocsin__signos *signos)
{
    int err = 0;

    for (uint32_t i = 0; i < signos->count && err == 0; i++)
        err = join_one(loop, subscription, signos->items[i]);
    return err;
}

/* Functions for a pattern that is a single name, which is the usual case */

static int signo_of(const struct tocsin__pattern_item *part, bool early)
{
    int signo = tocsin__signal_named(part->text, part->size, early);
    const struct tocsin__signal *signal = signo > 0 ? tocsin__signal(signo) : NULL;

    return signal && !early && !signal->declared && !signal->consumed
               ? tocsin__no_name(part->text, part->size)
           : signo == -ENOENT ? tocsin__no_name(part->text, part->size)
                              : signo;
}

static int join_name(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                     const char *name, bool early)
{
    struct tocsin__pattern_item part;
    int signo;

    tocsin__pattern_part(&name, &part);
    signo = signo_of(&part, early);
    if (signo < 0)
        return signo;
    subscription->text = tocsin__signal(signo)->name;
    return join_one(loop, subscription, signo);
}

/* Functions for lists of names, and for patterns with stars */

static int names_check(const char *pattern, bool early)
{
    struct tocsin__pattern_item part;
    int signo = 0;

    while (signo >= 0 && tocsin__pattern_part(&pattern, &part) > 0)
        if (!part.out)
            signo = tocsin__pattern_is_plain(&part) ? signo_of(&part, early)
                                                    : tocsin__os_named(part.text, part.size);
    return signo < 0 ? signo : 0;
}

static int join_pattern(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                        const char *text, bool early)
{
    struct tocsin__signos signos = { 0 };
    int err = names_check(text, early);

    if (err == 0)
        err = tocsin__patterns_resolve(loop);
    if (err == 0)
        err = tocsin__pattern_new(text, loop->life.number, subscription, &subscription->pattern);
    if (err < 0)
        return err;
    subscription->text = subscription->pattern->text;
    subscription->pattern->handles = subscription->kind->handles &&
                                     subscription->kind->handles(subscription);
    err = tocsin__pattern_add(subscription->pattern, &signos);
    if (err == 0 && subscription->pattern->starred && !loop->patterns.count++)
        loop->patterns.resolved = subscription->pattern->from;
    if (err == 0)
        err = join_all(loop, subscription, &signos);
    tocsin__release(signos.items);
    return err;
}

int tocsin__subscription_join(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                              const char *pattern, bool early)
{
    int shape = tocsin__pattern_check(pattern);

    if (shape < 0)
        return tocsin__bad_pattern(pattern);
    return shape ? join_pattern(loop, subscription, pattern, early)
                 : join_name(loop, subscription, pattern, early);
}

enum { NEW_MOST = 64 };

/* Removing a pattern visits all names that the loop has not resolved yet. If there are many, the
   loop resolves them first, once for all its patterns. */
void tocsin__subscription_remove_signal(struct tocsin__loop *loop,
                                        const struct tocsin__subscription *subscription)
{
    if (subscription->pattern &&
        atomic_load_explicit(&tocsin__signals, memory_order_relaxed) - loop->patterns.resolved >
            NEW_MOST)
        tocsin__patterns_resolve(loop);
}

void tocsin__subscription_leave(struct tocsin__loop *loop,
                                struct tocsin__subscription *subscription)
{
    if (subscription->pattern &&
        tocsin__pattern_remove(subscription->pattern, loop->patterns.resolved)) {
        tocsin__assert(loop->patterns.count > 0);
        loop->patterns.count--;
    }
    while (subscription->loop_signals_count)
        subscription->kind->leave(loop, subscription,
                                  subscription->loop_signals[--subscription->loop_signals_count]);
}

void tocsin__subscription_free(struct tocsin__subscription *subscription)
{
    if (subscription->slots_capacity)
        tocsin__release(subscription->loop_signals);
    subscription->slots_capacity = 0;
    tocsin__release(subscription->pattern);
    subscription->pattern = NULL;
}

/* Returns true if the subscription has joined the signal. The signals are sorted by signo, because
   a later name has a greater signo. */
bool tocsin__subscription_has(const struct tocsin__subscription *subscription, int signo)
{
    uint32_t low = 0, high = subscription->loop_signals_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (subscription->loop_signals[middle]->signal->signo < signo)
            low = middle + 1;
        else
            high = middle;
    }
    return low < subscription->loop_signals_count &&
           subscription->loop_signals[low]->signal->signo == signo;
}

/* Functions for names that were declared after the pattern was connected */

static bool has_joined_last(const struct tocsin__subscription *subscription, int signo)
{
    return subscription->loop_signals_count &&
           subscription->loop_signals[subscription->loop_signals_count - 1]->signal->signo == signo;
}

/* Lets the patterns that are older than the name join its signal. An earlier call may have failed
 * because there was no memory. So patterns that have already joined are skipped. */
static int join_older(struct tocsin__loop *loop, int signo)
{
    uint32_t count = 0;
    int err = 0;

    if (!tocsin__signal(signo)->unresolved)
        return 0;
    for (struct tocsin__pattern *pattern = tocsin__patterns_of(loop->life.number, signo);
         pattern && err == 0; pattern = pattern->found, count++)
        if (!has_joined_last(pattern->subscription, signo))
            err = join_one(loop, pattern->subscription, signo);
    if (err == 0 && count)
        tocsin__interest_resolved(tocsin__signal(signo), loop->life.number, count);
    return err;
}

int tocsin__patterns_resolve(struct tocsin__loop *loop)
{
    uint32_t last = atomic_load_explicit(&tocsin__signals, memory_order_acquire);
    int err = 0;

    while (loop->patterns.count && loop->patterns.resolved < last && err == 0) {
        err = join_older(loop, (int)loop->patterns.resolved + 1);
        loop->patterns.resolved += err == 0;
    }
    return err;
}
