#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for memfd_create() */
#endif
#include "bench.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool bench_quick;
static bool unmeasured;

/* The command line */

static void usage(FILE *to, const char *program, const char *summary)
{
    const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;

    if (!strncmp(name, "lt-", 3)) /* libtool puts this prefix before the name of the executable */
        name += 3;
    fprintf(to,
            "usage: %s [--quick]\n%s\n"
            "Prints rows of six tab-separated fields: who, case, value, unit, ratio, against.\n"
            "  --quick  fewer and shorter runs\n"
            "  --help   print this help\n",
            name, summary);
}

void bench_begin(int argc, char **argv, const char *summary)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            bench_quick = true;
        } else if (!strcmp(argv[i], "--help")) {
            usage(stdout, argv[0], summary);
            exit(fflush(stdout) ? 1 : 0);
        } else {
            fprintf(stderr, "unknown option '%s'\n", argv[i]);
            usage(stderr, argv[0], summary);
            exit(2);
        }
    }
}

int bench_end(void)
{
    bool unwritten = fflush(stdout) || ferror(stdout);

    if (unwritten)
        perror("cannot write the standard output");
    return unmeasured || unwritten;
}

/* Rows */

static void print_number(double value)
{
    if (isnan(value))
        printf("\t-");
    else if (fabs(value - round(value)) < 1e-9)
        printf("\t%.0f", value);
    else
        printf("\t%.3f", value);
}

static void print_row(const char *who, const char *what, double value, const char *unit,
                      const char *against, double ratio)
{
    printf("%s\t%s", who, what);
    print_number(value);
    printf("\t%s", unit);
    print_number(ratio);
    printf("\t%s\n", isnan(ratio) ? "-" : against);
    /* fflush() writes each row at once; otherwise a forked child would print the buffered row
       again */
    fflush(stdout);
}

void bench_row(const char *who, const char *what, double value, const char *unit,
               const char *against, double base)
{
    if (isnan(value) && !strcmp(who, "tocsin"))
        unmeasured = true;
    print_row(who, what, value, unit, against, against && base > 0 ? value / base : NAN);
}

void bench_none(const char *who, const char *what, const char *unit)
{
    print_row(who, what, NAN, unit, NULL, NAN);
}

void bench_remark(const char *format, ...)
{
    va_list list;

    printf("# ");
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
    fflush(stdout);
}

/* Time */

uint64_t bench_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double us_of(struct timeval time)
{
    return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

double bench_cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return us_of(usage.ru_utime) + us_of(usage.ru_stime);
}

static uint64_t batch_ns(bench_repeat repeat, void *arg, long count)
{
    uint64_t begin = bench_ns();

    repeat(arg, count);
    return bench_ns() - begin;
}

double bench_time(bench_repeat repeat, void *arg)
{
    const uint64_t enough = bench_quick ? 500 * 1000 : 2000 * 1000;
    uint64_t least = UINT64_MAX;
    long count = 1;

    while (batch_ns(repeat, arg, count) < enough && count < LONG_MAX / 2)
        count *= 2;
    for (int batch = 0; batch < 9; batch++) {
        uint64_t ns = batch_ns(repeat, arg, count);

        if (ns < least)
            least = ns;
    }
    return (double)least / (double)count;
}

/* Medians */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double bench_median(const double *values, int count)
{
    double *sorted = malloc(sizeof(double) * (size_t)(count > 0 ? count : 1));
    double median = NAN;

    if (sorted && count > 0) {
        memcpy(sorted, values, sizeof(double) * (size_t)count);
        qsort(sorted, (size_t)count, sizeof(double), by_value);
        median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    }
    free(sorted);
    return median;
}

void bench_interleave(struct bench_side *sides, int count, int pairs)
{
    double values[BENCH_SIDES][BENCH_PAIRS];
    bool missing[BENCH_SIDES] = { false };

    for (int pair = 0; pair < pairs; pair++)
        for (int i = 0; i < count; i++) {
            int side = pair % 2 ? count - 1 - i : i;

            if (missing[side])
                continue;
            values[side][pair] = sides[side].measure(sides[side].arg);
            missing[side] = isnan(values[side][pair]);
        }
    for (int side = 0; side < count; side++)
        sides[side].value = missing[side] ? NAN : bench_median(values[side], pairs);
}

