/* Contract lines E11 and O2: each running operation reserves one of the limited pending entries of
   its signal. It also reserves an entry in every queue that will receive its completion. Further
   tests ignore completions, and let queues take them. */
#include "text_operations.h"

/* Tests: each running operation reserves one of the limited pending emissions of its signal */

static int on_full(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_queue_full *full = tocsin_queue_full_of(info);

    ck_assert_uint_eq(full->queue, 0);
    ck_assert_uint_eq(full->limit, LIMIT);
    ck_assert_str_eq(full->signal, arg);
    record("refused%d", (int)full->refused);
    return TOCSIN_NEXT;
}

static void fill_places(struct tocsin_op ops[LIMIT])
{
    struct tocsin_op op;

    for (int i = 0; i < LIMIT; i++)
        ops[i] = start(&few_type, TOCSIN_CALL(tell, &told));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_op_new(&few_type, TOCSIN_CALL(tell, &told), &op), -EAGAIN);
        ck_assert_int_eq(tocsin_id_error(op.source.id), -EAGAIN);
    }
}

/* The signal allows LIMIT pending emissions. A running operation reserves one of these entries. So
   one more operation is refused, before and after the other operations end. */
START_TEST(each_operation_reserves_an_entry)
{
    struct tocsin_signal_facts facts;
    struct tocsin_op ops[LIMIT], op;

    connect_to("pended.few", write_status, "");
    for (int times = 0; times < 3; times++) {
        mask = block("pended.few");
        fill_places(ops);
        for (int i = 0; i < LIMIT; i++) {
            done(ops[i], i);
            turns();
            ck_assert_int_eq(tocsin_op_new(&few_type, NULL, &op), -EAGAIN);
        }
        ck_assert_int_eq(told.count, LIMIT);
        ck_assert_int_eq(tocsin_emit(tocsin_find("pended.few"), NULL), -EAGAIN);
        ck_assert_int_eq(tocsin_signal_get(tocsin_find("pended.few"), &facts), 0);
        ck_assert_int_eq(facts.pending, LIMIT);
        ck_assert_int_eq(facts.refused, 8 * (times + 1));
        unblock(mask);
        ck_assert_record("0 1 2 3");
        told.count = 0;
    }
}
END_TEST

/* tocsin.queue.full is emitted once for each overflow. An overflow lasts until all operations have
   ended, whether their completions are pending or not. */
static void overflow(const char *line, bool pended)
{
    struct tocsin_op ops[LIMIT];

    mask = block("pended.few");
    fill_places(ops);
    ck_assert_record(line);
    if (!pended)
        unblock(mask);
    for (int i = 0; i < LIMIT; i++)
        done(ops[i], i);
    turns();
    if (pended)
        unblock(mask);
}

START_TEST(refused_starts_emit_queue_full_once)
{
    connect_to("tocsin.queue.full", on_full, "pended.few");
    overflow("refused1", true);
    overflow("refused4", false);
    overflow("refused7", true);
}
END_TEST

/* Two types of operation have the same completion signal, so they share its reserved entries. */
START_TEST(types_share_the_entries_of_their_signal)
{
    struct tocsin_op ops[LIMIT], op;

    mask = block("pended.few");
    for (int i = 0; i < LIMIT; i++)
        ops[i] = start(i % 2 ? &few_type : &few_more_type, NULL);
    ck_assert_int_eq(tocsin_op_new(&few_type, NULL, &op), -EAGAIN);
    ck_assert_int_eq(tocsin_op_new(&few_more_type, NULL, &op), -EAGAIN);
    for (int i = 0; i < LIMIT; i++)
        done(ops[i], i);
    turns();
    ck_assert_int_eq(tocsin_pending_count("pended.few"), LIMIT);
    unblock(mask);
}
END_TEST

/* The signal is blocked while more operations run than its limit allows. Running operations are
   never refused, and use up the entries for emissions. */
