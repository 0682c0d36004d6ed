/* Prints the comparison as a table, on a terminal or to a file. */
#ifndef TABLE_H
#define TABLE_H

#include "figures.h"

void table_head(const struct options *options);
void table_row(const struct style *style, const struct row *row);
void table_timelines(const struct figures *figures);

/* Prints a few sentences about the figures. */
void table_story(const struct figures *figures);

#endif
