/* Contract line F2: longjmp leaves a function that the library called, as a C++ exception would
   leave it. The next call of the loop must detect the jump, report it and continue.

   The tests jump out of handlers (plain, ONCE, with a mask, NODEFER, of one source), and out of a
   nested delivery into the outer handler.
   They jump out of observers, handlers of questions, deliveries of pending emissions, notify
   functions, handlers of progress, tasks, default actions and drop functions.
   They jump out of tocsin_loop_turn, tocsin_run and tocsin_wait, and out of functions on a fiber.

   Two further tests make no jump: nested handlers, and a stack of the program's own, must not be
   reported as a jump. */
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <tocsin/provider.h>

#include "handlers.h"

static jmp_buf back;
static struct told told, failed, other;
static int note, inner, armed;

static int on_failed(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tocsin_handler_failed_of(info)->error, -ECANCELED);
    return tell(info, &failed);
}

static __attribute__((noinline)) void leave(void)
{
    volatile char room[512] = { 1 };

    if (armed-- > 0 && room[0])
        longjmp(back, 1);
}

static int jump(const struct tocsin_info *info, void *arg)
{
    tell(info, arg ? arg : &told);
    leave();
    return TOCSIN_NEXT;
}

static int task_jump(void *arg)
{
    (void)arg;
    told.count++;
    leave();
    return 0;
}

static void drop_jump(void *arg)
{
    (void)arg;
    told.count++;
    leave();
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    memset(&failed, 0, sizeof failed);
    memset(&other, 0, sizeof other);
    armed = 1;
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "left.note", .doc = "A note." });
    inner = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "left.inner", .doc = "An inner one." });
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    connect_to("tocsin.handler.failed", on_failed, NULL);
    connect_to("left.inner", tell, &other);
}

