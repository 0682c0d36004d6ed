/* Tests that a sender always wakes a sleeping loop. A sender waits for an answer before it sends
   again, so the loop is about to sleep when the next message arrives. Random delays vary that
   moment. Other tests free a loop while a thread wakes the loop, or while a thread waits for it. */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tocsin/provider.h>

#include "delivery/loop.h"
#include "test.h"

#define WORD(F) F(u32, asker)
TOCSIN_LAYOUT(word, WORD);
#define LINE(F) F(u32, asker) F(string, text)
TOCSIN_LAYOUT(line, LINE);

/* Replaces ck_assert, which takes a lock and writes. A signal handler must not call ck_assert. For
   a million messages, ck_assert would also be too slow. */
#define check(condition) ((condition) ? (void)0 : failed(#condition, __LINE__, 0, 0))
#define check_equal(one, other) \
    check_equals(#one " == " #other, __LINE__, (int64_t)(one), (int64_t)(other))

static void failed(const char *what, int line, int64_t one, int64_t other)
{
    fprintf(stderr, "remote/wake_senders: line %d: %s: %lld, %lld\n", line, what, (long long)one,
            (long long)other);
    abort();
}

static void check_equals(const char *what, int line, int64_t one, int64_t other)
{
    if (one != other)
        failed(what, line, one, other);
}

static uint32_t draw(uint32_t *random, uint32_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random % below;
}

static int declared(const char *name, const struct tocsin_layout *layout, enum tocsin_kind kind,
                    unsigned flags)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = name, .layout = layout, .kind = kind, .flags = flags });

    check(signo > 0);
    return signo;
}

/* A sender sends one message at a time, while the loop sleeps in each of the possible ways. If one
   wake-up is lost, the test never ends. */

enum { ASKERS = 2, ROUNDS = 40000, SLEEPERS = 6, WAYS = 8 };

struct asker {
    struct tocsin_loop loop;
    struct tocsin_queue queue;
    struct event_base *base;
    void (*sleep)(struct asker *all);
    _Alignas(128) atomic_int answered[ASKERS];
    _Atomic uint64_t op[ASKERS], handler[ASKERS];
    atomic_bool open, over;
    int ways, askers;
};

static struct asker asking;
static int ping, text, latest[ASKERS], queued;
static __thread int asker_here;

static void answer(uint32_t asker)
{
    check(asker < ASKERS);
    atomic_fetch_add(&asking.answered[asker], 1);
}

static int on_ping(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    answer(line_of(info) ? line_of(info)->asker : word_of(info)->asker);
    return TOCSIN_NEXT;
}

static int on_call(void *arg)
{
    answer((uint32_t)(uintptr_t)arg);
    return 0;
}

static int on_asked_end(const struct tocsin_info *info, void *arg);

static void ask_again(uint32_t asker)
{
    struct tocsin_op op;

    check_equal(tocsin_op_new(NULL, TOCSIN_CALL(on_asked_end, (void *)(uintptr_t)asker), &op), 0);
    atomic_store(&asking.op[asker], op.source.id);
}

static int on_asked_end(const struct tocsin_info *info, void *arg)
{
    if (info->status == -ECANCELED)
        return TOCSIN_NEXT;
    ask_again((uint32_t)(uintptr_t)arg);
    answer((uint32_t)(uintptr_t)arg);
    return TOCSIN_NEXT;
}

static void on_asked_drop(void *arg);

static void listen_again(uint32_t asker)
{
    const struct tocsin_action action = { .fn = on_ping,
                                          .arg = (void *)(uintptr_t)asker,
                                          .drop = on_asked_drop };
    struct tocsin_handler handler;

    check_equal(tocsin_connect("ping.never", &action, &handler), 0);
    atomic_store(&asking.handler[asker], handler.id);
}

static void on_asked_drop(void *arg)
{
    if (atomic_load(&asking.over))
        return;
    listen_again((uint32_t)(uintptr_t)arg);
    answer((uint32_t)(uintptr_t)arg);
}

/* Functions in which a loop sleeps */

static void by_turn(struct asker *all)
{
    (void)all;
    check(tocsin_loop_turn(-1) >= 0);
}

static void by_run(struct asker *all)
{
    (void)all;
    check_equal(tocsin_run(), 7);
}

