/* Reads a number from a setting. In every locale, the decimal point is a point. */
#ifndef PLUGINS_NUMBER_H
#define PLUGINS_NUMBER_H

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Stores the number. Returns false if the text is not a finite number. */
static inline bool number_read(const char *text, double *ret_number)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", NULL);
    char *end;

    if (!plain)
        return false;
    *ret_number = strtod_l(text, &end, plain);
    freelocale(plain);
    return *text && !*end && isfinite(*ret_number);
}

#endif
