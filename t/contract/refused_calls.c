/* Contract lines F1 and F2: a call with a bad pattern, name, signo, id, payload or number must
   return an error and change nothing. Three further cases: a handler unblocks its own signal; a
   queue is closed while a thread waits for it; a handler waits. */
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/inspect.h>
#include <tocsin/posix.h>
#include <tocsin/provider.h>

#include "record.h"
#include "test.h"

#define WORD(F) F(string, text)
TOCSIN_LAYOUT(word, WORD);
#define NUMBER(F) F(u64, number)
TOCSIN_LAYOUT(number, NUMBER);

static int plain, worded, asked;

static int declare(struct tocsin_signal_spec spec)
{
    int signo;

    spec.doc = "Of a test.";
    signo = tocsin_declare(&spec);
    ck_assert_int_gt(signo, 0);
    return signo;
}

static void begin(void)
{
    plain = declare((struct tocsin_signal_spec){ .name = "bad.plain" });
    worded = declare((struct tocsin_signal_spec){ .name = "bad.worded", .layout = &word_layout });
    asked = declare((struct tocsin_signal_spec){ .name = "bad.asked", .kind = TOCSIN_DIRECT });
}

static void end(void)
{
    tocsin_loop_free();
    record_take();
}

/* Describes all objects of the loop as text. The test compares the texts before and after a refused
   call. */

static char before[16384], after[16384];

static __attribute__((format(printf, 2, 3))) void add(char *text, const char *format, ...)
{
    size_t length = strlen(text);
    va_list values;

    va_start(values, format);
    ck_assert_int_lt(vsnprintf(text + length, sizeof before - length, format, values),
                     (int)(sizeof before - length));
    va_end(values);
}

static void add_signals(char *text)
{
    struct tocsin_signal_facts facts;
    int signo = 1;

    for (; tocsin_signal_get(signo, &facts) == 0; signo++)
        if (facts.handlers || facts.observers || facts.blocked || facts.ignored || facts.pending ||
            facts.refused)
            add(text, "%s: %u %u %d %d %u %zu %d\n", facts.name, facts.handlers, facts.observers,
                facts.blocked, facts.ignored, facts.pending, facts.pending_bytes,
                (int)facts.refused);
    add(text, "%d names\n", signo - 1);
}

static void describe(char *text)
{
    struct tocsin_handler_facts handler = { .handler = { 0 } };
    struct tocsin_source_facts source = { .source = { 0 } };
    struct tocsin_queue_facts queue = { .queue = { 0 } };
    struct tocsin_block_facts block = { .block = { 0 } };
    struct tocsin_op_facts op = { .op = { { 0 } } };
    char set[512];

    *text = '\0';
    add_signals(text);
    while (tocsin_handler_next(handler.handler, &handler) == 0)
        add(text, "handler %d of %s\n", (int)handler.handler.id, handler.pattern);
    while (tocsin_queue_next(queue.queue, &queue) == 0)
        add(text, "queue %d of %s: %zu %zu %zu %d\n", (int)queue.queue.id,
            queue.pattern ? queue.pattern : "", queue.entries, queue.bytes, queue.reserved,
            (int)queue.refused);
    while (tocsin_block_next(block.block, &block) == 0)
        add(text, "block %d of %s\n", (int)block.block.id, block.pattern);
    while (tocsin_source_next(source.source, &source) == 0)
        add(text, "source %d with %p\n", (int)source.source.id, source.data);
    while (tocsin_op_next(op.op, &op) == 0)
        add(text, "operation %d: %d\n", (int)op.op.source.id, op.status);
    if (tocsin_loop_current().id && tocsin_sigmask(TOCSIN_BLOCK, NULL, set, sizeof set) > 0)
        add(text, "blocked: %s\n", set);
}

#define ck_refused(call, answer) \
    do { \
        describe(before); \
        ck_assert_int_eq(call, answer); \
        describe(after); \
        ck_assert_str_eq(after, before); \
    } while (0)

/* The ids of one object of each kind. */
struct ids {
    struct tocsin_handler handler;
    struct tocsin_block mask;
    struct tocsin_queue queue;
    struct tocsin_source source;
    struct tocsin_op op;
};
static struct ids some;

