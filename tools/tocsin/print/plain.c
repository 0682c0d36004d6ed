#include <stdlib.h>
#include <string.h>

#include <tocsin/text.h>

#include "mem.h"
#include "print/plain.h"

char *plain_copy(const char *text, size_t size)
{
    size_t room = tocsin_text_plain(text, size, NULL, 0) + 1;
    char *copy = must_alloc(room);

    tocsin_text_plain(text, size, copy, room);
    return copy;
}

void print_plain(FILE *file, const char *text, size_t size)
{
    char *copy = plain_copy(text, size);

    fputs(copy, file);
    free(copy);
}

void complain(const char *format, ...)
{
    char *text, *copy;
    va_list args;

    va_start(args, format);
    text = must_print(format, args);
    va_end(args);
    copy = plain_copy(text, strlen(text));
    fprintf(stderr, "%s\n", copy);
    free(copy);
    free(text);
}
