/* The totals at the end. */
#ifndef TOTALS_H
#define TOTALS_H

#include <stdbool.h>

/* Prints the totals. Returns whether they add up and nothing is left on a loop. */
bool totals_print(void);

#endif
