/* Handlers and notifies that run on fibers (TOCSIN_ON_FIBER, TOCSIN_FIBERS): what the fiber keeps
   (the info, the argument, the handler), what its result means, what cancels it, and what happens
   if it cannot begin: no memory is in faults.c, a limit of the owner and a loop that is freed are
   here. Also the end of a thread, a fork, and the reuse of stacks. What a fiber that serves a
   stream does is in t/io/fibers.c. */
#include <pthread.h>
#include <sys/wait.h>

#include <tocsin/inspect.h>
#include <tocsin/mask.h>
#include <tocsin/owner.h>
#include <tocsin/provider.h>

#include "futures.h"
#include "handlers.h"

#define NOTE(F) F(string, text)
TOCSIN_LAYOUT(note_said, NOTE);

static struct told told;
static int note, question, drops, ran, waited;
static char heard[64];

static void begin(void)
{
    memset(&told, 0, sizeof told);
    drops = ran = waited = 0;
    written[0] = heard[0] = '\0';
    note = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "test.note", .layout = &note_said_layout, .doc = "A note." });
    question = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "test.question", .kind = TOCSIN_DIRECT, .doc = "A question." });
}

static void count_drop(void *arg)
{
    ++*(int *)arg;
}

static int say(const char *text)
{
    char copy[32];
    int result;

    snprintf(copy, sizeof copy, "%s", text);
    result = tocsin_emit(note, TOCSIN_PAYLOAD(note_said, .text = copy));
    memset(copy, 'x', sizeof copy - 1);
    return result;
}

/* Waits for the gate, then reads the info. */
static int on_note(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op *gate = arg;

    ran++;
    waited = gate ? tocsin_wait(*gate, -1, NULL) : tocsin_yield();
    strcat(heard, note_said_of(info)->text);
    return waited;
}

static struct tocsin_handler on_fiber(const char *pattern, tocsin_fn fn, void *arg, unsigned flags)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(
        tocsin_connect(pattern,
                       &(struct tocsin_action){ .fn = fn,
                                                .arg = arg,
                                                .drop = arg == &drops ? count_drop : NULL,
                                                .flags = TOCSIN_ON_FIBER | flags },
                       &handler),
        0);
    return handler;
}

static void turns(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

START_TEST(it_begins_in_the_next_turn_and_keeps_the_info)
{
    struct tocsin_op gate = promise();

    on_fiber("test.note", on_note, &gate, 0);
    connect_to("test.note", write_down, "b"); /* does not wait for the fiber */
    connect_to("fiber.done", tell, &told);
    ck_assert_int_eq(say("hello"), TOCSIN_DELIVERED);
    ck_assert_str_eq(written, "b");
    ck_assert_int_eq(ran, 0);
    turns(2);
    ck_assert_int_eq(ran, 1);
    ck_assert_str_eq(heard, "");
    ck_assert_int_eq(tocsin_op_complete(gate, 7, NULL), 0);
    turns_until(&told.count, 1);
    ck_assert_str_eq(heard, "hello");
    ck_assert_int_eq(told.status, 7);
}
END_TEST

/* The signal is not blocked while its fibers run. */
START_TEST(each_emission_has_a_fiber_of_its_own)
{
    on_fiber("test.note", on_note, NULL, 0);
    connect_to("fiber.done", tell, &told);
    for (int i = 0; i < 26; i++)
        ck_assert_int_eq(say((char[]){ (char)('a' + i), '\0' }), TOCSIN_DELIVERED);
    turns_until(&told.count, 26);
    ck_assert_int_eq(ran, 26);
    ck_assert_str_eq(heard, "abcdefghijklmnopqrstuvwxyz");
}
END_TEST

static int on_stop(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return ++ran == 1 ? TOCSIN_STOP : -EIO;
}

START_TEST(its_result_is_that_of_the_fiber_alone)
{
    struct told failed = { .count = 0 };

    on_fiber("test.note", on_stop, NULL, 0);
    connect_to("test.note", write_down, "b");
    connect_to("fiber.done", tell, &told);
    connect_to("tocsin.handler.failed", tell, &failed);
    ck_assert_int_eq(say("one"), TOCSIN_DELIVERED);
    turns_until(&told.count, 1);
    ck_assert_int_eq(told.status, TOCSIN_STOP);
    ck_assert_int_eq(say("two"), TOCSIN_DELIVERED);
    turns_until(&told.count, 2);
    ck_assert_int_eq(told.status, -EIO);
    ck_assert_str_eq(written, "bb");
    ck_assert_int_eq(failed.count, 0);
}
END_TEST

static int on_note_drop(const struct tocsin_info *info, void *arg)
{
    ck_assert_ptr_eq(arg, &drops);
    ck_assert_int_eq(drops, 0);
    ran++;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_yield(), 0);
    ck_assert_int_eq(drops, 0);
    strcat(heard, note_said_of(info)->text);
    return 0;
}

