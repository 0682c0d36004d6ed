/* The seams of the library: where the work of others comes in. One function of the program, or of a plugin, may stand there and say of each thing that crosses that it
   comes late, behind the next one, twice, or as a failure: so time-outs and races of a real program are tested, without a mock. The plugin
   "chaos" does so by chance.

   What the library promises holds on both sides of a seam; what is said there is as if the world had been so: a disk was slow, a peer gave up, a thread was not
   scheduled. That what one sender sends comes in its order (T2), and once, is given up where the function says so, and nowhere else. Nothing is ever lost.
   Where nobody stands, a seam costs one load, and an emission crosses none. */
#ifndef TOCSIN_INTERPOSE_H
#define TOCSIN_INTERPOSE_H

#include <tocsin/info.h>

TOCSIN__BEGIN

enum tocsin_seam {
    /* An operation is completed, and its end is about to be announced on its loop; what somebody has asked to end (tocsin_cancel, a deadline, tocsin_free) crosses no seam. It can
       come late, behind the next end of this signal, and as a failure. While it is held up the operation runs, for everybody: a deadline or tocsin_cancel ends it at
       once, -ETIMEDOUT or -ECANCELED, and its provider is not asked, whose work is done; a drain waits for it. It cannot come twice: that an operation ends once is
       what all others rely on (O2). */
    TOCSIN_SEAM_END,
    /* A tocsin_post, tocsin_post_to or tocsin_post_wait, on the thread of the sender, before anything is done. It can fail: the call answers the error. A signal that was declared
       TOCSIN_ASYNC does not cross here, since a real signal handler may be posting it. */
    TOCSIN_SEAM_POST,
    /* A post, a real signal, or an emission of another loop's, comes out of an inbox: also what a loop has posted to itself. It can come late, behind the next one of this signal on this
       loop, and twice. What an operation of another loop tells does not cross here. */
    TOCSIN_SEAM_RECEIPT
};

struct tocsin_crossing {
    enum tocsin_seam seam;
    int signo;                            /* END: of the terminal signal */
    const char *name;                     /* its name, which lasts */
    int code;                             /* who generated it: enum tocsin_code */
    int status;                           /* END: what the operation came to */
    struct tocsin_source source;          /* END: the operation; RECEIPT: as the info will have it; else zero */
    uintptr_t spare[4];
};

struct tocsin_verdict {                   /* all of it zero when the function is called: it crosses */
    int64_t delay_ms;                     /* END, RECEIPT: it comes so much later, by the clock of its loop; 0 or less: at once */
    bool behind;                          /* with a delay: as soon as another one of this signal has crossed on this loop, at the latest after the delay. While one waits so, the next one lets it by */
    bool twice;                           /* RECEIPT: once more, as late as it is */
    int error;                            /* END: its status, and its payload is the empty one, as of tocsin_op_complete(op, error, NULL). POST: the answer. Negative */
    uintptr_t spare[4];
};

enum { TOCSIN_HELD_UP = 1024 };           /* at RECEIPT, on a loop: what is beyond is not held up, nor doubled */

/* Says what becomes of something that crosses. Called on the thread on which it does, by one thread at a time, with a lock held that every other thread waits for that crosses: so it
   computes, and returns. It may post, which crosses no seam then; it may not emit, run turns, wait, or fork. */
typedef void (*tocsin_interposer)(const struct tocsin_crossing *crossing, struct tocsin_verdict *verdict, void *arg);

/**
 * Puts a function at the seams of the process, or takes it away from them: fn NULL, whoever's it is. When this returns, one that was taken away does not run on any thread and is
 * not called any more. What it has held up goes on waiting until it is due. That of a plugin is taken away when the plugin is unloaded or reloaded, before its fini.
 *
 * @owner   arg stays the caller's
 * @return  0; -EBUSY: another function stands there; -EDEADLK: called by the function that stands there; -ESHUTDOWN: the plugin that fn is of is being unloaded
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_interpose(tocsin_interposer fn, void *arg);

TOCSIN__END
#endif
