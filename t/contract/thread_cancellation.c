#define _GNU_SOURCE /* for pipe2() */
/* A thread has a pending deferred pthread_cancel(), and calls a public function. The test does this
   for each function. A function that does not wait must return, since it is no cancellation point.
   A function that waits may end the thread.

   In both cases no lock may stay locked. To check this, another loop, which was asleep, must
   receive the emission, continue, and be freed. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <tocsin/inject.h>
#include <tocsin/plugin.h>
#include <tocsin/host.h>
#include <tocsin/inspect.h>
#include <tocsin/posix.h>
#include <tocsin/provider.h>
#include <tocsin/watchdog.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "command_threads.h"

#define GIFT(F) F(object, thing) F(fd, file)
TOCSIN_LAYOUT(gift, GIFT);

static int ping, gift, asked, pipes[2];
static struct told told;
static struct {
    struct tocsin_loop loop;
    struct tocsin_handler handler;
    struct tocsin_op promise;
} main_has;
static struct {
    struct tocsin_handler handler;
    struct tocsin_op timer, watch, promise, kept;
    struct tocsin_queue queue;
    struct tocsin_source source;
    struct tocsin_block mask;
} mine;
static atomic_bool returned;
static atomic_int refs;

static int hear(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* The ref function of an object. The library calls it while the library holds a lock. The function
   contains a cancellation point. */
static int ref_thing(void *object)
{
    (void)object;
    refs++;
    pthread_testcancel();
    return 0;
}

static void unref_thing(void *object)
{
    (void)object;
    refs--;
}

static const struct tocsin_object_ops thing = { "thing", ref_thing, unref_thing };

static void cross(const struct tocsin_inject_event *crossing, struct tocsin_inject_action *verdict,
                  void *arg)
{
    (void)crossing, (void)verdict, (void)arg;
    pthread_testcancel();
}

#define PRESENT TOCSIN_PAYLOAD(gift, .thing = { &told, &thing }, .file = pipes[0])

