/* Fault injection (tocsin/inject.h): the injector, and the points at which it is asked. This file
 * asks it about posts. lib/loop asks about messages that are received, and lib/op about
 * completions: these two can be delayed, which needs timers. */
#ifndef TOCSIN_REMOTE_INJECT_H
#define TOCSIN_REMOTE_INJECT_H

#include <stdatomic.h>

#include <tocsin/inject.h>

#include "base/mem.h"

struct tocsin__owner;

extern tocsin__hidden _Atomic bool tocsin__inject_is_active;

/* Whether there may be an injector. If there is none, an injection point costs only this load. */
static inline bool tocsin__is_injecting(void)
{
    return tocsin__unlikely(atomic_load_explicit(&tocsin__inject_is_active, memory_order_relaxed));
}

/* Asks the injector what to do with the event. All zero: nothing. An event that the injector itself
 * causes is not injected. */
struct tocsin_inject_action tocsin__inject_ask(const struct tocsin_inject_event *event);

/* Asks the injector about a post. Returns 0, or the error that the post must return. */
int tocsin__inject_post(int signo);

/* Removes the injector if it belongs to this owner. */
void tocsin__inject_remove(const struct tocsin__owner *owner);

#endif
