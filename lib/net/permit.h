/* Permits: limit how many fetches run at a time in a client (at_once) and at an origin (per_host).
 */
#ifndef TOCSIN_NET_PERMIT_H
#define TOCSIN_NET_PERMIT_H

#include "net/fetch.h"

/* Calls tocsin__net_fetch_go when the fetch gets its permit, maybe before this returns. */
void tocsin__net_permit_request(struct tocsin__net_fetch *fetch);
/* Gives the permit back, or ends the wait for it. Other fetches may start. */
void tocsin__net_permit_release(struct tocsin__net_fetch *fetch);
/* After a redirect: gets a permit of the new origin, before fetches that wait there. */
void tocsin__net_permit_move(struct tocsin__net_fetch *fetch, struct tocsin__net_origin *origin);
/* Applies new limits. */
void tocsin__net_permit_review(struct tocsin__net_client *client);

#endif
