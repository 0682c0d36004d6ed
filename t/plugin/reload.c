/* P4: one version goes, the next one comes, and no emission is lost, or seen by both. */
#include "loaded.h"

static struct gone gone;
static char folder[256], path[300];

/* A file that changes: the version that is to be loaded next. */
static void put(const char *object)
{
    char command[1024];

    if (!*folder) {
        snprintf(folder, sizeof folder, "%s/tocsin.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/guest.so", folder);
    }
    snprintf(command, sizeof command, "cp %s/%s.so %s", OBJECTS, object, path);
    ck_assert_int_eq(system(command), 0);
}

static void put_end(void)
{
    unlink(path);
    rmdir(folder);
}

static void reloads(const char *const *settings, int status, const char *why)
{
    gone.count = 0;
    ck_assert_int_eq(tocsin_plugin_reload("guest", settings, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    gone_with(&gone, status, why);
}

START_TEST(state_is_handed_over)
{
    host_begin();
    put("guest");
    loads(path, SETTINGS("init=drop", "fini=leave"));
    put("guest2");
    reloads(SETTINGS("init=take drop", "fini=leave2"), 0, "");
    ck_assert_str_eq(gone.version, "2");
    ck_assert_uint_eq(host.left, 1);
    ck_assert_int_eq(host.dropped, 1);
    emits(1);
    ck_assert_int_eq(host.called, 1);
    reloads(NULL, -EPROTO, "init answered");           /* it leaves another version than it takes; and its old one does not start either */
    ck_assert_ptr_nonnull(strstr(gone.reason, "the old one does not start again"));
    ck_assert(!is_loaded("guest"));
    turns_until_mapped(0);
    put_end();
}
END_TEST

START_TEST(the_new_one_does_not_start)
{
    host_begin();
    put("guest");
    loads(path, SETTINGS("init=drop timer declare alone", "fini=leave"));
    put("guest2");
    reloads(SETTINGS("init=drop block timer fiber alone declare fail2", "fini=leave"), -EIO, "init answered");
    ck_assert_str_eq(gone.version, "1");
    ck_assert_int_eq(host.version, 1);
    emits(1);
    ck_assert_int_eq(host.called, 1);                  /* the old one alone, and nothing is blocked */
    ck_assert_int_eq(tocsin_emit(tocsin_find("guest.alone"), NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(host.unhandled, 1);
    reloads(SETTINGS("init=drop unsaid"), -EPROTO, "guest.unsaid");
    put("early");
    reloads(NULL, -EBADMSG, "early");
    put("unlike");
    reloads(NULL, -EBADMSG, "unlike");
    put("mute");
    reloads(NULL, -ENOEXEC, "");
    unlink(path);
    reloads(NULL, -ENOENT, "");
    emits(2);
    ck_assert_int_eq(host.called, 2);
    unloaded("guest");
    turns_until_mapped(0);
    put_end();
}
END_TEST

static int ask_reload(void)
{
    tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL);
    return TOCSIN_NEXT;
}

START_TEST(from_its_own_handler)
{
    host_begin();
    loads("guest", SETTINGS("init=drop"));
    host.during = ask_reload;
    emits(1);
    gone_with(&gone, 0, "");
    host.during = NULL;
    emits(2);
    ck_assert_int_eq(host.called, 2);
    ck_assert_int_eq(host.inits, 2);
    unloaded("guest");
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* What its block has pended meets the new version. */
START_TEST(what_it_has_blocked)
{
    host_begin();
    loads("guest", SETTINGS("init=drop block"));
    for (int i = 0; i < 3; i++)
        emits(1);
    ck_assert_int_eq(host.called, 0);
    reloads(SETTINGS("init=drop"), 0, "");
    ck_assert_int_eq(host.called, 3);
    ck_assert_uint_eq(holds("program", TOCSIN_HOLDS_BLOCKS), 0);
    unloaded("guest");
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

static struct peer peer;
static _Atomic int over;

static int do_some(void *arg)
{
    (void)arg;
    while (!over)
        tocsin_turn(1);
    return 0;
}

/* A loop that never turns: the old one goes on, at once, and can begin new things; when that loop comes, it finds it over. */
START_TEST(a_loop_that_does_not_come)
{
    struct tocsin_op op;

    host_begin();
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    loads("guest", SETTINGS("init=drop"));
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), &op), 0);
    ck_assert_int_eq(tocsin_deadline(op, 20), 0);
    gone_with(&gone, -EBUSY, "");
    while (state_of("guest") != TOCSIN_PLUGIN_RUNNING)
        ck_assert_int_ge(tocsin_turn(10), 0);
    emits(1);
    ck_assert_int_eq(host.called, 1);
    ck_assert_int_eq(host.inits, 1);
    ck_assert_int_eq(host.start(NULL, &op), 0);
    ck_assert_int_eq(host.finish(op), 0);
    peer_starts(&peer, do_some, NULL);
    reloads(NULL, 0, "");
    ck_assert_int_eq(host.inits, 2);
    unloaded("guest");
    ck_assert_int_eq(mapped_lines(), 0);
    over = 1;
    peer_finishes(&peer);
    peer_end(&peer);
}
END_TEST

/* A thread that fini ends is no hindrance. */
START_TEST(a_thread_of_its_own)
{
    host_begin();
    loads("owning", SETTINGS("ends=fini"));
    ck_assert_int_eq(tocsin_plugin_reload("owning", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.inits, 2);
    unloaded("owning");
    turns_until_mapped(0);
}
END_TEST

/* Numbered, from a thread and from here, over two loops: each is seen once on each, by one version or the other */

enum { MOST = 200000 };
static _Atomic unsigned char seen[MOST];
static _Atomic long sent;

static void see(uint64_t number, int version)
{
    (void)version;
    seen[number]++;
}

static void *send_on(void *arg)
{
    (void)arg;
    while (!over && sent < MOST) {
        long number = sent++;

        while (number < MOST && tocsin_post(called_signo, TOCSIN_PAYLOAD(host_called, .number = (uint64_t)number)) == -EAGAIN)
            sched_yield();
    }
    return NULL;
}

START_TEST(while_work_flows)
{
    long rounds = test_scaled(1000, 20, 100), last;
    int descriptors, refusals = 0;
    pthread_t sender;

    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_loop, &host.loops[0]), 0);
    host.seen = see;
    loads("guest", SETTINGS("init=everywhere drop"));
    while (host.tasks < 2)
        peer_does(&peer, do_turn, NULL);
    descriptors = test_descriptors();
    peer_starts(&peer, do_some, NULL);
    ck_assert_int_eq(pthread_create(&sender, NULL, send_on, NULL), 0);
    for (long i = 0; i < rounds; i++) {
        gone.count = 0;
        ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
        turns_until(&gone.count, 1);
        ck_assert_msg(gone.status == 0 || gone.status == -EAGAIN, "%ld: %d: %s", i, gone.status, gone.reason);
        refusals += gone.status == -EAGAIN;
    }
    over = 1;
    ck_assert_int_eq(pthread_join(sender, NULL), 0);
    peer_finishes(&peer);
    while (peer_does(&peer, do_turns, NULL) + do_turns(NULL) > 0)
        ;
    last = sent < MOST ? sent : MOST;
    for (long i = 0; i < last; i++)
        ck_assert_msg(seen[i] == 2, "%ld of %ld: seen %d times", i, last, seen[i]);
    printf("plugin/reload: %ld reloads, %d refused, %ld emissions\n", rounds, refusals, last);
    ck_assert_int_eq(test_descriptors(), descriptors);
    gone.count = 0;
    unloads("guest", &gone);
    while (!gone.count) {
        tocsin_turn(0);
        peer_does(&peer, do_turn, NULL);
    }
    ck_assert_int_eq(mapped_lines(), 0);
    peer_end(&peer);
}
END_TEST

/* Two of them at once, whose homes are each other's loops: they do not wait for each other. */
static int do_load(void *arg)
{
    return tocsin_plugin_load(arg, SETTINGS("init=everywhere"));
}

START_TEST(two_at_once)
{
    struct gone other = { .count = 0 };

    host_begin();
    ck_assert_int_eq(tocsin_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_loop, &host.loops[0]), 0);
    host.loops[1] = tocsin_loop_current();
    loads("guest", SETTINGS("init=everywhere"));
    ck_assert_int_eq(peer_does(&peer, do_load, (void *)"kept"), 0);
    while (host.tasks < 4)
        tocsin_turn(0), peer_does(&peer, do_turn, NULL);
    peer_starts(&peer, do_some, NULL);
    for (long i = test_scaled(20, 4, 10); i; i--) {
        gone.count = other.count = 0;
        ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
        ck_assert_int_eq(tocsin_plugin_reload("kept", NULL, TOCSIN_CALL(on_gone, &other), NULL), 0);
        gone_with(&gone, 0, "");
        gone_with(&other, 0, "");
        ck_assert(other.mapped);
    }
    over = 1;
    peer_finishes(&peer);
    _exit(0);                                          /* what cannot be unmapped keeps its descriptors */
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/reload");
    TCase *tests = test_case(suite, "reload");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, state_is_handed_over);
    tcase_add_test(tests, the_new_one_does_not_start);
    tcase_add_test(tests, from_its_own_handler);
    tcase_add_test(tests, what_it_has_blocked);
    tcase_add_test(tests, a_loop_that_does_not_come);
    tcase_add_test(tests, a_thread_of_its_own);
    tcase_add_test(tests, while_work_flows);
    tcase_add_test(tests, two_at_once);
    return suite;
}
