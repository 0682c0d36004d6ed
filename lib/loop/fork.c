/* T8: a loop in the child of a fork. What is done at the fork itself stands in core/loop.c. */
#include "core/emit.h"
#include "core/mask.h"
#include "core/os.h"
#include "core/receive.h"
#include "loop/engine.h"

bool tocsin__may_part(const struct tocsin__loop *loop)
{
    return loop->engine ? tocsin__may_turn(loop->engine) : tocsin__at_rest(loop);
}

void tocsin__part(struct tocsin__loop *loop)
{
    loop->depth++;                                     /* what is dropped may be told to anybody, who may free the loop: after us */
    tocsin__os_drop(loop);
    tocsin__receive_drop(loop);                        /* first: the ends of operations may be in it */
    tocsin__loop_unpend(loop);
    if (loop->engine)
        tocsin__engine_part(loop->engine);
    loop->watch = NULL;                                /* the fiber that was suspended is gone */
    if (loop->suspended)
        tocsin__set_back(loop);
    loop->stop_wanted = false;
    loop->depth--;
    tocsin__tidy_at_rest(loop);
}

int tocsin_after_fork(void)
{
    struct tocsin__loop *loop = tocsin__self;
    int err;

    if (!tocsin__inherited(loop))
        return 0;
    if (!tocsin__may_part(loop))
        return -EDEADLK;
    tocsin__part(loop);
    if (tocsin__self != loop)
        return 0;
    err = loop->engine ? tocsin__engine_reopen(loop->engine) : 0;
    if (err < 0)
        return err;
    tocsin__loop_take_over(loop);
    tocsin__loop_revive(loop);
    tocsin__os_retake(loop);
    if (loop->engine && loop->engine->adopted)
        tocsin__polled(loop->engine);
    return 0;
}
