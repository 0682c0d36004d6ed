/* Contract lines E9 and E10: each loop has its own masks, ignored signals, handlers and counters.
   Also tested are tocsin_loop_call, small queues that other loops emit to, and a thread that ends
   without freeing its loop. */
#include <signal.h>

#include <tocsin/inspect.h>
#include <tocsin/posix.h>

#include "contract/loop_threads.h"

/* Tests: each loop has its own masks, ignored signals, patterns, pending emissions and counters */

static int do_facts_of(void *arg)
{
    return tocsin_signal_get(note, arg);
}

static int do_pending(void *none)
{
    (void)none;
    return tocsin_pending_count(NULL);
}

static int do_sigmask(void *text)
{
    return tocsin_sigmask(TOCSIN_SETMASK, text, NULL, 0);
}

START_TEST(E10_each_loop_has_its_own_mask)
{
    struct tocsin_signal_facts facts;
    char set[64] = "";

    own_begin("test.note", NULL);
    side_begin(0, "test.*", NULL);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_sigmask, "test.note"), 0);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, NULL, set, sizeof set), 0);
    ck_assert_str_eq(set, "");
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    side_turns(&sides[0]);
    ck_assert_int_eq(ours.told.count, 1);
    ck_assert_int_eq(sides[0].told.count, 0);
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_pending, NULL), 1);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_facts_of, &facts), 0);
    ck_assert(facts.blocked && facts.pending == 1 && facts.handlers == 1);
    ck_assert_int_eq(tocsin_signal_get(note, &facts), 0);
    ck_assert(!facts.blocked && facts.pending == 0 && facts.handlers == 1);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_sigmask, ""), 9);
    ck_assert_int_eq(sides[0].told.count, 1);
    sides_end(1);
}
END_TEST

static int do_ignore(void *pattern)
{
    return tocsin_ignore(pattern);
}

START_TEST(E9_each_loop_ignores_for_itself)
{
    struct tocsin_signal_facts facts;

    own_begin("test.note", NULL);
    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_ignore, "test.*"), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 0);
    ck_assert_int_eq(tocsin_signal_get(note, &facts), 0);
    ck_assert(!facts.ignored);
    sides_end(1);
}
END_TEST

static int count_handlers(void *none)
{
    struct tocsin_handler_facts facts = { .handler = { 0 } };
    int count = 0;

    (void)none;
    while (tocsin_handler_next(facts.handler, &facts) == 0)
        count++;
    return count;
}

START_TEST(each_loop_has_its_own_handlers)
{
    struct tocsin_handler_facts facts;
    struct tocsin_signal_facts signal;

    side_begin(0, "test.note", NULL);
    connect_to("test.**", yes, NULL);
    connect_to("test.note", yes, NULL);
    ck_assert_int_eq(count_handlers(NULL), 2);
    ck_assert_int_eq(peer_does(&sides[0].peer, count_handlers, NULL), 1);
    ck_assert_int_eq(tocsin_handler_get(sides[0].handler, &facts), -EXDEV);
    ck_assert_int_eq(tocsin_signal_get(note, &signal), 0);
    ck_assert_uint_eq(signal.handlers, 2);
    sides_end(1);
    ck_assert_int_eq(tocsin_handler_get(sides[0].handler, &facts), -ENOENT);
}
END_TEST

START_TEST(each_loop_has_its_own_counters)
{
    struct tocsin_loop_facts facts;
    struct peer peer;

    peer_begin(&peer);
    ck_assert_int_eq(tocsin_loop_get(NULL), -EINVAL);
    ck_assert_int_eq(tocsin_loop_get(&facts), -ENODEV);
    ck_assert_uint_eq(tocsin_loop_main().id, 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_loop_get(&facts), 0);
    ck_assert(facts.main && facts.loop.id == tocsin_loop_current().id && facts.turns == 1);
    ck_assert_uint_eq(facts.received + facts.refused + facts.missed + facts.wakeups, 0);
    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_facts, &facts), 0);
    ck_assert(!facts.main && facts.loop.id == sides[0].loop.id);
    ck_assert_int_eq(peer_does(&peer, do_facts, &facts), -ENODEV);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
    side_turns(&sides[0]);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_facts, &facts), 0);
    ck_assert_uint_eq(facts.received, 1);
    ck_assert_int_le(facts.lag_us, facts.lag_most_us);
    ck_assert_int_ge(facts.busy_us, facts.lag_most_us);
    sides_end(1);
    /* The new loop uses the memory of the freed loop. The counters of the new loop must begin at
       0. */
    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_facts, &facts), 0);
    ck_assert_uint_eq(facts.received, 0);
    ck_assert_uint_eq(facts.turns, 1);
    sides_end(1);
    peer_leaves(&peer);
}
END_TEST