static void poll_for(int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };

    check(fd >= 0);
    while (poll(&one, 1, -1) < 0)
        check_equal(errno, EINTR);
}

static void by_fd(struct asker *all)
{
    (void)all;
    poll_for(tocsin_loop_fd());
    check(tocsin_loop_turn(0) >= 0);
}

static void by_base(struct asker *all)
{
    check(event_base_loop(all->base, EVLOOP_ONCE) >= 0);
    check(tocsin_loop_turn(0) >= 0);
}

static void answer_queued(struct asker *all, int64_t timeout_ms)
{
    struct tocsin_info *info;
    int err;

    while ((err = tocsin_queue_wait(all->queue, timeout_ms, &info)) == 0) {
        if (word_of(info)->asker < ASKERS)
            answer(word_of(info)->asker);
        tocsin_info_unref(info);
        if (timeout_ms < 0)
            return;
    }
    check_equal(err, -ETIMEDOUT);
}

static void by_queue(struct asker *all)
{
    answer_queued(all, -1);
}

static void by_queue_fd(struct asker *all)
{
    poll_for(tocsin_queue_fd(all->queue));
    answer_queued(all, 0);
}

static void (*const sleepers[SLEEPERS])(struct asker *) = { by_turn, by_run,   by_fd,
                                                            by_base, by_queue, by_queue_fd };

/* Functions that send to the loop */

static void send_ping(int signo)
{
    check_equal(tocsin_post(signo, TOCSIN_PAYLOAD(word, .asker = (uint32_t)asker_here)),
                TOCSIN_PENDED);
}

static void on_alarm(int signo)
{
    (void)signo;
    send_ping(ping);
}

static void ask(struct asker *all, uint32_t way)
{
    void *arg = (void *)(uintptr_t)asker_here;

    switch (way) {
    case 0: send_ping(ping); break;
    case 1: send_ping(latest[asker_here]); break;
    case 2:
        check_equal(
            tocsin_post_to(all->loop, text,
                           TOCSIN_PAYLOAD(line, .asker = (uint32_t)asker_here, .text = "ping")),
            TOCSIN_PENDED);
        break;
    case 3: check_equal(tocsin_loop_call(all->loop, on_call, arg, NULL), 0); break;
    case 4:
        check_equal(tocsin_op_complete((struct tocsin_op){ { atomic_load(&all->op[asker_here]) } },
                                       0, NULL),
                    0);
        break;
    case 5:
        check_equal(
            tocsin_disconnect((struct tocsin_handler){ atomic_load(&all->handler[asker_here]) }),
            0);
        break;
    case 6: check_equal(pthread_kill(pthread_self(), SIGALRM), 0); break;
    default: send_ping(queued); break;
    }
}

static uint64_t wakeups(const struct asker *all)
{
    return atomic_load(&tocsin__loop_numbered((unsigned)(all->loop.id >> 48))->inbox.wakeups);
}

static void wait_for_answer(struct asker *all, int count)
{
    for (int i = 0; atomic_load(&all->answered[asker_here]) < count; i++)
        if (i % 512 == 511)
            sched_yield();
}

static int rounds_wanted(void)
{
    return (int)test_scaled(ROUNDS, 8, 100);
}

/* Sends messages, and adapts the delay before each message. If the loop was asleep when the last
   message arrived, the delay becomes shorter; otherwise it becomes longer. So most messages arrive
   when the loop is about to sleep. */
static void *ask_all(void *arg)
{
    uint32_t random = (uint32_t)(uintptr_t)arg * 2654435761u + 1;
    int rounds = rounds_wanted() / asking.askers, shift = 0;
    uint64_t before;

    asker_here = (int)(uintptr_t)arg;
    for (int i = 1; i <= rounds; i++) {
        before = wakeups(&asking);
        ask(&asking, draw(&random, (uint32_t)asking.ways));
        shift += wakeups(&asking) == before ? (int)draw(&random, 64) : -(int)draw(&random, 64);
        shift = shift < 0 ? 0 : shift > 1 << 16 ? 1 << 16 : shift;
        wait_for_answer(&asking, i);
        for (volatile int wait = shift; wait > 0; wait--)
            ;
    }
    return NULL;
}

