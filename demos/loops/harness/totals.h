/* Prints how many messages were sent and delivered in the whole run. */
#ifndef TOTALS_H
#define TOTALS_H

#include <stdbool.h>

/* Prints the totals. Returns true if the totals add up and nothing is left on a loop. */
bool totals_print(void);

#endif
