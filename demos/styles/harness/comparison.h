/* Runs one style after the other and shows the results. */
#ifndef COMPARISON_H
#define COMPARISON_H

#include "options.h"

/* Returns the exit status of the program: 0; 1: an error, which was printed; 3: a check failed;
   128 + a signal. */
int comparison_run(const struct options *options, char **argv);

#endif
