/* tocsin_all() creates an operation that ends when all of several operations have ended.
   tocsin_any() creates an operation that ends when one of them has ended. */
#include <tocsin/provider.h>

#include "futures.h"
#include "handlers.h"

static struct told told;

static void complete(struct tocsin_op op, int status)
{
    ck_assert_int_eq(tocsin_op_complete(op, status, NULL), 0);
}

static void promises(struct tocsin_op *ops, int count)
{
    for (int i = 0; i < count; i++)
        ops[i] = promise();
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
}

START_TEST(all_ends_with_the_last_member)
{
    const struct tocsin_all_done *done;
    struct tocsin_info *info;
    struct tocsin_op ops[3], all;

    promises(ops, 3);
    complete(ops[2], 0);
    /* This operation has ended before the group is created. */
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_all(ops, 3, TOCSIN_FUTURE, &all), 0);
    complete(ops[0], 7);
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_op_status(all), -EINPROGRESS);
    complete(ops[1], 0);
    ck_assert_int_eq(tocsin_wait(all, -1, &info), 0);
    done = tocsin_all_done_of(info);
    ck_assert_uint_eq(done->count, 3);
    ck_assert_uint_eq(done->failed, 0);
    tocsin_info_unref(info);
    /* each operation of the group keeps its own result */
    ck_assert_int_eq(tocsin_wait(ops[0], -1, NULL), 7);
    ck_assert_int_eq(tocsin_wait(ops[1], -1, NULL), 0);
    ck_assert_int_eq(tocsin_wait(ops[2], -1, NULL), 0);
}
END_TEST

static int keep_failed(const struct tocsin_info *info, void *arg)
{
    *(unsigned *)arg = tocsin_all_done_of(info)->failed;
    return tell(info, &told);
}

START_TEST(all_has_the_status_of_the_first_failure)
{
    struct tocsin_op ops[4];
    unsigned failed = 0;

    promises(ops, 4);
    ck_assert_int_eq(tocsin_all(ops, 4, TOCSIN_CALL(keep_failed, &failed), NULL), 0);
    complete(ops[1], 1);
    complete(ops[3], -EIO);
    complete(ops[0], -EPIPE);
    complete(ops[2], 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, -EIO);
    ck_assert_uint_eq(failed, 2);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tocsin_op_free(ops[i]), 0);
}
END_TEST

START_TEST(all_without_members_ends_at_once)
{
    struct tocsin_op all;

    ck_assert_int_eq(tocsin_all(NULL, 0, TOCSIN_FUTURE, &all), 0);
    ck_assert_int_eq(tocsin_op_status(all), -EINPROGRESS);
    ck_assert_int_eq(tocsin_wait(all, -1, NULL), 0);
    ck_assert_int_eq(tocsin_any(NULL, 0, TOCSIN_FUTURE, &all), -EINVAL);
    ck_assert_int_eq(tocsin_all(NULL, ((size_t)1 << 24) + 1, TOCSIN_FUTURE, &all), -EINVAL);
}
END_TEST

START_TEST(a_cancelled_group_cancels_its_members)
{
    struct tocsin_op ops[3], all;

    promises(ops, 3);
    complete(ops[1], 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_all(ops, 3, TOCSIN_FUTURE, &all), 0);
    ck_assert_int_eq(tocsin_cancel(all), 0);
    ck_assert_int_eq(tocsin_cancel(all), -EALREADY);
    ck_assert_int_eq(tocsin_wait(all, -1, NULL), -ECANCELED);
    ck_assert_int_eq(tocsin_wait(ops[0], -1, NULL), -ECANCELED);
    ck_assert_int_eq(tocsin_wait(ops[1], -1, NULL), 0);
    ck_assert_int_eq(tocsin_wait(ops[2], -1, NULL), -ECANCELED);
}
END_TEST

