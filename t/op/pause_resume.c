/* A paused operation may be resumed only while it runs, never after a cancel or a completion. A
   table combines the type of the operation, what ends the operation, and what pauses it. The table
   also says whether a listener wants the progress again before or after the end. After the end, the
   timers and descriptors of the operation must be disarmed. */
#include <poll.h>
#include <tocsin/inject.h>
#include <unistd.h>

#include "loop/engine.h"
#include "command_threads.h"
#include "text_operations.h"

enum ending { CANCEL, DEADLINE, DRAIN, FREE, COMPLETION, ON_A_THREAD, HELD_UP, ENDINGS };
enum pause { NOBODY, NOBODY_FOR_THIS_SOURCE, FULL_QUEUE, BLOCKED, IGNORED, PAUSES };
enum kind { TIMER, WATCH, PROVIDER, SLOW_PROVIDER, KINDS };
enum order { WANTED_FIRST, ENDED_FIRST, ORDERS };

enum { PERIOD_MS = 10, DEADLINE_MS = 1000, DELAY_MS = 50 };

static struct tocsin_queue queue;
static struct tocsin_op op;
static struct told ended;
static int ends[2];

/* This provider's cancel function does not complete the operation. The test completes the operation
   later. */
static int slow_cancel(struct tocsin_op id, void *state, int reason)
{
    (void)id, (void)state, (void)reason;
    return 0;
}

static const struct tocsin_op_type slow_type = {
    .done = &done_spec,
    .progress = { &part_spec },
    .state_size = sizeof(struct state),
    .cancel = slow_cancel,
    .resume = text_resume,
    .drop = text_drop,
};

static const char *progress_of(enum kind kind)
{
    return kind == TIMER ? "timer.ticked" : kind == WATCH ? "fd.ready" : "pended.part";
}

static const char *end_of(enum kind kind)
{
    return kind == TIMER ? "timer.expired" : kind == WATCH ? "fd.done" : "pended.done";
}

/* Some combinations cannot happen. For example, only a slow provider leaves time between a
   deadline and the completion. */
static bool makes_sense(enum ending ending, enum kind kind, enum order order)
{
    switch (ending) {
    case DRAIN: return kind < PROVIDER && order == WANTED_FIRST;
    case FREE: return kind != SLOW_PROVIDER && order == WANTED_FIRST;
    case DEADLINE: return kind == SLOW_PROVIDER && order == ENDED_FIRST;
    case CANCEL: return true;
    default: return kind >= PROVIDER;
    }
}

static void run(void)
{
    turns();
    ck_assert_int_eq(tocsin_clock_move(PERIOD_MS * 3), 0);
}

/* Starts an operation of this kind. The operation pauses when its progress is refused. It resumes
   when a listener wants its progress again. */
static void start_one(enum kind kind, const struct tocsin_notify *notify)
{
    if (kind == TIMER) {
        ck_assert_int_eq(tocsin_every(PERIOD_MS, notify, &op), 0);
    } else if (kind == WATCH) {
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
        ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, notify, &op), 0);
    } else {
        op = start(kind == PROVIDER ? &text_type : &slow_type, notify);
    }
}

static void offer_all(enum kind kind)
{
    run();
    if (kind != PROVIDER && kind != SLOW_PROVIDER)
        return;
    while (tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "part"), 0) == 1)
        run();
}

static void set_up(enum pause pause, enum kind kind)
{
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    connect_to(end_of(kind), tell, &ended);
    if (pause == FULL_QUEUE)
        queue = open_queue(NULL, 2, 0);
    start_one(kind, pause == FULL_QUEUE ? TOCSIN_QUEUE(queue) : NULL);
    if (pause == BLOCKED || pause == IGNORED)
        connect_to(progress_of(kind), tell, &told);
    if (pause == BLOCKED)
        mask = block(progress_of(kind));
    if (pause == IGNORED)
        ck_assert_int_eq(tocsin_ignore(progress_of(kind)), 0);
    offer_all(kind);
}

static void want(enum pause pause, enum kind kind)
{
    if (pause == NOBODY)
        connect_to(progress_of(kind), tell, &told);
    else if (pause == NOBODY_FOR_THIS_SOURCE)
        hear_from(op, progress_of(kind), tell, &told);
    else if (pause == FULL_QUEUE)
        ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    else if (pause == BLOCKED)
        unblock(mask);
    else
        ck_assert_int_eq(tocsin_unignore(progress_of(kind)), 0);
}

