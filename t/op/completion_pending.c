/* Contract lines E10, O2, O3 and O9: an operation ends while the signal of its completion is
   blocked. The completion becomes pending like any other emission, and keeps its payload. The
   operation's notify function does not wait for the block. */
#include <setjmp.h>

#include "delivery/loop.h"
#include "faults.h"
#include "text_operations.h"

/* Tests: the notify function is called at once; handlers and queues receive the completion after
   the block */

static void told_at_once(bool lent)
{
    struct tocsin_queue queue = open_queue(NULL, 0, 0);
    struct tocsin_op call = start(&text_type, TOCSIN_CALL(write_text, "call")),
                     each = start(&text_type, TOCSIN_EACH(write_text, "each"));
    struct tocsin_op queued = start(&text_type, TOCSIN_QUEUE(queue)),
                     kept = start(&text_type, TOCSIN_FUTURE), plain = start(&text_type, NULL);
    struct tocsin_info *info;

    connect_to("pended.done", write_text, "all");
    hear_from(kept, "pended.done", write_text, "one");
    mask = block("pended.done");
    text_done(call, "a", lent), text_done(each, "b", lent), text_done(queued, "c", lent),
        text_done(kept, "d", lent), text_done(plain, "e", lent);
    turns();
    ck_assert_record("call:a");
    write_queue(queue, "queue:");
    ck_assert_record("queue:7");
    ck_assert_int_eq(tocsin_wait(kept, -1, &info), 7);
    ck_assert_int_eq(write_text(info, "wait"), TOCSIN_NEXT);
    ck_assert_record("wait:d");
    ck_assert_int_eq(tocsin_pending_count("pended.done"), 5);
    ck_assert_int_eq(drops, 0);
    unblock(mask);
    ck_assert_record("all:a all:b all:c all:d one:d all:e");
    /* four payloads were freed, since `info` still refers to the payload of the fifth completion */
    ck_assert_int_eq(drops, 4);
    ck_assert_int_eq(refs, lent ? 0 : 1);
    tocsin_info_unref(info);
    ck_assert_int_eq(drops, 5);
    ck_assert_int_eq(refs, 0);
    close_queue(queue);
}

START_TEST(the_notify_function_is_called_before_the_handlers)
{
    told_at_once(true);
    drops = 0;
    ck_assert_int_eq(tocsin_loop_free(), 0);
    told_at_once(false);
}
END_TEST

START_TEST(handlers_and_notify_receive_the_same)
{
    struct told at_once = { .count = 0 };
    struct tocsin_op op = promise(TOCSIN_CALL(tell, &at_once));

    connect_to("op.done", tell, &told);
    mask = block("op.done");
    done(op, 3);
    turns();
    ck_assert_int_eq(at_once.count, 1);
    unblock(mask);
    ck_assert_int_eq(told.count, 1);
    ck_assert(memcmp(&told, &at_once, sizeof told) == 0);
    ck_assert_uint_eq(told.source, op.source.id);
}
END_TEST

/* An operation ends while its signal is blocked, and is freed. Its pending completion keeps the
   source of the operation alive. The source is freed when the completion has been delivered. */
START_TEST(the_source_lives_until_the_delivery)
{
    struct tocsin_op op = promise(NULL), other = promise(NULL);

    hear_from(op, "op.done", write_status, "before");
    mask = block("op.done");
    ck_assert_int_eq(tocsin_source_set(op.source, &told), 0);
    done(op, 1), done(other, 2);
    turns();
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
    ck_assert_int_eq(tocsin_cancel(op), -ENOENT);
    ck_assert_int_eq(tocsin_op_deadline(op, 0), -ENOENT);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ENOENT);
    ck_assert_int_eq(tocsin_op_free(op), -ENOENT);
    ck_assert_ptr_eq(tocsin_source_get(op.source), &told);
    hear_from(op, "op.done", write_status, "meanwhile");
    unblock(mask);
    ck_assert_record("before1 meanwhile1");
    ck_assert_ptr_null(tocsin_source_get(op.source));
    ck_assert_int_eq(
        tocsin_connect("op.done", &(struct tocsin_action){ .fn = tell, .source = op.source }, NULL),
        -ENOENT);
}
END_TEST

