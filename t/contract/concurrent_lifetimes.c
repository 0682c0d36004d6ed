/* Many threads send while other threads create and free loops, connect and disconnect handlers, and
   start and complete operations. Each accepted message must be delivered once, and each operation
   must end once. The thread sanitizer also looks for data races here. */
#include <stdlib.h>

#include <tocsin/provider.h>

#include "contract/concurrent.h"

/* One thread creates and frees loops while other threads send to them. Each accepted message must
   be delivered once. */
enum { LIVES = 300 };

static atomic_int accepted, called, dropped, gone, quit;
static _Atomic uint64_t current;

static int count_call(void *none)
{
    (void)none;
    called++;
    return 0;
}

static void count_drop(void *none)
{
    (void)none;
    dropped++;
}

static int count_it(const struct tocsin_info *info, void *none)
{
    (void)info, (void)none;
    return TOCSIN_NEXT;
}

/* These counters hold the accepted and the delivered posts of a coalescing signal. */
static atomic_uint sent_latest, told_latest;

static int count_latest(const struct tocsin_info *info, void *none)
{
    (void)none;
    told_latest += 1 + info->overrun;
    return TOCSIN_NEXT;
}

static _Atomic uint64_t handler;

static int live_and_go(void *none)
{
    struct tocsin_handler made;

    (void)none;
    for (int i = 0; i < LIVES; i++) {
        ck_assert_int_eq(
            tocsin_connect("test.**", &(struct tocsin_action){ .fn = count_it, .drop = count_drop },
                           &made),
            0);
        connect_to("test.latest", count_latest, NULL);
        atomic_store(&handler, made.id);
        atomic_store(&current, tocsin_loop_current().id);
        for (int turns = 0; turns < i % 5; turns++)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_loop_free(), 0);
    }
    quit = 1;
    return 0;
}

static int call_them(void *arg)
{
    struct sender *self = arg;
    int err;

    while (!quit) {
        struct tocsin_loop loop = { atomic_load(&current) };

        if (!loop.id)
            continue;
        err = tocsin_loop_call(loop, count_call, NULL, NULL);
        ck_assert(err == 0 || err == -EAGAIN || err == -ESHUTDOWN);
        accepted += err == 0;
        gone += err == -ESHUTDOWN;
        tocsin_post(text, TOCSIN_PAYLOAD(text, .text = "text", .thing = { &refs, &thing }));
        tocsin_post(newest, TOCSIN_PAYLOAD(text, .text = "text", .thing = { &refs, &thing }));
        sent_latest += tocsin_post(latest, TOCSIN_PAYLOAD(item, .value = 1)) == TOCSIN_PENDED;
        sent_latest += tocsin_post_to(loop, latest, TOCSIN_PAYLOAD(item, .value = 1)) ==
                       TOCSIN_PENDED;
        if (self->has_loop)
            tocsin_emit(item, TOCSIN_PAYLOAD(item, .value = 1));
        else if (self->number == 0)
            ck_assert(tocsin_disconnect_wait((struct tocsin_handler){ atomic_load(&handler) }, 0) <=
                      0);
        if (self->has_loop)
            tocsin_loop_turn(0);
    }
    return 0;
}

START_TEST(T6_loops_are_created_and_freed_while_others_send)
{
    struct peer mortal;

    accepted = called = dropped = gone = quit = 0;
    sent_latest = told_latest = 0;
    current = handler = 0;
    peer_begin(&mortal);
    peer_starts(&mortal, live_and_go, NULL);
    senders_begin(call_them);
    ck_assert_int_eq(peer_finishes(&mortal), 0);
    senders_end();
    peer_leaves(&mortal);
    ck_assert_int_eq(called, accepted);
    ck_assert_int_eq(dropped, LIVES);
    ck_assert_uint_eq(told_latest, sent_latest);
    ck_assert_int_eq(refs, unrefs);
}
END_TEST

/* Signals without a handler are emitted while loops are created and freed. The default action of
   each emission must run once, on the loop that is the main loop at that time. */
/* acted[] counts the default actions that ran, and to_act[] counts the emissions that needed
   one. Element 0 is for the signal that real signal handlers may post, element 1 for the other
   signal. */
static atomic_int acted[2], to_act[2];
static int urgent, plain;

static int act(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    acted[text_of(info) != NULL]++;
    return 0;
}

