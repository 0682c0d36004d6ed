/* How long each phase of a transfer took. */
#ifndef TOCSIN_NET_PHASES_H
#define TOCSIN_NET_PHASES_H

#include "net/transfer.h"

/* Adds what libcurl measured to the fetch's payload. ended: libcurl says that the transfer is over; else it is given up. */
void tocsin__net_phases_add(struct tocsin__net_fetch *fetch, bool ended);

#endif
