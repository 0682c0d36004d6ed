/* Tests the timers of a loop. One test makes random operations and compares the timers with an
   array. Other tests remove each entry from each small heap, arm a timer again while it fires, and
   let a loop sleep until a timer that is due much later. */
#include <string.h>

#include "loop/alarm.h"
#include "loop/clock.h"
#include "loop/engine.h"
#include "test.h"

enum { TIMERS = 300, STEPS = 100000 };

struct modelled {
    struct tocsin__timer timer;
    bool armed;
    int64_t due;
    uint64_t order;
};

static struct modelled timers[TIMERS];
static struct tocsin__engine *engine;
static uint64_t order, seed;
static int fired;

/* Returns a pseudo-random number. Each run of the test gets the same sequence of numbers. */
static uint32_t any(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static struct modelled *first_of(void)
{
    struct modelled *first = NULL;

    for (int i = 0; i < TIMERS; i++) {
        struct modelled *one = &timers[i];

        if (one->armed && (!first || one->due < first->due ||
                           (one->due == first->due && one->order < first->order)))
            first = one;
    }
    return first;
}

static void on_fire(struct tocsin__timer *timer)
{
    struct modelled *one = tocsin__container(timer, struct modelled, timer);

    ck_assert_ptr_eq(one, first_of());
    ck_assert_int_le(one->due, engine->clock_us);
    ck_assert(!tocsin__timer_armed(timer));
    one->armed = false;
    fired++;
}

static void arm(struct modelled *one, int64_t due)
{
    tocsin__timer_arm(engine, &one->timer, due);
    *one = (struct modelled){ .timer = one->timer, .armed = true, .due = due, .order = order++ };
}

static void check_first(void)
{
    const struct modelled *first = first_of();

    /* tocsin__timer_next() may return an earlier time if the first timer was disarmed. */
    ck_assert_int_le(tocsin__timer_next(engine), first ? first->due : INT64_MAX);
    ck_assert_int_eq(tocsin__timer_next(engine) == INT64_MAX, !first);
}

static void begin(void)
{
    ck_assert_int_eq(tocsin__engine_make(&engine), 0);
    engine->clock_stopped = true;
    engine->clock_us = 1000000;
    tocsin__timers_fire(engine); /* the wheel was made at a later time */
    memset(timers, 0, sizeof timers);
    for (int i = 0; i < TIMERS; i++)
        timers[i].timer.fire = on_fire;
    order = 0;
    seed = 1;
    fired = 0;
}

START_TEST(armed_moved_disarmed_and_fired_at_random)
{
    for (int step = 0; step < (int)test_scaled(STEPS, 1, 10); step++) {
        struct modelled *one = &timers[any(TIMERS)];
        uint32_t what = any(100);

        if (what < 60) {
            /* The delays are chosen from 100 values only, so many timers are due at the same time.
             */
            arm(one, engine->clock_us + any(50) * (any(2) ? 1 : 10000));
        } else if (what < 90) {
            tocsin__timer_disarm(engine, &one->timer);
            one->armed = false;
        } else {
            engine->clock_us += any(10) * (any(2) ? 1 : 1000);
            tocsin__timers_fire(engine);
            ck_assert(!first_of() || first_of()->due > engine->clock_us);
        }
        ck_assert_int_eq(tocsin__timer_armed(&one->timer), one->armed);
        check_first();
    }
    engine->clock_us += 500000;
    tocsin__timers_fire(engine);
    ck_assert_ptr_null(first_of());
    ck_assert_int_gt(fired, test_scaled(1000, 1, 10));
}
END_TEST

/* Removes each entry from heaps of every size up to 12 and of every shape. The remaining timers
   must expire in order. */
START_TEST(each_entry_is_removed_from_each_heap)
{
    for (int count = 1; count <= 12; count++)
        for (int taken = 0; taken < count; taken++)
            for (int turn = 0; turn < count; turn++) {
                for (int i = 0; i < count; i++)
                    arm(&timers[i], engine->clock_us + 1 + (i * 5 + turn) % count);
                tocsin__timer_disarm(engine, &timers[turn].timer);
                timers[turn].armed = false;
                arm(&timers[turn], engine->clock_us + 1 + turn);
                tocsin__timer_disarm(engine, &timers[taken].timer);
                timers[taken].armed = false;
                engine->clock_us += count + 1;
                fired = 0;
                ck_assert_int_eq(tocsin__timers_fire(engine), count - 1);
                ck_assert_int_eq(fired, count - 1);
            }
}
END_TEST

static void on_fire_rearm(struct tocsin__timer *timer)
{
    on_fire(timer);
    arm(tocsin__container(timer, struct modelled, timer), engine->clock_us);
}

START_TEST(armed_again_while_it_fires_waits_for_the_next_turn)
{
    timers[0].timer.fire = on_fire_rearm;
    arm(&timers[0], engine->clock_us);
    arm(&timers[1], engine->clock_us);
    ck_assert_int_eq(tocsin__timers_fire(engine), 2);
    ck_assert_int_eq(tocsin__timers_fire(engine), 1);
    ck_assert_int_eq(fired, 3);
    tocsin__timer_disarm(engine, &timers[0].timer);
}
END_TEST

/* The loop must sleep until the exact time of the first timer, however late this is. Nothing may
   wake the loop before. */
START_TEST(the_alarm_for_a_far_timer)
{
    static const int64_t hour_us = 3600000000;

    engine->clock_stopped = false;
    for (int i = 1; i < 20; i++)
        arm(&timers[i], tocsin__now(engine) + hour_us + i * 1000);
    ck_assert(tocsin__alarm_set(engine, -1));
    ck_assert_int_eq(engine->alarm_us, timers[1].due);
    tocsin__timer_disarm(engine, &timers[1].timer);
    engine->alarm_us = 0;
    ck_assert(tocsin__alarm_set(engine, -1));
    ck_assert_int_eq(engine->alarm_us, timers[2].due);
    for (int i = 2; i < 20; i++)
        tocsin__timer_disarm(engine, &timers[i].timer);
}
END_TEST

static void on_soon(struct tocsin__timer *timer)
{
    (void)timer;
    fired++;
}

/* Timers are due at many different times. The loop must sleep only once, until the first of them is
   due. */
START_TEST(one_turn_until_the_first_timer)
{
    static const int64_t soon_us = 200000;
    int turns = 0;

    engine->clock_stopped = false;
    timers[0].timer.fire = on_soon;
    arm(&timers[0], tocsin__now(engine) + soon_us);
    for (int i = 1; i < 32; i++)
        arm(&timers[i], tocsin__now(engine) + soon_us + ((int64_t)1000000 << i));
    for (; fired == 0; turns++)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(turns, 1);
    for (int i = 1; i < 32; i++)
        tocsin__timer_disarm(engine, &timers[i].timer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/timers");
    TCase *tests = test_case(suite, "timer");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, armed_moved_disarmed_and_fired_at_random);
    tcase_add_test(tests, each_entry_is_removed_from_each_heap);
    tcase_add_test(tests, the_alarm_for_a_far_timer);
    tcase_add_test(tests, one_turn_until_the_first_timer);
    tcase_add_test(tests, armed_again_while_it_fires_waits_for_the_next_turn);
    return suite;
}
