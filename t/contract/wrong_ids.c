/* Contract lines F1 and O5: each public function that takes an id is called with each kind of wrong
   id. The kinds are: zero, an error, a stale id, an id of another loop or of another table, and
   garbage. Each call must return the right error, and must change no live object. */
#include <poll.h>

#include <tocsin/inspect.h>
#include <tocsin/owner.h>
#include <tocsin/provider.h>

#include "command_threads.h"

/* Live and freed objects of each kind. One set of objects belongs to the loop of the test, another
   set to the loop of another thread. */
enum table { HANDLERS, SOURCES, OPS, QUEUES, MASKS, LOOPS, POOLS, TABLES };

static struct objects {
    uint64_t live[TABLES], gone[TABLES];
} here, there;
/* The thread of the peer `other` has a loop. The thread of the peer `bystander` has no loop. */
static struct peer other, bystander;
static int signo, elsewhere, unheard;

static int hear(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static int task(void *arg)
{
    (void)arg;
    return 0;
}

static void make(uint64_t ids[TABLES])
{
    ck_assert_int_eq(tocsin_connect("ids.test", &(struct tocsin_action){ .fn = hear },
                                    (struct tocsin_handler *)&ids[HANDLERS]),
                     0);
    ck_assert_int_eq(tocsin_source_new(NULL, (struct tocsin_source *)&ids[SOURCES]), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, (struct tocsin_op *)&ids[OPS]), 0);
    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, (struct tocsin_queue *)&ids[QUEUES]), 0);
    ck_assert_int_eq(tocsin_block("ids.blocked", (struct tocsin_block *)&ids[MASKS]), 0);
    ck_assert_int_eq(tocsin_pool_new(1, 1, (struct tocsin_pool *)&ids[POOLS]), 0);
    ids[LOOPS] = tocsin_loop_current().id;
}

static void unmake(const uint64_t ids[TABLES])
{
    ck_assert_int_eq(tocsin_disconnect((struct tocsin_handler){ ids[HANDLERS] }), 0);
    ck_assert_int_eq(tocsin_source_free((struct tocsin_source){ ids[SOURCES] }), 0);
    ck_assert_int_eq(tocsin_op_free((struct tocsin_op){ { ids[OPS] } }), 0);
    ck_assert_int_eq(tocsin_op_complete((struct tocsin_op){ { ids[OPS] } }, 0, NULL), 0);
    while (tocsin_op_status((struct tocsin_op){ { ids[OPS] } }) != -ENOENT)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_queue_close((struct tocsin_queue){ ids[QUEUES] }), 0);
    ck_assert_int_eq(tocsin_unblock((struct tocsin_block){ ids[MASKS] }), 0);
    ck_assert_int_eq(tocsin_pool_free((struct tocsin_pool){ ids[POOLS] }), 0);
}

static int make_objects(void *arg)
{
    struct objects *objects = arg;

    make(objects->gone);
    unmake(objects->gone);
    ck_assert_int_eq(tocsin_loop_free(), 0); /* the next loop of this thread has a new generation */
    make(objects->live);
    if (objects == &there)
        ck_assert_int_eq(tocsin_on("ids.elsewhere", hear, NULL), 0);
    return 0;
}

static int unmake_objects(void *arg)
{
    unmake(((struct objects *)arg)->live);
    return 0;
}

/* These functions call every function of the library that takes an id. */

#define HANDLER ((struct tocsin_handler){ id })
#define SOURCE ((struct tocsin_source){ id })
#define OP ((struct tocsin_op){ { id } })
#define QUEUE_ ((struct tocsin_queue){ id })
#define MASK ((struct tocsin_block){ id })
#define LOOP ((struct tocsin_loop){ id })
#define POOL ((struct tocsin_pool){ id })

/* Turns the result of a function that returns a pointer into an error code: NULL
   becomes -ENOENT. */
static int pointed(const void *pointer)
{
    return pointer ? 1 : -ENOENT;
}

/* Checks that the id of a failed start contains the error that the start returned. */
static int started(int err, struct tocsin_op op)
{
    ck_assert_int_eq(tocsin_id_error(op.source.id), err < 0 ? err : 0);
    if (err == 0) {
        tocsin_cancel(op);
        tocsin_loop_turn(0);
    }
    return err;
}

