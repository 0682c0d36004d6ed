/* Finds the signo of a name. */
#ifndef TOCSIN_REGISTRY_LOOKUP_H
#define TOCSIN_REGISTRY_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the signo of a name. The signal need not be declared. If `make` is true, a missing name
 * is created. Returns -ENOENT if there is no such name, -ENOSPC if there are too many names, or
 * -ENOMEM. */
int tocsin__signal_named(const char *name, size_t size, bool make);

#endif
