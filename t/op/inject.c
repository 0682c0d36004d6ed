/* Fault injection for completions and posts. The injector delays a completion, moves it behind the
   next completion, or turns it into a failure. Meanwhile a handler, a wait, a fiber, a queue or a
   group waits for this completion. Other tests set and remove the injector. */
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <tocsin/inject.h>
#include <unistd.h>

#include "faults.h"
#include "command_threads.h"
#include "text_operations.h"

/* The injector applies this action to the first events of one kind with one name. */
static struct {
    enum tocsin_inject_point point;
    const char *name;
    int times;
    struct tocsin_inject_action verdict;
} plan;
/* `crossed` counts the events that match the plan; `asked` counts all events */
static int crossed, asked;

static void by_plan(const struct tocsin_inject_event *crossing,
                    struct tocsin_inject_action *verdict, void *arg)
{
    ck_assert_ptr_eq(arg, &plan);
    asked++;
    if (crossing->point != plan.point || strcmp(crossing->name, plan.name) != 0)
        return;
    if (crossed++ < plan.times)
        *verdict = plan.verdict;
}

static void stands(enum tocsin_inject_point seam, const char *name, int times,
                   struct tocsin_inject_action verdict)
{
    plan.point = seam;
    plan.name = name;
    plan.times = times;
    plan.verdict = verdict;
    crossed = asked = 0;
    ck_assert_int_eq(tocsin_inject(by_plan, &plan), 0);
}

static void ends_late(const char *name, int times, int64_t delay_ms)
{
    stands(TOCSIN_INJECT_COMPLETION, name, times,
           (struct tocsin_inject_action){ .delay_ms = delay_ms });
}

static void nobody_stands(void)
{
    ck_assert_int_eq(tocsin_inject(NULL, NULL), 0);
}

static void ends_late_again(const char *name)
{
    nobody_stands();
    ends_late(name, 1, 3600000);
}

static void start_clock(void)
{
    begin();
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}

static void moves(int64_t ms)
{
    ck_assert_int_eq(tocsin_clock_move(ms), 0);
}

static void told_once(int status)
{
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, status);
}

/* Tests: the injector delays the completion of an operation */

START_TEST(a_completion_is_delayed)
{
    struct tocsin_op op;

    ends_late("timer.expired", 1, 50);
    ck_assert_int_eq(tocsin_timer(10, TOCSIN_CALL(tell, &told), &op), 0);
    moves(59);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    ck_assert_int_eq(tocsin_timer_set(op, 5), -EALREADY);
    moves(1);
    told_once(0);
    ck_assert_int_eq(crossed, 1);
}
END_TEST

/* A delayed completion must keep its payload. The payload is lent in one case, and copied in the
   other case. */
START_TEST(a_delayed_completion_keeps_its_payload)
{
    bool lent = _i;
    struct tocsin_op op;

    ends_late("pended.done", 1, 20);
    op = text_done(start(&text_type, TOCSIN_CALL(write_text, "told")), "text", lent);
    moves(19);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_op_complete(op, 1, NULL), -ENOENT);
    ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "part"), 0), -EALREADY);
    moves(1);
    ck_assert_record("told:text");
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(refs, 0);
}
END_TEST

static int cancels;

static int count_cancel(struct tocsin_op op, void *state, int reason)
{
    cancels++;
    return text_cancel(op, state, reason);
}

static const struct tocsin_op_type counting_type = { .done = &done_spec,
                                                     .state_size = sizeof(struct state),
                                                     .cancel = count_cancel,
                                                     .drop = text_drop };

static int write_empty(const struct tocsin_info *info, void *arg)
{
    const struct text *text = text_of(info);

    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_null(text->text);
    ck_assert_ptr_null(text->object.object);
    return write_status(info, arg);
}

/* A deadline or a cancel ends the operation while its completion is delayed. The notify function is
   called once, and the provider's cancel function is not called. */
START_TEST(a_deadline_or_cancel_during_the_delay)
{
    bool with_cancel = _i & 1, lent = _i & 2, by_deadline = _i & 4;
    const struct tocsin_op_type *type = with_cancel ? &counting_type : &text_type;
    struct tocsin_op op;

    cancels = 0;
    ends_late("pended.done", 1, 100);
    op = start(type, TOCSIN_CALL(write_empty, "told"));
    text_done(op, "text", lent);
    if (by_deadline)
        ck_assert_int_eq(tocsin_op_deadline(op, 30), 0);
    moves(29);
    ck_assert_record("");
    if (!by_deadline) {
        ck_assert_int_eq(tocsin_cancel(op), 0);
        ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    }
    moves(1);
    if (by_deadline)
        ck_assert_record("told-110");
    else
        ck_assert_record("told-125");
    moves(200);
    ck_assert_record("");
    ck_assert_int_eq(cancels, 0);
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(refs, 0);
}
END_TEST

