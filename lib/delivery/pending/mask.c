/* Rules that hold signals back or ignore them (E10). Each signal counts the rules that match it. */
#include "registry/catalogue.h"
#include "delivery/pending/mask_set.h"
#include "delivery/emit.h"
#include "delivery/pending/mask.h"
#include "registry/owner.h"
#include "registry/pattern.h"
#include "registry/name_error.h"
#include "base/refusal.h"
#include "delivery/owner_here.h"
#include "registry/lookup.h"

static struct tocsin__mask_rule *mask_rule_of(struct tocsin__subscription *subscription)
{
    return (struct tocsin__mask_rule *)subscription;
}

/* Changes the number of rules that match the signal; `by` is 1 or -1. */
static void rules_count(struct tocsin__loop_signal *loop_signal, uint32_t by)
{
    tocsin__assert(by == 1 || loop_signal->masks.rules > 0);
    loop_signal->masks.rules += by;
    tocsin__loop_signal_update_interest(loop_signal);
}

/* Functions by which a rule changes the signals that it matches */

static void block_count(struct tocsin__loop_signal *loop_signal, uint32_t by)
{
    loop_signal->masks.blocks += by;
    tocsin__assert(loop_signal->masks.blocks <= loop_signal->masks.rules);
    tocsin__loop_signal_state(loop_signal);
}

static int block_join(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                      struct tocsin__loop_signal *loop_signal)
{
    (void)loop;
    rules_count(loop_signal, 1);
    block_count(loop_signal, mask_rule_of(subscription)->active);
    return 0;
}

static void block_leave(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                        struct tocsin__loop_signal *loop_signal)
{
    (void)loop;
    block_count(loop_signal, -mask_rule_of(subscription)->active);
    rules_count(loop_signal, -1u);
}

static int mask_join(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                     struct tocsin__loop_signal *loop_signal)
{
    (void)loop;
    rules_count(loop_signal, 1);
    loop_signal->masks.masked += mask_rule_of(subscription)->active;
    tocsin__loop_signal_state(loop_signal);
    return 0;
}

/* Called when a handler's mask stops matching a signal. The handler is not running, so its mask is
 * not active. */
static void mask_leave_signal(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                              struct tocsin__loop_signal *loop_signal)
{
    (void)loop, (void)subscription;
    rules_count(loop_signal, -1u);
}

static int ignore_join(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                       struct tocsin__loop_signal *loop_signal)
{
    (void)loop, (void)subscription;
    loop_signal->masks.ignores++;
    tocsin__loop_signal_state(loop_signal);
    return 0;
}

static void ignore_leave(struct tocsin__loop *loop, struct tocsin__subscription *subscription,
                         struct tocsin__loop_signal *loop_signal)
{
    (void)loop, (void)subscription;
    tocsin__assert(loop_signal->masks.ignores > 0);
    loop_signal->masks.ignores--;
    tocsin__loop_signal_state(loop_signal);
}

const struct tocsin__subscription_ops tocsin__block_subscription_ops = { .join = block_join,
                                                                         .leave = block_leave };
static const struct tocsin__subscription_ops mask_kind = { .join = mask_join,
                                                           .leave = mask_leave_signal };
const struct tocsin__subscription_ops tocsin__ignore_subscription_ops = { .join = ignore_join,
                                                                          .leave = ignore_leave };

void tocsin__mask_rule_end(struct tocsin__loop *loop, struct tocsin__mask_rule *rule,
                           struct tocsin__heap *due)
{
    uint32_t count;

    tocsin__subscription_remove_signal(loop, &rule->subscription);
    count = rule->subscription.loop_signals_count;
    /* keeps the array of signals of the rule, which is read below */
    tocsin__subscription_leave(loop, &rule->subscription);
    while (due && count--)
        tocsin__due_take(due, rule->subscription.loop_signals[count]);
    tocsin__subscription_free(&rule->subscription);
    if (rule->owner)
        tocsin__owner_uncharge(rule->owner, TOCSIN_RESOURCE_BLOCKS, 1);
    tocsin__release(rule);
}

