/* Tests work, which is a blocking function that runs on a thread of a pool. The tests end the work
   in each possible way. The drop function of the work must be called exactly once. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "handlers.h"

static struct told told;
static sem_t began, go;
static atomic_int drops, ran;
static struct tocsin_pool pool; /* a pool with one thread and three queue entries */

static int task_nothing(void *arg)
{
    atomic_fetch_add(&ran, 1);
    return *(int *)arg;
}

/* This task posts the semaphore `began`, and then waits for the semaphore `go`. */
static int task_block(void *arg)
{
    sem_post(&began);
    while (sem_wait(&go) < 0)
        ;
    return *(int *)arg;
}

static void count_drop(void *arg)
{
    (void)arg;
    atomic_fetch_add(&drops, 1);
}

static int answer = 7;

static int start(tocsin_task task, unsigned flags, struct tocsin_op *ret_op)
{
    const struct tocsin_work_options options = { .pool = pool, .drop = count_drop, .flags = flags };

    return tocsin_work_with(&options, task, &answer, TOCSIN_CALL(tell, &told), ret_op);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    atomic_store(&drops, 0);
    atomic_store(&ran, 0);
    answer = 7;
    sem_init(&began, 0, 0);
    sem_init(&go, 0, 0);
    ck_assert_int_eq(tocsin_pool_new(1, 3, &pool), 0);
}

static void end(void)
{
    sem_destroy(&began);
    sem_destroy(&go);
}

static void end_pool(void)
{
    ck_assert_int_eq(tocsin_pool_free(pool), 0);
    ck_assert_int_eq(tocsin_pool_free(pool), -ENOENT);
}

static void begun(void)
{
    while (sem_wait(&began) < 0)
        ;
}

/* Waits until the drop function has been called this many times. The thread may call it shortly
   after the completion. */
static void dropped(int count)
{
    while (atomic_load(&drops) < count)
        sched_yield();
    ck_assert_int_eq(atomic_load(&drops), count);
}

START_TEST(the_result_of_the_task_is_the_status)
{
    static int answers[] = { 0, 5, -EIO, INT32_MAX, -4096 };

    for (int i = 0; i < 5; i++) {
        struct tocsin_op op;

        ck_assert_int_eq(tocsin_work(task_nothing, &answers[i], TOCSIN_FUTURE, &op), 0);
        ck_assert_int_eq(tocsin_wait(op, -1, NULL), answers[i]);
    }
    ck_assert_int_eq(atomic_load(&ran), 5);
    end_pool();
}
END_TEST

static int check_payload(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_work_done *done = tocsin_work_done_of(info);

    ck_assert_int_ge(done->queued_us, 0);
    ck_assert_int_ge(done->ran_us, 0);
    return tell(info, arg);
}

START_TEST(each_completion_has_a_payload)
{
    struct tocsin_op op;

    connect_to("work.done", check_payload, &told);
    ck_assert_int_eq(start(task_block, 0, NULL), 0);
    begun();
    ck_assert_int_eq(start(task_nothing, 0, &op), 0);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    sem_post(&go);
    drain_all();
    ck_assert_int_eq(told.count, 4);
    end_pool();
}
END_TEST

START_TEST(the_queue_is_bounded)
{
    struct tocsin_op op;

    ck_assert_int_eq(start(task_block, 0, NULL), 0);
    begun();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(start(task_nothing, 0, &op), 0);
    ck_assert_int_eq(start(task_nothing, 0, &op), -EAGAIN);
    ck_assert_int_eq(tocsin_id_error(op.source.id), -EAGAIN);
    /* the drop function was not called: the start failed, so the program keeps the argument */
    ck_assert_int_eq(atomic_load(&drops), 0);
    sem_post(&go);
    drain_all();
    ck_assert_int_eq(told.count, 4);
    dropped(4);
    ck_assert_int_eq(start(task_nothing, 0, NULL), 0);
    drain_all();
    dropped(5);
    end_pool();
}
END_TEST

START_TEST(queued_work_is_cancelled)
{
    struct tocsin_op ops[3];

    ck_assert_int_eq(start(task_block, 0, NULL), 0);
    begun();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(start(task_nothing, 0, &ops[i]), 0);
    ck_assert_int_eq(tocsin_cancel(ops[1]), 0);
    ck_assert_int_eq(tocsin_cancel(ops[1]), -EALREADY);
    ck_assert_int_eq(tocsin_cancel(ops[2]), 0);
    turns_until(&told.count, 2);
    ck_assert_int_eq(told.status, -ECANCELED);
    dropped(2);
    ck_assert_int_eq(tocsin_op_deadline(ops[0], 0), 0);
    turns_until(&told.count, 3);
    ck_assert_int_eq(told.status, -ETIMEDOUT);
    sem_post(&go);
    drain_all();
    ck_assert_int_eq(atomic_load(&ran), 0);
    dropped(4);
    end_pool();
}
END_TEST

