/* A worker posts its progress. Only the newest progress matters, so the signal coalesces: while one
   emission waits in an inbox, the next one replaces it. info->overrun counts the replaced
   emissions. Therefore a post is never refused for lack of room. */
#include "traffic.h"

#define COPY(F) F(u64, blocks) F(i64, copied_us)
TOCSIN_LAYOUT(copy_grown, COPY);

enum { BURST = 32, PAUSE_US = 2000 };

static int grown;

static int declare(void)
{
    grown = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "copy.grown",
                                      .doc = "The number of blocks that are copied.",
                                      .layout = &copy_grown_layout,
                                      .kind = TOCSIN_COALESCE });
    return grown;
}

static int on_grown(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_delivered(info, copy_grown_of(info)->copied_us);
    return TOCSIN_NEXT;
}

static int connect_handlers(void)
{
    return tocsin_on("copy.grown", on_grown, NULL);
}

/* Runs on a thread of the pool, which has no loop. */
static int copy_all(void *arg)
{
    (void)arg;
    party_enter(COPIER);
    for (uint64_t blocks = 1; !show_over(); blocks++) {
        count_sent(grown, tocsin_post(grown, TOCSIN_PAYLOAD(copy_grown, .blocks = blocks,
                                                            .copied_us = tocsin_now())));
        if (blocks % BURST == 0)
            nap_us(PAUSE_US);
    }
    return 0;
}

static int start(enum party loop)
{
    return loop == MAIN ? tocsin_work(copy_all, NULL, NULL, NULL) : 0;
}

const struct traffic traffic_copy = {
    .signal = "copy.grown",
    .handled_on = BIT(MAIN),
    .sent_by = BIT(COPIER),
    .declare = declare,
    .connect = connect_handlers,
    .start = start,
};
