/* Formats and prints a line that the library writes to the standard error. */
#include <stdio.h>
#include <unistd.h>

#include <tocsin/text.h>

#include "base/cancel.h"
#include "report/line.h"

size_t tocsin__line(char line[TOCSIN__LINE_SIZE], const char *format, va_list values)
{
    char text[1024];
    int size = vsnprintf(text, sizeof text, format, values);
    size_t length = size < 0 ? 0 : (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;

    length = tocsin_text_plain(text, length, line, TOCSIN__LINE_SIZE - 1);
    line[length] = '\n';
    return length + 1;
}

void tocsin__say(const char *format, ...)
{
    char line[TOCSIN__LINE_SIZE];
    va_list values;
    size_t size;
    int cancel;

    va_start(values, format);
    size = tocsin__line(line, format, values);
    va_end(values);
    cancel = tocsin__cancel_off();
    if (write(STDERR_FILENO, line, size) < 0)
        /* ignores the error, because there is no other place to report it */
        size = 0;
    tocsin__cancel_back(cancel);
}
