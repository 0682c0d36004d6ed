/* The descriptor that stands for the whole loop in another event loop (tocsin_loop_fd). libevent
 * does not expose its own epoll set. So after the first call, everything that the loop watches is
 * in a second epoll set, too. This set also has a timer for the next due time. */
#ifndef TOCSIN_LOOP_POLL_FD_H
#define TOCSIN_LOOP_POLL_FD_H

#include "loop/engine.h"

/* Returns the descriptor, which the first call makes. Returns -ENOTSUP for an adopted base,
   -ENOMEM, or another -errno. */
int tocsin__poll_fd_get(struct tocsin__engine *engine);

/* Called when a watch of `fd` changes from the events `before` to the events `after`. Each is a set
   of POLLIN and POLLOUT. */
void tocsin__poll_fd_watch(struct tocsin__engine *engine, int fd, short before, short after);

/* Sets the timer to the time at which the loop next has something to do. */
void tocsin__poll_fd_set_timer(struct tocsin__engine *engine);

void tocsin__poll_fd_free(struct tocsin__engine *engine);

#endif
