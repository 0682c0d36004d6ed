/* Measures the durations of the phases of a transfer. */
#ifndef TOCSIN_NET_PHASES_H
#define TOCSIN_NET_PHASES_H

#include "net/transfer.h"

/* Adds the times that libcurl measured to the payload of the fetch. `ended` is true if libcurl has
   finished the transfer, and false if this library ends the transfer early. */
void tocsin__net_phases_add(struct tocsin__net_fetch *fetch, bool ended);

#endif
