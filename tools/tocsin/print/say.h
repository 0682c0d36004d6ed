/* Prints lines on the standard error from any thread. A full pipe or a stopped terminal delays the
   thread for a short time. After that time the line is lost. */
#ifndef TOOLS_PRINT_SAY_H
#define TOOLS_PRINT_SAY_H

#include <stddef.h>

enum { LINE_MOST = 2048 }; /* the longest line in bytes; a longer line is cut */

/* This function must be called before plugins run, since they may close descriptor 2. */
void say_begin(void);
/* Prints "tocsin: ", then the escaped text and a newline. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints the line unchanged; async-signal-safe. */
void say_line(const char *line, size_t size);

#endif
