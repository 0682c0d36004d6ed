/* The six signals that demos/loops sends between its loops. Each signal has a file beside this one.
   The code in harness/ counts and draws them. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <tocsin.h>

/* The parties that send: four loops, each on its own thread, and four senders without a loop. */
enum party { MAIN, EAST, WEST, SLOW, LOOPS, CRIER = LOOPS, GIVER, COPIER, CLOCK, PARTIES };

#define BIT(party) (1u << (party))
#define ALL (BIT(LOOPS) - 1)

struct traffic {
    const char *signal;
    unsigned handled_on;  /* has a BIT for each loop that handles the signal */
    unsigned sent_by;     /* has a BIT for each party (loop or thread) that sends the signal */
    int (*declare)(void); /* called before the other functions; returns the signo */
    int (*connect)(void); /* called on each loop that handles the signal */
    /* called on each loop when all loops are connected; may be NULL */
    int (*start)(enum party loop);
    /* the function of a sending thread without a loop; NULL means that there is no such thread */
    void (*thread)(void);
};

enum { SIGNALS = 6 };
extern const struct traffic traffic_news, traffic_bell, traffic_ball, traffic_copy, traffic_chore,
    traffic_alarm;
extern const struct traffic *const traffics[SIGNALS];

/* These functions count emissions and deliveries for the drawing. The parameter `result` is the
   result of the function that emitted or posted. */
/* counts a send by the calling thread, to all loops that handle the signal */
void count_sent(int signo, int result);
/* counts a send by the calling thread, to one loop */
void count_sent_to(enum party loop, int signo, int result);
/* counts a send by a real signal handler, to all loops; async-signal-safe */
void count_sent_by(enum party party, int signo, int result);
/* counts a delivery on the calling thread; sent_us is 0 if the time of sending is unknown */
void count_delivered(const struct tocsin_info *info, int64_t sent_us);

/* Records that the calling thread is this party. */
void party_enter(enum party party);
enum party party_here(void);
const char *party_name(enum party party);
struct tocsin_loop party_loop(enum party loop);

/* Returns true if the run is over (signal show.over). Nothing may be sent after that. */
bool show_over(void);

void nap_us(long us);
void nap_varied(void); /* sleeps for a time that changes slowly from call to call */

#endif
