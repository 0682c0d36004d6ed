/* Contract line T6: a thread ends without tocsin_loop_free(), by a return or by pthread_exit(). The
   thread ends in each function that the library calls, with every kind of object on its loop.
   Afterwards none of its handlers may be called, and each drop function must be called once. Other
   loops must receive the completions of its operations, and continue. */
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/posix.h>
#include <tocsin/provider.h>

#include "command_threads.h"

/* ThreadSanitizer does not support pthread_exit() on a fiber. Nor does it support library calls in
   the last round of a thread's destructors. */
#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif
#ifndef TSAN
#define TSAN 0
#endif

enum where {
    RETURNS,
    IN_HANDLER,
    IN_ONCE,
    IN_MASKED,
    IN_NESTED,
    IN_FLUSH,
    IN_OBSERVER,
    IN_NOTIFY,
    IN_EACH,
    IN_THEN,
    IN_FIBER,
    IN_FIBERS_HANDLER,
    IN_TASK,
    IN_DROP,
    IN_RUN,
    IN_QUEUE_WAIT,
    IN_SUSPEND,
    IN_WAIT,
    IN_FREE,
    IN_DEFAULT,
    IN_CLOCK,
    IN_POSTED,
    WHERES
};

/* Set when the thread is about to end. After that, none of the thread's handlers may be called. */
static __thread bool over;
static atomic_int called_late, drops, connected, tasks_dropped;
static int ping, other, plain, pipes[2];
static sem_t go;

static void leave_now(void)
{
    over = true;
    pthread_exit(NULL);
}

static int leave(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    called_late += over;
    leave_now();
    return TOCSIN_NEXT;
}

static int leave_task(void *arg)
{
    (void)arg;
    called_late += over;
    leave_now();
    return 0;
}

static int hear(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    called_late += over;
    return TOCSIN_NEXT;
}

static void drop_one(void *arg)
{
    (void)arg;
    drops++;
}

static void drop_task(void *arg)
{
    (void)arg;
    tasks_dropped++;
}

static void drop_and_leave(void *arg)
{
    (void)arg;
    drops++;
    leave_now();
}

static void listen(const char *pattern, tocsin_fn fn, unsigned flags, const char *mask)
{
    const struct tocsin_action action = {
        .fn = fn, .drop = drop_one, .flags = flags, .mask = mask
    };

    ck_assert_int_eq(tocsin_connect(pattern, &action, NULL), 0);
    connected++;
}

static int task_late(void *arg)
{
    (void)arg;
    called_late += over;
    return 0;
}

/* A task that runs until the test posts the semaphore. */
static int work_on(void *arg)
{
    (void)arg;
    while (sem_wait(&go) < 0)
        ;
    return 0;
}

static int wait_for_it(void *arg)
{
    struct tocsin_op op;

    (void)arg;
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    (void)!tocsin_wait(op, 1000000, NULL);
    called_late += over; /* a fiber must not continue after the end of its thread */
    return 0;
}

static int wait_in_queue(void *arg)
{
    struct tocsin_queue queue;

    (void)arg;
    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    (void)!tocsin_queue_wait(queue, 1000000, NULL);
    called_late += over;
    return 0;
}

/* Makes one object of each kind. ENDS is the number of operations whose completion other loops
   receive. */
enum { ENDS = 13 };

