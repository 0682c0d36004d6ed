/* Progress, from a worker: only the newest matters, so the signal coalesces. While one waits in an inbox the next one takes its place, and
   info->overrun says for how many it stands. It is never refused for room. */
#include "traffic.h"

#define COPY(F) F(u64, blocks) F(i64, copied_us)
TOCSIN_LAYOUT(copy_grown, COPY);

enum { BURST = 32, PAUSE_US = 2000 };

static int grown;

static int declare(void)
{
    grown = tocsin_declare(&(struct tocsin_spec){ .name = "copy.grown", .doc = "So many blocks are copied.", .layout = &copy_grown_layout,
                                                  .kind = TOCSIN_COALESCE });
    return grown;
}

static int on_grown(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_heard(info, copy_grown_of(info)->copied_us);
    return TOCSIN_NEXT;
}

static int hear(void)
{
    return tocsin_on("copy.grown", on_grown, NULL);
}

/* On a thread of the pool, which has no loop. */
static int copy_all(void *arg)
{
    (void)arg;
    party_enter(COPIER);
    for (uint64_t blocks = 1; !show_over(); blocks++) {
        count_sent(grown, tocsin_post(grown, TOCSIN_PAYLOAD(copy_grown, .blocks = blocks, .copied_us = tocsin_now())));
        if (blocks % BURST == 0)
            nap_us(PAUSE_US);
    }
    return 0;
}

static int say(enum party loop)
{
    return loop == MAIN ? tocsin_work(copy_all, NULL, NULL, NULL) : 0;
}

const struct traffic traffic_copy = {
    .signal = "copy.grown", .heard_on = BIT(MAIN), .said_by = BIT(COPIER), .declare = declare, .hear = hear, .say = say,
};
