/* Output in columns, for a terminal: the widths of texts, and text that is wrapped to fit. */
#ifndef TOOLS_PRINT_TABLE_H
#define TOOLS_PRINT_TABLE_H

#include <stdbool.h>

/* print_wrapped() prints this character as a blank, and does not break the line there */
enum { GLUE = 0x1f };

struct look {
    const char *bold, *faint, *plain;
    int columns;
};

/* sets no colours if there is no terminal, or if NO_COLOR is set */
struct look look_at_terminal(void);
int text_width(const char *text); /* returns the number of UTF-8 characters of the text */
void print_padded(const char *text, int width);
/* Prints the words of a text, and a newline. The text is wrapped. Each line begins at `column`. */
void print_wrapped(const char *text, int column, int columns);

#endif
