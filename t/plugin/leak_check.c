/* The leak check (<tocsin/leak_check.h>) must name each object that a plugin leaves behind or
   removes, and nothing else. The tests cover each kind of object.

   Further plugins load other plugins, or the test itself unloads or reloads a plugin. An unload
   times out. A second load fails or leaks. The last tests pass wrong arguments, and make each
   allocation and system call fail. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include <tocsin/leak_check.h>

#include "faults.h"
#include "plugin_host.h"

static struct tocsin_leak_check *check;

static void check_begin(const char *name, const char *const *settings)
{
    int err = tocsin_leak_check_begin(name, settings, &check);

    ck_assert_msg(err == 0, "%s: %d: %s", name, err, tocsin_leak_check_last_error());
    ck_assert(host.inits > 0);
}

static void check_end(int err, const char *reason)
{
    int answer = tocsin_leak_check_end(check, -1);

    ck_assert_msg(answer == err && strcmp(tocsin_leak_check_last_error(), reason) == 0,
                  "%d: '%s' instead of %d: '%s'", answer, tocsin_leak_check_last_error(), err,
                  reason);
    ck_assert(err == -EBUSY || !is_loaded("leaver"));
}

static const struct {
    const char *what, *reason;
} left[] = {
    { "leaves=action", "leaves behind: action of signal 12 (User defined signal 2)" },
    { "leaves=blocked", "leaves behind: blocked signal 28 (Window changed)" },
    { "leaves=code", "leaves behind: mapping with code" },
    { "leaves=alarm", "leaves behind: timer ITIMER_REAL" },
    { "leaves=timer", "leaves behind: timer of timer_create" },
    { "leaves=setenv", "leaves behind: variable LEAVER" },
    { "leaves=putenv", "leaves behind: variable (unmapped)" },
    { "leaves=unsetenv", "removes: variable HOST" },
    { "leaves=folder", "leaves behind: working directory /proc; removes: working directory /" },
    { "leaves=umask", "leaves behind: umask 127; removes: umask 022" },
    { "leaves=locale", "leaves behind: locale C.UTF-8" },
    { "leaves=ignores", "leaves behind: ignored host.called" },
    { "leaves=masks", "leaves behind: blocked host.called" },
};
enum { LEFT = sizeof left / sizeof *left };

START_TEST(each_kind_of_leak_is_named)
{
    char reason[256];

    if (RUNNING_ON_VALGRIND && strstr(left[_i].what, "code"))
        return; /* this case is not checked under valgrind, since valgrind itself maps code */
    host_begin();
    ck_assert_int_eq(chdir("/"), 0);
    umask(022);
    setenv("HOST", "x", 1);
    snprintf(reason, sizeof reason, "leaver %s", left[_i].reason);
    check_begin("leaver", SETTINGS(left[_i].what));
    ck_assert_int_eq(tocsin_leak_check_end(check, -1), -ENOTEMPTY);
    ck_assert_msg(strncmp(tocsin_leak_check_last_error(), reason, strlen(reason)) == 0, "%s",
                  tocsin_leak_check_last_error());
    ck_assert_int_eq(host.inits, 1);
}
END_TEST

START_TEST(a_plugin_that_leaves_nothing)
{
    const char *const all = "init=drop observer timer long fiber queue source declare alone post";
    int descriptors;

    host_begin();
    check_begin("leaver", NULL);
    ck_assert(is_loaded("leaver"));
    raise(SIGUSR1);
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(host.called, 1);
    check_end(0, "");
    host.called = 0;
    ck_assert_int_eq(host.inits, 2);
    descriptors = test_descriptors();
    check_begin("guest", SETTINGS(all));
    emits(1);
    ck_assert_int_eq(host.called, 1);
    check_end(0, "");
    ck_assert_int_eq(host.finis, 2);
    ck_assert_int_eq(test_descriptors(), descriptors);
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* The plugin loads another plugin, which is unloaded with the first one. A plugin that was
   loaded before stays loaded. */
START_TEST(a_plugin_that_loads_another)
{
    host_begin();
    check_begin("needy", NULL);
    ck_assert(is_loaded("guest"));
    check_end(0, "");
    ck_assert(!is_loaded("guest"));
    loads("guest", NULL);
    check_begin("needy", NULL);
    check_end(0, "");
    ck_assert(is_loaded("guest"));
    unloaded("guest");
}
END_TEST

/* The test function itself unloads or reloads the plugin. When the function returns, the unload may
   not have ended yet. */
START_TEST(unloaded_by_test)
{
    host_begin();
    check_begin("guest", SETTINGS("init=drop"));
    unloaded("guest");
    check_end(0, "");
    check_begin("guest", SETTINGS("init=drop"));
    ck_assert_int_eq(tocsin_plugin_unload("guest", NULL, NULL), 0);
    check_end(0, "");
    check_begin("guest", SETTINGS("init=drop"));
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, NULL, NULL), 0);
    check_end(0, "");
}
END_TEST

