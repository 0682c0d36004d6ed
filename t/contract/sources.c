/* Contract line O8 for sources that are not operations. A handler is connected to one source of a
   signal. When that source is freed, the handler is disconnected. */
#include "record.h"
#include "test.h"

static int bell, other;

static void begin(void)
{
    bell = record_signal("bell.rung");
    other = record_signal("bell.other");
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record_take();
}

static struct tocsin_source source_new(void *data)
{
    struct tocsin_source source;

    ck_assert_int_eq(tocsin_source_new(data, &source), 0);
    ck_assert_ptr_eq(tocsin_source_get(source), data);
    return source;
}

static struct tocsin_handler add(const char *pattern, struct tocsin_source source, const char *word,
                                 int priority)
{
    struct tocsin_action action = { .fn = record_call,
                                    .arg = (void *)word,
                                    .source = source,
                                    .priority = priority,
                                    .drop = record_drop };
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_connect(pattern, &action, &handler), 0);
    return handler;
}

static const struct tocsin_source any;

START_TEST(test_O8_a_handler_of_one_source_receives_this_source_only)
{
    struct tocsin_source hall = source_new(NULL), attic = source_new(NULL);

    add("bell.rung", hall, "hall", 0);
    add("bell.rung", attic, "attic", 0);
    ck_assert_int_eq(tocsin_emit_from(hall, bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("hall");
    ck_assert_int_eq(tocsin_emit_from(attic, bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("attic");
    ck_assert_int_eq(tocsin_emit_from(any, bell, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_emit_from(hall, other, NULL), TOCSIN_NOBODY);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_source_free(hall), 0);
    ck_assert_int_eq(tocsin_source_free(attic), 0);
    ck_assert_record("~hall ~attic");
}
END_TEST

START_TEST(test_O8_they_are_ordered_among_other_handlers)
{
    struct tocsin_source hall = source_new(NULL);

    add("bell.rung", hall, "b", 1);
    add("bell.rung", any, "c", 0);
    add("bell.**", hall, "d", 0);
    add("bell.*", any, "a", 2);
    add("bell.rung", hall, "e", 0);
    add("bell.rung", any, "f", -1);
    tocsin_emit_from(hall, bell, NULL);
    ck_assert_record("a b c d e f");
    tocsin_emit(bell, NULL);
    ck_assert_record("a c f");
    tocsin_emit_from(hall, other, NULL);
    ck_assert_record("a d");
    ck_assert_int_eq(tocsin_source_free(hall), 0);
    record_take();
}
END_TEST

START_TEST(test_O8_freeing_a_source_disconnects_its_handlers)
{
    struct tocsin_source hall = source_new(NULL);
    struct tocsin_handler handler = add("bell.rung,bell.other", hall, "a", 0);

    ck_assert_int_eq(tocsin_source_free(hall), 0);
    ck_assert_record("~a");
    ck_assert_int_eq(tocsin_has_listeners(bell), 0);
    ck_assert_int_eq(tocsin_has_listeners(other), 0);
    ck_assert_int_eq(tocsin_disconnect(handler), -ENOENT);
    ck_assert_int_eq(tocsin_source_free(hall), -ENOENT);
    ck_assert_ptr_null(tocsin_source_get(hall));
    ck_assert_int_eq(tocsin_source_set(hall, NULL), -ENOENT);
}
END_TEST

START_TEST(test_O8_freeing_also_disconnects_unresolved_patterns)
{
    struct tocsin_source hall = source_new(NULL);
    struct tocsin_handler handler = add("unborn.*", hall, "a", 0);
    int born;

    ck_assert_int_eq(tocsin_source_free(hall), 0);
    ck_assert_record("~a");
    ck_assert_int_eq(tocsin_disconnect(handler), -ENOENT);
    born = record_signal("unborn.child");
    ck_assert_int_eq(tocsin_emit(born, NULL), TOCSIN_NOBODY);
    ck_assert_record("");
}
END_TEST

START_TEST(test_O8_a_pattern_of_one_source_matches_a_later_name)
{
    struct tocsin_source hall = source_new(NULL);
    int late;

    add("late.*", hall, "a", 0);
    late = record_signal("late.one");
    ck_assert_int_eq(tocsin_emit(late, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_emit_from(hall, late, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a");
    ck_assert_int_eq(tocsin_source_free(hall), 0);
    ck_assert_record("~a");
    ck_assert_int_eq(tocsin_has_listeners(late), 0);
}
END_TEST

static int free_source(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("free");
    return tocsin_source_free(info->source);
}

static int connect_to_source(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("connect");
    add("bell.rung", info->source, "new", 9);
    return TOCSIN_NEXT;
}

START_TEST(test_O8_a_source_is_freed_during_its_delivery)
{
    struct tocsin_source hall = source_new(NULL);
    struct tocsin_action action = { .fn = free_source, .source = hall, .priority = 5 };

    add("bell.rung", hall, "own", 0);
    add("bell.rung", any, "any", 0);
    ck_assert_int_eq(tocsin_connect("bell.rung", &action, NULL), 0);
    ck_assert_int_eq(tocsin_emit_from(hall, bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("free any ~own");
    ck_assert_int_eq(tocsin_emit_from(hall, bell, NULL), -ENOENT);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
}
END_TEST

START_TEST(test_O8_a_handler_is_connected_during_the_delivery)
{
    struct tocsin_source hall = source_new(NULL);
    struct tocsin_action action = { .fn = connect_to_source, .source = hall, .flags = TOCSIN_ONCE };

    ck_assert_int_eq(tocsin_connect("bell.rung", &action, NULL), 0);
    add("bell.rung", hall, "own", 0);
    tocsin_emit_from(hall, bell, NULL);
    ck_assert_record("connect own");
    tocsin_emit_from(hall, bell, NULL);
    ck_assert_record("new own");
    ck_assert_int_eq(tocsin_source_free(hall), 0);
}
END_TEST

static int emit_and_free(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%s", info->source.id ? "first" : "second");
    if (!info->source.id)
        return TOCSIN_NEXT;
    ck_assert_int_eq(tocsin_emit_from(info->source, bell, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_PENDED);
    tocsin_disconnect(tocsin_handler_current());
    return tocsin_source_free(info->source);
}

START_TEST(test_O8_pending_emissions_of_a_freed_source_are_delivered)
{
    struct tocsin_source hall = source_new(NULL);

    ck_assert_int_eq(tocsin_on("bell.rung", emit_and_free, NULL), 0);
    add("bell.rung", hall, "own", 0);
    add("bell.rung", any, "any", 0);
    tocsin_emit_from(hall, bell, NULL);
    ck_assert_record("first any any any ~own");
}
END_TEST

START_TEST(test_O8_a_source_has_a_pointer_to_user_data)
{
    int one, two;
    struct tocsin_source source = source_new(&one);

    ck_assert_int_eq(tocsin_source_set(source, &two), 0);
    ck_assert_ptr_eq(tocsin_source_get(source), &two);
    /* the result 1 counts the source that the test did not free */
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_ptr_null(tocsin_source_get(source));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/sources");
    TCase *tests = test_case(suite, "O8");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, test_O8_a_handler_of_one_source_receives_this_source_only);
    tcase_add_test(tests, test_O8_they_are_ordered_among_other_handlers);
    tcase_add_test(tests, test_O8_freeing_a_source_disconnects_its_handlers);
    tcase_add_test(tests, test_O8_freeing_also_disconnects_unresolved_patterns);
    tcase_add_test(tests, test_O8_a_pattern_of_one_source_matches_a_later_name);
    tcase_add_test(tests, test_O8_a_source_is_freed_during_its_delivery);
    tcase_add_test(tests, test_O8_a_handler_is_connected_during_the_delivery);
    tcase_add_test(tests, test_O8_pending_emissions_of_a_freed_source_are_delivered);
    tcase_add_test(tests, test_O8_a_source_has_a_pointer_to_user_data);
    return suite;
}