static int asking_over(void *arg)
{
    (void)arg;
    atomic_store(&asking.over, true);
    if (asking.sleep == by_queue)
        check_equal(tocsin_post(queued, TOCSIN_PAYLOAD(word, .asker = ASKERS)), TOCSIN_PENDED);
    return tocsin_stop(7);
}

static void *sleep_on(void *arg)
{
    struct asker *all = arg;

    if (all->base)
        check_equal(tocsin_loop_adopt(all->base), 0);
    check_equal(tocsin_on("ping.*", on_ping, NULL), 0);
    if (all->ways == WAYS)
        check_equal(tocsin_queue_open("ping.queue.in", NULL, &all->queue), 0);
    for (uint32_t i = 0; i < ASKERS; i++) {
        ask_again(i);
        listen_again(i);
    }
    check_equal(tocsin_loop_turn(0), 0);
    all->loop = tocsin_loop_current();
    atomic_store(&all->open, true);
    while (!atomic_load(&all->over))
        all->sleep(all);
    check_equal(tocsin_loop_free(), ASKERS + (all->ways == WAYS));
    return NULL;
}

START_TEST(one_message_at_a_time)
{
    int sleeper = _i / ASKERS, askers_count = 1 + _i % ASKERS;
    pthread_t sleeping, askers[ASKERS];

    ping = declared("ping.word", &word_layout, TOCSIN_QUEUED, TOCSIN_ASYNC);
    text = declared("ping.text", &line_layout, TOCSIN_QUEUED, 0);
    latest[0] = declared("ping.latest0", &word_layout, TOCSIN_COALESCE, 0);
    latest[1] = declared("ping.latest1", &word_layout, TOCSIN_COALESCE, 0);
    queued = declared("ping.queue.in", &word_layout, TOCSIN_QUEUED, 0);
    check(declared("ping.never", NULL, TOCSIN_QUEUED, 0) > 0);
    signal(SIGALRM, on_alarm);
    asking.sleep = sleepers[sleeper];
    asking.askers = askers_count;
    asking.ways = asking.sleep == by_queue || asking.sleep == by_queue_fd ? WAYS : WAYS - 1;
    asking.base = asking.sleep == by_base ? event_base_new() : NULL;
    check_equal(pthread_create(&sleeping, NULL, sleep_on, &asking), 0);
    while (!atomic_load(&asking.open))
        sched_yield();
    for (uintptr_t i = 0; i < (uintptr_t)asking.askers; i++)
        check_equal(pthread_create(&askers[i], NULL, ask_all, (void *)i), 0);
    for (int i = 0; i < asking.askers; i++)
        check_equal(pthread_join(askers[i], NULL), 0);
    check_equal(tocsin_loop_call(asking.loop, asking_over, NULL, NULL), 0);
    check_equal(pthread_join(sleeping, NULL), 0);
    if (asking.base)
        event_base_free(asking.base);
}
END_TEST

/* One thread creates and frees loops one after the other, in the same memory. The other threads
   send messages to the loop that exists at that moment. */

enum { OTHERS = 3 };

/* the id of the loop that exists now, and the id of a handler on that loop */
static _Atomic uint64_t present, victim;
static atomic_bool enough;
static atomic_bool due[OTHERS];
static pthread_t others[OTHERS];
static int blocked;
static __thread uint32_t random_here;
static __thread int other_here;

static long loops_wanted(void)
{
    return test_scaled(3000, 6, 60);
}

