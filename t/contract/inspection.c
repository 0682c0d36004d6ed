/* Tests the structs of <tocsin/inspect.h> that describe signals, pending emissions, queues, blocks,
   operations and sources. Also tests the functions that compare patterns with names. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/inspect.h>
#include <tocsin/posix.h>
#include <tocsin/provider.h>

#include "noted_line.h"
#include "record.h"
#include "test.h"

#define TEXT(F) F(string, text)
TOCSIN_LAYOUT(text, TEXT);

static int bell;

static void begin(void)
{
    bell = record_signal("bell.rung");
}

static void end(void)
{
    tocsin_loop_free();
    record_take();
}

static int nothing(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}


static struct tocsin_signal_facts signal_facts(int signo)
{
    struct tocsin_signal_facts facts;

    ck_assert_int_eq(tocsin_signal_get(signo, &facts), 0);
    return facts;
}

/* Tests of struct tocsin_signal_facts, the description of a signal */

static void check_catalogue(int *ret_count)
{
    struct tocsin_signal_facts facts;
    int signo = 1;

    for (; tocsin_signal_get(signo, &facts) == 0; signo++) {
        ck_assert_int_eq(facts.signo, signo);
        ck_assert_int_eq(tocsin_find(facts.name), facts.spec ? signo : -ENOENT);
        ck_assert_str_eq(facts.owner, facts.spec ? "program" : "");
        if (!facts.spec)
            continue;
        ck_assert_str_eq(facts.spec->name, facts.name);
        ck_assert_msg(*facts.spec->doc, "%s has no documentation", facts.name);
    }
    for (int beyond = signo; beyond < signo + 100; beyond++)
        ck_assert_int_eq(tocsin_signal_get(beyond, &facts), -ENOENT);
    *ret_count = signo - 1;
}

