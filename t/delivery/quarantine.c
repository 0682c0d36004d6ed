/* Tests the quarantine: a handler that failed or blocked its loop several times is not called any
   more. The loop keeps the emissions for this handler until the handler leaves the quarantine. */
#include <stdio.h>
#include <string.h>

#include <tocsin.h>
#include <tocsin/host.h>
#include <tocsin/inspect.h>
#include <tocsin/owner.h>

#include "delivery/loop.h"
#include "base/mem.h"
#include "delivery/quarantine.h"
#include "test.h"

#define NUMBER(F) F(u64, value)
TOCSIN_LAYOUT(number, NUMBER);
#define QUESTION(F) F(u64, value)
TOCSIN_LAYOUT(question, QUESTION);

enum { MOST = 3 };

static struct ear {
    uint64_t heard[8192];
    int count, calls, fails;
} ear;
static int told, numbers, questions;
static struct tocsin_plugin_quarantined last;
static char last_reason[64];

static int declared(const char *name, const struct tocsin_layout *layout, enum tocsin_kind kind)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = name, .layout = layout, .kind = kind });

    ck_assert_int_gt(signo, 0);
    return signo;
}

/* Returns an error in its first `fails` calls. After that the handler records the value of the
   payload. */
static int hear(const struct tocsin_info *info, void *arg)
{
    struct ear *self = arg;

    self->calls++;
    if (self->fails > 0) {
        self->fails--;
        return -EIO;
    }
    self->heard[self->count++] = number_of(info) ? number_of(info)->value : 0;
    return TOCSIN_NEXT;
}

static int on_quarantined(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_plugin_quarantined *what = tocsin_plugin_quarantined_of(info);

    (void)arg;
    told++;
    last = *what;
    ck_assert_str_eq(what->owner, "program");
    snprintf(last_reason, sizeof last_reason, "%s", what->reason);
    return TOCSIN_NEXT;
}

static void send(uint64_t value)
{
    ck_assert_int_eq(tocsin_emit(numbers, TOCSIN_PAYLOAD(number, .value = value)),
                     TOCSIN_DELIVERED);
}

static struct tocsin_handler connected(const char *pattern, tocsin_fn fn, void *arg)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(
        tocsin_connect(pattern, &(struct tocsin_action){ .fn = fn, .arg = arg }, &handler), 0);
    return handler;
}

static struct tocsin_handler_facts facts_of(struct tocsin_handler handler)
{
    struct tocsin_handler_facts facts;

    ck_assert_int_eq(tocsin_handler_get(handler, &facts), 0);
    return facts;
}

static void begin(void)
{
    memset(&ear, 0, sizeof ear);
    told = 0;
    numbers = declared("test.number", &number_layout, TOCSIN_QUEUED);
    questions = declared("test.question", &question_layout, TOCSIN_DIRECT);
    ck_assert_int_eq(tocsin_owner_fault_limit("program", MOST, MOST), 0);
    ck_assert_int_eq(tocsin_on("plugin.quarantined", on_quarantined, NULL), 0);
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_owner_fault_limit("program", 0, 0), 0);
}

START_TEST(a_handler_that_fails_too_often_is_not_called)
{
    struct tocsin_handler handler = connected("test.number", hear, &ear);

    ear.fails = MOST;
    for (uint64_t i = 1; i <= 10; i++)
        send(i);
    ck_assert_int_eq(ear.calls, MOST);
    ck_assert_int_eq(told, 1);
    ck_assert_uint_eq(last.handler, handler.id);
    ck_assert_uint_eq(last.count, MOST);
    ck_assert_str_eq(last_reason, "it answers errors");
    ck_assert(facts_of(handler).quarantined);
    ck_assert_uint_eq(facts_of(handler).held, 10 - MOST);
    ck_assert_uint_eq(facts_of(handler).calls, MOST);
    ck_assert_int_eq(tocsin_handler_unquarantine(handler), 0);
    ck_assert_int_eq(ear.count, 10 - MOST);
    for (int i = 0; i < ear.count; i++)
        ck_assert_uint_eq(ear.heard[i], (uint64_t)i + MOST + 1);
    ck_assert(!facts_of(handler).quarantined);
    send(11);
    ck_assert_int_eq(ear.count, 11 - MOST);
    ck_assert_int_eq(tocsin_handler_unquarantine(handler), -EALREADY);
}
END_TEST

START_TEST(others_are_called_as_before)
{
    static struct ear other;
    struct tocsin_handler handler = connected("test.number", hear, &ear);

    memset(&other, 0, sizeof other);
    connected("test.*", hear, &other);
    ear.fails = MOST;
    for (uint64_t i = 1; i <= 5; i++)
        send(i);
    ck_assert_int_eq(other.count, 5);
    ck_assert_int_eq(ear.calls, MOST);
    /* Disconnecting the handler discards the emissions that were kept for it. */
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
}
END_TEST

START_TEST(a_handler_fails_again_during_its_release)
{
    struct tocsin_handler handler = connected("test.number", hear, &ear);

    ear.fails = MOST + MOST;
    for (uint64_t i = 1; i <= 10; i++)
        send(i);
    ck_assert_int_eq(tocsin_handler_unquarantine(handler), 0);
    ck_assert(facts_of(handler).quarantined);
    ck_assert_uint_eq(facts_of(handler).held, 10 - 2 * MOST);
    ck_assert_int_eq(told, 2);
    send(11);
    ck_assert_int_eq(tocsin_handler_unquarantine(handler), 0);
    ck_assert_int_eq(ear.count, 11 - 2 * MOST);
    for (int i = 0; i < ear.count; i++)
        ck_assert_uint_eq(ear.heard[i], (uint64_t)i + 2 * MOST + 1);
}
END_TEST