/* Child processes */

int bench_fork(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        /* The alarm ends a child that hangs. An alarm survives exec, so it also ends an executed
           program. */
        alarm(120);
    }
    return pid;
}

static bool ended_well(pid_t pid)
{
    int status = 0;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

double bench_forked(double (*measure)(void *arg), void *arg)
{
    double value = NAN;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC))
        return NAN;
    if ((pid = bench_fork()) == 0) {
        value = measure(arg);
        _exit(write(ends[1], &value, sizeof value) != sizeof value);
    }
    close(ends[1]);
    if (read(ends[0], &value, sizeof value) != sizeof value)
        value = NAN;
    close(ends[0]);
    return pid > 0 && ended_well(pid) ? value : NAN;
}

/* Executes another program, whose standard output is this descriptor. Does not return. */
static void become(const char **words, int output, bool quiet)
{
    dup2(output, STDOUT_FILENO);
    if (quiet)
        dup2(output, STDERR_FILENO);
    execvp(words[0], (char **)(uintptr_t)words);
    _exit(127);
}

static int words_of(const struct bench_command *command, const char **words)
{
    int count = 0;

    while (count < BENCH_WORDS && command->words[count]) {
        words[count] = command->words[count];
        count++;
    }
    return count;
}

static double read_number(int from)
{
    char text[64], *end = text;
    ssize_t length = 0, got;

    while ((got = read(from, text + length, sizeof text - 1 - (size_t)length)) > 0)
        length += got;
    text[length] = 0;
    double value = strtod(text, &end);
    return end == text ? NAN : value;
}

double bench_command_ns(void *command)
{
    const char *words[BENCH_WORDS + 2] = { NULL };
    double value;
    int ends[2];
    pid_t pid;

    words[words_of(command, words)] = bench_quick ? "ns-quick" : "ns";
    if (pipe2(ends, O_CLOEXEC))
        return NAN;
    if ((pid = bench_fork()) == 0)
        become(words, ends[1], false);
    close(ends[1]);
    value = read_number(ends[0]);
    close(ends[0]);
    return pid > 0 && ended_well(pid) ? value : NAN;
}

int bench_obey(const char *how, bench_repeat repeat, void *arg)
{
    bench_quick = !strcmp(how, "ns-quick");
    if (bench_quick || !strcmp(how, "ns"))
        printf("%.6f\n", bench_time(repeat, arg));
    else
        repeat(arg, atol(how));
    return fflush(stdout) ? 1 : 0;
}

/* Files */

const char *bench_self(void)
{
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

    path[length > 0 ? length : 0] = 0;
    return path;
}

static char *readable(const char *folder, const char *between, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s%s/%s", folder, between, name) < 0)
        return NULL;
    if (!access(path, R_OK))
        return path;
    free(path);
    return NULL;
}

/* Looks for a file in the folder of this program, and in the folder bench/ of each folder above
   this folder. So the program in build/bench/.libs finds build/bench/NAME, and bench/NAME in the
   sources if the build folder is inside the sources. Otherwise BENCH_SOURCE names the sources. */
char *bench_find(const char *name)
{
    char *folder = strdup(bench_self()), *slash, *found = NULL;
    const char *between = "";

    while (folder && !found && (slash = strrchr(folder, '/'))) {
        *slash = 0;
        found = readable(folder, between, name);
        between = "/bench";
    }
    free(folder);
#ifdef BENCH_SOURCE
    if (!found)
        found = readable(BENCH_SOURCE, "", name);
#endif
    return found;
}

/* Instructions */

/* callgrind writes the name of an object or a function only once, as "(7) name", and later only
   "(7)". So this table records for each number whether the costs of its name must be counted. */
enum { NUMBERS = 1 << 17 };
struct marks {
    unsigned char is[NUMBERS];
};