START_TEST(signals_are_listed_without_gaps)
{
    static const char *const ours[] = {
        "tocsin.connected",
        "tocsin.disconnected",
        "tocsin.handler.failed",
        "tocsin.queue.full",
        "op.done",
        "timer.ticked",
        "timer.expired",
        "fd.ready",
        "fd.done",
        "work.done",
        "fiber.done",
        "all.done",
        "any.done",
    };
    struct tocsin_signal_facts facts;
    int before, after;

    check_catalogue(&before); /* struct tocsin_signal_facts is read while this thread has no loop */
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        ck_assert_msg(tocsin_find(ours[i]) > 0, "there is no %s", ours[i]);
    ck_assert_int_ge(before, (int)(sizeof ours / sizeof ours[0]) + 1);
    ck_assert_int_eq(tocsin_on("**", nothing, NULL), 0);
    record_signal("bell.hung");
    check_catalogue(&after);
    ck_assert_int_eq(after, before + 1);
    ck_assert_int_eq(tocsin_signal_get(0, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_signal_get(-1, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_signal_get(INT_MAX, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_signal_get(bell, NULL), -EINVAL);
}
END_TEST

START_TEST(the_description_says_how_a_signal_was_declared)
{
    char name[] = "text.said", doc[] = "A text.", fields[] = "string text;";
    struct tocsin_layout layout = { "text", fields, sizeof(struct text) };
    struct tocsin_signal_spec spec = {
        .name = name,
        .doc = doc,
        .layout = &layout,
        .kind = TOCSIN_COALESCE,
        .unhandled = TOCSIN_STOP_LOOP,
        .unhandled_fn = nothing,
        .rank = -7,
        .limit = 8,
        .limit_bytes = 900,
    };
    const struct tocsin_signal_spec *shown;
    int signo = tocsin_declare(&spec);

    ck_assert_int_gt(signo, 0);
    /* the library has copies of these texts, so the program may overwrite them */
    *name = *doc = *fields = '-';
    memset(&layout, 0, sizeof layout);
    shown = signal_facts(signo).spec;
    ck_assert_str_eq(signal_facts(signo).name, "text.said");
    ck_assert_str_eq(shown->name, "text.said");
    ck_assert_str_eq(shown->doc, "A text.");
    ck_assert_str_eq(shown->layout->fields, "string text;");
    ck_assert_uint_eq(shown->layout->size, sizeof(struct text));
    ck_assert_int_eq(shown->kind, TOCSIN_COALESCE);
    ck_assert_int_eq(shown->unhandled, TOCSIN_STOP_LOOP);
    ck_assert_ptr_eq(shown->unhandled_fn, nothing);
    ck_assert_int_eq(shown->rank, -7);
    ck_assert_uint_eq(shown->limit, 8);
    ck_assert_uint_eq(shown->limit_bytes, 900);
    ck_assert_ptr_null(signal_facts(bell).spec->layout);
}
END_TEST

START_TEST(a_name_of_an_early_connect_has_no_declaration)
{
    struct tocsin_action action = { .fn = nothing, .flags = TOCSIN_EARLY };
    struct tocsin_signal_facts facts = { .signo = 0 };

    ck_assert_int_eq(tocsin_connect("early.bird", &action, NULL), 0);
    ck_assert_int_eq(tocsin_observe("early.bird", &action, NULL), 0);
    for (int signo = 1;
         tocsin_signal_get(signo, &facts) == 0 && strcmp(facts.name, "early.bird") != 0; signo++)
        ck_assert_ptr_nonnull(facts.spec);
    ck_assert_ptr_null(facts.spec);
    ck_assert_str_eq(facts.owner, "");
    ck_assert_uint_eq(facts.handlers, 1);
    ck_assert_uint_eq(facts.observers, 1);
    ck_assert_int_eq(tocsin_find("early.bird"), -ENOENT);
    ck_assert_int_eq(record_signal("early.bird"), facts.signo);
    ck_assert_ptr_nonnull(signal_facts(facts.signo).spec);
    ck_assert_str_eq(signal_facts(facts.signo).owner, "program");
}
END_TEST

static int see_running(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%s", signal_facts(info->signo).running ? "running" : "resting");
    return TOCSIN_NEXT;
}

START_TEST(listeners_and_blocks_are_counted)
{
    struct tocsin_handler handlers[2];
    struct tocsin_block mask;

    ck_assert_int_eq(tocsin_connect("bell.rung",
                                    &(struct tocsin_action){ .fn = see_running, .mask = "op.done" },
                                    &handlers[0]),
                     0);
    ck_assert_int_eq(tocsin_on("bell.*", nothing, NULL), 0);
    ck_assert_int_eq(tocsin_observe("**", &(struct tocsin_action){ .fn = nothing }, &handlers[1]),
                     0);
    ck_assert_uint_eq(signal_facts(bell).handlers, 2);
    ck_assert_uint_eq(signal_facts(bell).observers, 1);
    ck_assert(!signal_facts(bell).running && !signal_facts(bell).blocked &&
              !signal_facts(bell).ignored);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("running");
    ck_assert(!signal_facts(bell).running);
    ck_assert_int_eq(tocsin_block("bell.*", &mask), 0);
    ck_assert(signal_facts(bell).blocked);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert(!signal_facts(bell).blocked);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, "**", NULL, 0), 0);
    ck_assert(signal_facts(bell).blocked && !signal_facts(bell).ignored);
    ck_assert_int_ge(tocsin_sigmask(TOCSIN_UNBLOCK, "bell.rung", NULL, 0), 0);
    ck_assert_int_eq(tocsin_ignore("bell.*"), 0);
    ck_assert(!signal_facts(bell).blocked && signal_facts(bell).ignored);
    ck_assert_int_eq(tocsin_unignore("**"), 0);
    ck_assert(!signal_facts(bell).ignored);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_disconnect(handlers[i]), 0);
    ck_assert_uint_eq(signal_facts(bell).handlers, 1);
    ck_assert_uint_eq(signal_facts(bell).observers, 0);
}
END_TEST

