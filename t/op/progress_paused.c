/* Contract lines O2 and O9: an operation reports progress whose signal is blocked or ignored. If
   only handlers want the progress, the operation must pause. If the operation has a notify function
   for progress, the operation must continue. */
#include <poll.h>
#include <unistd.h>

#include "text_operations.h"

/* Tests: an operation of a provider reports parts of its progress */

static int part(struct tocsin_op op, const char *text)
{
    int result = tocsin_op_progress(
        op, 0, TOCSIN_PAYLOAD(text, .text = text, .object = { &refs, &shared }), 0);

    turns();
    return result;
}

static int write_part(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(info->code, TOCSIN_PROGRESS);
    record("%s%s", (const char *)arg, text_of(info)->text);
    return TOCSIN_NEXT;
}

static void end(struct tocsin_op op)
{
    done(op, 0);
    drain_all();
    ck_assert_int_eq(refs, 0);
}

/* Only handlers want the progress, and its signal is blocked. The part must be refused, the
   operation must pause, and nothing must be copied. */
START_TEST(progress_of_handlers_alone_pauses)
{
    struct tocsin_op op = start(&text_type, NULL);

    hear_from(op, "pended.part", write_part, "");
    ck_assert_int_eq(part(op, "a"), 1);
    mask = block("pended.part");
    ck_assert_int_eq(tocsin_op_wanted(op, 0), 0);
    ck_assert_int_eq(part(op, "b"), -EAGAIN);
    ck_assert_int_eq(refs, 0);
    ck_assert_int_eq(resumed, 0);
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
    unblock(mask);
    /* the provider's resume function was not called yet: the loop calls it in a later turn */
    ck_assert_int_eq(resumed, 0);
    turns();
    ck_assert_int_eq(resumed, 1);
    ck_assert_int_eq(part(op, "b"), 1);
    ck_assert_record("a b");
    end(op);
}
END_TEST

/* The operation has a notify function for each part, and the signal is blocked. The notify function
   must be called at once. For the handlers, a copy of the part becomes pending, while the limit of
   pending emissions allows it. */
START_TEST(progress_with_a_notify_continues)
{
    struct tocsin_op op = start(&text_type, TOCSIN_EACH(write_part, "each"));

    connect_to("pended.part", write_part, "");
    mask = block("pended.part");
    for (int i = 0; i < LIMIT; i++)
        ck_assert_int_eq(part(op, &"abcd"[i]), 1);
    ck_assert_record("eachabcd eachbcd eachcd eachd");
    ck_assert_int_eq(refs, LIMIT);
    ck_assert_int_eq(part(op, "e"), -EAGAIN);
    ck_assert_int_eq(refs, LIMIT);
    turns();
    ck_assert_int_eq(resumed, 0);
    unblock(mask);
    ck_assert_record("abcd bcd cd d");
    turns();
    ck_assert_int_eq(resumed, 1);
    ck_assert_int_eq(part(op, "e"), 1);
    ck_assert_record("e eache");
    end(op);
}
END_TEST

START_TEST(room_for_progress_is_made)
{
    struct tocsin_queue take = open_queue("pended.part", 0, TOCSIN_TAKE);
    struct tocsin_op op = start(&text_type, TOCSIN_EACH(write_part, "each"));

    mask = block("pended.part");
    while (part(op, "a") == 1)
        ;
    ck_assert_int_eq(tocsin_pending_count(NULL), LIMIT);
    record_take();
    resumed = 0;
    ck_assert_int_eq(tocsin_queue_wait(take, 0, NULL), 0);
    turns();
    ck_assert_int_eq(resumed, 1);
    ck_assert_int_eq(part(op, "b"), 1);
    ck_assert_int_eq(part(op, "c"), -EAGAIN);
    ck_assert_int_eq(tocsin_ignore("pended.part"), 0);
    turns();
    ck_assert_int_eq(resumed, 2);
    ck_assert_int_eq(part(op, "d"), 1);
    ck_assert_record("eachb eachd");
    unblock(mask);
    close_queue(take);
    end(op);
}
END_TEST

