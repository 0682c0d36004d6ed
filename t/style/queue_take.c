/* Contract lines W3 and E10: queues with TOCSIN_TAKE take pending emissions, as sigwaitinfo(),
   sigtimedwait() and signalfd() do. */
#include <poll.h>

#include "futures.h"
#include "queue_items.h"

/* Tests: which pending emission a TOCSIN_TAKE queue takes first */

START_TEST(the_lowest_rank_first_then_the_oldest)
{
    struct tocsin_queue take = open_take("take.*");

    connect_to("take.*", write_item, "handler:");
    mask = block("take.*");
    emits(a, 1, 2), emits(c, 3, 3), emits(b, 4, 5), emits(a, 6, 6), emits(c, 7, 7),
        emits(note, 8, 9);
    for (int i = 0; i < 9; i++)
        wait_for(take, i % 2 ? -1 : 0, "");
    ck_assert_record("note9 c3 c7 b4 b5 a1 a2 a6 -110");
    unblock(mask);
    ck_assert_record("");
    close_queue(take);
}
END_TEST

/* Emissions of the same rank are taken in the order of their age. A coalesced emission has the age
   of the first emission that it replaced. */
START_TEST(the_oldest_of_a_rank)
{
    int d = declare("take.d", 3, TOCSIN_COALESCE), e = declare("take.e", 3, TOCSIN_QUEUED);
    struct tocsin_queue take = open_take("take.*");

    mask = block("take.*");
    emits(e, 1, 1), emits(d, 2, 2), emits(a, 3, 3), emits(e, 4, 4), emits(a, 5, 5), emits(d, 6, 6);
    wait_all(take);
    ck_assert_record("e1 d6 a3 e4 a5");
    unblock(mask);
    close_queue(take);
}
END_TEST

START_TEST(a_taken_emission_is_complete)
{
    struct tocsin_queue take = open_take("take.*");
    struct tocsin_info *info, *pended;
    struct tocsin_source source;

    ck_assert_int_eq(tocsin_source_new(&refs, &source), 0);
    mask = block("take.*");
    emits(note, 1, 1);
    ck_assert_int_eq(
        tocsin_emit_from(source, note,
                         TOCSIN_PAYLOAD(item, .number = 2, .object = { &refs, &shared })),
        TOCSIN_PENDED);
    emits(note, 3, 4);
    ck_assert_int_eq(refs, 2);
    ck_assert_int_eq(tocsin_pending_peek(note, 0, &pended), 0);
    ck_assert_int_eq(tocsin_queue_wait(take, 0, &info), 0);
    /* the queue returned the info of the pending emission itself, not a copy */
    ck_assert_ptr_eq(info, pended);
    ck_assert_int_eq(refs, 2);
    ck_assert_int_eq(item_of(info)->number, 4);
    ck_assert_uint_eq(info->overrun, 2);
    ck_assert_uint_eq(info->source.id, 0);
    tocsin_info_unref(info), tocsin_info_unref(pended);
    ck_assert_int_eq(refs, 1);
    ck_assert_int_eq(tocsin_queue_wait(take, 0, &info), 0);
    ck_assert_uint_eq(info->source.id, source.id);
    ck_assert_ptr_eq(tocsin_info_data(info), &refs);
    ck_assert_int_eq(tocsin_source_free(source), 0);
    ck_assert_ptr_eq(tocsin_info_data(info), &refs);
    tocsin_info_unref(info);
    unblock(mask);
    close_queue(take);
}
END_TEST

/* A TOCSIN_TAKE queue first returns the entries of its own ring, and then pending emissions. The
   reason why an emission is pending does not matter. */
START_TEST(entries_precede_pending_emissions)
{
    struct tocsin_queue take = open_take("take.*, !take.c");

    connect_to("take.c", write_item, "handler:");
    ck_assert_int_eq(emit(a, 1), TOCSIN_STOPPED);
    ck_assert_int_eq(emit(a, 2), TOCSIN_STOPPED);
    mask = block("take.*");
    emits(b, 3, 3), emits(c, 4, 4);
    for (int i = 0; i < 4; i++)
        wait_for(take, 0, "");
    unblock(mask);
    ck_assert_record("a1 a2 b3 -110 handler:c4");
    close_queue(take);
}
END_TEST

