/* Tests which handlers count as listeners during a delivery, and in which order and how often
   default actions run.

   The tests of listeners use handlers that were disconnected by ONCE, by tocsin_disconnect or by a
   free of their source. They also use observers, and handlers on other loops.

   The tests of the order use emissions of a signal without handlers. A mask, a block, or a running
   delivery of pending emissions delays them. The signals are emitted, posted, or emitted by the
   library itself.

   The tests of the number use posts of a coalescing signal without handlers. The payloads are flat
   or contain pointers. Threads and real signal handlers post to the main loop or to one chosen
   loop. */
#include <signal.h>
#include <string.h>

#include <tocsin/posix.h>

#include "delivery/mask_helpers.h"
#include "command_threads.h"

/* answers[] holds the results of tocsin_has_listeners, tocsin_post and tocsin_emit, in this
   order */
static int one, answers[3];

static int ask_all(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    answers[0] = tocsin_has_listeners(info->signo);
    answers[1] = tocsin_post(info->signo, NULL);
    answers[2] = tocsin_emit(info->signo, NULL);
    return TOCSIN_NEXT;
}

static void answers_are(int heard, int post, int emitted)
{
    ck_assert_int_eq(answers[0], heard);
    ck_assert_int_eq(answers[1], post);
    ck_assert_int_eq(answers[2], emitted);
    memset(answers, -1, sizeof answers);
}

static int disconnect_and_ask(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(tocsin_disconnect(tocsin_handler_current()), 0);
    return ask_all(info, arg);
}

static struct tocsin_source room;

static int free_and_ask(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(tocsin_source_free(room), 0);
    return ask_all(info, arg);
}

static void connect_one(const struct tocsin_action *action)
{
    ck_assert_int_eq(tocsin_connect("u.one", action, NULL), 0);
}

