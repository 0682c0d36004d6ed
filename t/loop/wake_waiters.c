/* A thread waits for a loop in one of four ways. It polls the loop's descriptor, dispatches an
   adopted base, calls tocsin_suspend(), or waits on a fiber. Each action of another thread on the
   loop must end each of these waits. The waits have no time limit, so a missing wake-up makes the
   test hang. */
#include <poll.h>

#include <event2/event.h>

#include <tocsin/posix.h>

#include "command_threads.h"

enum { ROUNDS = 600 };

static struct told told;
static struct tocsin_loop loop;
static struct tocsin_handler victim;
static int note, latest;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "woken.note" });
    latest = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "woken.latest", .kind = TOCSIN_COALESCE });
    ck_assert(note > 0 && latest > 0);
}

static int count_call(void *arg)
{
    ((struct told *)arg)->count++;
    return 0;
}

static void count_drop(void *arg)
{
    ((struct told *)arg)->count++;
}

/* Each case of this function is one action of the other thread on the loop. */
static int do_something(void *which)
{
    switch (*(int *)which) {
    case 0: return tocsin_post(note, NULL);
    case 1: return tocsin_post(latest, NULL);
    case 2: return tocsin_loop_call(loop, count_call, &told, NULL);
    default: return tocsin_disconnect(victim);
    }
}

static void victim_connect(void)
{
    struct tocsin_action action = {
        .fn = tell, .arg = &told, .drop = count_drop, .flags = TOCSIN_EARLY
    };

    ck_assert_int_eq(tocsin_connect("woken.other", &action, &victim), 0);
}

/* Tests that waits(), a function that waits for the loop, returns when the loop has something to
   do. */
static void woken(void (*waits)(void *arg), void *arg)
{
    struct peer peer;

    connect_to("woken.note, woken.latest", tell, &told);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    loop = tocsin_loop_current();
    peer_begin(&peer);
    for (int i = 0; i < ROUNDS; i++) {
        int which = i % 4;

        if (which == 3)
            victim_connect();
        do_turns(NULL);
        peer_starts(&peer, do_something, &which);
        while (told.count == i) {
            waits(arg);
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        }
        ck_assert_int_ge(peer_finishes(&peer), 0);
        ck_assert_int_eq(told.count, i + 1);
    }
    peer_leaves(&peer);
}

static void by_poll(void *arg)
{
    struct pollfd polled = { .fd = *(int *)arg, .events = POLLIN };

    ck_assert_int_eq(poll(&polled, 1, -1), 1);
}

START_TEST(a_poll_of_the_loop_is_woken)
{
    int fd = tocsin_loop_fd();

    ck_assert_int_ge(fd, 0);
    woken(by_poll, &fd);
}
END_TEST

START_TEST(a_poll_of_a_queue_is_woken)
{
    struct tocsin_queue queue;
    int fd;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    fd = tocsin_queue_fd(queue);
    ck_assert_int_ge(fd, 0);
    woken(by_poll, &fd);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static void by_dispatch(void *base)
{
    ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

START_TEST(a_dispatch_of_an_adopted_base_is_woken)
{
    struct event_base *base = event_base_new();

    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(tocsin_loop_adopt(base), 0);
    woken(by_dispatch, base);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    event_base_free(base);
}
END_TEST

static int listen_and_stay(void *none)
{
    (void)none;
    connect_to("woken.note, woken.latest", tell, &told);
    loop = tocsin_loop_current();
    return tocsin_loop_turn(0);
}

static int suspend(void *none)
{
    (void)none;
    return tocsin_suspend("", -1);
}

START_TEST(a_suspended_loop_is_woken)
{
    struct peer peer;

    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, listen_and_stay, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        peer_starts(&peer, suspend, NULL);
        ck_assert_int_eq(tocsin_post(i % 2 ? note : latest, NULL), TOCSIN_PENDED);
        ck_assert_int_eq(peer_finishes(&peer), 0);
    }
    ck_assert_int_eq(told.count, ROUNDS);
    peer_end(&peer);
}
END_TEST

static int take_all(void *arg)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;
    int *taken = arg;

    ck_assert_int_eq(tocsin_queue_open("woken.note", NULL, &queue), 0);
    for (; *taken < ROUNDS; ++*taken) {
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        tocsin_info_unref(info);
    }
    return tocsin_queue_close(queue);
}

START_TEST(a_waiting_fiber_is_woken)
{
    struct peer peer;
    struct tocsin_op op;
    int which = 0, taken = 0;

    peer_begin(&peer);
    ck_assert_int_eq(tocsin_spawn(take_all, &taken, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    for (int i = 0; i < ROUNDS; i++) {
        peer_starts(&peer, do_something, &which);
        while (taken == i)
            ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        ck_assert_int_eq(peer_finishes(&peer), TOCSIN_PENDED);
    }
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    peer_leaves(&peer);
}
END_TEST

/* The clock of the loop does not move. A post must be delivered nevertheless. */
START_TEST(a_loop_with_a_stopped_clock_is_woken)
{
    struct peer peer;

    connect_to("woken.note, woken.latest", tell, &told);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    peer_begin(&peer);
    for (int i = 0; i < ROUNDS; i++) {
        int which = i % 2;

        ck_assert_int_eq(peer_does(&peer, do_something, &which), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_clock_move(i % 3), 0);
        ck_assert_int_eq(told.count, i + 1);
    }
    peer_leaves(&peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/wake_waiters");
    TCase *tests = test_case(suite, "woken waiters");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_poll_of_the_loop_is_woken);
    tcase_add_test(tests, a_poll_of_a_queue_is_woken);
    tcase_add_test(tests, a_dispatch_of_an_adopted_base_is_woken);
    tcase_add_test(tests, a_suspended_loop_is_woken);
    tcase_add_test(tests, a_waiting_fiber_is_woken);
    tcase_add_test(tests, a_loop_with_a_stopped_clock_is_woken);
    return suite;
}
