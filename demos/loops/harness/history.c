#include "history.h"

#include "pulse.h"

static struct moment moments[HISTORY_TICKS];
static int count;

void history_tick(void)
{
    struct moment *moment = &moments[count++ % HISTORY_TICKS];

    moment->at_us = tocsin_now();
    ledger_read(&moment->ledger);
    for (int loop = 0; loop < LOOPS; loop++)
        moment->facts[loop] = *pulse_get(loop);
}

int history_ticks(void)
{
    return count < HISTORY_TICKS ? count : HISTORY_TICKS;
}

const struct moment *history_ago(int ticks)
{
    int known = history_ticks() - 1;

    return &moments[(count - 1 - (ticks < known ? ticks : known)) % HISTORY_TICKS];
}

double history_rate(uint64_t before, uint64_t now)
{
    int64_t took_us = history_ago(0)->at_us - history_ago(HISTORY_WINDOW)->at_us;

    return took_us > 0 ? (double)(now - before) * 1e6 / (double)took_us : 0;
}
