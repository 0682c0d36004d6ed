/* Functions for names of signals, declared or not. The caller of both functions holds the
   registry's lock. */
#ifndef TOCSIN_REGISTRY_NAMES_H
#define TOCSIN_REGISTRY_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct tocsin__signal;

extern tocsin__hidden uint32_t tocsin__names_limit; /* the most names in the process; tests lower
                                                       the limit */

/* Returns the signal with this name, or NULL if there is no such name. */
struct tocsin__signal *tocsin__name_find(const char *name, size_t size);
/* Creates a name that does not exist yet. Returns 0, -ENOSPC if there are too many names, or
   -ENOMEM. */
int tocsin__name_make(const char *name, size_t size, struct tocsin__signal **ret_signal);

#endif