static void make_some(void)
{
    ck_assert_int_eq(tocsin_connect("bad.*",
                                    &(struct tocsin_action){ .fn = record_call, .arg = "heard" },
                                    &some.handler),
                     0);
    ck_assert_int_eq(tocsin_block("bad.plain", &some.mask), 0);
    ck_assert_int_ge(tocsin_sigmask(TOCSIN_SETMASK, "bad.plain, timer.*", NULL, 0), 0);
    ck_assert_int_eq(tocsin_queue_open("bad.worded", NULL, &some.queue), 0);
    ck_assert_int_eq(tocsin_source_new(&some, &some.source), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &some.op), 0);
    ck_assert_int_eq(tocsin_emit(plain, NULL), TOCSIN_PENDED);
}

/* Bad patterns */

/* Calls each function that takes a pattern, and expects this error. Functions that take a set of
   signals also accept "", which is the empty set. */
static void refuse_everywhere(const char *pattern, int answer, bool connecting)
{
    static const unsigned early[] = { 0, TOCSIN_EARLY };
    struct tocsin_handler handler = { 0 };
    struct tocsin_queue queue = { 0 };
    struct tocsin_block mask = { 0 };
    bool empty = pattern && !*pattern;

    ck_refused(tocsin_block(pattern, &mask), answer);
    ck_assert_int_eq(tocsin_id_error(mask.id), answer);
    /* NULL is a legal argument: tocsin_sigmask() then reads the set, and the queue is opened
       without signals */
    if (pattern)
        for (int how = TOCSIN_BLOCK; how <= TOCSIN_SETMASK && !empty; how++)
            ck_refused(tocsin_sigmask((enum tocsin_how)how, pattern, NULL, 0), answer);
    if (!empty)
        ck_refused(tocsin_suspend(pattern, 0), answer);
    ck_refused(tocsin_ignore(pattern), answer);
    ck_refused(tocsin_unignore(pattern), answer);
    if (!connecting)
        return;
    for (int i = 0; i < (answer == -EINVAL ? 2 : 1); i++) {
        struct tocsin_action action = {
            .fn = record_call, .drop = record_drop, .arg = "dropped", .flags = early[i]
        };

        ck_refused(tocsin_connect(pattern, &action, &handler), answer);
        ck_assert_int_eq(tocsin_id_error(handler.id), answer);
        ck_refused(tocsin_observe(pattern, &action, NULL), answer);
    }
    ck_refused(tocsin_on(pattern, record_call, NULL), answer);
    if (!pattern)
        return;
    ck_refused(tocsin_queue_open(pattern, NULL, &queue), answer);
    ck_assert_int_eq(tocsin_id_error(queue.id), answer);
    ck_refused(tocsin_connect("bad.plain",
                              &(struct tocsin_action){
                                  .fn = record_call, .mask = pattern, .drop = record_drop },
                              &handler),
               answer);
    ck_assert_int_eq(tocsin_id_error(handler.id), answer);
}

static const char *const malformed_patterns[] = {
    "",
    " ",
    ",",
    ".",
    "bad.plain,",
    ",bad.plain",
    "bad.plain,,bad.plain",
    "bad..plain",
    "bad.",
    ".bad",
    "***",
    "bad.p*",
    "**.plain",
    "bad.**.x",
    "bad plain",
    "bad.plain;",
    "\xff",
    "bad.\xc3\xa9",
    "caf\xc3",
    "bad.plain\n",
    "!",
    "!bad.plain",
    "!*, !bad.*",
    "!!bad.plain, bad.plain",
    "bad.*, !",
    "bad.*, !bad..plain",
    "bad.*, bad!plain",
};

