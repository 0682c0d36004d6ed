/* Tests each form of notify (struct tocsin_notify) with each kind of operation. The notify function
   must be called as the header says. If the notify function could never be called, the start must
   fail. The operations belong to the library or to a provider, with or without progress, and with
   or without TOCSIN_PERSISTENT. */
#include <poll.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "handlers.h"

#define TICK(F) F(u64, number)
TOCSIN_LAYOUT(tick, TICK);

static const struct tocsin_signal_spec ticked = { .name = "try.ticked",
                                                  .doc = "A tick.",
                                                  .layout = &tick_layout };
static const struct tocsin_signal_spec ended = { .name = "try.ended", .doc = "An end." };
static int ends[2];

static int end_it(struct tocsin_op op, void *state, int reason)
{
    (void)state;
    return tocsin_op_complete(op, reason, NULL);
}

static const struct tocsin_op_type plain = { .done = &ended, .cancel = end_it };
static const struct tocsin_op_type ticking = { .done = &ended,
                                               .progress = { &ticked },
                                               .cancel = end_it };
static const struct tocsin_op_type standing = { .done = &ended,
                                                .cancel = end_it,
                                                .flags = TOCSIN_PERSISTENT };
static const struct tocsin_op_type both = {
    .done = &ended, .progress = { &ticked }, .cancel = end_it, .flags = TOCSIN_PERSISTENT
};

static int no_task(void *arg)
{
    (void)arg;
    return 0;
}

static int provided(const struct tocsin_op_type *type, const struct tocsin_notify *notify,
                    struct tocsin_op *ret_op)
{
    struct tocsin_op op;
    int err = tocsin_op_new(type, notify, &op);

    err = tocsin_op_start(op, err, ret_op);
    if (err == 0 && type->progress[0])
        tocsin_op_progress(*ret_op, 0, TOCSIN_PAYLOAD(tick, .number = 1), 0);
    return err;
}

static int timer(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return tocsin_timer(0, notify, op);
}
static int every(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return tocsin_every(1, notify, op);
}
static int watch(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return tocsin_watch(ends[0], POLLIN, notify, op);
}
static int work(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return tocsin_work(no_task, NULL, notify, op);
}
static int spawn(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return tocsin_spawn(no_task, NULL, notify, op);
}
static int all(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return tocsin_all(NULL, 0, notify, op);
}
static int promise(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return tocsin_op_new(NULL, notify, op);
}
static int of_plain(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return provided(&plain, notify, op);
}
static int of_ticking(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return provided(&ticking, notify, op);
}
static int of_standing(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return provided(&standing, notify, op);
}
static int of_both(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    return provided(&both, notify, op);
}

static struct tocsin_op winner;

static int any(const struct tocsin_notify *notify, struct tocsin_op *op)
{
    int err = tocsin_op_new(NULL, TOCSIN_FUTURE, &winner);

    if (err == 0)
        err = tocsin_op_complete(winner, 0, NULL);
    return err < 0 ? err : tocsin_any(&winner, 1, notify, op);
}

static const struct {
    const char *name;
    int (*start)(const struct tocsin_notify *notify, struct tocsin_op *op);
    bool progresses, stands;
} kinds[] = {
    { "timer", timer, false, false },
    { "every", every, true, true },
    { "watch", watch, true, true },
    { "work", work, false, false },
    { "fiber", spawn, false, false },
    { "all", all, false, false },
    { "any", any, false, false },
    { "promise", promise, false, false },
    { "plain", of_plain, false, false },
    { "ticking", of_ticking, true, false },
    { "standing", of_standing, false, true },
    { "both", of_both, true, true },
};

static int ticks, finals;

static int count(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    *(info->code == TOCSIN_DONE ? &finals : &ticks) += 1;
    return TOCSIN_NEXT;
}

