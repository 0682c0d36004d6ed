/* Contract line E10: blocks are made and removed in every order, together with the set of
   tocsin_sigmask. A simple model predicts the results; some operations are random. Further tests
   declare signals after the block, and free a loop that has blocks and pending emissions. In other
   tests, calls find no memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/inspect.h>

#include "delivery/loop.h"
#include "mask_helpers.h"

#define THING(F) F(object, object)
TOCSIN_LAYOUT(thing, THING);

/* Tests of blocks */

/* The model: the blocks that exist, the names in the set of tocsin_sigmask, and the list of pending
   emissions. */
static struct {
    bool held[PATTERNS * 4], set[NAMES];
    struct tocsin_block mask[PATTERNS * 4];
    struct {
        int which, number;
    } pended[4096];
    int count;
} model;

/* true if the pattern matches the name: the model asks this many times */
static bool matches[PATTERNS][NAMES];

static void model_begin(void)
{
    for (int i = 0; i < PATTERNS; i++)
        for (int name = 0; name < NAMES; name++)
            matches[i][name] = tocsin_match(patterns[i], names[name]) == 1;
    names_listen();
}

static bool model_blocked(int which)
{
    bool blocked = model.set[which];

    for (int i = 0; i < PATTERNS * 4; i++)
        blocked |= model.held[i] && matches[i % PATTERNS][which];
    return blocked;
}

/* Returns the index of the pending emission that must be delivered next, or -1 if none can be
   delivered. */
static int model_next(void)
{
    int best = -1;

    for (int i = 0; i < model.count; i++)
        if (!model_blocked(model.pended[i].which) &&
            (best < 0 || ranks[model.pended[i].which] < ranks[model.pended[best].which]))
            best = i;
    return best;
}

static void model_compare(void)
{
    char line[4096] = "";
    int next;

    while ((next = model_next()) >= 0) {
        sprintf(line + strlen(line), "%s%d", *line ? " " : "", model.pended[next].number);
        memmove(&model.pended[next], &model.pended[next + 1],
                (size_t)(--model.count - next) * sizeof model.pended[0]);
    }
    ck_assert_record(line);
    ck_assert_int_eq(tocsin_pending_count(NULL), model.count);
}

static void model_emit(int which, int number)
{
    char line[16];

    if (model_blocked(which)) {
        ck_assert_int_eq(emit(signos[which], number), TOCSIN_PENDED);
        model.pended[model.count].which = which;
        model.pended[model.count++].number = number;
        return;
    }
    sprintf(line, "%d", number);
    ck_assert_int_eq(emit(signos[which], number), TOCSIN_DELIVERED);
    ck_assert_record(line);
}

static void model_toggle(int token)
{
    model.held[token] = !model.held[token];
    if (model.held[token])
        model.mask[token] = block(patterns[token % PATTERNS]);
    else
        unblock(model.mask[token]);
    model_compare();
}

static void model_sigmask(enum tocsin_how how, const char *pattern)
{
    mask_set(how, pattern);
    for (int i = 0; i < NAMES; i++) {
        bool hit = *pattern && tocsin_match(pattern, names[i]) == 1;

        model.set[i] = how == TOCSIN_SETMASK ? hit : hit ? how == TOCSIN_BLOCK : model.set[i];
    }
    model_compare();
}

START_TEST(blocks_are_removed_in_any_order)
{
    model_begin();
    /* Four blocks are removed in each of the 24 possible orders. */
    for (int order = 0; order < 24; order++) {
        int left[] = { order % PATTERNS, (order + 1) % PATTERNS, (order + 3) % PATTERNS,
                       (order + 4) % PATTERNS },
            digits = order;

        for (int i = 0; i < 4; i++)
            model_toggle(left[i]);
        for (int i = 0; i < NAMES; i++)
            model_emit(i, i);
        for (int size = 4; size > 0; digits /= size--) {
            model_toggle(left[digits % size]);
            left[digits % size] = left[size - 1];
        }
        ck_assert_int_eq(model.count, 0);
    }
}
END_TEST

