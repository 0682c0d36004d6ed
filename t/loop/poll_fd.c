/* The program polls the descriptor of a loop in a poll loop of its own. The descriptor must be
   readable when the loop has something to do, and only then. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "handlers.h"

static struct told told;
static int loop_fd, pipes[2];

static void wait_readable(void)
{
    ck_assert_int_eq(poll(&(struct pollfd){ .fd = loop_fd, .events = POLLIN }, 1, -1), 1);
}

static void foreign_until(const int *count, int least)
{
    while (*count < least) {
        wait_readable();
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
}

/* Runs turns until the descriptor is not readable. Then the descriptor must stay unreadable. */
static void check_quiet(void)
{
    struct pollfd polled = { .fd = loop_fd, .events = POLLIN };

    while (poll(&polled, 1, 0) == 1)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(poll(&polled, 1, 20), 0);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    ck_assert_int_eq(pipe(pipes), 0);
    loop_fd = tocsin_loop_fd();
    ck_assert_int_ge(loop_fd, 0);
    ck_assert_int_eq(tocsin_loop_fd(), loop_fd);
    ck_assert(fcntl(loop_fd, F_GETFD) & FD_CLOEXEC);
}

static void end(void)
{
    close(pipes[0]);
    close(pipes[1]);
}

START_TEST(unreadable_without_work)
{
    check_quiet();
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    foreign_until(&told.count, 1);
    check_quiet();
}
END_TEST

START_TEST(timers_in_any_order)
{
    struct tocsin_op far, moved;

    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), &far), 0);
    check_quiet();
    ck_assert_int_eq(tocsin_timer(5, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_timer(2, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), NULL), 0);
    foreign_until(&told.count, 3);
    check_quiet();
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), &moved), 0);
    ck_assert_int_eq(tocsin_timer_set(moved, 1), 0);
    foreign_until(&told.count, 4);
    ck_assert_int_eq(tocsin_cancel(far), 0);
    foreign_until(&told.count, 5);
    check_quiet();
}
END_TEST

START_TEST(a_repeating_timer)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(tell, &told), &op), 0);
    foreign_until(&told.count, 10);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    while (tocsin_op_status(op) == -EINPROGRESS) {
        wait_readable();
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    check_quiet();
}
END_TEST

static int read_one(const struct tocsin_info *info, void *arg)
{
    char byte;

    ck_assert_int_eq(read(tocsin_fd_ready_of(info)->fd, &byte, 1), 1);
    return tell(info, arg);
}

START_TEST(a_watched_descriptor_makes_it_readable)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_EACH(read_one, &told), &op), 0);
    check_quiet();
    for (int i = 1; i <= 5; i++) {
        ck_assert_int_eq(write(pipes[1], "x", 1), 1);
        foreign_until(&told.count, i);
        check_quiet();
    }
    ck_assert_int_eq(tocsin_watch_set(op, 0), 0);
    ck_assert_int_eq(write(pipes[1], "x", 1), 1);
    check_quiet();
    ck_assert_int_eq(tocsin_watch_set(op, POLLIN), 0);
    foreign_until(&told.count, 6);
    check_quiet();
    test_leaves(1);
}
END_TEST

START_TEST(watches_made_before_the_descriptor)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_EACH(read_one, &told), &op), 0);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    loop_fd = tocsin_loop_fd();
    ck_assert_int_ge(loop_fd, 0);
    foreign_until(&told.count, 1);
    check_quiet();
    ck_assert_int_eq(write(pipes[1], "x", 1), 1);
    foreign_until(&told.count, 2);
    test_leaves(1);
}
END_TEST

