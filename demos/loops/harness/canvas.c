#include "canvas.h"

#include <stdio.h>
#include <string.h>

#include "screen.h"

enum { ROWS = 40, COLUMNS = 140, LETTER = 5 };

struct cell {
    char letter[LETTER];
    unsigned char ink;
};

static struct cell cells[ROWS][COLUMNS];
/* `used` is the number of rows of the picture. `shown` and `shown_columns` are the rows and columns
   of the screen when the last picture was shown. */
static int used, shown, shown_columns;
static bool hidden; /* true while the cursor is hidden */

static const char *const inks[] = {
    [PLAIN] = "\033[0m",   [FAINT] = "\033[0;2m",     [BOLD] = "\033[0;1m",
    [BLUE] = "\033[0;36m", [YELLOW] = "\033[0;1;33m", [RED] = "\033[0;1;31m",
};

void canvas_clear(void)
{
    memset(cells, 0, sizeof cells);
    used = 0;
}

int canvas_put(int row, int column, enum ink ink, const char *letter)
{
    if (row < ROWS && column >= 0 && column < screen()->columns) {
        snprintf(cells[row][column].letter, LETTER, "%s", letter);
        cells[row][column].ink = (unsigned char)ink;
        used = row >= used ? row + 1 : used;
    }
    return column + 1;
}

/* Returns the number of bytes of the first character of a text, in UTF-8. */
static int character_size(const char *text)
{
    int bytes = 1;

    while ((text[bytes] & 0xc0) == 0x80)
        bytes++;
    return bytes;
}

int canvas_text(int row, int column, enum ink ink, const char *text)
{
    char letter[LETTER];

    for (; *text; text += character_size(text)) {
        snprintf(letter, sizeof letter, "%.*s", character_size(text), text);
        column = canvas_put(row, column, ink, letter);
    }
    return column;
}

int canvas_right(int row, int end, enum ink ink, const char *text)
{
    int letters = 0;

    for (const char *at = text; *at; at += character_size(at))
        letters++;
    canvas_text(row, end - letters, ink, text);
    return end;
}

static bool is_blank(const struct cell *cell)
{
    return !cell->letter[0] || strcmp(cell->letter, " ") == 0;
}

static void show_row(const struct cell *row)
{
    enum ink ink = PLAIN;
    int end = screen()->columns, seen = screen()->columns_seen;

    end = screen()->redrawn && seen && seen < end ? seen : end;
    while (end > 0 && is_blank(&row[end - 1]))
        end--;
    for (int column = 0; column < end; column++) {
        if (screen()->colours && row[column].ink != ink && !is_blank(&row[column]))
            fputs(inks[ink = row[column].ink], stdout);
        fputs(is_blank(&row[column]) ? " " : row[column].letter, stdout);
    }
    if (ink != PLAIN)
        fputs(inks[PLAIN], stdout);
}

/* Moves the cursor to the first row of the last picture. If the width of the screen has changed,
   the terminal has wrapped the last picture. Then the new picture begins below the last picture. */
static void go_back(void)
{
    if (!hidden)
        fputs("\033[?25l", stdout);
    hidden = true;
    if (shown && shown_columns == screen()->columns_seen)
        printf("\r\033[%dA", shown);
    shown_columns = screen()->columns_seen;
}

void canvas_show(void)
{
    int seen = screen()->rows_seen,
        rows = screen()->redrawn && seen && used > seen - 1 ? seen - 1 : used;

    if (screen()->redrawn)
        go_back();
    for (int row = 0; row < rows; row++) {
        show_row(cells[row]);
        fputs(screen()->redrawn ? "\033[K\n" : "\n", stdout);
    }
    if (screen()->redrawn)
        fputs("\033[J", stdout);
    shown = rows;
    fflush(stdout);
}

void canvas_leave(void)
{
    if (hidden)
        fputs("\033[?25h", stdout);
    hidden = false;
    fflush(stdout);
}