START_TEST(the_oldest_completion_is_first)
{
    struct tocsin_op ops[3] = { promise(NULL), start(&few_type, NULL), promise(NULL) };

    connect_to("op.done, pended.few", write_status, "");
    mask = block("**");
    for (int i = 0; i < 3; i++)
        done(ops[i], i);
    turns();
    unblock(mask);
    ck_assert_record("0 1 2");
}
END_TEST

/* Two operations end while their coalescing signal is blocked. Each completion belongs to its
   own operation, so both are delivered. */
START_TEST(completions_do_not_coalesce)
{
    static const struct tocsin_signal_spec spec = { .name = "pended.merged",
                                                    .doc = "Merged.",
                                                    .kind = TOCSIN_COALESCE };
    static const struct tocsin_op_type type = { .done = &spec };
    struct tocsin_op ops[2] = { start(&type, NULL), start(&type, NULL) };
    int signo = tocsin_find("pended.merged");

    connect_to("pended.merged", write_status, "");
    mask = block("pended.merged");
    done(ops[0], 1), done(ops[1], 2);
    ck_assert_int_eq(tocsin_emit_from(ops[0].source, signo, NULL), TOCSIN_PENDED);
    turns();
    ck_assert_int_eq(tocsin_emit_from(ops[0].source, signo, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit_from(ops[1].source, signo, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_pending_count("pended.merged"), 4);
    unblock(mask);
    ck_assert_record("0 1 2 0");
}
END_TEST

static jmp_buf out;
static int emissions;

static int emit_again_or_jump(const struct tocsin_info *info, void *arg)
{
    if (info->code == TOCSIN_EMITTED && ++emissions == 3)
        longjmp(out, 1);
    if (info->code == TOCSIN_EMITTED)
        ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
    return write_status(info, arg);
}

/* Three emissions are pending when the operation ends, so they are delivered before its
   completion. The handler of the third emission leaves the turn with longjmp(). The completion
   that was due in this turn counts as delivered, and no completion is pending afterwards. */
START_TEST(a_jump_out_of_a_handler_before_a_completion)
{
    static const struct tocsin_signal_spec spec = { .name = "pended.left", .doc = "Left." };
    static const struct tocsin_op_type type = { .done = &spec };
    struct tocsin_op op = start(&type, NULL);
    int signo = tocsin_find("pended.left");
    const struct tocsin__loop_signal *loop_signal;

    connect_to("pended.left", emit_again_or_jump, "");
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(emissions, 2);
    ck_assert_int_eq(tocsin_pending_count("pended.left"), 1);
    done(op, 1);
    if (!setjmp(out))
        turns();
    ck_assert_int_eq(emissions, 3);
    turns();
    ck_assert_record("0 0");
    loop_signal = tocsin__loop_signal(tocsin__self, signo);
    ck_assert_uint_eq(loop_signal->queued.count, 0);
    ck_assert_uint_eq(loop_signal->queued.ends, 0);
    ck_assert_uint_eq(loop_signal->queued.announced, 0);
}
END_TEST

START_TEST(thousands_of_completions_are_pending)
{
    enum { MANY = 5000 };
    static struct tocsin_op ops[MANY];
    int calls = 0;
    struct told count = { .count = 0 };

    for (int i = 0; i < MANY; i++)
        ops[i] = promise(i % 2 ? TOCSIN_CALL(tell, &count) : NULL);
    connect_to("op.done", tell, &told);
    mask = block("op.done");
    for (int i = 0; i < MANY; i++)
        done(ops[i], i);
    while (calls < MANY)
        calls += tocsin_loop_turn(-1);
    ck_assert_int_eq(tocsin_pending_count(NULL), MANY);
    ck_assert_int_eq(count.count, MANY / 2);
    unblock(mask);
    ck_assert_int_eq(told.count, MANY);
    ck_assert_int_eq(told.status, MANY - 1);
}
END_TEST

/* Tests: the program takes the result of an operation while the completion is pending */

START_TEST(the_result_is_taken_before_and_after_the_unblock)
{
    struct tocsin_op ops[6];

    connect_to("op.done", write_status, "");
    mask = block("op.done");
    for (int i = 0; i < 6; i++)
        ops[i] = done(promise(TOCSIN_FUTURE), i);
    turns();
    ck_assert_int_eq(tocsin_op_status(ops[0]), 0);
    ck_assert_int_eq(tocsin_cancel(ops[0]), -EALREADY);
    ck_assert_int_eq(tocsin_op_deadline(ops[0], 0), -EALREADY);
    ck_assert_int_eq(tocsin_wait(ops[0], -1, NULL), 0);
    ck_assert_int_eq(tocsin_op_free(ops[1]), 0);
    ck_assert_int_eq(tocsin_then(ops[2], write_status, "then"), 0);
    ck_assert_int_eq(tocsin_wait(ops[2], 0, NULL), -EINVAL);
    turns();
    ck_assert_record("then2");
    unblock(mask);
    ck_assert_record("0 1 2 3 4 5");
    ck_assert_int_eq(tocsin_wait(ops[3], -1, NULL), 3);
    ck_assert_int_eq(tocsin_op_free(ops[4]), 0);
    ck_assert_int_eq(tocsin_then(ops[5], write_status, "then"), 0);
    turns();
    ck_assert_record("then5");
}
END_TEST

static int task_answer(void *arg)
{
    return *(int *)arg;
}

/* The program begins to wait before the operation ends. The completion's signal is blocked, and
   the wait returns nevertheless. */
START_TEST(a_wait_for_a_blocked_completion)
{
    struct tocsin_op then = promise(TOCSIN_FUTURE), timer, work;
    int answer = 3;

    connect_to("op.done, timer.expired, work.done", write_status, "");
    mask = block("**");
    ck_assert_int_eq(tocsin_then(then, write_status, "then"), 0);
    done(then, 5);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_FUTURE, &timer), 0);
    ck_assert_int_eq(tocsin_wait(timer, -1, NULL), 0);
    ck_assert_record("then5");
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_FUTURE, &timer), 0);
    ck_assert_int_eq(tocsin_wait(timer, 1, NULL), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_work(task_answer, &answer, TOCSIN_FUTURE, &work), 0);
    /* This operation has completed on a thread of the pool. */
    ck_assert_int_eq(tocsin_wait(work, -1, NULL), 3);
    unblock(mask);
    ck_assert_record("5 0 -110 3");
}
END_TEST

