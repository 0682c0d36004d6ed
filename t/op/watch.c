/* Tests watches: a handler, a queue or a notify function learns when a file descriptor is ready. */
#define _GNU_SOURCE /* for pipe2() */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handlers.h"

static struct told told;
static struct tocsin_op op;
static int ends[2], ready;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    ready = 0;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

static void end(void)
{
    close(ends[0]);
    close(ends[1]);
}

static void turns(int count)
{
    while (count--)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

static void cancel(void)
{
    ck_assert_int_eq(tocsin_cancel(op), 0);
    while (tocsin_op_status(op) == -EINPROGRESS)
        turns(1);
}

static int tell_ready(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_fd_ready *event = tocsin_fd_ready_of(info);

    ck_assert_int_eq(event->fd, ends[0]);
    ready |= event->events;
    return tell(info, arg);
}

START_TEST(a_watch_is_level_triggered)
{
    char bytes[4];

    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_EACH(tell_ready, &told), &op), 0);
    turns(3);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(write(ends[1], "xy", 2), 2);
    /* The descriptor is still readable, so the watch reports it in each turn. */
    turns_until(&told.count, 5);
    ck_assert_int_eq(ready, POLLIN);
    ck_assert_int_eq(read(ends[0], bytes, 4), 2);
    turns(2);
    told.count = 0;
    turns(5);
    ck_assert_int_eq(told.count, 0);
    cancel();
}
END_TEST

START_TEST(reported_once_in_a_turn)
{
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN | POLLOUT, TOCSIN_EACH(tell_ready, &told), &op),
                     0);
    for (int i = 1; i <= 10; i++) {
        turns(1);
        ck_assert_int_eq(told.count, i);
    }
    ck_assert_int_eq(ready, POLLIN | POLLOUT);
    cancel();
}
END_TEST

START_TEST(writable_and_hung_up)
{
    ck_assert_int_eq(tocsin_watch(ends[0], POLLOUT, TOCSIN_EACH(tell_ready, &told), &op), 0);
    turns_until(&told.count, 1);
    ck_assert_int_eq(ready, POLLOUT);
    ck_assert_int_eq(tocsin_watch_set(op, POLLIN), 0);
    turns(1); /* this turn delivers the reports that were made before tocsin_watch_set() */
    told.count = ready = 0;
    turns(3);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(shutdown(ends[1], SHUT_RDWR), 0);
    turns_until(&told.count, 1);
    ck_assert_int_eq(ready, POLLIN);
    cancel();
}
END_TEST

START_TEST(the_events_are_removed_and_set_again)
{
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_watch(ends[0], 0, TOCSIN_EACH(tell_ready, &told), &op), 0);
    turns(5);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_watch_set(op, POLLIN), 0);
    turns_until(&told.count, 2);
    ck_assert_int_eq(tocsin_watch_set(op, 0), 0);
    turns(1);
    told.count = 0;
    turns(5);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_watch_set(op, POLLPRI), -EINVAL);
    cancel();
    ck_assert_int_eq(tocsin_watch_set(op, 0), -ENOENT);
    ck_assert_int_eq(tocsin_timer(0, NULL, &op), 0);
    /* tocsin_watch_set() returns -EINVAL, since this operation is not a watch */
    ck_assert_int_eq(tocsin_watch_set(op, 0), -EINVAL);
    drain_all();
}
END_TEST

/* The descriptor is ready, but no handler is connected. The watch must pause, and the loop must not
   spin. */
START_TEST(an_unwanted_watch_pauses)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, NULL, &op), 0);
    ck_assert_int_eq(
        tocsin_observe("fd.ready", &(struct tocsin_action){ .fn = tell, .arg = &told }, NULL), 0);
    turns(2);
    ck_assert_int_eq(tocsin_timer(20, NULL, NULL), 0);
    ck_assert_int_le(tocsin_loop_turn(-1), 1); /* the loop must sleep until the timer expires */
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(
        tocsin_connect("fd.ready", &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
        0);
    turns_until(&told.count, 4);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    turns(3);
    told.count = 0;
    turns(3);
    ck_assert_int_eq(told.count, 0);
    /* the events of the watch are changed while it is paused */
    ck_assert_int_eq(tocsin_watch_set(op, POLLIN | POLLOUT), 0);
    ck_assert_int_eq(
        tocsin_connect(
            "fd.ready",
            &(struct tocsin_action){ .fn = tell_ready, .arg = &told, .source = op.source }, NULL),
        0);
    turns_until(&told.count, 2);
    ck_assert_int_eq(ready, POLLIN | POLLOUT);
    cancel();
}
END_TEST

START_TEST(a_watch_pauses_while_its_queue_is_full)
{
    struct tocsin_queue queue;

    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 4 }, &queue),
                     0);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_QUEUE(queue), &op), 0);
    turns(10);
    ck_assert_int_eq(tocsin_loop_turn(0), 0); /* the queue becomes full, so the watch pauses */
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, NULL), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    turns(3);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    cancel();
}
END_TEST

