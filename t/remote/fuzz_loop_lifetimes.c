/* Four threads create and free loops at random. Each thread also uses the loops of the other
   threads. The threads emit, post, call, connect, disconnect, block, start and complete operations,
   and declare names, while real signals interrupt them. A fifth thread without a loop waits for
   room in inboxes, and for disconnects of handlers.

   Each message that a loop accepted must be delivered by that loop, not by a later loop in the
   same memory. Each destructor must be called once, each operation must end once, and no object
   may be left.

   TOCSIN_TEST_SEED repeats the random choices, but not the timing of the threads.
   TOCSIN_STORM_SECONDS sets the duration. */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/provider.h>

#include "registry/registry.h"
#include "test.h"

enum { COMERS = 4, THREADS, SLOTS = 32, MASKS = 4, DEEPEST = 3 };

#define MARK(F) F(u64, loop)
TOCSIN_LAYOUT(mark, MARK);
#define THING(F) F(string, text) F(object, object)
TOCSIN_LAYOUT(thing, THING);

struct comer {
    int number, depth;
    uint32_t random, random_async;
    uint64_t loop, moves;
    struct event_base *base;
    struct tocsin_block masks[MASKS];
    struct tocsin_queue queue;
    struct tocsin_source source;
    struct tocsin_op job;
};

/* A handler with a count of references. The handler itself holds one reference until its destructor
   runs. Each thread that takes the handler out of a slot holds a further reference. */
struct tie {
    atomic_int refs;
    atomic_bool dropped;
    bool gone;
    struct comer *comer;
    struct tocsin_handler handler;
};

/* A task for one loop. The member `ran` must become true on this loop only. */
struct errand {
    uint64_t loop;
    bool ran;
};

static struct comer comers[THREADS];
static pthread_t threads[THREADS];
static __thread struct comer *me;
/* due[] is true if a real signal was sent to the thread and its handler has not run yet */
static atomic_bool over, due[THREADS];

/* handlers that one thread puts here, so that the other threads use them */
static struct tie *_Atomic ties[SLOTS];
/* loops[] has the ids of loops; its first entries are the present loops of the threads */
static _Atomic uint64_t loops[SLOTS], ops[SLOTS];

static atomic_long connected, dropped, sent, ran, errands_dropped, started, ended, jobs,
    jobs_dropped, things, loops_made;
static atomic_long marks_sent, marks_heard, lamps_sent, lamps_lit, asked, waited;
static int mark, lamp, note, badge, thing, unhandled;

#define check(condition) ((condition) ? (void)0 : failed(#condition, __LINE__))

static void failed(const char *what, int line)
{
    fprintf(stderr, "remote/fuzz_loop_lifetimes: line %d: %s\n", line, what);
    abort();
}

static int among(int answer, const int *all, size_t count, int line)
{
    for (size_t i = 0; i < count; i++)
        if (answer == all[i])
            return answer;
    fprintf(stderr, "remote/fuzz_loop_lifetimes: line %d: answer %d\n", line, answer);
    abort();
}
#define one_of(answer, ...) \
    among(answer, (const int[]){ __VA_ARGS__ }, sizeof(int[]){ __VA_ARGS__ } / sizeof(int), \
          __LINE__)

static uint32_t draw_from(uint32_t *random, uint32_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random % below;
}

static uint32_t draw(uint32_t below)
{
    return draw_from(&me->random, below);
}

static void act(void);

/* A type of object; this test counts the references to its objects */

static int object_ref(void *object)
{
    atomic_fetch_add((atomic_long *)object, 1);
    return 0;
}

static void object_unref(void *object)
{
    atomic_fetch_sub((atomic_long *)object, 1);
}

static const struct tocsin_object_ops shared = { "thing", object_ref, object_unref };

static struct thing thing_new(void)
{
    struct thing made = thing_make();

    made.text = "a thing";
    made.object = (struct tocsin_object){ &things, &shared };
    return made;
}

/* Functions that connect and disconnect handlers */

static void tie_put(struct tie *tie)
{
    if (tie && atomic_fetch_sub(&tie->refs, 1) == 1)
        free(tie);
}

static void on_drop(void *arg)
{
    struct tie *tie = arg;

    check(tie->comer == me);
    check(!atomic_exchange(&tie->dropped, true));
    atomic_fetch_add(&dropped, 1);
    tie_put(tie);
    if (me->depth < DEEPEST && draw(8) == 0)
        act();
}