static int turn_without_limit(void *none)
{
    (void)none;
    return tocsin_loop_turn(-1);
}

START_TEST(a_sleeping_loop_is_woken_once)
{
    struct tocsin_loop_facts facts;

    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    for (int i = 0; i < 50; i++) {
        peer_starts(&sides[0].peer, turn_without_limit, NULL);
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
        ck_assert_int_eq(peer_finishes(&sides[0].peer), 1);
    }
    ck_assert_int_eq(peer_does(&sides[0].peer, do_facts, &facts), 0);
    ck_assert_uint_le(facts.wakeups, 50);
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
    side_turns(&sides[0]);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_facts, &facts), 0);
    /* the loop was woken only a few times, since a loop that is awake is not woken again */
    ck_assert_uint_le(facts.wakeups, 50);
    sides_end(1);
}
END_TEST

/* This thread connects and disconnects a handler while the other loop sleeps. These calls must not
   wake the other loop. An emission after them must wake it. */
START_TEST(a_connect_wakes_no_loop)
{
    struct tocsin_loop_facts facts;
    struct tocsin_handler handler;

    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    for (int i = 0; i < 50; i++) {
        peer_starts(&sides[0].peer, turn_without_limit, NULL);
        ck_assert_int_eq(tocsin_connect("test.**", &(struct tocsin_action){ .fn = yes }, &handler),
                         0);
        ck_assert_int_eq(tocsin_disconnect(handler), 0);
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
        ck_assert_int_eq(peer_finishes(&sides[0].peer), 1);
    }
    ck_assert_int_eq(peer_does(&sides[0].peer, do_facts, &facts), 0);
    ck_assert_uint_le(facts.wakeups, 50);
    sides_end(1);
}
END_TEST

/* Tests of tocsin_loop_call: a function runs on another loop */

struct job {
    struct side *side;
    int calls, drops;
    struct tocsin_loop called_on, dropped_on;
};

static int do_job(void *arg)
{
    struct job *job = arg;

    job->calls++;
    job->called_on = tocsin_loop_current();
    /* the function is called outside of any handler, so there is no current handler */
    ck_assert_uint_eq(tocsin_handler_current().id, 0);
    ck_assert_int_eq(tocsin_run(), -EDEADLK);
    ck_assert_int_eq(tocsin_loop_turn(0), -EDEADLK);
    return -EIO; /* the library does not use the result */
}

static void drop_job(void *arg)
{
    struct job *job = arg;

    ck_assert_int_eq(job->calls, job->drops + 1);
    job->drops++;
    job->dropped_on = tocsin_loop_current();
}

START_TEST(loop_call_runs_on_the_other_loop)
{
    struct job job = { .calls = 0 };

    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(tocsin_loop_call(sides[0].loop, do_job, &job, drop_job), 0);
    ck_assert_int_eq(tocsin_loop_call(sides[0].loop, do_job, &job, drop_job), 0);
    ck_assert_int_eq(job.calls, 0);
    ck_assert_int_eq(side_turns(&sides[0]), 2);
    ck_assert_int_eq(job.drops, 2);
    ck_assert_uint_eq(job.called_on.id, sides[0].loop.id);
    ck_assert_uint_eq(job.dropped_on.id, sides[0].loop.id);
    /* A thread may also call tocsin_loop_call for its own loop. */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_loop_call(tocsin_loop_current(), do_job, &job, NULL), 0);
    ck_assert_int_eq(do_turns(NULL), 1);
    ck_assert_int_eq(job.calls, 3);
    ck_assert_uint_eq(job.called_on.id, tocsin_loop_current().id);
    sides_end(1);
}
END_TEST

static int connect_there(void *arg)
{
    struct side *side = arg;

    connect_to("test.note", side_hear, side);
    return tocsin_timer(0, TOCSIN_CALL(tell, &acted), NULL);
}

START_TEST(loop_call_connects_and_starts)
{
    side_begin(0, "test.number", NULL);
    ck_assert_int_eq(tocsin_loop_call(sides[0].loop, connect_there, &sides[0], NULL), 0);
    /* the post waits behind the earlier calls, so the order is kept */
    ck_assert_int_eq(tocsin_post_to(sides[0].loop, note, NULL), TOCSIN_PENDED);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 1);
    sides_end(1);
    ck_assert_int_eq(acted.count, 1);
}
END_TEST

static int stop_there(void *status)
{
    return tocsin_stop(*(int *)status);
}

static int do_run(void *none)
{
    (void)none;
    return tocsin_run();
}

START_TEST(loop_call_stops_the_loop)
{
    int status = 17;

    side_begin(0, "test.number", NULL);
    peer_starts(&sides[0].peer, do_run, NULL);
    ck_assert_int_eq(tocsin_loop_call(sides[0].loop, stop_there, &status, NULL), 0);
    ck_assert_int_eq(peer_finishes(&sides[0].peer), 17);
    sides_end(1);
}
END_TEST

