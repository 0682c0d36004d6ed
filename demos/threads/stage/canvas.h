/* A picture of letters, which is drawn first and then shown at once. What does not fit on it is cut off. */
#ifndef CANVAS_H
#define CANVAS_H

#include <stdbool.h>

enum ink { PLAIN, FAINT, BOLD, BLUE, YELLOW, RED };

/* Empty, as wide as the screen. */
void canvas_clear(void);

/* One letter, which may be several bytes; a text from a column on, or up to one. Each answers the column behind it. */
int canvas_put(int row, int column, enum ink ink, const char *letter);
int canvas_text(int row, int column, enum ink ink, const char *text);
int canvas_right(int row, int end, enum ink ink, const char *text);

/* Shows the rows up to the last that was drawn on; on a terminal, over what the last call showed. */
void canvas_show(void);

/* Leaves the last picture where it is, and the cursor as it was before the first. */
void canvas_leave(void);

#endif