/* The provider of this operation has no cancel function, so a cancel is refused while the operation
   runs. While its completion is delayed, a cancel must succeed. */
START_TEST(a_cancel_ends_a_delay_although_the_provider_refuses)
{
    struct tocsin_op op = start(&few_type, TOCSIN_CALL(tell, &told));

    ck_assert_int_eq(tocsin_cancel(op), -EBUSY);
    ends_late("pended.few", 1, 100);
    done(op, 3);
    moves(1);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    turns();
    told_once(-ECANCELED);
}
END_TEST

/* The operation was cancelled before the injector sees its completion. The completion must not be
   delayed. */
START_TEST(a_cancelled_operation_is_not_delayed)
{
    struct tocsin_op op = start(&text_type, TOCSIN_CALL(tell, &told));

    ends_late("pended.done", 1, 100);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    turns();
    told_once(-ECANCELED);
    ck_assert_int_eq(crossed, 0);
}
END_TEST

/* The operation has completed, and its completion is not delivered yet. Now its deadline expires,
   or the program cancels it. The completion must not be delayed, since no second deadline or cancel
   could end the delay of an hour. */
START_TEST(a_cancel_just_before_the_delivery)
{
    struct tocsin_op op;

    ends_late("timer.expired", 1, 3600000);
    ck_assert_int_eq(tocsin_timer(10, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_deadline(op, 10), 0);
    moves(10);
    told_once(0);
    told.count = 0;
    op = done(start(&text_type, TOCSIN_CALL(tell, &told)), 3);
    ends_late_again("pended.done");
    ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    moves(0);
    told_once(3);
    ck_assert_int_eq(crossed, 0);
}
END_TEST

START_TEST(a_completion_is_turned_into_a_failure)
{
    int delay_ms = _i;

    stands(TOCSIN_INJECT_COMPLETION, "pended.done", 1,
           (struct tocsin_inject_action){ .error = -EIO, .delay_ms = delay_ms });
    text_done(start(&text_type, TOCSIN_CALL(write_empty, "told")), "text", true);
    moves(delay_ms);
    ck_assert_record("told-5");
    text_done(start(&text_type, TOCSIN_CALL(write_text, "told")), "text", true);
    moves(0);
    ck_assert_record("told:text");
    ck_assert_int_eq(crossed, 2);
}
END_TEST

static void at(int64_t ms, const char *text)
{
    ck_assert_int_eq(tocsin_timer(ms, TOCSIN_CALL(write_status, (void *)(uintptr_t)text), NULL), 0);
}

/* The injector is not called for an operation with TOCSIN_NO_INJECT, nor on a loop that called
   tocsin_inject_exempt(). */
START_TEST(exempt_operations_and_loops)
{
    const struct tocsin_notify quietly = { .mode = TOCSIN_AT_END | TOCSIN_NO_INJECT,
                                           .fn = tell,
                                           .arg = &told };
    const struct tocsin_notify unknown = { .mode = TOCSIN_AT_END | 64, .fn = tell, .arg = &told };
    struct tocsin_op op;

    stands(TOCSIN_INJECT_COMPLETION, "op.done", 9, (struct tocsin_inject_action){ .error = -EIO });
    ck_assert_int_eq(tocsin_op_new(NULL, &unknown, &op), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(NULL, &quietly, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 7, NULL), 0);
    moves(0);
    told_once(7);
    ck_assert_int_eq(crossed, 0);
    told.count = 0;
    ck_assert_int_eq(tocsin_inject_exempt(), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 8, NULL), 0);
    moves(0);
    told_once(8);
    ck_assert_int_eq(asked, 0);
    nobody_stands();
}
END_TEST

START_TEST(a_completion_is_delivered_after_the_next)
{
    stands(TOCSIN_INJECT_COMPLETION, "timer.expired", 2,
           (struct tocsin_inject_action){ .delay_ms = 100, .behind = true });
    at(10, "a");
    at(20, "b");
    at(30, "c");
    moves(15);
    ck_assert_record("");
    moves(5);
    ck_assert_record("b0 a0");
    moves(10);
    ck_assert_record("c0");
}
END_TEST

