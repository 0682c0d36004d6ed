/* Counts the fetches of a process, on any thread: their number, their bytes, and how many run at a
   time. */
#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include "row.h"

/* Reserves room for the fetches. row->ended is kept up to date. Returns 0 or -ENOMEM. */
int ledger_open(size_t fetches_max, struct row *row);
void ledger_started(void);
void ledger_ended(size_t bytes, int failures);

/* Start and stop the clock of the run. The second one fills in the row. */
void ledger_begin(void);
void ledger_close(void);

#endif
