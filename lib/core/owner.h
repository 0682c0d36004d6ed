/* P1: everything has an owner, the program or a plugin, known by an address that lies in its object file. Only the
   program exists yet. */
#ifndef TOCSIN_CORE_OWNER_H
#define TOCSIN_CORE_OWNER_H

struct tocsin__owner { const char *name; };

struct tocsin__owner *tocsin__owner_of(const void *address);

#endif