static int connected(int err, struct tocsin_handler handler)
{
    ck_assert_int_eq(tocsin_id_error(handler.id), err);
    ck_assert_int_eq(tocsin_disconnect(handler), err);
    return err;
}

static int disconnect(uint64_t id)
{
    return tocsin_disconnect(HANDLER);
}
static int handler_release(uint64_t id)
{
    return tocsin_handler_unquarantine(HANDLER);
}

static int handler_get(uint64_t id)
{
    struct tocsin_handler_facts facts;

    return tocsin_handler_get(HANDLER, &facts);
}

static int do_disconnect_wait(void *arg)
{
    return tocsin_disconnect_wait((struct tocsin_handler){ *(uint64_t *)arg }, 0);
}

static int disconnect_wait(uint64_t id)
{
    return peer_does(&bystander, do_disconnect_wait, &id);
}

static int do_disconnect(void *arg)
{
    return disconnect(*(uint64_t *)arg);
}

static int disconnect_without_loop(uint64_t id)
{
    return peer_does(&bystander, do_disconnect, &id);
}

static int cancel(uint64_t id)
{
    return tocsin_cancel(OP);
}
static int deadline(uint64_t id)
{
    return tocsin_op_deadline(OP, 10);
}
static int op_status(uint64_t id)
{
    return tocsin_op_status(OP);
}
static int op_free(uint64_t id)
{
    return tocsin_op_free(OP);
}
static int op_state(uint64_t id)
{
    return pointed(tocsin_op_state(OP));
}
static int op_start_(uint64_t id)
{
    return tocsin_op_start(OP, 0, NULL);
}
static int op_wanted(uint64_t id)
{
    return tocsin_op_wanted(OP, 0);
}
static int op_progress(uint64_t id)
{
    return tocsin_op_progress(OP, 0, NULL, 0);
}
static int op_complete(uint64_t id)
{
    return tocsin_op_complete(OP, 0, NULL);
}
static int timer_set(uint64_t id)
{
    return tocsin_timer_set(OP, 1);
}
static int watch_set(uint64_t id)
{
    return tocsin_watch_set(OP, POLLIN);
}
static int then(uint64_t id)
{
    return tocsin_then(OP, hear, NULL);
}
static int wait_op(uint64_t id)
{
    return tocsin_wait(OP, 0, NULL);
}

static int op_start_ret(uint64_t id)
{
    struct tocsin_op op;

    return started(tocsin_op_start(OP, -EIO, &op), op);
}

static int all(uint64_t id)
{
    struct tocsin_op ops[] = { { { here.live[OPS] } }, OP }, op;

    return started(tocsin_all(ops, 2, NULL, &op), op);
}

static int any(uint64_t id)
{
    struct tocsin_op ops[] = { OP, { { here.live[OPS] } } }, op;

    return started(tocsin_any(ops, 2, NULL, &op), op);
}

static int do_op_complete(void *arg)
{
    return op_complete(*(uint64_t *)arg);
}

static int op_complete_without_loop(uint64_t id)
{
    return peer_does(&bystander, do_op_complete, &id);
}

static int emit_from(uint64_t id)
{
    return tocsin_emit_from(SOURCE, signo, NULL);
}
static int emit_from_heard_elsewhere(uint64_t id)
{
    return tocsin_emit_from(SOURCE, elsewhere, NULL);
}
static int emit_from_unheard(uint64_t id)
{
    return tocsin_emit_from(SOURCE, unheard, NULL);
}
static int source_free(uint64_t id)
{
    return tocsin_source_free(SOURCE);
}
static int source_get(uint64_t id)
{
    return pointed(tocsin_source_get(SOURCE));
}
static int source_set(uint64_t id)
{
    return tocsin_source_set(SOURCE, NULL);
}

static int do_emit_from(void *arg)
{
    return emit_from_unheard(*(uint64_t *)arg);
}

static int emit_from_without_loop(uint64_t id)
{
    return peer_does(&bystander, do_emit_from, &id);
}

static int connect_from(uint64_t id)
{
    struct tocsin_handler handler;

    return connected(tocsin_connect("ids.test",
                                    &(struct tocsin_action){ .fn = hear, .source = SOURCE },
                                    &handler),
                     handler);
}

