/* Real signals from inside: what finds no room, stacks for handlers, and everything that can fail. */
#define _GNU_SOURCE                                    /* SIGSTKSZ */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/cast.h"
#include "core/os.h"
#include "faults.h"
#include "loop/engine.h"
#include "style/stack.h"

#ifdef TOCSIN__TSAN
enum { MERGED = 1 };                                   /* by the sanitizer, which puts them off, too */
#else
enum { MERGED = 0 };
#endif
enum { FIRST_TIME = 150 };                            /* more things than can fail */

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
    signal(SIGINT, SIG_DFL);                               /* Check's own are inherited */
    signal(SIGTERM, SIG_DFL);
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        before[number] = exists(number) ? handler_of(number) : NULL;
    memset(&told, 0, sizeof told);
    value_next = 1;
    note = tocsin_declare(&(struct tocsin_spec){ .name = "test.note", .flags = TOCSIN_ASYNC });
    ck_assert_int_gt(note, 0);
}

static int in_order(const struct tocsin_info *info, void *arg)
{
    unordered |= tocsin_os_signal_of(info)->value != value_next++;
    return tell(info, arg);
}

static void send(int number, int value)
{
    ck_assert_int_eq(sigqueue(getpid(), number, (union sigval){ .sival_ptr = (void *)(intptr_t)value }), 0);
}

static void add_to_mask(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGRTMIN + 9);
}

/* Whether what a handler blocks for when it has returned is blocked then: valgrind forgets it. */
static bool masks_hold(void)
{
    struct sigaction was, probe = { .sa_sigaction = add_to_mask, .sa_flags = SA_SIGINFO };
    sigset_t mask, old;

    sigaction(SIGRTMIN + 8, &probe, &was);
    pthread_sigmask(SIG_SETMASK, NULL, &old);
    raise(SIGRTMIN + 8);
    pthread_sigmask(SIG_SETMASK, &old, &mask);
    sigaction(SIGRTMIN + 8, &was, NULL);
    return sigismember(&mask, SIGRTMIN + 9) == 1;
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

/* ---- no room ---- */

static int nothing_came(const struct tocsin_info *info, void *arg)
{
    static int calls;

    (void)info, (void)arg;
    ck_assert(calls++ || tocsin__inbox_tail(&tocsin__self->inbox) == TOCSIN_INBOX - TOCSIN__SPARE);
    return TOCSIN_NEXT;
}

/* One thread brings one more than there is room for, and blocks them: it needs none of its cells twice. */
START_TEST(a_thread_brings_one_more)
{
    static struct told notes;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0, os.sigrt1", in_order, &told);
    fill(TOCSIN__SPARE + 1);
    send(SIGRTMIN, 1);
    ck_assert(blocked(SIGRTMIN) && blocked(SIGRTMIN + 1) && !blocked(SIGRTMIN + 2));
    for (int value = 2; value <= 500; value++)
        send(SIGRTMIN, value);
    ck_assert_int_eq(strays(), 0);
    ck_assert_uint_eq(tocsin__inbox_tail(&tocsin__self->inbox), TOCSIN_INBOX - TOCSIN__SPARE);
    connect_to("test.note", nothing_came, NULL);           /* the turn begins with a full inbox: they stay blocked */
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

/* Somebody undoes that again and again: where not even the spare cells are left they stray. */
START_TEST(without_a_cell)
{
    static struct told notes;
    int pages;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0", tell, &told);
    ck_assert_int_ge(tocsin_turn(0), 0);
    fill(_i ? 0 : TOCSIN__SPARE);
    pages = pages_used();
    for (int value = 1; value <= 1000; value++) {
        send(SIGRTMIN, value);
        ck_assert(blocked(SIGRTMIN));
        unblock_all();
    }
    ck_assert_int_eq(strays(), _i ? 1000 : 1000 - TOCSIN__SPARE);
    turns_until(&told.count, 1000);
    while (tocsin_turn(0) > 0)
        ;
    ck_assert_int_eq(told.count, 1000);
    ck_assert(!blocked(SIGRTMIN));
    ck_assert_int_lt(pages_used(), pages + 500);           /* a page for each stray, which is gone */
}
END_TEST

/* The loop goes while they stray, and while it holds them back. */
START_TEST(the_loop_ends_with_strays)
{
    static struct told notes;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0", tell, &told);
    if (_i)
        ck_assert_int_ge(tocsin_sigmask(TOCSIN_BLOCK, "os.sigrt0", NULL, 0), 0);
    for (int round = 0; round < 3; round++) {
        fill(0);
        for (int value = 1; value <= 1000; value++) {
            unblock_all();
            send(SIGRTMIN, value);
        }
        if (round < 2 && _i)
            ck_assert_int_ge(tocsin_turn(0), 0);
    }
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert_int_eq(told.count, 3000);
    ck_assert_int_eq(told.code, TOCSIN_OS);                /* of the last one, which was a stray */
    ck_assert(!blocked(SIGRTMIN));
    ck_assert_ptr_eq(handler_of(SIGRTMIN), SIG_DFL);
}
END_TEST

struct other { pthread_t thread; struct told told; atomic_int step; struct tocsin_loop loop; };

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
    ck_assert_int_eq(tocsin_connect("os.sigrt0", &(struct tocsin_action){ .fn = tell, .arg = &other->told }, &handler), 0);
    other->loop = tocsin_loop_current();
    atomic_store(&other->step, 1);
    while (atomic_load(&other->step) < 2)
        sched_yield();
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert(blocked(SIGRTMIN));                          /* as it was */
    return NULL;
}

/* The one that has no room is another thread's loop; both get each of them, or neither does until both can. */
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
        ck_assert_int_ge(tocsin_turn(0), 0);               /* here is room: but not there */
        ck_assert(blocked(SIGRTMIN));
        if (value < 2000)
            unblock_all();
    }
    ck_assert_int_eq(told.count, TOCSIN__SPARE);
    atomic_store(&other.step, 2);
    turns_until(&told.count, 2000);
    while (blocked(SIGRTMIN))
        ck_assert_int_ge(tocsin_turn(0), 0);               /* nothing wakes us for that: it is done in the next turn */
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

