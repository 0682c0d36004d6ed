/* Computes when a loop next has something to do. The alarm is a timerfd of the library itself. A
   timer of libevent 2.1 either uses a clock with a resolution of 4 ms, or reads the clock in every
   pass. */
#include <sys/timerfd.h>

#include "os/rt_overflow.h"
#include "loop/alarm.h"
#include "loop/clock.h"

bool tocsin__has_work(const struct tocsin__engine *engine)
{
    return engine->ready || engine->loop->pending.next_turn.first ||
           tocsin__inbox_is_nonempty(&engine->loop->inbox) ||
           tocsin__rt_overflow_is_pending(engine->loop) ||
           (engine->loop_client && engine->loop_client->resumable(engine->loop_client));
}

/* Computes the next time in real time. While a test has stopped the clock, waiting makes no timer
 * due. */
int64_t tocsin__next_due_us(struct tocsin__engine *engine)
{
    int64_t next = tocsin__timer_next(engine);

    if (tocsin__has_work(engine) || (engine->clock_stopped && next <= engine->clock_us))
        return 0;
    return engine->clock_stopped ? INT64_MAX : next;
}

/* Sets the alarm for the time `due`. An alarm that is set for an earlier time stays: when it
   expires too early, the turn sets it again. So disarming a timer costs no system call. */
static bool alarm_at(struct tocsin__engine *engine, int64_t due)
{
    struct itimerspec when = { .it_value = { due / 1000000, due % 1000000 * 1000 } };

    if (engine->alarm_us && engine->alarm_us <= due)
        return true;
    if (tocsin__fault() || timerfd_settime(engine->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        return false;
    engine->alarm_us = due;
    return true;
}

bool tocsin__alarm_set(struct tocsin__engine *engine, int64_t timeout_us)
{
    int64_t now, due = tocsin__next_due_us(engine);

    if (due == 0 || timeout_us == 0)
        return false;
    now = tocsin__now(NULL);
    if (timeout_us > 0 && timeout_us < due - now)
        due = now + timeout_us;
    return due > now && (due == INT64_MAX || alarm_at(engine, due));
}

void tocsin__alarm_set_adopted(struct tocsin__engine *engine)
{
    int64_t due = tocsin__next_due_us(engine);

    if (due < INT64_MAX)
        alarm_at(engine, due ? due : 1);
}
