/* Contract lines S1 to S4 and T7: real signals, which are sent by kill, sigqueue, timers, children
   and descriptors. */
#define _GNU_SOURCE /* F_SETSIG */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <tocsin/inspect.h>

#include "handlers.h"
#include "masks_hold.h"

/* ThreadSanitizer itself merges and delays signals, so the tests cannot count each signal there. */
#if defined(__SANITIZE_THREAD__)
#define MERGED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MERGED 1
#endif
#endif
#ifndef MERGED
#define MERGED 0
#endif

/* Under a sanitizer, stack frames are larger, and the sanitizer installs an alternate stack of its
   own. So the tests of small stacks do not run there. */
#if defined(__SANITIZE_ADDRESS__) || MERGED
#define SMALL_STACKS 0
#else
#define SMALL_STACKS 1
#endif

enum { MOST = 64 };

static struct sigaction before[MOST + 1];
static sigset_t mask_before;
static struct rlimit pending_before;

static bool exists(int number)
{
    return number < 32 || (number >= SIGRTMIN && number <= SIGRTMAX);
}

static bool excluded(int number)
{
    return number == SIGKILL || number == SIGSTOP || number == SIGSEGV || number == SIGBUS ||
           number == SIGFPE || number == SIGILL || number == SIGTRAP || number == SIGSYS;
}

static bool standard(int number)
{
    return number < 32 && !excluded(number);
}

static void (*handler_of(int number))(int)
{
    struct sigaction now;

    ck_assert_int_eq(sigaction(number, NULL, &now), 0);
    return now.sa_handler;
}

/* Sets the default dispositions: Check installs handlers of its own, which each test inherits. */
static void begin(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    for (int number = 1; number <= MOST; number++)
        if (exists(number))
            ck_assert_int_eq(sigaction(number, NULL, &before[number]), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask_before), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_SIGPENDING, &pending_before), 0);
}

/* Checks that all dispositions are as before the test. SIGPIPE and SIGXFSZ may differ (S4). */
static void end(void)
{
    sigset_t mask;

    ck_assert_int_eq(tocsin_loop_free(), 0);
    for (int number = 1; number <= MOST; number++)
        if (exists(number) && number != SIGPIPE && number != SIGXFSZ)
            ck_assert_msg(handler_of(number) == before[number].sa_handler, "signal %d", number);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    for (int number = 1; number <= MOST; number++)
        ck_assert_msg(sigismember(&mask, number) == sigismember(&mask_before, number),
                      "the mask of %d", number);
}

/* What a handler received. `count` is the number of real signals, including merged ones. `calls` is
   the number of calls of the handler. `unordered` is true if a value was not larger than the value
   before it. */
struct heard {
    int count, calls;
    struct tocsin_os_signal last;
    int code;
    bool unordered;
};

static int hear(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_os_signal *sent = tocsin_os_signal_of(info);
    struct heard *heard = arg;

    ck_assert_ptr_nonnull(sent);
    ck_assert_uint_eq(info->parent, 0);
    heard->unordered |= heard->calls && sent->value <= heard->last.value;
    heard->calls++;
    heard->count += 1 + (int)info->overrun;
    heard->last = *sent;
    heard->code = info->code;
    return TOCSIN_NEXT;
}

static struct tocsin_handler on(const char *pattern, struct heard *heard)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(
        tocsin_connect(pattern, &(struct tocsin_action){ .fn = hear, .arg = heard }, &handler), 0);
    return handler;
}

static const char *name_of(int number)
{
    struct tocsin_signal_facts facts;
    int signo = tocsin_os_signo(number);

    ck_assert_int_gt(signo, 0);
    ck_assert_int_eq(tocsin_signal_get(signo, &facts), 0);
    return facts.name;
}

/* Returns a number of signals that is larger than an inbox. Under valgrind the number is smaller:
   valgrind does not keep a signal blocked when the library blocks it. So the signals wait outside
   of the inbox, and the time grows with the square of their number. */
static int many(void)
{
    return (int)test_scaled(10000, 1, 5);
}

/* Queues a real signal with a value. If the user has too many pending signals, the function tries
   again, since other processes may have caused this. Under valgrind the function also makes a
   system call that may wait. The reason: valgrind calls the handler only in such a call, and equal
   signals would merge. */
static void send_value(int number, int value)
{
    while (sigqueue(getpid(), number, (union sigval){ .sival_ptr = (void *)(intptr_t)value }) < 0) {
        ck_assert_int_eq(errno, EAGAIN);
        sched_yield();
    }
    poll(NULL, 0, 0);
}

static void turns_until_count(const struct heard *heard, int least)
{
    turns_until(&heard->count, least);
}

/* Tests of the names of os.* signals */

START_TEST(names_are_known_before_the_first_loop)
{
    static const char *const none[] = { "os.sigter",   "os.sigterms", "os.sigrt",   "os.sigrt64",
                                        "os.sigrt00",  "os.sigrt01",  "os.sigrt-1", "os.sigrt1x",
                                        "os.sigrt111", "os.s",        "os.sigrtmin" };
    int term = tocsin_find("os.sigterm"), first = tocsin_find("os.sigrt0");
    struct tocsin_signal_facts facts;
    int count = 0;

    ck_assert_int_gt(term, 0);
    ck_assert_int_gt(first, 0);
    ck_assert_int_eq(tocsin_os_signo(SIGTERM), term);
    ck_assert_int_eq(tocsin_os_signo(SIGRTMIN), first);
    ck_assert_int_eq(tocsin_os_signo(SIGRTMAX), tocsin_find(name_of(SIGRTMAX)));
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(tocsin_find(none[i]) == -ENOENT, "%s", none[i]);
    /* the name exists, although no real signal of this name can be handled */
    ck_assert_int_gt(tocsin_find("os.sigkill"), 0);
    for (int signo = 1; tocsin_signal_get(signo, &facts) == 0; signo++) {
        if (tocsin_match("os.*", facts.name) <= 0)
            continue;
        ck_assert_str_eq(facts.spec->layout->fields, tocsin_os_signal_layout.fields);
        ck_assert_str_ne(facts.spec->doc, "");
        ck_assert_int_eq(facts.spec->kind, tocsin_match("os.sigrt0", facts.name) > 0
                                               ? TOCSIN_QUEUED
                                               : facts.spec->kind);
        ck_assert_int_eq(facts.spec->unhandled == TOCSIN_STOP_LOOP,
                         tocsin_match("os.sigint, os.sigterm", facts.name) > 0);
        count++;
    }
    ck_assert_int_eq(count, 31 + SIGRTMAX - SIGRTMIN + 1);
}
END_TEST

START_TEST(invalid_numbers_are_refused)
{
    const int none[] = { INT32_MIN, -1,        0,       32,      SIGRTMIN - 1, SIGRTMAX + 1,
                         1000,      INT32_MAX, SIGKILL, SIGSTOP, SIGSEGV,      SIGBUS,
                         SIGFPE,    SIGILL,    SIGTRAP, SIGSYS };

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(tocsin_os_signo(none[i]) == -EINVAL, "%d", none[i]);
}
END_TEST

START_TEST(names_of_os_signals_are_reserved)
{
    struct heard heard = { .count = 0 };
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_declare(&(struct tocsin_signal_spec){ .name = "os.sigusr1" }), -EEXIST);
    ck_assert_int_gt(tocsin_declare(&(struct tocsin_signal_spec){ .name = "os.mine" }), 0);
    ck_assert_int_eq(
        tocsin_connect("os.sigusr2",
                       &(struct tocsin_action){ .fn = hear, .arg = &heard, .flags = TOCSIN_EARLY },
                       &handler),
        0);
    ck_assert_int_eq(tocsin_on("os.sigusr3", hear, &heard), -ENOENT);
    ck_assert_int_eq(raise(SIGUSR2), 0);
    turns_until_count(&heard, 1);
    ck_assert_int_eq(heard.last.number, SIGUSR2);
}
END_TEST