static int live_shortly(void *arg)
{
    uint32_t number = ((struct sender *)arg)->number;

    for (uint32_t i = 0; i < LIVES; i++) {
        if ((i + number) % 3 == 0)
            ck_assert_int_eq(tocsin_observe("crowd.urgent, crowd.plain",
                                            &(struct tocsin_action){ .fn = count_it }, NULL),
                             0);
        for (uint32_t turns = 0; turns <= i % 4; turns++)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        if ((i + number) % 2) {
            ck_assert_int_ge(tocsin_emit(plain, TOCSIN_PAYLOAD(text, .text = "emitted")), 0);
            to_act[1]++;
        }
        ck_assert_int_eq(tocsin_loop_free(), 0);
    }
    quit++;
    return 0;
}

static int post_guarded(void *arg)
{
    int answer;

    (void)arg;
    while (quit < 2) {
        answer = tocsin_post(urgent, TOCSIN_PAYLOAD(item, .value = 1));
        ck_assert_msg(answer == TOCSIN_PENDED || answer == -ESHUTDOWN || answer == -EAGAIN, "%d",
                      answer);
        to_act[0] += answer == TOCSIN_PENDED;
        answer = tocsin_post(plain, TOCSIN_PAYLOAD(text, .text = "posted"));
        ck_assert_msg(answer == TOCSIN_PENDED || answer == -ESHUTDOWN || answer == -EAGAIN, "%d",
                      answer);
        to_act[1] += answer == TOCSIN_PENDED;
        sched_yield();
    }
    return 0;
}

START_TEST(T7_once_while_main_loops_are_created_and_freed)
{
    urgent = declare((struct tocsin_signal_spec){ .name = "crowd.urgent",
                                                  .layout = &item_layout,
                                                  .unhandled_fn = act,
                                                  .flags = TOCSIN_ASYNC });
    plain = declare((struct tocsin_signal_spec){
        .name = "crowd.plain", .layout = &text_layout, .unhandled_fn = act });
    acted[0] = acted[1] = to_act[0] = to_act[1] = quit = 0;
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ .number = i };
        peer_begin(&senders[i].peer);
        peer_starts(&senders[i].peer, i < 2 ? live_shortly : post_guarded, &senders[i]);
    }
    senders_end();
    ck_assert_int_eq(acted[1], to_act[1]);
    /* For TOCSIN_ASYNC signals the number of default actions is not exact. If another loop connects
       or disconnects an observer meanwhile, the default action may run twice for one emission. */
    ck_assert_int_ge(acted[0], to_act[0]);
}
END_TEST

/* An operation makes progress while other loops connect, disconnect and block listeners, and end. A
   listener that stays connected must receive all progress. */
static const struct tocsin_signal_spec part_spec = { .name = "crowd.part", .layout = &item_layout };
static const struct tocsin_signal_spec stream_spec = { .name = "crowd.stream",
                                                       .layout = &item_layout };
enum { PARTS = 20000 };

struct stream {
    uint64_t next;
    struct item done;
};

static void stream_on(struct tocsin_op op, void *state)
{
    struct stream *stream = state;
    int answer = 1;

    while (stream->next < PARTS && answer == 1) {
        answer = tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(item, .value = stream->next), 0);
        stream->next += answer == 1;
    }
    if (stream->next < PARTS)
        return;
    stream->done = item_make();
    stream->done.value = PARTS;
    ck_assert_int_eq(tocsin_op_complete(op, 0, &stream->done.tocsin), 0);
}

static const struct tocsin_op_type stream_type = { .done = &stream_spec,
                                                   .progress = { &part_spec },
                                                   .state_size = sizeof(struct stream),
                                                   .resume = stream_on };

struct listener {
    uint64_t next, parts, gaps;
    int ends, wrong;
};

static int listen_stream(const struct tocsin_info *info, void *arg)
{
    struct listener *self = arg;
    uint64_t value = item_of(info)->value;

    self->wrong += value < self->next || self->ends;
    self->gaps += value != self->next;
    self->next = value + 1;
    self->parts++;
    self->ends += info->code == TOCSIN_DONE;
    return TOCSIN_NEXT;
}

static int listen_now_and_then(void *arg)
{
    struct listener *self = arg;
    struct tocsin_handler made;
    struct tocsin_block mask;

    for (int i = 0; !quit; i++) {
        ck_assert_int_eq(tocsin_connect("crowd.part, crowd.stream",
                                        &(struct tocsin_action){ .fn = listen_stream, .arg = self },
                                        &made),
                         0);
        for (int turns = 0; turns < i % 7; turns++)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        if (i % 3 == 0) {
            ck_assert_int_eq(tocsin_block("crowd.*", &mask), 0);
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
            ck_assert_int_eq(tocsin_unblock(mask), 0);
        }
        if (i % 5 == 0)
            ck_assert_int_eq(tocsin_disconnect(made), 0);
        if (i % 5 == 0 || i % 4 == 0)
            ck_assert_int_eq(tocsin_loop_free(), 0);
        else
            ck_assert_int_eq(tocsin_disconnect(made), 0);
    }
    return tocsin_loop_free();
}

