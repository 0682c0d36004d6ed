/* Contract lines O2, O9 and T7: a loop listens to the completion and the progress of an operation
   on another loop. Also tested is the default action of a completion. */
#include <poll.h>

#include <tocsin/inspect.h>
#include <tocsin/provider.h>

#include "command_threads.h"

#define PART(F) F(u64, value)
TOCSIN_LAYOUT(part, PART);

enum { ROOM = TOCSIN_INBOX - 128, ENDS = 3000 };

static const struct tocsin_signal_spec part_spec = { .name = "feed.part", .layout = &part_layout };
static const struct tocsin_signal_spec fed_spec = { .name = "feed.done", .layout = &part_layout };

/* An operation that makes progress while a listener wants it, and counts its progress. */
struct feed {
    uint64_t next, last;
    int resumed, dropped_by;
    struct part part;
};

static int feed_on(struct tocsin_op op, struct feed *feed)
{
    int answer = 1;

    while (feed->next < feed->last && answer == 1) {
        answer = tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(part, .value = feed->next), 0);
        feed->next += answer == 1;
    }
    if (feed->next < feed->last)
        return answer;
    feed->part.tocsin.layout = &part_layout;
    feed->part.value = feed->last;
    return tocsin_op_complete(op, 7, &feed->part.tocsin);
}

static void feed_resume(struct tocsin_op op, void *state)
{
    struct feed *feed = state;

    feed->resumed++;
    feed_on(op, feed);
}

static const struct tocsin_op_type feed_type = { .done = &fed_spec,
                                                 .progress = { &part_spec },
                                                 .state_size = sizeof(struct feed),
                                                 .resume = feed_resume };

/* A listener. Its handlers check that the values arrive in order. The completion must come once,
   after all values. */
struct eater {
    uint64_t parts, ends;
    int fault;
    struct tocsin_block mask;
    struct tocsin_queue queue;
    struct tocsin_handler handler;
    struct tocsin_loop loop;
};

static int eat(const struct tocsin_info *info, void *arg)
{
    struct eater *eater = arg;
    const struct part *part = part_of(info);

    ck_assert_ptr_nonnull(part);
    if (info->code == TOCSIN_DONE) {
        eater->fault |= part->value != eater->parts || info->status != 7;
        eater->ends++;
    } else {
        eater->fault |= part->value != eater->parts || eater->ends;
        eater->parts++;
    }
    return TOCSIN_NEXT;
}

static struct eater eater, second;
static struct peer peer;
static int note;

static void begin(void)
{
    memset(&eater, 0, sizeof eater);
    memset(&second, 0, sizeof second);
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note" });
    ck_assert_int_gt(tocsin_declare(&part_spec), 0);
    ck_assert_int_gt(tocsin_declare(&fed_spec), 0);
}

static int eat_there(void *arg)
{
    struct eater *self = arg;
    int err = tocsin_connect("feed.*", &(struct tocsin_action){ .fn = eat, .arg = self },
                             &self->handler);

    self->loop = tocsin_loop_current();
    return err < 0 ? err : tocsin_loop_turn(0);
}

static struct tocsin_op feed_start(uint64_t parts)
{
    struct tocsin_op op;
    struct feed *feed;

    ck_assert_int_eq(tocsin_op_new(&feed_type, NULL, &op), 0);
    feed = tocsin_op_state(op);
    feed->last = parts;
    ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
    feed_on(op, feed);
    return op;
}

static int running(void)
{
    struct tocsin_op_facts facts = { .op = { { 0 } } };
    int count = 0;

    while (tocsin_op_next(facts.op, &facts) == 0)
        count += facts.status == -EINPROGRESS;
    return count;
}

static void check_eaten(const struct eater *self, uint64_t parts)
{
    ck_assert_uint_eq(self->parts, parts);
    ck_assert_uint_eq(self->ends, 1);
    ck_assert(!self->fault);
}

/* Starts the peer, whose loop listens to the operation. */
static void begin_eater(void)
{
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, eat_there, &eater), 0);
}

/* Runs turns of this loop until it has nothing to do, and then turns of the peer's loop. */
static void both_turn(void)
{
    do_turns(NULL);
    peer_does(&peer, do_turns, NULL);
}

/* Runs both loops until the operation has ended. The peer's loop must have received all parts of
   the progress, and then the completion. */
static void end_eater(uint64_t parts)
{
    while (running()) {
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        peer_does(&peer, do_turns, NULL);
    }
    peer_does(&peer, do_turns, NULL);
    check_eaten(&eater, parts);
    peer_end(&peer);
}

