/* Tests of real signals that use internal functions of the library. The first tests are about
   signals that find no room in an inbox, and so become overflow entries. The next tests are about
   alternate stacks for signal handlers. In the last tests every system call and allocation fails
   once. */
#define _GNU_SOURCE /* for the constant SIGSTKSZ */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#include <tocsin/posix.h>

#include "remote/post.h"
#include "os/disposition.h"
#include "os/rt_overflow.h"
#include "registry/os_names.h"
#include "faults.h"
#include "loop/alarm.h"
#include "loop/engine.h"
#include "style/stack.h"
#include "masks_hold.h"

/* ThreadSanitizer delays signals, and merges several equal signals into one. */
#ifdef TOCSIN__TSAN
enum { MERGED = 1 };
#else
enum { MERGED = 0 };
/* greater than the number of calls that can fail when the program uses os.* signals for the first
   time */
#endif
enum { FIRST_TIME = 240 };

static struct told told;
static int note, value_next;
static bool unordered;
static void (*before[TOCSIN__OS_MOST + 1])(int);

static void (*handler_of(int number))(int)
{
    struct sigaction now;

    ck_assert_int_eq(sigaction(number, NULL, &now), 0);
    return now.sa_handler;
}

static bool exists(int number)
{
    return number < 32 || (number >= SIGRTMIN && number <= SIGRTMAX);
}

static void begin(void)
{
    /* The process has inherited handlers, which Check installed for SIGINT and SIGTERM. */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        before[number] = exists(number) ? handler_of(number) : NULL;
    memset(&told, 0, sizeof told);
    value_next = 1;
    note = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.note", .flags = TOCSIN_ASYNC });
    ck_assert_int_gt(note, 0);
}

static int in_order(const struct tocsin_info *info, void *arg)
{
    unordered |= tocsin_os_signal_of(info)->value != value_next++;
    return tell(info, arg);
}

/* Sends a real signal with a value to this process. The call is repeated while the user's limit of
   pending signals is reached, since other processes of the user may have reached it. */
static void send(int number, int value)
{
    while (sigqueue(getpid(), number, (union sigval){ .sival_ptr = (void *)(intptr_t)value }) < 0) {
        ck_assert_int_eq(errno, EAGAIN);
        sched_yield();
    }
}

static bool blocked(int number)
{
    sigset_t mask;

    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    return sigismember(&mask, number) == 1;
}

static void unblock_all(void)
{
    sigset_t all;

    sigfillset(&all);
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &all, NULL), 0);
}

static void fill(uint32_t spare)
{
    while (tocsin__post(note, NULL, TOCSIN_POSTED, spare, NULL) == TOCSIN_PENDED)
        ;
}

static int strays(void)
{
    const struct tocsin__node *node = atomic_load(&tocsin__self->inbox.list);
    int count = 0;

    for (; node; node = node->next)
        count++;
    return count;
}

/* Tests of an inbox without room */

static int nothing_came(const struct tocsin_info *info, void *arg)
{
    static int calls;

    (void)info, (void)arg;
    ck_assert(calls++ ||
              tocsin__inbox_tail(&tocsin__self->inbox) == TOCSIN_INBOX - TOCSIN__RESERVED_CELLS);
    return TOCSIN_NEXT;
}

/* The inbox is full when a real signal arrives. The signal handler puts this signal into one of the
   inbox's reserved cells, and blocks further signals. So the library needs no overflow entry for
   any of the 500 signals. */
START_TEST(a_reserved_cell_receives_one_more_signal)
{
    static struct told notes;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0, os.sigrt1", in_order, &told);
    fill(TOCSIN__RESERVED_CELLS + 1);
    send(SIGRTMIN, 1);
    ck_assert(blocked(SIGRTMIN) && blocked(SIGRTMIN + 1) && !blocked(SIGRTMIN + 2));
    for (int value = 2; value <= 500; value++)
        send(SIGRTMIN, value);
    ck_assert_int_eq(strays(), 0);
    ck_assert_uint_eq(tocsin__inbox_tail(&tocsin__self->inbox),
                      TOCSIN_INBOX - TOCSIN__RESERVED_CELLS);
    /* The inbox is full when the turn begins, so the real signals must stay blocked. */
    connect_to("test.note", nothing_came, NULL);
    turns_until(&told.count, 500);
    ck_assert(!unordered && !blocked(SIGRTMIN) && !blocked(SIGRTMIN + 1));
}
END_TEST

