/* Tests the inbox of a loop, and the cell that holds the newest message of a coalescing signal
   (struct tocsin__latest). No loop exists in these tests.

   The first tests check each step of the inbox protocol alone. In the last tests, several threads
   put messages into one cell, and one thread takes them out. Real signals interrupt the threads,
   and the handlers of these signals also put messages into the cell. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/latest.h"
#include "registry/info.h"
#include "base/mem.h"
#include "test.h"

/* Replaces ck_assert in signal handlers. ck_assert takes a lock, so no signal handler may call
   it. */
#define check(condition) ((condition) ? (void)0 : failed(#condition, __LINE__))

static void failed(const char *what, int line)
{
    fprintf(stderr, "base/inbox_latest: line %d: %s\n", line, what);
    abort();
}

/* Tests of the inbox */

enum { GENERATION = 5 };

static struct tocsin__inbox inbox;
static int woken;

static void count_wake(struct tocsin__inbox *which)
{
    ck_assert_ptr_eq(which, &inbox);
    woken++;
}

static void begin(void)
{
    memset(&inbox, 0, sizeof inbox);
    inbox.wake = count_wake;
    woken = 0;
    atomic_store(&inbox.tail, TOCSIN__CLOSED);
    ck_assert_int_eq(tocsin__inbox_open(&inbox, GENERATION), 0);
}

static void end(void)
{
    tocsin__release(inbox.memory);
}

static uint64_t claimed(void)
{
    uint64_t at;

    ck_assert_int_eq(tocsin__inbox_claim(&inbox, GENERATION, 0, &at), 0);
    tocsin__inbox_message(&inbox, at)->signo = (int)at;
    return at;
}

static int claim_for(uint64_t generation, uint32_t spare)
{
    uint64_t at;
    int err = tocsin__inbox_claim(&inbox, generation, spare, &at);

    if (err == 0)
        tocsin__inbox_publish(&inbox, at);
    return err;
}

/* Checks that the next message in the inbox has this position, and consumes the message. */
static void pass(uint64_t at)
{
    struct tocsin__message *letter = tocsin__inbox_peek(&inbox, tocsin__inbox_tail(&inbox));

    ck_assert_ptr_nonnull(letter);
    ck_assert_int_eq(letter->signo, (int)at);
    tocsin__inbox_consume(&inbox);
}

START_TEST(a_full_inbox_refuses_a_claim)
{
    for (uint64_t i = 0; i < TOCSIN_INBOX - TOCSIN__RESERVED_CELLS; i++)
        tocsin__inbox_publish(&inbox, claimed());
    ck_assert_int_eq(claim_for(TOCSIN__ANY_GENERATION, TOCSIN__RESERVED_CELLS), -EAGAIN);
    ck_assert(!tocsin__inbox_has_room(&inbox, TOCSIN__RESERVED_CELLS));
    for (uint64_t i = 0; i < TOCSIN__RESERVED_CELLS; i++)
        tocsin__inbox_publish(&inbox, claimed());
    ck_assert_int_eq(claim_for(GENERATION, 0), -EAGAIN);
    pass(0);
    tocsin__inbox_publish_head(&inbox);
    ck_assert(tocsin__inbox_has_room(&inbox, 0) && !tocsin__inbox_has_room(&inbox, 1));
    /* The claimed cell is the cell of the first message: the ring reuses it. */
    ck_assert_uint_eq(claimed(), TOCSIN_INBOX);
    ck_assert_int_eq(claim_for(GENERATION, 0), -EAGAIN);
    for (uint64_t i = 1; i < TOCSIN_INBOX; i++)
        pass(i);
    /* A producer has claimed the cell, but has not published a message yet. So the consumer finds
       no message. */
    ck_assert_ptr_null(tocsin__inbox_peek(&inbox, TOCSIN_INBOX + 1));
}
END_TEST

