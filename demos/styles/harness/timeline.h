/* The timelines of several rows, on one time scale. A row that takes more than three times as long
   as the median is cut, so that the other rows can be seen. */
#ifndef TIMELINE_H
#define TIMELINE_H

#include "figures.h"

/* Returns the length of the scale in milliseconds. */
double timeline_span_ms(const struct figures *figures);

/* Returns the mean number of fetches in flight between two times in milliseconds. */
double timeline_mean(const struct row *row, double from_ms, double to_ms);

/* Returns the distance between the marks of an axis: 1, 2 or 5 times a power of ten. The axis has
   at most marks_max marks. */
double timeline_step_ms(double span_ms, int marks_max);

#endif
