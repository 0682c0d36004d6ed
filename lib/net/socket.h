/* Sockets: those of libcurl, each watched by an operation. */
#ifndef TOCSIN_NET_SOCKET_H
#define TOCSIN_NET_SOCKET_H

#include <curl/curl.h>

#include <tocsin/watch.h>

/* By its number. The watch is made when libcurl first wants to know, and ends when libcurl closes the socket: a connection
   that is kept for reuse keeps it, so that a fetch on it costs no operation and no system call for it. */
struct tocsin__net_socket {
    struct tocsin_op watch;
    short wanted;                                          /* by libcurl, now */
    short watched;
};

struct tocsin__net_sockets { struct tocsin__net_socket *list; int count; };

struct tocsin__net_client;
CURLcode  tocsin__net_sockets_of_easy(struct tocsin__net_client *client, CURL *easy);
CURLMcode tocsin__net_sockets_of_multi(struct tocsin__net_client *client, CURLM *multi);
void      tocsin__net_sockets_free(struct tocsin__net_sockets *sockets);

#endif
