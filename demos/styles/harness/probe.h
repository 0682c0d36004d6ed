/* Tries each of the user's URLs once, before the styles run. */
#ifndef PROBE_H
#define PROBE_H

#include "options.h"

/* Returns 0 if all of the user's URLs can be fetched. Otherwise prints the reason and returns 1. */
int probe(const struct options *options);

#endif
