/* Cases in which tocsin differs from POSIX, or from what a reader may expect. The headers and
   tocsin-posix(7) describe these cases:

   emissions that are delivered before the next turn;
   TOCSIN_PENDED for a signal that is neither blocked nor running;
   masks of nested handlers; which emissions a default action discards; the empty set;
   blocked signals without listeners; emissions that wait for a queue;
   which objects have ended when a loop is freed. */
#include "record.h"
#include "test.h"

#include <tocsin/inspect.h>
#include <tocsin/posix.h>

static int a, b, c;
static struct tocsin_block mask;

static void declare_all(void)
{
    a = record_signal("s.a");
    b = record_signal("s.b");
    c = record_signal("s.c");
}

static void block(const char *pattern)
{
    ck_assert_int_eq(tocsin_block(pattern, &mask), 0);
}

static void unblock(void)
{
    ck_assert_int_eq(tocsin_unblock(mask), 0);
}

static struct tocsin_signal_facts facts_of(int signo)
{
    struct tocsin_signal_facts facts;

    ck_assert_int_eq(tocsin_signal_get(signo, &facts), 0);
    return facts;
}

/* Emits its own signal once. If this happens while pending emissions are delivered (a flush), the
   new emission becomes pending until the next turn. */
static int emit_again(const struct tocsin_info *info, void *arg)
{
    bool *done = arg;

    record("a");
    if (!*done)
        ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
    *done = true;
    return TOCSIN_NEXT;
}

static void make_late(void)
{
    static bool done;

    done = false;
    declare_all();
    ck_assert_int_eq(tocsin_on("s.a", emit_again, &done), 0);
    block("s.a");
    ck_assert_int_eq(tocsin_emit(a, NULL), TOCSIN_PENDED);
    unblock();
    ck_assert_record("a");
    ck_assert_uint_eq(facts_of(a).pending, 1);
    ck_assert(!facts_of(a).blocked && !facts_of(a).running && !facts_of(a).queue_full);
}

START_TEST(E10_late_emissions_are_delivered_in_the_next_turn)
{
    make_late();
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("a");
}
END_TEST

