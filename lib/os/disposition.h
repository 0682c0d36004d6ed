/* Dispositions of real signals: which of them the library has taken over (S3, S4). */
#ifndef TOCSIN_OS_DISPOSITION_H
#define TOCSIN_OS_DISPOSITION_H

#include "delivery/handler.h"

/* Numbers of real signals are at most 64, so a set of them is a word. */
static inline uint64_t tocsin__os_bit(int number)
{
    return (uint64_t)1 << (number - 1);
}

/* Takes over the real signals that the handler's pattern names by "os.". The first handler of a
 * real signal installs the real handler. -EBUSY: the program has a handler of its own; -EINVAL: it
 * cannot be handled; another -errno. On failure nothing has changed. */
int tocsin__os_take(struct tocsin__handler *handler);

/* Gives them back. The last handler of a real signal restores the disposition from before. */
void tocsin__os_give(struct tocsin__handler *handler);

/* Gives back the real signals of all handlers of a loop that ends. */
void tocsin__os_give_all(struct tocsin__loop *loop);

/* T8: in a child, takes over again what the handlers of this loop had. If the program has taken a
 * real signal for itself meanwhile, the handler goes without it. */
void tocsin__os_retake(struct tocsin__loop *loop);

/* T7: takes over SIGINT and SIGTERM for the main loop while it runs, if they have their default
 * dispositions. Returns which; the caller gives them back with tocsin__os_give_stop_signals. */
uint64_t tocsin__os_take_stop_signals(struct tocsin__loop *loop);
void tocsin__os_give_stop_signals(uint64_t taken);

/* S4: replaces the default action of SIGPIPE and SIGXFSZ by a handler that does nothing. */
void tocsin__os_quiet(void);

#endif