START_TEST(progress_into_a_queue_continues)
{
    struct tocsin_queue queue = open_queue(NULL, 3, 0);
    struct tocsin_op op = start(&text_type, TOCSIN_QUEUE(queue));

    connect_to("pended.part", write_part, "");
    mask = block("pended.part");
    ck_assert_int_eq(part(op, "a"), 1);
    ck_assert_int_eq(part(op, "b"), 1);
    /* part() returns -EAGAIN, since the last entry is reserved for the completion */
    ck_assert_int_eq(part(op, "c"), -EAGAIN);
    write_queue(queue, "queue");
    ck_assert_record("queue0 queue0");
    ck_assert_int_eq(tocsin_pending_count(NULL), 2);
    unblock(mask);
    ck_assert_record("a b");
    end(op);
    close_queue(queue);
}
END_TEST

START_TEST(ignored_progress_pauses)
{
    struct tocsin_op each = start(&text_type, TOCSIN_EACH(write_part, "each")),
                     alone = start(&text_type, NULL);

    connect_to("pended.part", write_part, "");
    ck_assert_int_eq(tocsin_ignore("pended.part"), 0);
    ck_assert_int_eq(part(alone, "a"), -EAGAIN);
    ck_assert_int_eq(part(each, "b"), 1);
    ck_assert_record("eachb");
    ck_assert_int_eq(tocsin_pending_count(NULL) + refs, 0);
    resumed = 0;
    ck_assert_int_eq(tocsin_unignore("pended.part"), 0);
    turns();
    ck_assert_int_eq(resumed, 1);
    ck_assert_int_eq(part(alone, "a"), 1);
    ck_assert_record("a");
    done(each, 0);
    end(alone);
}
END_TEST

/* The mask of a handler blocks the progress signal. The handler itself reports progress, which must
   be refused. */
static int offer(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_int_eq(
        tocsin_op_progress(*(struct tocsin_op *)arg, 0, TOCSIN_PAYLOAD(text, .text = "a"), 0),
        -EAGAIN);
    return TOCSIN_NEXT;
}

START_TEST(progress_under_the_mask_of_a_handler)
{
    struct tocsin_op op = start(&text_type, NULL);

    connect_to("pended.part", write_part, "");
    ck_assert_int_eq(
        tocsin_connect("op.done",
                       &(struct tocsin_action){ .fn = offer, .arg = &op, .mask = "pended.*" },
                       NULL),
        0);
    done(promise(NULL), 0);
    turns();
    ck_assert_int_eq(resumed, 1);
    ck_assert_int_eq(part(op, "a"), 1);
    ck_assert_record("a");
    end(op);
}
END_TEST

/* A part of the progress is accepted, and its signal is blocked before the delivery. The part
   becomes pending, and the completion must be delivered after it. */
static void held(bool ignored)
{
    struct tocsin_op op = start(&text_type, TOCSIN_FUTURE),
                     given_up = start(&text_type, TOCSIN_FUTURE);

    ck_assert_int_eq(
        tocsin_op_progress(op, 0,
                           TOCSIN_PAYLOAD(text, .text = "held", .object = { &refs, &shared }), 0),
        1);
    ck_assert_int_eq(tocsin_op_progress(given_up, 0, TOCSIN_PAYLOAD(text, .text = "lost"), 0), 1);
    mask = block("**");
    if (ignored)
        ck_assert_int_eq(tocsin_ignore("pended.part"), 0);
    done(op, 1), done(given_up, 1);
    turns();
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    /* The time limit of this wait is 0. The wait discards the pending part of the progress, on
       which the completion waited, and returns the status of the operation. */
    ck_assert_int_eq(tocsin_wait(given_up, 0, NULL), 1);
    ck_assert_int_eq(refs, 1);
    unblock(mask);
    if (ignored) {
        turns();
        ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
        ck_assert_int_eq(tocsin_unignore("pended.part"), 0);
    }
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 1);
    ck_assert_record("held");
    ck_assert_int_eq(refs, 0);
}

START_TEST(accepted_progress_precedes_the_completion)
{
    connect_to("pended.part", write_part, "");
    held(false);
    held(true);
}
END_TEST