/* Tests: progress and completion reach listeners on other loops */

START_TEST(O2_progress_is_wanted_while_another_loop_listens)
{
    struct tocsin_op op;

    peer_begin(&peer);
    op = feed_start(5);
    do_turns(NULL);
    ck_assert_int_eq(running(), 1); /* nobody listens, so the operation pauses */
    ck_assert_int_eq(peer_does(&peer, eat_there, &eater), 0);
    for (int i = 0; i < 20 && running(); i++) {
        tocsin_op_wanted(op, 0);
        both_turn();
    }
    peer_does(&peer, do_turns, NULL);
    check_eaten(&eater, 5);
    peer_end(&peer);
}
END_TEST

START_TEST(O2_both_loops_receive_all_progress)
{
    begin_eater();
    ck_assert_int_eq(eat_there(&second), 0);
    feed_start(100);
    while (running())
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    peer_does(&peer, do_turns, NULL);
    check_eaten(&eater, 100);
    check_eaten(&second, 100);
    peer_end(&peer);
}
END_TEST

/* The listening loop is slow, so its inbox fills and the operation pauses. All progress must
   arrive, and then the completion. */
START_TEST(O2_progress_pauses_while_the_other_inbox_is_full)
{
    begin_eater();
    feed_start(5 * ROOM);
    for (int round = 0; round < 4; round++) {
        do_turns(NULL);
        ck_assert_int_eq(running(), 1);
        ck_assert_uint_le(eater.parts, (uint64_t)(round + 1) * ROOM);
        ck_assert_int_gt(peer_does(&peer, do_turns, NULL), 0);
    }
    end_eater(5 * ROOM);
}
END_TEST

static int run_until_ended(void *arg)
{
    struct eater *self = arg;

    while (!self->ends)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    return 0;
}

/* Both loops sleep whenever they have nothing to do. A loop must wake the other loop when there is
   room in an inbox, or progress. If a wake-up is missing, the test hangs. */
START_TEST(O2_progress_resumes_when_the_other_inbox_has_room)
{
    begin_eater();
    feed_start(20000);
    peer_starts(&peer, run_until_ended, &eater);
    while (running())
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(peer_finishes(&peer), 0);
    check_eaten(&eater, 20000);
    peer_end(&peer);
}
END_TEST

static int block_there(void *arg)
{
    struct eater *self = arg;

    return tocsin_block("feed.part", &self->mask);
}

static int unblock_there(void *arg)
{
    struct eater *self = arg;

    return tocsin_unblock(self->mask);
}

START_TEST(O2_progress_pauses_while_another_loop_blocks_it)
{
    begin_eater();
    ck_assert_int_eq(peer_does(&peer, block_there, &eater), 0);
    feed_start(10 * ROOM);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        peer_does(&peer, do_turn, NULL);
    }
    ck_assert_int_eq(running(), 1);
    ck_assert_uint_eq(eater.parts, 0);
    ck_assert_int_eq(peer_does(&peer, unblock_there, &eater), 0);
    ck_assert_uint_gt(eater.parts, 0);
    end_eater(10 * ROOM);
}
END_TEST

/* Returns 1 if the descriptor of the loop is readable, which means that a turn would do
   something. */
static int has_work(void *none)
{
    struct pollfd polled = { .fd = tocsin_loop_fd(), .events = POLLIN };

    (void)none;
    return poll(&polled, 1, 0);
}

/* The listening loop blocks the signal, so the operation on this loop pauses. No message may pass
   between the loops before the unblock, so both loops must have nothing to do. */
START_TEST(O2_both_loops_sleep_while_progress_is_blocked)
{
    int rounds = 0;

    begin_eater();
    ck_assert_int_eq(peer_does(&peer, block_there, &eater), 0);
    has_work(NULL);
    peer_does(&peer, has_work, NULL);
    feed_start(10 * ROOM);
    while (has_work(NULL) | peer_does(&peer, has_work, NULL)) {
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        peer_does(&peer, do_turn, NULL);
        ck_assert_int_lt(rounds++, 10 * ROOM);
    }
    ck_assert_int_eq(running(), 1);
    ck_assert_int_eq(peer_does(&peer, unblock_there, &eater), 0);
    end_eater(10 * ROOM);
}
END_TEST

static int disconnect_there(void *arg)
{
    struct eater *self = arg;

    return tocsin_disconnect(self->handler);
}

