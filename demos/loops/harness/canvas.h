/* A picture of characters. The picture is drawn in memory, and then shown at once. Characters that
   do not fit on the screen are cut off. */
#ifndef CANVAS_H
#define CANVAS_H

#include <stdbool.h>

enum ink { PLAIN, FAINT, BOLD, BLUE, YELLOW, RED };

/* Clears the picture, and makes it as wide as the screen. */
void canvas_clear(void);

/* canvas_put() draws one character of UTF-8, canvas_text() a text from a column on, and
   canvas_right() a text that ends before a column. Each function returns the next column. */
int canvas_put(int row, int column, enum ink ink, const char *letter);
int canvas_text(int row, int column, enum ink ink, const char *text);
int canvas_right(int row, int end, enum ink ink, const char *text);

/* Shows the rows up to the last row that has a character. On a terminal, the new picture overwrites
   the previous picture. */
void canvas_show(void);

/* Keeps the last picture on the screen, and shows the cursor again. */
void canvas_leave(void);

#endif
