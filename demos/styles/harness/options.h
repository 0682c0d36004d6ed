/* The options of the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include "style.h"

struct options {
    int pages, at_once, delay_ms;
    bool chosen[STYLES];
    bool json, check;
    const char *svg; /* the file for the picture; NULL means no picture */
    /* the URLs of the user; NULL means that the pages of the origin are fetched */
    const char *const *urls;
    int urls_count;
    /* the name of the style, in the process that does the job; NULL in other processes */
    const char *perform;
    /* Only in the process that does the job: the port of the origin, and the descriptor of the
       row's memory. */
    int port, row_fd;
    bool probe; /* true in the process that tries the user's URLs */
};

/* Reads the command line. On an error, the function prints the error and a suggestion, and exits
   with 2. On --help, it prints the help and exits with 0. */
void options_read(int argc, char **argv, struct options *options);

#endif
