/* The sockets of libcurl. An operation watches each of them. */
#ifndef TOCSIN_NET_SOCKET_H
#define TOCSIN_NET_SOCKET_H

#include <curl/curl.h>

#include <tocsin/watch.h>

#include "net/origin.h"

/* One socket and its watch. The watch is created when libcurl first waits for the socket, and ends
   when libcurl closes the socket. A connection that is kept for reuse keeps its watch, so the next
   fetch on it needs neither a new operation nor a system call. */
struct tocsin__net_socket {
    struct tocsin_op watch;
    short wanted;  /* the poll events that libcurl waits for now */
    short watched; /* the poll events of the watch */
    struct tocsin__net_origin
        *origin; /* the origin; this struct has a reference to it. NULL: the socket is closed */
};

struct tocsin__net_sockets {
    struct tocsin__net_socket *list; /* the sockets; the index is the descriptor */
    int count;
};

struct tocsin__net_client;
struct tocsin__net_transfer;
CURLcode tocsin__net_sockets_of_transfer(struct tocsin__net_transfer *transfer);
CURLMcode tocsin__net_sockets_of_multi(struct tocsin__net_client *client, CURLM *multi);
/* Shuts down all connections to this origin. No fetch may be using them. Afterwards libcurl finds
   them closed. */
void tocsin__net_sockets_retire(struct tocsin__net_sockets *sockets,
                                const struct tocsin__net_origin *origin);
void tocsin__net_sockets_free(struct tocsin__net_sockets *sockets);

#endif
