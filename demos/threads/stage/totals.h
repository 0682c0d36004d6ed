/* What it came to, in the end. */
#ifndef TOTALS_H
#define TOTALS_H

#include <stdbool.h>

/* Prints it. Whether all adds up, and nothing is left. */
bool totals_print(void);

#endif
