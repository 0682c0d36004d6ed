/* Random programs start operations of all kinds. The operations pause, resume, are cancelled or
   delayed, and are completed by the loop or by a thread. Meanwhile handlers, blocks and small
   queues are added and removed. Each operation must end exactly once. After a cancel or a
   completion, no function of a provider may be called. TOCSIN_TEST_SEED=n runs one seed;
   TOCSIN_TEST_SEEDS=n sets the number of seeds. The test is mainly for the sanitizers. */
#include <poll.h>
#include <stdlib.h>
#include <tocsin/inject.h>
#include <unistd.h>

#include "command_threads.h"
#include "text_operations.h"

enum { OPS = 12, QUEUES = 3, HANDLERS = 6, BLOCKS = 3, SEEDS = 300, STEPS = 300, DELAY_MS = 7 };
enum kind { EVERY, ONCE, WATCH, QUICK, SLOW, STUBBORN, PROMISE, KINDS };
enum how { ALONE, CALLED, EACH, BOTH, INTO_QUEUE, KEPT, HOWS };

/* An operation that was started. The state of its provider points to this entry. */
struct entry {
    struct tocsin_op op;
    enum kind kind;
    enum how how;
    bool started, asked, completed, taken;
    int ends, calls, drops;
};

struct held {
    struct entry *entry;
    struct text part;
};

static struct entry *entries; /* all operations that the program has started */
/* indices of the operations that the program may choose next */
static int entries_count, current[OPS];
static struct tocsin_queue queues[QUEUES];
static struct tocsin_handler handlers[HANDLERS];
static struct tocsin_block masks[BLOCKS];
static struct peer peer;
static int pipes[2];
static bool is_ready;
static unsigned long long seed;

static unsigned draw(unsigned below)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (unsigned)(seed >> 11) % below;
}

/* Functions of the operations' provider */

static void drawn_resume(struct tocsin_op op, void *state)
{
    struct entry *entry = ((struct held *)state)->entry;

    ck_assert_uint_eq(op.source.id, entry->op.source.id);
    ck_assert(!entry->completed && !entry->drops);
    ck_assert(!entry->asked || entry->kind == STUBBORN);
    if (draw(2))
        tocsin_op_progress(op, 0,
                           draw(2) ? &((struct held *)state)->part.tocsin
                                   : TOCSIN_PAYLOAD(text, .text = "copied"),
                           0);
    else if (draw(8) == 0)
        entry->completed = tocsin_op_complete(op, 5, NULL) == 0;
}

static int drawn_cancel(struct tocsin_op op, void *state, int reason)
{
    struct entry *entry = ((struct held *)state)->entry;

    ck_assert(!entry->completed && !entry->drops);
    if (entry->kind == STUBBORN)
        return -EBUSY;
    ck_assert(!entry->asked);
    entry->asked = true;
    if (entry->kind == SLOW)
        return 0;
    entry->completed = true;
    return tocsin_op_complete(op, reason, NULL);
}

static void drawn_drop(void *state)
{
    struct entry *entry = ((struct held *)state)->entry;

    entry->drops++;
    memset(state, 0x5a, sizeof(struct held));
}

static const struct tocsin_signal_spec drawn_done = { .name = "drawn.done",
                                                      .layout = &text_layout },
                                       drawn_part = { .name = "drawn.part",
                                                      .layout = &text_layout,
                                                      .limit = 3 };
static const struct tocsin_op_type drawn_type = {
    .done = &drawn_done,
    .progress = { &drawn_part },
    .state_size = sizeof(struct held),
    .cancel = drawn_cancel,
    .resume = drawn_resume,
    .drop = drawn_drop,
};

/* Handlers that count the emissions that they receive */

static int count_end(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    for (int i = 0; i < entries_count; i++)
        entries[i].ends += info->code == TOCSIN_DONE && entries[i].op.source.id == info->source.id;
    return TOCSIN_NEXT;
}

static int on_call(const struct tocsin_info *info, void *arg)
{
    ((struct entry *)arg)->calls += info->code == TOCSIN_DONE;
    return TOCSIN_NEXT;
}

static int listen(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (draw(10) == 0)
        tocsin_cancel((struct tocsin_op){ info->source });
    return TOCSIN_NEXT;
}

static void hold_up(const struct tocsin_inject_event *crossing,
                    struct tocsin_inject_action *verdict, void *arg)
{
    (void)arg;
    if (crossing->point == TOCSIN_INJECT_COMPLETION && draw(2))
        verdict->delay_ms = DELAY_MS, verdict->behind = draw(2);
}

