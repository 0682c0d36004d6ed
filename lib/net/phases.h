/* Durations of the phases of a transfer. */
#ifndef TOCSIN_NET_PHASES_H
#define TOCSIN_NET_PHASES_H

#include "net/transfer.h"

/* Adds the times that libcurl measured to the payload of the fetch. ended: libcurl has finished the
   transfer; otherwise this library ends it early. */
void tocsin__net_phases_add(struct tocsin__net_fetch *fetch, bool ended);

#endif