START_TEST(blocked_while_operations_run)
{
    struct tocsin_op ops[2 * LIMIT], op;

    connect_to("pended.few", write_status, "");
    for (int i = 0; i < 2 * LIMIT; i++)
        ops[i] = start(&few_type, NULL);
    mask = block("pended.few");
    ck_assert_int_eq(tocsin_op_new(&few_type, NULL, &op), -EAGAIN);
    for (int i = 0; i < 2 * LIMIT; i++)
        done(ops[i], i);
    turns();
    ck_assert_int_eq(tocsin_pending_count(NULL), 2 * LIMIT);
    ck_assert_int_eq(tocsin_emit(tocsin_find("pended.few"), NULL), -EAGAIN);
    unblock(mask);
    ck_assert_record("0 1 2 3 4 5 6 7");
}
END_TEST

/* Tests: a queue is opened with a pattern that matches the completions */

START_TEST(queues_opened_before_meanwhile_and_after)
{
    struct tocsin_queue before = open_queue("op.done", 2, 0), meanwhile, after;
    struct tocsin_op ops[2] = { promise(NULL), promise(NULL) }, op;

    mask = block("op.done");
    done(ops[0], 1);
    turns();
    meanwhile = open_queue("op.done", 2, 0);
    ck_assert_uint_eq(reserved(before), 2);
    /* two entries are reserved: one for the pending completion, and one for the running
       operation */
    ck_assert_uint_eq(reserved(meanwhile), 2);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), -EAGAIN);
    done(ops[1], 2);
    turns();
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), -EAGAIN);
    write_queue(before, "before");
    ck_assert_record("");
    unblock(mask);
    after = open_queue("op.done", 2, 0);
    ck_assert_uint_eq(reserved(before) + reserved(meanwhile) + reserved(after), 0);
    write_queue(before, "before");
    write_queue(meanwhile, "meanwhile");
    write_queue(after, "after");
    ck_assert_record("before1 before2 meanwhile1 meanwhile2");
    close_queue(before), close_queue(meanwhile), close_queue(after);
}
END_TEST

/* A handler of a pending completion opens a queue. By E2 and E10 the queue receives the later
   completions, but not the completion that is being delivered. */
static int open_once(const struct tocsin_info *info, void *arg)
{
    struct tocsin_queue *queue = arg;

    (void)info;
    if (!queue->id)
        *queue = open_queue("op.done", 3, 0);
    return TOCSIN_NEXT;
}

START_TEST(a_handler_of_a_pending_completion_opens_a_queue)
{
    /* The queue is static, since this test reads the id after the function that opens the queue has
       returned. */
    static struct tocsin_queue queue;
    struct tocsin_op op;

    connect_to("op.done", open_once, &queue);
    mask = block("op.done");
    done(promise(NULL), 1), done(promise(NULL), 2);
    turns();
    unblock(mask);
    ck_assert_uint_eq(reserved(queue), 0);
    write_queue(queue, "");
    ck_assert_record("2");
    for (int i = 0; i < 3; i++)
        promise(NULL);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), -EAGAIN);
    close_queue(queue);
    test_leaves(3);
}
END_TEST

START_TEST(an_observer_opens_a_queue_during_a_take)
{
    struct tocsin_queue take = open_queue("op.done", 0, TOCSIN_TAKE), queue = { 0 };

    ck_assert_int_eq(
        tocsin_observe("op.done", &(struct tocsin_action){ .fn = open_once, .arg = &queue }, NULL),
        0);
    mask = block("op.done");
    done(promise(NULL), 1);
    turns();
    write_queue(take, "");
    ck_assert_record("1");
    ck_assert_uint_eq(reserved(queue) + reserved(take), 0);
    unblock(mask);
    close_queue(queue), close_queue(take);
}
END_TEST

