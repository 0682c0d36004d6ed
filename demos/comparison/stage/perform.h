/* One style at a time, each in a process of its own, so that its figures are its own. */
#ifndef PERFORM_H
#define PERFORM_H

#include "options.h"
#include "row.h"

/* The other half, in that process: does the job and exits with what this answers. */
int perform_here(const struct options *options);

/* Starts it: this program again, with more options. row is shared with it. The process; or a negative errno. */
int perform_start(const struct style *style, int port, char **argv, struct row **ret_row);

/* Starts this program again to try the user's URLs. */
int perform_probe(char **argv);

/* The deadline of each fetch: for the user's URLs 10 seconds. */
int perform_deadline_ms(const struct options *options);

#endif
