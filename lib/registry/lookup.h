/* Finds the signo of a name. */
#ifndef TOCSIN_REGISTRY_LOOKUP_H
#define TOCSIN_REGISTRY_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the signo of a name, declared or not. make: creates a missing name. -ENOENT, -ENOSPC,
   -ENOMEM. */
int tocsin__signal_named(const char *name, size_t size, bool make);

#endif