/* Checks that the loop still turns, delivers an emission, and completes a timer. */
static void check_works(void)
{
    struct tocsin_op op;
    int before = other.count, ends = 0;

    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_emit(inner, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(other.count, before + 1);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    (void)ends;
    drain_all();
}

#define jumping(...) \
    do { \
        if (setjmp(back) == 0) { \
            __VA_ARGS__; \
            ck_abort_msg("it did not jump"); \
        } \
    } while (0)

static const struct {
    unsigned flags;
    const char *mask;
} emission_cases[] = {
    { 0, NULL },         { TOCSIN_ONCE, NULL },         { TOCSIN_NODEFER, NULL },
    { 0, "left.inner" }, { TOCSIN_ONCE, "left.inner" }, { TOCSIN_NODEFER, "left.inner" },
};
enum { EMISSION_CASES = sizeof emission_cases / sizeof emission_cases[0] };

START_TEST(jump_out_of_an_emission)
{
    const unsigned flags = emission_cases[_i].flags;
    struct tocsin_action action = { .fn = jump, .flags = flags, .mask = emission_cases[_i].mask };

    ck_assert_int_eq(tocsin_connect("left.note", &action, NULL), 0);
    connect_to("left.note", tell, &told);
    jumping(tocsin_emit(note, NULL));
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_ge(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.count, flags == TOCSIN_ONCE ? 2 : 3);
    ck_assert_int_eq(failed.count, flags != TOCSIN_ONCE);
    check_works();
}
END_TEST

START_TEST(jump_out_of_an_emission_from_a_source)
{
    bool merged = _i;
    struct tocsin_source source;
    struct tocsin_action action = { .fn = jump };

    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    action.source = source;
    ck_assert_int_eq(tocsin_connect("left.note", &action, NULL), 0);
    if (merged)
        connect_to("left.note", tell, &told);
    jumping(tocsin_emit_from(source, note, NULL));
    ck_assert_int_ge(tocsin_emit_from(source, note, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(failed.count, 1);
    check_works();
    ck_assert_int_eq(tocsin_source_free(source), 0);
}
END_TEST

START_TEST(jump_out_of_an_observer)
{
    ck_assert_int_eq(tocsin_observe("left.note", &(struct tocsin_action){ .fn = jump }, NULL), 0);
    jumping(tocsin_emit(note, NULL));
    check_works();
    ck_assert_int_ge(tocsin_emit(note, NULL), 0);
    ck_assert_int_eq(told.count, 2);
}
END_TEST

static int keep_and_jump(const struct tocsin_info *info, void *arg)
{
    *(struct tocsin_info **)arg = tocsin_info_ref(info);
    leave();
    return TOCSIN_NEXT;
}

/* A handler takes a reference to its info and jumps. The kept info must not change, and later
   emissions must use another info. The delivery never releases its own reference, so the info is
   not freed. */
START_TEST(jump_out_of_a_handler_that_keeps_its_info)
{
    static struct tocsin_info *first;
    struct tocsin_info *kept = NULL;

    connect_to("left.note", keep_and_jump, &kept);
    armed = 0;
    /* The first emission took the library's slow path. This second emission takes the fast path. */
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    tocsin_info_unref(kept);
    armed = 1;
    jumping(tocsin_emit(note, NULL));
    first = kept;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_ge(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_ptr_ne(kept, first);
        ck_assert_uint_gt(kept->sequence, first->sequence);
        tocsin_info_unref(kept);
    }
    ck_assert_str_eq(first->name, "left.note");
    ck_assert_int_eq(failed.count, 1);
    check_works();
}
END_TEST

static int try_inside(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (setjmp(back) == 0)
        tocsin_emit(inner, NULL);
    told.count++;
    ck_assert_int_ge(tocsin_emit(inner, NULL), TOCSIN_DELIVERED);
    return TOCSIN_NEXT;
}

START_TEST(jump_into_the_outer_handler)
{
    bool posted = _i;
    struct told own = { .count = 0 };

    ck_assert_int_eq(
        tocsin_connect("left.inner",
                       &(struct tocsin_action){ .fn = jump, .arg = &own, .priority = 1 }, NULL),
        0);
    connect_to("left.note", try_inside, NULL);
    if (!posted) {
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    } else {
        ck_assert_int_ge(tocsin_post(note, NULL), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(own.count, 2);
    ck_assert_int_eq(other.count, 1);
    check_works();
}
END_TEST

START_TEST(jump_out_of_a_question)
{
    int ask = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "left.may", .doc = "May it?", .kind = TOCSIN_DIRECT });

    connect_to("left.may", jump, NULL);
    jumping((void)!tocsin_ask(ask, NULL, NULL));
    check_works();
    ck_assert_int_eq(tocsin_ask(ask, NULL, NULL), 0);
    ck_assert_int_eq(told.count, 2);
}
END_TEST

START_TEST(jump_out_of_a_flush)
{
    struct tocsin_block mask;

    connect_to("left.note", jump, NULL);
    ck_assert_int_eq(tocsin_block("left.note", &mask), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
    jumping(tocsin_unblock(mask));
    check_works();
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.count, 3);
}
END_TEST

static int default_jump(const struct tocsin_info *info, void *arg)
{
    return jump(info, arg);
}

START_TEST(jump_out_of_a_default_action)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "left.alone", .doc = "Nobody.", .unhandled_fn = default_jump });

    jumping(tocsin_emit(signo, NULL));
    check_works();
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(told.count, 2);
}
END_TEST

START_TEST(jump_out_of_a_drop_function)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(
        tocsin_connect("left.note",
                       &(struct tocsin_action){ .fn = tell, .arg = &other, .drop = drop_jump },
                       &handler),
        0);
    jumping(tocsin_disconnect(handler));
    check_works();
    ck_assert_int_eq(told.count, 1);
}
END_TEST

/* The library function that runs turns at the time of the jump. */
enum runner { BY_TURN, BY_RUN, BY_WAIT, RUNNERS };

/* Returns the runner of one round of the loop test. Each test calls this function again after the
   jump, since longjmp() may destroy the value of a local variable. */
static enum runner runner_of(int i)
{
    return (enum runner)(i % RUNNERS);
}

static void run_turns(enum runner runner)
{
    struct tocsin_op never;

    if (runner == BY_TURN)
        for (;;)
            ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    if (runner == BY_RUN)
        ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &never), 0);
    ck_assert_int_eq(tocsin_wait(never, 1000, NULL), 0);
}

static void leave_nothing(void)
{
    check_works();
    ck_assert_int_ge(tocsin_loop_free(), 0);
}

