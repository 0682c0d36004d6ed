/* Tests struct tocsin_handler_facts of <tocsin/inspect.h>, which describes a handler: its pattern,
   its function, and the file and line of its connect. The tests also walk over all handlers of a
   loop. */
#include <stdio.h>
#include <string.h>

#include <tocsin/inspect.h>

#include "noted_line.h"
#include "record.h"
#include "test.h"

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

#define check_noted(call, where) \
    do { \
        ck_assert_int_eq(noted(call), 0); \
        check_line(where); \
    } while (0)

static struct tocsin_handler_facts handler_facts(struct tocsin_handler handler)
{
    struct tocsin_handler_facts facts;

    ck_assert_int_eq(tocsin_handler_get(handler, &facts), 0);
    ck_assert_uint_eq(facts.handler.id, handler.id);
    return facts;
}

static int count_handlers(void)
{
    struct tocsin_handler_facts facts = { .handler = { 0 } };
    int count = 0;

    while (tocsin_handler_next(facts.handler, &facts) == 0)
        count++;
    return count;
}

/* Returns the description (struct tocsin_handler_facts) of the newest handler.
   tocsin_handler_next() lists the handlers in the order of their connects, as long as the loop
   never had more than a few. */
static struct tocsin_handler_facts newest(void)
{
    struct tocsin_handler_facts facts = { .handler = { 0 } }, last = facts;

    while (tocsin_handler_next(facts.handler, &facts) == 0)
        last = facts;
    return last;
}

