/* The table of functions through which delivery calls the higher floors of the library. */
#ifndef TOCSIN_DELIVERY_HOOKS_H
#define TOCSIN_DELIVERY_HOOKS_H

#include "delivery/loop.h"

struct tocsin__handler;

/* Constructors of lib/remote, lib/os, lib/loop and lib/style set their members of the table. After
   that nobody changes the table, so any thread may read it. */
struct tocsin__hooks {
    /* set by lib/remote: emits a signal that has handlers on this loop and on others */
    int (*emit_both)(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                     struct tocsin__info *info);
    /* sends an emission to the other loops only. `here` is true if this loop delivers the emission,
       too. Returns the number of loops, or an error if nothing was sent */
    int (*emit_away)(struct tocsin__loop *loop, struct tocsin__signal *signal,
                     struct tocsin__info *info, bool here);
    /* sends the messages with the end of an operation that were made before; returns their
     * number */
    int (*completions_send)(struct tocsin__loop *loop, struct tocsin__info *info, bool here);
    /* set by lib/remote: notifies the other loops that wait for room on this loop */
    void (*room_check)(struct tocsin__loop *loop);
    /* set by lib/remote: called when another loop has begun to listen, so that this loop resumes
     * its paused operations */
    void (*news_send)(struct tocsin__loop *loop);
    /* repairs the state of the inbox after a handler has left the delivery of a message by a
     * jump */
    void (*receive_left)(struct tocsin__loop *loop);

    /* lib/os: os_take: a handler takes over the real signals that its pattern names; returns
       -EBUSY, -EINVAL or another -errno if nothing has changed. os_give: the handler gives these
       signals back */
    int (*os_take)(struct tocsin__handler *handler);
    void (*os_give)(struct tocsin__handler *handler);

    /* lib/style: calls fn(info, arg) on a fiber of its own. handler: the handler whose function it
       is; NULL: a notify. Returns an error if the fiber cannot begin */
    int (*fiber_call)(const struct tocsin_info *info, tocsin_fn fn, void *arg,
                      struct tocsin__handler *handler);

    /* lib/loop: called when the calling thread has made this loop */
    void (*thread_begins)(struct tocsin__loop *loop);
    /* set by lib/loop: closes the loop of a thread that ends without freeing it (T6) */
    void (*thread_ends)(struct tocsin__loop *loop);
};

extern tocsin__hidden struct tocsin__hooks tocsin__hooks;

#endif
