/* The descriptor that stands for the whole loop in a foreign poll loop (tocsin_loop_fd). libevent
 * does not show its own epoll set. So after the first call, everything that the loop watches is in
 * a second epoll set too, with a timer for what is due. */
#ifndef TOCSIN_LOOP_POLL_FD_H
#define TOCSIN_LOOP_POLL_FD_H

#include "loop/engine.h"

/* The descriptor, made by the first call; -ENOTSUP (adopted base), -ENOMEM, another -errno. */
int tocsin__poll_fd_get(struct tocsin__engine *engine);

/* A watch of fd has changed from the events before to the events after (POLLIN, POLLOUT). */
void tocsin__poll_fd_watch(struct tocsin__engine *engine, int fd, short before, short after);

/* Sets the timer to what is due now. */
void tocsin__poll_fd_set_timer(struct tocsin__engine *engine);

void tocsin__poll_fd_free(struct tocsin__engine *engine);

#endif
