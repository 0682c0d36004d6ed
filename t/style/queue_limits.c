/* Tests contract line E11: the limits of queues with a pattern, and of pending emissions. The tests
   check which emissions are refused, which emissions wait for room, and how often tocsin.queue.full
   is emitted. */
#include <poll.h>

#include <tocsin/provider.h>

#include "faults.h"
#include "queue_items.h"
#include "command_threads.h"

/* Tests: emissions beyond the limit are refused */

static int on_full(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_queue_full *full = tocsin_queue_full_of(info);

    ck_assert_uint_eq(full->queue, arg ? ((struct tocsin_queue *)arg)->id : 0);
    record("full:%s %d/%d refused%d", full->signal + strlen("take."), (int)full->entries,
           (int)full->limit, (int)full->refused);
    return TOCSIN_NEXT;
}

static uint64_t last_sequence;

static int keep_sequence(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    last_sequence = info->sequence;
    return TOCSIN_NEXT;
}

static void refuses(unsigned flags, const char *handled)
{
    struct tocsin_queue queue;
    uint64_t before;

    connect_to("take.*", write_item, "");
    connect_to("take.c", keep_sequence, NULL);
    queue = open_queue("take.a, take.b", flags, 4, 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(emit(i % 2 ? a : b, i), flags ? TOCSIN_STOPPED : TOCSIN_DELIVERED);
    ck_assert_record(handled);
    ck_assert_int_eq(emit(c, 0), TOCSIN_DELIVERED);
    before = last_sequence;
    record_take();
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(emit(i % 2 ? a : b, 9), -EAGAIN);
    ck_assert_record(""); /* the queue stopped the emission, so no handler was called */
    ck_assert_int_eq(emit(c, 0), TOCSIN_DELIVERED);
    ck_assert_uint_eq(last_sequence, before + 1);
    ck_assert_uint_eq(facts_of(queue).refused, 5);
    close_queue(queue);
    record_take();
    ck_assert_int_eq(emit(a, 9), TOCSIN_DELIVERED);
    ck_assert_record("a9");
}

START_TEST(a_full_queue_refuses_emissions)
{
    refuses(0, "b0 a1 b2 a3");
    ck_assert_int_eq(tocsin_loop_free(), 0);
    refuses(TOCSIN_TAKE, "");
}
END_TEST

START_TEST(queue_full_once_for_each_overflow)
{
    struct tocsin_queue take = open_queue("take.a", TOCSIN_TAKE, 4, 0);

    connect_to("tocsin.queue.full", on_full, &take);
    for (int i = 0; i < 6; i++)
        emit(a, i);
    ck_assert_record("full:a 4/4 refused1");
    wait_for(take, 0, "");
    ck_assert_int_eq(emit(a, 6), TOCSIN_STOPPED);
    /* this refusal belongs to the same overflow, so tocsin.queue.full is not emitted */
    ck_assert_int_eq(emit(a, 7), -EAGAIN);
    ck_assert_record("a0");
    wait_for(take, 0, ""), wait_for(take, 0, "");
    record_take();
    for (int i = 0; i < 4; i++)
        emit(a, i);
    ck_assert_record("full:a 4/4 refused4");
    close_queue(take);
}
END_TEST

/* An emission larger than the limit in bytes must be accepted into an empty queue. Otherwise it
   could never be delivered. */
START_TEST(the_limit_in_bytes)
{
    struct tocsin_queue take = open_queue("take.a", TOCSIN_TAKE, 0, 1000);
    size_t small;

    connect_to("tocsin.queue.full", on_full, &take);
    ck_assert_int_eq(emit_bytes(a, 2000), TOCSIN_STOPPED);
    ck_assert_uint_ge(facts_of(take).bytes, 2000);
    ck_assert_int_eq(emit_bytes(a, 0), -EAGAIN);
    ck_assert_int_eq(emit_bytes(a, 2000), -EAGAIN);
    ck_assert_record("full:a 1/1024 refused1");
    ck_assert_int_eq(tocsin_queue_wait(take, 0, NULL), 0);
    ck_assert_uint_eq(facts_of(take).bytes, 0);
    ck_assert_int_eq(emit_bytes(a, 0), TOCSIN_STOPPED);
    small = facts_of(take).bytes;
    ck_assert_uint_gt(small, 0);
    /* Both emissions are refused, since the queue is not empty. */
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(emit_bytes(a, 2000), -EAGAIN);
    /* Half of the queue became free between the refusals, so each refusal begins a new overflow. */
    ck_assert_record("full:a 1/1024 refused3 full:a 1/1024 refused4");
    ck_assert_int_eq(emit_bytes(a, 800), TOCSIN_STOPPED);
    ck_assert_int_eq(emit_bytes(a, 1000 - 2 * small - 800), -EAGAIN);
    close_queue(take);
}
END_TEST

START_TEST(pending_emissions_are_bounded)
{
    int few = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "take.few", .layout = &item_layout, .limit = 3, .limit_bytes = 1000 });
    struct tocsin_queue take = open_take("take.few");
    struct tocsin_signal_facts facts;

    connect_to("tocsin.queue.full", on_full, NULL);
    mask = block("take.few");
    ck_assert_int_eq(emit_bytes(few, 2000), -EAGAIN);
    emits(few, 1, 3);
    ck_assert_int_eq(emit(few, 4), -EAGAIN);
    ck_assert_int_eq(emit(few, 5), -EAGAIN);
    ck_assert_record("full:few 0/3 refused1 full:few 3/3 refused2");
    wait_for(take, 0, ""), wait_for(take, 0, "");
    emits(few, 6, 7);
    ck_assert_int_eq(emit(few, 8), -EAGAIN);
    wait_all(take);
    ck_assert_record("few1 few2 full:few 3/3 refused4 few3 few6 few7");
    ck_assert_int_eq(tocsin_signal_get(few, &facts), 0);
    ck_assert_uint_eq(facts.pending_bytes + facts.pending, 0);
    unblock(mask);
    close_queue(take);
}
END_TEST

