/* tocsin_all and tocsin_any: operations that end when all of their members, or one of them, have
 * ended. */
#include <stdlib.h>
#include <string.h>

#include <tocsin/future.h>

#include "registry/catalogue.h"
#include "base/assert.h"
#include "base/refusal.h"
#include "op/cancel.h"
#include "op/complete.h"
#include "style/future.h"

enum { COUNT_MAX = 1 << 24 };

struct group;

struct member {
    struct tocsin__waiter waiter;
    struct group *group;
    /* the operation of the member; NULL: it has ended, or the group no longer waits for it */
    struct tocsin__op *op;
};

struct group { /* The state of the operation. */
    union {
        struct tocsin_all_done all;
        struct tocsin_any_done any;
    } done;
    struct tocsin__op *op;
    struct member *members;
    uint32_t count, running;
    int status, reason;
    bool first_only;
};

static void group_finish(struct group *group)
{
    tocsin__op_complete(group->op, group->reason < 0 ? group->reason : group->status,
                        group->first_only ? &group->done.any.tocsin : &group->done.all.tocsin);
}

/* Called when a member of an all group has ended. The result stays with the member, where the
 * caller takes it. */
static void on_all_member_ended(struct tocsin__waiter *waiter, struct tocsin__op *op)
{
    struct member *member = tocsin__container(waiter, struct member, waiter);
    struct group *group = member->group;

    member->op = NULL;
    tocsin__op_forget_waiter(op);
    group->done.all.failed += op->status < 0;
    if (op->status < 0 && group->status == 0)
        group->status = op->status;
    tocsin__assert(group->running > 0);
    if (--group->running == 0)
        group_finish(group);
}

static void group_free_losers(struct group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        struct tocsin__op *op = group->members[i].op;

        if (!op)
            continue;
        group->members[i].op = NULL;
        tocsin__op_forget_waiter(op);
        if (op->phase != TOCSIN__OP_KEPT)
            tocsin__op_end(op, -ECANCELED);
        tocsin__op_free(op);
    }
}

static void on_any_member_ended(struct tocsin__waiter *waiter, struct tocsin__op *op)
{
    struct member *member = tocsin__container(waiter, struct member, waiter);
    struct group *group = member->group;

    member->op = NULL;
    tocsin__op_forget_waiter(op);
    group->status = op->status;
    group->done.any.index = (uint32_t)(member - group->members);
    if (group->reason == 0)
        group->done.any.winner.source.id = op->source.id;
    else
        tocsin__op_free(op); /* the group was cancelled, so no member has won */
    group_free_losers(group);
    group_finish(group);
}

static int group_cancel(struct tocsin_op op, void *state, int reason)
{
    struct group *group = state;

    (void)op;
    group->reason = reason;
    for (uint32_t i = 0; i < group->count; i++)
        if (group->members[i].op)
            tocsin__op_end(group->members[i].op, reason);
    return 0;
}

static void group_drop(void *state)
{
    tocsin__release(((struct group *)state)->members);
}

static const struct tocsin_op_type all_type = {
    .done = &tocsin__all_done_spec,
    .state_size = sizeof(struct group),
    .cancel = group_cancel,
    .drop = group_drop,
    .flags = TOCSIN__OWN,
};

static const struct tocsin_op_type any_type = {
    .done = &tocsin__any_done_spec,
    .state_size = sizeof(struct group),
    .cancel = group_cancel,
    .drop = group_drop,
    .flags = TOCSIN__OWN,
};

/* Starts to wait for all members. After a failure the group waits for no member. */
static int group_wait_members(struct group *group, const struct tocsin_op *ops)
{
    int err = 0;
    uint32_t i;

    for (i = 0; i < group->count && err == 0; i++) {
        struct member *member = &group->members[i];

        err = tocsin__future_find(ops[i], &member->op);
        if (err < 0)
            break;
        member->group = group;
        member->waiter.wake = group->first_only ? on_any_member_ended : on_all_member_ended;
        member->op->waiter = &member->waiter;
    }
    while (err < 0 && i--)
        tocsin__op_forget_waiter(group->members[i].op);
    return err;
}

/* Counts the members that have ended before the group starts. Even if all have ended, the group
 * ends only in the next turn. */
static void group_count_ended(struct group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        struct tocsin__op *op = group->members[i].op;

        if (op && op->phase == TOCSIN__OP_KEPT) {
            group->members[i].waiter.wake(&group->members[i].waiter, op);
            if (group->first_only)
                return;
        }
    }
    if (group->count == 0)
        group_finish(group);
}

static int group_init(struct tocsin__op *op, const struct tocsin_op *ops, size_t count)
{
    struct group *group = (struct group *)op->state;

    group->op = op;
    group->first_only = tocsin__op_type(op) == &any_type;
    group->count = group->running = (uint32_t)count;
    group->members = count ? tocsin__alloc(count * sizeof *group->members) : NULL;
    if (count && !group->members)
        return -ENOMEM;
    if (group->first_only)
        group->done.any = tocsin_any_done_make();
    else
        group->done.all = tocsin_all_done_make();
    if (!group->first_only)
        group->done.all.count = (uint32_t)count;
    return group_wait_members(group, ops);
}

static int group_start(const struct tocsin_op_type *type, const struct tocsin_op *ops, size_t count,
                       const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = count > COUNT_MAX || (count && !ops) || (!count && type == &any_type)
                  ? -EINVAL
                  : tocsin__op_new(type, notify, &op);

    if (err < 0)
        return tocsin__op_failed(err, ret_op);
    err = group_init(op, ops, count);
    if (err == 0)
        group_count_ended((struct group *)op->state);
    return tocsin__op_started(op, err, ret_op);
}

int tocsin_all(const struct tocsin_op *ops, size_t count, const struct tocsin_notify *notify,
               struct tocsin_op *ret_op)
{
    return tocsin__traced(group_start(&all_type, ops, count, notify, ret_op));
}

int tocsin_any(const struct tocsin_op *ops, size_t count, const struct tocsin_notify *notify,
               struct tocsin_op *ret_op)
{
    return tocsin__traced(group_start(&any_type, ops, count, notify, ret_op));
}