START_TEST(running_work_cannot_be_cancelled)
{
    struct tocsin_op op;

    ck_assert_int_eq(start(task_block, 0, &op), 0);
    begun();
    ck_assert_int_eq(tocsin_cancel(op), -EBUSY);
    /* The task already runs, so a deadline cannot interrupt it, either. */
    ck_assert_int_eq(tocsin_op_deadline(op, 0), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    sem_post(&go);
    drain_all();
    ck_assert_int_eq(told.status, 7);
    dropped(1);
    end_pool();
}
END_TEST

START_TEST(running_work_is_abandoned)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_work_with(&(struct tocsin_work_options){ .flags = TOCSIN_ABANDON },
                                      task_nothing, &answer, NULL, &op),
                     -EINVAL);
    ck_assert_int_eq(start(task_block, TOCSIN_ABANDON, &op), 0);
    begun();
    ck_assert_int_eq(tocsin_cancel(op), 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, -ECANCELED);
    /* the drop function was not called yet, since the pool's thread still uses the argument */
    ck_assert_int_eq(atomic_load(&drops), 0);
    sem_post(&go);
    dropped(1);
    ck_assert_int_eq(start(task_block, TOCSIN_ABANDON, &op), 0);
    begun();
    ck_assert_int_eq(tocsin_op_deadline(op, 0), 0);
    turns_until(&told.count, 2);
    ck_assert_int_eq(told.status, -ETIMEDOUT);
    ck_assert_int_eq(start(task_block, TOCSIN_ABANDON, &op), 0);
    /* the cancel succeeds, since the task is still queued behind a running task */
    ck_assert_int_eq(tocsin_cancel(op), 0);
    turns_until(&told.count, 3);
    dropped(2);
    sem_post(&go);
    dropped(3);
    end_pool();
}
END_TEST

START_TEST(a_freed_loop_abandons_running_work)
{
    struct tocsin_op op;

    ck_assert_int_eq(start(task_block, TOCSIN_ABANDON, &op), 0);
    begun();
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(told.status, -ECANCELED);
    sem_post(&go);
    dropped(1);
    end_pool();
}
END_TEST

static void *let_go(void *arg)
{
    (void)arg;
    sem_post(&go);
    return NULL;
}

START_TEST(a_freed_loop_waits_for_running_work)
{
    pthread_t thread;

    ck_assert_int_eq(start(task_block, 0, NULL), 0);
    ck_assert_int_eq(start(task_nothing, 0, NULL), 0);
    begun();
    ck_assert_int_eq(pthread_create(&thread, NULL, let_go, NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), 2);
    pthread_join(thread, NULL);
    ck_assert_int_eq(told.count, 2);
    dropped(2);
    end_pool();
}
END_TEST

static int keep_info(const struct tocsin_info *info, void *arg)
{
    *(struct tocsin_info **)arg = tocsin_info_ref(info);
    return TOCSIN_NEXT;
}

START_TEST(a_kept_info_outlives_its_loop)
{
    struct tocsin_info *kept = NULL;

    connect_to("work.done", keep_info, &kept);
    ck_assert_int_eq(start(task_nothing, 0, NULL), 0);
    drain_all();
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(kept->status, 7);
    ck_assert_int_ge(tocsin_work_done_of(kept)->ran_us, 0);
    tocsin_info_unref(kept);
    dropped(1);
    end_pool();
}
END_TEST

START_TEST(wrong_options_are_refused)
{
    struct tocsin_work_options options = { .flags = 2 };
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_work_with(&options, task_nothing, &answer, NULL, &op), -EINVAL);
    options = (struct tocsin_work_options){ .spare = { 0, 0, 0, 1 } };
    ck_assert_int_eq(tocsin_work_with(&options, task_nothing, &answer, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_work_with(NULL, NULL, &answer, NULL, &op), -EINVAL);
    options = (struct tocsin_work_options){ .pool = { 12345 }, .drop = count_drop };
    ck_assert_int_eq(
        tocsin_work_with(&options, task_nothing, &answer, TOCSIN_CALL(tell, &told), &op), -ENOENT);
    options.pool.id = (uint64_t)-EIO;
    ck_assert_int_eq(
        tocsin_work_with(&options, task_nothing, &answer, TOCSIN_CALL(tell, &told), &op), -EIO);
    drain_all();
    ck_assert_int_eq(atomic_load(&drops) + told.count, 0);
    end_pool();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/work");
    TCase *tests = test_case(suite, "work");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_result_of_the_task_is_the_status);
    tcase_add_test(tests, each_completion_has_a_payload);
    tcase_add_test(tests, the_queue_is_bounded);
    tcase_add_test(tests, queued_work_is_cancelled);
    tcase_add_test(tests, running_work_cannot_be_cancelled);
    tcase_add_test(tests, running_work_is_abandoned);
    tcase_add_test(tests, a_freed_loop_abandons_running_work);
    tcase_add_test(tests, a_freed_loop_waits_for_running_work);
    tcase_add_test(tests, a_kept_info_outlives_its_loop);
    tcase_add_test(tests, wrong_options_are_refused);
    return suite;
}