/* Tests: the queue becomes full while pending emissions are delivered */

/* Checks that the loop sleeps until there is room in the queue, instead of looking for room again
   and again. */
static void rests(void)
{
    struct pollfd polled = { .fd = tocsin_loop_fd(), .events = POLLIN };

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(poll(&polled, 1, 0), 0);
}

START_TEST(a_flush_stops_at_a_full_queue)
{
    struct tocsin_queue plain = open_queue("take.a, take.c", 0, 2, 0);

    connect_to("take.*", write_item, "");
    mask = block("take.*");
    emits(a, 1, 4), emits(b, 5, 5), emits(c, 6, 6);
    unblock(mask);
    ck_assert_record("c6 b5 a1"); /* The queue has no room for the next emission of the signal a. */
    ck_assert_int_eq(tocsin_pending_count("take.a"), 3);
    rests();
    ck_assert_int_eq(emit(a, 7), -EAGAIN);
    ck_assert_int_eq(emit(b, 8), TOCSIN_DELIVERED);
    ck_assert_record("b8");
    ck_assert_int_eq(tocsin_queue_wait(plain, 0, NULL), 0);
    ck_assert_record(""); /* nothing was delivered, since the emission a2 waits for the next turn */
    ck_assert_int_eq(tocsin_loop_turn(-1), 1);
    ck_assert_record("a2");
    rests();
    mask = block("take.a");
    ck_assert_int_eq(tocsin_queue_wait(plain, 0, NULL), 0);
    rests();
    emits(a, 9, 9);
    unblock(mask);
    ck_assert_record("a3");
    rests();
    close_queue(plain);
    ck_assert_int_eq(tocsin_loop_turn(-1), 2);
    ck_assert_record("a4 a9");
}
END_TEST

/* The queue has no entry, but all its room is reserved for completions. So emissions wait for room.
   Then the queue is closed. */
START_TEST(closed_while_others_wait_for_room)
{
    struct tocsin_queue plain = open_queue("take.a, op.done", 0, 1, 0);
    struct tocsin_op op;

    connect_to("take.a", write_item, "");
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    mask = block("take.a");
    emits(a, 1, 2);
    unblock(mask);
    rests();
    ck_assert_record("");
    close_queue(plain);
    ck_assert_int_eq(tocsin_loop_turn(-1), 2);
    ck_assert_record("a1 a2");
    test_leaves(1);
}
END_TEST

/* A pending emission is larger than the free room of the queue. Smaller emissions behind this
   emission must not overtake it. */
START_TEST(a_flush_stops_for_bytes)
{
    struct tocsin_queue plain = open_queue("take.a", 0, 0, 1000);

    connect_to("take.a", write_item, "");
    mask = block("take.a");
    ck_assert_int_eq(emit_bytes(a, 100), TOCSIN_PENDED);
    ck_assert_int_eq(emit_bytes(a, 2000), TOCSIN_PENDED);
    emits(a, 1, 2);
    unblock(mask);
    ck_assert_record("a0");
    rests();
    /* This emission is small enough, but must wait, since an older emission waits. */
    ck_assert_int_eq(emit(a, 3), TOCSIN_PENDED);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(tocsin_queue_wait(plain, 0, NULL), 0);
        turns();
    }
    ck_assert_record("a0 a1 a2 a3");
    ck_assert_int_eq(tocsin_queue_wait(plain, 0, NULL), -ETIMEDOUT);
    close_queue(plain);
}
END_TEST

