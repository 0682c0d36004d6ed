/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include "style.h"

struct options {
    int pages, at_once, delay_ms;
    bool chosen[STYLES];
    bool json, check;
    const char *svg;                      /* a file; NULL: none */
    const char *const *urls;              /* the user's own; NULL: the origin's pages are fetched */
    int urls_count;
    const char *perform;                  /* set in a process that is to do the job in one style: its name */
    int port, row_fd;                     /* and the origin's port, and where its row lies */
    bool probe;                           /* set in one that is to try the user's URLs */
};

/* Reads the command line. What is wrong with it is said, and what was probably meant; then the program exits with 2.
   --help is answered, and it exits with 0. */
void options_read(int argc, char **argv, struct options *options);

#endif
