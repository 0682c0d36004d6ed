/* Each loop posts its state to the main loop, several times a second. */
#ifndef PULSE_H
#define PULSE_H

#include "../traffic.h"

enum { PULSE_MS = 66 };

int pulse_open(void); /* Declares the signal. All three functions return 0 or -errno. */
int pulse_hear(enum party loop);
int pulse_start(void);

/* Returns the newest state of a loop. It must be called on the thread of the main loop. */
const struct tocsin_loop_facts *pulse_get(enum party loop);

#endif