static int observe_from(uint64_t id)
{
    struct tocsin_handler handler;

    return connected(
        tocsin_observe("ids.**", &(struct tocsin_action){ .fn = hear, .source = SOURCE }, &handler),
        handler);
}

static int queue_fd(uint64_t id)
{
    return tocsin_queue_fd(QUEUE_);
}
static int queue_close(uint64_t id)
{
    return tocsin_queue_close(QUEUE_);
}
static int queue_wait(uint64_t id)
{
    return tocsin_queue_wait(QUEUE_, 0, NULL);
}

#define INTO(name, start) \
    static int name(uint64_t id) \
    { \
        struct tocsin_op op; \
        return started(start, op); \
    }
INTO(op_into, tocsin_op_new(NULL, TOCSIN_QUEUE(QUEUE_), &op))
INTO(timer_into, tocsin_timer(1, TOCSIN_QUEUE(QUEUE_), &op))
INTO(every_into, tocsin_every(1, TOCSIN_QUEUE(QUEUE_), &op))
INTO(watch_into, tocsin_watch(0, POLLIN, TOCSIN_QUEUE(QUEUE_), &op))
INTO(work_into, tocsin_work(task, NULL, TOCSIN_QUEUE(QUEUE_), &op))
INTO(spawn_into, tocsin_spawn(task, NULL, TOCSIN_QUEUE(QUEUE_), &op))
INTO(all_into, tocsin_all(NULL, 0, TOCSIN_QUEUE(QUEUE_), &op))
INTO(work_in,
     tocsin_work_with(&(struct tocsin_work_options){ .pool = POOL }, task, NULL, NULL, &op))

static int unblock(uint64_t id)
{
    return tocsin_unblock(MASK);
}
static int post_to(uint64_t id)
{
    return tocsin_post_to(LOOP, signo, NULL);
}
static int loop_call(uint64_t id)
{
    return tocsin_loop_call(LOOP, task, NULL, NULL);
}
static int pool_free(uint64_t id)
{
    return tocsin_pool_free(POOL);
}

#define NEXT(name, facts_of, call, id_of) \
    static int name(uint64_t id) \
    { \
        struct facts_of facts; \
        return call(id_of, &facts); \
    }
NEXT(handler_next, tocsin_handler_facts, tocsin_handler_next, HANDLER)
NEXT(source_next, tocsin_source_facts, tocsin_source_next, SOURCE)
NEXT(op_next, tocsin_op_facts, tocsin_op_next, OP)
NEXT(queue_next, tocsin_queue_facts, tocsin_queue_next, QUEUE_)
NEXT(block_next, tocsin_block_facts, tocsin_block_next, MASK)

/* The expected results for three kinds of ids: 0, a stale or invented id, and an id of another
   loop. SKIP means that a call with such an id is legal, so it is not tested. */
enum { SKIP = 1000000 };
enum { BY_POINTER = 1 }; /* BY_POINTER means that the function returns NULL for an error */

