/* Tests idle limits: an object is announced when its owner has not refreshed it for the time of its
   limit.

   The tests check that each announcement comes in time, for limits from 1 ms to a year. A refresh
   must postpone the announcement, also a refresh between turns, and one at the end of a long turn.
   Input that arrived before the announcement must be read first. Objects are removed, put again and
   moved while others are announced, and many objects are due in the same turn. No empty bucket may
   wake the loop.

   A further test makes random changes, and compares the announcements with the time of the last
   refresh of each object. */
#include <string.h>

#include "loop/clock.h"
#include "loop/idle.h"
#include "loop/ready.h"
#include "loop/turn.h"
#include "test.h"

enum { OBJECTS_MOST = 2000 };

struct object {
    struct tocsin__idle idle;
    int64_t limit_ms, active_us;
    int fired;
};

static struct tocsin__idle_limits limits;
static struct tocsin__engine *engine;
static struct object objects[OBJECTS_MOST];
static uint64_t seed;
static int fired;

/* Returns a pseudo-random number. Each run of the test gets the same sequence of numbers. */
static uint32_t any(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static void on_idle(struct tocsin__idle *idle)
{
    struct object *object = tocsin__container(idle, struct object, idle);

    ck_assert(!tocsin__idle_is_in(idle));
    ck_assert_int_ge(engine->clock_us - object->active_us, object->limit_ms * 1000);
    object->fired++;
    fired++;
}

static void begin(void)
{
    ck_assert_int_eq(tocsin__engine_make(&engine), 0);
    engine->clock_stopped = true;
    engine->clock_us = 1000000000;
    memset(objects, 0, sizeof objects);
    tocsin__idle_init(&limits, engine, on_idle);
    seed = 1;
    fired = 0;
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}

static void end(void)
{
    for (int i = 0; i < OBJECTS_MOST; i++)
        tocsin__idle_remove(&limits, &objects[i].idle);
    ck_assert_uint_eq(limits.count, 0);
    ck_assert_int_eq(tocsin__timer_next(engine), INT64_MAX);
    for (int level = 0; level < TOCSIN__IDLE_LEVELS; level++)
        ck_assert_uint_eq(limits.filled[level], 0);
    tocsin__idle_end(&limits);
    ck_assert_ptr_null(engine->idle_limits);
}

static void put(struct object *object, int64_t limit_ms)
{
    object->limit_ms = limit_ms;
    object->active_us = engine->clock_us;
    tocsin__idle_put(&limits, &object->idle, limit_ms);
}

/* Refreshes an object inside a turn, as work that the turn runs would do. */
static void refresh(struct object *object)
{
    object->active_us = engine->clock_us;
    engine->loop->turn_us = engine->clock_us;
    tocsin__idle_turn_begin(engine);
    tocsin__idle_refresh(engine, &object->idle);
    tocsin__idle_turn_end(engine, 0);
}

static void pass(int64_t us)
{
    engine->clock_us += us;
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

/* Returns the longest time from the last refresh to the announcement: 9/8 of the limit, and 0.2
   s. */
static int64_t late_us(int64_t limit_ms)
{
    return limit_ms * 1125 + 200000;
}

static const int64_t limits_ms[] = { 1,       16,       17,         200,        1000,
                                     5000,    60000,    61000,      66000,      600000,
                                     3600000, 86400000, 2592000000, 31536000000 };
enum { LIMITS = sizeof limits_ms / sizeof *limits_ms };

START_TEST(announced_in_time)
{
    int64_t limit_ms = limits_ms[_i];

    for (int start = 0; start < 50; start++) {
        int64_t begun = engine->clock_us;

        put(&objects[0], limit_ms);
        ck_assert(tocsin__idle_is_in(&objects[0].idle));
        for (int looks = 0; objects[0].fired == start; looks++) {
            ck_assert_int_lt(looks, 4);
            pass(tocsin__timer_next(engine) - engine->clock_us);
        }
        ck_assert_int_le(engine->clock_us - begun, late_us(limit_ms));
        pass(limit_ms * (37 + start));
    }
    ck_assert_int_eq(fired, 50);
}
END_TEST

START_TEST(announced_after_the_last_refresh)
{
    int64_t limit_ms = limits_ms[_i], end_us;

    put(&objects[0], limit_ms);
    for (int i = 0; i < 100; i++) {
        pass(limit_ms * 300);
        refresh(&objects[0]);
    }
    ck_assert_int_eq(fired, 0);
    for (end_us = engine->clock_us + late_us(limit_ms); engine->clock_us < end_us;)
        pass(limit_ms * 10 + 1);
    ck_assert_int_eq(fired, 1);
}
END_TEST

START_TEST(objects_without_a_limit)
{
    put(&objects[0], 0);
    put(&objects[1], 366ll * 24 * 3600 * 1000);
    put(&objects[2], 1000);
    put(&objects[2], 0);
    for (int i = 0; i < 3; i++)
        ck_assert(!tocsin__idle_is_in(&objects[i].idle));
    ck_assert_int_eq(tocsin__timer_next(engine), INT64_MAX);
}
END_TEST

/* Between turns the loop does not know the time. So a refresh between turns counts from the time of
   the next turn. */
START_TEST(refreshed_between_turns)
{
    put(&objects[0], 10000);
    engine->clock_us += 9000000;
    objects[0].active_us = engine->clock_us;
    tocsin__idle_refresh(engine, &objects[0].idle);
    pass(9000000);
    ck_assert_int_eq(fired, 0);
    for (int i = 0; i < 13; i++)
        pass(1000000);
    ck_assert_int_eq(fired, 1);
}
END_TEST

struct reader {
    struct tocsin__node node;
    int64_t works_us;
};

/* A function of the ready list. It takes some time, and then refreshes the first object. */
static void on_read(struct tocsin__node *node)
{
    engine->clock_us += tocsin__container(node, struct reader, node)->works_us;
    tocsin__idle_refresh(engine, &objects[0].idle);
    objects[0].active_us = engine->clock_us;
}

/* One turn takes longer than the limit. An object that is refreshed at the end of this turn must
   not be announced early. Nor must another object whose input may have arrived during this turn. */
START_TEST(a_turn_that_stalls)
{
    struct reader reader = { .node.run = on_read, .works_us = 12000000 };

    put(&objects[0], 10000);
    put(&objects[1], 10000);
    pass(1000000);
    tocsin__ready_push(engine, &reader.node);
    pass(0);
    pass(0);
    pass(9000000);
    ck_assert_int_eq(fired, 0);
    for (int i = 0; i < 4; i++)
        pass(1000000);
    ck_assert_int_eq(fired, 2);
}
END_TEST

/* The limit passes while the loop sleeps, but input has arrived when the loop wakes. The input must
   be read first, so the object is not announced. */
START_TEST(waiting_input_is_read_before_the_announcement)
{
    struct reader reader = { .node.run = on_read };

    put(&objects[0], 10000);
    tocsin__ready_push(engine, &reader.node);
    pass(60000000);
    ck_assert_int_eq(fired, 0);
    ck_assert(tocsin__idle_is_in(&objects[0].idle));
    ck_assert_int_gt(tocsin__timer_next(engine), engine->clock_us + 9000000);
}
END_TEST

/* More objects are due than one turn announces. The rest is announced in later turns, so that other
   work runs in between. */
START_TEST(many_due_together)
{
    int turns = 0;

    for (int i = 0; i < OBJECTS_MOST; i++)
        put(&objects[i], 60000);
    for (pass(80000000); fired < OBJECTS_MOST; turns++) {
        int before = fired;

        ck_assert_int_gt(tocsin_loop_turn(-1), 0);
        ck_assert_int_gt(fired, before);
        ck_assert_int_lt(fired - before, OBJECTS_MOST / 4);
    }
    ck_assert_int_gt(turns, 4);
}
END_TEST

/* Announces an object. Then it removes the neighbours of the object, or puts this object again, or
   puts another object. */
static void on_idle_change(struct tocsin__idle *idle)
{
    struct object *object = tocsin__container(idle, struct object, idle);
    long at = object - objects;

    on_idle(idle);
    switch (at % 3) {
    case 0:
        for (long other = at - 5; other < at + 5; other++)
            if (other >= 0)
                tocsin__idle_remove(&limits, &objects[other].idle);
        break;
    case 1: put(object, 60000); break;
    default: put(&objects[(at + 500) % OBJECTS_MOST], 1000);
    }
}

START_TEST(changed_while_announced)
{
    limits.fire = on_idle_change;
    for (int i = 0; i < 1000; i++)
        put(&objects[i], 60000 + i / 100);
    for (int i = 0; i < 1000; i++)
        pass(100000);
    ck_assert_int_gt(fired, 100);
    for (int i = 0; i < 1000; i++) /* an object with i % 3 == 1 puts itself again */
        ck_assert(!objects[i].fired || i % 3 == 1 || !tocsin__idle_is_in(&objects[i].idle));
}
END_TEST

/* An object is refreshed all the time. The loop must wake for this object only about once in the
   time of its limit. */
START_TEST(refreshed_objects_rarely_wake_the_loop)
{
    uint64_t wakeups = 0;

    put(&objects[0], 60000);
    for (int second = 0; second < 3600; second++) {
        int64_t next = tocsin__timer_next(engine);

        wakeups += next <= engine->clock_us + 1000000;
        pass(1000000);
        refresh(&objects[0]);
    }
    ck_assert_int_eq(fired, 0);
    ck_assert_uint_le(wakeups, 70);
}
END_TEST

static void change_at_random(struct object *object)
{
    switch (any(4)) {
    case 0: put(object, 1 + any(1u << any(28))); break;
    case 1: tocsin__idle_remove(&limits, &object->idle); break;
    default: refresh(object);
    }
}

/* Each step moves the clock to the next time at which something is due, or to an earlier time. */
START_TEST(fuzz_idle)
{
    long steps = test_scaled(100000, 5, 50);
    enum { OBJECTS = 100 };

    for (long step = 0; step < steps; step++) {
        int64_t next = tocsin__timer_next(engine), us = any(1u << any(31));

        change_at_random(&objects[any(OBJECTS)]);
        if (next != INT64_MAX && next < engine->clock_us + us)
            us = next > engine->clock_us ? next - engine->clock_us : 0;
        pass(us);
        for (int i = 0; i < OBJECTS; i++)
            ck_assert(!tocsin__idle_is_in(&objects[i].idle) ||
                      engine->clock_us - objects[i].active_us <= late_us(objects[i].limit_ms));
    }
    ck_assert_int_gt(fired, steps / 100);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/idle");
    TCase *tests = test_case(suite, "idle");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, announced_in_time, 0, LIMITS);
    tcase_add_loop_test(tests, announced_after_the_last_refresh, 0, LIMITS);
    tcase_add_test(tests, objects_without_a_limit);
    tcase_add_test(tests, refreshed_between_turns);
    tcase_add_test(tests, a_turn_that_stalls);
    tcase_add_test(tests, waiting_input_is_read_before_the_announcement);
    tcase_add_test(tests, many_due_together);
    tcase_add_test(tests, changed_while_announced);
    tcase_add_test(tests, refreshed_objects_rarely_wake_the_loop);
    tcase_add_test(tests, fuzz_idle);
    return suite;
}