/* A queue with a pattern is closed while a completion for this queue is pending. The operation was
   started with TOCSIN_QUEUE and another queue. This other queue gets the completion at once,
   despite the block. It gets the completion again after the block, since its pattern matches the
   signal, too. */
START_TEST(a_queue_is_closed_before_the_delivery)
{
    struct tocsin_queue gone = open_queue("op.done", 2, 0), own = open_queue("op.done", 2, 0);
    struct tocsin_op op = promise(TOCSIN_QUEUE(own));

    mask = block("op.done");
    ck_assert_uint_eq(reserved(own), 2);
    done(op, 1);
    turns();
    close_queue(gone);
    write_queue(own, "own");
    ck_assert_record("own1");
    ck_assert_uint_eq(reserved(own), 1);
    unblock(mask);
    write_queue(own, "set");
    ck_assert_record("set1");
    ck_assert_uint_eq(reserved(own), 0);
    close_queue(own);
}
END_TEST

START_TEST(a_queue_takes_completions)
{
    struct tocsin_queue take = open_queue("pended.done", 0, TOCSIN_TAKE),
                        plain = open_queue("pended.done", 0, 0);
    struct tocsin_op kept = start(&text_type, TOCSIN_FUTURE),
                     gone = start(&text_type, TOCSIN_CALL(write_text, "call"));
    struct tocsin_info *info, *other;

    connect_to("pended.done", write_text, "all");
    hear_from(gone, "pended.done", write_text, "one");
    ck_assert_int_eq(tocsin_observe("pended.done",
                                    &(struct tocsin_action){
                                        .fn = write_text, .arg = "seen", .source = gone.source },
                                    NULL),
                     0);
    mask = block("pended.done");
    text_done(kept, "a", true), text_done(gone, "b", false);
    turns();
    ck_assert_int_eq(tocsin_queue_wait(take, 0, &info), 0);
    ck_assert_int_eq(write_text(info, "take"), 0);
    ck_assert_int_eq(tocsin_wait(kept, -1, &other), 7);
    ck_assert_ptr_eq(info, other); /* both queues hold the same info, not two copies */
    tocsin_info_unref(info), tocsin_info_unref(other);
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(tocsin_queue_wait(take, 0, &info), 0);
    ck_assert_int_eq(write_text(info, "take"), 0);
    ck_assert_record("call:b take:a seen:b take:b");
    /* no completion of the operation is pending any more */
    ck_assert_ptr_null(tocsin_source_get(gone.source));
    ck_assert_int_eq(tocsin_queue_wait(take, 0, NULL), -ETIMEDOUT);
    ck_assert_uint_eq(reserved(take) + reserved(plain), 0);
    ck_assert_int_eq(drops + refs, 2);
    tocsin_info_unref(info);
    ck_assert_int_eq(drops, 2);
    ck_assert_int_eq(refs, 0);
    unblock(mask);
    ck_assert_record("");
    close_queue(take), close_queue(plain);
}
END_TEST

