/* What a terminal shows: columns, and text that is broken to fit. */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stdbool.h>

enum { GLUE = 0x1f };                                  /* a blank at which print_wrapped does not break */

struct look { const char *bold, *faint, *plain; int columns; };

struct look look_at_terminal(void);                    /* no colours where it is none, or NO_COLOR is set */
int  text_width(const char *text);                     /* characters of UTF-8 */
void print_padded(const char *text, int width);
void print_wrapped(const char *text, int column, int columns);     /* words, broken into lines that begin at a column; and a newline */

#endif
