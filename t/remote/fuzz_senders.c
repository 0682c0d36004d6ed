/* Four threads send to three loops in every way. Real signals interrupt all threads, and the signal
   handlers send, too. Each sender numbers the messages that a loop accepted, so the loop knows the
   next number of each sender. No message may be lost, delivered twice, or delivered out of order.

   TOCSIN_STORM sets the number of messages. TOCSIN_TEST_SEED repeats the random choices, but not
   the timing of the threads. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "remote/post.h"
#include "test.h"

enum {
    LOOPS = 3,
    SENDERS = 4,
    EMITTERS = 2,
    THREADS = SENDERS + LOOPS,
    LEVELS = 3,
    VOICES = THREADS * LEVELS,
    SLOTS = 64,
    NEWS = 2
};

#define WORD(F) F(u64, voice) F(u64, first) F(u64, second) F(u64, third)
TOCSIN_LAYOUT(word, WORD);
#define LINE(F) WORD(F) F(string, text)
TOCSIN_LAYOUT(line, LINE);
#define NEW(F) F(u32, voice) F(u64, number)
TOCSIN_LAYOUT(new, NEW);
#define HEADLINE(F) NEW(F) F(string, text)
TOCSIN_LAYOUT(headline, HEADLINE);

/* Replaces ck_assert, which takes a lock and writes. A signal handler must not call ck_assert. For
   a million messages, ck_assert would also be too slow. */
