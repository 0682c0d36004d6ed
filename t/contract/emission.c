/* Contract lines E1 to E5, E8 and E15: the tests check which handlers an emission calls, in which
   order. They also check what happens to an emission that a handler makes. */
#include <pthread.h>

#include "record.h"
#include "test.h"

static int bell;

static void begin(void)
{
    bell = record_signal("bell.rung");
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record_take(); /* discards the words that earlier calls of drop functions recorded */
}

static struct tocsin_handler add(tocsin_fn fn, const char *word, int priority, unsigned flags)
{
    struct tocsin_handler handler;
    struct tocsin_action action = {
        .fn = fn, .arg = (void *)word, .priority = priority, .flags = flags, .drop = record_drop
    };

    ck_assert_int_eq(tocsin_connect("bell.rung", &action, &handler), 0);
    return handler;
}

START_TEST(test_E1_the_highest_priority_then_the_first_connected)
{
    add(record_call, "c", 0, 0);
    add(record_call, "a", 32767, 0);
    add(record_call, "d", 0, 0);
    add(record_call, "f", -32768, 0);
    add(record_call, "b", 1, 0);
    add(record_call, "e", -1, 0);
    add(record_call, "g", -32768, 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a b c d e f g");
}
END_TEST

START_TEST(test_E1_patterns_are_ordered_by_their_connect)
{
    int later;

    ck_assert_int_eq(tocsin_on("bell.later", record_call, "never"), -ENOENT);
    ck_assert_int_eq(
        tocsin_connect(
            "bell.later",
            &(struct tocsin_action){ .fn = record_call, .arg = "a", .flags = TOCSIN_EARLY }, NULL),
        0);
    ck_assert_int_eq(tocsin_on("bell.*", record_call, "b"), 0);
    ck_assert_int_eq(
        tocsin_connect(
            "bell.later",
            &(struct tocsin_action){ .fn = record_call, .arg = "c", .flags = TOCSIN_EARLY }, NULL),
        0);
    later = record_signal("bell.later");
    ck_assert_int_eq(tocsin_on("bell.later", record_call, "d"), 0);
    ck_assert_int_eq(tocsin_emit(later, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a b c d");
}
END_TEST

/* In its first call, this handler connects three handlers. Their priorities are higher than, equal
   to and lower than its own priority. */
static int connect_three(const struct tocsin_info *info, void *arg)
{
    static int calls;

    record_call(info, arg);
    if (calls++)
        return TOCSIN_NEXT;
    for (int priority = -1; priority <= 1; priority++)
        ck_assert_int_eq(tocsin_connect("bell.rung",
                                        &(struct tocsin_action){
                                            .fn = record_call, .arg = "new", .priority = priority },
                                        NULL),
                         0);
    return TOCSIN_NEXT;
}

START_TEST(test_E2_a_delivery_calls_no_new_handler)
{
    add(connect_three, "a", 0, 0);
    add(record_call, "b", 0, 0);
    tocsin_emit(bell, NULL);
    ck_assert_record("a b");
    tocsin_emit(bell, NULL);
    ck_assert_record("new a b new new");
}
END_TEST

static int emit_and_connect(const struct tocsin_info *info, void *arg)
{
    static int calls;

    record_call(info, arg);
    if (calls++)
        return TOCSIN_NEXT;
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_PENDED);
    add(record_call, "new", 0, 0);
    return TOCSIN_NEXT;
}

START_TEST(test_E2_a_pending_emission_calls_the_handlers_at_its_delivery)
{
    add(emit_and_connect, "a", 0, 0);
    tocsin_emit(bell, NULL);
    ck_assert_record("a a new");
}
END_TEST

static struct tocsin_handler ends[3];

static int disconnect_all(const struct tocsin_info *info, void *arg)
{
    record_call(info, arg);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_disconnect(ends[i]), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_PENDED);
    return TOCSIN_NEXT;
}

START_TEST(test_E3_a_disconnected_handler_is_never_called)
{
    ends[0] = add(record_call, "a", 0, 0);
    ends[1] = add(disconnect_all, "b", 0, 0);
    ends[2] = add(record_call, "c", 0, 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a b ~c ~b ~a");
    ck_assert_int_eq(tocsin_has_listeners(bell), 0);
    ck_assert_int_eq(tocsin_disconnect(ends[1]), -ENOENT);
}
END_TEST

static int free_loop(const struct tocsin_info *info, void *arg)
{
    record_call(info, arg);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_PENDED);
    return TOCSIN_NEXT;
}

START_TEST(test_E3_the_loop_is_freed_after_the_outermost_delivery)
{
    add(free_loop, "a", 0, TOCSIN_ONCE);
    add(record_call, "b", 0, 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a b b ~a ~b");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_NOBODY);
}
END_TEST

static int emit_within(const struct tocsin_info *info, void *arg)
{
    int result;

    record("%s(", (const char *)arg);
    result = tocsin_emit(bell, NULL);
    record(")%d", result);
    (void)info;
    return TOCSIN_NEXT;
}

START_TEST(test_E4_a_ONCE_handler_is_disconnected_before_its_call)
{
    add(emit_within, "a", 0, TOCSIN_ONCE | TOCSIN_NODEFER);
    tocsin_emit(bell, NULL);
    ck_assert_record("a( )0 ~a"); /* the result is 0, since the nested emission finds no handler */
    add(emit_within, "b", 0, TOCSIN_ONCE | TOCSIN_NODEFER);
    add(record_call, "c", 0, 0);
    tocsin_emit(bell, NULL);
    ck_assert_record("b( c )1 c ~b");
}
END_TEST

static uint64_t first; /* the sequence number of the outer emission */

static int emit_twice(const struct tocsin_info *info, void *arg)
{
    if (!first)
        first = info->sequence;
    record("%s%d", (const char *)arg, (int)(info->sequence - first));
    /* only the outer emission has this sequence number, so nested emissions do nothing here */
    if (info->sequence == first) {
        ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_PENDED);
    }
    return TOCSIN_NEXT;
}

START_TEST(test_E5_a_signal_is_blocked_while_its_handlers_run)
{
    first = 0;
    add(emit_twice, "a", 1, 0);
    add(emit_twice, "b", 0, 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a0 b0 a1 b1 a2 b2 a3 b3 a4 b4");
}
END_TEST

static int nested_by_another(const struct tocsin_info *info, void *arg)
{
    record_call(info, arg);
    return tocsin_emit(*(const char *)arg == 'x' ? record_signal("bell.other") : bell, NULL);
}

START_TEST(test_E5_the_signal_is_blocked_in_nested_deliveries_too)
{
    record_signal("bell.other");
    add(nested_by_another, "x", 0, TOCSIN_ONCE);
    add(record_call, "z", 0, 0);
    ck_assert_int_eq(tocsin_on("bell.other", nested_by_another, "y"), 0);
    tocsin_emit(bell, NULL);
    ck_assert_record("x y z z ~x");
}
END_TEST

static int depth, deepest, loops;

static int nest(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    loops += tocsin_emit(bell, NULL) == -ELOOP;
    depth--;
    return TOCSIN_NEXT;
}

START_TEST(test_E5_nodefer_nests_to_a_limit)
{
    add(nest, "a", 0, TOCSIN_NODEFER);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(deepest, 32);
    ck_assert_int_eq(loops, 1);
}
END_TEST

START_TEST(test_E5_nodefer_applies_to_the_running_handler)
{
    add(record_call, "a", 2, 0);
    add(emit_within, "b", 1, TOCSIN_NODEFER | TOCSIN_ONCE);
    add(emit_within, "c", 0, TOCSIN_ONCE);
    tocsin_emit(bell, NULL);
    /* The nested emission of handler b calls a and c. Handler c emits the signal, and that emission
       returns TOCSIN_PENDED (3). Then c is disconnected, and the pending emission calls a alone. */
    ck_assert_record("a b( a c( )3 )1 a ~c ~b");
}
END_TEST

static void *declare_and_connect(void *arg)
{
    (void)arg;
    record_signal("bell.elsewhere");
    ck_assert_int_eq(tocsin_on("bell.**", record_call, "elsewhere"), 0);
    ck_assert_int_eq(tocsin_emit(tocsin_find("bell.elsewhere"), NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

/* This handler starts a thread, which calls each function that takes a lock. Then the handler joins
   the thread. If the library held a lock during a handler, the join would hang. */
static int join_another(const struct tocsin_info *info, void *arg)
{
    pthread_t thread;

    (void)info, (void)arg;
    ck_assert_int_eq(pthread_create(&thread, NULL, declare_and_connect, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return TOCSIN_NEXT;
}

START_TEST(test_E8_no_lock_is_held_while_a_handler_runs)
{
    ck_assert_int_eq(tocsin_on("bell.rung", join_another, NULL), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("elsewhere");
}
END_TEST

static struct {
    uint64_t sequence, parent;
} trace[4];
static int traced;

/* Records the sequence number and the parent of each emission. Every second call also emits the
   handler's own signal, which becomes pending. */
static int note_trace(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    trace[traced].sequence = info->sequence;
    trace[traced].parent = info->parent;
    return traced++ % 2 ? TOCSIN_NEXT : tocsin_emit(bell, NULL);
}

START_TEST(test_E15_sequence_and_parent)
{
    int other = record_signal("bell.other");

    traced = 0;
    ck_assert_int_eq(tocsin_on("bell.rung", note_trace, NULL), 0);
    /* The first emission takes the library's slow path. The second emission takes the fast path. */
    for (int i = 0; i < 2; i++) {
        tocsin_emit(bell, NULL);
        /* this signal has no listener, so its emission gets no sequence number (E12) */
        tocsin_emit(other, NULL);
    }
    ck_assert_int_eq(traced, 4);
    ck_assert_uint_eq(trace[0].sequence >> 48, tocsin_loop_current().id >> 48);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(trace[i].sequence, trace[0].sequence + (uint64_t)i);
        ck_assert_uint_eq(trace[i].parent, i % 2 ? trace[i - 1].sequence : 0);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/emission");
    TCase *tests = test_case(suite, "E1 to E5, E8, E15");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, test_E1_the_highest_priority_then_the_first_connected);
    tcase_add_test(tests, test_E1_patterns_are_ordered_by_their_connect);
    tcase_add_test(tests, test_E2_a_delivery_calls_no_new_handler);
    tcase_add_test(tests, test_E2_a_pending_emission_calls_the_handlers_at_its_delivery);
    tcase_add_test(tests, test_E3_a_disconnected_handler_is_never_called);
    tcase_add_test(tests, test_E3_the_loop_is_freed_after_the_outermost_delivery);
    tcase_add_test(tests, test_E4_a_ONCE_handler_is_disconnected_before_its_call);
    tcase_add_test(tests, test_E5_a_signal_is_blocked_while_its_handlers_run);
    tcase_add_test(tests, test_E5_the_signal_is_blocked_in_nested_deliveries_too);
    tcase_add_test(tests, test_E5_nodefer_nests_to_a_limit);
    tcase_add_test(tests, test_E5_nodefer_applies_to_the_running_handler);
    tcase_add_test(tests, test_E8_no_lock_is_held_while_a_handler_runs);
    tcase_add_test(tests, test_E15_sequence_and_parent);
    return suite;
}