static int on_nothing(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

/* Handles a real signal, and so delays the code that the signal interrupts. */
static void on_interrupted(int signo)
{
    int was = errno;

    (void)signo;
    for (uint32_t i = draw(&random_here, 8); i > 0; i--)
        sched_yield();
    atomic_store(&due[other_here], false);
    errno = was;
}

static void *wake_it(void *arg)
{
    other_here = (int)(uintptr_t)arg;
    random_here = (uint32_t)other_here + 1;
    while (!atomic_load(&enough)) {
        int answer = tocsin_post_to((struct tocsin_loop){ atomic_load(&present) }, ping,
                                    TOCSIN_PAYLOAD(word, .asker = 0));

        check(answer == TOCSIN_PENDED || answer == -EAGAIN || answer == -ESHUTDOWN);
        for (volatile uint32_t wait = draw(&random_here, 1 << draw(&random_here, 12)); wait > 0;
             wait--)
            ;
    }
    return NULL;
}

static void interrupt_others(void)
{
    for (int i = 0; i < OTHERS; i++)
        if (!atomic_exchange(&due[i], true))
            check_equal(pthread_kill(others[i], SIGUSR1), 0);
}

static void *interrupt(void *arg)
{
    for (; !atomic_load(&enough); sched_yield())
        interrupt_others();
    return arg;
}

static void others_start(void *(*what)(void *))
{
    signal(SIGUSR1, on_interrupted);
    for (int i = 0; i < OTHERS; i++)
        check_equal(pthread_create(&others[i], NULL, what, (void *)(uintptr_t)i), 0);
}

static void others_end(void)
{
    atomic_store(&enough, true);
    for (int i = 0; i < OTHERS; i++)
        check_equal(pthread_join(others[i], NULL), 0);
}

/* The loop is woken by its timer or by a sender, and is freed at once. A sender that has seen the
   loop asleep may be about to wake it at that moment. The loop must wait for this sender. */
START_TEST(a_loop_is_freed_while_it_is_woken)
{
    pthread_t interrupting;

    ping = declared("ping.word", &word_layout, TOCSIN_QUEUED, TOCSIN_ASYNC);
    check_equal(tocsin_loop_turn(0), 0);
    atomic_store(&present, tocsin_loop_current().id);
    others_start(wake_it);
    check_equal(pthread_create(&interrupting, NULL, interrupt, NULL), 0);
    for (long i = loops_wanted(); i > 0; i--) {
        check(tocsin_loop_turn(i % 2) >= 0);
        check_equal(tocsin_loop_free(), 0);
        check(tocsin_loop_turn(0) >= 0);
        atomic_store(&present, tocsin_loop_current().id);
    }
    atomic_store(&enough, true);
    check_equal(pthread_join(interrupting, NULL), 0);
    others_end();
}
END_TEST

/* Waits for room in an inbox, or for the end of a handler, without a time limit. If the free of the
   loop did not end this wait, the test would never end. */
static void *wait_for_it(void *arg)
{
    while (!atomic_load(&enough)) {
        int answer = tocsin_post_wait(blocked, NULL, -1);
        struct tocsin_handler handler = { atomic_exchange(&victim, 0) };

        check(answer == TOCSIN_PENDED || answer == TOCSIN_NOBODY);
        if (handler.id)
            answer = tocsin_disconnect_wait(handler, -1);
        check(answer >= 0 || answer == -ENOENT);
    }
    return arg;
}

/* The signal is blocked, and may have only one pending emission. So the threads that post the
   signal must wait until the loop is freed. */
START_TEST(a_loop_is_freed_while_threads_wait_for_it)
{
    struct tocsin_handler handler;
    struct tocsin_block mask;

    blocked = tocsin_declare(&(struct tocsin_signal_spec){ .name = "ping.blocked", .limit = 1 });
    others_start(wait_for_it);
    for (long i = loops_wanted(); i > 0; i--) {
        check_equal(tocsin_block("ping.blocked", &mask), 0);
        check_equal(tocsin_on("ping.blocked", on_nothing, NULL), 0);
        check_equal(
            tocsin_connect("ping.blocked", &(struct tocsin_action){ .fn = on_nothing }, &handler),
            0);
        atomic_store(&victim, handler.id);
        tocsin_emit(blocked, NULL);
        for (int turn = 0; turn < 3; turn++) {
            check(tocsin_loop_turn(0) >= 0);
            sched_yield();
        }
        check_equal(tocsin_loop_free(), 1);
    }
    others_end();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("remote/wake_senders");
    TCase *asked = test_case(suite, "one message at a time"),
          *ends = test_case(suite, "loops that are freed");

    test_needs_processes();
    tcase_set_timeout(asked, 60);
    tcase_add_loop_test(asked, one_message_at_a_time, 0, SLEEPERS * ASKERS);
    tcase_set_timeout(ends, 60);
    tcase_add_test(ends, a_loop_is_freed_while_it_is_woken);
    tcase_add_test(ends, a_loop_is_freed_while_threads_wait_for_it);
    return suite;
}
