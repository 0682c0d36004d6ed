/* Contract lines E1 to E5 together, with one to three handlers. In each case one handler acts. It
   connects handlers; it disconnects itself, the previous, the next or all handlers. It emits its
   own signal, nested or deferred; it stops the delivery, frees its source, or frees the loop.

   The test prints a case as A20 -> (B10) -> C0, followed by what the handler does. A letter is a
   handler, and the number is its priority. Brackets mean that the handler listens to the source
   only.

   A model of the rules computes the expected record. In a record letters are calls, brackets are a
   nested emission, and digits are results. Then each case emits once more.

   The first emission of a signal takes a slow path of the library. So each case runs twice: with
   that first emission, and after an earlier emission in which no handler acts.

   Under valgrind every 11th case runs. 11 has no common factor with the number of values of any
   part of a case, so each value occurs with many of the others. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

enum act { NOTHING, CONNECT, DISCONNECT };
enum target { SELF, PREVIOUS, NEXT, ALL };
enum nested { NONE, BEFORE, AFTER };
enum sources {
    WITHOUT,
    SOME,
    EVERY,
    SOME_FREED_FIRST,
    EVERY_FREED_FIRST,
    SOME_FREED_LAST,
    EVERY_FREED_LAST
};

static struct matrix_case {
    int count, actor, act, target, nested, nodefer, stop, sources, free_loop, quick;
} now;

static bool sourced(int i)
{
    return now.sources != WITHOUT && (now.sources % 2 == 0 || i % 2 == 0);
}

static bool freed_first(void)
{
    return now.sources == SOME_FREED_FIRST || now.sources == EVERY_FREED_FIRST;
}
static bool freed_last(void)
{
    return now.sources == SOME_FREED_LAST || now.sources == EVERY_FREED_LAST;
}

/* The handlers 0 to 2, with the letters A to C, are connected at first. The handler that acts
   connects the handlers 3 to 5. Their priorities are relative to its own priority. */
static int priority_of(int i)
{
    /* the priority of the new handler is higher by 0, 1 or -1 than the acting handler's priority */
    static const int beside[] = { 0, 1, -1 };

    return i < 3 ? 20 - 10 * i : 20 - 10 * now.actor + beside[i - 3];
}

static bool is_sourced(int i)
{
    return sourced(i < 3 ? i : now.actor);
}

static bool is_target(int i) /* true if the acting handler must connect or disconnect handler i */
{
    if (now.act == DISCONNECT && i < now.count)
        return now.target == ALL ||
               i == now.actor + (now.target == NEXT) - (now.target == PREVIOUS);
    return now.act == CONNECT && i >= 3 && (now.target == ALL || i - 3 == now.target);
}

/* The model computes what the library must do. */
static struct {
    char text[200];
    bool there[6], source, loop, acted, running, nodefer;
    int pended, age[6], ages;
} model;

static void model_write(const char *text)
{
    strcat(model.text, text);
}

static int model_emit(void);

static int model_act(void)
{
    bool first = !model.acted;

    model.acted = true;
    if (!first)
        return TOCSIN_NEXT;
    if (now.nested == BEFORE)
        model_emit();
    for (int part = 0; part < 3; part++) {
        if (part == 1)
            for (int i = 0; i < 6; i++) {
                if (is_target(i) && i >= 3 && is_sourced(i) && !model.source)
                    continue; /* a connect to a freed source returns -ENOENT */
                if (is_target(i))
                    model.there[i] = i >= 3;
                if (is_target(i) && i >= 3)
                    model.age[i] = model.ages++;
            }
        else if (part == 0 ? freed_first() : freed_last()) {
            model.source = false;
            for (int i = 0; i < 6; i++)
                model.there[i] &= !is_sourced(i);
        }
    }
    if (now.nested == AFTER)
        model_emit();
    return now.stop ? TOCSIN_STOP : TOCSIN_NEXT;
}

static bool model_before(int a, int b)
{
    return priority_of(a) != priority_of(b) ? priority_of(a) > priority_of(b)
                                            : model.age[a] < model.age[b];
}

