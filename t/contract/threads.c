/* The contracts of a thread and its loop, T1, T4 and T5, and of real signals, S2 and S4: a test for each. T2 stands in loops.c, T3 and T6 in posts.c, T7 in
   unhandled.c. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "told.h"

static struct told told;
static int note;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    note = tocsin_declare(&(struct tocsin_spec){ .name = "test.note", .doc = "A note." });
    ck_assert_int_gt(note, 0);
}

static void on_thread(void *(*run)(void *), void *arg)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static int check_thread(const struct tocsin_info *info, void *arg)
{
    ck_assert(pthread_equal(pthread_self(), *(pthread_t *)arg));
    return tell(info, &told);
}

struct of_main { struct tocsin_op op; struct tocsin_handler handler; struct tocsin_queue queue; struct tocsin_source source; };

static void *look_at(void *arg)
{
    struct of_main *of_main = arg;

    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), -ENODEV);    /* somebody listens, and this thread has no loop */
    ck_assert_int_eq(tocsin_stop(0), -ENODEV);
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert_int_eq(tocsin_cancel(of_main->op), -EXDEV);
    ck_assert_int_eq(tocsin_deadline(of_main->op, 1), -EXDEV);
    ck_assert_int_eq(tocsin_op_status(of_main->op), -EXDEV);
    ck_assert_int_eq(tocsin_wait(of_main->op, 0, NULL), -EXDEV);
    ck_assert_int_eq(tocsin_then(of_main->op, tell, NULL), -EXDEV);
    ck_assert_int_eq(tocsin_op_free(of_main->op), -EXDEV);
    ck_assert_int_eq(tocsin_all(&of_main->op, 1, NULL, NULL), -EXDEV);
    ck_assert_int_eq(tocsin_queue_wait(of_main->queue, 0, NULL), -EXDEV);
    ck_assert_int_eq(tocsin_queue_fd(of_main->queue), -EXDEV);
    ck_assert_int_eq(tocsin_queue_close(of_main->queue), -EXDEV);
    ck_assert_int_eq(tocsin_source_free(of_main->source), -EXDEV);
    ck_assert_uint_ne(tocsin_loop_current().id, 0);        /* tocsin_all began to start one: this thread's loop was made */
    ck_assert_int_eq(tocsin_free(), 0);
    return NULL;
}

START_TEST(T1_a_loop_belongs_to_a_thread)
{
    pthread_t self = pthread_self();
    struct of_main of_main;

    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(tocsin_connect("test.note", &(struct tocsin_action){ .fn = check_thread, .arg = &self }, &of_main.handler), 0);
    ck_assert_uint_ne(tocsin_loop_current().id, 0);        /* the first connect makes it */
    connect_to("op.done", check_thread, &self);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &of_main.op), 0);
    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &of_main.queue), 0);
    ck_assert_int_eq(tocsin_source_new(NULL, &of_main.source), 0);
    on_thread(look_at, &of_main);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_op_complete(of_main.op, 0, NULL), 0);
    ck_assert_int_eq(tocsin_wait(of_main.op, -1, NULL), 0);
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(tocsin_queue_close(of_main.queue), 0);
    ck_assert_int_eq(tocsin_source_free(of_main.source), 0);
}
END_TEST

static void *complete(void *arg)
{
    ck_assert_int_eq(tocsin_op_complete(*(struct tocsin_op *)arg, 3, NULL), 0);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);        /* that makes no loop */
    return NULL;
}

START_TEST(T1_a_handler_runs_on_its_own_thread)
{
    pthread_t self = pthread_self();
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(check_thread, &self), &op), 0);
    on_thread(complete, &op);
    ck_assert_int_eq(told.count, 0);
    drain_all();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(told.status, 3);
}
END_TEST

/* By design: libevent's base is made without locks, and other threads only publish and wake. What they complete while the loop is in
   the midst of a turn must not touch it: the thread sanitizer sees to it. */
static void *complete_many(void *arg)
{
    struct tocsin_op *ops = arg;

    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], 0, NULL), 0);
    return NULL;
}

