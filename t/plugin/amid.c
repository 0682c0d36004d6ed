/* What comes amid an unloading or a reloading: loops that go, others that ask, plugins that need one another, a fork, an end at any moment. Never a deadlock; each ends once;
   a plugin is there whole, or not at all. */
#include <sched.h>
#include <sys/wait.h>

#include <tocsin/interpose.h>

#include "loaded.h"

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
        tocsin_turn(1);
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

/* The loop that would do it goes before it has begun, or while what runs ends: another loop goes on with it. */
/* While the time of what does not end by itself is the only thing that is waited for. */
START_TEST(the_home_loop_goes_with_its_timers)
{
    struct tocsin_op op;

    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=drop")), 0);
    ck_assert_int_eq(host.start(NULL, &op), 0);
    host.open = 1;
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_ge(tocsin_turn(0), 0);
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

START_TEST(the_home_loop_goes)
{
    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    peer_begin(&peer);
    host.loops[0] = tocsin_loop_current();
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=everywhere work")), 0);
    while (host.tasks < 1 || !host.works)
        tocsin_turn(1);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < _i; i++)
        ck_assert_int_ge(peer_does(&peer, do_turn, NULL), 0);
    host.open = 1;
    peer_starts(&peer, do_free, NULL);
    peer_finishes(&peer);
    peer_leaves(&peer);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.inits, 2);
    while (host.tasks < 2)
        tocsin_turn(1);
    emits(1);
    ck_assert_int_eq(host.called, 1);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* It goes when the others have come already, but one: they part, and do not wait for it. */
static int turns_and_frees(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++)
        tocsin_turn(1);
    freed = 1;
    return tocsin_free();
}

static int when_freed(void *arg)
{
    while (!freed)
        sched_yield();
    return do_some(arg);
}

