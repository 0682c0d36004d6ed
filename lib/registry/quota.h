/* Quotas: the limits of the resources of an owner. They are stored by the owner's name, so they can
   be set before the plugin is loaded, and stay when it is reloaded. */
#ifndef TOCSIN_REGISTRY_QUOTA_H
#define TOCSIN_REGISTRY_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <tocsin/owner.h>

#include "base/mem.h"

enum { TOCSIN__OWNER_NAME = 64 }; /* bytes of an owner's name, with the NUL */

struct tocsin__quota { /* the limits of all owners with one name; never freed */
    struct tocsin__quota *next;
    char name[TOCSIN__OWNER_NAME];
    _Atomic bool limits_pending;                   /* true if the number of pending emissions is
                                                      limited */
    _Atomic uint32_t faults, stalls;               /* the most faults and stalls of a handler in a
                                                      minute; 0: no quarantine */
    _Atomic uint64_t limit[TOCSIN_RESOURCE_COUNT]; /* UINT64_MAX: no limit */
};

extern tocsin__hidden struct tocsin__quota tocsin__quota_program;

/* Returns the quota with this name, created if it is missing. Returns NULL if there is no
   memory. */
struct tocsin__quota *tocsin__quota_of(const char *name);

#endif
