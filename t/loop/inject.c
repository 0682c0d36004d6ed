/* Fault injection for received messages: the injector delays a message, delivers it after the next
   message, or delivers it twice. No message may be lost. */
#include <stdatomic.h>
#include <sys/wait.h>
#include <tocsin/inject.h>
#include <unistd.h>

#include "faults.h"
#include "command_threads.h"
#include "record.h"

#define DETAIN_TEXT(F) F(string, text) F(object, object)
TOCSIN_LAYOUT(detain_text, DETAIN_TEXT);
#define DETAIN_NUMBER(F) F(u64, number)
TOCSIN_LAYOUT(detain_number, DETAIN_NUMBER);

static int text, number, newest, refs;
static struct told told;

/* The actions that the injector takes for the next messages, in this order. */
static struct {
    const char *name;
    int count, next;
    struct tocsin_inject_action verdicts[8];
} plan;
static int crossed;
static uint64_t from;

static void by_plan(const struct tocsin_inject_event *crossing,
                    struct tocsin_inject_action *verdict, void *arg)
{
    (void)arg;
    if (crossing->point != TOCSIN_INJECT_RECEIVE || strcmp(crossing->name, plan.name) != 0)
        return;
    crossed++;
    from = crossing->source.id;
    if (plan.next < plan.count)
        *verdict = plan.verdicts[plan.next++];
}

#define LATE(ms) \
    { \
        .delay_ms = (ms) \
    }
#define BEHIND(ms) \
    { \
        .delay_ms = (ms), .behind = true \
    }
#define TWICE(ms) \
    { \
        .delay_ms = (ms), .twice = true \
    }
#define NOTHING \
    { \
        .delay_ms = 0 \
    }
#define stands(called, ...) \
    stands_so(called, (const struct tocsin_inject_action[]){ __VA_ARGS__ }, \
              sizeof((const struct tocsin_inject_action[]){ __VA_ARGS__ }) / \
                  sizeof(struct tocsin_inject_action))

static void stands_so(const char *name, const struct tocsin_inject_action *verdicts, size_t count)
{
    plan.name = name;
    plan.next = crossed = 0;
    plan.count = (int)count;
    memcpy(plan.verdicts, verdicts, count * sizeof *verdicts);
    ck_assert_int_eq(tocsin_inject(by_plan, NULL), 0);
}

static int ref(void *object)
{
    (void)object;
    __atomic_add_fetch(&refs, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void unref(void *object)
{
    (void)object;
    __atomic_sub_fetch(&refs, 1, __ATOMIC_SEQ_CST);
}

static const struct tocsin_object_ops shared = { .name = "thing", .ref = ref, .unref = unref };

static int write_text(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%s", detain_text_of(info)->text);
    return TOCSIN_NEXT;
}

static int write_number(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%d%s", (int)detain_number_of(info)->number, info->overrun ? "+" : "");
    return TOCSIN_NEXT;
}

static int declare(const char *name, const struct tocsin_layout *layout, enum tocsin_kind kind)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = name, .doc = "Of a test.", .layout = layout, .kind = kind });

    ck_assert_int_gt(signo, 0);
    return signo;
}

static void declare_all(void)
{
    refs = 0;
    memset(&told, 0, sizeof told);
    text = declare("detain.text", &detain_text_layout, TOCSIN_QUEUED);
    number = declare("detain.number", &detain_number_layout, TOCSIN_QUEUED);
    newest = declare("detain.newest", &detain_number_layout, TOCSIN_COALESCE);
}

static void begin(void)
{
    declare_all();
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    connect_to("detain.text", write_text, NULL);
    connect_to("detain.number, detain.newest", write_number, NULL);
}

static void leave(void)
{
    ck_assert_int_eq(tocsin_inject(NULL, NULL), 0);
    ck_assert_int_eq(__atomic_load_n(&refs, __ATOMIC_SEQ_CST), 0);
}

