/* O10. How to make an operation of one's own: make, start, progress, complete. Everything in the library, and
   libtocsin-net, is made in this way.

       tocsin_op_new(&type, notify, &op);     reserves everything that its end needs
       state = tocsin_op_state(op);           zeroed; fill it in, begin the work
       return tocsin_op_start(op, err, ret);  err < 0: it never was
       …
       tocsin_op_complete(op, status, &state->done.tocsin);   once, from any thread, also before start */
#ifndef TOCSIN_PROVIDER_H
#define TOCSIN_PROVIDER_H

#include <tocsin/op.h>
#include <tocsin/signal.h>

TOCSIN__BEGIN

enum { TOCSIN_STANDING = 1 };             /* it never ends by itself: tocsin_drain ends it (O7) */

struct tocsin_op_type {                   /* static: it is used for as long as operations of it live */
    const struct tocsin_spec *done;       /* the terminal signal, declared with the first operation */
    const struct tocsin_spec *progress[4];   /* its progress signals, each known by its place here; NULL: no more */
    size_t state_size;                    /* bytes; zeroed at tocsin_op_new; lives until the last reference to the result is gone */
    /* Asked to end: completes the operation, now or soon, from any thread. 0; -EBUSY: it cannot, and goes on to
       its real result. reason is the status to complete with: -ECANCELED or -ETIMEDOUT. NULL: it cannot be cancelled. */
    int (*cancel)(struct tocsin_op op, void *state, int reason);
    /* Progress that was not wanted, or could not be taken, may be wanted now. From the loop; it may make progress itself. */
    void (*resume)(struct tocsin_op op, void *state);
    void (*drop)(void *state);            /* the last use of the state is over; any thread */
    unsigned flags;
    uintptr_t spare[4];                   /* zero */
};

/**
 * Makes an operation on the calling thread's loop, which is made if the thread has none. It is nothing yet: tocsin_op_start
 * makes it one. type NULL: an operation that is completed by hand, a promise (op.done, with any payload), which starts at once and needs no
 * tocsin_op_start.
 *
 * @owner   type stays the caller's; notify is copied
 * @return  0 and ret_op set; -EINVAL: ret_op is NULL, or type or notify is malformed; -EEXIST: a signal of type is declared
 *          otherwise; -ENOENT: notify's queue is gone; -EXDEV: it belongs to
 *          another thread's loop; -EAGAIN: that queue, or a queue that listens to the terminal
 *          signal, is full, or the terminal signal is blocked, and what is pended of it and what runs reach its limit; -ENOMEM; -ESHUTDOWN: the loop is being freed, or drains and type is TOCSIN_STANDING or the time
 *          for it is over. On failure ret_op carries the error
 * @emits   none; type NULL: op.done exactly once, with the status it is completed with
 * @thread  loop
 * @source  O2, O10
 * @since   0.1
 */
TOCSIN_API int tocsin_op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * The state of an operation that has a type.
 *
 * @owner   the operation's; the provider's to write until it completes it
 * @return  the state; NULL: there is no such operation on the calling thread's loop, or it is the library's own
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API void *tocsin_op_state(struct tocsin_op op);

/**
 * Starts an operation, the last line of a start function: err is what its beginning came to. If that is negative, or if
 * op carries an error, the operation never was: it is undone, drop is called, and nothing is ever emitted (O1). ret_op may be NULL.
 *
 * @owner   a result that is kept (TOCSIN_FUTURE) is the caller's to take
 * @return  0 and ret_op set; err; the error that op carries; -EINVAL: started already; -ENOENT: no such operation. On
 *          failure ret_op carries the error
 * @emits   the terminal signal of its type exactly once, from the loop
 * @thread  loop
 * @source  O1, O2
 * @since   0.1
 */
TOCSIN_API int tocsin_op_start(struct tocsin_op op, int err, struct tocsin_op *ret_op);

/**
 * Whether progress of this kind (its place in type->progress) is wanted: a handler of its signal, a queue with room, or a TOCSIN_EACH
 * listens, and the last progress has been delivered.
 *
 * @owner   none
 * @return  1; 0: not now, and resume will be called; -EINVAL: its type has no such progress, or it is the library's own; -ENOENT: no such operation; -EXDEV: of
 *          another thread's loop
 * @emits   none
 * @thread  loop
 * @source  O2
 * @since   0.1
 */
TOCSIN_API int tocsin_op_wanted(struct tocsin_op op, int which);

/**
 * Announces progress of this kind (its place in type->progress), from the loop, soon (E16). overrun says how many more it stands for.
 *
 * @owner   a payload inside the state is lent: leave it alone until resume is called or tocsin_op_wanted answers 1; any
 *          other is copied
 * @return  1: it will be delivered; 0: nobody wants it: pause, resume will be called; -EAGAIN: the one before it has not been delivered
 *          yet, or the queue it would go to is full: resume will be called; -EALREADY: completed; -EPROTO: another
 *          layout than the declared one; -EINVAL: its type has no such progress, or it is the library's own; -ENOMEM: resume will be called; -ENOENT: no such operation; -EXDEV:
 *          of another thread's loop
 * @emits   the progress signal of its type
 * @thread  loop
 * @source  O2
 * @since   0.1
 */
TOCSIN_API int tocsin_op_progress(struct tocsin_op op, int which, const struct tocsin_payload *payload, unsigned overrun);

/**
 * Completes an operation, once. The terminal signal follows from its loop.
 *
 * @owner   a payload inside the state is lent: do not touch the state any more; any other is copied; NULL: an empty one. A
 *          lent payload and NULL cannot fail
 * @return  0; -ENOENT: there is no such operation, or somebody else has completed it; -ENOMEM: the copy, nothing was done;
 *          -EPROTO: another layout than the declared one; -EINVAL: payload holds a TOCSIN_LOCAL, or it is an operation of the
 *          library's own (a timer, a fiber), which ends by itself
 * @emits   the terminal signal of its type, from its loop
 * @thread  any
 * @source  O2, O10
 * @since   0.1
 */
TOCSIN_API int tocsin_op_complete(struct tocsin_op op, int status, const struct tocsin_payload *payload);

TOCSIN__END
#endif
