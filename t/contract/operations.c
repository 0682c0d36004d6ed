/* Contract lines O1 to O10 of operations: each has one test here. The tests in t/loop, t/op and
   t/style test the details. */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "handlers.h"

#define WORD_DONE(F) F(string, word)
TOCSIN_LAYOUT(word_done, WORD_DONE);

struct word {
    struct word_done done;
    char text[16];
};

static int word_cancel(struct tocsin_op op, void *state, int reason)
{
    return tocsin_op_complete(op, reason, &((struct word *)state)->done.tocsin);
}

static const struct tocsin_signal_spec word_spec = { .name = "word.done",
                                                     .doc = "A word.",
                                                     .layout = &word_done_layout };
static const struct tocsin_signal_spec word_heard_spec = { .name = "word.heard",
                                                           .doc = "A part of a word." };
static const struct tocsin_op_type word_type = {
    .done = &word_spec,
    .progress = { &word_heard_spec },
    .state_size = sizeof(struct word),
    .cancel = word_cancel,
};

/* Starts an operation, or fails with err. The test itself completes a started operation. */
static int word_start(int err, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin_op op;

    if (tocsin_op_new(&word_type, notify, &op) == 0) {
        struct word *word = tocsin_op_state(op);

        word->done = word_done_make();
        word->done.word = word->text;
    }
    return tocsin_op_start(op, err, ret_op);
}

static int pipes[2];
static struct told told, seen;

static int task_nothing(void *arg)
{
    (void)arg;
    return 7;
}

static int task_wait_for(void *arg)
{
    return tocsin_wait(*(struct tocsin_op *)arg, -1, NULL);
}

static void open_pipes(void)
{
    memset(&told, 0, sizeof told);
    memset(&seen, 0, sizeof seen);
    written[0] = '\0';
    ck_assert_int_eq(pipe(pipes), 0);
}

static void close_pipes(void)
{
    close(pipes[0]);
    close(pipes[1]);
}

START_TEST(O1_a_start_that_fails_emits_nothing)
{
    struct tocsin_op op, stale;
    struct tocsin_queue full;

    ck_assert_int_eq(tocsin_timer(0, NULL, &stale), 0);
    drain_all();
    ck_assert_int_eq(
        tocsin_observe("**, !tocsin.**", &(struct tocsin_action){ .fn = tell, .arg = &told }, NULL),
        0);
    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 1 }, &full),
                     0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_QUEUE(full), NULL), 0);

    ck_assert_int_eq(tocsin_timer(-1, TOCSIN_CALL(tell, &told), &op), -EINVAL);
    ck_assert_int_eq(tocsin_id_error(op.source.id), -EINVAL);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(NULL), &op), -EINVAL);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_QUEUE(full), &op), -EAGAIN);
    ck_assert_int_eq(tocsin_id_error(op.source.id), -EAGAIN);
    ck_assert_int_eq(tocsin_every(-1, TOCSIN_CALL(tell, &told), &op), -EINVAL);
    ck_assert_int_eq(tocsin_watch(-1, POLLIN, TOCSIN_CALL(tell, &told), &op), -EBADF);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLPRI, TOCSIN_CALL(tell, &told), &op), -EINVAL);
    ck_assert_int_eq(tocsin_work(NULL, NULL, TOCSIN_CALL(tell, &told), &op), -EINVAL);
    ck_assert_int_eq(tocsin_spawn(NULL, NULL, TOCSIN_CALL(tell, &told), &op), -EINVAL);
    ck_assert_int_eq(tocsin_all(NULL, 1, TOCSIN_CALL(tell, &told), &op), -EINVAL);
    ck_assert_int_eq(tocsin_any(&stale, 1, TOCSIN_CALL(tell, &told), &op), -ENOENT);
    ck_assert_int_eq(word_start(-EIO, TOCSIN_CALL(tell, &told), &op), -EIO);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EIO); /* the id contains the error of the start */

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_queue_close(full), 0);
    ck_assert_int_eq(tocsin_drain(0), 0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
}
END_TEST