static void moves(int64_t ms)
{
    ck_assert_int_eq(tocsin_clock_move(ms), 0);
}

static int post_text(void *arg)
{
    return tocsin_post(text,
                       TOCSIN_PAYLOAD(detain_text, .text = arg, .object = { &refs, &shared }));
}

static void posts_text(const char *what)
{
    ck_assert_int_eq(post_text((void *)(uintptr_t)what), TOCSIN_PENDED);
}

static void posts(int signo, uint64_t what)
{
    ck_assert_int_eq(tocsin_post(signo, TOCSIN_PAYLOAD(detain_number, .number = what)),
                     TOCSIN_PENDED);
}

/* The first message is delayed and the second one is not, so the second one is delivered first. The
   delayed message must be delivered when its delay ends. The test uses small messages and shared
   messages. */
START_TEST(a_delayed_message_is_delivered_later)
{
    uint64_t sequence;

    connect_to("detain.number", tell, &told);
    stands("detain.number", LATE(50), NOTHING);
    posts(number, 1);
    posts(number, 2);
    moves(49);
    ck_assert_record("2");
    sequence = told.sequence;
    moves(1);
    ck_assert_record("1");
    ck_assert_int_eq(told.code, TOCSIN_POSTED);
    /* The library numbers a message at its delivery, so the delayed message has the larger
       number. */
    ck_assert_uint_gt(told.sequence, sequence);
    ck_assert_int_eq(crossed, 2);
}
END_TEST

/* A loop is exempt from fault injection. The injector must see neither the messages in this loop's
   inbox nor the posts of this loop's thread. */
START_TEST(an_exempt_loop_is_not_injected)
{
    connect_to("detain.number", tell, &told);
    stands("detain.number", LATE(50), LATE(50));
    ck_assert_int_eq(tocsin_inject_exempt(), 0);
    posts(number, 1);
    moves(0);
    ck_assert_record("1");
    ck_assert_int_eq(crossed, 0);
}
END_TEST

START_TEST(a_large_payload_is_delayed)
{
    stands("detain.text", LATE(50), NOTHING);
    posts_text("a");
    posts_text("b");
    moves(49);
    ck_assert_record("b");
    moves(1);
    ck_assert_record("a");
}
END_TEST

START_TEST(messages_are_delivered_twice)
{
    stands("detain.text", TWICE(0), NOTHING, TWICE(20));
    posts_text("a");
    posts_text("b");
    moves(0);
    ck_assert_record("a b a");
    posts_text("c");
    moves(19);
    ck_assert_record("");
    moves(1);
    ck_assert_record("c c");
    /* The injector has seen three messages. The delayed message is one of them. */
    ck_assert_int_eq(crossed, 3);
}
END_TEST

START_TEST(a_message_is_delivered_after_the_next)
{
    stands("detain.number", BEHIND(50), BEHIND(50), NOTHING);
    posts(number, 1);
    moves(10);
    ck_assert_record("");
    posts_text("other");
    posts(number, 2);
    moves(0);
    ck_assert_record("other 2 1");
    posts(number, 3);
    moves(0);
    ck_assert_record("3");
}
END_TEST

START_TEST(no_next_message_ends_the_delay)
{
    stands("detain.number", BEHIND(50));
    posts(number, 1);
    moves(49);
    ck_assert_record("");
    moves(1);
    ck_assert_record("1");
}
END_TEST

/* The signal is blocked when the delay of a message ends. The message must become pending, in
   order. */
START_TEST(a_delayed_message_meets_a_block)
{
    struct tocsin_block mask;

    stands("detain.number", LATE(50));
    posts(number, 1);
    moves(0);
    ck_assert_int_eq(tocsin_block("detain.number", &mask), 0);
    posts(number, 2);
    moves(50);
    posts(number, 3);
    moves(0);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_record("2 1 3");
}
END_TEST

/* The handlers change during the delay. The message is delivered to the handlers that exist when
   the delay ends. */