#define check(condition) ((condition) ? (void)0 : failed(#condition, __LINE__, 0, 0))
#define check_equal(one, other) \
    check_equals(#one " == " #other, __LINE__, (uint64_t)(one), (uint64_t)(other))

static void failed(const char *what, int line, uint64_t one, uint64_t other)
{
    fprintf(stderr, "remote/fuzz_senders: line %d: %s: %llu, %llu\n", line, what,
            (unsigned long long)one, (unsigned long long)other);
    abort();
}

static void check_equals(const char *what, int line, uint64_t one, uint64_t other)
{
    if (one != other)
        failed(what, line, one, other);
}

static int words, lines, calls[EMITTERS], news[NEWS];

/* A sender. Its messages to a loop must arrive in order. Level 0 is a thread. Level 1 is the
   handler of SIGUSR1, which interrupts the thread. Level 2 is the handler of SIGUSR2, which
   interrupts both. */
struct voice {
    /* the number of messages of this sender that each loop accepted */
    _Alignas(128) uint64_t sent[LOOPS];
    uint64_t told[NEWS], accepted, refused, emitted, heard_own;
    uint32_t number, random;
};

/* A loop that receives, and what the loop has received. */
struct ear {
    struct tocsin_loop loop;
    int number;
    bool quiet; /* true if this loop does not send messages any more */
    uint64_t heard[VOICES], dropped, tasks;
    uint64_t news[NEWS], newest[NEWS][VOICES];
    struct tocsin_info *last[NEWS];
    struct tocsin_loop_facts facts;
    int open;
};

/* An operation that a sender must complete. The member `id` is the operation's id while the
   operation is not completed, and 0 after that. */
struct promise {
    _Atomic uint64_t id;
    struct ear *ear;
    uint32_t voice;
};

static struct voice voices[VOICES];
static struct ear ears[LOOPS];
static struct promise promises[LOOPS][SENDERS][SLOTS];
static pthread_t threads[THREADS];
/* true if a real signal was sent to the thread and its handler has not run yet */
static atomic_bool due[THREADS][LEVELS];
static atomic_long signals_caught;
static atomic_int catching; /* the number of signal handlers that run at this moment */
static atomic_bool mute;    /* true if no real signal handler may begin to send any more */
static atomic_int ready, done, quiet, over;
static long messages;
static __thread struct voice *own; /* the senders of this thread; the index is the level */

static uint32_t draw(struct voice *voice, uint32_t below)
{
    voice->random ^= voice->random << 13;
    voice->random ^= voice->random >> 17;
    voice->random ^= voice->random << 5;
    return voice->random % below;
}

static void arrive_and_wait(atomic_int *counter, int all)
{
    atomic_fetch_add(counter, 1);
    while (atomic_load(counter) < all)
        sched_yield();
}

/* Functions that receive */

static void hear(struct ear *ear, uint32_t voice, uint64_t number)
{
    check(voice < VOICES);
    check_equal(number, ear->heard[voice] + 1);
    ear->heard[voice] = number;
}

static uint64_t number_for(const struct ear *ear, const struct word *word)
{
    return ear->number == 0 ? word->first : ear->number == 1 ? word->second : word->third;
}

static bool send_one(struct voice *voice, bool async);

static int on_word(const struct tocsin_info *info, void *arg)
{
    const struct word was = *word_of(info);
    struct ear *ear = arg;

    hear(ear, was.voice, number_for(ear, &was));
    if (info->signo == words && !ear->quiet && draw(own, 64) == 0)
        send_one(own, false);
    if (was.first % 64 == 0)
        sched_yield();
    /* The payload must stay valid until the handler has returned. */
    check(memcmp(&was, word_of(info), sizeof was) == 0);
    return TOCSIN_NEXT;
}

static void text_of(const struct word *word, char *text)
{
    sprintf(text, "%u says %llu", (unsigned)word->voice, (unsigned long long)word->first);
}

static int on_line(const struct tocsin_info *info, void *arg)
{
    const struct line *line = line_of(info);
    struct word word = {
        .voice = line->voice, .first = line->first, .second = line->second, .third = line->third
    };
    char text[64];

    text_of(&word, text);
    check(strcmp(line->text, text) == 0);
    hear(arg, line->voice, number_for(arg, &word));
    return TOCSIN_NEXT;
}

static void on_new(struct ear *ear, int which, const struct tocsin_info *info, uint32_t voice,
                   uint64_t number)
{
    check(voice < VOICES);
    check(number > ear->newest[which][voice]);
    ear->newest[which][voice] = number;
    ear->news[which] += 1 + info->overrun;
    tocsin_info_unref(ear->last[which]);
    ear->last[which] = tocsin_info_ref(info);
}

static int on_flash(const struct tocsin_info *info, void *arg)
{
    on_new(arg, 0, info, new_of(info)->voice, new_of(info)->number);
    return TOCSIN_NEXT;
}

static int on_headline(const struct tocsin_info *info, void *arg)
{
    const struct headline *headline = headline_of(info);
    char text[64];

    sprintf(text, "%u: %llu!", headline->voice, (unsigned long long)headline->number);
    check(strcmp(headline->text, text) == 0);
    on_new(arg, 1, info, headline->voice, headline->number);
    return TOCSIN_NEXT;
}

static struct ear *ear_here(void)
{
    return &ears[(own - voices) / LEVELS - SENDERS];
}

/* A task. Its argument contains the number of the sender and the number of the message. */
static int task(void *arg)
{
    uint64_t word = (uintptr_t)arg;

    hear(ear_here(), (uint32_t)(word >> 48), word & (((uint64_t)1 << 48) - 1));
    ear_here()->tasks++;
    return 0;
}

static void task_drop(void *arg)
{
    uint64_t word = (uintptr_t)arg;

    check_equal(ear_here()->heard[word >> 48], word & (((uint64_t)1 << 48) - 1));
    ear_here()->dropped++;
}

static void promise_make(struct promise *promise);

static int on_end(const struct tocsin_info *info, void *arg)
{
    struct promise *promise = arg;

    promise->ear->open--;
    if (info->status == -ECANCELED)
        return TOCSIN_NEXT;
    hear(promise->ear, promise->voice,
         (promise->ear->heard[promise->voice] + 1) >> 31 << 31 | (uint64_t)info->status);
    promise_make(promise);
    return TOCSIN_NEXT;
}

static void promise_make(struct promise *promise)
{
    struct tocsin_op op;

    check_equal(tocsin_op_new(NULL, TOCSIN_CALL(on_end, promise), &op), 0);
    promise->ear->open++;
    atomic_store(&promise->id, op.source.id);
}

/* Functions that send */

static struct word word_next(const struct voice *voice)
{
    struct word word = word_make();

    word.voice = voice->number;
    word.first = voice->sent[0] + 1;
    word.second = voice->sent[1] + 1;
    word.third = voice->sent[2] + 1;
    return word;
}

static bool settle_to(struct voice *voice, int loop, int answer)
{
    if (answer == -EAGAIN) {
        voice->refused++;
        return false;
    }
    check(answer >= 0);
    check(answer != TOCSIN_NOBODY);
    for (int i = loop < 0 ? 0 : loop; i < (loop < 0 ? LOOPS : loop + 1); i++)
        voice->sent[i]++;
    return true;
}

static bool send_word(struct voice *voice, int loop)
{
    struct word word = word_next(voice);

    return settle_to(voice, loop,
                     loop < 0 ? tocsin_post(words, &word.tocsin)
                              : tocsin_post_to(ears[loop].loop, words, &word.tocsin));
}

static bool send_line(struct voice *voice, int loop)
{
    struct word word = word_next(voice);
    struct line line = line_make();
    char text[64];

    text_of(&word, text);
    line.voice = word.voice, line.first = word.first, line.second = word.second,
    line.third = word.third, line.text = text;
    return settle_to(voice, loop,
                     loop < 0 ? tocsin_post(lines, &line.tocsin)
                              : tocsin_post_to(ears[loop].loop, lines, &line.tocsin));
}

static bool send_call(struct voice *voice, int loop)
{
    uint64_t arg = (uint64_t)voice->number << 48 | (voice->sent[loop] + 1);
    int err = tocsin_loop_call(ears[loop].loop, task, (void *)(uintptr_t)arg, task_drop);

    check(err == 0 || err == -EAGAIN);
    voice->sent[loop] += err == 0;
    return err == 0;
}

static bool send_news(struct voice *voice, int which)
{
    struct new flash = new_make();
    struct headline headline = headline_make();
    char text[64];

    flash.voice = headline.voice = voice->number;
    flash.number = headline.number = ++voice->told[which];
    sprintf(text, "%u: %llu!", headline.voice, (unsigned long long)headline.number);
    headline.text = text;
    check_equal(tocsin_post(news[which], which ? &headline.tocsin : &flash.tocsin), TOCSIN_PENDED);
    return true;
}

static bool send_end(struct voice *voice, int loop)
{
    struct promise *promise = &promises[loop][voice->number / LEVELS][draw(voice, SLOTS)];
    struct tocsin_op op = { { atomic_exchange(&promise->id, 0) } };
    int status = (int)((voice->sent[loop] + 1) & INT32_MAX);

    if (!op.source.id)
        return false;
    check_equal(
        tocsin_op_complete(op, status,
                           draw(voice, 2) ? TOCSIN_PAYLOAD(headline, .text = "the end") : NULL),
        0);
    voice->sent[loop]++;
    return true;
}

/* Emits a signal to which this loop and the other loops listen. The handler of this loop must be
   called only if the other loops accepted the emission. */
static bool emit_word(struct voice *voice)
{
    struct word word = word_next(voice);
    bool accepted = settle_to(voice, -1, tocsin_emit(calls[voice->number / LEVELS], &word.tocsin));

    voice->emitted += accepted;
    check_equal(voice->heard_own, voice->emitted);
    return accepted;
}

static int on_own(const struct tocsin_info *info, void *arg)
{
    struct voice *voice = arg;

    (void)info;
    voice->heard_own++;
    return TOCSIN_NEXT;
}

/* Sends one message. If async is true, the caller is a real signal handler, so only calls that
   allocate no memory are chosen. */
static bool send_one(struct voice *voice, bool async)
{
    uint32_t thread = voice->number / LEVELS;
    int loop = (int)draw(voice, LOOPS);
    bool sent;

    switch (draw(voice, async ? 5 : thread < EMITTERS ? 12 : thread < SENDERS ? 9 : 7)) {
    case 0:
    case 1: sent = send_word(voice, loop); break;
    case 2: sent = send_word(voice, -1); break;
    case 3: sent = send_call(voice, loop); break;
    case 4: sent = send_news(voice, 0); break;
    case 5: sent = send_line(voice, draw(voice, 2) ? -1 : loop); break;
    case 6: sent = send_news(voice, 1); break;
    case 7:
    case 8: sent = send_end(voice, loop); break;
    default: sent = emit_word(voice);
    }
    voice->accepted += sent;
    return sent;
}

static void catch_one(struct voice *voice, int level)
{
    errno = 1000 + level;
    for (uint32_t i = draw(voice, 3) + 1; i > 0; i--)
        send_one(voice, true);
    check_equal(errno, 1000 + level);
    atomic_fetch_add(&signals_caught, 1);
    atomic_store(&due[voice->number / LEVELS][level], false);
}

static void on_signal(int signo)
{
    int level = signo == SIGUSR1 ? 1 : 2, was = errno;

    atomic_fetch_add(&catching, 1);
    if (!atomic_load(&mute))
        catch_one(own + level, level);
    atomic_fetch_sub(&catching, 1);
    errno = was;
}

/* Functions of the threads that send, receive, and raise real signals */

static void *send_all(void *arg)
{
    long each = messages / SENDERS;
    bool looped;

    own = arg;
    looped = own->number / LEVELS < EMITTERS;
    if (looped)
        check_equal(tocsin_on(own->number ? "storm.call.second" : "storm.call.first", on_own, own),
                    0);
    arrive_and_wait(&ready, THREADS + 1);
    while (each > 0) {
        if (send_one(own, false))
            each--;
        else if (looped)
            check(tocsin_loop_turn(0) >= 0);
        else
            sched_yield();
    }
    arrive_and_wait(&done, SENDERS + 1);
    check_equal(tocsin_loop_free(), 0);
    return NULL;
}

static void *receive_all(void *arg)
{
    struct ear *ear = arg;

    own = &voices[(SENDERS + ear->number) * LEVELS];
    check_equal(tocsin_on("storm.word, storm.call.*", on_word, ear), 0);
    check_equal(tocsin_on("storm.line", on_line, ear), 0);
    check_equal(tocsin_on("storm.flash", on_flash, ear), 0);
    check_equal(tocsin_on("storm.headline", on_headline, ear), 0);
    for (int i = 0; i < SENDERS * SLOTS; i++) {
        promises[ear->number][i / SLOTS][i % SLOTS] =
            (struct promise){ .ear = ear, .voice = (uint32_t)(i / SLOTS * LEVELS) };
        promise_make(&promises[ear->number][i / SLOTS][i % SLOTS]);
    }
    ear->loop = tocsin_loop_current();
    arrive_and_wait(&ready, THREADS + 1);
    check_equal(tocsin_run(), 7);
    check_equal(tocsin_loop_get(&ear->facts), 0);
    check_equal(tocsin_loop_free(), ear->open);
    return NULL;
}

/* Sends a real signal to each thread as soon as the thread has handled the previous signal. */
static void *storm(void *arg)
{
    struct voice voice = { .random = *(uint32_t *)arg };

    for (int thread = 0; !atomic_load(&over); thread = (thread + 1) % THREADS) {
        int level = 1 + (int)draw(&voice, 2);

        if (!atomic_exchange(&due[thread][level], true))
            check_equal(pthread_kill(threads[thread], level == 1 ? SIGUSR1 : SIGUSR2), 0);
        if (draw(&voice, THREADS) == 0)
            sched_yield();
    }
    return NULL;
}

TOCSIN__UNUSED static bool all_caught(void)
{
    for (int i = 0; i < THREADS; i++)
        if (atomic_load(&due[i][1]) || atomic_load(&due[i][2]))
            return false;
    return true;
}

/* Waits until each signal that was sent has been handled. ThreadSanitizer delays signals, and may
   never call the handler for some of them. In such a build it is enough that no signal handler runs
   or will run. */
static void signals_end(void)
{
#ifdef __SANITIZE_THREAD__
    atomic_store(&mute, true);
    while (atomic_load(&catching))
        sched_yield();
#else
    while (!all_caught())
        sched_yield();
#endif
}

static int fall_quiet(void *arg)
{
    struct ear *ear = arg;

    ear->quiet = true;
    return atomic_fetch_add(&quiet, 1);
}

static int stop(void *arg)
{
    (void)arg;
    return tocsin_stop(7);
}

static void call_all(tocsin_task what)
{
    for (int i = 0; i < LOOPS; i++)
        while (tocsin_loop_call(ears[i].loop, what, &ears[i], NULL) == -EAGAIN)
            sched_yield();
}

/* Waits until all senders have stopped. Then this function sends the messages that stop the loops.
   So these are the last messages of all. */
static void end_all(pthread_t storming)
{
    while (atomic_load(&done) < SENDERS)
        sched_yield();
    atomic_store(&over, 1);
    check_equal(pthread_join(storming, NULL), 0);
    signals_end();
    call_all(fall_quiet);
    while (atomic_load(&quiet) < LOOPS)
        sched_yield();
    call_all(stop);
    arrive_and_wait(&done, SENDERS + 1);
    for (int i = 0; i < THREADS; i++)
        check_equal(pthread_join(threads[i], NULL), 0);
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    sigemptyset(&action.sa_mask);
    check_equal(sigaction(SIGUSR1, &action, NULL), 0);
    sigaddset(&action.sa_mask, SIGUSR1);
    check_equal(sigaction(SIGUSR2, &action, NULL), 0);
}

static int declared(const char *name, const struct tocsin_layout *layout, enum tocsin_kind kind,
                    unsigned flags)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = name, .layout = layout, .kind = kind, .flags = flags });

    check(signo > 0);
    return signo;
}

