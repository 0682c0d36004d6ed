/* Tests the figures that tocsin_loop_get returns. */
#include <pthread.h>
#include <sched.h>

#include "delivery/loop.h"
#include "loop/engine.h"
#include "handlers.h"

static struct tocsin_loop_facts facts;
static struct told told;
static int note;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
}

static void get(void)
{
    memset(&facts, 0xff, sizeof facts);
    ck_assert_int_eq(tocsin_loop_get(&facts), 0);
    ck_assert_uint_eq(facts.loop.id, tocsin_loop_current().id);
}

static void check_new(void)
{
    get();
    ck_assert_uint_eq(facts.turns | facts.received | facts.refused | facts.missed | facts.wakeups,
                      0);
    ck_assert_int_eq(facts.lag_us | facts.lag_most_us | facts.busy_us, 0);
}

static void *of_another(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tocsin_loop_get(&facts), -ENODEV);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    get();
    ck_assert(!facts.main);
    ck_assert_uint_eq(facts.turns, 1);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

START_TEST(figures_of_the_threads_own_loop)
{
    pthread_t thread;

    ck_assert_int_eq(tocsin_loop_get(NULL), -EINVAL);
    ck_assert_int_eq(tocsin_loop_get(&facts), -ENODEV);
    connect_to("test.note", tell, &told);
    check_new();
    ck_assert(facts.main);
    ck_assert_int_eq(pthread_create(&thread, NULL, of_another, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    check_new();
}
END_TEST

/* A handler that moves the test's clock by its arg, a number of microseconds. Then the handler
   reads the figures. */
static int take(const struct tocsin_info *info, void *arg)
{
    (void)info;
    tocsin__self->engine->clock_us += *(int *)arg;
    get();
    /* The call of this handler is counted when the handler has returned. */
    ck_assert_uint_eq(facts.received, told.count++);
    return TOCSIN_NEXT;
}

START_TEST(lag_and_turns)
{
    static const int us[] = { 3000, 7000, 0, 5000 };
    int busy = 0, most = 0, at = 0;

    connect_to("test.note", take, &at);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    get();
    for (uint64_t i = 0, turns = facts.turns; i < 4; i++) {
        at = us[i];
        busy += at;
        most = at > most ? at : most;
        ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
        get();
        ck_assert_uint_eq(facts.turns, turns + i + 1);
        ck_assert_int_eq(facts.lag_us, at);
        ck_assert_int_eq(facts.lag_most_us, most);
        ck_assert_int_eq(facts.busy_us, busy);
        ck_assert_uint_eq(facts.received, i + 1);
    }
    /* This turn finds nothing to do, so the lag is 0 again. */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    get();
    ck_assert_int_eq(facts.lag_us, 0);
    ck_assert_int_eq(facts.lag_most_us, 7000);
    ck_assert_int_eq(facts.busy_us, 15000);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    connect_to("test.note", tell, &told);
    /* The next loop lies in the same memory, but its figures must begin at 0. */
    check_new();
}
END_TEST

START_TEST(refused_and_missed_messages_are_counted)
{
    struct tocsin_handler handler;
    int taken = 0;

    ck_assert_int_eq(
        tocsin_connect("test.note", &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
        0);
    while (tocsin_post(note, NULL) == TOCSIN_PENDED)
        taken++;
    ck_assert_int_eq(taken, TOCSIN_INBOX - 128);
    ck_assert_int_eq(tocsin_post(note, NULL), -EAGAIN);
    get();
    ck_assert_uint_eq(facts.refused, 2);
    ck_assert_uint_eq(facts.missed, 0);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_int_eq(
        tocsin_observe("test.note", &(struct tocsin_action){ .fn = tell, .arg = &told }, NULL), 0);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_NOBODY);
    get();
    ck_assert_uint_eq(facts.refused, 2);
    ck_assert_uint_eq(facts.missed, 1);
    ck_assert_int_eq(tocsin_loop_turn(0), taken);
    get();
    ck_assert_uint_eq(facts.received, (uint64_t)taken);
}
END_TEST

static void *wake(void *arg)
{
    struct tocsin__loop *loop = arg;

    while (atomic_load(&loop->inbox.edge) != TOCSIN__ASLEEP)
        sched_yield();
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    return NULL;
}

START_TEST(wakeups_are_counted)
{
    pthread_t thread;

    connect_to("test.note", tell, &told);
    for (uint64_t i = 1; i < 20; i++) {
        /* The loop is awake, so this post does not count as a wake-up. */
        ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
        ck_assert_int_gt(tocsin_loop_turn(-1), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, wake, tocsin__self), 0);
        turns_until(&told.count, 2 * (int)i);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        get();
        ck_assert_uint_eq(facts.wakeups, i);
        ck_assert_uint_eq(facts.received, 2 * i);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/facts");
    TCase *tests = test_case(suite, "facts");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, figures_of_the_threads_own_loop);
    tcase_add_test(tests, lag_and_turns);
    tcase_add_test(tests, refused_and_missed_messages_are_counted);
    tcase_add_test(tests, wakeups_are_counted);
    return suite;
}