START_TEST(faults_cannot_be_handled)
{
    const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGKILL, SIGSTOP };
    const char *names[] = { "os.sigsegv", "os.sigbus", "os.sigfpe",  "os.sigill",
                            "os.sigtrap", "os.sigsys", "os.sigkill", "os.sigstop" };
    struct heard heard = { .count = 0 };
    struct tocsin_handler handler;
    struct tocsin_queue queue;

    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(tocsin_on(names[i], hear, &heard), -EINVAL);
        ck_assert_int_eq(tocsin_queue_open(names[i], NULL, &queue), -EINVAL);
        ck_assert_int_eq(tocsin_observe(names[i],
                                        &(struct tocsin_action){ .fn = hear, .arg = &heard },
                                        &handler),
                         0);
        ck_assert_ptr_eq(handler_of(faults[i]), before[faults[i]].sa_handler);
        ck_assert_int_eq(tocsin_disconnect(handler), 0);
    }
    ck_assert_int_eq(tocsin_on("os.sigusr1, os.sigkill", hear, &heard), -EINVAL);
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
}
END_TEST

/* Tests of contract line S1: no signal is lost */

START_TEST(S1_the_newest_signal_and_their_number)
{
    struct heard heard = { .count = 0 };

    on("os.sigusr1", &heard);
    for (int value = 1; value <= 5; value++)
        send_value(SIGUSR1, value);
    /* The loop calls the handler in its next turn, not within the real signal handler. */
    ck_assert_int_eq(heard.calls, 0);
    turns_until_count(&heard, 5);
    ck_assert_int_eq(heard.calls, 1);
    ck_assert_int_eq(heard.count, 5);
    ck_assert_int_eq(heard.code, TOCSIN_OS);
    ck_assert_int_eq(heard.last.number, SIGUSR1);
    ck_assert_int_eq(heard.last.code, SI_QUEUE);
    ck_assert_int_eq(heard.last.value, 5);
    ck_assert_int_eq(heard.last.pid, getpid());
    ck_assert_uint_eq(heard.last.uid, getuid());
    ck_assert_int_eq(heard.last.status, 0);
    ck_assert_int_eq(heard.last.fd, 0);
}
END_TEST

/* Each signal is raised several times while the inbox is full. raise() returns after the real
   signal handler has returned, so the kernel merges no signals. The library must count all of
   them. */
START_TEST(S1_no_signal_is_lost_when_the_inbox_is_full)
{
    static struct heard heard[MOST + 1];
    int note = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.note", .flags = TOCSIN_ASYNC });
    struct told told = { .count = 0 };
    int posted = 0, err;

    connect_to("test.note", tell, &told);
    for (int number = 1; number < 32; number++)
        if (standard(number))
            on(name_of(number), &heard[number]);
    while ((err = tocsin_post(note, NULL)) == TOCSIN_PENDED)
        posted++;
    ck_assert_int_eq(err, -EAGAIN);
    for (int number = 1; number < 32; number++)
        for (int i = 0; i < many() && standard(number); i++)
            ck_assert_int_eq(raise(number), 0);
    while (told.count < posted || heard[SIGUSR1].count < 1)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    while (tocsin_loop_turn(0) > 0)
        ;
    for (int number = 1; number < 32; number++) {
        ck_assert_msg(heard[number].count == (standard(number) ? many() : 0), "signal %d: %d",
                      number, heard[number].count);
        ck_assert_int_eq(heard[number].last.number, standard(number) ? number : 0);
    }
    ck_assert_int_eq(told.count, posted);
}
END_TEST

/* Lowers the limit of pending signals. The kernel counts all pending signals of the user, also in
   other processes. So a test with a lower limit accepts any number of refusals. The test must
   restore the limit before it returns. The reason: Check then creates a timer, which also needs a
   queued signal. */
static void limit_pending(rlim_t most)
{
    struct rlimit limit = pending_before;

    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
}

static void restore_pending_limit(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &pending_before), 0);
}

static void post_until_full(const char *name)
{
    int note = tocsin_declare(&(struct tocsin_signal_spec){ .name = name, .flags = TOCSIN_ASYNC }),
        err;
    static struct told told;

    connect_to(name, tell, &told);
    while ((err = tocsin_post(note, NULL)) == TOCSIN_PENDED)
        ;
    ck_assert_int_eq(err, -EAGAIN);
}

/* Sends many signals with values. Returns how many of them the kernel refused. */
static int send_many(pid_t to, int number, int count)
{
    int refused = 0;

    for (int value = 1; value <= count; value++) {
        if (sigqueue(to, number, (union sigval){ .sival_ptr = (void *)(intptr_t)value }) == 0)
            continue;
        ck_assert_int_eq(errno, EAGAIN);
        refused++;
    }
    return refused;
}

/* Many real-time signals are sent while the loop runs no turn. Each signal must be either refused
   by the kernel or delivered. */
START_TEST(S1_real_time_signals_are_refused_or_delivered)
{
    const rlim_t limits[] = { RLIM_INFINITY, 300, 5 };
    struct heard heard = { .count = 0 };
    int refused;

    limit_pending(limits[_i]);
    on("os.sigrt0", &heard);
    post_until_full("test.note");
    refused = send_many(getpid(), SIGRTMIN, many());
    restore_pending_limit();
    printf("of %d real-time signals %d were refused\n", many(), refused);
    turns_until_count(&heard, many() - refused);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(heard.count + refused, many());
    ck_assert_int_eq(heard.calls, heard.count);
    ck_assert(!heard.unordered || !masks_hold());
    ck_assert(limits[_i] == RLIM_INFINITY || refused > 0 || !masks_hold());
}
END_TEST