/* The limit leaves room for one part. The part of the first operation is pending, so the second
   operation waits for room, and the loop sleeps. There is room again when the part is unblocked,
   taken or ignored. */
enum room { UNBLOCKED, TAKEN, IGNORED, ROOMS };

static void make_room(enum room room, struct tocsin_queue take)
{
    if (room == UNBLOCKED)
        unblock(mask);
    else if (room == TAKEN)
        ck_assert_int_eq(tocsin_queue_wait(take, 0, NULL), 0);
    else
        ck_assert_int_eq(tocsin_ignore("pended.part"), 0);
}

START_TEST(progress_waits_for_room)
{
    struct tocsin_queue take = open_queue("pended.part", 0, TOCSIN_TAKE);
    struct tocsin_op one = start(&text_type, TOCSIN_EACH(write_part, "one")),
                     other = start(&text_type, TOCSIN_EACH(write_part, "other"));

    mask = block("pended.part");
    for (int i = 1; i < LIMIT; i++)
        ck_assert_int_eq(part(one, ""), 1);
    record_take();
    ck_assert_int_eq(tocsin_op_progress(one, 0, TOCSIN_PAYLOAD(text, .text = "a"), 0), 1);
    ck_assert_int_eq(tocsin_op_progress(other, 0, TOCSIN_PAYLOAD(text, .text = "b"), 0), 1);
    turns();
    ck_assert_record("onea");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_loop_turn(0), 0);
    make_room((enum room)_i, take);
    turns();
    ck_assert_record("otherb");
    if (_i != UNBLOCKED)
        unblock(mask);
    close_queue(take);
    done(one, 0);
    end(other);
    record_take();
}
END_TEST

START_TEST(accepted_progress_is_pending_behind_a_block)
{
    struct tocsin_op op = start(&text_type, TOCSIN_EACH(write_part, "each"));

    connect_to("pended.part", write_part, "");
    ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "a"), 0), 1);
    mask = block("pended.part");
    end(op);
    ck_assert_record("eacha");
    unblock(mask);
    ck_assert_record("a");
}
END_TEST

/* A periodic timer ticks while its signal is blocked. The pending ticks must coalesce into one. */

static int write_tick(const struct tocsin_info *info, void *arg)
{
    record("%s+%u", (const char *)arg, info->overrun);
    return TOCSIN_NEXT;
}

static void stop_timers(struct tocsin_op one, struct tocsin_op other)
{
    ck_assert_int_eq(tocsin_cancel(one) | tocsin_cancel(other), 0);
    drain_all();
}

START_TEST(ticks_are_merged)
{
    struct tocsin_op each, alone;

    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_every(10, TOCSIN_EACH(write_tick, "each"), &each), 0);
    ck_assert_int_eq(tocsin_every(10, NULL, &alone), 0);
    hear_from(each, "timer.ticked", write_tick, "a");
    hear_from(alone, "timer.ticked", write_tick, "b");
    mask = block("timer.ticked");
    ck_assert_int_eq(tocsin_clock_move(40), 0);
    ck_assert_record("each+0 each+0 each+0 each+0");
    ck_assert_int_eq(tocsin_pending_count(NULL), 2);
    unblock(mask);
    ck_assert_record("a+3 b+3");
    ck_assert_int_eq(tocsin_clock_move(10), 0);
    ck_assert_record("a+0 each+0 b+0");
    stop_timers(each, alone);
}
END_TEST

START_TEST(ticks_are_ignored)
{
    struct tocsin_op each, alone;

    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_every(10, TOCSIN_EACH(write_tick, "each"), &each), 0);
    ck_assert_int_eq(tocsin_every(10, NULL, &alone), 0);
    connect_to("timer.ticked", write_tick, "");
    ck_assert_int_eq(tocsin_ignore("timer.*"), 0);
    ck_assert_int_eq(tocsin_clock_move(30), 0);
    ck_assert_record("each+0 each+0 each+0");
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
    ck_assert_int_eq(tocsin_unignore("timer.*"), 0);
    ck_assert_int_eq(tocsin_clock_move(10), 0);
    ck_assert_record("+0 each+0 +3");
    stop_timers(each, alone);
}
END_TEST

