/* A real signal handler posts a signal. The posted signal must be declared TOCSIN_ASYNC. (A program
   that only handles the real signal needs less: tocsin_on("os.sigalrm", on_alarm, NULL).) */
#include <signal.h>
#include <sys/time.h>

#include "traffic.h"

enum { EACH_US = 10000 };

static int fired;

static int declare(void)
{
    fired = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "alarm.fired",
                                      .doc = "SIGALRM has interrupted the main thread.",
                                      .flags = TOCSIN_ASYNC });
    return fired;
}

static int on_alarm(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_delivered(info, 0);
    return TOCSIN_NEXT;
}

static int connect_handlers(void)
{
    return tocsin_on("alarm.fired", on_alarm, NULL);
}

static void on_sigalrm(int number)
{
    (void)number;
    if (!show_over())
        count_sent_by(CLOCK, fired, tocsin_post(fired, NULL));
}

static int timer_set(long each_us)
{
    struct itimerval time = { { 0, each_us }, { 0, each_us } };

    return setitimer(ITIMER_REAL, &time, NULL) < 0 ? -errno : 0;
}

static int on_over(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return timer_set(0);
}

static int start(enum party loop)
{
    struct sigaction action = { .sa_handler = on_sigalrm, .sa_flags = SA_RESTART };
    int err = loop == MAIN ? tocsin_on("show.over", on_over, NULL) : 0;

    if (loop != MAIN || err < 0)
        return err;
    return sigaction(SIGALRM, &action, NULL) < 0 ? -errno : timer_set(EACH_US);
}

const struct traffic traffic_alarm = {
    .signal = "alarm.fired",
    .handled_on = BIT(MAIN) | BIT(WEST),
    .sent_by = BIT(CLOCK),
    .declare = declare,
    .connect = connect_handlers,
    .start = start,
};
