/* The symbols of a plugin are compared with the symbols of the process. Some plugins are refused
   before they are mapped. For some plugins tocsin_plugin_check() prints a warning. All others are
   loaded. */
#define _GNU_SOURCE /* for dlvsym() */
#include <dlfcn.h>
#include <string.h>

#include "base/mem.h"
#include "plugin_host.h"

/* Checks the plugin on a new thread, because each thread has its own buffer for the reason. */
static char said[512];

static int do_check(void *name)
{
    int answer = tocsin_plugin_check(name, NULL);

    snprintf(said, sizeof said, "%s", tocsin_plugin_last_error());
    return answer;
}

static void checked(const char *name, int err, const char *why)
{
    struct peer peer;
    int answer;

    peer_begin(&peer);
    answer = peer_does(&peer, do_check, (void *)name);
    peer_leaves(&peer);
    ck_assert_msg(answer == err && strstr(said, why), "%s: %d: '%s' instead of %d: '%s'", name,
                  answer, said, err, why);
}

static void refused_and_checked(const char *name, const char *why)
{
    checked(name, -ELIBACC, why);
    refused(name, NULL, -ELIBACC, why);
    ck_assert_int_eq(mapped_lines(), 0);
}

/* Tests: plugins in which the dynamic linker would bind a reference to the symbol of another
   object */

START_TEST(symbols_that_other_objects_define)
{
    host_begin();
    refused_and_checked("symbols_clash", "event_get_version_number by that of ");
    ck_assert_ptr_nonnull(strstr(tocsin_plugin_last_error(), "libevent"));
    refused_and_checked("symbols_clash", "optind by that of ");
    refused_and_checked("symbols_clash", "tocsin__owner_find by that of the program");
    refused_and_checked("symbols_clash", "compile it with -fvisibility=hidden, or make it static");
}
END_TEST

static const char *const own_symbols[] = { "symbols_symbolic", "symbols_weak", "symbols_protected",
                                           "symbols_hidden", "symbols_private_one" };

START_TEST(symbols_bound_to_the_plugin_itself)
{
    const char *name = strstr(own_symbols[_i], "one") ? "one" : "symbols";

    host_begin();
    checked(own_symbols[_i], 0, "");
    ck_assert_str_eq(said, "");
    loads(own_symbols[_i], NULL);
    unloaded(name);
}
END_TEST

START_TEST(plugins_do_not_see_each_other)
{
    host_begin();
    loads("symbols_private_one", NULL);
    loads("symbols_private_two", NULL);
    unloaded("two");
    unloaded("one");
}
END_TEST

/* The plugin refers to a symbol without a version. The dynamic linker binds it to the first
   version in the library, which may be for old programs only. */
START_TEST(a_symbol_of_a_hidden_version)
{
    host_begin();
    if (dlsym(RTLD_DEFAULT, "xdr_int") || !dlvsym(RTLD_DEFAULT, "xdr_int", "GLIBC_2.2.5")) {
        test_skip("plugin/scope: a symbol of a hidden version", "this libc has none");
        return;
    }
    refused_and_checked("symbols_hidden_version", "xdr_int by that of ");
}
END_TEST

START_TEST(undefined_symbols_are_refused)
{
    host_begin();
    refused_and_checked("symbols_undefined", "undefined symbol: nobody_has_it");
    refused_and_checked("symbols_undefined", "is a library missing");
}
END_TEST

START_TEST(pthread_key_create_is_a_warning)
{
    host_begin();
    checked("symbols_keys", 0, "imports pthread_key_create");
    loads("symbols_keys", NULL);
    unloaded("symbols");
}
END_TEST

/* A symbol with STB_GNU_UNIQUE binding stays in memory after its plugin was unloaded. */

static bool is_unique(void)
{
    host_begin();
    checked("symbols_unique", 0, "");
    if (*said)
        return true;
    test_skip("plugin/scope: unique symbols", "this assembler makes none");
    return false;
}

