/* A timer is an operation that ends, or makes progress, at a given time. */
#ifndef TOCSIN_TIMER_H
#define TOCSIN_TIMER_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* The payload of timer.ticked. late_us is the time between the due time of the tick and its
 * emission, in microseconds. The info->overrun of a tick is the number of ticks that were merged
 * into this tick. */
#define TOCSIN_TIMER_TICKED(F) F(i64, late_us)
#define TOCSIN_TIMER_EXPIRED(F) F(i64, late_us)
TOCSIN_LAYOUT(tocsin_timer_ticked, TOCSIN_TIMER_TICKED);
TOCSIN_LAYOUT(tocsin_timer_expired, TOCSIN_TIMER_EXPIRED);

/**
 * Starts a timer that ends after delay_ms milliseconds. With 0, the timer ends in the next turn.
 *
 * @owner   ret_op may be NULL; with TOCSIN_FUTURE the caller takes the result
 * @return  0; -EINVAL: delay_ms is negative or over 10^12; else as tocsin_op_new. On failure
 *          ret_op carries the error
 * @emits   timer.expired exactly once, with status 0, -ECANCELED or -ETIMEDOUT
 * @thread  loop
 * @source  POSIX timer_create(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_timer(int64_t delay_ms, const struct tocsin_notify *notify,
                            struct tocsin_op *ret_op);

/**
 * Starts a timer that ticks every period_ms milliseconds until it is cancelled (TOCSIN_PERSISTENT).
 * The timer does not drift: ticks that could not be delivered in time are merged into the next tick
 * (info->overrun). If period_ms is 0, the timer does not tick until tocsin_timer_set.
 *
 * @owner   as tocsin_timer
 * @return  0; -EINVAL: period_ms is negative or over 10^12; else as tocsin_op_new. On failure
 *          ret_op carries the error
 * @emits   timer.ticked each period, while there are listeners; timer.expired exactly once, with
 *          status -ECANCELED or -ETIMEDOUT
 * @thread  loop
 * @source  POSIX timer_create(2), timer_getoverrun(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_every(int64_t period_ms, const struct tocsin_notify *notify,
                            struct tocsin_op *ret_op);

/**
 * Sets when a timer expires or ticks next, in milliseconds from now. With -1, the timer does not
 * expire or tick until it is set again. The period does not change.
 *
 * @owner   none
 * @return  0; -EINVAL: delay_ms is below -1 or over 10^12, or the operation is not a timer;
 *          -EALREADY: the timer has ended; -ENOENT: the timer does not exist; -EXDEV: the timer
 *          belongs to the loop of another thread; -ENOMEM
 * @emits   none
 * @thread  loop
 * @source  POSIX timer_settime(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_timer_set(struct tocsin_op timer, int64_t delay_ms);

TOCSIN__END
#endif