START_TEST(no_next_completion_ends_the_delay)
{
    stands(TOCSIN_INJECT_COMPLETION, "timer.expired", 1,
           (struct tocsin_inject_action){ .delay_ms = 100, .behind = true });
    at(10, "a");
    done(start(&few_type, TOCSIN_CALL(write_status, "other")), 0);
    moves(109);
    ck_assert_record("other0");
    moves(1);
    ck_assert_record("a0");
}
END_TEST

/* action.behind: completion a waits for the completion of timer b. The program cancels a, which
   ends the delay: a is delivered at once, and b on time. */
START_TEST(cancelled_while_it_waits_for_the_next)
{
    struct tocsin_op op;

    stands(TOCSIN_INJECT_COMPLETION, "timer.expired", 1,
           (struct tocsin_inject_action){ .delay_ms = 100, .behind = true });
    ck_assert_int_eq(tocsin_timer(10, TOCSIN_CALL(write_status, "a"), &op), 0);
    at(20, "b");
    moves(15);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    moves(5);
    ck_assert_record("a-125 b0");
}
END_TEST

/* The operation reports progress, and then its completion is delayed. The progress must be
   delivered at once. The injector must see the completion once. */
START_TEST(progress_precedes_the_delayed_completion)
{
    struct tocsin_op op = start(&text_type, TOCSIN_CALL(tell, &told));
    struct tocsin_block token;

    ends_late("pended.done", 1, 50);
    connect_to("pended.part", write_down, "part ");
    token = block("pended.part");
    unblock(token);
    ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "part"), 0), 1);
    done(op, 0);
    moves(49);
    ck_assert_str_eq(written, "part ");
    ck_assert_int_eq(told.count, 0);
    moves(1);
    told_once(0);
    ck_assert_int_eq(crossed, 1);
}
END_TEST

/* The signal is blocked when a delayed completion is due. The notify function is called, and the
   handlers receive the completion after the block. */
START_TEST(a_delayed_completion_meets_a_block)
{
    struct tocsin_block token = block("pended.done");

    *written = 0;
    ends_late("pended.done", 1, 50);
    text_done(start(&text_type, TOCSIN_CALL(tell, &told)), "text", true);
    connect_to("pended.done", write_down, "heard ");
    moves(50);
    told_once(7); /* contract line O9: the block does not delay the notify function */
    ck_assert_str_eq(written, "");
    unblock(token);
    ck_assert_str_eq(written, "heard ");
}
END_TEST

/* Tests: tocsin_wait(), a fiber, a queue or a group waits for the delayed completion */

START_TEST(a_wait_for_a_delayed_completion)
{
    struct tocsin_op op;

    ends_late("timer.expired", 2, 60000);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_FUTURE, &op), 0);
    while (!crossed)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(tocsin_wait(op, 5, NULL), -ETIMEDOUT);
    plan.verdict.delay_ms = 5;
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    ck_assert_int_eq(crossed, 2);
}
END_TEST

static int waiting_task(void *arg)
{
    struct tocsin_op op;

    (void)arg;
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_FUTURE, &op), 0);
    return tocsin_wait(op, -1, NULL);
}

START_TEST(a_fiber_waits)
{
    ends_late("timer.expired", 1, 50);
    ck_assert_int_eq(tocsin_spawn(waiting_task, NULL, TOCSIN_CALL(tell, &told), NULL), 0);
    moves(50);
    ck_assert_int_eq(told.count, 0);
    moves(1);
    told_once(0);
}
END_TEST

/* The completion of a fiber is delayed. In the second case the program cancels the fiber after
   the fiber has returned. */
static int no_task(void *arg)
{
    (void)arg;
    return 4;
}

START_TEST(the_completion_of_a_fiber_is_delayed)
{
    bool cancelled = _i;
    struct tocsin_op op;

    ends_late("fiber.done", 1, 50);
    ck_assert_int_eq(tocsin_spawn(no_task, NULL, TOCSIN_CALL(tell, &told), &op), 0);
    moves(49);
    ck_assert_int_eq(told.count, 0);
    if (cancelled)
        ck_assert_int_eq(tocsin_cancel(op), 0);
    moves(1);
    told_once(cancelled ? -ECANCELED : 4);
}
END_TEST

