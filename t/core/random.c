/* Random operations, in handlers and out of them, beside a model that follows the written rules in the simplest way: a table of handlers
   that is searched from one end to the other. The library and the model go step by step: each call of a handler is the model's next one.
   TOCSIN_TEST_SEED repeats a run, TOCSIN_TEST_STEPS makes it longer. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/emit.h"
#include "test.h"

enum { SIGNALS = 6, SOURCES = 4, ALIVE = 24, MADE = 400000, LIMIT = 8, FRAMES = 64, DEEP = 5, ANY = -1 };

/* Who listens. signals: a bit for each; a pattern has all, of names to come as well. */
static struct made {
    struct tocsin_handler handler;
    int priority, source, on_stack, drops;
    unsigned signals, flags;
    bool observer, alive;
} made[MADE];
static int made_count, alive[ALIVE], alive_count;

static struct { struct tocsin_source id; bool there; int generation; } sources[SOURCES];
static struct { int signo, running, nodefer, pended; bool flushing; struct { int source, generation; } pend[LIMIT]; } signals[SIGNALS];
static int signals_count;

/* What is going on, the innermost last. */
static struct frame {
    enum { EMISSION, FLUSH, DELIVERY } what;
    int signal, left;                                  /* FLUSH: so many; EMISSION: it is still to be delivered */
    int source, generation;                            /* EMISSION */
    int snapshot[ALIVE], count, at;                    /* DELIVERY */
    bool outer, stopped;
    int result, nodefer;
} frames[FRAMES];
static int frames_count;

static unsigned long long seed, state;
static long steps, emissions, called;

static int draw(int count)                             /* xorshift */
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (int)(state % (unsigned)count);
}

#define check(condition) ck_assert_msg(condition, "%s; TOCSIN_TEST_SEED=%llu, step %ld", #condition, seed, steps)

/* The model */

static bool source_there(int source, int generation)
{
    return source != ANY && sources[source].there && sources[source].generation == generation;
}

static bool heard(int signal)
{
    for (int i = 0; i < alive_count; i++)
        if (made[alive[i]].signals & 1u << signal)
            return true;
    return false;
}

static void forget(int i)
{
    made[i].alive = false;
    for (int k = 0; k < alive_count; k++)
        if (alive[k] == i)
            alive[k--] = alive[--alive_count];
}

static bool before(int a, int b)
{
    return made[a].priority != made[b].priority ? made[a].priority > made[b].priority : a < b;
}

static struct frame *push(int what, int signal)
{
    struct frame *frame = &frames[frames_count++];

    check(frames_count < FRAMES);
    *frame = (struct frame){ .what = what, .signal = signal };
    return frame;
}

static void push_flush(int signal)
{
    push(FLUSH, signal)->left = signals[signal].pended;
    signals[signal].flushing = true;
}

static void push_delivery(int signal, int source, int generation)
{
    struct frame *frame = push(DELIVERY, signal);

    frame->outer = !signals[signal].running++;
    frame->nodefer = signals[signal].nodefer;
    signals[signal].nodefer = 0;
    frame->result = TOCSIN_NOBODY;
    for (int i = 0; i < alive_count; i++) {
        struct made *one = &made[alive[i]];
        int place = frame->count;

        if (!(one->signals & 1u << signal) || (one->source != ANY && (one->source != source || !source_there(source, generation))))
            continue;
        for (; place > 0 && before(alive[i], frame->snapshot[place - 1]); place--)
            frame->snapshot[place] = frame->snapshot[place - 1];
        frame->snapshot[place] = alive[i];
        frame->count++;
        if (!one->observer)
            frame->result = TOCSIN_DELIVERED;
    }
}

static bool has_next(struct frame *frame)
{
    for (; frame->at < frame->count; frame->at++) {
        struct made *one = &made[frame->snapshot[frame->at]];

        if (one->alive && !(frame->stopped && !one->observer))
            return true;
    }
    return false;
}

static void pop_delivery(struct frame *frame)
{
    signals[frame->signal].running--;
    signals[frame->signal].nodefer = frame->nodefer;
    frames_count--;
    frames[frames_count - 1].result = frame->stopped ? TOCSIN_STOPPED : frame->result;
    if (frame->outer && signals[frame->signal].pended && !signals[frame->signal].flushing)
        push_flush(frame->signal);
}