static int listen_always(void *arg)
{
    struct listener *self = arg;

    connect_to("crowd.part, crowd.stream", listen_stream, self);
    while (!self->ends)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    return tocsin_loop_free();
}

START_TEST(O2_no_progress_is_lost_while_listeners_change)
{
    static struct listener listeners[3];
    struct tocsin_op op;
    struct peer peers[2];

    memset(listeners, 0, sizeof listeners);
    quit = 0;
    ck_assert_int_eq(tocsin_op_new(&stream_type, NULL, &op), 0);
    ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
    for (int i = 0; i < 2; i++)
        peer_begin(&peers[i]);
    peer_starts(&peers[0], listen_always, &listeners[0]);
    while (tocsin_has_listeners(tocsin_find("crowd.stream")) != 1)
        sched_yield();
    connect_to("crowd.part, crowd.stream", listen_stream, &listeners[2]);
    peer_starts(&peers[1], listen_now_and_then, &listeners[1]);
    stream_on(op, tocsin_op_state(op));
    while (!listeners[2].ends)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(peer_finishes(&peers[0]), 0);
    quit = 1;
    ck_assert_int_eq(peer_finishes(&peers[1]), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(listeners[i].wrong, 0);
    for (int i = 0; i < 3; i += 2) {
        ck_assert_uint_eq(listeners[i].gaps, 0);
        ck_assert_uint_eq(listeners[i].parts, PARTS + 1);
    }
    for (int i = 0; i < 2; i++)
        peer_leaves(&peers[i]);
}
END_TEST

/* Sends until the test ends. Meanwhile the receiving loop is drained and freed. */
static int send_for_ever(void *arg)
{
    struct sender *self = arg;

    while (!quit) {
        tocsin_post(item, TOCSIN_PAYLOAD(item, .value = 1));
        if (self->has_loop)
            tocsin_emit(text, TOCSIN_PAYLOAD(text, .text = "text", .thing = { &refs, &thing }));
    }
    return 0;
}

static int listen_plainly(void *arg)
{
    connect_to("test.**", count_it, NULL);
    ((struct receiver *)arg)->loop = tocsin_loop_current();
    return tocsin_loop_turn(0);
}

static int drain_and_go(void *none)
{
    static struct told told;

    (void)none;
    told.count = 0;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &told), NULL), 0);
        ck_assert_int_eq(tocsin_drain(-1), 0);
        ck_assert_int_eq(tocsin_run(), 0);
        ck_assert_int_eq(told.count, i + 1);
    }
    return tocsin_loop_free();
}

START_TEST(O7_a_loop_is_drained_while_others_emit_to_it)
{
    quit = 0;
    receivers_begin(listen_plainly);
    senders_begin(send_for_ever);
    for (int i = 0; i < RECEIVERS; i++)
        ck_assert_int_eq(peer_does(&receivers[i].peer, drain_and_go, NULL), 0);
    quit = 1;
    senders_end();
    receivers_end();
    ck_assert_int_eq(refs, unrefs);
}
END_TEST

/* Operations complete while listeners are connected and disconnected. No listener may receive the
   same completion twice. */
enum { OPS = 20000 };

static unsigned char ended[OPS];
static atomic_int ends_heard;
static int ends_wrong;

static int hear_end(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    ends_wrong += ended[info->status]++ != 0 || info->code != TOCSIN_DONE;
    ends_heard++;
    return TOCSIN_NEXT;
}

static int come_and_go(void *none)
{
    struct tocsin_handler made;

    (void)none;
    while (!quit) {
        ck_assert_int_eq(
            tocsin_connect("op.done", &(struct tocsin_action){ .fn = hear_end }, &made), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_disconnect(made), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    return tocsin_loop_free();
}

static void end_all(int first, int count)
{
    static struct tocsin_op ops[256];
    int err;

    for (int i = 0; i < count; i++)
        while ((err = tocsin_op_new(NULL, NULL, &ops[i])) != 0) {
            ck_assert_int_eq(err, -EAGAIN);
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        }
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], first + i, NULL), 0);
    do_turns(NULL);
}

