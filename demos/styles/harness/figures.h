/* Compares the rows of the styles with each other and with the origin. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stddef.h>
#include "options.h"
#include "origin.h"
#include "row.h"

struct figures {
    const struct options *options;
    /* the row of each style; NULL means that the style was not chosen */
    const struct row *rows[STYLES];
    struct origin_counts asked[STYLES]; /* what the origin has counted during each style */
};

/* The least possible time for the pages of the origin. A style cannot be faster than sum_ms, the
   sum of all delays divided by the number of concurrent fetches. A style cannot be faster than
   longest_ms either, the longest delay of a page together with its follow-up. */
struct bound {
    double sum_ms, longest_ms, least_ms;
};
struct bound figures_bound(const struct options *options);

/* Returns the number of fetches that the pages of the origin need. */
int figures_fetches(const struct options *options);

/* Returns 0 if each row agrees with what the demo's own server has sent. If the user gave URLs, the
   server's counts are unknown, so the rows must agree with each other. If they do not agree, `why`
   says which rows differ. */
int figures_agree(const struct figures *figures, char *why, size_t size);

/* The smallest and the largest value of a figure, among the chosen styles that run on a loop. */
struct range {
    double least, most;
    int count;
};
enum figure { FIGURE_WALL, FIGURE_CPU, FIGURE_MEMORY };
struct range figures_range(const struct figures *figures, enum figure which);

/* Checks and prints whether the styles are fast enough. The synchronous style must take at least
   0.8 x at_once times as long as the slowest style on a loop. Each style on a loop must take at
   most 1.15 times the least possible time. Returns 0 if both are true. */
int figures_check(const struct figures *figures);

#endif
