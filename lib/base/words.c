#include <string.h>

#include "base/words.h"

struct tocsin__text_builder tocsin__text_builder(char *text, size_t size)
{
    if (size)
        text[0] = '\0';
    return (struct tocsin__text_builder){ text, size, 0 };
}

void tocsin__text_add(struct tocsin__text_builder *words, const char *piece)
{
    size_t length = strlen(piece), room = words->size ? words->size - 1 - words->used : 0;

    if (!words->size)
        return;
    length = length < room ? length : room;
    memcpy(words->text + words->used, piece, length);
    words->used += length;
    words->text[words->used] = '\0';
}

static void say_digits(struct tocsin__text_builder *words, uint64_t number, unsigned base)
{
    char digits[24], *at = digits + sizeof digits - 1;

    *at = '\0';
    do
        *--at = "0123456789abcdef"[number % base];
    while (number /= base);
    tocsin__text_add(words, at);
}

void tocsin__text_add_number(struct tocsin__text_builder *words, uint64_t number)
{
    say_digits(words, number, 10);
}

void tocsin__text_add_hex(struct tocsin__text_builder *words, uint64_t number)
{
    tocsin__text_add(words, "0x");
    say_digits(words, number, 16);
}

void tocsin__text_add_count(struct tocsin__text_builder *words, uint64_t count, const char *noun)
{
    const char *last = words->used ? words->text + words->used - 1 : "";

    if (!count)
        return;
    tocsin__text_add(words, *last && *last != ' ' ? ", " : "");
    tocsin__text_add_number(words, count);
    tocsin__text_add(words, " ");
    tocsin__text_add(words, noun);
    tocsin__text_add(words, count == 1 ? "" : strcmp(noun, "watch") == 0 ? "es" : "s");
}
