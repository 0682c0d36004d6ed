/* Time as operations. */
#ifndef TOCSIN_TIMER_H
#define TOCSIN_TIMER_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* How late it is, microseconds after the moment it was due. info->overrun of a tick: how many were merged into it. */
#define TOCSIN_TIMER_TICKED(F)  F(i64, late_us)
#define TOCSIN_TIMER_EXPIRED(F) F(i64, late_us)
TOCSIN_LAYOUT(tocsin_timer_ticked, TOCSIN_TIMER_TICKED);
TOCSIN_LAYOUT(tocsin_timer_expired, TOCSIN_TIMER_EXPIRED);

/**
 * A timer that ends after so many milliseconds. 0: in the next turn.
 *
 * @owner   ret_op may be NULL; a result that is kept (TOCSIN_FUTURE) is the caller's to take
 * @return  0; -EINVAL: delay_ms is negative or over 10^12; else as tocsin_op_new. On failure ret_op carries the error
 * @emits   timer.expired exactly once, status 0, -ECANCELED or -ETIMEDOUT
 * @thread  loop
 * @source  POSIX timer_create(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_timer(int64_t delay_ms, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * A timer that ticks each period_ms milliseconds until it is cancelled. It does not drift: ticks that could not be
 * delivered in time are merged into the next (info->overrun). TOCSIN_STANDING. 0: it does not tick until tocsin_timer_set says when.
 *
 * @owner   as tocsin_timer
 * @return  0; -EINVAL: period_ms is negative or over 10^12; else as tocsin_op_new. On failure ret_op carries the error
 * @emits   timer.ticked each period, while wanted; timer.expired exactly once, status -ECANCELED or -ETIMEDOUT
 * @thread  loop
 * @source  POSIX timer_create(2), timer_getoverrun(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_every(int64_t period_ms, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Sets when a timer expires next, or ticks next, in milliseconds from now; -1: not at all, until it is set again. The period
 * stays.
 *
 * @owner   none
 * @return  0; -EINVAL: delay_ms is below -1 or over 10^12, or it is no timer; -EALREADY: it has ended; -ENOENT: there is no such
 *          operation, or not any more; -EXDEV: it belongs to the loop of another thread; -ENOMEM
 * @emits   none
 * @thread  loop
 * @source  POSIX timer_settime(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_timer_set(struct tocsin_op timer, int64_t delay_ms);

TOCSIN__END
#endif