/* These functions do not wait. The sleeping loop belongs to the test's main thread. */
static void c_emit(void)
{
    tocsin_emit(ping, NULL);
}
static void c_emit_from(void)
{
    tocsin_emit_from(mine.source, ping, NULL);
}
static void c_post(void)
{
    tocsin_post(ping, NULL);
}
static void c_post_to(void)
{
    tocsin_post_to(main_has.loop, ping, NULL);
}
static void c_post_wait(void)
{
    (void)!tocsin_post_wait(ping, NULL, -1);
}
static void c_loop_call(void)
{
    tocsin_loop_call(main_has.loop, do_nothing, NULL, NULL);
}
static void c_ask(void)
{
    (void)!tocsin_ask(asked, NULL, NULL);
}
static void c_disconnect_there(void)
{
    tocsin_disconnect(main_has.handler);
}
static void c_disconnect_wait(void)
{
    (void)!tocsin_disconnect_wait(main_has.handler, -1);
}
static void c_complete_there(void)
{
    tocsin_op_complete(main_has.promise, 0, NULL);
}
static void c_on(void)
{
    tocsin_on("cancel.*", hear, NULL);
}
static void c_on_os(void)
{
    tocsin_on("os.sigusr1", hear, NULL);
}
static void c_disconnect(void)
{
    tocsin_disconnect(mine.handler);
}
static void c_block(void)
{
    struct tocsin_block mask;
    tocsin_block("cancel.*", &mask);
}
static void c_unblock(void)
{
    tocsin_unblock(mine.mask);
}
static void c_sigmask(void)
{
    tocsin_sigmask(TOCSIN_BLOCK, "cancel.*", NULL, 0);
}
static void c_ignore(void)
{
    tocsin_ignore("cancel.ping");
}
static void c_default(void)
{
    tocsin_unignore("cancel.ping");
}
static void c_declare(void)
{
    (void)!tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "cancel.new", .doc = "Of a test." });
}
static void c_timer(void)
{
    tocsin_timer(0, NULL, NULL);
}
static void c_timer_set(void)
{
    tocsin_timer_set(mine.timer, 1);
}
static void c_every(void)
{
    tocsin_every(1, TOCSIN_EACH(hear), NULL);
}
static void c_watch(void)
{
    tocsin_watch(pipes[1], POLLOUT, TOCSIN_EACH(hear), NULL);
}
static void c_watch_set(void)
{
    tocsin_watch_set(mine.watch, POLLIN);
}
static void c_cancel(void)
{
    tocsin_cancel(mine.timer);
}
static void c_deadline(void)
{
    tocsin_op_deadline(mine.timer, 1);
}
static void c_op_new(void)
{
    struct tocsin_op op;
    tocsin_op_new(NULL, NULL, &op);
}
static void c_complete(void)
{
    tocsin_op_complete(mine.promise, 0, PRESENT);
}
static void c_op_free(void)
{
    tocsin_op_free(mine.kept);
}
static void c_then(void)
{
    tocsin_then(mine.kept, hear, NULL);
}
static void c_all(void)
{
    tocsin_all(&mine.kept, 1, NULL, NULL);
}
static void c_any(void)
{
    tocsin_any(&mine.kept, 1, NULL, NULL);
}
static void c_spawn(void)
{
    tocsin_spawn(do_nothing, NULL, NULL, NULL);
}
static void c_work(void)
{
    tocsin_work(do_nothing, NULL, NULL, NULL);
}
static void c_pool(void)
{
    struct tocsin_pool pool;
    tocsin_pool_new(1, 1, &pool);
    tocsin_pool_free(pool);
}
static void c_queue_open(void)
{
    struct tocsin_queue queue;
    tocsin_queue_open("cancel.*", NULL, &queue);
}
static void c_queue_close(void)
{
    tocsin_queue_close(mine.queue);
}
static void c_queue_fd(void)
{
    tocsin_queue_fd(mine.queue);
}
static void c_fd(void)
{
    tocsin_loop_fd();
}
static void c_source(void)
{
    tocsin_source_free(mine.source);
}
static void c_stop(void)
{
    tocsin_stop(0);
}
static void c_drain(void)
{
    tocsin_drain(0);
}
static void c_watchdog(void)
{
    tocsin_watchdog(1000);
}
static void c_watchdog_end(void)
{
    tocsin_watchdog(1000);
    tocsin_watchdog(0);
}
static void c_here(void)
{
    tocsin_os_unblock_here();
}
static void c_interpose(void)
{
    tocsin_inject(cross, NULL);
    tocsin_post(gift, PRESENT);
    tocsin_inject(NULL, NULL);
}
static void c_load(void)
{
    tocsin_plugin_load("./no-such.so", NULL);
}
static void c_check(void)
{
    tocsin_plugin_check("/proc/self/exe", NULL);
}
static void c_unload(void)
{
    tocsin_plugin_unload("nosuch", NULL, NULL);
}
static void c_reload(void)
{
    tocsin_plugin_reload("nosuch", NULL, NULL, NULL);
}
static void c_release(void)
{
    tocsin_plugin_unquarantine("nosuch");
}
static void c_next(void)
{
    struct tocsin_plugin_facts facts;
    tocsin_plugin_next(NULL, &facts);
}

/* These functions wait, or call write() for the program. */
static void c_turn(void)
{
    tocsin_loop_turn(0);
}
static void c_turn_long(void)
{
    tocsin_loop_turn(1000000);
}
static void c_run(void)
{
    tocsin_run();
}
static void c_free(void)
{
    tocsin_loop_free();
}
static void c_clock(void)
{
    tocsin_clock_move(10);
}
static void c_wait(void)
{
    (void)!tocsin_wait(mine.kept, -1, NULL);
}
static void c_suspend(void)
{
    (void)!tocsin_suspend("", -1);
}
static void c_queue_wait(void)
{
    (void)!tocsin_queue_wait(mine.queue, -1, NULL);
}
static void c_report(void)
{
    tocsin_report(pipes[1]);
}