static int task_wait(void *arg)
{
    return tocsin_wait(*(struct tocsin_op *)arg, -1, NULL);
}

START_TEST(groups_and_fibers_with_blocked_completions)
{
    struct tocsin_op ops[4], all, any, fiber;

    connect_to("*.done", write_status, "");
    mask = block("**");
    for (int i = 0; i < 4; i++)
        ops[i] = promise(TOCSIN_FUTURE);
    ck_assert_int_eq(tocsin_all(ops, 2, TOCSIN_FUTURE, &all), 0);
    ck_assert_int_eq(tocsin_any(ops + 2, 2, TOCSIN_FUTURE, &any), 0);
    ck_assert_int_eq(tocsin_spawn(task_wait, &any, TOCSIN_FUTURE, &fiber), 0);
    turns();
    for (int i = 0; i < 3; i++)
        done(ops[i], i + 1);
    ck_assert_int_eq(tocsin_wait(fiber, -1, NULL), 3);
    ck_assert_int_eq(tocsin_wait(all, -1, NULL), 0);
    drain_all();
    ck_assert_int_eq(tocsin_pending_count(NULL), 7);
    unblock(mask);
    ck_assert_record("1 2 3 0 -125 3 3");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_wait(ops[i], -1, NULL), i + 1);
}
END_TEST

/* The program never takes the result of the operation. So tocsin_loop_free() discards the result,
   and delivers the pending completions. */
START_TEST(an_untaken_result_when_the_loop_is_freed)
{
    struct tocsin_op op = promise(TOCSIN_FUTURE), gone = promise(NULL);

    connect_to("op.done", write_status, "");
    mask = block("op.done");
    done(op, 1), done(gone, 2);
    turns();
    ck_assert_int_eq(tocsin_pending_count(NULL), 2);
    /* The result 2 counts the block and the result that was not taken. The freed operation does not
       count. */
    ck_assert_int_eq(tocsin_loop_free(), 2);
    ck_assert_record("1 2");
}
END_TEST

/* Contract line O8: an operation's emissions are pending when the operation ends. Whether a
   block or a full queue delays them, they reach only the handlers that are connected to this
   operation. */

enum held_by { A_MASK, A_FULL_QUEUE, HOLDERS };