START_TEST(jump_out_of_a_handler_of_a_completion)
{
    bool notify = _i < RUNNERS;
    struct tocsin_op op;
    struct told notified = { .count = 0 };

    connect_to("timer.expired", jump, NULL);
    if (notify) {
        jumping(ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &notified), &op), 0);
                run_turns(runner_of(_i)));
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        /* the notify function was called, although a handler jumped (contract line O9) */
        ck_assert_int_eq(notified.count, 1);
    } else {
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_FUTURE, &op), 0);
        jumping(run_turns(runner_of(_i)));
        ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    }
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(failed.count, 1);
    leave_nothing();
}
END_TEST

START_TEST(jump_out_of_a_notify_function)
{
    jumping(ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(jump), NULL), 0);
            run_turns(runner_of(_i)));
    ck_assert_int_eq(told.count, 1);
    leave_nothing();
    ck_assert_int_eq(told.count, 1);
}
END_TEST

START_TEST(jump_out_of_a_handler_of_progress)
{
    struct tocsin_op op;

    jumping(ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(jump), &op), 0); run_turns(runner_of(_i)));
    turns_until(&told.count, 5);
    leave_nothing();
}
END_TEST

START_TEST(jump_out_of_a_task)
{
    ck_assert_int_eq(tocsin_loop_call(tocsin_loop_current(), task_jump, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_loop_call(tocsin_loop_current(), task_jump, NULL, NULL), 0);
    jumping(run_turns(runner_of(_i)));
    turns_until(&told.count, 2);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.count, 2);
    leave_nothing();
}
END_TEST

