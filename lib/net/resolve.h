/* Looks up names in a thread pool and passes the addresses to libcurl, which never looks up a name
   itself. Fetches that need the same name share one lookup. Found addresses are kept for 5 seconds.
   Failures are not kept. */
#ifndef TOCSIN_NET_RESOLVE_H
#define TOCSIN_NET_RESOLVE_H

#include <sys/queue.h>

struct tocsin__net_client;
struct tocsin__net_fetch;
struct tocsin__net_resolve;

TAILQ_HEAD(tocsin__net_resolve_list, tocsin__net_resolve);

/* How long addresses are kept, and the most entries that a loop keeps. */
enum { TOCSIN__NET_RESOLVE_MS = 5000, TOCSIN__NET_RESOLVE_MAX = 256 };

/* Requests the addresses of the fetch's origin. When they are known, tocsin__net_fetch_named is
   called, possibly before this function returns. Returns 0 or -errno. */
int tocsin__net_resolve_start(struct tocsin__net_fetch *fetch);

/* Ends the wait of the fetch for addresses. */
void tocsin__net_resolve_leave(struct tocsin__net_fetch *fetch);

/* Forgets all kept addresses, so that later fetches look up their names again. */
void tocsin__net_resolve_forget(struct tocsin__net_client *client);

#endif