/* More threads than spare cells. */
START_TEST(two_hundred_threads)
{
    enum { THREADS = 200 };
    static struct told notes;
    pthread_t threads[THREADS];

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0", tell, &told);
    fill(TOCSIN__SPARE);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, idle, NULL), 0);
    for (int value = 1; value <= 10000; value++)
        send(SIGRTMIN, value);
    turns_until(&told.count, 10000);
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    while (tocsin_turn(0) > 0)
        ;
    ck_assert_int_eq(told.count, 10000);
}
END_TEST

/* A foreign loop polls the descriptor: what is to be looked at makes it readable. */
START_TEST(a_foreign_loop_looks)
{
    struct tocsin_mask hold;
    int fd = tocsin_fd();

    ck_assert_int_ge(fd, 0);
    connect_to("os.sigrt0, os.sigrt1", tell, &told);
    ck_assert_int_eq(tocsin_block("os.sigrt0", &hold), 0);
    for (int value = 1; value <= 3000; value++) {
        send(SIGRTMIN, value);
        ck_assert_int_ge(tocsin_turn(0), 0);
    }
    while (tocsin_turn(0) > 0)
        ;
    ck_assert(blocked(SIGRTMIN));
    ck_assert(!tocsin__busy(tocsin__self->engine));        /* it waits: it does not look again and again */
    unblock_all();
    send(SIGRTMIN, 3001);
    ck_assert(blocked(SIGRTMIN) && !blocked(SIGRTMIN + 1));      /* of this one no more can be pended; others can come */
    while (tocsin_turn(0) > 0)
        ;
    ck_assert(!tocsin__busy(tocsin__self->engine));
    ck_assert_int_eq(tocsin_unblock(hold), 0);
    ck_assert(tocsin__busy(tocsin__self->engine));
    turns_until(&told.count, 3001);
    ck_assert(!blocked(SIGRTMIN));
}
END_TEST

/* What the program has blocked itself is blocked again when the loop has gone; what it has not is not. */
START_TEST(masks_are_as_they_were)
{
    static struct told notes;
    sigset_t set;

    connect_to("test.note", tell, &notes);
    connect_to("os.sigrt0, os.sigrt1", tell, &told);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    fill(TOCSIN__SPARE);
    send(SIGRTMIN, 1);
    ck_assert(blocked(SIGRTMIN));
    ck_assert_uint_eq(tocsin__os_queued(), tocsin__os_bit(SIGRTMIN) | tocsin__os_bit(SIGRTMIN + 1));
    if (_i)
        turns_until(&told.count, 1);
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert(!blocked(SIGRTMIN) && blocked(SIGRTMIN + 1));
    ck_assert_uint_eq(tocsin__os_queued(), 0);
}
END_TEST

static int raise_while_freed(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(raise(SIGRTMIN), 0);                  /* on this thread */
    ck_assert(!blocked(SIGRTMIN));
    return tell(info, arg);
}

