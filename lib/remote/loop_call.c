/* Implements tocsin_loop_call, which sends a task to a loop. */
#include <tocsin/loop.h>

#include "base/refusal.h"
#include "delivery/owner_here.h"
#include "delivery/loop.h"
#include "registry/owner.h"

int tocsin_loop_call(struct tocsin_loop id, tocsin_task task, void *arg, tocsin_drop drop)
{
    struct tocsin__owner *owner = tocsin__owner_whose((const void *)task, NULL);
    struct tocsin__message *message;
    struct tocsin__loop *loop;
    uint64_t generation, at;
    int err = task ? tocsin__loop_of(id.id, &loop, &generation) : -EINVAL;

    if (err == 0)
        err = tocsin__owner_charge_or_report(owner, TOCSIN_RESOURCE_TASKS);
    if (err < 0)
        return tocsin__traced_async(err);
    /* An init of a plugin may use half of the reserved cells. During a reload, the other loops stop
     * until the init has returned, even if their inboxes are full (P4). */
    err = tocsin__inbox_claim(&loop->inbox, generation,
                              tocsin__thread_owner && tocsin__self != &tocsin__no_loop
                                  ? TOCSIN__RESERVED_CELLS / 2
                                  : TOCSIN__RESERVED_CELLS,
                              &at);
    if (err < 0) {
        tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_TASKS, 1);
        return tocsin__traced_async(err);
    }
    message = tocsin__inbox_message(&loop->inbox, at);
    message->kind = TOCSIN__TASK;
    message->flags = TOCSIN__TWO_LINES;
    message->owner = owner->number;
    message->task = task;
    message->arg = arg;
    message->drop = drop;
    tocsin__inbox_publish(&loop->inbox, at);
    return 0;
}