static int pages_used(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    int pages = 0;

    ck_assert_ptr_nonnull(statm);
    ck_assert_int_eq(fscanf(statm, "%d", &pages), 1);
    fclose(statm);
    return pages;
}

/* After each signal, the test unblocks the signals that the library has blocked. So all reserved
   cells are used up, and further signals must become overflow entries. */
START_TEST(signals_become_overflow_entries)
{
    int spare = _i ? 0 : TOCSIN__RESERVED_CELLS;
    static struct told notes;
    int pages;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0", tell, &told);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    fill(spare);
    pages = pages_used();
    for (int value = 1; value <= 1000; value++) {
        send(SIGRTMIN, value);
        ck_assert(blocked(SIGRTMIN));
        unblock_all();
    }
    ck_assert_int_eq(strays(), 1000 - spare);
    turns_until(&told.count, 1000);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(told.count, 1000);
    ck_assert(!blocked(SIGRTMIN));
    /* Each overflow entry used a page of memory. All these pages must have been freed. */
    ck_assert_int_lt(pages_used(), pages + 500);
}
END_TEST

/* The loop is freed while it has overflow entries. In one case the program blocks os.sigrt0, in the
   other case it does not. All 3000 signals must be delivered. */
START_TEST(the_loop_is_freed_with_overflow_entries)
{
    bool is_blocked = _i;
    static struct told notes;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0", tell, &told);
    if (is_blocked)
        ck_assert_int_ge(tocsin_sigmask(TOCSIN_BLOCK, "os.sigrt0", NULL, 0), 0);
    for (int round = 0; round < 3; round++) {
        fill(0);
        for (int value = 1; value <= 1000; value++) {
            unblock_all();
            send(SIGRTMIN, value);
        }
        if (round < 2 && is_blocked)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(told.count, 3000);
    /* The last signal became an overflow entry. Its info must have the right members. */
    ck_assert_int_eq(told.code, TOCSIN_OS);
    ck_assert(!blocked(SIGRTMIN));
    ck_assert_ptr_eq(handler_of(SIGRTMIN), SIG_DFL);
}
END_TEST

struct other {
    pthread_t thread;
    struct told told;
    atomic_int step;
    struct tocsin_loop loop;
};

static int stop(void *arg)
{
    (void)arg;
    return tocsin_stop(0);
}

static void *live(void *arg)
{
    struct other *other = arg;
    struct tocsin_handler handler;
    sigset_t all;

    sigfillset(&all);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
    ck_assert_int_eq(tocsin_connect("os.sigrt0",
                                    &(struct tocsin_action){ .fn = tell, .arg = &other->told },
                                    &handler),
                     0);
    other->loop = tocsin_loop_current();
    atomic_store(&other->step, 1);
    while (atomic_load(&other->step) < 2)
        sched_yield();
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert(blocked(SIGRTMIN)); /* the thread's own signal mask is unchanged */
    return NULL;
}

/* Two loops listen to a real signal, and the inbox of the other thread's loop is full. The signal
   must be delivered to both loops. While one loop has no room, neither loop may get the signal. */
START_TEST(another_loop_has_no_room)
{
    struct other other = { .step = 0 };

    connect_to("os.sigrt0", tell, &told);
    ck_assert_int_eq(pthread_create(&other.thread, NULL, live, &other), 0);
    while (atomic_load(&other.step) < 1)
        sched_yield();
    while (tocsin_post_to(other.loop, note, NULL) == TOCSIN_PENDED)
        ;
    for (int value = 1; value <= 2000; value++) {
        send(SIGRTMIN, value);
        ck_assert(blocked(SIGRTMIN));
        /* This loop has room, but the other loop has no room. */
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert(blocked(SIGRTMIN));
        if (value < 2000)
            unblock_all();
    }
    ck_assert_int_eq(told.count, TOCSIN__RESERVED_CELLS);
    atomic_store(&other.step, 2);
    turns_until(&told.count, 2000);
    /* The loop unblocks the real signals in a later turn. No event announces this, so the test runs
       turns. */
    while (blocked(SIGRTMIN))
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_loop_call(other.loop, stop, NULL, NULL), 0);
    ck_assert_int_eq(pthread_join(other.thread, NULL), 0);
    ck_assert_int_eq(told.count, 2000);
    ck_assert_int_eq(other.told.count, 2000);
}
END_TEST