static int on_any(const struct tocsin_info *info, void *arg)
{
    static const int answers[] = { TOCSIN_NEXT, TOCSIN_NEXT, TOCSIN_STOP, -EIO };
    struct tie *tie = arg;

    check(tie->comer == me && !tie->gone && !atomic_load(&tie->dropped));
    if (thing_of(info))
        check(thing_of(info)->object.object == &things && thing_of(info)->text[0] == 'a');
    if (me->depth < DEEPEST && draw(4) == 0)
        act();
    return answers[draw(4)];
}

/* Checks that the message was delivered by the loop for which it was meant. */
static int on_mark(const struct tocsin_info *info, void *arg)
{
    check(arg == me && mark_of(info)->loop == tocsin_loop_current().id);
    atomic_fetch_add(info->signo == mark ? &marks_heard : &lamps_lit, 1 + (long)info->overrun);
    return TOCSIN_NEXT;
}

static int on_unhandled(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    check(tocsin_loop_current().id);
    return 0;
}

static const char *const patterns[] = { "comers.note",
                                        "comers.badge",
                                        "comers.thing, comers.job",
                                        "comers.step",
                                        "comers.**",
                                        "comers.*",
                                        "**",
                                        "comers.name.*, !comers.name.a1",
                                        "tocsin.**",
                                        "comers.unhandled" };

static const char *pattern(void)
{
    return patterns[draw(sizeof patterns / sizeof patterns[0])];
}

/* Puts a handler into a random slot, for other threads. The handler that was in the slot before
   loses a reference. */
static void leave(struct tie *tie)
{
    tie_put(atomic_exchange(&ties[draw(SLOTS)], tie));
}

static void move_connect(void)
{
    struct tie *tie = calloc(1, sizeof *tie);
    struct tocsin_action action = {
        .fn = on_any, .arg = tie, .drop = on_drop, .flags = TOCSIN_EARLY, .priority = -(int)draw(3)
    };
    int err;

    atomic_store(&tie->refs, 2);
    tie->comer = me;
    action.flags |= draw(4) == 0 ? TOCSIN_ONCE : draw(4) == 0 ? TOCSIN_NODEFER : 0;
    action.mask = draw(4) == 0 ? pattern() : NULL;
    action.source = draw(4) == 0 ? me->source : (struct tocsin_source){ 0 };
    err = draw(4) ? tocsin_connect(pattern(), &action, &tie->handler)
                  : tocsin_observe(pattern(), &action, &tie->handler);
    if (one_of(err, 0, -ESHUTDOWN, -ENOENT) < 0) {
        free(tie);
        return;
    }
    atomic_fetch_add(&connected, 1);
    leave(tie);
}

static void move_disconnect(void)
{
    struct tie *tie = atomic_exchange(&ties[draw(SLOTS)], NULL);

    if (tie && one_of(tocsin_disconnect(tie->handler), 0, -ENOENT) == 0) {
        if (tie->comer == me)
            tie->gone = true;
        atomic_fetch_add(&asked, 1);
    }
    tie_put(tie);
}

/* Functions that send a message to a random loop */

static struct tocsin_loop a_loop(uint32_t *random)
{
    return (struct tocsin_loop){ atomic_load(
        &loops[draw_from(random, draw_from(random, 4) ? COMERS : SLOTS)]) };
}

static void send_mark(uint32_t *random)
{
    struct tocsin_loop loop = a_loop(random);
    bool coalesces = draw_from(random, 2);
    int answer;

    if (!loop.id)
        return;
    answer = tocsin_post_to(loop, coalesces ? lamp : mark, TOCSIN_PAYLOAD(mark, .loop = loop.id));
    if (one_of(answer, TOCSIN_PENDED, -EAGAIN, -ESHUTDOWN) == TOCSIN_PENDED)
        atomic_fetch_add(coalesces ? &lamps_sent : &marks_sent, 1);
}

static void move_mark(void)
{
    send_mark(&me->random);
}