static uint32_t seed_new(void)
{
    const char *wish = getenv("TOCSIN_TEST_SEED");
    uint32_t seed = wish ? (uint32_t)strtoul(wish, NULL, 0)
                         : (uint32_t)time(NULL) * 1000003u + (uint32_t)getpid();

    printf("remote/fuzz_senders: TOCSIN_TEST_SEED=%u\n", seed);
    fflush(stdout);
    return seed ? seed : 1;
}

static long messages_wanted(void)
{
    const char *wish = getenv("TOCSIN_STORM");

    return wish ? atol(wish) : test_scaled(1000000, 5, 100);
}

static void begin_all(uint32_t *seed)
{
    words = declared("storm.word", &word_layout, TOCSIN_QUEUED, TOCSIN_ASYNC);
    lines = declared("storm.line", &line_layout, TOCSIN_QUEUED, 0);
    calls[0] = declared("storm.call.first", &word_layout, TOCSIN_QUEUED, 0);
    calls[1] = declared("storm.call.second", &word_layout, TOCSIN_QUEUED, 0);
    news[0] = declared("storm.flash", &new_layout, TOCSIN_COALESCE, TOCSIN_ASYNC);
    news[1] = declared("storm.headline", &headline_layout, TOCSIN_COALESCE, 0);
    messages = messages_wanted();
    for (uint32_t i = 0; i < VOICES; i++)
        voices[i] = (struct voice){ .number = i, .random = *seed + i * 2654435761u + 1 };
    catch_signals();
    for (int i = 0; i < LOOPS; i++)
        ears[i].number = i;
    for (int i = 0; i < SENDERS; i++)
        check_equal(pthread_create(&threads[i], NULL, send_all, &voices[i * LEVELS]), 0);
    for (int i = 0; i < LOOPS; i++)
        check_equal(pthread_create(&threads[SENDERS + i], NULL, receive_all, &ears[i]), 0);
    arrive_and_wait(&ready, THREADS + 1);
}