/* A child sends real-time signals without a pause, while the loop delivers them. */
START_TEST(S1_real_time_signals_from_another_process)
{
    struct heard heard[3] = { { .count = 0 } };
    int ends[2], refused = -1;
    pid_t child;

    limit_pending(200);
    ck_assert_int_eq(pipe(ends), 0);
    on("os.sigrt0", &heard[0]);
    on("os.sigrt1", &heard[1]);
    on("os.*, !os.sigpipe", &heard[2]);
    child = fork();
    if (child == 0) {
        refused = send_many(getppid(), SIGRTMIN, many()) +
                  send_many(getppid(), SIGRTMIN + 1, many());
        _exit(write(ends[1], &refused, sizeof refused) != sizeof refused);
    }
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (read(ends[0], &refused, sizeof refused) < 0)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    while (heard[0].count + heard[1].count + refused < 2 * many())
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    restore_pending_limit();
    while (tocsin_loop_turn(0) > 0)
        ;
    printf("of %d real-time signals %d were refused\n", 2 * many(), refused);
    ck_assert_int_eq(heard[0].count + heard[1].count + refused, 2 * many());
    ck_assert_int_ge(heard[2].count, heard[0].count + heard[1].count);
    ck_assert((!heard[0].unordered && !heard[1].unordered) || !masks_hold());
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* The loop blocks the signal. First its pending emissions reach their limit, then the kernel queues
   the signals, and finally the kernel refuses them. */
START_TEST(S1_real_time_signals_that_the_loop_blocks)
{
    struct heard heard[2] = { { .count = 0 } };
    struct tocsin_block hold;
    int refused;

    limit_pending(300);
    on("os.sigrt0", &heard[0]);
    on("os.sigrt1", &heard[1]);
    ck_assert_int_eq(tocsin_block("os.sigrt0", &hold), 0);
    refused = 0;
    for (int i = 0; i < many(); i++) {
        refused += send_many(getpid(), SIGRTMIN, 1);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert(refused > 0 || !masks_hold());
    ck_assert_int_eq(heard[0].count, 0);
    restore_pending_limit();
    for (int i = 1; i <= 100; i++) { /* another signal still reaches the loop */
        send_value(SIGRTMIN + 1, i);
        turns_until_count(&heard[1], i);
    }
    ck_assert_int_eq(tocsin_unblock(hold), 0);
    turns_until_count(&heard[0], many() - refused);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(heard[0].count + refused, many());
}
END_TEST

/* A queue that nobody reads makes the loop refuse the signals. As in the test before, the kernel
   then queues the signals, and finally refuses them. */
START_TEST(S1_real_time_signals_for_a_slow_queue)
{
    struct tocsin_info *info;
    struct tocsin_queue queue;
    int refused = 0, count = 0;

    limit_pending(300);
    ck_assert_int_eq(tocsin_queue_open("os.sigrt5", NULL, &queue), 0);
    for (int i = 0; i < many(); i++) {
        refused += send_many(getpid(), SIGRTMIN + 5, 1);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    restore_pending_limit();
    ck_assert(refused > 0 || !masks_hold());
    for (; count + refused < many(); count++) {
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

/* Tests of contract line S2: which threads receive real signals */

static atomic_bool over;

static void *idle(void *arg)
{
    (void)arg;
    while (!atomic_load(&over))
        sched_yield();
    return NULL;
}

/* Twenty other threads could also receive the signals. No signal may be lost, whichever thread the
   kernel chooses. When the inbox is full, each thread can receive one more signal before it blocks
   the signals. */
START_TEST(S2_on_any_thread)
{
    rlim_t limit = _i ? 300 : RLIM_INFINITY;
    struct heard heard = { .count = 0 };
    pthread_t threads[20];
    int refused;

    limit_pending(limit);
    on("os.sigrt0", &heard);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, idle, NULL), 0);
    post_until_full("test.note");
    refused = send_many(getpid(), SIGRTMIN, many());
    restore_pending_limit();
    turns_until_count(&heard, many() - refused);
    atomic_store(&over, true);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(heard.count + refused, many());
}
END_TEST

/* A pool thread must run a task and its drop function with an empty signal mask. Between tasks it
   must block every signal. */
struct looked {
    sigset_t mask, dropped;
    pid_t thread, dropper;
    char child[256];
    atomic_bool seen, over;
};

static int look_at_mask(void *arg)
{
    struct looked *looked = arg;
    sigset_t all;
    FILE *child;

    pthread_sigmask(SIG_SETMASK, NULL, &looked->mask);
    looked->thread = (pid_t)syscall(SYS_gettid);
    child = popen("grep SigBlk /proc/self/status", "r");
    if (!child || !fgets(looked->child, sizeof looked->child, child))
        looked->child[0] = '\0';
    if (child)
        pclose(child);
    sigfillset(&all);
    /* This task changes its thread's mask. The next task must not run with the changed mask. */
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    atomic_store(&looked->seen, true);
    return 0;
}

static void look_again(void *arg)
{
    struct looked *looked = arg;

    pthread_sigmask(SIG_SETMASK, NULL, &looked->dropped);
    looked->dropper = (pid_t)syscall(SYS_gettid);
    atomic_store(&looked->over, true);
}

static bool is_empty(const sigset_t *mask)
{
    for (int number = 1; number <= SIGRTMAX; number++)
        if (sigismember(mask, number) == 1)
            return false;
    return true;
}

static unsigned long long blocked_by(pid_t thread)
{
    char path[64], line[256];
    unsigned long long mask = 0;
    FILE *status;

    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
    status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
        sscanf(line, "SigBlk: %llx", &mask);
    if (status)
        fclose(status);
    return mask;
}

static void look(struct looked *looked)
{
    struct tocsin_work_options options = { .drop = look_again };
    struct tocsin_op op;

    memset(looked, 0, sizeof *looked);
    ck_assert_int_eq(tocsin_pool_new(1, 0, &options.pool), 0);
    ck_assert_int_eq(tocsin_work_with(&options, look_at_mask, looked, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    while (!atomic_load(&looked->over))
        sched_yield();
    ck_assert_int_eq(tocsin_pool_free(options.pool), 0);
}

START_TEST(S2_a_task_has_an_empty_mask)
{
    struct looked looked;
    sigset_t all, was;

    sigfillset(&all);
    /* The calling thread blocks every signal. The task must not inherit the mask of this thread. */
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, &was), 0);
    look(&looked);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &was, NULL), 0);
    ck_assert(is_empty(&looked.mask));
    /* The loop's thread or the pool's thread calls the drop function. Only the pool's thread must
       have an empty mask. */
    ck_assert(looked.dropper != looked.thread || is_empty(&looked.dropped));
    ck_assert_str_eq(looked.child, "SigBlk:\t0000000000000000\n");
}
END_TEST

static int wait_to_end(void *arg)
{
    struct looked *looked = arg;

    looked->thread = (pid_t)syscall(SYS_gettid);
    return 0;
}

START_TEST(S2_between_tasks_every_signal_is_blocked)
{
    struct tocsin_work_options options = { .flags = 0 };
    struct looked looked;
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_pool_new(1, 0, &options.pool), 0);
    ck_assert_int_eq(tocsin_work_with(&options, wait_to_end, &looked, TOCSIN_FUTURE, &op), 0);
    /* The pool thread blocks the signals before it completes the task. */
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    ck_assert_uint_eq(blocked_by(looked.thread) & 0x7ffbfeffu, 0x7ffbfeffu);
    ck_assert_int_eq(tocsin_pool_free(options.pool), 0);
}
END_TEST

/* The program has called tocsin_os_unblock_here(). From then on, a task must run with the handled
   real-time signals blocked, so that only the calling thread receives them. */
START_TEST(S2_no_task_receives_signals_that_one_thread_requested)
{
    struct heard heard = { .count = 0 };
    struct looked looked;

    on("os.sigrt0", &heard);
    look(&looked);
    ck_assert(is_empty(&looked.mask));
    ck_assert_int_eq(tocsin_os_unblock_here(), 0);
    look(&looked);
    ck_assert_int_eq(sigismember(&looked.mask, SIGRTMIN), 1);
    ck_assert_int_eq(sigismember(&looked.mask, SIGRTMIN + 1), 0);
    ck_assert_int_eq(sigismember(&looked.mask, SIGCHLD), 0);
}
END_TEST

/* The inbox is full, so the loop has no room for real-time signals. A task that starts now must run
   with these signals blocked. */
START_TEST(S1_tasks_receive_no_signals_while_there_is_no_room)
{
    struct looked looked = { .thread = 0 };
    struct heard heard = { .count = 0 };
    struct tocsin_op op;
    int refused;

    limit_pending(300);
    on("os.sigrt0", &heard);
    post_until_full("test.note");
    refused = send_many(getpid(), SIGRTMIN, many());
    restore_pending_limit();
    ck_assert_int_eq(tocsin_work(look_at_mask, &looked, TOCSIN_FUTURE, &op), 0);
    while (!atomic_load(&looked.seen))
        sched_yield();
    ck_assert_int_eq(sigismember(&looked.mask, SIGRTMIN), 1);
    ck_assert_int_eq(sigismember(&looked.mask, SIGTERM), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    turns_until_count(&heard, many() - refused);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(heard.count + refused, many());
}
END_TEST

static void *take_here(void *arg)
{
    sigset_t *mask = arg;

    ck_assert_int_eq(tocsin_os_unblock_here(), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, mask), 0);
    return idle(NULL);
}

