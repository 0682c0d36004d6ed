/* The figures at each tick of the drawing, to show changes. */
#ifndef HISTORY_H
#define HISTORY_H

#include "ledger.h"

enum { HISTORY_TICKS = 128, HISTORY_WINDOW = 8 }; /* rates are averages of the last eight */

struct moment {
    int64_t at_us;
    struct ledger ledger;
    struct tocsin_loop_facts facts[LOOPS];
};

/* Records the present figures. */
void history_tick(void);
int history_ticks(void);

/* The figures some ticks ago; 0: the newest. Returns the oldest ones if there are no older ones. */
const struct moment *history_ago(int ticks);

/* Returns the growth of a count per second. before: the count at the beginning of the window; now:
   the count at its end. */
double history_rate(uint64_t before, uint64_t now);

#endif