static int free_eater(void *arg)
{
    (void)arg;
    return tocsin_loop_free();
}

/* The only listening loop is freed while the operation waits for that loop. The operation must
   pause, and must end when its own loop is freed. */
START_TEST(O2_the_awaited_loop_is_freed)
{
    begin_eater();
    ck_assert_int_eq(eat_there(&second), 0);
    feed_start(3 * ROOM);
    do_turns(NULL);
    ck_assert_int_eq(running(), 1);
    ck_assert_int_eq(peer_does(&peer, free_eater, NULL), 0);
    ck_assert(!eater.fault);
    while (running())
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    check_eaten(&second, 3 * ROOM);
    peer_leaves(&peer);
}
END_TEST

START_TEST(O2_the_awaited_handler_is_disconnected)
{
    begin_eater();
    ck_assert_int_eq(eat_there(&second), 0);
    feed_start(3 * ROOM);
    do_turns(NULL);
    ck_assert_int_eq(running(), 1);
    ck_assert_int_eq(peer_does(&peer, disconnect_there, &eater), 0);
    for (int i = 0; i < 100 && running(); i++) {
        both_turn();
    }
    check_eaten(&second, 3 * ROOM);
    peer_end(&peer);
}
END_TEST

/* Tests: no completion for another loop is refused, and each is delivered once */

static uint64_t ids[ENDS];
static unsigned char heard[ENDS];

/* The status of each completion is the number that the test gave to its operation. Checks that the
   number belongs to this operation. */
static int check_end(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(info->code, TOCSIN_DONE);
    ck_assert_uint_eq(info->source.id, ids[info->status]);
    ck_assert_int_eq(heard[info->status]++, 0);
    return tell(info, arg);
}

static struct told told;

static int hear_ends(void *none)
{
    (void)none;
    connect_to("op.done", check_end, &told);
    return tocsin_loop_turn(0);
}

static void begin_ends(void)
{
    begin();
    memset(&told, 0, sizeof told);
    memset(heard, 0, sizeof heard);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, hear_ends, NULL), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}

static int start_ended(int i)
{
    struct tocsin_op op;
    int err = tocsin_op_new(NULL, NULL, &op);

    if (err < 0)
        return err;
    ids[i] = op.source.id;
    return tocsin_op_complete(op, i, NULL);
}

/* Starts the operations from `first` to `last` - 1. Each of them has ended already, so this loop
   announces its completion in the next turn. */
static void start_all_ended(int first, int last)
{
    for (int i = first; i < last; i++)
        ck_assert_int_eq(start_ended(i), 0);
}

