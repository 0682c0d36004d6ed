/* Protection against pthread_cancel. The library disables cancellation around each cancellation
   point at which the thread has a lock, a pinned inbox, a descriptor or a partly loaded plugin. If
   the thread were cancelled there, nothing would release these resources. */
#ifndef TOCSIN_BASE_CANCEL_H
#define TOCSIN_BASE_CANCEL_H

#include <pthread.h>
#include <unistd.h>

/* Disables cancellation and returns the previous state, which the caller passes to
   tocsin__cancel_back. */
static inline int tocsin__cancel_off(void)
{
    int was;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
    return was;
}

static inline void tocsin__cancel_back(int was)
{
    pthread_setcancelstate(was, NULL);
}

static inline void tocsin__fd_close(int fd)
{
    int cancel = tocsin__cancel_off();

    close(fd);
    tocsin__cancel_back(cancel);
}

#endif
