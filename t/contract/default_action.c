/* Contract line T7: if no loop handles an emission, its default action must run once. It must not
   run once for each loop that has a copy. The tests cover posts, emissions, observers and
   blocks. */
#include "contract/loop_threads.h"

/* Three signals have a default action. Real signal handlers may post the signal "urgent". The
   payload of the signal "dropping" is too large for a message's own memory. The default action of
   the signal "stopping" stops the loop. */
static int urgent, dropping, stopping;

static void begin_unhandled(void)
{
    begin_sides();
    urgent = declare((struct tocsin_signal_spec){ .name = "guarded.urgent",
                                                  .layout = &number_layout,
                                                  .unhandled_fn = act,
                                                  .flags = TOCSIN_ASYNC });
    dropping = declare((struct tocsin_signal_spec){
        .name = "guarded.dropping", .layout = &letter_layout, .unhandled_fn = act });
    stopping = declare(
        (struct tocsin_signal_spec){ .name = "stopping", .unhandled = TOCSIN_STOP_LOOP });
}

/* Tests of the default actions of posts */

START_TEST(T7_a_post_without_a_listener_does_nothing)
{
    ck_assert_int_eq(post_number(number, 1), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(post_number(number, 1), TOCSIN_NOBODY);
    ck_assert_int_eq(do_turns(NULL), 0);
}
END_TEST

START_TEST(T7_a_default_action_without_any_loop)
{
    ck_assert_int_eq(post_number(urgent, 1), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_post(stopping, NULL), -ESHUTDOWN);
    ck_assert_int_eq(acted.count, 0);
}
END_TEST

START_TEST(T7_the_main_loop_runs_it_if_no_loop_listens)
{
    struct peer peer;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_uint_eq(tocsin_loop_main().id, tocsin_loop_current().id);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    ck_assert_int_eq(post_text(dropping, "text"), TOCSIN_PENDED);
    ck_assert_int_eq(peer_does(&peer, do_turns, NULL), 0);
    ck_assert_int_eq(acted.count, 0);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 2);
    ck_assert_uint_eq(acted_on.id, tocsin_loop_current().id);
    ck_assert_int_eq(acted.code, TOCSIN_POSTED);
    ck_assert_int_eq(tocsin_post(stopping, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_run(), 0);
    peer_end(&peer);
}
END_TEST

START_TEST(T7_the_main_loop_changes_when_it_is_freed)
{
    struct peer peer;
    struct tocsin_loop theirs;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    peer_does(&peer, do_loop, &theirs);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_uint_eq(tocsin_loop_main().id, theirs.id);
    /* This turn makes a new loop, which is younger than the peer's loop. */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_uint_eq(tocsin_loop_main().id, theirs.id);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    ck_assert_int_eq(do_turns(NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_turns, NULL), 1);
    ck_assert_uint_eq(acted_on.id, theirs.id);
    peer_end(&peer);
    ck_assert_uint_eq(tocsin_loop_main().id, tocsin_loop_current().id);
}
END_TEST

static int do_post_to_there(void *loop)
{
    return tocsin_post_to(*(struct tocsin_loop *)loop, urgent, TOCSIN_PAYLOAD(number, .value = 1));
}

START_TEST(T7_posted_to_a_loop_that_does_not_listen)
{
    struct tocsin_loop theirs;
    struct peer peer;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    peer_does(&peer, do_turn, NULL);
    peer_does(&peer, do_loop, &theirs);
    ck_assert_int_eq(tocsin_post_to(theirs, number, TOCSIN_PAYLOAD(number, .value = 1)),
                     TOCSIN_PENDED);
    ck_assert_int_eq(peer_does(&peer, do_turns, NULL), 1);
    ck_assert_int_eq(do_post_to_there(&theirs), TOCSIN_PENDED);
    ck_assert_int_eq(peer_does(&peer, do_turns, NULL), 1);
    /* The main loop has the emission in its inbox, and has not run the default action yet. */
    ck_assert_int_eq(acted.count, 0);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 1);
    ck_assert_uint_eq(acted_on.id, tocsin_loop_current().id);
    peer_end(&peer);
}
END_TEST

/* A handler is connected or disconnected between a post and its delivery. The default action must
   run if no handler exists at the delivery. */
