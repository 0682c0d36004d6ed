/* Contract line T8, with internal functions of the library. A process with a loop that has one
   object of each kind forks. In the child, each allocation and each system call fails in turn.
   Other tests fork in each state of a loop. */
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/crash.h>
#include <tocsin/inspect.h>
#include <tocsin/posix.h>
#include <tocsin/provider.h>

#include "base/mem.h"
#include "loop/engine.h"
#include "handlers.h"
#include "registry/owner.h"

static struct told told, other, dropped;
static int note, newest, ends[2];

static void check_ended(pid_t child)
{
    int status = -1;

    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

/* Another thread repeatedly takes a lock of the library. A child is forked meanwhile, and takes the
   same lock. The child must not wait for the other thread, which does not exist in the child. */

static void add_owner(void)
{
    struct tocsin__owner *owner = tocsin__owner_new("demo");

    if (owner)
        tocsin__owner_end(owner);
}

static void tell_crash(void)
{
    tocsin_crash_tell(NULL);
}

static void (*const locking[])(void) = { add_owner, tell_crash };
static _Atomic bool stops;

static void *keep_locking(void *lock)
{
    while (!atomic_load(&stops))
        ((void (*)(void))lock)();
    return NULL;
}

START_TEST(another_thread_holds_a_lock_at_the_fork)
{
    int forks = (int)test_scaled(100, 1, 5);
    pthread_t thread;

    atomic_store(&stops, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_locking, (void *)locking[_i]), 0);
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();

        if (child == 0) {
            signal(SIGALRM, SIG_DFL);
            /* the alarm ends a child that waits for ever */
            alarm((unsigned)(test_longer_ms(60000) / 1000));
            locking[_i]();
            _exit(0);
        }
        check_ended(child);
    }
    atomic_store(&stops, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

static void begin(void)
{
    memset(&told, 0, sizeof told);
    memset(&other, 0, sizeof other);
    memset(&dropped, 0, sizeof dropped);
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
    newest = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "test.newest", .doc = "The newest.", .kind = TOCSIN_COALESCE });
    ck_assert_int_gt(note, 0);
    ck_assert_int_gt(newest, 0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
}

static void end(void)
{
    close(ends[0]);
    close(ends[1]);
}

/* Functions that create a loop with one object of each kind */

static struct tocsin_op kept, timer;
static struct tocsin_queue queue;
static struct tocsin_handler handler;

static int yield_forever(void *arg)
{
    (void)arg;
    while (tocsin_yield() == 0)
        ;
    return 0;
}

static int wait_for_queue(void *arg)
{
    return tocsin_queue_wait(*(struct tocsin_queue *)arg, 100000, NULL);
}

static int suspend_for(void *arg)
{
    return tocsin_suspend(arg, 100000);
}

static int no_task(void *arg)
{
    (void)arg;
    return 0;
}

static void on_drop(void *arg)
{
    (void)arg;
    dropped.count++;
}

static void furnish_queues(void)
{
    static struct tocsin_queue empty;

    ck_assert_int_eq(tocsin_queue_open("test.note", NULL, &queue), 0);
    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &empty), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_spawn(wait_for_queue, &empty, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_QUEUE(empty), NULL), 0);
}