static int complete_it(void *arg)
{
    (void)arg;
    return tocsin_op_complete(op, 3, NULL);
}

static void hold_up(const struct tocsin_inject_event *crossing,
                    struct tocsin_inject_action *verdict, void *arg)
{
    (void)arg;
    verdict->delay_ms = crossing->point == TOCSIN_INJECT_COMPLETION &&
                                crossing->source.id == op.source.id
                            ? DELAY_MS
                            : 0;
}

static void complete_on_a_thread(void)
{
    struct peer peer;

    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, complete_it, NULL), 0);
    peer_leaves(&peer);
}

static void hold_up_its_end(void)
{
    ck_assert_int_eq(tocsin_inject(hold_up, NULL), 0);
    ck_assert_int_eq(complete_it(NULL), 0);
}

static void end_it(enum ending ending)
{
    switch (ending) {
    case CANCEL: ck_assert_int_eq(tocsin_cancel(op), 0); break;
    case DEADLINE:
        ck_assert_int_eq(tocsin_op_deadline(op, 0), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        break;
    case DRAIN: drain_all(); break;
    case FREE: ck_assert_int_ge(tocsin_loop_free(), 1); break;
    case COMPLETION: ck_assert_int_eq(complete_it(NULL), 0); break;
    case ON_A_THREAD: complete_on_a_thread(); break;
    default: hold_up_its_end();
    }
}

static int expected(enum ending ending)
{
    return ending == DEADLINE ? -ETIMEDOUT : ending < COMPLETION ? -ECANCELED : 3;
}

static bool waits_for_its_provider(enum ending ending, enum kind kind)
{
    return kind == SLOW_PROVIDER && ending < COMPLETION;
}

static void nothing_is_armed(void)
{
    const struct tocsin__engine *engine = tocsin__self->engine;

    ck_assert(tocsin__wheel_is_empty(&engine->timers));
    ck_assert_ptr_null(engine->watches);
}

static void tear_down(enum ending ending, enum pause pause)
{
    ck_assert_int_eq(tocsin_inject(NULL, NULL), 0);
    if (pause == FULL_QUEUE && ending != FREE)
        close_queue(queue);
    close(ends[0]);
    close(ends[1]);
}

static void try(enum ending ending, enum pause pause, enum kind kind, enum order order)
{
    int before;

    set_up(pause, kind);
    before = resumed;
    if (order == WANTED_FIRST)
        want(pause, kind);
    end_it(ending);
    if (order == ENDED_FIRST)
        want(pause, kind);
    run();
    if (waits_for_its_provider(ending, kind)) {
        ck_assert_int_eq(ended.count, 0);
        ck_assert_int_eq(tocsin_op_complete(op, expected(ending), NULL), 0);
    }
    run();
    ck_assert_int_eq(resumed, before);
    ck_assert_int_eq(ended.count, 1);
    ck_assert_int_eq(ended.status, expected(ending));
    nothing_is_armed();
    tear_down(ending, pause);
}

START_TEST(no_resume_after_the_end)
{
    enum ending ending = (enum ending)(_i / (PAUSES * KINDS * ORDERS));
    enum pause pause = (enum pause)(_i / (KINDS * ORDERS) % PAUSES);
    enum kind kind = (enum kind)(_i / ORDERS % KINDS);
    enum order order = (enum order)(_i % ORDERS);

    if (makes_sense(ending, kind, order))
        try(ending, pause, kind, order);
}
END_TEST

/* The provider refuses a cancel with -EBUSY. The operation is paused at that time, and must be
   resumed later as if nobody had cancelled it. */
static int refuse_cancel(struct tocsin_op id, void *state, int reason)
{
    (void)state, (void)reason;
    ck_assert_int_eq(tocsin_op_wanted(id, 0), 0);
    return -EBUSY;
}

static const struct tocsin_op_type stubborn_type = {
    .done = &done_spec,
    .progress = { &part_spec },
    .cancel = refuse_cancel,
    .resume = text_resume,
};

START_TEST(a_refused_cancel_changes_nothing)
{
    bool wanted = _i;

    op = start(&stubborn_type, NULL);
    if (wanted)
        ck_assert_int_eq(tocsin_op_wanted(op, 0), 0);
    ck_assert_int_eq(tocsin_cancel(op), -EBUSY);
    connect_to("pended.part", tell, &told);
    turns();
    ck_assert_int_eq(resumed, 1);
    done(op, 0);
    turns();
    ck_assert_int_eq(resumed, 1);
}
END_TEST

/* A part of the progress is accepted, and the next part is refused for lack of room. Then the
   operation ends. The delivery of the accepted part makes room, but the operation must not be
   resumed, since it has ended. */
START_TEST(pending_progress_makes_no_room)
{
    bool slow = _i;

    connect_to("pended.part", tell, &told);
    op = start(slow ? &slow_type : &text_type, TOCSIN_FUTURE);
    ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "part"), 0), 1);
    ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "more"), 0), -EAGAIN);
    if (slow)
        ck_assert_int_eq(tocsin_cancel(op), 0);
    else
        done(op, 3);
    turns();
    ck_assert_int_eq(told.count, 1);
    ck_assert_int_eq(resumed, 0);
    if (slow)
        done(op, 3);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 3);
    ck_assert_int_eq(resumed, 0);
}
END_TEST