START_TEST(an_unpublished_message_delays_later_ones)
{
    uint64_t first = claimed(), second = claimed();

    tocsin__inbox_publish(&inbox, second);
    ck_assert_ptr_null(tocsin__inbox_peek(&inbox, 2));
    ck_assert(!tocsin__inbox_is_nonempty(&inbox));
    tocsin__inbox_publish(&inbox, first);
    ck_assert(tocsin__inbox_is_nonempty(&inbox));
    /* The bound 0 means that no message existed when the turn began, so no message may be
       consumed. */
    ck_assert_ptr_null(tocsin__inbox_peek(&inbox, 0));
    pass(first);
    pass(second);
    ck_assert(!tocsin__inbox_is_nonempty(&inbox));
}
END_TEST

START_TEST(another_generation_is_refused)
{
    uint64_t hold;

    ck_assert_int_eq(claim_for(GENERATION - 1, 0), -ESHUTDOWN);
    ck_assert_int_eq(tocsin__inbox_pin(&inbox, GENERATION - 1, &hold), -ESHUTDOWN);
    ck_assert_int_eq(claim_for(GENERATION, 0), 0);
    tocsin__inbox_close(&inbox);
    ck_assert_int_eq(claim_for(GENERATION, 0), -ESHUTDOWN);
    ck_assert_int_eq(claim_for(TOCSIN__ANY_GENERATION, 0), -ESHUTDOWN);
    ck_assert_int_eq(tocsin__inbox_pin(&inbox, TOCSIN__ANY_GENERATION, &hold), -ESHUTDOWN);
    tocsin__inbox_consume(&inbox);
    tocsin__inbox_close_list(&inbox);
    ck_assert_int_eq(tocsin__inbox_open(&inbox, GENERATION + 1), 0);
    ck_assert_int_eq(claim_for(GENERATION, 0), -ESHUTDOWN);
    ck_assert_int_eq(tocsin__inbox_pin(&inbox, GENERATION, &hold), -ESHUTDOWN);
    /* entries that were made for an earlier generation do not make the inbox nonempty */
    ck_assert(!tocsin__inbox_is_nonempty(&inbox));
    ck_assert_int_eq(claim_for(GENERATION + 1, 0), 0);
    ck_assert(tocsin__inbox_is_nonempty(&inbox));
}
END_TEST

START_TEST(nodes_keep_their_order_among_messages)
{
    struct tocsin__node nodes[4];
    uint64_t first = claimed(), second;

    ck_assert(tocsin__inbox_push(&inbox, &nodes[0]));
    second = claimed();
    for (int i = 1; i < 4; i++)
        ck_assert(tocsin__inbox_push(&inbox, &nodes[i]));
    tocsin__inbox_publish(&inbox, second);
    tocsin__inbox_take_list(&inbox);
    ck_assert_ptr_null(tocsin__inbox_take_node(&inbox));
    tocsin__inbox_publish(&inbox, first);
    pass(first);
    ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &nodes[0]);
    ck_assert_ptr_null(tocsin__inbox_take_node(&inbox));
    pass(second);
    for (int i = 1; i < 4; i++)
        ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &nodes[i]);
    ck_assert_ptr_null(tocsin__inbox_take_node(&inbox));
    tocsin__inbox_close_list(&inbox);
    ck_assert(!tocsin__inbox_push(&inbox, &nodes[0]));
}
END_TEST

/* A producer pins the inbox. While the inbox is pinned, messages arrive in the ring, and the loop
   does not deliver them. The producer then pushes a node, which must be delivered before these
   messages. */
