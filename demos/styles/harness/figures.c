#include "figures.h"

#include <inttypes.h>
#include <stdio.h>

/* Functions that compute the least possible time for the pages */

/* Returns the delay of a page and of its follow-up together. *ret_fetches is the number of their
   fetches. */
static double chain_ms(const struct options *options, int page, int *ret_fetches)
{
    enum origin_fate fate = origin_fate(page);
    int follows = fate == ORIGIN_ANSWERS && origin_has_follow_up(page);
    int64_t us = origin_delay_us(page, 0, options->delay_ms);

    *ret_fetches = 1 + follows;
    if (fate == ORIGIN_NEVER)
        return origin_deadline_ms(options->delay_ms);
    return (double)(us + (follows ? origin_delay_us(page, 1, options->delay_ms) : 0)) / 1000;
}

struct bound figures_bound(const struct options *options)
{
    struct bound bound = { 0 };
    int fetches;

    for (int page = 1; page <= options->pages; page++) {
        double ms = chain_ms(options, page, &fetches);

        bound.sum_ms += ms;
        if (ms > bound.longest_ms)
            bound.longest_ms = ms;
    }
    bound.least_ms = bound.sum_ms / options->at_once;
    if (bound.least_ms < bound.longest_ms)
        bound.least_ms = bound.longest_ms;
    return bound;
}

int figures_fetches(const struct options *options)
{
    int all = 0, fetches;

    for (int page = 1; page <= options->pages; page++) {
        chain_ms(options, page, &fetches);
        all += fetches;
    }
    return all;
}

/* Functions that test whether the rows agree with the origin, or with each other */

static int differs(const struct figures *figures, int i, char *why, size_t size)
{
    const struct row *row = figures->rows[i];
    const struct origin_counts *asked = &figures->asked[i];

    if (row->fetches == asked->requests && row->bytes == asked->bytes &&
        row->failures == asked->failures)
        return 0;
    snprintf(why, size,
             "%s counts %" PRId64 " fetches, %" PRId64 " bytes and %" PRId64
             " failures, the origin %" PRId64 ", %" PRId64 " and %" PRId64,
             styles[i].name, row->fetches, row->bytes, row->failures, asked->requests, asked->bytes,
             asked->failures);
    return 1;
}

/* Compares the fetches and failures of two rows, but not the bytes: a page of the user may change
   from one style to the next. */
static int differs_from(const struct figures *figures, int i, int first, char *why, size_t size)
{
    const struct row *one = figures->rows[first], *row = figures->rows[i];

    if (row->fetches == one->fetches && row->failures == one->failures)
        return 0;
    snprintf(why, size,
             "%s counts %" PRId64 " fetches and %" PRId64 " failures, %s %" PRId64 " and %" PRId64,
             styles[i].name, row->fetches, row->failures, styles[first].name, one->fetches,
             one->failures);
    return 1;
}

int figures_agree(const struct figures *figures, char *why, size_t size)
{
    int first = -1;

    for (int i = 0; i < STYLES; i++) {
        if (!figures->rows[i])
            continue;
        if (first < 0)
            first = i;
        if (figures->options->urls ? differs_from(figures, i, first, why, size)
                                   : differs(figures, i, why, size))
            return -1;
    }
    return 0;
}

/* Functions that compute the smallest and the largest figure */

static double figure_of(const struct row *row, enum figure which)
{
    switch (which) {
    case FIGURE_WALL: return row->wall_ms;
    case FIGURE_CPU: return row->cpu_ms;
    default: return (double)row->memory_peak_kib;
    }
}

struct range figures_range(const struct figures *figures, enum figure which)
{
    struct range range = { 0 };

    for (int i = 0; i < STYLES; i++) {
        if (styles[i].kind != STYLE_LOOPS || !figures->rows[i])
            continue;
        double value = figure_of(figures->rows[i], which);

        if (!range.count++)
            range.least = range.most = value;
        range.least = value < range.least ? value : range.least;
        range.most = value > range.most ? value : range.most;
    }
    return range;
}

int figures_check(const struct figures *figures)
{
    struct range wall = figures_range(figures, FIGURE_WALL);
    struct bound bound = figures_bound(figures->options);
    const struct row *synchronous = figures->rows[0];
    double gain = synchronous && wall.count ? synchronous->wall_ms / wall.most : 0;
    double asked = 0.8 * figures->options->at_once, excess = wall.most / bound.least_ms;
    int missed = 0;

    if (gain)
        missed |= gain < asked;
    if (wall.count)
        missed |= excess > 1.15;
    if (gain)
        fprintf(stderr, "check: synchronous / slowest on a loop = %.2f, at least %.2f: %s\n", gain,
                asked, gain < asked ? "MISSED" : "met");
    if (wall.count)
        fprintf(stderr,
                "check: slowest on a loop / least possible (%.1f ms) = %.3f, at most 1.150: %s\n",
                bound.least_ms, excess, excess > 1.15 ? "MISSED" : "met");
    return missed ? -1 : 0;
}
