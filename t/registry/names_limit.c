/* Tests the limit on the number of signal names in a process. At the limit, a declaration of a new
   name and an early connect to a new name must return -ENOSPC. The failed call must create no name.
   Names that exist must still work. */
#include <tocsin/inspect.h>

#include "record.h"
#include "registry/names.h"
#include "test.h"

static int bell;

static void begin(void)
{
    bell = record_signal("bell.rung");
}

static void end(void)
{
    tocsin__names_limit = TOCSIN_SIGNALS_MAX - 1;
    tocsin_loop_free();
    record_take();
}

static int count_names(void)
{
    struct tocsin_signal_facts facts;
    int count = 0;

    while (tocsin_signal_get(count + 1, &facts) == 0)
        count++;
    return count;
}

static int connect_early(const char *pattern, struct tocsin_handler *ret_handler)
{
    return tocsin_connect(
        pattern,
        &(struct tocsin_action){
            .fn = record_call, .arg = "early", .flags = TOCSIN_EARLY, .drop = record_drop },
        ret_handler);
}

START_TEST(names_are_limited)
{
    struct tocsin_handler handler;
    int count;

    ck_assert_int_eq(tocsin_on("**, !tocsin.**", record_call, "all"), 0);
    count = count_names();
    ck_assert_uint_eq(tocsin__names_limit, TOCSIN_SIGNALS_MAX - 1);
    tocsin__names_limit = (uint32_t)count + 1;
    /* This name exists already, so it can be declared in spite of the limit. */
    ck_assert_int_eq(record_signal("bell.rung"), bell);
    ck_assert_int_eq(record_signal("last.one"), count + 1);
    /* The second round makes the same calls while the limit is 1, which is far below the number of
       names. */
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tocsin_declare(&(struct tocsin_signal_spec){ .name = "one.more" }),
                         -ENOSPC);
        ck_assert_int_eq(connect_early("one.more", &handler), -ENOSPC);
        ck_assert_int_eq(tocsin_id_error(handler.id), -ENOSPC);
        ck_assert_int_eq(connect_early("bell.rung, one.more", &handler), -ENOSPC);
        ck_assert_int_eq(
            tocsin_observe("bell.*, one.more",
                           &(struct tocsin_action){ .fn = record_call, .flags = TOCSIN_EARLY },
                           NULL),
            -ENOSPC);
        ck_assert_int_eq(tocsin_find("one.more"), -ENOENT);
        ck_assert_int_eq(connect_early("bell.rung", &handler), 0);
        ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
        ck_assert_record("all early");
        ck_assert_int_eq(tocsin_disconnect(handler), 0);
        ck_assert_record("~early");
        tocsin__names_limit = 1;
    }
    tocsin__names_limit = TOCSIN_SIGNALS_MAX - 1;
    /* None of the failed calls has created a name. */
    ck_assert_int_eq(count_names(), count + 1);
    ck_assert_int_eq(connect_early("one.more", &handler), 0);
    ck_assert_int_eq(tocsin_emit(record_signal("one.more"), NULL), TOCSIN_DELIVERED);
    ck_assert_record("all early");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("registry/names_limit");
    TCase *tests = test_case(suite, "names_limit");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, names_are_limited);
    return suite;
}