static int model_deliver(bool source)
{
    bool outer = !model.running, nodefer = model.nodefer, wanted[6], called[6] = { false };
    int result = TOCSIN_NOBODY;

    for (int i = 0; i < 6; i++) {
        wanted[i] = model.there[i] && (source || !is_sourced(i));
        result |= wanted[i];
    }
    model.running = true;
    for (;;) {
        int next = -1;

        for (int i = 0; i < 6; i++)
            if (wanted[i] && !called[i] && (next < 0 || model_before(i, next)))
                next = i;
        if (next < 0)
            break;
        called[next] = true;
        if (!model.there[next])
            continue;
        model_write((char[]){ "ABCspn"[next], 0 });
        model.nodefer = next == now.actor && now.nodefer;
        if (next == now.actor && model_act() == TOCSIN_STOP) {
            result = TOCSIN_STOPPED;
            break;
        }
    }
    model.running = !outer;
    model.nodefer = nodefer;
    return result;
}

static int model_emit(void)
{
    bool source = model.source, anybody = false;
    int result;

    for (int i = 0; i < 6; i++)
        anybody |= model.there[i];
    model_write("(");
    /* While a handler runs, its signal is blocked, even if no handler is connected any more
       (E5). */
    if (!anybody && !model.running)
        result = TOCSIN_NOBODY;
    else if (model.running && !model.nodefer)
        model.pended++, result = TOCSIN_PENDED;
    else
        result = model_deliver(source);
    if (!model.running)
        for (; model.pended; model.pended--)
            /* every emission of the test has this source; after the source was freed, an emission
               has no source */
            model_deliver(model.source);
    model_write((char[]){ ')', (char)('0' + result), 0 });
    return result;
}

/* Functions that run the same cases in the library */
static char got[200];
static int signo, dropped[6];
static bool armed;
static struct tocsin_handler handlers[6];
static struct tocsin_source source;
static bool has_source;

static int emit(void)
{
    int result;

    strcat(got, "(");
    result = has_source ? tocsin_emit_from(source, signo, NULL) : tocsin_emit(signo, NULL);
    strcat(got, (char[]){ ')', (char)('0' + result), 0 });
    return result;
}

static void drop(void *arg)
{
    dropped[strchr("ABCspn", *(char *)arg) - "ABCspn"]++;
}

static int on_call(const struct tocsin_info *info, void *arg);

static void add(int i)
{
    struct tocsin_action action = {
        .fn = on_call, .arg = (void *)&"ABCspn"[i], .drop = drop, .priority = priority_of(i)
    };

    if (is_sourced(i))
        action.source = source;
    if (i == now.actor && now.nodefer)
        action.flags = TOCSIN_NODEFER;
    ck_assert_int_eq(tocsin_connect("matrix.bell", &action, &handlers[i]),
                     is_sourced(i) && !has_source ? -ENOENT : 0);
}

static void free_source(void)
{
    ck_assert_int_eq(tocsin_source_free(source), 0);
    has_source = false;
}

static void act(void)
{
    if (now.free_loop)
        ck_assert_int_eq(tocsin_loop_free(), 0);
    if (now.nested == BEFORE)
        emit();
    if (freed_first())
        free_source();
    for (int i = 0; i < 6; i++) {
        if (is_target(i) && i >= 3)
            add(i);
        if (is_target(i) && i < 3)
            ck_assert_int_eq(tocsin_disconnect(handlers[i]),
                             is_sourced(i) && freed_first() ? -ENOENT : 0);
    }
    if (freed_last())
        free_source();
    if (now.nested == AFTER)
        emit();
}

static int on_call(const struct tocsin_info *info, void *arg)
{
    (void)info;
    strcat(got, (char[]){ *(char *)arg, 0 });
    for (int i = 0; i < 6 && !strchr(got, ' '); i++)
        /* no drop function may be called in the first emission, where no handler acts */
        ck_assert_int_eq(dropped[i], 0);
    if (*(char *)arg != "ABC"[now.actor] || !armed)
        return TOCSIN_NEXT;
    armed = false;
    act();
    return now.stop ? TOCSIN_STOP : TOCSIN_NEXT;
}

static const char *drawn(void)
{
    static const char *const acts[] = { "does nothing", "connects", "disconnects" };
    static const char *const targets[] = { "itself", "the previous", "the next", "all" };
    static char text[300];
    char *end = text;

    for (int i = 0; i < now.count; i++)
        end += sprintf(end, sourced(i) ? "%s(%c%d)" : "%s%c%d", i ? " -> " : "", "ABC"[i],
                       priority_of(i));
    end += sprintf(end, "   %c: %s%s", "ABC"[now.actor], now.free_loop ? "frees the loop, " : "",
                   now.nested == BEFORE ? "emits, " : "");
    end += sprintf(end, "%s%s %s%s", freed_first() ? "frees the source, " : "", acts[now.act],
                   now.act ? targets[now.target] : "", freed_last() ? ", frees the source" : "");
    end += sprintf(end, "%s%s", now.nested == AFTER ? ", emits" : "",
                   now.nested ? now.nodefer ? " (nested)" : " (deferred)" : "");
    sprintf(end, "%s%s", now.stop ? ", stops" : "", now.quick ? " [quick]" : "");
    return text;
}

