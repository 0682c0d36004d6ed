/* The table of functions that higher floors register. Each member has a default, for programs that
 * are linked without the higher floor. The defaults send nothing to other loops, and take over no
 * real signals. */
#include "delivery/hooks.h"

static int emit_both_none(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                          struct tocsin__info *info)
{
    (void)loop, (void)loop_signal, (void)info;
    return TOCSIN_NOBODY;
}

static int emit_away_none(struct tocsin__loop *loop, struct tocsin__signal *signal,
                          struct tocsin__info *info, bool here)
{
    (void)loop, (void)signal, (void)info, (void)here;
    return 0;
}

static int completions_none(struct tocsin__loop *loop, struct tocsin__info *info, bool here)
{
    (void)loop, (void)info, (void)here;
    return 0;
}

static void loop_none(struct tocsin__loop *loop)
{
    (void)loop;
}

static int os_take_none(struct tocsin__handler *handler)
{
    (void)handler;
    return 0;
}

static void os_give_none(struct tocsin__handler *handler)
{
    (void)handler;
}

static int fiber_call_none(const struct tocsin_info *info, tocsin_fn fn, void *arg,
                           struct tocsin__handler *handler)
{
    (void)info, (void)fn, (void)arg, (void)handler;
    return -ENOTSUP;
}

struct tocsin__hooks tocsin__hooks = {
    .emit_both = emit_both_none,
    .emit_away = emit_away_none,
    .completions_send = completions_none,
    .room_check = loop_none,
    .news_send = loop_none,
    .receive_left = loop_none,
    .os_take = os_take_none,
    .os_give = os_give_none,
    .fiber_call = fiber_call_none,
    .thread_begins = loop_none,
    .thread_ends = loop_none,
};