START_TEST(pending_emissions_are_counted_and_shown)
{
    int texts = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "text.pended", .layout = &text_layout, .doc = "Of a test.", .limit = 3 });
    static const char *const words[] = { "first", "other", "third" };
    struct tocsin_info *info = NULL, *again;
    struct tocsin_block mask;
    size_t bytes;

    ck_assert_int_eq(tocsin_on("text.pended", nothing, NULL), 0);
    ck_assert_int_eq(tocsin_pending_peek(texts, 0, &info), -ENOENT);
    ck_assert_int_eq(tocsin_block("text.*", &mask), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(text, .text = words[i])), TOCSIN_PENDED);
    for (int i = 1; i < 3; i++) {
        ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(text, .text = "more")), -EAGAIN);
        ck_assert_uint_eq(signal_facts(texts).refused, i);
    }
    ck_assert_uint_eq(signal_facts(texts).pending, 3);
    bytes = signal_facts(texts).pending_bytes;
    ck_assert_uint_ge(bytes, 3 * (sizeof(struct text) + sizeof "first"));
    /* `bytes` is a multiple of 3, since the three texts have the same length */
    ck_assert_uint_eq(bytes % 3, 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_pending_peek(texts, i, &info), 0);
        ck_assert_str_eq(text_of(info)->text, words[i]);
        ck_assert_str_eq(info->name, "text.pended");
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(tocsin_pending_peek(texts, 0, &info), 0);
    ck_assert_int_eq(tocsin_pending_peek(texts, 3, &again), -ENOENT);
    ck_assert_int_eq(tocsin_pending_peek(texts, INT_MAX, &again), -ENOENT);
    ck_assert_int_eq(tocsin_pending_peek(texts, -1, &again), -EINVAL);
    ck_assert_int_eq(tocsin_pending_peek(texts, 0, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_pending_peek(0, 0, &again), -ENOENT);
    ck_assert_int_eq(tocsin_pending_peek(-1, 0, &again), -ENOENT);
    /* Reading the pending emissions must not have removed them. */
    ck_assert_int_eq(tocsin_pending_count(NULL), 3);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_uint_eq(signal_facts(texts).pending, 0);
    ck_assert_uint_eq(signal_facts(texts).pending_bytes, 0);
    ck_assert_uint_eq(signal_facts(texts).refused, 2);
    ck_assert_str_eq(text_of(info)->text, "first"); /* this info is the copy that the test keeps */
    tocsin_info_unref(info);
}
END_TEST

START_TEST(coalesced_emissions_count_as_one)
{
    int ticks = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "text.last", .layout = &text_layout, .kind = TOCSIN_COALESCE });
    struct tocsin_info *info;
    struct tocsin_block mask;

    ck_assert_int_eq(tocsin_block("text.last", &mask), 0);
    for (char word[] = "0"; *word < '5'; ++*word)
        ck_assert_int_eq(tocsin_emit(ticks, TOCSIN_PAYLOAD(text, .text = word)), TOCSIN_PENDED);
    ck_assert_uint_eq(signal_facts(ticks).pending, 1);
    ck_assert_int_eq(tocsin_pending_peek(ticks, 1, &info), -ENOENT);
    ck_assert_int_eq(tocsin_pending_peek(ticks, 0, &info), 0);
    ck_assert_str_eq(text_of(info)->text, "4");
    ck_assert_uint_eq(info->overrun, 4);
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
}
END_TEST

/* Tests of the structs that describe queues, blocks, operations and sources */