START_TEST(random_blocks_and_sets)
{
    unsigned state = 12345;
    int drawn;

    model_begin();
    for (int i = 0; i < (int)test_scaled(5000, 2, 10); i++) {
        state = state * 1103515245 + 12345;
        drawn = (int)(state >> 16 & 0x7fff);
        if (drawn % 8 < 4 && model.count < 300)
            model_emit(drawn / 8 % NAMES, i);
        else if (drawn % 8 < 7)
            model_toggle(drawn / 8 % (PATTERNS * 4));
        else if (drawn / 8 % 4 == 0)
            model_sigmask(TOCSIN_SETMASK, drawn / 64 % 2 ? patterns[drawn / 128 % PATTERNS] : "");
        else
            model_sigmask(drawn / 64 % 2 ? TOCSIN_BLOCK : TOCSIN_UNBLOCK,
                          patterns[drawn / 128 % 4]);
        if (i % 1000 == 999) /* Every 1000 operations, all blocks are removed. */
            for (int token = 0; token < PATTERNS * 4; token++)
                if (model.held[token])
                    model_toggle(token);
    }
    model_sigmask(TOCSIN_SETMASK, "");
    for (int token = 0; token < PATTERNS * 4; token++)
        if (model.held[token])
            model_toggle(token);
    ck_assert_int_eq(model.count, 0);
    for (int i = 0; i < NAMES; i++)
        ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[i])->state, 0);
}
END_TEST

static struct tocsin_block other_mask;

static void *live_elsewhere(void *arg)
{
    pthread_barrier_t *barrier = arg;

    other_mask = block("m.a.x");
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    ck_assert_int_eq(tocsin_loop_free(), 1);
    return NULL;
}

START_TEST(invalid_tokens_are_refused)
{
    pthread_barrier_t barrier;
    struct tocsin_handler handler;
    struct tocsin_block mask;
    pthread_t thread;

    names_listen();
    ck_assert_int_eq(tocsin_unblock((struct tocsin_block){ 0 }), -ENOENT);
    ck_assert_int_eq(tocsin_unblock((struct tocsin_block){ (uint64_t)-EBUSY }), -EBUSY);
    ck_assert_int_eq(tocsin_unblock((struct tocsin_block){ 1 }), -ENOENT);
    ck_assert_int_eq(tocsin_unblock((struct tocsin_block){ 1ull << 62 }), -ENOENT);
    ck_assert_int_eq(
        tocsin_connect("m.a.x", &(struct tocsin_action){ .fn = write_number }, &handler), 0);
    ck_assert_int_eq(tocsin_unblock((struct tocsin_block){ handler.id }), -ENOENT);
    mask = block("m.a.x");
    unblock(mask);
    /* Each round reuses the entry of a removed block. The old token must stay invalid. */
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(tocsin_unblock(mask), -ENOENT);
        unblock(block("m.a.x"));
    }
    mask = block("m.a.x");
    ck_assert_int_eq(tocsin_loop_free(), 1);
    /* this thread has no loop, so no token is valid */
    ck_assert_int_eq(tocsin_unblock(mask), -ENOENT);
    unblock(block("m.a.x"));
    /* The thread has another loop now, in the same memory. */
    ck_assert_int_eq(tocsin_unblock(mask), -ENOENT);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, live_elsewhere, &barrier);
    pthread_barrier_wait(&barrier);
    ck_assert_int_eq(tocsin_unblock(other_mask), -EXDEV);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    ck_assert_int_eq(tocsin_unblock(other_mask), -ENOENT);
    pthread_barrier_destroy(&barrier);
}
END_TEST