START_TEST(a_queue_opened_while_emissions_are_pending)
{
    struct tocsin_queue take;

    mask = block("**");
    emits(a, 1, 2);
    take = open_take("take.a, wait.*");
    note = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "wait.note", .layout = &item_layout });
    ck_assert_int_eq(tocsin_emit(note, TOCSIN_PAYLOAD(item, .number = 3)), TOCSIN_PENDED);
    wait_for(take, 0, "");
    close_queue(take);
    take = open_take("take.a");
    wait_for(take, 0, "");
    wait_for(take, 0, "");
    ck_assert_record("note3 a1 a2");
    close_queue(take);
    unblock(mask);
}
END_TEST

/* A handler takes emissions from the queue, and its own mask blocks their signal. */
static int take_in_handler(const struct tocsin_info *info, void *arg)
{
    struct tocsin_queue *take = arg;

    (void)info;
    emits(b, 1, 3);
    wait_for(*take, 0, "in:");
    /* Emissions of this signal are pending without any block, since the signal's handler runs. */
    wait_for(*take, -1, "in:");
    ck_assert_int_eq(tocsin_queue_wait(*take, 0, NULL), 0);
    wait_for(*take, 0, "in:");
    wait_for(*take, -1, "in:");
    wait_for(*take, 1, "in:");
    emits(b, 4, 4);
    return TOCSIN_NEXT;
}

START_TEST(a_handler_takes_emissions)
{
    struct tocsin_queue take = open_take("take.b");

    ck_assert_int_eq(
        tocsin_connect(
            "take.a",
            &(struct tocsin_action){ .fn = take_in_handler, .arg = &take, .mask = "take.*" }, NULL),
        0);
    ck_assert_int_eq(emit(a, 0), TOCSIN_DELIVERED);
    ck_assert_record("in:b1 in:b2 in:-110 in:-35 in:-35");
    /* the queue got this entry after the handler had returned */
    ck_assert_int_eq(facts_of(take).entries, 1);
    wait_all(take);
    ck_assert_record("b4");
    close_queue(take);
}
END_TEST

START_TEST(ignored_emissions_are_not_taken)
{
    struct tocsin_queue take = open_take("take.*");

    mask = block("take.*");
    emits(a, 1, 2), emits(b, 3, 3);
    ck_assert_int_eq(tocsin_ignore("take.a"), 0);
    emits(a, 4, 4); /* the signal a is still blocked, so its emissions are still pending */
    wait_all(take);
    ck_assert_record("b3 a4");
    unblock(mask);
    ck_assert_int_eq(emit(a, 5), TOCSIN_NOBODY);
    wait_for(take, 0, "");
    ck_assert_record("-110");
    ck_assert_int_eq(tocsin_unignore("take.a"), 0);
    close_queue(take);
}
END_TEST

/* Tests: programs and fibers wait for a TOCSIN_TAKE queue */

struct job {
    struct tocsin_queue queue;
    int64_t timeout_ms;
    const char *who;
};

static int task_wait(void *arg)
{
    struct job *job = arg;

    wait_for(job->queue, job->timeout_ms, job->who);
    return 0;
}

static void join(struct tocsin_op op)
{
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
}

static int task_emit(void *arg)
{
    emits(*(int *)arg, 1, 2);
    return 0;
}

static int on_time(const struct tocsin_info *info, void *arg)
{
    (void)info;
    emits(*(int *)arg, 1, 1);
    return TOCSIN_NEXT;
}

START_TEST(waiting_outside_of_fibers)
{
    struct tocsin_queue take = open_take("take.*");

    mask = block("take.*");
    join(spawn(task_emit, &a));
    spawn(task_emit, &b);
    wait_for(take, -1, ""); /* The fiber has not started yet, so these waits get the emissions. */
    wait_for(take, -1, "");
    wait_for(take, -1, "");
    wait_for(take, 100000, "");
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(on_time, &c), NULL), 0);
    wait_for(take, -1, "");
    wait_for(take, 1, "");
    ck_assert_record("a1 a2 b1 b2 c1 -110");
    unblock(mask);
    close_queue(take);
    test_leaves(1); /* one object is left: the result of the fiber */
}
END_TEST

