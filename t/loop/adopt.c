/* Tests tocsin_loop_adopt(): the loop then runs on an event_base of the program. */
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "handlers.h"

static struct event_base *base;
static struct told told;
static int own; /* the number of calls of the program's own libevent callbacks */

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

/* Frees the loop and checks that the base still works. */
static void end(void)
{
    struct timeval soon = { 0, 1000 };
    int before = own;

    tocsin_loop_free();
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event, NULL, &soon), 0);
    /* The result 1 means that the base has no event left. So the library has removed all of its own
       events. */
    ck_assert_int_eq(event_base_dispatch(base), 1);
    ck_assert_int_eq(own, before + 1);
    event_base_free(base);
}

START_TEST(adopted_once_and_before_the_first_loop)
{
    ck_assert_int_eq(tocsin_loop_adopt(NULL), -EINVAL);
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    ck_assert_int_eq(tocsin_loop_adopt(base), -EBUSY);
    ck_assert_int_eq(tocsin_loop_fd(), -ENOTSUP);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_loop_adopt(base), -EBUSY);
}
END_TEST

START_TEST(the_programs_own_events_are_served)
{
    struct timeval period = { 0, 2000 };
    struct event *event = event_new(base, -1, EV_PERSIST, on_event, NULL);

    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
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
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
}

/* The program dispatches the base, and runs a turn after each dispatch. The dispatch must return
   when the loop has something to do. */
START_TEST(the_program_dispatches_the_base)
{
    struct told ticks = { .count = 0 };
    struct tocsin_op op, watch;
    int pipes[2];

    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
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
    answers[0] = tocsin_loop_turn(0);
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
    event_set_log_callback(quiet); /* libevent prints a warning here, which the test suppresses */
    for (int by_program = 0; by_program < 2; by_program++) {
        memset(answers, 0, sizeof answers);
        ck_assert_int_eq(tocsin_loop_adopt(base), 0);
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
        ck_assert_int_eq(tocsin_loop_free(), 0);
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

    ck_assert_int_gt(
        tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." }), 0);
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    connect_to("test.note", tell, &notes);
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_start, &told, NULL), 0);
    dispatch_until(&told.count, 1);
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_start, &told, NULL), 0);
    turns_until(&told.count, 2);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(notes.count, 2);
}
END_TEST

static void on_event_free(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    ck_assert_int_ge(tocsin_loop_free(), 0);
    own++;
}

START_TEST(the_loop_is_freed_in_a_callback_of_the_base)
{
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_free, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(told.status, -ECANCELED);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

START_TEST(the_loop_is_freed_in_a_callback_of_a_dispatch)
{
    event_set_log_callback(quiet);
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event_free, NULL, NULL), 0);
    ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_int_eq(own, 1);
    /* If the loop still exists, the next turn frees it, and calls the notify function. */
    if (tocsin_loop_current().id)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.status, -ECANCELED);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    event_set_log_callback(NULL);
}
END_TEST

/* Contract line T6: a thread ends without freeing its loop. The base must stay usable, and no event
   of the base may have been called. */
static int pipes[2];