START_TEST(the_home_loop_goes_amid_the_meeting)
{
    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    host.loops[0] = tocsin_loop_current();
    peer_begin(&peer);
    peer_begin(&third);
    ck_assert_int_eq(peer_does(&third, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=everywhere")), 0);
    while (host.tasks < 1)
        tocsin_turn(1);
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

/* The only loop goes: the old one is there. */
START_TEST(all_loops_go)
{
    host_begin();
    loads("guest", SETTINGS("init=drop declare alone"));
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < _i; i++)
        tocsin_turn(0);
    tocsin_free();
    ck_assert_int_eq(gone.count, 1);
    ck_assert(is_loaded("guest"));
    ck_assert_int_eq(host.inits, gone.status == 0 ? 2 : 1);
    ck_assert_int_eq(state_of("guest"), TOCSIN_PLUGIN_RUNNING);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* What needs it is just being loaded: it goes when it is there. */
static int do_load_needy(void *settings)
{
    int err = tocsin_plugin_load("needy", settings);

    turned = 1;
    while (!over)
        tocsin_turn(1);
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
        tocsin_turn(1);
    ck_assert_int_eq(gone.count, 0);
    host.open = 1;
    gone_with(&gone, 0, "");
    ck_assert(!is_loaded("needy"));
    turns_until_mapped(0);
    end_of(&peer);
}
END_TEST

/* Of a version that comes: what that needs goes after it, or it does not come. */
START_TEST(what_the_next_version_needs)
{
    host_begin();
    put("needless", "needy");
    loads("guest", NULL);
    loads(path, SETTINGS("init=work"));
    while (!host.works)
        tocsin_turn(1);
    put("needy", "needy");
    ck_assert_int_eq(tocsin_plugin_reload("needy", SETTINGS("init="), TOCSIN_CALL(on_gone, &other), NULL), 0);
    for (int i = 0; i < 20 * _i; i++)
        tocsin_turn(1);
    unloads("guest", &gone);
    for (int i = 0; i < 20; i++)
        tocsin_turn(1);
    host.open = 1;
    while (!gone.count || !other.count)
        tocsin_turn(1);
    ck_assert_msg(gone.status == 0, "%d: %s", gone.status, gone.reason);
    ck_assert(!is_loaded("guest"));
    ck_assert(is_loaded("needy") == (other.status == -ENOENT));
    if (is_loaded("needy"))
        unloaded("needy");
    turns_until_mapped(0);
    put_end();
}
END_TEST

/* The version that was to return does not start either, and others ask for it meanwhile: it is gone. */
static int asks_on(void *arg)
{
    (void)arg;
    while (!over) {
        tocsin_plugin_unload("guest", NULL, NULL);
        tocsin_plugin_reload("guest", NULL, NULL, NULL);
        tocsin_turn(0);
    }
    return 0;
}

START_TEST(neither_starts)
{
    host_begin();
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    for (long i = test_scaled(100, 4, 20); i; i--) {
        loads("guest", SETTINGS("init=interpose drop"));
        ck_assert_int_eq(tocsin_interpose(NULL, NULL), 0);
        peer_starts(&peer, asks_on, NULL);
        gone.count = 0;
        if (tocsin_plugin_reload("guest", SETTINGS("init=fail"), TOCSIN_CALL(on_gone, &gone), NULL) == 0)
            turns_until(&gone.count, 1);
        while (is_loaded("guest")) {
            tocsin_plugin_unload("guest", NULL, NULL);
            tocsin_turn(1);
        }
        over = 1;
        while (sem_trywait(&peer.done) < 0)
            tocsin_turn(1);
        over = 0;
        while (mapped_lines()) {
            tocsin_turn(1);
            peer_does(&peer, do_turn, NULL);           /* it has to have been at rest */
        }
    }
    peer_end(&peer);
}
END_TEST

/* On a loop that was made when the others had been asked to come. */
static int while_it_goes(void)
{
    turned = 1;
    for (int i = 0; i < 200 && host.finis == 0; i++)
        usleep(1000);
    return 0;
}

static int does_default(void *arg)
{
    tocsin_turn(0);
    ck_assert_int_eq(tocsin_emit(tocsin_find("guest.alone"), NULL), TOCSIN_NOBODY);
    return do_some(arg);
}

START_TEST(a_default_action)
{
    struct peer late;

    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    peer_begin(&peer);
    peer_begin(&late);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    loads("guest", SETTINGS("init=alone"));
    host.in_default = while_it_goes;
    ck_assert_int_eq(tocsin_plugin_reload("guest", SETTINGS("init="), TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < 10; i++)
        tocsin_turn(0);                                /* it is asked, and has not come */
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

/* An end at any moment, of a version that does not start after it has begun something of each kind on two loops. */
START_TEST(ended_at_any_moment)
{
    struct tocsin_op op;

    host_begin();
    host.open = 1;
    ck_assert_int_eq(tocsin_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_loop, &host.loops[0]), 0);
    host.loops[1] = tocsin_loop_current();
    loads("guest", SETTINGS("init=everywhere timer"));
    while (host.tasks < 2) {
        tocsin_turn(0);
        peer_does(&peer, do_turn, NULL);
    }
    for (int i = 0; i < 24; i++) {
        gone.count = 0;
        ck_assert_int_eq(tocsin_plugin_reload("guest", i % 2 ? SETTINGS("init=everywhere handler observer answer timer long future promise fiber work block queue source fail")
                                                             : SETTINGS("init=everywhere timer"), TOCSIN_CALL(on_gone, &gone), &op), 0);
        for (int k = 0; k < i / 2; k++) {
            tocsin_turn(0);
            if (k % 3 == 2)
                break;
        }
        peer_starts(&peer, do_some, NULL);
        for (int k = 0; k < i / 3; k++)
            tocsin_turn(0);
        if (_i)
            tocsin_deadline(op, 0);
        else
            tocsin_cancel(op);
        turns_until(&gone.count, 1);
        while (state_of("guest") == TOCSIN_PLUGIN_ENDING)
            tocsin_turn(1);
        ck_assert_int_eq(state_of("guest"), TOCSIN_PLUGIN_RUNNING);
        host.called = 0;
        emits(1);
        while (host.called < 2)
            tocsin_turn(1);
        over = 1;
        while (sem_trywait(&peer.done) < 0)
            tocsin_turn(1);
        over = 0;
        ck_assert_int_eq(host.called, 2);
    }
    peer_starts(&peer, do_some, NULL);
    unloaded("guest");
    turns_until_mapped(0);
    end_of(&peer);
    ck_assert_int_eq(holds("program", TOCSIN_HOLDS_OPERATIONS) + holds("program", TOCSIN_HOLDS_BLOCKS) + holds("program", TOCSIN_HOLDS_TASKS), 0);
}
END_TEST

/* The loop is to be freed by its init, its fini, or the handler of a plugin that is asked for there. */
static int free_here(void)
{
    tocsin_free();
    return 0;
}

START_TEST(freed_in_fini)
{
    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    peer_begin(&peer);
    host.loops[0] = tocsin_loop_current();
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=everywhere timer")), 0);
    while (host.tasks < 1)
        tocsin_turn(1);
    host.in_fini = free_here;
    peer_starts(&peer, do_some, NULL);
    if (_i)
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

/* A child can free what it has of a plugin, whatever was under way in the parent. */
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

START_TEST(a_fork)
{
    if (test_scaled(1, 1, 2) == 0) {
        test_skip("plugin/amid: forks amid reloads", "valgrind finds what threads had in their hands that the child does not have");
        return;
    }
    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    host.loops[0] = tocsin_loop_current();
    peer_begin(&peer);
    peer_starts(&peer, reloads_on, NULL);
    while (!turned)
        tocsin_turn(0);
    for (long i = test_scaled(200, 4, 20); i; i--) {
        pid_t child = fork();
        int status;

        if (child == 0) {                              /* nothing of Check's here: the other thread may have had its lock */
            alarm(20);
            if (tocsin_after_fork() < 0 || tocsin_turn(0) < 0 || tocsin_free() < 0)
                _exit(1);
            _exit(0);
        }
        ck_assert_int_gt(child, 0);
        for (int k = 0; k < 5; k++)
            tocsin_turn(0);
        while (waitpid(child, &status, WNOHANG) == 0)
            tocsin_turn(0);
        ck_assert_msg(status == 0, "%x", (unsigned)status);
    }
    over = 1;
    while (sem_trywait(&peer.done) < 0)
        tocsin_turn(1);
    over = 0;
    peer_starts(&peer, do_some, NULL);
    unloaded("guest");
    turns_until_mapped(0);
    end_of(&peer);
}
END_TEST

/* In the parent others meet; in the child nobody does. */
START_TEST(a_fork_amid_a_meeting)
{
    pid_t child;
    int status;

    if (test_scaled(1, 1, 2) == 0) {
        test_skip("plugin/amid: a fork amid a meeting", "valgrind finds what threads had in their hands that the child does not have");
        return;
    }
    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    peer_begin(&peer);
    peer_begin(&third);
    ck_assert_int_eq(peer_does(&third, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_load_at, (void *)SETTINGS("init=drop")), 0);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    for (int i = 0; i < 10; i++) {
        peer_does(&peer, do_turn, NULL);
        tocsin_turn(0);
    }
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct gone ended = { .count = 0 };

        alarm(20);
        if (tocsin_after_fork() < 0 || tocsin_plugin_load("wild", SETTINGS("init=drop timer")) < 0 ||
            tocsin_plugin_reload("wild", NULL, TOCSIN_CALL(on_gone, &ended), NULL) < 0)
            _exit(1);
        while (!ended.count)
            tocsin_turn(-1);
        if (ended.status < 0)
            fprintf(stderr, "plugin/amid: %d: %s\n", ended.status, ended.reason);
        _exit(ended.status == 0 ? 0 : 2);
    }
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
    Suite *suite = suite_create("plugin/amid");
    TCase *tests = test_case(suite, "amid"), *forks = test_case(suite, "forks");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_home_loop_goes_with_its_timers);
    tcase_add_loop_test(tests, the_home_loop_goes, 0, 3);
    tcase_add_test(tests, the_home_loop_goes_amid_the_meeting);
    tcase_add_loop_test(tests, all_loops_go, 0, 4);
    tcase_add_test(tests, while_a_dependent_is_loaded);
    tcase_add_loop_test(tests, what_the_next_version_needs, 0, 2);
    tcase_add_test(tests, neither_starts);
    tcase_add_test(tests, a_default_action);
    tcase_add_loop_test(tests, ended_at_any_moment, 0, 2);
    tcase_add_loop_test(tests, freed_in_fini, 0, 2);
    tcase_set_timeout(forks, 60);
    tcase_add_test(forks, a_fork);
    tcase_add_test(forks, a_fork_amid_a_meeting);
    return suite;
}
