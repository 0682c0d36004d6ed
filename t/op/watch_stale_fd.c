/* A program closes a descriptor before it cancels the watch. Then the program watches a new
   descriptor with the same number. The new watch must work, and the old watch must end once with
   -EBADF.

   The cases vary: pipe, socket or eventfd; a watch that runs or is paused; read, write or both;
   several old or new watches; a foreign poll loop; turns between the steps; an old watch that is
   cancelled, set or resumed afterwards.
   In another case a duplicate of the descriptor is still open, which gives -EBUSY until it is
   closed. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handlers.h"

static struct told old, new, ended;

static int on_end(const struct tocsin_info *info, void *arg)
{
    return info->code == TOCSIN_DONE ? tell(info, &ended) : tell(info, arg);
}

static struct tocsin_notify notify_for(struct told *told)
{
    return (
        struct tocsin_notify){ .mode = TOCSIN_AT_EACH | TOCSIN_AT_END, .fn = on_end, .arg = told };
}

static int watch(int fd, short events, struct told *told, struct tocsin_op *op)
{
    struct tocsin_notify notify = notify_for(told);

    return tocsin_watch(fd, events, &notify, op);
}

enum make { PIPE, SOCKET, EVENT, MAKES };

/* Opens two connected descriptors. ends[0] becomes readable when the test writes to ends[1]. */
static void make(enum make how, int ends[2])
{
    ck_assert_int_eq(how == PIPE     ? pipe(ends)
                     : how == SOCKET ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends)
                                     : 0,
                     0);
    if (how == EVENT) {
        ends[0] = eventfd(0, EFD_NONBLOCK);
        ends[1] = dup(ends[0]);
    }
}

static void make_ready(const int ends[2])
{
    ck_assert_int_eq(write(ends[1], "12345678", 8), 8);
}