START_TEST(a_disconnected_handler_is_dropped_after_its_last_fiber)
{
    struct tocsin_handler handler = on_fiber("test.*", on_note_drop, &drops, 0);

    connect_to("fiber.done", tell, &told);
    say("a");
    turns(1);
    say("b");
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_int_eq(tocsin_disconnect(handler), -ENOENT);
    ck_assert_int_eq(say("c"), TOCSIN_NOBODY);
    turns_until(&told.count, 2);
    turns(1);
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(ran, 2);
    ck_assert_str_eq(heard, "ab");
}
END_TEST

START_TEST(a_handler_without_fibers_is_dropped_at_once)
{
    struct tocsin_handler handler = on_fiber("test.note", on_note_drop, &drops, 0);

    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_int_eq(drops, 1);
}
END_TEST

START_TEST(once)
{
    on_fiber("test.note", on_note_drop, &drops, TOCSIN_ONCE);
    connect_to("fiber.done", tell, &told);
    ck_assert_int_eq(say("a"), TOCSIN_DELIVERED);
    ck_assert_int_eq(say("b"), TOCSIN_NOBODY);
    turns_until(&told.count, 1);
    turns(1);
    ck_assert_int_eq(ran, 1);
    ck_assert_int_eq(drops, 1);
}
END_TEST

static int on_parent(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    told.parent = info->sequence;
    ck_assert_int_eq(tocsin_yield(), 0);
    return tocsin_emit(note, TOCSIN_PAYLOAD(note_said, .text = "child"));
}

/* E15 */
START_TEST(its_emissions_have_the_emission_as_parent)
{
    struct told child = { .count = 0 };
    struct tocsin_op op = promise();

    on_fiber("op.done", on_parent, NULL, 0);
    connect_to("test.note", tell, &child);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    turns_until(&child.count, 1);
    ck_assert_uint_eq(child.parent, told.parent);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    drain_all();
}
END_TEST

START_TEST(questions_do_not_reach_it)
{
    struct tocsin_action action = { .fn = on_note, .flags = TOCSIN_ON_FIBER };

    ck_assert_int_eq(tocsin_connect("test.question", &action, NULL), -EINVAL);
    on_fiber("test.*", on_note, NULL, 0);
    ck_assert_int_eq(tocsin_ask(question, NULL, NULL), 0);
    turns(2);
    ck_assert_int_eq(ran, 0);
}
END_TEST

