/* Emitting, now; asking. */
#ifndef TOCSIN_EMIT_H
#define TOCSIN_EMIT_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* E9. What an emission came to. */
enum { TOCSIN_NOBODY = 0, TOCSIN_DELIVERED, TOCSIN_STOPPED, TOCSIN_PENDED };

/**
 * Emits a signal: it is placed in the inboxes of the other loops that listen (T2); its handlers on the calling thread's loop are called, in their order, before
 * this returns; if they are running already it is pended (E5). Nobody listening is no error and costs next to nothing (E12). payload is NULL for a
 * signal that was declared without a layout.
 *
 * @owner   payload is borrowed until this returns; what is pended, or kept by a handler, is a deep copy
 * @return  TOCSIN_DELIVERED, TOCSIN_STOPPED, of this loop's handlers; TOCSIN_PENDED: it waits, here or on other loops alone; TOCSIN_NOBODY: no handler, and the default action was taken, or it is ignored;
 *          -EINVAL: no such signo, or it is for questions; -EPROTO: another layout than the declared one; -ELOOP: nested too
 *          deeply; -EAGAIN: what is pended has reached its limit, or a queue that listens, or the inbox of another loop that does, is full; nothing
 *          was done; -ENODEV: the thread has no loop; -ENOMEM
 * @emits   the signal
 * @thread  loop
 * @source  POSIX raise(3), sigqueue(3); E1 to E9, E14, E15
 * @since   0.1
 */
TOCSIN_API int tocsin_emit(int signo, const struct tocsin_payload *payload);

/**
 * Emits a signal as coming from a source: it also meets the handlers that listen to this source alone (O8).
 *
 * @owner   as tocsin_emit
 * @return  as tocsin_emit; -ENOENT: there is no such source (not looked at if nobody listens)
 * @emits   the signal
 * @thread  loop
 * @source  O8
 * @since   0.1
 */
TOCSIN_API int tocsin_emit_from(struct tocsin_source source, int signo, const struct tocsin_payload *payload);

/**
 * E17. Puts a question, a signal of kind TOCSIN_DIRECT, to its handlers, at once, in their order, until one answers
 * something else than TOCSIN_NEXT. Observers of other loops do not see it. The question may be altered by those who are asked, and may carry bare pointers. 0 is the only
 * yes: every failure refuses. ret_by, which may be NULL, is set to who refused, if somebody did.
 *
 * @owner   question is borrowed until this returns
 * @return  0: nobody objects; TOCSIN_STOPPED: a handler answered TOCSIN_STOP; the negative errno that a handler answered;
 *          -ELOOP: nested too deeply; -EXDEV: one who would have been asked listens on another loop; -EINVAL: no such signo,
 *          or it is not a question; -EPROTO: another layout than the declared one
 * @emits   the question, to its handlers and observers
 * @thread  loop; on a thread without one, only nobody can be asked
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_ask(int signo, const struct tocsin_payload *question, struct tocsin_handler *ret_by) TOCSIN_CHECKED;

TOCSIN__END
#endif
