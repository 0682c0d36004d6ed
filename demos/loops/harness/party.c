/* The names of the parties (the loops and threads that send), and the party of the calling
   thread. */
#include <time.h>

#include "../traffic.h"

static const char *const names[PARTIES] = {
    [MAIN] = "main",   [EAST] = "east",   [WEST] = "west",     [SLOW] = "slow",
    [CRIER] = "crier", [GIVER] = "giver", [COPIER] = "copier", [CLOCK] = "SIGALRM",
};
static __thread enum party here;

void party_enter(enum party party)
{
    here = party;
}

enum party party_here(void)
{
    return here;
}

const char *party_name(enum party party)
{
    return names[party];
}

void nap_us(long us)
{
    struct timespec time = { us / 1000000, us % 1000000 * 1000 };

    nanosleep(&time, NULL);
}

void nap_varied(void)
{
    enum { PERIOD_US = 1300000, LEAST_US = 1000, MORE_US = 40000 };
    double ebb = 2.0 * (double)(tocsin_now() % PERIOD_US) / PERIOD_US -
                 1; /* `ebb` goes from -1 to 1; the sleep is shortest at 0 */

    nap_us(LEAST_US + (long)(MORE_US * ebb * ebb));
}