/* The loop's thread blocks the signals, and a thread without a loop has called
   tocsin_os_unblock_here. That thread must receive the signals and wake the loop. */
START_TEST(S2_one_thread_receives_the_signals)
{
    struct heard heard = { .count = 0 };
    sigset_t all, mask;
    pthread_t thread;

    sigfillset(&all);
    sigemptyset(&mask);
    on("os.sigrt0", &heard);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_here, &mask), 0);
    for (int value = 1; value <= 500; value++) {
        send_value(SIGRTMIN, value);
        turns_until_count(&heard, value);
    }
    for (int value = 501; value <= 600; value++)
        send_value(SIGRTMIN, value);
    turns_until_count(&heard, 600);
    ck_assert(!heard.unordered);
    atomic_store(&over, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(sigismember(&mask, SIGRTMIN), 0);
    /* This thread has unblocked the handled real-time signals. All other signals stay blocked. */
    ck_assert_int_eq(sigismember(&mask, SIGRTMIN + 1), 1);
    ck_assert_int_eq(sigismember(&mask, SIGUSR1), 1);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    ck_assert_int_eq(sigismember(&mask, SIGRTMIN), 1);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &mask_before, NULL), 0);
}
END_TEST

/* A thread without a loop receives the signals for the loop. So many signals are sent that the
   inbox becomes full. Then that thread blocks the signals, and the loop's own thread receives them
   from then on. When the loop is freed, the mask of the loop's thread must be as before. */
START_TEST(S2_the_loops_thread_receives_signals_after_an_overflow)
{
    struct heard heard = { .count = 0 };
    sigset_t all, mask;
    pthread_t thread;

    sigfillset(&all);
    on("os.sigrt0", &heard);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, &mask_before), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &all), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_here, &mask), 0);
    post_until_full("test.note");
    for (int value = 1; value <= 5000; value++)
        send_value(SIGRTMIN, value);
    turns_until_count(&heard, 5000);
    ck_assert(!heard.unordered || !masks_hold());
    atomic_store(&over, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    send_value(SIGRTMIN, 5001);
    turns_until_count(&heard, 5001);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &mask_before, &mask), 0);
    for (int number = 1; number <= MOST; number++)
        ck_assert_msg(sigismember(&mask, number) == sigismember(&all, number), "the mask of %d",
                      number);
}
END_TEST

/* Tests of contract line S3: dispositions are restored */

static volatile sig_atomic_t foreign_count;

static void foreign(int number)
{
    (void)number;
    foreign_count++;
}

