/* A handler's arg may have a destructor (the drop member of its action). The library must call the
   destructor once, after the last use of the arg, and never while the handler runs. A destructor
   may call any function of the library. */
#include "delivery/loop.h"
#include "record.h"
#include "test.h"

static int bell, other;
static struct tocsin_handler added[8];
static int added_count;

static void begin(void)
{
    bell = record_signal("bell.rung");
    other = record_signal("bell.other");
    added_count = 0;
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record_take();
}

static struct tocsin_handler add(const char *pattern, tocsin_fn fn, const char *word,
                                 tocsin_drop drop)
{
    struct tocsin_action action = { .fn = fn, .arg = (void *)word, .drop = drop };

    ck_assert_int_eq(tocsin_connect(pattern, &action, &added[added_count]), 0);
    return added[added_count++];
}

static void add_five(tocsin_drop drop)
{
    static const char *const words[] = { "a", "b", "c", "d", "e" };

    for (int i = 0; i < 5; i++)
        add("bell.rung", record_call, words[i], drop);
}

START_TEST(called_once_at_the_disconnect_or_the_end_of_the_loop)
{
    add_five(record_drop);
    ck_assert_int_eq(tocsin_disconnect(added[1]), 0);
    ck_assert_record("~b");
    ck_assert_int_eq(tocsin_disconnect(added[1]), -ENOENT);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_record("~a ~c ~d ~e");
}
END_TEST

static int disconnect_self(const struct tocsin_info *info, void *arg)
{
    record("%s(", (const char *)arg);
    ck_assert_int_eq(tocsin_disconnect(tocsin_handler_current()), 0);
    if (info->signo == bell)
        tocsin_emit(other, NULL);
    record(")");
    return TOCSIN_NEXT;
}

START_TEST(never_called_while_a_handler_runs)
{
    add("bell.rung", disconnect_self, "a", record_drop);
    add("bell.other", disconnect_self, "b", record_drop);
    tocsin_emit(bell, NULL);
    ck_assert_record("a( b( ) ) ~b ~a");
}
END_TEST

START_TEST(not_called_if_the_connect_failed)
{
    struct tocsin_action action = { .fn = record_call, .arg = "a", .drop = record_drop };
    struct tocsin_source source;

    ck_assert_int_eq(tocsin_connect("bell.rung, no.such", &action, NULL), -ENOENT);
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_int_eq(tocsin_source_free(source), 0);
    action.source = source;
    ck_assert_int_eq(tocsin_connect("bell.rung", &action, NULL), -ENOENT);
    for (int nth = 1; nth < 4; nth++) {
        action.source.id = 0;
        tocsin__fault_at(nth);
        ck_assert_int_eq(tocsin_connect("bell.*", &action, NULL), -ENOMEM);
    }
    tocsin__fault_at(0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_record("");
}
END_TEST

/* The destructor of one handler disconnects the next of five handlers. So the handler list shrinks
   while the library is removing disconnected handlers from the list. */
static void drop_and_disconnect(void *arg)
{
    int next = *(char *)arg - 'a' + 1;

    record_drop(arg);
    if (next < 5)
        tocsin_disconnect(added[next]);
}

START_TEST(a_destructor_disconnects_others)
{
    add_five(drop_and_disconnect);
    ck_assert_int_eq(tocsin_disconnect(added[0]), 0);
    ck_assert_record("~a ~b ~c ~d ~e");
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_NOBODY);
}
END_TEST

static void drop_and_connect(void *arg)
{
    record_drop(arg);
    added_count = 0;
    add("bell.rung", record_call, "new", record_drop);
}

START_TEST(a_destructor_connects)
{
    struct tocsin_handler first = add("bell.rung", record_call, "a", drop_and_connect);

    ck_assert_int_eq(tocsin_disconnect(first), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("~a new");
}
END_TEST

static void drop_and_emit(void *arg)
{
    record_drop(arg);
    record("%d", tocsin_emit(bell, NULL));
}

START_TEST(a_destructor_emits)
{
    add("bell.rung", disconnect_self, "a", drop_and_emit);
    add("bell.rung", disconnect_self, "b", drop_and_emit);
    add("bell.rung", record_call, "c", drop_and_emit);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("a( ) b( ) c ~b c 1 ~a c 1");
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_record("~c 0");
}
END_TEST

static void drop_and_free(void *arg)
{
    record_drop(arg);
    ck_assert_int_eq(tocsin_loop_free(), 0);
}

START_TEST(a_destructor_frees_the_loop)
{
    add_five(drop_and_free);
    ck_assert_int_eq(tocsin_disconnect(added[2]), 0);
    ck_assert_record("~c ~a ~b ~d ~e");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

static struct tocsin_source sources[2];

static void drop_and_free_sources(void *arg)
{
    record_drop(arg);
    for (int i = 0; i < 2; i++)
        tocsin_source_free(sources[i]);
}

START_TEST(a_destructor_frees_sources)
{
    struct tocsin_action action = { .fn = record_call, .drop = drop_and_free_sources };
    static const char *const words[] = { "a", "b", "c", "d" };

    for (int i = 0; i < 4; i++) {
        if (i < 2)
            ck_assert_int_eq(tocsin_source_new(NULL, &sources[i]), 0);
        action.source = sources[i % 2];
        action.arg = (void *)words[i];
        ck_assert_int_eq(tocsin_connect("bell.rung, bell.*", &action, NULL), 0);
    }
    ck_assert_int_eq(tocsin_source_free(sources[0]), 0);
    ck_assert_record("~c ~d ~b ~a");
    ck_assert_int_eq(tocsin_has_listeners(bell), 0);
}
END_TEST

/* This destructor runs while the loop is freed. Each call that would start something or create a
   loop must fail. */
static void drop_and_start(void *arg)
{
    struct tocsin_source source;
    struct tocsin_op op;

    record_drop(arg);
    ck_assert_int_eq(tocsin_on("bell.rung", record_call, "new"), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_source_new(NULL, &source), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_id_error(source.id), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_timer(0, NULL, &op), -ESHUTDOWN);
    ck_assert_int_lt(tocsin_loop_turn(0), 0);
    ck_assert_int_lt(tocsin_run(), 0);
    ck_assert_int_lt(tocsin_drain(0), 0);
    ck_assert_int_lt(tocsin_loop_fd(), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
}

START_TEST(starts_in_a_destructor_fail_while_the_loop_is_freed)
{
    add("bell.rung", record_call, "a", drop_and_start);
    /* After the test, the fixture checks that no descriptor is still open. */
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_record("~a");
    add("bell.rung", record_call, "b", drop_and_start);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_record("~b");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/arg_destructors");
    TCase *tests = test_case(suite, "destructors");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, called_once_at_the_disconnect_or_the_end_of_the_loop);
    tcase_add_test(tests, never_called_while_a_handler_runs);
    tcase_add_test(tests, not_called_if_the_connect_failed);
    tcase_add_test(tests, a_destructor_disconnects_others);
    tcase_add_test(tests, a_destructor_connects);
    tcase_add_test(tests, a_destructor_emits);
    tcase_add_test(tests, a_destructor_frees_the_loop);
    tcase_add_test(tests, a_destructor_frees_sources);
    tcase_add_test(tests, starts_in_a_destructor_fail_while_the_loop_is_freed);
    return suite;
}
