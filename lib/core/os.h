/* Real signals of the operating system: what they are called (os.c), who has taken them over (disposition.c), and what is done with one that
   was caught (caught.c). Their numbers are below 65, so a set of them is a word; its lowest bit stands for number 1. */
#ifndef TOCSIN_CORE_OS_H
#define TOCSIN_CORE_OS_H

#include <signal.h>

#include <tocsin/os.h>

#include "core/handler.h"

enum { TOCSIN__OS_MOST = 64 };

static inline uint64_t tocsin__os_bit(int number)
{
    return (uint64_t)1 << (number - 1);
}

/* Names. They are declared when one is first asked for: all of them would double what a first loop costs. */
int  tocsin__os_named(const char *text, size_t size);  /* declares what a name, or a part of a pattern, may stand for: 0; -ENOMEM, -ENOSPC */
int  tocsin__os_signo(int number);                     /* any thread, async-signal-safe: 0: it is not declared */
int  tocsin__os_number(const struct tocsin__signal *signal);     /* 0: it is none of them */
bool tocsin__os_excluded(int number);                  /* it cannot be handled (S3) */

/* Taking over (S3). The first to take one installs the real handler, the last to give it back puts back what was there. */
int  tocsin__os_take(struct tocsin__handler *handler); /* what its pattern means, and says by "os."; -EBUSY, -EINVAL, -errno: nothing has changed */
void tocsin__os_give(struct tocsin__handler *handler);
void tocsin__os_leave(struct tocsin__loop *loop);      /* all that its handlers have: it ends, and what comes is not for it any more */
uint64_t tocsin__os_run(struct tocsin__loop *loop);    /* SIGINT and SIGTERM, if they have their defaults: those that it has taken */
void tocsin__os_ran(uint64_t taken);
void tocsin__os_pipe(void);                            /* S4 */
uint64_t tocsin__os_queued(void);                      /* async-signal-safe: the real-time ones that are taken over */

/* Caught */
void tocsin__os_caught(int number, siginfo_t *info, void *context);
void tocsin__os_ebb(struct tocsin__loop *loop);        /* what is blocked for want of room is unblocked, if there is room */
bool tocsin__os_ebbs(const struct tocsin__loop *loop); /* something of that is to be done */
void tocsin__os_drop(struct tocsin__loop *loop);       /* T8: the same, and what waits for room is not for this process */
void tocsin__os_retake(struct tocsin__loop *loop);     /* T8: its handlers take over again what the fork has put back */
void tocsin__os_dry(struct tocsin__loop *loop);        /* the same, once nothing can be posted to it any more */

/* Its thread, once a turn, before it may sleep. */
static inline void tocsin__os_turn(struct tocsin__loop *loop)
{
    struct tocsin__flood *flood = &loop->inbox.flood;

    if (tocsin__unlikely(atomic_load_explicit(&flood->seen, memory_order_relaxed) || atomic_load_explicit(&flood->waits, memory_order_relaxed) ||
                         atomic_load_explicit(&flood->masked, memory_order_relaxed)))
        tocsin__os_ebb(loop);
}

#endif