START_TEST(what_cannot_work_is_refused)
{
    struct tocsin_action action = { .fn = on_note, .flags = TOCSIN_ON_FIBER, .mask = "test.note" };
    struct tocsin_notify notify = { .mode = TOCSIN_AT_END | TOCSIN_ON_FIBER, .fn = on_note };
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_connect("test.note", &action, NULL), -EINVAL);
    action.mask = NULL;
    action.flags |= TOCSIN_NODEFER;
    ck_assert_int_eq(tocsin_connect("test.note", &action, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_timer(0, &notify, NULL), -EINVAL);
    notify.mode |= TOCSIN_AT_EACH;
    ck_assert_int_eq(tocsin_every(1, &notify, NULL), -EINVAL);
    notify.mode = TOCSIN_KEEP | TOCSIN_ON_FIBER;
    ck_assert_int_eq(tocsin_timer(0, &notify, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_FIBERS(on_note), &op), -EINVAL); /* no progress */
    ck_assert_int_eq(tocsin_every(1, TOCSIN_FIBERS(NULL), &op), -EINVAL);
}
END_TEST

static int on_tick(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op *ticker = arg;

    ck_assert_str_eq(info->name, "timer.ticked");
    ck_assert_uint_eq(info->source.id, ticker->source.id);
    ck_assert_int_eq(tocsin_yield(), 0);
    ck_assert_ptr_nonnull(tocsin_timer_ticked_of(info));
    if (++ran == 3)
        return tocsin_cancel(*ticker); /* the fiber itself is cancelled with it */
    return ran < 3 ? 0 : -ECANCELED;
}

START_TEST(a_notify_with_a_fiber_for_each_progress)
{
    struct tocsin_op ticker;

    connect_to("fiber.done", tell, &told);
    ck_assert_int_eq(tocsin_every(1, TOCSIN_FIBERS(on_tick, &ticker), &ticker), 0);
    turns_until(&ran, 3);
    drain_all();
    ck_assert_int_ge(told.count, 3);
}
END_TEST

static int wait_twice[2];

static int on_about(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ran++;
    wait_twice[0] = tocsin_wait(*(struct tocsin_op *)arg, -1, NULL);
    wait_twice[1] = tocsin_yield();
    return 0;
}

/* A fiber about an operation, which then ends with this status. Returns the status of the first
   wait. */
static int about_ending_with(int status)
{
    struct tocsin_op about = promise(), gate = promise();

    on_fiber("test.note", on_about, &gate, TOCSIN_ONCE);
    ck_assert_int_eq(tocsin_emit_from(about.source, note, TOCSIN_PAYLOAD(note_said, .text = "")),
                     TOCSIN_DELIVERED);
    ran = told.count = 0;
    turns_until(&ran, 1);
    if (status == -ECANCELED)
        ck_assert_int_eq(tocsin_cancel(about), 0);
    else
        ck_assert_int_eq(tocsin_op_complete(about, status, NULL), 0);
    ck_assert_int_eq(tocsin_wait(about, -1, NULL), status);
    turns(2);
    if (status >= 0)
        ck_assert_int_eq(tocsin_op_complete(gate, 5, NULL), 0);
    turns_until(&told.count, 1);
    ck_assert_int_eq(tocsin_op_status(gate), -ENOENT);
    return wait_twice[0];
}

START_TEST(it_is_cancelled_if_its_operation_fails)
{
    connect_to("fiber.done", tell, &told);
    ck_assert_int_eq(about_ending_with(-EIO), -ECANCELED);
    ck_assert_int_eq(wait_twice[1], -ECANCELED);
    ck_assert_int_eq(about_ending_with(-ECANCELED), -ECANCELED);
    ck_assert_int_eq(wait_twice[1], -ECANCELED);
    ck_assert_int_eq(about_ending_with(0), 5);
    ck_assert_int_eq(wait_twice[1], 0);
}
END_TEST