static void move_post(void)
{
    struct thing it = thing_new();

    switch (draw(5)) {
    case 0: one_of(tocsin_post(note, NULL), TOCSIN_PENDED, TOCSIN_NOBODY, -EAGAIN); break;
    case 1: one_of(tocsin_post(thing, &it.tocsin), TOCSIN_PENDED, TOCSIN_NOBODY, -EAGAIN); break;
    case 2: one_of(tocsin_post(badge, &it.tocsin), TOCSIN_PENDED, TOCSIN_NOBODY, -EAGAIN); break;
    case 3:
        one_of(tocsin_post(unhandled, NULL), TOCSIN_PENDED, TOCSIN_NOBODY, -EAGAIN, -ESHUTDOWN);
        break;
    default:
        one_of(tocsin_post_to(a_loop(&me->random), badge, &it.tocsin), TOCSIN_PENDED, -EAGAIN,
               -ESHUTDOWN, -EINVAL);
    }
}

static void move_emit(void)
{
    struct thing it = thing_new();
    int signo = (int[]){ note, thing, badge, unhandled }[draw(4)];
    const struct tocsin_payload *payload = signo == thing || signo == badge ? &it.tocsin : NULL;

    if (draw(3) == 0 && me->source.id)
        one_of(tocsin_emit_from(me->source, signo, payload), TOCSIN_DELIVERED, TOCSIN_STOPPED,
               TOCSIN_PENDED, TOCSIN_NOBODY, -EAGAIN, -ELOOP, -ENODEV, -ENOENT);
    else
        one_of(tocsin_emit(signo, payload), TOCSIN_DELIVERED, TOCSIN_STOPPED, TOCSIN_PENDED,
               TOCSIN_NOBODY, -EAGAIN, -ELOOP, -ENODEV);
}

static int task(void *arg)
{
    struct errand *errand = arg;

    check(!errand->ran && errand->loop == tocsin_loop_current().id);
    errand->ran = true;
    atomic_fetch_add(&ran, 1);
    if (me->depth < DEEPEST && draw(4) == 0)
        act();
    return 0;
}

static void errand_drop(void *arg)
{
    check(((struct errand *)arg)->ran);
    atomic_fetch_add(&errands_dropped, 1);
    free(arg);
}

static void move_call(void)
{
    struct tocsin_loop loop = a_loop(&me->random);
    struct errand *errand = calloc(1, sizeof *errand);

    errand->loop = loop.id;
    if (one_of(tocsin_loop_call(loop, task, errand, errand_drop), 0, -EAGAIN, -ESHUTDOWN,
               -EINVAL) == 0)
        atomic_fetch_add(&sent, 1);
    else
        free(errand);
}

/* Functions that start and complete operations */

static void job_dropped(void *state)
{
    (void)state;
    atomic_fetch_add(&jobs_dropped, 1);
}

static int job_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)state;
    tocsin_op_complete(op, reason, NULL);
    return 0;
}

static const struct tocsin_signal_spec job_done = { .name = "comers.job", .layout = &mark_layout },
                                       job_step = { .name = "comers.step" };
static const struct tocsin_op_type job_type = { .done = &job_done,
                                                .progress = { &job_step },
                                                .state_size = 40,
                                                .cancel = job_cancel,
                                                .drop = job_dropped };

static int on_end(const struct tocsin_info *info, void *arg)
{
    (void)info;
    check(arg == me);
    atomic_fetch_add(&ended, 1);
    if (me->depth < DEEPEST && draw(4) == 0)
        act();
    return TOCSIN_NEXT;
}

static void move_start(void)
{
    struct tocsin_op op;
    bool typed = draw(2);

    if (one_of(tocsin_op_new(typed ? &job_type : NULL, TOCSIN_CALL(on_end, me), &op), 0, -EAGAIN,
               -ESHUTDOWN) < 0)
        return;
    atomic_fetch_add(&started, 1);
    if (typed) {
        atomic_fetch_add(&jobs, 1);
        check(tocsin_op_start(op, 0, &me->job) == 0);
    }
    atomic_store(&ops[draw(SLOTS)], op.source.id);
}

static void move_complete(void)
{
    struct tocsin_op op = { { atomic_exchange(&ops[draw(SLOTS)], 0) } };
    struct thing it = thing_new();

    if (op.source.id)
        one_of(tocsin_op_complete(op, (int)draw(9), draw(2) ? &it.tocsin : NULL), 0, -ENOENT,
               -EPROTO);
}