START_TEST(malformed_patterns_are_refused)
{
    char longer[TOCSIN_NAME_MAX + 16] = "bad.*, ";

    make_some();
    for (size_t i = 0; i < sizeof malformed_patterns / sizeof malformed_patterns[0]; i++) {
        const char *bad = malformed_patterns[i];

        refuse_everywhere(bad, -EINVAL, true);
        /* These two functions accept "", which is the empty set. */
        ck_refused(tocsin_pending_count(bad), *bad ? -EINVAL : 0);
        ck_refused(tocsin_match(bad, "bad.plain"), *bad ? -EINVAL : 0);
    }
    memset(longer + 7, 'n', TOCSIN_NAME_MAX + 1);
    refuse_everywhere(longer, -EINVAL, true);
    refuse_everywhere(longer + 7, -EINVAL, true);
    ck_refused(tocsin_pending_count(longer), -EINVAL);
    longer[7 + TOCSIN_NAME_MAX] = '\0';
    /* This name has the greatest legal length, but is not declared. */
    refuse_everywhere(longer, -ENOENT, true);
    refuse_everywhere(NULL, -EINVAL, true);
    /* nothing was recorded, since a refused connect does not call the drop function */
    ck_assert_record("");
}
END_TEST

START_TEST(undeclared_names)
{
    make_some();
    refuse_everywhere("nobody.declared", -ENOENT, true);
    refuse_everywhere("bad.plain, nobody.declared", -ENOENT, true);
    refuse_everywhere("bad.*, nobody.declared, **", -ENOENT, true);
    ck_refused(tocsin_pending_count("nobody.declared"), 0);
    ck_refused(tocsin_pending_count("nobody.**, bad.plain"), 1);
    ck_assert_int_eq(
        tocsin_connect("bad.early",
                       &(struct tocsin_action){ .fn = record_call, .flags = TOCSIN_EARLY }, NULL),
        0);
    /* the name is not declared; an early connect has only named it */
    refuse_everywhere("bad.early", -ENOENT, true);
    refuse_everywhere("bad.*, bad.early", -ENOENT, true);
}
END_TEST

START_TEST(questions_can_be_neither_blocked_nor_ignored)
{
    struct tocsin_queue queue;

    make_some();
    refuse_everywhere("bad.asked", -EINVAL, false);
    refuse_everywhere("bad.plain, bad.asked", -EINVAL, false);
    ck_refused(tocsin_connect("bad.plain",
                              &(struct tocsin_action){ .fn = record_call, .mask = "bad.asked" },
                              NULL),
               -EINVAL);
    ck_refused(tocsin_queue_open("bad.asked", NULL, &queue), -EINVAL);
    ck_refused(tocsin_emit(asked, NULL), -EINVAL);
    ck_refused(tocsin_ask(plain, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_ignore("bad.a*, bad.*"), -EINVAL);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, "**", NULL, 0), 18);
    ck_assert_int_eq(tocsin_ignore("**"), 0);
    /* the question is asked, since the pattern "**" does not match questions and so ignores none */
    ck_assert_int_eq(tocsin_ask(asked, NULL, NULL), 0);
    ck_assert_record("heard");
    ck_assert_int_eq(tocsin_unignore("**"), 0);
}
END_TEST

START_TEST(added_and_removed_patterns_have_no_exclusions)
{
    make_some();
    for (int how = TOCSIN_BLOCK; how <= TOCSIN_UNBLOCK; how++)
        ck_refused(tocsin_sigmask((enum tocsin_how)how, "bad.*, !bad.plain", NULL, 0), -EINVAL);
    ck_refused(tocsin_ignore("**, !bad.plain"), -EINVAL);
    ck_refused(tocsin_unignore("**, !bad.plain"), -EINVAL);
}
END_TEST

START_TEST(bad_names_are_refused)
{
    static const char *const bad[] = { "",   ".",   "a..b", ".a",       "a.",   "a b", "a,b",
                                       "!a", "a.*", "**",   "\xc3\xa9", "\xff", "a\n", NULL };
    char longer[TOCSIN_NAME_MAX + 2] = "";

    make_some();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_refused(tocsin_declare(&(struct tocsin_signal_spec){ .name = bad[i] }), -EINVAL);
        ck_refused(tocsin_find(bad[i]), -EINVAL);
        ck_refused(tocsin_match("**", bad[i]), -EINVAL);
    }
    memset(longer, 'n', TOCSIN_NAME_MAX + 1);
    ck_refused(tocsin_declare(&(struct tocsin_signal_spec){ .name = longer }), -EINVAL);
    ck_refused(tocsin_find(longer), -EINVAL);
    ck_refused(tocsin_match("**", longer), -EINVAL);
    ck_refused(tocsin_declare(NULL), -EINVAL);
}
END_TEST