static void *ends(void *arg)
{
    struct told *notes = arg;

    connect_to("os.sigrt0, test.note", raise_while_freed, notes);
    ck_assert_int_eq(tocsin_post_to(tocsin_loop_current(), note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert(!blocked(SIGRTMIN));
    return NULL;
}

/* A loop that ends has no room, and need have none: what comes meanwhile is the others'. */
START_TEST(a_loop_that_ends)
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
    ck_assert_int_eq(tocsin_observe("os.sigrt0", &(struct tocsin_action){ .fn = other_observer, .arg = &other->told }, NULL), 0);
    other->loop = tocsin_loop_current();
    atomic_store(&other->step, 1);
    while (atomic_load(&other->step) < 2)
        sched_yield();
    ck_assert_int_eq(tocsin_free(), 0);
    return NULL;
}

/* Where one only observes there need be no room (E18). */
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
    ck_assert_int_eq(other.told.count, TOCSIN__SPARE);
}
END_TEST

/* One strays to the loop that has no room; when that has, another one has none, and gets it. */
START_TEST(a_stray_is_sent_on)
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
    for (int value = 1; value <= TOCSIN__SPARE + 10; value++) {
        send(SIGRTMIN, value);
        unblock_all();
    }
    fill(0);
    atomic_store(&other.step, 2);
    while (!strays())                                      /* they come to us */
        sched_yield();
    turns_until(&told.count, TOCSIN__SPARE + 10);
    ck_assert_int_eq(tocsin_loop_call(other.loop, stop, NULL, NULL), 0);
    ck_assert_int_eq(pthread_join(other.thread, NULL), 0);
    ck_assert_int_eq(other.told.count, TOCSIN__SPARE + 10);
}
END_TEST

static int raise_when_full(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    fill(0);
    ck_assert_int_eq(raise(SIGTERM), 0);
    return tell(info, &told);
}

/* The default of the main loop needs no room either. */
START_TEST(the_default_when_the_inbox_is_full)
{
    static struct told notes;

    connect_to("test.note", tell, &notes);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(raise_when_full), NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

/* By design: somebody blocks them because of a loop that is about to sleep. */
START_TEST(it_does_not_sleep_over_it)
{
    struct tocsin__inbox *inbox;

    connect_to("os.sigrt0", tell, &told);
    ck_assert_int_ge(tocsin_turn(0), 0);
    inbox = &tocsin__self->inbox;
    ck_assert(tocsin__inbox_sleeps(inbox));
    tocsin__inbox_wakes(inbox);
    atomic_store(&inbox->flood.seen, true);
    ck_assert(!tocsin__inbox_sleeps(inbox));
    ck_assert(tocsin__busy(tocsin__self->engine));
    ck_assert_int_ge(tocsin_turn(0), 0);
    ck_assert(!atomic_load(&inbox->flood.seen));
}
END_TEST

/* ---- the stack of handlers ---- */

static int yields(void *arg)
{
    (void)arg;
    return tocsin_yield();
}

START_TEST(a_stack_for_handlers)
{
    stack_t was, now;

    ck_assert_int_eq(sigaltstack(NULL, &was), 0);
    ck_assert_int_eq(tocsin_spawn(yields, NULL, NULL, NULL), 0);
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert_int_eq(now.ss_flags & SS_DISABLE, 0);
    ck_assert(was.ss_flags & SS_DISABLE || now.ss_sp == was.ss_sp);
    drain_all();
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert_int_eq(now.ss_flags, was.ss_flags);
    ck_assert(was.ss_flags & SS_DISABLE || now.ss_sp == was.ss_sp);
}
END_TEST

/* One that is there already stays; one that somebody sets later, too. */
START_TEST(a_stack_of_somebody_else)
{
    stack_t was, now, mine = { .ss_size = (size_t)SIGSTKSZ + 16384 };

    mine.ss_sp = calloc(1, mine.ss_size);
    ck_assert_int_eq(sigaltstack(NULL, &was), 0);
    if (_i)
        ck_assert_int_eq(tocsin_spawn(yields, NULL, NULL, NULL), 0);
    ck_assert_int_eq(sigaltstack(&mine, NULL), 0);
    ck_assert_int_eq(tocsin_spawn(yields, NULL, NULL, NULL), 0);
    drain_all();
    ck_assert_int_eq(tocsin_free(), 0);
    ck_assert_int_eq(sigaltstack(&was, &now), 0);
    ck_assert_ptr_eq(now.ss_sp, mine.ss_sp);
    ck_assert_int_eq(now.ss_flags, 0);
    free(mine.ss_sp);
}
END_TEST

/* ---- all that can fail ---- */

static int raise_term(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (handler_of(SIGTERM) != SIG_DFL)
        ck_assert_int_eq(raise(SIGTERM), 0);
    else
        tocsin_stop(0);                                    /* it could not be taken over: it has its default still */
    return TOCSIN_NEXT;
}

static int on_fiber(void *arg)
{
    (void)arg;
    return 0;
}

static void hear_each(void)
{
    static const char *const patterns[] = { "os.sigusr1", "os.sigusr2, os.sigrt0", "os.*", "os.sigrt1" };
    struct tocsin_handler handlers[4];
    int err[4], sent;

    memset(&told, 0, sizeof told);
    for (int i = 0; i < 4; i++)
        err[i] = tocsin_connect(patterns[i], &(struct tocsin_action){ .fn = tell, .arg = &told }, &handlers[i]);
    sent = err[0] == 0 && raise(SIGUSR1) == 0;
    sent += err[1] == 0 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0;
    for (int i = 0; i < 100 && told.count < sent; i++)
        tocsin_turn(0);
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
    tocsin_os_here();
    if (tocsin_timer(0, TOCSIN_CALL(raise_term), NULL) == 0)
        ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_free(), 0);
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        if (number != SIGPIPE && exists(number))
            ck_assert_msg(handler_of(number) == before[number], "signal %d", number);
}

