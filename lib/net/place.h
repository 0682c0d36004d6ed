/* Places: how many fetches go on at a time (at_once), and how many of them at one origin (per_host). */
#ifndef TOCSIN_NET_PLACE_H
#define TOCSIN_NET_PLACE_H

#include "net/fetch.h"

void tocsin__net_place_ask(struct tocsin__net_fetch *fetch);     /* tocsin__net_fetch_go is called when it has one, maybe at once */
void tocsin__net_place_leave(struct tocsin__net_fetch *fetch);   /* or stop asking. Others go */
void tocsin__net_place_move(struct tocsin__net_fetch *fetch, struct tocsin__net_origin *origin);   /* a redirect: as ask, but first in line */
void tocsin__net_place_review(struct tocsin__net_client *client);   /* the numbers have changed */

#endif