START_TEST(a_pinned_push_precedes_later_messages)
{
    struct tocsin__node held, other;
    uint64_t hold, first = claimed(), second;

    tocsin__inbox_publish(&inbox, first);
    ck_assert_int_eq(tocsin__inbox_pin(&inbox, GENERATION, &hold), 0);
    second = claimed();
    tocsin__inbox_publish(&inbox, second);
    /* this node must be delivered after the second message of the ring */
    ck_assert(tocsin__inbox_push(&inbox, &other));
    /* While the inbox is pinned, the loop delivers none of its messages. */
    ck_assert_uint_eq(tocsin__inbox_bound(&inbox), 0);
    /* The loop must not sleep, since the list has a node. */
    ck_assert(tocsin__inbox_try_sleep(&inbox) == false);
    tocsin__inbox_take_list(&inbox);
    ck_assert(!tocsin__inbox_is_nonempty(&inbox));
    ck_assert(tocsin__inbox_try_sleep(&inbox));
    ck_assert(tocsin__inbox_push_pinned(&inbox, &held, hold));
    ck_assert_int_eq(woken, 1);
    tocsin__inbox_unpin(&inbox, hold);
    ck_assert_uint_eq(tocsin__inbox_bound(&inbox), second + 1);
    tocsin__inbox_take_list(&inbox);
    ck_assert_ptr_null(tocsin__inbox_take_node(&inbox));
    pass(first);
    ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &held);
    ck_assert_ptr_null(tocsin__inbox_take_node(&inbox));
    pass(second);
    ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &other);
    ck_assert(!tocsin__inbox_is_nonempty(&inbox));
}
END_TEST

START_TEST(an_unpin_wakes_the_loop)
{
    uint64_t hold;

    ck_assert_int_eq(tocsin__inbox_pin(&inbox, GENERATION, &hold), 0);
    ck_assert_int_eq(claim_for(GENERATION, 0), 0);
    ck_assert(tocsin__inbox_try_sleep(&inbox));
    tocsin__inbox_unpin(&inbox, hold);
    ck_assert_int_eq(woken, 1);
    ck_assert_uint_eq(tocsin__inbox_bound(&inbox), 1);
    pass(0);
}
END_TEST

/* At each moment at least one producer pins the inbox. The loop must nevertheless deliver
   messages. */
START_TEST(messages_are_delivered_while_always_pinned)
{
    uint64_t old, hold;

    ck_assert_int_eq(tocsin__inbox_pin(&inbox, GENERATION, &old), 0);
    for (uint64_t i = 0; i < 3 * TOCSIN_INBOX; i++) {
        tocsin__inbox_publish(&inbox, claimed());
        tocsin__inbox_bound(&inbox);
        ck_assert_int_eq(tocsin__inbox_pin(&inbox, GENERATION, &hold), 0);
        tocsin__inbox_unpin(&inbox, old);
        old = hold;
        ck_assert_uint_ge(tocsin__inbox_bound(&inbox), i);
        while (inbox.at < inbox.bound)
            pass(inbox.at);
        tocsin__inbox_publish_head(&inbox);
    }
    tocsin__inbox_unpin(&inbox, old);
    ck_assert_uint_eq(tocsin__inbox_bound(&inbox), 3 * TOCSIN_INBOX);
}
END_TEST

START_TEST(a_pushed_next_node_comes_first)
{
    struct tocsin__node nodes[3];
    uint64_t first = claimed();

    tocsin__inbox_publish(&inbox, first);
    ck_assert(tocsin__inbox_push(&inbox, &nodes[0]));
    ck_assert(tocsin__inbox_push(&inbox, &nodes[1]));
    tocsin__inbox_take_list(&inbox);
    ck_assert(tocsin__inbox_push_next(&inbox, &nodes[2]));
    /* a node that tocsin__inbox_push_next() has added is delivered in the next turn, not in this
       turn */
    ck_assert_ptr_null(tocsin__inbox_take_node(&inbox));
    tocsin__inbox_take_list(&inbox);
    ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &nodes[2]);
    pass(first);
    ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &nodes[0]);
    ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &nodes[1]);
    ck_assert_ptr_null(tocsin__inbox_take_node(&inbox));
    /* the end pointer of the list is still valid */
    ck_assert(tocsin__inbox_push(&inbox, &nodes[0]));
    tocsin__inbox_take_list(&inbox);
    ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &nodes[0]);
}
END_TEST

