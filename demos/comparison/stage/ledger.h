/* Keeps account of the fetches of a process, from any thread: how many, how much, and how many at a time. */
#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include "row.h"

/* Room for so many fetches; row->ended is kept up to date. 0 or -ENOMEM. */
int ledger_open(size_t fetches_max, struct row *row);
void ledger_started(void);
void ledger_ended(size_t bytes, int failures);

/* The clock of the run is started, and stopped; then the row is filled in. */
void ledger_begin(void);
void ledger_close(void);

#endif
