/* A program may define its own operations (O10). The code that does so is a provider. It makes,
   starts and completes the operations, and may report progress. The operations of the library and
   of libtocsin-net are made in the same way.

       tocsin_op_new(&type, notify, &op);     reserves everything that the end needs
       state = tocsin_op_state(op);           zeroed; fill it in, and begin the work
       return tocsin_op_start(op, err, ret);  with err < 0 the operation is undone
       …
       tocsin_op_complete(op, status, &state->done.tocsin);   once, from any thread; it may come
                                                              before tocsin_op_start */
#ifndef TOCSIN_PROVIDER_H
#define TOCSIN_PROVIDER_H

#include <tocsin/op.h>
#include <tocsin/signal.h>

TOCSIN__BEGIN

/* A flag of an operation type: such operations never end by themselves, so tocsin_drain cancels
   them (O7). */
enum { TOCSIN_PERSISTENT = 1 };

/* A type of operations. It must last as long as there are operations of this type, so it should be
   static. */
struct tocsin_op_type {
    const struct tocsin_signal_spec *done; /* the terminal signal; the first operation declares
                                              it */
    /* the progress signals, with NULL at the end; functions refer to a progress signal by its index
     * in this array */
    const struct tocsin_signal_spec *progress[4];
    size_t state_size; /* bytes of the state, which tocsin_op_new sets to zero; the state is freed
                          with the last reference to the result */
    /* Requests the end of the operation. It must complete the operation with the status `reason`
       (-ECANCELED or -ETIMEDOUT), now or soon, from any thread. It returns 0; or -EBUSY if the
       operation cannot end now, so it continues to its real result. If this member is NULL,
       operations of this type cannot be cancelled. */
    int (*cancel)(struct tocsin_op op, void *state, int reason);
    /* Called on the loop when progress may be accepted again. This function may make progress
     * itself. It is not called after the operation was completed or cancelled (unless `cancel`
     * returned -EBUSY). A provider that completes on another thread must protect shared data,
     * because `resume` may run at the same time. */
    void (*resume)(struct tocsin_op op, void *state);
    /* Called after the last use of the state, on any thread. The loop's thread may end (T6)
       although `cancel` did not complete the operation. Then `drop` is called when the provider
       completes the operation; tocsin_op_complete returns -ENOENT in this case. */
    void (*drop)(void *state);
    unsigned flags;     /* TOCSIN_PERSISTENT or 0 */
    uintptr_t spare[4]; /* must be zero */
};

/**
 * Makes an operation on the calling thread's loop, which is created if the thread has none. The
 * operation runs after tocsin_op_start. If `type` is NULL, the operation is a promise, which runs
 * immediately and needs no tocsin_op_start. The program completes a promise by hand, with any
 * payload (op.done).
 *
 * @owner   type stays the caller's; notify is copied
 * @return  0 and ret_op set; -EINVAL: ret_op is NULL, type or notify is malformed, or notify would
 *          never be called; -EEXIST: a signal of type is declared differently; -ENOENT: the queue
 *          of notify does not exist; -EXDEV: that queue belongs to the loop of another thread;
 *          -EAGAIN: that queue, or a queue that listens to the terminal signal, is full, or the
 *          terminal signal is blocked and its pending emissions and running operations have
 *          reached its limit; -EDQUOT: the owner has reached its limit of operations; -ENOMEM;
 *          -ESHUTDOWN: the loop is being freed, or it drains and type is TOCSIN_PERSISTENT or the
 *          time to drain is over. On failure ret_op carries the error
 * @emits   none; with type NULL: op.done exactly once, with the status of tocsin_op_complete
 * @thread  loop
 * @source  O2, O10
 * @since   0.1
 */
TOCSIN_API int tocsin_op_new(const struct tocsin_op_type *type, const struct tocsin_notify *notify,
                             struct tocsin_op *ret_op);

