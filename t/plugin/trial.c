/* A trial names each thing that a plugin leaves behind, or takes, and nothing where there is nothing. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include <tocsin/trial.h>

#include "faults.h"
#include "loaded.h"

static struct tocsin_trial *trial;

static void trial_begins(const char *name, const char *const *settings)
{
    int err = tocsin_trial_begin(name, settings, &trial);

    ck_assert_msg(err == 0, "%s: %d: %s", name, err, tocsin_plugin_reason());
    ck_assert(host.inits > 0);
}

static void trial_ends(int err, const char *reason)
{
    int answer = tocsin_trial_end(trial, -1);

    ck_assert_msg(answer == err && strcmp(tocsin_plugin_reason(), reason) == 0, "%d: '%s' instead of %d: '%s'", answer, tocsin_plugin_reason(), err, reason);
    ck_assert(err == -EBUSY || !is_loaded("leaver"));
}

static const struct { const char *what, *reason; } left[] = {
    { "leaves=action", "leaves: action of signal 12 (User defined signal 2)" },
    { "leaves=blocked", "leaves: blocked signal 28 (Window changed)" },
    { "leaves=code", "leaves: mapping with code" },
    { "leaves=alarm", "leaves: timer ITIMER_REAL" },
    { "leaves=timer", "leaves: timer of timer_create" },
    { "leaves=setenv", "leaves: variable LEAVER" },
    { "leaves=putenv", "leaves: variable (unmapped)" },
    { "leaves=unsetenv", "takes: variable HOST" },
    { "leaves=folder", "leaves: working directory /proc; takes: working directory /" },
    { "leaves=umask", "leaves: umask 127; takes: umask 022" },
    { "leaves=locale", "leaves: locale C.UTF-8" },
    { "leaves=ignores", "leaves: ignored host.called" },
    { "leaves=masks", "leaves: blocked host.called" },
};
enum { LEFT = sizeof left / sizeof *left };

START_TEST(leaves)
{
    char reason[256];

    if (RUNNING_ON_VALGRIND && strstr(left[_i].what, "code"))
        return;                                        /* it has such mappings of its own */
    host_begin();
    ck_assert_int_eq(chdir("/"), 0);
    umask(022);
    setenv("HOST", "x", 1);
    snprintf(reason, sizeof reason, "leaver %s", left[_i].reason);
    trial_begins("leaver", SETTINGS(left[_i].what));
    ck_assert_int_eq(tocsin_trial_end(trial, -1), -ENOTEMPTY);
    ck_assert_msg(strncmp(tocsin_plugin_reason(), reason, strlen(reason)) == 0, "%s", tocsin_plugin_reason());
    ck_assert_int_eq(host.inits, 1);
}
END_TEST

START_TEST(nothing)
{
    const char *const all = "init=drop observer timer long fiber queue source declare alone post";
    int descriptors;

    host_begin();
    trial_begins("leaver", NULL);
    ck_assert(is_loaded("leaver"));
    raise(SIGUSR1);
    ck_assert_int_ge(tocsin_turn(0), 1);
    ck_assert_int_eq(host.called, 1);
    trial_ends(0, "");
    host.called = 0;
    ck_assert_int_eq(host.inits, 2);
    descriptors = test_descriptors();
    trial_begins("guest", SETTINGS(all));
    emits(1);
    ck_assert_int_eq(host.called, 1);
    trial_ends(0, "");
    ck_assert_int_eq(host.finis, 2);
    ck_assert_int_eq(test_descriptors(), descriptors);
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* It has loaded another one, which goes with it; one that was there stays. */
START_TEST(others)
{
    host_begin();
    trial_begins("needy", NULL);
    ck_assert(is_loaded("guest"));
    trial_ends(0, "");
    ck_assert(!is_loaded("guest"));
    loads("guest", NULL);
    trial_begins("needy", NULL);
    trial_ends(0, "");
    ck_assert(is_loaded("guest"));
    unloaded("guest");
}
END_TEST

/* What the test does to it by itself. */
START_TEST(gone_already)
{
    host_begin();
    trial_begins("guest", SETTINGS("init=drop"));
    unloaded("guest");
    trial_ends(0, "");
    trial_begins("guest", SETTINGS("init=drop"));
    ck_assert_int_eq(tocsin_plugin_unload("guest", NULL, NULL), 0);
    trial_ends(0, "");
    trial_begins("guest", SETTINGS("init=drop"));
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, NULL, NULL), 0);
    trial_ends(0, "");
}
END_TEST

START_TEST(descriptors)
{
    char reason[128], setting[64];
    int fd = open("/dev/zero", O_RDONLY);

    host_begin();
    trial_begins("leaver", SETTINGS("leaves=descriptor"));
    snprintf(reason, sizeof reason, "leaver leaves: descriptor %d (/dev/null)", host.alive);
    trial_ends(-ENOTEMPTY, reason);
    close(host.alive);
    snprintf(setting, sizeof setting, "descriptor=%d", fd);
    trial_begins("leaver", SETTINGS("leaves=closes", setting));
    snprintf(reason, sizeof reason, "leaver takes: descriptor %d (/dev/zero)", fd);
    trial_ends(-ENOTEMPTY, reason);
}
END_TEST

/* There are more than there is room to say. */
START_TEST(many)
{
    int fds[100];

    host_begin();
    trial_begins("leaver", NULL);
    for (int i = 0; i < 100; i++)
        fds[i] = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(tocsin_trial_end(trial, -1), -ENOTEMPTY);
    ck_assert_ptr_nonnull(strstr(tocsin_plugin_reason(), " more"));
    for (int i = 0; i < 100; i++)
        close(fds[i]);
}
END_TEST

