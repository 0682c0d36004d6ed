/* Types of settings: reads and describes types, and checks values. Numbers are compared as text,
   because no type of C holds all values of both i64 and u64. */
#define _GNU_SOURCE /* makes the headers declare newlocale and strtod_l */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/pattern.h"
#include "plugin/note/setting_type.h"

static const char *const kinds[TOCSIN__SETTING_KINDS] = { "string", "bool",   "i64",    "u64",
                                                          "f64",    "choice", "pattern" };

static bool whole_read(const char *text, bool *ret_negative, uint64_t *ret_size)
{
    char *end;

    *ret_negative = *text == '-';
    text += *ret_negative;
    errno = 0;
    *ret_size = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && !errno;
}

/* Compares two whole numbers that are given as text. Returns a number like that of strcmp. */
static int whole_compare(const char *one, const char *other)
{
    bool one_negative, other_negative;
    uint64_t one_size, other_size;
    int order;

    whole_read(one, &one_negative, &one_size);
    whole_read(other, &other_negative, &other_size);
    if (one_negative != other_negative)
        return one_size || other_size ? (one_negative ? -1 : 1) : 0;
    order = one_size < other_size ? -1 : one_size > other_size;
    return one_negative ? -order : order;
}

/* Reads a number with a decimal point, whatever the locale is. */
static bool real_read(const char *text, double *ret_value)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", NULL);
    char *end;

    if (!plain)
        return false;
    *ret_value = strtod_l(text, &end, plain);
    freelocale(plain);
    return text[strspn(text, "+-.0123456789eE")] == '\0' && *text && !*end && isfinite(*ret_value);
}

static bool number_read(enum tocsin__setting_kind kind, const char *text)
{
    bool negative;
    uint64_t size;
    double real;

    if (kind == TOCSIN__SETTING_F64)
        return real_read(text, &real);
    if (!whole_read(text, &negative, &size))
        return false;
    return kind == TOCSIN__SETTING_U64 ? !negative || !size
                                       : size <= (uint64_t)INT64_MAX + negative;
}

static int number_compare(enum tocsin__setting_kind kind, const char *one, const char *other)
{
    double first, second;

    if (kind != TOCSIN__SETTING_F64)
        return whole_compare(one, other);
    return real_read(one, &first) && real_read(other, &second)
               ? (first < second ? -1 : first > second)
               : 0;
}

static bool range_read(struct tocsin__setting_type *type, const char *text)
{
    const char *dots = strstr(text, "..");

    if (!dots)
        return false;
    snprintf(type->first, sizeof type->first, "%.*s", (int)(dots - text), text);
    snprintf(type->last, sizeof type->last, "%s", dots + 2);
    return (!*type->first || number_read(type->kind, type->first)) &&
           (!*type->last || number_read(type->kind, type->last));
}

bool tocsin__setting_type_read(struct tocsin__setting_type *type, const char *text)
{
    size_t size = strcspn(text, " ");
    const char *more = text + size + (text[size] == ' ');
    int kind = 0;

    *type = (struct tocsin__setting_type){ .first = "" };
    while (kind < TOCSIN__SETTING_KINDS &&
           (strlen(kinds[kind]) != size || memcmp(kinds[kind], text, size) != 0))
        kind++;
    type->kind = (enum tocsin__setting_kind)kind;
    if (kind == TOCSIN__SETTING_CHOICE)
        return snprintf(type->first, sizeof type->first, "%s", more) > 0 && !strchr(more, ' ') &&
               !strstr(more, "||");
    if (kind >= TOCSIN__SETTING_I64 && kind <= TOCSIN__SETTING_F64 && *more)
        return range_read(type, more);
    return kind < TOCSIN__SETTING_KINDS && !*more;
}

/* Functions that describe a type in messages */

static void choice_describe(const char *words, char *text, size_t size)
{
    size_t at = 0;

    for (; *words; words += *words == '|') {
        size_t length = strcspn(words, "|");
        const char *after = words + length;

        at += (size_t)snprintf(text + at, size - at, "%.*s%s", (int)length, words,
                               !*after                  ? ""
                               : strchr(after + 1, '|') ? ", "
                                                        : " or ");
        at = at < size ? at : size - 1;
        words = after;
    }
}

void tocsin__setting_type_describe(const struct tocsin__setting_type *type, char *text, size_t size)
{
    static const char *const plain[TOCSIN__SETTING_KINDS] = {
        [TOCSIN__SETTING_STRING] = "a text",      [TOCSIN__SETTING_BOOL] = "yes or no",
        [TOCSIN__SETTING_I64] = "a whole number", [TOCSIN__SETTING_U64] = "a whole number",
        [TOCSIN__SETTING_F64] = "a number",       [TOCSIN__SETTING_PATTERN] = "a pattern of signals"
    };
    const char *first = *type->first || type->kind != TOCSIN__SETTING_U64 ? type->first : "0";

    if (type->kind == TOCSIN__SETTING_CHOICE)
        choice_describe(type->first, text, size);
    else
        snprintf(text, size, "%s%s%s%s%s", plain[type->kind], *first ? " from " : "", first,
                 *type->last ? " to " : "", type->last);
}

/* Values */

static bool choice_has(const char *words, const char *value)
{
    size_t length = strlen(value);

    for (; *words; words += *words == '|') {
        size_t size = strcspn(words, "|");

        if (size == length && memcmp(words, value, size) == 0)
            return true;
        words += size;
    }
    return false;
}

bool tocsin__setting_type_accepts(const struct tocsin__setting_type *type, const char *value)
{
    switch (type->kind) {
    case TOCSIN__SETTING_STRING: return true;
    case TOCSIN__SETTING_BOOL: return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
    case TOCSIN__SETTING_CHOICE: return choice_has(type->first, value);
    case TOCSIN__SETTING_PATTERN: return tocsin__pattern_check(value) >= 0;
    default:
        return number_read(type->kind, value) &&
               (!*type->first || number_compare(type->kind, value, type->first) >= 0) &&
               (!*type->last || number_compare(type->kind, value, type->last) <= 0);
    }
}
