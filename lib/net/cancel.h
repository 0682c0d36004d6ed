/* Protection against pthread_cancel: cancellation is disabled around calls of libcurl. Most of
   these calls are cancellation points, and a cancelled call would leave libcurl unusable. */
#ifndef TOCSIN_NET_CANCEL_H
#define TOCSIN_NET_CANCEL_H

#include <pthread.h>

static inline int tocsin__net_cancel_off(void)
{
    int was;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
    return was;
}

static inline void tocsin__net_cancel_back(int was)
{
    pthread_setcancelstate(was, NULL);
}

#endif
