/* Prints lines on the standard error from any thread. A full pipe or a stopped terminal delays
   the thread for a moment; then the line is lost. */
#ifndef TOOLS_PRINT_SAY_H
#define TOOLS_PRINT_SAY_H

#include <stddef.h>

enum { LINE_MOST = 2048 }; /* in bytes; a longer line is cut */

/* Call it before plugins run, since they may close descriptor 2. */
void say_begin(void);
/* Prints "tocsin: ", the escaped text and a newline. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints the line as it is; async-signal-safe. */
void say_line(const char *line, size_t size);

#endif