static const struct {
    const char *name;
    void (*call)(void);
    bool looped, waits;
} table[] = {
#define ROW(call, looped, waits) \
    { \
#call, call, looped, waits \
    }
    ROW(c_emit, true, false),
    ROW(c_emit_from, true, false),
    ROW(c_post, false, false),
    ROW(c_post, true, false),
    ROW(c_post_to, false, false),
    ROW(c_post_wait, false, true),
    ROW(c_loop_call, false, false),
    ROW(c_ask, true, false),
    ROW(c_disconnect_there, false, false),
    ROW(c_disconnect_wait, false, true),
    ROW(c_complete_there, false, false),
    ROW(c_on, false, false),
    ROW(c_on, true, false),
    ROW(c_on_os, true, false),
    ROW(c_disconnect, true, false),
    ROW(c_block, true, false),
    ROW(c_unblock, true, false),
    ROW(c_sigmask, true, false),
    ROW(c_ignore, true, false),
    ROW(c_default, true, false),
    ROW(c_declare, true, false),
    ROW(c_timer, false, false),
    ROW(c_timer_set, true, false),
    ROW(c_every, true, false),
    ROW(c_watch, true, false),
    ROW(c_watch_set, true, false),
    ROW(c_cancel, true, false),
    ROW(c_deadline, true, false),
    ROW(c_op_new, false, false),
    ROW(c_complete, true, false),
    ROW(c_op_free, true, false),
    ROW(c_then, true, false),
    ROW(c_all, true, false),
    ROW(c_any, true, false),
    ROW(c_spawn, true, false),
    ROW(c_work, true, false),
    ROW(c_work, false, false),
    ROW(c_pool, false, false),
    ROW(c_queue_open, false, false),
    ROW(c_queue_close, true, false),
    ROW(c_queue_fd, true, false),
    ROW(c_fd, false, false),
    ROW(c_source, true, false),
    ROW(c_stop, true, false),
    ROW(c_drain, true, false),
    ROW(c_watchdog, false, false),
    ROW(c_watchdog_end, true, false),
    ROW(c_here, true, false),
    ROW(c_interpose, false, false),
    ROW(c_load, true, false),
    ROW(c_check, false, false),
    ROW(c_unload, true, false),
    ROW(c_reload, true, false),
    ROW(c_release, true, false),
    ROW(c_next, true, false),
    ROW(c_turn, true, true),
    ROW(c_turn, false, true),
    ROW(c_turn_long, true, true),
    ROW(c_run, true, true),
    ROW(c_free, true, true),
    ROW(c_clock, true, true),
    ROW(c_wait, true, true),
    ROW(c_suspend, true, true),
    ROW(c_queue_wait, true, true),
    ROW(c_report, true, true),
#undef ROW
};
enum { ROWS = sizeof table / sizeof table[0] };

static void prepare(void)
{
    ck_assert_int_eq(
        tocsin_connect("cancel.ping", &(struct tocsin_action){ .fn = hear }, &mine.handler), 0);
    ck_assert_int_eq(tocsin_source_new(NULL, &mine.source), 0);
    ck_assert_int_eq(tocsin_timer(1000000, NULL, &mine.timer), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_EACH(hear), &mine.watch), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &mine.promise), 0);
    ck_assert_int_eq(tocsin_timer(1000000, TOCSIN_FUTURE, &mine.kept), 0);
    ck_assert_int_eq(tocsin_queue_open("cancel.*", NULL, &mine.queue), 0);
    ck_assert_int_eq(tocsin_block("cancel.gift", &mine.mask), 0);
}

/* A cancelled thread leaves its stack frames without returning. This function tells the address
   sanitizer that these frames are gone. */
static void forget_frames(void *none)
{
#ifdef __SANITIZE_ADDRESS__
    pthread_attr_t attributes;
    size_t size;
    void *low;

    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    __asan_unpoison_memory_region(low, (size_t)((char *)__builtin_frame_address(0) - (char *)low));
#endif
    (void)none;
}

static void *cancelled(void *arg)
{
    const int *row = arg;

    pthread_cleanup_push(forget_frames, NULL);
    if (table[*row].looped)
        prepare();
    pthread_cancel(pthread_self());
    table[*row].call();
    returned = true;
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return NULL;
}

/* Lets the loop of this thread fall asleep. A poll on its descriptor then waits for it. */
static void sleeps(void)
{
    ck_assert_int_ge(tocsin_loop_fd(), 0);
    while (tocsin_loop_turn(0) > 0)
        ;
}