START_TEST(queues_are_described)
{
    int texts = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "text.queued", .layout = &text_layout, .doc = "Of a test." });
    struct tocsin_queue_options options = { .limit = 3, .limit_bytes = 1000, .flags = TOCSIN_TAKE };
    struct tocsin_queue_facts facts = { .queue = { 0 } };
    struct tocsin_handler_facts handler;
    struct tocsin_queue taking, plain;
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_queue_next(facts.queue, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_queue_next(facts.queue, NULL), -EINVAL);
    ck_assert_int_eq(noted(tocsin_queue_open("text.*, op.done", &options, &taking)), 0);
    ck_assert_int_eq(tocsin_queue_next(facts.queue, &facts), 0);
    check_line(facts.where);
    ck_assert_uint_eq(facts.queue.id, taking.id);
    ck_assert_str_eq(facts.pattern, "text.*, op.done");
    ck_assert_str_eq(facts.owner, "program");
    ck_assert(facts.flags == TOCSIN_TAKE && facts.limit == 3 && facts.limit_bytes == 1000);
    ck_assert_uint_eq(facts.entries + facts.bytes + facts.reserved + facts.refused + facts.missed,
                      0);
    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &plain), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_QUEUE(plain), &op), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(text, .text = "words")), TOCSIN_STOPPED);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(text, .text = "words")), -EAGAIN);
    facts.queue.id = 0;
    ck_assert_int_eq(tocsin_queue_next(facts.queue, &facts), 0);
    /* the completion will go to both queues, and neither queue has missed an entry */
    ck_assert(facts.entries == 2 && facts.reserved == 1 && facts.refused == 4 && facts.missed == 0);
    ck_assert_uint_ge(facts.bytes, 2 * (sizeof(struct text) + sizeof "words"));
    ck_assert_int_eq(tocsin_queue_next(facts.queue, &facts), 0);
    ck_assert_uint_eq(facts.queue.id, plain.id);
    ck_assert_ptr_null(facts.pattern);
    ck_assert(facts.flags == 0 && facts.entries == 0 && facts.reserved == 1 &&
              facts.limit == 1024 && facts.limit_bytes == 1 << 20);
    ck_assert_int_eq(tocsin_queue_next(facts.queue, &facts), -ENOENT);
    /* a walk over the handlers visits no observer */
    ck_assert_int_eq(tocsin_handler_next((struct tocsin_handler){ 0 }, &handler), -ENOENT);
    ck_assert_int_eq(tocsin_queue_close(taking), 0);
    /* the id of this operation is stale, but the walk over the operations must continue after it */
    ck_assert_int_eq(tocsin_queue_next(taking, &facts), 0);
    ck_assert_uint_eq(facts.queue.id, plain.id);
    ck_assert_int_eq(tocsin_queue_close(plain), 0);
    ck_assert_int_eq(tocsin_queue_next((struct tocsin_queue){ 0 }, &facts), -ENOENT);
}
END_TEST

START_TEST(blocks_are_described)
{
    static const char *const patterns[] = { "bell.rung", "**, !bell.*", "bell.**" };
    struct tocsin_block_facts facts = { .block = { 0 } };
    struct tocsin_block masks[3];
    int count;

    ck_assert_int_eq(tocsin_block_next(facts.block, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_block_next(facts.block, NULL), -EINVAL);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(noted(tocsin_block(patterns[i], &masks[i])), 0);
    /* tocsin_block_next() lists the blocks that have a token. It does not list the set of
       tocsin_sigmask(). */
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, "bell.rung", NULL, 0), 0);
    for (count = 0; tocsin_block_next(facts.block, &facts) == 0; count++) {
        ck_assert_uint_eq(facts.block.id, masks[count].id);
        ck_assert_str_eq(facts.pattern, patterns[count]);
        check_line(facts.where);
        ck_assert_str_eq(facts.owner, "program");
        ck_assert_int_eq(tocsin_unblock(facts.block), 0);
    }
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(tocsin_block_at("", "bell.rung", &masks[0]), 0);
    ck_assert_int_eq(tocsin_block_next((struct tocsin_block){ 0 }, &facts), 0);
    ck_assert_str_eq(facts.where, "");
    ck_assert_int_eq(tocsin_unblock(masks[0]), 0);
}
END_TEST

