/* Contract line P4: a reload replaces the old version of a plugin by the new version. No emission
   is lost, and no emission is delivered to both versions. */
#include <malloc.h>

#include "plugin_host.h"

static struct gone gone;
static void reloads(const char *const *settings, int status, const char *why)
{
    gone.count = 0;
    ck_assert_int_eq(tocsin_plugin_reload("guest", settings, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    gone_with(&gone, status, why);
}

START_TEST(state_is_handed_over)
{
    host_begin();
    put("guest", "guest");
    loads(path, SETTINGS("init=drop", "fini=leave"));
    put("guest2", "guest");
    reloads(SETTINGS("init=take drop", "fini=leave2"), 0, "");
    ck_assert_str_eq(gone.version, "2");
    ck_assert_uint_eq(host.left, 1);
    ck_assert_int_eq(host.dropped, 1);
    emits(1);
    ck_assert_int_eq(host.called, 1);
    /* the reload fails with this reason, since neither version can restore the saved state */
    reloads(NULL, -EPROTO, "tocsin_plugin_init returned");
    ck_assert_ptr_nonnull(strstr(gone.reason, "the old version does not start again"));
    ck_assert(!is_loaded("guest"));
    turns_until_mapped(0);
    put_end();
}
END_TEST

START_TEST(saved_state_is_restored)
{
    host_begin();
    put("guest", "guest");
    loads(path, SETTINGS("init=retake drop", "fini=leave"));
    put("guest2", "guest");
    reloads(SETTINGS("init=take leave2 fail2"), -EIO, "tocsin_plugin_init returned");
    ck_assert_int_eq(host.version, 1);
    ck_assert_uint_eq(host.left, 1);
    unloaded("guest");
    turns_until_mapped(0);
    put_end();
}
END_TEST

START_TEST(the_new_version_does_not_start)
{
    host_begin();
    put("guest", "guest");
    loads(path, SETTINGS("init=drop timer declare alone", "fini=leave"));
    put("guest2", "guest");
    reloads(SETTINGS("init=drop block timer fiber alone declare fail2", "fini=leave"), -EIO,
            "tocsin_plugin_init returned");
    ck_assert_str_eq(gone.version, "1");
    ck_assert_int_eq(host.version, 1);
    emits(1);
    /* Only the old version has a handler, which was called once. The new version has failed to
       start, and has left no handler and no block. */
    ck_assert_int_eq(host.called, 1);
    ck_assert_int_eq(tocsin_emit(tocsin_find("guest.alone"), NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(host.unhandled, 1);
    reloads(SETTINGS("init=drop unsaid"), -EPROTO, "guest.unsaid");
    put("constructor", "guest");
    reloads(NULL, -EBADMSG, "constructor");
    put("unlike", "guest");
    reloads(NULL, -EBADMSG, "unlike");
    put("no_note", "guest");
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

START_TEST(reloaded_in_its_own_handler)
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

/* A block of the old version keeps emissions pending. These emissions must be delivered to the new
   version. */
START_TEST(emissions_that_the_plugin_blocked)
{
    host_begin();
    loads("guest", SETTINGS("init=drop block"));
    for (int i = 0; i < 3; i++)
        emits(1);
    ck_assert_int_eq(host.called, 0);
    reloads(SETTINGS("init=drop"), 0, "");
    ck_assert_int_eq(host.called, 3);
    ck_assert_uint_eq(holds("program", TOCSIN_RESOURCE_BLOCKS), 0);
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
        tocsin_loop_turn(1);
    return 0;
}

/* Another loop runs no turn, so the reload cannot be completed. The old version must continue at
   once, and must be able to start operations. When the other loop runs again, the reload has
   ended. */
START_TEST(a_loop_that_runs_no_turn)
{
    struct tocsin_op op;

    host_begin();
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    loads("guest", SETTINGS("init=drop"));
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), &op), 0);
    times_out("guest", op, &gone, "waits for loop main");
    while (state_of("guest") != TOCSIN_PLUGIN_RUNNING)
        ck_assert_int_ge(tocsin_loop_turn(10), 0);
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

static int ticks_go_on(void)
{
    int before = host.ticked;

    while (host.ticked < before + 2)
        ck_assert_int_ge(tocsin_loop_turn(10), 0);
    return 0;
}

/* The plugin has a running operation that cannot be cancelled before the time limit. The reload
   fails, and the plugin keeps its handlers, blocks and queues. */
START_TEST(a_failed_reload_keeps_all_objects)
{
    struct tocsin_op op;

    host_begin();
    loads("guest", SETTINGS("init=drop timer work"));
    while (!host.works)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), &op), 0);
    times_out("guest", op, &gone, "still running: 1 task");
    ticks_go_on();
    host.open = 1;
    reloads(SETTINGS("init=drop timer"), 0, "");
    ck_assert_int_eq(host.inits, 2);
    ticks_go_on();
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* The plugin has a running operation. The operation may end while the old version is still
   connected. If the operation does not end within the time limit, the reload cancels it. */
START_TEST(running_operations_end_or_are_cancelled)
{
    struct tocsin_op op;

    host_begin();
    loads("guest", SETTINGS("init=drop work"));
    while (!host.works)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    gone.count = 0;
    ck_assert_int_eq(tocsin_plugin_reload("guest", SETTINGS("init=drop long fiber"),
                                          TOCSIN_CALL(on_gone, &gone), NULL),
                     0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(gone.count, 0);
    emits(1);
    ck_assert_int_eq(host.called, 1);
    /* the start succeeds, since the old version may start operations until it is replaced */
    ck_assert_int_eq(host.start(NULL, &op), 0);
    ck_assert_int_eq(host.finish(op), 0);
    host.open = 1;
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.worked, 1);
    ck_assert_int_eq(host.inits, 2);
    reloads(SETTINGS("init=drop"), 0,
            /* the reason is empty: the reload succeeded, since it cancelled the timer and the fiber
               after two seconds */
            "");
    ck_assert_int_eq(host.ended, 2);
    ck_assert_int_eq(host.woken, 1);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* Quotas belong to the plugin, not to one version. So the new version must have the limits of the
   old version. */

static char limited_owner[64], limited_holding[64];

static int on_limited(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_owner_limited *limited = tocsin_owner_limited_of(info);

    (void)arg;
    snprintf(limited_owner, sizeof limited_owner, "%s", limited->owner);
    snprintf(limited_holding, sizeof limited_holding, "%s", limited->holding);
    return TOCSIN_NEXT;
}

START_TEST(the_new_version_keeps_the_limits)
{
    host_begin();
    connect_to("tocsin.owner.limited", on_limited, NULL);
    loads("guest", SETTINGS("init=drop"));
    ck_assert_int_eq(tocsin_owner_limit("guest", TOCSIN_RESOURCE_HANDLERS, 1), 0);
    reloads(SETTINGS("init=drop handler"), -EDQUOT, "tocsin_plugin_init returned");
    ck_assert_str_eq(limited_owner, "guest");
    ck_assert_str_eq(limited_holding, "handlers");
    emits(1);
    ck_assert_int_eq(host.called, 1);
    ck_assert_int_eq(tocsin_owner_limit("guest", TOCSIN_RESOURCE_HANDLERS, 2), 0);
    reloads(SETTINGS("init=drop handler"), 0, "");
    emits(2);
    ck_assert_int_eq(host.called, 3);
    unloaded("guest");
    /* the failed reload must not have removed the limits */
    refused("guest", SETTINGS("init=drop handler observer"), -EDQUOT,
            "tocsin_plugin_init returned");
    ck_assert_int_eq(tocsin_owner_limit("guest", TOCSIN_RESOURCE_HANDLERS, UINT64_MAX), 0);
    loads("guest", SETTINGS("init=drop handler observer"));
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

static int asked_status;

static int asks_in_meeting(void)
{
    /* The handler of the old version is still connected, but the registry must call no function of
       the plugin. */
    asked_status = tocsin_ask(asks_signo, NULL, NULL);
    return 0;
}

/* The program asks a handler of the plugin during the reload. tocsin_ask() must return an error,
   and must never return 0. */
START_TEST(a_question_during_the_reload)
{
    host_begin();
    loads("guest", SETTINGS("init=answer drop"));
    ck_assert_int_eq(tocsin_ask(asks_signo, NULL, NULL), 0);
    ck_assert_int_eq(host.asked, 1);
    host.in_fini = asks_in_meeting;
    reloads(NULL, 0, "");
    ck_assert_int_eq(asked_status, -EACCES);
    ck_assert_int_eq(host.asked, 1);
    ck_assert_int_eq(tocsin_ask(asks_signo, NULL, NULL), 0);
    ck_assert_int_eq(host.asked, 2);
    host.in_fini = NULL;
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* The plugin has a thread, which its fini ends. The reload must succeed. */
START_TEST(a_thread_that_fini_ends)
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

/* A thread without a loop posts numbers, and the test emits numbers, while the plugin is reloaded.
   The plugin has handlers on two loops. On each loop, exactly one version must receive each number.
   TOCSIN_RELOADS sets the number of reloads, TOCSIN_EMISSIONS the number of emissions. */

enum { BURST = 16 };
static _Atomic unsigned char *seen;
/* `due` limits how many numbers may have been sent by now, so that numbers remain for each
   reload */
static _Atomic long sent, due;
static _Atomic int sender_over;
static long most;

static void see(uint64_t number, int version)
{
    (void)version;
    seen[number]++;
}

static void *send_on(void *arg)
{
    long number;

    (void)arg;
    while ((number = sent++) < most)
        while (number >= due ||
               tocsin_post(called_signo, TOCSIN_PAYLOAD(host_called, .number = (uint64_t)number)) ==
                   -EAGAIN)
            sched_yield();
    sender_over = 1;
    return NULL;
}

/* Emits some numbers. If an emission is refused, the function stops, so that this loop and the
   other one can run. */
static bool emit_some(void)
{
    static long number = -1;

    for (int i = 0; i < BURST; i++) {
        if (number < 0)
            number = sent++;
        if (number >= most)
            return false;
        if (number >= due ||
            tocsin_emit(called_signo, TOCSIN_PAYLOAD(host_called, .number = (uint64_t)number)) ==
                -EAGAIN)
            return true;
        number = -1;
    }
    return true;
}

static long asked_for(const char *name, long otherwise)
{
    return getenv(name) ? atol(getenv(name)) : otherwise;
}

static int reload_amid(void)
{
    gone.count = 0;
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, TOCSIN_CALL(on_gone, &gone), NULL), 0);
    while (!gone.count) {
        emit_some();
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_msg(gone.status == 0 || gone.status == -EAGAIN, "%d: %s", gone.status, gone.reason);
    return gone.status;
}

/* Returns the bytes that malloc() has allocated, or 0 with a sanitizer's allocator. */
static size_t allocated(void)
{
    return mallinfo2().uordblks;
}

/* Loads the plugin with a handler on the test's loop, and one on the loop of the peer. */
static void load_everywhere(void)
{
    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_loop, &host.loops[0]), 0);
    host.seen = see;
    loads("guest", SETTINGS("init=everywhere handler"));
    while (host.tasks < 1)
        peer_does(&peer, do_turn, NULL);
}

static void unload_everywhere(void)
{
    gone.count = 0;
    unloads("guest", &gone);
    while (!gone.count) {
        tocsin_loop_turn(0);
        peer_does(&peer, do_turn, NULL);
    }
    ck_assert_int_eq(mapped_lines(), 0);
    peer_end(&peer);
}

START_TEST(emissions_during_reloads)
{
    long rounds = asked_for("TOCSIN_RELOADS", test_scaled(1000, 20, 100)), refusals = 0;
    int descriptors, mappings;
    pthread_t sender;
    size_t before;

    most = asked_for("TOCSIN_EMISSIONS", test_scaled(1000000, 20, 100));
    seen = calloc((size_t)most, 1);
    ck_assert_ptr_nonnull(seen);
    load_everywhere();
    descriptors = test_descriptors();
    mappings = mapped_lines();
    peer_starts(&peer, do_some, NULL);
    ck_assert_int_eq(pthread_create(&sender, NULL, send_on, NULL), 0);
    /* The first reload makes allocations that a process makes only once, so the test measures the
       memory only after this reload. */
    refusals += reload_amid() < 0;
    before = allocated();
    for (long i = 1; i < rounds; i++) {
        refusals += reload_amid() < 0;
        due = most / rounds * i;
    }
    due = most;
    /* an emission or a post may be refused, since the inbox of one of the two loops may be full */
    while (emit_some() || !sender_over)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(pthread_join(sender, NULL), 0);
    over = 1;
    peer_finishes(&peer);
    while (peer_does(&peer, do_turns, NULL) + do_turns(NULL) > 0)
        ;
    for (long i = 0; i < most; i++)
        ck_assert_msg(seen[i] == 2, "%ld of %ld: seen %d times", i, most, seen[i]);
    printf("plugin/reload: %ld reloads, %ld refused, %ld emissions, %zd bytes more\n", rounds,
           refusals, most, allocated() - before);
    ck_assert_int_eq(test_descriptors(), descriptors);
    ck_assert_int_eq(mapped_lines(), mappings);
    ck_assert_uint_lt(allocated(), before + 64 * 1024);
    unload_everywhere();
    free(seen);
}
END_TEST

/* The plugin sets an injector. During the new version's init, no injector is set. If the new
   version does not start, the old injector must be set again. */
START_TEST(the_injector_of_a_reloaded_plugin)
{
    bool fails = _i;
    int crossed;

    host_begin();
    connect_to("host.called", tell, &(struct told){ 0 });
    loads("guest", SETTINGS("init=interpose fail2"));
    for (int i = 0; i < 2; i++) {
        gone.count = 0;
        ck_assert_int_eq(tocsin_plugin_reload("guest",
                                              fails ? SETTINGS("init=interpose fail") : NULL,
                                              TOCSIN_CALL(on_gone, &gone), NULL),
                         0);
        gone_with(&gone, fails ? -EIO : 0, "");
        crossed = host.crossed;
        ck_assert_int_eq(tocsin_post(called_signo, TOCSIN_PAYLOAD(host_called, .number = 1)),
                         TOCSIN_PENDED);
        ck_assert_int_gt(host.crossed, crossed);
        tocsin_loop_turn(0);
    }
    unloaded("guest");
}
END_TEST

/* Two plugins are reloaded at the same time. Each reload runs on a loop that the other reload
   needs. Both reloads must end. */
static int do_load(void *arg)
{
    return tocsin_plugin_load(arg, SETTINGS("init=everywhere"));
}

START_TEST(two_reloads_at_once)
{
    struct gone other = { .count = 0 };

    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_loop, &host.loops[0]), 0);
    host.loops[1] = tocsin_loop_current();
    loads("guest", SETTINGS("init=everywhere"));
    ck_assert_int_eq(peer_does(&peer, do_load, (void *)"kept"), 0);
    while (host.tasks < 4)
        tocsin_loop_turn(0), peer_does(&peer, do_turn, NULL);
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
    /* _exit() skips the end of the fixture, since a plugin that cannot be unmapped keeps its
       descriptors */
    _exit(0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/reload");
    TCase *tests = test_case(suite, "reload");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, state_is_handed_over);
    tcase_add_test(tests, saved_state_is_restored);
    tcase_add_test(tests, the_new_version_does_not_start);
    tcase_add_test(tests, reloaded_in_its_own_handler);
    tcase_add_test(tests, emissions_that_the_plugin_blocked);
    tcase_add_test(tests, a_loop_that_runs_no_turn);
    tcase_add_test(tests, a_failed_reload_keeps_all_objects);
    tcase_add_test(tests, running_operations_end_or_are_cancelled);
    tcase_add_test(tests, the_new_version_keeps_the_limits);
    tcase_add_test(tests, a_question_during_the_reload);
    tcase_add_test(tests, a_thread_that_fini_ends);
    tcase_add_test(tests, emissions_during_reloads);
    tcase_add_loop_test(tests, the_injector_of_a_reloaded_plugin, 0, 2);
    tcase_add_test(tests, two_reloads_at_once);
    return suite;
}
