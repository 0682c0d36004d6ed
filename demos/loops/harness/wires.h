/* Draws a wire for each signal, in a column of its own. The senders are on the left of the wire,
   and the receivers on its right. Returns the next row. */
#ifndef WIRES_H
#define WIRES_H

int wires_draw(int row);

#endif