START_TEST(child)
{
    char reason[64];

    host_begin();
    trial_begins("leaver", SETTINGS("leaves=child"));
    if (access("/proc/thread-self/children", R_OK) == 0) {
        snprintf(reason, sizeof reason, "leaver leaves: child %d", host.alive);
        trial_ends(-ENOTEMPTY, reason);
    } else {
        test_skip("plugin/trial: child", "this kernel does not list children");
    }
    kill(host.alive, SIGKILL);
    ck_assert_int_eq(waitpid(host.alive, NULL, 0), host.alive);
}
END_TEST

START_TEST(mapped_file)
{
    char mapped[PATH_MAX] = "", reason[PATH_MAX + 64];

    host_begin();
    ck_assert_int_gt(readlink("/proc/self/exe", mapped, sizeof mapped - 1), 0);
    trial_begins("leaver", SETTINGS("leaves=mapped"));
    snprintf(reason, sizeof reason, "leaver leaves: mapping of %s", mapped);
    trial_ends(-ENOTEMPTY, reason);
}
END_TEST

START_TEST(itself)
{
    host_begin();
    trial_begins("kept", SETTINGS("init=drop"));
    trial_ends(-ENOTEMPTY, "kept leaves: file of kept, still mapped");
    tocsin_free();
    _exit(0);                                          /* its descriptor stays with it */
}
END_TEST

START_TEST(thread)
{
    host_begin();
    trial_begins("leaver", SETTINGS("leaves=thread"));
    ck_assert_int_eq(tocsin_trial_end(trial, 20), -EBUSY);
    ck_assert_msg(strstr(tocsin_plugin_reason(), "leaver is held: leaver: ") && strstr(tocsin_plugin_reason(), "; leaves: thread (leaver's), "), "%s", tocsin_plugin_reason());
    host.open = 1;
    unloaded("leaver");
}
END_TEST

START_TEST(second_time)
{
    char reason[128];

    host_begin();
    trial_begins("leaver", SETTINGS("leaves=file"));
    ck_assert_int_eq(tocsin_trial_end(trial, -1), -EEXIST);
    ck_assert_msg(strncmp(tocsin_plugin_reason(), "a second time: ", 15) == 0 && strstr(tocsin_plugin_reason(), "the lock is there"), "%s", tocsin_plugin_reason());
    turns_until_mapped(0);
    host.inits = 0;
    trial_begins("leaver", SETTINGS("leaves=later"));
    ck_assert_int_eq(tocsin_trial_end(trial, -1), -ENOTEMPTY);
    snprintf(reason, sizeof reason, "leaver, a second time, leaves: descriptor %d (/dev/null)", host.alive);
    ck_assert_str_eq(tocsin_plugin_reason(), reason);
    close(host.alive);
}
END_TEST

static int on_call(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_trial_end(trial, -1), -EDEADLK);
    return TOCSIN_NEXT;
}

START_TEST(refused_itself)
{
    struct tocsin_trial *other = NULL;

    host_begin();
    ck_assert_int_eq(tocsin_trial_begin("leaver", NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_trial_begin(NULL, NULL, &other), -EINVAL);
    ck_assert_str_ne(tocsin_plugin_reason(), "");
    ck_assert_int_eq(tocsin_trial_begin("leaver", SETTINGS("x"), &other), -EINVAL);
    ck_assert_int_eq(tocsin_trial_begin("leaver", SETTINGS("leaves=x"), &other), -EINVAL);
    ck_assert_ptr_nonnull(strstr(tocsin_plugin_reason(), "init answered"));
    ck_assert_int_eq(tocsin_trial_begin("nowhere", NULL, &other), -ENOENT);
    ck_assert_ptr_nonnull(strstr(tocsin_plugin_reason(), "nowhere"));
    ck_assert_ptr_null(other);
    ck_assert_int_eq(tocsin_trial_end(NULL, -1), -EINVAL);
    trial_begins("leaver", NULL);
    ck_assert_int_eq(tocsin_trial_end(trial, -2), -EINVAL);
    unloaded("leaver");
    trial_begins("leaver", NULL);
    connect_to("host.called", on_call, NULL);
    emits(1);
    unloaded("leaver");
}
END_TEST

static void life(void)
{
    int err;

    host = (struct host){ .inits = 0 };
    trial = NULL;
    err = tocsin_trial_begin("guest", SETTINGS("init=drop timer block"), &trial);
    ck_assert_int_le(err, 0);
    ck_assert_int_eq(trial != NULL, err == 0);
    if (err == 0)
        ck_assert_int_le(tocsin_trial_end(trial, -1), 0);
    if (is_loaded("guest"))
        unloaded("guest");
    while (mapped_lines())
        ck_assert_int_ge(tocsin_turn(1), -ENOMEM);
    tocsin_free();
}

START_TEST(faults)
{
    host_begin();
    each_in_turn("plugin/trial", life);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/trial");
    TCase *tests = test_case(suite, "trial");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, leaves, 0, LEFT);
    tcase_add_test(tests, nothing);
    tcase_add_test(tests, others);
    tcase_add_test(tests, gone_already);
    tcase_add_test(tests, descriptors);
    tcase_add_test(tests, many);
    tcase_add_test(tests, child);
    tcase_add_test(tests, mapped_file);
    tcase_add_test(tests, itself);
    tcase_add_test(tests, thread);
    tcase_add_test(tests, second_time);
    tcase_add_test(tests, refused_itself);
    tcase_add_test(tests, faults);
    return suite;
}
