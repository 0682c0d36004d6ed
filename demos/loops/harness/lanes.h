/* Draws a row for each loop, with the deliveries and the state of the loop. Returns the next
   row. */
#ifndef LANES_H
#define LANES_H

int lanes_draw(int row);

#endif