START_TEST(a_disconnected_handler_is_no_listener)
{
    one = record_signal("u.one");
    connect_one(&(struct tocsin_action){ .fn = ask_all, .flags = TOCSIN_ONCE | TOCSIN_NODEFER });
    ck_assert_int_eq(tocsin_emit(one, NULL), TOCSIN_DELIVERED);
    answers_are(0, TOCSIN_NOBODY, TOCSIN_NOBODY);
    connect_one(&(struct tocsin_action){ .fn = disconnect_and_ask, .flags = TOCSIN_NODEFER });
    ck_assert_int_eq(tocsin_emit(one, NULL), TOCSIN_DELIVERED);
    answers_are(0, TOCSIN_NOBODY, TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_source_new(NULL, &room), 0);
    connect_one(
        &(struct tocsin_action){ .fn = free_and_ask, .flags = TOCSIN_NODEFER, .source = room });
    ck_assert_int_eq(tocsin_emit_from(room, one, NULL), TOCSIN_DELIVERED);
    answers_are(0, TOCSIN_NOBODY, TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_has_listeners(one), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

/* A ONCE handler without NODEFER runs; the signal has no other handler. The signal is blocked while
   the handler runs, so a new emission becomes pending. The signal must count as having a listener,
   since another handler may be connected before the pending emission is delivered. */
START_TEST(without_nodefer_a_disconnected_handler_blocks_the_signal)
{
    one = record_signal("u.one");
    connect_one(&(struct tocsin_action){ .fn = ask_all, .flags = TOCSIN_ONCE });
    ck_assert_int_eq(tocsin_emit(one, NULL), TOCSIN_DELIVERED);
    answers_are(1, TOCSIN_PENDED, TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
    ck_assert_int_eq(tocsin_has_listeners(one), 0);
}
END_TEST

/* A handler with ONCE and NODEFER is disconnected before it runs. While it runs, its signal has a
   listener only if a second handler is connected. First a second handler exists; then there is only
   an observer. */
START_TEST(a_later_handler_is_a_listener)
{
    one = record_signal("u.one");
    connect_one(&(struct tocsin_action){ .fn = ask_all, .flags = TOCSIN_ONCE | TOCSIN_NODEFER });
    connect_one(&(struct tocsin_action){ .fn = record_call, .arg = "b", .flags = TOCSIN_ONCE });
    ck_assert_int_eq(tocsin_emit(one, NULL), TOCSIN_DELIVERED);
    answers_are(1, TOCSIN_PENDED, TOCSIN_DELIVERED);
    ck_assert_record("b");
    ck_assert_int_eq(
        tocsin_observe("u.one", &(struct tocsin_action){ .fn = record_call, .arg = "o" }, NULL), 0);
    connect_one(&(struct tocsin_action){
        .fn = ask_all, .flags = TOCSIN_ONCE | TOCSIN_NODEFER, .priority = 1 });
    ck_assert_int_eq(tocsin_emit(one, NULL), TOCSIN_DELIVERED);
    /* The only other subscriber is an observer, and an observer does not handle the signal. */
    answers_are(1, TOCSIN_PENDED, TOCSIN_NOBODY);
    ck_assert_record("o o");
    ck_assert_int_eq(tocsin_loop_turn(0), 2);
}
END_TEST

static int own_signal_unblocked(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_ge(tocsin_sigmask(TOCSIN_UNBLOCK, "u.one", NULL, 0), 0);
    return ask_all(info, arg);
}

START_TEST(a_signal_that_its_handler_unblocks_is_not_blocked)
{
    one = record_signal("u.one");
    connect_one(&(struct tocsin_action){ .fn = own_signal_unblocked, .flags = TOCSIN_ONCE });
    ck_assert_int_eq(tocsin_emit(one, NULL), TOCSIN_DELIVERED);
    answers_are(0, TOCSIN_NOBODY, TOCSIN_NOBODY);
}
END_TEST

/* A disconnected handler still runs on this thread. Meanwhile another thread calls the three
   functions for the same signal. */
static struct peer asker;

static int ask_there(void *arg)
{
    (void)arg;
    return tocsin_has_listeners(one) << 8 | tocsin_post(one, NULL) << 4 | tocsin_emit(one, NULL);
}

static int have_it_asked(const struct tocsin_info *info, void *arg)
{
    (void)info;
    *(int *)arg = peer_does(&asker, ask_there, NULL);
    return TOCSIN_NEXT;
}

START_TEST(other_loops_see_the_same_listeners)
{
    int seen = -1;

    one = record_signal("u.one");
    peer_begin(&asker);
    ck_assert_int_eq(peer_does(&asker, do_turn, NULL), 0);
    connect_one(&(struct tocsin_action){
        .fn = have_it_asked, .arg = &seen, .flags = TOCSIN_ONCE | TOCSIN_NODEFER });
    ck_assert_int_eq(tocsin_emit(one, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(seen, 0);
    connect_one(&(struct tocsin_action){ .fn = have_it_asked, .arg = &seen, .flags = TOCSIN_ONCE });
    ck_assert_int_eq(tocsin_emit(one, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(seen, 1 << 8 | TOCSIN_PENDED << 4 | TOCSIN_PENDED);
    peer_end(&asker);
}
END_TEST

/* Tests of the order of default actions */

static int by_default(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (info->overrun)
        record("d%d+%u", number_of(info), info->overrun);
    else
        record("d%d", number_of(info));
    return TOCSIN_NEXT;
}

static int defaulting(const char *name, enum tocsin_kind kind, unsigned flags)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = name,
                                                             .layout = &note_layout,
                                                             .unhandled_fn = by_default,
                                                             .kind = kind,
                                                             .flags = flags });

    ck_assert_int_gt(signo, 0);
    return signo;
}

static void pend_one(const struct tocsin_info *info, int call)
{
    (void)info, (void)call;
    ck_assert_int_eq(emit(signos[2], 1), TOCSIN_PENDED);
}

static void emit_two(const struct tocsin_info *info, int call)
{
    (void)info, (void)call;
    ck_assert_int_eq(emit(signos[2], 2), TOCSIN_NOBODY);
    record("b");
}

START_TEST(late_emissions_precede_new_ones)
{
    signos[0] = ranked("d.a", 0);
    signos[1] = ranked("d.b", 1);
    signos[2] = defaulting("d.c", TOCSIN_QUEUED, 0);
    steps_on("d.a", pend_one, "d.c", 0);
    steps_on("d.b", emit_two, NULL, 0);
    masks[0] = block("d.*");
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[1], 0), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_record("d1 d2 b");
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

static void emit_three(const struct tocsin_info *info, int call)
{
    (void)info, (void)call;
    /* Pending emissions are being delivered. This new emission must be delivered after all of
       them. */
    ck_assert_int_eq(emit(signos[2], 3), TOCSIN_PENDED);
    record("a");
}

START_TEST(flushed_emissions_precede_new_ones)
{
    signos[0] = ranked("d.a", -1);
    signos[2] = defaulting("d.c", TOCSIN_QUEUED, 0);
    steps_on("d.a", emit_three, NULL, 0);
    masks[0] = block("d.*");
    ck_assert_int_eq(emit(signos[2], 1), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[2], 2), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_record("a d1 d2");
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("d3");
}
END_TEST

/* Pending emissions that a turn leaves for the next turn are called late. A turn delivers posts
   while late emissions exist. The posts of other signals do not wait for the late emissions, and
   posts of the same signal do not overtake them. */
static void post_two(const struct tocsin_info *info, int call)
{
    (void)info;
    if (call == 1) {
        ck_assert_int_eq(emit(signos[2], 1), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_post(signos[2], TOCSIN_PAYLOAD(note, .number = 2)), TOCSIN_PENDED);
    }
}

START_TEST(posts_do_not_overtake_late_emissions)
{
    signos[0] = ranked("d.a", 0);
    signos[1] = ranked("d.b", 1);
    signos[2] = defaulting("d.c", TOCSIN_QUEUED, 0);
    steps_on("d.a", post_two, "d.c", 0);
    masks[0] = block("d.a");
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_record("");
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_record("d1 d2");
}
END_TEST

START_TEST(an_ignored_signal_takes_no_default_action)
{
    signos[2] = defaulting("d.c", TOCSIN_QUEUED, 0);
    masks[0] = block("d.c");
    ck_assert_int_eq(emit(signos[2], 1), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_ignore("d.c"), 0);
    ck_assert_int_eq(emit(signos[2], 2), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_int_eq(emit(signos[2], 3), TOCSIN_NOBODY);
    ck_assert_record("");
}
END_TEST

/* Tests of the number of default actions */

static void post(int signo, int number)
{
    ck_assert_int_eq(tocsin_post(signo, TOCSIN_PAYLOAD(note, .number = number)), TOCSIN_PENDED);
}

static void all_turns(void)
{
    while (tocsin_loop_turn(0) > 0)
        ;
}

START_TEST(posts_without_handlers_coalesce)
{
    int signo = defaulting("c.text", TOCSIN_COALESCE, 0);

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    post(signo, 1);
    post(signo, 2);
    post(signo, 3);
    all_turns();
    ck_assert_record("d3+2");
    post(signo, 4);
    all_turns();
    ck_assert_record("d4");
    ck_assert_int_eq(
        tocsin_post_to(tocsin_loop_current(), signo, TOCSIN_PAYLOAD(note, .number = 5)),
        TOCSIN_PENDED);
    post(signo, 6);
    all_turns();
    ck_assert_record("d6+1");
    ck_assert_int_eq(tocsin_on("c.text", write_number, NULL), 0);
    post(signo, 7);
    post(signo, 8);
    all_turns();
    ck_assert_record("8");
    post(signo, 9);
    /* both posts wait in the coalescing cell of the signal until the loop is freed */
    post(signo, 10);
}
END_TEST

START_TEST(a_freed_loop_delivers_its_coalescing_message)
{
    int signo = defaulting("c.text", TOCSIN_COALESCE, 0);

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    post(signo, 1);
    post(signo, 2);
    /* tocsin_loop_free delivers the messages that the inbox has accepted. */
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_record("d2+1");
    /* This turn creates another loop, possibly in the memory of the freed loop. */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    post(signo, 3);
    post(signo, 4);
    all_turns();
    ck_assert_record("d4+1");
}
END_TEST

#define FLAT(F) F(i32, number)
TOCSIN_LAYOUT(flat, FLAT);

static int flat_default(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("f%d+%u", flat_of(info)->number, info->overrun);
    return TOCSIN_NEXT;
}

static int async_signo;

static void on_alarm(int number)
{
    (void)number;
    for (int i = 1; i < 4; i++)
        tocsin_post(async_signo, TOCSIN_PAYLOAD(flat, .number = i));
}

static int async_declare(const char *name)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = name,
                                                             .layout = &flat_layout,
                                                             .unhandled_fn = flat_default,
                                                             .kind = TOCSIN_COALESCE,
                                                             .flags = TOCSIN_ASYNC });

    ck_assert_int_gt(signo, 0);
    return signo;
}

static void post_in_a_real_handler(void)
{
    struct sigaction action = { .sa_handler = on_alarm }, old;

    ck_assert_int_eq(sigaction(SIGUSR1, &action, &old), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(sigaction(SIGUSR1, &old, NULL), 0);
    all_turns();
    ck_assert_record("f3+2");
}

/* A real signal handler posts a coalescing signal. A real signal handler must not allocate memory,
   so the coalescing cell of the signal must exist already. The library creates the cell when the
   signal is declared, or when the loop is created later. */
START_TEST(a_real_signal_handler_posts_a_coalescing_signal)
{
    async_signo = async_declare("c.first"); /* this signal is declared before the loop exists */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    post_in_a_real_handler();
    async_signo = async_declare("c.then"); /* this signal is declared after the loop was created */
    post_in_a_real_handler();
}
END_TEST

/* Two threads have a loop, and the older loop is the main loop. When the older loop is freed, the
   younger loop becomes the main loop and takes the default actions. */
static int post_twice(void *arg)
{
    post(*(int *)arg, 1);
    post(*(int *)arg, 2);
    return 0;
}

START_TEST(the_main_loop_runs_the_default_actions)
{
    static struct peer older;
    int signo = defaulting("c.text", TOCSIN_COALESCE, 0);

    peer_begin(&older);
    ck_assert_int_eq(peer_does(&older, do_turn, NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(peer_does(&older, post_twice, &signo), 0);
    all_turns();
    ck_assert_record(""); /* the older loop is the main loop, so this loop runs no default action */
    ck_assert_int_ge(peer_does(&older, do_turn, NULL), 1);
    ck_assert_record("d2+1");
    peer_end(&older);
    post_twice(&signo);
    all_turns();
    ck_assert_record("d2+1");
}
END_TEST

static void end(void)
{
    tocsin_loop_free();
    record_take();
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/default_action_listeners");
    TCase *listeners = test_case(suite, "listeners"), *order = test_case(suite, "order"),
          *often = test_case(suite, "number");

    test_needs_processes();
    tcase_add_test(listeners, a_disconnected_handler_is_no_listener);
    tcase_add_test(listeners, without_nodefer_a_disconnected_handler_blocks_the_signal);
    tcase_add_test(listeners, a_later_handler_is_a_listener);
    tcase_add_test(listeners, a_signal_that_its_handler_unblocks_is_not_blocked);
    tcase_add_test(listeners, other_loops_see_the_same_listeners);
    tcase_add_checked_fixture(order, NULL, end);
    tcase_add_test(order, late_emissions_precede_new_ones);
    tcase_add_test(order, flushed_emissions_precede_new_ones);
    tcase_add_test(order, posts_do_not_overtake_late_emissions);
    tcase_add_test(order, an_ignored_signal_takes_no_default_action);
    tcase_add_test(often, posts_without_handlers_coalesce);
    tcase_add_test(often, a_freed_loop_delivers_its_coalescing_message);
    tcase_add_test(often, a_real_signal_handler_posts_a_coalescing_signal);
    tcase_add_test(often, the_main_loop_runs_the_default_actions);
    return suite;
}