START_TEST(left_descriptors_are_named)
{
    char reason[128], setting[64];
    int fd = open("/dev/zero", O_RDONLY);

    host_begin();
    check_begin("leaver", SETTINGS("leaves=descriptor"));
    snprintf(reason, sizeof reason, "leaver leaves behind: descriptor %d (/dev/null)", host.alive);
    check_end(-ENOTEMPTY, reason);
    close(host.alive);
    snprintf(setting, sizeof setting, "descriptor=%d", fd);
    check_begin("leaver", SETTINGS("leaves=closes", setting));
    snprintf(reason, sizeof reason, "leaver removes: descriptor %d (/dev/zero)", fd);
    check_end(-ENOTEMPTY, reason);
}
END_TEST

/* The plugin leaks more objects than the error text can name. */
START_TEST(more_leaks_than_the_text_can_name)
{
    int fds[100];

    host_begin();
    check_begin("leaver", NULL);
    for (int i = 0; i < 100; i++)
        fds[i] = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(tocsin_leak_check_end(check, -1), -ENOTEMPTY);
    ck_assert_ptr_nonnull(strstr(tocsin_leak_check_last_error(), " more"));
    for (int i = 0; i < 100; i++)
        close(fds[i]);
}
END_TEST

START_TEST(a_left_child_is_named)
{
    char reason[64];

    host_begin();
    check_begin("leaver", SETTINGS("leaves=child"));
    if (access("/proc/thread-self/children", R_OK) == 0) {
        snprintf(reason, sizeof reason, "leaver leaves behind: child %d", host.alive);
        check_end(-ENOTEMPTY, reason);
    } else {
        test_skip("plugin/leak_check: child", "this kernel does not list children");
    }
    kill(host.alive, SIGKILL);
    ck_assert_int_eq(waitpid(host.alive, NULL, 0), host.alive);
}
END_TEST

START_TEST(a_left_mapping_is_named)
{
    char mapped[PATH_MAX] = "", reason[PATH_MAX + 64];

    host_begin();
    ck_assert_int_gt(readlink("/proc/self/exe", mapped, sizeof mapped - 1), 0);
    check_begin("leaver", SETTINGS("leaves=mapped"));
    snprintf(reason, sizeof reason, "leaver leaves behind: mapping of %s", mapped);
    check_end(-ENOTEMPTY, reason);
}
END_TEST

START_TEST(a_plugin_that_stays_mapped)
{
    host_begin();
    check_begin("kept", SETTINGS("init=drop"));
    check_end(-ENOTEMPTY, "kept leaves behind: file of kept, still mapped");
    tocsin_loop_free();
    /* _exit() skips the end of the fixture, since the descriptor of the mapped copy stays open */
    _exit(0);
}
END_TEST

START_TEST(a_left_thread_is_named)
{
    host_begin();
    check_begin("leaver", SETTINGS("leaves=thread"));
    ck_assert_int_eq(tocsin_leak_check_end(check, 20), -EBUSY);
    ck_assert_msg(
        strstr(tocsin_leak_check_last_error(), "leaver cannot be unloaded: leaver: ") &&
            strstr(tocsin_leak_check_last_error(), "; leaves behind: thread (leaver's), "),
        "%s", tocsin_leak_check_last_error());
    host.open = 1;
    unloaded("leaver");
}
END_TEST

