#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plugin/reason.h"

int tocsin__refuse(const struct tocsin__reason *reason, int err, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(reason->text, reason->size, format, values);
    va_end(values);
    return err;
}

bool tocsin__reason_add(const struct tocsin__reason *reason, const char *format, ...)
{
    size_t length = reason->size ? strlen(reason->text) : 0, room = reason->size - length;
    va_list values;
    int added;

    if (!room)
        return false;
    va_start(values, format);
    added = vsnprintf(reason->text + length, room, format, values);
    va_end(values);
    if (added >= 0 && (size_t)added < room)
        return true;
    reason->text[length] = '\0';
    return false;
}