/* Goes on to the next call of a handler, or to the end of the innermost emission. */
static void advance(void)
{
    for (;;) {
        struct frame *top = &frames[frames_count - 1];

        if (top->what == EMISSION ? !top->left : top->what == DELIVERY && has_next(top))
            return;
        if (top->what == EMISSION) {
            top->left = 0;
            push_delivery(top->signal, top->source, top->generation);
        } else if (top->what == DELIVERY) {
            pop_delivery(top);
        } else if (top->left-- > 0 && signals[top->signal].pended) {
            int source = signals[top->signal].pend[0].source, generation = signals[top->signal].pend[0].generation;

            signals[top->signal].pended--;
            for (int i = 0; i < signals[top->signal].pended; i++)
                signals[top->signal].pend[i] = signals[top->signal].pend[i + 1];
            push_delivery(top->signal, source, generation);
        } else {
            signals[top->signal].flushing = false;
            frames_count--;
        }
    }
}

/* Operations */

static void operate(int depth);

static int emit(int signal, int source)
{
    emissions++;
    return source == ANY ? tocsin_emit(signals[signal].signo, NULL) : tocsin_emit_from(sources[source].id, signals[signal].signo, NULL);
}

static void op_pend(int signal, int source)
{
    bool full = signals[signal].pended == LIMIT;

    check(emit(signal, source) == (full ? -EAGAIN : TOCSIN_PENDED));
    if (full)
        return;
    signals[signal].pend[signals[signal].pended].source = source;
    signals[signal].pend[signals[signal].pended++].generation = source == ANY ? 0 : sources[source].generation;
}

static void op_deliver(int signal, int source)
{
    struct frame *frame = push(EMISSION, signal);
    int depth = frames_count, result;

    frame->left = 1;
    frame->source = source;
    frame->generation = source == ANY ? 0 : sources[source].generation;
    if (!signals[signal].running && signals[signal].pended)
        push_flush(signal);                            /* what is left from before comes first */
    result = emit(signal, source);
    advance();
    check(frames_count == depth);
    frames_count--;
    check(result == frame->result);
}

static void op_emit(int signal, int source)
{
    if (!heard(signal))
        check(emit(signal, source) == TOCSIN_NOBODY);
    else if (source != ANY && !sources[source].there)
        check(emit(signal, source) == -ENOENT);
    else if (signals[signal].running && !signals[signal].nodefer)
        op_pend(signal, source);
    else
        op_deliver(signal, source);
}

static int on_call(const struct tocsin_info *info, void *arg);

static void on_drop(void *arg)
{
    struct made *one = arg;

    check(!one->alive && one->on_stack == 0 && one->drops++ == 0);
}

static void op_connect(void)
{
    static const char *const patterns[] = { "random.*", "random.**", "else, random.*" };
    struct made *one = &made[made_count];
    int signal = draw(signals_count), source = draw(3) ? ANY : draw(SOURCES), pattern = draw(8), err;
    struct tocsin_action action = { .fn = on_call, .arg = one, .drop = on_drop };
    char name[32];

    if (alive_count == ALIVE || made_count == MADE)
        return;
    one->priority = action.priority = draw(3) - 1;
    one->flags = action.flags = (draw(5) ? 0 : TOCSIN_ONCE) | (draw(5) ? 0 : TOCSIN_NODEFER);
    one->observer = draw(6) == 0;
    one->source = source;
    if (source != ANY)
        action.source = sources[source].id;
    if (pattern < 3) {
        one->signals = ~0u;
    } else {
        one->signals = 1u << signal;
        sprintf(name, "random.s%d", signal);
    }
    err = (one->observer ? tocsin_observe : tocsin_connect)(pattern < 3 ? patterns[pattern] : name, &action, &one->handler);
    check(err == (source != ANY && !sources[source].there ? -ENOENT : 0));
    if (err < 0)
        return;
    one->alive = true;
    alive[alive_count++] = made_count++;
}

static void op_disconnect(void)
{
    int i = made_count ? draw(10) && alive_count ? alive[draw(alive_count)] : draw(made_count) : 0;
    bool there = made[i].alive;

    if (!made_count)
        return;
    if (there)
        forget(i);                                     /* first: drop may be called at once */
    check(tocsin_disconnect(made[i].handler) == (there ? 0 : -ENOENT));
}