START_TEST(an_observer_frees_the_loop_during_a_take)
{
    struct tocsin_queue take = open_queue("op.done", 0, TOCSIN_TAKE);
    struct tocsin_info *info;

    ck_assert_int_eq(
        tocsin_observe("op.done", &(struct tocsin_action){ .fn = free_loop, .arg = "seen" }, NULL),
        0);
    mask = block("op.done");
    done(promise(NULL), 1);
    turns();
    ck_assert_int_eq(tocsin_queue_wait(take, 0, &info), 0);
    ck_assert_record("seen1");
    ck_assert_int_eq(info->status, 1);
    tocsin_info_unref(info);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

/* The program emits the completion signal while it is blocked, and then the operation ends. The
   only entry of the queue is reserved for the completion, so the emission waits for room. */
START_TEST(a_completion_behind_an_emission)
{
    struct tocsin_queue queue = open_queue("op.done", 1, 0);

    connect_to("op.done", write_status, "");
    promise(NULL);
    mask = block("op.done");
    ck_assert_int_eq(tocsin_emit(tocsin_find("op.done"), NULL), TOCSIN_PENDED);
    tocsin_drain(0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
    unblock(mask);
    for (int i = 0; i < 3; i++) {
        write_queue(queue, "queue");
        turns();
    }
    ck_assert_str_eq(record_take(), "0 -125 queue0 queue-125");
    ck_assert_uint_eq(reserved(queue), 0);
    close_queue(queue);
}
END_TEST

/* Tests: completion signals that the program ignores */

START_TEST(an_ignored_completion_still_calls_the_notify_function)
{
    struct tocsin_queue set = open_queue("pended.done", 2, 0);
    struct tocsin_op kept = start(&text_type, TOCSIN_FUTURE),
                     call = start(&text_type, TOCSIN_CALL(write_text, "call"));

    connect_to("pended.done", write_text, "all");
    mask = block("pended.done");
    text_done(call, "a", true), text_done(kept, "b", false);
    turns();
    ck_assert_uint_eq(reserved(set), 2);
    ck_assert_int_eq(tocsin_ignore("pended.*"), 0);
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
    ck_assert_uint_eq(reserved(set), 0);
    ck_assert_int_eq(drops, 1);
    unblock(mask);
    ck_assert_int_eq(tocsin_wait(kept, 0, NULL), 7);
    ck_assert_record("call:a");
    ck_assert_int_eq(drops, 2);
    ck_assert_int_eq(tocsin_unignore("pended.*"), 0);
    close_queue(set);
}
END_TEST

START_TEST(ended_while_the_signal_is_ignored)
{
    struct tocsin_queue set = open_queue("op.done", 2, 0);
    struct told seen = { .count = 0 };

    connect_to("op.done", write_status, "");
    ck_assert_int_eq(
        tocsin_observe("op.done", &(struct tocsin_action){ .fn = tell, .arg = &seen }, NULL), 0);
    ck_assert_int_eq(tocsin_ignore("op.done"), 0);
    done(promise(TOCSIN_CALL(write_status, "call")), 1);
    turns();
    ck_assert_record("call1");
    mask = block("op.done");
    done(promise(TOCSIN_CALL(write_status, "call")), 2), done(promise(NULL), 3);
    turns();
    ck_assert_record("call2");
    /* both completions are pending: as in Linux, an ignored signal becomes pending if it is
       blocked */
    ck_assert_int_eq(tocsin_pending_count("op.done"), 2);
    ck_assert_int_eq(seen.count, 1);
    unblock(mask); /* unblocking discards the pending completions, since the signal is ignored */
    ck_assert_int_eq(seen.count, 3);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_pending_count("op.done"), 0);
    ck_assert_uint_eq(reserved(set), 0);
    ck_assert_int_eq(tocsin_unignore("op.done"), 0);
    close_queue(set);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/completion_reserve");
    TCase *tests = test_case(suite, "reserved entries");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, each_operation_reserves_an_entry);
    tcase_add_test(tests, refused_starts_emit_queue_full_once);
    tcase_add_test(tests, types_share_the_entries_of_their_signal);
    tcase_add_test(tests, blocked_while_operations_run);
    tcase_add_test(tests, queues_opened_before_meanwhile_and_after);
    tcase_add_test(tests, a_handler_of_a_pending_completion_opens_a_queue);
    tcase_add_test(tests, an_observer_opens_a_queue_during_a_take);
    tcase_add_test(tests, a_queue_is_closed_before_the_delivery);
    tcase_add_test(tests, a_queue_takes_completions);
    tcase_add_test(tests, an_observer_frees_the_loop_during_a_take);
    tcase_add_test(tests, a_completion_behind_an_emission);
    tcase_add_test(tests, an_ignored_completion_still_calls_the_notify_function);
    tcase_add_test(tests, ended_while_the_signal_is_ignored);
    return suite;
}