START_TEST(S3_a_foreign_handler_stays)
{
    struct heard heard = { .count = 0 };
    struct tocsin_queue queue;
    struct tocsin_handler handler;

    signal(SIGCHLD, foreign);
    ck_assert_int_eq(tocsin_connect("os.sigchld",
                                    &(struct tocsin_action){ .fn = hear, .arg = &heard }, &handler),
                     -EBUSY);
    ck_assert_int_eq(tocsin_id_error(handler.id), -EBUSY);
    ck_assert_int_eq(tocsin_queue_open("os.sigchld", NULL, &queue), -EBUSY);
    ck_assert_int_eq(tocsin_on("os.sigusr1, os.sigchld", hear, &heard), -EBUSY);
    ck_assert_ptr_eq(handler_of(SIGCHLD), foreign);
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL); /* the failed connect changed nothing */
    ck_assert_int_eq(raise(SIGCHLD), 0);
    ck_assert_int_eq(foreign_count, 1);
    /* this pattern handles all real signals for which the program has no handler */
    on("os.*", &heard);
    ck_assert_ptr_eq(handler_of(SIGCHLD), foreign);
    ck_assert_ptr_ne(handler_of(SIGUSR1), SIG_DFL);
    ck_assert_ptr_eq(handler_of(SIGSEGV), before[SIGSEGV].sa_handler);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST(S3_a_foreign_handler_is_replaced_and_restored)
{
    struct heard heard = { .count = 0 };
    struct tocsin_handler one, two;
    struct sigaction now, mine = { .sa_handler = foreign, .sa_flags = SA_NODEFER };

    sigaddset(&mine.sa_mask, SIGUSR2);
    ck_assert_int_eq(sigaction(SIGCHLD, &mine, NULL), 0);
    ck_assert_int_eq(
        tocsin_connect(
            "os.sigchld",
            &(struct tocsin_action){ .fn = hear, .arg = &heard, .flags = TOCSIN_REPLACE }, &one),
        0);
    /* tocsin's handler is installed now, in place of the program's handler */
    two = on("os.sigchld", &heard);
    ck_assert_int_eq(raise(SIGCHLD), 0);
    turns_until_count(&heard, 2);
    ck_assert_int_eq(heard.count, 2);
    ck_assert_int_eq(foreign_count, 0);
    ck_assert_int_eq(tocsin_disconnect(one), 0);
    ck_assert_ptr_ne(handler_of(SIGCHLD), foreign);
    ck_assert_int_eq(tocsin_disconnect(two), 0);
    ck_assert_int_eq(sigaction(SIGCHLD, NULL, &now), 0);
    ck_assert_ptr_eq(now.sa_handler, foreign);
    ck_assert_int_eq(now.sa_flags & SA_NODEFER, SA_NODEFER);
    ck_assert_int_eq(sigismember(&now.sa_mask, SIGUSR2), 1);
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST(S3_a_disposition_changed_meanwhile_stays)
{
    struct heard heard = { .count = 0 };
    struct tocsin_handler one = on("os.sigusr1", &heard), two;

    signal(SIGUSR1, foreign);
    ck_assert_int_eq(tocsin_on("os.sigusr1", hear, &heard), -EBUSY);
    ck_assert_int_eq(tocsin_disconnect(one), 0);
    ck_assert_ptr_eq(handler_of(SIGUSR1), foreign);
    signal(SIGUSR1, SIG_DFL);
    one = on("os.sigusr1", &heard);
    /* The program has restored the default, so the next connect handles the signal again. */
    signal(SIGUSR1, SIG_DFL);
    two = on("os.sigusr1", &heard);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    turns_until_count(&heard, 2);
    ck_assert_int_eq(tocsin_disconnect(one), 0);
    ck_assert_int_eq(tocsin_disconnect(two), 0);
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
}
END_TEST

START_TEST(S3_an_ignored_signal_has_no_foreign_handler)
{
    struct heard heard = { .count = 0 };
    struct tocsin_handler handler;

    signal(SIGHUP, SIG_IGN); /* nohup ignores SIGHUP in the same way */
    handler = on("os.sighup", &heard);
    ck_assert_int_eq(raise(SIGHUP), 0);
    turns_until_count(&heard, 1);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_ptr_eq(handler_of(SIGHUP), SIG_IGN);
    ck_assert_int_eq(raise(SIGHUP), 0);
    signal(SIGHUP, SIG_DFL);
}
END_TEST

START_TEST(S3_which_patterns_replace_a_foreign_handler)
{
    struct heard heard[4] = { { .count = 0 } };
    struct told told = { .count = 0 };
    struct tocsin_handler handler;
    struct tocsin_queue queue;

    on("**, !tocsin.**", &heard[0]);
    on("*.sigusr1", &heard[1]);
    ck_assert_int_eq(
        tocsin_observe("os.sigusr1", &(struct tocsin_action){ .fn = hear, .arg = &heard[2] }, NULL),
        0);
    ck_assert_int_eq(
        tocsin_observe("os.*", &(struct tocsin_action){ .fn = hear, .arg = &heard[3] }, NULL), 0);
    for (int number = 1; number <= MOST; number++)
        if (exists(number))
            ck_assert_msg(handler_of(number) == before[number].sa_handler, "signal %d", number);
    ck_assert_int_eq(tocsin_disconnect(on("**, !os.sigusr1, !tocsin.**", &heard[0])), 0);
    ck_assert_int_eq(tocsin_connect("**, os.sigusr1, !tocsin.**",
                                    &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
                     0);
    /* the pattern contains this signal's name itself, so the library handles it */
    ck_assert_ptr_ne(handler_of(SIGUSR1), SIG_DFL);
    ck_assert_ptr_eq(handler_of(SIGUSR2), SIG_DFL);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    for (int i = 0; i < 4; i++) {
        /* the handlers receive the signals that the library handles */
        turns_until_count(&heard[i], 1);
        ck_assert_int_eq(heard[i].last.number, SIGUSR1);
    }
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
    ck_assert_int_eq(tocsin_queue_open("os.sigusr1", NULL, &queue), 0);
    ck_assert_ptr_ne(handler_of(SIGUSR1), SIG_DFL);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
    handler = on("*.sigusr1, !os.sigusr1, *.sigusr1, os.sigusr2", &heard[0]);
    /* the name of this signal is not in the pattern, so its disposition stays the default */
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
    ck_assert_ptr_ne(handler_of(SIGUSR2), SIG_DFL);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    handler = on("os.*, !os.sigusr1", &heard[0]);
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
    /* this test uses SIGRTMAX - 1, since valgrind needs SIGRTMAX itself */
    ck_assert_ptr_ne(handler_of(SIGRTMAX - 1), SIG_DFL);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
}
END_TEST

START_TEST(S3_a_queue_handles_the_signal)
{
    struct tocsin_info *info;
    struct tocsin_queue queue;

    ck_assert_int_eq(tocsin_queue_open("os.sigusr1, os.sigrt2",
                                       &(struct tocsin_queue_options){ .flags = TOCSIN_TAKE },
                                       &queue),
                     0);
    send_value(SIGUSR1, 7);
    send_value(SIGUSR1, 8);
    ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
    ck_assert_int_eq(tocsin_os_signal_of(info)->value, 8);
    ck_assert_uint_eq(info->overrun, 1);
    tocsin_info_unref(info);
    for (int value = 1; value <= 3; value++)
        send_value(SIGRTMIN + 2, value);
    for (int value = 1; value <= 3; value++) {
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        ck_assert_int_eq(tocsin_os_signal_of(info)->value, value);
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

struct neighbour {
    pthread_t thread;
    const char *pattern;
    bool stops;
    struct heard heard;
    atomic_int ready;
    struct tocsin_loop loop;
    int ended;
};

static int stop(void *arg)
{
    return tocsin_stop((int)(intptr_t)arg);
}

static int hear_and_stop_main(const struct tocsin_info *info, void *arg)
{
    hear(info, arg);
    return tocsin_loop_call(tocsin_loop_main(), stop, (void *)7, NULL);
}

static int see(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static void *live(void *arg)
{
    struct neighbour *neighbour = arg;

    if (neighbour->stops)
        ck_assert_int_eq(tocsin_on(neighbour->pattern, hear_and_stop_main, &neighbour->heard), 0);
    else if (neighbour->pattern)
        on(neighbour->pattern, &neighbour->heard);
    else
        ck_assert_int_eq(
            tocsin_observe("**", &(struct tocsin_action){ .fn = see, .arg = &neighbour->heard },
                           NULL),
            0);
    neighbour->loop = tocsin_loop_current();
    atomic_store(&neighbour->ready, 1);
    neighbour->ended = tocsin_run();
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

static void neighbour_start(struct neighbour *neighbour)
{
    ck_assert_int_eq(pthread_create(&neighbour->thread, NULL, live, neighbour), 0);
    while (!atomic_load(&neighbour->ready))
        sched_yield();
}

static void neighbour_end(struct neighbour *neighbour, int status)
{
    ck_assert_int_eq(tocsin_loop_call(neighbour->loop, stop, (void *)(intptr_t)status, NULL), 0);
    ck_assert_int_eq(pthread_join(neighbour->thread, NULL), 0);
    ck_assert_int_eq(neighbour->ended, status);
}

START_TEST(S3_several_handlers_on_several_loops)
{
    struct neighbour neighbour = { .pattern = "os.sigusr1" };
    struct heard heard[2] = { { .count = 0 } };
    struct tocsin_handler one = on("os.sigusr1", &heard[0]), two = on("os.sigusr1", &heard[1]);

    neighbour_start(&neighbour);
    for (int i = 1; i <= 1000; i++)
        ck_assert_int_eq(raise(SIGUSR1), 0);
    turns_until_count(&heard[0], 1000);
    ck_assert_int_eq(heard[1].count, 1000);
    ck_assert_int_eq(tocsin_disconnect(one), 0);
    ck_assert_int_eq(tocsin_disconnect(two), 0);
    /* the handler of the other loop is still connected */
    ck_assert_ptr_ne(handler_of(SIGUSR1), SIG_DFL);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    neighbour_end(&neighbour, 3);
    /* a loop that is freed first delivers all signals that it has accepted */
    ck_assert_int_eq(neighbour.heard.count, 1001);
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
}
END_TEST

START_TEST(S3_a_child_and_a_program_have_the_old_dispositions)
{
    static char *arguments[] = { "cat", "/proc/self/status", NULL };
    struct heard heard = { .count = 0 };
    uint64_t ignored = 0, caught = 0, blocked = 0;
    posix_spawn_file_actions_t actions;
    int ends[2], status;
    char line[200];
    FILE *from;
    pid_t child;

    on("os.sigusr1", &heard);
    /* The first turn initializes libevent, and the library then changes the disposition of SIGPIPE
       (S4). */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    child = fork();
    /* The child has not called tocsin_after_fork, so no loop could receive the signal (T8). The
       disposition must be the default. */
    if (child == 0)
        _exit(handler_of(SIGUSR1) != SIG_DFL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    ck_assert_int_eq(posix_spawn(&child, "/bin/cat", &actions, NULL, arguments, NULL), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    from = fdopen(ends[0], "r");
    while (fgets(line, sizeof line, from)) {
        sscanf(line, "SigIgn: %lx", &ignored);
        sscanf(line, "SigCgt: %lx", &caught);
        sscanf(line, "SigBlk: %lx", &blocked);
    }
    fclose(from);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(ignored & ((uint64_t)1 << (SIGPIPE - 1) | (uint64_t)1 << (SIGUSR1 - 1)), 0);
    ck_assert_uint_eq(caught, 0);
    ck_assert_uint_eq(blocked, 0);
}
END_TEST

static void *read_all(void *arg)
{
    char word;

    for (int i = 0; i < 200; i++)
        /* the read must not fail with EINTR when the signal arrives */
        ck_assert_int_eq(read(*(int *)arg, &word, 1), 1);
    return NULL;
}

START_TEST(S3_interrupted_system_calls_are_restarted)
{
    struct heard heard = { .count = 0 };
    struct sigaction now;
    pthread_t thread;
    int ends[2];

    on("os.sigusr1", &heard);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &now), 0);
    ck_assert_int_eq(now.sa_flags &
                         (SA_RESTART | SA_ONSTACK | SA_SIGINFO | SA_NODEFER | SA_RESETHAND),
                     SA_RESTART | SA_ONSTACK | SA_SIGINFO);
    /* The handler's mask must have every signal, so that no other handler interrupts it. */
    for (int number = 1; number <= MOST; number++)
        ck_assert(!exists(number) || number == SIGKILL || number == SIGSTOP ||
                  sigismember(&now.sa_mask, number) == 1);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_all, &ends[0]), 0);
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 20; k++)
            ck_assert_int_eq(pthread_kill(thread, SIGUSR1), 0);
        sched_yield();
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    turns_until_count(&heard, 1);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static int given_back_by_now(const struct tocsin_info *info, void *arg)
{
    ck_assert_ptr_eq(handler_of(SIGUSR1), SIG_DFL);
    ck_assert_ptr_eq(handler_of(SIGRTMIN), SIG_DFL);
    return tell(info, arg);
}

/* A freed loop must deliver the signals that it has accepted. Afterwards the signals must have
   their old disposition. */
START_TEST(S3_dispositions_are_restored_before_the_loop_ends)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note" });
    struct heard heard = { .count = 0 };
    struct told told = { .count = 0 };

    on("os.sigusr1, os.sigrt0", &heard);
    connect_to("test.note", given_back_by_now, &told);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(tocsin_post(signo, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(heard.count, 1);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

/* Tests of the members of siginfo_t */

START_TEST(a_value_from_another_process)
{
    struct heard heard = { .count = 0 };
    pid_t child;
    int status;

    on("os.sigrt3, os.sigusr2", &heard);
    child = fork();
    if (child == 0)
        _exit(sigqueue(getppid(), SIGRTMIN + 3,
                       (union sigval){ .sival_ptr = (void *)(intptr_t)-42 }) != 0);
    turns_until_count(&heard, 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(heard.last.number, SIGRTMIN + 3);
    ck_assert_int_eq(heard.last.value, -42);
    ck_assert_int_eq(heard.last.pid, child);
    ck_assert_uint_eq(heard.last.uid, getuid());
    ck_assert_int_eq(kill(getpid(), SIGUSR2), 0);
    turns_until_count(&heard, 2);
    ck_assert_int_eq(heard.last.code, SI_USER);
    ck_assert_int_eq(heard.last.pid, getpid());
    ck_assert_int_eq(heard.last.value, 0);
}
END_TEST

/* All bits of the value must arrive. The signals are sent with an si_code that such signals usually
   do not have. */
START_TEST(a_value_of_any_signal)
{
    const int64_t value = sizeof(void *) == 8 ? 0x123456789abcdef : 0x1234567;
    struct heard heard = { .count = 0 };
    siginfo_t info;

    on("os.sigchld, os.sigpoll, os.sigalrm", &heard);
    ck_assert_int_eq(
        sigqueue(getpid(), SIGCHLD, (union sigval){ .sival_ptr = (void *)(intptr_t)value }), 0);
    turns_until_count(&heard, 1);
    ck_assert_int_eq(heard.last.value, value);
    ck_assert_int_eq(heard.last.status, 0);
    ck_assert_int_eq(heard.last.utime, 0);
    ck_assert_int_eq(
        sigqueue(getpid(), SIGPOLL, (union sigval){ .sival_ptr = (void *)(intptr_t)value }), 0);
    turns_until_count(&heard, 2);
    ck_assert_int_eq(heard.last.value, value);
    ck_assert_int_eq(heard.last.fd, 0);
    ck_assert_int_eq(heard.last.band, 0);
    memset(&info, 0, sizeof info); /* the siginfo_t gets the values that mq_notify() uses */
    info.si_signo = SIGALRM;
    info.si_code = SI_MESGQ;
    info.si_errno = 4;
    info.si_pid = 99;
    info.si_uid = 98;
    info.si_value.sival_ptr = (void *)(intptr_t)-value;
    ck_assert_int_eq(syscall(SYS_rt_sigqueueinfo, getpid(), SIGALRM, &info), 0);
    turns_until_count(&heard, 3);
    ck_assert_int_eq(heard.last.code, SI_MESGQ);
    ck_assert_int_eq(heard.last.error, 4);
    ck_assert_int_eq(heard.last.pid, 99);
    ck_assert_uint_eq(heard.last.uid, 98);
    ck_assert_int_eq(heard.last.value, -value);
}
END_TEST

/* A child ends while os.sigchld has a handler. The library itself must not wait for the child. */
START_TEST(a_child_that_ends)
{
    struct heard heard = { .count = 0 };
    pid_t child;
    int status;

    on("os.sigchld", &heard);
    child = fork();
    if (child == 0)
        _exit(5);
    turns_until_count(&heard, 1);
    ck_assert_int_eq(heard.last.code, CLD_EXITED);
    ck_assert_int_eq(heard.last.pid, child);
    ck_assert_int_eq(heard.last.status, 5);
    ck_assert_int_eq(heard.last.value, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 5);
}
END_TEST

/* The program ignores SIGCHLD, so the kernel reaps the program's children. A handler of os.sigchld
   must not change that. The handler receives the end of the child, and waitpid() fails. */
START_TEST(a_child_that_nobody_waits_for)
{
    struct heard heard = { .count = 0 };
    struct tocsin_handler handler;
    pid_t child;

    signal(SIGCHLD, SIG_IGN);
    handler = on("os.sigchld", &heard);
    child = fork();
    if (child == 0)
        _exit(5);
    turns_until_count(&heard, 1);
    ck_assert_int_eq(heard.last.pid, child);
    ck_assert_int_eq(waitpid(child, NULL, 0), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_ptr_eq(handler_of(SIGCHLD), SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST(a_timer_and_a_descriptor)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
                              .sigev_signo = SIGRTMIN + 4,
                              .sigev_value.sival_ptr = (void *)(intptr_t)77 };
    struct itimerspec soon = { .it_value.tv_nsec = 1 };
    struct heard heard = { .count = 0 };
    timer_t timer;
    int ends[2];

    on("os.sigrt4, os.sigpoll", &heard);
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ck_assert_int_eq(timer_settime(timer, 0, &soon, NULL), 0);
    turns_until_count(&heard, 1);
    ck_assert_int_eq(heard.last.code, SI_TIMER);
    ck_assert_int_eq(heard.last.value, 77);
    ck_assert_int_eq(heard.last.pid, 0);
    ck_assert_int_eq(timer_delete(timer), 0);
    for (int number = SIGIO; number; number = number == SIGIO ? SIGRTMIN + 4 : 0) {
        int count = heard.count;

        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_eq(fcntl(ends[0], F_SETOWN, getpid()), 0);
        ck_assert_int_eq(fcntl(ends[0], F_SETSIG, number), 0);
        ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK), 0);
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
        turns_until_count(&heard, count + 1);
        ck_assert_int_eq(heard.last.number, number);
        ck_assert_int_eq(heard.last.code, POLL_IN);
        ck_assert_int_eq(heard.last.fd, ends[0]);
        ck_assert_int_ne(heard.last.band, 0);
        ck_assert_int_eq(heard.last.pid, 0);
        close(ends[0]);
        close(ends[1]);
    }
}
END_TEST

/* Tests of contract line T7: tocsin_run and the signals that end a program */

static int send_on(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_ptr_ne(handler_of(*(int *)arg), SIG_DFL);
    ck_assert_int_eq(kill(getpid(), *(int *)arg), 0);
    return TOCSIN_NEXT;
}

START_TEST(T7_the_default_stops_the_main_loop)
{
    struct neighbour neighbour = { .pattern = "os.sigusr1" };
    int number = _i ? SIGINT : SIGTERM;

    /* this thread makes its loop first, so its loop is the main loop */
    ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
    neighbour_start(&neighbour);
    /* the disposition changes only while this loop runs */
    ck_assert_ptr_eq(handler_of(number), SIG_DFL);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(send_on, &number), NULL), 0);
        ck_assert_int_eq(tocsin_run(), 0);
        ck_assert_ptr_eq(handler_of(SIGINT), SIG_DFL);
        ck_assert_ptr_eq(handler_of(SIGTERM), SIG_DFL);
    }
    neighbour_end(&neighbour, 9); /* the signal did not stop the other loop */
}
END_TEST

static int check_ignored(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_ptr_eq(handler_of(SIGINT), SIG_IGN);
    return TOCSIN_NEXT;
}

static int check_foreign(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_ptr_eq(handler_of(SIGINT), foreign);
    ck_assert_int_eq(raise(SIGINT), 0);
    return TOCSIN_NEXT;
}

static int hear_and_send_again(const struct tocsin_info *info, void *arg)
{
    hear(info, arg);
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    return TOCSIN_NEXT;
}

static int let_go(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_int_eq(write(*(int *)arg, "x", 1), 1);
    return TOCSIN_NEXT;
}

/* Another process sends the signal, as Ctrl-C does. The loop sleeps, or is about to sleep. */
START_TEST(T7_from_another_process)
{
    int go[2], status;
    pid_t child;
    char word;

    ck_assert_int_eq(pipe(go), 0);
    for (int i = 0, count = (int)test_scaled(50, 1, 5); i < count; i++) {
        child = fork();
        if (child == 0)
            _exit(read(go[0], &word, 1) != 1 || kill(getppid(), i % 2 ? SIGINT : SIGTERM) != 0);
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(let_go, &go[1]), NULL), 0);
        ck_assert_int_eq(tocsin_run(), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
    close(go[0]);
    close(go[1]);
}
END_TEST

/* The program has a handler of SIGINT, or ignores SIGINT. tocsin_run must not change that. */
START_TEST(T7_only_signals_with_the_default_disposition)
{
    int number = SIGTERM;

    signal(SIGINT, SIG_IGN);
    ck_assert_int_eq(raise(SIGINT), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(send_on, &number), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(check_ignored), NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_ptr_eq(handler_of(SIGINT), SIG_IGN);
    signal(SIGINT, foreign);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(check_foreign), NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(send_on, &number), NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(foreign_count, 1);
    signal(SIGINT, SIG_DFL);
}
END_TEST

/* Another loop has a handler of SIGTERM, so the default action must not stop this loop. */
START_TEST(T7_a_handled_signal_does_not_stop_the_loop)
{
    struct neighbour neighbour = { .pattern = "os.sigterm", .stops = true };
    int number = SIGTERM;

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(send_on, &number), NULL), 0);
    neighbour_start(&neighbour);
    /* The handler on the other loop stops this loop with the status 7. The default action would
       stop it with the status 0. */
    ck_assert_int_eq(tocsin_run(), 7);
    ck_assert_ptr_ne(handler_of(SIGTERM), SIG_DFL);
    neighbour_end(&neighbour, 4);
    ck_assert_int_eq(neighbour.heard.count, 1);
    ck_assert_ptr_eq(handler_of(SIGTERM), SIG_DFL);
}
END_TEST

/* A ONCE handler receives the first signal, as in a daemon that drains. The second signal must take
   the default action, which stops the loop. */
START_TEST(T7_a_ONCE_handler_and_then_the_default_action)
{
    struct heard heard = { .count = 0 };
    int number = SIGTERM;

    ck_assert_int_eq(tocsin_connect("os.sigterm, os.sigint",
                                    &(struct tocsin_action){ .fn = hear_and_send_again,
                                                             .arg = &heard,
                                                             .flags = TOCSIN_ONCE },
                                    NULL),
                     0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(send_on, &number), NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(heard.count, 1);
    ck_assert_ptr_eq(handler_of(SIGTERM), SIG_DFL);
    /* one handler has both patterns, so it is disconnected for both signals */
    ck_assert_ptr_eq(handler_of(SIGINT), SIG_DFL);
}
END_TEST

START_TEST(T7_observers_do_not_handle)
{
    struct neighbour neighbour = { .pattern = NULL };
    struct heard heard = { .count = 0 };
    int number = SIGTERM;

    ck_assert_int_eq(
        tocsin_observe("os.*", &(struct tocsin_action){ .fn = hear, .arg = &heard }, NULL), 0);
    for (int i = 0; i < 2; i++) {
        if (i)
            neighbour_start(&neighbour);
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(send_on, &number), NULL), 0);
        ck_assert_int_eq(tocsin_run(), 0);
        ck_assert_int_eq(heard.count, i + 1);
    }
    neighbour_end(&neighbour, 9);
}
END_TEST

/* Many loops have an observer of all names, which connects before the name of the signal exists. An
   observer handles nothing, so the default action must still stop the loop. */
static void many_observers(int count)
{
    static struct neighbour neighbours[70];
    int number = SIGTERM;

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(send_on, &number), NULL), 0);
    for (int i = 0; i < count; i++)
        neighbour_start(&neighbours[i]);
    ck_assert_int_eq(tocsin_run(), 0);
    for (int i = 0; i < count; i++)
        neighbour_end(&neighbours[i], i);
}