START_TEST(O2_no_completion_arrives_twice_while_handlers_change)
{
    struct peer peer;

    memset(ended, 0, sizeof ended);
    ends_heard = ends_wrong = 0;
    quit = 0;
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    peer_starts(&peer, come_and_go, NULL);
    for (int i = 0; i + 250 <= OPS; i += 250)
        end_all(i, 250);
    quit = 1;
    ck_assert_int_eq(peer_finishes(&peer), 0);
    do_turns(NULL);
    ck_assert_int_eq(ends_wrong, 0);
    peer_leaves(&peer);
}
END_TEST

/* A handler receives completions slowly. The loop of this handler is freed while operations of
   another loop complete. */
static int hear_slowly(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    for (volatile int i = 0; i < 2000; i++)
        ;
    return info->status < 0 ? info->status : TOCSIN_NEXT;
}

static int hear_and_go(void *none)
{
    (void)none;
    for (int i = 0; i < 20; i++) {
        connect_to("op.done", hear_slowly, NULL);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_loop_free(), 0);
    }
    quit = 1;
    return 0;
}

START_TEST(T6_a_loop_is_freed_while_operations_complete)
{
    struct peer peer;

    quit = 0;
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    peer_starts(&peer, hear_and_go, NULL);
    while (!quit)
        end_all(0, 100);
    ck_assert_int_eq(peer_finishes(&peer), 0);
    peer_leaves(&peer);
}
END_TEST

/* One loop connects handlers, and all threads disconnect these handlers. The drop function of each
   handler must be called once. */
enum { HANDLERS = 300 };

static _Atomic uint64_t made_there[HANDLERS];
static atomic_int drops_there[HANDLERS], asked_ok;

static void drop_there(void *arg)
{
    drops_there[(atomic_int *)arg - drops_there]++;
}

static int make_handlers(void *none)
{
    struct tocsin_handler made;

    (void)none;
    for (int i = 0; i < HANDLERS; i++) {
        struct tocsin_action action = { .fn = count_it,
                                        .arg = &drops_there[i],
                                        .drop = drop_there,
                                        .flags = i % 3 ? 0 : TOCSIN_ONCE };

        ck_assert_int_eq(tocsin_connect("test.note", &action, &made), 0);
        atomic_store(&made_there[i], made.id);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        if (i % 7 == 0)
            ck_assert_int_ge(tocsin_emit(note, NULL), 0);
    }
    while (!quit)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    do_turns(NULL);
    return tocsin_loop_free();
}

static int ask_for_handlers(void *arg)
{
    struct sender *self = arg;

    for (int i = 0; i < HANDLERS; i++) {
        uint64_t id;
        int err;

        while (!(id = atomic_load(&made_there[i])))
            sched_yield();
        if (self->number == 0)
            err = tocsin_disconnect_wait((struct tocsin_handler){ id }, -1);
        else
            err = tocsin_disconnect((struct tocsin_handler){ id });
        ck_assert(err == 0 || err == -ENOENT);
        if (err == 0 && self->number == 0)
            ck_assert_int_eq(drops_there[i], 1);
        asked_ok += err == 0;
    }
    return 0;
}

START_TEST(E3_handlers_are_disconnected_by_all_threads)
{
    struct peer there;

    quit = asked_ok = 0;
    memset((void *)made_there, 0, sizeof made_there);
    memset((void *)drops_there, 0, sizeof drops_there);
    peer_begin(&there);
    peer_starts(&there, make_handlers, NULL);
    senders_begin(ask_for_handlers);
    senders_end();
    quit = 1;
    ck_assert_int_eq(peer_finishes(&there), 0);
    peer_leaves(&there);
    for (int i = 0; i < HANDLERS; i++)
        ck_assert_int_eq(drops_there[i], 1);
    ck_assert_int_le(asked_ok, HANDLERS);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/concurrent_lifetimes");
    TCase *tests = test_case(suite, "concurrent lifetimes");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, T6_loops_are_created_and_freed_while_others_send);
    tcase_add_test(tests, T7_once_while_main_loops_are_created_and_freed);
    tcase_add_test(tests, O2_no_progress_is_lost_while_listeners_change);
    tcase_add_test(tests, O7_a_loop_is_drained_while_others_emit_to_it);
    tcase_add_test(tests, O2_no_completion_arrives_twice_while_handlers_change);
    tcase_add_test(tests, T6_a_loop_is_freed_while_operations_complete);
    tcase_add_test(tests, E3_handlers_are_disconnected_by_all_threads);
    return suite;
}
