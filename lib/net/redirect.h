/* Redirects. This library follows them, not libcurl, so that it also looks up the name of each hop.
 */
#ifndef TOCSIN_NET_REDIRECT_H
#define TOCSIN_NET_REDIRECT_H

#include "net/fetch.h"

/* The header of the reply is a redirect that must be followed. */
bool tocsin__net_redirect_is(const struct tocsin__net_fetch *fetch);
/* Starts the next hop after the transfer has ended, or ends the fetch. */
void tocsin__net_redirect(struct tocsin__net_fetch *fetch);

#endif