static void begin_all(void)
{
    struct tocsin_op op[6];
    struct tocsin_queue queue;
    struct tocsin_source source;
    const struct tocsin_work_options abandoned = { .drop = drop_task };

    listen("test.**", hear, 0, NULL);
    listen("test.ping", hear, TOCSIN_ONCE, NULL);
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_int_eq(
        tocsin_connect("test.ping",
                       &(struct tocsin_action){ .fn = hear, .drop = drop_one, .source = source },
                       NULL),
        0);
    connected++;
    ck_assert_int_eq(
        tocsin_queue_open("test.other", &(struct tocsin_queue_options){ .limit = 3 }, &queue), 0);
    ck_assert_int_eq(tocsin_timer(1000000, TOCSIN_CALL(hear), NULL), 0);
    ck_assert_int_eq(tocsin_every(1000000, TOCSIN_EACH(hear), NULL), 0);
    ck_assert_int_eq(tocsin_watch(pipes[0], POLLIN, TOCSIN_EACH(hear), NULL), 0);
    ck_assert_int_eq(tocsin_work_with(&abandoned, work_on, NULL, TOCSIN_CALL(hear), NULL), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tocsin_timer(1000000, TOCSIN_FUTURE, &op[i]), 0);
    ck_assert_int_eq(tocsin_all(op, 2, TOCSIN_CALL(hear), NULL), 0);
    ck_assert_int_eq(tocsin_any(op + 2, 2, TOCSIN_QUEUE(queue), NULL), 0);
    ck_assert_int_eq(tocsin_spawn(wait_for_it, NULL, TOCSIN_CALL(hear), NULL), 0);
    ck_assert_int_eq(tocsin_spawn(wait_in_queue, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op[4]), 0);
    ck_assert_int_eq(tocsin_then(op[4], hear, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_loop_call(tocsin_loop_current(), task_late, NULL, drop_task), 0);
}

/* Functions that end the thread. The test fails if one of them returns. */

static int emit_again(const struct tocsin_info *info, void *arg)
{
    static __thread int depth;

    (void)arg;
    if (++depth == 3)
        leave_now();
    tocsin_emit(info->signo, NULL);
    return TOCSIN_NEXT;
}

static int emit_ping(void *arg)
{
    (void)arg;
    return tocsin_emit(ping, NULL);
}

static void pend_and_unblock(void)
{
    struct tocsin_block mask;

    ck_assert_int_eq(tocsin_block("test.**", &mask), 0);
    for (int i = 0; i < 5; i++) {
        tocsin_emit(ping, NULL);
        tocsin_emit(other, NULL);
    }
    tocsin_unblock(mask);
}

static void leave_then(void)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_then(op, leave, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    tocsin_loop_turn(0);
}

static void leave_waiting(void)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(leave), NULL), 0);
    (void)!tocsin_wait(op, 1000000, NULL);
}

static void leave_queue_wait(void)
{
    struct tocsin_queue queue;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(leave), NULL), 0);
    (void)!tocsin_queue_wait(queue, 1000000, NULL);
}

static void leave_handler(void)
{
    listen("test.ping", leave, 0, NULL);
    tocsin_emit(ping, NULL);
}

static void leave_once(void)
{
    listen("test.ping", leave, TOCSIN_ONCE, NULL);
    tocsin_emit(ping, NULL);
}

static void leave_masked(void)
{
    listen("test.ping", leave, 0, "test.other");
    tocsin_emit(ping, NULL);
}

static void leave_nested(void)
{
    listen("test.ping", emit_again, TOCSIN_NODEFER, "test.other");
    tocsin_emit(ping, NULL);
}

static void leave_flush(void)
{
    listen("test.other", leave, 0, NULL);
    pend_and_unblock();
}

static void leave_observer(void)
{
    const struct tocsin_action action = { .fn = leave, .drop = drop_one };

    ck_assert_int_eq(tocsin_observe("test.ping", &action, NULL), 0);
    connected++;
    tocsin_emit(ping, NULL);
}

static void leave_notify(void)
{
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(leave), NULL), 0);
    while (tocsin_loop_turn(-1) >= 0)
        ;
}

static void leave_each(void)
{
    ck_assert_int_eq(tocsin_every(0, TOCSIN_EACH(leave), NULL), 0);
    ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(leave), NULL), 0);
    while (tocsin_loop_turn(-1) >= 0)
        ;
}

static void leave_fiber(void)
{
    ck_assert_int_eq(tocsin_spawn(leave_task, NULL, NULL, NULL), 0);
    tocsin_loop_turn(0);
}

static void leave_fibers_handler(void)
{
    listen("test.ping", leave, 0, NULL);
    ck_assert_int_eq(tocsin_spawn(emit_ping, NULL, NULL, NULL), 0);
    tocsin_loop_turn(0);
}

