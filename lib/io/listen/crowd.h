/* The streams that one listener has accepted, and that live. It outlives the listener. */
#ifndef TOCSIN_IO_CROWD_H
#define TOCSIN_IO_CROWD_H

#include <stdint.h>

struct tocsin__stream;

struct tocsin__crowd {
    uint32_t refs; /* the listener, and each stream */
    int live;      /* streams that have a descriptor */
    /* A stream has ended, so a descriptor is free. NULL: the listener has ended */
    void (*left)(struct tocsin__crowd *crowd, struct tocsin__stream *stream);
    void *listener;
};

/* NULL: no memory. One reference is the caller's. */
struct tocsin__crowd *tocsin__crowd_new(void);
void tocsin__crowd_unref(struct tocsin__crowd *crowd);
void tocsin__crowd_join(struct tocsin__crowd *crowd, struct tocsin__stream *stream);
/* The stream has ended. A stream without a crowd stays as it is. */
void tocsin__crowd_leave(struct tocsin__stream *stream);

#endif