static void check_refused(int (*group)(const struct tocsin_op *, size_t,
                                       const struct tocsin_notify *, struct tocsin_op *))
{
    struct tocsin_op ops[3], op, free_one = promise();

    promises(ops, 3);
    ck_assert_int_eq(
        group((struct tocsin_op[]){ ops[0], ops[1], ops[0] }, 3, TOCSIN_CALL(tell, &told), &op),
        -EBUSY);
    ck_assert_int_eq(tocsin_id_error(op.source.id), -EBUSY);
    complete(free_one, 0);
    ck_assert_int_eq(tocsin_wait(free_one, -1, NULL), 0);
    ck_assert_int_eq(group((struct tocsin_op[]){ ops[0], ops[1], free_one }, 3, NULL, NULL),
                     -ENOENT);
    ck_assert_int_eq(tocsin_timer(0, NULL, &free_one), 0);
    ck_assert_int_eq(group((struct tocsin_op[]){ ops[0], free_one }, 2, NULL, NULL), -EINVAL);
    ck_assert_int_eq(group((struct tocsin_op[]){ ops[0], { { (uint64_t)-EIO } } }, 2, NULL, NULL),
                     -EIO);
    /* The start of the group was refused, and its members are unchanged. So the program can still
       wait for each of them. */
    for (int i = 0; i < 3; i++) {
        complete(ops[i], i);
        ck_assert_int_eq(tocsin_wait(ops[i], -1, NULL), i);
    }
    drain_all();
    ck_assert_int_eq(told.count, 0);
}

START_TEST(a_refused_group_changes_nothing)
{
    check_refused(tocsin_all);
    check_refused(tocsin_any);
}
END_TEST

START_TEST(a_second_waiter_of_a_member_is_refused)
{
    struct tocsin_op op = promise(), all;

    ck_assert_int_eq(tocsin_all(&op, 1, TOCSIN_FUTURE, &all), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EBUSY);
    ck_assert_int_eq(tocsin_op_free(op), -EBUSY);
    ck_assert_int_eq(tocsin_any(&op, 1, TOCSIN_FUTURE, NULL), -EBUSY);
    complete(op, 0);
    ck_assert_int_eq(tocsin_wait(all, -1, NULL), 0);
    ck_assert_int_eq(tocsin_op_free(op), 0);
}
END_TEST

START_TEST(any_ends_with_the_first_and_cancels_the_others)
{
    const struct tocsin_any_done *done;
    struct tocsin_op ops[3], any;
    struct tocsin_info *info;

    promises(ops, 3);
    connect_to("op.done", tell, &told);
    ck_assert_int_eq(tocsin_any(ops, 3, TOCSIN_FUTURE, &any), 0);
    complete(ops[1], 5);
    ck_assert_int_eq(tocsin_wait(any, -1, &info), 5);
    done = tocsin_any_done_of(info);
    ck_assert_uint_eq(done->index, 1);
    ck_assert_uint_eq(done->winner.source.id, ops[1].source.id);
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_wait(ops[1], -1, NULL), 5);
    drain_all();
    /* Handlers received three completions: one of the winner, and two of the operations that
       lost. */
    ck_assert_int_eq(told.count, 3);
    ck_assert_int_eq(told.status, -ECANCELED);
    ck_assert_int_eq(tocsin_op_status(ops[0]), -ENOENT);
    ck_assert_int_eq(tocsin_op_status(ops[2]), -ENOENT);
}
END_TEST

START_TEST(any_of_operations_that_have_ended)
{
    struct tocsin_op ops[3], any;
    struct tocsin_info *info;

    promises(ops, 3);
    complete(ops[1], -EIO);
    complete(ops[2], 4);
    ck_assert_int_eq(tocsin_loop_turn(0), 2);
    ck_assert_int_eq(tocsin_any(ops, 3, TOCSIN_FUTURE, &any), 0);
    /* -EIO is the status of the operation that ended first. */
    ck_assert_int_eq(tocsin_wait(any, -1, &info), -EIO);
    ck_assert_int_eq(tocsin_wait(ops[1], -1, NULL), -EIO);
    drain_all();
    ck_assert_int_eq(tocsin_op_status(ops[2]), -ENOENT);
}
END_TEST

