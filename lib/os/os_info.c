/* Reads siginfo_t, which contains a union. The valid members of the union depend on si_code and
   si_signo, as in siginfo_layout() of the kernel. */
#include "os/os_info.h"

/* The highest si_code that the kernel sends for a descriptor with F_SETSIG. If the kernel has sent
 * a code from 1 up to this one, the signal is about such a descriptor, whichever number the signal
 * has. */
enum { POLL_CODES = 6 };

static void info_set_sender(struct tocsin_os_signal *what, const siginfo_t *info)
{
    what->pid = info->si_pid;
    what->uid = info->si_uid;
}

static void info_set_poll(struct tocsin_os_signal *what, const siginfo_t *info)
{
    what->band = info->si_band;
    what->fd = info->si_fd;
}

static void info_set_child(struct tocsin_os_signal *what, const siginfo_t *info)
{
    info_set_sender(what, info);
    what->status = info->si_status;
    what->utime = info->si_utime;
    what->stime = info->si_stime;
}

static void info_set_value(struct tocsin_os_signal *what, const siginfo_t *info)
{
    what->value = (intptr_t)info->si_value.sival_ptr;
}

static void info_set_timer(struct tocsin_os_signal *what, const siginfo_t *info)
{
    what->timer = info->si_timerid;
    what->overrun = info->si_overrun;
    info_set_value(what, info);
}

void tocsin__os_info_fill(struct tocsin_os_signal *what, const siginfo_t *info)
{
    bool kernel = info->si_code > SI_USER && info->si_code < SI_KERNEL;

    what->number = info->si_signo;
    what->code = info->si_code;
    what->error = info->si_errno;
    if (kernel && info->si_signo == SIGCHLD)
        info_set_child(what, info);
    else if (info->si_code == SI_SIGIO || (kernel && info->si_code <= POLL_CODES))
        info_set_poll(what, info);
    else if (info->si_code == SI_TIMER)
        info_set_timer(what, info);
    else if (info->si_code <= SI_USER)
        info_set_sender(what, info);
    if (info->si_code < 0 && info->si_code != SI_SIGIO)
        info_set_value(what, info);
}