START_TEST(blocks_that_are_refused)
{
    static const char *const malformed[] = { "",     " ",  ",", "a,",   "a..b", ".a",  "a.",
                                             "**.a", "a*", "!", "!a.b", "!!a",  "a b", "a.***" };
    struct tocsin_block mask;
    int question = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "m.question", .kind = TOCSIN_DIRECT });

    names_listen();
    ck_assert_int_gt(question, 0);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        ck_assert_msg(tocsin_block(malformed[i], &mask) == -EINVAL, "\"%s\"", malformed[i]);
        ck_assert_int_eq(tocsin_id_error(mask.id), -EINVAL);
        ck_assert_int_eq(tocsin_unblock(mask), -EINVAL);
        /* An empty text is the empty set, which is well formed. */
        ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, malformed[i], NULL, 0),
                         *malformed[i] ? -EINVAL : 0);
        ck_assert_int_eq(tocsin_ignore(malformed[i]), -EINVAL);
        ck_assert_int_eq(tocsin_unignore(malformed[i]), -EINVAL);
    }
    ck_assert_int_eq(tocsin_block(NULL, &mask), -EINVAL);
    ck_assert_int_eq(tocsin_block("m.a.x", NULL), -EINVAL);
    ck_assert_int_eq(tocsin_ignore(NULL), -EINVAL);
    ck_assert_int_eq(tocsin_block("m.a.x, no.such", &mask), -ENOENT);
    ck_assert_int_eq(tocsin_unblock(mask), -ENOENT);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "m.a.x, no.such", NULL, 0), -ENOENT);
    ck_assert_int_eq(tocsin_block("m.a.x, m.question", &mask), -EINVAL);
    ck_assert_int_eq(tocsin_ignore("m.question"), -EINVAL);
    /* the malformed calls have blocked nothing */
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_DELIVERED);
    ck_assert_record("1");
    masks[0] = block("**");
    ck_assert_int_eq(tocsin_ignore("m.*"), 0);
    ck_assert_int_eq(tocsin_on("m.question", record_call, "asked"), 0);
    /* The pattern of tocsin_ignore does not apply to questions. */
    ck_assert_int_eq(tocsin_ask(question, NULL, NULL), 0);
    ck_assert_record("asked");
    unblock(masks[0]);
}
END_TEST

START_TEST(blocks_can_be_listed)
{
    struct tocsin_block_facts facts;
    struct tocsin_signal_facts signal;
    struct tocsin_block at = { 0 };
    int count = 0, seen = 0;

    names_listen();
    ck_assert_int_eq(tocsin_block_next(at, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_block_next(at, NULL), -EINVAL);
    for (int i = 0; i < PATTERNS; i++)
        masks[i] = block(patterns[i]);
    for (; tocsin_block_next(at, &facts) == 0; count++) {
        at = facts.block;
        for (int i = 0; i < PATTERNS; i++)
            seen += masks[i].id == at.id && strcmp(facts.pattern, patterns[i]) == 0;
        ck_assert_ptr_nonnull(strstr(facts.where, "mask_helpers.h:"));
        ck_assert_str_eq(facts.owner, "program");
        if (count % 2)
            unblock(at); /* the walk must continue after the block that it has reached is removed */
    }
    ck_assert_int_eq(count, PATTERNS);
    ck_assert_int_eq(seen, PATTERNS);
    /* tocsin_block_next() lists the blocks of tocsin_block(), and not the set of
       tocsin_sigmask(). */
    mask_set(TOCSIN_SETMASK, "m.a.x");
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_signal_get(signos[0], &signal), 0);
    ck_assert(signal.blocked && !signal.ignored && !signal.running && signal.handlers == 1 &&
              signal.pending == 1 && signal.refused == 0);
    ck_assert_uint_eq(signal.pending_bytes, sizeof(struct note));
    ck_assert_int_eq(tocsin_loop_free(), PATTERNS / 2);
    ck_assert_record("1");
}
END_TEST

/* Tests of signals that are declared after the block */