static int write_any(const struct tocsin_info *info, void *arg)
{
    record("%s%s", (const char *)arg, info->code == TOCSIN_DONE ? "end" : text_of(info)->text);
    return TOCSIN_NEXT;
}

static void part_told(struct tocsin_op op, const char *text)
{
    ck_assert_int_eq(
        tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = text, .object = { &refs, &shared }),
                           0),
        1);
    turns();
}

static void pended_parts(const struct tocsin_notify *notify, enum held_by held_by)
{
    struct tocsin_op op = start(&text_type, notify),
                     other = start(&text_type, TOCSIN_EACH(write_any, ""));
    struct tocsin_queue full = { 0 };

    hear_from(op, "pended.*", write_any, "own ");
    hear_from(other, "pended.part", write_any, "other ");
    if (held_by == A_FULL_QUEUE)
        full = open_queue("pended.part", 1, 0);
    mask = block("pended.part");
    part_told(op, "a"), part_told(op, "b");
    if (held_by == A_FULL_QUEUE)
        unblock(mask);
    record_take();
    done(op, 0);
    turns();
    record_take();
    ck_assert_int_eq(tocsin_cancel(op), -ENOENT);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
    ck_assert_int_eq(drops, 0);
    if (held_by == A_FULL_QUEUE)
        close_queue(full), turns();
    else
        unblock(mask);
    ck_assert_record(held_by == A_FULL_QUEUE ? "own b" : "own a own b");
    ck_assert_int_eq(tocsin_source_set(op.source, NULL), -ENOENT);
    done(other, 0);
    turns();
}

START_TEST(progress_becomes_pending)
{
    bool into_queue = _i / HOLDERS;
    enum held_by held_by = (enum held_by)(_i % HOLDERS);
    struct tocsin_queue queue = open_queue(NULL, 10, 0);

    pended_parts(into_queue ? TOCSIN_QUEUE(queue) : TOCSIN_EACH(write_any, ""), held_by);
    close_queue(queue);
    ck_assert_int_eq(refs, 0);
    ck_assert_int_eq(drops, 2);
}
END_TEST

/* A part of the progress and the completion are pending. Either signal may be unblocked first. */
START_TEST(progress_and_the_completion_become_pending)
{
    bool progress_first = _i;
    struct tocsin_op op = start(
        &text_type, &(struct tocsin_notify){
                        .mode = TOCSIN_AT_END | TOCSIN_AT_EACH, .fn = write_any, .arg = "call " });
    struct tocsin_block both = block("pended.*");

    hear_from(op, "pended.*", write_any, "own ");
    part_told(op, "a");
    done(op, 0);
    turns();
    ck_assert_record("call a call end");
    if (progress_first) {
        struct tocsin_block parts = block("pended.part");

        unblock(both);
        ck_assert_record("own end");
        unblock(parts);
        ck_assert_record("own a");
    } else {
        unblock(both);
        ck_assert_record("own a own end");
    }
    ck_assert_int_eq(drops, 1);
}
END_TEST

/* Two timers tick while the signal is blocked. The pending ticks of each timer coalesce into
   one. */
START_TEST(ticks_become_pending)
{
    struct tocsin_op one, other;

    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_every(10, NULL, &one), 0);
    ck_assert_int_eq(tocsin_every(10, NULL, &other), 0);
    hear_from(one, "timer.ticked", tell, &told);
    connect_to("timer.expired", write_status, "");
    mask = block("timer.ticked");
    ck_assert_int_eq(tocsin_clock_move(50), 0);
    ck_assert_int_eq(tocsin_cancel(one) | tocsin_cancel(other), 0);
    turns();
    ck_assert_record("-125 -125");
    ck_assert_int_eq(told.count, 0);
    unblock(mask);
    ck_assert_int_eq(told.count, 1);
    ck_assert_uint_eq(told.overrun, 4);
    ck_assert_int_eq(tocsin_source_set(one.source, NULL), -ENOENT);
}
END_TEST

/* The program emits a signal whose source is an operation, and the signal is blocked. The source
   lives until the emission is delivered. If the signal is ignored, the source lives until the
   emission is discarded. */