START_TEST(E10_late_emissions_precede_a_new_one_of_the_signal)
{
    make_late();
    ck_assert_int_eq(tocsin_emit(b, NULL), TOCSIN_NOBODY);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_emit(a, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a a");
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

START_TEST(E10_late_emissions_are_delivered_by_an_unblock)
{
    make_late();
    block("s.*");
    unblock();
    ck_assert_record("a");
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

START_TEST(E10_a_queue_takes_late_emissions)
{
    struct tocsin_queue queue;

    make_late();
    ck_assert_int_eq(
        tocsin_queue_open("s.a", &(struct tocsin_queue_options){ .flags = TOCSIN_TAKE }, &queue),
        0);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

/* s.a and s.b are pending, and an unblock delivers s.a first. The handler of s.a emits s.b again.
   The new emission must be pending behind the older one. */
static int emit_b(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert(!facts_of(b).blocked && !facts_of(b).running);
    ck_assert_int_eq(tocsin_emit(b, NULL), TOCSIN_PENDED);
    record("a");
    return TOCSIN_NEXT;
}

START_TEST(E9_pending_behind_the_emissions_of_a_flush)
{
    declare_all();
    ck_assert_int_eq(tocsin_on("s.a", emit_b, NULL), 0);
    ck_assert_int_eq(tocsin_on("s.b", record_call, "b"), 0);
    block("s.*");
    ck_assert_int_eq(tocsin_emit(a, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit(b, NULL), TOCSIN_PENDED);
    unblock();
    ck_assert_record("a b");
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("b");
}
END_TEST

/* A queue is full, so an emission waits until the queue has room. tocsin_signal_get() must count
   this emission as pending. Later emissions must be pending behind it. */
START_TEST(E11_an_emission_that_waits_for_a_queue_is_pending)
{
    struct tocsin_queue queue;

    declare_all();
    ck_assert_int_eq(tocsin_queue_open("s.a", &(struct tocsin_queue_options){ .limit = 1 }, &queue),
                     0);
    ck_assert_int_eq(tocsin_post(a, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(a, NULL), TOCSIN_PENDED);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_uint_eq(facts_of(a).pending, 1);
    ck_assert(facts_of(a).queue_full && !facts_of(a).blocked && !facts_of(a).running);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert(!facts_of(a).queue_full);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_uint_eq(facts_of(a).pending, 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static int emit_c_and_nest(const struct tocsin_info *info, void *arg)
{
    int *depth = arg;

    record("a(");
    ck_assert_int_eq(tocsin_emit(c, NULL), TOCSIN_PENDED);
    if (++*depth < 2)
        ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_DELIVERED);
    record(")");
    return TOCSIN_NEXT;
}

/* A handler of s.a has s.c in its mask, emits s.c, and nests a delivery of s.a. In tocsin s.c is
   delivered after the outermost delivery of s.a. The kernel would deliver it when the inner handler
   returns. */
START_TEST(E10_a_nested_handlers_mask_holds_until_the_outermost_ends)
{
    int depth = 0;

    declare_all();
    ck_assert_int_eq(tocsin_connect("s.a",
                                    &(struct tocsin_action){ .fn = emit_c_and_nest,
                                                             .arg = &depth,
                                                             .mask = "s.c",
                                                             .flags = TOCSIN_NODEFER },
                                    NULL),
                     0);
    ck_assert_int_eq(tocsin_on("s.a", record_call, "last"), 0);
    ck_assert_int_eq(tocsin_on("s.c", record_call, "c"), 0);
    ck_assert_int_eq(tocsin_emit(a, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a( a( ) last ) last c c");
}
END_TEST

static int nest_b(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    record("a(");
    ck_assert_int_eq(tocsin_emit(b, NULL), TOCSIN_DELIVERED);
    record(")");
    return TOCSIN_NEXT;
}

static int emit_c(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_emit(c, NULL), TOCSIN_PENDED);
    record("b");
    return TOCSIN_NEXT;
}

/* The handler of s.b emits s.c, and runs inside a delivery of another signal, s.a. Here s.c is
   delivered when the delivery of s.b ends. The delivery of s.a does not delay it. */
START_TEST(E10_only_deliveries_of_the_same_signal_count)
{
    declare_all();
    ck_assert_int_eq(tocsin_on("s.a", nest_b, NULL), 0);
    ck_assert_int_eq(
        tocsin_connect("s.b", &(struct tocsin_action){ .fn = emit_c, .mask = "s.c" }, NULL), 0);
    ck_assert_int_eq(tocsin_on("s.c", record_call, "c"), 0);
    ck_assert_int_eq(tocsin_emit(a, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a( b c )");
}
END_TEST

START_TEST(SIG_DFL_discards_nothing)
{
    declare_all();
    ck_assert_int_eq(tocsin_on("s.a", record_call, "a"), 0);
    block("s.a");
    ck_assert_int_eq(tocsin_ignore("s.a"), 0);
    ck_assert_int_eq(tocsin_emit(a, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_unignore("s.a"), 0);
    ck_assert_int_eq(tocsin_pending_count("s.a"), 1);
    unblock();
    ck_assert_record("a");
}
END_TEST

/* A blocked signal has no handler, and its default action is to ignore the emission. The emission
   must still become pending, since a handler may be connected before the unblock. */
START_TEST(SIG_DFL_discards_nothing_without_a_handler)
{
    declare_all();
    block("s.a");
    ck_assert_int_eq(tocsin_emit(a, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_unignore("s.a"), 0);
    ck_assert_int_eq(tocsin_pending_count("s.a"), 1);
    ck_assert_int_eq(tocsin_on("s.a", record_call, "a"), 0);
    unblock();
    ck_assert_record("a");
}
END_TEST

static void the_set_is(const char *text)
{
    char set[64];

    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, NULL, set, sizeof set), (int)strlen(text));
    ck_assert_str_eq(set, text);
}

static int own_signal(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_ge(tocsin_sigmask(TOCSIN_UNBLOCK, "", NULL, 0), 0);
    /* tocsin_emit() returns TOCSIN_PENDED, since the handler has not changed the mask */
    ck_assert_int_eq(tocsin_emit(info->signo, NULL), TOCSIN_PENDED);
    return record_call(info, arg);
}

START_TEST(the_empty_set)
{
    declare_all();
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "s.a, s.b", NULL, 0), 0);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, "", NULL, 0), 8);
    the_set_is("s.a, s.b");
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_UNBLOCK, "", NULL, 0), 8);
    the_set_is("s.a, s.b");
    ck_assert_int_eq(tocsin_emit(a, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "", NULL, 0), 8);
    the_set_is("");
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, "", NULL, 0), 0);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_UNBLOCK, "", NULL, 0), 0);
    ck_assert_int_eq(tocsin_sigmask((enum tocsin_how)7, "", NULL, 0), -EINVAL);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, ", ", NULL, 0), -EINVAL);
    ck_assert_int_eq(
        tocsin_connect(
            "s.b", &(struct tocsin_action){ .fn = own_signal, .arg = "b", .flags = TOCSIN_ONCE },
            NULL),
        0);
    ck_assert_int_eq(tocsin_emit(b, NULL), TOCSIN_DELIVERED);
    ck_assert_record("b");
}
END_TEST

