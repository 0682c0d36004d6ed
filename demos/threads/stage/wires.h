/* A column for each signal: a wire, on the left of it who sends it, on the right who hears it. Answers the row below. */
#ifndef WIRES_H
#define WIRES_H

int wires_draw(int row);

#endif
