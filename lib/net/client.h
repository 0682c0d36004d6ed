/* The client of a loop: what all its fetches share. */
#ifndef TOCSIN_NET_CLIENT_H
#define TOCSIN_NET_CLIENT_H

#include <curl/curl.h>

#include <tocsin/http.h>

#include "net/clock.h"
#include "net/origin.h"
#include "net/socket.h"

enum { TOCSIN__NET_AT_ONCE = 256 };

struct tocsin__net_transfer;

struct tocsin__net_client {
    struct tocsin_op op;                                   /* it is the state of an operation, which tocsin_free ends after all fetches */
    CURLM *multi;
    struct tocsin__net_clock clock;
    struct tocsin__net_sockets sockets;
    struct tocsin__net_origins origins;
    struct tocsin_http_options options;
    struct tocsin_pool pool;                               /* for names; zero: not made yet */
    struct tocsin__net_transfer *idle;
    unsigned idle_count;
    unsigned active, broken;                               /* fetches that have a place; of those, whose socket cannot be watched */
    bool serving;                                          /* places are being given away, further up the stack */
    struct tocsin__net_queue waiting, running;
};

struct tocsin__net_client *tocsin__net_client_current(void);                      /* the thread's; NULL: none */
int  tocsin__net_client_get(struct tocsin__net_client **ret_client);              /* makes it; 0 or -errno */
int  tocsin__net_client_pool(struct tocsin__net_client *client, struct tocsin_pool *ret_pool);
void tocsin__net_client_act(struct tocsin__net_client *client, curl_socket_t fd, int events);
void tocsin__net_client_reap(struct tocsin__net_client *client);                  /* ends the fetches that libcurl has done with */
void tocsin__net_client_connected(CURL *easy);            /* from a callback */
void tocsin__net_client_break(struct tocsin__net_client *client, CURL *easy, int status);   /* for the next reap; from a callback */

#endif