START_TEST(full_TAKE_queues)
{
    struct tocsin_queue take = open_queue("take.*", TOCSIN_TAKE, 2, 0);

    for (int i = 0; i < 2; i++) {
        mask = block("take.*");
        emits(a, 1, 5);
        unblock(mask);
        rests();
        ck_assert_uint_eq(facts_of(take).entries, 2);
        ck_assert_int_eq(emit(a, 6), -EAGAIN);
        for (int j = 0; j < 5; j++) {
            wait_for(take, 0, "");
            if (i)
                turns();
        }
        ck_assert_record("a1 a2 a3 a4 a5");
        rests();
        ck_assert_int_eq(emit(a, 6), TOCSIN_STOPPED);
        ck_assert_int_eq(tocsin_queue_wait(take, 0, NULL), 0);
    }
    close_queue(take);
}
END_TEST

START_TEST(ignored_while_waiting_for_room)
{
    struct tocsin_queue plain = open_queue("take.*", 0, 1, 0);

    mask = block("take.*");
    emits(a, 1, 3), emits(b, 4, 5);
    unblock(mask);
    ck_assert_int_eq(tocsin_pending_count(NULL), 4);
    ck_assert_int_eq(tocsin_ignore("take.a"), 0);
    ck_assert_int_eq(tocsin_pending_count(NULL), 1);
    ck_assert_int_eq(tocsin_unignore("take.a"), 0);
    rests();
    wait_all(plain);
    ck_assert_record("b4 b5");
    mask = block("take.*");
    emits(a, 1, 3);
    unblock(mask);
    /* the result 1 counts the queue, which has room for one entry */
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(refs, 0);
}
END_TEST

/* An emission of a coalescing signal waits for room in the queue. A newer emission replaces the
   waiting emission, so it needs no room. */
START_TEST(coalesced_while_waiting_for_room)
{
    struct tocsin_queue plain = open_queue("take.note", 0, 1, 0);
    struct tocsin_info *info;

    ck_assert_int_eq(emit(note, 1), TOCSIN_DELIVERED);
    mask = block("take.note");
    emits(note, 2, 2);
    unblock(mask);
    emits(note, 3, 4);
    rests();
    ck_assert_int_eq(tocsin_queue_wait(plain, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(plain, 0, &info), 0);
    ck_assert_int_eq(item_of(info)->number, 4);
    ck_assert_uint_eq(info->overrun, 2);
    tocsin_info_unref(info);
    close_queue(plain);
}
END_TEST

/* Emissions wait for room in a queue, and the loop is freed. Contract line O7: tocsin_loop_free()
   must not wait for the queue, and the handlers must receive the pending emissions. */
START_TEST(the_loop_is_freed_while_waiting_for_room)
{
    open_queue("take.a", 0, 1, 0);
    connect_to("take.a", write_item, "");
    mask = block("take.a");
    emits(a, 1, 3);
    unblock(mask);
    ck_assert_record("a1");
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_record("a2 a3");
    ck_assert_int_eq(refs, 0);
}
END_TEST

/* A completion is pending while the queue is full. An entry is reserved for the completion, so the
   queue must accept it. */
START_TEST(a_full_queue_accepts_reserved_completions)
{
    struct tocsin_queue plain = open_queue("op.done, take.a", 0, 3, 0);
    struct tocsin_op ops[2];
    struct told told = { .count = 0 };

    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, NULL, &ops[i]), 0);
    connect_to("op.done", tell, &told);
    mask = block("**");
    emits(a, 1, 2);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], 0, NULL), 0);
    turns();
    unblock(mask);
    ck_assert_int_eq(told.count, 2);
    ck_assert_uint_eq(facts_of(plain).entries, 3);
    ck_assert_int_eq(tocsin_pending_count("take.a"), 1);
    rests();
    ck_assert_int_eq(tocsin_queue_wait(plain, 0, NULL), 0);
    turns();
    ck_assert_int_eq(tocsin_pending_count("take.a"), 0);
    close_queue(plain);
}
END_TEST

/* The completion of another loop's operation has no reserved entry in the queues of this loop. So
   this completion waits for room. Completions of this loop's own operations, which have reserved
   entries, wait behind it. */

