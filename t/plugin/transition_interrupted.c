/* An unload or a reload of a plugin is interrupted in several ways. The loop that loaded the plugin
   (its home loop) or all loops are freed. Other threads request an unload or a reload of the same
   plugin. A plugin that needs this plugin is loaded or reloaded. The process forks. The operation
   is cancelled or times out at many moments.

   No thread may deadlock. Each operation must end once. A plugin must be loaded completely, or not
   at all. */
#include <dlfcn.h>
#include <sched.h>
#include <sys/wait.h>

#include <tocsin/inject.h>

#include "plugin_host.h"

/* A sanitizer does not take its own locks around fork. If another thread holds one of these locks,
   the child waits for the lock without end. The address sanitizer has such locks in its allocator,
   the thread sanitizer in its dlopen. */
#ifdef __SANITIZE_ADDRESS__
enum { ALLOCATOR_LOCKS = 1 };
#else
enum { ALLOCATOR_LOCKS = 0 };
#endif
#ifdef __SANITIZE_THREAD__
enum { DLOPEN_LOCKS = 1 };
#else
enum { DLOPEN_LOCKS = 0 };
#endif

/* Returns the seconds after which an alarm ends a child that waits for ever. */
static unsigned patience_s(void)
{
    return (unsigned)(test_longer_ms(60000) / 1000);
}

static struct gone gone, other;
static struct peer peer, third;
static _Atomic int over, freed, turned;

static int do_load_at(void *settings)
{
    return tocsin_plugin_load("guest", settings);
}

static int do_some(void *arg)
{
    (void)arg;
    while (!over) {
        tocsin_loop_turn(1);
        turned++;
    }
    return 0;
}

static void end_of(struct peer *one)
{
    over = 1;
    peer_finishes(one);
    peer_end(one);
    over = 0;
}

/* The home loop of a plugin (the loop that loaded it) is freed while a reload waits for the timers
   of the plugin. Another loop must continue the reload. */
START_TEST(the_home_loop_is_freed_with_its_timers)
{
    struct tocsin_op op;

    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=drop")), 0);
    ck_assert_int_eq(host.start(NULL, &op), 0);
    host.open = 1;
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_ge(peer_does(&peer, do_turn, NULL), 0);
    }
    ck_assert_int_ge(peer_does(&peer, do_free, NULL), 0);
    peer_leaves(&peer);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.inits, 2);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* The home loop (the loop that loaded the plugin) is freed before the reload has begun, or while
   the reload waits for operations that end by themselves. Another loop must continue the reload. */
START_TEST(the_home_loop_is_freed)
{
    int turns_before = _i;

    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    host.loops[0] = tocsin_loop_current();
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=everywhere work")), 0);
    while (host.tasks < 1 || !host.works)
        tocsin_loop_turn(1);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < turns_before; i++)
        ck_assert_int_ge(peer_does(&peer, do_turn, NULL), 0);
    host.open = 1;
    peer_starts(&peer, do_free, NULL);
    peer_finishes(&peer);
    peer_leaves(&peer);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.inits, 2);
    while (host.tasks < 2)
        tocsin_loop_turn(1);
    emits(1);
    ck_assert_int_eq(host.called, 1);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* All loops but one wait at the barrier, where loops stop between two turns for the reload. Then
   the home loop is freed. The waiting loops must leave the barrier, and must not wait for the home
   loop. */
static int turns_and_frees(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++)
        tocsin_loop_turn(1);
    freed = 1;
    return tocsin_loop_free();
}

static int when_freed(void *arg)
{
    while (!freed)
        sched_yield();
    return do_some(arg);
}

