/* Tests a type of operation that the program defines with public headers only: a counter. A thread
   of the program completes the operation; a cancel completes it at once. The type must work with
   each style: notify, future, queue, group and fiber. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <tocsin/provider.h>

#include "handlers.h"

#define COUNT_DONE(F) F(string, word) F(u32, count)
#define COUNT_PASSED(F) F(u32, count)
TOCSIN_LAYOUT(count_done, COUNT_DONE);
TOCSIN_LAYOUT(count_passed, COUNT_PASSED);

struct count {
    struct count_done done;
    struct count_passed passed;
    struct tocsin_op op;
    char word[16];
    int resumed, cancels, refuses;
};

static atomic_int drops;
static struct told told;

static int count_cancel(struct tocsin_op op, void *state, int reason)
{
    struct count *count = state;

    count->cancels++;
    return count->refuses ? -EBUSY : tocsin_op_complete(op, reason, NULL);
}

static void count_resume(struct tocsin_op op, void *state)
{
    ck_assert_ptr_eq(tocsin_op_state(op), state);
    ((struct count *)state)->resumed++;
}

static void count_drop(void *state)
{
    ck_assert_int_ge(((struct count *)state)->resumed, 0);
    atomic_fetch_add(&drops, 1);
}

static const struct tocsin_signal_spec done_spec = { .name = "count.done",
                                                     .doc = "Counted.",
                                                     .layout = &count_done_layout };
static const struct tocsin_signal_spec passed_spec = { .name = "count.passed",
                                                       .doc = "So many.",
                                                       .layout = &count_passed_layout };
static const struct tocsin_op_type count_type = {
    .done = &done_spec,
    .progress = { &passed_spec },
    .state_size = sizeof(struct count),
    .cancel = count_cancel,
    .resume = count_resume,
    .drop = count_drop,
};

static struct count *count_new(const struct tocsin_notify *notify)
{
    struct tocsin_op op;
    struct count *count;

    ck_assert_int_eq(tocsin_op_new(&count_type, notify, &op), 0);
    count = tocsin_op_state(op);
    count->op = op;
    count->done = count_done_make();
    count->done.word = count->word;
    count->passed = count_passed_make();
    strcpy(count->word, "own");
    return count;
}

static int count_start(const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    return tocsin_op_start(count_new(notify)->op, 0, ret_op);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    atomic_store(&drops, 0);
}

static void *complete_lent(void *arg)
{
    struct count *count = arg;

    count->done.count = 42;
    ck_assert_int_eq(tocsin_op_complete(count->op, 1, &count->done.tocsin), 0);
    return NULL;
}

static void from_a_thread(void *(*run)(void *), void *arg)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
    ck_assert_int_eq(pthread_detach(thread), 0);
}

static int check_lent(const struct tocsin_info *info, void *arg)
{
    ck_assert_str_eq(count_done_of(info)->word, "own");
    ck_assert_uint_eq(count_done_of(info)->count, 42);
    ck_assert_str_eq(info->name, "count.done");
    return tell(info, arg);
}

START_TEST(completed_from_a_foreign_thread)
{
    struct count *count = count_new(TOCSIN_CALL(check_lent, &told));

    ck_assert_int_eq(tocsin_op_start(count->op, 0, NULL), 0);
    from_a_thread(complete_lent, count);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, 1);
    ck_assert_int_eq(atomic_load(&drops), 1);
}
END_TEST

START_TEST(completed_from_its_own_loop)
{
    struct tocsin_op op;

    ck_assert_int_eq(count_start(TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 2, NULL), 0);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(told.status, 2);
}
END_TEST

START_TEST(completed_before_it_is_started)
{
    struct count *count = count_new(TOCSIN_CALL(tell, &told));
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_complete(count->op, 3, NULL), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_op_start(count->op, 0, &op), 0);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_op_start(op, 0, &op), -EINVAL);
    drain_all();
    ck_assert_int_eq(told.status, 3);
}
END_TEST

START_TEST(a_start_fails_after_the_completion)
{
    for (int turns = 0; turns < 2; turns++) {
        struct count *count = count_new(TOCSIN_CALL(tell, &told));
        struct tocsin_op op;

        ck_assert_int_eq(tocsin_op_complete(count->op, 3, NULL), 0);
        if (turns)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_op_start(count->op, -EPIPE, &op), -EPIPE);
        ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EPIPE);
        drain_all();
        ck_assert_int_eq(told.count, 0);
        ck_assert_int_eq(atomic_load(&drops), turns + 1);
    }
}
END_TEST

START_TEST(a_start_that_fails)
{
    struct tocsin_queue queue;
    struct tocsin_op op;

    ck_assert_int_eq(
        tocsin_observe("**", &(struct tocsin_action){ .fn = tell, .arg = &told }, NULL), 0);
    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 1 }, &queue),
                     0);
    ck_assert_int_eq(tocsin_op_start(count_new(TOCSIN_QUEUE(queue))->op, -EIO, &op), -EIO);
    /* tocsin_op_start() returns the error that the id contains */
    ck_assert_int_eq(tocsin_op_start(op, 0, &op), -EIO);
    /* this operation is freed before it was started */
    ck_assert_int_eq(tocsin_op_free(count_new(TOCSIN_QUEUE(queue))->op), 0);
    ck_assert_int_eq(atomic_load(&drops), 2);
    drain_all();
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(cancelled_or_asked_before_it_is_started)
{
    struct count *count = count_new(NULL);

    ck_assert_int_eq(tocsin_cancel(count->op), -EINVAL);
    ck_assert_int_eq(tocsin_wait(count->op, 0, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_op_status(count->op), -EINPROGRESS);
    ck_assert_int_eq(tocsin_op_start(count->op, -EIO, NULL), -EIO);
    ck_assert_int_eq(atomic_load(&drops), 1);
}
END_TEST

START_TEST(completed_with_each_kind_of_payload)
{
    static char text[] = "copied";
    struct tocsin_info *info;
    struct tocsin_op op;

    ck_assert_int_eq(count_start(TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, TOCSIN_PAYLOAD(tocsin_fd_done, .fd = 1)), -EPROTO);
    ck_assert_int_eq(tocsin_op_complete(op, 0, &(struct tocsin_payload){ NULL }), -EPROTO);
    /* the operation is still running, since the refused call had no effect */
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    ck_assert_int_eq(
        tocsin_op_complete(op, 0, TOCSIN_PAYLOAD(count_done, .word = text, .count = 7)), 0);
    text[0] = 'X';
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    ck_assert_str_eq(count_done_of(info)->word, "copied");
    ck_assert_uint_eq(count_done_of(info)->count, 7);
    text[0] = 'c';
    ck_assert_int_eq(tocsin_loop_free(), 0); /* the info that the test keeps outlives its loop */
    ck_assert_str_eq(count_done_of(info)->word, "copied");
    ck_assert_int_eq(atomic_load(&drops), 0);
    tocsin_info_unref(info);
    ck_assert_int_eq(atomic_load(&drops), 1);

    ck_assert_int_eq(count_start(TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    /* if the payload is NULL, the handlers get a payload without values */
    ck_assert_ptr_nonnull(count_done_of(info));
    ck_assert_ptr_null(count_done_of(info)->word);
    tocsin_info_unref(info);
}
END_TEST

START_TEST(a_second_completion_is_refused)
{
    struct tocsin_op op;

    ck_assert_int_eq(count_start(TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 1, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 2, NULL), -ENOENT);
    ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(count_passed, .count = 1), 0),
                     -EALREADY);
    drain_all();
    ck_assert_int_eq(tocsin_op_complete(op, 3, NULL), -ENOENT);
    ck_assert_int_eq(told.count + told.status, 2);
}
END_TEST

START_TEST(an_operation_that_cannot_be_cancelled)
{
    struct count *count = count_new(TOCSIN_CALL(tell, &told));

    count->refuses = 1;
    ck_assert_int_eq(tocsin_op_start(count->op, 0, NULL), 0);
    ck_assert_int_eq(tocsin_cancel(count->op), -EBUSY);
    ck_assert_int_eq(tocsin_cancel(count->op), -EBUSY); /* the provider refuses this cancel, too */
    ck_assert_int_eq(count->cancels, 2);
    count->refuses = 0;
    ck_assert_int_eq(tocsin_cancel(count->op), 0);
    ck_assert_int_eq(tocsin_cancel(count->op), -EALREADY);
    drain_all();
    ck_assert_int_eq(told.status, -ECANCELED);
}
END_TEST

/* Many operations: a thread completes each operation while the loop cancels it. */
struct pair {
    struct tocsin_op op;
    atomic_int ready;
};

static void *complete_when_ready(void *arg)
{
    struct pair *pairs = arg;

    for (int i = 0; i < 1000; i++) {
        while (!atomic_load(&pairs[i].ready))
            sched_yield();
        tocsin_op_complete(pairs[i].op, 1,
                           i % 2 ? NULL : TOCSIN_PAYLOAD(count_done, .word = "thread"));
    }
    return NULL;
}

START_TEST(cancelled_while_a_thread_completes_it)
{
    static struct pair pairs[1000];
    pthread_t thread;

    memset(pairs, 0, sizeof pairs);
    ck_assert_int_eq(pthread_create(&thread, NULL, complete_when_ready, pairs), 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(count_start(TOCSIN_CALL(tell, &told), &pairs[i].op), 0);
        atomic_store(&pairs[i].ready, 1);
        if (i % 3)
            sched_yield();
        tocsin_cancel(pairs[i].op);
        if (i % 10 == 0)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    turns_until(&told.count, 1000);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(told.count, 1000);
    ck_assert_int_eq(atomic_load(&drops), 1000);
}
END_TEST

START_TEST(progress_of_the_programs_own_type)
{
    struct count *count = count_new(TOCSIN_EACH(tell, &told));

    ck_assert_int_eq(tocsin_op_start(count->op, 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_wanted(count->op, 0), 1);
    ck_assert_int_eq(tocsin_op_wanted(count->op, 1), -EINVAL);
    ck_assert_int_eq(tocsin_op_wanted(count->op, -1), -EINVAL);
    ck_assert_int_eq(tocsin_op_progress(count->op, 0, NULL, 0), -EPROTO);
    ck_assert_int_eq(tocsin_op_progress(count->op, 0, &count->passed.tocsin, 0), 1);
    ck_assert_int_eq(tocsin_op_wanted(count->op, 0), 0);
    ck_assert_int_eq(tocsin_op_progress(count->op, 0, TOCSIN_PAYLOAD(count_passed, .count = 2), 0),
                     -EAGAIN);
    ck_assert_int_eq(count->resumed, 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(count->resumed, 1);
    ck_assert_int_eq(tocsin_op_progress(count->op, 0, TOCSIN_PAYLOAD(count_passed, .count = 2), 4),
                     1);
    ck_assert_int_eq(tocsin_op_complete(count->op, 0, NULL), 0);
    drain_all();
    ck_assert_int_eq(told.count, 2); /* the progress was delivered before the completion */
    ck_assert_uint_eq(told.overrun, 4);
}
END_TEST

START_TEST(unwanted_progress_resumes)
{
    struct count *count = count_new(NULL);

    ck_assert_int_eq(tocsin_op_start(count->op, 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_wanted(count->op, 0), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(count->resumed, 0);
    connect_to("timer.ticked", tell, &told); /* timer.ticked is not the progress of the counter */
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(count->resumed, 0);
    ck_assert_int_eq(
        tocsin_connect(
            "count.passed",
            &(struct tocsin_action){ .fn = tell, .arg = &told, .source = count->op.source }, NULL),
        0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(count->resumed, 1);
    ck_assert_int_eq(tocsin_cancel(count->op), 0);
    drain_all();
}
END_TEST

static int task_wait(void *arg)
{
    return tocsin_wait(*(struct tocsin_op *)arg, -1, NULL);
}

START_TEST(the_type_works_with_every_style)
{
    struct tocsin_op ops[4], all, any, fiber, op;
    struct told each = { .count = 0 };
    struct tocsin_queue queue;

    ck_assert_int_gt(tocsin_declare(&done_spec), 0);
    connect_to("count.done", tell, &told); /* a handler in the registry receives the completion */
    ck_assert_int_eq(count_start(NULL, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 1, NULL), 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    ck_assert_int_eq(count_start(TOCSIN_QUEUE(queue), &op), 0);
    ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(count_passed, .count = 2), 0), 1);
    ck_assert_int_eq(tocsin_op_complete(op, 1, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, NULL), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(count_start(TOCSIN_FUTURE, &ops[i]), 0);
    ck_assert_int_eq(tocsin_all(ops, 2, TOCSIN_FUTURE, &all), 0);
    ck_assert_int_eq(tocsin_any(ops + 2, 2, TOCSIN_FUTURE, &any), 0);
    ck_assert_int_eq(tocsin_spawn(task_wait, &all, TOCSIN_FUTURE, &fiber), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], i, NULL), 0);
    ck_assert_int_eq(tocsin_wait(fiber, -1, NULL), 0);
    ck_assert_int_eq(tocsin_wait(any, -1, NULL), 2);
    ck_assert_int_eq(tocsin_then(ops[1], tell, &each), 0);
    ck_assert_int_eq(tocsin_wait(ops[2], 0, NULL), 2);
    ck_assert_int_eq(tocsin_op_free(ops[0]), 0);
    drain_all();
    ck_assert_int_eq(each.status, 1);
    ck_assert_int_eq(atomic_load(&drops), 6);
}
END_TEST

START_TEST(types_that_are_malformed)
{
    const struct tocsin_signal_spec question = { .name = "count.asked",
                                                 .doc = "?",
                                                 .kind = TOCSIN_DIRECT };
    const struct tocsin_signal_spec other = { .name = "count.done", .doc = "Declared otherwise." };
    const struct tocsin_op_type none = { .done = NULL }, flags = { .done = &done_spec, .flags = 2 },
                                direct = { .done = &question },
                                spare = { .done = &done_spec, .spare = { 0, 1 } },
                                again = { .done = &other };
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(&count_type, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(&none, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(&flags, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(&direct, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(&spare, NULL, &op), -EINVAL);
    ck_assert_int_gt(tocsin_declare(&done_spec), 0);
    ck_assert_int_eq(tocsin_op_new(&again, NULL, &op), -EEXIST);
    ck_assert_int_eq(
        tocsin_op_new(
            NULL, &(struct tocsin_notify){ .mode = TOCSIN_AT_END | TOCSIN_KEEP, .fn = tell }, &op),
        -EINVAL);
    ck_assert_int_eq(tocsin_op_new(NULL, &(struct tocsin_notify){ .mode = 64 }, &op), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(NULL, &(struct tocsin_notify){ .spare = { 1 } }, &op), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(NULL, &(struct tocsin_notify){ .mode = TOCSIN_AT_EACH }, &op),
                     -EINVAL);
    ck_assert_int_eq(tocsin_id_error(op.source.id), -EINVAL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("api/operation");
    TCase *tests = test_case(suite, "operation");

    test_needs_processes(); /* detached threads may make assertions after the test has ended */
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, completed_from_a_foreign_thread);
    tcase_add_test(tests, completed_from_its_own_loop);
    tcase_add_test(tests, completed_before_it_is_started);
    tcase_add_test(tests, a_start_fails_after_the_completion);
    tcase_add_test(tests, a_start_that_fails);
    tcase_add_test(tests, cancelled_or_asked_before_it_is_started);
    tcase_add_test(tests, completed_with_each_kind_of_payload);
    tcase_add_test(tests, a_second_completion_is_refused);
    tcase_add_test(tests, an_operation_that_cannot_be_cancelled);
    tcase_add_test(tests, cancelled_while_a_thread_completes_it);
    tcase_add_test(tests, progress_of_the_programs_own_type);
    tcase_add_test(tests, unwanted_progress_resumes);
    tcase_add_test(tests, the_type_works_with_every_style);
    tcase_add_test(tests, types_that_are_malformed);
    return suite;
}
