/* What one style did. It lies in memory that the style's process shares with the demonstration. */
#ifndef ROW_H
#define ROW_H

#include <stdatomic.h>
#include <stdint.h>

enum { ROW_CELLS = 240 };

struct row {
    atomic_int ended;                     /* fetches, while it runs */
    int complete;                         /* it came to its end, and what follows is set */
    int status;                           /* what the style answered */
    int left;                             /* things that it left on its loop */
    double wall_ms, cpu_ms;
    int in_flight_max;
    long memory_peak_kib;
    int64_t fetches, bytes, failures;
    float timeline[ROW_CELLS];            /* fetches in flight: the mean of each part of the run, all equally long */
};

#endif