static atomic_bool over;

static void *idle(void *arg)
{
    (void)arg;
    while (!atomic_load(&over))
        usleep(1000);
    return NULL;
}

/* 200 threads receive signals at the same time. The inbox has fewer reserved cells than there are
   threads. */
START_TEST(two_hundred_threads_receive_signals)
{
    enum { THREADS = 200 };
    static struct told notes;
    pthread_t threads[THREADS];

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0", tell, &told);
    fill(TOCSIN__RESERVED_CELLS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, idle, NULL), 0);
    for (int value = 1; value <= 10000; value++)
        send(SIGRTMIN, value);
    turns_until(&told.count, 10000);
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(told.count, 10000);
}
END_TEST

/* The program polls the descriptor of the loop in a poll loop of its own. The descriptor must be
   readable exactly when the loop can deliver signals that had no room before. */
START_TEST(a_poll_loop_of_the_program_is_woken)
{
    struct tocsin_block hold;
    int fd = tocsin_loop_fd();

    ck_assert_int_ge(fd, 0);
    connect_to("os.sigrt0, os.sigrt1", tell, &told);
    ck_assert_int_eq(tocsin_block("os.sigrt0", &hold), 0);
    for (int value = 1; value <= 3000; value++) {
        send(SIGRTMIN, value);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert(blocked(SIGRTMIN));
    /* The loop cannot deliver the signals, so the descriptor must not be readable all the time. */
    ck_assert(!tocsin__has_work(tocsin__self->engine));
    unblock_all();
    send(SIGRTMIN, 3001);
    /* The limit of pending emissions is reached for this signal only. Other real signals can
       arrive. */
    ck_assert(blocked(SIGRTMIN) && !blocked(SIGRTMIN + 1));
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert(!tocsin__has_work(tocsin__self->engine));
    ck_assert_int_eq(tocsin_unblock(hold), 0);
    ck_assert(tocsin__has_work(tocsin__self->engine));
    turns_until(&told.count, 3001);
    ck_assert(!blocked(SIGRTMIN));
}
END_TEST

/* The program has blocked one real signal, and then the library blocks several. When the loop has
   been freed, only the signal that the program blocked must be blocked. */
START_TEST(signal_masks_are_restored)
{
    bool delivered = _i;
    static struct told notes;
    sigset_t set;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0, os.sigrt1", tell, &told);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    fill(TOCSIN__RESERVED_CELLS);
    send(SIGRTMIN, 1);
    ck_assert(blocked(SIGRTMIN));
    ck_assert_uint_eq(tocsin__os_queued(), tocsin__os_bit(SIGRTMIN) | tocsin__os_bit(SIGRTMIN + 1));
    if (delivered)
        turns_until(&told.count, 1);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert(!blocked(SIGRTMIN) && blocked(SIGRTMIN + 1));
    ck_assert_uint_eq(tocsin__os_queued(), 0);
}
END_TEST

static int raise_while_freed(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(raise(SIGRTMIN), 0); /* the kernel delivers the signal to this thread */
    ck_assert(!blocked(SIGRTMIN));
    return tell(info, arg);
}

static void *ends(void *arg)
{
    struct told *notes = arg;

    connect_to("os.sigrt0, test.note", raise_while_freed, notes);
    ck_assert_int_eq(tocsin_post_to(tocsin_loop_current(), note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert(!blocked(SIGRTMIN));
    return NULL;
}

/* A loop that is being freed gets no new real signals, and so needs no room for them. A signal that
   arrives at that time must be delivered to the other loop. */
START_TEST(a_loop_that_is_freed_needs_no_room)
{
    static struct told notes;
    pthread_t thread;

    connect_to("os.sigrt0", tell, &told);
    ck_assert_int_eq(pthread_create(&thread, NULL, ends, &notes), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(notes.count, 1);
    turns_until(&told.count, 1);
}
END_TEST

static int other_observer(const struct tocsin_info *info, void *arg)
{
    return tell(info, arg);
}

static void *observe(void *arg)
{
    struct other *other = arg;
    sigset_t all;

    sigfillset(&all);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
    ck_assert_int_eq(
        tocsin_observe("os.sigrt0",
                       &(struct tocsin_action){ .fn = other_observer, .arg = &other->told }, NULL),
        0);
    other->loop = tocsin_loop_current();
    atomic_store(&other->step, 1);
    while (atomic_load(&other->step) < 2)
        sched_yield();
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

/* A loop has only an observer of a real signal, and the inbox of that loop is full. Other loops
   must get the signal nevertheless (contract line E18). */
START_TEST(an_observer_has_no_room)
{
    struct other other = { .step = 0 };

    connect_to("os.sigrt0", tell, &told);
    ck_assert_int_eq(pthread_create(&other.thread, NULL, observe, &other), 0);
    while (atomic_load(&other.step) < 1)
        sched_yield();
    while (tocsin_post_to(other.loop, note, NULL) == TOCSIN_PENDED)
        ;
    for (int value = 1; value <= 500; value++) {
        send(SIGRTMIN, value);
        ck_assert(!blocked(SIGRTMIN));
    }
    turns_until(&told.count, 500);
    atomic_store(&other.step, 2);
    ck_assert_int_eq(pthread_join(other.thread, NULL), 0);
    ck_assert_int_eq(other.told.count, TOCSIN__RESERVED_CELLS);
}
END_TEST

/* An overflow entry waits until a full loop has room. At that time the inbox of another loop is
   full, so the entry must wait for that loop, too. Both loops must get every signal. */
START_TEST(an_overflow_entry_is_sent_to_both_loops)
{
    struct other other = { .step = 0 };
    static struct told notes;

    connect_to("os.sigrt0", tell, &told);
    connect_to("test.note", tell, &notes);
    ck_assert_int_eq(pthread_create(&other.thread, NULL, live, &other), 0);
    while (atomic_load(&other.step) < 1)
        sched_yield();
    while (tocsin_post_to(other.loop, note, NULL) == TOCSIN_PENDED)
        ;
    for (int value = 1; value <= TOCSIN__RESERVED_CELLS + 10; value++) {
        send(SIGRTMIN, value);
        unblock_all();
    }
    fill(0);
    atomic_store(&other.step, 2);
    /* the test waits until the signals become overflow entries, which only this thread can cause */
    while (!strays())
        sched_yield();
    turns_until(&told.count, TOCSIN__RESERVED_CELLS + 10);
    ck_assert_int_eq(tocsin_loop_call(other.loop, stop, NULL, NULL), 0);
    ck_assert_int_eq(pthread_join(other.thread, NULL), 0);
    ck_assert_int_eq(other.told.count, TOCSIN__RESERVED_CELLS + 10);
}
END_TEST

static int raise_when_full(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    fill(0);
    ck_assert_int_eq(raise(SIGTERM), 0);
    return tell(info, &told);
}

/* A signal has no handler while the inbox of the main loop is full. The signal's default action
   must still run. */
START_TEST(the_default_action_runs_when_the_inbox_is_full)
{
    static struct told notes;

    connect_to("test.note", tell, &notes);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(raise_when_full), NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

/* A signal handler sets retry_wanted while the loop is about to sleep. The loop must not sleep, and
   must clear the flag in its next turn. */
START_TEST(a_wanted_retry_prevents_sleep)
{
    struct tocsin__inbox *inbox;

    connect_to("os.sigrt0", tell, &told);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    inbox = &tocsin__self->inbox;
    ck_assert(tocsin__inbox_try_sleep(inbox));
    tocsin__inbox_set_awake(inbox);
    atomic_store(&inbox->overflow.retry_wanted, true);
    ck_assert(!tocsin__inbox_try_sleep(inbox));
    ck_assert(tocsin__has_work(tocsin__self->engine));
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert(!atomic_load(&inbox->overflow.retry_wanted));
}
END_TEST

/* Tests of the alternate signal stack */

static int yields(void *arg)
{
    (void)arg;
    return tocsin_yield();
}

START_TEST(each_thread_has_an_alternate_stack)
{
    stack_t was, now;

    ck_assert_int_eq(sigaltstack(NULL, &was), 0);
    ck_assert_int_eq(tocsin_spawn(yields, NULL, NULL, NULL), 0);
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert_int_eq(now.ss_flags & SS_DISABLE, 0);
    ck_assert(was.ss_flags & SS_DISABLE || now.ss_sp == was.ss_sp);
    drain_all();
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert_int_eq(now.ss_flags, was.ss_flags);
    ck_assert(was.ss_flags & SS_DISABLE || now.ss_sp == was.ss_sp);
}
END_TEST

/* The program has set an alternate signal stack, before or after the first fiber. The library must
   not replace the program's stack. */
START_TEST(an_alternate_stack_of_the_program)
{
    bool fiber_before = _i;
    stack_t was, now, mine = { .ss_size = (size_t)SIGSTKSZ + 16384 };

    mine.ss_sp = calloc(1, mine.ss_size);
    ck_assert_int_eq(sigaltstack(NULL, &was), 0);
    if (fiber_before)
        ck_assert_int_eq(tocsin_spawn(yields, NULL, NULL, NULL), 0);
    ck_assert_int_eq(sigaltstack(&mine, NULL), 0);
    ck_assert_int_eq(tocsin_spawn(yields, NULL, NULL, NULL), 0);
    drain_all();
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(sigaltstack(&was, &now), 0);
    ck_assert_ptr_eq(now.ss_sp, mine.ss_sp);
    ck_assert_int_eq(now.ss_flags, 0);
    free(mine.ss_sp);
}
END_TEST

/* Tests in which a call fails */

static int raise_term(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (handler_of(SIGTERM) != SIG_DFL)
        ck_assert_int_eq(raise(SIGTERM), 0);
    else
        /* The library could not install its handler for SIGTERM, so the default disposition is
           unchanged. */
        tocsin_stop(0);
    return TOCSIN_NEXT;
}

static int on_fiber(void *arg)
{
    (void)arg;
    return 0;
}

static void hear_each(void)
{
    static const char *const patterns[] = { "os.sigusr1", "os.sigusr2, os.sigrt0", "os.*",
                                            "os.sigrt1" };
    struct tocsin_handler handlers[4];
    int err[4], sent;

    memset(&told, 0, sizeof told);
    for (int i = 0; i < 4; i++)
        err[i] = tocsin_connect(patterns[i], &(struct tocsin_action){ .fn = tell, .arg = &told },
                                &handlers[i]);
    sent = err[0] == 0 && raise(SIGUSR1) == 0;
    sent += err[1] == 0 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0;
    for (int i = 0; i < 100 && told.count < sent; i++)
        tocsin_loop_turn(0);
    ck_assert_int_ge(told.count, sent);
    for (int i = 0; i < 4; i++)
        ck_assert(err[i] < 0 || tocsin_disconnect(handlers[i]) == 0);
}

static void everything(void)
{
    struct tocsin_op op;
    int signo = tocsin_os_signo(SIGRTMAX);

    ck_assert(signo > 0 || signo == -ENOMEM);
    hear_each();
    if (tocsin_spawn(on_fiber, NULL, TOCSIN_FUTURE, &op) == 0)
        ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    tocsin_os_unblock_here();
    if (tocsin_timer(0, TOCSIN_CALL(raise_term), NULL) == 0)
        ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        if (number != SIGPIPE && number != SIGXFSZ && exists(number))
            ck_assert_msg(handler_of(number) == before[number], "signal %d", number);
}

START_TEST(each_call_fails_in_turn)
{
    each_in_turn("os/overflow_faults", everything);
}
END_TEST

/* Uses os.* signals. In a new process this is the first use, so the library also creates their
   names. */
static void two_names(void)
{
    int err = tocsin_connect("os.sigterm, os.sigrt7",
                             &(struct tocsin_action){ .fn = tell, .arg = &told }, NULL);
    int signo = tocsin_find("os.sigusr2");

    ck_assert(err == 0 || err == -ENOMEM || err == -ENOSYS);
    ck_assert(signo > 0 || signo == -ENOMEM);
    ck_assert_int_eq(err == 0, handler_of(SIGTERM) != SIG_DFL);
    ck_assert_int_eq(err == 0, handler_of(SIGRTMIN + 7) != SIG_DFL);
    ck_assert_int_eq(tocsin_loop_free(), 0);
}

START_TEST(each_call_fails_at_the_first_use)
{
    int nth = _i;

    tocsin__fault_at(nth);
    two_names();
    /* The last run shows whether FIRST_TIME is larger than the number of calls that can fail. */
    ck_assert(nth < FIRST_TIME || tocsin__fault_count() < FIRST_TIME);
    tocsin__fault_at(0);
    two_names();
}
END_TEST

/* Makes only one of every 20 calls fail. This is enough, since the library creates all names in the
   same way. */
START_TEST(each_call_fails_while_names_are_created)
{
    int nth = 20 * _i + 1;

    tocsin__fault_at(nth);
    everything();
    tocsin__fault_at(0);
    everything();
}
END_TEST

/* The library has no memory for an overflow entry, so a signal is lost. The library must count it
   as refused. */
START_TEST(no_memory_for_an_overflow_entry)
{
    struct tocsin_loop_facts facts;
    static struct told notes;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0", tell, &told);
    fill(0);
    ck_assert_int_eq(tocsin_loop_get(&facts), 0);
    told.count = (int)facts.refused;
    tocsin__fault_at(1);
    send(SIGRTMIN, 1);
    ck_assert_int_eq(tocsin__fault_count(), 1);
    tocsin__fault_at(0);
    ck_assert_int_eq(tocsin_loop_get(&facts), 0);
    ck_assert_int_eq((int)facts.refused, told.count + 1);
    ck_assert_int_eq(strays(), 0);
}
END_TEST

/* These tests count every single signal. A sanitizer may merge equal signals, so the tests do not
   run there. */
static void add_counted(TCase *tests)
{
    tcase_add_test(tests, a_reserved_cell_receives_one_more_signal);
    tcase_add_loop_test(tests, signals_become_overflow_entries, 0, 2);
    tcase_add_loop_test(tests, the_loop_is_freed_with_overflow_entries, 0, 2);
    tcase_add_test(tests, another_loop_has_no_room);
    tcase_add_test(tests, two_hundred_threads_receive_signals);
    tcase_add_test(tests, a_poll_loop_of_the_program_is_woken);
    tcase_add_loop_test(tests, signal_masks_are_restored, 0, 2);
    tcase_add_test(tests, a_loop_that_is_freed_needs_no_room);
    tcase_add_test(tests, an_observer_has_no_room);
    tcase_add_test(tests, an_overflow_entry_is_sent_to_both_loops);
    tcase_add_test(tests, no_memory_for_an_overflow_entry);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("os/overflow_faults");
    TCase *tests = test_case(suite, "os");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 60);
    if (MERGED)
        test_skip("os/overflow_faults: real-time signals, counted",
                  "the thread sanitizer puts signals off, and merges them");
    else if (!masks_hold())
        test_skip("os/overflow_faults: real-time signals, counted",
                  "what a handler blocks is forgotten (valgrind)");
    else
        add_counted(tests);
    tcase_add_test(tests, the_default_action_runs_when_the_inbox_is_full);
    tcase_add_test(tests, a_wanted_retry_prevents_sleep);
    tcase_add_test(tests, each_thread_has_an_alternate_stack);
    tcase_add_loop_test(tests, an_alternate_stack_of_the_program, 0, 2);
    tcase_add_test(tests, each_call_fails_in_turn);
    tcase_add_loop_test(tests, each_call_fails_at_the_first_use, 1, FIRST_TIME + 1);
    tcase_add_loop_test(tests, each_call_fails_while_names_are_created, 0, 30);
    return suite;
}
