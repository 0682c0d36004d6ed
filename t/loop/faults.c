/* Contract line F3 for a loop: in each run, another allocation or system call fails. */
#include <event2/event.h>
#include <poll.h>
#include <unistd.h>

#include "faults.h"
#include "loop/clock.h"
#include "loop/engine.h"
#include "loop/watch.h"

static int fired, seen;

static void on_timer(struct tocsin__timer *timer)
{
    (void)timer;
    fired++;
}

static void on_ready(struct tocsin__watch *watch, short events)
{
    (void)watch, (void)events;
    seen++;
}

/* Checks that the loop's event base still works after a failure: a timer expires, and a watched
   descriptor is found ready. */
static void check_lives(struct tocsin__engine *engine, int fd)
{
    struct tocsin__watch watch = { .ready = on_ready };
    struct tocsin__timer timer = { .fire = on_timer };
    int err = tocsin__watch_open(engine, &watch, fd);

    fired = seen = 0;
    if (err == 0)
        err = tocsin__watch_for(&watch, POLLIN);
    ck_assert_int_le(err, 0);
    tocsin__timer_arm(engine, &timer, tocsin__now(engine) + 1000);
    while (!fired || (err == 0 && !seen))
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    if (err == 0)
        tocsin__watch_for(&watch, 0);
    tocsin__watch_close(&watch);
}

static void job(void)
{
    struct tocsin__engine *engine;
    int ends[2], err;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    err = tocsin__engine_make(&engine);
    ck_assert_int_le(err, 0);
    if (err == 0) {
        check_lives(engine, ends[0]);
        tocsin_loop_fd();
        check_lives(engine, ends[0]);
        ck_assert_int_eq(tocsin_clock_move(1), 0);
        ck_assert_int_eq(tocsin_drain(0), 0);
        ck_assert_int_eq(tocsin_run(), 0);
    }
    ck_assert_int_eq(tocsin_loop_free(), 0);
    close(ends[0]);
    close(ends[1]);
}

START_TEST(each_call_of_a_loop_fails_in_turn)
{
    each_in_turn("loop/faults", job);
}
END_TEST

static struct event_base *base;

static void adopting_job(void)
{
    struct tocsin__engine *engine;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    if (tocsin_loop_adopt(base) == 0) {
        ck_assert_int_eq(tocsin__engine_make(&engine), 0);
        check_lives(engine, ends[0]);
    }
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
    close(ends[0]);
    close(ends[1]);
}

START_TEST(an_adopted_base)
{
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    each_in_turn("loop/faults: adopted", adopting_job);
    event_base_free(base);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/faults");
    TCase *tests = test_case(suite, "faults");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_call_of_a_loop_fails_in_turn);
    tcase_add_test(tests, an_adopted_base);
    return suite;
}
