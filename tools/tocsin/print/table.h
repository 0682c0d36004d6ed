/* Output in columns, for a terminal: widths of texts, and text wrapped to fit. */
#ifndef TOOLS_PRINT_TABLE_H
#define TOOLS_PRINT_TABLE_H

#include <stdbool.h>

enum { GLUE = 0x1f }; /* a blank at which print_wrapped does not break the line */

struct look {
    const char *bold, *faint, *plain;
    int columns;
};

/* without a terminal, or with NO_COLOR set, there are no colours */
struct look look_at_terminal(void);
int text_width(const char *text); /* returns the number of UTF-8 characters */
void print_padded(const char *text, int width);
/* Prints words, in lines that begin at a column, and a newline. */
void print_wrapped(const char *text, int column, int columns);

#endif