START_TEST(kept_emissions_are_bounded)
{
    struct tocsin_handler handler = connected("test.number", hear, &ear);

    ear.fails = MOST;
    for (uint64_t i = 1; i <= TOCSIN__DELAYED_MOST + MOST + 5; i++)
        send(i);
    ck_assert_uint_eq(facts_of(handler).held, TOCSIN__DELAYED_MOST);
    ck_assert_uint_eq(facts_of(handler).missed, 5);
    ck_assert_int_eq(tocsin_handler_unquarantine(handler), 0);
    ck_assert_int_eq(ear.count, TOCSIN__DELAYED_MOST);
}
END_TEST

/* Contract line E17: a question is refused if one of its handlers is in quarantine. */
static int refuse(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return -EIO;
}

START_TEST(questions_are_refused)
{
    struct tocsin_handler handler = connected("test.**", hear, &ear), by;

    ear.fails = MOST;
    for (uint64_t i = 1; i <= MOST; i++)
        send(i);
    ck_assert_int_eq(tocsin_ask(questions, TOCSIN_PAYLOAD(question, .value = 1), &by), -EACCES);
    ck_assert_uint_eq(by.id, handler.id);
    ck_assert_int_eq(tocsin_handler_unquarantine(handler), 0);
    ck_assert_int_eq(tocsin_ask(questions, TOCSIN_PAYLOAD(question, .value = 1), NULL), 0);
}
END_TEST

START_TEST(observers_are_quarantined_too)
{
    struct tocsin_handler handler;
    int calls = 0;

    ck_assert_int_eq(tocsin_observe("test.number",
                                    &(struct tocsin_action){ .fn = refuse, .arg = &calls },
                                    &handler),
                     0);
    connected("test.number", hear, &ear);
    for (uint64_t i = 1; i <= 10; i++)
        send(i);
    ck_assert_int_eq(calls, MOST);
    ck_assert_int_eq(ear.count, 10);
}
END_TEST

/* A handler fails 3 * MOST times, with more than 30 seconds between two failures. Failures that are
   so far apart must not lead to quarantine. */
START_TEST(faults_that_are_far_apart_do_not_count)
{
    struct tocsin_handler handler = connected("test.number", hear, &ear);

    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    /* From now on the clock moves only when the test moves it. */
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    for (int i = 0; i < 3 * MOST; i++) {
        ear.fails = 1;
        send(1);
        ck_assert_int_eq(tocsin_clock_move(31000), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert(!facts_of(handler).quarantined);
    ck_assert_int_eq(told, 0);
}
END_TEST

static int disconnect_self(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(tocsin_disconnect(*(struct tocsin_handler *)arg), 0);
    return hear(info, &ear);
}

START_TEST(a_handler_disconnects_itself_during_its_release)
{
    static struct tocsin_handler handler;
    static struct ear unused;

    (void)unused;
    handler = connected("test.number", disconnect_self, &handler);
    tocsin__quarantine_fault(tocsin__self,
                             tocsin__id_object(&tocsin__self->ids.handlers, handler.id));
    for (int i = 1; i < MOST; i++)
        tocsin__quarantine_fault(tocsin__self,
                                 tocsin__id_object(&tocsin__self->ids.handlers, handler.id));
    send(1);
    send(2);
    ck_assert_int_eq(ear.calls, 0);
    ck_assert_int_eq(tocsin_handler_unquarantine(handler), 0);
    ck_assert_int_eq(ear.count, 1);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    ck_assert_int_eq(tocsin_owner_fault_limit(NULL, 1, 1), -EINVAL);
    ck_assert_int_eq(tocsin_owner_fault_limit("", 1, 1), -EINVAL);
    ck_assert_int_eq(tocsin_handler_unquarantine((struct tocsin_handler){ 0 }), -ENOENT);
    ck_assert_int_eq(tocsin_plugin_unquarantine(NULL), -EINVAL);
    ck_assert_int_eq(tocsin_plugin_unquarantine("nobody"), -ENOENT);
}
END_TEST

START_TEST(quarantine_without_memory)
{
    struct tocsin_handler handler = connected("test.number", hear, &ear);

    ear.fails = MOST + 2;
    send(1);
    tocsin__fault_at(1);
    send(2);
    tocsin__fault_at(0);
    for (uint64_t i = 3; i <= MOST + 2; i++)
        send(i);
    ck_assert(facts_of(handler).quarantined);
    tocsin__fault_at(1);
    send(9);
    tocsin__fault_at(2);
    send(9);
    tocsin__fault_at(0);
    ck_assert_uint_eq(facts_of(handler).missed, 2);
    ck_assert_int_eq(tocsin_handler_unquarantine(handler), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/quarantine");
    TCase *tests = tcase_create("quarantine");

    tcase_add_checked_fixture(tests, begin, end);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_handler_that_fails_too_often_is_not_called);
    tcase_add_test(tests, others_are_called_as_before);
    tcase_add_test(tests, a_handler_fails_again_during_its_release);
    tcase_add_test(tests, kept_emissions_are_bounded);
    tcase_add_test(tests, questions_are_refused);
    tcase_add_test(tests, observers_are_quarantined_too);
    tcase_add_test(tests, faults_that_are_far_apart_do_not_count);
    tcase_add_test(tests, a_handler_disconnects_itself_during_its_release);
    tcase_add_test(tests, bad_arguments_are_refused);
    tcase_add_test(tests, quarantine_without_memory);
    return suite;
}
