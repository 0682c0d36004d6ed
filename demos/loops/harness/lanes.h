/* Draws a row for each loop, with its deliveries and its state. Returns the next row. */
#ifndef LANES_H
#define LANES_H

int lanes_draw(int row);

#endif
