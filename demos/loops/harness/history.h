/* Keeps the figures of the last ticks of the drawing, so that the drawing can show changes. */
#ifndef HISTORY_H
#define HISTORY_H

#include "ledger.h"

/* a rate is the average of the last HISTORY_WINDOW ticks */
enum { HISTORY_TICKS = 128, HISTORY_WINDOW = 8 };

struct moment {
    int64_t at_us;
    struct ledger ledger;
    struct tocsin_loop_facts facts[LOOPS];
};

/* Records the figures of this moment. */
void history_tick(void);
int history_ticks(void);

/* Returns the figures of `ticks` ticks ago; 0 ticks means the newest figures. If no figures are so
   old, returns the oldest ones. */
const struct moment *history_ago(int ticks);

/* Returns the growth of a count per second. The parameter `before` is the count at the beginning of
   the window. The parameter `now` is the count at its end. */
double history_rate(uint64_t before, uint64_t now);

#endif
