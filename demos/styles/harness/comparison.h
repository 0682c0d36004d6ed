/* Runs all styles, one after the other, and shows the results. */
#ifndef COMPARISON_H
#define COMPARISON_H

#include "options.h"

/* Returns the exit status of the program. 0: all went well. 1: an error, which was printed. 3: a
   check failed. 128 + n: the signal n ended the program. */
int comparison_run(const struct options *options, char **argv);

#endif
