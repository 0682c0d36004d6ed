/* Contract line P2: a plugin is loaded, or its load is refused. A refused load must return the
   right error and reason, and must leave nothing behind. */
#include <tocsin/watchdog.h>

#include "plugin_host.h"

/* Checks the plugin on a new thread, because each thread has its own buffer for the reason. */
static int do_check(void *name)
{
    return tocsin_plugin_check(name, NULL);
}

static int checked(const char *name)
{
    struct peer peer;
    int answer;

    peer_begin(&peer);
    answer = peer_does(&peer, do_check, (void *)name);
    peer_leaves(&peer);
    return answer;
}

START_TEST(refused_loads)
{
    int descriptors;

    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    tocsin_plugin_load("nowhere", NULL);
    descriptors = test_descriptors();
    ck_assert_int_eq(tocsin_plugin_load(NULL, NULL), -EINVAL);
    ck_assert_str_ne(tocsin_plugin_last_error(), "");
    refused("nowhere", NULL, -ENOENT, "nowhere");
    refused("Bad Name", NULL, -EINVAL, "");
    refused("", NULL, -EINVAL, "");
    refused(PATH_OF("nowhere"), NULL, -ENOENT, "nowhere");
    refused("no_note", NULL, -ENOEXEC, "note");
    refused("twice", NULL, -EBADMSG, "");
    refused("later", NULL, -EPROTONOSUPPORT, "2");
    refused("closed", NULL, -ENOEXEC, "tocsin_plugin_init");
    refused("guest", SETTINGS("init"), -EINVAL, "key=value");
    refused("guest", SETTINGS("=x"), -EINVAL, "key=value");
    refused("program", NULL, -EEXIST, "'program' is a reserved plugin name");
    refused("selfish", NULL, -ELOOP, "selfish needs itself");
    refused("round", NULL, -ELOOP, "round");
    ck_assert_ptr_nonnull(strstr(tocsin_plugin_last_error(), "round2 needs round3"));
    refused("every_entry", NULL, -ENOENT, "other");
    /* The plugin also needs "plain", which must not have been loaded. */
    ck_assert(!is_loaded("plain"));
    turns_until_mapped(0);
    ck_assert_int_eq(test_descriptors(), descriptors);
}
END_TEST

START_TEST(refused_before_a_constructor_runs)
{
    host_begin();
    put("plain", "x");
    unlink(path);
    setenv("CONSTRUCTOR_FILE", path, 1);
    refused("constructor", NULL, -EPROTO, "host.called");
    refused("constructor_abi", NULL, -EPROTONOSUPPORT, "");
    refused("constructor_no_init", NULL, -ENOEXEC, "tocsin_plugin_init");
    ck_assert_int_eq(checked("constructor"), -EPROTO);
    ck_assert_int_eq(checked("constructor_no_init"), -ENOEXEC);
    ck_assert_int_lt(access(path, F_OK), 0);
    put_end();
}
END_TEST

START_TEST(refused_while_another_plugin_is_loaded)
{
    host_begin();
    loads("guest", NULL);
    refused("guest", NULL, -EEXIST, "already loaded");
    refused("unlike", NULL, -EPROTO, "guest.said");
    ck_assert_int_eq(checked("guest"), -EEXIST);
    unloaded("guest");
}
END_TEST

/* The plugin's init starts one operation or object of each kind, and then fails. No function of the
   plugin may be called after that, and the plugin must be unmapped soon. */