/* Each of these functions makes one random call, or a few calls that belong together. */

static struct entry *any_entry(void)
{
    return entries_count ? &entries[current[draw(OPS)]] : NULL;
}

static int start_kind(struct entry *entry, const struct tocsin_notify *notify)
{
    struct held *held;
    int err;

    switch (entry->kind) {
    case EVERY: return tocsin_every(draw(5), notify, &entry->op);
    case ONCE: return tocsin_timer(draw(20), notify, &entry->op);
    case WATCH: return tocsin_watch(pipes[0], POLLIN, notify, &entry->op);
    case PROMISE: return tocsin_op_new(NULL, notify, &entry->op);
    default:
        err = tocsin_op_new(&drawn_type, notify, &entry->op);
        if (err < 0)
            return err;
        held = tocsin_op_state(entry->op);
        *held = (struct held){ entry, text_make() };
        held->part.text = "lent";
        return tocsin_op_start(entry->op, 0, &entry->op);
    }
}

static void start_any(void)
{
    struct entry *entry = &entries[entries_count];
    struct tocsin_notify notify = { .mode = 0 };

    *entry = (struct entry){ .kind = (enum kind)draw(KINDS), .how = (enum how)draw(HOWS) };
    notify.mode = entry->how == CALLED       ? TOCSIN_AT_END
                  : entry->how == EACH       ? TOCSIN_AT_EACH
                  : entry->how == BOTH       ? TOCSIN_AT_END | TOCSIN_AT_EACH
                  : entry->how == INTO_QUEUE ? TOCSIN_INTO_QUEUE
                  : entry->how == KEPT       ? TOCSIN_KEEP
                                             : 0;
    if (notify.mode & (TOCSIN_AT_END | TOCSIN_AT_EACH))
        notify.fn = on_call, notify.arg = entry;
    notify.queue = queues[draw(QUEUES)];
    entry->started = start_kind(entry, &notify) == 0;
    current[draw(OPS)] = entries_count++;
}

static int complete_it(void *arg)
{
    return tocsin_op_complete(((struct entry *)arg)->op, 3, NULL);
}

static void complete_any(bool there)
{
    struct entry *entry = any_entry();

    if (!entry || !entry->started || (entry->kind < QUICK))
        return;
    entry->completed |= (there ? peer_does(&peer, complete_it, entry) : complete_it(entry)) == 0;
}

static void cancel_any(void)
{
    struct entry *entry = any_entry();

    if (!entry || !entry->started)
        return;
    if (draw(2))
        tocsin_op_deadline(entry->op, draw(20));
    else
        tocsin_cancel(entry->op);
}

static void progress_any(void)
{
    struct entry *entry = any_entry();

    if (!entry || !entry->started || entry->kind < QUICK || entry->kind == PROMISE ||
        entry->completed)
        return;
    if (draw(3))
        tocsin_op_progress(entry->op, 0, TOCSIN_PAYLOAD(text, .text = "part"), 0);
    else
        tocsin_op_wanted(entry->op, 0);
}

static void take_any(void)
{
    struct entry *entry = any_entry();

    if (!entry || !entry->started || entry->how != KEPT)
        return;
    if (draw(3) == 0)
        tocsin_op_free(entry->op);
    else if (draw(2))
        tocsin_then(entry->op, on_call, entry);
    else if (tocsin_op_status(entry->op) != -EINPROGRESS)
        ck_assert_int_ne(tocsin_wait(entry->op, 0, NULL), -EDEADLK);
}

static void connect_any(void)
{
    static const char *const patterns[] = { "drawn.part", "timer.ticked", "fd.ready",
                                            "timer.*, drawn.*", "op.done" };
    struct tocsin_handler *handler = &handlers[draw(HANDLERS)];
    struct tocsin_action action = { .fn = listen };
    struct entry *entry = any_entry();

    tocsin_disconnect(*handler);
    handler->id = 0;
    if (entry && draw(2))
        action.source = entry->op.source;
    if (draw(3))
        tocsin_connect(patterns[draw(5)], &action, handler);
}

static void block_any(void)
{
    static const char *const patterns[] = { "drawn.part", "timer.ticked", "fd.ready", "**",
                                            "op.done, drawn.done" };
    struct tocsin_block *token = &masks[draw(BLOCKS)];

    tocsin_unblock(*token);
    token->id = 0;
    if (draw(2))
        tocsin_block(patterns[draw(5)], token);
    if (draw(6) == 0)
        tocsin_ignore("drawn.part, timer.ticked");
    else if (draw(3) == 0)
        tocsin_unignore("**");
}

