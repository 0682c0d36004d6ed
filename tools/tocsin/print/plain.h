/* Escapes the control characters of a text from a file, a plugin or a payload before the text is
   printed. */
#ifndef TOOLS_PRINT_PLAIN_H
#define TOOLS_PRINT_PLAIN_H

#include <stddef.h>
#include <stdio.h>

/* Returns a copy of the text, escaped by tocsin_text_plain(). The caller frees the copy with
   free(). */
char *plain_copy(const char *text, size_t size);
void print_plain(FILE *file, const char *text, size_t size);

/* Prints one line on the standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