START_TEST(signals_declared_after_the_block)
{
    int signo;

    connect_as("late.early", write_number, NULL, NULL, TOCSIN_EARLY);
    masks[0] = block("late.*, !late.out");
    ck_assert_int_eq(tocsin_ignore("late.mute"), -ENOENT);
    ck_assert_int_eq(tocsin_ignore("late.mut*"), -EINVAL);
    ck_assert_int_eq(tocsin_ignore("*.mute"), 0);
    signo = ranked("late.made", 0);
    ck_assert_int_eq(tocsin_has_listeners(signo), 1);
    /* No handler is connected to the signal, but the signal is blocked, so the emission becomes
       pending. */
    ck_assert_int_eq(emit(signo, 1), TOCSIN_PENDED);
    ck_assert_int_eq(emit(ranked("late.early", 0), 2), TOCSIN_PENDED);
    ck_assert_int_eq(emit(ranked("late.out", 0), 3), TOCSIN_NOBODY);
    ck_assert_int_eq(emit(ranked("late.mute", 0), 4), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_on("late.**", write_number, NULL), 0);
    ck_assert_int_eq(tocsin_pending_count("late.*"), 3);
    unblock(masks[0]);
    ck_assert_record("1 2 2");
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
    ck_assert_int_eq(emit(ranked("more.mute", 0), 5), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_unignore("more.*"), 0);
    ck_assert_int_eq(tocsin_on("*.mute", write_number, NULL), 0);
    ck_assert_int_eq(emit(tocsin_find("more.mute"), 6), TOCSIN_DELIVERED);
    ck_assert_int_eq(emit(tocsin_find("late.mute"), 7), TOCSIN_NOBODY);
    ck_assert_record("6");
}
END_TEST

/* A signal is declared while the library has no memory for the blocks that match its name. If the
   declaration fails, the test repeats it. Afterwards each block must block the new signal exactly
   once. In every second round, the blocks are removed before the first emission of the signal. */
START_TEST(signals_declared_without_memory)
{
    ck_assert_int_eq(tocsin_on("late.**", write_number, NULL), 0);
    masks[0] = block("late.**");
    masks[1] = block("late.*");
    for (int nth = 1; nth < 40; nth++) {
        char name[32], line[16];
        int signo;

        sprintf(name, "late.n%d", nth);
        sprintf(line, "%d", nth);
        tocsin__fault_at(nth);
        signo = tocsin_declare(
            &(struct tocsin_signal_spec){ .name = name, .layout = &note_layout });
        tocsin__fault_at(0);
        signo = signo > 0 ? signo : ranked(name, 0);
        if (nth % 2) {
            unblock(masks[0]);
            unblock(masks[1]);
            record_take();
            ck_assert_int_eq(emit(signo, nth), TOCSIN_DELIVERED);
            ck_assert_record(line);
            masks[0] = block("late.**");
            masks[1] = block("late.*");
        } else {
            ck_assert_int_eq(emit(signo, nth), TOCSIN_PENDED);
            ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signo)->masks.blocks, 2);
            ck_assert_int_eq(tocsin_pending_count(name), 1);
        }
    }
    ck_assert_int_eq(tocsin_loop_free(), 2);
    record_take();
    for (int nth = 1; nth < 40; nth++) {
        char name[32];

        sprintf(name, "late.n%d", nth);
        ck_assert_int_eq(tocsin_has_listeners(tocsin_find(name)), 0);
    }
}
END_TEST

static int act_by_default(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    record("default");
    return TOCSIN_NEXT;
}

START_TEST(the_default_action_waits_for_the_unblock)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "has.default", .unhandled_fn = act_by_default });
    struct tocsin_action observer = { .fn = record_call, .arg = "seen" };

    masks[0] = block("has.default");
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_PENDED);
    ck_assert_record("");
    unblock(masks[0]);
    ck_assert_record("default default");
    ck_assert_int_eq(tocsin_observe("has.default", &observer, NULL), 0);
    masks[0] = block("has.default");
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_PENDED);
    ck_assert_record(""); /* an observer sees an emission only when it is delivered */
    unblock(masks[0]);
    ck_assert_record("seen default");
    ck_assert_int_eq(tocsin_ignore("has.default"), 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_NOBODY);
    ck_assert_record("seen");
    ck_assert_int_eq(tocsin_unignore("has.default"), 0);
    ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_NOBODY);
    ck_assert_record("seen default");
}
END_TEST

/* Tests of a loop that is freed */

static int things, thing_refs;

static int thing_ref(void *object)
{
    (void)object;
    thing_refs++;
    return 0;
}

static void thing_unref(void *object)
{
    (void)object;
    thing_refs--;
}

static void end_in_a_flush(const struct tocsin_info *info, int call)
{
    record("%s", info->name + 2);
    if (call == 1) {
        ck_assert_int_eq(tocsin_loop_free(), 0);
        masks[3] = block("e.*");
        ck_assert_int_eq(emit(signos[1], 1), TOCSIN_PENDED);
    }
}

