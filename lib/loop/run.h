/* The last steps of tocsin_run, which runs a loop (O7). */
#ifndef TOCSIN_LOOP_RUN_H
#define TOCSIN_LOOP_RUN_H

#include "loop/engine.h"

/* Gives back the real signals that tocsin_run has taken over (T7). */
void tocsin__run_end(struct tocsin__engine *engine);

#endif