int tocsin__mask_rule_new(struct tocsin__loop *loop, const struct tocsin__subscription_ops *kind,
                          const char *pattern, struct tocsin__mask_rule **ret_hold)
{
    struct tocsin__mask_rule *rule = tocsin__alloc(sizeof *rule);
    int err;

    if (!rule)
        return -ENOMEM;
    rule->subscription.kind = kind;
    rule->active = kind != &mask_kind;
    err = tocsin__subscription_join(loop, &rule->subscription, pattern, false);
    if (err < 0) {
        tocsin__mask_rule_end(loop, rule, NULL);
        return err;
    }
    *ret_hold = rule;
    return 0;
}

void tocsin__mask_rule_activate(struct tocsin__mask_rule *set, uint32_t active,
                                struct tocsin__heap *due)
{
    if (!set)
        return;
    for (uint32_t i = 0; i < set->subscription.loop_signals_count; i++)
        block_count(set->subscription.loop_signals[i], active - set->active);
    set->active = active;
    for (uint32_t i = 0; i < set->subscription.loop_signals_count && !active; i++)
        tocsin__due_take(due, set->subscription.loop_signals[i]);
}

void tocsin__mask_rule_free(struct tocsin__loop *loop, struct tocsin__mask_rule *rule)
{
    if (rule)
        tocsin__mask_rule_end(loop, rule, NULL);
}

void tocsin__lifted(struct tocsin__loop *loop, struct tocsin__heap *due)
{
    tocsin__kick_pollers(loop);
    tocsin__flush(loop, due);
    tocsin__tidy_at_rest(loop);
}

/* Functions for the mask of a handler */

int tocsin__mask_new(struct tocsin__loop *loop, const char *pattern,
                     struct tocsin__mask_rule **ret_mask)
{
    return tocsin__mask_rule_new(loop, &mask_kind, pattern, ret_mask);
}

void tocsin__mask_enter(struct tocsin__mask_rule *mask)
{
    mask->active++;
    for (uint32_t i = 0; i < mask->subscription.loop_signals_count; i++) {
        mask->subscription.loop_signals[i]->masks.masked++;
        tocsin__loop_signal_state(mask->subscription.loop_signals[i]);
    }
}

/* Ends the mask of a running handler. tocsin_sigmask may already have lifted this mask and all
   masks that were entered before it. */
void tocsin__mask_leave(struct tocsin__mask_rule *mask, struct tocsin__loop_signal *by)
{
    tocsin__assert(mask->active > 0);
    mask->active--;
    for (uint32_t i = 0; i < mask->subscription.loop_signals_count; i++) {
        struct tocsin__loop_signal *loop_signal = mask->subscription.loop_signals[i];

        loop_signal->masks.masked -= loop_signal->masks.masked > 0;
        tocsin__loop_signal_state(loop_signal);
        if (loop_signal != by)
            tocsin__due_release(&by->flush.released, loop_signal);
    }
    by->state |= TOCSIN__UNTIDY; /* with this bit, the end of the delivery takes the slow path */
    tocsin__kick_pollers(tocsin__self);
}

int tocsin__operand_check(const char *pattern, bool out_allowed)
{
    int shape = pattern ? tocsin__pattern_check(pattern) : -EINVAL;
    struct tocsin__pattern_item part;

    /* declares the library's own names, which must exist even before the first loop */
    tocsin__catalogue();
    if (shape < 0 || (shape & TOCSIN__OUT && !out_allowed))
        return tocsin__bad_pattern(pattern);
    while (tocsin__pattern_part(&pattern, &part) > 0) {
        int signo = part.out || !tocsin__pattern_is_plain(&part)
                        ? 0
                        : tocsin__signal_named(part.text, part.size, false);

        if (signo < 0 || (signo && !tocsin__signal(signo)->declared))
            return tocsin__no_name(part.text, part.size);
        if (signo && tocsin__signal(signo)->spec.kind == TOCSIN_DIRECT)
            return tocsin__is_question(part.text, part.size);
    }
    return 0;
}

