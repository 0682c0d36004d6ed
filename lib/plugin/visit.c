#include "core/loop.h"
#include "plugin/visit.h"

static void leave(struct tocsin__visit *visit)
{
    if (atomic_fetch_sub(&visit->left, 1) == 1)
        visit->over(visit);
}

static void on_call(struct tocsin__node *node)
{
    struct tocsin__visit *visit = tocsin__container(node, struct tocsin__call, node)->visit;

    visit->does(visit);
    leave(visit);
}

/* In a child: nothing that was begun in the parent is ever over. */
static void on_drop(struct tocsin__node *node)
{
    (void)node;
}

struct tocsin__visit *tocsin__visit_new(void (*does)(struct tocsin__visit *visit), void (*over)(struct tocsin__visit *visit), void *arg)
{
    struct tocsin__visit *visit;
    uint32_t count = 0;

    while (tocsin__loop_numbered(count + 1))
        count++;
    visit = tocsin__alloc(sizeof *visit + count * sizeof visit->calls[0]);
    if (!visit)
        return NULL;
    visit->does = does;
    visit->over = over;
    visit->arg = arg;
    visit->count = count;
    return visit;
}

/* A loop that was made before its owner was closed may have something of it. */
struct tocsin__visit *tocsin__visit_grown(struct tocsin__visit *visit)
{
    struct tocsin__visit *grown = tocsin__loop_numbered(visit->count + 1) ? tocsin__visit_new(visit->does, visit->over, visit->arg) : NULL;

    if (!grown)
        return visit;
    grown->except = visit->except;
    tocsin__release(visit);
    return grown;
}

void tocsin__visit_begin(struct tocsin__visit *visit)
{
    atomic_store(&visit->called, 0);
    atomic_store(&visit->left, visit->count + 1);
    for (uint32_t i = 0; i < visit->count; i++) {
        struct tocsin__call *call = &visit->calls[i];

        struct tocsin__loop *loop = tocsin__loop_numbered(i + 1);

        call->visit = visit;
        call->node = (struct tocsin__node){ .run = on_call, .drop = on_drop };
        if (loop != visit->except && tocsin__inbox_push(&loop->inbox, &call->node))
            atomic_fetch_add(&visit->called, 1);
        else
            leave(visit);                              /* it is none now */
    }
    leave(visit);
}