static void leave_loop_task(void)
{
    struct tocsin_loop loop = tocsin_loop_current();

    ck_assert_int_eq(tocsin_loop_call(loop, leave_task, NULL, drop_task), 0);
    ck_assert_int_eq(tocsin_loop_call(loop, task_late, NULL, drop_task), 0);
    tocsin_loop_turn(0);
}

static void leave_drop(void)
{
    const struct tocsin_action action = { .fn = hear, .drop = drop_and_leave };
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_connect("test.ping", &action, &handler), 0);
    connected++;
    tocsin_disconnect(handler);
}

static void leave_run(void)
{
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(leave), NULL), 0);
    tocsin_run();
}

static void leave_suspend(void)
{
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(leave), NULL), 0);
    (void)!tocsin_suspend("test.other", 1000000);
}

static void leave_free(void)
{
    listen("timer.expired", leave, 0, NULL);
    tocsin_loop_free();
}

static void leave_default_action(void)
{
    tocsin_emit(plain, NULL);
}

static void leave_clock(void)
{
    sem_post(&go); /* the task must end, since moving the clock waits for running tasks */
    ck_assert_int_eq(tocsin_timer(500, TOCSIN_CALL(leave), NULL), 0);
    tocsin_clock_move(1000);
}

static void leave_posted(void)
{
    listen("test.ping", leave, 0, NULL);
    for (int i = 0; i < 3; i++)
        tocsin_post(ping, NULL);
    tocsin_loop_turn(-1);
}

static void leave_nowhere(void)
{
}

/* One function for each place at which the thread ends. */
static void (*const places[WHERES])(void) = {
    [RETURNS] = leave_nowhere,      [IN_HANDLER] = leave_handler,
    [IN_ONCE] = leave_once,         [IN_MASKED] = leave_masked,
    [IN_NESTED] = leave_nested,     [IN_FLUSH] = leave_flush,
    [IN_OBSERVER] = leave_observer, [IN_NOTIFY] = leave_notify,
    [IN_EACH] = leave_each,         [IN_THEN] = leave_then,
    [IN_FIBER] = leave_fiber,       [IN_FIBERS_HANDLER] = leave_fibers_handler,
    [IN_TASK] = leave_loop_task,    [IN_DROP] = leave_drop,
    [IN_RUN] = leave_run,           [IN_QUEUE_WAIT] = leave_queue_wait,
    [IN_SUSPEND] = leave_suspend,   [IN_WAIT] = leave_waiting,
    [IN_FREE] = leave_free,         [IN_DEFAULT] = leave_default_action,
    [IN_CLOCK] = leave_clock,       [IN_POSTED] = leave_posted,
};

struct goer {
    enum where where;
    struct tocsin_loop loop;
};

static void *goer_run(void *arg)
{
    struct goer *goer = arg;

    begin_all();
    goer->loop = tocsin_loop_current();
    places[goer->where]();
    ck_assert(goer->where == RETURNS);
    over = true;
    return NULL;
}

static int unhandled_leave(const struct tocsin_info *info, void *arg)
{
    return leave(info, arg);
}

static void declare_all(void)
{
    ping = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.ping", .doc = "Of a test." });
    other = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.other", .doc = "Of a test." });
    plain = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "ended.plain", .doc = "Of a test.", .unhandled_fn = unhandled_leave });
    ck_assert_int_gt(ping, 0);
    ck_assert_int_gt(other, 0);
    ck_assert_int_gt(plain, 0);
}

static struct told told, ends;

static int count_end(const struct tocsin_info *info, void *arg)
{
    return info->status == -ECANCELED ? tell(info, arg) : TOCSIN_NEXT;
}