START_TEST(the_home_loop_is_freed_during_the_barrier)
{
    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    host.loops[0] = tocsin_loop_current();
    peer_begin(&peer);
    peer_begin(&third);
    ck_assert_int_eq(peer_does(&third, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=everywhere")), 0);
    while (host.tasks < 1)
        tocsin_loop_turn(1);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    peer_starts(&third, when_freed, NULL);
    peer_starts(&peer, turns_and_frees, NULL);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.inits, 2);
    peer_finishes(&peer);
    peer_leaves(&peer);
    unloaded("guest");
    turns_until_mapped(0);
    end_of(&third);
}
END_TEST

/* The only loop is freed during a reload. Afterwards either the old or the new version is
   loaded. */
START_TEST(all_loops_are_freed)
{
    int turns_before = _i;

    host_begin();
    loads("guest", SETTINGS("init=drop declare alone"));
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < turns_before; i++)
        tocsin_loop_turn(0);
    tocsin_loop_free();
    ck_assert_int_eq(gone.count, 1);
    ck_assert(is_loaded("guest"));
    ck_assert_int_eq(host.inits, gone.status == 0 ? 2 : 1);
    ck_assert_int_eq(state_of("guest"), TOCSIN_PLUGIN_RUNNING);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* A plugin is unloaded while a plugin that needs it is being loaded. The unload must wait for the
   load, and must then unload both plugins. */
static int do_load_needy(void *settings)
{
    int err = tocsin_plugin_load("needy", settings);

    turned = 1;
    while (!over)
        tocsin_loop_turn(1);
    return err;
}

START_TEST(while_a_dependent_is_loaded)
{
    host_begin();
    loads("guest", NULL);
    peer_begin(&peer);
    peer_starts(&peer, do_load_needy, (void *)SETTINGS("init=hang"));
    while (!host.works)
        sched_yield();
    unloads("guest", &gone);
    for (int i = 0; i < 20; i++)
        tocsin_loop_turn(1);
    ck_assert_int_eq(gone.count, 0);
    host.open = 1;
    gone_with(&gone, 0, "");
    ck_assert(!is_loaded("needy"));
    turns_until_mapped(0);
    end_of(&peer);
}
END_TEST

/* A plugin is unloaded while the next version of another plugin is being loaded. The next version
   needs the first plugin. Either the reload fails, or the new version is unloaded first. */
START_TEST(the_next_version_needs_a_plugin_that_is_unloaded)
{
    int turns_before = 20 * _i;

    host_begin();
    put("needless", "needy");
    loads("guest", NULL);
    loads(path, SETTINGS("init=work"));
    while (!host.works)
        tocsin_loop_turn(1);
    put("needy", "needy");
    ck_assert_int_eq(
        tocsin_plugin_reload("needy", SETTINGS("init="), TOCSIN_CALL(on_gone, &other), NULL), 0);
    for (int i = 0; i < turns_before; i++)
        tocsin_loop_turn(1);
    unloads("guest", &gone);
    for (int i = 0; i < 20; i++)
        tocsin_loop_turn(1);
    host.open = 1;
    while (!gone.count || !other.count)
        tocsin_loop_turn(1);
    ck_assert_msg(gone.status == 0, "%d: %s", gone.status, gone.reason);
    ck_assert(!is_loaded("guest"));
    ck_assert(is_loaded("needy") == (other.status == -ENOENT));
    if (is_loaded("needy"))
        unloaded("needy");
    turns_until_mapped(0);
    put_end();
}
END_TEST

/* Neither the new version nor the old version starts. Meanwhile another thread requests unloads and
   reloads. The plugin must be unloaded in the end. */
static int asks_on(void *arg)
{
    (void)arg;
    while (!over) {
        tocsin_plugin_unload("guest", NULL, NULL);
        tocsin_plugin_reload("guest", NULL, NULL, NULL);
        tocsin_loop_turn(0);
    }
    return 0;
}

START_TEST(neither_version_starts)
{
    host_begin();
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    for (long i = test_scaled(100, 4, 20); i; i--) {
        loads("guest", SETTINGS("init=interpose drop"));
        ck_assert_int_eq(tocsin_inject(NULL, NULL), 0);
        peer_starts(&peer, asks_on, NULL);
        gone.count = 0;
        if (tocsin_plugin_reload("guest", SETTINGS("init=fail"), TOCSIN_CALL(on_gone, &gone),
                                 NULL) == 0)
            turns_until(&gone.count, 1);
        while (is_loaded("guest")) {
            tocsin_plugin_unload("guest", NULL, NULL);
            tocsin_loop_turn(1);
        }
        over = 1;
        while (sem_trywait(&peer.done) < 0)
            tocsin_loop_turn(1);
        over = 0;
        while (mapped_lines()) {
            tocsin_loop_turn(1);
            /* In this turn the peer's loop comes to rest: none of its functions runs any more. The
               plugin cannot be unmapped before this. */
            peer_does(&peer, do_turn, NULL);
        }
    }
    peer_end(&peer);
}
END_TEST

/* A default action of the plugin runs on a new loop. This loop was created after the other loops
   were asked to wait at the barrier. */
static int while_it_goes(void)
{
    turned = 1;
    for (int i = 0; i < 200 && host.finis == 0; i++)
        usleep(1000);
    return 0;
}

static int does_default(void *arg)
{
    tocsin_loop_turn(0);
    ck_assert_int_eq(tocsin_emit(tocsin_find("guest.alone"), NULL), TOCSIN_NOBODY);
    return do_some(arg);
}

START_TEST(a_default_action_on_a_new_loop)
{
    struct peer late;

    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    peer_begin(&late);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    loads("guest", SETTINGS("init=alone"));
    host.in_default = while_it_goes;
    ck_assert_int_eq(
        tocsin_plugin_reload("guest", SETTINGS("init="), TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < 10; i++)
        /* The peer's loop was asked to wait at the barrier, and does not wait there yet. */
        tocsin_loop_turn(0);
    peer_starts(&late, does_default, NULL);
    while (!turned)
        sched_yield();
    peer_starts(&peer, do_some, NULL);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.unhandled, 1);
    unloaded("guest");
    turns_until_mapped(0);
    over = 1;
    peer_finishes(&late);
    peer_end(&late);
    end_of(&peer);
}
END_TEST

/* A reload is cancelled or times out at each of these moments. Each moment is tried with two new
   versions. The first new version starts. The second one starts an operation or object of each kind
   on two loops, and then fails. */
static const struct {
    int alone;    /* the number of turns of the main loop before the peer's loop runs */
    int together; /* the number of turns of the main loop while the peer's loop runs */
} moments[] = {
    { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 }, { 2, 0 }, { 2, 1 },
    { 3, 2 }, { 3, 3 }, { 3, 4 }, { 3, 5 }, { 3, 6 }, { 3, 7 },
};
enum { STARTS, FAILS, VERSIONS };
enum { BY_CANCEL, BY_DEADLINE, ENDS };

static struct tocsin_op reload_to(int version)
{
    struct tocsin_op op;
    int err;

    gone.count = 0;
    if (version == FAILS)
        err = tocsin_plugin_reload("guest",
                                   SETTINGS("init=everywhere handler observer answer timer long "
                                            "future promise fiber work block queue source fail"),
                                   TOCSIN_CALL(on_gone, &gone), &op);
    else
        err = tocsin_plugin_reload("guest", SETTINGS("init=everywhere timer"),
                                   TOCSIN_CALL(on_gone, &gone), &op);
    ck_assert_int_eq(err, 0);
    return op;
}

/* Checks that exactly one version is loaded. The test emits a signal, and the handlers of that
   version must be called once on both loops. */
static void check_whole(void)
{
    while (state_of("guest") == TOCSIN_PLUGIN_ENDING)
        tocsin_loop_turn(1);
    ck_assert_int_eq(state_of("guest"), TOCSIN_PLUGIN_RUNNING);
    host.called = 0;
    emits(1);
    while (host.called < 2)
        tocsin_loop_turn(1);
    over = 1;
    while (sem_trywait(&peer.done) < 0)
        tocsin_loop_turn(1);
    over = 0;
    ck_assert_int_eq(host.called, 2);
}

static void end_reload_at(size_t moment, int version, int end)
{
    struct tocsin_op op = reload_to(version);

    for (int i = 0; i < moments[moment].alone; i++)
        tocsin_loop_turn(0);
    peer_starts(&peer, do_some, NULL);
    for (int i = 0; i < moments[moment].together; i++)
        tocsin_loop_turn(0);
    if (end == BY_DEADLINE)
        tocsin_op_deadline(op, 0);
    else
        tocsin_cancel(op);
    turns_until(&gone.count, 1);
    check_whole();
}

START_TEST(a_reload_ended_at_any_moment)
{
    int end = _i;

    host_begin();
    host.open = 1;
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_loop, &host.loops[0]), 0);
    host.loops[1] = tocsin_loop_current();
    loads("guest", SETTINGS("init=everywhere timer"));
    while (host.tasks < 2) {
        tocsin_loop_turn(0);
        peer_does(&peer, do_turn, NULL);
    }
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++)
        for (int version = STARTS; version < VERSIONS; version++)
            end_reload_at(i, version, end);
    peer_starts(&peer, do_some, NULL);
    unloaded("guest");
    turns_until_mapped(0);
    end_of(&peer);
    ck_assert_int_eq(holds("program", TOCSIN_RESOURCE_OPERATIONS) +
                         holds("program", TOCSIN_RESOURCE_BLOCKS) +
                         holds("program", TOCSIN_RESOURCE_TASKS),
                     0);
}
END_TEST

