/* Connects handlers, on behalf of the public functions and of queues. */
#ifndef TOCSIN_DELIVERY_CONNECT_H
#define TOCSIN_DELIVERY_CONNECT_H

#include <tocsin/handler.h>

struct tocsin__admission;

struct tocsin__connect_args {
    const char *where; /* file:line of the call that connects the handler; NULL: unknown */
    const char *call;  /* source text of the arguments of this call; NULL: unknown */
    struct tocsin_action action;
    unsigned flags;                      /* TOCSIN__OBSERVER, TOCSIN__FIRST */
    struct tocsin__admission *admission; /* the queue that is connected; NULL: a handler is
                                            connected */
};

/* Works as tocsin_connect. ret_handler may be NULL. */
int tocsin__connect(const struct tocsin__connect_args *args, const char *pattern,
                    struct tocsin_handler *ret_handler);

#endif
