/* Redirects. This library follows them itself. If libcurl did so, this library could not look up
   the names of the new hosts. */
#ifndef TOCSIN_NET_REDIRECT_H
#define TOCSIN_NET_REDIRECT_H

#include "net/fetch.h"

/* Returns true if the header of the reply is a redirect that must be followed. */
bool tocsin__net_redirect_is(const struct tocsin__net_fetch *fetch);
/* Follows the redirect after the transfer has ended, or ends the fetch. */
void tocsin__net_redirect(struct tocsin__net_fetch *fetch);

#endif
