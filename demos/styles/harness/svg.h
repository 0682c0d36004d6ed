/* Draws the timelines as an SVG picture. */
#ifndef SVG_H
#define SVG_H

#include "figures.h"

/* Checks, before the run, that the file can be written. Returns 0 or -errno. */
int svg_open(const char *file);

/* Draws the picture, and replaces the file by it. Returns 0 or -errno. */
int svg_draw(const struct figures *figures);

/* Discards the temporary file, and keeps the old file unchanged. */
void svg_discard(void);

#endif