START_TEST(O2_one_terminal_signal_from_the_loop)
{
    struct tocsin_op ops[7], members[2];

    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &members[i]), 0);
    ck_assert_int_eq(tocsin_op_complete(members[0], 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(members[1], 0, NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 2);
    ck_assert_int_eq(
        tocsin_observe("**", &(struct tocsin_action){ .fn = tell, .arg = &seen }, NULL), 0);

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), &ops[0]), 0);
    ck_assert_int_eq(tocsin_work(task_nothing, NULL, TOCSIN_CALL(tell, &told), &ops[1]), 0);
    ck_assert_int_eq(tocsin_spawn(task_nothing, NULL, TOCSIN_CALL(tell, &told), &ops[2]), 0);
    ck_assert_int_eq(tocsin_all(&members[0], 1, TOCSIN_CALL(tell, &told), &ops[3]), 0);
    ck_assert_int_eq(tocsin_any(&members[1], 1, TOCSIN_CALL(tell, &told), &ops[4]), 0);
    ck_assert_int_eq(word_start(0, TOCSIN_CALL(tell, &told), &ops[5]), 0);
    ck_assert_int_eq(tocsin_op_complete(ops[5], 3, NULL), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &ops[6]), 0);
    ck_assert_int_eq(tocsin_op_complete(ops[6], 4, NULL), 0);
    /* No notify and no handler may be called before the start has returned. */
    ck_assert_int_eq(told.count + seen.count, 0);
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(tocsin_op_status(ops[i]), -EINPROGRESS);

    drain_all();
    ck_assert_int_eq(told.count, 7);
    ck_assert_int_eq(seen.count, 7);
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(tocsin_op_status(ops[i]), -ENOENT);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_wait(members[i], -1, NULL), 0);
}
END_TEST

START_TEST(O2_an_operation_reports_progress_while_it_is_wanted)
{
    struct tocsin_handler handler;
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_every(10, NULL, &op), 0);
    ck_assert_int_eq(
        tocsin_observe("timer.ticked", &(struct tocsin_action){ .fn = tell, .arg = &seen }, NULL),
        0);
    ck_assert_int_eq(tocsin_clock_move(100), 0);
    /* nothing was received, since an observer wants no progress and the operation pauses */
    ck_assert_int_eq(seen.count, 0);
    ck_assert_int_eq(tocsin_connect("timer.ticked",
                                    &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
                     0);
    ck_assert_int_eq(tocsin_clock_move(10), 0);
    ck_assert_int_ge(told.count, 1);
    ck_assert_int_eq(seen.count, told.count);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_int_eq(tocsin_clock_move(100), 0);
    ck_assert_int_eq(seen.count, told.count);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}
END_TEST

START_TEST(O3_cancel_leads_to_the_same_signal)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, -ECANCELED);
    ck_assert_int_eq(tocsin_cancel(op), -ENOENT);

    ck_assert_int_eq(word_start(0, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 5, NULL), 0);
    /* The operation has completed, and its completion will be delivered. So tocsin_cancel() returns
       -EALREADY. */
    ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    drain_all();
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(told.status, 5);
}
END_TEST

START_TEST(O4_every_operation_accepts_a_deadline)
{
    struct tocsin_op ops[8], member[3];

    ck_assert_int_eq(tocsin_clock_move(0), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &member[i]), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), &ops[0]), 0);
    ck_assert_int_eq(tocsin_every(100000, TOCSIN_CALL(tell, &told), &ops[1]), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_CALL(tell, &told), &ops[2]), 0);
    ck_assert_int_eq(word_start(0, TOCSIN_CALL(tell, &told), &ops[3]), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &ops[4]), 0);
    ck_assert_int_eq(tocsin_all(&member[0], 1, TOCSIN_CALL(tell, &told), &ops[5]), 0);
    ck_assert_int_eq(tocsin_any(&member[1], 1, TOCSIN_CALL(tell, &told), &ops[6]), 0);
    ck_assert_int_eq(tocsin_spawn(task_wait_for, &member[2], TOCSIN_CALL(tell, &told), &ops[7]), 0);
    for (int i = 0; i < 8; i++) {
        told.status = 0;
        ck_assert_int_eq(tocsin_op_deadline(ops[i], 10), 0);
        ck_assert_int_eq(tocsin_clock_move(9), 0);
        ck_assert_int_eq(told.count, i);
        ck_assert_int_eq(tocsin_clock_move(1), 0);
        ck_assert_int_eq(told.count, i + 1);
        /* The fiber returns the result of its wait as its own result. */
        ck_assert_int_eq(told.status, i < 7 ? -ETIMEDOUT : -ECANCELED);
    }
    ck_assert_int_eq(tocsin_op_free(member[0]), 0);
}
END_TEST