static void expect(void)
{
    memset(&model, 0, sizeof model);
    model.source = now.sources != WITHOUT;
    for (int i = 0; i < now.count; i++)
        model.there[i] = true, model.age[i] = model.ages++;
    model_emit();
    if (now.free_loop)
        memset(model.there, 0, sizeof model.there), model.source = false;
    model_write(" ");
    model_emit();
}

static void run_case(void)
{
    int gone;

    has_source = now.sources != WITHOUT;
    if (has_source)
        ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    memset(dropped, 0, sizeof dropped);
    for (int i = 0; i < now.count; i++)
        add(i);
    expect();
    if (now.quick)
        emit();
    got[0] = '\0';
    armed = true;
    emit();
    has_source &= !now.free_loop;
    strcat(got, " ");
    for (int i = gone = 0; i < 6; i++)
        gone += dropped[i];
    /* The drop functions of all disconnected handlers must have been called. No other drop function
       may have been called. */
    for (int i = 0; i < 6; i++)
        ck_assert_msg(dropped[i] == (model.age[i] || i == 0 ? !model.there[i] : 0),
                      "%s: drop of %c", drawn(), "ABCspn"[i]);
    emit();
    ck_assert_msg(strcmp(got, model.text) == 0, "%s\n  expected %s\n  got      %s", drawn(),
                  model.text, got);
    ck_assert_int_eq(tocsin_loop_free(), has_source);
    for (int i = 0; i < 6; i++)
        ck_assert_msg(dropped[i] == (i < now.count || model.age[i]), "%s: drop of %c", drawn(),
                      "ABCspn"[i]);
}

static int run_all(void)
{
    int cases = 0, tried = 0, step = (int)(11 / test_scaled(11, 1, 11));

    for (now.count = 1; now.count <= 3; now.count++)
        for (now.actor = 0; now.actor < now.count; now.actor++)
            for (now.act = NOTHING; now.act <= DISCONNECT; now.act++)
                for (now.target = SELF; now.target <= (now.act ? ALL : SELF); now.target++)
                    for (now.nested = NONE; now.nested <= AFTER; now.nested++)
                        for (now.nodefer = 0; now.nodefer <= 1; now.nodefer++)
                            for (now.stop = 0; now.stop <= 1; now.stop++)
                                for (now.sources = WITHOUT; now.sources <= EVERY_FREED_LAST;
                                     now.sources++)
                                    for (now.free_loop = 0; now.free_loop <= 1; now.free_loop++)
                                        for (now.quick = 0; now.quick <= 1; now.quick++, cases++)
                                            if (cases % step == 0) {
                                                run_case();
                                                tried++;
                                            }
    return tried;
}

static void *thread_run(void *arg)
{
    *(int *)arg = run_all();
    return NULL;
}

/* The allocator keeps some freed blocks for the thread, and counts them as allocated until the
   thread ends. The number of these blocks varies from run to run. So each round runs on a thread of
   its own, which has ended when the test reads the count. */
static size_t allocated_after_round(int *ret_cases)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, thread_run, ret_cases), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return mallinfo2().uordblks;
}

START_TEST(test_E3_the_matrix)
{
    int descriptors = test_descriptors(), cases = 0, cases_again = 0;
    size_t memory;

    /* all allocations use the main arena, since mallinfo2() counts only this arena */
    mallopt(M_ARENA_MAX, 1);
    signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = "matrix.bell" });
    ck_assert_int_gt(signo, 0);
    /* The first round also allocates memory that the library keeps for later rounds. The second
       round must not allocate such memory. */
    memory = allocated_after_round(&cases);
    ck_assert_uint_eq(allocated_after_round(&cases_again), memory);
    ck_assert_int_eq(cases_again, cases);
    ck_assert_int_eq(test_descriptors(), descriptors);
    printf("contract/emission_matrix: %d cases, twice\n", cases);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/emission_matrix");
    TCase *tests = test_case(suite, "matrix");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_E3_the_matrix);
    return suite;
}
