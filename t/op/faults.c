/* Contract line F3 for operations: each allocation and each system call fails in turn. */
#include <poll.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "faults.h"

#define TEXT_DONE(F) F(string, text)
TOCSIN_LAYOUT(text_done, TEXT_DONE);

enum { TIMER, EVERY, WATCH, WORK, OWN_WORK, ABANDONED, PROMISE, OWN, STARTS };

static struct started all[STARTS];
static int ends[2], ticks, drops, heard, works;

static int own_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)state;
    return tocsin_op_complete(op, reason, NULL);
}

static const struct tocsin_signal_spec own_spec = { .name = "faults.done",
                                                    .doc = "A text.",
                                                    .layout = &text_done_layout };
static const struct tocsin_signal_spec own_part_spec = { .name = "faults.part",
                                                         .doc = "A text.",
                                                         .layout = &text_done_layout };
static const struct tocsin_op_type own_type = { .done = &own_spec,
                                                .progress = { &own_part_spec },
                                                .cancel = own_cancel };

static int on_progress(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

static int task(void *arg)
{
    (void)arg;
    return 0;
}

static void drop(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&drops, 1, __ATOMIC_SEQ_CST);
}

static void started(int which, int err)
{
    all[which].err = err;
    works += err == 0 && (which == OWN_WORK || which == ABANDONED);
}

static void start_own(void)
{
    struct tocsin_op *op = &all[OWN].op;
    int err = tocsin_op_new(&own_type, TOCSIN_CALL(on_started_end, &all[OWN]), op);

    started(OWN, tocsin_op_start(*op, err, op));
    if (all[OWN].err < 0)
        return;
    err = tocsin_connect(
        "faults.part",
        &(struct tocsin_action){ .fn = on_progress, .arg = &heard, .source = op->source }, NULL);
    ck_assert(err == 0 || err == -ENOMEM);
    err = tocsin_op_progress(*op, 0, TOCSIN_PAYLOAD(text_done, .text = "part"), 0);
    ck_assert(err == 0 || err == 1 || err == -ENOMEM);
    err = tocsin_op_complete(*op, 0, TOCSIN_PAYLOAD(text_done, .text = "done"));
    ck_assert(err == 0 || err == -ENOMEM);
    /* the failed call left the operation as it was, so the test can still complete it */
    if (err < 0)
        ck_assert_int_eq(tocsin_op_complete(*op, err, NULL), 0);
}

static void start_work(void)
{
    struct tocsin_work_options options = { .drop = drop, .flags = TOCSIN_ABANDON };
    struct tocsin_pool pool;

    started(WORK, tocsin_work(task, NULL, TOCSIN_CALL(on_started_end, &all[WORK]), &all[WORK].op));
    tocsin_pool_new(2, 0, &pool);
    options.pool = pool;
    started(OWN_WORK,
            tocsin_work_with(&options, task, NULL, TOCSIN_CALL(on_started_end, &all[OWN_WORK]),
                             &all[OWN_WORK].op));
    started(ABANDONED,
            tocsin_work_with(&options, task, NULL, TOCSIN_CALL(on_started_end, &all[ABANDONED]),
                             &all[ABANDONED].op));
    if (all[ABANDONED].err == 0)
        tocsin_cancel(all[ABANDONED].op);
    tocsin_pool_free(pool);
}

/* A deadline whose allocation fails changes nothing, so the program can set the deadline again. */
static void set_deadline(struct tocsin_op op)
{
    int err = tocsin_op_deadline(op, 2);

    ck_assert(err == 0 || err == -ENOMEM);
    if (err < 0)
        ck_assert_int_eq(tocsin_op_deadline(op, 2), 0);
}

static void start_all(void)
{
    started(TIMER, tocsin_timer(1, TOCSIN_CALL(on_started_end, &all[TIMER]), &all[TIMER].op));
    started(EVERY, tocsin_every(1, TOCSIN_CALL(on_started_end, &all[EVERY]), &all[EVERY].op));
    started(WATCH, tocsin_watch(ends[0], POLLIN, TOCSIN_CALL(on_started_end, &all[WATCH]),
                                &all[WATCH].op));
    started(PROMISE,
            tocsin_op_new(NULL, TOCSIN_CALL(on_started_end, &all[PROMISE]), &all[PROMISE].op));
    start_work();
    start_own();
    if (all[PROMISE].err == 0)
        set_deadline(all[PROMISE].op);
    if (all[WATCH].err == 0 && tocsin_watch_set(all[WATCH].op, POLLIN | POLLOUT) < 0)
        ck_assert_int_eq(tocsin_op_status(all[WATCH].op), -EINPROGRESS);
}

static bool runs(int which)
{
    return all[which].err == 0 && !all[which].ended;
}

/* Connects a handler for the progress of the operations that run. If the handler was connected, it
   must receive progress until the operations end, even if another call failed. */
static void listen_to_all(void)
{
    int before, err;

    for (int i = 0; i < 3 && (runs(EVERY) || runs(WATCH)); i++)
        /* No handler is connected to the progress, so the operations pause. */
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    err = tocsin_connect("timer.ticked, fd.ready",
                         &(struct tocsin_action){ .fn = on_progress, .arg = &ticks }, NULL);
    ck_assert(err == 0 || err == -ENOMEM);
    if (err < 0)
        return;
    for (before = ticks; ticks < before + 5 && (runs(EVERY) || runs(WATCH));)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
}

static void job(void)
{
    memset(all, 0, sizeof all);
    drops = works = ticks = heard = 0;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    start_all();
    listen_to_all();
    if (tocsin_drain(-1) == 0)
        ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    check_started(all, STARTS);
    while (__atomic_load_n(&drops, __ATOMIC_SEQ_CST) < works)
        ;
    ck_assert_int_eq(drops, works);
    close(ends[0]);
    close(ends[1]);
}

START_TEST(all_kinds_of_operations)
{
    each_in_turn("op/faults", job);
}
END_TEST

/* A watch delivers its progress to a queue. The watch pauses while the queue is full, and
   resumes when the program takes an entry. Resuming may fail. */
static void watch_job(void)
{
    struct tocsin_info *info = NULL;
    struct tocsin_queue queue;
    struct tocsin_op op;
    int err;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    err = tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 2 }, &queue);
    if (err == 0)
        err = tocsin_watch(ends[0], POLLIN, TOCSIN_QUEUE(queue), &op);
    for (int i = 0; i < 5 && err == 0; i++) {
        for (int turn = 0; turn < 4; turn++)
            /* the queue becomes full, so the watch pauses */
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        /* a watch that cannot be resumed ends with the error */
        err = info->code == TOCSIN_DONE ? info->status : 0;
        tocsin_info_unref(info);
    }
    ck_assert_int_le(err, 0);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    close(ends[0]);
    close(ends[1]);
}

START_TEST(a_watch_that_pauses)
{
    each_in_turn("op/faults: a watch", watch_job);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/faults");
    TCase *tests = test_case(suite, "faults");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, all_kinds_of_operations);
    tcase_add_test(tests, a_watch_that_pauses);
    return suite;
}
