#include "pulse.h"

#define PULSE(F) F(i32, loop) F(u64, refused) F(u64, wakeups) F(i64, lag_us) F(i64, busy_us)
TOCSIN_LAYOUT(loop_felt, PULSE);

static int felt;
static struct tocsin_loop_facts newest[LOOPS];

int pulse_open(void)
{
    felt = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "loop.felt", .doc = "The state of a loop.", .layout = &loop_felt_layout });
    return felt < 0 ? felt : 0;
}

static int on_felt(const struct tocsin_info *info, void *arg)
{
    const struct loop_felt *pulse = loop_felt_of(info);

    (void)arg;
    newest[pulse->loop] = (struct tocsin_loop_facts){
        .refused = pulse->refused,
        .wakeups = pulse->wakeups,
        .lag_us = pulse->lag_us,
        .busy_us = pulse->busy_us,
    };
    return TOCSIN_NEXT;
}

int pulse_hear(enum party loop)
{
    return loop == MAIN ? tocsin_on("loop.felt", on_felt, NULL) : 0;
}

/* Posts the state of this loop. If the inbox is full, the post is not repeated, since the next post
   follows soon. */
static int post_state(const struct tocsin_info *tick, void *arg)
{
    struct tocsin_loop_facts facts;

    (void)tick, (void)arg;
    if (tocsin_loop_get(&facts) == 0)
        tocsin_post_to(party_loop(MAIN), felt,
                       TOCSIN_PAYLOAD(loop_felt, .loop = (int)party_here(),
                                      .refused = facts.refused, .wakeups = facts.wakeups,
                                      .lag_us = facts.lag_us, .busy_us = facts.busy_us));
    return TOCSIN_NEXT;
}

int pulse_start(void)
{
    return tocsin_every(PULSE_MS, TOCSIN_EACH(post_state), NULL);
}

const struct tocsin_loop_facts *pulse_get(enum party loop)
{
    return &newest[loop];
}
