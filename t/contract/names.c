/* Contract lines E13 and E14: patterns, and names that are declared before or after a connect. The
   tests also emit payloads that have the declared layout, and payloads with another layout. */
#include <tocsin/posix.h>

#include "record.h"
#include "test.h"

#define TEXT(F) F(string, text) F(u64, user)
TOCSIN_LAYOUT(text, TEXT);
TOCSIN_LAYOUT(same_text, TEXT);
#define OTHER(F) F(string, text) F(i64, user)
TOCSIN_LAYOUT(other, OTHER);

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record_take();
}

static int record_name(const struct tocsin_info *info, void *arg)
{
    record("%s:%s", (const char *)arg, info->name);
    return TOCSIN_NEXT;
}

static void emit_named(const char *name)
{
    ck_assert_int_ge(tocsin_emit(record_signal(name), NULL), 0);
}

START_TEST(test_E13_one_star_is_a_segment_and_two_are_the_rest)
{
    ck_assert_int_eq(tocsin_on("a.*", record_name, "one"), 0);
    ck_assert_int_eq(tocsin_on("a.**", record_name, "rest"), 0);
    ck_assert_int_eq(tocsin_on("*.x", record_name, "first"), 0);
    ck_assert_int_eq(tocsin_on("a.*.x", record_name, "middle"), 0);
    emit_named("a");
    ck_assert_record("");
    emit_named("a.x");
    ck_assert_record("one:a.x rest:a.x first:a.x");
    emit_named("a.b.x");
    ck_assert_record("rest:a.b.x middle:a.b.x");
    emit_named("ab.c");
    ck_assert_record("");
    ck_assert_int_eq(tocsin_on("**", record_name, "all"), 0);
    emit_named("a");
    ck_assert_record("all:a");
}
END_TEST

START_TEST(test_E13_a_list_calls_a_handler_once)
{
    struct tocsin_handler handler;

    record_signal("l.a");
    record_signal("l.b");
    ck_assert_int_eq(tocsin_connect("l.a, l.b,l.a",
                                    &(struct tocsin_action){ .fn = record_name, .arg = "plain" },
                                    NULL),
                     0);
    ck_assert_int_eq(tocsin_connect("l.*,l.a , **",
                                    &(struct tocsin_action){ .fn = record_name, .arg = "star" },
                                    &handler),
                     0);
    emit_named("l.a");
    ck_assert_record("plain:l.a star:l.a");
    emit_named("l.b");
    ck_assert_record("plain:l.b star:l.b");
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    emit_named("l.a");
    emit_named("l.c");
    ck_assert_record("plain:l.a");
}
END_TEST

START_TEST(test_E13_patterns_match_later_names)
{
    ck_assert_int_eq(tocsin_on("later.**", record_name, "pattern"), 0);
    ck_assert_int_eq(tocsin_on("later.a", record_name, "misspelt"), -ENOENT);
    ck_assert_int_eq(tocsin_connect("later.a",
                                    &(struct tocsin_action){
                                        .fn = record_name, .arg = "early", .flags = TOCSIN_EARLY },
                                    NULL),
                     0);
    /* A connect has created this name. No program has declared the name, so tocsin_find() does not
       find it. */
    ck_assert_int_eq(tocsin_find("later.a"), -ENOENT);
    emit_named("later.a");
    ck_assert_record("pattern:later.a early:later.a");
    emit_named("later.b");
    ck_assert_record("pattern:later.b");
    ck_assert_int_eq(tocsin_has_listeners(record_signal("later.c")), 1);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_has_listeners(record_signal("later.d")), 0);
}
END_TEST

static int declare_and_emit(const struct tocsin_info *info, void *arg)
{
    record_name(info, arg);
    emit_named("born.here");
    return TOCSIN_NEXT;
}

START_TEST(test_E13_a_handler_declares_a_name)
{
    int signo = record_signal("born");

    ck_assert_int_eq(tocsin_on("born.*", record_name, "pattern"), 0);
    ck_assert_int_eq(tocsin_on("born", declare_and_emit, "parent"), 0);
    tocsin_emit(signo, NULL);
    ck_assert_record("parent:born pattern:born.here");
}
END_TEST

static int early(void)
{
    struct tocsin_action action = { .fn = record_name, .arg = "early", .flags = TOCSIN_EARLY };

    return tocsin_connect("early.text", &action, NULL);
}

