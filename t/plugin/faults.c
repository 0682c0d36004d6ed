/* Contract line F3 for plugins: a plugin is loaded, reloaded and unloaded, while each allocation
   and each system call fails in turn. The call, or the completion of its operation, must return the
   error. Afterwards the plugin is either loaded or not, and nothing else is left. */
#include "faults.h"
#include "plugin_host.h"

static struct gone gone;

static int again(int (*call)(void))
{
    int err = call();

    ck_assert_int_le(err, 0);
    return err < 0 ? call() : err;
}

static int load(void)
{
    return tocsin_plugin_load("guest",
                              SETTINGS("init=drop timer block declare alone", "fini=leave"));
}

static int reload(void)
{
    return tocsin_plugin_reload("guest", SETTINGS("init=drop fiber source"),
                                TOCSIN_CALL(on_gone, &gone), NULL);
}

static int unload(void)
{
    return tocsin_plugin_unload("guest", TOCSIN_CALL(on_gone, &gone), NULL);
}

static int turn(void)
{
    int err = tocsin_loop_turn(-1);

    return err < 0 ? err : 0;
}

static void until_gone(void)
{
    while (!gone.count)
        ck_assert_int_eq(again(turn), 0);
}

static void life(void)
{
    host = (struct host){ .inits = 0 };
    ck_assert_int_eq(again(load), 0);
    gone.count = 0;
    ck_assert_int_eq(again(reload), 0);
    until_gone();
    ck_assert_msg(gone.status <= 0, "%d: %s, after %ld", gone.status, gone.reason,
                  tocsin__fault_count());
    gone.count = 0;
    if (is_loaded("guest")) {
        ck_assert_int_eq(again(unload), 0);
        until_gone();
        ck_assert_int_eq(gone.status, 0);
    }
    ck_assert(!is_loaded("guest"));
    while (mapped_lines())
        ck_assert_int_ge(tocsin_loop_turn(1), -ENOMEM);
    tocsin_loop_free();
}

START_TEST(each_call_fails_in_turn)
{
    host_begin();
    each_in_turn("plugin/faults", life);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/faults");
    TCase *tests = test_case(suite, "faults");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, each_call_fails_in_turn);
    return suite;
}