static int by_default(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    record("default");
    return TOCSIN_NEXT;
}

/* A loop that blocks a signal counts as a listener, even without a handler. */
START_TEST(T7_blocked_without_a_listener)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "s.d", .unhandled_fn = by_default });

    declare_all();
    block("s.*");
    ck_assert_int_eq(tocsin_has_listeners(a), 1);
    ck_assert_int_eq(tocsin_post(a, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(signo, NULL), TOCSIN_PENDED);
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_pending_count("s.*"), 2);
    ck_assert_int_eq(tocsin_on("s.a", record_call, "a"), 0);
    ck_assert_record("");
    unblock();
    ck_assert_record("a default");
    ck_assert_int_eq(tocsin_post(b, NULL), TOCSIN_NOBODY);
}
END_TEST

static int stop_it(void *arg)
{
    (void)arg;
    return tocsin_stop(0);
}

/* A fiber stops the loop and returns. tocsin_loop_free must not count this fiber as left, although
   its completion is not delivered yet. */
START_TEST(O7_an_ended_operation_is_not_counted_as_left)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_on("fiber.done", record_call, "done"), 0);
    ck_assert_int_eq(tocsin_spawn(stop_it, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_record("done");
    ck_assert_int_eq(tocsin_spawn(stop_it, NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    /* the result 1 counts the future whose result the program has not taken */
    ck_assert_int_eq(tocsin_loop_free(), 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/posix_differences");
    TCase *tests = test_case(suite, "differences from POSIX");

    tcase_add_test(tests, E10_late_emissions_are_delivered_in_the_next_turn);
    tcase_add_test(tests, E10_late_emissions_precede_a_new_one_of_the_signal);
    tcase_add_test(tests, E10_late_emissions_are_delivered_by_an_unblock);
    tcase_add_test(tests, E10_a_queue_takes_late_emissions);
    tcase_add_test(tests, E9_pending_behind_the_emissions_of_a_flush);
    tcase_add_test(tests, E11_an_emission_that_waits_for_a_queue_is_pending);
    tcase_add_test(tests, E10_a_nested_handlers_mask_holds_until_the_outermost_ends);
    tcase_add_test(tests, E10_only_deliveries_of_the_same_signal_count);
    tcase_add_test(tests, SIG_DFL_discards_nothing);
    tcase_add_test(tests, SIG_DFL_discards_nothing_without_a_handler);
    tcase_add_test(tests, the_empty_set);
    tcase_add_test(tests, T7_blocked_without_a_listener);
    tcase_add_test(tests, O7_an_ended_operation_is_not_counted_as_left);
    return suite;
}
