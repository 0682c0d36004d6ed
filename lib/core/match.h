/* What holds for all signals that match a pattern, also for those that are named later: a handler, a block, an ignore. It stands in the
   slot of each of them. */
#ifndef TOCSIN_CORE_MATCH_H
#define TOCSIN_CORE_MATCH_H

#include "core/loop.h"
#include "core/registry.h"

struct tocsin__match;

struct tocsin__match_kind {
    int  (*join)(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot);      /* -ENOMEM */
    void (*leave)(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot);
    bool questions;                                    /* it holds for questions, too (E17) */
    bool (*handles)(const struct tocsin__match *match);      /* more than to observe; NULL: never */
};

struct tocsin__match {
    const struct tocsin__match_kind *kind;
    const char *text;                                  /* the pattern */
    struct tocsin__pattern *pattern;                   /* NULL: a single plain name */
    struct tocsin__slot **slots;
    uint32_t slots_count, slots_capacity;
    struct tocsin__slot *one_slot;                     /* room for the usual case */
};

/* Joins all that is there, and makes it hold for what comes. early: plain names are named if need be, else they must have been declared. On failure
   a part may have joined, and has to leave: -EINVAL, -ENOENT, -ENOMEM, -ENOSPC. */
int  tocsin__match_join(struct tocsin__loop *loop, struct tocsin__match *match, const char *pattern, bool early);
void tocsin__match_leave(struct tocsin__loop *loop, struct tocsin__match *match);         /* its text is borrowed until it is freed */
void tocsin__match_free(struct tocsin__match *match);                                     /* what it allocated; it has left */

/* Looks through the loop's patterns for the names that are new; -ENOMEM: the rest later. */
int  tocsin__patterns_resolve(struct tocsin__loop *loop);

#endif