/* Several fibers about one operation; one ends before the operation. */
START_TEST(all_fibers_of_an_operation_are_cancelled)
{
    struct tocsin_op about = promise(), gates[4];
    struct tocsin_handler handler;

    connect_to("fiber.done", tell, &told);
    for (int i = 0; i < 4; i++) {
        gates[i] = promise();
        handler = on_fiber("test.note", on_about, &gates[i], 0);
        tocsin_emit_from(about.source, note, TOCSIN_PAYLOAD(note_said, .text = ""));
        turns(1);
        ck_assert_int_eq(tocsin_disconnect(handler), 0);
    }
    ck_assert_int_eq(ran, 4);
    ck_assert_int_eq(tocsin_op_complete(gates[1], 0, NULL), 0);
    turns_until(&told.count, 1);
    ck_assert_int_eq(tocsin_op_complete(about, -EIO, NULL), 0);
    turns_until(&told.count, 4);
    ck_assert_int_eq(tocsin_wait(about, -1, NULL), -EIO);
}
END_TEST

static int on_failed(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_handler_failed *failed = tocsin_handler_failed_of(info);

    ++*(int *)arg;
    told.status = failed->error;
    snprintf(heard, sizeof heard, "%s", failed->signal);
    return TOCSIN_NEXT;
}

/* The number of operations of the program. */
static uint64_t held(void)
{
    struct tocsin_owner_facts facts;

    ck_assert_int_eq(tocsin_owner_next(0, &facts), 0);
    return facts.held[TOCSIN_RESOURCE_OPERATIONS];
}

static void limit(uint64_t most)
{
    ck_assert_int_eq(tocsin_owner_limit("program", TOCSIN_RESOURCE_OPERATIONS, most), 0);
}

START_TEST(a_limit_of_the_owner_fails_the_handler)
{
    int failures = 0;

    on_fiber("test.note", on_note, NULL, 0);
    connect_to("test.note", write_down, "b");
    connect_to("tocsin.handler.failed", on_failed, &failures);
    connect_to("fiber.done", tell, &told);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    limit(held() + 1);
    ck_assert_int_eq(say("a"), TOCSIN_DELIVERED);
    ck_assert_int_eq(failures, 0);
    ck_assert_int_eq(say("b"), TOCSIN_DELIVERED);
    ck_assert_int_eq(failures, 1);
    ck_assert_int_eq(told.status, -EDQUOT);
    ck_assert_str_eq(heard, "test.note");
    ck_assert_str_eq(written, "bb");
    heard[0] = '\0';
    turns_until(&told.count, 1);
    ck_assert_int_eq(say("c"), TOCSIN_DELIVERED);
    turns_until(&told.count, 2);
    ck_assert_str_eq(heard, "ac");
    limit(UINT64_MAX);
}
END_TEST

START_TEST(a_limit_of_the_owner_fails_the_notify)
{
    struct tocsin_op ticker;
    int failures = 0;

    connect_to("tocsin.handler.failed", on_failed, &failures);
    connect_to("timer.ticked", write_down, "t");
    ck_assert_int_eq(tocsin_every(1, TOCSIN_FIBERS(on_tick, &ticker), &ticker), 0);
    limit(held());
    turns_until(&failures, 1);
    ck_assert_int_eq(told.status, -EDQUOT);
    ck_assert_str_eq(heard, "timer.ticked");
    ck_assert_str_eq(written, "t");
    ck_assert_int_eq(ran, 0);
    limit(UINT64_MAX);
    turns_until(&ran, 3);
    drain_all();
}
END_TEST

/* No fiber begins while the loop is freed; those that run are cancelled, and return. */
START_TEST(a_loop_that_is_freed)
{
    struct tocsin_op gate = promise();
    int failures = 0;

    connect_to("tocsin.handler.failed", on_failed, &failures);
    on_fiber("test.note", on_note, &gate, 0);
    on_fiber("fiber.done", on_note_drop, &drops, 0);
    say("hello");
    turns(2);
    ck_assert_int_eq(ran, 1);
    ck_assert_int_eq(tocsin_loop_free(), 2); /* the fiber, and the gate it waits for */
    ck_assert_int_eq(waited, -ECANCELED);
    ck_assert_int_eq(ran, 1);
    ck_assert_int_eq(failures, 1);
    ck_assert_int_eq(told.status, -ESHUTDOWN);
    ck_assert_int_eq(drops, 1);
}
END_TEST

