/* The result of one style. Its memory is shared between the process of the style and the parent. */
#ifndef ROW_H
#define ROW_H

#include <stdatomic.h>
#include <stdint.h>

enum { ROW_CELLS = 240 };

struct row {
    atomic_int ended; /* the number of fetches that have ended; updated during the run */
    int complete;     /* true when the style has ended and all members are set */
    int status;       /* the result of the style */
    int left;         /* the number of operations and handlers that were left on the style's loop */
    double wall_ms, cpu_ms;
    int in_flight_max;
    long memory_peak_kib;
    int64_t fetches, bytes, failures;
    /* the mean number of fetches in flight, for each of ROW_CELLS equal parts of the run */
    float timeline[ROW_CELLS];
};

#endif
