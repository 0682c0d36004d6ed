/* Tests the watchdog with a clock that the test moves. In these tests, the real watchdog thread
   sleeps for minutes. Instead, a handler examines its own loop at times that the test chooses, as
   the watchdog thread would. Only in the last tests the real thread examines the loop. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/inspect.h>
#include <tocsin/owner.h>

#include "registry/catalogue.h"
#include "delivery/loop.h"
#include "loop/clock.h"
#include "loop/timer.h"
#include "loop/watchdog/watchdog.h"
#include "handlers.h"

enum { LIMIT_MS = 4000000, ALL = 64 };
static const int64_t limit_us = LIMIT_MS * 1000LL;

static struct heard {
    uint64_t loop, handler, source, emission;
    int64_t blocked_us;
    char signal[64], pattern[64], function[64], where[64], owner[64];
} heard[ALL];
static int heard_count, threads_before, note, other;
static int64_t now_us;

static void copy(char *to, const char *text)
{
    snprintf(to, 64, "%s", text);
}

static int hear(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_loop_blocked *blocked = tocsin_loop_blocked_of(info);
    struct heard *one = &heard[heard_count++];

    (void)arg;
    ck_assert_int_lt(heard_count, ALL);
    *one = (struct heard){ blocked->loop,
                           blocked->handler,
                           blocked->source,
                           blocked->emission,
                           blocked->blocked_us,
                           "",
                           "",
                           "",
                           "",
                           "" };
    copy(one->signal, blocked->signal);
    copy(one->pattern, blocked->pattern);
    copy(one->function, blocked->function);
    copy(one->where, blocked->where);
    copy(one->owner, blocked->owner);
    return TOCSIN_NEXT;
}

/* Returns the number of threads of this process, including threads of a sanitizer. A thread that
   was joined may be counted for a short time after the join. */
static int threads(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    int count = 0;

    while (fgets(line, sizeof line, status))
        sscanf(line, "Threads: %d", &count);
    fclose(status);
    return count;
}

static void threads_become(int count)
{
    while (threads() != count)
        usleep(100);
}

static void *count_others(void *arg)
{
    *(int *)arg = threads() - 1;
    return NULL;
}

/* Creates and joins a thread, and counts the threads after that. A sanitizer creates a thread of
   its own when the program creates its first thread. */
static void begin_alone(void)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, count_others, &threads_before), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    heard_count = 0;
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
    other = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.other", .doc = "Another one." });
}

static void begin(void)
{
    begin_alone();
    connect_to("loop.blocked", hear, NULL);
    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    threads_become(threads_before + 1);
    now_us = tocsin__now(NULL) + limit_us;
}

static void end(void)
{
    tocsin_loop_free();
    threads_become(threads_before);
}

/* Returns the number of posts in the inbox of this loop that have not been received yet. */
static int posted(void)
{
    return (int)(tocsin__inbox_tail(&tocsin__self->inbox) - tocsin__self->inbox.at);
}

static void look(int count)
{
    while (count-- > 0) {
        now_us += limit_us / 4;
        tocsin__watchdog_look(now_us);
    }
}

static int looks(const struct tocsin_info *info, void *arg)
{
    (void)info;
    look(*(const int *)arg);
    return TOCSIN_NEXT;
}

static int four = 4, five = 5, one = 1;

/* Tests: when loop.blocked is emitted */

static int hold(const struct tocsin_info *info, void *arg)
{
    static const int at[] = { 5, 9, 17, 33 };

    (void)info, (void)arg;
    for (int i = 1, told = 0; i <= 40; i++) {
        look(1);
        told += told < 4 && i == at[told];
        ck_assert_msg(posted() == told, "after %d looks: %d, not %d", i, posted(), told);
    }
    return TOCSIN_NEXT;
}