START_TEST(operations_are_described)
{
    static const struct tocsin_notify serving = { .mode = TOCSIN_BACKGROUND };
    struct tocsin_op_facts facts = { .op = { { 0 } } };
    struct tocsin_source source;
    struct tocsin_op ops[3];

    ck_assert_int_eq(tocsin_op_next(facts.op, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_op_next(facts.op, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &ops[0]), 0);
    /* this source does not belong to an operation */
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &ops[1]), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, &serving, &ops[2]), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_op_next(facts.op, &facts), 0);
        ck_assert_uint_eq(facts.op.source.id, ops[i].source.id);
        ck_assert_str_eq(facts.name, "op.done");
        ck_assert_str_eq(facts.owner, "program");
        ck_assert_int_eq(facts.status, -EINPROGRESS);
        ck_assert(facts.serving == (i == 2));
    }
    ck_assert_int_eq(tocsin_op_next(facts.op, &facts), -ENOENT);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], 40 + i, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    /* The operation has ended. A walk must list the operation until the program takes its
       result. */
    ck_assert_int_eq(tocsin_op_next((struct tocsin_op){ { 0 } }, &facts), 0);
    ck_assert_uint_eq(facts.op.source.id, ops[0].source.id);
    ck_assert_int_eq(facts.status, 40);
    ck_assert_int_eq(tocsin_op_next(facts.op, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_op_free(ops[0]), 0);
    ck_assert_int_eq(tocsin_op_next((struct tocsin_op){ { 0 } }, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_source_free(source), 0);
}
END_TEST

START_TEST(sources_are_described)
{
    struct tocsin_source_facts facts = { .source = { 0 } };
    struct tocsin_source source[2];
    int room, garden;
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_source_next(facts.source, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_source_next(facts.source, NULL), -EINVAL);
    ck_assert_int_eq(noted(tocsin_source_new(&room, &source[0])), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    ck_assert_int_eq(tocsin_source_new_at("", &garden, &source[1]), 0);
    ck_assert_int_eq(tocsin_source_next(facts.source, &facts), 0);
    check_line(facts.where);
    ck_assert(facts.source.id == source[0].id && facts.data == &room &&
              strcmp(facts.owner, "program") == 0);
    ck_assert_int_eq(tocsin_source_set(source[1], NULL), 0);
    ck_assert_int_eq(tocsin_source_next(facts.source, &facts), 0);
    ck_assert(facts.source.id == source[1].id && !facts.data && !*facts.where);
    ck_assert_int_eq(tocsin_source_next(facts.source, &facts), -ENOENT);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_source_free(source[i]), 0);
    ck_assert_int_eq(tocsin_source_next((struct tocsin_source){ 0 }, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
}
END_TEST

/* Tests of the functions that compare a pattern with a name, and of the longest name */

START_TEST(names_and_patterns_are_compared)
{
    static const struct {
        const char *pattern, *name;
        int answer;
    } table[] = {
        { "a.b", "a.b", 1 },
        { "a.b", "a.c", 0 },
        { "a.*", "a.b", 1 },
        { "a.*", "a.b.c", 0 },
        { "a.**", "a.b.c", 1 },
        { "**", "a", 1 },
        { "a.*, b", "b", 1 },
        { "a.**, !a.b", "a.b", 0 },
        { "a.**, !a.b", "a.c", 1 },
        { "a.**, !a.b.**, a.b.c", "a.b.c", 1 },
        { "!a, a", "a", 1 },
        { "a, !a", "a", 0 },
        { "**, ! a.*", "a.b", 0 },
        { "nobody.declared", "nobody.declared", 1 },
        { "", "a", 0 },
        { "@handlers", "a", 0 },
        { "!a", "a", -EINVAL },
        { "a", "", -EINVAL },
        { "a", "a.*", -EINVAL },
        { "a", "a..b", -EINVAL },
        { "a..b", "a", -EINVAL },
        { "**.a", "a", -EINVAL },
        { "a,", "a", -EINVAL },
        { "!!a, b", "b", -EINVAL },
        { "a, !", "a", -EINVAL },
        { NULL, "a", -EINVAL },
        { "a", NULL, -EINVAL },
        { "\xc3\xa9", "a", -EINVAL },
        { "**", "\xc3\xa9", -EINVAL },
        { "**", "a,b", -EINVAL },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        ck_assert_msg(tocsin_match(table[i].pattern, table[i].name) == table[i].answer,
                      "'%s' and '%s'", table[i].pattern, table[i].name);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/inspection");
    TCase *signals = test_case(suite, "signals"), *rest = test_case(suite, "queues to sources"),
          *asked = test_case(suite, "patterns and names");
    TCase *all[] = { signals, rest, asked };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tcase_add_checked_fixture(all[i], begin, end);
    tcase_add_test(signals, signals_are_listed_without_gaps);
    tcase_add_test(signals, the_description_says_how_a_signal_was_declared);
    tcase_add_test(signals, a_name_of_an_early_connect_has_no_declaration);
    tcase_add_test(signals, listeners_and_blocks_are_counted);
    tcase_add_test(signals, pending_emissions_are_counted_and_shown);
    tcase_add_test(signals, coalesced_emissions_count_as_one);
    tcase_add_test(rest, queues_are_described);
    tcase_add_test(rest, blocks_are_described);
    tcase_add_test(rest, operations_are_described);
    tcase_add_test(rest, sources_are_described);
    tcase_add_test(asked, names_and_patterns_are_compared);
    return suite;
}
