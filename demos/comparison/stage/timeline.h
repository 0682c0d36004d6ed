/* Timelines of several rows on one scale. What takes more than three times as long as the middle one is cut, so that
   the others can be seen. */
#ifndef TIMELINE_H
#define TIMELINE_H

#include "figures.h"

/* How much time is shown, in milliseconds. */
double timeline_span_ms(const struct figures *figures);

/* Fetches in flight in the mean, from one moment to another, in milliseconds. */
double timeline_mean(const struct row *row, double from_ms, double to_ms);

/* The distance of the marks of an axis: 1, 2 or 5 times a power of ten, at most so many of them. */
double timeline_step_ms(double span_ms, int marks_max);

#endif