START_TEST(an_emission_keeps_the_source_of_the_operation)
{
    bool ignored = _i;
    int signo = tocsin_find("pended.few");
    struct tocsin_op op = promise(NULL);

    hear_from(op, "pended.few", tell, &told);
    mask = block("pended.few");
    ck_assert_int_eq(tocsin_emit_from(op.source, signo, NULL), TOCSIN_PENDED);
    done(op, 0);
    turns();
    if (ignored)
        /* Ignoring the signal discards the emission, which was the last user of the source. */
        ck_assert_int_eq(tocsin_ignore("pended.few"), 0);
    ck_assert_int_eq(tocsin_source_set(op.source, NULL), ignored ? -ENOENT : 0);
    unblock(mask);
    ck_assert_int_eq(told.count, !ignored);
    ck_assert_int_eq(tocsin_source_set(op.source, NULL), -ENOENT);
}
END_TEST

START_TEST(progress_is_pending_when_the_loop_is_freed)
{
    bool completed = _i;
    struct tocsin_op op = start(&text_type, TOCSIN_EACH(write_any, ""));

    hear_from(op, "pended.part", write_any, "own ");
    mask = block("pended.part");
    part_told(op, "a");
    if (completed)
        done(op, 0), turns();
    record_take();
    /* tocsin_loop_free() counts the block, and the operation if it still runs. */
    ck_assert_int_eq(tocsin_loop_free(), 2 - completed);
    ck_assert_record("own a");
    ck_assert_int_eq(refs, 0);
    ck_assert_int_eq(drops, 1);
}
END_TEST

/* Tests: operations are ended by a cancel, a deadline, a drain or the end of the loop */

START_TEST(operations_are_cancelled_while_blocked)
{
    struct tocsin_op cancelled = start(&text_type, NULL), late = promise(NULL), every;

    connect_to("op.done, pended.done, timer.expired", write_status, "");
    mask = block("**");
    ck_assert_int_eq(tocsin_cancel(cancelled), 0);
    ck_assert_int_eq(tocsin_every(1000000, TOCSIN_CALL(write_status, "call"), &every), 0);
    turns();
    ck_assert_int_eq(tocsin_op_deadline(late, 10), 0);
    ck_assert_int_eq(tocsin_clock_move(10), 0);
    drain_all();
    ck_assert_record("call-125");
    ck_assert_int_eq(tocsin_pending_count(NULL), 3);
    unblock(mask);
    ck_assert_record("-125 -110 -125");
}
END_TEST

static int start_refused(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_block("op.done", &mask), -ESHUTDOWN);
    return write_status(info, arg);
}

/* tocsin_loop_free() first delivers the pending completions, then cancels the running
   operations. */
START_TEST(the_loop_is_freed)
{
    struct tocsin_op ended = promise(TOCSIN_CALL(write_status, "call"));

    promise(TOCSIN_CALL(write_status, "call"));
    connect_to("op.done", start_refused, "");
    mask = block("op.done");
    done(ended, 1);
    turns();
    ck_assert_record("call1");
    ck_assert_int_eq(tocsin_loop_free(), 2);
    ck_assert_record("1 -125 call-125");
}
END_TEST

/* Tests: the loop is freed by the handler of a pending completion, or by a notify function */