START_TEST(O2_another_loop_receives_each_completion_once)
{
    start_all_ended(0, 1000);
    ck_assert_int_eq(told.count, 0);
    do_turns(NULL);
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(peer_does(&peer, do_turns, NULL), 1000);
    ck_assert_int_eq(told.count, 1000);
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

START_TEST(O2_a_full_inbox_does_not_refuse_a_completion)
{
    ck_assert_int_eq(peer_does(&peer, fill_theirs, NULL), -EAGAIN);
    start_all_ended(0, 200);
    both_turn();
    ck_assert_int_eq(told.count, 200);
    peer_end(&peer);
}
END_TEST

/* 1,024 completions wait for another loop, which runs no turn. Then the start of one more such
   operation must return -EAGAIN. Operations that already run must complete as usual. */
START_TEST(O2_starts_are_refused_while_too_many_completions_wait)
{
    struct tocsin_op op;
    int count, err;

    for (int round = 0; round < 2; round++) {
        int first = round * TOCSIN_INBOX;

        for (count = 0; (err = start_ended(first + count)) == 0; count++)
            do_turns(NULL);
        ck_assert_int_eq(err, -EAGAIN);
        ck_assert_int_eq(count, TOCSIN_INBOX);
        /* the start succeeds, since no other loop listens for this timer */
        ck_assert_int_eq(tocsin_timer(0, NULL, &op), 0);
        peer_does(&peer, do_turns, NULL);
        ck_assert_int_eq(told.count, first + count);
    }
    do_turns(NULL);
    peer_end(&peer);
}
END_TEST

START_TEST(O2_running_operations_end_however_many_completions_wait)
{
    static struct tocsin_op ops[ENDS];

    for (int i = 0; i < ENDS; i++) {
        ck_assert_int_eq(tocsin_op_new(NULL, NULL, &ops[i]), 0);
        ids[i] = ops[i].source.id;
    }
    for (int i = 0; i < ENDS; i++)
        ck_assert_int_eq(tocsin_op_complete(ops[i], i, NULL), 0);
    do_turns(NULL);
    ck_assert_int_eq(running(), 0);
    ck_assert_int_eq(start_ended(0), -EAGAIN);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(told.count, ENDS);
    peer_end(&peer);
}
END_TEST

static struct tocsin_block ends_mask;

static int block_ends(void *none)
{
    (void)none;
    return tocsin_block("op.done", &ends_mask);
}

static int unblock_ends(void *none)
{
    (void)none;
    return tocsin_unblock(ends_mask);
}

START_TEST(O2_a_blocked_completion_is_pending_on_the_other_loop)
{
    ck_assert_int_eq(peer_does(&peer, block_ends, NULL), 0);
    for (int i = 0; i < ENDS; i++) {
        ck_assert_int_eq(start_ended(i), 0);
        do_turns(NULL);
        if (i % 500 == 499)
            peer_does(&peer, do_turns, NULL);
    }
    ck_assert_int_eq(told.count, 0);
    ck_assert_int_eq(peer_does(&peer, unblock_ends, NULL), 0);
    ck_assert_int_eq(told.count, ENDS);
    peer_end(&peer);
}
END_TEST

START_TEST(O2_a_freed_loop_delivers_waiting_completions)
{
    start_all_ended(0, 100);
    do_turns(NULL);
    peer_end(&peer);
    ck_assert_int_eq(told.count, 100);
    ck_assert_int_eq(start_ended(0), 0);
    do_turns(NULL);
}
END_TEST

/* Operations complete, and then their loop is freed. Other loops have not delivered the completions
   yet, and must still deliver them. */
START_TEST(O2_a_completion_outlives_its_loop)
{
    start_all_ended(0, 100);
    do_turns(NULL);
    start_all_ended(100, 200);
    /* freeing the loop ends the 100 operations that run */
    ck_assert_int_eq(tocsin_loop_free(), 100);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(told.count, 200);
    peer_end(&peer);
}
END_TEST

static int on_status(const struct tocsin_info *info, void *arg)
{
    ((struct told *)arg)->status += info->status == -ECANCELED;
    return tell(info, arg);
}

static int hear_timers(void *none)
{
    (void)none;
    connect_to("timer.*, work.done", on_status, &told);
    return 0;
}

static int work_a_little(void *arg)
{
    return *(int *)arg;
}

START_TEST(O9_another_loop_receives_timers_and_work)
{
    static struct told mine;
    struct tocsin_op every;
    int status = 5;

    ck_assert_int_eq(peer_does(&peer, hear_timers, NULL), 0);
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(tell, &mine), NULL), 0);
    ck_assert_int_eq(tocsin_work(work_a_little, &status, TOCSIN_CALL(tell, &mine), NULL), 0);
    turns_until(&mine.count, 2);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(told.count, 2);
    memset(&told, 0, sizeof told);
    ck_assert_int_eq(tocsin_every(1, NULL, &every), 0);
    while (!told.count) {
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        peer_does(&peer, do_turns, NULL);
    }
    ck_assert_int_eq(told.code, TOCSIN_PROGRESS);
    ck_assert_int_eq(tocsin_cancel(every), 0);
    both_turn();
    ck_assert_int_eq(told.code, TOCSIN_DONE);
    peer_end(&peer);
}
END_TEST

/* A periodic timer ticks for a slow loop on another thread. Ticks coalesce, and the member
   `overrun` counts them. Both loops must count the same number of ticks. */
static int count_ticks(const struct tocsin_info *info, void *arg)
{
    *(unsigned *)arg += info->code == TOCSIN_PROGRESS ? 1 + info->overrun : 0;
    return TOCSIN_NEXT;
}

static unsigned ticks_there;

static int hear_ticks(void *none)
{
    (void)none;
    return tocsin_on("timer.ticked", count_ticks, &ticks_there);
}

static int block_ticks(void *none)
{
    (void)none;
    return tocsin_block("timer.ticked", &ends_mask);
}

