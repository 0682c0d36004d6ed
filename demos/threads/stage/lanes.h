/* A row for each loop: what it delivers, and how it is. Answers the row below. */
#ifndef LANES_H
#define LANES_H

int lanes_draw(int row);

#endif