START_TEST(the_description_says_how_a_handler_was_connected)
{
    struct tocsin_handler_facts facts;
    struct tocsin_handler handler;
    struct tocsin_source source;

    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_int_eq(tocsin_connect("bell.*, op.done",
                                    &(struct tocsin_action){
                                        .fn = record_call,
                                        .arg = "word",
                                        .mask = "bell.**, !bell.rung",
                                        .source = source,
                                        .priority = -300,
                                        .flags = TOCSIN_ONCE | TOCSIN_NODEFER,
                                        .name = "record_call",
                                    },
                                    &handler),
                     0);
    facts = handler_facts(handler);
    ck_assert_str_eq(facts.pattern, "bell.*, op.done");
    ck_assert_str_eq(facts.function, "record_call");
    ck_assert_str_eq(facts.mask, "bell.**, !bell.rung");
    ck_assert_uint_eq(facts.source.id, source.id);
    ck_assert_int_eq(facts.priority, -300);
    ck_assert_uint_eq(facts.flags, TOCSIN_ONCE | TOCSIN_NODEFER);
    ck_assert_str_eq(facts.owner, "program");
    ck_assert(!facts.observer);
    ck_assert_uint_eq(facts.calls | facts.faults, 0);
    ck_assert_int_eq(tocsin_emit_from(source, bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("word");
    /* tocsin_handler_get() returns -ENOENT: the only call of this ONCE handler has ended */
    ck_assert_int_eq(tocsin_handler_get(handler, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_handler_get(handler, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_handler_next(handler, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_source_free(source), 0);
}
END_TEST

START_TEST(the_description_of_an_observer)
{
    struct tocsin_handler_facts facts;
    struct tocsin_handler handler, stale;

    ck_assert_int_eq(tocsin_connect("bell.rung", &(struct tocsin_action){ .fn = nothing }, &stale),
                     0);
    ck_assert_int_eq(tocsin_disconnect(stale), 0);
    ck_assert_int_eq(tocsin_observe("bell.rung",
                                    &(struct tocsin_action){ .fn = nothing, .priority = 32767 },
                                    &handler),
                     0);
    facts = handler_facts(handler);
    ck_assert(facts.observer && facts.flags == 0 && !facts.mask && !facts.source.id &&
              facts.priority == 32767);
    ck_assert_str_eq(facts.pattern, "bell.rung");
    /* The walk over the handlers continues after the stale handler, although it was freed. */
    ck_assert_int_eq(tocsin_handler_next(stale, &facts), 0);
    ck_assert_uint_eq(facts.handler.id, handler.id);
}
END_TEST

static int answer(const struct tocsin_info *info, void *arg)
{
    (void)info;
    return *(int *)arg;
}

START_TEST(calls_and_errors_are_counted)
{
    struct tocsin_handler handler;
    int wish = TOCSIN_NEXT;

    ck_assert_int_eq(tocsin_connect("bell.rung",
                                    &(struct tocsin_action){ .fn = answer, .arg = &wish },
                                    &handler),
                     0);
    for (int i = 0; i < 10; i++) {
        wish = i % 3 == 2 ? -EIO : TOCSIN_STOP;
        ck_assert_int_ge(tocsin_emit(bell, NULL), 0);
    }
    ck_assert_uint_eq(handler_facts(handler).calls, 10);
    ck_assert_uint_eq(handler_facts(handler).faults, 3);
}
END_TEST

static tocsin_fn pick(tocsin_fn one, int comma, const char *text)
{
    (void)comma, (void)text;
    return one;
}

#define check_function(call, text) \
    do { \
        ck_assert_int_eq(call, 0); \
        ck_assert_str_eq(newest().function, text); \
    } while (0)

START_TEST(the_name_is_the_argument_or_the_member_name)
{
    struct tocsin_action action = { .fn = nothing }, named = { .fn = nothing, .name = "a name" };
    struct {
        int fn, fn_count;
        tocsin_fn handle;
    } it = { .handle = nothing }, *at = &it;

    record_signal("bell.fn");
    check_function(tocsin_on("bell.rung", nothing, NULL), "nothing");
    check_function(tocsin_on("bell.rung,bell.fn, bell.rung", nothing, "a, b"), "nothing");
    check_function(tocsin_on("bell.rung", at->handle, &at->fn_count), "at->handle");
    check_function(tocsin_on("bell.rung", pick(nothing, ',', ")\","), NULL),
                   "pick(nothing, ',', \")\\\",\")");
    check_function(tocsin_on(((const char *[]){ "bell.rung", "" }[0]), (tocsin_fn)nothing, NULL),
                   "(tocsin_fn)nothing");
    check_function(tocsin_connect("bell.rung", &action, NULL), "");
    check_function(tocsin_connect("bell.rung", &named, NULL), "a name");
    check_function(tocsin_observe("bell.rung", &named, NULL), "a name");
    check_function(
        tocsin_connect("bell.fn",
                       &(struct tocsin_action){
                           .mask = "bell.fn", .fn = nothing, .arg = &it.fn, .name = "nothing" },
                       NULL),
        "nothing");
}
END_TEST

START_TEST(only_the_macros_record_the_source_line)
{
    struct tocsin_action action = { .fn = nothing };

    check_noted(tocsin_on("bell.rung", nothing, NULL), newest().where);
    check_noted(tocsin_connect("bell.rung", &action, NULL), newest().where);
    check_noted(tocsin_observe("bell.rung", &action, NULL), newest().where);
    ck_assert_int_eq(tocsin_on_at("", "", "bell.rung", nothing, NULL), 0);
    ck_assert(!*newest().where && !*newest().function && !newest().observer);
    ck_assert_int_eq(tocsin_connect_at("", "bell.rung", &action, NULL), 0);
    ck_assert(!*newest().where && !*newest().function && !newest().observer);
    ck_assert_int_eq(tocsin_observe_at("", "bell.rung", &action, NULL), 0);
    ck_assert(!*newest().where && !*newest().function && newest().observer);
    ck_assert_str_eq(newest().owner, "program");
    ck_assert_int_eq(tocsin_on_at("a binding", "handler", "bell.rung", nothing, NULL), 0);
    ck_assert_str_eq(newest().where, "a binding");
    ck_assert_str_eq(newest().function, "handler");
    ck_assert_int_eq(count_handlers(), 7);
}
END_TEST

enum { MANY = 300 };

START_TEST(a_walk_while_handlers_change)
{
    struct tocsin_handler handlers[MANY + 1] = { { 0 } };
    struct tocsin_handler_facts facts = { .handler = { 0 } };
    bool there[MANY + 1] = { false }, seen[MANY + 1] = { false };
    int at, steps = 0;

    ck_assert_int_eq(tocsin_handler_next(facts.handler, &facts), -ENOENT);
    for (int i = 1; i <= MANY; i++) {
        ck_assert_int_eq(tocsin_connect("bell.rung",
                                        &(struct tocsin_action){ .fn = nothing, .priority = i },
                                        &handlers[i]),
                         0);
        there[i] = true;
    }
    while (tocsin_handler_next(facts.handler, &facts) == 0) {
        /* The priority of each handler is its number. Priority 0 belongs to the handler that the
           walk itself has connected. */
        at = facts.priority;
        ck_assert_msg(!at || (there[at] && !seen[at]), "%d", at);
        seen[at] = true;
        /* At every third step, three handlers are disconnected. The walk has visited some of them
           already. */
        if (++steps % 3 == 0)
            for (int i = 0; i < 3; i++) {
                int gone = (at + i * 100) % MANY + 1;

                ck_assert_int_eq(tocsin_disconnect(handlers[gone]), there[gone] ? 0 : -ENOENT);
                there[gone] = false;
            }
        if (steps % 5 == 0)
            ck_assert_int_eq(
                tocsin_connect("bell.rung", &(struct tocsin_action){ .fn = nothing }, NULL), 0);
        ck_assert_int_lt(steps, 2 * MANY);
    }
    for (int i = 1; i <= MANY; i++)
        ck_assert_msg(seen[i] || !there[i], "%d was there all the time, and was not seen", i);
}
END_TEST

START_TEST(each_handler_is_disconnected_in_the_walk)
{
    struct tocsin_handler_facts facts = { .handler = { 0 } };
    int count = 0;

    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(tocsin_on("bell.*", nothing, NULL), 0);
    ck_assert_int_eq(count_handlers(), MANY);
    for (; tocsin_handler_next(facts.handler, &facts) == 0; count++)
        ck_assert_int_eq(tocsin_disconnect(facts.handler), 0);
    ck_assert_int_eq(count, MANY);
    ck_assert_int_eq(count_handlers(), 0);
    ck_assert_int_eq(tocsin_has_listeners(bell), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/handlers");
    TCase *handlers = test_case(suite, "handlers");

    tcase_add_checked_fixture(handlers, begin, end);
    tcase_add_test(handlers, the_description_says_how_a_handler_was_connected);
    tcase_add_test(handlers, the_description_of_an_observer);
    tcase_add_test(handlers, calls_and_errors_are_counted);
    tcase_add_test(handlers, the_name_is_the_argument_or_the_member_name);
    tcase_add_test(handlers, only_the_macros_record_the_source_line);
    tcase_add_test(handlers, a_walk_while_handlers_change);
    tcase_add_test(handlers, each_handler_is_disconnected_in_the_walk);
    return suite;
}
