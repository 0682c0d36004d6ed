/* When the show is over: the main loop posts show.over to all, after some seconds, or when the user interrupts it. */
#ifndef SHOW_H
#define SHOW_H

#include "../traffic.h"

/* Declares show.over: 0 or -errno. */
int show_open(void);

/* On a loop's thread: it drains when the show is over. 0 or -errno. */
int show_hear(void);

/* On the main loop: ends it after so many seconds. 0 or -errno. */
int show_start(int seconds);

/* Seconds since it was started, as long as it is not over; how many it is to take. */
double show_seconds(void);
int show_length(void);

#endif