START_TEST(T6_a_thread_that_ends_closes_its_loop)
{
    enum where where = (enum where)_i;
    struct goer goer = { .where = where };
    pthread_t thread;

    if (TSAN && (where == IN_FIBER || where == IN_FIBERS_HANDLER))
        return;
    declare_all();
    memset(&told, 0, sizeof told);
    memset(&ends, 0, sizeof ends);
    called_late = drops = connected = tasks_dropped = 0;
    ck_assert_int_eq(sem_init(&go, 0, 0), 0);
    ck_assert_int_eq(pipe(pipes), 0);
    connect_to("test.ping", tell, &told);
    connect_to("*.done, timer.expired", count_end, &ends);
    ck_assert_int_eq(pthread_create(&thread, NULL, goer_run, &goer), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(called_late, 0);
    ck_assert_int_eq(drops, connected);
    ck_assert_int_eq(tocsin_post_to(goer.loop, ping, NULL), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_loop_call(goer.loop, task_late, NULL, NULL), -ESHUTDOWN);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_ge(ends.count, ENDS);
    told.count = 0;
    for (int i = 0; i < 3000; i++)
        ck_assert_int_eq(tocsin_emit(ping, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(told.count, 3000);
    sem_post(&go);
    /* The task is still running. Its drop function is called after the task has returned. */
    while (tasks_dropped < 2 + 2 * (where == IN_TASK))
        sched_yield();
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

/* Two destructors of thread-specific data use the library, and so make new loops. One destructor
   runs before the library's own destructor, the other one after it. Both destructors do the same in
   each round of destructors except the last. Each of these loops must be closed. */
enum { ROUNDS = TSAN ? 2 : 3 };

static pthread_key_t keys[2];
static __thread int rounds[2];
static atomic_int made;

static void use(int which)
{
    ck_assert_int_eq(
        tocsin_connect("test.ping", &(struct tocsin_action){ .fn = hear, .drop = drop_one }, NULL),
        0);
    ck_assert_int_eq(tocsin_timer(1000000, TOCSIN_CALL(hear), NULL), 0);
    made++;
    if (++rounds[which] < ROUNDS)
        pthread_setspecific(keys[which], keys);
}

static void use_first(void *arg)
{
    (void)arg;
    use(0);
}

static void use_last(void *arg)
{
    (void)arg;
    use(1);
}

static void *use_later(void *arg)
{
    if (arg)
        ck_assert_int_eq(tocsin_on("test.other", hear, NULL), 0);
    pthread_setspecific(keys[0], keys);
    pthread_setspecific(keys[1], keys);
    over = true;
    return NULL;
}

START_TEST(T6_a_loop_created_by_a_destructor_is_closed_too)
{
    pthread_t thread;

    declare_all();
    called_late = drops = made = 0;
    ck_assert_int_eq(pthread_key_create(&keys[0], use_first), 0);
    /* The library created its own key between these two keys. */
    ck_assert_int_eq(tocsin_on("ended.plain", hear, NULL), 0);
    ck_assert_int_eq(pthread_key_create(&keys[1], use_last), 0);
    for (int with_loop = 0; with_loop < 2; with_loop++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, use_later, with_loop ? keys : NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    ck_assert_int_eq(made, 2 * 2 * ROUNDS);
    ck_assert_int_eq(drops, made);
    ck_assert_int_eq(called_late, 0);
    ck_assert_int_eq(tocsin_emit(ping, NULL), TOCSIN_NOBODY);
    pthread_key_delete(keys[0]);
    pthread_key_delete(keys[1]);
}
END_TEST

/* In the last round of destructors a connect must not make a loop, since no later round would close
   that loop. */
static pthread_key_t last_key;
static __thread int last_round;
static atomic_int last_answer;

static void use_in_the_last(void *arg)
{
    (void)arg;
    if (++last_round < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(last_key, &last_key);
    else
        last_answer = tocsin_on("test.ping", hear, NULL);
}

static void *use_last_of_all(void *arg)
{
    ck_assert_int_eq(tocsin_on("test.other", hear, NULL), 0);
    pthread_setspecific(last_key, &last_key);
    return arg;
}

START_TEST(T6_no_loop_is_created_that_would_never_be_closed)
{
    pthread_t thread;

    if (TSAN)
        return;
    declare_all();
    ck_assert_int_eq(tocsin_on("ended.plain", hear, NULL), 0);
    ck_assert_int_eq(pthread_key_create(&last_key, use_in_the_last), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, use_last_of_all, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(last_answer, -ESHUTDOWN);
    ck_assert_int_eq(tocsin_emit(ping, NULL), TOCSIN_NOBODY);
    pthread_key_delete(last_key);
}
END_TEST

/* The main loop's thread ends without freeing its loop. The next oldest loop must become the main
   loop and run the default actions. */
static atomic_int actions;

static int act(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    called_late += over;
    actions++;
    return 0;
}

static struct tocsin_loop listen_and_wait(int signo)
{
    ck_assert_int_gt(signo, 0);
    ck_assert_int_eq(tocsin_on("ended.acted", hear, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    return tocsin_loop_current();
}

static int do_listen(void *ret_loop)
{
    *(struct tocsin_loop *)ret_loop = listen_and_wait(1);
    return 0;
}

START_TEST(T6_the_next_loop_is_the_main_loop)
{
    int acted = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "ended.acted", .doc = "Of a test.", .unhandled_fn = act });
    struct tocsin_loop first, second;
    struct peer peers[2];

    called_late = actions = 0;
    for (int i = 0; i < 2; i++)
        peer_begin(&peers[i]);
    ck_assert_int_eq(peer_does(&peers[0], do_listen, &first), 0);
    ck_assert_int_eq(peer_does(&peers[1], do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peers[1], do_loop, &second), 0);
    ck_assert_uint_eq(tocsin_loop_main().id, first.id);
    ck_assert_int_eq(tocsin_post(acted, NULL), TOCSIN_PENDED);
    peer_leaves(&peers[0]);
    ck_assert_uint_eq(tocsin_loop_main().id, second.id);
    ck_assert_int_eq(actions, 0);
    ck_assert_int_ge(peer_does(&peers[1], do_turns, NULL), 1);
    ck_assert_int_eq(actions, 1);
    peer_end(&peers[1]);
}
END_TEST

/* This thread has a handler of os.sigusr1, and ends inside tocsin_run(), which handles SIGTERM.
   Afterwards both signals must have their old disposition. */
static void *run_and_leave(void *arg)
{
    ck_assert_int_eq(tocsin_on("os.sigusr1", hear, NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(leave), NULL), 0);
    tocsin_run();
    return arg;
}

START_TEST(T6_dispositions_of_real_signals_are_restored)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1 };
    pthread_t thread;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], SIG_DFL);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_and_leave, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction now;

        ck_assert_int_eq(sigaction(numbers[i], NULL, &now), 0);
        ck_assert_msg(now.sa_handler == SIG_DFL, "%d", numbers[i]);
    }
}
END_TEST

/* The thread of a loop ends. Meanwhile other threads wait for that loop, post to it and call it. */
static int wait_for_room(void *arg)
{
    int err;

    while ((err = tocsin_post_wait(ping, NULL, -1)) == TOCSIN_PENDED)
        ;
    (void)arg;
    return err;
}

static int post_much(void *arg)
{
    struct tocsin_loop *loop = arg;
    int err;

    while ((err = tocsin_loop_call(*loop, task_late, NULL, drop_task)) == 0 || err == -EAGAIN)
        tasks_dropped -= err == 0;
    return err;
}

static int disconnect_there(void *handler)
{
    return tocsin_disconnect_wait(*(struct tocsin_handler *)handler, -1);
}

static int listen_there(void *ret_handler)
{
    ck_assert_int_eq(tocsin_connect("test.ping",
                                    &(struct tocsin_action){ .fn = hear, .drop = drop_one },
                                    ret_handler),
                     0);
    return 0;
}

START_TEST(T6_posts_waits_and_disconnects_of_others_end)
{
    bool disconnect = _i;
    struct peer ends_soon, waits, posts, disconnects;
    struct tocsin_handler handler;
    struct tocsin_loop loop;
    int err;

    declare_all();
    called_late = drops = tasks_dropped = 0;
    peer_begin(&ends_soon);
    peer_begin(&waits);
    peer_begin(&posts);
    peer_begin(&disconnects);
    ck_assert_int_eq(peer_does(&ends_soon, listen_there, &handler), 0);
    ck_assert_int_eq(peer_does(&ends_soon, do_loop, &loop), 0);
    peer_starts(&waits, wait_for_room, NULL);
    peer_starts(&posts, post_much, &loop);
    if (disconnect)
        peer_starts(&disconnects, disconnect_there, &handler);
    peer_leaves(&ends_soon);
    ck_assert_int_eq(peer_finishes(&waits), TOCSIN_NOBODY);
    ck_assert_int_eq(peer_finishes(&posts), -ESHUTDOWN);
    err = disconnect ? peer_finishes(&disconnects) : 0;
    ck_assert(err == 0 || err == -ENOENT);
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(tasks_dropped, 0);
    ck_assert_int_eq(called_late, 0);
    peer_leaves(&waits);
    peer_leaves(&posts);
    peer_leaves(&disconnects);
}
END_TEST

/* A provider has operations on a loop whose thread ends. One operation ends when it is cancelled,
   and one cannot be cancelled. Another thread completes the third operation. */
static int cancel_now(struct tocsin_op op, void *state, int reason)
{
    (void)state;
    return tocsin_op_complete(op, reason, NULL);
}

static int cancel_never(struct tocsin_op op, void *state, int reason)
{
    (void)op, (void)state, (void)reason;
    return -EBUSY;
}

static const struct tocsin_signal_spec provided_spec = { .name = "ended.provided",
                                                         .doc = "Of a test." };
static const struct tocsin_op_type provided_types[] = {
    { .done = &provided_spec, .state_size = 64, .cancel = cancel_now, .drop = drop_one },
    { .done = &provided_spec, .state_size = 64, .cancel = cancel_never, .drop = drop_one },
    { .done = &provided_spec, .state_size = 64, .drop = drop_one },
};
enum { PROVIDED = sizeof provided_types / sizeof provided_types[0] };

static struct tocsin_op provided[PROVIDED];
static char *states[PROVIDED];

static void *provide(void *arg)
{
    for (int i = 0; i < PROVIDED; i++) {
        ck_assert_int_eq(tocsin_op_new(&provided_types[i], TOCSIN_CALL(hear), &provided[i]), 0);
        states[i] = tocsin_op_state(provided[i]);
        ck_assert_int_eq(tocsin_op_start(provided[i], 0, NULL), 0);
    }
    over = true;
    return arg;
}

START_TEST(T6_a_provider_may_use_its_state_until_it_completes)
{
    pthread_t thread;

    called_late = drops = 0;
    memset(&ends, 0, sizeof ends);
    ck_assert_int_gt(tocsin_declare(&provided_spec), 0);
    connect_to("ended.provided", count_end, &ends);
    ck_assert_int_eq(pthread_create(&thread, NULL, provide, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(ends.count, PROVIDED);
    ck_assert_int_eq(drops, 1);
    for (int i = 1; i < PROVIDED; i++) {
        memset(states[i], i, 64);
        ck_assert_int_eq(tocsin_op_complete(provided[i], 0, NULL), -ENOENT);
        ck_assert_int_eq(drops, 1 + i);
        ck_assert_int_eq(tocsin_op_complete(provided[i], 0, NULL), -ENOENT);
    }
    ck_assert_int_eq(drops, PROVIDED);
    ck_assert_int_eq(called_late, 0);
}
END_TEST

/* The only thread of a forked child ends. In the parent this thread had a loop. A destructor checks
   the result. In the second round of destructors, it ends the process. */
static pthread_key_t child_key;

static void end_child(void *arg)
{
    static __thread int round;

    if (++round == 2)
        _exit(called_late || drops != connected);
    pthread_setspecific(child_key, arg);
}

static void *fork_and_end(void *arg)
{
    pid_t *child = arg;

    begin_all();
    *child = fork();
    if (*child == 0) {
        alarm((unsigned)(test_longer_ms(60000) / 1000));
        pthread_setspecific(child_key, child);
    }
    over = true;
    return NULL;
}

START_TEST(T6_a_thread_ends_in_a_child)
{
    pthread_t thread;
    pid_t child;
    int status;

    declare_all();
    called_late = drops = connected = tasks_dropped = 0;
    ck_assert_int_eq(sem_init(&go, 0, 0), 0);
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(pthread_key_create(&child_key, end_child), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, fork_and_end, &child), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(called_late, 0);
    sem_post(&go);
    while (tasks_dropped < 2)
        sched_yield();
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

/* A task makes a loop on a thread of a pool. The thread ends after it was idle for a while, and its
   loop must then be closed. */
static int listen_on_the_pool(void *arg)
{
    (void)arg;
    ck_assert_int_eq(
        tocsin_connect("test.ping", &(struct tocsin_action){ .fn = hear, .drop = drop_one }, NULL),
        0);
    return tocsin_timer(1000000, NULL, NULL);
}

START_TEST(T6_a_pools_thread_closes_its_loop)
{
    struct tocsin_op op[4];
    int open = test_descriptors();

    declare_all();
    drops = 0;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tocsin_work(listen_on_the_pool, NULL, TOCSIN_FUTURE, &op[i]), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tocsin_wait(op[i], -1, NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    while (drops < 4 || test_descriptors() > open)
        sched_yield();
    ck_assert_int_eq(tocsin_post(ping, NULL), TOCSIN_NOBODY);
}
END_TEST

/* Many threads end without freeing their loops, while other threads post to these loops. */
enum { COMERS = 4, COMINGS = 150 };

static atomic_int running;

static void *come_and_go(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    enum where where = (enum where)(rand_r(&seed) % WHERES);

    ck_assert_int_eq(
        tocsin_connect("test.**", &(struct tocsin_action){ .fn = hear, .drop = drop_one }, NULL),
        0);
    connected++;
    ck_assert_int_eq(tocsin_timer(1000000, TOCSIN_CALL(hear), NULL), 0);
    ck_assert_int_eq(tocsin_spawn(wait_for_it, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_work(task_late, NULL, TOCSIN_CALL(hear), NULL), 0);
    for (int i = 0; i < 20; i++) {
        tocsin_emit(ping, NULL);
        tocsin_post(other, NULL);
        tocsin_loop_call(tocsin_loop_main(), task_late, NULL, NULL);
        if (i % 7 == 0)
            tocsin_loop_turn(0);
    }
    if (where == IN_CLOCK || where == IN_FREE ||
        (TSAN && (where == IN_FIBER || where == IN_FIBERS_HANDLER)))
        /* At IN_CLOCK and IN_FREE the thread would wait for other threads, so this test leaves out
           these two places. */
        where = RETURNS;
    places[where]();
    over = true;
    return NULL;
}

static void *comings(void *arg)
{
    long number = (long)(intptr_t)arg, most = test_scaled(COMINGS, 5, 30);
    pthread_t thread;

    for (long i = 0; i < most; i++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, come_and_go,
                                        (void *)(uintptr_t)(number * COMINGS + i + 1)),
                         0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    running--;
    return NULL;
}

START_TEST(T6_many_threads_end_while_others_post)
{
    pthread_t threads[COMERS];

    declare_all();
    called_late = drops = connected = 0;
    running = COMERS;
    connect_to("test.**, timer.expired, work.done, fiber.done", tell, &told);
    for (int i = 0; i < COMERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, comings, (void *)(intptr_t)i), 0);
    while (running) {
        tocsin_emit(ping, NULL);
        tocsin_post(other, NULL);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    for (int i = 0; i < COMERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(called_late, 0);
    ck_assert_int_eq(drops, connected);
    ck_assert_int_eq(tocsin_emit(ping, NULL), TOCSIN_DELIVERED);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/thread_exit");
    TCase *tests = test_case(suite, "T6");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, T6_a_thread_that_ends_closes_its_loop, 0, WHERES);
    tcase_add_test(tests, T6_a_loop_created_by_a_destructor_is_closed_too);
    tcase_add_test(tests, T6_no_loop_is_created_that_would_never_be_closed);
    tcase_add_test(tests, T6_the_next_loop_is_the_main_loop);
    tcase_add_test(tests, T6_dispositions_of_real_signals_are_restored);
    tcase_add_loop_test(tests, T6_posts_waits_and_disconnects_of_others_end, 0, 2);
    tcase_add_test(tests, T6_a_provider_may_use_its_state_until_it_completes);
    tcase_add_test(tests, T6_a_thread_ends_in_a_child);
    tcase_add_test(tests, T6_a_pools_thread_closes_its_loop);
    tcase_add_test(tests, T6_many_threads_end_while_others_post);
    return suite;
}
