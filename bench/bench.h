/* What the benches share: options, rows, clocks, medians of interleaved runs, child processes, and counting instructions. */
#ifndef BENCH_H
#define BENCH_H

#include <math.h>                         /* NAN: could not be measured */
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --quick: fewer and shorter runs. */
extern bool bench_quick;

/* Reads the command line; answers --help and wrong options itself, by ending the program. */
void bench_begin(int argc, char **argv, const char *summary);

/* The program's exit status: 1 if a row of tocsin's has no value or the rows could not be written. */
int bench_end(void);

/* One row: who, case, value, unit, ratio, against. The ratio is value over base. against NULL: none. */
void bench_row(const char *who, const char *what, double value, const char *unit, const char *against, double base);

/* A row that nobody is to blame for: something is not installed. Say what with a remark. */
void bench_none(const char *who, const char *what, const char *unit);

__attribute__((format(printf, 1, 2))) void bench_remark(const char *format, ...);

uint64_t bench_ns(void);                  /* monotonic */
double bench_cpu_us(void);                /* user and system time of this process, all its threads */

/* Repeats something so many times. */
typedef void (*bench_repeat)(void *arg, long count);

/* Nanoseconds a repetition: the least of several batches, each long enough for the clock. */
double bench_time(bench_repeat repeat, void *arg);

double bench_median(const double *values, int count);

struct bench_side {
    const char *who;
    double (*measure)(void *arg);         /* NAN: it cannot be */
    void *arg;
    double value;                         /* the median */
};

enum { BENCH_SIDES = 8, BENCH_PAIRS = 16 };

/* Measures the sides in turn, forwards and backwards, so that a drift of the machine meets them alike. */
void bench_interleave(struct bench_side *sides, int count, int pairs);

/* What measure(arg) answers in a forked child; NAN if that dies or takes more than two minutes. */
double bench_forked(double (*measure)(void *arg), void *arg);

/* Helper programs, and emit itself, take a last word: "ns" prints bench_time, a number repeats exactly so often. */
enum { BENCH_WORDS = 6 };
struct bench_command { const char *words[BENCH_WORDS]; };      /* without that last word; NULL ends it */

int bench_obey(const char *how, bench_repeat repeat, void *arg);
double bench_command_ns(void *command);

/* Instructions a repetition, (Ir(2N) - Ir(N)) / N under callgrind: those of the functions of one object file, by the
   beginning of its name; object NULL: of all functions that are not named bench_…, the loop's and the handler's. */
double bench_command_instructions(const struct bench_command *command, const char *object);

bool bench_has(const char *program);     /* it is installed: it answers --version */

/* A file that was built or stands beside this program; NULL: it is not there. The caller frees it. */
char *bench_find(const char *name);
const char *bench_self(void);             /* the real file of this program, not libtool's wrapper */

/* A child that does not outlive this process; 0 in the child, as fork(2). */
int bench_fork(void);

#ifdef __cplusplus
}
#endif
#endif