static void furnish_ops(void)
{
    struct tocsin_op all[2];

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &kept), 0);
    ck_assert_int_eq(tocsin_op_complete(kept, 7, NULL), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &other), &timer), 0);
    ck_assert_int_eq(tocsin_every(1, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_EACH(tell, &other), NULL), 0);
    ck_assert_int_eq(tocsin_spawn(yield_forever, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_spawn(suspend_for, "os.nothing, test.newest", NULL, NULL), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &all[0]), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &all[1]), 0);
    ck_assert_int_eq(tocsin_all(all, 2, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(all[1], 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_deadline(all[0], 100000), 0);
}

static void furnish(void)
{
    struct tocsin_block mask;

    ck_assert_int_eq(
        tocsin_connect("test.note",
                       &(struct tocsin_action){ .fn = tell, .arg = &told, .drop = on_drop },
                       &handler),
        0);
    connect_to("*.newest", tell, &other);
    furnish_queues();
    furnish_ops();
    ck_assert_int_ge(tocsin_loop_fd(), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_op_status(kept), 7);
    ck_assert_int_eq(tocsin_block("test.note", &mask), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(newest, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_call(tocsin_loop_current(), no_task, NULL, on_drop), 0);
    ck_assert_int_eq(tocsin_work(no_task, NULL, NULL, NULL), 0);
    memset(&told, 0, sizeof told);
    memset(&other, 0, sizeof other);
}

/* Functions that run in the child of a fork */

static void require_nothing_ran(void)
{
    struct tocsin_op_facts op = { .status = 0 };
    int count = 0;

    while (tocsin_op_next(op.op, &op) == 0)
        require(op.op.source.id == kept.source.id || op.status != -EINPROGRESS || count++ < 0);
    require(told.count == 0 && other.count == 0);
    require(tocsin_pending_count(NULL) == 0);
    require(tocsin_op_status(timer) == -ENOENT);
}

static void require_it_lives(void)
{
    struct tocsin_info *info = NULL;

    require(tocsin_sigmask(TOCSIN_BLOCK, NULL, NULL, 0) == 0);
    require(tocsin_op_status(kept) == 7);
    require(tocsin_wait(kept, 0, NULL) == 7);
    require(tocsin_queue_wait(queue, 0, &info) == 0 && info->signo == note);
    tocsin_info_unref(info);
    require(tocsin_queue_wait(queue, 0, NULL) == -ETIMEDOUT);
    require(tocsin_post(newest, NULL) == TOCSIN_PENDED);
    require(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL) == 0);
    while (!told.count || !other.count)
        require(tocsin_loop_turn(-1) >= 0);
    require(other.count == 1 && other.signo == newest && other.overrun == 0);
    /* the signal is still blocked in the child */
    require(tocsin_emit(note, NULL) == TOCSIN_PENDED);
    require(tocsin_disconnect(handler) == 0);
    require(tocsin_loop_fd() >= 0);
}

static void require_dead(void)
{
    struct tocsin_loop_facts facts;

    require(tocsin_loop_turn(0) == -EOWNERDEAD);
    require(tocsin_run() == -EOWNERDEAD);
    require(tocsin_stop(0) == -EOWNERDEAD);
    require(tocsin_drain(0) == -EOWNERDEAD);
    require(tocsin_loop_fd() == -EOWNERDEAD);
    require(tocsin_loop_get(&facts) == -EOWNERDEAD);
    require(tocsin_id_error(tocsin_loop_current().id) == -EOWNERDEAD);
    require(tocsin_loop_main().id == 0);
    require(tocsin_emit(newest, NULL) == -EOWNERDEAD);
    require(tocsin_post(newest, NULL) == -EOWNERDEAD);
    require(tocsin_timer(0, NULL, NULL) == -EOWNERDEAD);
    require(tocsin_cancel(timer) == -EOWNERDEAD);
    require(tocsin_op_complete(timer, 0, NULL) == -EOWNERDEAD);
    require(tocsin_disconnect(handler) == -EOWNERDEAD);
    require(tocsin_queue_wait(queue, 0, NULL) == -EOWNERDEAD);
    require(tocsin_clock_move(0) == -EOWNERDEAD);
    require(tocsin_connect("test.note", &(struct tocsin_action){ .fn = tell }, NULL) ==
            -EOWNERDEAD);
}

static void drain_furniture(void)
{
    test_leaves(tocsin_loop_free() * 0);
    ck_assert_int_eq(dropped.count, 2);
}

START_TEST(the_child_repairs_a_loop_with_all_objects)
{
    pid_t child;

    furnish();
    child = fork();
    if (child == 0) {
        require_dead();
        require(tocsin_after_fork() == 0);
        /* The drop function of the task was called once. The drop function of the handler was not
           called, since the handler still exists. */
        require(dropped.count == 1);
        require_nothing_ran();
        require_it_lives();
        require(tocsin_loop_free() >= 0);
        require(dropped.count == 2);
        _exit(0);
    }
    check_ended(child);
    drain_furniture();
}
END_TEST

START_TEST(the_child_frees_a_loop_with_all_objects)
{
    pid_t child;
    int open_before;

    furnish();
    open_before = test_descriptors();
    child = fork();
    if (child == 0) {
        require(tocsin_loop_free() == 0);
        require(dropped.count == 2 && told.count == 0 && other.count == 0);
        require(test_descriptors() < open_before);
        require(tocsin_loop_current().id == 0);
        require(tocsin_after_fork() == 0);
        require(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL) == 0);
        while (!told.count)
            require(tocsin_loop_turn(-1) >= 0);
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    check_ended(child);
    drain_furniture();
}
END_TEST

START_TEST(each_failed_call_can_be_repeated)
{
    int hit = 1, nth = 0;

    furnish();
    while (hit) {
        pid_t child = fork();
        int status;

        nth++;
        if (child == 0) {
            int err;

            tocsin__fault_at(nth);
            err = tocsin_after_fork();
            hit = tocsin__fault_count() >= nth;
            tocsin__fault_at(0);
            require(hit ? err < 0 : err == 0);
            if (err < 0 && nth % 2) {
                require_dead();
                require(tocsin_after_fork() == 0);
            }
            if (err < 0 && nth % 2 == 0) {
                require(tocsin_loop_free() == 0);
                _exit(42);
            }
            require_it_lives();
            _exit(hit ? 42 : 0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 42));
        hit = WEXITSTATUS(status) == 42;
    }
    ck_assert_int_ge(nth, 6);
    printf("loop/fork: %d allocations and system calls made to fail\n", nth - 1);
    drain_furniture();
}
END_TEST

static int printed;

static void on_print(int severity, const char *text)
{
    (void)severity, (void)text;
    printed++;
}

/* In the child, the program closes the descriptors of the loop before the loop is repaired. A
   server does so, too. libevent must print no warning. */
START_TEST(watched_descriptors_were_closed)
{
    pid_t child;
    int open_before;

    event_set_log_callback(on_print);
    furnish();
    open_before = test_descriptors();
    child = fork();
    if (child == 0) {
        close(ends[0]);
        close(tocsin__self->engine->alarm_fd);
        require(tocsin_after_fork() == 0);
        require(printed == 0);
        /* Four descriptors are not opened again: the inherited one, two for tocsin_loop_fd(), and
           the one with which the library tests epoll. */
        require(test_descriptors() == open_before - 4);
        require_it_lives();
        require(printed == 0);
        _exit(0);
    }
    check_ended(child);
    event_set_log_callback(NULL);
    drain_furniture();
}
END_TEST

/* Tests of a fork in each state of a loop */

enum how {
    IN_HANDLER,
    IN_NOTIFY,
    IN_EACH,
    IN_FIBER,
    IN_DROP,
    IN_OP_DROP,
    IN_CANCEL,
    IN_RESUME,
    IN_TASK,
    IN_FLUSH,
    IN_WAIT,
    IN_FREE,
    STATES
};
static enum how state;
static pid_t child;
static bool is_child, frees;

static int do_fork(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (child)
        return TOCSIN_NEXT;
    child = fork();
    is_child = child == 0;
    if (is_child) {
        child = -1;
        require(tocsin_after_fork() == -EDEADLK);
        require(tocsin_emit(newest, NULL) == -EOWNERDEAD);
        require(tocsin_timer(0, NULL, NULL) == -EOWNERDEAD);
        if (frees)
            require(tocsin_loop_free() == 0);
        /* closing the queue ends the wait of the parent */
    } else if (state == IN_WAIT)
        ck_assert_int_eq(tocsin_queue_close(queue), 0);
    return TOCSIN_NEXT;
}

static int task_fork(void *arg)
{
    return do_fork(NULL, arg);
}

static void drop_fork(void *arg)
{
    do_fork(NULL, arg);
}

static int cancel_fork(struct tocsin_op op, void *word, int reason)
{
    do_fork(NULL, word);
    tocsin_op_complete(op, reason, NULL);
    return 0;
}

static const struct tocsin_signal_spec done_spec = { .name = "test.done", .doc = "Done." };
static const struct tocsin_op_type drops_type = { .done = &done_spec, .drop = drop_fork };
static const struct tocsin_op_type cancels_type = { .done = &done_spec, .cancel = cancel_fork };

static int tell_once(const struct tocsin_info *info, void *arg)
{
    return tell(info, arg);
}

/* Starts an operation whose drop function or cancel function forks. */
static void prepare_op(enum how how)
{
    static struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(how == IN_OP_DROP ? &drops_type : &cancels_type, NULL, &op), 0);
    ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
    if (how == IN_OP_DROP)
        ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    else
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(cancel_arg, &op), NULL), 0);
}