static int end_there(void *arg)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, *(int *)arg, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    return 0;
}

static void ends_arrive(struct peer *peer, int first, int last)
{
    for (int status = first; status <= last; status++)
        ck_assert_int_eq(peer_does(peer, end_there, &status), 0);
}

static int write_end(const struct tocsin_info *info, void *arg)
{
    record("%s%d", (const char *)arg, info->status);
    return TOCSIN_NEXT;
}

static void write_ends(struct tocsin_queue queue)
{
    struct tocsin_info *info;

    while (tocsin_queue_wait(queue, 0, &info) == 0) {
        write_end(info, "queue");
        tocsin_info_unref(info);
    }
}

/* If `once` is true, all completions arrive before the next turn. */
static void own_ends_behind_others(bool once)
{
    struct tocsin_op kept, called;
    struct tocsin_queue queue;
    struct peer peer;

    ck_assert_int_eq(
        tocsin_connect("op.done",
                       &(struct tocsin_action){ .fn = write_end, .arg = "", .priority = 1 }, NULL),
        0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &kept), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(write_end, "call"), &called), 0);
    queue = open_queue("op.done", 0, 3, 0);
    peer_begin(&peer);
    ends_arrive(&peer, 1, 3);
    if (!once) {
        turns();
        ck_assert_record("1");
        ck_assert_int_eq(tocsin_pending_count("op.done"), 2);
        rests();
    }
    ck_assert_int_eq(tocsin_op_complete(called, 4, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(kept, 5, NULL), 0);
    ends_arrive(&peer, 6, 6);
    ck_assert_int_eq(tocsin_wait(kept, -1, NULL), 5);
    turns();
    ck_assert_record(once ? "1 2 3 6 4 call4 5" : "2 3 6 4 call4 5");
    rests();
    ck_assert_uint_eq(facts_of(queue).reserved, 0);
    write_ends(queue);
    ck_assert_record("queue1 queue2 queue3 queue6 queue4 queue5");
    close_queue(queue);
    peer_end(&peer);
}

START_TEST(own_completions_do_not_wait_behind_those_of_other_loops)
{
    bool once = _i;

    own_ends_behind_others(once);
}
END_TEST

/* The completion of this loop's own operation passes emissions that wait for room. Emissions after
   this completion must still wait. */
START_TEST(emissions_wait_behind_an_own_completion)
{
    struct tocsin_queue queue;
    struct tocsin_op op;
    struct peer peer;

    ck_assert_int_eq(
        tocsin_connect("op.done",
                       &(struct tocsin_action){ .fn = write_end, .arg = "", .priority = 1 }, NULL),
        0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    queue = open_queue("op.done", 0, 2, 0);
    peer_begin(&peer);
    ends_arrive(&peer, 1, 2);
    turns();
    ck_assert_int_eq(tocsin_op_complete(op, 3, NULL), 0);
    turns();
    ends_arrive(&peer, 4, 5);
    turns();
    ck_assert_record("1 2 3");
    ck_assert_int_eq(tocsin_pending_count("op.done"), 2);
    rests();
    write_ends(queue);
    ck_assert_record("queue1 queue2 queue3 4 5 queue4 queue5");
    close_queue(queue);
    peer_end(&peer);
}
END_TEST

/* A handler opens a queue while pending emissions are delivered. The new queue must reserve entries
   only for completions that are not delivered yet. */
static int open_another(const struct tocsin_info *info, void *arg)
{
    struct tocsin_queue *queue = arg;

    if (info->status >= 2 && !queue->id)
        *queue = open_queue("op.done", 0, 100, 0);
    return write_end(info, "");
}

START_TEST(a_queue_is_opened_during_a_flush)
{
    bool is_blocked = _i;
    struct tocsin_queue queue, another = { 0 };
    struct tocsin_op op;
    struct peer peer;

    connect_to("op.done", open_another, &another);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    queue = open_queue("op.done", 0, 2, 0);
    peer_begin(&peer);
    ends_arrive(&peer, 1, 3);
    turns();
    if (is_blocked)
        mask = block("op.done");
    ck_assert_int_eq(tocsin_op_complete(op, 4, NULL), 0);
    turns();
    if (is_blocked)
        unblock(mask);
    ck_assert_record("1 2 3 4");
    ck_assert_uint_eq(facts_of(another).reserved, 0);
    write_ends(another);
    ck_assert_record("queue3 queue4");
    ck_assert_uint_eq(facts_of(queue).entries, 4);
    close_queue(queue);
    close_queue(another);
    peer_end(&peer);
}
END_TEST

static int free_it(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    tocsin_loop_free();
    return TOCSIN_NEXT;
}

/* A handler of tocsin.queue.full frees the loop. */
START_TEST(a_handler_of_queue_full_frees_the_loop)
{
    struct tocsin_op op;

    for (int i = 0; i < 3; i++) {
        open_queue("take.a, op.done", 0, 1, 0);
        connect_to("tocsin.queue.full", free_it, NULL);
        ck_assert_int_eq(emit(a, 1), TOCSIN_DELIVERED);
        if (i == 0)
            ck_assert_int_eq(emit(a, 2), -EAGAIN);
        if (i == 1)
            ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), -EAGAIN);
        if (i == 2) {
            mask = block("take.a");
            ck_assert_int_eq(emit(a, 2), TOCSIN_PENDED);
            unblock(mask);
            ck_assert_int_eq(emit(a, 3), -EAGAIN);
        }
        ck_assert_uint_eq(tocsin_loop_current().id, 0);
    }
}
END_TEST