START_TEST(the_init_of_a_plugin_fails)
{
    host_begin();
    refused("guest",
            SETTINGS("init=drop observer answer timer long fiber block queue source declare alone "
                     "post fail"),
            -EIO, "tocsin_plugin_init returned -5");
    ck_assert(!is_loaded("guest"));
    emits(1);
    ck_assert_int_eq(host.called, 0);
    ck_assert_int_eq(tocsin_ask(asks_signo, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_emit(tocsin_find("guest.alone"), NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(host.unhandled, 0);
    turns_until_mapped(0);
    ck_assert_int_eq(host.dropped, 1);
    ck_assert_int_eq(host.finis, 0);
    for (int what = 0; what < TOCSIN_RESOURCE_COUNT; what++)
        ck_assert_uint_eq(holds("guest", (enum tocsin_resource)what), 0);
    refused("guest", SETTINGS("init=drop unsaid"), -EPROTO, "guest.unsaid");
    refused("guest", SETTINGS("init=drop otherwise"), -EEXIST, "tocsin_plugin_init returned");
    loads("guest", SETTINGS("init=drop"));
    emits(2);
    ck_assert_int_eq(host.called, 1);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

START_TEST(a_plugin_loads_itself)
{
    host_begin();
    loads("guest", SETTINGS("init=self", "self=guest"));
    ck_assert_int_eq(host.init_answer, -EEXIST);
    unloaded("guest");
    loads("guest", SETTINGS("init=self", "self=needy"));
    /* init got -ELOOP: the plugin needy needs a plugin whose load has not ended */
    ck_assert_int_eq(host.init_answer, -ELOOP);
    ck_assert(!is_loaded("needy"));
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* The plugin's init does not return. The watchdog must name the plugin, and the plugin must not be
   unloaded meanwhile. Then the test lets the init continue. */

static char blocked_signal[64], blocked_owner[64];

static int on_blocked(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_loop_blocked *blocked = tocsin_loop_blocked_of(info);

    (void)arg;
    snprintf(blocked_signal, sizeof blocked_signal, "%s", blocked->signal);
    snprintf(blocked_owner, sizeof blocked_owner, "%s", blocked->owner);
    return TOCSIN_NEXT;
}

static int watch_it_hang(void *arg)
{
    ck_assert_int_eq(tocsin_on("loop.blocked", on_blocked, NULL), 0);
    sem_post(arg);
    while (!*blocked_signal)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(tocsin_plugin_unload("guest", NULL, NULL), -EBUSY);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, NULL, NULL), -EBUSY);
    host.open = 1;
    return 0;
}

START_TEST(the_init_of_a_plugin_blocks)
{
    struct peer peer;
    sem_t watches;

    host_begin();
    ck_assert_int_eq(sem_init(&watches, 0, 0), 0);
    peer_begin(&peer);
    peer_starts(&peer, watch_it_hang, &watches);
    sem_wait(&watches);
    ck_assert_int_eq(tocsin_watchdog(20), 0);
    loads("guest", SETTINGS("init=hang drop"));
    ck_assert_int_eq(peer_finishes(&peer), 0);
    ck_assert_str_eq(blocked_signal, "plugin.loaded");
    ck_assert_str_eq(blocked_owner, "guest");
    ck_assert_int_eq(tocsin_watchdog(0), 0);
    peer_end(&peer);
    emits(1);
    ck_assert_int_eq(host.called, 1);
    unloaded("guest");
    sem_destroy(&watches);
    turns_until_mapped(0);
}
END_TEST

START_TEST(the_list_of_plugins)
{
    struct tocsin_plugin_facts facts;

    host_begin();
    ck_assert_int_eq(tocsin_plugin_next(NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_plugin_next(NULL, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_plugin_check("needy", &facts), 0);
    ck_assert_str_eq(facts.name, "needy");
    ck_assert_str_eq(facts.needs, "guest");
    /* No code is mapped. Only the bytes of the last error text may be mapped. */
    ck_assert_int_eq(mapped_lines() <= 1, 1);
    loads("needy", NULL);
    ck_assert_int_eq(tocsin_plugin_next(NULL, &facts), 0);
    ck_assert_str_eq(facts.name, "guest");
    ck_assert_int_eq(tocsin_plugin_next("guest", &facts), 0);
    ck_assert_str_eq(facts.name, "needy");
    ck_assert_int_eq(tocsin_plugin_next("needy", &facts), -ENOENT);
    /* the program itself has no settings; only plugins have settings */
    ck_assert_ptr_null(tocsin_setting("init", NULL));
    ck_assert_int_eq(tocsin_state_save(1, NULL, 0), -EPERM);
    unloaded("guest");
    ck_assert(!is_loaded("needy"));
    /* _exit() skips the end of the fixture, since the error text is freed only when the process
       exits */
    _exit(0);
}
END_TEST

/* Tests: the plugin's file changes */
START_TEST(the_file_changes)
{
    FILE *file;

    host_begin();
    put("guest", "x");
    loads(path, SETTINGS("init=drop"));
    file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 20000; i++)
        fputc(0xcc, file);
    fclose(file);
    emits(1);
    ck_assert_int_eq(truncate(path, 0), 0);
    emits(2);
    unlink(path);
    emits(3);
    ck_assert_int_eq(host.called, 3);
    unloaded("guest");
    ck_assert_int_eq(host.finis, 1);
    put_end();
}
END_TEST

static int load_answer = 1;

static int on_call(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (load_answer == 1)
        load_answer = tocsin_plugin_load("guest", SETTINGS("init=drop"));
    return TOCSIN_NEXT;
}

START_TEST(a_load_in_a_handler)
{
    host_begin();
    connect_to("host.called", on_call, NULL);
    emits(1);
    ck_assert_int_eq(load_answer, 0);
    /* By contract line E2, a running delivery calls no handler that is connected meanwhile. */
    ck_assert_int_eq(host.called, 0);
    emits(2);
    ck_assert_int_eq(host.called, 1);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/load");
    TCase *tests = test_case(suite, "load");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, refused_loads);
    tcase_add_test(tests, refused_before_a_constructor_runs);
    tcase_add_test(tests, refused_while_another_plugin_is_loaded);
    tcase_add_test(tests, the_init_of_a_plugin_fails);
    tcase_add_test(tests, a_plugin_loads_itself);
    tcase_add_test(tests, the_init_of_a_plugin_blocks);
    tcase_add_test(tests, the_list_of_plugins);
    tcase_add_test(tests, the_file_changes);
    tcase_add_test(tests, a_load_in_a_handler);
    return suite;
}
