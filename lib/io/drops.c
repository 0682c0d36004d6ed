/* Calls the drop functions of lent data. */
#include "delivery/context.h"
#include "io/drops.h"
#include "loop/ready.h"
#include "registry/owner.h"

static void drop_call(struct tocsin__drop *drop)
{
    struct tocsin__loop *loop = tocsin__self;
    tocsin_drop fn = drop->fn;
    void *arg = drop->arg;
    struct tocsin__owner *lender = drop->lender;
    struct tocsin__context was = tocsin__context_enter(
        loop, (struct tocsin__activity){ .code = (const void *)fn });

    tocsin__release(drop);
    tocsin__loop_enter(loop);
    fn(arg);
    tocsin__loop_leave_untidy(loop);
    tocsin__context_restore(loop, &was);
    if (lender)
        tocsin__owner_uncharge(lender, TOCSIN_RESOURCE_OBJECTS, 1);
}

static void drops_run(struct tocsin__node *node)
{
    struct tocsin__io *io = tocsin__container(node, struct tocsin__io, drops.node);

    io->drops.is_woken = false;
    tocsin__drops_call(io);
    tocsin__tidy_at_rest(tocsin__self);
}

static void drops_wake(struct tocsin__io *io)
{
    if (io->drops.is_woken)
        return;
    io->drops.is_woken = true;
    io->drops.node.run = drops_run;
    tocsin__ready_push(io->engine, &io->drops.node);
}

/* While a drop function runs and others are waiting, the node is on the ready list. So the others
   are called later even if the first one is left by a jump. */
void tocsin__drops_call(struct tocsin__io *io)
{
    struct tocsin__drop *drop;

    while ((drop = io->drops.first)) {
        io->drops.first = drop->next;
        if (!io->drops.first)
            io->drops.last = &io->drops.first;
        else
            drops_wake(io);
        drop_call(drop);
    }
}

void tocsin__drops_add(struct tocsin__io *io, struct tocsin__drop *drop)
{
    if (!io) {
        drop_call(drop);
        return;
    }
    drop->next = NULL;
    *io->drops.last = drop;
    io->drops.last = &drop->next;
    drops_wake(io);
}
