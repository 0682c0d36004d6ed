#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "table.h"

struct look look_at_terminal(void)
{
    struct winsize size;
    bool colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    struct look look = { colours ? "\033[1m" : "", colours ? "\033[2m" : "", colours ? "\033[0m" : "", 100 };

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60)
        look.columns = size.ws_col;
    return look;
}

static int width_of(const char *text, size_t size)
{
    int width = 0;

    for (size_t i = 0; i < size; i++)
        width += (text[i] & 0xc0) != 0x80;
    return width;
}

int text_width(const char *text)
{
    return width_of(text, strlen(text));
}

/* What a file says of itself may hold anything: a terminal gets no control characters. */
static void print_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        putchar(text[i] == GLUE ? ' ' : (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
}

void print_padded(const char *text, int width)
{
    int rest = width - text_width(text);

    print_plain(text, strlen(text));
    printf("%*s", rest > 0 ? rest : 0, "");
}

void print_wrapped(const char *text, int column, int columns)
{
    int at = column;

    while (*text) {
        size_t size = strcspn(text, " ");
        int width = width_of(text, size);

        if (at > column && at + 1 + width > columns)
            printf("\n%*s", at = column, "");
        else if (at > column)
            putchar(' '), at++;
        print_plain(text, size);
        at += width;
        text += size;
        text += strspn(text, " ");
    }
    putchar('\n');
}