static void move_progress(void)
{
    one_of(tocsin_op_progress(me->job, 0, NULL, 0), 1, 0, -EAGAIN, -EALREADY, -ENOENT, -EXDEV);
}

static void move_timer(void)
{
    if (one_of(tocsin_timer(draw(3), TOCSIN_CALL(on_end, me), NULL), 0, -EAGAIN, -ESHUTDOWN) == 0)
        atomic_fetch_add(&started, 1);
}

/* Functions that make a random call about blocks, ignored signals, queues, sources or names */

static void move_block(void)
{
    struct tocsin_block *mask = &me->masks[draw(MASKS)];

    if (mask->id)
        one_of(tocsin_unblock(*mask), 0, -ENOENT);
    mask->id = 0;
    if (draw(2) && one_of(tocsin_block(pattern(), mask), 0, -ESHUTDOWN, -ENOENT) < 0)
        mask->id = 0;
}

static void move_ignore(void)
{
    static const char *const some[] = { "comers.note", "comers.badge", "comers.name.*" };

    one_of((draw(3) ? tocsin_unignore : tocsin_ignore)(some[draw(3)]), 0, -ESHUTDOWN);
}

static void move_queue(void)
{
    const struct tocsin_queue_options options = { .limit = 4 };
    struct tocsin_info *info;

    if (!me->queue.id &&
        one_of(tocsin_queue_open(pattern(), &options, &me->queue), 0, -ESHUTDOWN, -ENOENT) < 0)
        me->queue.id = 0;
    if (!me->queue.id)
        return;
    if (one_of(tocsin_queue_wait(me->queue, 0, &info), 0, -ETIMEDOUT, -EDEADLK, -ENOENT,
               -ECANCELED) == 0)
        tocsin_info_unref(info);
    if (draw(8) == 0) {
        one_of(tocsin_queue_close(me->queue), 0, -ENOENT);
        me->queue.id = 0;
    }
}

static void move_source(void)
{
    if (me->source.id)
        one_of(tocsin_source_free(me->source), 0, -ENOENT);
    if (one_of(tocsin_source_new(NULL, &me->source), 0, -ESHUTDOWN) < 0)
        me->source.id = 0;
}

static void move_name(void)
{
    char name[64];
    struct tocsin_signal_spec spec = { .name = name };
    int signo;

    snprintf(name, sizeof name, "comers.name.%c%u", "ab"[draw(2)], draw(30));
    spec.kind = name[12] == 'a' ? TOCSIN_QUEUED : TOCSIN_COALESCE;
    signo = tocsin_declare(&spec);
    check(signo > 0);
    one_of(draw(2) ? tocsin_post(signo, NULL) : tocsin_emit(signo, NULL), TOCSIN_NOBODY,
           TOCSIN_DELIVERED, TOCSIN_STOPPED, TOCSIN_PENDED, -EAGAIN, -ELOOP, -ENODEV);
}

/* Functions that create and free the thread's loop */

static void loop_left(void)
{
    me->loop = 0;
    if (me->base)
        event_base_free(me->base);
    me->base = NULL;
    me->queue.id = me->source.id = me->job.source.id = 0;
    for (int i = 0; i < MASKS; i++)
        me->masks[i].id = 0;
}

/* Connects the two handlers that exist as long as the loop. These handlers are connected before
   other threads learn the id of the loop, so that no message is missed. */
static void loop_born(void)
{
    const struct tocsin_action action = { .fn = on_mark, .arg = me, .priority = 32767 };

    if (!tocsin_loop_current().id && draw(8) == 0) {
        me->base = event_base_new();
        check(tocsin_loop_adopt(me->base) == 0);
    }
    check(tocsin_connect("comers.mark", &action, NULL) == 0 &&
          tocsin_connect("comers.lamp", &action, NULL) == 0);
    if (draw(4) == 0)
        one_of(tocsin_loop_fd() < 0, 0, me->base != NULL);
    me->loop = tocsin_loop_current().id;
    atomic_store(&loops[me->number], me->loop);
    atomic_store(&loops[COMERS + draw(SLOTS - COMERS)], me->loop);
    atomic_fetch_add(&loops_made, 1);
}

/* Finds out whether a handler has freed the loop of this thread. If so, this thread may already
   have a new loop. */
static void loop_look(void)
{
    if (tocsin_loop_current().id != me->loop)
        loop_left();
}