START_TEST(T7_observers_that_are_older_than_the_name)
{
    many_observers(8);
}
END_TEST

START_TEST(T7_observers_on_seventy_loops)
{
    many_observers(70);
}
END_TEST

/* Tests of contract line S4: the disposition of SIGPIPE */

START_TEST(S4_SIGPIPE_stays_harmless_after_a_handler)
{
    bool before_the_engine = _i;
    struct heard heard = { .count = 0 };
    void (*quiet)(int);
    int ends[2];

    signal(SIGPIPE, SIG_DFL);
    if (before_the_engine) {
        struct tocsin_handler handler = on("os.sigpipe", &heard);

        ck_assert_int_eq(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_disconnect(handler), 0);
    } else {
        struct tocsin_handler handler;

        ck_assert_int_eq(tocsin_loop_turn(0), 0);
        handler = on("os.sigpipe", &heard);
        ck_assert_int_eq(raise(SIGPIPE), 0);
        turns_until_count(&heard, 1);
        ck_assert_int_eq(tocsin_disconnect(handler), 0);
    }
    quiet = handler_of(SIGPIPE);
    ck_assert(quiet != SIG_DFL && quiet != SIG_IGN);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    close(ends[1]);
}
END_TEST

/* Tests: real signals arrive on any thread, at any moment */

