/* To one loop, whoever else listens: a ball goes around, and tocsin_post_to says to whom. */
#include "traffic.h"

#define BALL(F) F(i64, passed_us)
TOCSIN_LAYOUT(ball_passed, BALL);

enum { HOLD_MS = 80, AGAIN_MS = 5 };

static int passed;

static int declare(void)
{
    passed = tocsin_declare(&(struct tocsin_spec){ .name = "ball.passed", .doc = "The ball is the receiver's now.", .layout = &ball_passed_layout });
    return passed;
}

/* The next one's inbox may be full: then the ball stays here a little longer. */
static int pass(const struct tocsin_info *time, void *arg)
{
    enum party next = (party_here() + 1) % LOOPS;
    int result;

    (void)time, (void)arg;
    if (show_over())
        return TOCSIN_NEXT;
    result = tocsin_post_to(party_loop(next), passed, TOCSIN_PAYLOAD(ball_passed, .passed_us = tocsin_now()));
    count_sent_to(next, passed, result);
    return result == -EAGAIN ? tocsin_timer(AGAIN_MS, TOCSIN_CALL(pass), NULL) : TOCSIN_NEXT;
}

static int on_ball(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_heard(info, ball_passed_of(info)->passed_us);
    return show_over() ? TOCSIN_NEXT : tocsin_timer(HOLD_MS, TOCSIN_CALL(pass), NULL);
}

static int hear(void)
{
    return tocsin_on("ball.passed", on_ball, NULL);
}

static int say(enum party loop)
{
    return loop == MAIN ? tocsin_timer(HOLD_MS, TOCSIN_CALL(pass), NULL) : 0;
}

const struct traffic traffic_ball = {
    .signal = "ball.passed", .heard_on = ALL, .said_by = ALL, .declare = declare, .hear = hear, .say = say,
};
