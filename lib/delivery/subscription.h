/* A subscription joins every signal that matches a pattern, also signals that are declared later.
   Each handler, block and ignored pattern has a subscription. */
#ifndef TOCSIN_DELIVERY_SUBSCRIPTION_H
#define TOCSIN_DELIVERY_SUBSCRIPTION_H

#include "delivery/loop.h"
#include "registry/registry.h"

struct tocsin__subscription;

struct tocsin__subscription_ops {
    /* called when the subscription joins a signal; returns 0, or -ENOMEM if there is no memory */
    int (*join)(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                struct tocsin__loop_signal *loop_signal);
    void (*leave)(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                  struct tocsin__loop_signal *loop_signal);
    bool questions; /* subscriptions of this kind also join questions (E17) */
    /* returns true if the subscriber handles emissions; an observer or a mask rule does not; NULL:
       subscriptions of this kind never handle emissions */
    bool (*handles)(const struct tocsin__subscription *subscription);
};

struct tocsin__subscription {
    const struct tocsin__subscription_ops *kind;
    const char *text;                          /* the pattern */
    struct tocsin__pattern *pattern;           /* the pattern in the index; NULL: the text is a
                                                  single plain name */
    struct tocsin__loop_signal **loop_signals; /* the signals that were joined, sorted by signo */
    uint32_t loop_signals_count, slots_capacity;
    struct tocsin__loop_signal *one_slot; /* used as the array in the usual case of one signal, so
                                           * that no memory is needed */
};

/* Joins all signals that match the pattern. If `early` is true, plain names need not be declared
   yet. Returns 0, -EINVAL, -ENOENT, -ENOMEM or -ENOSPC. After a failure some signals may have been
   joined, so the caller must call tocsin__subscription_leave. */
int tocsin__subscription_join(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                              const char *pattern, bool early);
/* Resolves the patterns of the loop if many names are not resolved yet. Removing a pattern visits
   each of these names, so the caller calls this before tocsin__subscription_leave. */
void tocsin__subscription_remove_signal(struct tocsin__loop *loop,
                                        const struct tocsin__subscription *subscription);
/* Leaves all signals of the subscription. The array of signals stays until
   tocsin__subscription_free. */
void tocsin__subscription_leave(struct tocsin__loop *loop,
                                struct tocsin__subscription *subscription);
void tocsin__subscription_free(struct tocsin__subscription *subscription);

/* Returns true if the subscription has joined the signal. */
bool tocsin__subscription_has(const struct tocsin__subscription *subscription, int signo);

/* Lets the loop's patterns join the names that were declared since the last call. Returns 0, or
   -ENOMEM if there is no memory; then the next call joins the remaining names. */
int tocsin__patterns_resolve(struct tocsin__loop *loop);

#endif
