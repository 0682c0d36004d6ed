/* Rules that hold signals back or ignore them (E10): blocks (tocsin_block), the sets of the loop
 * (mask_set.c), the masks of handlers, and ignored patterns. */
#ifndef TOCSIN_DELIVERY_PENDING_MASK_H
#define TOCSIN_DELIVERY_PENDING_MASK_H

#include <tocsin/mask.h>

#include "delivery/pending/mask_set.h"
#include "delivery/subscription.h"

struct tocsin__mask_rule {
    struct tocsin__subscription subscription; /* must be the first member */
    uint64_t id;                              /* id of a block; 0: the rule is not a block */
    uint32_t active;   /* number of running calls of the handler whose mask this is; for other rules
                        * 0 or 1 */
    const char *where; /* file:line of the call that made the block; unused for other rules */
    struct tocsin__owner *owner; /* the owner of a block; NULL: the rule is not a block */
};

extern const struct tocsin__subscription_ops tocsin__block_subscription_ops,
    tocsin__ignore_subscription_ops;

/* Makes a rule for all signals that match the pattern. `kind` says what the rule does. */
int tocsin__mask_rule_new(struct tocsin__loop *loop, const struct tocsin__subscription_ops *kind,
                          const char *pattern, struct tocsin__mask_rule **ret_hold);
/* Frees a rule. `due` receives the signals that no other rule holds back; if `due` is NULL, they
   stay pending. */
void tocsin__mask_rule_end(struct tocsin__loop *loop, struct tocsin__mask_rule *rule,
                           struct tocsin__heap *due);
/* Frees a rule, but flushes nothing. `rule` may be NULL. */
void tocsin__mask_rule_free(struct tocsin__loop *loop, struct tocsin__mask_rule *rule);
/* Sets `active` of the rule to 0 or 1. `set` may be NULL. */
void tocsin__mask_rule_activate(struct tocsin__mask_rule *set, uint32_t active,
                                struct tocsin__heap *due);

/* Called after a change that may have ended rules: flushes the signals in `due`, and wakes paused
 * operations. */
void tocsin__lifted(struct tocsin__loop *loop, struct tocsin__heap *due);

/* Checks a pattern that a program blocks or ignores. Its plain names must be declared, and must not
   be questions. If `out_allowed` is true, items with "!" are allowed. Returns 0, -ENOENT or
   -EINVAL. */
int tocsin__operand_check(const char *pattern, bool out_allowed);
/* Finds this thread's loop, and makes it if there is none. Returns -ESHUTDOWN if the loop is being
   freed. */
int tocsin__loop_to_change(struct tocsin__loop **ret_loop);

/* The mask of a handler. tocsin__mask_enter is called before each call of the handler, and
 * tocsin__mask_leave after it. `by` is the signal whose handler ran. The emissions that the mask
 * held back are delivered when the delivery of `by` has ended. */
int tocsin__mask_new(struct tocsin__loop *loop, const char *pattern,
                     struct tocsin__mask_rule **ret_mask);
void tocsin__mask_enter(struct tocsin__mask_rule *mask);
void tocsin__mask_leave(struct tocsin__mask_rule *mask, struct tocsin__loop_signal *by);

/* Both functions are for a loop that is being freed. tocsin__mask_rules_lift ends all blocks, and
 * delivers the emissions that they held back. tocsin__mask_rules_clear ends all rules, and delivers
 * nothing. */
void tocsin__mask_rules_lift(struct tocsin__loop *loop);
void tocsin__mask_rules_clear(struct tocsin__loop *loop);

#endif
