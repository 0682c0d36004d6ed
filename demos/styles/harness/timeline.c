#include "timeline.h"

#include <stdlib.h>

static int by_size(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

double timeline_span_ms(const struct figures *figures)
{
    double walls[STYLES];
    int count = 0, last;

    for (int i = 0; i < STYLES; i++)
        if (figures->rows[i])
            walls[count++] = figures->rows[i]->wall_ms;
    qsort(walls, (size_t)count, sizeof *walls, by_size);
    for (last = count - 1; walls[last] > 3 * walls[(count - 1) / 2]; last--)
        ;
    return walls[last];
}

double timeline_mean(const struct row *row, double from_ms, double to_ms)
{
    double from = from_ms / row->wall_ms * ROW_CELLS, to = to_ms / row->wall_ms * ROW_CELLS,
           sum = 0;

    for (int i = (int)from; i < ROW_CELLS && i < to; i++) {
        double begin = from > i ? from : i, end = to < i + 1 ? to : i + 1;

        sum += (end - begin) * row->timeline[i];
    }
    return to > from ? sum / (to - from) : 0;
}

double timeline_step_ms(double span_ms, int marks_max)
{
    static const double steps[] = { 1, 2, 5, 10 };
    double power = 0.1;

    while (span_ms / (power * 10) > marks_max)
        power *= 10;
    for (int i = 0; i < 4; i++)
        if (span_ms / (power * steps[i]) <= marks_max)
            return power * steps[i];
    return power * 10;
}
