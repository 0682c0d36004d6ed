/* The test makes random operations inside and outside of handlers, and compares them with a
   reference model (model/model.h). The model runs first, and writes a script of operations, handler
   calls and results. Then the library runs the same operations. Each handler call and each result
   must be the next step of the script.

   To show that the test can find errors, the test also runs mutants, which are versions of the
   model with one deliberate error. Each mutant must differ from the library.

   TOCSIN_TEST_SEED repeats a run. TOCSIN_TEST_STEPS makes a run longer. TOCSIN_TEST_TRACE=1 prints
   the operations; TOCSIN_TEST_TRACE=20 prints them from the twentieth loop on. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "delivery/model/script.h"

enum {
    LONG_LIFE = 2000,
    LIFE = 500
}; /* the largest number of operations that one loop executes before the test frees the loop */

const struct script_spec script_specs[MODEL_SIGNALS] = {
    { "random.a", TOCSIN_QUEUED, 0, 3, false },
    { "random.b", TOCSIN_QUEUED, 0, 4, true },
    { "random.c", TOCSIN_COALESCE, 1, 3, false },
    { "random.deep.d", TOCSIN_QUEUED, -1, 5, true },
    { "random.deep.e", TOCSIN_COALESCE, 1, 2, true },
    { "other.f", TOCSIN_QUEUED, 1, 6, false },
    { "random.n%d", TOCSIN_QUEUED, 0, 3, false },
    { "random.deep.n%d", TOCSIN_COALESCE, 2, 4, true },
};

struct life life;
struct step script[SCRIPT];
int written, followed;
long steps, emissions, called;

/* signos[] holds the numbers of the signals that the current loop uses */
static int signos[MODEL_SIGNALS], lives, names_made;
/* the number of the first loop whose operations are printed; 0 means that no loop is printed */
static int trace;
static unsigned long long seed;
/* a child that found the mutant writes to this descriptor; -1 means that no mutant is tested */
static int hunting = -1;

static const char *const words[] = {
    "connect",    "disconnect", "source_new",  "source_free", "block",   "unblock", "sigmask",
    "ignore",     "default",    "emit",        "turn",        "pending", "pended",  "facts",
    "queue_open", "queue_wait", "queue_close", "declare",     "post",    "free",    "",
    "CALL",       "UNHANDLED",  "return",      "done",
};

static void print_step(const struct step *step)
{
    static int depth;
    const struct model_handler *one = &step->handler;
    const struct model_emission *emission = &step->emission;

    depth -= step->what == RETURN || step->what == DONE;
    printf("%*s%s %d", 2 * depth, "", words[step->what], step->at);
    depth += step->what == CALL || step->what < OPERATIONS;
    if (*step->pattern.text)
        printf(" \"%s\"", step->pattern.text);
    if (step->what == CONNECT)
        printf("%s flags %u priority %d source %d mask \"%s\"", one->observer ? " (observer)" : "",
               one->flags, one->priority, one->source, step->mask.text);
    if (step->what == EMIT || step->what == POST || step->what == CALL || step->what == UNHANDLED ||
        step->what == QUEUE_WAIT || step->what == PENDED)
        printf(" %s value %ld source %d overrun %u", life.names[emission->signal], emission->value,
               emission->source, emission->overrun);
    printf(" how %u -> %d\n", step->how, step->result);
}

void script_differs(const char *format, ...)
{
    char text[256];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (hunting >= 0)
        _exit(write(hunting, &steps, sizeof steps) != sizeof steps);
    for (int i = 0; i < written; i++) {
        printf(i == followed ? "=> " : "   ");
        print_step(&script[i]);
    }
    fflush(stdout);
    ck_abort_msg("%s; TOCSIN_TEST_SEED=%llu, step %ld, life %d", text, seed, steps, lives);
}

static void live_on(enum model_mutant mutant, long end, bool fresh, long most)
{
    long begun = steps;

    lives++;
    names_made += fresh;
    life = (struct life){ .over = false };
    for (int i = 0; i < MODEL_SIGNALS; i++) {
        sprintf(life.names[i], script_specs[i].name, names_made);
        life.signos[i] = fresh ? 0 : signos[i];
    }
    script_play_begin(mutant, fresh);
    script_follow_begin();
    while (!life.over) {
        written = followed = 0;
        if (steps - begun >= most || steps >= end)
            script_play_end();
        else
            script_play();
        while (followed < written)
            script_follow();
        script_follow_end();
        for (int i = 0; trace && lives >= trace && i < written; i++)
            print_step(&script[i]);
    }
    memcpy(signos, life.signos, sizeof signos);
}