START_TEST(a_delayed_completion_into_a_queue)
{
    struct tocsin_queue queue = open_queue(NULL, 1, 0);
    struct tocsin_op op;

    ends_late("timer.expired", 1, 50);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_QUEUE(queue), &op), 0);
    ck_assert_uint_eq(reserved(queue), 1);
    moves(50);
    write_queue(queue, "q");
    ck_assert_record("");
    ck_assert_uint_eq(reserved(queue), 1);
    moves(1);
    write_queue(queue, "q");
    ck_assert_record("q0");
    close_queue(queue);
}
END_TEST

/* The queue that waits for a delayed completion is closed. The other queue, which matches the
   signal by its pattern, still receives the completion. */
START_TEST(the_waiting_queue_is_closed)
{
    struct tocsin_queue queue = open_queue(NULL, 1, 0), set = open_queue("timer.*", 4, 0);
    struct tocsin_op op;

    ends_late("timer.expired", 1, 50);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_QUEUE(queue), &op), 0);
    moves(1);
    close_queue(queue);
    moves(50);
    write_queue(set, "q");
    ck_assert_record("q0");
    close_queue(set);
}
END_TEST

START_TEST(completions_of_group_members_are_delayed)
{
    bool any_of = _i;
    struct tocsin_op ops[2], all, any;

    ends_late("timer.expired", 1, 50);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_timer(1 + i, TOCSIN_FUTURE, &ops[i]), 0);
    ck_assert_int_eq(any_of ? tocsin_any(ops, 2, TOCSIN_CALL(tell, &told), &any)
                            : tocsin_all(ops, 2, TOCSIN_CALL(tell, &told), &all),
                     0);
    moves(2);
    ck_assert_int_eq(told.count, any_of);
    moves(49);
    ck_assert_int_eq(told.count, 1);
    /* The other operation ended first, so tocsin_any() has freed the delayed operation. */
    for (int i = any_of; i < 2; i++)
        ck_assert_int_eq(tocsin_op_free(ops[i]), 0);
}
END_TEST

/* The program frees an operation of the kind TOCSIN_FUTURE while its completion is delayed. */
START_TEST(a_delayed_result_is_discarded)
{
    struct tocsin_op op;

    ends_late("timer.expired", 1, 50);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_FUTURE, &op), 0);
    moves(1);
    ck_assert_int_eq(tocsin_op_free(op), 0);
    moves(50);
    ck_assert_int_eq(tocsin_op_status(op), -ENOENT);
}
END_TEST

/* A thread of the pool completes the work, and the injector delays the completion.
   tocsin_clock_move() waits only for running threads, so it must not wait for the delay. */
START_TEST(work_with_a_delayed_completion)
{
    ends_late("work.done", 1, 50);
    ck_assert_int_eq(tocsin_work(no_task, NULL, TOCSIN_CALL(tell, &told), NULL), 0);
    moves(49);
    ck_assert_int_eq(crossed, 1);
    ck_assert_int_eq(told.count, 0);
    moves(1);
    told_once(4);
}
END_TEST

/* A handler on another loop listens to a completion that is delayed on this loop. */
static int do_connect(void *arg)
{
    return tocsin_connect("timer.expired", &(struct tocsin_action){ .fn = tell, .arg = arg }, NULL);
}

START_TEST(another_loop_hears_a_delayed_completion)
{
    struct peer peer;

    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_connect, &told), 0);
    ends_late("timer.expired", 1, 50);
    at(1, "here");
    moves(50);
    ck_assert_int_eq(peer_does(&peer, do_turns, NULL), 0);
    moves(1);
    ck_assert_record("here0");
    peer_does(&peer, do_turns, NULL);
    told_once(0);
    ck_assert_int_eq(asked, 1); /* the injector was called once, since only this loop calls it */
    peer_end(&peer);
}
END_TEST

/* Tests: the loop is drained or freed while a completion is delayed */

START_TEST(a_drain_waits)
{
    ends_late("timer.expired", 1, 20);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    drain_all();
    told_once(0);
}
END_TEST

START_TEST(a_drain_reaches_its_time_limit)
{
    ends_late("timer.expired", 1, 3600000);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_drain(20), 0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
    told_once(-ECANCELED);
}
END_TEST

START_TEST(the_loop_is_freed)
{
    bool behind = _i;

    stands(TOCSIN_INJECT_COMPLETION, "timer.expired", 1,
           (struct tocsin_inject_action){ .delay_ms = 3600000, .behind = behind });
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    moves(1);
    ck_assert_int_eq(tocsin_loop_free(), 1);
    told_once(-ECANCELED);
}
END_TEST