/* Starts an operation, lets it report progress, cancels it, and waits for its completion. */
static int run_with(int kind, const struct tocsin_notify *notify)
{
    struct tocsin_op op;
    int err = kinds[kind].start(notify, &op);

    ticks = finals = 0;
    if (err < 0)
        return err;
    for (int i = 0; i < 5; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    tocsin_cancel(op);
    while (!(notify->mode & TOCSIN_KEEP) && tocsin_op_status(op) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    return err;
}

START_TEST(a_CALL_function_is_called_at_the_end)
{
    ck_assert_int_eq(run_with(_i, TOCSIN_CALL(count)), 0);
    ck_assert_int_eq(finals, 1);
    ck_assert_int_eq(ticks, 0);
}
END_TEST

START_TEST(an_EACH_function_is_called_at_progress_or_refused)
{
    int err = run_with(_i, TOCSIN_EACH(count));

    ck_assert_int_eq(err, kinds[_i].progresses ? 0 : -EINVAL);
    ck_assert_int_eq(finals, 0);
    ck_assert_msg((ticks > 0) == kinds[_i].progresses, "%s: %d ticks", kinds[_i].name, ticks);
}
END_TEST

START_TEST(a_BOTH_function_is_called_at_progress_and_the_end)
{
    ck_assert_int_eq(run_with(_i, TOCSIN_BOTH(count)), 0);
    ck_assert_int_eq(finals, 1);
    ck_assert_msg((ticks > 0) == kinds[_i].progresses, "%s: %d ticks", kinds[_i].name, ticks);
}
END_TEST

START_TEST(a_queue_receives_progress_and_the_end)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;
    int ended_ones = 0, ticked_ones = 0;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    ck_assert_int_eq(run_with(_i, TOCSIN_QUEUE(queue)), 0);
    while (tocsin_queue_wait(queue, 0, &info) == 0) {
        *(info->code == TOCSIN_DONE ? &ended_ones : &ticked_ones) += 1;
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(ended_ones, 1);
    ck_assert_msg((ticked_ones > 0) == kinds[_i].progresses, "%s: %d ticks", kinds[_i].name,
                  ticked_ones);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(a_FUTURE_keeps_the_result_or_is_refused)
{
    struct tocsin_op op;
    int err = kinds[_i].start(TOCSIN_FUTURE, &op);

    ck_assert_int_eq(err, kinds[_i].stands ? -EINVAL : 0);
    ck_assert_int_eq(tocsin_id_error(op.source.id), err);
    if (err < 0)
        return;
    tocsin_cancel(op);
    ck_assert_int_le(tocsin_wait(op, -1, NULL), 0);
}
END_TEST

START_TEST(without_a_notify_only_handlers_are_called)
{
    const struct tocsin_notify none = { .mode = 0 };

    ck_assert_int_eq(run_with(_i, &none), 0);
    ck_assert_int_eq(finals + ticks, 0);
}
END_TEST

static int fails_if_called(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    ck_abort_msg("%s", info->name);
    return TOCSIN_NEXT;
}

/* tocsin_op_notify() replaces the notify of a running operation. From then on only the new notify
   function may be called. */
START_TEST(the_notify_is_replaced_by_a_function)
{
    struct tocsin_op op;

    ticks = finals = 0;
    ck_assert_int_eq(kinds[_i].start(TOCSIN_CALL(fails_if_called), &op), 0);
    ck_assert_int_eq(tocsin_op_notify(op, TOCSIN_BOTH(count)), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    tocsin_cancel(op);
    while (tocsin_op_status(op) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(finals, 1);
    if (kinds[_i].start == every || kinds[_i].start == watch)
        ck_assert_int_gt(ticks, 0);
    ck_assert_int_eq(tocsin_op_notify(op, NULL), -ENOENT);
}
END_TEST

START_TEST(the_notify_is_replaced_by_a_queue_and_by_none)
{
    struct tocsin_queue queue, full;
    struct tocsin_op op, other;
    struct tocsin_info *info;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 1 }, &full),
                     0);
    ck_assert_int_eq(tocsin_timer(60000, TOCSIN_QUEUE(full), &other), 0);
    ck_assert_int_eq(tocsin_timer(60000, TOCSIN_CALL(fails_if_called), &op), 0);
    ck_assert_int_eq(tocsin_op_notify(op, TOCSIN_QUEUE(full)), -EAGAIN);
    ck_assert_int_eq(tocsin_op_notify(op, TOCSIN_EACH(count)), -EINVAL);
    ck_assert_int_eq(tocsin_op_notify(op, TOCSIN_QUEUE(queue)), 0);
    /* the operation gives up its reserved entry in the queue */
    ck_assert_int_eq(tocsin_op_notify(other, NULL), 0);
    ck_assert_int_eq(tocsin_op_notify(op, TOCSIN_QUEUE(full)), 0);
    tocsin_cancel(op);
    ck_assert_int_eq(tocsin_queue_wait(full, -1, &info), 0);
    ck_assert_int_eq(info->status, -ECANCELED);
    tocsin_info_unref(info);
    ck_assert_int_lt(tocsin_queue_wait(queue, 0, &info), 0);
    tocsin_cancel(other);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_queue_close(full), 0);
    drain_all();
}
END_TEST

START_TEST(the_notify_is_replaced_by_a_future)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(0, NULL, &op), 0);
    ck_assert_int_eq(tocsin_op_notify(op, TOCSIN_FUTURE), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
}
END_TEST

static void begin(void)
{
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
}

static void end(void)
{
    close(ends[0]);
    close(ends[1]);
}

static void drop_winner(void)
{
    tocsin_loop_turn(0);
    tocsin_op_free(winner);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/notify");
    TCase *tests = test_case(suite, "forms of notify");
    const int count_of = sizeof kinds / sizeof kinds[0];

    tcase_add_unchecked_fixture(tests, begin, end);
    tcase_add_checked_fixture(tests, NULL, drop_winner);
    tcase_add_loop_test(tests, a_CALL_function_is_called_at_the_end, 0, count_of);
    tcase_add_loop_test(tests, an_EACH_function_is_called_at_progress_or_refused, 0, count_of);
    tcase_add_loop_test(tests, a_BOTH_function_is_called_at_progress_and_the_end, 0, count_of);
    tcase_add_loop_test(tests, a_queue_receives_progress_and_the_end, 0, count_of);
    tcase_add_loop_test(tests, a_FUTURE_keeps_the_result_or_is_refused, 0, count_of);
    tcase_add_loop_test(tests, without_a_notify_only_handlers_are_called, 0, count_of);
    tcase_add_loop_test(tests, the_notify_is_replaced_by_a_function, 0, count_of);
    tcase_add_test(tests, the_notify_is_replaced_by_a_queue_and_by_none);
    tcase_add_test(tests, the_notify_is_replaced_by_a_future);
    return suite;
}
