/* What was sent, what became of it. Copies are counted: what goes to three loops is three. */
#ifndef LEDGER_H
#define LEDGER_H

#include "../traffic.h"

struct sender { uint64_t calls, refused, copies, copies_refused; };      /* calls, copies: the refused ones as well */
struct hearer {
    uint64_t taken;                                    /* copies that were accepted for this loop */
    uint64_t heard, merged;                            /* deliveries; copies that others of them stood for */
    int64_t took_us;                                   /* from sending to the handler, all together */
};

struct ledger {
    struct sender senders[PARTIES][SIGNALS];
    struct hearer hearers[LOOPS][SIGNALS];
};

/* Declares all signals: 0 or -errno. */
int ledger_open(void);
void ledger_read(struct ledger *ret_ledger);

/* What sending answered that it should not have: 0, if it was well. */
int ledger_fault(void);

/* Sums: of a signal, by all who sent it, on all loops; of a loop. */
struct sender ledger_sent(const struct ledger *ledger, int signal);
struct hearer ledger_heard(const struct ledger *ledger, int signal);
struct hearer ledger_loop(const struct ledger *ledger, int loop);

/* What it took lately from sending to the handlers of a loop: the median, by now; -1: nothing has come. */
int64_t ledger_took_us(int loop);

#endif
