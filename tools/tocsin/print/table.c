#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mem.h"
#include "print/plain.h"
#include "print/table.h"

struct look look_at_terminal(void)
{
    struct winsize size;
    bool colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    struct look look = { colours ? "\033[1m" : "", colours ? "\033[2m" : "",
                         colours ? "\033[0m" : "", 100 };

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60)
        look.columns = size.ws_col;
    return look;
}

static int width_of(const char *text)
{
    int width = 0;

    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

/* Returns an escaped copy of a text from a file. GLUE separates pieces, so it must not be part of
   the text. */
static char *word_copy(const char *text, size_t size)
{
    const char *end = text + size, *glue;
    char *copy = must_copy("");

    for (; text <= end; text = glue + 1) {
        char *before = copy, *plain;

        glue = memchr(text, GLUE, (size_t)(end - text));
        glue = glue ? glue : end;
        plain = plain_copy(text, (size_t)(glue - text));
        copy = must_format("%s%s%s", before, *before ? " " : "", plain);
        free(before);
        free(plain);
    }
    return copy;
}

int text_width(const char *text)
{
    char *copy = word_copy(text, strlen(text));
    int width = width_of(copy);

    free(copy);
    return width;
}

void print_padded(const char *text, int width)
{
    char *copy = word_copy(text, strlen(text));
    int rest = width - width_of(copy);

    printf("%s%*s", copy, rest > 0 ? rest : 0, "");
    free(copy);
}

void print_wrapped(const char *text, int column, int columns)
{
    int at = column;

    while (*text) {
        size_t size = strcspn(text, " ");
        char *word = word_copy(text, size);
        int width = width_of(word);

        if (at > column && at + 1 + width > columns)
            printf("\n%*s", at = column, "");
        else if (at > column)
            putchar(' '), at++;
        fputs(word, stdout);
        free(word);
        at += width;
        text += size;
        text += strspn(text, " ");
    }
    putchar('\n');
}
