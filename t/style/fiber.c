/* Tests fibers, which are functions with a stack of their own. A wait suspends the fiber, and the
   loop continues. */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "futures.h"
#include "handlers.h"

static struct told told;
static int note;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    written[0] = '\0';
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
}

static int task_wait(void *arg)
{
    return tocsin_wait(*(struct tocsin_op *)arg, -1, NULL);
}

static int task_write(void *arg)
{
    strcat(written, arg);
    ck_assert_int_eq(tocsin_yield(), 0);
    strcat(written, arg);
    ck_assert_int_eq(tocsin_yield(), 0);
    strcat(written, arg);
    return 5;
}

START_TEST(fibers_take_turns)
{
    struct tocsin_op ops[3] = { spawn(task_write, "a"), spawn(task_write, "b"),
                                spawn(task_write, "c") };

    /* nothing is written yet, since the fiber begins in the next turn */
    ck_assert_str_eq(written, "");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_wait(ops[i], -1, NULL), 5);
    ck_assert_str_eq(written, "abcabcabc");
}
END_TEST

static int task_join(void *arg)
{
    int depth = *(int *)arg, next = depth - 1, status;

    if (depth == 0)
        return 0;
    status = tocsin_wait(spawn(task_join, &next), -1, NULL);
    return status < 0 ? status : status + 1;
}

START_TEST(joined_from_fibers_and_from_the_loop)
{
    int depth = 50;

    ck_assert_int_eq(tocsin_wait(spawn(task_join, &depth), -1, NULL), 50);
}
END_TEST

static int task_timer(void *arg)
{
    struct tocsin_info *info;
    struct tocsin_op op;
    int status;

    (void)arg;
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_FUTURE, &op), 0);
    status = tocsin_wait(op, -1, &info);
    ck_assert_int_eq(status, 0);
    ck_assert_ptr_nonnull(tocsin_timer_expired_of(info));
    tocsin_info_unref(info);
    return 11;
}

START_TEST(the_completion_has_the_figures_of_the_fiber)
{
    const struct tocsin_fiber_done *done;
    struct tocsin_info *info;

    ck_assert_int_eq(tocsin_wait(spawn(task_timer, NULL), -1, &info), 11);
    done = tocsin_fiber_done_of(info);
    ck_assert_int_gt(done->total_us, 0);
    ck_assert_uint_eq(done->suspended, 1);
    tocsin_info_unref(info);
}
END_TEST

static int task_yield_for_ever(void *arg)
{
    int status = 0;

    (void)arg;
    while (status == 0)
        status = tocsin_yield();
    return status;
}

static int task_fill_stack(void *arg)
{
    volatile char frame[4096];
    int depth = *(int *)arg, next = depth - 1;

    memset((char *)frame, depth, sizeof frame);
    if (depth > 0) {
        ck_assert_int_eq(tocsin_yield(), 0);
        ck_assert_int_eq(task_fill_stack(&next), 0);
    }
    for (size_t i = 0; i < sizeof frame; i++)
        ck_assert_int_eq(frame[i], (char)depth);
    return 0;
}

START_TEST(a_fiber_uses_its_whole_stack)
{
    int depth = 20;
    struct tocsin_op one = spawn(task_fill_stack, &depth), other = spawn(task_fill_stack, &depth);

    ck_assert_int_eq(tocsin_wait(one, -1, NULL), 0);
    ck_assert_int_eq(tocsin_wait(other, -1, NULL), 0);
}
END_TEST

#ifdef __SANITIZE_THREAD__
/* 1000 fibers only with a sanitizer, which needs as much shadow memory for a fiber as for a
   thread */
#define MANY 1000
#else
#define MANY 10000
#endif

/* Each fiber needs two memory mappings. So the system's limit of mappings bounds the number of
   fibers. */
START_TEST(ten_thousand_fibers)
{
    static struct tocsin_op ops[MANY];
    int count = 0, most = (int)test_scaled(MANY, 1, 5), status = 0;

    while (count < most && status == 0) {
        status = tocsin_spawn(task_write, "", TOCSIN_FUTURE, &ops[count]);
        count += status == 0;
    }
    ck_assert(status == 0 || status == -ENOMEM);
    ck_assert_int_ge(count, 1000);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(tocsin_wait(ops[i], -1, NULL), 5);
}
END_TEST

static int try_to_wait(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op *op = arg;

    (void)info;
    ck_assert_int_eq(tocsin_wait(*op, -1, NULL), -EDEADLK);
    ck_assert_int_eq(tocsin_yield(), -EDEADLK);
    ck_assert_int_eq(tocsin_loop_turn(0), -EDEADLK);
    ck_assert_int_eq(tocsin_run(), -EDEADLK);
    told.count++;
    return TOCSIN_NEXT;
}