START_TEST(waiting_on_a_fiber)
{
    struct job job = { open_take("take.*"), -1, "fiber:" }, again = job,
               late = { job.queue, 1, "late:" };
    struct tocsin_op op = spawn(task_wait, &job), second = spawn(task_wait, &again);

    mask = block("take.*");
    join(second);
    ck_assert_record("fiber:-16");
    emits(a, 1, 2);
    join(op);
    ck_assert_record("fiber:a1");
    wait_for(job.queue, 0, "");
    ck_assert_record("a2");
    join(spawn(task_wait, &late));
    ck_assert_record("late:-110");
    late.timeout_ms = 1000000;
    op = spawn(task_wait, &late);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(on_time, &c), NULL), 0);
    join(op);
    ck_assert_record("late:c1");
    unblock(mask);
    close_queue(job.queue);
}
END_TEST

/* An emission wakes the wait, but another queue takes the emission first. The wait must
   continue. */
START_TEST(another_queue_takes_the_awaited_emission)
{
    struct job job = { open_take("take.*"), -1, "fiber:" };
    struct tocsin_op op = spawn(task_wait, &job);

    turns();
    mask = block("take.*");
    emits(a, 1, 1);
    wait_for(job.queue, 0, "main:");
    turns();
    emits(a, 2, 2);
    /* In this case, tocsin_ignore() discards the emission. */
    ck_assert_int_eq(tocsin_ignore("take.a"), 0);
    turns();
    ck_assert_int_eq(tocsin_unignore("take.a"), 0);
    ck_assert_record("main:a1");
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    emits(a, 3, 3);
    unblock(mask); /* unblocking delivers the emission, which puts it into the ring of the queue */
    join(op);
    ck_assert_record("fiber:a3");
    close_queue(job.queue);
}
END_TEST

START_TEST(a_waiting_fiber_is_cancelled_or_its_queue_closed)
{
    struct job job = { open_take("take.*"), -1, "fiber:" };
    struct tocsin_op op = spawn(task_wait, &job);

    turns();
    ck_assert_int_eq(tocsin_cancel(op), 0);
    join(op);
    ck_assert_record("fiber:-125");
    op = spawn(task_wait, &job);
    ck_assert_int_eq(tocsin_cancel(op), 0); /* the fiber is cancelled before it has started */
    join(op);
    ck_assert_record("fiber:-125");
    op = spawn(task_wait, &job);
    turns();
    connect_to("take.*", write_item, "handler:");
    mask = block("take.*");
    emits(a, 1, 1);
    close_queue(job.queue);
    join(op);
    ck_assert_record("fiber:-125");
    unblock(mask);
    ck_assert_record("handler:a1");
    ck_assert_int_eq(tocsin_queue_wait(job.queue, 0, NULL), -ENOENT);
}
END_TEST

static int close_it(const struct tocsin_info *info, void *arg)
{
    (void)info;
    close_queue(*(struct tocsin_queue *)arg);
    return TOCSIN_NEXT;
}

START_TEST(the_queue_is_closed_during_a_wait)
{
    struct tocsin_queue take = open_take("take.*");

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(close_it, &take), NULL), 0);
    wait_for(take, -1, "");
    ck_assert_record("-125");
}
END_TEST

START_TEST(the_loop_is_freed_while_a_fiber_waits)
{
    struct job job = { open_take("take.*"), -1, "fiber:" };

    ck_assert_int_eq(tocsin_spawn(task_wait, &job, NULL, NULL), 0);
    turns();
    ck_assert_int_eq(tocsin_loop_free(), 2);
    ck_assert_record("fiber:-125");
    job.queue = open_take("take.*");
    ck_assert_int_eq(tocsin_spawn(task_wait, &job, NULL, NULL), 0);
    turns();
    mask = block("take.*");
    emits(a, 1, 2);
    /* three objects are left: a block, a queue and a fiber; the fiber is cancelled */
    ck_assert_int_eq(tocsin_loop_free(), 3);
    ck_assert_record("fiber:-125");
}
END_TEST