START_TEST(a_sleeping_loop_is_woken_once)
{
    struct tocsin__node node;

    ck_assert_int_eq(claim_for(GENERATION, 0), 0);
    /* The loop is awake, so the producer must not wake the loop again. */
    ck_assert_int_eq(woken, 0);
    ck_assert(!tocsin__inbox_try_sleep(&inbox));
    tocsin__inbox_consume(&inbox);
    ck_assert(tocsin__inbox_try_sleep(&inbox));
    ck_assert_int_eq(claim_for(GENERATION, 0), 0);
    ck_assert_int_eq(claim_for(GENERATION, 0), 0);
    ck_assert_int_eq(woken, 1);
    tocsin__inbox_consume(&inbox);
    tocsin__inbox_consume(&inbox);
    ck_assert(tocsin__inbox_try_sleep(&inbox));
    ck_assert(tocsin__inbox_push(&inbox, &node));
    ck_assert_int_eq(woken, 2);
    ck_assert(!tocsin__inbox_try_sleep(&inbox));
    tocsin__inbox_take_list(&inbox);
    ck_assert(!tocsin__inbox_try_sleep(&inbox));
    ck_assert_ptr_eq(tocsin__inbox_take_node(&inbox), &node);
    ck_assert(tocsin__inbox_try_sleep(&inbox));
    atomic_store(&inbox.requests, 1);
    tocsin__inbox_wake(&inbox);
    ck_assert_int_eq(woken, 3);
    ck_assert(!tocsin__inbox_try_sleep(&inbox));
    atomic_store(&inbox.requests, 0);
    ck_assert(tocsin__inbox_try_sleep(&inbox));
    tocsin__inbox_set_awake(&inbox);
    tocsin__inbox_wake(&inbox);
    ck_assert_int_eq(woken, 3);
}
END_TEST

/* Tests of a loop that is being freed, and that waits for other threads */

static atomic_bool went, stalled, go_on;

static void *close_it(void *arg)
{
    tocsin__inbox_close(&inbox);
    atomic_store(&went, true);
    return arg;
}

static void *quiet_it(void *arg)
{
    tocsin__inbox_await_wakers(&inbox);
    atomic_store(&went, true);
    return arg;
}

static void stall(struct tocsin__inbox *which)
{
    (void)which;
    atomic_store(&stalled, true);
    while (!atomic_load(&go_on))
        sched_yield();
}

static void *publish_one(void *arg)
{
    check(claim_for(GENERATION, 0) == 0);
    return arg;
}

static pthread_t in_thread(void *(*what)(void *))
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, what, NULL), 0);
    return thread;
}

/* Gives the freeing thread time to continue, and checks that this thread still waits. */
static void waits(void)
{
    for (int i = 0; i < 1000; i++) {
        ck_assert(!atomic_load(&went));
        sched_yield();
    }
}

START_TEST(a_freed_loop_waits_for_pins)
{
    struct tocsin__node node;
    pthread_t closing;
    uint64_t hold;

    ck_assert_int_eq(tocsin__inbox_pin(&inbox, GENERATION, &hold), 0);
    closing = in_thread(close_it);
    waits();
    ck_assert(tocsin__inbox_push(&inbox, &node));
    tocsin__inbox_unpin(&inbox, hold);
    ck_assert_int_eq(pthread_join(closing, NULL), 0);
    ck_assert(tocsin__inbox_is_nonempty(&inbox));
}
END_TEST

START_TEST(a_freed_loop_waits_for_waking_threads)
{
    pthread_t publishing, ending;

    inbox.wake = stall;
    ck_assert(tocsin__inbox_try_sleep(&inbox));
    publishing = in_thread(publish_one);
    while (!atomic_load(&stalled))
        sched_yield();
    ending = in_thread(quiet_it);
    waits();
    atomic_store(&go_on, true);
    ck_assert_int_eq(pthread_join(publishing, NULL), 0);
    ck_assert_int_eq(pthread_join(ending, NULL), 0);
}
END_TEST

