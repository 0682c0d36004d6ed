/* Runs one style at a time, in a process of its own, so that each style is measured alone. */
#ifndef PERFORM_H
#define PERFORM_H

#include "options.h"
#include "row.h"

/* Does the job in the new process. Returns the exit status of that process. */
int perform_here(const struct options *options);

/* Starts this program again with more options, and shares a row of results with the new process.
   Returns the process id or -errno. */
int perform_start(const struct style *style, int port, char **argv, struct row **ret_row);

/* Starts this program again to try the user's URLs. Returns the process id or -errno. */
int perform_probe(char **argv);

/* Returns the deadline of each fetch. For the user's URLs it is 10 seconds. */
int perform_deadline_ms(const struct options *options);

#endif
