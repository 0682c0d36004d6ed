/* Escapes control characters in text from files, plugins and payloads before it is printed. */
#ifndef TOOLS_PRINT_PLAIN_H
#define TOOLS_PRINT_PLAIN_H

#include <stddef.h>
#include <stdio.h>

/* A copy, escaped by tocsin_text_plain; free() it */
char *plain_copy(const char *text, size_t size);
void print_plain(FILE *file, const char *text, size_t size);

/* Prints one line on the standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
