/* Emissions call the handlers of a signal immediately. Questions are signals that handlers answer
 * immediately. */
#ifndef TOCSIN_EMIT_H
#define TOCSIN_EMIT_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* The result of an emission (E9). */
enum {
    TOCSIN_NOBODY = 0, /* no handler was called; the default action was taken, if there is one */
    TOCSIN_DELIVERED,  /* the handlers have been called */
    TOCSIN_STOPPED,    /* the handlers have been called, and one of them returned TOCSIN_STOP */
    TOCSIN_PENDED      /* the emission is pending, or only other loops will deliver it */
};

/**
 * Emits a signal. First, copies go into the inboxes of the other loops that listen (T2). Then the
 * handlers on the calling thread's loop are called in their order, before this function returns. If
 * these handlers are running already, the emission becomes pending instead (E5). An emission
 * without listeners is not an error, and costs almost nothing (E12). `payload` is NULL for a signal
 * that was declared without a layout.
 *
 * There are three reasons for the result TOCSIN_PENDED. The signal is blocked. Or older emissions
 * of the signal must be delivered first: a flush is delivering them, or a queue is full. Or only
 * other loops listen.
 *
 * @owner   payload is borrowed until this returns; pending emissions and handlers that keep it use
 *          a deep copy
 * @return  TOCSIN_DELIVERED, TOCSIN_STOPPED: the handlers of this loop have run; TOCSIN_PENDED:
 *          the emission waits, as above; TOCSIN_NOBODY: there was no handler; -EINVAL: the signo
 *          does not exist, or is a question's; -EPROTO: the payload has another layout than the
 *          declared one; -ELOOP: the emission is nested too deeply; -EAGAIN: the pending
 *          emissions, a queue that listens, or the inbox of a loop that listens, are at their
 *          limit, and nothing was done; -EDQUOT: the owner has reached its limit of pending
 *          emissions; -ENODEV: the thread has no loop; -ENOMEM
 * @emits   the signal
 * @thread  loop
 * @source  POSIX raise(3), sigqueue(3); E1 to E9, E14, E15
 * @since   0.1
 */
TOCSIN_API int tocsin_emit(int signo, const struct tocsin_payload *payload);

/**
 * Emits a signal on behalf of a source. Handlers that listen to this source only are called, too
 * (O8).
 *
 * @owner   as tocsin_emit
 * @return  as tocsin_emit; -ENOENT: the source does not exist (not checked if there are no
 *          listeners); or the error that source carries
 * @emits   the signal
 * @thread  loop
 * @source  O8
 * @since   0.1
 */
TOCSIN_API int tocsin_emit_from(struct tocsin_source source, int signo,
                                const struct tocsin_payload *payload);

/**
 * Asks a question, which is a signal of kind TOCSIN_DIRECT (E17). Its handlers are called
 * immediately, in their order, until one returns a value other than TOCSIN_NEXT. Observers of other
 * loops do not see the question. Handlers may change the question, and it may contain bare
 * pointers. Only the result 0 means yes; every failure means no. `ret_by` is set to the handler
 * that refused, if there is one; it may be NULL.
 *
 * @owner   question is borrowed until this returns
 * @return  0: no handler objects; TOCSIN_STOPPED: a handler returned TOCSIN_STOP; the negative
 *          errno that a handler returned; -EACCES: a handler in quarantine would have been asked;
 *          -ELOOP: the question is nested too deeply; -EXDEV: a handler on another loop listens to
 *          it; -EINVAL: the signo does not exist, or is not a question's; -EPROTO: the question
 *          has another layout than the declared one
 * @emits   the question, to its handlers and observers
 * @thread  loop; a thread without a loop can ask a question only if it has no handlers
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_ask(int signo, const struct tocsin_payload *question,
                          struct tocsin_handler *ret_by) TOCSIN_CHECKED;

TOCSIN__END
#endif