static void op_source(void)
{
    int source = draw(SOURCES);

    if (!sources[source].there) {
        check(tocsin_source_new(NULL, &sources[source].id) == 0);
        sources[source].there = true;
        sources[source].generation++;
        return;
    }
    if (draw(2))
        return;
    sources[source].there = false;
    for (int k = alive_count - 1; k >= 0; k--)
        if (made[alive[k]].source == source)
            forget(alive[k]);
    check(tocsin_source_free(sources[source].id) == 0);
}

static void op_declare(void)
{
    char name[32];

    if (signals_count == SIGNALS)
        return;
    sprintf(name, "random.s%d", signals_count);
    signals[signals_count].signo = tocsin_declare(&(struct tocsin_spec){ .name = name, .limit = LIMIT });
    check(signals[signals_count++].signo > 0);
}

static void operate(int depth)
{
    int what = draw(100);

    steps++;
    if (what < 30)
        op_connect();
    else if (what < 50)
        op_disconnect();
    else if (what < 58)
        op_source();
    else if (what < 59)
        op_declare();
    else if (depth < DEEP)
        op_emit(draw(signals_count), draw(2) ? ANY : draw(SOURCES));
}

static int on_call(const struct tocsin_info *info, void *arg)
{
    static const int answers[] = { TOCSIN_NEXT, TOCSIN_NEXT, TOCSIN_NEXT, 1, TOCSIN_PENDED, -EIO, TOCSIN_STOP };
    struct made *one = arg;
    int i = (int)(one - made), answer = answers[draw(7)], emitting = 0, depth;
    struct frame *frame;

    called++;
    advance();
    depth = frames_count;
    frame = &frames[depth - 1];
    check(frame->what == DELIVERY && frame->snapshot[frame->at] == i);
    check(info->signo == signals[frame->signal].signo && one->alive);
    frame->at++;
    signals[frame->signal].nodefer = one->flags & TOCSIN_NODEFER;
    if (one->flags & TOCSIN_ONCE)
        forget(i);
    check(tocsin_current().id == (one->alive ? one->handler.id : 0));
    one->on_stack++;
    for (int k = 0; k < depth; k++)
        emitting += frames[k].what == EMISSION;
    for (int count = draw(3); count > 0; count--)
        operate(emitting);
    one->on_stack--;
    check(frames_count == depth);
    signals[frame->signal].nodefer = 0;
    if (answer == TOCSIN_STOP && !one->observer)
        frame->stopped = true;
    return answer;
}

START_TEST(step_by_step)
{
    const char *chosen = getenv("TOCSIN_TEST_SEED"), *longer = getenv("TOCSIN_TEST_STEPS");
    long end = longer ? atol(longer) : 150000;
    int left = 0;

    seed = chosen ? strtoull(chosen, NULL, 0) : (unsigned long long)time(NULL) * 1000003 + (unsigned long long)getpid();
    state = 2 * seed + 1;
    printf("core/random: TOCSIN_TEST_SEED=%llu\n", seed);
    fflush(stdout);
    ck_assert_int_gt(tocsin_declare(&(struct tocsin_spec){ .name = "else" }), 0);
    op_declare();
    for (int i = 0; i < SOURCES; i++) {                /* from here on there are stale ids, and none that is zero */
        check(tocsin_source_new(NULL, &sources[i].id) == 0);
        check(tocsin_source_free(sources[i].id) == 0);
    }
    while (steps < end)
        operate(0);
    for (int i = 0; i < SOURCES; i++)
        left += sources[i].there;
    while (alive_count) {                              /* nobody hears what is still pended */
        int i = alive[0];

        forget(i);
        check(tocsin_disconnect(made[i].handler) == 0);
    }
    check(tocsin_free() == left);
    for (int i = 0; i < made_count; i++)
        check(made[i].drops == 1);
    printf("core/random: %ld operations, %ld emissions, %d handlers, %ld calls\n", steps, emissions, made_count, called);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("core/random");
    TCase *tests = test_case(suite, "random");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, step_by_step);
    return suite;
}