START_TEST(the_second_load_fails_or_leaks)
{
    char reason[128];

    host_begin();
    check_begin("leaver", SETTINGS("leaves=file"));
    ck_assert_int_eq(tocsin_leak_check_end(check, -1), -EEXIST);
    ck_assert_msg(strncmp(tocsin_leak_check_last_error(), "loading it a second time: ", 26) == 0 &&
                      strstr(tocsin_leak_check_last_error(), "the lock is there"),
                  "%s", tocsin_leak_check_last_error());
    turns_until_mapped(0);
    host.inits = 0;
    check_begin("leaver", SETTINGS("leaves=later"));
    ck_assert_int_eq(tocsin_leak_check_end(check, -1), -ENOTEMPTY);
    snprintf(reason, sizeof reason,
             "leaver, loaded a second time, leaves behind: descriptor %d (/dev/null)", host.alive);
    ck_assert_str_eq(tocsin_leak_check_last_error(), reason);
    close(host.alive);
}
END_TEST

static int on_call(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_leak_check_end(check, -1), -EDEADLK);
    return TOCSIN_NEXT;
}

START_TEST(wrong_arguments_are_refused)
{
    struct tocsin_leak_check *other = NULL;

    host_begin();
    ck_assert_int_eq(tocsin_leak_check_begin("leaver", NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_leak_check_begin(NULL, NULL, &other), -EINVAL);
    ck_assert_str_ne(tocsin_leak_check_last_error(), "");
    ck_assert_int_eq(tocsin_leak_check_begin("leaver", SETTINGS("x"), &other), -EINVAL);
    ck_assert_int_eq(tocsin_leak_check_begin("leaver", SETTINGS("leaves=x"), &other), -EINVAL);
    ck_assert_ptr_nonnull(strstr(tocsin_leak_check_last_error(), "tocsin_plugin_init returned"));
    ck_assert_int_eq(tocsin_leak_check_begin("nowhere", NULL, &other), -ENOENT);
    ck_assert_ptr_nonnull(strstr(tocsin_leak_check_last_error(), "nowhere"));
    ck_assert_ptr_null(other);
    ck_assert_int_eq(tocsin_leak_check_end(NULL, -1), -EINVAL);
    check_begin("leaver", NULL);
    ck_assert_int_eq(tocsin_leak_check_end(check, -2), -EINVAL);
    unloaded("leaver");
    check_begin("leaver", NULL);
    connect_to("host.called", on_call, NULL);
    emits(1);
    unloaded("leaver");
}
END_TEST

static void life(void)
{
    int err;

    host = (struct host){ .inits = 0 };
    check = NULL;
    err = tocsin_leak_check_begin("guest", SETTINGS("init=drop timer block"), &check);
    ck_assert_int_le(err, 0);
    ck_assert_int_eq(check != NULL, err == 0);
    if (err == 0)
        ck_assert_int_le(tocsin_leak_check_end(check, -1), 0);
    if (is_loaded("guest"))
        unloaded("guest");
    while (mapped_lines())
        ck_assert_int_ge(tocsin_loop_turn(1), -ENOMEM);
    tocsin_loop_free();
}

START_TEST(the_leak_check_without_memory)
{
    host_begin();
    each_in_turn("plugin/leak_check", life);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/leak_check");
    TCase *tests = test_case(suite, "leak_check");

    test_needs_processes();
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, each_kind_of_leak_is_named, 0, LEFT);
    tcase_add_test(tests, a_plugin_that_leaves_nothing);
    tcase_add_test(tests, a_plugin_that_loads_another);
    tcase_add_test(tests, unloaded_by_test);
    tcase_add_test(tests, left_descriptors_are_named);
    tcase_add_test(tests, more_leaks_than_the_text_can_name);
    tcase_add_test(tests, a_left_child_is_named);
    tcase_add_test(tests, a_left_mapping_is_named);
    tcase_add_test(tests, a_plugin_that_stays_mapped);
    tcase_add_test(tests, a_left_thread_is_named);
    tcase_add_test(tests, the_second_load_fails_or_leaks);
    tcase_add_test(tests, wrong_arguments_are_refused);
    tcase_add_test(tests, the_leak_check_without_memory);
    return suite;
}