static int listen_guarded(void *arg)
{
    return tocsin_connect("guarded.*", &(struct tocsin_action){ .fn = hear, .arg = arg }, NULL);
}

static int observe_guarded(void *arg)
{
    return tocsin_observe("guarded.*", &(struct tocsin_action){ .fn = hear, .arg = arg }, NULL);
}

static void comes_too_late(int (*comes)(void *arg))
{
    struct peer peer;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    ck_assert_int_eq(post_text(dropping, "text"), TOCSIN_PENDED);
    ck_assert_int_eq(peer_does(&peer, comes, &other), 0);
    for (int i = 0; i < 3; i++) {
        do_turns(NULL);
        peer_does(&peer, do_turns, NULL);
    }
    ck_assert_int_eq(acted.count + (comes == listen_guarded ? other.told.count : 0), 2);
    peer_end(&peer);
}

START_TEST(T7_a_handler_is_connected_before_the_delivery)
{
    comes_too_late(listen_guarded);
}
END_TEST

START_TEST(T7_an_observer_is_connected_before_the_delivery)
{
    comes_too_late(observe_guarded);
}
END_TEST

/* Two loops observe the signals, so each loop gets a copy of a post. The default action must run
   once, when the last copy was delivered without a handler. The copies of an urgent post are not
   counted, since a real signal handler cannot allocate a counter. For such a post, one chosen copy
   decides. */
START_TEST(T7_once_when_the_last_copy_finds_no_handler)
{
    struct peer peers[2];

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    for (int i = 0; i < 2; i++) {
        peer_begin(&peers[i]);
        ck_assert_int_eq(peer_does(&peers[i], observe_guarded, &other), 0);
    }
    for (int round = 0; round < 4; round++) {
        ck_assert_int_eq(round % 2 ? post_number(urgent, 1) : post_text(dropping, ""),
                         TOCSIN_PENDED);
        peer_does(&peers[round / 2], do_turns, NULL);
        do_turns(NULL);
        /* in even rounds the default action has not run yet, since another loop still has a copy of
           the post */
        ck_assert(acted.count == round || round % 2);
        peer_does(&peers[!(round / 2)], do_turns, NULL);
        do_turns(NULL);
        ck_assert_int_eq(acted.count, round + 1);
        ck_assert_uint_eq(acted_on.id, tocsin_loop_current().id);
        ck_assert_int_eq(other.told.count, 2 * round + 2);
    }
    for (int i = 0; i < 2; i++)
        peer_end(&peers[i]);
}
END_TEST

START_TEST(T7_not_if_one_loop_handled_the_post)
{
    struct peer peers[2];

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    for (int i = 0; i < 2; i++)
        peer_begin(&peers[i]);
    ck_assert_int_eq(peer_does(&peers[0], observe_guarded, &other), 0);
    ck_assert_int_eq(peer_does(&peers[1], listen_guarded, &heard), 0);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
        ck_assert_int_eq(post_text(dropping, ""), TOCSIN_PENDED);
        peer_does(&peers[round], do_turns, NULL);
        peer_does(&peers[!round], do_turns, NULL);
        do_turns(NULL);
    }
    ck_assert_int_eq(heard.told.count, 4);
    ck_assert_int_eq(other.told.count, 4);
    ck_assert_int_eq(acted.count, 0);
    for (int i = 0; i < 2; i++)
        peer_end(&peers[i]);
}
END_TEST

static int observe_all(void *arg)
{
    return tocsin_observe("test.**, guarded.**", &(struct tocsin_action){ .fn = hear, .arg = arg },
                          NULL);
}

START_TEST(T7_an_observer_without_room_does_not_prevent_it)
{
    struct peer peer;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, observe_all, &other), 0);
    for (int i = 0; i < TOCSIN_INBOX; i++)
        ck_assert_int_eq(post_number(number, 1), i < ROOM ? TOCSIN_PENDED : TOCSIN_NOBODY);
    ck_assert_int_ge(post_number(urgent, 1), 0);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 1);
    peer_end(&peer);
}
END_TEST

static int ignore_guarded(void *none)
{
    (void)none;
    return tocsin_ignore("guarded.*");
}

