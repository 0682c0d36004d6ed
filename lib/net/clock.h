/* The timer of libcurl. It is an operation that ticks when libcurl wants to be called. */
#ifndef TOCSIN_NET_CLOCK_H
#define TOCSIN_NET_CLOCK_H

#include <curl/curl.h>

#include <tocsin/timer.h>

struct tocsin__net_clock {
    struct tocsin_op timer;
    int error; /* -errno if the timer could not be set after the last fetch was added, else 0 */
};

struct tocsin__net_client;
int tocsin__net_clock_start(struct tocsin__net_clock *clock);
CURLMcode tocsin__net_clock_of_multi(struct tocsin__net_clock *clock, CURLM *multi);
void tocsin__net_clock_free(struct tocsin__net_clock *clock);

#endif