static void reload_is_refused(const char *name)
{
    struct gone gone = { .count = 0 };
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_plugin_reload(name, NULL, TOCSIN_CALL(on_gone, &gone), &op), 0);
    gone_with(&gone, -ELIBACC, "unique_table");
    ck_assert_ptr_nonnull(strstr(gone.reason, "-fno-gnu-unique"));
    ck_assert_int_eq(state_of(name), TOCSIN_PLUGIN_RUNNING);
}

START_TEST(a_plugin_with_a_unique_symbol_is_not_reloaded)
{
    if (!is_unique())
        return;
    checked("symbols_unique", 0, "can be loaded, but not reloaded: unique_table");
    put("symbols_unique", "symbols");
    loads(path, NULL);
    reload_is_refused("symbols");
    /* the reload is refused, since the old version would stay in memory */
    put("symbols_hidden", "symbols");
    reload_is_refused("symbols");
    put_end();
}
END_TEST

START_TEST(a_next_version_with_a_unique_symbol_is_refused)
{
    if (!is_unique())
        return;
    put("symbols_hidden", "symbols");
    loads(path, NULL);
    put("symbols_unique", "symbols");
    reload_is_refused("symbols");
    unloaded("symbols");
    put_end();
}
END_TEST

START_TEST(a_plugin_with_a_unique_symbol_is_not_loaded_again)
{
    struct gone gone = { .count = 0 };

    if (!is_unique())
        return;
    loads("symbols_unique", NULL);
    unloads("symbols", &gone);
    gone_with(&gone, 0, "");
    ck_assert(gone.mapped);
    refused("symbols_unique", NULL, -ELIBACC,
            "an earlier version left the unique symbol unique_table");
}
END_TEST

START_TEST(a_unique_symbol_of_another_size)
{
    if (!is_unique())
        return;
    loads("symbols_unique", NULL);
    refused("symbols_unique2", NULL, -ELIBACC, "unique_table has 64 bytes");
    /* the plugin is loaded: it defines the symbol with the same size, and shares it with the other
       plugin on purpose */
    loads("symbols_unique3", NULL);
}
END_TEST

static int do_check_faulty(void *arg)
{
    long *nth = arg;
    int err;

    tocsin_plugin_check("symbols_clash", NULL);
    do {
        tocsin__fault_at(++*nth);
        err = tocsin_plugin_check("symbols_clash", NULL);
        ck_assert_int_lt(err, 0);
        ck_assert_str_ne(tocsin_plugin_last_error(), "");
    } while (tocsin__fault_count() >= *nth);
    tocsin__fault_at(0);
    return err;
}

START_TEST(comparing_symbols_without_memory)
{
    struct peer peer;
    long nth = 0;

    host_begin();
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_check_faulty, &nth), -ELIBACC);
    peer_leaves(&peer);
    ck_assert_int_gt(nth, 10);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/scope");
    TCase *tests = test_case(suite, "scope"), *stay = tcase_create("plugins that stay mapped");

    test_needs_processes();
    suite_add_tcase(suite, stay);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, symbols_that_other_objects_define);
    tcase_add_loop_test(tests, symbols_bound_to_the_plugin_itself, 0,
                        sizeof own_symbols / sizeof own_symbols[0]);
    tcase_add_test(tests, plugins_do_not_see_each_other);
    tcase_add_test(tests, a_symbol_of_a_hidden_version);
    tcase_add_test(tests, undefined_symbols_are_refused);
    tcase_add_test(tests, pthread_key_create_is_a_warning);
    tcase_add_test(stay, a_plugin_with_a_unique_symbol_is_not_reloaded);
    tcase_add_test(tests, a_next_version_with_a_unique_symbol_is_refused);
    tcase_add_test(stay, a_plugin_with_a_unique_symbol_is_not_loaded_again);
    tcase_add_test(stay, a_unique_symbol_of_another_size);
    tcase_add_test(tests, comparing_symbols_without_memory);
    return suite;
}