static void check_doubled(void)
{
    ck_assert_int_eq(heard_count, 4);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(heard[i].blocked_us, limit_us << i);
        ck_assert_uint_eq(heard[i].handler, heard[0].handler);
    }
    ck_assert_uint_ne(heard[0].handler, 0);
    ck_assert_str_eq(heard[0].function, "hold");
}

START_TEST(reports_at_the_limit_and_at_each_doubling)
{
    ck_assert_int_eq(tocsin_on("test.note", hold, NULL), 0);
    /* This handler blocks the loop outside of a turn, so the watchdog must not report the
       handler. */
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(heard_count, 0);
    turns_until(&heard_count, 4);
    check_doubled();
}
END_TEST

/* The texts that the watchdog thread prints. If loop.blocked has no listener, the thread prints a
   text as often as it emits the signal. */

static struct {
    int count;
    int64_t blocked_us[8];
    char text[256];
} words;

static void in_words(const struct tocsin_loop_blocked *blocked, const char *text, void *arg)
{
    ck_assert_ptr_eq(arg, &words);
    ck_assert_int_lt(words.count, 8);
    words.blocked_us[words.count++] = blocked->blocked_us;
    snprintf(words.text, sizeof words.text, "%s", text);
}

static int hold_forty(const struct tocsin_info *info, void *arg)
{
    char runs[256];

    (void)info, (void)arg;
    look(40);
    /* The watchdog does not use tocsin_still_running(). Here the function finds nothing to name, so
       it returns 0. */
    ck_assert_uint_eq(tocsin_still_running(runs, sizeof runs), 0);
    return TOCSIN_NEXT;
}

