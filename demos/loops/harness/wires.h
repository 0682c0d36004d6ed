/* Draws a column for each signal: a wire, with its senders on the left and its receivers on the
   right. Returns the next row. */
#ifndef WIRES_H
#define WIRES_H

int wires_draw(int row);

#endif