static void *adopt_and_end(void *arg)
{
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    connect_to("timer.expired", tell, &told);
    ck_assert_int_eq(tocsin_timer(1000000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_EACH(tell, &told), NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    event_active(arg, EV_TIMEOUT, 0);
    ck_assert_int_eq(write(pipes[1], "x", 1), 1);
    return NULL;
}

START_TEST(a_base_outlives_the_thread)
{
    struct event *event = event_new(base, -1, 0, on_event, NULL);
    pthread_t thread;

    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, adopt_and_end, event), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(own, 0);
    ck_assert_int_eq(told.count, 0);
    /* The result 1 means that the base has no event any more. */
    ck_assert_int_eq(event_base_dispatch(base), 1);
    ck_assert_int_eq(own, 1);
    event_free(event);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

/* Tests in which the program dispatches the base and never runs a turn */

static void on_stop_dispatch(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    event_base_loopbreak(base);
}

static int break_after(const struct tocsin_info *info, void *arg)
{
    struct told *all = arg;

    tell(info, all);
    if (all->count >= 5)
        event_base_loopbreak(base);
    return TOCSIN_NEXT;
}

static void dispatch(void)
{
    const struct timeval most = { 20, 0 };
    struct event *stop = event_new(base, -1, 0, on_stop_dispatch, NULL);

    ck_assert_int_eq(event_add(stop, &most), 0);
    ck_assert_int_ge(event_base_dispatch(base), 0);
    event_free(stop);
}

static int inside[4];

static int on_fiber(void *arg)
{
    struct tocsin_op op;
    int err = tocsin_timer(1, TOCSIN_FUTURE, &op);

    (void)arg;
    for (int i = 0; i < 3 && err == 0; i++)
        err = tocsin_yield();
    return err < 0 ? err : tocsin_wait(op, -1, NULL);
}

/* The kind of object that must make the dispatch run turns. */
enum driver { A_PERIOD, A_WATCH, WORK, FIBERS, TIMERS, DRIVERS };

START_TEST(the_dispatch_runs_turns)
{
    enum driver driver = (enum driver)_i;
    struct tocsin_op op, watch, fiber;
    int own_ends[2];

    ck_assert_int_eq(pipe(own_ends), 0);
    ck_assert_int_eq(write(own_ends[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    if (driver == A_PERIOD)
        ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(break_after, &told), &op), 0);
    if (driver == A_WATCH)
        ck_assert_int_eq(tocsin_watch(own_ends[0], POLLIN, TOCSIN_EACH(break_after, &told), &watch),
                         0);
    if (driver == WORK)
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(tocsin_work(task, NULL, TOCSIN_CALL(break_after, &told), NULL), 0);
    if (driver == FIBERS)
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(tocsin_spawn(on_fiber, NULL, TOCSIN_CALL(break_after, &told), &fiber),
                             0);
    if (driver == TIMERS)
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(tocsin_timer(i, TOCSIN_CALL(break_after, &told), NULL), 0);
    dispatch();
    ck_assert_int_ge(told.count, 5);
    ck_assert_int_eq(told.status, 0);
    tocsin_loop_free();
    close(own_ends[0]);
    close(own_ends[1]);
}
END_TEST

static int look_inside(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op op;

    (void)info, (void)arg;
    inside[0] = tocsin_run();
    inside[1] = tocsin_loop_turn(0);
    inside[2] = tocsin_op_new(NULL, TOCSIN_FUTURE, &op);
    inside[3] = tocsin_wait(op, -1, NULL);
    tocsin_op_free(op);
    event_base_loopbreak(base);
    return TOCSIN_NEXT;
}

START_TEST(no_turn_in_a_handler_of_the_dispatch)
{
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(look_inside), NULL), 0);
    dispatch();
    ck_assert_int_eq(inside[0], -EDEADLK);
    ck_assert_int_eq(inside[1], -EDEADLK);
    ck_assert_int_eq(inside[2], 0);
    ck_assert_int_eq(inside[3], -EDEADLK);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}
END_TEST

static int free_inside(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_loop_free(), 0);
    event_base_loopbreak(base);
    return TOCSIN_NEXT;
}

START_TEST(a_handler_frees_the_loop_during_the_dispatch)
{
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    ck_assert_int_eq(tocsin_work(task, NULL, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(free_inside), NULL), 0);
    dispatch();
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(told.count, 2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/adopt");
    TCase *tests = test_case(suite, "adopt");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, adopted_once_and_before_the_first_loop);
    tcase_add_test(tests, the_programs_own_events_are_served);
    tcase_add_test(tests, the_program_dispatches_the_base);
    tcase_add_test(tests, no_turn_in_a_callback_of_libevent);
    tcase_add_test(tests, starts_and_emissions_in_a_callback_of_the_program);
    tcase_add_test(tests, the_loop_is_freed_in_a_callback_of_the_base);
    tcase_add_test(tests, the_loop_is_freed_in_a_callback_of_a_dispatch);
    tcase_add_test(tests, a_base_outlives_the_thread);
    tcase_add_loop_test(tests, the_dispatch_runs_turns, 0, DRIVERS);
    tcase_add_test(tests, no_turn_in_a_handler_of_the_dispatch);
    tcase_add_test(tests, a_handler_frees_the_loop_during_the_dispatch);
    return suite;
}
