/* Contract line P3: any thread may unload a plugin, whatever the plugin is doing. After the unload
   no function of the plugin may be called. */
#include <tocsin/inject.h>
#include <tocsin/provider.h>

#include "plugin_host.h"

static struct gone gone;
static int asked = -1;

static int ask_unload(void)
{
    if (asked == -1)
        asked = tocsin_plugin_unload("guest", TOCSIN_CALL(on_gone, &gone), NULL);
    return TOCSIN_NEXT;
}

START_TEST(unloaded_in_its_own_handler)
{
    host_begin();
    loads("guest", SETTINGS("init=drop"));
    host.during = ask_unload;
    emits(1);
    ck_assert_int_eq(asked, 0);
    ck_assert_int_eq(host.called, 1);
    gone_with(&gone, 0, "");
    emits(2);
    ck_assert_int_eq(host.called, 1);
    ck_assert_int_eq(host.dropped, 1);
    ck_assert_int_eq(host.finis, 1);
    ck_assert(!is_loaded("guest"));
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* Three handlers receive a signal. The first, second or last one belongs to the plugin. One of the
   three handlers requests the unload. */
static int on_host(const struct tocsin_info *info, void *arg)
{
    const int *asks = arg;

    (void)info;
    if (*asks)
        ask_unload();
    return TOCSIN_NEXT;
}

START_TEST(unloaded_among_other_handlers)
{
    int asker = _i / 3, place = _i % 3;
    int asks[3] = { 0 };

    host_begin();
    asks[asker] = 1;
    for (int at = 0; at < 3; at++)
        if (at == place)
            loads("guest", SETTINGS("init=drop"));
        else
            connect_to("host.called", on_host, &asks[at]);
    emits(1);
    if (asker == place) /* true if the handler at that place belongs to the plugin */
        ask_unload();
    /* the plugin is unloaded between turns, so this delivery still calls the plugin's handler */
    ck_assert_int_eq(host.called, 1);
    gone_with(&gone, 0, "");
    emits(2);
    ck_assert_int_eq(host.called, 1);
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* The plugin has one object of each kind on a loop. After the unload, no such object may be
   left. */
START_TEST(unloaded_with_each_kind_of_object)
{
    host_begin();
    loads("guest", SETTINGS("init=handler drop answer observer timer long future fiber source "
                            "declare alone queue block"));
    ck_assert_uint_ge(holds("guest", TOCSIN_RESOURCE_HANDLERS), 4);
    ck_assert_uint_ge(holds("guest", TOCSIN_RESOURCE_OPERATIONS), 4);
    while (host.ticked < 2 || !host.asleep)
        tocsin_loop_turn(-1);
    unloaded("guest");
    ck_assert_int_eq(host.woken, 1);
    /* two operations have ended: the fiber and the long timer */
    ck_assert_int_eq(host.ended, 2);
    ck_assert_int_eq(mapped_lines(), 0);
    ck_assert_int_eq(tocsin_ask(asks_signo, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_emit(tocsin_find("guest.alone"), NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(host.unhandled, 0);
}
END_TEST

static int on_number(const struct tocsin_info *info, void *arg)
{
    uint64_t *sum = arg;

    *sum = *sum * 10 + host_called_of(info)->number;
    return TOCSIN_NEXT;
}

/* A block of the plugin keeps emissions pending. The unload removes the block, and the emissions
   are delivered in order. */
START_TEST(emissions_that_the_plugin_blocked)
{
    uint64_t sum = 0;

    host_begin();
    connect_to("host.called", on_number, &sum);
    loads("guest", SETTINGS("init=handler block"));
    for (int i = 1; i < 4; i++)
        ck_assert_int_eq(
            tocsin_emit(called_signo, TOCSIN_PAYLOAD(host_called, .number = (uint64_t)i)),
            TOCSIN_PENDED);
    unloaded("guest");
    ck_assert_uint_eq(sum, 123);
}
END_TEST

START_TEST(while_a_job_runs)
{
    host_begin();
    loads("guest", SETTINGS("init=work"));
    while (!host.works)
        sched_yield();
    unloads("guest", &gone);
    for (int i = 0; i < 20; i++)
        tocsin_loop_turn(1);
    ck_assert_int_eq(gone.count, 0);
    ck_assert_int_eq(host.finis, 0);
    host.open = 1;
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.worked, 1);
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* A job of the plugin runs longer than the time limit of the unload. The error must name the job.
   The plugin stays loaded, and the unload can be repeated. */
START_TEST(while_a_job_runs_too_long)
{
    struct tocsin_op op;

    host_begin();
    loads("guest", SETTINGS("init=work drop"));
    while (!host.works)
        sched_yield();
    op = unloads("guest", &gone);
    times_out("guest", op, &gone, "1 task");
    ck_assert(gone.mapped);
    emits(1);
    while (state_of("guest") != TOCSIN_PLUGIN_STUCK)
        tocsin_loop_turn(-1);
    emits(2);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, NULL, NULL), -EBUSY);
    host.open = 1;
    unloaded("guest");
    ck_assert_int_eq(host.finis, 1);
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* The fibers of a handler are cancelled and return; then the handler is dropped. The last one does
   not even begin before the unload. */
START_TEST(fibers_of_a_handler)
{
    host_begin();
    loads("guest", SETTINGS("init=fibers"));
    for (uint64_t i = 0; i < 3; i++)
        emits(i);
    while (host.asleep < 3)
        tocsin_loop_turn(-1);
    emits(3);
    ck_assert_int_eq(host.dropped, 0);
    unloaded("guest");
    ck_assert_int_eq(host.woken, 4);
    ck_assert_int_eq(host.dropped, 1);
    ck_assert_int_eq(mapped_lines(), 0);
    emits(4);
    ck_assert_int_eq(host.woken, 4);
}
END_TEST

/* A reload waits for the fibers, too. The new version has a handler of its own. */
START_TEST(fibers_of_a_handler_and_a_reload)
{
    host_begin();
    loads("guest", SETTINGS("init=fibers"));
    emits(1);
    while (host.asleep < 1)
        tocsin_loop_turn(-1);
    ck_assert_int_eq(tocsin_plugin_reload("guest", SETTINGS("init=fibers"),
                                          TOCSIN_CALL(on_gone, &gone), NULL),
                     0);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.woken, 1);
    ck_assert_int_eq(host.dropped, 1);
    emits(2);
    while (host.asleep < 2)
        tocsin_loop_turn(-1);
    unloaded("guest");
    ck_assert_int_eq(host.dropped, 2);
    ck_assert_int_eq(host.woken, 2);
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

START_TEST(a_fiber_that_does_not_end)
{
    struct tocsin_op op;

    host_begin();
    loads("guest", SETTINGS("init=stubborn"));
    while (!host.asleep)
        tocsin_loop_turn(-1);
    host.open = 1;
    op = unloads("guest", &gone);
    ck_assert_int_eq(tocsin_op_deadline(op, -1), 0);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.woken, 1);
}
END_TEST

/* Tests: the host starts operations of the plugin's type */

static struct told told;

START_TEST(the_host_uses_an_operation_type)
{
    struct tocsin_info *info = NULL;
    struct tocsin_op op, kept;

    host_begin();
    loads("guest", SETTINGS("init="));
    ck_assert_int_eq(host.start(TOCSIN_FUTURE, &kept), 0);
    ck_assert_int_eq(host.finish(kept), 0);
    ck_assert_int_eq(tocsin_wait(kept, -1, &info), 7);
    ck_assert_int_eq(host.start(TOCSIN_CALL(tell, &told), &op), 0);
    ck_assert_uint_eq(holds("guest", TOCSIN_RESOURCE_TYPES), 2);
    op = unloads("guest", &gone); /* The operation cannot be cancelled while host.open is 0. */
    times_out("guest", op, &gone, "2 types");
    ck_assert_int_eq(told.count, 0);
    host.open = 1;
    gone.count = 0;
    op = unloads("guest", &gone);
    turns_until(&told.count, 1);
    ck_assert_int_eq(told.status, -ECANCELED);
    /* ends with -EBUSY, since the test still holds the info of the plugin's operation */
    times_out("guest", op, &gone, "1 type");
    ck_assert_int_eq(host.finis, 0);
    tocsin_info_unref(info);
    ck_assert_int_eq(host.dropped, 2);
    unloaded("guest");
    ck_assert_int_eq(host.finis, 1);
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* The fini of the plugin starts an operation while the plugin is being unloaded. The start must be
   refused. */
static int start_answer;

static int start_in_fini(void)
{
    struct tocsin_op op;

    start_answer = host.start(NULL, &op);
    return 0;
}

START_TEST(an_operation_is_started_in_fini)
{
    host_begin();
    loads("guest", SETTINGS("init="));
    host.in_fini = start_in_fini;
    unloaded("guest");
    ck_assert_int_eq(start_answer, -ESHUTDOWN);
}
END_TEST

static struct tocsin_info *said;

static int on_said(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    said = tocsin_info_ref(info);
    return TOCSIN_NEXT;
}

START_TEST(objects_of_the_plugin)
{
    struct tocsin_op op;
    char text[256];

    host_begin();
    loads("guest", SETTINGS("init=declare"));
    connect_to("guest.said", on_said, NULL);
    ck_assert_int_eq(host.say(), TOCSIN_DELIVERED);
    ck_assert_int_eq(host.objects, 1);
    op = unloads("guest", &gone);
    times_out("guest", op, &gone, "1 object");
    tocsin_info_unref(said);
    ck_assert_int_eq(host.objects, 0);
    unloaded("guest");
    ck_assert_int_eq(mapped_lines(), 0);
    (void)text;
}
END_TEST

/* The test keeps an info of the plugin's signal, and reads it after the unload. The name and the
   layout of the signal belong to the registry, so they must still exist. */
static int keep(const struct tocsin_info *info, void *arg)
{
    struct tocsin_info **kept = arg;

    if (!*kept)
        *kept = tocsin_info_ref(info);
    return TOCSIN_NEXT;
}

START_TEST(a_kept_info_outlives_the_plugin)
{
    struct tocsin_info *kept = NULL;
    char text[256];

    host_begin();
    connect_to("host.called", keep, &kept);
    loads("guest", SETTINGS("init=post"));
    while (!kept)
        tocsin_loop_turn(-1);
    unloaded("guest");
    ck_assert_int_eq(mapped_lines(), 0);
    ck_assert_int_gt(tocsin_info_json(kept, text, sizeof text), 0);
    ck_assert_ptr_nonnull(strstr(text, "77"));
    ck_assert_uint_eq(host_called_of(kept)->number, 77);
    tocsin_info_unref(kept);
}
END_TEST

START_TEST(calls_in_fini_are_refused)
{
    static const char *const what[] = { "handler", "timer",  "fiber",   "work",      "block",
                                        "queue",   "source", "declare", "everywhere" };
    char fini[64];

    host_begin();
    host.loops[0] = tocsin_loop_current();
    /* the id is 0, since this thread has no loop yet */
    ck_assert_uint_eq(host.loops[0].id, 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    host.loops[0] = tocsin_loop_current();
    for (unsigned i = 0; i < sizeof what / sizeof what[0]; i++) {
        snprintf(fini, sizeof fini, "fini=%s", what[i]);
        loads("guest", SETTINGS("init=drop", fini));
        unloaded("guest");
        ck_assert_msg(host.fini_answer == -ESHUTDOWN, "%s: %d", what[i], host.fini_answer);
    }
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

static char order[64];

static int on_unloaded(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    strcat(strcat(order, tocsin_plugin_unloaded_of(info)->name), " ");
    return TOCSIN_NEXT;
}

START_TEST(dependents_are_unloaded_first)
{
    host_begin();
    loads("needy", NULL);
    ck_assert(is_loaded("guest"));
    connect_to("plugin.unloaded", on_unloaded, NULL);
    unloaded("guest");
    ck_assert(!is_loaded("needy"));
    ck_assert_str_eq(order, "needy guest ");
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* A plugin needs another plugin. The other plugin cannot be unloaded while the first plugin runs a
   job. After the failed unload, both plugins must continue and be able to start operations. */
START_TEST(a_dependent_that_cannot_be_unloaded)
{
    struct tocsin_op op;

    host_begin();
    loads("guest", SETTINGS("init=handler"));
    loads("needy", SETTINGS("init=work"));
    while (!host.works)
        sched_yield();
    op = unloads("guest", &gone);
    while (state_of("needy") != TOCSIN_PLUGIN_ENDING)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    times_out("guest", op, &gone, "");
    while (state_of("guest") != TOCSIN_PLUGIN_RUNNING)
        ck_assert_int_ge(tocsin_loop_turn(10), 0);
    emits(1);
    ck_assert_int_eq(host.called, 1);
    host.open = 1;
    while (is_loaded("needy") && state_of("needy") == TOCSIN_PLUGIN_ENDING)
        tocsin_loop_turn(1);
    if (is_loaded("needy"))
        unloaded("needy");
    host.start = NULL;
    /* The failed unload has ended, so the plugin's functions can be connected. */
    ck_assert_int_eq(tocsin_on("host.called", host.handler, NULL), 0);
    unloaded("guest");
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

START_TEST(a_plugin_with_a_running_thread)
{
    struct tocsin_op op;

    host_begin();
    loads("owning", NULL);
    while (!host.alive)
        sched_yield();
    op = unloads("owning", &gone);
    times_out("owning", op, &gone, "thread");
    ck_assert(gone.mapped);
    ck_assert_int_gt(mapped_lines(), 0);
    host.open = 1;
    while (host.alive)
        sched_yield();
    while (state_of("owning") == TOCSIN_PLUGIN_ENDING)
        tocsin_loop_turn(1);
    unloaded("owning");
    ck_assert_int_eq(host.finis, 1);
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* The fini of the plugin ends the plugin's thread. The unload must succeed, although the kernel may
   list the thread a moment longer. */
START_TEST(a_thread_that_fini_ends)
{
    host_begin();
    for (int i = 0; i < 20; i++) {
        struct gone each = { .count = 0 };
        struct tocsin_op op;

        loads("owning", SETTINGS("ends=fini"));
        while (!host.alive)
            sched_yield();
        op = unloads("owning", &each);
        tocsin_op_deadline(op, -1);
        gone_with(&each, 0, "");
        ck_assert(!each.mapped);
    }
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

START_TEST(a_plugin_that_cannot_be_unmapped)
{
    host_begin();
    loads("kept", SETTINGS("init=drop timer alone"));
    unloads("kept", &gone);
    gone_with(&gone, 0, "");
    ck_assert(gone.mapped);
    ck_assert(!is_loaded("kept"));
    ck_assert_int_gt(mapped_lines(), 0);
    emits(1);
    ck_assert_int_eq(tocsin_emit(tocsin_find("guest.alone"), NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(host.called, 0);
    /* this is another plugin, which is loaded from the same file */
    loads("kept", SETTINGS("init=drop"));
    emits(2);
    ck_assert_int_eq(host.called, 1);
    gone.count = 0;
    unloads("kept", &gone);
    gone_with(&gone, 0, "");
    tocsin_loop_free();
    /* _exit() skips the end of the fixture, since the plugin stays mapped and keeps its
       descriptors */
    _exit(0);
}
END_TEST

/* Tests: several loops */

static struct peer peer;

static int do_load(void *arg)
{
    return tocsin_plugin_load("guest", arg);
}

static int do_unload(void *arg)
{
    (void)arg;
    return tocsin_plugin_unload("guest", TOCSIN_CALL(on_gone, &gone), NULL);
}

static int do_some(void *arg)
{
    const _Atomic int *over = arg;

    while (!*over)
        tocsin_loop_turn(1);
    return 0;
}

static _Atomic int over;

START_TEST(a_timer_on_another_loop)
{
    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_load, (void *)SETTINGS("init=timer drop fiber block")), 0);
    peer_starts(&peer, do_some, &over);
    while (host.ticked < 3)
        sched_yield();
    unloads("guest", &gone);
    gone_with(&gone, 0, "");
    turns_until_mapped(0);
    over = 1;
    peer_finishes(&peer);
    peer_end(&peer);
}
END_TEST

/* Posts and tasks of the plugin are queued for a loop. When the plugin is unloaded, this loop has
   not run a turn yet. */
START_TEST(messages_queued_for_another_loop)
{
    struct tocsin_op op;

    host_begin();
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_loop, &host.loops[0]), 0);
    loads("guest", SETTINGS("init=everywhere drop post"));
    op = unloads("guest", &gone);
    times_out("guest", op, &gone, "1 task");
    peer_starts(&peer, do_some, &over);
    while (state_of("guest") == TOCSIN_PLUGIN_ENDING)
        tocsin_loop_turn(1);
    /* both tasks ran, also the task on the other loop, although the unload had begun */
    ck_assert_int_eq(host.tasks, 2);
    if (is_loaded("guest"))
        unloaded("guest");
    turns_until_mapped(0);
    over = 1;
    peer_finishes(&peer);
    peer_end(&peer);
}
END_TEST

/* The loop that requested the unload is freed. After that, the loop that loaded the plugin is
   freed. The unload must continue. */
START_TEST(the_requesting_loop_is_freed)
{
    host_begin();
    loads("guest", SETTINGS("init=drop work"));
    while (!host.works)
        sched_yield();
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_unload, NULL), 0);
    peer_does(&peer, do_free, NULL);
    ck_assert_int_eq(gone.count, 1);
    ck_assert_int_eq(gone.status, -ECANCELED);
    host.open = 1;
    while (is_loaded("guest") && state_of("guest") != TOCSIN_PLUGIN_STUCK)
        tocsin_loop_turn(1);
    if (is_loaded("guest"))
        unloaded("guest");
    turns_until_mapped(0);
    peer_leaves(&peer);
}
END_TEST

START_TEST(the_home_loop_is_freed)
{
    bool after_the_unload = _i;

    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_load, (void *)SETTINGS("init=drop timer fiber work")), 0);
    while (!host.works)
        sched_yield();
    unloads("guest", &gone);
    host.open = after_the_unload;
    peer_starts(&peer, do_free, NULL);
    while (after_the_unload && !gone.count)
        tocsin_loop_turn(1);
    host.open = 1;
    peer_finishes(&peer);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(host.finis, 1);
    turns_until_mapped(0);
    peer_leaves(&peer);
}
END_TEST

/* The loop that loaded the plugin is freed, with all objects that the plugin had on this loop. Then
   the plugin is unloaded. */
START_TEST(the_home_loop_was_freed_before)
{
    host_begin();
    peer_begin(&peer);
    ck_assert_int_eq(
        peer_does(&peer, do_load,
                  (void *)SETTINGS("init=drop observer source queue block promise declare alone")),
        0);
    peer_does(&peer, do_free, NULL);
    for (int what = 0; what < TOCSIN_RESOURCE_COUNT; what++)
        ck_assert_msg(!holds("guest", what) || what == TOCSIN_RESOURCE_SIGNALS, "%s",
                      tocsin_resource_name(what));
    peer_leaves(&peer);
    unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* The only loop is freed during the unload. The thread's next loop can finish the unload. */
START_TEST(all_loops_are_freed)
{
    struct tocsin_op op;

    host_begin();
    loads("guest", SETTINGS("init=work"));
    while (!host.works)
        sched_yield();
    ck_assert_int_eq(tocsin_plugin_unload("guest", TOCSIN_CALL(on_gone, &gone), &op), 0);
    host.open = 1;
    tocsin_loop_free();
    ck_assert_int_eq(gone.count, 1);
    if (is_loaded("guest") && state_of("guest") == TOCSIN_PLUGIN_ENDING)
        while (tocsin_loop_turn(1) >= 0 && is_loaded("guest") &&
               state_of("guest") == TOCSIN_PLUGIN_ENDING)
            ;
    if (is_loaded("guest"))
        unloaded("guest");
    turns_until_mapped(0);
}
END_TEST

/* The program asks the plugin's handler during the unload. If the handler is not called,
   tocsin_ask() must not return 0. */
static int answers[64], answers_count;

static int ask_now(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (answers_count < 64)
        answers[answers_count++] = tocsin_ask(asks_signo, NULL, NULL);
    return TOCSIN_NEXT;
}

START_TEST(a_question_during_the_unload)
{
    struct tocsin_op op;

    host_begin();
    loads("guest", SETTINGS("init=answer work"));
    while (!host.works)
        sched_yield();
    ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(ask_now), &op), 0);
    unloads("guest", &gone);
    turns_until(&answers_count, 3);
    /* tocsin_ask() calls the handler of the plugin until the unload disconnects it. */
    ck_assert_int_eq(host.asked, answers_count);
    host.open = 1;
    gone_with(&gone, 0, "");
    ck_assert_int_eq(tocsin_cancel(op), 0);
    drain_all();
}
END_TEST

/* Two threads request the unload at the same time. One of the threads gets an error. */
START_TEST(two_threads_request_the_unload)
{
    host_begin();
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    for (long i = test_scaled(200, 10, 20); i; i--) {
        struct gone mine = { .count = 0 };
        int err, others;

        gone.count = 0;
        loads("guest", SETTINGS("init=drop"));
        peer_starts(&peer, do_unload, NULL);
        err = tocsin_plugin_unload("guest", TOCSIN_CALL(on_gone, &mine), NULL);
        others = peer_finishes(&peer);
        ck_assert_msg((err == 0) + (others == 0) >= 1, "%d, %d", err, others);
        while (is_loaded("guest")) {
            tocsin_loop_turn(0);
            /* In this turn the peer's loop comes to rest: none of its functions runs any more. The
               plugin cannot be unmapped before this. */
            peer_does(&peer, do_turn, NULL);
        }
        while (others == 0 && !gone.count)
            peer_does(&peer, do_turn, NULL);
        if (err == 0)
            gone_with(&mine, 0, "");
    }
    turns_until_mapped(0);
    peer_end(&peer);
}
END_TEST

static int fiber_asks(void *arg)
{
    struct tocsin_op op;

    (void)arg;
    ck_assert_int_eq(tocsin_plugin_unload("guest", TOCSIN_FUTURE, &op), 0);
    return tocsin_wait(op, -1, NULL);
}

START_TEST(unloaded_from_a_fiber)
{
    struct tocsin_op op;

    host_begin();
    loads("guest", SETTINGS("init=drop fiber"));
    ck_assert_int_eq(tocsin_spawn(fiber_asks, NULL, TOCSIN_CALL(tell, &told), &op), 0);
    turns_until(&told.count, 1);
    ck_assert_int_eq(told.status, 0);
    turns_until_mapped(0);
}
END_TEST

static int ends_held;

static void hold_ends(const struct tocsin_inject_event *crossing,
                      struct tocsin_inject_action *verdict, void *arg)
{
    (void)arg;
    if (crossing->point != TOCSIN_INJECT_COMPLETION || strncmp(crossing->name, "plugin.", 7) == 0)
        return;
    ends_held++;
    verdict->delay_ms = 3600000;
}

/* The plugin has set an injector, and the unload removes the injector. Events that the injector has
   delayed keep their delay, and can be cancelled. */
static int crossed_in_fini;

static int post_in_fini(void)
{
    crossed_in_fini = host.crossed;
    tocsin_post(called_signo, TOCSIN_PAYLOAD(host_called, .number = 1));
    crossed_in_fini = host.crossed - crossed_in_fini;
    return 0;
}

START_TEST(the_injector_of_an_unloaded_plugin)
{
    struct tocsin_op op;
    int crossed;

    host_begin();
    connect_to("host.called", on_host, &(int){ 0 });
    loads("guest", SETTINGS("init=interpose long"));
    host.in_fini = post_in_fini;
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    while (host.crossed == 0)
        tocsin_loop_turn(0);
    ck_assert_int_eq(tocsin_inject(hold_ends, NULL), -EBUSY);
    unloaded("guest");
    ck_assert_int_eq(crossed_in_fini, 0);
    ck_assert_int_eq(mapped_lines(), 0);
    crossed = host.crossed;
    ck_assert_int_eq(tocsin_post(called_signo, TOCSIN_PAYLOAD(host_called, .number = 1)),
                     TOCSIN_PENDED);
    ck_assert_int_gt(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(host.crossed, crossed);
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    ck_assert_int_eq(tocsin_cancel(op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ECANCELED);
    loads("guest", SETTINGS("init=interpose"));
    unloaded("guest");
}
END_TEST

/* An operation of the plugin has ended before the unload, and the program never takes its result.
   The result must not prevent the unload. */
START_TEST(a_result_that_nobody_takes)
{
    host_begin();
    loads("guest", SETTINGS("init=promise"));
    unloaded("guest");
    ck_assert_int_eq(mapped_lines(), 0);
}
END_TEST

/* The program blocks the ticks of the plugin's timer. The pending ticks must keep neither the timer
   nor the plugin. Handlers for all timers must receive the ticks. */
static int count_ticks(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

START_TEST(pending_ticks_of_a_plugins_timer)
{
    struct tocsin_block mask;
    int ticks = 0;

    host_begin();
    connect_to("timer.ticked", count_ticks, &ticks);
    ck_assert_int_eq(tocsin_block("timer.ticked", &mask), 0);
    loads("guest", SETTINGS("init=timer"));
    while (tocsin_pending_count("timer.ticked") == 0)
        tocsin_loop_turn(-1);
    unloaded("guest");
    ck_assert_int_eq(mapped_lines(), 0);
    ck_assert_int_eq(ticks, 0);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(ticks, 1);
}
END_TEST

/* The completion of an operation is delayed. The plugin defines the type of the operation, or the
   plugin has started it. The unload must not wait for the delay. */
START_TEST(a_delayed_completion_does_not_delay_the_unload)
{
    struct tocsin_op op;

    host_begin();
    ck_assert_int_eq(tocsin_inject(hold_ends, NULL), 0);
    loads("guest", SETTINGS("init=future"));
    ck_assert_int_eq(host.start(TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(host.finish(op), 0);
    while (ends_held < 2)
        tocsin_loop_turn(1);
    unloads("guest", &gone);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -ECANCELED);
    gone_with(&gone, 0, "");
    ck_assert_int_eq(mapped_lines(), 0);
    ck_assert_int_eq(tocsin_inject(NULL, NULL), 0);
}
END_TEST

START_TEST(refused_unloads)
{
    struct tocsin_op op;

    host_begin();
    ck_assert_int_eq(tocsin_plugin_unload(NULL, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_plugin_unload("guest", NULL, &op), -ENOENT);
    ck_assert_int_eq(tocsin_id_error(op.source.id), -ENOENT);
    ck_assert_ptr_nonnull(strstr(tocsin_plugin_last_error(), "guest"));
    loads("guest", SETTINGS("init="));
    ck_assert_int_eq(tocsin_plugin_unload("guest", TOCSIN_CALL(host.handler, NULL), &op), -EINVAL);
    unloads("guest", &gone);
    ck_assert_int_eq(tocsin_plugin_unload("guest", NULL, &op), -EALREADY);
    ck_assert_int_eq(tocsin_plugin_reload("guest", NULL, NULL, &op), -EALREADY);
    gone_with(&gone, 0, "");
}
END_TEST

static struct tocsin_op served;
static struct told served_end;

static int serve(void)
{
    const struct tocsin_notify notify = { .mode = TOCSIN_AT_END | TOCSIN_BACKGROUND,
                                          .fn = tell,
                                          .arg = &served_end };

    return tocsin_timer(1000000, &notify, &served);
}

/* The program starts a background operation in a handler of the plugin. The operation belongs to
   the program, so it must continue after the unload. */
START_TEST(a_background_operation_of_the_program)
{
    host_begin();
    host.during = serve;
    loads("guest", SETTINGS("init=drop"));
    emits(1);
    ck_assert_int_eq(host.called, 1);
    unloaded("guest");
    ck_assert_int_eq(served_end.count, 0);
    ck_assert_int_eq(tocsin_cancel(served), 0);
    turns_until(&served_end.count, 1);
    ck_assert_int_eq(served_end.status, -ECANCELED);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/unload");
    TCase *tests = test_case(suite, "unload");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, unloaded_in_its_own_handler);
    tcase_add_loop_test(tests, unloaded_among_other_handlers, 0, 9);
    tcase_add_test(tests, unloaded_with_each_kind_of_object);
    tcase_add_test(tests, emissions_that_the_plugin_blocked);
    tcase_add_test(tests, while_a_job_runs);
    tcase_add_test(tests, while_a_job_runs_too_long);
    tcase_add_test(tests, fibers_of_a_handler);
    tcase_add_test(tests, fibers_of_a_handler_and_a_reload);
    tcase_add_test(tests, a_fiber_that_does_not_end);
    tcase_add_test(tests, the_host_uses_an_operation_type);
    tcase_add_test(tests, an_operation_is_started_in_fini);
    tcase_add_test(tests, objects_of_the_plugin);
    tcase_add_test(tests, a_kept_info_outlives_the_plugin);
    tcase_add_test(tests, calls_in_fini_are_refused);
    tcase_add_test(tests, dependents_are_unloaded_first);
    tcase_add_test(tests, a_dependent_that_cannot_be_unloaded);
    tcase_add_test(tests, a_plugin_with_a_running_thread);
    tcase_add_test(tests, a_thread_that_fini_ends);
    tcase_add_test(tests, a_plugin_that_cannot_be_unmapped);
    tcase_add_test(tests, a_timer_on_another_loop);
    tcase_add_test(tests, messages_queued_for_another_loop);
    tcase_add_test(tests, the_requesting_loop_is_freed);
    tcase_add_loop_test(tests, the_home_loop_is_freed, 0, 2);
    tcase_add_test(tests, the_home_loop_was_freed_before);
    tcase_add_test(tests, all_loops_are_freed);
    tcase_add_test(tests, a_question_during_the_unload);
    tcase_add_test(tests, two_threads_request_the_unload);
    tcase_add_test(tests, unloaded_from_a_fiber);
    tcase_add_test(tests, the_injector_of_an_unloaded_plugin);
    tcase_add_test(tests, a_result_that_nobody_takes);
    tcase_add_test(tests, pending_ticks_of_a_plugins_timer);
    tcase_add_test(tests, a_delayed_completion_does_not_delay_the_unload);
    tcase_add_test(tests, refused_unloads);
    tcase_add_test(tests, a_background_operation_of_the_program);
    return suite;
}
