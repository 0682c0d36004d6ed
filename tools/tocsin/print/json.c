#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/text.h>

#include "mem.h"
#include "print/json.h"

static void string_of(const char *text, size_t size)
{
    size_t room = tocsin_text_json(text, size, NULL, 0) + 1;
    char *copy = must_alloc(room);

    tocsin_text_json(text, size, copy, room);
    printf("\"%s\"", copy);
    free(copy);
}

void json_string(const char *text)
{
    if (text)
        string_of(text, strlen(text));
    else
        fputs("null", stdout);
}

void json_member(const char *name, const char *text)
{
    printf("\"%s\":", name);
    json_string(text);
}

void json_words(const char *words)
{
    const char *comma = "";

    putchar('[');
    for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
        size_t size = strcspn(words, " ");

        fputs(comma, stdout);
        string_of(words, size);
        words += size;
        comma = ",";
    }
    putchar(']');
}
