/* What the rows say together. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stddef.h>
#include "options.h"
#include "origin.h"
#include "row.h"

struct figures {
    const struct options *options;
    const struct row *rows[STYLES];       /* NULL: that style was not chosen */
    struct origin_counts asked[STYLES];   /* the same by the origin's own count */
};

/* The least possible time for the origin's pages: no style can be faster than all delays together over the fetches at a
   time, nor than the longest chain of a page and its follow-up. */
struct bound { double sum_ms, longest_ms, least_ms; };
struct bound figures_bound(const struct options *options);

/* How many fetches the origin's pages make. */
int figures_fetches(const struct options *options);

/* 0: each row and the origin agree (of the user's URLs: the rows agree); else why tells which do not. */
int figures_agree(const struct figures *figures, char *why, size_t size);

/* Of the styles on a loop, the chosen ones. */
struct range { double least, most; int count; };
enum figure { FIGURE_WALL, FIGURE_CPU, FIGURE_MEMORY };
struct range figures_range(const struct figures *figures, enum figure which);

/* Says whether the styles are as fast as they must be: the synchronous one takes at least 0.8 x C times as long as the
   slowest on a loop, and each of those at most 1.15 x the least possible time. 0: they are. */
int figures_check(const struct figures *figures);

#endif