/* The plugin's fini frees the loop on which it runs, during an unload or a reload. */
static int free_here(void)
{
    tocsin_loop_free();
    return 0;
}

START_TEST(freed_in_fini)
{
    bool unload = _i;

    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    host.loops[0] = tocsin_loop_current();
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=everywhere timer")), 0);
    while (host.tasks < 1)
        tocsin_loop_turn(1);
    host.in_fini = free_here;
    peer_starts(&peer, do_some, NULL);
    if (unload)
        unloads("guest", &gone);
    else
        ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    turns_until(&gone.count, 1);
    host.in_fini = NULL;
    if (is_loaded("guest"))
        unloaded("guest");
    turns_until_mapped(0);
    over = 1;
    peer_finishes(&peer);
    peer_does(&peer, do_free, NULL);
    peer_leaves(&peer);
}
END_TEST

/* The process forks while another thread reloads a plugin. The child must be able to free its
   loop, whatever step the reload was in. */
static int reloads_on(void *arg)
{
    (void)arg;
    loads("guest", SETTINGS("init=everywhere timer"));
    while (!over) {
        gone.count = 0;
        ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
        turned = 1;
        turns_until(&gone.count, 1);
    }
    return 0;
}

START_TEST(a_fork_during_reloads)
{
    if (ALLOCATOR_LOCKS) {
        test_skip("plugin/transition_interrupted: forks during reloads",
                  "the other thread may have a lock of the sanitizer, which the child waits for");
        return;
    }
    if (test_scaled(1, 1, 2) == 0) {
        test_skip("plugin/transition_interrupted: forks during reloads",
                  "valgrind reports memory that other threads of the parent had allocated");
        return;
    }
    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    host.loops[0] = tocsin_loop_current();
    peer_begin(&peer);
    peer_starts(&peer, reloads_on, NULL);
    while (!turned)
        tocsin_loop_turn(0);
    for (long i = test_scaled(200, 4, 20); i; i--) {
        pid_t child = fork();
        int status;

        /* The child calls no function of Check, because the other thread may have held Check's
           lock. */
        if (child == 0) {
            alarm(patience_s());
            if (tocsin_after_fork() < 0 || tocsin_loop_turn(0) < 0 || tocsin_loop_free() < 0)
                _exit(1);
            _exit(0);
        }
        ck_assert_int_gt(child, 0);
        for (int k = 0; k < 5; k++)
            tocsin_loop_turn(0);
        while (waitpid(child, &status, WNOHANG) == 0)
            tocsin_loop_turn(0);
        ck_assert_msg(status == 0, "%x", (unsigned)status);
    }
    over = 1;
    while (sem_trywait(&peer.done) < 0)
        tocsin_loop_turn(1);
    over = 0;
    peer_starts(&peer, do_some, NULL);
    unloaded("guest");
    turns_until_mapped(0);
    end_of(&peer);
}
END_TEST