/* Tests: several queues, handlers and observers of the same signal */

START_TEST(two_TAKE_queues)
{
    struct tocsin_queue first = open_take("take.*"), second = open_take("take.a");
    struct job job = { second, -1, "second:" };
    struct tocsin_op op = spawn(task_wait, &job);

    turns();
    /* emit() returns TOCSIN_STOPPED, since the first queue stops the emission */
    ck_assert_int_eq(emit(a, 1), TOCSIN_STOPPED);
    mask = block("take.*");
    emits(b, 2, 2);
    turns();
    wait_for(first, 0, "first:");
    wait_for(first, 0, "first:");
    wait_for(first, 0, "first:");
    ck_assert_record("first:a1 first:b2 first:-110");
    emits(a, 3, 4);
    wait_for(first, 0, "first:");
    join(op);
    wait_for(first, 0, "first:");
    wait_for(second, 0, "second:");
    ck_assert_record("first:a3 second:a4 first:-110 second:-110");
    unblock(mask);
    close_queue(first), close_queue(second);
}
END_TEST

START_TEST(a_TAKE_queue_with_handlers_and_observers)
{
    struct tocsin_queue plain = open_queue("take.*", 0, 0, 0), take = open_take("take.*");
    struct tocsin_source source;

    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    connect_to("take.*", write_item, "handler:");
    ck_assert_int_eq(
        tocsin_observe("take.*", &(struct tocsin_action){ .fn = write_item, .arg = "all:" }, NULL),
        0);
    ck_assert_int_eq(
        tocsin_observe("take.*",
                       &(struct tocsin_action){ .fn = write_item, .arg = "one:", .source = source },
                       NULL),
        0);
    mask = block("take.*");
    emits(a, 1, 2);
    ck_assert_int_eq(tocsin_emit_from(source, a, TOCSIN_PAYLOAD(item, .number = 3)), TOCSIN_PENDED);
    ck_assert_record("");
    wait_all(take);
    ck_assert_record("all:a1 a1 all:a2 a2 all:a3 one:a3 a3");
    wait_for(plain, 0, "plain:");
    emits(a, 4, 4);
    /* No queue took the emission during the block. The unblock delivers this emission, which must
       still be the first. */
    unblock(mask);
    wait_for(take, 0, "");
    wait_for(plain, 0, "plain:");
    ck_assert_record("plain:-110 all:a4 a4 plain:-110");
    ck_assert_int_eq(tocsin_source_free(source), 0);
    close_queue(plain), close_queue(take);
}
END_TEST

/* An observer sees an emission that a queue takes. The observer may call any function. */
static struct tocsin_queue taken_from;

static int on_taken(const struct tocsin_info *info, void *arg)
{
    int number = item_of(info)->number;

    (void)arg;
    record("seen%d", number);
    if (number == 1)
        wait_for(taken_from, 0, "nested:");
    if (number == 3)
        unblock(mask);
    if (number == 5)
        ck_assert_int_eq(tocsin_ignore("take.a"), 0);
    if (number == 7)
        close_queue(taken_from);
    return TOCSIN_STOP;
}

START_TEST(observers_may_call_any_function)
{
    static const char *const lines[] = { "seen1 seen2 nested:a2 a1", "seen3 seen4 a3", "seen5 a5",
                                         "seen7 a7" };

    taken_from = open_take("take.a");
    ck_assert_int_eq(tocsin_observe("take.a", &(struct tocsin_action){ .fn = on_taken }, NULL), 0);
    for (int i = 0; i < 4; i++) {
        mask = block("take.a");
        emits(a, 2 * i + 1, 2 * i + 2);
        wait_for(taken_from, 0, "");
        ck_assert_record(lines[i]);
        if (i == 1) {
            wait_all(taken_from);
            ck_assert_record("a4");
        } else {
            unblock(mask);
        }
        ck_assert_int_eq(tocsin_unignore("take.a"), 0);
        if (i == 3)
            ck_assert_record("seen8");
    }
}
END_TEST