START_TEST(T4_only_its_own_thread_calls_libevent)
{
    static struct tocsin_op ops[500];
    pthread_t thread;
    struct tocsin_op every;

    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &told), &ops[i]), 0);
    ck_assert_int_eq(tocsin_every(1, NULL, &every), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, complete_many, ops), 0);
    while (told.count < 500) {
        ck_assert_int_eq(tocsin_timer_set(every, 1), 0);
        ck_assert_int_ge(tocsin_turn(-1), 0);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    drain_all();
}
END_TEST

static void *post_many(void *arg)
{
    for (int i = 0; i < 2000; i++)
        while (tocsin_post(*(int *)arg, NULL) == -EAGAIN)
            sched_yield();
    return NULL;
}

START_TEST(T4_nor_do_those_who_post)
{
    pthread_t threads[2];
    struct tocsin_op every;

    connect_to("test.note", tell, &told);
    ck_assert_int_eq(tocsin_every(1, NULL, &every), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_many, &note), 0);
    while (told.count < 4000) {
        ck_assert_int_eq(tocsin_timer_set(every, 1), 0);
        ck_assert_int_ge(tocsin_turn(-1), 0);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    drain_all();
    ck_assert_int_eq(told.count, 4000);
}
END_TEST

static int emit_again(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    return tocsin_emit(info->signo, NULL);
}

START_TEST(T5_a_turn_is_fair)
{
    connect_to("test.note", emit_again, NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
    turns_until(&told.count, 1);
}
END_TEST

static int task_mask(void *arg)
{
    return pthread_sigmask(SIG_SETMASK, NULL, arg);
}

START_TEST(S2_the_librarys_threads_block_every_signal)
{
    sigset_t mask, mine;
    struct tocsin_op op;

    sigemptyset(&mask);
    ck_assert_int_eq(tocsin_work(task_mask, &mask, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    for (int signo = 1; signo < SIGRTMAX; signo++)         /* those that can be: not these two, nor the C library's own */
        if (signo != SIGKILL && signo != SIGSTOP && (signo < 32 || signo >= SIGRTMIN))
            ck_assert_msg(sigismember(&mask, signo) == 1, "signal %d", signo);
    pthread_sigmask(SIG_SETMASK, NULL, &mine);             /* ours is as it was */
    ck_assert_int_eq(sigismember(&mine, SIGTERM), 0);
    ck_assert_int_eq(sigismember(&mine, SIGUSR1), 0);
}
END_TEST

static void write_to_the_gone(void)
{
    int ends[2];

    if (tocsin_turn(0) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        _exit(1);
    close(ends[1]);
    _exit(write(ends[0], "x", 1) == -1 && errno == EPIPE ? 0 : 2);
}

static volatile sig_atomic_t caught;

static void on_pipe(int signo)
{
    (void)signo;
    caught = 1;
}

/* In children, since a disposition belongs to the process. */
static int in_child(void (*disposition)(int))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        signal(SIGPIPE, disposition);
        if (disposition == on_pipe) {
            int ends[2];

            if (tocsin_turn(0) < 0 || pipe(ends) < 0)
                _exit(1);
            close(ends[0]);
            _exit(write(ends[1], "x", 1) == -1 && caught ? 0 : 3);
        }
        write_to_the_gone();
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(S4_no_peer_raises_SIGPIPE)
{
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert_int_eq(in_child(SIG_DFL), 0);                /* neither killed nor failed */
    ck_assert_int_eq(in_child(SIG_IGN), 0);
    ck_assert_int_eq(in_child(on_pipe), 0);                /* what the program chose itself stays */
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/threads");
    TCase *tests = test_case(suite, "threads");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, T1_a_loop_belongs_to_a_thread);
    tcase_add_test(tests, T1_a_handler_runs_on_its_own_thread);
    tcase_add_test(tests, T4_only_its_own_thread_calls_libevent);
    tcase_add_test(tests, T4_nor_do_those_who_post);
    tcase_add_test(tests, T5_a_turn_is_fair);
    tcase_add_test(tests, S2_the_librarys_threads_block_every_signal);
    tcase_add_test(tests, S4_no_peer_raises_SIGPIPE);
    return suite;
}
