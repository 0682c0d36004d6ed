/* The loop and a thread act on the same operation at the same time. The tests are mainly for the
   sanitizers. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <tocsin/provider.h>

#include "handlers.h"

#define RACE_DONE(F) F(u32, number) F(object, token)
TOCSIN_LAYOUT(race_done, RACE_DONE);

enum { ROUNDS = 2000 };

static struct told told;
static atomic_int drops, gate;

static int task_nothing(void *arg)
{
    (void)arg;
    return 1;
}

static void count_drop(void *arg)
{
    (void)arg;
    atomic_fetch_add(&drops, 1);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    atomic_store(&drops, 0);
    atomic_store(&gate, 0);
}

/* A task is cancelled while it is queued, while it runs, or just after it has ended. */
START_TEST(work_that_ends_and_is_abandoned)
{
    const struct tocsin_work_options options = { .drop = count_drop, .flags = TOCSIN_ABANDON };
    struct tocsin_op op;

    for (int i = 0; i < ROUNDS; i++) {
        ck_assert_int_eq(
            tocsin_work_with(&options, task_nothing, NULL, TOCSIN_CALL(tell, &told), &op), 0);
        for (int spin = i % 7; spin > 0; spin--)
            sched_yield();
        tocsin_cancel(op);
        turns_until(&told.count, i + 1);
        ck_assert(told.status == 1 || told.status == -ECANCELED);
    }
    while (atomic_load(&drops) < ROUNDS)
        sched_yield();
    ck_assert_int_eq(atomic_load(&drops), ROUNDS);
}
END_TEST

START_TEST(work_that_begins_and_is_cancelled)
{
    struct tocsin_op ops[8];
    int status, ended = 0;

    for (int i = 0; i < ROUNDS / 8; i++) {
        for (int j = 0; j < 8; j++)
            ck_assert_int_eq(tocsin_work(task_nothing, NULL, TOCSIN_CALL(tell, &told), &ops[j]), 0);
        for (int j = 7; j >= 0; j--) {
            status = tocsin_cancel(ops[j]);
            ck_assert(status == 0 || status == -EBUSY || status == -EALREADY);
        }
        turns_until(&told.count, ended += 8);
    }
}
END_TEST

static struct tocsin_op shared;

static void *complete_with_copies(void *arg)
{
    (void)arg;
    for (int i = 1; i <= ROUNDS; i++) {
        while (atomic_load(&gate) < i)
            sched_yield();
        tocsin_op_complete(shared, 1, TOCSIN_PAYLOAD(race_done, .number = (uint32_t)i));
    }
    return NULL;
}

START_TEST(completed_with_a_copy_and_cancelled)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, complete_with_copies, NULL), 0);
    for (int i = 1; i <= ROUNDS; i++) {
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &shared), 0);
        atomic_store(&gate, i);
        for (int spin = i % 5; spin > 0; spin--)
            sched_yield();
        tocsin_cancel(shared);
        turns_until(&told.count, i);
    }
    pthread_join(thread, NULL);
    ck_assert_int_eq(told.count, ROUNDS);
}
END_TEST

/* A thread completes the operation, and the copy of the payload fails. Meanwhile the loop cancels
   the operation. The failed completion must change nothing, so the operation can still be
   completed. */
static atomic_int copying, may_fail;

static int ref_fails(void *object)
{
    (void)object;
    atomic_store(&copying, 1);
    while (!atomic_load(&may_fail))
        sched_yield();
    return -EIO;
}

static void unref(void *object)
{
    (void)object;
}

static const struct tocsin_object_ops failing = { "failing", ref_fails, unref };

static void *complete_in_vain(void *arg)
{
    static int object;

    (void)arg;
    ck_assert_int_lt(
        tocsin_op_complete(shared, 1, TOCSIN_PAYLOAD(race_done, .token = { &object, &failing })),
        0);
    return NULL;
}

static void begin_in_vain(pthread_t *thread)
{
    atomic_store(&copying, 0);
    atomic_store(&may_fail, 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &shared), 0);
    ck_assert_int_eq(pthread_create(thread, NULL, complete_in_vain, NULL), 0);
    while (!atomic_load(&copying))
        sched_yield();
}

START_TEST(a_failed_completion_changes_nothing)
{
    pthread_t thread;

    begin_in_vain(&thread);
    atomic_store(&may_fail, 1);
    pthread_join(thread, NULL);
    ck_assert_int_eq(tocsin_op_status(shared), -EINPROGRESS);
    ck_assert_int_eq(tocsin_cancel(shared), 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, -ECANCELED);
}
END_TEST

START_TEST(cancelled_while_a_completion_fails)
{
    pthread_t thread;
    int err;

    begin_in_vain(&thread);
    err = tocsin_cancel(shared);
    ck_assert(err == 0 || err == -EALREADY);
    atomic_store(&may_fail, 1);
    pthread_join(thread, NULL);
    /* the test waits for the completion, since the operation was cancelled */
    turns_until(&told.count, 1);
    ck_assert_int_lt(told.status, 0);
}
END_TEST

START_TEST(freed_while_a_completion_fails)
{
    pthread_t thread;

    begin_in_vain(&thread);
    ck_assert_int_eq(tocsin_op_deadline(shared, 0), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    atomic_store(&may_fail, 1);
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(told.count, 1);
    pthread_join(thread, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/loop_thread_race");
    TCase *tests = test_case(suite, "race");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, work_that_ends_and_is_abandoned);
    tcase_add_test(tests, work_that_begins_and_is_cancelled);
    tcase_add_test(tests, completed_with_a_copy_and_cancelled);
    tcase_add_test(tests, a_failed_completion_changes_nothing);
    tcase_add_test(tests, cancelled_while_a_completion_fails);
    tcase_add_test(tests, freed_while_a_completion_fails);
    return suite;
}
