/* A loop on an event_base that the program has already, and goes on to own. */
#include <event2/event.h>
#include <poll.h>
#include <unistd.h>

#include "told.h"

static struct event_base *base;
static struct told told;
static int own;                                        /* calls of the program's own callbacks */

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    own++;
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    own = 0;
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
}

/* The base outlives the loop, and works on. */
static void end(void)
{
    struct timeval soon = { 0, 1000 };
    int before = own;

    tocsin_free();
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event, NULL, &soon), 0);
    ck_assert_int_eq(event_base_dispatch(base), 1);        /* 1: nothing of ours is left on it */
    ck_assert_int_eq(own, before + 1);
    event_base_free(base);
}

START_TEST(once_and_before_all_else)
{
    ck_assert_int_eq(tocsin_adopt(NULL), -EINVAL);
    ck_assert_int_eq(tocsin_adopt(base), 0);
    ck_assert_int_eq(tocsin_adopt(base), -EBUSY);
    ck_assert_int_eq(tocsin_fd(), -ENOTSUP);
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert_int_eq(tocsin_turn(0), 0);
    ck_assert_int_eq(tocsin_adopt(base), -EBUSY);
}
END_TEST

START_TEST(the_programs_own_events_are_served)
{
    struct timeval period = { 0, 2000 };
    struct event *event = event_new(base, -1, EV_PERSIST, on_event, NULL);

    ck_assert_int_eq(tocsin_adopt(base), 0);
    ck_assert_int_eq(event_add(event, &period), 0);
    turns_until(&own, 3);
    ck_assert_int_eq(tocsin_timer(20, TOCSIN_CALL(tell, &told), NULL), 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_ge(own, 3);
    event_free(event);
}
END_TEST

static int task(void *arg)
{
    (void)arg;
    return 0;
}

static void dispatch_until(const int *count, int least)
{
    while (*count < least) {
        ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
        ck_assert_int_ge(tocsin_turn(0), 0);
    }
}

/* The program dispatches, and takes a turn after each pass: that wakes for all that is due. */
START_TEST(dispatched_by_the_program)
{
    struct told ticks = { .count = 0 };
    struct tocsin_op op, watch;
    int pipes[2];

    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(tocsin_adopt(base), 0);
    ck_assert_int_eq(tocsin_timer(5, TOCSIN_CALL(tell, &told), NULL), 0);
    dispatch_until(&told.count, 1);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), NULL), 0);
    dispatch_until(&told.count, 2);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    dispatch_until(&told.count, 3);
    ck_assert_int_eq(tocsin_work(task, NULL, TOCSIN_CALL(tell, &told), NULL), 0);
    dispatch_until(&told.count, 4);
    ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(tell, &ticks), NULL), 0);
    dispatch_until(&ticks.count, 5);
    ck_assert_int_eq(write(pipes[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_EACH(tell, &told), &watch), 0);
    dispatch_until(&told.count, 7);
    ck_assert_int_eq(tocsin_drain(-1), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

static struct tocsin_op op_inside;
static int answers[3];

static void on_event_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    answers[0] = tocsin_turn(0);
    answers[1] = tocsin_run();
    answers[2] = tocsin_wait(op_inside, -1, NULL);
    own++;
}

static void quiet(int severity, const char *text)
{
    (void)severity, (void)text;
}

START_TEST(no_turn_in_a_callback_of_libevent)
{
    event_set_log_callback(quiet);                         /* libevent says so, too */
    for (int by_program = 0; by_program < 2; by_program++) {
        memset(answers, 0, sizeof answers);
        ck_assert_int_eq(tocsin_adopt(base), 0);
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op_inside), 0);
        ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_turn, NULL, NULL), 0);
        if (by_program)
            ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
        else
            turns_until(&own, 1);
        ck_assert_int_eq(own, by_program + 1);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(answers[i], -EDEADLK);
        ck_assert_int_eq(tocsin_op_complete(op_inside, 0, NULL), 0);
        ck_assert_int_eq(tocsin_wait(op_inside, 0, NULL), 0);
        ck_assert_int_eq(tocsin_free(), 0);
    }
    event_set_log_callback(NULL);
}
END_TEST

static void on_event_start(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, arg), NULL), 0);
    ck_assert_int_eq(tocsin_emit(tocsin_find("test.note"), NULL), TOCSIN_DELIVERED);
}

START_TEST(starts_and_emissions_in_a_callback_of_the_program)
{
    struct told notes = { .count = 0 };

    ck_assert_int_gt(tocsin_declare(&(struct tocsin_spec){ .name = "test.note", .doc = "A note." }), 0);
    ck_assert_int_eq(tocsin_adopt(base), 0);
    connect_to("test.note", tell, &notes);
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_start, &told, NULL), 0);
    dispatch_until(&told.count, 1);
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_start, &told, NULL), 0);
    turns_until(&told.count, 2);
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert_int_eq(notes.count, 2);
}
END_TEST

static void on_event_free(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    ck_assert_int_ge(tocsin_free(), 0);
    own++;
}

START_TEST(freed_in_a_callback_while_it_runs)
{
    ck_assert_int_eq(tocsin_adopt(base), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_free, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(told.status, -ECANCELED);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

START_TEST(freed_in_a_callback_of_the_programs_dispatch)
{
    event_set_log_callback(quiet);
    ck_assert_int_eq(tocsin_adopt(base), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_free, NULL, NULL), 0);
    ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_int_eq(own, 1);
    if (tocsin_loop_current().id)                          /* it waits for the next turn */
        ck_assert_int_ge(tocsin_turn(0), 0);
    ck_assert_int_eq(told.status, -ECANCELED);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    event_set_log_callback(NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/adopt");
    TCase *tests = test_case(suite, "adopt");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, once_and_before_all_else);
    tcase_add_test(tests, the_programs_own_events_are_served);
    tcase_add_test(tests, dispatched_by_the_program);
    tcase_add_test(tests, no_turn_in_a_callback_of_libevent);
    tcase_add_test(tests, starts_and_emissions_in_a_callback_of_the_program);
    tcase_add_test(tests, freed_in_a_callback_while_it_runs);
    tcase_add_test(tests, freed_in_a_callback_of_the_programs_dispatch);
    return suite;
}
