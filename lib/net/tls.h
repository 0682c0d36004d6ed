/* Detects whether the peer has sent close_notify (RFC 8446 section 6.1). With OpenSSL, libcurl does
   not check this. So a reply that is delimited by the end of the connection may have been cut. */
#ifndef TOCSIN_NET_TLS_H
#define TOCSIN_NET_TLS_H

#include "net/fetch.h"

/* Begins to watch for close_notify. A callback of libcurl must call this during the reply. */
void tocsin__net_tls_observe(struct tocsin__net_fetch *fetch);

#endif
