/* The timelines as a picture, for a talk. */
#ifndef SVG_H
#define SVG_H

#include "figures.h"

/* Opens the file, so that what cannot be written is known before the run. 0 or a negative errno. */
int svg_open(const char *file);

/* Draws into it, and closes it. 0 or a negative errno. */
int svg_draw(const struct figures *figures);

/* Closes it with nothing drawn; a file that was not there before is removed. */
void svg_discard(void);

#endif
