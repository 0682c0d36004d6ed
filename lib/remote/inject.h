/* Fault injection (tocsin/inject.h): the inject function, and the points at which it is called.
 * This file calls it for posts. lib/loop calls it for received messages, and lib/op calls it for
 * completions. Messages and completions can be delayed, which needs timers. */
#ifndef TOCSIN_REMOTE_INJECT_H
#define TOCSIN_REMOTE_INJECT_H

#include <stdatomic.h>

#include <tocsin/inject.h>

#include "base/mem.h"

struct tocsin__owner;

extern tocsin__hidden _Atomic bool tocsin__inject_is_active;

/* Returns true if there may be an inject function. If there is none, an injection point costs only
   this load. */
static inline bool tocsin__is_injecting(void)
{
    return tocsin__unlikely(atomic_load_explicit(&tocsin__inject_is_active, memory_order_relaxed));
}

/* Calls the inject function for an event, and returns what to do with the event. An action that is
   all zero means: do nothing. The function is not called for an event that it causes itself. */
struct tocsin_inject_action tocsin__inject_ask(const struct tocsin_inject_event *event);

/* Calls the inject function for a post. Returns 0, or the error that the post must return. */
int tocsin__inject_post(int signo);

/* Removes the inject function if it belongs to this owner. */
void tocsin__inject_remove(const struct tocsin__owner *owner);

#endif
