#include <stdio.h>
#include <string.h>

#include "json.h"

/* How many bytes the character is, 0: it is none (RFC 3629). */
static int character(const unsigned char *at)
{
    int size = *at < 0x80 ? 1 : *at >= 0xc2 && *at < 0xe0 ? 2 : *at >= 0xe0 && *at < 0xf0 ? 3 : *at >= 0xf0 && *at < 0xf5 ? 4 : 0;

    for (int i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) || (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

static void string_of(const unsigned char *at, size_t size)
{
    const unsigned char *end = at + size;

    putchar('"');
    while (at < end) {
        int bytes = character(at);

        if (bytes == 0 || at + bytes > end)
            fputs("\xef\xbf\xbd", stdout), bytes = 1;
        else if (*at < 0x20)
            printf("\\u%04x", *at);
        else if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else
            printf("%.*s", bytes, (const char *)at);
        at += bytes;
    }
    putchar('"');
}

void json_string(const char *text)
{
    if (text)
        string_of((const unsigned char *)text, strlen(text));
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
        string_of((const unsigned char *)words, size);
        words += size;
        comma = ",";
    }
    putchar(']');
}