START_TEST(T7_the_receiving_loop_ignores_the_signal)
{
    struct peer peer;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, listen_guarded, &other), 0);
    ck_assert_int_eq(peer_does(&peer, ignore_guarded, NULL), 0);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    peer_does(&peer, do_turns, NULL);
    do_turns(NULL);
    ck_assert_int_eq(other.told.count + acted.count, 0);
    peer_end(&peer);
    ck_assert_int_eq(tocsin_ignore("guarded.*"), 0);
    /* the main loop ignores the signal, so no default action runs */
    ck_assert_int_ge(post_number(urgent, 1), 0);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 0);
    ck_assert_int_eq(tocsin_unignore("guarded.*"), 0);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 1);
}
END_TEST

static struct tocsin_block theirs_blocked;

static int block_all(void *none)
{
    (void)none;
    return tocsin_block("test.**, guarded.**", &theirs_blocked);
}

static int unblock_all(void *none)
{
    (void)none;
    return tocsin_unblock(theirs_blocked);
}

START_TEST(T7_the_receiving_loop_blocks_the_signal)
{
    struct peer peer;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, block_all, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    ck_assert_int_eq(post_text(dropping, ""), TOCSIN_PENDED);
    peer_does(&peer, do_turns, NULL);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 0);
    ck_assert_int_eq(peer_does(&peer, unblock_all, NULL), 0);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 2);
    ck_assert_uint_eq(acted_on.id, tocsin_loop_current().id);
    peer_end(&peer);
}
END_TEST

START_TEST(T7_both_loops_block_the_signal)
{
    struct tocsin_block mask;
    struct peer peer;

    ck_assert_int_eq(tocsin_block("test.**, guarded.**", &mask), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, block_all, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    do_turns(NULL);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(acted.count, 0);
    ck_assert_int_eq(peer_does(&peer, unblock_all, NULL), 0);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 1);
    peer_end(&peer);
}
END_TEST

START_TEST(T7_a_freed_loop_passes_it_to_the_next_main_loop)
{
    struct peer peer;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, observe_guarded, &other), 0);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    ck_assert_int_eq(peer_does(&peer, do_free, NULL), 0);
    ck_assert_int_eq(other.told.count, 1);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 1);
    ck_assert_uint_eq(acted_on.id, tocsin_loop_current().id);
    peer_leaves(&peer);
}
END_TEST

START_TEST(T7_the_main_loop_is_freed_before_the_delivery)
{
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(post_number(urgent, 1), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(acted.count, 1);
}
END_TEST

/* Tests of the default actions of emissions */

static int emit_guarded(void *none)
{
    (void)none;
    return emit_number(guarded, 1);
}

START_TEST(T7_by_the_emitting_loop_if_no_loop_listens)
{
    static struct tocsin_loop theirs;

    /* the loop of this thread is created first, so it is the main loop */
    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    theirs = sides[0].loop;
    ck_assert_uint_eq(tocsin_loop_main().id, theirs.id);
    ck_assert_int_eq(emit_number(guarded, 1), TOCSIN_NOBODY);
    ck_assert_int_eq(acted.count, 1);
    ck_assert_uint_eq(acted_on.id, tocsin_loop_current().id);
    ck_assert_int_eq(peer_does(&sides[0].peer, emit_guarded, NULL), TOCSIN_NOBODY);
    ck_assert_uint_eq(acted_on.id, theirs.id);
    sides_end(1);
}
END_TEST

/* The mask of another signal's handler blocks the emitted signal. Such a mask must not count as a
   listener of the emitted signal. */
START_TEST(T7_the_mask_of_a_handler_is_not_a_listener)
{
    sides[0].action.mask = "guarded.plain, test.question";
    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(emit_number(guarded, 1), TOCSIN_NOBODY);
    ck_assert_int_eq(acted.count, 1);
    ck_assert_uint_eq(acted_on.id, tocsin_loop_current().id);
    ck_assert_int_eq(tocsin_ask(question, NULL, NULL), 0);
    sides_end(1);
}
END_TEST

/* The parameter `first` is the loop that was the main loop when the test began. */
static void by_the_main_loop(struct tocsin_loop first)
{
    ck_assert_uint_eq(tocsin_loop_main().id, first.id);
    ck_assert_int_eq(emit_number(guarded, 1), TOCSIN_PENDED);
    ck_assert_int_eq(acted.count, 0);
    for (int i = 0; i < 3; i++) {
        side_turns(&sides[0]);
        do_turns(NULL);
    }
    ck_assert_int_eq(acted.count, 1);
    ck_assert_uint_eq(acted_on.id, first.id);
    ck_assert_int_eq(acted.code, TOCSIN_EMITTED);
    sides_end(1);
}

START_TEST(T7_by_the_main_loop_if_no_copy_finds_a_handler)
{
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    observer_begin(0, "guarded.plain");
    by_the_main_loop(tocsin_loop_current());
}
END_TEST

START_TEST(T7_by_the_main_loop_if_another_loop_emitted)
{
    observer_begin(0, "guarded.plain");
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    by_the_main_loop(sides[0].loop);
}
END_TEST

START_TEST(T7_the_copy_of_the_emitting_loop_counts_too)
{
    struct tocsin_block mask;

    ours.observes = true;
    own_begin("guarded.plain", NULL);
    observer_begin(0, "guarded.plain");
    observer_begin(1, "guarded.plain");
    ck_assert_int_eq(emit_number(guarded, 1), TOCSIN_NOBODY);
    side_turns(&sides[1]);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 0);
    side_turns(&sides[0]);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 1);
    ck_assert_int_eq(tocsin_block("guarded.plain", &mask), 0);
    ck_assert_int_eq(emit_number(guarded, 2), TOCSIN_PENDED);
    side_turns(&sides[0]);
    side_turns(&sides[1]);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 1);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 2);
    ck_assert_int_eq(sides[0].told.count + sides[1].told.count + ours.told.count, 6);
    sides_end(2);
}
END_TEST