/* Bad signal numbers */

START_TEST(bad_signos_are_refused)
{
    int bad[] = { 0, -1, -EINVAL, INT_MIN, INT_MAX, TOCSIN_SIGNALS_MAX - 1, TOCSIN_SIGNALS_MAX, 0 };
    struct tocsin_signal_facts facts;
    struct tocsin_info *info;
    int last = sizeof bad / sizeof bad[0] - 1;

    make_some();
    /* bad[last] becomes the first signal number that is not used */
    while (tocsin_signal_get(bad[last] + 1, &facts) == 0)
        bad[last]++;
    bad[last]++;
    for (int i = 0; i <= last; i++) {
        ck_refused(tocsin_emit(bad[i], NULL), -EINVAL);
        ck_refused(tocsin_emit(bad[i], TOCSIN_PAYLOAD(word, .text = "words")), -EINVAL);
        ck_refused(tocsin_emit_from(some.source, bad[i], NULL), -EINVAL);
        ck_refused(tocsin_ask(bad[i], NULL, NULL), -EINVAL);
        ck_refused(tocsin_has_listeners(bad[i]), -EINVAL);
        ck_refused(tocsin_signal_get(bad[i], &facts), -ENOENT);
        ck_refused(tocsin_pending_peek(bad[i], 0, &info), -ENOENT);
    }
}
END_TEST

START_TEST(a_name_without_a_declaration_has_no_signal)
{
    struct tocsin_action action = { .fn = record_call, .arg = "early", .flags = TOCSIN_EARLY };
    struct tocsin_signal_facts facts = { .signo = 0 };

    ck_assert_int_eq(tocsin_connect("bad.early", &action, NULL), 0);
    for (int signo = 1; tocsin_signal_get(signo, &facts) == 0 && facts.spec; signo++)
        ;
    ck_assert_str_eq(facts.name, "bad.early");
    ck_refused(tocsin_emit(facts.signo, NULL), -EINVAL);
    ck_refused(tocsin_emit_from((struct tocsin_source){ 0 }, facts.signo, NULL), -EINVAL);
    ck_refused(tocsin_ask(facts.signo, NULL, NULL), -EINVAL);
    ck_refused(tocsin_has_listeners(facts.signo), -EINVAL);
    ck_assert_record("");
}
END_TEST

START_TEST(bad_numbers_are_refused)
{
    static const struct tocsin_queue_options options[] = {
        { .flags = 2 },           { .flags = TOCSIN_TAKE | 1u << 31 },
        { .priority = 32768 },    { .priority = -32769 },
        { .limit = SIZE_MAX },    { .limit_bytes = SIZE_MAX },
        { .spare = { 1 } },       { .spare = { 0, 1 } },
        { .spare = { 0, 0, 1 } }, { .spare = { 0, 0, 0, 1 } },
    };
    struct tocsin_queue queue = { 0 };
    struct tocsin_info *info;
    char old[8] = "untold";

    make_some();
    for (int how = -1; how <= TOCSIN_SETMASK + 1; how += TOCSIN_SETMASK + 2) {
        ck_refused(tocsin_sigmask((enum tocsin_how)how, "bad.*", old, sizeof old), -EINVAL);
        ck_refused(tocsin_sigmask((enum tocsin_how)how, NULL, NULL, 0), -EINVAL);
    }
    ck_refused(tocsin_sigmask(TOCSIN_SETMASK, "bad.*", NULL, 1), -EINVAL);
    ck_refused(tocsin_sigmask(TOCSIN_SETMASK, "bad..", old, sizeof old), -EINVAL);
    ck_assert_str_eq(old, "untold");
    ck_refused(tocsin_block("bad.*", NULL), -EINVAL);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        for (int patterned = 0; patterned < 2; patterned++) {
            ck_refused(tocsin_queue_open(patterned ? "bad.*" : NULL, &options[i], &queue), -EINVAL);
            ck_assert_int_eq(tocsin_id_error(queue.id), -EINVAL);
        }
    ck_refused(tocsin_queue_open("bad.*", NULL, NULL), -EINVAL);
    ck_refused(tocsin_source_new(NULL, NULL), -EINVAL);
    ck_refused(tocsin_queue_wait(some.queue, -2, &info), -EINVAL);
    ck_refused(tocsin_queue_wait(some.queue, INT64_MIN, &info), -EINVAL);
    ck_refused(tocsin_suspend("bad.*", -2), -EINVAL);
    ck_refused(tocsin_suspend("", INT64_MIN), -EINVAL);
    ck_refused(tocsin_loop_turn(-2), -EINVAL);
    ck_refused(tocsin_drain(-2), -EINVAL);
    ck_refused(tocsin_clock_move(-1), -EINVAL);
}
END_TEST

