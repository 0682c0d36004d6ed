/* Contract line F3 for futures, queues, groups and fibers: each allocation and each system call
   fails in turn. */
#include <poll.h>

#include <tocsin/provider.h>

#include "faults.h"

enum { ALL, ANY, FIBER, JOINED, QUEUED, STARTS, LIMIT = 40 };

static struct started all[STARTS];
static struct tocsin_queue queue;
static int note;

static struct tocsin_op promise(void)
{
    struct tocsin_op op;
    int err = tocsin_op_new(NULL, TOCSIN_FUTURE, &op);

    if (err == 0)
        ck_assert_int_eq(tocsin_op_complete(op, 1, NULL), 0);
    return op;
}

/* Waits for the operation. If its start failed, the wait must return the error that the id
   contains. */
static void take(struct tocsin_op op)
{
    int status = tocsin_wait(op, -1, NULL);

    ck_assert_msg(status == 1 || status == -ENOMEM || status == -EMFILE, "%d", status);
}

static int task_inner(void *arg)
{
    (void)arg;
    take(promise());
    return tocsin_yield();
}

static int task(void *arg)
{
    struct tocsin_op inner, gate = promise();
    struct tocsin_info *info;
    int err = tocsin_spawn(task_inner, arg, TOCSIN_FUTURE, &inner);

    if (err == 0)
        ck_assert_int_eq(tocsin_wait(inner, -1, NULL), 0);
    take(gate);
    if (tocsin_id_error(queue.id))
        return 0;
    err = tocsin_timer(0, TOCSIN_QUEUE(queue), NULL);
    if (err < 0)
        return err;
    /* if the start succeeded, the operation must not be lost */
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    tocsin_info_unref(info);
    return 0;
}

static void start_groups(void)
{
    struct tocsin_op ops[4];

    for (int i = 0; i < 4; i++)
        ops[i] = promise();
    all[ALL].err = tocsin_all(ops, 2, TOCSIN_CALL(on_started_end, &all[ALL]), &all[ALL].op);
    all[ANY].err = tocsin_any(ops + 2, 2, TOCSIN_CALL(on_started_end, &all[ANY]), &all[ANY].op);
    while ((all[ALL].err == 0 && !all[ALL].ended) || (all[ANY].err == 0 && !all[ANY].ended))
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    for (int i = 0; i < 4; i++)
        /* If the start of a group failed, the group has not changed its members. */
        if (i < 2 || all[ANY].err < 0)
            take(ops[i]);
    if (all[ANY].err == 0)
        /* only the operation that ended first still exists, so one of these two calls succeeds */
        ck_assert_int_eq((tocsin_op_free(ops[2]) == 0) + (tocsin_op_free(ops[3]) == 0), 1);
}

static int take_all(struct tocsin_queue from)
{
    int count = 0;

    while (tocsin_queue_wait(from, 0, NULL) == 0)
        count++;
    return count;
}

/* Fills the queue up to its limit. If an earlier failure had leaked a reserved entry, fewer entries
   would fit into the queue. */
static void check_limit(struct tocsin_queue set)
{
    int err = 0;

    take_all(set);
    for (int i = 0; i < 3 * LIMIT && err != -EAGAIN; i++)
        err = tocsin_emit(note, NULL);
    ck_assert_int_eq(err, -EAGAIN);
    ck_assert_int_eq(take_all(set), LIMIT);
}

/* Two queues with a pattern receive the same completions. The first queue has room. The second
   queue must enlarge its ring for the operations. */
static void start_for_sets(struct tocsin_queue with_room)
{
    for (int i = 0; i < 16; i++)
        ck_assert_int_ne(tocsin_emit(note, NULL), -EAGAIN);
    if (!tocsin_id_error(with_room.id))
        take_all(with_room);
    all[QUEUED].err = tocsin_op_new(NULL, TOCSIN_CALL(on_started_end, &all[QUEUED]),
                                    &all[QUEUED].op);
    if (all[QUEUED].err == 0) {
        ck_assert_int_eq(tocsin_op_complete(all[QUEUED].op, 0, NULL), 0);
        turns_until(&all[QUEUED].ended, 1);
    }
}

static void queue_all(void)
{
    struct tocsin_queue full, set;
    int fd;

    tocsin_queue_open("test.note, op.done", &(struct tocsin_queue_options){ .limit = 2 * LIMIT },
                      &full);
    tocsin_queue_open("test.note, op.done", &(struct tocsin_queue_options){ .limit = LIMIT }, &set);
    start_for_sets(set);
    if (!tocsin_id_error(full.id)) {
        /* one completion is missing if the start of the last operation failed */
        ck_assert_int_ge(take_all(full), 15 + (all[QUEUED].err == 0));
        ck_assert_int_eq(tocsin_queue_close(full), 0);
    }
    if (tocsin_id_error(set.id))
        return;
    fd = tocsin_queue_fd(set);
    ck_assert(fd < 0 ||
              poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) >= (all[QUEUED].err == 0));
    /* The queue holds the completion of each operation that was started. */
    ck_assert_int_eq(take_all(set), all[QUEUED].err == 0);
    check_limit(set);
    ck_assert_int_eq(tocsin_queue_close(set), 0);
}

static void job(void)
{
    memset(all, 0, sizeof all);
    for (int i = 0; i < STARTS; i++)
        all[i].err = tocsin_id_error(all[i].op.source.id = (uint64_t)-ENOMEM);
    tocsin_queue_open(NULL, NULL, &queue);
    start_groups();
    queue_all();
    all[FIBER].err = tocsin_spawn(task, NULL, TOCSIN_CALL(on_started_end, &all[FIBER]),
                                  &all[FIBER].op);
    if (all[FIBER].err == 0)
        turns_until(&all[FIBER].ended, 1);
    all[JOINED].err = tocsin_spawn(task_inner, NULL, TOCSIN_FUTURE, &all[JOINED].op);
    if (all[JOINED].err == 0 && tocsin_then(all[JOINED].op, on_started_end, &all[JOINED]) == 0)
        turns_until(&all[JOINED].ended, 1);
    if (!tocsin_id_error(queue.id))
        ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    check_started(all, STARTS);
}

START_TEST(all_styles_without_memory)
{
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
    ck_assert_int_gt(note, 0);
    each_in_turn("style/faults", job);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/faults");
    TCase *tests = test_case(suite, "faults");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, all_styles_without_memory);
    return suite;
}
