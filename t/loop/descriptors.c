/* No descriptor, or too few, are free, which would make libevent end the process. Each call must
   return a negative errno, and must succeed when descriptors are free again. Each test runs with 0
   to 8 free descriptors.

   Some calls create the event base of a loop, and others need descriptors when the event base
   exists already. Some calls are made in the child of a fork. */
#include <event2/event.h>
#include <poll.h>

#include <tocsin/provider.h>

#include "few_descriptors.h"
#include "handlers.h"

static struct tocsin_queue queue;
static int ends[2];

static int no_task(void *arg)
{
    (void)arg;
    return 0;
}

static int turn(void)
{
    return tocsin_loop_turn(0);
}
static int drain(void)
{
    return tocsin_drain(-1);
}
static int move(void)
{
    return tocsin_clock_move(1);
}
static int timer(void)
{
    return tocsin_timer(0, NULL, NULL);
}
static int every(void)
{
    return tocsin_every(1, NULL, NULL);
}
static int watch(void)
{
    return tocsin_watch(ends[0], POLLIN, NULL, NULL);
}
static int work(void)
{
    return tocsin_work(no_task, NULL, NULL, NULL);
}
static int spawn(void)
{
    return tocsin_spawn(no_task, NULL, NULL, NULL);
}
static int all(void)
{
    return tocsin_all(NULL, 0, NULL, NULL);
}
static int fd(void)
{
    return tocsin_loop_fd();
}
static int queue_open(void)
{
    return tocsin_queue_open(NULL, NULL, &queue);
}
static int queue_fd(void)
{
    return tocsin_queue_fd(queue);
}

static int promise(void)
{
    struct tocsin_op op;

    return tocsin_op_new(NULL, NULL, &op);
}

static int run(void)
{
    int err = tocsin_drain(-1);

    return err < 0 ? err : tocsin_run();
}

static int (*const calls[])(void) = { turn,  drain, move, timer,      every,   watch, work,
                                      spawn, all,   fd,   queue_open, promise, run };
static int (*call)(void);
/* true if the event base of the loop is created while descriptors are still free */
static bool before;

static void once(int room)
{
    int err;

    if (before)
        require(tocsin_loop_turn(0) == 0);
    if (call == queue_fd)
        require(tocsin_queue_open(NULL, NULL, &queue) == 0);
    scarce_begin(room);
    err = call();
    require(err >= 0 || err == -EMFILE);
    require(err >= 0 || !before || call == watch || call == fd || call == queue_fd);
    require(err >= 0 || room < SCARCE_MOST);
    scarce_end();
    require(call() >= 0);
    require(tocsin_timer(0, TOCSIN_FUTURE, NULL) == 0);
    require(tocsin_loop_free() >= 0);
}

START_TEST(calls_that_create_the_loop)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        call = calls[i];
        each_room("a call", once);
    }
}
END_TEST

START_TEST(calls_that_need_a_descriptor_later)
{
    before = true;
    call = queue_fd;
    each_room("tocsin_queue_fd", once);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        call = calls[i];
        each_room("a call", once);
    }
}
END_TEST

static void adopting(int room)
{
    struct event_base *base = event_base_new();
    int err;

    scarce_begin(room);
    err = tocsin_loop_adopt(base);
    require(err == 0 || (err == -EMFILE && room < 2));
    scarce_end();
    require(tocsin_loop_adopt(base) == (err == 0 ? -EBUSY : 0));
    require(tocsin_timer(0, NULL, NULL) == 0 && tocsin_drain(-1) == 0 && tocsin_run() == 0 &&
            tocsin_loop_free() == 0);
    event_base_free(base);
}

START_TEST(a_base_that_is_adopted)
{
    each_room("tocsin_loop_adopt", adopting);
}
END_TEST

/* Tests of the child of a fork */

static struct event_base *adopted;
/* true if the limit is lower than the numbers of descriptors that are in use */
static int lower;

/* Sets the soft limit only. Valgrind does not allow a lower hard limit. */
static int limit_descriptors(rlim_t most)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    limit.rlim_cur = most;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static void child_of_fork(int room)
{
    struct told told = { .count = 0 };
    int err;

    scarce_begin(room);
    if (lower)
        require(limit_descriptors(4) == 0);
    err = tocsin_after_fork();
    require(err == 0 || err == -EMFILE);
    /* Success is also allowed: tocsin_after_fork() first closes descriptors of the parent, so it
       may have enough of them. */
    require(err == 0 || adopted || lower);
    require(tocsin_loop_turn(0) == (err < 0 ? -EOWNERDEAD : 0));
    if (lower)
        require(limit_descriptors(SCARCE_LIMIT) == 0);
    scarce_end();
    require(tocsin_after_fork() == 0);
    require(tocsin_timer(0, TOCSIN_CALL(tell, &told), NULL) == 0);
    require(tocsin_drain(-1) == 0 && tocsin_run() == 0 && told.count == 1);
    require(tocsin_loop_free() == 0);
    if (adopted)
        event_base_free(adopted);
}

static void freed_in_child(int room)
{
    scarce_begin(room);
    if (lower)
        require(limit_descriptors(4) == 0);
    require(tocsin_loop_free() == 0);
    if (lower)
        require(limit_descriptors(SCARCE_LIMIT) == 0);
    scarce_end();
    require(tocsin_loop_turn(0) == 0 && tocsin_loop_free() == 0);
}

static void check_forks(void)
{
    struct told told = { .count = 0 };

    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, NULL, NULL), 0);
    each_room("tocsin_after_fork", child_of_fork);
    each_room("tocsin_loop_free in a child", freed_in_child);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), NULL), 0);
    turns_until(&told.count, 1);
}

START_TEST(the_child_of_a_fork)
{
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    check_forks();
    ck_assert_int_ge(tocsin_loop_fd(), 0);
    check_forks();
    test_leaves(2);
}
END_TEST

START_TEST(the_child_of_a_fork_with_an_adopted_base)
{
    adopted = event_base_new();
    ck_assert_int_eq(tocsin_loop_adopt(adopted), 0);
    check_forks();
    ck_assert_int_eq(tocsin_loop_free(), 1);
    event_base_free(adopted);
    adopted = NULL;
}
END_TEST

/* The limit is lower than the numbers of the descriptors that the base uses. When the base closes
   such a descriptor, it cannot open another one. */
START_TEST(the_child_of_a_fork_with_a_lower_limit)
{
    lower = 1;
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    check_forks();
    test_leaves(1);
}
END_TEST

static void begin(void)
{
    ck_assert_int_eq(pipe(ends), 0);
}

static void end(void)
{
    close(ends[0]);
    close(ends[1]);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/descriptors");
    TCase *tests;


    tests = test_case(suite, "few descriptors");
    tcase_add_unchecked_fixture(tests, begin, end);
    tcase_add_test(tests, calls_that_create_the_loop);
    tcase_add_test(tests, calls_that_need_a_descriptor_later);
    tcase_add_test(tests, a_base_that_is_adopted);
    tcase_add_test(tests, the_child_of_a_fork);
    tcase_add_test(tests, the_child_of_a_fork_with_an_adopted_base);
    if (test_scaled(1, 1, 2))
        tcase_add_test(tests, the_child_of_a_fork_with_a_lower_limit);
    else
        test_skip("loop/descriptors: a lower limit in the child",
                  "libevent's half-made base is a leak to valgrind");
    return suite;
}
