/* Compares tocsin with the kernel. The test runs random sequences of operations on real-time
   signals of the kernel, and the same sequences on signals of tocsin. Each run has a child process
   of its own. Deliveries, order, values, refusals and the death of the process must be the same.
   Two variants of tocsin have an error on purpose, and the test must find both.

   TOCSIN_ORACLE_SEED repeats a run, TOCSIN_ORACLE_COUNT sets the number of sequences, and
   TOCSIN_ORACLE_FIRST sets the first sequence. Without TOCSIN_ORACLE_SEED the first 100 sequences
   are always the same, so that the test finds the errors of the variants in each run. The test has
   a main function of its own. The last line that it prints has the form of a summary of Check. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract/oracle.h"

enum { COUNT = 5000, CAUGHT_WITHIN = 100, SHOWN = 3, LIMITED = 6, EARLY_SEED = 12 };

static struct sequence sequence;
static struct log expected, *judge, *twin; /* the child processes write these three logs */
static struct room room;
/* true if the kernel's signals are not usable, so tocsin is compared with the model only */
static bool alone;
static unsigned long long seed, early_seed;
static long limited, disturbed, differences, mistaken, died;
/* 1 + the number of the sequence in which this variant's error was found; 0 means not found */
static long caught[TWINS];

static long number_from(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? atol(text) : otherwise;
}

/* a pseudo-random number, made from x by the algorithm splitmix64 */
static unsigned long long mixed(unsigned long long x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* These functions run a sequence with the kernel and with tocsin, each in a child process. */

static void prepare_child(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    signal(SIGALRM, SIG_DFL);
    /* the alarm ends a child that hangs */
    alarm((unsigned)(20 * number_from("CK_TIMEOUT_MULTIPLIER", 1)));
}

/* Waits for the child and completes the child's log. If the log does not name the signal that
   killed the child, the wait status names it. The log names the signal if the default action wrote
   it, or if an observer saw it. */
static void bury(pid_t child, struct log *log)
{
    int status;

    if (child < 0 || waitpid(child, &status, 0) != child)
        log->died = ODD;
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && log->seen)
        log->died = log->seen;
    else if (WIFSIGNALED(status) && !(WTERMSIG(status) == SIGKILL && log->died))
        log->died = WTERMSIG(status) >= SIGRTMIN && WTERMSIG(status) < SIGRTMIN + NUMBERS
                        ? WTERMSIG(status) - SIGRTMIN + 1
                        : ODD + status;
    else if (WIFEXITED(status) && status)
        log->died = ODD + status;
}

static void ask_kernel(void)
{
    pid_t child;

    if (alone) {
        *judge = expected;
        return;
    }
    child = fork();

    if (!child) {
        prepare_child();
        oracle_kernel(&room, &sequence, judge);
    }
    bury(child, judge);
}

static void ask_tocsin(enum twin which)
{
    pid_t child = fork();

    if (!child) {
        prepare_child();
        oracle_tocsin(which, &sequence, twin);
    }
    bury(child, twin);
}

static bool agree(const struct log *one, const struct log *other)
{
    return one->count == other->count && one->died == other->died &&
           (!one->died || one->step == other->step) &&
           !memcmp(one->entries, other->entries, (size_t)one->count * sizeof one->entries[0]);
}

/* These functions shrink a sequence in which the kernel and tocsin differ. An operation is removed
   if the two still differ without it, and if the sequence still follows the rules of the model. */

static bool still_differs(void)
{
    if (!oracle_model_expect(&sequence, &expected))
        return false;
    ask_kernel();
    ask_tocsin(RIGHT);
    return agree(&expected, judge) && !agree(judge, twin);
}

static void shrink(void)
{
    bool smaller;

    do {
        smaller = false;
        for (int at = sequence.count - 1; at > 0; at--) {
            int kind = sequence.ops[at].kind;

            sequence.ops[at].kind = VOID;
            if (kind != VOID && still_differs())
                smaller = true;
            else
                sequence.ops[at].kind = kind;
        }
    } while (smaller);
    still_differs();
}

static void show_side(const struct log *log, int at)
{
    if (at < log->count)
        oracle_print_entry(stdout, &sequence, &log->entries[at]);
    else
        printf("%-34s",
               at == log->count && log->died ? log->died < ODD ? "died" : "died oddly" : "");
}

static void show(long number)
{
    int most = judge->count > twin->count ? judge->count : twin->count;

    printf("sequence %ld of TOCSIN_ORACLE_SEED=%llu, limit %d, default action %s:\n", number,
           number < CAUGHT_WITHIN ? early_seed : seed, sequence.limit,
           sequence.aborts ? "TOCSIN_ABORT" : "a function");
    oracle_print(stdout, &sequence);
    printf("  %-34s%-34s%s\n", "the kernel", "tocsin", "the model");
    for (int i = 0; i <= most || i <= expected.count; i++) {
        bool same = i < judge->count && i < twin->count &&
                    !memcmp(&judge->entries[i], &twin->entries[i], sizeof judge->entries[0]);

        fputs(same || (i >= judge->count && i >= twin->count) ? "  " : "! ", stdout);
        show_side(judge, i);
        show_side(twin, i);
        show_side(&expected, i);
        putchar('\n');
    }
    printf("died (number + 1, step): %d at %d, %d at %d, %d at %d\n", judge->died, judge->step,
           twin->died, twin->step, expected.died, expected.step);
}

/* Runs the variants of tocsin that have a deliberate error. The test has found the error of a
   variant if the variant and the kernel differ in this sequence. */
static void try_wrong_ones(long number)
{
    for (int which = RIGHT + 1; which < TWINS; which++) {
        if (caught[which])
            continue;
        ask_tocsin(which);
        if (!agree(judge, twin))
            caught[which] = number + 1;
    }
}

