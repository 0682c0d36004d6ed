#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "screen.h"

enum { TEXTS = 32, TEXT_MAX = 400 };

const char *text_format(const char *format, ...)
{
    static char texts[TEXTS][TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % TEXTS];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, TEXT_MAX, format, arguments);
    va_end(arguments);
    return text;
}

const char *text_count(uint64_t count)
{
    return count < 1000 ? text_format("%" PRIu64, count)
                        : text_format("%s,%03" PRIu64, text_count(count / 1000), count % 1000);
}

const char *text_short(double count)
{
    return count > 0 && count < 9.95 ? text_format("%.1f", count)
           : count < 9999.5          ? text_format("%.0f", count)
                                     : text_format("%.0fk", count / 1000);
}

const char *text_time(double us)
{
    if (us < 999.5)
        return text_format("%.0f %ss", us, screen()->utf8 ? "µ" : "u");
    return us < 9950     ? text_format("%.1f ms", us / 1000)
           : us < 999500 ? text_format("%.0f ms", us / 1000)
                         : text_format("%.1f s", us / 1e6);
}

const char *text_right(int width, const char *text)
{
    for (const char *at = text; *at; at++)
        /* Counts the characters of the text. A continuation byte of UTF-8 is not counted. */
        width += (*at & 0xc0) == 0x80;
    return text_format("%*s", width, text);
}