static atomic_int heard_count;

static void *raise_one(void *arg)
{
    sigset_t set;

    sigfillset(&set);
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        errno = 12345;
        ck_assert_int_eq(raise(SIGUSR1), 0);
        ck_assert_int_eq(errno, 12345); /* the real signal handler has restored errno */
        while (atomic_load(&heard_count) <= i)
            sched_yield();
    }
    return arg;
}

/* The loop sleeps, and its thread blocks the signal. Another thread receives the signal, and must
   wake the loop. */
START_TEST(a_signal_on_any_thread_wakes_the_loop)
{
    struct heard heard = { .count = 0 };
    pthread_t thread;
    sigset_t all;

    sigfillset(&all);
    on("os.sigusr1", &heard);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, raise_one, NULL), 0);
    for (int i = 1; i <= 1000; i++) {
        turns_until_count(&heard, i);
        atomic_store(&heard_count, i);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(heard.count, 1000);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &mask_before, NULL), 0);
}
END_TEST

static int note;
static atomic_int queued_count;

static void *post_all(void *arg)
{
    int *posted = arg;

    for (int i = 0; i < many(); i++) {
        int err = tocsin_post(note, NULL);

        ck_assert(err == TOCSIN_PENDED || err == -EAGAIN);
        *posted += err == TOCSIN_PENDED;
    }
    return NULL;
}