static void prepare(enum how how)
{
    static struct tocsin_handler dropping;
    struct tocsin_block mask;

    switch (how) {
    case IN_NOTIFY: ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(do_fork, NULL), NULL), 0); break;
    case IN_EACH:
        ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_EACH(do_fork, NULL), NULL), 0);
        break;
    case IN_FIBER: ck_assert_int_eq(tocsin_spawn(task_fork, NULL, NULL, NULL), 0); break;
    case IN_DROP:
        ck_assert_int_eq(
            tocsin_connect("timer.expired",
                           &(struct tocsin_action){ .fn = tell, .arg = &other, .drop = drop_fork },
                           &dropping),
            0);
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(disconnect_arg, &dropping), NULL), 0);
        break;
    case IN_OP_DROP:
    case IN_CANCEL: prepare_op(how); break;
    case IN_TASK:
        ck_assert_int_eq(tocsin_loop_call(tocsin_loop_current(), task_fork, NULL, NULL), 0);
        break;
    case IN_FLUSH:
        connect_to("test.note", do_fork, NULL);
        ck_assert_int_eq(tocsin_block("test.note", &mask), 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_unblock(mask), 0);
        break;
    default: /* The child is forked in a handler; a second handler of the same signal follows. */
        ck_assert_int_eq(
            tocsin_connect("timer.expired", &(struct tocsin_action){ .fn = do_fork }, NULL), 0);
        ck_assert_int_eq(tocsin_connect("timer.expired",
                                        &(struct tocsin_action){
                                            .fn = tell_once, .arg = &told, .flags = TOCSIN_ONCE },
                                        NULL),
                         0);
        if (how != IN_FREE)
            ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
    }
}

