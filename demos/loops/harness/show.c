#include "show.h"

#include <stdatomic.h>

static int over_signo, length;
static int64_t started_us;
static _Atomic int64_t ended_us; /* the time when the run ended; 0 means that it has not ended */

/* Declares show.over. The signal coalesces, so a full inbox does not refuse it. */
int show_open(void)
{
    over_signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "show.over",
                                      .doc = "The run is over: nothing is sent any more.",
                                      .kind = TOCSIN_COALESCE });
    return over_signo < 0 ? over_signo : 0;
}

bool show_over(void)
{
    return atomic_load(&ended_us);
}

static int on_over(const struct tocsin_info *info, void *arg)
{
    int64_t not_yet = 0;

    (void)info, (void)arg;
    atomic_compare_exchange_strong(&ended_us, &not_yet, tocsin_now());
    return tocsin_drain(-1);
}

int show_hear(void)
{
    return tocsin_on("show.over", on_over, NULL);
}

static int end(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_post(over_signo, NULL);
}

/* Starts a repeating timer that ends the run. A drain does not wait for a repeating timer, so the
   user may end the run earlier. */
int show_start(int seconds)
{
    int err = tocsin_on("os.sigint, os.sigterm", end, NULL);

    started_us = tocsin_now();
    length = seconds;
    return err < 0 ? err : tocsin_every(seconds * 1000, TOCSIN_EACH(end), NULL);
}

double show_seconds(void)
{
    int64_t until_us = show_over() ? atomic_load(&ended_us) : tocsin_now();

    return (double)(until_us - started_us) / 1e6;
}

int show_length(void)
{
    return length;
}