/* Checks a coalescing signal. The deliveries and their overruns must add up to the number of
   accepted messages. The last delivery must be the last message of a sender. */
static void check_news(struct ear *ear, int which)
{
    const struct tocsin_info *last = ear->last[which];
    uint32_t voice = which ? headline_of(last)->voice : new_of(last)->voice;
    uint64_t number = which ? headline_of(last)->number : new_of(last)->number, sum = 0;

    for (int i = 0; i < VOICES; i++)
        sum += voices[i].told[which];
    check_equal(ear->news[which], sum);
    check_equal(number, voices[voice].told[which]);
    tocsin_info_unref(ear->last[which]);
}

static void check_ear(struct ear *ear)
{
    for (int i = 0; i < VOICES; i++)
        check_equal(ear->heard[i], voices[i].sent[ear->number]);
    check_equal(ear->dropped, ear->tasks);
    check_news(ear, 0);
    check_news(ear, 1);
}

START_TEST(no_message_is_lost_or_doubled)
{
    uint64_t accepted = 0, refused = 0, counted = 0, wakeups = 0;
    struct timespec from, to;
    uint32_t seed = seed_new();
    pthread_t storming;

    begin_all(&seed);
    clock_gettime(CLOCK_MONOTONIC, &from);
    check_equal(pthread_create(&storming, NULL, storm, &seed), 0);
    end_all(storming);
    clock_gettime(CLOCK_MONOTONIC, &to);
    for (int i = 0; i < VOICES; i++)
        accepted += voices[i].accepted, refused += voices[i].refused;
    for (int i = 0; i < LOOPS; i++) {
        check_ear(&ears[i]);
        counted += ears[i].facts.refused, wakeups += ears[i].facts.wakeups;
    }
    check_equal(refused, counted);
    printf("remote/fuzz_senders: %llu messages, %llu refused, %ld real signals, %llu times woken, "
           "%.1f s\n",
           (unsigned long long)accepted, (unsigned long long)refused, atomic_load(&signals_caught),
           (unsigned long long)wakeups,
           (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec));
    fflush(stdout);
}
END_TEST