/* Operations that end while the loop is being freed are not delayed. */
static atomic_int over, runs;

static int on_over(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    atomic_store(&over, 1);
    return TOCSIN_NEXT;
}

static int until_over(void *arg)
{
    (void)arg;
    atomic_store(&runs, 1);
    while (!atomic_load(&over))
        sched_yield();
    return 4;
}

START_TEST(ended_while_the_loop_is_freed)
{
    atomic_store(&over, 0);
    ends_late("work.done", 1, 3600000);
    ck_assert_int_eq(tocsin_timer(3600000, TOCSIN_CALL(on_over), NULL), 0);
    ck_assert_int_eq(tocsin_work(until_over, NULL, TOCSIN_CALL(tell, &told), NULL), 0);
    while (!atomic_load(&runs))
        sched_yield();
    ck_assert_int_eq(tocsin_loop_free(), 2);
    told_once(4);
    ck_assert_int_eq(crossed, 0);
}
END_TEST

START_TEST(the_delayed_completion_frees_the_loop)
{
    stands(TOCSIN_INJECT_COMPLETION, "timer.expired", 1,
           (struct tocsin_inject_action){ .delay_ms = 3600000, .behind = true });
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(free_loop, "a"), NULL), 0);
    at(2, "b");
    moves(3);
    ck_assert_record("b0 a0");
}
END_TEST

/* Tests of contract line T8: delayed completions after fork() */
static void in_child(void)
{
    require(tocsin_after_fork() == 0);
    require(tocsin_clock_move(100) == 0);
    require(told.count == 0);
    require(drops == 1);
    require(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL) == 0);
    require(tocsin_clock_move(1) == 0);
    require(told.count == 1);
    require(tocsin_loop_free() == 0);
    _exit(0);
}

START_TEST(delayed_completions_in_a_child)
{
    int status = -1;
    pid_t child;

    ends_late("pended.done", 1, 50);
    text_done(start(&text_type, TOCSIN_CALL(tell, &told)), "text", true);
    moves(0);
    ck_assert_int_eq(crossed, 1);
    fflush(stdout);
    child = fork();
    if (child == 0)
        in_child();
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    moves(50);
    told_once(7);
}
END_TEST

/* Tests: the injector delays posts or makes them fail */

static int note, hurried;

static void declare_posts(void)
{
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "seam.note", .doc = "A note." });
    hurried = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "seam.hurried", .doc = "From a real signal handler.", .flags = TOCSIN_ASYNC });
    ck_assert(note > 0 && hurried > 0);
    connect_to("seam.*", tell, &told);
}

static int do_post_wait(void *arg)
{
    return tocsin_post_wait(*(int *)arg, NULL, -1);
}