/* The process forks while another thread is in the dynamic linker. The child must load plugins,
   or get an error with a reason. It must not wait forever. */
static int opens_on(void *none)
{
    (void)none;
    while (!over) {
        void *object = dlopen(OBJECTS "/closed.so", RTLD_NOW | RTLD_LOCAL);

        turned = 1;
        if (object)
            dlclose(object);
    }
    return 0;
}

static void child_loads(void)
{
    int err;

    alarm(patience_s());
    if (tocsin_after_fork() < 0)
        _exit(1);
    err = tocsin_plugin_load("guest", SETTINGS("init=timer"));
    if (err == -EOWNERDEAD)
        _exit(strstr(tocsin_plugin_last_error(), "forked") ? 2 : 3);
    _exit(err == 0 ? 0 : 4);
}

START_TEST(a_fork_while_the_dynamic_linker_runs)
{
    int counts[3] = { 0 };

    if (ALLOCATOR_LOCKS || DLOPEN_LOCKS) {
        test_skip("plugin/transition_interrupted: forks while the dynamic linker runs",
                  "the other thread may have a lock of the sanitizer, which the child waits for");
        return;
    }
    if (test_scaled(1, 1, 2) == 0)
        return;
    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    host.loops[0] = tocsin_loop_current();
    turned = over = 0;
    peer_begin(&peer);
    peer_starts(&peer, opens_on, NULL);
    while (!turned)
        sched_yield();
    for (long i = test_scaled(300, 15, 20); i; i--) {
        pid_t child = fork();
        int status;

        if (child == 0)
            child_loads();
        ck_assert_int_gt(child, 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2),
                      "%x", (unsigned)status);
        counts[WEXITSTATUS(status)]++;
    }
    printf("plugin/transition_interrupted: of the children forked while the dynamic linker ran, %d "
           "loaded a plugin, %d "
           "were refused\n",
           counts[0], counts[2]);
    over = 1;
    peer_finishes(&peer);
    over = 0;
    peer_end(&peer);
}
END_TEST