START_TEST(bad_forms_of_notify_are_refused)
{
    struct tocsin_op op;

    make_some();
    ck_refused(
        tocsin_op_new(NULL, &(struct tocsin_notify){ .mode = TOCSIN_KEEP, .spare = { 1 } }, &op),
        -EINVAL);
    ck_refused(
        tocsin_op_new(NULL, &(struct tocsin_notify){ .mode = TOCSIN_KEEP, .spare = { 0, 1 } }, &op),
        -EINVAL);
    ck_refused(tocsin_op_new(NULL, &(struct tocsin_notify){ .mode = 1 << 10 }, &op), -EINVAL);
    for (unsigned how = TOCSIN_AT_END; how < 2 * TOCSIN_KEEP; how++)
        if (how != TOCSIN_INTO_QUEUE && how != TOCSIN_KEEP)
            ck_refused(tocsin_op_new(NULL, &(struct tocsin_notify){ .mode = how }, &op), -EINVAL);
    ck_assert_int_eq(tocsin_id_error(op.source.id), -EINVAL);
}
END_TEST

/* Calls each function that takes an id, and expects this error. */

static void refuse_ids(const struct ids *ids, int answer)
{
    struct tocsin_handler_facts facts;
    struct tocsin_handler handler;
    struct tocsin_info *info;
    struct tocsin_op op;

    /* this call is not tested for -EXDEV, since any thread may disconnect a handler of another
       loop */
    if (answer != -EXDEV)
        ck_refused(tocsin_disconnect(ids->handler), answer);
    ck_refused(tocsin_handler_get(ids->handler, &facts), answer);
    ck_refused(tocsin_unblock(ids->mask), answer);
    ck_refused(tocsin_queue_wait(ids->queue, 0, &info), answer);
    ck_refused(tocsin_queue_wait(ids->queue, -1, NULL), answer);
    ck_refused(tocsin_queue_fd(ids->queue), answer);
    ck_refused(tocsin_queue_close(ids->queue), answer);
    ck_refused(tocsin_source_free(ids->source), answer);
    ck_refused(tocsin_source_set(ids->source, NULL), answer);
    ck_assert_ptr_null(tocsin_source_get(ids->source));
    if (ids->source.id) { /* these calls are not tested for id 0, which means all sources */
        ck_refused(
            tocsin_connect("bad.plain",
                           &(struct tocsin_action){ .fn = record_call, .source = ids->source },
                           &handler),
            answer);
        ck_assert_int_eq(tocsin_id_error(handler.id), answer);
    }
    if (ids->queue.id) {
        ck_refused(tocsin_op_new(NULL, TOCSIN_QUEUE(ids->queue), &op), answer);
        ck_assert_int_eq(tocsin_id_error(op.source.id), answer);
    }
    ck_refused(tocsin_wait(ids->op, 0, &info), answer);
    ck_refused(tocsin_then(ids->op, record_call, NULL), answer);
    ck_refused(tocsin_op_free(ids->op), answer);
}