/* libevent would print an error for these descriptors. tocsin_watch() must refuse them first. */
START_TEST(descriptors_that_cannot_be_watched)
{
    FILE *file = tmpfile();
    int null = open("/dev/null", O_RDWR), words[2], error;
    char said[256];

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(pipe2(words, O_NONBLOCK), 0);
    error = dup(STDERR_FILENO);
    dup2(words[1], STDERR_FILENO);
    ck_assert_int_eq(tocsin_watch(-1, POLLIN, TOCSIN_CALL(tell, &told), &op), -EBADF);
    ck_assert_int_eq(tocsin_watch(65432, POLLIN, TOCSIN_CALL(tell, &told), &op), -EBADF);
    ck_assert_int_eq(tocsin_watch(65432, 0, TOCSIN_CALL(tell, &told), &op), -EBADF);
    ck_assert_int_eq(tocsin_watch(fileno(file), POLLIN, TOCSIN_CALL(tell, &told), &op), -EPERM);
    ck_assert_int_eq(tocsin_watch(fileno(file), 0, TOCSIN_CALL(tell, &told), &op), -EPERM);
    ck_assert_int_eq(tocsin_watch(null, POLLOUT, TOCSIN_CALL(tell, &told), &op), -EPERM);
    ck_assert_int_eq(tocsin_watch(ends[0], 0x4000, TOCSIN_CALL(tell, &told), &op), -EINVAL);
    ck_assert_int_eq(tocsin_watch(null, POLLIN, TOCSIN_CALL(tell, &told), NULL), -EPERM);
    dup2(error, STDERR_FILENO);
    /* the read returns -1, since libevent has printed nothing into the pipe */
    ck_assert_int_eq(read(words[0], said, sizeof said), -1);
    drain_all();
    ck_assert_int_eq(told.count, 0);
    fclose(file);
    close(null);
    close(error);
    close(words[0]);
    close(words[1]);
}
END_TEST

START_TEST(a_watch_is_set_on_a_closed_descriptor)
{
    int fd = dup(ends[0]);

    ck_assert_int_eq(tocsin_watch(fd, 0, TOCSIN_CALL(tell, &told), &op), 0);
    close(fd);
    ck_assert_int_eq(tocsin_watch_set(op, POLLIN), -EBADF);
    ck_assert_int_eq(dup2(ends[0], fd), fd);
    ck_assert_int_eq(tocsin_watch_set(op, POLLIN), 0);
    cancel();
    ck_assert_int_eq(told.status, -ECANCELED);
    close(fd);
}
END_TEST

START_TEST(several_watches_of_one_descriptor)
{
    struct told others[3] = { { .count = 0 } };
    struct tocsin_op ops[3];

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            tocsin_watch(ends[0], i ? POLLIN : POLLOUT, TOCSIN_EACH(tell, &others[i]), &ops[i]), 0);
    turns_until(&others[0].count, 2);
    ck_assert_int_eq(others[1].count + others[2].count, 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    turns_until(&others[2].count, 2);
    ck_assert_int_ge(others[1].count, 2);
    ck_assert_int_eq(tocsin_cancel(ops[1]), 0);
    turns(1);
    others[2].count = 0;
    turns_until(&others[2].count, 2); /* the watches of the other descriptors must still work */
    drain_all();
}
END_TEST

static int cancel_it(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(tocsin_cancel(op), 0);
    ck_assert_int_eq(tocsin_watch_set(op, POLLIN), -EALREADY);
    /* The program reuses the number of the closed descriptor at once, as real programs do. */
    close(ends[0]);
    ends[0] = dup(ends[1]);
    return tell(info, arg);
}

START_TEST(cancelled_and_closed_in_its_own_handler)
{
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_EACH(cancel_it, &told), &op), 0);
    turns(10);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
}
END_TEST

START_TEST(a_deadline_ends_a_watch)
{
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_deadline(op, 1), 0);
    turns_until(&told.count, 1);
    ck_assert_int_eq(told.status, -ETIMEDOUT);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/watch");
    TCase *tests = test_case(suite, "watch");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_watch_is_level_triggered);
    tcase_add_test(tests, reported_once_in_a_turn);
    tcase_add_test(tests, writable_and_hung_up);
    tcase_add_test(tests, the_events_are_removed_and_set_again);
    tcase_add_test(tests, an_unwanted_watch_pauses);
    tcase_add_test(tests, a_watch_pauses_while_its_queue_is_full);
    tcase_add_test(tests, descriptors_that_cannot_be_watched);
    tcase_add_test(tests, a_watch_is_set_on_a_closed_descriptor);
    tcase_add_test(tests, several_watches_of_one_descriptor);
    tcase_add_test(tests, cancelled_and_closed_in_its_own_handler);
    tcase_add_test(tests, a_deadline_ends_a_watch);
    return suite;
}