START_TEST(a_loop_is_freed_with_blocks)
{
    static const struct tocsin_object_ops shared = { "thing", thing_ref, thing_unref };
    struct tocsin_signal_spec spec = { .name = "e.thing", .layout = &thing_layout };
    struct tocsin_action drops = {
        .fn = record_call, .arg = "d", .drop = record_drop, .mask = "e.*"
    };

    signos[0] = ranked("e.a", 1), signos[1] = ranked("e.b", 0), signos[2] = tocsin_declare(&spec);
    ck_assert_int_eq(tocsin_on("e.a", record_call, "a"), 0);
    ck_assert_int_eq(tocsin_on("e.b", record_call, "b"), 0);
    ck_assert_int_eq(tocsin_connect("e.a", &drops, NULL), 0);
    masks[0] = block("e.*"), masks[1] = block("**"), masks[2] = block("e.thing");
    mask_set(TOCSIN_BLOCK, "e.a");
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[1], 0), TOCSIN_PENDED);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(
            tocsin_emit(signos[2], TOCSIN_PAYLOAD(thing, .object = { &things, &shared })),
            TOCSIN_PENDED);
    ck_assert_int_eq(thing_refs, 5);
    ck_assert_int_eq(tocsin_loop_free(), 3);
    ck_assert_record("b a d ~d");
    ck_assert_int_eq(thing_refs, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_unblock(masks[i]), -ENOENT);
    ck_assert_int_eq(tocsin_has_listeners(signos[2]), 0);
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
    /* The next loop has no block and nothing is pending. */
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, NULL, NULL, 0), 0);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_NOBODY);
}
END_TEST

START_TEST(a_loop_is_freed_in_a_flush)
{
    signos[0] = ranked("e.a", 1), signos[1] = ranked("e.b", 2);
    steps_on("e.*", end_in_a_flush, NULL, 0);
    masks[0] = block("e.*"), masks[1] = block("e.b");
    ck_assert_int_eq(emit(signos[1], 0), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    unblock(masks[0]);
    /* tocsin_loop_free delivers the pending emissions. */
    ck_assert_record("a b b");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(tocsin_unblock(masks[1]), -ENOENT);
    ck_assert_int_eq(tocsin_has_listeners(signos[1]), 0);
}
END_TEST

/* In its third call, a handler disconnects the handler named gone and blocks its own signal. The
   next emission becomes pending. The library must still release the disconnected handler. */
static struct tocsin_handler gone;

static void go_and_block(const struct tocsin_info *info, int call)
{
    record("%d", call);
    if (call < 3)
        ck_assert_int_eq(emit(info->signo, 0), TOCSIN_PENDED);
    if (call != 3)
        return;
    ck_assert_int_eq(tocsin_disconnect(gone), 0);
    masks[0] = block("g.a");
}

START_TEST(an_emission_after_a_handler_blocked_its_signal)
{
    struct tocsin_action drops = { .fn = record_call, .arg = "g", .drop = record_drop };

    signos[0] = ranked("g.a", 0);
    steps_on("g.a", go_and_block, NULL, 0);
    ck_assert_int_eq(tocsin_connect("g.a", &drops, &gone), 0);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
    ck_assert_record("1 g 2 g");
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    ck_assert_record("3 ~g");
    unblock(masks[0]);
    ck_assert_record("4");
}
END_TEST

/* These calls find no memory. A call that fails must change nothing, and must succeed when it is
   repeated. */

#define made(call) \
    do { \
        int answer_ = (call); \
        if (answer_ == -ENOMEM || answer_ == -EMFILE) \
            answer_ = (call); \
        ck_assert_int_ge(answer_, 0); \
    } while (0)

static void scarce(void)
{
    struct tocsin_block mask[3];
    char old[64];
    int late;

    made(tocsin_on("scarce.**", write_number, NULL));
    made(tocsin_block("scarce.*", &mask[0]));
    made(tocsin_block("scarce.a", &mask[1]));
    made(tocsin_block("scarce.a, scarce.b, scarce.*, !scarce.a", &mask[2]));
    made(tocsin_sigmask(TOCSIN_SETMASK, "scarce.a", old, sizeof old));
    made(tocsin_sigmask(TOCSIN_BLOCK, "scarce.*", old, sizeof old));
    ck_assert_str_eq(old, "scarce.a");
    made(tocsin_sigmask(TOCSIN_UNBLOCK, "scarce.b", old, sizeof old));
    ck_assert_str_eq(old, "scarce.*");
    made(tocsin_ignore("scarce.b"));
    made(tocsin_unignore("scarce.*"));
    made(tocsin_connect("scarce.a",
                        &(struct tocsin_action){ .fn = write_number, .mask = "scarce.b, scarce.*" },
                        NULL));
    late = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "scarce.late", .layout = &note_layout });
    late = late == -ENOMEM ? ranked("scarce.late", 0) : late;
    made(emit(signos[0], 1));
    made(emit(signos[1], 2));
    made(emit(late, 3));
    ck_assert_int_eq(tocsin_pending_count("scarce.*"), 3);
    ck_assert_record("");
    for (int i = 0; i < 3; i++)
        unblock(mask[i]);
    /* The set of tocsin_sigmask still blocks the other two signals. */
    ck_assert_record("2");
    made(tocsin_suspend("n.*", 0));
    ck_assert_record("1 1 3");
    made(tocsin_sigmask(TOCSIN_SETMASK, "", NULL, 0));
    ck_assert_int_eq(tocsin_loop_free(), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_has_listeners(signos[i]), 0);
    ck_assert_int_eq(tocsin_has_listeners(late), 0);
}

