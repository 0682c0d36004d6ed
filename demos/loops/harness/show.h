/* The end of the run: the main loop posts show.over to all loops, after some seconds or on Ctrl-C.
 */
#ifndef SHOW_H
#define SHOW_H

#include "../traffic.h"

/* Declares show.over. Returns 0 or -errno. */
int show_open(void);

/* Makes the calling thread's loop drain at the end. Returns 0 or -errno. */
int show_hear(void);

/* Ends the run after some seconds. Call it on the main loop. Returns 0 or -errno. */
int show_start(int seconds);

/* The elapsed seconds, up to the end of the run; the length of the run in seconds. */
double show_seconds(void);
int show_length(void);

#endif
