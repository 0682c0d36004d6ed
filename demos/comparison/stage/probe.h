/* Tries each of the user's URLs once, before the job is done in seven styles. */
#ifndef PROBE_H
#define PROBE_H

#include "options.h"

/* 0: all can be fetched; 1: one cannot, and it was said which and why. */
int probe(const struct options *options);

#endif
