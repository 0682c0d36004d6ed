/* Declares signals: a name gets its spec and its owner. */
#ifndef TOCSIN_REGISTRY_DECLARE_H
#define TOCSIN_REGISTRY_DECLARE_H

#include <stdbool.h>

#include <tocsin/signal.h>

struct tocsin__owner;

/* Declares a signal. Returns the signo, or an error as tocsin_declare does. The spec may have the
   library's own flags. */
int tocsin__declare(const struct tocsin_signal_spec *spec, struct tocsin__owner *owner);
/* Returns true if the default action of some signal is a function of the owner. */
bool tocsin__signals_default(const struct tocsin__owner *owner);
/* Gives the owner's signals to the program, without their default actions. Afterwards the registry
   has no address in the owner's file. */
void tocsin__signals_orphan(struct tocsin__owner *owner);

#endif