static void child_reloads(void)
{
    struct gone ended = { .count = 0 };

    alarm(patience_s());
    if (tocsin_after_fork() < 0 || tocsin_plugin_load("wild", SETTINGS("init=drop timer")) < 0 ||
        tocsin_plugin_reload("wild", NULL, TOCSIN_CALL(on_gone, &ended), NULL) < 0)
        _exit(1);
    while (!ended.count)
        tocsin_loop_turn(-1);
    if (ended.status < 0)
        fprintf(stderr, "plugin/transition_interrupted: %d: %s\n", ended.status, ended.reason);
    _exit(ended.status == 0 ? 0 : 2);
}

/* The process forks while loops of the parent wait at the barrier of a reload. No loop waits in the
   child, so the child can load and reload a plugin. */
START_TEST(a_fork_during_the_barrier)
{
    pid_t child;
    int status;

    if (test_scaled(1, 1, 2) == 0) {
        test_skip("plugin/transition_interrupted: a fork during the barrier",
                  "valgrind reports memory that other threads of the parent had allocated");
        return;
    }
    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    peer_begin(&third);
    ck_assert_int_eq(peer_does(&third, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=drop")), 0);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < 10; i++) {
        peer_does(&peer, do_turn, NULL);
        tocsin_loop_turn(0);
    }
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        child_reloads();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(status == 0, "%x", (unsigned)status);
    peer_starts(&peer, do_some, NULL);
    peer_starts(&third, do_some, NULL);
    gone_with(&gone, 0, "");
    unloaded("guest");
    turns_until_mapped(0);
    over = 1;
    peer_finishes(&third);
    peer_end(&third);
    end_of(&peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/transition_interrupted");
    TCase *tests = test_case(suite, "interrupted transitions"), *forks = test_case(suite, "forks");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_home_loop_is_freed_with_its_timers);
    tcase_add_loop_test(tests, the_home_loop_is_freed, 0, 3);
    tcase_add_test(tests, the_home_loop_is_freed_during_the_barrier);
    tcase_add_loop_test(tests, all_loops_are_freed, 0, 4);
    tcase_add_test(tests, while_a_dependent_is_loaded);
    tcase_add_loop_test(tests, the_next_version_needs_a_plugin_that_is_unloaded, 0, 2);
    tcase_add_test(tests, neither_version_starts);
    tcase_add_test(tests, a_default_action_on_a_new_loop);
    tcase_add_loop_test(tests, a_reload_ended_at_any_moment, 0, ENDS);
    tcase_add_loop_test(tests, freed_in_fini, 0, 2);
    tcase_set_timeout(forks, 60);
    tcase_add_test(forks, a_fork_during_reloads);
    tcase_add_test(forks, a_fork_while_the_dynamic_linker_runs);
    tcase_add_test(forks, a_fork_during_the_barrier);
    return suite;
}
