/* Redirects, followed here, so that each hop's name is looked up by us. */
#ifndef TOCSIN_NET_REDIRECT_H
#define TOCSIN_NET_REDIRECT_H

#include "net/fetch.h"

bool tocsin__net_redirect_is(const struct tocsin__net_fetch *fetch);       /* the reply's header is one that is to be followed */
void tocsin__net_redirect(struct tocsin__net_fetch *fetch);                /* after its transfer: on to the next, or it ends */

#endif
