/* Formats and escapes sentences for error messages. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/text.h>

#include "test/sentence.h"

enum { SENTENCE_MAX = 1024 }; /* the most bytes of a sentence before it is escaped */

/* Formats a sentence and escapes it. Returns the length of the whole escaped text, as snprintf
   does. */
static size_t sentence_print(char *text, size_t size, const char *format, va_list values)
{
    char sentence[SENTENCE_MAX];
    int length = vsnprintf(sentence, sizeof sentence, format, values);

    if (length < 0)
        length = 0;
    if (length >= SENTENCE_MAX)
        length = SENTENCE_MAX - 1;
    return tocsin_text_plain(sentence, (size_t)length, text, size);
}

void tocsin__sentence_set(const struct tocsin__sentence *sentence, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    sentence_print(sentence->text, sentence->size, format, values);
    va_end(values);
}

bool tocsin__sentence_add(const struct tocsin__sentence *sentence, const char *format, ...)
{
    size_t length = strlen(sentence->text), room = sentence->size - length;
    va_list values;
    bool fits;

    va_start(values, format);
    fits = sentence_print(sentence->text + length, room, format, values) < room;
    va_end(values);
    if (!fits)
        sentence->text[length] = '\0';
    return fits;
}