static int free_there(void *arg)
{
    ((struct job *)arg)->calls++;
    return tocsin_loop_free();
}

START_TEST(loop_call_frees_the_loop)
{
    struct job job = { .calls = 0 };

    side_begin(0, "test.number", NULL);
    ck_assert_int_eq(tocsin_loop_call(sides[0].loop, free_there, &job, drop_job), 0);
    /* The loop has accepted the call before it is freed, so do_job must still run. */
    ck_assert_int_eq(tocsin_loop_call(sides[0].loop, do_job, &job, drop_job), 0);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_run, NULL), 0);
    ck_assert_int_eq(job.calls, 2);
    ck_assert_int_eq(job.drops, 2);
    ck_assert_int_eq(tocsin_loop_call(sides[0].loop, do_job, &job, drop_job), -ESHUTDOWN);
    ck_assert_int_eq(job.drops, 2);
    peer_leaves(&sides[0].peer);
}
END_TEST

static struct tocsin_loop called;
static volatile sig_atomic_t calls_taken, calls_wrong;

static int count_call(void *count)
{
    ++*(int *)count;
    return 0;
}

static int called_count;

static void call_in_handler(int real)
{
    int was = errno, err;

    (void)real;
    errno = 77;
    err = tocsin_loop_call(called, count_call, &called_count, NULL);
    calls_wrong |= errno != 77 || (err < 0 && err != -EAGAIN) || tocsin_loop_main().id != called.id;
    calls_taken += err == 0;
    errno = was;
}

START_TEST(loop_call_in_a_real_signal_handler)
{
    struct sigaction action = { .sa_handler = call_in_handler };

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    called = tocsin_loop_current();
    calls_taken = calls_wrong = called_count = 0;
    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < TOCSIN_INBOX; i++)
        raise(SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    ck_assert(!calls_wrong);
    ck_assert_int_eq(calls_taken, ROOM);
    ck_assert_int_eq(do_turns(NULL), ROOM);
    ck_assert_int_eq(called_count, ROOM);
}
END_TEST

START_TEST(loop_call_is_refused)
{
    struct tocsin_loop here, none = { 0 }, failed = { (uint64_t)(int64_t)-EMFILE };
    struct job job = { .calls = 0 };
    int count = 0;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    here = tocsin_loop_current();
    ck_assert_int_eq(tocsin_loop_call(here, NULL, &job, drop_job), -EINVAL);
    ck_assert_int_eq(tocsin_loop_call(none, do_job, &job, drop_job), -EINVAL);
    ck_assert_int_eq(tocsin_loop_call(failed, do_job, &job, drop_job), -EMFILE);
    ck_assert_int_eq(tocsin_loop_call((struct tocsin_loop){ 1 }, do_job, &job, drop_job),
                     -ESHUTDOWN);
    ck_assert_int_eq(tocsin_loop_call((struct tocsin_loop){ here.id + 1 }, do_job, &job, drop_job),
                     -ESHUTDOWN);
    while (tocsin_loop_call(here, do_job, &job, drop_job) == 0)
        count++;
    ck_assert_int_eq(count, ROOM);
    ck_assert_int_eq(tocsin_loop_call(here, do_job, &job, drop_job), -EAGAIN);
    ck_assert_int_eq(do_turns(NULL), ROOM);
    ck_assert_int_eq(job.calls, ROOM);
    ck_assert_int_eq(job.drops, ROOM);
}
END_TEST

/* Tests: a queue receives emissions from other loops */

struct inlet {
    struct tocsin_queue queue;
    size_t limit;
    unsigned flags;
    char log[LOG];
    bool blocks;
    struct tocsin_block mask;
};

static int open_inlet(void *arg)
{
    struct inlet *inlet = arg;
    struct tocsin_queue_options options = { .limit = inlet->limit, .flags = inlet->flags };

    if (inlet->blocks)
        ck_assert_int_eq(tocsin_block("test.number", &inlet->mask), 0);
    return tocsin_queue_open("test.number, test.latest", &options, &inlet->queue);
}

static int drain_inlet(void *arg)
{
    struct inlet *inlet = arg;
    struct tocsin_info *info;
    int count = 0;

    for (; tocsin_queue_wait(inlet->queue, 0, &info) == 0; count++) {
        ck_assert_uint_eq(number_of(info)->value, strlen(inlet->log));
        strcat(inlet->log, "x");
        tocsin_info_unref(info);
    }
    return count;
}

static int close_inlet(void *arg)
{
    struct inlet *inlet = arg;

    if (inlet->blocks)
        ck_assert_int_eq(tocsin_unblock(inlet->mask), 0);
    return tocsin_queue_close(inlet->queue);
}

