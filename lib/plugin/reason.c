/* Writes reasons. They are escaped, because file names, notes and messages of the dynamic linker
   may contain control characters. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/text.h>

#include "base/refusal.h"
#include "plugin/reason.h"

enum { SENTENCE_MAX = 1024 }; /* the most bytes of a sentence before it is escaped */

static int reason_print(char *text, size_t size, const char *format, va_list values)
{
    char sentence[SENTENCE_MAX];
    int length = vsnprintf(sentence, sizeof sentence, format, values);

    if (length < 0)
        return length;
    return (int)tocsin_text_plain(
        sentence, length < SENTENCE_MAX ? (size_t)length : SENTENCE_MAX - 1, text, size);
}

int tocsin__refuse(const struct tocsin__reason *reason, int err, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    reason_print(reason->text, reason->size, format, values);
    va_end(values);
    return tocsin__because(err, "%s", reason->size ? reason->text : "");
}

bool tocsin__reason_add(const struct tocsin__reason *reason, const char *format, ...)
{
    size_t length = reason->size ? strlen(reason->text) : 0, room = reason->size - length;
    va_list values;
    int added;

    if (!room)
        return false;
    va_start(values, format);
    added = reason_print(reason->text + length, room, format, values);
    va_end(values);
    if (added < 0 || (size_t)added >= room) {
        reason->text[length] = '\0';
        return false;
    }
    if (tocsin__debug.refusal)
        tocsin__because_more(reason->text);
    return true;
}