/**
 * Returns the state of an operation that has a type.
 *
 * @owner   the operation's; the provider may write it until it completes the operation
 * @return  the state; NULL: the operation does not exist on the calling thread's loop, or it is
 *          one of the library's own
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API void *tocsin_op_state(struct tocsin_op op);

/**
 * Starts an operation. A start function of a provider ends with this call and returns its result.
 * `err` is negative if the work could not begin. If `err` is negative, or `op` carries an error,
 * the operation is undone: its drop is called, and nothing is emitted (O1). `ret_op` may be NULL.
 *
 * @owner   with TOCSIN_FUTURE the caller takes the result
 * @return  0 and ret_op set; err; the error that op carries; -EINVAL: the operation was started
 *          already; -ENOENT: the operation does not exist. On failure ret_op carries the error
 * @emits   the terminal signal of its type exactly once, from the loop
 * @thread  loop
 * @source  O1, O2
 * @since   0.1
 */
TOCSIN_API int tocsin_op_start(struct tocsin_op op, int err, struct tocsin_op *ret_op);

/**
 * Returns whether progress would be accepted now. Two conditions must be true: a handler of the
 * progress signal, a queue with room or a TOCSIN_EACH notify wants the progress, and the previous
 * progress has been delivered. `which` is the index in type->progress.
 *
 * @owner   none
 * @return  1: yes; 0: not now, and resume will be called; or the operation is completed, and
 *          resume will not be called; -EINVAL: the type has no such progress, or the operation is
 *          one of the library's own; -ENOENT: the operation does not exist; -EXDEV: the operation
 *          belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  O2
 * @since   0.1
 */
TOCSIN_API int tocsin_op_wanted(struct tocsin_op op, int which);

/**
 * Announces progress. The loop emits it later in a turn (E16), not within this call. `which` is the
 * index in type->progress. `overrun` is the number of further events that this progress stands for.
 *
 * @owner   a payload inside the state is lent: do not change it until resume is called or
 *          tocsin_op_wanted returns 1. Any other payload is copied
 * @return  1: the progress will be delivered; 0: there are no listeners: pause until resume is
 *          called; -EAGAIN: the previous progress has not been delivered, or its queue is full,
 *          and resume will be called; -EALREADY: the operation is completed; -EPROTO: the payload
 *          has another layout than the declared one; -EINVAL: the type has no such progress, or
 *          the operation is one of the library's own; -ENOMEM: resume will be called; -ENOENT: the
 *          operation does not exist; -EXDEV: the operation belongs to the loop of another thread
 * @emits   the progress signal of its type
 * @thread  loop
 * @source  O2
 * @since   0.1
 */
TOCSIN_API int tocsin_op_progress(struct tocsin_op op, int which,
                                  const struct tocsin_payload *payload, unsigned overrun);

/**
 * Completes an operation, once. Its loop then emits the terminal signal.
 *
 * @owner   a payload inside the state is lent: do not use the state afterwards. Any other payload
 *          is copied. NULL: an empty payload. A payload inside the state and NULL need no memory
 * @return  0; -ENOENT: the operation does not exist, or was completed already; -ENOMEM: the
 *          payload could not be copied, and nothing was done; -EPROTO: the payload has another
 *          layout than the declared one; -EINVAL: the payload has a TOCSIN_LOCAL, or, for a
 *          promise, a malformed layout; or the operation is one of the library's own (a timer, a
 *          fiber), which ends by itself
 * @emits   the terminal signal of its type, from its loop
 * @thread  any
 * @source  O2, O10
 * @since   0.1
 */
TOCSIN_API int tocsin_op_complete(struct tocsin_op op, int status,
                                  const struct tocsin_payload *payload);

/**
 * Reports the error of a public function of a provider. With TOCSIN_DEBUG=1 the library prints a
 * negative `err` with the name of the function, the reason `why`, and the place outside the
 * provider that called the function. If `why` is NULL, the text of `err` is printed.
 *
 * @owner   function and why are borrowed until this returns
 * @return  err
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_refuse(const char *function, int err, const char *why);

TOCSIN__END
#endif
