/* Contract line E3: one thread disconnects a handler that is connected on the loop of another
   thread. The tests call tocsin_disconnect, which returns at once, and tocsin_disconnect_wait. */
#include <signal.h>
#include <stdatomic.h>

#include "command_threads.h"

static struct peer peer, other;
static int note;

struct target {
    struct tocsin_handler handler;
    struct told told;
    atomic_int drops;
    struct tocsin_loop loop, dropped_on;
    const char *pattern;
    unsigned flags;
};

static struct target target;

static void drop_target(void *arg)
{
    struct target *self = arg;

    self->dropped_on = tocsin_loop_current();
    self->drops++;
}

static int on_target(const struct tocsin_info *info, void *arg)
{
    struct target *self = arg;

    ck_assert_int_eq(self->drops, 0);
    return tell(info, &self->told);
}

static int connect_target(void *arg)
{
    struct target *self = arg;
    struct tocsin_action action = {
        .fn = on_target, .arg = self, .drop = drop_target, .flags = self->flags
    };
    int err = tocsin_connect(self->pattern ? self->pattern : "test.note", &action, &self->handler);

    self->loop = tocsin_loop_current();
    return err < 0 ? err : tocsin_loop_turn(0);
}

static void begin(void)
{
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note" });
    ck_assert_int_gt(note, 0);
    memset(&target, 0, sizeof target);
    peer_begin(&peer);
}

START_TEST(E3_the_other_loop_disconnects_its_handler)
{
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(tocsin_disconnect(target.handler), 0);
    ck_assert_int_eq(tocsin_disconnect(target.handler), -ENOENT);
    /* the loop that must call the drop function has not run a turn yet */
    ck_assert_int_eq(target.drops, 0);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(target.drops, 1);
    ck_assert_uint_eq(target.dropped_on.id, target.loop.id);
    ck_assert_int_eq(tocsin_disconnect(target.handler), -ENOENT);
    ck_assert_int_eq(tocsin_post_to(target.loop, note, NULL), TOCSIN_PENDED);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(target.told.count, 0);
    ck_assert_int_eq(tocsin_has_listeners(note), 0);
    peer_end(&peer);
}
END_TEST

static int disconnect_own(void *arg)
{
    return tocsin_disconnect(((struct target *)arg)->handler);
}

START_TEST(E3_requested_and_then_disconnected_by_its_own_thread)
{
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(tocsin_disconnect(target.handler), 0);
    ck_assert_int_eq(peer_does(&peer, disconnect_own, &target), 0);
    ck_assert_int_eq(target.drops, 1);
    ck_assert_int_eq(tocsin_disconnect(target.handler), -ENOENT);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(target.drops, 1);
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(peer_does(&peer, disconnect_own, &target), 0);
    ck_assert_int_eq(tocsin_disconnect(target.handler), -ENOENT);
    peer_end(&peer);
}
END_TEST

static int emit_there(void *none)
{
    (void)none;
    return tocsin_emit(note, NULL);
}

static volatile sig_atomic_t answered, spoilt;

static void ask_in_handler(int real)
{
    int was = errno;

    (void)real;
    errno = 77;
    answered = tocsin_disconnect(target.handler);
    spoilt = errno != 77;
    errno = was;
}

START_TEST(E3_requested_in_a_real_signal_handler)
{
    struct sigaction action = { .sa_handler = ask_in_handler };

    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    raise(SIGUSR1);
    ck_assert(answered == 0 && !spoilt);
    raise(SIGUSR1);
    ck_assert(answered == -ENOENT && !spoilt);
    signal(SIGUSR1, SIG_DFL);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(target.drops, 1);
    peer_end(&peer);
}
END_TEST

