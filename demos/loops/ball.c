/* The signal is sent to one loop only, although all loops handle it: the call tocsin_post_to()
   names this loop. */
#include "traffic.h"

#define BALL(F) F(i64, passed_us)
TOCSIN_LAYOUT(ball_passed, BALL);

enum { HOLD_MS = 80, AGAIN_MS = 5 };

static int passed;

static int declare(void)
{
    passed = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "ball.passed",
                                      .doc = "The ball was passed to the receiver.",
                                      .layout = &ball_passed_layout });
    return passed;
}

/* Posts the ball to the next loop. If the inbox of that loop is full, the post is repeated a little
   later. */
static int pass(const struct tocsin_info *time, void *arg)
{
    enum party next = (party_here() + 1) % LOOPS;
    int result;

    (void)time, (void)arg;
    if (show_over())
        return TOCSIN_NEXT;
    result = tocsin_post_to(party_loop(next), passed,
                            TOCSIN_PAYLOAD(ball_passed, .passed_us = tocsin_now()));
    count_sent_to(next, passed, result);
    return result == -EAGAIN ? tocsin_timer(AGAIN_MS, TOCSIN_CALL(pass), NULL) : TOCSIN_NEXT;
}

static int on_ball(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_delivered(info, ball_passed_of(info)->passed_us);
    return show_over() ? TOCSIN_NEXT : tocsin_timer(HOLD_MS, TOCSIN_CALL(pass), NULL);
}

static int connect_handlers(void)
{
    return tocsin_on("ball.passed", on_ball, NULL);
}

static int start(enum party loop)
{
    return loop == MAIN ? tocsin_timer(HOLD_MS, TOCSIN_CALL(pass), NULL) : 0;
}

const struct traffic traffic_ball = {
    .signal = "ball.passed",
    .handled_on = ALL,
    .sent_by = ALL,
    .declare = declare,
    .connect = connect_handlers,
    .start = start,
};