START_TEST(O5_a_stale_id_returns_ENOENT)
{
    struct tocsin_op op, other;

    ck_assert_int_eq(tocsin_timer(0, NULL, &op), 0);
    drain_all();
    /* Other operations reuse the entry that op had in the table. The old id of op must stay
       invalid. */
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(tocsin_cancel(op), -ENOENT);
        ck_assert_int_eq(tocsin_op_deadline(op, 1), -ENOENT);
        ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
        ck_assert_int_eq(tocsin_op_free(op), -ENOENT);
        ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), -ENOENT);
        ck_assert_int_eq(tocsin_op_progress(op, 0, NULL, 0), -ENOENT);
        ck_assert_int_eq(tocsin_op_wanted(op, 0), -ENOENT);
        ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ENOENT);
        ck_assert_int_eq(tocsin_then(op, tell, NULL), -ENOENT);
        ck_assert_int_eq(tocsin_timer_set(op, 1), -ENOENT);
        ck_assert_int_eq(tocsin_watch_set(op, 0), -ENOENT);
        ck_assert_ptr_null(tocsin_op_state(op));
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &other), 0);
        ck_assert_uint_ne(other.source.id, op.source.id);
        ck_assert_int_eq(tocsin_op_complete(other, 0, NULL), 0);
        ck_assert_int_eq(tocsin_wait(other, -1, NULL), 0);
    }
    ck_assert_int_eq(tocsin_cancel((struct tocsin_op){ { 0 } }), -ENOENT);
}
END_TEST

static int keep_fd(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_fd_done *done = tocsin_fd_done_of(info);

    ck_assert_ptr_nonnull(done);
    ck_assert_int_eq(info->status, -ECANCELED);
    ck_assert_str_eq(tocsin_source_get(info->source), "mine");
    *(int *)arg = done->fd;
    return TOCSIN_NEXT;
}

START_TEST(O6_a_failed_operation_has_a_payload_too)
{
    struct tocsin_op op;
    int fd = -1;

    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_CALL(keep_fd, &fd), &op), 0);
    ck_assert_ptr_null(tocsin_source_get(op.source));
    /* This call sets the user data of the operation. */
    ck_assert_int_eq(tocsin_source_set(op.source, "mine"), 0);
    drain_all();
    ck_assert_int_eq(fd, pipes[0]);
}
END_TEST

static int start_another(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op op;

    (void)info;
    *(int *)arg = tocsin_timer(0, NULL, &op);
    ck_assert_int_eq(tocsin_id_error(op.source.id), *(int *)arg);
    return TOCSIN_NEXT;
}

START_TEST(O7_freeing_the_loop_ends_running_operations)
{
    int answer = 0;

    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_CALL(start_another, &answer), NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), 2);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, -ECANCELED);
    ck_assert_int_eq(answer, -ESHUTDOWN);
}
END_TEST

static int start_timer(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_int_eq(tocsin_every(1, NULL, NULL), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, NULL, NULL), -ESHUTDOWN);
    return tocsin_timer(1, TOCSIN_CALL(tell, arg), NULL);
}

START_TEST(O7_a_drain_ends_persistent_operations_and_awaits_others)
{
    struct told after = { .count = 0 };

    ck_assert_int_eq(tocsin_every(100000, TOCSIN_CALL(tell, &seen), NULL), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_CALL(tell, &seen), NULL), 0);
    ck_assert_int_eq(tocsin_timer(20, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(start_timer, &after), NULL), 0);
    ck_assert_int_eq(tocsin_drain(-1), 0);
    /* no operation has completed yet, since tocsin_drain() only requests the cancels */
    ck_assert_int_eq(seen.count, 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(seen.count, 2);
    ck_assert_int_eq(seen.status, -ECANCELED);
    ck_assert_int_eq(told.count + told.status, 1);
    ck_assert_int_eq(after.count + after.status, 1);
    /* tocsin_every() returns 0, since operations can be started again after the drain */
    ck_assert_int_eq(tocsin_every(100000, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_drain(1), 0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
    ck_assert_int_eq(told.status, -ECANCELED);
}
END_TEST

static void count_drop(void *arg)
{
    ++*(int *)arg;
}

START_TEST(O8_an_operation_is_a_source)
{
    struct tocsin_op one, other;
    int drops = 0;

    /* This call stops the clock, so that real time does not move it any more. */
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_timer(1, NULL, &one), 0);
    ck_assert_int_eq(tocsin_timer(0, NULL, &other), 0);
    ck_assert_int_eq(
        tocsin_connect("timer.expired",
                       &(struct tocsin_action){ .fn = tell, .arg = &told, .source = one.source },
                       NULL),
        0);
    ck_assert_int_eq(
        tocsin_connect("timer.ticked",
                       &(struct tocsin_action){
                           .fn = tell, .arg = &drops, .drop = count_drop, .source = one.source },
                       NULL),
        0);
    connect_to("timer.expired", tell, &seen);
    ck_assert_int_eq(tocsin_source_free(one.source), -EINVAL);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(seen.count, 1);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_clock_move(1), 0);
    ck_assert_int_eq(seen.count, 2);
    ck_assert_int_eq(told.count, 1);
    ck_assert_uint_eq(told.source, one.source.id);
    /* the timer is freed, so the drop functions of its handlers are called */
    ck_assert_int_eq(drops, 1);
}
END_TEST