/* Each allocation fails in turn. Each emission must be taken once, delivered once, or refused when
   it was emitted. */
static int handled;

static int count_handled(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    handled++;
    return TOCSIN_NEXT;
}

static int taken(struct tocsin_queue queue)
{
    int count = 0;

    while (tocsin_id_error(queue.id) == 0 && tocsin_queue_wait(queue, 0, NULL) == 0)
        count++;
    return count;
}

static void job(void)
{
    struct tocsin_queue take, plain;
    bool listens, blocked;
    int pended = 0, err;

    handled = 0;
    listens = tocsin_connect("take.*", &(struct tocsin_action){ .fn = count_handled }, NULL) == 0;
    tocsin_queue_open("take.*", &(struct tocsin_queue_options){ .flags = TOCSIN_TAKE, .limit = 40 },
                      &take);
    blocked = tocsin_block("take.*", &mask) == 0;
    for (int i = 0; i < 40; i++) {
        err = emit(i % 2 ? a : b, i);
        ck_assert(err == -ENOMEM || err == -ENODEV || err == (blocked ? TOCSIN_PENDED : err));
        pended += err == TOCSIN_PENDED;
    }
    if (tocsin_id_error(take.id) == 0 && blocked) {
        ck_assert_int_eq(tocsin_queue_wait(take, 0, NULL), 0);
        ck_assert_int_eq(tocsin_pending_count("take.*"), --pended);
        ck_assert_int_eq(tocsin_unblock(mask), 0);
        ck_assert_int_eq(taken(take) + (int)facts_of(take).missed, pended);
        ck_assert_int_eq(handled, listens ? (int)facts_of(take).missed : 0);
    } else if (blocked) {
        ck_assert_int_eq(tocsin_unblock(mask), 0);
    }
    tocsin_queue_open("take.a", &(struct tocsin_queue_options){ .limit = 1 }, &plain);
    emit(a, 1), emit(a, 2);
    tocsin_loop_free();
    ck_assert_int_eq(refs, 0);
}

START_TEST(full_queues_without_memory)
{
    begin();
    tocsin_loop_free();
    each_in_turn("style/queue_limits", job);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/queue_limits");
    TCase *tests = test_case(suite, "full queues"), *faults = test_case(suite, "faults");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_full_queue_refuses_emissions);
    tcase_add_test(tests, queue_full_once_for_each_overflow);
    tcase_add_test(tests, the_limit_in_bytes);
    tcase_add_test(tests, pending_emissions_are_bounded);
    tcase_add_test(tests, a_flush_stops_at_a_full_queue);
    tcase_add_test(tests, closed_while_others_wait_for_room);
    tcase_add_test(tests, a_flush_stops_for_bytes);
    tcase_add_test(tests, full_TAKE_queues);
    tcase_add_test(tests, ignored_while_waiting_for_room);
    tcase_add_test(tests, coalesced_while_waiting_for_room);
    tcase_add_test(tests, the_loop_is_freed_while_waiting_for_room);
    tcase_add_test(tests, a_full_queue_accepts_reserved_completions);
    tcase_add_loop_test(tests, own_completions_do_not_wait_behind_those_of_other_loops, 0, 2);
    tcase_add_test(tests, emissions_wait_behind_an_own_completion);
    tcase_add_loop_test(tests, a_queue_is_opened_during_a_flush, 0, 2);
    tcase_add_test(tests, a_handler_of_queue_full_frees_the_loop);
    tcase_set_timeout(faults, 60);
    tcase_add_test(faults, full_queues_without_memory);
    return suite;
}
