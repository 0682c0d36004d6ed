/* Sends a call to every loop, and counts the calls that have returned. */
#include "base/cancel.h"
#include "delivery/loop.h"
#include "remote/call_all_loops.h"

static void call_return(struct tocsin__call_all_loops *loops_call)
{
    if (atomic_fetch_sub(&loops_call->left, 1) == 1)
        loops_call->on_end(loops_call);
}

static void on_call(struct tocsin__node *node)
{
    struct tocsin__call *call = tocsin__container(node, struct tocsin__call, node);
    struct tocsin__call_all_loops *loops_call = call->loops_call;
    /* another thread waits for this call, so the calling thread must not be cancelled here */
    int cancel = tocsin__cancel_off();

    loops_call->on_loop(loops_call);
    atomic_store(&call->is_out, false);
    call_return(loops_call);
    tocsin__cancel_back(cancel);
}

/* In the child of a fork (T8): drops a call that the parent began. The function on_end is not
 * called. */
static void on_drop(struct tocsin__node *node)
{
    (void)node;
}

struct tocsin__call_all_loops *
tocsin__call_all_loops_new(void (*on_loop)(struct tocsin__call_all_loops *loops_call),
                           void (*on_end)(struct tocsin__call_all_loops *loops_call), void *arg)
{
    struct tocsin__call_all_loops *loops_call;
    uint32_t count = 0;

    while (tocsin__loop_numbered(count + 1))
        count++;
    loops_call = tocsin__alloc(sizeof *loops_call + count * sizeof loops_call->calls[0]);
    if (!loops_call)
        return NULL;
    loops_call->on_loop = on_loop;
    loops_call->on_end = on_end;
    loops_call->arg = arg;
    loops_call->count = count;
    return loops_call;
}

struct tocsin__call_all_loops *
tocsin__call_all_loops_grow(struct tocsin__call_all_loops *loops_call)
{
    struct tocsin__call_all_loops *grown =
        tocsin__loop_numbered(loops_call->count + 1)
            ? tocsin__call_all_loops_new(loops_call->on_loop, loops_call->on_end, loops_call->arg)
            : NULL;

    if (!grown)
        return loops_call;
    grown->except = loops_call->except;
    tocsin__release(loops_call);
    return grown;
}

void tocsin__call_all_loops_begin(struct tocsin__call_all_loops *loops_call)
{
    atomic_store(&loops_call->called, 0);
    atomic_store(&loops_call->left, loops_call->count + 1);
    for (uint32_t i = 0; i < loops_call->count; i++) {
        struct tocsin__call *call = &loops_call->calls[i];

        struct tocsin__loop *loop = tocsin__loop_numbered(i + 1);

        call->loops_call = loops_call;
        call->node = (struct tocsin__node){ .run = on_call, .drop = on_drop };
        atomic_store(&call->is_out, true);
        if (loop != loops_call->except && tocsin__inbox_push(&loop->inbox, &call->node))
            atomic_fetch_add(&loops_call->called, 1);
        else {
            atomic_store(&call->is_out, false);
            call_return(loops_call); /* the loop has ended, so its call counts as returned */
        }
    }
    call_return(loops_call);
}