START_TEST(jump_out_of_a_handler_of_a_post)
{
    bool coalesces = _i >= RUNNERS;
    int newest = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "left.newest", .doc = "The newest.", .kind = TOCSIN_COALESCE });

    connect_to("left.note, left.newest", jump, NULL);
    for (int i = 0; i < 2; i++)
        ck_assert_int_ge(tocsin_post(coalesces ? newest : note, NULL), 0);
    jumping(run_turns(runner_of(_i)));
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.count, coalesces ? 1 : 2);
    ck_assert_int_ge(tocsin_post(coalesces ? newest : note, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(told.count, coalesces ? 2 : 3);
    leave_nothing();
}
END_TEST

static int fiber_catches(void *arg)
{
    (void)arg;
    if (setjmp(back) == 0)
        tocsin_emit(note, NULL);
    ck_assert_int_eq(tocsin_yield(), 0);
    ck_assert_int_ge(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    return 7;
}

START_TEST(jump_within_a_fiber)
{
    struct tocsin_op op;

    connect_to("left.note", jump, NULL);
    ck_assert_int_eq(tocsin_spawn(fiber_catches, NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 7);
    ck_assert_int_eq(told.count, 2);
    leave_nothing();
}
END_TEST

static int fiber_leaves(void *arg)
{
    (void)arg;
    tocsin_emit(note, NULL);
    return 0;
}

START_TEST(jump_from_a_fiber_to_another_stack)
{
    struct tocsin_op op;

    connect_to("left.note", jump, NULL);
    ck_assert_int_eq(tocsin_spawn(fiber_leaves, NULL, TOCSIN_FUTURE, &op), 0);
    jumping(run_turns(runner_of(_i)));
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ECANCELED);
    leave_nothing();
}
END_TEST

static void drop_counted(void *arg)
{
    ((struct told *)arg)->count = -1;
}

/* The handler itself is on the fiber (TOCSIN_ON_FIBER). What its fiber has kept is freed. */
START_TEST(jump_off_the_fiber_of_a_handler)
{
    static struct told jumped;
    struct tocsin_handler handler;
    struct told ended = { .count = 0 };

    connect_to("fiber.done", tell, &ended);
    ck_assert_int_eq(tocsin_connect("left.note",
                                    &(struct tocsin_action){ .fn = jump,
                                                             .drop = drop_counted,
                                                             .arg = &jumped,
                                                             .flags = TOCSIN_ON_FIBER },
                                    &handler),
                     0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    jumping(run_turns(runner_of(_i)));
    turns_until(&ended.count, 1);
    ck_assert_int_eq(ended.status, -ECANCELED);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_int_eq(jumped.count, -1);
    leave_nothing();
}
END_TEST

START_TEST(nested_handlers_are_not_reported_as_a_jump)
{
    /* This handler grows the stack by nested emissions, but it does not jump. */
    connect_to("left.note", try_inside, NULL);
    armed = 0;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(told.count, 10);
    ck_assert_int_eq(other.count, 20);
    ck_assert_int_eq(failed.count, 0);
    check_works();
}
END_TEST

/* A second thread takes over the first thread's loop, on one half of a memory area as its stack.
   The other half, at higher addresses, is the stack of a coroutine of the program. A handler
   switches to this coroutine. The library must not report a jump. */
enum { HALF = 1024 * 1024 };

static char *whole;
static ucontext_t outside, coroutine;
static int emitted;

static void emit_there(void)
{
    emitted = tocsin_emit(note, NULL);
}

static int on_other_stack(const struct tocsin_info *info, void *arg)
{
    tell(info, arg);
    if (((struct told *)arg)->count == 1)
        ck_assert_int_eq(swapcontext(&outside, &coroutine), 0);
    return TOCSIN_NEXT;
}

static void *jump_once(void *arg)
{
    struct told here = { .count = 0 };

    connect_to("left.note", jump, &here);
    jumping(tocsin_emit(note, NULL));
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return arg;
}

static void *switch_stacks(void *arg)
{
    struct told here = { .count = 0 };

    connect_to("left.note", on_other_stack, &here);
    connect_to("tocsin.handler.failed", on_failed, NULL);
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = whole + HALF;
    coroutine.uc_stack.ss_size = HALF;
    coroutine.uc_link = &outside;
    makecontext(&coroutine, emit_there, 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(emitted, TOCSIN_PENDED);
    ck_assert_int_eq(here.count, 2);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return arg;
}

static void run_on(size_t size, void *(*run)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;

    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstack(&attributes, whole, size), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, run, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}

START_TEST(a_coroutine_is_not_reported_as_a_jump)
{
    whole = mmap(NULL, 2 * HALF, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
                 -1, 0);
    ck_assert_ptr_ne(whole, MAP_FAILED);
    run_on(2 * HALF, jump_once);
    ck_assert_int_eq(failed.count, 0);
    run_on(HALF, switch_stacks);
    ck_assert_int_eq(failed.count, 0);
    munmap(whole, 2 * HALF);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/callback_longjmp");
    TCase *tests = tcase_create("longjmp");

    test_needs_processes();
    tcase_add_checked_fixture(tests, begin, NULL);
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 30);
    tcase_add_loop_test(tests, jump_out_of_an_emission, 0, EMISSION_CASES);
    tcase_add_test(tests, jump_out_of_a_handler_that_keeps_its_info);
    tcase_add_loop_test(tests, jump_out_of_an_emission_from_a_source, 0, 2);
    tcase_add_test(tests, jump_out_of_an_observer);
    tcase_add_loop_test(tests, jump_into_the_outer_handler, 0, 2);
    tcase_add_test(tests, jump_out_of_a_question);
    tcase_add_test(tests, jump_out_of_a_flush);
    tcase_add_test(tests, jump_out_of_a_default_action);
    tcase_add_test(tests, jump_out_of_a_drop_function);
    tcase_add_loop_test(tests, jump_out_of_a_handler_of_a_completion, 0, 2 * RUNNERS);
    tcase_add_loop_test(tests, jump_out_of_a_notify_function, 0, RUNNERS);
    tcase_add_loop_test(tests, jump_out_of_a_handler_of_progress, 0, RUNNERS);
    tcase_add_loop_test(tests, jump_out_of_a_task, 0, RUNNERS);
    tcase_add_loop_test(tests, jump_out_of_a_handler_of_a_post, 0, 2 * RUNNERS);
    tcase_add_test(tests, jump_within_a_fiber);
    /* This test does not run under a sanitizer, since no sanitizer supports a longjmp() from a
       fiber to another stack. */
    tcase_add_loop_test(tests, jump_from_a_fiber_to_another_stack, 0, (int)test_scaled(3, 4, 1));
    tcase_add_loop_test(tests, jump_off_the_fiber_of_a_handler, 0, (int)test_scaled(3, 4, 1));
    tcase_add_test(tests, nested_handlers_are_not_reported_as_a_jump);
    /* This test does not run under a sanitizer, since the sanitizers do not understand
       swapcontext(). */
    tcase_add_loop_test(tests, a_coroutine_is_not_reported_as_a_jump, 0, (int)test_scaled(1, 2, 2));
    return suite;
}
