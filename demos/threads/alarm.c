/* From a real signal handler: a signal that was declared TOCSIN_ASYNC may be posted wherever a real one interrupts. (Whoever wants to hear of the
   real one itself writes less: tocsin_on("os.sigalrm", on_alarm, NULL).) */
#include <signal.h>
#include <sys/time.h>

#include "traffic.h"

enum { EACH_US = 10000 };

static int fired;

static int declare(void)
{
    fired = tocsin_declare(&(struct tocsin_spec){ .name = "alarm.fired", .doc = "SIGALRM has interrupted the main thread.", .flags = TOCSIN_ASYNC });
    return fired;
}

static int on_alarm(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_heard(info, 0);
    return TOCSIN_NEXT;
}

static int hear(void)
{
    return tocsin_on("alarm.fired", on_alarm, NULL);
}

static void on_sigalrm(int number)
{
    (void)number;
    if (!show_over())
        count_sent_by(CLOCK, fired, tocsin_post(fired, NULL));
}

static int set(long each_us)
{
    struct itimerval time = { { 0, each_us }, { 0, each_us } };

    return setitimer(ITIMER_REAL, &time, NULL) < 0 ? -errno : 0;
}

static int on_over(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return set(0);
}

static int say(enum party loop)
{
    struct sigaction action = { .sa_handler = on_sigalrm, .sa_flags = SA_RESTART };
    int err = loop == MAIN ? tocsin_on("show.over", on_over, NULL) : 0;

    if (loop != MAIN || err < 0)
        return err;
    return sigaction(SIGALRM, &action, NULL) < 0 ? -errno : set(EACH_US);
}

const struct traffic traffic_alarm = {
    .signal = "alarm.fired", .heard_on = BIT(MAIN) | BIT(WEST), .said_by = BIT(CLOCK), .declare = declare, .hear = hear, .say = say,
};