static int on_text(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

START_TEST(bytes_are_limited_and_freed)
{
    enum { LARGE = 1 << 20 };
    int count = 0, signo = declared("storm.large", &headline_layout, TOCSIN_QUEUED, 0),
        most = TOCSIN_INBOX_BYTES / LARGE - 1;
    char *text = calloc(1, LARGE);

    ck_assert_ptr_nonnull(memset(text, 'x', LARGE - 1));
    ck_assert_int_eq(tocsin_on("storm.large", on_text, &count), 0);
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < most; i++)
            ck_assert_int_eq(tocsin_post(signo, TOCSIN_PAYLOAD(headline, .text = text)),
                             TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_post(signo, TOCSIN_PAYLOAD(headline, .text = text)), -EAGAIN);
        ck_assert_int_eq(tocsin_loop_turn(0), most);
        ck_assert_int_eq(count, round * most);
    }
    free(text);
}
END_TEST

/* A handler that fills the inbox completely, as real signals may do. */
static int on_read(const struct tocsin_info *info, void *arg)
{
    const struct word was = *word_of(info);
    struct word next = word_make();
    int answer, *count = arg;

    if (*count > 3 * TOCSIN_INBOX)
        return TOCSIN_NEXT;
    do {
        next.voice = ++*count;
        answer = tocsin__post(words, &next.tocsin, TOCSIN_POSTED, 0, NULL);
        ck_assert(memcmp(&was, word_of(info), sizeof was) == 0);
    } while (answer == TOCSIN_PENDED);
    ck_assert_int_eq(answer, -EAGAIN);
    --*count;
    return TOCSIN_NEXT;
}

START_TEST(a_message_being_read_keeps_its_cell)
{
    static int count = 1;

    words = declared("storm.word", &word_layout, TOCSIN_QUEUED, TOCSIN_ASYNC);
    ck_assert_int_eq(tocsin_on("storm.word", on_read, &count), 0);
    ck_assert_int_eq(tocsin_post(words, TOCSIN_PAYLOAD(word, .voice = 1)), TOCSIN_PENDED);
    while (count <= 3 * TOCSIN_INBOX)
        ck_assert_int_gt(tocsin_loop_turn(0), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("remote/fuzz_senders");
    TCase *tests = test_case(suite, "random senders");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, no_message_is_lost_or_doubled);
    tcase_add_test(tests, bytes_are_limited_and_freed);
    tcase_add_test(tests, a_message_being_read_keeps_its_cell);
    return suite;
}
