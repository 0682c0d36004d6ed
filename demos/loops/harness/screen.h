/* The standard output: a terminal or not. */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>

struct screen {
    bool redrawn; /* it is a terminal: each frame overwrites the one before */
    bool colours, utf8;
    int columns;                 /* the columns to draw on */
    int columns_seen, rows_seen; /* the visible columns and rows; 0: no limit */
};

const struct screen *screen(void);

/* Reads the current size. */
void screen_measure(void);

#endif