/* Another thread completes the operation, and copies the payload slowly. The copy may still
   fail. */
static sem_t copying, copied;
static int copy_result;

static int ref_slowly(void *object)
{
    (void)object;
    sem_post(&copying);
    while (sem_wait(&copied) < 0)
        ;
    return copy_result;
}

static const struct tocsin_object_ops slow = { .name = "thing", .ref = ref_slowly, .unref = unref };

static int complete_slowly(void *arg)
{
    return tocsin_op_complete(op, 3,
                              TOCSIN_PAYLOAD(text, .text = "text", .object = { arg, &slow }));
}

START_TEST(a_completion_that_may_fail)
{
    struct peer peer;
    bool fails = _i & 1, refused = _i & 2;

    copy_result = fails ? -ENOMEM : 0;
    ck_assert_int_eq(sem_init(&copying, 0, 0) | sem_init(&copied, 0, 0), 0);
    connect_to("pended.done", tell, &ended);
    op = start(&text_type, TOCSIN_FUTURE);
    if (refused)
        connect_to("pended.part", tell, &told);
    ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "part"), 0), refused);
    if (refused)
        ck_assert_int_eq(tocsin_op_progress(op, 0, TOCSIN_PAYLOAD(text, .text = "more"), 0),
                         -EAGAIN);
    peer_begin(&peer);
    peer_starts(&peer, complete_slowly, &refs);
    while (sem_wait(&copying) < 0)
        ;
    if (!refused)
        connect_to("pended.part", tell, &told);
    turns();
    ck_assert_int_eq(resumed, 0);
    sem_post(&copied);
    ck_assert_int_eq(peer_finishes(&peer), copy_result);
    turns();
    ck_assert_int_eq(resumed, fails);
    if (fails)
        done(op, 3);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 3);
    ck_assert_int_eq(ended.count, 1);
    peer_leaves(&peer);
}
END_TEST

/* tocsin_op_wanted() must return 0 for an operation that has ended. */
START_TEST(an_ended_operation_is_not_wanted)
{
    connect_to("pended.part", tell, &told);
    op = start(&text_type, TOCSIN_FUTURE);
    ck_assert_int_eq(tocsin_op_wanted(op, 0), 1);
    done(op, 3);
    ck_assert_int_eq(tocsin_op_wanted(op, 0), 0);
    turns();
    ck_assert_int_eq(tocsin_op_wanted(op, 0), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 3);
    ck_assert_int_eq(resumed, 0);
}
END_TEST

static void set_up_all(void)
{
    begin();
    memset(&ended, 0, sizeof ended);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/pause_resume");
    TCase *tests = test_case(suite, "pause and resume");

    tcase_add_checked_fixture(tests, set_up_all, NULL);
    tcase_add_loop_test(tests, no_resume_after_the_end, 0, ENDINGS * PAUSES * KINDS * ORDERS);
    tcase_add_loop_test(tests, a_refused_cancel_changes_nothing, 0, 2);
    tcase_add_loop_test(tests, pending_progress_makes_no_room, 0, 2);
    tcase_add_loop_test(tests, a_completion_that_may_fail, 0, 4);
    tcase_add_test(tests, an_ended_operation_is_not_wanted);
    return suite;
}
