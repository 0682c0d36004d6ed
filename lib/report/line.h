/* Formats and prints the lines that the library writes to the standard error. */
#ifndef TOCSIN_REPORT_LINE_H
#define TOCSIN_REPORT_LINE_H

#include <stdarg.h>
#include <stddef.h>

enum { TOCSIN__LINE_SIZE = 4 * 1024 };
/* Formats a line that ends with a newline, and returns its length. Control characters are escaped.
   The text is cut after 1,023 bytes, which are counted before the escaping. */
size_t tocsin__line(char line[TOCSIN__LINE_SIZE], const char *format, va_list values)
    __attribute__((format(printf, 2, 0)));
/* Formats a line and prints it on the standard error. */
void tocsin__say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
