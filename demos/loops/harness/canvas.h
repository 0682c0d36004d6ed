/* A picture of characters, drawn in memory and then shown at once. It cuts off what does not fit.
 */
#ifndef CANVAS_H
#define CANVAS_H

#include <stdbool.h>

enum ink { PLAIN, FAINT, BOLD, BLUE, YELLOW, RED };

/* Clears the picture and makes it as wide as the screen. */
void canvas_clear(void);

/* Draw one character of UTF-8; a text from a column on; a text up to a column. Each returns the
   next column. */
int canvas_put(int row, int column, enum ink ink, const char *letter);
int canvas_text(int row, int column, enum ink ink, const char *text);
int canvas_right(int row, int end, enum ink ink, const char *text);

/* Shows the rows up to the last one with a character. On a terminal, overwrites the last picture.
 */
void canvas_show(void);

/* Keeps the last picture on the screen and restores the cursor. */
void canvas_leave(void);

#endif
