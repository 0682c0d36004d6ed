/* The standard output, which may be a terminal or a file. */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>

struct screen {
    bool redrawn; /* true on a terminal, where each picture overwrites the previous picture */
    bool colours, utf8;
    int columns; /* the number of columns to draw on */
    /* the number of columns and rows that the user sees; 0 means no limit */
    int columns_seen, rows_seen;
};

const struct screen *screen(void);

/* Reads the present size of the screen. */
void screen_measure(void);

#endif