START_TEST(E3_a_ONCE_handler_is_called_after_the_request)
{
    target.flags = TOCSIN_ONCE;
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(tocsin_disconnect(target.handler), 0);
    /* The other loop has not processed the disconnect yet. */
    ck_assert_int_eq(peer_does(&peer, emit_there, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(target.told.count, 1);
    ck_assert_int_eq(target.drops, 1);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, emit_there, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(target.drops, 1);
    target.drops = 0;
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(peer_does(&peer, emit_there, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_disconnect(target.handler), -ENOENT);
    peer_end(&peer);
}
END_TEST

static sem_t entered, leave;

static int wait_in_handler(const struct tocsin_info *info, void *arg)
{
    struct target *self = arg;

    sem_post(&entered);
    while (sem_wait(&leave) < 0)
        ;
    ck_assert_int_eq(self->drops, 0);
    return tell(info, &self->told);
}

static int connect_slow(void *arg)
{
    struct target *self = arg;
    struct tocsin_action action = { .fn = wait_in_handler, .arg = self, .drop = drop_target };

    ck_assert_int_eq(sem_init(&entered, 0, 0) + sem_init(&leave, 0, 0), 0);
    ck_assert_int_eq(tocsin_connect("test.note", &action, &self->handler), 0);
    self->loop = tocsin_loop_current();
    return tocsin_loop_turn(0);
}

START_TEST(E3_disconnected_while_the_handler_runs)
{
    ck_assert_int_eq(peer_does(&peer, connect_slow, &target), 0);
    peer_starts(&peer, emit_there, NULL);
    while (sem_wait(&entered) < 0)
        ;
    ck_assert_int_eq(tocsin_disconnect(target.handler), 0);
    ck_assert_int_eq(target.drops, 0);
    sem_post(&leave);
    ck_assert_int_eq(peer_finishes(&peer), TOCSIN_DELIVERED);
    ck_assert_int_eq(peer_does(&peer, do_turn, NULL), 0);
    ck_assert_int_eq(target.drops, 1);
    ck_assert_int_eq(target.told.count, 1);
    peer_end(&peer);
}
END_TEST

static int fill_theirs(void *none)
{
    int answer;

    (void)none;
    while ((answer = tocsin_post_to(tocsin_loop_current(), note, NULL)) == TOCSIN_PENDED)
        ;
    return answer;
}

static struct target many[2000];

static int connect_many(void *none)
{
    (void)none;
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(connect_target(&many[i]), 0);
    return 0;
}

static void disconnect_many(void)
{
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(tocsin_disconnect(many[i].handler), 0);
}

static int check_gone(void *none)
{
    (void)none;
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(many[i].drops, 1);
    return 0;
}

/* A thread requests the disconnect of many handlers. Each request must succeed, even while the
   inbox of the handlers' loop is full. Each round uses new handler ids. */
START_TEST(E3_a_request_needs_neither_memory_nor_room)
{
    static uint64_t last[2000];

    memset(many, 0, sizeof many);
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(peer_does(&peer, connect_many, NULL), 0);
        for (int i = 0; i < 2000; i++) {
            ck_assert_uint_ne(many[i].handler.id, last[i]);
            last[i] = many[i].handler.id;
        }
        ck_assert_int_eq(peer_does(&peer, fill_theirs, NULL), -EAGAIN);
        disconnect_many();
        peer_does(&peer, do_turns, NULL);
        check_gone(NULL);
        memset(many, 0, sizeof many);
    }
    peer_end(&peer);
}
END_TEST

START_TEST(E3_requested_of_a_loop_that_is_freed)
{
    memset(many, 0, sizeof many);
    ck_assert_int_eq(peer_does(&peer, connect_many, NULL), 0);
    disconnect_many();
    ck_assert_int_eq(peer_does(&peer, do_free, NULL), 0);
    check_gone(NULL);
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(tocsin_disconnect(many[i].handler), -ENOENT);
    memset(many, 0, sizeof many);
    /* The thread of the peer makes a new loop, in the memory of its freed loop. */
    ck_assert_int_eq(peer_does(&peer, connect_many, NULL), 0);
    disconnect_many();
    peer_does(&peer, do_turns, NULL);
    check_gone(NULL);
    peer_end(&peer);
}
END_TEST

static int on_gone(const struct tocsin_info *info, void *arg)
{
    struct told *self = arg;

    ck_assert_uint_eq(tocsin_disconnected_of(info)->handler, target.handler.id);
    return tell(info, self);
}

static int hear_of_it(void *arg)
{
    return tocsin_on("tocsin.disconnected", on_gone, arg);
}

START_TEST(E3_the_disconnect_is_announced_on_the_handlers_loop)
{
    struct told there = { .count = 0 }, here = there;

    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(hear_of_it(&here), 0);
    ck_assert_int_eq(peer_does(&peer, hear_of_it, &there), 0);
    ck_assert_int_eq(tocsin_disconnect(target.handler), 0);
    do_turns(NULL);
    ck_assert_int_eq(here.count + there.count, 0);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(there.count, 1);
    do_turns(NULL);
    ck_assert_int_eq(here.count, 1); /* tocsin.disconnected is delivered like any other signal */
    peer_end(&peer);
}
END_TEST

static int open_queue(void *arg)
{
    struct tocsin_queue *queue = arg;

    return tocsin_queue_open("test.note", NULL, queue);
}

static int close_queue(void *arg)
{
    return tocsin_queue_close(*(struct tocsin_queue *)arg);
}

static int wait_queue(void *arg)
{
    return tocsin_queue_wait(*(struct tocsin_queue *)arg, 0, NULL);
}

/* A queue receives its emissions by an internal handler. tocsin_disconnect() must refuse the id of
   this internal handler. */
START_TEST(E3_the_handler_of_a_queue_is_refused)
{
    struct tocsin_queue queue;

    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(peer_does(&peer, open_queue, &queue), 0);
    for (uint64_t i = 1; i < 8; i++)
        ck_assert_int_eq(tocsin_disconnect((struct tocsin_handler){ target.handler.id + i }),
                         -ENOENT);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(peer_does(&peer, wait_queue, &queue), 0);
    ck_assert_int_eq(peer_does(&peer, close_queue, &queue), 0);
    peer_end(&peer);
}
END_TEST

static int disconnect_bad(void *none)
{
    (void)none;
    ck_assert_int_eq(tocsin_disconnect((struct tocsin_handler){ 0 }), -ENOENT);
    ck_assert_int_eq(tocsin_disconnect((struct tocsin_handler){ 1 }), -ENOENT);
    ck_assert_int_eq(tocsin_disconnect((struct tocsin_handler){ (uint64_t)(int64_t)-EPERM }),
                     -EPERM);
    ck_assert_int_eq(
        tocsin_disconnect((struct tocsin_handler){ (uint64_t)77 << 48 | (uint64_t)1 << 24 }),
        -ENOENT);
    ck_assert_int_eq(
        tocsin_disconnect((struct tocsin_handler){ target.handler.id + ((uint64_t)1 << 24) }),
        -ENOENT);
    ck_assert_int_eq(tocsin_disconnect((struct tocsin_handler){ target.handler.id + 1000000 }),
                     -ENOENT);
    return 0;
}

START_TEST(E3_bad_ids_from_any_thread)
{
    peer_begin(&other);
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    peer_does(&other, disconnect_bad, NULL);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    disconnect_bad(NULL);
    peer_does(&peer, disconnect_bad, NULL);
    ck_assert_int_eq(target.drops, 0);
    peer_leaves(&other);
    peer_end(&peer);
}
END_TEST

/* Tests of tocsin_disconnect_wait */

struct wait {
    struct tocsin_handler handler;
    int64_t timeout_ms;
};

static int do_wait(void *arg)
{
    struct wait *wait = arg;

    return tocsin_disconnect_wait(wait->handler, wait->timeout_ms);
}

static int do_run(void *none)
{
    (void)none;
    return tocsin_run();
}

static int stop_there(void *none)
{
    (void)none;
    return tocsin_stop(0);
}

static void stop_peer(void)
{
    ck_assert_int_eq(tocsin_loop_call(target.loop, stop_there, NULL, NULL), 0);
    ck_assert_int_eq(peer_finishes(&peer), 0);
}

START_TEST(disconnect_wait_waits_for_the_last_use)
{
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    peer_starts(&peer, do_run, NULL);
    ck_assert_int_eq(tocsin_disconnect_wait(target.handler, -1), 0);
    ck_assert_int_eq(target.drops, 1);
    stop_peer();
    for (int i = 0; i < 100; i++) {
        memset(&target, 0, sizeof target);
        ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
        peer_starts(&peer, do_run, NULL);
        ck_assert_int_eq(tocsin_disconnect_wait(target.handler, 1000000), 0);
        ck_assert_int_eq(target.drops, 1);
        stop_peer();
    }
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    peer_end(&peer);
}
END_TEST

static int emit_then_run(void *none)
{
    ck_assert_int_eq(emit_there(NULL), TOCSIN_DELIVERED);
    return do_run(none);
}

START_TEST(disconnect_wait_while_the_handler_runs)
{
    struct wait wait = { .timeout_ms = -1 };

    peer_begin(&other);
    ck_assert_int_eq(peer_does(&peer, connect_slow, &target), 0);
    wait.handler = target.handler;
    peer_starts(&peer, emit_then_run, NULL);
    while (sem_wait(&entered) < 0)
        ;
    peer_starts(&other, do_wait, &wait);
    /* the handler's loop may disconnect the handler first; then tocsin_disconnect_wait() returns at
       once */
    while (tocsin_disconnect(target.handler) == 0)
        ;
    ck_assert_int_eq(target.drops, 0);
    sem_post(&leave);
    if (peer_finishes(&other) == 0)
        ck_assert_int_eq(target.drops, 1);
    stop_peer();
    ck_assert_int_eq(target.drops, 1);
    peer_leaves(&other);
    peer_end(&peer);
}
END_TEST

START_TEST(disconnect_wait_has_a_time_limit)
{
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(tocsin_disconnect_wait(target.handler, -2), -EINVAL);
    ck_assert_int_eq(tocsin_disconnect_wait(target.handler, 1), -ETIMEDOUT);
    /* tocsin_disconnect_wait() returns -ENOENT, since the call before this one has already
       requested the disconnect */
    ck_assert_int_eq(tocsin_disconnect_wait(target.handler, 1), -ENOENT);
    ck_assert_int_eq(target.drops, 0);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(target.drops, 1);
    ck_assert_int_eq(tocsin_disconnect_wait(target.handler, -1), -ENOENT);
    ck_assert_int_eq(tocsin_disconnect_wait((struct tocsin_handler){ 0 }, -1), -ENOENT);
    ck_assert_int_eq(
        tocsin_disconnect_wait((struct tocsin_handler){ (uint64_t)(int64_t)-EPERM }, -1), -EPERM);
    peer_end(&peer);
}
END_TEST

static int wait_for_own(void *arg)
{
    return tocsin_disconnect_wait(((struct target *)arg)->handler, -1);
}

START_TEST(disconnect_wait_is_refused_on_a_thread_with_a_loop)
{
    ck_assert_int_eq(peer_does(&peer, connect_target, &target), 0);
    ck_assert_int_eq(peer_does(&peer, wait_for_own, &target), -EDEADLK);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(wait_for_own(&target), -EDEADLK);
    ck_assert_int_eq(target.drops, 0);
    peer_end(&peer);
}
END_TEST

/* A loop that is being freed calls the drop function of one handler. This drop function requests
   the disconnect of another handler. When tocsin_disconnect_wait() returns 0, the drop function of
   the other handler must have been called. */
static struct target going[16];

static void drop_and_ask(void *arg)
{
    struct target *self = arg;
    struct target *next = self + 1;
    struct wait wait = { .timeout_ms = 0 };

    self->drops++;
    if (next == &going[16] || next->drops)
        return;
    wait.handler = next->handler;
    if (peer_does(&other, do_wait, &wait) == 0)
        ck_assert_int_eq(next->drops, 1);
}

static int connect_going(void *none)
{
    (void)none;
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(
            tocsin_connect(
                "test.note",
                &(struct tocsin_action){ .fn = on_target, .arg = &going[i], .drop = drop_and_ask },
                &going[i].handler),
            0);
    return tocsin_loop_turn(0);
}

START_TEST(disconnect_wait_while_the_loop_is_being_freed)
{
    peer_begin(&other);
    ck_assert_int_eq(peer_does(&peer, connect_going, NULL), 0);
    ck_assert_int_eq(peer_does(&peer, do_free, NULL), 0);
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(going[i].drops, 1);
    peer_leaves(&other);
    peer_leaves(&peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/disconnect_remote");
    TCase *handlers = test_case(suite, "handlers");

    tcase_add_checked_fixture(handlers, begin, NULL);
    tcase_set_timeout(handlers, 60);
    tcase_add_test(handlers, E3_the_other_loop_disconnects_its_handler);
    tcase_add_test(handlers, E3_requested_and_then_disconnected_by_its_own_thread);
    tcase_add_test(handlers, E3_requested_in_a_real_signal_handler);
    tcase_add_test(handlers, E3_a_ONCE_handler_is_called_after_the_request);
    tcase_add_test(handlers, E3_disconnected_while_the_handler_runs);
    tcase_add_test(handlers, E3_a_request_needs_neither_memory_nor_room);
    tcase_add_test(handlers, E3_requested_of_a_loop_that_is_freed);
    tcase_add_test(handlers, E3_the_disconnect_is_announced_on_the_handlers_loop);
    tcase_add_test(handlers, E3_the_handler_of_a_queue_is_refused);
    tcase_add_test(handlers, E3_bad_ids_from_any_thread);
    tcase_add_test(handlers, disconnect_wait_waits_for_the_last_use);
    tcase_add_test(handlers, disconnect_wait_while_the_handler_runs);
    tcase_add_test(handlers, disconnect_wait_has_a_time_limit);
    tcase_add_test(handlers, disconnect_wait_is_refused_on_a_thread_with_a_loop);
    tcase_add_test(handlers, disconnect_wait_while_the_loop_is_being_freed);
    return suite;
}