static const struct row {
    const char *name;
    enum table takes;
    int (*call)(uint64_t id);
    int zero, stale, others;
    unsigned flags;
} rows[] = {
    { "disconnect", HANDLERS, disconnect, -ENOENT, -ENOENT, SKIP, 0 },
    { "disconnect_wait", HANDLERS, disconnect_wait, -ENOENT, -ENOENT, SKIP, 0 },
    { "disconnect without a loop", HANDLERS, disconnect_without_loop, -ENOENT, -ENOENT, SKIP, 0 },
    { "handler_get", HANDLERS, handler_get, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "handler_release", HANDLERS, handler_release, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "handler_next", HANDLERS, handler_next, 0, SKIP, -EXDEV, 0 },
    { "cancel", OPS, cancel, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "deadline", OPS, deadline, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "op_status", OPS, op_status, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "op_free", OPS, op_free, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "op_state", OPS, op_state, -ENOENT, -ENOENT, -ENOENT, BY_POINTER },
    { "op_start", OPS, op_start_, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "op_start, with ret_op", OPS, op_start_ret, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "op_wanted", OPS, op_wanted, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "op_progress", OPS, op_progress, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "op_complete", OPS, op_complete, -ENOENT, -ENOENT, SKIP, 0 },
    { "op_complete without a loop", OPS, op_complete_without_loop, -ENOENT, -ENOENT, SKIP, 0 },
    { "timer_set", OPS, timer_set, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "watch_set", OPS, watch_set, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "then", OPS, then, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "wait", OPS, wait_op, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "all", OPS, all, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "any", OPS, any, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "op_next", OPS, op_next, 0, SKIP, -EXDEV, 0 },
    { "emit_from", SOURCES, emit_from, TOCSIN_DELIVERED, -ENOENT, TOCSIN_DELIVERED, 0 },
    { "emit_from, another loop listens", SOURCES, emit_from_heard_elsewhere, TOCSIN_PENDED, -ENOENT,
      TOCSIN_PENDED, 0 },
    { "emit_from, nobody listens", SOURCES, emit_from_unheard, TOCSIN_NOBODY, TOCSIN_NOBODY,
      TOCSIN_NOBODY, 0 },
    { "emit_from, without a loop", SOURCES, emit_from_without_loop, TOCSIN_NOBODY, TOCSIN_NOBODY,
      TOCSIN_NOBODY, 0 },
    { "source_free", SOURCES, source_free, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "source_get", SOURCES, source_get, -ENOENT, -ENOENT, -ENOENT, BY_POINTER },
    { "source_set", SOURCES, source_set, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "source_next", SOURCES, source_next, 0, SKIP, -EXDEV, 0 },
    { "connect", SOURCES, connect_from, SKIP, -ENOENT, -EXDEV, 0 },
    { "observe", SOURCES, observe_from, SKIP, -ENOENT, -EXDEV, 0 },
    { "queue_wait", QUEUES, queue_wait, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "queue_fd", QUEUES, queue_fd, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "queue_close", QUEUES, queue_close, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "queue_next", QUEUES, queue_next, 0, SKIP, -EXDEV, 0 },
    { "op_new into a queue", QUEUES, op_into, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "timer into a queue", QUEUES, timer_into, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "every into a queue", QUEUES, every_into, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "watch into a queue", QUEUES, watch_into, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "work into a queue", QUEUES, work_into, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "spawn into a queue", QUEUES, spawn_into, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "all into a queue", QUEUES, all_into, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "unblock", MASKS, unblock, -ENOENT, -ENOENT, -EXDEV, 0 },
    { "block_next", MASKS, block_next, 0, SKIP, -EXDEV, 0 },
    { "post_to", LOOPS, post_to, -EINVAL, -ESHUTDOWN, SKIP, 0 },
    { "loop_call", LOOPS, loop_call, -EINVAL, -ESHUTDOWN, SKIP, 0 },
    { "pool_free", POOLS, pool_free, -ENOENT, -ENOENT, SKIP, 0 },
    { "work in a pool", POOLS, work_in, SKIP, -ENOENT, SKIP, 0 },
};
enum { ROWS = sizeof rows / sizeof *rows };

static void check(const struct row *row, const char *what, uint64_t id, int expected)
{
    int answer = expected == SKIP ? SKIP : row->call(id);

    ck_assert_msg(answer == expected, "%s, %s %#llx: %d instead of %d", row->name, what,
                  (unsigned long long)id, answer, expected);
}

/* Calls a function that walks over objects, such as tocsin_handler_next(), with a stale id. The
   walk must continue with the next object, or return an error. */
static void check_walk(const struct row *row, uint64_t id)
{
    int answer = row->call(id);

    ck_assert_msg(answer == 0 || answer == -ENOENT, "%s, stale %#llx: %d", row->name,
                  (unsigned long long)id, answer);
}

static bool is_walk(const struct row *row)
{
    return row->stale == SKIP;
}

static void carried(const struct row *row)
{
    for (int err = -4095; err < 0; err++)
        check(row, "carrying an error", (uint64_t)(int64_t)err,
              row->flags & BY_POINTER ? -ENOENT : err);
}

static void stale(const struct row *row)
{
    if (is_walk(row)) {
        check_walk(row, here.gone[row->takes]);
        return;
    }
    check(row, "stale", here.gone[row->takes], row->stale);
    check(row, "stale, of another loop", there.gone[row->takes], row->stale);
}

static bool same_table(enum table one, enum table other_one)
{
    /* The id of an operation is also the id of a source. */
    return one == other_one || one + other_one == SOURCES + OPS;
}

