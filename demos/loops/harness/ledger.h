/* Counts what was sent and delivered. It counts copies: a post to three loops counts as three. */
#ifndef LEDGER_H
#define LEDGER_H

#include "../traffic.h"

struct sender { /* calls and copies include the refused ones */
    uint64_t calls, refused, copies, copies_refused;
};
struct receiver {
    uint64_t taken;     /* copies that were accepted for this loop */
    uint64_t delivered; /* deliveries */
    uint64_t merged;    /* copies that a newer one replaced */
    int64_t took_us;    /* sum of the times from sending to the handler */
};

struct ledger {
    struct sender senders[PARTIES][SIGNALS];
    struct receiver receivers[LOOPS][SIGNALS];
};

/* Declares all signals: 0 or -errno. */
int ledger_open(void);
void ledger_read(struct ledger *ret_ledger);

/* Returns an unexpected error of a function that sends; 0: there was none. */
int ledger_fault(void);

/* Sums of one signal over all senders, of one signal over all loops, and of one loop. */
struct sender ledger_sent(const struct ledger *ledger, int signal);
struct receiver ledger_received(const struct ledger *ledger, int signal);
struct receiver ledger_loop(const struct ledger *ledger, int loop);

/* The median of recent times from sending to the handlers of a loop; -1: no delivery yet. */
int64_t ledger_took_us(int loop);

#endif