/* Checks that the watch and the timer of the parent still work. The child must not have changed
   them. */
static void check_parent_goes_on(void)
{
    struct tocsin_op op;

    memset(&told, 0, sizeof told);
    ck_assert_int_eq(tocsin_op_status(timer), -EINPROGRESS);
    ck_assert_int_eq(tocsin_timer_set(timer, 1), 0);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_EACH(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_post(newest, NULL), TOCSIN_PENDED);
    while (!told.count || other.status != 99 || dropped.count < 1)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(tocsin_cancel(op), 0);
}

static int tell_99(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    other.status = 99;
    return TOCSIN_NEXT;
}

static int tell_dropped(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    dropped.count += info->signo == newest;
    return TOCSIN_NEXT;
}

static void go_on_as_child(enum how how, int answer)
{
    require(how == IN_FREE || how == IN_FLUSH || answer == -EOWNERDEAD);
    if (how == IN_HANDLER)
        /* the handler was called once, since the delivery during which the process forked has
           ended */
        require(told.count == 1);
    if (!frees && how != IN_FREE) {
        require_dead();
        require(tocsin_after_fork() == 0);
    }
    require((tocsin_loop_current().id != 0) == !(frees || how == IN_FREE));
    told.count = 0;
    require(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL) == 0);
    while (!told.count)
        require(tocsin_loop_turn(-1) >= 0);
    require(tocsin_loop_free() >= 0);
    _exit(0);
}

START_TEST(a_fork_in_every_state_of_a_loop)
{
    bool frees_loop = _i % 2;
    enum how how = (enum how)(_i / 2);
    int answer = 0;

#ifdef __SANITIZE_THREAD__
    if (how == IN_FIBER) {
        test_skip("loop/fork: in a fiber",
                  "the thread sanitizer takes it for another thread, which a child does not have");
        return;
    }
#endif
    state = how;
    frees = frees_loop;
    child = 0;
    is_child = false;
    connect_to("test.newest", tell_dropped, NULL);
    ck_assert_int_eq(
        tocsin_connect("test.note", &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
        0);
    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell_99, NULL), &timer), 0);
    ck_assert_int_eq(tocsin_loop_turn(0) < 0, 0);
    prepare(how);
    if (how == IN_FREE)
        ck_assert_int_ge(tocsin_loop_free(), 0);
    while (!child && answer >= 0)
        answer = how == IN_WAIT ? tocsin_queue_wait(queue, 100000, NULL) : tocsin_loop_turn(-1);
    if (is_child)
        go_on_as_child(how, answer);
    check_ended(child);
    if (how != IN_FREE) {
        check_parent_goes_on();
        ck_assert_int_ge(tocsin_loop_free(), 0);
    }
}
END_TEST

/* A thread has pinned the inbox of a loop that is being freed. Another thread forks. In the child
   the first thread does not exist, so no thread unpins the inbox there. */
START_TEST(a_fork_while_an_ending_inbox_is_pinned)
{
    struct tocsin__loop *loop;
    uint64_t hold;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    loop = tocsin__self;
    ck_assert_int_eq(tocsin__inbox_pin(&loop->inbox, TOCSIN__ANY_GENERATION, &hold), 0);
    tocsin__inbox_unpin(&loop->inbox, hold);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    atomic_fetch_add(&loop->inbox.pins, 1);
    child = fork();
    if (child == 0) {
        connect_to("test.note", tell, &told);
        require(tocsin__self == loop);
        require(tocsin_post(note, NULL) == TOCSIN_PENDED);
        require(tocsin_loop_turn(0) == 1 && told.count == 1);
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    atomic_fetch_sub(&loop->inbox.pins, 1);
    check_ended(child);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/fork");
    TCase *tests = test_case(suite, "fork");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_child_repairs_a_loop_with_all_objects);
    tcase_add_test(tests, the_child_frees_a_loop_with_all_objects);
    tcase_add_test(tests, each_failed_call_can_be_repeated);
    tcase_add_test(tests, watched_descriptors_were_closed);
    tcase_add_test(tests, a_fork_while_an_ending_inbox_is_pinned);
    tcase_add_loop_test(tests, a_fork_in_every_state_of_a_loop, 0, 2 * STATES);
    tcase_add_loop_test(tests, another_thread_holds_a_lock_at_the_fork, 0, 2);
    return suite;
}