START_TEST(test_E14_the_layout_is_compared)
{
    int texts = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "text.said", .layout = &text_layout });
    int plain = record_signal("plain.said");
    struct tocsin_payload bare = { NULL };

    ck_assert_int_eq(tocsin_on("text.said, plain.said", record_name, "got"), 0);
    ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(text, .text = "a")), TOCSIN_DELIVERED);
    /* the payload has another layout, but its text equals the declared text */
    ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(same_text, .text = "a")), TOCSIN_DELIVERED);
    ck_assert_record("got:text.said got:text.said");
    ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(other, .text = "a")), -EPROTO);
    ck_assert_int_eq(tocsin_emit(texts, NULL), -EPROTO);
    ck_assert_int_eq(tocsin_emit(texts, &bare), -EPROTO);
    ck_assert_int_eq(tocsin_emit(plain, TOCSIN_PAYLOAD(text, .text = "a")), -EPROTO);
    ck_assert_int_eq(tocsin_emit(plain, &bare), -EPROTO);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_emit(plain, NULL), TOCSIN_DELIVERED);
}
END_TEST

START_TEST(test_E14_the_layout_after_an_early_connect)
{
    int texts;

    ck_assert_int_eq(early(), 0);
    ck_assert_int_eq(tocsin_on("early.*", record_name, "pattern"), 0);
    texts = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "early.text", .layout = &text_layout });
    ck_assert_int_eq(tocsin_emit(texts, NULL), -EPROTO);
    ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(other, .text = "a")), -EPROTO);
    ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(text, .text = "a")), TOCSIN_DELIVERED);
    ck_assert_record("early:early.text pattern:early.text");
}
END_TEST

START_TEST(test_E14_a_signal_must_be_declared_to_be_emitted)
{
    struct tocsin_action action = { .fn = record_name, .arg = "early", .flags = TOCSIN_EARLY };
    int answer[50], signo, first = record_signal("before");

    ck_assert_int_eq(tocsin_connect("undeclared", &action, NULL), 0);
    for (int i = 0; i < 50; i++)
        answer[i] = tocsin_emit(first + i, NULL);
    ck_assert_record("");
    /* The connect has given this name a number. Before the name is declared, an emission returns
       -EINVAL. */
    signo = record_signal("undeclared");
    ck_assert_int_lt(signo, first + 50);
    ck_assert_int_eq(answer[signo - first], -EINVAL);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
}
END_TEST

static int read_text(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    ck_assert_ptr_nonnull(text_of(info));
    ck_assert_ptr_nonnull(same_text_of(info));
    ck_assert_ptr_null(other_of(info));
    record("%s", text_of(info)->text);
    return TOCSIN_NEXT;
}

START_TEST(test_E14_a_payload_of_another_layout_is_not_read)
{
    int texts = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "text.said", .layout = &text_layout });

    ck_assert_int_eq(tocsin_on("text.said", read_text, NULL), 0);
    tocsin_emit(texts, TOCSIN_PAYLOAD(same_text, .text = "words"));
    ck_assert_record("words");
    ck_assert_ptr_null(text_of(NULL));
}
END_TEST

/* A block with the name of a library signal works before the first loop exists. */
START_TEST(test_E13_library_names_exist_before_the_first_loop)
{
    struct tocsin_block mask;

    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_gt(tocsin_find("timer.expired"), 0);
    ck_assert_int_eq(tocsin_ignore("timer.ticked"), 0);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, "fiber.done", NULL, 0), 0);
    ck_assert_int_eq(tocsin_block("timer.expired, work.done", &mask), 0);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/names");
    TCase *tests = test_case(suite, "E13, E14");

    tcase_add_checked_fixture(tests, NULL, end);
    tcase_add_test(tests, test_E13_one_star_is_a_segment_and_two_are_the_rest);
    tcase_add_test(tests, test_E13_a_list_calls_a_handler_once);
    tcase_add_test(tests, test_E13_patterns_match_later_names);
    tcase_add_test(tests, test_E13_a_handler_declares_a_name);
    tcase_add_test(tests, test_E13_library_names_exist_before_the_first_loop);
    tcase_add_test(tests, test_E14_the_layout_is_compared);
    tcase_add_test(tests, test_E14_the_layout_after_an_early_connect);
    tcase_add_test(tests, test_E14_a_signal_must_be_declared_to_be_emitted);
    tcase_add_test(tests, test_E14_a_payload_of_another_layout_is_not_read);
    return suite;
}