/* Tests of the cell that holds the newest message of a coalescing signal */

/* A message consists of its sender (voice) and its number. Four copies of both follow, so the test
   detects a message that is a mixture of two messages. */
struct words {
    uint64_t voice, number, again[4][2];
};

static struct tocsin__message letter_of(uint64_t voice, uint64_t number)
{
    struct tocsin__message letter = { .signo = 1, .kind = TOCSIN__INLINE };
    struct words words = {
        voice,
        number,
        { { voice, number }, { voice, number }, { voice, number }, { voice, number } }
    };

    memcpy(letter.payload, &words, sizeof words);
    return letter;
}

static struct words words_of(const struct tocsin__message *letter)
{
    struct words words;

    memcpy(&words, letter->payload, sizeof words);
    for (int i = 0; i < 4; i++)
        check(words.again[i][0] == words.voice && words.again[i][1] == words.number);
    return words;
}

static bool put_in(struct tocsin__latest *box, const struct tocsin__message *letter)
{
    struct tocsin__info *older;
    bool first = tocsin__latest_put(box, letter, &older);

    if (older)
        tocsin__info_put(older);
    return first;
}

static void put(struct tocsin__latest *box, uint64_t number, bool first)
{
    struct tocsin__message letter = letter_of(1, number);

    ck_assert_int_eq(put_in(box, &letter), first);
}

static struct tocsin__message *take(struct tocsin__latest *box, uint64_t number, uint32_t overrun)
{
    struct tocsin__message *letter = tocsin__latest_take(box);

    ck_assert_ptr_nonnull(letter);
    ck_assert_uint_eq(words_of(letter).number, number);
    ck_assert_uint_eq(letter->overrun, overrun);
    return letter;
}

static void box_free(struct tocsin__latest *box)
{
    tocsin__latest_clear(box);
    tocsin__release(box);
}

START_TEST(the_newest_message_replaces_all)
{
    struct tocsin__latest *box = tocsin__latest_new(NULL);

    ck_assert_ptr_null(tocsin__latest_take(box));
    put(box, 1, true);
    take(box, 1, 0);
    ck_assert_ptr_null(tocsin__latest_take(box));
    /* A new message arrives while the older one is taken, so tocsin__latest_done() must return
       false. */
    put(box, 2, false);
    ck_assert(!tocsin__latest_done(box));
    put(box, 3, false);
    take(box, 3, 1);
    ck_assert(tocsin__latest_done(box));
    put(box, 4, true);
    for (uint64_t i = 5; i < 100; i++)
        put(box, i, false);
    take(box, 99, 95);
    ck_assert(tocsin__latest_done(box));
    box_free(box);
}
END_TEST

START_TEST(a_message_being_read_does_not_change)
{
    struct tocsin__latest *box = tocsin__latest_new(NULL);
    struct tocsin__message *letter;

    put(box, 1, true);
    letter = take(box, 1, 0);
    for (uint64_t i = 2; i < 10; i++) {
        put(box, i, false);
        ck_assert_uint_eq(words_of(letter).number, 1);
    }
    letter = take(box, 9, 7);
    put(box, 10, false);
    ck_assert_uint_eq(words_of(letter).number, 9);
    box_free(box);
}
END_TEST

START_TEST(an_undeliverable_message_is_put_back)
{
    struct tocsin__latest *box = tocsin__latest_new(NULL);

    put(box, 1, true);
    put(box, 2, false);
    tocsin__latest_put_back(box, take(box, 2, 1));
    ck_assert(!tocsin__latest_done(box));
    /* the consumer may put the same message back a second time */
    tocsin__latest_put_back(box, take(box, 2, 1));
    put(box, 3, false);
    /* Message 3 is newer than message 2, which is put back. So message 3 must replace message 2. */
    tocsin__latest_put_back(box, take(box, 3, 2));
    take(box, 3, 2);
    ck_assert(tocsin__latest_done(box));
    ck_assert_ptr_null(tocsin__latest_take(box));
    box_free(box);
}
END_TEST