static void report_difference(long number)
{
    *(agree(judge, twin) ? &mistaken : &differences) += 1;
    if (differences + mistaken > SHOWN)
        return;
    show(number);
    if (agree(judge, &expected)) {
        shrink();
        puts("shrunk:");
        show(number);
    }
}

static void judge_one(long number, bool early)
{
    int limit = 0;

    if ((alone || room.how != NO_ROOM) && number % LIMITED == 0)
        limit = 1 + (int)(number / LIMITED % 5);
    oracle_draw(mixed(mixed(number < CAUGHT_WITHIN ? early_seed : seed) +
                      (unsigned long long)number),
                limit, &sequence, &expected);
    /* under valgrind no sequence aborts, since valgrind prints a long text at each abort */
    sequence.aborts = sequence.aborts && !alone;
    ask_kernel();
    if (limit && room.how == ABOVE_BASE && !agree(&expected, judge)) {
        /* another process of this user has queued signals meanwhile, so this sequence does not
           count */
        disturbed++;
        return;
    }
    limited += limit > 0;
    ask_tocsin(RIGHT);
    if (!agree(judge, twin) || !agree(judge, &expected)) {
        report_difference(number);
        return;
    }
    died += judge->died > 0;
    if (early)
        try_wrong_ones(number);
}

/* Functions that print the result of the whole run */

static int failed_checks;

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    printf("failed: %s\n", what);
    failed_checks++;
}

/* Checks that the sequences contain each kind of operation and of result often enough: 100 times in
   5,000 sequences. Fewer sequences are drawn by chance, so they may contain half as many. */
static bool often_enough(long count)
{
    bool enough = true;

    for (int i = 0; oracle_tallies[i]; i++) {
        bool refusal = !strncmp(oracle_tallies[i], "refused", 7);
        long most = count < COUNT ? count / 2 : count;
        bool rare = oracle_tally[i] * COUNT < 100 * most && !(refusal && !limited);

        printf("  %-36s %8ld%s\n", oracle_tallies[i], oracle_tally[i], rare ? "  too rare" : "");
        enough = enough && !rare;
    }
    return enough;
}

static bool report_caught(enum twin which, const char *how)
{
    if (caught[which])
        printf("caught: the twin that %s, by sequence %ld\n", how, caught[which]);
    return caught[which];
}

/* Prints why the kernel's limit of queued signals could not be tested, if that is so. Returns the
   result for the last line of the output. */
static const char *full_queue(void)
{
    static char text[128];

    if (disturbed * 10 > limited)
        room = (struct room){ NO_ROOM, 0, "others of this user queue signals" };
    else if (room.how != NO_ROOM && !limited)
        room = (struct room){ NO_ROOM, 0, "too few sequences" };
    if (alone)
        puts(
            "skip: t/contract/fuzz_posix_oracle: the kernel, a model stood in for it: valgrind has "
            "signals of its own");
    else if (room.how == NO_ROOM)
        printf("skip: t/contract/fuzz_posix_oracle: a full queue: %s\n", room.why);
    else
        printf("full queue: %ld sequences, %s; %ld more were disturbed\n", limited,
               room.how == OF_A_USER ? "of an unused user" : "above what the user had queued",
               disturbed);
    if (room.how != NO_ROOM)
        return "full-queue tested";
    snprintf(text, sizeof text, "full-queue skipped: %s", room.why);
    return text;
}

static void sum_up(long count)
{
    const char *full = full_queue();
    bool few = count < CAUGHT_WITHIN;

    if (mistaken)
        printf("%ld sequences where the model is mistaken\n", mistaken);
    check(!differences && !mistaken, "the kernel and tocsin agree, and the model with both");
    check(often_enough(count) || few, "each operation and each outcome is there often enough");
    check(report_caught(DROPS_BLOCKED, "drops what is ignored though it is blocked") || few,
          "a twin that drops what is ignored is caught");
    check(report_caught(HIGHEST_FIRST, "delivers the highest first") || few,
          "a twin that delivers the highest first is caught");
    printf("%d%%: Checks: 4, Failures: %d, Errors: 0\n", (4 - failed_checks) * 25, failed_checks);
    printf("posix_oracle: %ld sequences, seed %llu, %ld differences, %ld died alike, %s\n", count,
           seed, differences, died, full);
}

static struct log *shared(void)
{
    void *log = mmap(NULL, sizeof *judge, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);

    if (log == MAP_FAILED) {
        perror("mmap");
        exit(EXIT_FAILURE);
    }
    return log;
}

/* Returns true under valgrind. There, real-time signals do not behave like the kernel's, since
   valgrind implements them itself. */
static bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded && strstr(preloaded, "/vgpreload_");
}

int main(void)
{
    long patience = number_from("CK_TIMEOUT_MULTIPLIER", 1);
    long count = number_from("TOCSIN_ORACLE_COUNT", patience > 1 ? COUNT / patience : COUNT);
    long first = number_from("TOCSIN_ORACLE_FIRST", 0);

    alone = under_valgrind();
    seed = (unsigned long long)number_from("TOCSIN_ORACLE_SEED", (long)time(NULL));
    early_seed = (unsigned long long)number_from("TOCSIN_ORACLE_SEED", EARLY_SEED);
    setvbuf(stdout, NULL, _IOLBF, 0);
    judge = shared();
    twin = shared();
    room = alone ? (struct room){ NO_ROOM, 0, "valgrind has signals of its own" } : oracle_room();
    for (long number = first; number < first + count; number++)
        judge_one(number, number < first + CAUGHT_WITHIN);
    sum_up(count);
    return failed_checks ? EXIT_FAILURE : EXIT_SUCCESS;
}
