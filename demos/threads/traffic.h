/* What goes between the loops of demos/loops: six signals, each in a file beside this one. The stage that they stand on counts, and draws. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <tocsin.h>

/* Who is there: four loops, each on a thread of its own, and four who send and have no loop. */
enum party { MAIN, EAST, WEST, SLOW, LOOPS, CRIER = LOOPS, GIVER, COPIER, CLOCK, PARTIES };

#define BIT(party) (1u << (party))
#define ALL        (BIT(LOOPS) - 1)

struct traffic {
    const char *signal;
    unsigned heard_on, said_by;                        /* loops, parties: a BIT of each */
    int (*declare)(void);                              /* first of all; answers the signo */
    int (*hear)(void);                                 /* on the thread of each loop that hears it */
    int (*say)(enum party loop);                       /* on the thread of each loop, when all hear; NULL: no loop says it */
    void (*thread)(void);                              /* a thread of its own, without a loop: of the party in said_by that is none; NULL */
};

enum { SIGNALS = 6 };
extern const struct traffic traffic_news, traffic_bell, traffic_ball, traffic_copy, traffic_chore, traffic_alarm;
extern const struct traffic *const traffics[SIGNALS];

/* For the drawing: what sending answered, and what came. */
void count_sent(int signo, int result);                                    /* by the calling thread, to all loops that hear it */
void count_sent_to(enum party loop, int signo, int result);                /* by the calling thread, to one */
void count_sent_by(enum party party, int signo, int result);               /* by a real signal handler, to all; async-signal-safe */
void count_heard(const struct tocsin_info *info, int64_t sent_us);         /* on the calling thread; 0: not known when it was sent */

/* The thread that calls it is this party from now on. */
void party_enter(enum party party);
enum party party_here(void);
const char *party_name(enum party party);
struct tocsin_loop party_loop(enum party loop);

/* The show is over, signal show.over: nobody sends any more. */
bool show_over(void);

void nap_us(long us);
void nap_tide(void);                                   /* now longer, now shorter */

#endif
