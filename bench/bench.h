/* Shared by the benchmarks: options, rows, clocks, medians of interleaved runs, child processes,
   and instruction counts. */
#ifndef BENCH_H
#define BENCH_H

#include <math.h> /* NAN: no value could be measured */
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --quick: fewer and shorter runs. */
extern bool bench_quick;

/* Reads the command line. On --help or a wrong option it prints the usage and ends the program. */
void bench_begin(int argc, char **argv, const char *summary);

/* Returns the exit status: 1 if a row of tocsin has no value or the rows could not be written. */
int bench_end(void);

/* Prints a row: who, case, value, unit, ratio, against. The ratio is value / base. against NULL: no
   ratio. */
void bench_row(const char *who, const char *what, double value, const char *unit,
               const char *against, double base);

/* Prints a row without a value, for a peer that is not installed. A remark should say what is
   missing. */
void bench_none(const char *who, const char *what, const char *unit);

__attribute__((format(printf, 1, 2))) void bench_remark(const char *format, ...);

uint64_t bench_ns(void);   /* the monotonic clock */
double bench_cpu_us(void); /* user and system time of this process, all its threads */

/* Runs the measured code count times. */
typedef void (*bench_repeat)(void *arg, long count);

/* Nanoseconds per repetition: the minimum of several batches, each long enough for the clock. */
double bench_time(bench_repeat repeat, void *arg);

double bench_median(const double *values, int count);

struct bench_side {
    const char *who;
    double (*measure)(void *arg); /* returns NAN if no value could be measured */
    void *arg;
    double value; /* the median of the measured values */
};

enum { BENCH_SIDES = 8, BENCH_PAIRS = 16 };

/* Measures the sides in turn, forwards and backwards, so that a drift of the machine affects all
   sides equally. */
void bench_interleave(struct bench_side *sides, int count, int pairs);

/* Calls measure(arg) in a forked child and returns its result. Returns NAN if the child fails or
   takes more than two minutes. */
double bench_forked(double (*measure)(void *arg), void *arg);

/* Possible values of the last argument of a helper program: "ns" prints the result of bench_time; a
   number N runs the code N times. The program bench/emit accepts such an argument, too. */
enum { BENCH_WORDS = 6 };
struct bench_command {
    const char *words[BENCH_WORDS]; /* program and arguments without the last; then NULL */
};

int bench_obey(const char *how, bench_repeat repeat, void *arg);
double bench_command_ns(void *command);

/* Returns the instructions per repetition: (Ir(2N) - Ir(N)) / N, where callgrind counts Ir(N) for N
   repetitions. Only functions of one object file count: object is the beginning of its name. object
   NULL: all functions count, except those named bench_…, which are the loop and the handlers. */
double bench_command_instructions(const struct bench_command *command, const char *object);

/* true if the program is installed, that is, accepts --version */
bool bench_has(const char *program);

/* The path of a file that was built with this program, or lies beside its source; NULL: not found.
   The caller frees it. */
char *bench_find(const char *name);
const char *bench_self(void); /* the executable of this program, not the wrapper of libtool */

/* Forks a child that ends with this process. Returns as fork(2). */
int bench_fork(void);

#ifdef __cplusplus
}
#endif
#endif