START_TEST(T7_not_if_any_loop_handled_the_emission)
{
    ours.observes = true;
    own_begin("guarded.plain", NULL);
    observer_begin(0, "guarded.plain");
    side_begin(1, "guarded.plain", NULL);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(emit_number(guarded, 1), TOCSIN_NOBODY);
        side_turns(&sides[i]);
        side_turns(&sides[!i]);
        do_turns(NULL);
    }
    connect_to("guarded.plain", yes, NULL);
    peer_does(&sides[1].peer, do_disconnect, &sides[1]);
    ck_assert_int_eq(emit_number(guarded, 1), TOCSIN_DELIVERED);
    side_turns(&sides[0]);
    side_turns(&sides[1]);
    do_turns(NULL);
    ck_assert_int_eq(acted.count, 0);
    sides_end(2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/default_action");
    TCase *tests = test_case(suite, "unhandled");

    tcase_add_checked_fixture(tests, begin_unhandled, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, T7_a_post_without_a_listener_does_nothing);
    tcase_add_test(tests, T7_a_default_action_without_any_loop);
    tcase_add_test(tests, T7_the_main_loop_runs_it_if_no_loop_listens);
    tcase_add_test(tests, T7_the_main_loop_changes_when_it_is_freed);
    tcase_add_test(tests, T7_posted_to_a_loop_that_does_not_listen);
    tcase_add_test(tests, T7_a_handler_is_connected_before_the_delivery);
    tcase_add_test(tests, T7_an_observer_is_connected_before_the_delivery);
    tcase_add_test(tests, T7_once_when_the_last_copy_finds_no_handler);
    tcase_add_test(tests, T7_not_if_one_loop_handled_the_post);
    tcase_add_test(tests, T7_an_observer_without_room_does_not_prevent_it);
    tcase_add_test(tests, T7_the_receiving_loop_ignores_the_signal);
    tcase_add_test(tests, T7_the_receiving_loop_blocks_the_signal);
    tcase_add_test(tests, T7_both_loops_block_the_signal);
    tcase_add_test(tests, T7_a_freed_loop_passes_it_to_the_next_main_loop);
    tcase_add_test(tests, T7_the_main_loop_is_freed_before_the_delivery);
    tcase_add_test(tests, T7_by_the_emitting_loop_if_no_loop_listens);
    tcase_add_test(tests, T7_the_mask_of_a_handler_is_not_a_listener);
    tcase_add_test(tests, T7_by_the_main_loop_if_no_copy_finds_a_handler);
    tcase_add_test(tests, T7_by_the_main_loop_if_another_loop_emitted);
    tcase_add_test(tests, T7_the_copy_of_the_emitting_loop_counts_too);
    tcase_add_test(tests, T7_not_if_any_loop_handled_the_emission);
    return suite;
}
