/* How it was at each tick of the drawing, so that what changed can be shown. */
#ifndef HISTORY_H
#define HISTORY_H

#include "ledger.h"

enum { HISTORY_TICKS = 128, HISTORY_WINDOW = 8 };      /* rates are of the last eight */

struct moment {
    int64_t at_us;
    struct ledger ledger;
    struct tocsin_loop_facts facts[LOOPS];
};

/* One more. */
void history_tick(void);
int history_ticks(void);

/* So many ticks ago, 0 the newest; the oldest that is known, if it is not known. */
const struct moment *history_ago(int ticks);

/* What a count that grew from one to the other in the window is a second. */
double history_rate(uint64_t before, uint64_t now);

#endif