/* A watch has a descriptor that is always readable, and only handlers want its events. While the
   signal is blocked, the loop must not poll the descriptor. */

static bool readable(int fd)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    return poll(&polled, 1, 0) == 1;
}

static void watch_quietly(int fd)
{
    int before = told.count;

    turns();
    ck_assert(!readable(fd));
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.count, before);
}

static void watch_each(struct told *each, int pended)
{
    int before = told.count;

    turns_until(&each->count, each->count + 5);
    ck_assert_int_eq(told.count, before);
    ck_assert_int_eq(tocsin_pending_count("fd.ready"), pended);
}

static void watch(struct told *each, bool ignored)
{
    int ends[2], fd = tocsin_loop_fd();
    struct tocsin_op op;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, each ? TOCSIN_EACH(tell, each) : NULL, &op), 0);
    turns_until(&told.count, told.count + 3);
    if (ignored)
        ck_assert_int_eq(tocsin_ignore("fd.ready"), 0);
    else
        mask = block("fd.ready");
    if (each)
        watch_each(each, !ignored);
    else
        watch_quietly(fd);
    if (ignored)
        ck_assert_int_eq(tocsin_unignore("fd.ready"), 0);
    else
        unblock(mask);
    ck_assert(readable(fd));
    turns_until(&told.count, told.count + 3);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    drain_all();
    close(ends[0]);
    close(ends[1]);
}

START_TEST(watches_pause_while_blocked_or_ignored)
{
    struct told each = { .count = 0 };

    connect_to("fd.ready", tell, &told);
    for (int ignored = 0; ignored < 2; ignored++) {
        watch(NULL, ignored);
        watch(&each, ignored);
    }
}
END_TEST

/* The program polls the loop's descriptor in its own poll loop. The descriptor must become readable
   when a listener wants the progress of a paused operation again. */
START_TEST(wanted_progress_wakes_a_foreign_loop)
{
    struct tocsin_queue take = open_queue("pended.part", 0, TOCSIN_TAKE);
    struct tocsin_op op = start(&text_type, TOCSIN_EACH(write_part, "")), alone;
    int fd = tocsin_loop_fd();

    mask = block("pended.part");
    while (part(op, "") == 1)
        ;
    ck_assert(!readable(fd));
    ck_assert_int_eq(tocsin_queue_wait(take, 0, NULL), 0);
    ck_assert(readable(fd));
    turns();
    ck_assert(!readable(fd));
    while (part(op, "") == 1)
        ;
    ck_assert_int_eq(tocsin_ignore("pended.part"), 0);
    ck_assert(readable(fd));
    turns();
    unblock(mask);
    turns();
    alone = start(&text_type, NULL);
    ck_assert_int_eq(part(alone, ""), -EAGAIN);
    ck_assert(!readable(fd));
    ck_assert_int_eq(tocsin_unignore("pended.part"), 0);
    ck_assert(readable(fd));
    done(alone, 0);
    close_queue(take);
    end(op);
    record_take();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/progress_paused");
    TCase *tests = test_case(suite, "paused progress");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, progress_of_handlers_alone_pauses);
    tcase_add_test(tests, progress_with_a_notify_continues);
    tcase_add_test(tests, room_for_progress_is_made);
    tcase_add_test(tests, progress_into_a_queue_continues);
    tcase_add_test(tests, ignored_progress_pauses);
    tcase_add_test(tests, progress_under_the_mask_of_a_handler);
    tcase_add_test(tests, accepted_progress_precedes_the_completion);
    tcase_add_loop_test(tests, progress_waits_for_room, 0, ROOMS);
    tcase_add_test(tests, accepted_progress_is_pending_behind_a_block);
    tcase_add_test(tests, ticks_are_merged);
    tcase_add_test(tests, ticks_are_ignored);
    tcase_add_test(tests, watches_pause_while_blocked_or_ignored);
    tcase_add_test(tests, wanted_progress_wakes_a_foreign_loop);
    return suite;
}