START_TEST(a_handler_of_a_completion_frees_the_loop)
{
    connect_to("op.done", free_loop, "");
    mask = block("op.done");
    for (int i = 0; i < 3; i++)
        done(promise(NULL), i);
    turns();
    /* The handler of the first completion has called tocsin_loop_free(). The loop is freed when the
       outermost delivery ends. So the other completions are delivered before that. */
    unblock(mask);
    ck_assert_record("0 1 2");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

START_TEST(a_notify_function_frees_the_loop)
{
    connect_to("op.done", write_status, "");
    mask = block("op.done");
    done(promise(TOCSIN_CALL(free_loop, "call")), 1);
    ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_record("call1 1");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

static int unblock_it(const struct tocsin_info *info, void *arg)
{
    write_status(info, arg);
    unblock(mask);
    return TOCSIN_NEXT;
}

START_TEST(a_notify_function_unblocks_the_signal)
{
    struct tocsin_op op = promise(TOCSIN_CALL(unblock_it, "call"));

    connect_to("op.done", write_status, "");
    mask = block("op.done");
    done(op, 1);
    turns();
    ck_assert_record("call1 1");
}
END_TEST

static int end_another(const struct tocsin_info *info, void *arg)
{
    write_status(info, arg);
    if (info->status > 0)
        done(promise(TOCSIN_CALL(write_status, "call")), info->status - 1);
    return TOCSIN_STOP;
}

START_TEST(a_handler_ends_another_operation)
{
    connect_to("op.done", end_another, "");
    mask = block("op.done");
    done(promise(TOCSIN_FUTURE), 2);
    turns();
    unblock(mask);
    ck_assert_record("2");
    drain_all();
    ck_assert_record("1 call1 0 call0");
    test_leaves(1); /* one object is left: the result of the first operation is not taken */
}
END_TEST

static int free_all(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op *ops = arg;

    (void)info;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_op_free(ops[i]), 0);
    return TOCSIN_NEXT;
}

START_TEST(results_are_freed_during_their_delivery)
{
    struct tocsin_op ops[3];

    ck_assert_int_eq(
        tocsin_connect("pended.done",
                       &(struct tocsin_action){ .fn = free_all, .arg = ops, .flags = TOCSIN_ONCE },
                       NULL),
        0);
    connect_to("pended.done", write_text, "");
    mask = block("pended.done");
    for (int i = 0; i < 3; i++)
        ops[i] = text_done(start(&text_type, TOCSIN_FUTURE), &"abc"[i], i != 1);
    turns();
    unblock(mask);
    ck_assert_record(":abc :bc :c");
    ck_assert_int_eq(drops, 3);
    ck_assert_int_eq(refs, 0);
}
END_TEST

/* A pending emission is delivered before a completion, and its handler disconnects another handler.
   The drop function of the disconnected handler unblocks the completion's signal. */
static struct tocsin_handler disconnected;

static void unblock_at_drop(void *arg)
{
    (void)arg;
    unblock(mask);
}

static int on_step(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%d", info->status);
    if (++steps == 1)
        ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
    if (steps == 2) {
        mask = block("op.done");
        ck_assert_int_eq(tocsin_disconnect(disconnected), 0);
    }
    return TOCSIN_NEXT;
}

START_TEST(a_drop_function_unblocks_the_signal)
{
    connect_to("op.done", on_step, NULL);
    ck_assert_int_eq(
        tocsin_connect("pended.part",
                       &(struct tocsin_action){ .fn = tell, .arg = &told, .drop = unblock_at_drop },
                       &disconnected),
        0);
    mask = block("op.done");
    ck_assert_int_eq(tocsin_emit(tocsin_find("op.done"), NULL), TOCSIN_PENDED);
    done(promise(NULL), 4);
    unblock(mask);
    turns();
    ck_assert_record("0 0 4");
}
END_TEST

/* Operations end while everything is blocked, and each allocation fails in turn. */

static struct started all[4];
static int heard[4], parts, each_parts;

static int on_heard(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++)
        heard[i] += info->source.id == all[i].op.source.id;
    return TOCSIN_NEXT;
}

