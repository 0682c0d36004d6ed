/* Other threads complete operations of a loop at any moment. Each completion must wake the loop. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <tocsin/provider.h>

#include "handlers.h"

enum { THREADS = 4, EACH = 5000 };

static struct tocsin_op ops[THREADS][EACH];
static struct told told;
/* the number of operations that each thread may complete in this round */
static atomic_int released;

static void *complete_all(void *arg)
{
    const struct tocsin_op *own = arg;

    for (int i = 0; i < EACH; i++) {
        while (atomic_load(&released) <= i)
            sched_yield();
        ck_assert_int_eq(tocsin_op_complete(own[i], i, NULL), 0);
    }
    return NULL;
}

static void make_all(void)
{
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < EACH; i++)
            ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &ops[t][i]), 0);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    atomic_store(&released, 0);
}

static void start_threads(pthread_t *threads)
{
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, complete_all, ops[t]), 0);
}

static void join_threads(pthread_t *threads)
{
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_join(threads[t], NULL), 0);
}

START_TEST(many_completions_at_once)
{
    pthread_t threads[THREADS];

    make_all();
    start_threads(threads);
    atomic_store(&released, EACH);
    turns_until(&told.count, THREADS * EACH);
    join_threads(threads);
    ck_assert_int_eq(told.count, THREADS * EACH);
}
END_TEST

/* The loop sleeps before each completion, and must be woken each time. If one wake-up is lost, the
   test never ends. */
START_TEST(one_completion_at_a_time)
{
    pthread_t threads[THREADS];

    make_all();
    start_threads(threads);
    for (int i = 1; i <= EACH; i++) {
        atomic_store(&released, i);
        turns_until(&told.count, THREADS * i);
    }
    join_threads(threads);
    ck_assert_int_eq(told.count, THREADS * EACH);
}
END_TEST

static int order_kept(const struct tocsin_info *info, void *arg)
{
    int *next = arg;

    ck_assert_int_eq(info->status, *next);
    ++*next;
    return tell(info, &told);
}

START_TEST(completions_keep_the_order_of_their_thread)
{
    static int next[THREADS];
    pthread_t threads[THREADS];

    memset(next, 0, sizeof next);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < EACH; i++)
            ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(order_kept, &next[t]), &ops[t][i]), 0);
    atomic_store(&released, EACH);
    start_threads(threads);
    turns_until(&told.count, THREADS * EACH);
    join_threads(threads);
}
END_TEST

static void *complete_the_same(void *arg)
{
    int *won = arg;

    for (int i = 0; i < EACH; i++) {
        int err = tocsin_op_complete(ops[0][i], 0, NULL);

        ck_assert(err == 0 || err == -ENOENT);
        *won += err == 0;
    }
    return NULL;
}

/* All threads try to complete the same operations, while the loop cancels them. For each operation,
   exactly one of these calls must succeed. */
START_TEST(completed_by_many_and_cancelled)
{
    pthread_t threads[THREADS];
    int won[THREADS] = { 0 }, cancelled = 0, sum = 0;

    for (int i = 0; i < EACH; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &ops[0][i]), 0);
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, complete_the_same, &won[t]), 0);
    for (int i = EACH - 1; i >= 0; i--)
        cancelled += tocsin_cancel(ops[0][i]) == 0;
    turns_until(&told.count, EACH);
    join_threads(threads);
    for (int t = 0; t < THREADS; t++)
        sum += won[t];
    /* A cancel may succeed although a thread is about to complete the operation. */
    ck_assert_int_ge(sum, EACH - cancelled);
    ck_assert_int_eq(told.count, EACH);
}
END_TEST

/* Threads create and free loops. Other threads complete operations of these loops. The completion
   of an operation whose loop is freed must return an error. */
struct neighbour {
    struct tocsin_op op;
    atomic_int ready, over;
};

static void *live_and_go(void *arg)
{
    struct neighbour *neighbour = arg;

    for (int i = 0; i < 300; i++) {
        struct told own = { .count = 0 };

        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &own), &neighbour->op), 0);
        atomic_store(&neighbour->ready, i + 1);
        if (i % 2)
            turns_until(&own.count, 1);
        else
            ck_assert_int_le(tocsin_loop_turn(0), 1);
        ck_assert_int_le(tocsin_loop_free(), 1);
        ck_assert_int_eq(own.count, 1);
        while (atomic_load(&neighbour->over) <= i)
            sched_yield();
    }
    return NULL;
}

START_TEST(loops_are_created_and_freed)
{
    static struct neighbour neighbour;
    pthread_t thread;

    memset(&neighbour, 0, sizeof neighbour);
    ck_assert_int_eq(pthread_create(&thread, NULL, live_and_go, &neighbour), 0);
    for (int i = 0; i < 300; i++) {
        int err;

        while (atomic_load(&neighbour.ready) <= i)
            sched_yield();
        err = tocsin_op_complete(neighbour.op, 0, NULL);
        ck_assert(err == 0 || err == -ENOENT);
        ck_assert_int_eq(tocsin_op_complete(neighbour.op, 0, NULL), -ENOENT);
        ck_assert_int_lt(tocsin_cancel(neighbour.op), 0);
        atomic_store(&neighbour.over, i + 1);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/wake_completions");
    TCase *tests = test_case(suite, "completions of threads");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, many_completions_at_once);
    tcase_add_test(tests, one_completion_at_a_time);
    tcase_add_test(tests, completions_keep_the_order_of_their_thread);
    tcase_add_test(tests, completed_by_many_and_cancelled);
    tcase_add_test(tests, loops_are_created_and_freed);
    return suite;
}