static int task_emit(void *arg)
{
    struct tocsin_op *op = arg;

    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_loop_turn(0), -EDEADLK);
    ck_assert_int_eq(tocsin_run(), -EDEADLK);
    ck_assert_int_eq(tocsin_clock_move(0), -EDEADLK);
    ck_assert_int_eq(tocsin_op_complete(*op, 4, NULL), 0);
    /* The fiber does not run inside a handler here, so this wait is allowed. */
    return tocsin_wait(*op, -1, NULL);
}

START_TEST(a_handler_on_a_fiber_cannot_wait)
{
    struct tocsin_op op = promise();

    connect_to("test.note", try_to_wait, &op);
    ck_assert_int_eq(tocsin_wait(spawn(task_emit, &op), -1, NULL), 4);
    ck_assert_int_eq(told.count, 1);
    /* tocsin_yield() returns -EDEADLK, since the call is outside of a fiber */
    ck_assert_int_eq(tocsin_yield(), -EDEADLK);
}
END_TEST

static int task_emit_twice(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_yield(), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    return 0;
}

static uint64_t spawned_in;

static int spawn_here(const struct tocsin_info *info, void *arg)
{
    spawned_in = info->sequence;
    return tocsin_spawn(task_emit_twice, arg, NULL, NULL);
}

static int check_parent(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    ck_assert_uint_eq(info->parent, spawned_in);
    told.count++;
    return TOCSIN_NEXT;
}

START_TEST(emissions_of_a_fiber_have_the_parent_of_its_spawn)
{
    connect_to("timer.expired", spawn_here, NULL);
    connect_to("test.note", check_parent, NULL);
    ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
    /* This fiber runs between the two emissions of the fiber that emits twice. */
    ck_assert_int_eq(tocsin_spawn(task_yield_for_ever, NULL, NULL, NULL), 0);
    turns_until(&told.count, 2);
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    test_leaves(1);
}
END_TEST

static int task_stop(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tocsin_stop(9), 0);
    ck_assert_int_eq(tocsin_yield(), 0);
    return 0;
}

START_TEST(a_fiber_stops_the_loop)
{
    struct tocsin_op op = spawn(task_stop, NULL);

    ck_assert_int_eq(tocsin_run(), 9);
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
}
END_TEST

static int task_free(void *arg)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_loop_free(), 0);
    *(int *)arg = tocsin_yield();
    ck_assert_int_eq(tocsin_timer(0, NULL, &op), -ESHUTDOWN);
    return 0;
}

START_TEST(a_fiber_frees_the_loop)
{
    struct tocsin_op inner = promise();
    int answer = 1;

    ck_assert_int_eq(tocsin_spawn(task_wait, &inner, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_spawn(task_free, &answer, TOCSIN_CALL(tell, &told), NULL), 0);
    ck_assert_int_eq(tocsin_spawn(task_yield_for_ever, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(answer, -ECANCELED);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

static int task_touch_guard(void *arg)
{
    char here;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    volatile char *below = (char *)((uintptr_t)&here & ~(page - 1));
    unsigned char resident;

    (void)arg;
    for (int i = 0; i < 64 && mincore((void *)(uintptr_t)below, page, &resident) == 0; i++) {
        below -= page;
        *below = 1; /* this write hits the guard page, so the process is killed here */
    }
    return 0;
}

/* A fiber writes below its stack. The guard page must kill the process, so the test does this in a
   child process. */
START_TEST(a_guard_page_ends_the_stack)
{
    pid_t child;
    int status;

    tocsin_loop_free();
    child = fork();
    if (child == 0) {
        struct tocsin_op op;

        signal(SIGSEGV, SIG_DFL);
        _exit(tocsin_spawn(task_touch_guard, NULL, TOCSIN_FUTURE, &op) < 0 ||
              tocsin_wait(op, -1, NULL) != 0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("style/fiber");
    TCase *tests = test_case(suite, "fiber");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, fibers_take_turns);
    tcase_add_test(tests, joined_from_fibers_and_from_the_loop);
    tcase_add_test(tests, the_completion_has_the_figures_of_the_fiber);
    tcase_add_test(tests, a_fiber_uses_its_whole_stack);
    tcase_add_test(tests, ten_thousand_fibers);
    tcase_add_test(tests, a_handler_on_a_fiber_cannot_wait);
    tcase_add_test(tests, emissions_of_a_fiber_have_the_parent_of_its_spawn);
    tcase_add_test(tests, a_fiber_stops_the_loop);
    tcase_add_test(tests, a_fiber_frees_the_loop);
    tcase_add_test(tests, a_guard_page_ends_the_stack);
    return suite;
}
