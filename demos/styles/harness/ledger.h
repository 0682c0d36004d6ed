/* Counts the fetches of a process, on any thread: their number, their bytes, and the number that
   run at the same time. */
#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include "row.h"

/* Reserves room for the fetches. Later calls keep row->ended up to date. Returns 0 or -ENOMEM. */
int ledger_open(size_t fetches_max, struct row *row);
void ledger_started(void);
void ledger_ended(size_t bytes, int failures);

/* ledger_begin() starts the clock of the run. ledger_close() stops the clock, and fills in the
   row. */
void ledger_begin(void);
void ledger_close(void);

#endif
