/* Counts what was sent and delivered. The unit is a copy: a post to three loops counts as three
   copies. */
#ifndef LEDGER_H
#define LEDGER_H

#include "../traffic.h"

struct sender { /* calls and copies include those that were refused */
    uint64_t calls, refused, copies, copies_refused;
};
struct receiver {
    uint64_t taken;     /* the number of copies that this loop has accepted */
    uint64_t delivered; /* the number of copies that were delivered */
    uint64_t merged;    /* the number of copies that a newer copy replaced */
    int64_t took_us;    /* the sum of the times from the send to the call of the handler */
};

struct ledger {
    struct sender senders[PARTIES][SIGNALS];
    struct receiver receivers[LOOPS][SIGNALS];
};

/* Declares all signals. Returns 0 or -errno. */
int ledger_open(void);
void ledger_read(struct ledger *ret_ledger);

/* Returns an unexpected error of a function that sends. Returns 0 if there was none. */
int ledger_fault(void);

/* Each of these functions returns a sum: of one signal over all senders, of one signal over all
   loops, or of one loop over all signals. */
struct sender ledger_sent(const struct ledger *ledger, int signal);
struct receiver ledger_received(const struct ledger *ledger, int signal);
struct receiver ledger_loop(const struct ledger *ledger, int loop);

/* Returns the median of the recent delays of a loop. A delay is the time between a post and the
   call of the handlers. Returns -1 if nothing was delivered yet. */
int64_t ledger_took_us(int loop);

#endif
