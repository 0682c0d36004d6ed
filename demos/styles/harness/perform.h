/* Runs one style at a time, each in its own process, so that it is measured alone. */
#ifndef PERFORM_H
#define PERFORM_H

#include "options.h"
#include "row.h"

/* Does the job in the new process. Returns its exit status. */
int perform_here(const struct options *options);

/* Starts this program again with more options, and shares a row with it. Returns the process id or
   -errno. */
int perform_start(const struct style *style, int port, char **argv, struct row **ret_row);

/* Starts this program again to try the user's URLs. Returns the process id or -errno. */
int perform_probe(char **argv);

/* The deadline of each fetch; 10 seconds for the user's URLs. */
int perform_deadline_ms(const struct options *options);

#endif