/* A queue with a limit of 3 belongs to another thread. When the queue is full, posts become
   pending, and finally a post is refused. All accepted posts must come out of the queue in
   order. */
static void fed_from_elsewhere(unsigned flags, bool blocks)
{
    static struct inlet inlet;
    struct peer peer;
    uint64_t sent = 0;

    memset(&inlet, 0, sizeof inlet);
    inlet.limit = 3;
    inlet.flags = flags;
    inlet.blocks = blocks;
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, open_inlet, &inlet), 0);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 3; i++) {
            while (tocsin_post(number, TOCSIN_PAYLOAD(number, .value = sent)) == TOCSIN_PENDED)
                sent++;
            peer_does(&peer, do_turn, NULL);
        }
        ck_assert_int_eq(tocsin_post(number, TOCSIN_PAYLOAD(number, .value = sent)), -EAGAIN);
        ck_assert_int_gt(peer_does(&peer, drain_inlet, &inlet), 1000);
        ck_assert_uint_eq(strlen(inlet.log), sent);
    }
    peer_does(&peer, close_inlet, &inlet);
    peer_end(&peer);
}

START_TEST(E11_other_loops_emit_to_a_small_queue)
{
    fed_from_elsewhere(0, false);
}
END_TEST

START_TEST(W3_other_loops_emit_to_a_small_TAKE_queue)
{
    fed_from_elsewhere(TOCSIN_TAKE, false);
}
END_TEST

START_TEST(W3_other_loops_emit_blocked_signals_to_a_TAKE_queue)
{
    fed_from_elsewhere(TOCSIN_TAKE, true);
}
END_TEST

static int wait_inlet(void *arg)
{
    struct inlet *inlet = arg;

    return tocsin_queue_wait(inlet->queue, -1, NULL);
}

START_TEST(W3_another_loop_ends_a_wait)
{
    static struct inlet inlet;
    struct peer peer;

    memset(&inlet, 0, sizeof inlet);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, open_inlet, &inlet), 0);
    for (int i = 0; i < 200; i++) {
        peer_starts(&peer, wait_inlet, &inlet);
        ck_assert_int_eq(tocsin_post(i % 2 ? number : latest, TOCSIN_PAYLOAD(number, 1)),
                         TOCSIN_PENDED);
        ck_assert_int_eq(peer_finishes(&peer), 0);
    }
    peer_does(&peer, close_inlet, &inlet);
    peer_end(&peer);
}
END_TEST

/* Contract line T6: a thread ends without freeing its loop, which has a handler. Other threads emit
   the signal of that handler. Their emissions must not be refused because of that loop. */
START_TEST(T6_a_thread_ends_without_freeing_its_loop)
{
    own_begin("test.note", NULL);
    side_begin(0, "test.note", NULL);
    peer_leaves(&sides[0].peer);
    for (int i = 0; i < 2 * ROOM; i++)
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(ours.told.count, 2 * ROOM);
    ck_assert_int_eq(tocsin_post_to(sides[0].loop, note, NULL), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_loop_call(sides[0].loop, do_free, NULL, NULL), -ESHUTDOWN);
    ck_assert_int_eq(emit_number(latest, 1), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_disconnect(sides[0].handler), -ENOENT);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/per_loop_state");
    TCase *tests = test_case(suite, "state of each loop");

    tcase_add_checked_fixture(tests, begin_sides, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, E10_each_loop_has_its_own_mask);
    tcase_add_test(tests, E9_each_loop_ignores_for_itself);
    tcase_add_test(tests, each_loop_has_its_own_handlers);
    tcase_add_test(tests, each_loop_has_its_own_counters);
    tcase_add_test(tests, a_sleeping_loop_is_woken_once);
    tcase_add_test(tests, a_connect_wakes_no_loop);
    tcase_add_test(tests, loop_call_runs_on_the_other_loop);
    tcase_add_test(tests, loop_call_connects_and_starts);
    tcase_add_test(tests, loop_call_stops_the_loop);
    tcase_add_test(tests, loop_call_frees_the_loop);
    tcase_add_test(tests, loop_call_in_a_real_signal_handler);
    tcase_add_test(tests, loop_call_is_refused);
    tcase_add_test(tests, E11_other_loops_emit_to_a_small_queue);
    tcase_add_test(tests, W3_other_loops_emit_to_a_small_TAKE_queue);
    tcase_add_test(tests, W3_other_loops_emit_blocked_signals_to_a_TAKE_queue);
    tcase_add_test(tests, W3_another_loop_ends_a_wait);
    tcase_add_test(tests, T6_a_thread_ends_without_freeing_its_loop);
    return suite;
}