/* The test counts the references of these infos. */

static atomic_long infos;

static void info_release(struct tocsin__info *info)
{
    atomic_fetch_sub(&infos, 1);
    free(info);
}

static struct tocsin__message shared_of(uint64_t voice, uint64_t number)
{
    struct tocsin__message letter = { .signo = 1, .kind = TOCSIN__SHARED };

    letter.info = calloc(1, sizeof *letter.info);
    letter.info->pub.sequence = number;
    letter.info->pub.parent = voice;
    letter.info->release = info_release;
    atomic_init(&letter.info->refs, 1);
    atomic_fetch_add(&infos, 1);
    return letter;
}

START_TEST(replaced_shared_infos_are_released)
{
    struct tocsin__latest *box = tocsin__latest_new(NULL);
    struct tocsin__message letter, *taken;

    for (int round = 0; round < 5; round++) {
        for (uint64_t i = 1; i <= 4; i++) {
            letter = shared_of(1, i);
            ck_assert_int_eq(put_in(box, &letter), i == 1);
        }
        taken = tocsin__latest_take(box);
        ck_assert_uint_eq(taken->info->pub.sequence, 4);
        ck_assert_uint_eq(taken->overrun, 3);
        tocsin__info_put(taken->info);
        taken->kind = TOCSIN__EMPTY;
        ck_assert(tocsin__latest_done(box));
        ck_assert_int_le(atomic_load(&infos), 2);
    }
    box_free(box);
    ck_assert_int_eq(atomic_load(&infos), 0);
}
END_TEST

/* In the tests below, several threads use one cell at the same time. */

/* Each thread has two senders: the thread itself, and the signal handler that interrupts the
   thread. */
enum { PUTTERS = 3, VOICES = 2 * PUTTERS };

struct putter {
    int number;
    pthread_t thread;
    uint64_t put, put_async;
    atomic_bool due;
};

static struct tocsin__latest *common;
static struct putter putters[PUTTERS];
/* the number of places of the cell's node in the loop's list: 0 or 1 */
static atomic_int pushed;
static atomic_bool enough;
static bool sharing;
static __thread struct putter *here;

static void push(void)
{
    check(atomic_exchange(&pushed, 1) == 0);
}

static void put_one(uint64_t voice, uint64_t number, bool shared)
{
    struct tocsin__message letter = shared ? shared_of(voice, number) : letter_of(voice, number);

    if (put_in(common, &letter))
        push();
}

static void on_signal(int signo)
{
    int was = errno;

    (void)signo;
    for (int i = 0; i < 3; i++)
        put_one((uint64_t)here->number + PUTTERS, ++here->put_async, false);
    atomic_store(&here->due, false);
    errno = was;
}

/* Returns the number of messages that one test takes out of the cell. */
static uint64_t wanted(void)
{
    return (uint64_t)test_scaled(4000, 4, 13);
}

static void *put_all(void *arg)
{
    here = arg;
    atomic_store(&here->due, false);
    while (!atomic_load(&enough)) {
        here->put++;
        put_one((uint64_t)here->number, here->put, sharing && here->put % 3 == 0);
        if (here->put % 8 == 0)
            sched_yield();
    }
    return NULL;
}

/* `count` is the number of messages that were put. last[] holds the number of the last message of
   each sender. */
struct sum {
    uint64_t count, last[VOICES], voice, number, takes, backs;
};

static void look_at(struct sum *sum, struct tocsin__message *letter)
{
    struct words words = { 0 };

    if (letter->kind == TOCSIN__SHARED)
        words.voice = letter->info->pub.parent, words.number = letter->info->pub.sequence;
    else
        words = words_of(letter);
    check(words.voice < VOICES && words.number > sum->last[words.voice]);
    sum->last[words.voice] = sum->number = words.number;
    sum->voice = words.voice;
    sum->count += 1 + (uint64_t)letter->overrun;
    sum->takes++;
}