static void move_free(void)
{
    struct tocsin_loop was = tocsin_loop_current();
    struct errand errand = { 0 };

    if (draw(8))
        return;
    check(tocsin_loop_free() >= 0);
    if (me->depth || !was.id)
        return;
    check(tocsin_post_to(was, mark, TOCSIN_PAYLOAD(mark, .loop = 1)) == -ESHUTDOWN);
    check(tocsin_loop_call(was, task, &errand, errand_drop) == -ESHUTDOWN);
}

static void move_turns(void)
{
    int count = 1;

    for (uint32_t i = draw(4); i > 0 && count > 0; i--)
        count = tocsin_loop_turn(draw(8) == 0);
    check(count >= 0 || count == -EDEADLK || count == -ESHUTDOWN);
}

static void move_drain(void)
{
    if (draw(16))
        return;
    one_of(tocsin_drain(0), 0, -ESHUTDOWN);
    one_of(tocsin_run(), 0, -ETIMEDOUT, -EDEADLK, -ESHUTDOWN);
}

typedef void move(void);

static move *const moves[] = {
    move_connect, move_connect, move_disconnect, move_disconnect, move_mark,     move_mark,
    move_post,    move_post,    move_emit,       move_emit,       move_call,     move_call,
    move_start,   move_start,   move_complete,   move_complete,   move_progress, move_timer,
    move_block,   move_ignore,  move_queue,      move_source,     move_name,     move_turns,
    move_turns,   move_turns,   move_turns,      move_drain,      move_free,
};

/* Makes a random call inside a handler, a task or a destructor. */
static void act(void)
{
    me->depth++;
    moves[draw(sizeof moves / sizeof moves[0])]();
    me->depth--;
}

static void *come_and_go(void *arg)
{
    me = arg;
    atomic_store(&due[me->number], false);
    for (; !atomic_load(&over); me->moves++) {
        if (!me->loop)
            loop_born();
        moves[draw(sizeof moves / sizeof moves[0])]();
        loop_look();
    }
    check(tocsin_loop_free() >= 0);
    loop_look();
    return NULL;
}

/* Functions of the fifth thread, which has no loop of its own */

static void wait_for_room(void)
{
    struct thing it = thing_new();
    int signo = draw(2) ? note : thing;

    one_of(tocsin_post_wait(signo, signo == thing ? &it.tocsin : NULL, (int64_t)draw(3) - 1),
           TOCSIN_PENDED, TOCSIN_NOBODY, -ETIMEDOUT);
}

/* If tocsin_disconnect_wait() has returned 0, the handler's destructor must have run. */
static void wait_for_handler(void)
{
    struct tie *tie = atomic_exchange(&ties[draw(SLOTS)], NULL);

    if (tie && one_of(tocsin_disconnect_wait(tie->handler, (int64_t)draw(3) - 1), 0, -ENOENT,
                      -ETIMEDOUT) == 0) {
        check(atomic_load(&tie->dropped));
        atomic_fetch_add(&waited, 1);
    }
    tie_put(tie);
}

static move *const moves_of_the_fifth[] = { wait_for_room, wait_for_handler, move_disconnect,
                                            move_mark,     move_mark,        move_post,
                                            move_call,     move_complete,    move_name };

static void *stay(void *arg)
{
    me = arg;
    atomic_store(&due[me->number], false);
    for (; !atomic_load(&over); me->moves++)
        moves_of_the_fifth[draw(sizeof moves_of_the_fifth / sizeof moves_of_the_fifth[0])]();
    check(!tocsin_loop_current().id);
    return NULL;
}

/* Handlers of real signals. They send messages. They also delay the interrupted code, so that other
   threads run in the meantime. */

static void on_signal(int signo)
{
    int was = errno;

    (void)signo;
    for (uint32_t i = draw_from(&me->random_async, 3); i > 0; i--)
        send_mark(&me->random_async);
    for (uint32_t i = draw_from(&me->random_async, 8); i > 0; i--)
        sched_yield();
    atomic_store(&due[me->number], false);
    errno = was;
}

static void interrupt(uint32_t *random)
{
    uint32_t thread = draw_from(random, THREADS);

    if (!atomic_exchange(&due[thread], true))
        check(pthread_kill(threads[thread], SIGUSR1) == 0);
    sched_yield();
}

