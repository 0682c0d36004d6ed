/* Prints the comparison as one JSON object. */
#ifndef JSON_H
#define JSON_H

#include "figures.h"

void json_print(const struct figures *figures, int agree);

#endif