static void *raise_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < many(); i++) {
        ck_assert_int_eq(raise(i % 2 ? SIGUSR1 : SIGUSR2), 0);
        if (!MERGED && i % 16 == 0 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
            atomic_fetch_add(&queued_count, 1);
    }
    return NULL;
}

/* Threads post, while real signals interrupt these threads and the loop's thread at arbitrary
   places. */
START_TEST(posts_and_signals_at_arbitrary_places)
{
    struct heard heard[3] = { { .count = 0 } };
    struct told told = { .count = 0 };
    pthread_t threads[6];
    int posted[3] = { 0 };

    note = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.note", .flags = TOCSIN_ASYNC });
    connect_to("test.note", tell, &told);
    on("os.sigusr1", &heard[0]);
    on("os.sigusr2", &heard[1]);
    on("os.sigrt0", &heard[2]);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, i < 3 ? post_all : raise_all,
                                        i < 3 ? &posted[i] : NULL),
                         0);
    turns_until_count(&heard[0], 3 * many() / 2);
    turns_until_count(&heard[1], 3 * many() / 2);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    turns_until_count(&heard[2], queued_count);
    turns_until(&told.count, posted[0] + posted[1] + posted[2]);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(heard[0].count, 3 * many() / 2);
    ck_assert_int_eq(heard[1].count, 3 * many() / 2);
    ck_assert_int_eq(heard[2].count, queued_count);
    ck_assert_int_eq(told.count, posted[0] + posted[1] + posted[2]);
}
END_TEST

static int raise_in_handler(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    send_value(SIGUSR1, 1);
    send_value(SIGRTMIN, 1);
    return TOCSIN_NEXT;
}

START_TEST(a_signal_is_not_a_child_of_the_interrupted_emission)
{
    struct heard heard = { .count = 0 };
    int signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note" });

    on("os.sigusr1, os.sigrt0", &heard); /* the handler hear() checks the parent of each emission */
    connect_to("test.note", raise_in_handler, NULL);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
    turns_until_count(&heard, 2);
}
END_TEST

/* Raises the signal when so little stack is left that a signal handler does not fit on this
   stack. */
static int nearly_all(int left, uintptr_t low)
{
    volatile char here[512];

    here[0] = (char)left;
    if ((uintptr_t)here - low > 3072)
        return nearly_all(left - 1, low) + here[0];
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(raise(SIGUSR1), 0);
    return here[0];
}

/* Returns the lowest address of the mapping that contains this address. */
static uintptr_t low_of(const void *here)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    uintptr_t low = 0, high = 0;
    char line[400];

    ck_assert_ptr_nonnull(maps);
    while (((uintptr_t)here < low || (uintptr_t)here >= high) && fgets(line, sizeof line, maps))
        sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &low, &high);
    fclose(maps);
    return low;
}

static int on_fiber(void *arg)
{
    uintptr_t low = low_of(&arg);

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(raise(SIGUSR2), 0);
        ck_assert_int_eq(tocsin_yield(), 0);
    }
    if (arg)
        nearly_all(0, low);
    return 0;
}

START_TEST(signals_while_a_fiber_has_little_stack)
{
    struct heard heard[2] = { { .count = 0 } };
    stack_t stack;

    on("os.sigusr1", &heard[0]);
    on("os.sigusr2", &heard[1]);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_spawn(on_fiber, SMALL_STACKS ? &heard : NULL, NULL, NULL), 0);
    turns_until_count(&heard[1], 300);
    ck_assert_int_eq(sigaltstack(NULL, &stack), 0);
    ck_assert_int_eq(stack.ss_flags, 0); /* the thread has an alternate stack */
    drain_all();
    ck_assert_int_eq(heard[0].count, SMALL_STACKS ? 3000 : 0);
    ck_assert_int_eq(heard[1].count, 300);
}
END_TEST

/* Adds the tests that need an exact count of the signals. */
static void add_counted(TCase *tests)
{
    tcase_add_test(tests, S1_the_newest_signal_and_their_number);
    tcase_add_loop_test(tests, S1_real_time_signals_are_refused_or_delivered, 0, 3);
    tcase_add_test(tests, S1_real_time_signals_from_another_process);
    tcase_add_test(tests, S1_real_time_signals_that_the_loop_blocks);
    tcase_add_test(tests, S1_real_time_signals_for_a_slow_queue);
    tcase_add_loop_test(tests, S2_on_any_thread, 0, 2);
    tcase_add_test(tests, S2_a_task_has_an_empty_mask);
    tcase_add_test(tests, S2_between_tasks_every_signal_is_blocked);
    tcase_add_test(tests, S2_no_task_receives_signals_that_one_thread_requested);
    tcase_add_test(tests, S1_tasks_receive_no_signals_while_there_is_no_room);
    tcase_add_test(tests, S2_one_thread_receives_the_signals);
    tcase_add_test(tests, S2_the_loops_thread_receives_signals_after_an_overflow);
    tcase_add_test(tests, S3_a_queue_handles_the_signal);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/real_signals");
    TCase *tests = test_case(suite, "os");

    test_needs_processes();
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    if (MERGED)
        test_skip("contract/real_signals: real-time signals, counted",
                  "the thread sanitizer puts signals off, and merges them");
    else
        add_counted(tests);
    tcase_add_test(tests, names_are_known_before_the_first_loop);
    tcase_add_test(tests, invalid_numbers_are_refused);
    tcase_add_test(tests, names_of_os_signals_are_reserved);
    tcase_add_test(tests, faults_cannot_be_handled);
    tcase_add_test(tests, S1_no_signal_is_lost_when_the_inbox_is_full);
    tcase_add_test(tests, S3_a_foreign_handler_stays);
    tcase_add_test(tests, S3_a_foreign_handler_is_replaced_and_restored);
    tcase_add_test(tests, S3_a_disposition_changed_meanwhile_stays);
    tcase_add_test(tests, S3_an_ignored_signal_has_no_foreign_handler);
    tcase_add_test(tests, S3_which_patterns_replace_a_foreign_handler);
    tcase_add_test(tests, S3_several_handlers_on_several_loops);
    tcase_add_test(tests, S3_interrupted_system_calls_are_restarted);
    tcase_add_test(tests, S3_dispositions_are_restored_before_the_loop_ends);
    tcase_add_test(tests, S3_a_child_and_a_program_have_the_old_dispositions);
    tcase_add_test(tests, a_value_from_another_process);
    tcase_add_test(tests, a_value_of_any_signal);
    tcase_add_test(tests, a_child_that_ends);
    tcase_add_test(tests, a_child_that_nobody_waits_for);
    tcase_add_test(tests, a_timer_and_a_descriptor);
    tcase_add_loop_test(tests, T7_the_default_stops_the_main_loop, 0, 2);
    tcase_add_test(tests, T7_from_another_process);
    tcase_add_test(tests, T7_only_signals_with_the_default_disposition);
    tcase_add_test(tests, T7_a_handled_signal_does_not_stop_the_loop);
    tcase_add_test(tests, T7_a_ONCE_handler_and_then_the_default_action);
    tcase_add_test(tests, T7_observers_do_not_handle);
    tcase_add_test(tests, T7_observers_that_are_older_than_the_name);
    tcase_add_test(tests, T7_observers_on_seventy_loops);
    tcase_add_loop_test(tests, S4_SIGPIPE_stays_harmless_after_a_handler, 0, 2);
    tcase_add_test(tests, a_signal_on_any_thread_wakes_the_loop);
    tcase_add_test(tests, posts_and_signals_at_arbitrary_places);
    tcase_add_test(tests, a_signal_is_not_a_child_of_the_interrupted_emission);
    tcase_add_test(tests, signals_while_a_fiber_has_little_stack);
    return suite;
}
