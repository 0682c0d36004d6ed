/* Dispositions of real signals: how the library takes them over and gives them back (S3, S4). */
#ifndef TOCSIN_OS_DISPOSITION_H
#define TOCSIN_OS_DISPOSITION_H

#include "delivery/handler.h"

/* Numbers of real signals are at most 64, so a set of real signals is one 64-bit word. */
static inline uint64_t tocsin__os_bit(int number)
{
    return (uint64_t)1 << (number - 1);
}

/* Takes over the real signals that the handler's pattern names by "os.". The first handler of a
   real signal installs the real handler. Returns 0; -EBUSY if the program has its own handler;
   -EINVAL if the real signal cannot be handled; or another -errno. On failure nothing has
   changed. */
int tocsin__os_take(struct tocsin__handler *handler);

/* Gives back the real signals of the handler. The last handler of a real signal restores the former
   disposition. */
void tocsin__os_give(struct tocsin__handler *handler);

/* Gives back the real signals of all handlers of a loop that ends. */
void tocsin__os_give_all(struct tocsin__loop *loop);

/* In the child of a fork (T8): takes over again the real signals that the handlers of this loop
 * had. If the program has taken a real signal for itself meanwhile, the library does not take it
 * over. */
void tocsin__os_retake(struct tocsin__loop *loop);

/* Takes over SIGINT and SIGTERM for the main loop while it runs (T7), if they have their default
 * dispositions. Returns the set that was taken over. The caller gives this set back with
 * tocsin__os_give_stop_signals. */
uint64_t tocsin__os_take_stop_signals(struct tocsin__loop *loop);
void tocsin__os_give_stop_signals(uint64_t taken);

/* Replaces the default action of SIGPIPE and SIGXFSZ by a handler that does nothing (S4). */
void tocsin__os_quiet(void);

#endif