START_TEST(O9_the_notify_is_called_once_after_the_handlers)
{
    struct tocsin_op op;

    connect_to("timer.expired", write_down, "h");
    ck_assert_int_eq(
        tocsin_connect("timer.expired",
                       &(struct tocsin_action){ .fn = write_down, .arg = "l", .priority = -1 },
                       NULL),
        0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(write_down, "n"), NULL), 0);
    drain_all();
    ck_assert_str_eq(written, "hln");
    told.answer = TOCSIN_STOP;
    ck_assert_int_eq(
        tocsin_connect("timer.expired",
                       &(struct tocsin_action){ .fn = tell, .arg = &told, .priority = 1 }, NULL),
        0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(write_down, "n"), &op), 0);
    drain_all();
    ck_assert_str_eq(written, "hlnn"); /* the notify function is called despite TOCSIN_STOP */
    ck_assert_int_eq(told.count, 1);
}
END_TEST

START_TEST(O9_call_is_called_at_the_end_only)
{
    struct told end = { .count = 0 };
    struct tocsin_op op;

    ck_assert_int_eq(word_start(0, TOCSIN_CALL(tell, &end), &op), 0);
    ck_assert_int_eq(tocsin_op_progress(op, 0, NULL, 0), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 1, NULL), 0);
    drain_all();
    ck_assert_int_eq(end.count, 1);
}
END_TEST

START_TEST(O9_each_is_called_for_progress_only)
{
    struct told each = { .count = 0 };
    struct tocsin_op op;

    ck_assert_int_eq(word_start(0, TOCSIN_EACH(tell, &each), &op), 0);
    ck_assert_int_eq(tocsin_op_progress(op, 0, NULL, 6), 1);
    ck_assert_int_eq(tocsin_op_complete(op, 2, NULL), 0);
    drain_all();
    ck_assert_int_eq(each.count, 1);
    ck_assert_int_eq(each.code, TOCSIN_PROGRESS);
    ck_assert_uint_eq(each.overrun, 6);
}
END_TEST

START_TEST(O9_with_both_modes_it_is_called_for_progress_and_end)
{
    struct told both = { .count = 0 };
    struct tocsin_notify notify = {
        .mode = TOCSIN_AT_EACH | TOCSIN_AT_END,
        .fn = tell,
        .arg = &both,
    };
    struct tocsin_op op;

    ck_assert_int_eq(word_start(0, &notify, &op), 0);
    ck_assert_int_eq(tocsin_op_progress(op, 0, NULL, 0), 1);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(both.count, 1);
    ck_assert_int_eq(both.code, TOCSIN_PROGRESS);
    ck_assert_int_eq(tocsin_op_complete(op, 2, NULL), 0);
    drain_all();
    ck_assert_int_eq(both.count, 2);
    ck_assert_int_ne(both.code, TOCSIN_PROGRESS);
}
END_TEST