static void end_some(void)
{
    ck_assert_int_eq(tocsin_disconnect(some.handler), 0);
    ck_assert_int_ge(tocsin_sigmask(TOCSIN_SETMASK, "", NULL, 0), 0);
    ck_assert_int_eq(tocsin_unblock(some.mask), 0);
    ck_assert_int_eq(tocsin_queue_close(some.queue), 0);
    ck_assert_int_eq(tocsin_source_free(some.source), 0);
    ck_assert_int_eq(tocsin_op_complete(some.op, 0, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

START_TEST(stale_ids_are_refused)
{
    struct ids gone;

    make_some();
    gone = some;
    end_some();
    refuse_ids(&gone, -ENOENT);
    for (int i = 0; i < 3000; i++) { /* in so many rounds, the tables must reuse their entries */
        make_some();
        ck_assert(some.handler.id != gone.handler.id && some.mask.id != gone.mask.id &&
                  some.queue.id != gone.queue.id);
        if (i % 500 == 0)
            refuse_ids(&gone, -ENOENT);
        end_some();
    }
    record_take();
    make_some();
    refuse_ids(&gone, -ENOENT);
    tocsin_loop_free();
    record_take();
    make_some(); /* the new loop uses the same entry of the table */
    refuse_ids(&gone, -ENOENT);
}
END_TEST

START_TEST(invented_ids_are_refused)
{
    static const uint64_t never[] = { 0,
                                      1,
                                      1ull << 24,
                                      0xfffefffffffffffe,
                                      0xffff000000000000,
                                      (uint64_t)-4096,
                                      0x7fffffffffffffff };
    struct ids ids;

    make_some();
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        ids = (struct ids){
            { never[i] }, { never[i] }, { never[i] }, { never[i] }, { { never[i] } }
        };
        refuse_ids(&ids, -ENOENT);
    }
    for (int err = 1; err < 4096; err += 273) {
        uint64_t id = (uint64_t)(int64_t)-err;

        ids = (struct ids){ { id }, { id }, { id }, { id }, { { id } } };
        refuse_ids(&ids, -err);
    }
    ids = some;
    ids.handler.id += 1 << 24, ids.mask.id += 1 << 24,
        ids.queue.id += 1 << 24; /* the id gets another generation, which is a part of each id */
    ids.source.id += 1 << 24, ids.op.source.id += 1 << 24;
    refuse_ids(&ids, -ENOENT);
}
END_TEST

static void *beside(void *arg)
{
    struct ids theirs = some;

    (void)arg;
    /* For an operation of another loop, different functions return different errors. The calls
       below check each of these errors. */
    theirs.op.source.id = (uint64_t)-EXDEV;
    for (int has_loop = 0; has_loop < 2; has_loop++) {
        struct tocsin_handler by = { 1 };
        struct tocsin_info *info;

        refuse_ids(&theirs, -EXDEV);
        ck_assert_int_eq(tocsin_wait(some.op, 0, &info), -EXDEV);
        /* tocsin_ask() returns -EXDEV, since another loop has a listener */
        ck_refused(tocsin_ask(asked, NULL, &by), -EXDEV);
        ck_assert_int_eq(tocsin_on("timer.expired", record_call, NULL), 0);
    }
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

START_TEST(ids_and_questions_of_another_loop)
{
    pthread_t thread;

    make_some();
    describe(after);
    ck_assert_int_eq(pthread_create(&thread, NULL, beside, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_ask(asked, NULL, NULL), 0);
    ck_assert_record("heard");
    end_some(); /* the objects still exist and can be freed */
}
END_TEST

/* Bad payloads */

static void refuse_payloads(void)
{
    struct tocsin_payload bare = { NULL };
    const struct tocsin_layout cut = { "word", "string tex", sizeof(struct word) },
                               no_text = { "word", NULL, sizeof(struct word) };
    struct word odd[2] = { { .tocsin = { &cut }, .text = "words" },
                           { .tocsin = { &no_text }, .text = "words" } };

    for (int from = 0; from < 2; from++) {
        struct tocsin_source source = { from ? some.source.id : 0 };

        ck_refused(tocsin_emit_from(source, worded, TOCSIN_PAYLOAD(number, .number = 7)), -EPROTO);
        ck_refused(tocsin_emit_from(source, worded, NULL), -EPROTO);
        ck_refused(tocsin_emit_from(source, worded, &bare), -EPROTO);
        for (int i = 0; i < 2; i++)
            ck_refused(tocsin_emit_from(source, worded, &odd[i].tocsin), -EPROTO);
        ck_refused(tocsin_emit_from(source, plain, TOCSIN_PAYLOAD(word, .text = "words")), -EPROTO);
        ck_refused(tocsin_emit_from(source, plain, &bare), -EPROTO);
    }
    ck_refused(tocsin_ask(asked, TOCSIN_PAYLOAD(word, .text = "words"), NULL), -EPROTO);
    ck_assert_record("");
}

static int keep_sequence(const struct tocsin_info *info, void *arg)
{
    *(uint64_t *)arg = info->sequence;
    return TOCSIN_NEXT;
}

START_TEST(payloads_of_another_signal)
{
    uint64_t first = 0, second = 0;
    struct tocsin_block mask;

    make_some();
    /* the payloads are refused while there are listeners and one signal is blocked */
    refuse_payloads();
    ck_assert_int_eq(tocsin_ignore("bad.*"), 0);
    refuse_payloads();
    ck_assert_int_eq(tocsin_block("bad.*", &mask), 0);
    refuse_payloads();
    ck_assert_int_eq(tocsin_unignore("bad.*"), 0);
    refuse_payloads();
    ck_assert_int_eq(tocsin_disconnect(some.handler), 0);
    ck_assert_int_eq(tocsin_queue_close(some.queue), 0);
    /* the payloads are refused while the signal is blocked and has no listeners */
    refuse_payloads();
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "", NULL, 0) < 0, 0);
    ck_assert_int_eq(tocsin_unblock(mask) | tocsin_unblock(some.mask), 0);
    ck_assert_int_eq(tocsin_on("bad.worded", keep_sequence, &first), 0);
    ck_assert_int_eq(tocsin_emit(worded, TOCSIN_PAYLOAD(word, .text = "words")), TOCSIN_DELIVERED);
    second = first;
    ck_assert_int_eq(tocsin_emit(worded, TOCSIN_PAYLOAD(number, .number = 7)), -EPROTO);
    ck_assert_int_eq(tocsin_emit(worded, TOCSIN_PAYLOAD(word, .text = "words")), TOCSIN_DELIVERED);
    ck_assert_uint_eq(first, second + 1); /* a refused emission takes no sequence number */
}
END_TEST

/* Tests of calls in handlers, and of calls while other threads wait */

static struct tocsin_block token;
static int depth;

static int unblock_own_token(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("begin");
    if (!depth++) {
        ck_assert_int_eq(tocsin_block("bad.plain", &token), 0);
        ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
        /* the running delivery still blocks its own signal */
        ck_assert_int_eq(tocsin_unblock(token), 0);
        ck_refused(tocsin_unblock(token), -ENOENT);
        ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
    }
    record("end");
    return TOCSIN_NEXT;
}

static int unblock_own_set(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("begin");
    if (!depth++) {
        ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_sigmask(TOCSIN_UNBLOCK, "bad.plain", NULL, 0), strlen("@handlers"));
        record("taken out");
        ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_DELIVERED);
    }
    record("end");
    return TOCSIN_NEXT;
}