START_TEST(the_printed_message)
{
    bool has_handler = _i;
    char wanted[256];
    int line;

    begin_alone();
    words.count = 0;
    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    ck_assert_int_eq(tocsin_loop_name("a very long name that is cut, since nobody reads so much"),
                     0);
    ck_assert_int_eq(tocsin_loop_name("bell"), 0);
    now_us = tocsin__now(NULL) + limit_us;
    tocsin_watchdog_tell(in_words, &words);
    line = __LINE__ + 1;
    ck_assert_int_eq(tocsin_on("test.note", hold_forty, NULL), 0);
    if (has_handler)
        connect_to("loop.blocked", hear, NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(words.count, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(words.blocked_us[i], limit_us << i);
    snprintf(wanted, sizeof wanted,
             "loop bell has been blocked for %lld ms: handler hold_forty (watchdog.c:%d) of the "
             "program for test.note",
             (long long)limit_us * 8 / 1000, line);
    ck_assert_str_eq(words.text, wanted);
    tocsin_watchdog_tell(NULL, NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(words.count, 4);
}
END_TEST

/* tocsin_still_running() names the handlers and tasks that have not ended. If nothing runs, it
   names the program as the owner. */
START_TEST(still_running_names_the_running_code)
{
    char runs[256], few[8];

    ck_assert_int_eq(tocsin_timer(1000, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_timer(1000, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_every(1000, NULL, NULL), 0);
    ck_assert_uint_eq(tocsin_still_running(runs, sizeof runs), strlen(runs));
    ck_assert_str_eq(runs, "the program: 3 timers");
    ck_assert_uint_eq(tocsin_still_running(few, sizeof few), 7);
    ck_assert_str_eq(few, "the pro");
    ck_assert_uint_eq(tocsin_still_running(NULL, 0), 0);
}
END_TEST

START_TEST(a_handler_that_blocks_in_a_turn)
{
    ck_assert_int_eq(tocsin_on("timer.expired", hold, NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
    turns_until(&heard_count, 4);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    check_doubled();
    ck_assert_str_eq(heard[0].signal, "timer.expired");
}
END_TEST

static int stop_and_go(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    look(1);
    /* The process was stopped, or got no processor time. The watchdog must not count this time as
       time of the handler. */
    now_us += 1000 * limit_us;
    look(2);
    ck_assert_int_eq(posted(), 0);
    look(1);
    ck_assert_int_eq(posted(), 1);
    return TOCSIN_NEXT;
}

START_TEST(a_leap_of_time_is_not_reported)
{
    connect_to("test.note", stop_and_go, NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
}
END_TEST

static int fail_once(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    look(4);
    tocsin__fault_at(1);
    look(1);
    ck_assert_int_gt(tocsin__fault_count(), 0);
    tocsin__fault_at(0);
    ck_assert_int_eq(posted(), 0);
    look(1);
    ck_assert_int_eq(posted(), 1);
    return TOCSIN_NEXT;
}

START_TEST(without_memory_the_report_comes_later)
{
    connect_to("test.note", fail_once, NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    turns_until(&heard_count, 1);
    ck_assert_int_eq(heard[0].blocked_us, limit_us / 4 * 5);
}
END_TEST

static int connect_in_it(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_disconnect(*(struct tocsin_handler *)arg), 0);
    look(20);
    ck_assert_int_eq(posted(), 0);
    connect_to("loop.blocked", hear, NULL);
    look(1);
    ck_assert_int_eq(posted(), 1);
    return TOCSIN_NEXT;
}

START_TEST(a_new_listener_gets_the_next_report)
{
    struct tocsin_handler_facts facts = { .handler = { 0 } };

    ck_assert_int_eq(tocsin_handler_next(facts.handler, &facts), 0);
    connect_to("test.note", connect_in_it, &facts.handler);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    turns_until(&heard_count, 1);
    ck_assert_int_eq(heard[0].blocked_us, limit_us * 5);
}
END_TEST

/* Tests of the payload of loop.blocked */

static uint64_t sequence;

static int look_five(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    sequence = info->sequence;
    look(5);
    return TOCSIN_NEXT;
}

static const struct heard *blocked_by(const char *pattern, struct tocsin_action action,
                                      struct tocsin_handler *ret_handler)
{
    int count = heard_count;

    action.fn = look_five;
    ck_assert_int_eq(tocsin_connect(pattern, &action, ret_handler), 0);
    ck_assert_int_eq(tocsin_emit_from(action.source, note, NULL), TOCSIN_DELIVERED);
    turns_until(&heard_count, count + 1);
    ck_assert_int_eq(heard_count, count + 1);
    ck_assert_uint_eq(heard[count].loop, tocsin_loop_current().id);
    ck_assert_uint_eq(heard[count].handler, ret_handler->id);
    ck_assert_uint_eq(heard[count].source, action.source.id);
    ck_assert_uint_eq(heard[count].emission, sequence);
    ck_assert_int_eq(heard[count].blocked_us, limit_us);
    ck_assert_str_eq(heard[count].pattern, pattern);
    ck_assert_str_eq(heard[count].owner, "program");
    ck_assert_ptr_nonnull(strstr(heard[count].where, "watchdog.c:"));
    return &heard[count];
}

START_TEST(the_report_names_the_handler)
{
    struct tocsin_handler handler;
    struct tocsin_source source;

    ck_assert_str_eq(
        blocked_by("test.note", (struct tocsin_action){ .arg = NULL }, &handler)->signal,
        "test.note");
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_str_eq(blocked_by("test.*", (struct tocsin_action){ .arg = NULL }, &handler)->signal,
                     "");
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_str_eq(
        blocked_by("test.note", (struct tocsin_action){ .flags = TOCSIN_ONCE }, &handler)->signal,
        "test.note");
    ck_assert_int_eq(tocsin_disconnect(handler), -ENOENT);
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_str_eq(
        blocked_by("test.note", (struct tocsin_action){ .source = source }, &handler)->signal,
        "test.note");
    ck_assert_int_eq(tocsin_source_free(source), 0);
}
END_TEST

static int of_a_notify(const struct tocsin_info *info, void *arg)
{
    sequence = info->sequence;
    return looks(info, arg);
}

static int task(void *arg)
{
    return looks(NULL, arg);
}

static const struct heard *beside_handlers(int nth, const char *signal, uint64_t source)
{
    turns_until(&heard_count, nth + 1);
    ck_assert_int_eq(heard_count, nth + 1);
    ck_assert_uint_eq(heard[nth].handler, 0);
    ck_assert_str_eq(heard[nth].signal, signal);
    ck_assert_uint_eq(heard[nth].source, source);
    ck_assert_str_eq(heard[nth].owner, "program");
    ck_assert_str_eq(heard[nth].pattern, "");
    ck_assert_int_eq(heard[nth].blocked_us, limit_us);
    return &heard[nth];
}

static int by_default(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    return looks(info, &five);
}

static int emit_it(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_int_eq(tocsin_emit(*(int *)arg, NULL), TOCSIN_NOBODY);
    return TOCSIN_NEXT;
}

START_TEST(the_report_names_other_running_code)
{
    int unheard = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "test.unheard", .unhandled_fn = by_default });
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(of_a_notify, &five), &op), 0);
    ck_assert_uint_eq(beside_handlers(0, "timer.expired", op.source.id)->emission, sequence);
    ck_assert_int_eq(tocsin_spawn(task, &five, NULL, &op), 0);
    beside_handlers(1, "fiber.done", op.source.id);
    ck_assert_int_eq(tocsin_loop_call(tocsin_loop_current(), task, &five, NULL), 0);
    beside_handlers(2, "", 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(emit_it, &unheard), NULL), 0);
    beside_handlers(3, "test.unheard", 0);
    ck_assert_ptr_null(tocsin__self->runs.activity.code);
    look(20);
    ck_assert_int_eq(posted(), 0);
}
END_TEST

/* Tests of loops that do not block and must not be reported */

START_TEST(an_idle_loop_is_not_reported)
{
    look(100);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    look(100);
    ck_assert_int_eq(posted(), 0);
}
END_TEST

START_TEST(short_turns_are_not_reported)
{
    connect_to("test.note", looks, &four);
    connect_to("timer.expired", looks, &four);
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
        ck_assert_int_eq(tocsin_timer(0, NULL, NULL), 0);
        look(1);
        ck_assert_int_gt(tocsin_loop_turn(-1), 0);
        ck_assert_int_eq(posted(), 0);
    }
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(heard_count, 0);
}
END_TEST

static int emit_often(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    for (int i = 1; i <= 10; i++) {
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
        ck_assert_int_eq(posted(), i < 5 ? 0 : i < 9 ? 1 : 2);
    }
    return TOCSIN_NEXT;
}

START_TEST(a_long_turn_of_short_calls_is_reported)
{
    ck_assert_int_eq(tocsin_on("test.note", looks, &one), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(emit_often, NULL), NULL), 0);
    turns_until(&heard_count, 2);
    ck_assert_int_eq(heard_count, 2);
    for (int i = 0; i < 2; i++) {
        /* The payload names no handler, but its text names the signal and the function. */
        ck_assert_uint_eq(heard[i].handler, 0);
        ck_assert_str_eq(heard[i].signal, "test.note");
        ck_assert_str_eq(heard[i].function, "looks");
        ck_assert_int_eq(heard[i].blocked_us, limit_us << i);
    }
}
END_TEST

/* Tests of handlers inside handlers: the inner handler blocks */

static int outer(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    look(3);
    ck_assert_int_eq(tocsin_emit(other, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(posted(), 1);
    look(4);
    ck_assert_int_eq(posted(), 1);
    look(1);
    ck_assert_int_eq(posted(), 2);
    return TOCSIN_NEXT;
}

START_TEST(the_innermost_handler_is_named)
{
    struct tocsin_handler inside, outside;

    ck_assert_int_eq(tocsin_connect("test.note", &(struct tocsin_action){ .fn = outer }, &outside),
                     0);
    ck_assert_int_eq(
        tocsin_connect("test.other", &(struct tocsin_action){ .fn = looks, .arg = &five }, &inside),
        0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    turns_until(&heard_count, 2);
    ck_assert_uint_eq(heard[0].handler, inside.id);
    ck_assert_uint_eq(heard[1].handler, outside.id);
}
END_TEST

/* Tests of several loops */

struct peer {
    sem_t blocks, go;
    struct tocsin_loop loop;
    uint64_t handler;
    int told;
};

static int block(const struct tocsin_info *info, void *arg)
{
    struct peer *peer = arg;

    (void)info;
    sem_post(&peer->blocks);
    sem_wait(&peer->go);
    return TOCSIN_NEXT;
}

static void *be_watched(void *arg)
{
    struct peer *peer = arg;
    struct tocsin_handler handler;

    ck_assert_int_eq(
        tocsin_connect("test.other", &(struct tocsin_action){ .fn = block, .arg = peer }, &handler),
        0);
    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    peer->handler = handler.id;
    peer->loop = tocsin_loop_current();
    ck_assert_int_eq(tocsin_emit(other, NULL), TOCSIN_DELIVERED);
    tocsin_loop_free();
    return NULL;
}

static void peer_start(struct peer *peer, pthread_t *thread)
{
    sem_init(&peer->blocks, 0, 0);
    sem_init(&peer->go, 0, 0);
    ck_assert_int_eq(pthread_create(thread, NULL, be_watched, peer), 0);
    sem_wait(&peer->blocks);
}

static void peer_end(struct peer *peer, pthread_t thread)
{
    sem_post(&peer->go);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    sem_destroy(&peer->blocks);
    sem_destroy(&peer->go);
}

/* A handler that blocks its loop once for a long time counts as one fault. After several such
   faults the handler is not called any more. */
START_TEST(a_handler_that_blocks_too_often_is_not_called)
{
    static int forty = 40;
    struct tocsin_handler_facts facts;
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_owner_fault_limit("program", 0, 2), 0);
    ck_assert_int_eq(tocsin_connect("test.note",
                                    &(struct tocsin_action){ .fn = looks, .arg = &forty },
                                    &handler),
                     0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_handler_get(handler, &facts), 0);
        ck_assert_int_eq(facts.quarantined, i >= 1);
    }
    ck_assert_uint_eq(facts.calls, 2);
    ck_assert_uint_eq(facts.held, 2);
    ck_assert_int_eq(tocsin_owner_fault_limit("program", 0, 0), 0);
}
END_TEST

START_TEST(one_watchdog_serves_two_loops)
{
    struct tocsin_handler handler;
    struct peer peer;
    pthread_t thread;

    peer_start(&peer, &thread);
    /* two threads are expected: the peer's thread, and one watchdog thread for both loops */
    threads_become(threads_before + 2);
    look(5);
    /* this call returns when the watchdog has reported that the other loop blocks */
    turns_until(&heard_count, 1);
    ck_assert_uint_eq(heard[0].loop, peer.loop.id);
    ck_assert_uint_eq(heard[0].handler, peer.handler);
    ck_assert_int_eq(
        tocsin_connect("test.note", &(struct tocsin_action){ .fn = looks, .arg = &five }, &handler),
        0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    /* The watchdog reports both loops. For the other loop this is the second report. */
    turns_until(&heard_count, 3);
    ck_assert_uint_ne(heard[1].loop, heard[2].loop);
    for (int i = 1; i < 3; i++)
        ck_assert_uint_eq(heard[i].handler,
                          heard[i].loop == peer.loop.id ? peer.handler : handler.id);
    peer_end(&peer, thread);
    /* The other loop was freed. The watchdog must still watch this loop. */
    threads_become(threads_before + 1);
    look(5);
    ck_assert_int_eq(posted(), 0);
    ck_assert_int_eq(tocsin_watchdog(0), 0);
    threads_become(threads_before);
}
END_TEST

START_TEST(an_unwatched_loop_receives_reports)
{
    struct peer peer;
    pthread_t thread;

    peer_start(&peer, &thread);
    /* This loop is not watched any more. The other loop is still watched, and this loop receives
       the report. */
    ck_assert_int_eq(tocsin_watchdog(0), 0);
    connect_to("test.note", looks, &five);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    turns_until(&heard_count, 1);
    ck_assert_int_eq(heard_count, 1);
    ck_assert_uint_eq(heard[0].handler, peer.handler);
    peer_end(&peer, thread);
    threads_become(threads_before);
}
END_TEST

/* Tests of the end and the start of the watchdog */

static int end_it(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    look(4);
    ck_assert_int_eq(tocsin_watchdog(0), 0);
    threads_become(threads_before);
    look(20);
    ck_assert_int_eq(tocsin_watchdog(0), 0);
    ck_assert_int_eq(posted(), 0);
    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    look(4);
    ck_assert_int_eq(posted(), 0);
    look(1);
    ck_assert_int_eq(posted(), 1);
    ck_assert_int_eq(tocsin_watchdog(2 * LIMIT_MS), 0); /* a new limit starts the watchdog again */
    look(8);
    ck_assert_int_eq(posted(), 1);
    look(1);
    ck_assert_int_eq(posted(), 2);
    return TOCSIN_NEXT;
}

START_TEST(the_watchdog_ends_while_a_handler_blocks)
{
    connect_to("test.note", end_it, NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    turns_until(&heard_count, 2);
}
END_TEST

static int free_it(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_loop_free(), 0);
    look(5);
    ck_assert_int_eq(posted(), 1);
    return TOCSIN_NEXT;
}

START_TEST(a_blocked_loop_is_freed)
{
    connect_to("test.note", free_it, NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    threads_become(threads_before);
    /* the messages that were accepted before the end have been delivered */
    ck_assert_int_eq(heard_count, 1);
    look(5);
    ck_assert_int_eq(tocsin_watchdog(0), 0);
    ck_assert_uint_eq(tocsin_loop_current().id, 0); /* tocsin_watchdog(0) creates no loop */
    ck_assert_int_eq(tocsin_watchdog(-1), -EINVAL);
    ck_assert_int_eq(tocsin_watchdog(INT64_MIN), -EINVAL);
    /* tocsin_watchdog with a limit creates a loop */
    ck_assert_int_eq(tocsin_watchdog(INT64_MAX), 0);
    ck_assert_uint_ne(tocsin_loop_current().id, 0);
}
END_TEST

START_TEST(the_watchdog_thread_blocks_every_signal)
{
    unsigned long long blocked, most = 0;
    char line[256], path[64];
    FILE *tasks = popen("ls /proc/$PPID/task", "r");
    int task_id;

    ck_assert_ptr_nonnull(tasks);
    while (fscanf(tasks, "%d", &task_id) == 1) {
        FILE *status;

        snprintf(path, sizeof path, "/proc/self/task/%d/status", task_id);
        status = task_id == getpid() ? NULL : fopen(path, "r");
        while (status && fgets(line, sizeof line, status))
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
                most |= blocked;
        if (status)
            fclose(status);
    }
    pclose(tasks);
    /* SIGKILL and SIGSTOP cannot be blocked; the C library uses the signals from 32 to SIGRTMIN. */
    for (int signo = 1; signo < SIGRTMAX; signo++)
        if (signo != SIGKILL && signo != SIGSTOP && (signo < 32 || signo >= SIGRTMIN))
            ck_assert_msg(most >> (signo - 1) & 1, "signal %d", signo);
}
END_TEST

/* This test runs in a new process, in which the watchdog has not started yet. */
START_TEST(each_call_of_the_watchdog_fails_in_turn)
{
    int err = -1, descriptors = test_descriptors();
    long nth;

    for (nth = 1; err < 0; nth++) {
        tocsin__fault_at(nth);
        err = tocsin_watchdog(LIMIT_MS);
        ck_assert_msg(err == 0 || err == -ENOMEM || err == -EMFILE || err == -EAGAIN, "%ld: %d",
                      nth, err);
        if (err == 0)
            ck_assert_int_lt(tocsin__fault_count(), nth);
        tocsin__fault_at(0);
        threads_become(threads_before + (err == 0));
        ck_assert_int_eq(tocsin_loop_free(), 0);
        threads_become(threads_before);
        ck_assert_int_eq(test_descriptors(), descriptors);
    }
    ck_assert_int_gt(nth, 10);
    printf("watchdog: %ld allocations and system calls made to fail\n", nth - 2);
}
END_TEST

static int until_posted(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    while (!posted())
        sched_yield();
    return TOCSIN_NEXT;
}

/* A child of a fork has no watchdog thread, and no call in the child may wait for that thread.
   After tocsin_watchdog() in the child, the loop of the child is watched again. ThreadSanitizer
   allows no new threads in such a child. */
static void in_child(void)
{
    bool as_before = tocsin_watchdog(LIMIT_MS) == -EOWNERDEAD && tocsin_after_fork() == 0;

    look(5);
#ifndef __SANITIZE_THREAD__
    connect_to("test.note", looks, &five);
    as_before = as_before && tocsin_emit(note, NULL) == TOCSIN_DELIVERED && posted() == 0 &&
                tocsin_watchdog(LIMIT_MS) == 0 && tocsin_emit(note, NULL) == TOCSIN_DELIVERED &&
                posted() == 1 && tocsin_loop_turn(0) == 1 &&
                heard[0].loop == tocsin_loop_current().id;
#endif
    _exit(as_before && tocsin_loop_free() == 0 ? 0 : 1);
}

START_TEST(the_watchdog_in_the_child_of_a_fork)
{
    struct tocsin_handler handler;
    pid_t child;
    int status;

    ck_assert_int_eq(
        tocsin_connect("test.other", &(struct tocsin_action){ .fn = until_posted }, &handler), 0);
    /* Starts the watchdog's thread before the fork. If the thread were just starting during the
       fork, it might hold the lock of the allocator. */
    ck_assert_int_eq(tocsin_watchdog(1), 0);
    ck_assert_int_eq(tocsin_emit(other, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_watchdog(LIMIT_MS), 0);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    turns_until(&heard_count, 1);
    heard_count = 0;
    child = fork();
    if (child == 0)
        in_child();
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    connect_to("test.note", looks, &five); /* the parent is watched as before the fork */
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    turns_until(&heard_count, 1);
}
END_TEST

/* Handlers and loops are created and removed while the watchdog examines them all the time. The
   sanitizers must find no error. */

enum { ROUNDS = 400, TURNS = 20 };
static atomic_bool over;

static void *look_always(void *arg)
{
    int64_t us = 0;

    (void)arg;
    while (!atomic_load(&over))
        tocsin__watchdog_look(us += 1000);
    return NULL;
}

static int go_away(const struct tocsin_info *info, void *arg)
{
    if (arg)
        tocsin_disconnect(*(struct tocsin_handler *)arg);
    /* A loop emits again only for emissions that it made itself. Otherwise the two loops would emit
       for each other without end. */
    if (info->sequence >> 48 == tocsin_loop_current().id >> 48)
        tocsin_emit(info->signo == note ? other : note, NULL);
    return TOCSIN_NEXT;
}

/* Checks the result of an emission. The other loop also receives the emission. If that loop is
   slow, its inbox is full and the result is -EAGAIN. */
static void check_full(int answer)
{
    ck_assert_msg(answer >= 0 || answer == -EAGAIN, "%d", answer);
}

static int do_something(void *arg)
{
    (void)arg;
    tocsin_emit(note, NULL);
    tocsin_yield();
    return 0;
}

static void *come_and_go(void *arg)
{
    char pattern[64];

    for (int round = 0; round < ROUNDS; round++) {
        struct tocsin_handler handler;

        ck_assert_int_eq(tocsin_watchdog(1 + round % 3), 0);
        snprintf(pattern, sizeof pattern, round % 2 ? "test.note, test.other" : "test.%s",
                 round % 3 ? "note" : "*");
        ck_assert_int_eq(tocsin_connect(pattern,
                                        &(struct tocsin_action){ .fn = go_away, .arg = &handler },
                                        &handler),
                         0);
        ck_assert_int_eq(
            tocsin_connect("test.other",
                           &(struct tocsin_action){ .fn = go_away, .flags = TOCSIN_ONCE }, NULL),
            0);
        if (round % TURNS == 0)
            connect_to("loop.blocked", tell, arg);
        ck_assert_int_eq(tocsin_spawn(do_something, NULL, NULL, NULL), 0);
        ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(go_away, NULL), NULL), 0);
        check_full(tocsin_loop_call(tocsin_loop_current(), do_something, NULL, NULL));
        check_full(tocsin_emit(note, NULL));
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        if (round % 7 == 0)
            ck_assert_int_eq(tocsin_watchdog(0), 0);
        if (round % TURNS == TURNS - 1)
            tocsin_loop_free();
    }
    tocsin_loop_free();
    return NULL;
}

START_TEST(watched_while_handlers_and_loops_change)
{
    struct told told[2] = { { .count = 0 } };
    pthread_t looker, threads_of[2];

    atomic_store(&over, false);
    ck_assert_int_eq(pthread_create(&looker, NULL, look_always, NULL), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads_of[i], NULL, come_and_go, &told[i]), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads_of[i], NULL), 0);
    atomic_store(&over, true);
    ck_assert_int_eq(pthread_join(looker, NULL), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/watchdog");
    TCase *tests = test_case(suite, "watchdog"), *alone = test_case(suite, "new process");

    test_needs_processes();
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_checked_fixture(alone, begin_alone, NULL);
    tcase_set_timeout(tests, 60);
    tcase_set_timeout(alone, 60);
    tcase_add_test(tests, reports_at_the_limit_and_at_each_doubling);
    tcase_add_loop_test(alone, the_printed_message, 0, 2);
    tcase_add_test(tests, still_running_names_the_running_code);
    tcase_add_test(tests, a_handler_that_blocks_in_a_turn);
    tcase_add_test(tests, a_leap_of_time_is_not_reported);
    tcase_add_test(tests, without_memory_the_report_comes_later);
    tcase_add_test(tests, a_new_listener_gets_the_next_report);
    tcase_add_test(tests, the_report_names_the_handler);
    tcase_add_test(tests, the_report_names_other_running_code);
    tcase_add_test(tests, an_idle_loop_is_not_reported);
    tcase_add_test(tests, short_turns_are_not_reported);
    tcase_add_test(tests, a_long_turn_of_short_calls_is_reported);
    tcase_add_test(tests, the_innermost_handler_is_named);
    tcase_add_test(tests, a_handler_that_blocks_too_often_is_not_called);
    tcase_add_test(tests, one_watchdog_serves_two_loops);
    tcase_add_test(tests, an_unwatched_loop_receives_reports);
    tcase_add_test(tests, the_watchdog_ends_while_a_handler_blocks);
    tcase_add_test(tests, a_blocked_loop_is_freed);
    tcase_add_test(tests, the_watchdog_thread_blocks_every_signal);
    tcase_add_test(tests, the_watchdog_in_the_child_of_a_fork);
    tcase_add_test(alone, each_call_of_the_watchdog_fails_in_turn);
    tcase_add_test(alone, watched_while_handlers_and_loops_change);
    return suite;
}