static bool marked(struct marks *marks, const char *text,
                   bool (*looks)(const char *name, const char *wanted), const char *wanted)
{
    char *end;
    unsigned long number = strtoul(text + 1, &end, 10);

    if (*text != '(' || *end != ')' || number >= NUMBERS)
        return false;
    if (end[1] == ' ')
        marks->is[number] = looks(end + 2, wanted);
    return marks->is[number];
}

static bool is_object(const char *name, const char *wanted)
{
    const char *slash = strrchr(name, '/');

    return !strncmp(slash ? slash + 1 : name, wanted, strlen(wanted));
}

static bool is_function(const char *name, const char *wanted)
{
    return !strncmp(name, wanted, strlen(wanted));
}

struct profile {
    /* The beginning of the object's name. If `object` is NULL, the costs of all functions count,
       except functions named bench_…. */
    const char *object;
    struct marks objects, functions;
    bool in_object, in_ours, inclusive;
    uint64_t own;
};

static void read_cost(struct profile *profile, const char *line)
{
    bool counts = profile->object ? profile->in_object : !profile->in_ours;
    const char *cost = strchr(line, ' ');

    if (counts && !profile->inclusive && cost)
        profile->own += strtoull(cost, NULL, 10);
    profile->inclusive = false;
}

/* Reads a line of a profile in Callgrind's format. The lines ob= and fn= name the object file and
   the function of the costs that follow. The lines cob= and cfn= name those of a callee, and may be
   the first ones with this name. The line after calls= is skipped, since it repeats the cost of the
   callee. */
static void read_line(struct profile *profile, const char *line)
{
    const char *object = profile->object ? profile->object : "";

    if (strchr("0123456789+-*", *line))
        read_cost(profile, line);
    else if (!strncmp(line, "ob=", 3))
        profile->in_object = marked(&profile->objects, line + 3, is_object, object);
    else if (!strncmp(line, "cob=", 4))
        marked(&profile->objects, line + 4, is_object, object);
    else if (!strncmp(line, "fn=", 3))
        profile->in_ours = marked(&profile->functions, line + 3, is_function, "bench_");
    else if (!strncmp(line, "cfn=", 4))
        marked(&profile->functions, line + 4, is_function, "bench_");
    else if (!strncmp(line, "calls=", 6))
        profile->inclusive = true;
}

static double read_profile(int from, const char *object)
{
    struct profile *profile = calloc(1, sizeof *profile);
    FILE *file = fdopen(from, "r");
    char *line = NULL;
    size_t room = 0;
    double own = NAN;

    if (profile && file) {
        profile->object = object;
        while (getline(&line, &room, file) > 0)
            if (*line != '\n')
                read_line(profile, line);
        own = profile->own ? (double)profile->own : NAN;
    }
    if (file)
        fclose(file);
    free(line);
    free(profile);
    return own;
}

/* callgrind writes the profile through a descriptor of the parent into memory, so no file is left
   behind. */
static double profile_of(const struct bench_command *command, const char *count, const char *object)
{
    const char *words[BENCH_WORDS + 8] = { "valgrind", "-q", "--tool=callgrind", NULL };
    char output[64];
    int file = memfd_create("callgrind", MFD_CLOEXEC),
        nothing = open("/dev/null", O_WRONLY | O_CLOEXEC), length = 4;
    pid_t pid;

    snprintf(output, sizeof output, "--callgrind-out-file=/proc/%d/fd/%d", (int)getpid(), file);
    words[3] = output;
    length += words_of(command, words + 4);
    words[length] = count;
    if ((pid = bench_fork()) == 0)
        become(words, nothing, true);
    close(nothing);
    if (pid > 0 && ended_well(pid) && !lseek(file, 0, SEEK_SET))
        return read_profile(file, object);
    close(file);
    return NAN;
}

double bench_command_instructions(const struct bench_command *command, const char *object)
{
    return (profile_of(command, "20000", object) - profile_of(command, "10000", object)) / 10000;
}

bool bench_has(const char *program)
{
    const char *words[] = { program, "--version", NULL };
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pid_t pid = bench_fork();

    if (pid == 0)
        become(words, nothing, true);
    close(nothing);
    return pid > 0 && ended_well(pid);
}