START_TEST(handlers_change_during_the_delay)
{
    struct tocsin_handler handler;
    int gone = declare("detain.gone", NULL, TOCSIN_QUEUED);

    ck_assert_int_eq(tocsin_connect("detain.gone",
                                    &(struct tocsin_action){ .fn = tell, .arg = &told }, &handler),
                     0);
    stands("detain.gone", LATE(50));
    ck_assert_int_eq(tocsin_post(gone, NULL), TOCSIN_PENDED);
    moves(0);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    moves(50);
    ck_assert_int_eq(told.count, 0);
}
END_TEST

START_TEST(coalescing_messages_are_delayed)
{
    struct peer peer;

    peer_begin(&peer);
    stands("detain.newest", LATE(50), TWICE(0));
    posts(newest, 1);
    posts(newest, 2);
    moves(0);
    posts(newest, 3);
    moves(0);
    ck_assert_record("3 3");
    moves(50);
    ck_assert_record("2+");
    peer_leaves(&peer);
}
END_TEST

/* Messages come from other threads, and some are for several loops. The injector chooses an action
   for each loop. */
static int do_connect(void *arg)
{
    return tocsin_connect("detain.text", &(struct tocsin_action){ .fn = tell, .arg = arg }, NULL);
}

static int do_emit(void *arg)
{
    return tocsin_emit(text,
                       TOCSIN_PAYLOAD(detain_text, .text = arg, .object = { &refs, &shared }));
}

START_TEST(a_message_from_another_loop)
{
    struct peer peer;

    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_connect, &told), 0);
    stands("detain.text", TWICE(50));
    ck_assert_int_eq(peer_does(&peer, do_emit, (void *)"a"), TOCSIN_DELIVERED);
    /* An emission to the emitting thread's own loop does not pass the injector. So this handler was
       called at once. */
    ck_assert_int_eq(told.count, 1);
    moves(0);
    ck_assert_int_eq(crossed, 1);
    moves(50);
    ck_assert_record("a a");
    ck_assert_int_eq(peer_does(&peer, post_text, (void *)"b"), TOCSIN_PENDED);
    moves(0);
    ck_assert_record("b");
    ck_assert_int_ge(peer_does(&peer, do_turns, NULL), 0);
    ck_assert_int_eq(told.count, 2);
    ck_assert_int_eq(crossed, 3);
    peer_end(&peer);
}
END_TEST

static int do_emit_from(void *arg)
{
    struct tocsin_source *source = arg;

    if (tocsin_source_new(NULL, source) < 0)
        return -1;
    return tocsin_emit_from(*source, number, TOCSIN_PAYLOAD(detain_number, .number = 5));
}

START_TEST(a_delayed_message_keeps_its_source)
{
    struct tocsin_source source;
    struct peer peer;

    peer_begin(&peer);
    stands("detain.number", LATE(20));
    ck_assert_int_eq(peer_does(&peer, do_emit_from, &source), TOCSIN_PENDED);
    connect_to("detain.number", tell, &told);
    moves(20);
    ck_assert_record("5");
    ck_assert_uint_eq(from, source.id);
    ck_assert_uint_eq(told.source, source.id);
    ck_assert_int_eq(told.code, TOCSIN_EMITTED);
    ck_assert_int_eq(peer_does(&peer, do_free, NULL), 1);
    peer_leaves(&peer);
}
END_TEST

/* An operation belongs to another loop. Its progress and its completion are injected on that
   loop. */
static int do_every(void *op)
{
    return tocsin_every(1, NULL, op);
}

static int do_cancel(void *op)
{
    return tocsin_cancel(*(struct tocsin_op *)op);
}