START_TEST(O9_a_queue_receives_progress_and_then_the_end)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    ck_assert_int_eq(word_start(0, TOCSIN_QUEUE(queue), &op), 0);
    ck_assert_int_eq(tocsin_op_progress(op, 0, NULL, 0), 1);
    ck_assert_int_eq(tocsin_op_complete(op, 3, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    ck_assert_int_eq(info->code, TOCSIN_PROGRESS);
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    ck_assert_int_eq(info->code, TOCSIN_DONE);
    ck_assert_int_eq(info->status, 3);
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(O9_a_future_keeps_the_result_until_a_wait)
{
    struct tocsin_op op;

    ck_assert_int_eq(word_start(0, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 4, NULL), 0);
    drain_all();
    ck_assert_int_eq(tocsin_op_status(op), 4);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 4);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
}
END_TEST

START_TEST(O10_an_operation_of_the_program)
{
    static char text[] = "borrowed";
    struct tocsin_info *info;
    struct word *word, zero;
    struct tocsin_op op;

    memset(&zero, 0, sizeof zero);
    ck_assert_int_eq(tocsin_op_new(&word_type, TOCSIN_FUTURE, &op), 0);
    word = tocsin_op_state(op);
    ck_assert_mem_eq(word, &zero, sizeof zero);
    word->done = word_done_make();
    word->done.word = word->text;
    ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
    strcpy(word->text, "lent");
    ck_assert_int_eq(tocsin_op_complete(op, 0, &word->done.tocsin), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    /* the info has the payload of the operation itself, not a copy */
    ck_assert_ptr_eq(word_done_of(info), &word->done);
    ck_assert_str_eq(word_done_of(info)->word, "lent");
    tocsin_info_unref(info);

    ck_assert_int_eq(word_start(0, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, TOCSIN_PAYLOAD(word_done, .word = text)), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    ck_assert_ptr_ne(word_done_of(info)->word, text); /* the info has a deep copy of the payload */
    ck_assert_str_eq(word_done_of(info)->word, text);
    tocsin_info_unref(info);
}
END_TEST

static void *complete_from_a_thread(void *arg)
{
    return (void *)(intptr_t)tocsin_op_complete(*(struct tocsin_op *)arg, 0, NULL);
}

/* Only the library completes timers, fibers and other operations of its own types. If the program
   calls tocsin_op_complete() for such an operation, the call must be refused. */
START_TEST(O10_the_program_cannot_complete_library_operations)
{
    struct tocsin_op ops[6];
    pthread_t thread;
    void *answer;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &ops[5]), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &told), &ops[0]), 0);
    ck_assert_int_eq(tocsin_every(1000, TOCSIN_CALL(tell, &told), &ops[1]), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_CALL(tell, &told), &ops[2]), 0);
    ck_assert_int_eq(tocsin_spawn(task_wait_for, &ops[5], TOCSIN_CALL(tell, &told), &ops[3]), 0);
    ck_assert_int_eq(tocsin_work(task_nothing, NULL, TOCSIN_CALL(tell, &told), &ops[4]), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(tocsin_op_complete(ops[i], 0, NULL), -EINVAL);
        ck_assert_int_eq(tocsin_op_complete(ops[i], 0, TOCSIN_PAYLOAD(word_done, .word = "no")),
                         -EINVAL);
        ck_assert_int_eq(tocsin_op_progress(ops[i], 0, NULL, 0), -EINVAL);
        ck_assert_int_eq(tocsin_op_wanted(ops[i], 0), -EINVAL);
        ck_assert_ptr_null(tocsin_op_state(ops[i]));
        ck_assert_int_eq(pthread_create(&thread, NULL, complete_from_a_thread, &ops[i]), 0);
        ck_assert_int_eq(pthread_join(thread, &answer), 0);
        ck_assert_int_eq((int)(intptr_t)answer, -EINVAL);
    }
    ck_assert_int_eq(tocsin_op_complete(ops[5], 0, NULL), 0);
    drain_all();
    ck_assert_int_eq(told.count, 5);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/operations");
    TCase *tests = test_case(suite, "operations");

    tcase_add_checked_fixture(tests, open_pipes, close_pipes);
    tcase_add_test(tests, O1_a_start_that_fails_emits_nothing);
    tcase_add_test(tests, O2_one_terminal_signal_from_the_loop);
    tcase_add_test(tests, O2_an_operation_reports_progress_while_it_is_wanted);
    tcase_add_test(tests, O3_cancel_leads_to_the_same_signal);
    tcase_add_test(tests, O4_every_operation_accepts_a_deadline);
    tcase_add_test(tests, O5_a_stale_id_returns_ENOENT);
    tcase_add_test(tests, O6_a_failed_operation_has_a_payload_too);
    tcase_add_test(tests, O7_freeing_the_loop_ends_running_operations);
    tcase_add_test(tests, O7_a_drain_ends_persistent_operations_and_awaits_others);
    tcase_add_test(tests, O8_an_operation_is_a_source);
    tcase_add_test(tests, O9_the_notify_is_called_once_after_the_handlers);
    tcase_add_test(tests, O9_call_is_called_at_the_end_only);
    tcase_add_test(tests, O9_each_is_called_for_progress_only);
    tcase_add_test(tests, O9_with_both_modes_it_is_called_for_progress_and_end);
    tcase_add_test(tests, O9_a_queue_receives_progress_and_then_the_end);
    tcase_add_test(tests, O9_a_future_keeps_the_result_until_a_wait);
    tcase_add_test(tests, O10_an_operation_of_the_program);
    tcase_add_test(tests, O10_the_program_cannot_complete_library_operations);
    return suite;
}
