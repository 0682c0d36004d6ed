/* The program polls the descriptor of a queue in its own poll loop, and calls no function that runs
   turns. tocsin's loop and its timers must nevertheless work. */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "handlers.h"

static struct tocsin_queue queue;

/* Polls the descriptor and takes entries of the queue, until this many entries have been taken. */
static void take(int fd, int count)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };
    int seen = 0;

    while (seen < count) {
        ck_assert_int_eq(poll(&polled, 1, -1), 1);
        while (tocsin_queue_wait(queue, 0, NULL) == 0)
            seen++;
    }
    ck_assert_int_eq(seen, count);
}

static int queue_fd(void)
{
    int fd;

    ck_assert_int_eq(tocsin_queue_open("test.note", NULL, &queue), 0);
    fd = tocsin_queue_fd(queue);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(tocsin_queue_fd(queue), fd);
    ck_assert_int_eq(tocsin_loop_fd(), fd);
    return fd;
}

static void begin(void)
{
    ck_assert_int_gt(
        tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." }), 0);
}

static void check_quiet(int fd)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    /* The descriptor may be readable without an entry, since the loop has other work to do. */
    while (poll(&polled, 1, 0) == 1)
        ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(poll(&polled, 1, 20), 0);
}

START_TEST(the_descriptor_runs_timers)
{
    int fd = queue_fd();

    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(tocsin_timer(i % 5, TOCSIN_QUEUE(queue), NULL), 0);
    take(fd, 20);
    check_quiet(fd);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(entries_make_it_readable)
{
    int fd = queue_fd(), note = tocsin_find("test.note");

    check_quiet(fd);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    take(fd, 1);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    take(fd, 1); /* the descriptor must still be readable, since one entry is left */
    check_quiet(fd);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static int task(void *arg)
{
    (void)arg;
    return 0;
}

START_TEST(work_and_descriptors)
{
    struct tocsin_op watch;
    int fd = queue_fd(), ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(tocsin_work(task, NULL, TOCSIN_QUEUE(queue), NULL), 0);
    take(fd, 50);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_QUEUE(queue), &watch), 0);
    check_quiet(fd);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1), 1);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_cancel(watch), 0);
    ck_assert_int_eq(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1), 1);
    while (tocsin_op_status(watch) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static void *complete_all(void *arg)
{
    struct tocsin_op *ops = arg;

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], i, NULL), 0);
    return NULL;
}

START_TEST(completions_from_a_thread)
{
    struct tocsin_op ops[100];
    pthread_t thread;
    int fd = queue_fd();

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(queue), &ops[i]), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, complete_all, ops), 0);
    take(fd, 100);
    pthread_join(thread, NULL);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static int on_note(const struct tocsin_info *info, void *arg)
{
    ++*(int *)arg;
    return *(int *)arg < 5 ? tocsin_emit(info->signo, NULL) : TOCSIN_NEXT;
}

/* A handler emits its own signal, and this emission must wait for the next turn. The descriptor
   must become readable, even if the first emission was made outside of a turn. */
START_TEST(late_emissions_make_it_readable)
{
    int fd = queue_fd(), count = 0;

    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    connect_to("test.note", on_note, &count);
    ck_assert_int_eq(tocsin_emit(tocsin_find("test.note"), NULL), TOCSIN_DELIVERED);
    while (count < 5) {
        ck_assert_int_eq(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1), 1);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
}
END_TEST

/* An operation has paused because no handler listened. A handler that is connected outside of any
   turn must make the descriptor readable, so that the operation resumes. */
START_TEST(a_new_handler_makes_it_readable)
{
    struct told told = { .count = 0 };
    struct tocsin_op watch;
    int fd = queue_fd(), ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, NULL, &watch), 0);
    /* the descriptor is not readable, since without a listener the operation pauses */
    check_quiet(fd);
    connect_to("fd.ready", tell, &told);
    while (told.count == 0) {
        ck_assert_int_eq(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1), 1);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_eq(tocsin_cancel(watch), 0);
    while (tocsin_op_status(watch) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/queue_poll");
    TCase *tests = test_case(suite, "poll");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, the_descriptor_runs_timers);
    tcase_add_test(tests, entries_make_it_readable);
    tcase_add_test(tests, work_and_descriptors);
    tcase_add_test(tests, completions_from_a_thread);
    tcase_add_test(tests, late_emissions_make_it_readable);
    tcase_add_test(tests, a_new_handler_makes_it_readable);
    return suite;
}
