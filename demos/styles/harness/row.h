/* The result of one style, in memory that its process shares with the parent. */
#ifndef ROW_H
#define ROW_H

#include <stdatomic.h>
#include <stdint.h>

enum { ROW_CELLS = 240 };

struct row {
    atomic_int ended; /* fetches that have ended, updated during the run */
    int complete;     /* the style has ended, and all members are set */
    int status;       /* the result of the style */
    int left;         /* operations and handlers left on its loop */
    double wall_ms, cpu_ms;
    int in_flight_max;
    long memory_peak_kib;
    int64_t fetches, bytes, failures;
    float timeline[ROW_CELLS]; /* fetches in flight: the mean of each part of the run, all equally
                                  long */
};

#endif