START_TEST(O2_ticks_for_a_slow_loop)
{
    struct tocsin_op every;
    unsigned ticks = 0;

    ticks_there = 0;
    connect_to("timer.ticked", count_ticks, &ticks);
    ck_assert_int_eq(peer_does(&peer, hear_ticks, NULL), 0);
    ck_assert_int_eq(tocsin_every(1, NULL, &every), 0);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(tocsin_clock_move(700), 0);
        peer_does(&peer, do_turns, NULL);
        if (i == 3)
            ck_assert_int_eq(peer_does(&peer, block_ticks, NULL), 0);
    }
    ck_assert_int_eq(peer_does(&peer, unblock_ends, NULL), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_clock_move(0), 0);
        peer_does(&peer, do_turns, NULL);
    }
    ck_assert_int_eq(tocsin_cancel(every), 0);
    both_turn();
    ck_assert_uint_ge(ticks, 4200);
    ck_assert_uint_eq(ticks, ticks_there);
    peer_end(&peer);
}
END_TEST

/* Contract line E18: another loop has only an observer of the completions. No start may be refused
   because of the observer. Completions that the observer misses are counted. */
static int observe_ends(void *arg)
{
    return tocsin_observe("op.done", &(struct tocsin_action){ .fn = tell, .arg = arg }, NULL);
}

static int do_facts(void *facts)
{
    return tocsin_loop_get(facts);
}

START_TEST(E18_an_observer_of_completions_refuses_no_start)
{
    struct tocsin_loop_facts facts;
    struct told seen = { .count = 0 };
    struct peer observer;

    peer_end(&peer);
    peer_begin(&observer);
    ck_assert_int_eq(peer_does(&observer, observe_ends, &seen), 0);
    for (int i = 0; i < ENDS; i++) {
        ck_assert_int_eq(start_ended(i), 0);
        do_turns(NULL);
    }
    peer_does(&observer, do_turns, NULL);
    ck_assert_int_eq(peer_does(&observer, do_facts, &facts), 0);
    ck_assert_int_eq(seen.count, TOCSIN_INBOX);
    ck_assert_uint_eq(facts.missed, ENDS - TOCSIN_INBOX);
    peer_end(&observer);
}
END_TEST

/* The notify function of an operation is called on the loop of the operation, after the handlers
   there. Other loops that are full, freed or blocked must not prevent this call. */
START_TEST(O9_the_notify_is_called_whatever_other_loops_do)
{
    struct told mine = { .count = 0 };
    struct tocsin_op op;

    ck_assert_int_eq(peer_does(&peer, block_ends, NULL), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_CALL(tell, &mine), &op), 0);
    ids[0] = op.source.id;
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    do_turns(NULL);
    ck_assert_int_eq(mine.count, 1);
    ck_assert_int_eq(peer_does(&peer, unblock_ends, NULL), 0);
    peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(told.count, 1);
    peer_end(&peer);
}
END_TEST

/* Tests: a queue on another loop receives completions */

struct ends_queue {
    struct tocsin_queue queue;
    size_t limit;
    unsigned flags;
    int taken;
};

static int open_ends(void *arg)
{
    struct ends_queue *self = arg;

    return tocsin_queue_open(
        "op.done", &(struct tocsin_queue_options){ .limit = self->limit, .flags = self->flags },
        &self->queue);
}

static int take_ends(void *arg)
{
    struct ends_queue *self = arg;
    struct tocsin_info *info;

    while (tocsin_queue_wait(self->queue, 0, &info) == 0) {
        ck_assert_int_eq(info->status, self->taken++);
        tocsin_info_unref(info);
    }
    return self->taken;
}

static int close_ends(void *arg)
{
    return tocsin_queue_close(((struct ends_queue *)arg)->queue);
}

static void ends_into(size_t limit, unsigned flags, bool freed)
{
    struct ends_queue self = { .limit = limit, .flags = flags };

    ck_assert_int_eq(peer_does(&peer, open_ends, &self), 0);
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(start_ended(i), 0);
        if (i % 50 == 49) {
            both_turn();
        }
    }
    if (freed) {
        ck_assert_int_eq(peer_does(&peer, do_free, NULL), 1);
        peer_leaves(&peer);
        return;
    }
    for (int i = 0; i < 200 && peer_does(&peer, take_ends, &self) < 200; i++)
        peer_does(&peer, do_turns, NULL);
    ck_assert_int_eq(self.taken, 200);
    ck_assert_int_eq(told.count, flags & TOCSIN_TAKE ? 0 : 200);
    ck_assert_int_eq(peer_does(&peer, close_ends, &self), 0);
    peer_end(&peer);
}

START_TEST(O2_completions_into_a_queue_of_another_loop)
{
    ends_into(0, 0, false);
}
END_TEST