START_TEST(several_watches_of_one_descriptor)
{
    struct tocsin_op ops[3];
    struct told out = { .count = 0 };

    ck_assert_int_eq(tocsin_watch(pipes[1], POLLOUT, TOCSIN_EACH(tell, &out), &ops[0]), 0);
    ck_assert_int_eq(tocsin_watch(pipes[1], POLLOUT, TOCSIN_EACH(tell, &out), &ops[1]), 0);
    ck_assert_int_eq(tocsin_watch(pipes[1], POLLIN, TOCSIN_EACH(tell, &told), &ops[2]), 0);
    foreign_until(&out.count, 2);
    ck_assert_int_eq(tocsin_cancel(ops[0]), 0); /* the other watches must still work */
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    out.count = 0;
    foreign_until(&out.count, 2);
    ck_assert_int_eq(tocsin_watch_set(ops[1], 0), 0);
    check_quiet();
    ck_assert_int_eq(tocsin_watch_set(ops[1], POLLOUT | POLLIN), 0);
    out.count = 0;
    foreign_until(&out.count, 1);
    ck_assert_int_eq(tocsin_cancel(ops[1]), 0);
    check_quiet();
    ck_assert_int_eq(told.count, 0);
    close(pipes[0]); /* The other end is closed. A hang-up makes the watched descriptor ready. */
    pipes[0] = dup(pipes[1]);
    foreign_until(&told.count, 1);
    test_leaves(1);
}
END_TEST

START_TEST(a_watched_descriptor_is_closed)
{
    struct tocsin_op op, again;
    int fd = dup(pipes[0]);

    ck_assert_int_eq(tocsin_watch(fd, POLLIN, TOCSIN_EACH(tell, &told), &op), 0);
    /* The program closes the watched descriptor, which is an error of the program. The library must
       not crash. */
    close(fd);
    check_quiet();
    ck_assert_int_eq(tocsin_cancel(op), 0);
    while (tocsin_op_status(op) == -EINPROGRESS) {
        wait_readable();
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    /* The same descriptor number stands for another file now. */
    ck_assert_int_eq(dup2(pipes[0], fd), fd);
    ck_assert_int_eq(tocsin_watch(fd, POLLIN, TOCSIN_EACH(read_one, &told), &again), 0);
    ck_assert_int_eq(write(pipes[1], "x", 1), 1);
    foreign_until(&told.count, 1);
    ck_assert_int_eq(tocsin_cancel(again), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    close(fd);
}
END_TEST

static struct tocsin_op ops[1000];

static void *complete_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], 0, NULL), 0);
    return NULL;
}

START_TEST(completions_from_a_thread)
{
    pthread_t thread;

    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &ops[i]), 0);
    check_quiet();
    ck_assert_int_eq(pthread_create(&thread, NULL, complete_all, NULL), 0);
    foreign_until(&told.count, 1000);
    pthread_join(thread, NULL);
    check_quiet();
}
END_TEST

static int task_yields(void *arg)
{
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_yield(), 0);
    ++*(int *)arg;
    return 0;
}

START_TEST(fibers_and_waiting_results)
{
    struct tocsin_op op;
    int done = 0;

    ck_assert_int_eq(tocsin_spawn(task_yields, &done, NULL, NULL), 0);
    foreign_until(&done, 1);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    while (tocsin_op_status(op) == -EINPROGRESS) {
        wait_readable();
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    check_quiet();
    ck_assert_int_eq(tocsin_then(op, tell, &told), 0);
    foreign_until(&told.count, 1);
    check_quiet();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/poll_fd");
    TCase *tests = test_case(suite, "polled loop");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, unreadable_without_work);
    tcase_add_test(tests, timers_in_any_order);
    tcase_add_test(tests, a_repeating_timer);
    tcase_add_test(tests, a_watched_descriptor_makes_it_readable);
    tcase_add_test(tests, watches_made_before_the_descriptor);
    tcase_add_test(tests, several_watches_of_one_descriptor);
    tcase_add_test(tests, a_watched_descriptor_is_closed);
    tcase_add_test(tests, completions_from_a_thread);
    tcase_add_test(tests, fibers_and_waiting_results);
    return suite;
}
