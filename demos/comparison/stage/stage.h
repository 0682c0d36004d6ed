/* The demonstration: one style after the other, and what came of it. */
#ifndef STAGE_H
#define STAGE_H

#include "options.h"

/* Answers what the program exits with: 0; 1: something failed, and it was said what; 3: a check was missed; 128 + a signal. */
int stage_run(const struct options *options, char **argv);

#endif
