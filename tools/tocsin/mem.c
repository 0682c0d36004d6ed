#define _GNU_SOURCE /* makes the headers declare vasprintf() and reallocarray() */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static void *check_block(void *block)
{
    if (block)
        return block;
    fputs("tocsin: out of memory\n", stderr);
    exit(1);
}

void *must_alloc(size_t size)
{
    return check_block(calloc(1, size));
}

void *must_grow(void *block, size_t count, size_t size)
{
    return check_block(reallocarray(block, count, size));
}

void *must_room(void *block, size_t count, size_t size)
{
    return count & (count - 1) ? block : must_grow(block, count ? 2 * count : 1, size);
}

void must_add(struct growing *growing, const char *more)
{
    size_t size = strlen(more);

    if (!growing->text || growing->length + size >= growing->room) {
        growing->room = 2 * (growing->length + size) + 16;
        growing->text = must_grow(growing->text, growing->room, 1);
    }
    memcpy(growing->text + growing->length, more, size + 1);
    growing->length += size;
}

char *must_copy(const char *text)
{
    return text ? check_block(strdup(text)) : NULL;
}

char *must_print(const char *format, va_list args)
{
    char *text;

    return check_block(vasprintf(&text, format, args) < 0 ? NULL : text);
}

char *must_format(const char *format, ...)
{
    char *text;
    va_list args;

    va_start(args, format);
    text = must_print(format, args);
    va_end(args);
    return text;
}