static int count_part(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

static void start_all(void)
{
    all[0].err = tocsin_op_new(NULL, TOCSIN_CALL(on_started_end, &all[0]), &all[0].op);
    all[1].err = tocsin_timer(0, TOCSIN_CALL(on_started_end, &all[1]), &all[1].op);
    for (int i = 2; i < 4; i++) {
        int err = tocsin_op_new(&text_type,
                                i == 2 ? TOCSIN_CALL(on_started_end, &all[i])
                                       : TOCSIN_EACH(count_part, &each_parts),
                                &all[i].op);

        all[i].err = tocsin_op_start(all[i].op, err, &all[i].op);
    }
}

static int progress_all(void)
{
    int told_parts = 0;

    for (int i = 0; i < 3 && all[3].err == 0; i++) {
        int err = tocsin_op_progress(all[3].op, 0, TOCSIN_PAYLOAD(text, .text = "part"), 0);

        ck_assert(err == 1 || err == -ENOMEM);
        told_parts += err == 1;
        turns();
    }
    return told_parts;
}

static void end_all(void)
{
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(text, .text = "done");
    int err;

    if (all[0].err == 0)
        done(all[0].op, 0);
    for (int i = 2; i < 4; i++) {
        if (all[i].err < 0)
            continue;
        err = tocsin_op_complete(all[i].op, 0, payload);
        ck_assert(err == 0 || err == -ENOMEM);
        if (err < 0)
            done(all[i].op, 0);
    }
    turns();
    for (int i = 0; i < 3; i++)
        /* a started operation has ended, whatever was blocked and whichever allocation failed */
        ck_assert_int_eq(all[i].ended, all[i].err == 0);
}

/* Checks after the unblock that each started operation was announced once. Progress may be lost if
   an allocation for its copy failed. */
static void job(void)
{
    struct tocsin_queue queue, take;
    bool listens, blocked;
    int told_parts, err;

    memset(all, 0, sizeof all);
    memset(heard, 0, sizeof heard);
    parts = each_parts = 0;
    listens = tocsin_connect("op.done, timer.expired, pended.done",
                             &(struct tocsin_action){ .fn = on_heard }, NULL) == 0;
    listens &= tocsin_connect("pended.part",
                              &(struct tocsin_action){ .fn = count_part, .arg = &parts },
                              NULL) == 0;
    tocsin_queue_open("op.done, timer.expired", NULL, &queue);
    blocked = tocsin_block("**", &mask) == 0;
    start_all();
    told_parts = progress_all();
    tocsin_queue_open("timer.expired", &(struct tocsin_queue_options){ .flags = TOCSIN_TAKE },
                      &take);
    end_all();
    ck_assert_int_eq(each_parts, told_parts);
    if (blocked)
        ck_assert_int_eq(tocsin_pending_count("*.done"),
                         (all[0].err == 0) + (all[2].err == 0) + (all[3].err == 0));
    /* the wait may fail if the queue was not opened: then the id is an error code */
    err = tocsin_queue_wait(take, 0, NULL);
    ck_assert(err == 0 || !blocked || all[1].err < 0 || tocsin_id_error(take.id));
    tocsin_ignore("timer.expired");
    if (blocked)
        ck_assert_int_eq(tocsin_unblock(mask), 0);
    for (int i = 0; i < 4 && listens; i++)
        ck_assert_int_eq(heard[i], i == 1 ? heard[i] : all[i].err == 0);
    ck_assert_int_le(parts, told_parts);
    ck_assert_int_eq(tocsin_loop_free(),
                     (tocsin_id_error(queue.id) == 0) + (tocsin_id_error(take.id) == 0));
}

START_TEST(pending_completions_without_memory)
{
    each_in_turn("op/completion_pending", job);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/completion_pending");
    TCase *tests = test_case(suite, "pending completions"), *faults = test_case(suite, "faults");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, the_notify_function_is_called_before_the_handlers);
    tcase_add_test(tests, handlers_and_notify_receive_the_same);
    tcase_add_test(tests, the_source_lives_until_the_delivery);
    tcase_add_test(tests, the_oldest_completion_is_first);
    tcase_add_test(tests, completions_do_not_coalesce);
    tcase_add_test(tests, a_jump_out_of_a_handler_before_a_completion);
    tcase_add_test(tests, thousands_of_completions_are_pending);
    tcase_add_test(tests, the_result_is_taken_before_and_after_the_unblock);
    tcase_add_test(tests, a_wait_for_a_blocked_completion);
    tcase_add_test(tests, groups_and_fibers_with_blocked_completions);
    tcase_add_test(tests, an_untaken_result_when_the_loop_is_freed);
    tcase_add_loop_test(tests, progress_becomes_pending, 0, 2 * HOLDERS);
    tcase_add_loop_test(tests, progress_and_the_completion_become_pending, 0, 2);
    tcase_add_test(tests, ticks_become_pending);
    tcase_add_loop_test(tests, an_emission_keeps_the_source_of_the_operation, 0, 2);
    tcase_add_loop_test(tests, progress_is_pending_when_the_loop_is_freed, 0, 2);
    tcase_add_test(tests, operations_are_cancelled_while_blocked);
    tcase_add_test(tests, the_loop_is_freed);
    tcase_add_test(tests, a_handler_of_a_completion_frees_the_loop);
    tcase_add_test(tests, a_notify_function_frees_the_loop);
    tcase_add_test(tests, a_notify_function_unblocks_the_signal);
    tcase_add_test(tests, a_handler_ends_another_operation);
    tcase_add_test(tests, results_are_freed_during_their_delivery);
    tcase_add_test(tests, a_drop_function_unblocks_the_signal);
    tcase_set_timeout(faults, 60);
    tcase_add_test(faults, pending_completions_without_memory);
    return suite;
}