int tocsin__loop_to_change(struct tocsin__loop **ret_loop)
{
    int err = tocsin__loop_make(ret_loop);

    return err == 0 && (*ret_loop)->life.freeing ? -ESHUTDOWN : err;
}

/* Functions for blocks, which the program ends by their ids */

static int block_new(struct tocsin__loop *loop, const char *where, const char *pattern,
                     struct tocsin__mask_rule **ret_hold)
{
    struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    struct tocsin__mask_rule *rule;
    int err = tocsin__owner_charge_or_report(owner, TOCSIN_RESOURCE_BLOCKS);

    if (err < 0)
        return err;
    err = tocsin__mask_rule_new(loop, &tocsin__block_subscription_ops, pattern, &rule);
    if (err < 0) {
        tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_BLOCKS, 1);
        return err;
    }
    rule->id = tocsin__id_new(&loop->ids.blocks, rule);
    rule->where = where ? where : "";
    rule->owner = owner;
    if (!rule->id) {
        tocsin__mask_rule_end(loop, rule, NULL);
        return -ENOMEM;
    }
    *ret_hold = rule;
    return 0;
}

int tocsin_block_at(const char *where, const char *pattern, struct tocsin_block *ret_block)
{
    struct tocsin__mask_rule *rule = NULL;
    struct tocsin__loop *loop;
    int err = ret_block ? tocsin__operand_check(pattern, true)
                        : tocsin__because(-EINVAL, "ret_block is NULL");

    if (err == 0)
        err = tocsin__loop_to_change(&loop);
    if (err == 0)
        err = block_new(loop, where, pattern, &rule);
    if (ret_block)
        ret_block->id = err < 0 ? (uint64_t)(int64_t)err : rule->id;
    return tocsin__traced_at(where, err);
}

int tocsin_unblock(struct tocsin_block mask)
{
    struct tocsin__heap due = { NULL };
    void *rule = NULL;
    int err = tocsin__loop_find(offsetof(struct tocsin__loop, ids.blocks), mask.id, &rule);

    if (err < 0)
        return tocsin__traced(err);
    tocsin__id_free(&tocsin__self->ids.blocks, mask.id);
    tocsin__mask_rule_end(tocsin__self, rule, &due);
    tocsin__lifted(tocsin__self, &due);
    return 0;
}

/* Ending a loop */

static void blocks_end(struct tocsin__loop *loop, struct tocsin__heap *due)
{
    tocsin__set_end(loop, &loop->masks.set, due);
    tocsin__set_end(loop, &loop->masks.saved_set, due);
    for (uint32_t i = 0; i < loop->ids.blocks.made; i++) {
        struct tocsin__mask_rule *rule = tocsin__id_entry(&loop->ids.blocks, i)->object;

        if (!rule)
            continue;
        tocsin__id_free(&loop->ids.blocks, rule->id);
        tocsin__mask_rule_end(loop, rule, due);
    }
}

void tocsin__mask_rules_lift(struct tocsin__loop *loop)
{
    struct tocsin__heap due = { NULL };

    blocks_end(loop, &due);
    tocsin__lifted(loop, &due);
}

void tocsin__mask_rules_clear(struct tocsin__loop *loop)
{
    blocks_end(loop, NULL);
    tocsin__set_end(loop, &loop->masks.ignored, NULL);
    loop->masks.suspended = false;
}

/* Counting pending emissions */

int tocsin_pending_count(const char *pattern)
{
    const struct tocsin__loop *loop = tocsin__self;
    int count = 0;

    if (pattern && tocsin__set_check(pattern) < 0)
        return tocsin__traced(tocsin__bad_pattern(pattern));
    if (tocsin__inherited(loop))
        return tocsin__traced(-EOWNERDEAD);
    for (uint32_t signo = 1; signo < loop->loop_signals_count; signo++) {
        const struct tocsin__loop_signal *loop_signal = loop->loop_signals[signo];

        if (loop_signal && loop_signal->queued.count &&
            (!pattern || tocsin__pattern_list_match(pattern, loop_signal->name)))
            count += (int)loop_signal->queued.count;
    }
    return count;
}
