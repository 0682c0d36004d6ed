#define _GNU_SOURCE                                    /* vasprintf, reallocarray */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static void *there(void *block)
{
    if (block)
        return block;
    fputs("tocsin: no memory\n", stderr);
    exit(1);
}

void *must_alloc(size_t size)
{
    return there(calloc(1, size));
}

void *must_grow(void *block, size_t count, size_t size)
{
    return there(reallocarray(block, count, size));
}

char *must_copy(const char *text)
{
    return text ? there(strdup(text)) : NULL;
}

char *must_format(const char *format, ...)
{
    char *text;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return there(text);
}