START_TEST(progress_of_an_operation_is_delayed)
{
    struct tocsin_op op;
    struct peer peer;

    peer_begin(&peer);
    connect_to("timer.*", tell, &told);
    stands("timer.ticked", LATE(50), LATE(50), LATE(50));
    ck_assert_int_eq(peer_does(&peer, do_every, &op), 0);
    while (told.count < 2) {
        ck_assert_int_ge(peer_does(&peer, do_turn, NULL), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_eq(peer_does(&peer, do_cancel, &op), 0);
    while (told.code != TOCSIN_DONE) {
        ck_assert_int_ge(peer_does(&peer, do_turn, NULL), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_eq(crossed, 0);
    peer_end(&peer);
}
END_TEST

/* A message has no handler. Its default action must run once, or twice if the injector doubles the
   message. */
static int count_unhandled(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    record("unhandled");
    return TOCSIN_NEXT;
}

START_TEST(the_default_action)
{
    int alone = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "detain.alone", .doc = "Of a test.", .unhandled_fn = count_unhandled });

    ck_assert_int_gt(alone, 0);
    stands("detain.alone", LATE(20), TWICE(20));
    ck_assert_int_eq(tocsin_post(alone, NULL), TOCSIN_PENDED);
    moves(19);
    ck_assert_record("");
    moves(1);
    ck_assert_record("unhandled");
    ck_assert_int_eq(tocsin_post(alone, NULL), TOCSIN_PENDED);
    moves(20);
    ck_assert_record("unhandled unhandled");
}
END_TEST

/* Only a limited number of messages can be delayed at a time. Further messages must be delivered at
   once. */
static int count_only(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

static void always(const struct tocsin_inject_event *crossing, struct tocsin_inject_action *verdict,
                   void *arg)
{
    (void)crossing, (void)arg;
    verdict->delay_ms = 100;
}

START_TEST(too_many_messages_to_delay)
{
    int count = 0, many = declare("detain.many", NULL, TOCSIN_QUEUED);

    connect_to("detain.many", count_only, &count);
    ck_assert_int_eq(tocsin_inject(always, NULL), 0);
    for (int i = 0; i < TOCSIN_INJECT_MAX + 100; i++) {
        ck_assert_int_eq(tocsin_post(many, NULL), TOCSIN_PENDED);
        if (i % 500 == 0)
            moves(0);
    }
    moves(0);
    ck_assert_int_eq(count, 100);
    moves(100);
    ck_assert_int_eq(count, TOCSIN_INJECT_MAX + 100);
}
END_TEST

/* The loop is freed while messages are delayed. All of these messages must be delivered. */
START_TEST(a_freed_loop_delivers_delayed_messages)
{
    stands("detain.text", BEHIND(3600000), TWICE(3600000));
    posts_text("a");
    posts_text("b");
    moves(0);
    posts_text("c");
    ck_assert_int_ge(tocsin_loop_free(), 0);
    /* The injector is not called for messages that arrive while the loop is freed. */
    ck_assert_int_eq(crossed, 2);
    ck_assert_record("c a b b");
}
END_TEST

static int free_loop(const struct tocsin_info *info, void *arg)
{
    write_text(info, arg);
    tocsin_loop_free();
    return TOCSIN_NEXT;
}

START_TEST(a_handler_of_a_delayed_message_frees_the_loop)
{
    connect_to("detain.text", free_loop, NULL);
    stands("detain.text", LATE(20), LATE(30), LATE(40));
    posts_text("a");
    posts_text("b");
    posts_text("c");
    moves(50);
    ck_assert_record("a a b b c c");
}
END_TEST

START_TEST(a_drain_waits)
{
    connect_to("detain.text", write_text, NULL);
    stands("detain.text", LATE(20));
    posts_text("a");
    drain_all();
    ck_assert_record("a");
}
END_TEST

/* Contract line T8: delayed messages of the parent must not be delivered in the child of a fork. */
static void in_child(void)
{
    require(tocsin_after_fork() == 0);
    require(refs == 0);
    for (int i = 0; i < 8; i++)
        require(tocsin_loop_turn(5) >= 0);
    require(told.count == 0);
    require(post_text((void *)"child") == TOCSIN_PENDED);
    while (told.count == 0)
        require(tocsin_loop_turn(-1) >= 0);
    require(tocsin_loop_free() == 0);
    _exit(refs);
}

START_TEST(delayed_messages_in_a_child)
{
    bool delivered_before_free = _i;
    int status = -1;
    pid_t child;

    connect_to("detain.text", tell, &told);
    stands("detain.text", LATE(delivered_before_free ? 20 : 3600000), LATE(1));
    posts_text("a");
    while (!crossed)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    fflush(stdout);
    child = fork();
    if (child == 0)
        in_child();
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (delivered_before_free)
        turns_until(&told.count, 1);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    ck_assert_int_eq(told.count, 1);
}
END_TEST

/* Contract line F3: allocations fail. An accepted message must be delivered once. If the injector
   asks for a second delivery, this second delivery may be missing only for lack of memory. */
static int heard;

static int hear(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    ck_assert_str_eq(detain_text_of(info)->text, "a");
    heard++;
    return TOCSIN_NEXT;
}

static void job(void)
{
    int accepted = 0,
        err = tocsin_connect("detain.text", &(struct tocsin_action){ .fn = hear }, NULL);

    struct tocsin_block mask = { 0 };

    heard = 0;
    plan.next = crossed = 0;
    for (int i = 0; i < 4 && err == 0; i++)
        accepted += post_text((void *)"a") == TOCSIN_PENDED;
    if (err == 0)
        tocsin_block("detain.text", &mask);
    for (int i = 0; i < 8 && err == 0; i++)
        tocsin_loop_turn(1);
    tocsin_unblock(mask);
    if (err == 0 && tocsin_drain(-1) == 0)
        ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    ck_assert_int_ge(heard, accepted);
    ck_assert_int_le(heard, accepted + 1);
    ck_assert_int_le(crossed, accepted);
    ck_assert_int_eq(__atomic_load_n(&refs, __ATOMIC_SEQ_CST), 0);
}

START_TEST(delays_without_memory)
{
    declare_all();
    stands("detain.text", LATE(1), TWICE(1), BEHIND(1));
    each_in_turn("loop/inject", job);
}
END_TEST

static TCase *delay_case(Suite *suite, const char *name, SFun first)
{
    TCase *tests = test_case(suite, name);

    tcase_add_checked_fixture(tests, first, leave);
    tcase_set_timeout(tests, 60);
    return tests;
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("loop/inject");
    TCase *tests = delay_case(suite, "received messages", begin);

    tcase_add_test(tests, a_delayed_message_is_delivered_later);
    tcase_add_test(tests, an_exempt_loop_is_not_injected);
    tcase_add_test(tests, a_large_payload_is_delayed);
    tcase_add_test(tests, messages_are_delivered_twice);
    tcase_add_test(tests, a_message_is_delivered_after_the_next);
    tcase_add_test(tests, no_next_message_ends_the_delay);
    tcase_add_test(tests, a_delayed_message_meets_a_block);
    tcase_add_test(tests, handlers_change_during_the_delay);
    tcase_add_test(tests, coalescing_messages_are_delayed);
    tcase_add_test(tests, a_message_from_another_loop);
    tcase_add_test(tests, a_delayed_message_keeps_its_source);
    tcase_add_test(tests, progress_of_an_operation_is_delayed);
    tcase_add_test(tests, the_default_action);
    tcase_add_test(tests, too_many_messages_to_delay);
    tcase_add_test(tests, a_freed_loop_delivers_delayed_messages);
    tcase_add_test(tests, a_handler_of_a_delayed_message_frees_the_loop);
    tests = delay_case(suite, "real clock", declare_all);
    tcase_add_test(tests, a_drain_waits);
    tcase_add_loop_test(tests, delayed_messages_in_a_child, 0, 2);
    tests = delay_case(suite, "faults", declare_all);
    tcase_add_test(tests, delays_without_memory);
    return suite;
}
