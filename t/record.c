#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "record.h"
#include "test.h"

static char line[4096], taken[4096];

void record(const char *format, ...)
{
    size_t length = strlen(line);
    va_list values;

    if (length)
        line[length++] = ' ';
    va_start(values, format);
    ck_assert_int_lt(vsnprintf(line + length, sizeof line - length, format, values),
                     sizeof line - length);
    va_end(values);
}

const char *record_take(void)
{
    strcpy(taken, line);
    line[0] = '\0';
    return taken;
}

int record_call(const struct tocsin_info *info, void *arg)
{
    (void)info;
    record("%s", (const char *)arg);
    return TOCSIN_NEXT;
}

int record_stop(const struct tocsin_info *info, void *arg)
{
    record_call(info, arg);
    return TOCSIN_STOP;
}

void record_drop(void *arg)
{
    record("~%s", (const char *)arg);
}

int record_signal(const char *name)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = name, .doc = "Of a test." });

    ck_assert_int_gt(signo, 0);
    return signo;
}