static uint32_t seed_new(void)
{
    const char *wish = getenv("TOCSIN_TEST_SEED");
    uint32_t seed = wish ? (uint32_t)strtoul(wish, NULL, 0)
                         : (uint32_t)time(NULL) * 1000003u + (uint32_t)getpid();

    printf("remote/fuzz_loop_lifetimes: TOCSIN_TEST_SEED=%u\n", seed);
    fflush(stdout);
    return seed ? seed : 1;
}

static void declare_all(void)
{
    mark = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "comers.mark", .layout = &mark_layout, .flags = TOCSIN_ASYNC });
    lamp = tocsin_declare(&(struct tocsin_signal_spec){ .name = "comers.lamp",
                                                        .layout = &mark_layout,
                                                        .flags = TOCSIN_ASYNC,
                                                        .kind = TOCSIN_COALESCE });
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "comers.note", .limit = 50 });
    thing = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "comers.thing", .layout = &thing_layout });
    badge = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "comers.badge", .layout = &thing_layout, .kind = TOCSIN_COALESCE });
    unhandled = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "comers.unhandled", .unhandled_fn = on_unhandled });
    check(mark > 0 && lamp > 0 && note > 0 && thing > 0 && badge > 0 && unhandled > 0);
    check(tocsin_declare(&job_done) > 0 && tocsin_declare(&job_step) > 0);
}

static bool over_by(const struct timespec *end)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

static void run_all(uint32_t seed)
{
    const char *wish = getenv("TOCSIN_STORM_SECONDS");
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    struct timespec end;

    sigemptyset(&action.sa_mask);
    check(sigaction(SIGUSR1, &action, NULL) == 0);
    for (int i = 0; i < THREADS; i++) {
        comers[i] = (struct comer){ .number = i,
                                    .random = seed + (uint32_t)i * 2654435761u,
                                    .random_async = (seed ^ 0x5bd1e995) + (uint32_t)i };
        /* true until the new thread has started and has set the flag to false */
        atomic_store(&due[i], true);
        check(pthread_create(&threads[i], NULL, i < COMERS ? come_and_go : stay, &comers[i]) == 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += wish ? atol(wish) : 2;
    while (!over_by(&end))
        interrupt(&seed);
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        check(pthread_join(threads[i], NULL) == 0);
}

static void check_left(void)
{
    for (int i = 0; i < SLOTS; i++)
        tie_put(atomic_exchange(&ties[i], NULL));
    ck_assert_int_eq(atomic_load(&connected), atomic_load(&dropped));
    ck_assert_int_eq(atomic_load(&sent), atomic_load(&ran));
    ck_assert_int_eq(atomic_load(&sent), atomic_load(&errands_dropped));
    ck_assert_int_eq(atomic_load(&started), atomic_load(&ended));
    ck_assert_int_eq(atomic_load(&jobs), atomic_load(&jobs_dropped));
    ck_assert_int_eq(atomic_load(&marks_sent), atomic_load(&marks_heard));
    ck_assert_int_eq(atomic_load(&lamps_sent), atomic_load(&lamps_lit));
    ck_assert_int_eq(atomic_load(&things), 0);
    for (uint32_t signo = 1; signo <= tocsin__signals; signo++)
        ck_assert_msg(!tocsin__signal((int)signo)->unresolved && !tocsin__signal((int)signo)->loops,
                      "%s", tocsin__signal((int)signo)->name);
}

START_TEST(nothing_is_left)
{
    unsigned long long all = 0;

    declare_all();
    run_all(seed_new());
    for (int i = 0; i < THREADS; i++)
        all += comers[i].moves;
    printf("remote/fuzz_loop_lifetimes: %llu moves, %ld loops, %ld handlers (%ld disconnected, %ld "
           "waited for), "
           "%ld and %ld posts to a loop, %ld calls, %ld operations\n",
           all, atomic_load(&loops_made), atomic_load(&connected), atomic_load(&asked),
           atomic_load(&waited), atomic_load(&marks_heard), atomic_load(&lamps_lit),
           atomic_load(&ran), atomic_load(&ended));
    fflush(stdout);
    check_left();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("remote/fuzz_loop_lifetimes");
    TCase *tests = test_case(suite, "random lifetimes");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, nothing_is_left);
    return suite;
}
