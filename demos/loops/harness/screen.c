#include "screen.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_LEAST = 80, COLUMNS_MOST = 132 };

static struct screen here;

const struct screen *screen(void)
{
    return &here;
}

static int between(int least, int value, int most)
{
    return value < least ? least : value > most ? most : value;
}

void screen_measure(void)
{
    struct winsize size = { 0 };
    const char *terminal = getenv("TERM"), *no_colour = getenv("NO_COLOR");

    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    here.redrawn = isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    here.colours = here.redrawn && !(no_colour && *no_colour);
    here.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    here.columns = between(COLUMNS_LEAST, size.ws_col, COLUMNS_MOST);
    here.columns_seen = size.ws_col;
    here.rows_seen = size.ws_row;
}