START_TEST(a_handler_unblocks_its_own_signal)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(
        tocsin_connect("bad.plain", &(struct tocsin_action){ .fn = unblock_own_token }, &handler),
        0);
    ck_assert_int_eq(tocsin_emit(plain, NULL), TOCSIN_DELIVERED);
    ck_assert_record("begin end begin end begin end");
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    depth = 0;
    ck_assert_int_eq(tocsin_on("bad.plain", unblock_own_set, NULL), 0);
    ck_assert_int_eq(tocsin_emit(plain, NULL), TOCSIN_DELIVERED);
    ck_assert_record("begin begin end taken out begin end end");
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
}
END_TEST

static struct tocsin_queue waited;

static int wait_for_it(void *arg)
{
    struct tocsin_info *info = NULL;
    int err = tocsin_queue_wait(waited, -1, &info);

    ck_assert_ptr_null(info);
    record("%s:%s", (const char *)arg,
           err == -ECANCELED ? "cancelled"
           : err == -EBUSY   ? "busy"
                             : "?");
    return 0;
}

static int close_it(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_queue_close(waited), 0);
    ck_assert_int_eq(tocsin_queue_close(waited), -ENOENT);
    record("closed");
    return TOCSIN_NEXT;
}

START_TEST(a_queue_is_closed_during_a_wait)
{
    struct tocsin_op fibers[2];

    for (int flags = 0; flags <= TOCSIN_TAKE; flags++)
        for (int patterned = 0; patterned < 2; patterned++) {
            const char *pattern = patterned ? "bad.*" : NULL;

            ck_assert_int_eq(
                tocsin_queue_open(
                    pattern, &(struct tocsin_queue_options){ .flags = (unsigned)flags }, &waited),
                0);
            for (int i = 0; i < 2; i++)
                ck_assert_int_eq(tocsin_spawn(wait_for_it, i ? "two" : "one", NULL, &fibers[i]), 0);
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
            close_it(NULL, NULL);
            while (tocsin_loop_turn(0) > 0)
                ;
            ck_assert_record("two:busy closed one:cancelled");
            ck_assert_int_eq(
                tocsin_queue_open(
                    pattern, &(struct tocsin_queue_options){ .flags = (unsigned)flags }, &waited),
                0);
            ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(close_it), NULL), 0);
            wait_for_it("here");
            ck_assert_record("closed here:cancelled");
        }
}
END_TEST