/* Runs the calls in a child: a process never forgets the name of a signal, and each run needs names
   that are new. */
static bool scarce_at(long nth)
{
    pid_t pid = fork();
    int status;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        tocsin__fault_at(nth);
        scarce();
        exit(tocsin__fault_count() < nth ? 100 : 10);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 10 || WEXITSTATUS(status) == 100),
                  "the %ldth to fail", nth);
    return WEXITSTATUS(status) == 10;
}

START_TEST(an_emission_without_memory_has_no_effect)
{
    uint64_t sequence;

    signos[0] = ranked("scarce.a", 0);
    ck_assert_int_eq(tocsin_on("scarce.a", write_number, NULL), 0);
    masks[0] = block("scarce.a");
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_PENDED);
    sequence = tocsin__self->sequence;
    for (int nth = 1; nth <= 2; nth++) {
        tocsin__fault_at(nth);
        ck_assert_int_eq(emit(signos[0], 2), -ENOMEM);
        ck_assert_uint_eq(tocsin__self->sequence, sequence);
    }
    tocsin__fault_at(0);
    unblock(masks[0]);
    ck_assert_record("1");
}
END_TEST

START_TEST(calls_without_memory_change_nothing)
{
    long nth = 1, step = 7 / test_scaled(7, 1, 7);

    signos[0] = ranked("scarce.a", 0), signos[1] = ranked("scarce.b", 0);
    while (scarce_at(nth))
        nth += step;
    ck_assert_int_gt(nth, 60);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/mask_blocks");
    TCase *tests = test_case(suite, "masks");

    test_needs_processes();
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, blocks_are_removed_in_any_order);
    tcase_add_test(tests, random_blocks_and_sets);
    tcase_add_test(tests, invalid_tokens_are_refused);
    tcase_add_test(tests, blocks_that_are_refused);
    tcase_add_test(tests, blocks_can_be_listed);
    tcase_add_test(tests, signals_declared_after_the_block);
    tcase_add_test(tests, signals_declared_without_memory);
    tcase_add_test(tests, the_default_action_waits_for_the_unblock);
    tcase_add_test(tests, a_loop_is_freed_with_blocks);
    tcase_add_test(tests, a_loop_is_freed_in_a_flush);
    tcase_add_test(tests, an_emission_after_a_handler_blocked_its_signal);
    tcase_add_test(tests, an_emission_without_memory_has_no_effect);
    tcase_add_test(tests, calls_without_memory_change_nothing);
    return suite;
}
