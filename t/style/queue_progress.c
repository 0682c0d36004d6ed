/* Tests queues that receive the progress of an operation. Each part of the progress must be
   delivered once and in order. A full queue must pause the operation, and a free entry must resume
   it. */
#include <tocsin/provider.h>

#include "handlers.h"

#define PART_TOLD(F) F(u32, number)
TOCSIN_LAYOUT(part_told, PART_TOLD);

struct parts {
    struct part_told part;
    struct tocsin_op op;
    unsigned made, most;
    int resumed, refused;
};

static struct told told;
static int note;

static int parts_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)state;
    return tocsin_op_complete(op, reason, NULL);
}

/* Reports parts until a part is refused, which pauses the operation. When all parts are reported,
   completes the operation. */
static void parts_make(struct tocsin_op op, void *state)
{
    struct parts *parts = state;
    int answer = 1;

    while (parts->made < parts->most && answer == 1) {
        answer = tocsin_op_wanted(op, 0);
        if (answer == 1) {
            parts->part.number = parts->made;
            answer = tocsin_op_progress(op, 0, &parts->part.tocsin, 0);
            ck_assert_int_eq(answer, 1);
            parts->made++;
        }
    }
    parts->resumed++;
    if (parts->made == parts->most)
        tocsin_op_complete(op, 0, NULL);
}

static const struct tocsin_signal_spec parts_spec = { .name = "parts.done",
                                                      .doc = "All parts were made." };
static const struct tocsin_signal_spec part_spec = { .name = "part.told",
                                                     .doc = "A part.",
                                                     .layout = &part_told_layout };
static const struct tocsin_op_type parts_type = {
    .done = &parts_spec,
    .progress = { &part_spec },
    .state_size = sizeof(struct parts),
    .cancel = parts_cancel,
    .resume = parts_make,
};

static struct parts *parts_start(unsigned most, const struct tocsin_notify *notify)
{
    struct tocsin_op op;
    struct parts *parts;

    ck_assert_int_eq(tocsin_op_new(&parts_type, notify, &op), 0);
    parts = tocsin_op_state(op);
    parts->part = part_told_make();
    parts->op = op;
    parts->most = most;
    ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
    return parts;
}

static struct tocsin_queue open_queue(const char *pattern, size_t limit)
{
    struct tocsin_queue queue;

    ck_assert_int_eq(
        tocsin_queue_open(pattern, &(struct tocsin_queue_options){ .limit = limit }, &queue), 0);
    return queue;
}

static void turns(int count)
{
    while (count--)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
    ck_assert_int_gt(tocsin_declare(&parts_spec), 0);
    ck_assert_int_gt(tocsin_declare(&part_spec), 0);
}