static void shut(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static void turns(int count)
{
    while (count--)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
}

/* Does the same as make(), but ends[0] gets this descriptor number. */
static void make_at(enum make how, int number, int ends[2])
{
    make(how, ends);
    if (ends[0] != number) {
        ck_assert_int_eq(dup2(ends[0], number), number);
        close(ends[0]);
        ends[0] = number;
    }
}

static void begin(void)
{
    memset(&old, 0, sizeof old);
    memset(&new, 0, sizeof new);
    memset(&ended, 0, sizeof ended);
}

static void check_new_works(int ends[2], struct tocsin_op op, int forgotten)
{
    make_ready(ends);
    turns(5);
    ck_assert_int_gt(new.count, 0);
    ck_assert_int_eq(ended.count, forgotten);
    ck_assert_int_eq(old.count, 0);
    if (forgotten)
        ck_assert_int_eq(ended.status, -EBADF);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    turns(3);
    ck_assert_int_eq(ended.count, forgotten + 1);
    shut(ends);
}

START_TEST(the_new_watch_works)
{
    enum make was = _i / MAKES, is = _i % MAKES;
    struct tocsin_op first, second;
    int ends[2], again[2];

    make(was, ends);
    ck_assert_int_eq(watch(ends[0], POLLIN, &old, &first), 0);
    turns(1);
    shut(ends);
    make_at(is, ends[0], again);
    ck_assert_int_eq(watch(again[0], POLLIN, &new, &second), 0);
    ck_assert_int_eq(tocsin_cancel(first), -EALREADY);
    check_new_works(again, second, 1);
}
END_TEST

START_TEST(several_old_watches)
{
    struct tocsin_op first[3], second;
    int ends[2], again[2];

    make(SOCKET, ends);
    ck_assert_int_eq(watch(ends[0], POLLIN, &old, &first[0]), 0);
    ck_assert_int_eq(watch(ends[0], POLLIN, &old, &first[1]), 0);
    ck_assert_int_eq(watch(ends[0], 0, &old, &first[2]), 0);
    turns(2);
    shut(ends);
    make_at(SOCKET, ends[0], again);
    ck_assert_int_eq(watch(again[0], POLLIN, &new, &second), 0);
    check_new_works(again, second, 3);
}
END_TEST

START_TEST(watches_for_reading_and_writing)
{
    bool foreign_poll = _i;
    struct tocsin_op ops[2], second[2];
    struct told room = { .count = 0 };
    int ends[2], again[2];

    make(SOCKET, ends);
    if (foreign_poll)
        ck_assert_int_ge(tocsin_loop_fd(), 0);
    ck_assert_int_eq(watch(ends[0], POLLIN, &old, &ops[0]), 0);
    ck_assert_int_eq(watch(ends[0], POLLOUT, NULL, &ops[1]), 0);
    shut(ends);
    make_at(SOCKET, ends[0], again);
    ck_assert_int_eq(watch(again[0], POLLIN, &new, &second[0]), 0);
    ck_assert_int_eq(watch(again[0], POLLOUT, &room, &second[1]), 0);
    make_ready(again);
    turns(3);
    ck_assert_int_gt(new.count, 0);
    ck_assert_int_gt(room.count, 0);
    ck_assert_int_eq(ended.count, 2);
    ck_assert_int_eq(tocsin_cancel(second[0]), 0);
    ck_assert_int_eq(tocsin_cancel(second[1]), 0);
    turns(2);
    shut(again);
}
END_TEST

/* The number of the descriptor now belongs to a new file, which no watch wants. The old watch must
   not report that file. */
START_TEST(the_old_watch_does_not_report_another_file)
{
    struct tocsin_op first;
    int ends[2], again[2];

    make(PIPE, ends);
    ck_assert_int_eq(watch(ends[0], 0, &old, &first), 0);
    shut(ends);
    make_at(PIPE, ends[0], again);
    make_ready(again);
    ck_assert_int_eq(tocsin_watch_set(first, POLLIN), -EBADF);
    turns(3);
    ck_assert_int_eq(old.count, 0);
    ck_assert_int_eq(tocsin_cancel(first), 0);
    turns(2);
    shut(again);
}
END_TEST

START_TEST(cancelled_after_it_was_closed)
{
    struct tocsin_op first, second;
    int ends[2], again[2];

    make(PIPE, ends);
    ck_assert_int_eq(watch(ends[0], POLLIN, &old, &first), 0);
    turns(1);
    shut(ends);
    make_at(PIPE, ends[0], again);
    ck_assert_int_eq(tocsin_cancel(first), 0);
    turns(2);
    ck_assert_int_eq(ended.count, 1);
    ended.count = 0;
    ck_assert_int_eq(watch(again[0], POLLIN, &new, &second), 0);
    check_new_works(again, second, 0);
}
END_TEST

START_TEST(two_watches_of_one_file_are_not_stale)
{
    struct tocsin_op first, second, third;
    int ends[2];

    make(PIPE, ends);
    ck_assert_int_eq(watch(ends[0], POLLIN, &new, &first), 0);
    ck_assert_int_eq(watch(ends[0], POLLIN, &new, &second), 0);
    ck_assert_int_eq(tocsin_cancel(first), 0);
    turns(1);
    ck_assert_int_eq(watch(ends[0], POLLIN, &new, &third), 0);
    make_ready(ends);
    turns(2);
    ck_assert_int_eq(ended.count, 1);
    ck_assert_int_ge(new.count, 2);
    ck_assert_int_eq(tocsin_cancel(second), 0);
    ck_assert_int_eq(tocsin_cancel(third), 0);
    turns(2);
    shut(ends);
}
END_TEST

/* A duplicate of a closed descriptor is still open. Therefore epoll still reports events under the
   old number. */
START_TEST(a_duplicate_is_still_open)
{
    bool cancelled_late = _i;
    struct tocsin_op first, second;
    int ends[2], again[2], other;

    make(PIPE, ends);
    other = dup(ends[0]);
    ck_assert_int_eq(watch(ends[0], POLLIN, &old, &first), 0);
    turns(1);
    close(ends[0]);
    make_at(PIPE, ends[0], again);
    if (cancelled_late) {
        ck_assert_int_eq(tocsin_cancel(first), 0);
        turns(2);
        ended.count = 0;
    }
    ck_assert_int_eq(watch(again[0], POLLIN, &new, &second), -EBUSY);
    ck_assert_int_eq(tocsin_id_error(second.source.id), -EBUSY);
    close(other);
    close(ends[1]);
    ck_assert_int_eq(watch(again[0], POLLIN, &new, &second), 0);
    check_new_works(again, second, !cancelled_late);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/watch_stale_fd");
    TCase *tests = test_case(suite, "stale descriptors");

    test_needs_processes();
    tcase_add_unchecked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, the_new_watch_works, 0, MAKES * MAKES);
    tcase_add_test(tests, several_old_watches);
    tcase_add_loop_test(tests, watches_for_reading_and_writing, 0, 2);
    tcase_add_test(tests, the_old_watch_does_not_report_another_file);
    tcase_add_test(tests, cancelled_after_it_was_closed);
    tcase_add_test(tests, two_watches_of_one_file_are_not_stale);
    tcase_add_loop_test(tests, a_duplicate_is_still_open, 0, 2);
    return suite;
}