static int on_forever(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ran++;
    while (tocsin_yield() == 0)
        continue;
    return 0;
}

static void *leave_a_fiber(void *arg)
{
    (void)arg;
    on_fiber("test.note", on_forever, &drops, 0);
    require(say("hello") == TOCSIN_DELIVERED);
    for (int i = 0; i < 3; i++)
        require(tocsin_loop_turn(0) >= 0);
    return NULL;
}

/* T6: the fiber is not resumed, and everything that it kept is freed. */
START_TEST(a_thread_that_ends)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, leave_a_fiber, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(ran, 1);
    ck_assert_int_eq(drops, 1);
}
END_TEST

/* T8: the child drops the fibers, the parent goes on. */
START_TEST(a_fork)
{
    struct tocsin_op gate = promise(), about = promise();
    pid_t child;
    int status;

    on_fiber("test.note", on_note, &gate, 0);
    on_fiber("test.note", on_forever, &drops, TOCSIN_ONCE);
    connect_to("fiber.done", tell, &told);
    tocsin_emit_from(about.source, note, TOCSIN_PAYLOAD(note_said, .text = "hello"));
    turns(2);
    child = fork();
    if (child == 0) {
        require(tocsin_loop_free() == 0);
        require(drops == 1);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(drops, 0);
    ck_assert_int_eq(tocsin_cancel(about), 0);
    ck_assert_int_eq(tocsin_wait(about, -1, NULL), -ECANCELED);
    turns_until(&told.count, 2);
    turns(1);
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(waited, -ECANCELED);
    ck_assert_str_eq(heard, "hello");
}
END_TEST

static const char *lowest, *highest;

static int on_stack(const struct tocsin_info *info, void *arg)
{
    const char *here = __builtin_frame_address(0);

    (void)info, (void)arg;
    lowest = !lowest || here < lowest ? here : lowest;
    highest = here > highest ? here : highest;
    return tocsin_yield();
}

/* A fiber that has ended leaves its stack to the next one. */
START_TEST(stacks_are_used_again)
{
    lowest = highest = NULL;
    on_fiber("test.note", on_stack, NULL, 0);
    connect_to("fiber.done", tell, &told);
    for (int i = 1; i <= 200; i++) {
        ck_assert_int_eq(say(""), TOCSIN_DELIVERED);
        turns_until(&told.count, i);
    }
    ck_assert_ptr_eq(lowest, highest);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/fiber_calls");
    TCase *tests = test_case(suite, "calls"), *ends = test_case(suite, "ends");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, it_begins_in_the_next_turn_and_keeps_the_info);
    tcase_add_test(tests, each_emission_has_a_fiber_of_its_own);
    tcase_add_test(tests, its_result_is_that_of_the_fiber_alone);
    tcase_add_test(tests, a_disconnected_handler_is_dropped_after_its_last_fiber);
    tcase_add_test(tests, a_handler_without_fibers_is_dropped_at_once);
    tcase_add_test(tests, once);
    tcase_add_test(tests, its_emissions_have_the_emission_as_parent);
    tcase_add_test(tests, questions_do_not_reach_it);
    tcase_add_test(tests, what_cannot_work_is_refused);
    tcase_add_test(tests, a_notify_with_a_fiber_for_each_progress);
    tcase_add_test(tests, stacks_are_used_again);
    tcase_add_checked_fixture(ends, begin, NULL);
    tcase_add_test(ends, it_is_cancelled_if_its_operation_fails);
    tcase_add_test(ends, all_fibers_of_an_operation_are_cancelled);
    tcase_add_test(ends, a_limit_of_the_owner_fails_the_handler);
    tcase_add_test(ends, a_limit_of_the_owner_fails_the_notify);
    tcase_add_test(ends, a_loop_that_is_freed);
    tcase_add_test(ends, a_thread_that_ends);
    tcase_add_test(ends, a_fork);
    return suite;
}
