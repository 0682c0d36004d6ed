/* Runs the nodes of a loop's ready list. */
#include "loop/ready.h"

int tocsin__ready_run(struct tocsin__engine *engine)
{
    struct tocsin__node *node, **end = engine->ready_last;
    const struct tocsin__loop *loop = engine->loop;
    bool last = !engine->ready;
    int count = 0;

    tocsin__assert(!*end && !engine->ready == (end == &engine->ready));
    while (!last && !loop->life.free_wanted && !tocsin__inherited(loop)) {
        node = engine->ready;
        last = &node->next == end;
        engine->ready = node->next;
        if (!engine->ready)
            engine->ready_last = &engine->ready;
        node->run(node);
        count++;
    }
    return count;
}