static void run(enum model_mutant mutant, unsigned long long from, long end)
{
    seed = from;
    script_draw_from(seed);
    steps = emissions = called = 0;
    for (int i = 0; steps < end; i++)
        live_on(mutant, end, i % 8 == 0, i % 7 == 0 ? LONG_LIFE : LIFE);
}

static unsigned long long choose_seed(void)
{
    const char *chosen = getenv("TOCSIN_TEST_SEED");

    trace = getenv("TOCSIN_TEST_TRACE") ? atoi(getenv("TOCSIN_TEST_TRACE")) : 0;
    return chosen ? strtoull(chosen, NULL, 0)
                  : (unsigned long long)time(NULL) * 1000003 + (unsigned long long)getpid();
}

static long choose_steps(void)
{
    const char *longer = getenv("TOCSIN_TEST_STEPS");

    return longer ? atol(longer) : test_scaled(1000000, 10, 100);
}

START_TEST(the_library_agrees_with_the_model)
{
    struct timespec from, to;
    unsigned long long chosen = choose_seed();

    printf("delivery/fuzz_model: TOCSIN_TEST_SEED=%llu\n", chosen);
    fflush(stdout);
    clock_gettime(CLOCK_MONOTONIC, &from);
    run(0, chosen, choose_steps());
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("delivery/fuzz_model: %ld operations, %ld emissions, %ld calls, %d loops; %.0f "
           "operations a "
           "second\n",
           steps, emissions, called, lives,
           (double)steps /
               ((double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec)));
}
END_TEST

START_TEST(the_same_seed_makes_the_same_steps)
{
    unsigned long long chosen = choose_seed();
    long was[3];

    run(0, chosen, 3000);
    was[0] = steps, was[1] = emissions, was[2] = called;
    run(0, chosen, 3000);
    ck_assert(steps == was[0] && emissions == was[1] && called == was[2]);
    run(0, chosen + 1, 3000);
    ck_assert(emissions != was[1] || called != was[2]);
}
END_TEST

static const char *const mutants[MODEL_MUTANTS] = {
    NULL,
    "blocks do not count",
    "the highest rank comes first",
    "a flush has no bound",
    "ONCE is disconnected after its call",
    "what is ignored is not pended",
    "of what is merged the first is kept",
    "action.mask is not lifted",
    "observers handle",
    "a handler is called that was connected by the running delivery",
    "of equals the newest comes first",
    "STOP stops observers too",
    "posts of a coalescing signal do not merge",
    "what was posted overtakes what is pended",
    "a flush nests in what it delivers",
    "a default action overtakes what is pended",
    "what runs without a handler is not held",
};

/* Looks in a child process for a difference between the library and a mutant. A child process is
   needed, since the library cannot continue after a call that differs from the model. */
static long hunt(enum model_mutant which, unsigned long long from, long end)
{
    int ends[2], status;
    long found = -1;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        hunting = ends[1];
        run(which, from, end);
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &found, sizeof found) != sizeof found)
        found = -1;
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return found;
}

START_TEST(a_mutant_is_found)
{
    unsigned long long chosen = choose_seed();
    long found = hunt((enum model_mutant)_i, chosen, 1000000);

    printf("delivery/fuzz_model: mutant %d, %s: found at step %ld, TOCSIN_TEST_SEED=%llu\n", _i,
           mutants[_i], found, chosen);
    fflush(stdout);
    ck_assert_int_gt(found, 0);
    /* Without the mutation, the same run finds no difference. */
    ck_assert_int_eq(hunt(0, chosen, found), -1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/fuzz_model");
    TCase *tests = test_case(suite, "model"), *again = test_case(suite, "same seed"),
          *hunts = test_case(suite, "mutants");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_library_agrees_with_the_model);
    tcase_add_test(again, the_same_seed_makes_the_same_steps);
    tcase_set_timeout(hunts, 60);
    tcase_add_loop_test(hunts, a_mutant_is_found, 1, MODEL_MUTANTS);
    return suite;
}