static int wait_in_handler(const struct tocsin_info *info, void *arg)
{
    struct tocsin_info *taken;

    (void)info, (void)arg;
    ck_refused(tocsin_queue_wait(waited, -1, &taken), -EDEADLK);
    ck_refused(tocsin_queue_wait(waited, 1, &taken), -EDEADLK);
    ck_refused(tocsin_queue_wait(waited, 0, &taken), -ETIMEDOUT);
    ck_refused(tocsin_suspend("bad.*", -1), -EDEADLK);
    ck_refused(tocsin_suspend("", 1), -EDEADLK);
    ck_refused(tocsin_wait(some.op, -1, &taken), -EDEADLK);
    ck_refused(tocsin_loop_turn(0), -EDEADLK);
    ck_refused(tocsin_run(), -EDEADLK);
    ck_refused(tocsin_clock_move(0), -EDEADLK);
    ck_refused(tocsin_yield(), -EDEADLK);
    record("refused");
    return TOCSIN_NEXT;
}

START_TEST(waits_in_a_handler_are_refused)
{
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &some.op), 0);
    ck_assert_int_eq(tocsin_queue_open("bad.worded", NULL, &waited), 0);
    ck_assert_int_eq(tocsin_on("bad.plain", wait_in_handler, NULL), 0);
    ck_assert_int_eq(tocsin_emit(plain, NULL), TOCSIN_DELIVERED);
    ck_assert_record("refused");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/refused_calls");
    TCase *patterns = test_case(suite, "names and patterns"),
          *numbers = test_case(suite, "numbers"), *ids = test_case(suite, "ids");
    TCase *rest = test_case(suite, "payloads, handlers, waiting"),
          *all[] = { patterns, numbers, ids, rest };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tcase_add_checked_fixture(all[i], begin, end);
    tcase_add_test(patterns, malformed_patterns_are_refused);
    tcase_add_test(patterns, undeclared_names);
    tcase_add_test(patterns, questions_can_be_neither_blocked_nor_ignored);
    tcase_add_test(patterns, added_and_removed_patterns_have_no_exclusions);
    tcase_add_test(patterns, bad_names_are_refused);
    tcase_add_test(numbers, bad_signos_are_refused);
    tcase_add_test(numbers, a_name_without_a_declaration_has_no_signal);
    tcase_add_test(numbers, bad_numbers_are_refused);
    tcase_add_test(numbers, bad_forms_of_notify_are_refused);
    tcase_add_test(ids, stale_ids_are_refused);
    tcase_add_test(ids, invented_ids_are_refused);
    tcase_add_test(ids, ids_and_questions_of_another_loop);
    tcase_add_test(rest, payloads_of_another_signal);
    tcase_add_test(rest, a_handler_unblocks_its_own_signal);
    tcase_add_test(rest, a_queue_is_closed_during_a_wait);
    tcase_add_test(rest, waits_in_a_handler_are_refused);
    return suite;
}