START_TEST(both_end_in_one_turn)
{
    struct tocsin_op ops[2], any;
    struct tocsin_info *info;

    promises(ops, 2);
    ck_assert_int_eq(tocsin_any(ops, 2, TOCSIN_FUTURE, &any), 0);
    complete(ops[1], 1);
    complete(ops[0], 2);
    ck_assert_int_eq(tocsin_wait(any, -1, &info), 1);
    ck_assert_uint_eq(tocsin_any_done_of(info)->index, 1);
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_wait(ops[1], -1, NULL), 1);
    drain_all();
}
END_TEST

static int keep_winner(const struct tocsin_info *info, void *arg)
{
    *(uint64_t *)arg = tocsin_any_done_of(info)->winner.source.id;
    return tell(info, &told);
}

START_TEST(any_cancelled_has_no_winner)
{
    struct tocsin_op ops[3], any;
    uint64_t winner = 1;

    promises(ops, 3);
    ck_assert_int_eq(tocsin_any(ops, 3, TOCSIN_CALL(keep_winner, &winner), &any), 0);
    ck_assert_int_eq(tocsin_op_deadline(any, 0), 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, -ETIMEDOUT);
    ck_assert_uint_eq(winner, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_op_status(ops[i]), -ENOENT);
}
END_TEST

START_TEST(groups_of_groups)
{
    struct tocsin_op ops[4], groups[2], all;

    promises(ops, 4);
    ck_assert_int_eq(tocsin_any(ops, 2, TOCSIN_FUTURE, &groups[0]), 0);
    ck_assert_int_eq(tocsin_all(ops + 2, 2, TOCSIN_FUTURE, &groups[1]), 0);
    ck_assert_int_eq(tocsin_all(groups, 2, TOCSIN_FUTURE, &all), 0);
    complete(ops[0], 0);
    complete(ops[2], 0);
    complete(ops[3], 0);
    ck_assert_int_eq(tocsin_wait(all, -1, NULL), 0);
    ck_assert_int_eq(tocsin_wait(groups[0], -1, NULL), 0);
    ck_assert_int_eq(tocsin_wait(groups[1], -1, NULL), 0);
    ck_assert_int_eq(tocsin_op_free(ops[0]) | tocsin_op_free(ops[2]) | tocsin_op_free(ops[3]), 0);
    drain_all();
}
END_TEST

START_TEST(the_loop_is_freed_with_a_group)
{
    struct tocsin_op ops[4], any, all;

    promises(ops, 4);
    ck_assert_int_eq(tocsin_any(ops, 2, TOCSIN_CALL(tell, &told), &any), 0);
    ck_assert_int_eq(tocsin_all(ops + 2, 2, TOCSIN_CALL(tell, &told), &all), 0);
    ck_assert_int_eq(tocsin_loop_free(), 6);
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(told.status, -ECANCELED);
}
END_TEST

/* Many operations end in a random order. The group must count each operation exactly once. */
START_TEST(a_group_of_many)
{
    enum { COUNT = 3000 };
    static struct tocsin_op ops[COUNT];
    struct tocsin_op all;

    promises(ops, COUNT);
    ck_assert_int_eq(tocsin_all(ops, COUNT, TOCSIN_FUTURE, &all), 0);
    for (int i = 0; i < COUNT; i++)
        complete(ops[(i * 7 + 1) % COUNT], 0);
    ck_assert_int_eq(tocsin_wait(all, -1, NULL), 0);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(tocsin_op_free(ops[i]), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/group");
    TCase *tests = test_case(suite, "group");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, all_ends_with_the_last_member);
    tcase_add_test(tests, all_has_the_status_of_the_first_failure);
    tcase_add_test(tests, all_without_members_ends_at_once);
    tcase_add_test(tests, a_cancelled_group_cancels_its_members);
    tcase_add_test(tests, a_refused_group_changes_nothing);
    tcase_add_test(tests, a_second_waiter_of_a_member_is_refused);
    tcase_add_test(tests, any_ends_with_the_first_and_cancels_the_others);
    tcase_add_test(tests, any_of_operations_that_have_ended);
    tcase_add_test(tests, both_end_in_one_turn);
    tcase_add_test(tests, any_cancelled_has_no_winner);
    tcase_add_test(tests, groups_of_groups);
    tcase_add_test(tests, the_loop_is_freed_with_a_group);
    tcase_add_test(tests, a_group_of_many);
    return suite;
}