START_TEST(a_post_fails)
{
    struct peer peer;
    int before;

    declare_posts();
    stands(TOCSIN_INJECT_POST, "seam.note", 3,
           (struct tocsin_inject_action){ .error = -EAGAIN, .delay_ms = 7, .twice = true });
    ck_assert_int_eq(tocsin_post(note, NULL), -EAGAIN);
    ck_assert_int_eq(tocsin_post_to(tocsin_loop_current(), note, NULL), -EAGAIN);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_post_wait, &note), -EAGAIN);
    ck_assert_int_eq(peer_does(&peer, do_post_wait, &note), TOCSIN_PENDED);
    peer_leaves(&peer);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post_to(tocsin_loop_current(), note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(crossed, 6);
    before = asked;
    ck_assert_int_eq(tocsin_post(hurried, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(asked, before);
    ck_assert_int_eq(tocsin_post(note, TOCSIN_PAYLOAD(text, .text = "none is declared")), -EPROTO);
    ck_assert_int_eq(tocsin_post(-1, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    turns();
    ck_assert_int_eq(told.count, 5);
}
END_TEST

/* Tests: the injector is set and removed */

static void posts(const struct tocsin_inject_event *crossing, struct tocsin_inject_action *verdict,
                  void *arg)
{
    (void)crossing, (void)verdict;
    ++*(int *)arg;
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_inject(NULL, NULL), -EDEADLK);
    errno = EPIPE;
}

START_TEST(calls_of_the_injector_are_not_injected)
{
    int calls = 0;

    declare_posts();
    ck_assert_int_eq(tocsin_inject(posts, &calls), 0);
    errno = 0;
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(calls, 1);
    nobody_stands();
    turns();
    ck_assert_int_eq(told.count, 2);
}
END_TEST

START_TEST(only_one_injector_is_set)
{
    declare_posts();
    nobody_stands();
    stands(TOCSIN_INJECT_POST, "seam.note", 1, (struct tocsin_inject_action){ .error = -EIO });
    ck_assert_int_eq(tocsin_inject(posts, NULL), -EBUSY);
    ck_assert_int_eq(tocsin_inject(by_plan, &plan), -EBUSY);
    nobody_stands();
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(asked, 0);
    stands(TOCSIN_INJECT_POST, "seam.note", 1, (struct tocsin_inject_action){ .error = -EIO });
    ck_assert_int_eq(tocsin_post(note, NULL), -EIO);
}
END_TEST

/* The injector returns a positive error, or a negative delay. Both values are invalid, so the
   library must ignore them and leave the event unchanged. */
START_TEST(invalid_actions_change_nothing)
{
    declare_posts();
    stands(TOCSIN_INJECT_POST, "seam.note", 1, (struct tocsin_inject_action){ .error = 5 });
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    nobody_stands();
    stands(
        TOCSIN_INJECT_COMPLETION, "timer.expired", 1,
        (struct tocsin_inject_action){ .error = 5, .delay_ms = -7, .behind = true, .twice = true });
    at(1, "a");
    moves(1);
    ck_assert_record("a0");
}
END_TEST

/* The injector is removed while an event is delayed. The event must keep its delay. */
START_TEST(a_removed_injector_keeps_its_delays)
{
    bool behind = _i;

    stands(TOCSIN_INJECT_COMPLETION, "timer.expired", 1,
           (struct tocsin_inject_action){ .delay_ms = 50, .behind = behind });
    at(1, "a");
    at(2, "b");
    moves(1);
    nobody_stands();
    moves(49);
    ck_assert_record("b0");
    moves(1);
    ck_assert_record("a0");
}
END_TEST

/* After tocsin_inject(NULL) has returned, no thread runs the injector that was removed. So this
   counter may be a plain variable. */
static void counts(const struct tocsin_inject_event *crossing, struct tocsin_inject_action *verdict,
                   void *arg)
{
    ++*(long *)arg;
    verdict->delay_ms = *(long *)arg % 3;
    verdict->behind = crossing->signo & 1;
    verdict->twice = *(long *)arg % 7 == 0;
    verdict->error = *(long *)arg % 5 ? 0 : -EIO;
}

static int do_post_on(void *arg)
{
    (void)arg;
    while (!atomic_load(&over)) {
        int answer = tocsin_post(note, NULL);

        ck_assert(answer == TOCSIN_PENDED || answer == -EIO || answer == -EAGAIN);
    }
    return 0;
}

START_TEST(an_injector_is_set_and_removed)
{
    struct peer peers[2];
    long count = 0, seen;
    int err;

    declare_posts();
    atomic_store(&over, 0);
    for (int i = 0; i < 2; i++) {
        peer_begin(&peers[i]);
        peer_starts(&peers[i], do_post_on, NULL);
    }
    for (long i = test_scaled(2000, 10, 50); i; i--) {
        ck_assert_int_eq(tocsin_inject(counts, &count), 0);
        /* Every entry of the pool is in use. The test runs turns until a task has ended. */
        while ((err = tocsin_work(no_task, NULL, NULL, NULL)) == -EAGAIN)
            ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        ck_assert_int_eq(err, 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        nobody_stands();
        seen = ++count;
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(count, seen);
    }
    atomic_store(&over, 1);
    for (int i = 0; i < 2; i++) {
        peer_finishes(&peers[i]);
        peer_leaves(&peers[i]);
    }
    drain_all();
}
END_TEST

/* Contract line F3: if the allocation for a delay fails, the completion is not delayed. Each
   completion is delivered exactly once. */
static struct started all[4];

static void job(void)
{
    struct tocsin_op op;
    int err;

    memset(all, 0, sizeof all);
    ends_late("timer.expired", 2, 1);
    plan.verdict.behind = true;
    for (int i = 0; i < 3; i++)
        all[i].err = tocsin_timer(i, TOCSIN_CALL(on_started_end, &all[i]), &all[i].op);
    all[3].err = tocsin_op_new(&text_type, TOCSIN_CALL(on_started_end, &all[3]), &op);
    all[3].err = tocsin_op_start(op, all[3].err, &all[3].op);
    if (all[3].err == 0) {
        nobody_stands();
        ends_late("pended.done", 1, 3600000);
        err = tocsin_op_complete(all[3].op, 0, TOCSIN_PAYLOAD(text, .text = "done"));
        if (err < 0)
            ck_assert_int_eq(tocsin_op_complete(all[3].op, err, NULL), 0);
        while (!crossed)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    if (tocsin_drain(5) == 0) {
        err = tocsin_run();
        ck_assert(err == 0 || err == -ETIMEDOUT);
    }
    ck_assert_int_ge(tocsin_loop_free(), 0);
    check_started(all, 4);
    nobody_stands();
}

START_TEST(completion_delays_without_memory)
{
    each_in_turn("op/inject", job);
}
END_TEST

static void leave(void)
{
    nobody_stands();
}

static TCase *moved_clock_case(Suite *suite, const char *name)
{
    TCase *tests = test_case(suite, name);

    tcase_add_checked_fixture(tests, start_clock, leave);
    return tests;
}

/* Makes a test case that does not replace the clock by the test's own clock. */
static TCase *real_clock_case(Suite *suite, const char *name)
{
    TCase *tests = test_case(suite, name);

    tcase_add_checked_fixture(tests, begin, leave);
    tcase_set_timeout(tests, 60);
    return tests;
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/inject");
    TCase *tests = moved_clock_case(suite, "completions");

    tcase_add_test(tests, a_completion_is_delayed);
    tcase_add_loop_test(tests, a_delayed_completion_keeps_its_payload, 0, 2);
    tcase_add_loop_test(tests, a_deadline_or_cancel_during_the_delay, 0, 8);
    tcase_add_test(tests, a_cancel_ends_a_delay_although_the_provider_refuses);
    tcase_add_test(tests, a_cancelled_operation_is_not_delayed);
    tcase_add_test(tests, a_cancel_just_before_the_delivery);
    tcase_add_loop_test(tests, a_completion_is_turned_into_a_failure, 0, 2);
    tcase_add_test(tests, exempt_operations_and_loops);
    tcase_add_test(tests, a_completion_is_delivered_after_the_next);
    tcase_add_test(tests, no_next_completion_ends_the_delay);
    tcase_add_test(tests, cancelled_while_it_waits_for_the_next);
    tcase_add_test(tests, progress_precedes_the_delayed_completion);
    tcase_add_test(tests, a_delayed_completion_meets_a_block);
    tests = moved_clock_case(suite, "waiting");
    tcase_add_test(tests, a_fiber_waits);
    tcase_add_loop_test(tests, the_completion_of_a_fiber_is_delayed, 0, 2);
    tcase_add_test(tests, a_delayed_completion_into_a_queue);
    tcase_add_test(tests, the_waiting_queue_is_closed);
    tcase_add_loop_test(tests, completions_of_group_members_are_delayed, 0, 2);
    tcase_add_test(tests, a_delayed_result_is_discarded);
    tcase_add_test(tests, work_with_a_delayed_completion);
    tcase_add_test(tests, another_loop_hears_a_delayed_completion);
    tcase_add_loop_test(tests, the_loop_is_freed, 0, 2);
    tcase_add_test(tests, the_delayed_completion_frees_the_loop);
    tcase_add_test(tests, delayed_completions_in_a_child);
    tests = real_clock_case(suite, "real clock");
    tcase_add_test(tests, a_wait_for_a_delayed_completion);
    tcase_add_test(tests, a_drain_waits);
    tcase_add_test(tests, a_drain_reaches_its_time_limit);
    tcase_add_test(tests, ended_while_the_loop_is_freed);
    tests = moved_clock_case(suite, "posts");
    tcase_add_test(tests, a_post_fails);
    tests = moved_clock_case(suite, "set and removed injectors");
    tcase_add_test(tests, calls_of_the_injector_are_not_injected);
    tcase_add_test(tests, only_one_injector_is_set);
    tcase_add_test(tests, invalid_actions_change_nothing);
    tcase_add_loop_test(tests, a_removed_injector_keeps_its_delays, 0, 2);
    tests = real_clock_case(suite, "many threads");
    tcase_add_test(tests, an_injector_is_set_and_removed);
    tcase_add_test(tests, completion_delays_without_memory);
    return suite;
}
