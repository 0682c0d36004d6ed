/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include "style.h"

struct options {
    int pages, at_once, delay_ms;
    bool chosen[STYLES];
    bool json, check;
    const char *svg;         /* a file; NULL: none */
    const char *const *urls; /* the URLs of the user; NULL: fetch the pages of the origin */
    int urls_count;
    const char *perform; /* set in the process that does the job: the name of the style */
    int port, row_fd;    /* for perform: the port of the origin, and the memory of the row */
    bool probe;          /* set in the process that tries the user's URLs */
};

/* Reads the command line. On an error it prints the error and a suggestion, and exits with 2. On
   --help it prints the help and exits with 0. */
void options_read(int argc, char **argv, struct options *options);

#endif