/* Tests: the descriptor of a TOCSIN_TAKE queue */

static bool readable(int fd)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    return poll(&polled, 1, 0) == 1;
}

START_TEST(the_descriptor_of_a_TAKE_queue)
{
    struct tocsin_queue take = open_take("take.*"), unpolled = open_take("take.b");
    int fd;

    mask = block("take.*");
    emits(a, 1, 1);
    fd = tocsin_queue_fd(take);
    ck_assert_int_ge(fd, 0);
    /* the descriptor is readable at once, since emissions were pending when it was opened */
    ck_assert(readable(fd));
    wait_for(take, 0, "");
    ck_assert(!readable(fd));
    emits(a, 2, 3);
    ck_assert(readable(fd));
    wait_for(take, 0, "");
    ck_assert(readable(fd));
    ck_assert_int_eq(tocsin_ignore("take.a"), 0);
    ck_assert(!readable(fd));
    ck_assert_int_eq(tocsin_unignore("take.a"), 0);
    emits(c, 4, 4);
    unblock(mask);
    /* the descriptor is readable, since the ring of the queue has entries */
    ck_assert(readable(fd));
    wait_for(take, 0, "");
    ck_assert(!readable(fd));
    mask = block("take.*");
    emits(b, 5, 5);
    ck_assert(readable(fd));
    wait_for(unpolled, 0, "");
    ck_assert(!readable(fd));
    emits(b, 6, 6);
    close_queue(take);
    /* the descriptor is not readable any more, since the polled queue has taken the emissions */
    ck_assert(!readable(fd));
    ck_assert_int_eq(tocsin_queue_fd(unpolled), fd);
    ck_assert(readable(fd));
    ck_assert_record("a1 a2 c4 b5");
    unblock(mask);
    ck_assert(readable(fd));
    close_queue(unpolled);
    ck_assert(!readable(fd));
}
END_TEST

/* A program polls the queue's descriptor in its own poll loop, and does random steps. The program
   must receive every emission. The descriptor must not be readable when no emission is left. */
START_TEST(a_TAKE_queue_in_a_poll_loop_of_the_program)
{
    struct tocsin_queue take = open_take("take.*");
    int fd = tocsin_queue_fd(take);
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    mask = block("take.a");
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(on_time, &a), NULL), 0);
    spawn(task_emit, &a);
    test_leaves(1);
    for (int count = 0; count < 3;) {
        struct tocsin_info *info;

        ck_assert_int_eq(poll(&polled, 1, -1), 1);
        while (tocsin_queue_wait(take, 0, &info) == 0) {
            count++;
            tocsin_info_unref(info);
        }
    }
    ck_assert(!readable(fd));
    unblock(mask);
    close_queue(take);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/queue_take");
    TCase *tests = test_case(suite, "TAKE queues");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_lowest_rank_first_then_the_oldest);
    tcase_add_test(tests, the_oldest_of_a_rank);
    tcase_add_test(tests, a_taken_emission_is_complete);
    tcase_add_test(tests, entries_precede_pending_emissions);
    tcase_add_test(tests, a_queue_opened_while_emissions_are_pending);
    tcase_add_test(tests, a_handler_takes_emissions);
    tcase_add_test(tests, ignored_emissions_are_not_taken);
    tcase_add_test(tests, waiting_outside_of_fibers);
    tcase_add_test(tests, waiting_on_a_fiber);
    tcase_add_test(tests, another_queue_takes_the_awaited_emission);
    tcase_add_test(tests, a_waiting_fiber_is_cancelled_or_its_queue_closed);
    tcase_add_test(tests, the_queue_is_closed_during_a_wait);
    tcase_add_test(tests, the_loop_is_freed_while_a_fiber_waits);
    tcase_add_test(tests, two_TAKE_queues);
    tcase_add_test(tests, a_TAKE_queue_with_handlers_and_observers);
    tcase_add_test(tests, observers_may_call_any_function);
    tcase_add_test(tests, the_descriptor_of_a_TAKE_queue);
    tcase_add_test(tests, a_TAKE_queue_in_a_poll_loop_of_the_program);
    return suite;
}