START_TEST(O2_completions_into_a_small_queue_of_another_loop)
{
    ends_into(2, 0, false);
}
END_TEST

START_TEST(O2_completions_into_a_TAKE_queue_of_another_loop)
{
    ends_into(2, TOCSIN_TAKE, false);
}
END_TEST

START_TEST(O2_completions_for_a_full_queue_of_a_freed_loop)
{
    ends_into(2, 0, true);
}
END_TEST

/* Tests of contract line T7: the default action of a completion */

static struct told acted;

static int act(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    return tell(info, &acted);
}

static const struct tocsin_signal_spec guarded_spec = { .name = "feed.guarded",
                                                        .unhandled_fn = act };
static const struct tocsin_op_type guarded_type = { .done = &guarded_spec };

static int observe_guarded(void *none)
{
    (void)none;
    return tocsin_observe("feed.guarded", &(struct tocsin_action){ .fn = tell, .arg = &told },
                          NULL);
}

static void guarded_ends(void)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(&guarded_type, NULL, &op), 0);
    ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    for (int i = 0; i < 3; i++) {
        both_turn();
    }
}

START_TEST(T7_the_default_action_of_a_completion)
{
    ck_assert_int_gt(tocsin_declare(&guarded_spec), 0);
    memset(&acted, 0, sizeof acted);
    guarded_ends();
    ck_assert_int_eq(acted.count, 1); /* the default action ran, since no loop listens */
    ck_assert_int_eq(peer_does(&peer, observe_guarded, NULL), 0);
    guarded_ends();
    /* the default action ran, since an observer on another loop does not count as a handler */
    ck_assert_int_eq(acted.count, 2);
    ck_assert_int_eq(observe_guarded(NULL), 0);
    guarded_ends();
    /* the default action ran, since an observer on this loop does not count as a handler */
    ck_assert_int_eq(acted.count, 3);
    connect_to("feed.guarded", tell, &told);
    guarded_ends();
    ck_assert_int_eq(acted.count, 3);
    peer_end(&peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/operations_remote");
    TCase *progress = test_case(suite, "progress"), *ends = test_case(suite, "completions");

    tcase_add_checked_fixture(progress, begin, NULL);
    tcase_add_checked_fixture(ends, begin_ends, NULL);
    tcase_set_timeout(progress, 60);
    tcase_set_timeout(ends, 60);
    tcase_add_test(progress, O2_progress_is_wanted_while_another_loop_listens);
    tcase_add_test(progress, O2_both_loops_receive_all_progress);
    tcase_add_test(progress, O2_progress_pauses_while_the_other_inbox_is_full);
    tcase_add_test(progress, O2_progress_resumes_when_the_other_inbox_has_room);
    tcase_add_test(progress, O2_progress_pauses_while_another_loop_blocks_it);
    tcase_add_test(progress, O2_both_loops_sleep_while_progress_is_blocked);
    tcase_add_test(progress, O2_the_awaited_loop_is_freed);
    tcase_add_test(progress, O2_the_awaited_handler_is_disconnected);
    tcase_add_test(ends, O2_another_loop_receives_each_completion_once);
    tcase_add_test(ends, O2_a_full_inbox_does_not_refuse_a_completion);
    tcase_add_test(ends, O2_starts_are_refused_while_too_many_completions_wait);
    tcase_add_test(ends, O2_running_operations_end_however_many_completions_wait);
    tcase_add_test(ends, O2_a_blocked_completion_is_pending_on_the_other_loop);
    tcase_add_test(ends, O2_a_freed_loop_delivers_waiting_completions);
    tcase_add_test(ends, O2_a_completion_outlives_its_loop);
    tcase_add_test(ends, O9_another_loop_receives_timers_and_work);
    tcase_add_test(ends, O2_ticks_for_a_slow_loop);
    tcase_add_test(ends, E18_an_observer_of_completions_refuses_no_start);
    tcase_add_test(ends, O9_the_notify_is_called_whatever_other_loops_do);
    tcase_add_test(ends, O2_completions_into_a_queue_of_another_loop);
    tcase_add_test(ends, O2_completions_into_a_small_queue_of_another_loop);
    tcase_add_test(ends, O2_completions_into_a_TAKE_queue_of_another_loop);
    tcase_add_test(ends, O2_completions_for_a_full_queue_of_a_freed_loop);
    tcase_add_test(ends, T7_the_default_action_of_a_completion);
    return suite;
}