START_TEST(each_part_is_delivered_once_in_order)
{
    struct tocsin_queue queue = open_queue(NULL, 4);
    struct parts *parts = parts_start(100, TOCSIN_QUEUE(queue));
    struct tocsin_info *info;

    parts_make(parts->op, parts);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        ck_assert_int_eq(info->code, TOCSIN_PROGRESS);
        ck_assert_uint_eq(part_told_of(info)->number, i);
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    ck_assert_int_eq(info->code, TOCSIN_DONE);
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(a_full_queue_pauses_the_operation)
{
    struct tocsin_queue queue = open_queue(NULL, 3);
    struct parts *parts = parts_start(5, TOCSIN_QUEUE(queue));

    parts_make(parts->op, parts);
    turns(10);
    /* two parts were reported, since the third entry of the queue is reserved for the completion */
    ck_assert_uint_eq(parts->made, 2);
    /* this turn does nothing, since the operation is paused */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    turns(5);
    ck_assert_uint_eq(parts->made, 3);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

/* Two operations report progress, and the queue has one entry left. The operation that reports
   first must get the entry. */
START_TEST(two_operations_and_one_free_entry)
{
    /* The queue has three entries: two are for completions, and one is for a part of the
       progress. */
    struct tocsin_queue queue = open_queue(NULL, 3);
    struct parts *one = parts_start(1, TOCSIN_QUEUE(queue)),
                 *other = parts_start(1, TOCSIN_QUEUE(queue));
    struct tocsin_info *info;
    int parts = 0, ends = 0;

    parts_make(one->op, one);
    parts_make(other->op, other);
    while (ends < 2) {
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        parts += info->code == TOCSIN_PROGRESS;
        ends += info->code == TOCSIN_DONE;
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(parts, 2);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static int fill_most;

static int fill(const struct tocsin_info *info, void *arg)
{
    (void)info;
    for (int i = 0; i < fill_most && tocsin_emit(note, NULL) >= 0; i++)
        ++*(int *)arg;
    return TOCSIN_NEXT;
}

/* A handler fills the queue before the part or the completion arrives. The arriving entry was
   reserved, so it must not be lost. */
START_TEST(a_handler_fills_the_queue_before_the_part)
{
    struct tocsin_queue own = open_queue("test.note", 8),
                        set = open_queue("test.note, part.told, parts.done", 20);
    struct tocsin_info *info;
    struct parts *parts;
    int filled = 0, count[TOCSIN_DONE + 1] = { 0 };

    fill_most = 100;
    ck_assert_int_eq(
        tocsin_connect("part.told, parts.done",
                       &(struct tocsin_action){ .fn = fill, .arg = &filled, .priority = 9 }, NULL),
        0);
    parts = parts_start(1, TOCSIN_QUEUE(own));
    parts_make(parts->op, parts);
    drain_all();
    ck_assert_int_gt(filled, 0);
    while (tocsin_queue_wait(own, 0, &info) == 0) {
        count[info->code]++;
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(count[TOCSIN_EMITTED], filled);
    ck_assert_int_eq(count[TOCSIN_PROGRESS], 1);
    ck_assert_int_eq(count[TOCSIN_DONE], 1);
    while (tocsin_queue_wait(set, 0, &info) == 0) {
        count[info->code]++;
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(count[TOCSIN_EMITTED], 2 * filled);
    ck_assert_int_eq(count[TOCSIN_PROGRESS], 2);
    ck_assert_int_eq(count[TOCSIN_DONE], 2);
    ck_assert_int_eq(tocsin_queue_close(own) | tocsin_queue_close(set), 0);
}
END_TEST

/* The ring of the queue has 16 entries at first. A handler that runs earlier fills these
   entries. */
START_TEST(a_completion_never_replaces_another_entry)
{
    struct tocsin_queue set = open_queue("test.note, parts.done", 0);
    struct tocsin_info *info;
    struct parts *parts = parts_start(0, NULL);
    int filled = 0, count = 0, last = 0;

    fill_most = 2;
    for (int i = 0; i < 14; i++)
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(
        tocsin_connect("parts.done",
                       &(struct tocsin_action){ .fn = fill, .arg = &filled, .priority = 9 }, NULL),
        0);
    parts_make(parts->op, parts);
    drain_all();
    for (; tocsin_queue_wait(set, 0, &info) == 0; count++) {
        last = info->code;
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(count, 14 + filled + 1);
    ck_assert_int_eq(last, TOCSIN_DONE);
    ck_assert_int_eq(tocsin_queue_close(set), 0);
}
END_TEST

START_TEST(a_full_queue_pauses_progress_while_it_is_open)
{
    struct tocsin_queue set = open_queue("part.told", 1);
    struct parts *parts = parts_start(3, TOCSIN_EACH(tell, &told));

    parts_make(parts->op, parts);
    turns(10);
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_queue_wait(set, 0, NULL), 0);
    turns(10);
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(tocsin_queue_close(set), 0);
    turns(10);
    ck_assert_int_eq(told.count, 3);
}
END_TEST

START_TEST(a_failed_start_releases_its_entry)
{
    struct tocsin_queue queue = open_queue(NULL, 2);
    struct parts *parts = parts_start(1, TOCSIN_QUEUE(queue));
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(&parts_type, TOCSIN_QUEUE(queue), &op), 0);
    parts_make(parts->op, parts);
    turns(5);
    ck_assert_uint_eq(parts->made, 0);
    ck_assert_int_eq(tocsin_op_start(op, -EIO, NULL), -EIO);
    turns(5);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(entries_of_parts_are_released)
{
    struct tocsin_queue queue = open_queue(NULL, 2);
    struct parts *parts;
    struct tocsin_op op;

    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(tocsin_op_new(&parts_type, TOCSIN_QUEUE(queue), &op), 0);
        parts = tocsin_op_state(op);
        parts->part = part_told_make();
        ck_assert_int_eq(tocsin_op_progress(op, 0, &parts->part.tocsin, 0), 1);
        /* tocsin_op_start() returns -EIO: the start failed, so the part that it reported is not
           delivered */
        ck_assert_int_eq(tocsin_op_start(op, -EIO, NULL), -EIO);
        turns(3);
    }
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), -ETIMEDOUT);
    parts = parts_start(1, TOCSIN_QUEUE(queue));
    parts_make(parts->op, parts);
    drain_all();
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

/* The handler is disconnected before the last part is delivered. The part must wait for a new
   listener, and the completion must wait behind the part. */
static struct parts *hold_the_last(const struct tocsin_notify *notify)
{
    struct tocsin_handler handler;
    struct parts *parts = parts_start(1, notify);

    ck_assert_int_eq(
        tocsin_connect("part.told", &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
        0);
    parts_make(parts->op, parts);
    ck_assert_uint_eq(parts->made, 1);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    turns(5);
    ck_assert_int_eq(told.count, 0);
    /* this turn does nothing, since the last part waits for a listener */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    return parts;
}

START_TEST(the_last_part_waits_for_a_listener)
{
    struct parts *parts = hold_the_last(TOCSIN_CALL(tell, &told));

    (void)parts;
    connect_to("part.told", tell, &told);
    turns(3);
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(told.code, TOCSIN_DONE);
    ck_assert_int_eq(told.status, 0);
}
END_TEST

START_TEST(the_last_part_waits_until_a_cancel)
{
    struct tocsin_op op = hold_the_last(TOCSIN_CALL(tell, &told))->op;

    /* tocsin_cancel() returns -EALREADY, since the operation has completed already */
    ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, 0);
}
END_TEST

START_TEST(the_last_part_waits_until_the_deadline)
{
    struct tocsin_op op = hold_the_last(TOCSIN_FUTURE)->op;

    ck_assert_int_eq(tocsin_wait(op, 1, NULL), 0);
}
END_TEST

START_TEST(the_last_part_waits_until_a_drain_or_free)
{
    hold_the_last(TOCSIN_CALL(tell, &told));
    ck_assert_int_eq(tocsin_drain(1), 0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
    ck_assert_int_eq(told.count, 1);
    told.count = 0;
    hold_the_last(TOCSIN_CALL(tell, &told));
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

START_TEST(the_last_part_waits_until_a_failure)
{
    struct tocsin_handler handler;
    struct parts *parts = parts_start(2, TOCSIN_CALL(tell, &told));

    ck_assert_int_eq(
        tocsin_connect("part.told", &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
        0);
    parts_make(parts->op, parts);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    turns(3);
    ck_assert_int_eq(tocsin_op_complete(parts->op, -EIO, NULL), 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, -EIO);
}
END_TEST

START_TEST(a_full_queue_holds_the_last_part)
{
    struct tocsin_queue set = open_queue("part.told, test.note", 1);
    struct parts *parts = parts_start(1, TOCSIN_CALL(tell, &told));

    parts_make(parts->op, parts);
    ck_assert_uint_eq(parts->made, 1);
    /* the emission is accepted, and gets the entry that has become free */
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    turns(5);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_queue_wait(set, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_wait(set, -1, NULL), 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(tocsin_queue_close(set), 0);
}
END_TEST

START_TEST(the_queue_is_closed_while_a_part_waits)
{
    struct tocsin_queue queue = open_queue(NULL, 4);
    struct parts *parts = parts_start(2, TOCSIN_QUEUE(queue));

    parts_make(parts->op, parts);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    turns(5);
    /* one part was reported: the provider is not asked for a further part */
    ck_assert_uint_eq(parts->made, 1);
    connect_to("part.told", tell, &told);
    turns(5);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/queue_progress");
    TCase *tests = test_case(suite, "progress");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, each_part_is_delivered_once_in_order);
    tcase_add_test(tests, a_full_queue_pauses_the_operation);
    tcase_add_test(tests, two_operations_and_one_free_entry);
    tcase_add_test(tests, a_handler_fills_the_queue_before_the_part);
    tcase_add_test(tests, a_completion_never_replaces_another_entry);
    tcase_add_test(tests, a_full_queue_pauses_progress_while_it_is_open);
    tcase_add_test(tests, a_failed_start_releases_its_entry);
    tcase_add_test(tests, entries_of_parts_are_released);
    tcase_add_test(tests, the_last_part_waits_for_a_listener);
    tcase_add_test(tests, the_last_part_waits_until_a_cancel);
    tcase_add_test(tests, the_last_part_waits_until_the_deadline);
    tcase_add_test(tests, the_last_part_waits_until_a_drain_or_free);
    tcase_add_test(tests, the_last_part_waits_until_a_failure);
    tcase_add_test(tests, a_full_queue_holds_the_last_part);
    tcase_add_test(tests, the_queue_is_closed_while_a_part_waits);
    return suite;
}
