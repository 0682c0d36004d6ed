/* Tests contract lines T1, T4, T5, S2 and S4: a thread and its loop, and real signals. loops.c
   tests T2, posts.c tests T3 and T6, and default_action.c tests T7. */
#define _GNU_SOURCE /* memfd_create */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/plugin.h>
#include <tocsin/host.h>
#include <tocsin/provider.h>
#include <tocsin/watchdog.h>

#include "handlers.h"

static struct told told;
static int note;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
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

struct of_main {
    struct tocsin_op op;
    struct tocsin_handler handler;
    struct tocsin_queue queue;
    struct tocsin_source source;
};

static void *look_at(void *arg)
{
    struct of_main *of_main = arg;

    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    /* tocsin_emit() returns -ENODEV: the signal has a listener, but this thread has no loop */
    ck_assert_int_eq(tocsin_emit(note, NULL), -ENODEV);
    ck_assert_int_eq(tocsin_stop(0), -ENODEV);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_cancel(of_main->op), -EXDEV);
    ck_assert_int_eq(tocsin_op_deadline(of_main->op, 1), -EXDEV);
    ck_assert_int_eq(tocsin_op_status(of_main->op), -EXDEV);
    ck_assert_int_eq(tocsin_wait(of_main->op, 0, NULL), -EXDEV);
    ck_assert_int_eq(tocsin_then(of_main->op, tell, NULL), -EXDEV);
    ck_assert_int_eq(tocsin_op_free(of_main->op), -EXDEV);
    ck_assert_int_eq(tocsin_all(&of_main->op, 1, NULL, NULL), -EXDEV);
    ck_assert_int_eq(tocsin_queue_wait(of_main->queue, 0, NULL), -EXDEV);
    ck_assert_int_eq(tocsin_queue_fd(of_main->queue), -EXDEV);
    ck_assert_int_eq(tocsin_queue_close(of_main->queue), -EXDEV);
    ck_assert_int_eq(tocsin_source_free(of_main->source), -EXDEV);
    /* this thread already has a loop, which the failed tocsin_all() has made */
    ck_assert_uint_ne(tocsin_loop_current().id, 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

START_TEST(T1_a_loop_belongs_to_a_thread)
{
    pthread_t self = pthread_self();
    struct of_main of_main;

    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(tocsin_connect("test.note",
                                    &(struct tocsin_action){ .fn = check_thread, .arg = &self },
                                    &of_main.handler),
                     0);
    ck_assert_uint_ne(tocsin_loop_current().id, 0); /* the first connect makes the loop */
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
    ck_assert_uint_eq(tocsin_loop_current().id, 0); /* this call creates no loop */
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

/* Contract line T4: other threads complete operations while the loop runs a turn. These threads may
   only publish the completion and wake the loop. They must not use libevent's base, which has no
   locks. If they do, ThreadSanitizer reports a data race. */
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
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
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

START_TEST(T4_posting_threads_do_not_call_libevent)
{
    pthread_t threads[2];
    struct tocsin_op every;

    connect_to("test.note", tell, &told);
    ck_assert_int_eq(tocsin_every(1, NULL, &every), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_many, &note), 0);
    while (told.count < 4000) {
        ck_assert_int_eq(tocsin_timer_set(every, 1), 0);
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
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

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static unsigned long long blocked_by(const char *thread)
{
    unsigned long long mask = 0;
    char path[300], line[256];
    FILE *status;

    snprintf(path, sizeof path, "/proc/self/task/%s/status", thread);
    status = fopen(path, "r");
    ck_assert_ptr_nonnull(status);
    while (fgets(line, sizeof line, status))
        sscanf(line, "SigBlk: %llx", &mask);
    fclose(status);
    return mask;
}

/* Returns the signal mask that means every signal. SIGKILL, SIGSTOP and the two signals that glibc
   reserves cannot be blocked. Under valgrind, signal 64 cannot be blocked either. */
static unsigned long long every_signal(void)
{
    static const unsigned long long expected = 0xfffffffe7ffbfeffULL, last = 1ULL << 63;
    char self[16];
    sigset_t every, before;
    unsigned long long mask;

    snprintf(self, sizeof self, "%d", (int)getpid());
    sigfillset(&every);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &every, &before), 0);
    mask = blocked_by(self) & expected;
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    ck_assert_uint_eq(mask | last, expected);
    return mask;
}

/* Between tasks, each thread of the library must block every signal. The mask during a task is
   tested in real_signals.c. */
START_TEST(S2_the_librarys_threads_block_every_signal)
{
    unsigned long long all = every_signal();
    DIR *threads;
    struct dirent *thread;
    struct tocsin_op op;
    int count = 0;

    ck_assert_int_eq(tocsin_watchdog(1000000), 0);
    ck_assert_int_eq(tocsin_work(do_nothing, NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    threads = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(threads);
    while ((thread = readdir(threads)))
        if (thread->d_name[0] != '.' && atoi(thread->d_name) != getpid()) {
            ck_assert_uint_eq(blocked_by(thread->d_name) & all, all);
            count++;
        }
    closedir(threads);
    ck_assert_int_ge(count, 2);
}
END_TEST

static void write_to_the_gone(void)
{
    int ends[2];

    if (tocsin_loop_turn(0) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
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

/* Runs the test in a child, because a disposition belongs to the whole process. */
static int in_child(void (*disposition)(int))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        signal(SIGPIPE, disposition);
        if (disposition == on_pipe) {
            int ends[2];

            if (tocsin_loop_turn(0) < 0 || pipe(ends) < 0)
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

START_TEST(S4_a_closed_pipe_does_not_raise_SIGPIPE)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    /* the child is not killed by SIGPIPE, and the call succeeds */
    ck_assert_int_eq(in_child(SIG_DFL), 0);
    ck_assert_int_eq(in_child(SIG_IGN), 0);
    /* the program's own disposition of SIGPIPE must not change */
    ck_assert_int_eq(in_child(on_pipe), 0);
}
END_TEST

/* A child writes a file beyond its size limit, which raises SIGXFSZ. The child first runs a turn,
   or checks a plugin without running a turn. SIGXFSZ must not kill the child. */
static void write_beyond(bool checks)
{
    const struct rlimit limit = { 4096, 4096 };
    /* The buffer is static: valgrind cannot always extend the stack for the frame of a real
       signal. */
    static const char bytes[8192];
    int fd;

    signal(SIGXFSZ, SIG_DFL);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
        _exit(1);
    if (checks)
        _exit(tocsin_plugin_check("/proc/self/exe", NULL) < 0 ? 0 : 2);
    if (tocsin_loop_turn(0) < 0)
        _exit(3);
    fd = memfd_create("beyond", MFD_CLOEXEC);
    if (write(fd, bytes, sizeof bytes) != 4096 || write(fd, bytes, 1) != -1 || errno != EFBIG)
        _exit(4);
    /* In an executed program SIGXFSZ has its default disposition again. */
    execl("/bin/sh", "sh", "-c", "ulimit -c 0; kill -XFSZ $$; exit 6", (char *)NULL);
    _exit(5);
}

START_TEST(S4_SIGXFSZ_does_not_kill_the_process)
{
    for (int checks = 0; checks < 2; checks++) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            (void)!tocsin_after_fork();
            write_beyond(checks);
        }
        ck_assert_int_gt(child, 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, checks ? 0 : SIGXFSZ);
    }
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
    tcase_add_test(tests, T4_posting_threads_do_not_call_libevent);
    tcase_add_test(tests, T5_a_turn_is_fair);
    tcase_add_test(tests, S2_the_librarys_threads_block_every_signal);
    tcase_add_test(tests, S4_a_closed_pipe_does_not_raise_SIGPIPE);
    tcase_add_test(tests, S4_SIGXFSZ_does_not_kill_the_process);
    return suite;
}