static void take_one(struct sum *sum)
{
    struct tocsin__message *letter = tocsin__latest_take(common);

    check(letter);
    if (sum->takes % 5 == 4 && sum->backs++ % 2 == 0) {
        tocsin__latest_put_back(common, letter);
    } else {
        look_at(sum, letter);
        if (letter->kind == TOCSIN__SHARED)
            tocsin__info_put(letter->info);
        letter->kind = TOCSIN__EMPTY;
    }
    if (!tocsin__latest_done(common))
        push();
}

/* Sends a real signal to each thread that puts messages. The handler of that signal puts no shared
   message. Therefore tests with shared messages do not call this function. */
static void interrupt_all(void)
{
    for (int i = 0; i < PUTTERS; i++)
        if (!atomic_exchange(&putters[i].due, true))
            check(pthread_kill(putters[i].thread, SIGUSR1) == 0);
}

static void take_all(struct sum *sum)
{
    while (sum->takes < wanted()) {
        if (!sharing)
            interrupt_all();
        if (atomic_exchange(&pushed, 0))
            take_one(sum);
        else
            /* yields this processor, for which the sending threads may be waiting */
            sched_yield();
    }
    atomic_store(&enough, true);
}

START_TEST(many_threads_use_one_cell)
{
    bool shared = _i;
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    struct sum sum = { 0 };
    uint64_t all = 0, async = 0;

    sharing = shared;
    common = tocsin__latest_new(NULL);
    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){ .number = i, .due = true };
        ck_assert_int_eq(pthread_create(&putters[i].thread, NULL, put_all, &putters[i]), 0);
    }
    take_all(&sum);
    for (int i = 0; i < PUTTERS; i++) {
        ck_assert_int_eq(pthread_join(putters[i].thread, NULL), 0);
        all += putters[i].put, async += putters[i].put_async;
    }
    while (atomic_exchange(&pushed, 0))
        take_one(&sum);
    ck_assert_uint_eq(sum.count, all + async);
    ck_assert_uint_eq(sum.number, sum.voice < PUTTERS ? putters[sum.voice].put
                                                      : putters[sum.voice - PUTTERS].put_async);
    printf("base/inbox_latest: %llu messages put in, %llu of them by real signals; %llu taken\n",
           (unsigned long long)(all + async), (unsigned long long)async,
           (unsigned long long)sum.takes);
    fflush(stdout);
    box_free(common);
    ck_assert_int_eq(atomic_load(&infos), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/inbox_latest");
    TCase *steps = test_case(suite, "inbox"), *tests = test_case(suite, "latest cells");

    test_needs_processes();
    tcase_add_checked_fixture(steps, begin, end);
    tcase_add_test(steps, a_full_inbox_refuses_a_claim);
    tcase_add_test(steps, an_unpublished_message_delays_later_ones);
    tcase_add_test(steps, another_generation_is_refused);
    tcase_add_test(steps, nodes_keep_their_order_among_messages);
    tcase_add_test(steps, a_sleeping_loop_is_woken_once);
    tcase_add_test(steps, a_pinned_push_precedes_later_messages);
    tcase_add_test(steps, an_unpin_wakes_the_loop);
    tcase_add_test(steps, messages_are_delivered_while_always_pinned);
    tcase_add_test(steps, a_pushed_next_node_comes_first);
    tcase_add_test(steps, a_freed_loop_waits_for_pins);
    tcase_add_test(steps, a_freed_loop_waits_for_waking_threads);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_newest_message_replaces_all);
    tcase_add_test(tests, a_message_being_read_does_not_change);
    tcase_add_test(tests, an_undeliverable_message_is_put_back);
    tcase_add_test(tests, replaced_shared_infos_are_released);
    tcase_add_loop_test(tests, many_threads_use_one_cell, 0, 2);
    return suite;
}
