/* Permits limit how many fetches run at the same time: in a client (at_once) and at an origin
   (per_host). */
#ifndef TOCSIN_NET_PERMIT_H
#define TOCSIN_NET_PERMIT_H

#include "net/fetch.h"

/* Requests a permit. When the fetch gets the permit, tocsin__net_fetch_go is called, possibly
   before this function returns. */
void tocsin__net_permit_request(struct tocsin__net_fetch *fetch);
/* Gives the permit back, or ends the wait for it. Then other fetches may start. */
void tocsin__net_permit_release(struct tocsin__net_fetch *fetch);
/* Moves a fetch to a new origin after a redirect. It gets a permit of the new origin before the
   fetches that wait there. */
void tocsin__net_permit_move(struct tocsin__net_fetch *fetch, struct tocsin__net_origin *origin);
/* Applies new limits to the fetches that wait. */
void tocsin__net_permit_review(struct tocsin__net_client *client);

#endif
