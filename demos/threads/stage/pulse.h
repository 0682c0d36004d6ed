/* Each loop tells the main one of itself, some times a second. */
#ifndef PULSE_H
#define PULSE_H

#include "../traffic.h"

enum { PULSE_MS = 66 };

int pulse_open(void);                                  /* declares the signal; these three answer 0 or -errno */
int pulse_hear(enum party loop);
int pulse_start(void);

/* The newest of a loop; on the main loop's thread. */
const struct tocsin_loop_facts *pulse_get(enum party loop);

#endif
