/* Functions that the benchmarks share: options, rows of the output, clocks, medians of interleaved
   runs, child processes, and instruction counts. */
#ifndef BENCH_H
#define BENCH_H

#include <math.h> /* for the constant NAN, which means that no value could be measured */
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* true if the option --quick was given: the program makes fewer and shorter runs. */
extern bool bench_quick;

/* Reads the command line. On --help or a wrong option it prints the usage and ends the program. */
void bench_begin(int argc, char **argv, const char *summary);

/* Returns the exit status. The status is 1 if a row of tocsin has no value, or if the rows could
   not be written. */
int bench_end(void);

/* Prints a row: who, case, value, unit, ratio, against. The ratio is value / base. If against is
   NULL, the row has no ratio. */
void bench_row(const char *who, const char *what, double value, const char *unit,
               const char *against, double base);

/* Prints a row without a value, for a peer that is not installed. A remark should say which program
   or library is missing. */
void bench_none(const char *who, const char *what, const char *unit);

__attribute__((format(printf, 1, 2))) void bench_remark(const char *format, ...);

uint64_t bench_ns(void); /* returns the time of the monotonic clock */
/* returns the user and system time of this process, with all of its threads */
double bench_cpu_us(void);

/* The type of a function that runs the measured code `count` times. */
typedef void (*bench_repeat)(void *arg, long count);

/* Returns the nanoseconds of one repetition: the minimum of several batches. Each batch is long
   enough for the clock. */
double bench_time(bench_repeat repeat, void *arg);

double bench_median(const double *values, int count);

struct bench_side {
    const char *who;
    double (*measure)(void *arg); /* returns NAN if no value could be measured */
    void *arg;
    double value; /* the median of the values that were measured */
};

enum { BENCH_SIDES = 8, BENCH_PAIRS = 16 };

/* Measures the given functions one after the other, first forwards and then backwards. So a machine
   that becomes slower or faster affects all of them equally. */
void bench_interleave(struct bench_side *sides, int count, int pairs);

/* Calls measure(arg) in a forked child and returns its result. Returns NAN if the child fails or
   takes more than two minutes. */
double bench_forked(double (*measure)(void *arg), void *arg);

/* A helper program of a benchmark. Its last argument is "ns", which prints the result of
   bench_time, or a number N, which runs the code N times. The program bench/emit accepts such an
   argument, too. */
enum { BENCH_WORDS = 6 };
struct bench_command {
    /* the program and its arguments without the last one, and then NULL */
    const char *words[BENCH_WORDS];
};

int bench_obey(const char *how, bench_repeat repeat, void *arg);
double bench_command_ns(void *command);

/* Returns the instructions of one repetition: (Ir(2N) - Ir(N)) / N. Here Ir(N) is the count of
   callgrind for N repetitions. Only the functions of one object file count: `object` is the
   beginning of its name. If `object` is NULL, all functions count, except functions named bench_…,
   which are the benchmark's own loop and handlers. */
double bench_command_instructions(const struct bench_command *command, const char *object);

/* Returns true if the program is installed, which means that it accepts --version. */
bool bench_has(const char *program);

/* Returns the path of a file that was built with this program, or that lies beside its source.
   Returns NULL if there is no such file. The caller frees the path. */
char *bench_find(const char *name);
/* returns the path of this program's executable, not of the wrapper that libtool makes */
const char *bench_self(void);

/* Forks a child that ends when this process ends. Returns the same as fork(2). */
int bench_fork(void);

#ifdef __cplusplus
}
#endif
#endif