static void queue_any(void)
{
    static const char *const patterns[] = { NULL, "drawn.part", "timer.**", "drawn.**, op.done" };
    struct tocsin_queue *queue = &queues[draw(QUEUES)];

    while (draw(3))
        ck_assert_int_ne(tocsin_queue_wait(*queue, 0, NULL), -EDEADLK);
    if (draw(3))
        return;
    tocsin_queue_close(*queue);
    tocsin_queue_open(
        patterns[draw(4)],
        &(struct tocsin_queue_options){ .limit = 1 + draw(4), .priority = (int)draw(3) - 1 },
        queue);
}

/* Makes the watched descriptor readable, or makes it unreadable. While it is readable, the loop
   always has work, so tocsin_clock_move() would not return. */
static void ready(bool wanted)
{
    char byte = 'x';

    if (wanted != is_ready)
        ck_assert_int_eq(wanted ? write(pipes[1], &byte, 1) : read(pipes[0], &byte, 1), 1);
    is_ready = wanted;
}

static void turn_any(void)
{
    ready(draw(2));
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

static void move_any(void)
{
    ready(false);
    ck_assert_int_eq(tocsin_clock_move((int64_t)draw(8)), 0);
}

static void step(void)
{
    switch (draw(13)) {
    case 0:
    case 1: start_any(); break;
    case 2: complete_any(false); break;
    case 3: complete_any(true); break;
    case 4: cancel_any(); break;
    case 5:
    case 6: progress_any(); break;
    case 7: take_any(); break;
    case 8: connect_any(); break;
    case 9: block_any(); break;
    case 10: queue_any(); break;
    case 11: turn_any(); break;
    default: move_any();
    }
}

/* Completes the provider's operations that still run. Otherwise they would keep the loop
   running. */
static void complete_rest(void)
{
    for (int i = 0; i < entries_count; i++)
        if (entries[i].started && (entries[i].kind == SLOW || entries[i].kind == STUBBORN) &&
            !entries[i].completed)
            entries[i].completed |= complete_it(&entries[i]) == 0;
}

static void check(int number)
{
    for (int i = 0; i < entries_count; i++) {
        const struct entry *entry = &entries[i];
        bool calls = entry->how == CALLED || entry->how == BOTH,
             ours = entry->kind >= QUICK && entry->kind <= STUBBORN;

        ck_assert_msg(entry->ends == entry->started, "seed %d, operation %d of kind %d: %d ends",
                      number, i, entry->kind, entry->ends);
        ck_assert_msg(!calls || entry->calls == entry->started,
                      "seed %d, operation %d of kind %d: %d calls", number, i, entry->kind,
                      entry->calls);
        ck_assert_msg(!entry->started || entry->drops == ours,
                      "seed %d, operation %d of kind %d: %d drops", number, i, entry->kind,
                      entry->drops);
    }
}

static void run(int number)
{
    seed = (unsigned long long)number * 0x9e3779b97f4a7c15 + 1;
    entries_count = 0;
    memset(current, 0, sizeof current);
    memset(queues, 0, sizeof queues);
    memset(handlers, 0, sizeof handlers);
    memset(masks, 0, sizeof masks);
    ck_assert(tocsin_declare(&drawn_done) > 0 && tocsin_declare(&drawn_part) > 0);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_observe("drawn.done, op.done, timer.expired, fd.done",
                                    &(struct tocsin_action){ .fn = count_end }, NULL),
                     0);
    if (draw(3) == 0)
        ck_assert_int_eq(tocsin_inject(hold_up, NULL), 0);
    for (int i = 0; i < STEPS; i++)
        step();
    complete_rest();
    ck_assert_int_ge(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_inject(NULL, NULL), 0);
    check(number);
}

START_TEST(random_programs)
{
    const char *only = getenv("TOCSIN_TEST_SEED"), *many = getenv("TOCSIN_TEST_SEEDS");
    int first = only ? atoi(only) : 1, last = only   ? first
                                              : many ? atoi(many)
                                                     : (int)test_scaled(SEEDS, 4, 30);

    entries = calloc(STEPS, sizeof *entries);
    ck_assert_ptr_nonnull(entries);
    ck_assert_int_eq(pipe(pipes), 0);
    peer_begin(&peer);
    for (int number = first; number <= last; number++)
        run(number);
    peer_leaves(&peer);
    close(pipes[0]);
    close(pipes[1]);
    free(entries);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("op/fuzz_operations");
    TCase *tests = test_case(suite, "random programs");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, random_programs);
    return suite;
}
