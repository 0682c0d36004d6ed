/* What is drawn on: a terminal, or something else. */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>

struct screen {
    bool redrawn;                                      /* a terminal: each frame is drawn over the one before */
    bool colours, utf8;
    int columns;                                       /* to draw on */
    int columns_seen, rows_seen;                       /* of those; 0: there is no end of them */
};

const struct screen *screen(void);

/* Looks how large it is by now. */
void screen_measure(void);

#endif
