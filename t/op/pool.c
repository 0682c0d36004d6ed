/* Tests thread pools: how many threads a pool has, and how a pool ends. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "handlers.h"

static struct told told;
static sem_t began, go;
static atomic_int running, most, ran;

static int threads_now(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = -2;

    ck_assert_ptr_nonnull(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

static int task_meet(void *arg)
{
    int now = atomic_fetch_add(&running, 1) + 1, seen = atomic_load(&most);

    while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
        ;
    sem_post(&began);
    while (sem_wait(&go) < 0)
        ;
    atomic_fetch_sub(&running, 1);
    atomic_fetch_add(&ran, 1);
    (void)arg;
    return 0;
}

static int task_nothing(void *arg)
{
    (void)arg;
    atomic_fetch_add(&ran, 1);
    return 0;
}

static void start_on(struct tocsin_pool pool, tocsin_task task)
{
    ck_assert_int_eq(tocsin_work_with(&(struct tocsin_work_options){ .pool = pool }, task, NULL,
                                      TOCSIN_CALL(tell, &told), NULL),
                     0);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    atomic_store(&running, 0);
    atomic_store(&most, 0);
    atomic_store(&ran, 0);
    sem_init(&began, 0, 0);
    sem_init(&go, 0, 0);
}

static void post(sem_t *semaphore, int count)
{
    while (count--)
        sem_post(semaphore);
}

static void await(sem_t *semaphore, int count)
{
    while (count)
        count -= sem_wait(semaphore) == 0;
}

START_TEST(limits_of_a_pool)
{
    struct tocsin_pool pool;

    ck_assert_int_eq(tocsin_pool_new(1, 1, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_pool_new(-1, 1, &pool), -EINVAL);
    ck_assert_int_eq(tocsin_pool_free(pool), -EINVAL);
    ck_assert_int_eq(tocsin_pool_new(1025, 1, &pool), -EINVAL);
    ck_assert_int_eq(tocsin_pool_free((struct tocsin_pool){ 0 }), -ENOENT);
    /* creates 200 pools, to check that the id of a freed pool is not reused soon */
    for (int i = 0; i < 200; i++) {
        struct tocsin_pool next;

        ck_assert_int_eq(tocsin_pool_new(0, 0, &next), 0);
        ck_assert_int_eq(tocsin_pool_free(next), 0);
        ck_assert_int_eq(tocsin_pool_free(next), -ENOENT);
    }
}
END_TEST

START_TEST(a_pool_runs_as_many_tasks_as_it_has_threads)
{
    struct tocsin_pool pool;

    ck_assert_int_eq(tocsin_pool_new(3, 0, &pool), 0);
    for (int i = 0; i < 10; i++)
        start_on(pool, task_meet);
    await(&began, 3);
    ck_assert_int_eq(atomic_load(&running), 3);
    post(&go, 10);
    drain_all();
    ck_assert_int_eq(told.count, 10);
    ck_assert_int_eq(atomic_load(&most), 3);
    ck_assert_int_eq(tocsin_pool_free(pool), 0);
}
END_TEST

START_TEST(a_freed_pool_finishes_its_tasks)
{
    struct tocsin_pool pool;

    ck_assert_int_eq(tocsin_pool_new(1, 0, &pool), 0);
    start_on(pool, task_meet);
    await(&began, 1);
    for (int i = 0; i < 5; i++)
        start_on(pool, task_nothing);
    ck_assert_int_eq(tocsin_pool_free(pool), 0);
    ck_assert_int_eq(tocsin_work_with(&(struct tocsin_work_options){ .pool = pool }, task_nothing,
                                      NULL, NULL, NULL),
                     -ENOENT);
    post(&go, 1);
    drain_all();
    ck_assert_int_eq(told.count, 6);
    ck_assert_int_eq(atomic_load(&ran), 6);
}
END_TEST

START_TEST(freed_with_work_that_is_cancelled)
{
    struct tocsin_pool pool;

    ck_assert_int_eq(tocsin_pool_new(1, 0, &pool), 0);
    start_on(pool, task_meet);
    await(&began, 1);
    for (int i = 0; i < 5; i++)
        start_on(pool, task_nothing);
    ck_assert_int_eq(tocsin_pool_free(pool), 0);
    post(&go, 1);
    ck_assert_int_eq(tocsin_loop_free(), 6);
    ck_assert_int_eq(told.count, 6);
}
END_TEST

static void *nothing(void *arg)
{
    return arg;
}

START_TEST(all_threads_end_with_the_last_loop)
{
    struct tocsin_pool pool;
    pthread_t thread;
    int before;

    /* A sanitizer creates its own thread when the program creates its first thread, so a first
       thread is created here. */
    ck_assert_int_eq(pthread_create(&thread, NULL, nothing, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    before = threads_now();

    ck_assert_int_eq(tocsin_pool_new(2, 0, &pool), 0);
    for (int i = 0; i < 8; i++)
        start_on(i % 2 ? pool : (struct tocsin_pool){ 0 }, task_meet);
    await(&began, 4);
    ck_assert_int_gt(threads_now(), before + 3);
    post(&go, 8);
    drain_all();
    ck_assert_int_eq(tocsin_loop_free(), 0);
    /* waits, since a thread may still be returning from its last task */
    while (threads_now() > before)
        sched_yield();
    ck_assert_int_eq(tocsin_pool_free(pool), 0);
    /* the threads have ended, so the pools must create new ones */
    start_on((struct tocsin_pool){ 0 }, task_nothing);
    drain_all();
}
END_TEST

static void *live(void *arg)
{
    int *count = arg;

    for (int i = 0; i < 50; i++) {
        struct told own = { .count = 0 };

        for (int j = 0; j < 5; j++)
            ck_assert_int_eq(tocsin_work(task_nothing, NULL, TOCSIN_CALL(tell, &own), NULL), 0);
        ck_assert_int_eq(tocsin_drain(-1), 0);
        ck_assert_int_eq(tocsin_run(), 0);
        ck_assert_int_eq(tocsin_loop_free(), 0);
        *count += own.count;
    }
    return NULL;
}

/* Loops on three threads start and end work at the same time. The pool must end its threads when
   its last user ends. It must create threads again when another loop starts work. */
START_TEST(loops_start_and_end_work)
{
    pthread_t threads[3];
    int counts[3] = { 0 };

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, live, &counts[i]), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(counts[i], 250);
    }
    ck_assert_int_eq(atomic_load(&ran), 750);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/pool");
    TCase *tests = test_case(suite, "pool");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, limits_of_a_pool);
    tcase_add_test(tests, a_pool_runs_as_many_tasks_as_it_has_threads);
    tcase_add_test(tests, a_freed_pool_finishes_its_tasks);
    tcase_add_test(tests, freed_with_work_that_is_cancelled);
    tcase_add_test(tests, all_threads_end_with_the_last_loop);
    tcase_add_test(tests, loops_start_and_end_work);
    return suite;
}