static void of_another_table(const struct row *row)
{
    for (enum table table = 0; table < TABLES; table++) {
        int expected = is_walk(row) ? -ENOENT : row->stale;

        if (same_table(row->takes, table))
            continue;
        check(row, "of another table", here.live[table], expected);
        check(row, "of another table, stale", here.gone[table], expected);
        check(row, "of another loop and table", there.live[table], expected);
    }
    if (row->takes == OPS && !is_walk(row))
        check(row, "a source", here.live[SOURCES], row->stale);
}

/* Tries live ids in which one bit was changed, and arbitrary numbers. */
static void garbage(const struct row *row)
{
    static const uint64_t some[] = { 1,
                                     2,
                                     3,
                                     64,
                                     0xffffff,
                                     1ull << 24,
                                     1ull << 32,
                                     1ull << 45,
                                     1ull << 48,
                                     1ull << 63,
                                     0x7fffffffffffffff,
                                     0xdeadbeefdeadbeef,
                                     0xaaaaaaaaaaaaaaaa,
                                     0x5555555555555555,
                                     0xfffeffffffffffff,
                                     0xfffe000000000000,
                                     0xffff000000000000,
                                     (uint64_t)-4096,
                                     (uint64_t)-5000 };

    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (is_walk(row))
            check_walk(row, some[i]);
        else
            check(row, "garbage", some[i], row->stale);
    for (int bit = 0; bit < 64; bit++) {
        uint64_t id = here.live[row->takes] ^ 1ull << bit;
        bool live = id == there.live[row->takes] || id == here.live[OPS] ||
                    id == here.live[SOURCES] || tocsin_id_error(id);

        if (!live && !is_walk(row) && id)
            check(row, "with a bit changed", id, row->stale);
    }
}

static void everything_lives(const uint64_t ids[TABLES])
{
    ck_assert_int_eq(tocsin_op_status((struct tocsin_op){ { ids[OPS] } }), -EINPROGRESS);
    ck_assert_int_eq(tocsin_source_set((struct tocsin_source){ ids[SOURCES] }, NULL), 0);
}

static int others_live(void *arg)
{
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    everything_lives(((struct objects *)arg)->live);
    return 0;
}

static void begin(void)
{
    signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = "ids.test" });
    elsewhere = tocsin_declare(&(struct tocsin_signal_spec){ .name = "ids.elsewhere" });
    unheard = tocsin_declare(&(struct tocsin_signal_spec){ .name = "ids.unheard" });
    ck_assert_int_gt(tocsin_declare(&(struct tocsin_signal_spec){ .name = "ids.blocked" }), 0);
    ck_assert_int_eq(make_objects(&here), 0);
    peer_begin(&other);
    peer_begin(&bystander);
    ck_assert_int_eq(peer_does(&other, make_objects, &there), 0);
}

/* Checks that all live objects still exist after the calls with wrong ids. */
static void end(void)
{
    everything_lives(here.live);
    ck_assert_int_eq(peer_does(&other, others_live, &there), 0);
    ck_assert_int_eq(unmake_objects(&here), 0);
    ck_assert_int_eq(peer_does(&other, unmake_objects, &there), 0);
    peer_end(&other);
    peer_leaves(&bystander);
}

START_TEST(F1_every_wrong_id_in_every_function)
{
    const struct row *row = &rows[_i];

    begin();
    check(row, "zero", 0, row->zero);
    carried(row);
    stale(row);
    check(row, "of another loop", there.live[row->takes], row->others);
    of_another_table(row);
    garbage(row);
    end();
}
END_TEST

/* A failed call returns an id that carries its error. Each later call with this id must return the
   error of the first call. */
static int fail_there(void *arg)
{
    struct tocsin_source source = { *(uint64_t *)arg };
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_connect("ids.test",
                                    &(struct tocsin_action){ .fn = hear, .source = source },
                                    &handler),
                     -EXDEV);
    ck_assert_int_eq(tocsin_disconnect(handler), -EXDEV);
    return 0;
}

START_TEST(F1_a_chain_is_checked_at_its_end)
{
    begin();
    ck_assert_int_eq(peer_does(&other, fail_there, &here.live[SOURCES]), 0);
    end();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/wrong_ids");
    TCase *tests = test_case(suite, "ids");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, F1_every_wrong_id_in_every_function, 0, ROWS);
    tcase_add_test(tests, F1_a_chain_is_checked_at_its_end);
    return suite;
}
