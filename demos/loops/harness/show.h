/* The end of the run. After some seconds or on Ctrl-C, the main loop posts show.over to all
   loops. */
#ifndef SHOW_H
#define SHOW_H

#include "../traffic.h"

/* Declares show.over. Returns 0 or -errno. */
int show_open(void);

/* Makes the loop of the calling thread drain when the run ends. Returns 0 or -errno. */
int show_hear(void);

/* Ends the run after some seconds. This function must be called on the main loop. Returns 0 or
   -errno. */
int show_start(int seconds);

/* show_seconds() returns the seconds since the start, up to the end of the run. show_length()
   returns the planned length of the run in seconds. */
double show_seconds(void);
int show_length(void);

#endif