START_TEST(each_in_turn_fails)
{
    each_in_turn("os", everything);
}
END_TEST

/* The first time, when the names are made as well. */
static void two_names(void)
{
    int err = tocsin_connect("os.sigterm, os.sigrt7", &(struct tocsin_action){ .fn = tell, .arg = &told }, NULL);
    int signo = tocsin_find("os.sigusr2");

    ck_assert(err == 0 || err == -ENOMEM || err == -ENOSYS);
    ck_assert(signo > 0 || signo == -ENOMEM);
    ck_assert_int_eq(err == 0, handler_of(SIGTERM) != SIG_DFL);
    ck_assert_int_eq(err == 0, handler_of(SIGRTMIN + 7) != SIG_DFL);
    ck_assert_int_eq(tocsin_free(), 0);
}

START_TEST(the_first_time_each_fails)
{
    tocsin__fault_at(_i);
    two_names();
    ck_assert(_i < FIRST_TIME || tocsin__fault_count() < FIRST_TIME);      /* that were all of them */
    tocsin__fault_at(0);
    two_names();
}
END_TEST

/* All names: they are made alike, so some of them will do. */
START_TEST(the_first_time_of_all)
{
    tocsin__fault_at(20 * _i + 1);
    everything();
    tocsin__fault_at(0);
    everything();
}
END_TEST

/* A stray that finds no memory is counted as refused. */
START_TEST(no_memory_for_a_stray)
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

/* Those in which each single one counts. */
static void add_counted(TCase *tests)
{
    tcase_add_test(tests, a_thread_brings_one_more);
    tcase_add_loop_test(tests, without_a_cell, 0, 2);
    tcase_add_loop_test(tests, the_loop_ends_with_strays, 0, 2);
    tcase_add_test(tests, another_loop_has_no_room);
    tcase_add_test(tests, two_hundred_threads);
    tcase_add_test(tests, a_foreign_loop_looks);
    tcase_add_loop_test(tests, masks_are_as_they_were, 0, 2);
    tcase_add_test(tests, a_loop_that_ends);
    tcase_add_test(tests, an_observer_has_no_room);
    tcase_add_test(tests, a_stray_is_sent_on);
    tcase_add_test(tests, no_memory_for_a_stray);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/os");
    TCase *tests = test_case(suite, "os");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 60);
    if (MERGED)
        test_skip("loop/os: real-time signals, counted", "the thread sanitizer puts signals off, and merges them");
    else if (!masks_hold())
        test_skip("loop/os: real-time signals, counted", "what a handler blocks is forgotten (valgrind)");
    else
        add_counted(tests);
    tcase_add_test(tests, the_default_when_the_inbox_is_full);
    tcase_add_test(tests, it_does_not_sleep_over_it);
    tcase_add_test(tests, a_stack_for_handlers);
    tcase_add_loop_test(tests, a_stack_of_somebody_else, 0, 2);
    tcase_add_test(tests, each_in_turn_fails);
    tcase_add_loop_test(tests, the_first_time_each_fails, 1, FIRST_TIME + 1);
    tcase_add_loop_test(tests, the_first_time_of_all, 0, 30);
    return suite;
}
