#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tocsin/text.h>

enum { TEXTS = 32, TEXT_MAX = 400 };

static char *text_next(void)
{
    static char texts[TEXTS][TEXT_MAX];
    static unsigned next;

    return texts[next++ % TEXTS];
}

const char *text_plain(const char *text)
{
    char *plain = text_next();

    tocsin_text_plain(text, strlen(text), plain, TEXT_MAX);
    return plain;
}

const char *text_format(const char *format, ...)
{
    char *text = text_next();
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, TEXT_MAX, format, arguments);
    va_end(arguments);
    return text;
}

/* Formats a time in milliseconds. From one second on, the text is in seconds. */
static const char *number_of(double ms)
{
    return ms < 10     ? text_format("%.1f", ms)
           : ms < 1000 ? text_format("%.0f", ms)
                       : text_format("%.2f", ms / 1000);
}

static const char *unit_of(double ms)
{
    return ms < 1000 ? "ms" : "s";
}

const char *text_time(double ms)
{
    return text_format("%s %s", number_of(ms), unit_of(ms));
}

static const char *either(const char *least, const char *most)
{
    return strcmp(least, most) == 0 ? least : text_format("%s to %s", least, most);
}

const char *text_times(double least_ms, double most_ms)
{
    if (strcmp(unit_of(least_ms), unit_of(most_ms)) != 0)
        return either(text_time(least_ms), text_time(most_ms));
    return text_format("%s %s", either(number_of(least_ms), number_of(most_ms)), unit_of(least_ms));
}

const char *text_range(const char *format, double least, double most)
{
    return either(text_format(format, least), text_format(format, most));
}

const char *text_memory(long kib)
{
    return text_format("%.1f MiB", (double)kib / 1024);
}