static void begin_main(void)
{
    ping = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "cancel.ping", .doc = "Of a test." });
    gift = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "cancel.gift", .doc = "Of a test.", .layout = &gift_layout });
    asked = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "cancel.asked", .doc = "Of a test.", .kind = TOCSIN_DIRECT });
    ck_assert_int_gt(ping, 0);
    ck_assert_int_gt(gift, 0);
    ck_assert_int_gt(asked, 0);
    ck_assert_int_eq(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
    memset(&told, 0, sizeof told);
    ck_assert_int_eq(tocsin_connect("cancel.ping",
                                    &(struct tocsin_action){ .fn = tell, .arg = &told },
                                    &main_has.handler),
                     0);
    ck_assert_int_eq(tocsin_on("cancel.gift", hear, NULL), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &main_has.promise), 0);
    main_has.loop = tocsin_loop_current();
    sleeps();
}

START_TEST(each_function_with_a_cancellation_pending)
{
    void *answer;
    pthread_t thread;

    begin_main();
    returned = false;
    refs = 0;
    ck_assert_int_eq(pthread_create(&thread, NULL, cancelled, &_i), 0);
    while (table[_i].call == c_disconnect_wait && told.status == 0 && tocsin_loop_turn(1) == 0)
        told.status = 1;
    ck_assert_int_eq(pthread_join(thread, &answer), 0);
    ck_assert_ptr_eq(answer, PTHREAD_CANCELED);
    ck_assert_msg(table[_i].waits || returned, "%s is a cancellation point", table[_i].name);
    while (tocsin_loop_turn(0) > 0)
        ;
    if (table[_i].call == c_post || table[_i].call == c_post_to || table[_i].call == c_emit)
        ck_assert_int_ge(told.count, 1);
    told.count = 0;
    tocsin_on("cancel.ping", tell, &told);
    ck_assert_int_eq(tocsin_post(ping, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit(ping, NULL), TOCSIN_DELIVERED);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_ge(told.count, 2);
    tocsin_op_complete(main_has.promise, 0, NULL);
    tocsin_loop_free();
    ck_assert_int_eq(refs, 0);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

/* A task of the pool ends its thread, or its thread is cancelled, in four ways. The operation must
   end, its drop function must be called once, and the pool must still work. */
enum how { EXITS, CANCELLED, CANCELLED_LATE, EXITS_IN_DROP, HOWS };

static enum how how;
static atomic_int drops;
static pthread_t tests_own;

static int end_thread(void *arg)
{
    (void)arg;
    if (how == EXITS)
        pthread_exit(NULL);
    if (how == CANCELLED || how == CANCELLED_LATE)
        pthread_cancel(pthread_self());
    if (how == CANCELLED)
        pthread_testcancel();
    return 5;
}

static void drop_it(void *arg)
{
    (void)arg;
    drops++;
    /* The drop function must not end the test's own thread, which calls it when the loop was the
       last user. */
    if (how == EXITS_IN_DROP && !pthread_equal(pthread_self(), tests_own))
        pthread_exit(NULL);
}

START_TEST(a_task_that_ends_its_thread)
{
    struct tocsin_work_options options = { .drop = drop_it };
    struct tocsin_op op[8];

    how = (enum how)_i;
    drops = 0;
    tests_own = pthread_self();
    ck_assert_int_eq(tocsin_pool_new(1, 0, &options.pool), 0);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(tocsin_work_with(&options, i % 2 ? do_nothing : end_thread, NULL,
                                          TOCSIN_FUTURE, &op[i]),
                         0);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(tocsin_wait(op[i], -1, NULL), i % 2 ? 0
                                                       : how == EXITS || how == CANCELLED
                                                           ? -ECANCELED
                                                           : 5);
    while (drops < 8)
        sched_yield();
    ck_assert_int_eq(tocsin_pool_free(options.pool), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/thread_cancellation");
    TCase *tests = test_case(suite, "cancelled");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, each_function_with_a_cancellation_pending, 0, ROWS);
    tcase_add_loop_test(tests, a_task_that_ends_its_thread, 0, HOWS);
    return suite;
}
