/* The client of a loop: the state that all fetches of the loop share. */
#ifndef TOCSIN_NET_CLIENT_H
#define TOCSIN_NET_CLIENT_H

#include <curl/curl.h>

#include <tocsin/http.h>

#include "net/clock.h"
#include "net/origin.h"
#include "net/resolve.h"
#include "net/socket.h"

enum { TOCSIN__NET_AT_ONCE = 256 };

struct tocsin__net_transfer;

struct tocsin__net_client {
    struct tocsin_op op; /* the operation whose state is this client; tocsin_loop_free ends it after
                            all fetches */
    CURLM *multi;
    struct tocsin__net_clock clock;
    struct tocsin__net_sockets sockets;
    struct tocsin__net_origins origins;
    struct tocsin_http_options options;
    struct tocsin_pool pool;              /* the pool that looks up names; zero: not created yet */
    struct tocsin__net_resolve_list kept; /* list of the addresses of recent lookups */
    unsigned kept_count;
    struct tocsin__net_transfer *idle;
    unsigned idle_count;
    unsigned active; /* number of fetches that have the client's permit */
    unsigned broken; /* number of fetches with a permit whose socket cannot be watched */
    bool granting;   /* true while a function on the stack grants permits */
    struct tocsin__net_queue waiting, running;
};

/* Returns the client of this thread, or NULL if there is none. */
struct tocsin__net_client *tocsin__net_client_current(void);
/* Finds the client of this thread, and creates it if there is none. Returns 0 or -errno. */
int tocsin__net_client_get(struct tocsin__net_client **ret_client);
int tocsin__net_client_pool(struct tocsin__net_client *client, struct tocsin_pool *ret_pool);
void tocsin__net_client_act(struct tocsin__net_client *client, curl_socket_t fd, int events);
/* Ends the fetches whose transfers libcurl has finished. */
void tocsin__net_client_reap(struct tocsin__net_client *client);
/* Callbacks of libcurl call these two functions. The next tocsin__net_client_reap ends a broken
   fetch. */
void tocsin__net_client_connected(CURL *easy);
void tocsin__net_client_break(struct tocsin__net_client *client, CURL *easy, int status);

#endif
