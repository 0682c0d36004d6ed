#include <signal.h>

#include <tocsin/exec.h>

int tocsin_exec_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    short flags = 0;
    int err = attributes ? posix_spawnattr_getflags(attributes, &flags) : EINVAL;

    sigfillset(&all);
    sigemptyset(&none);
    if (!err)
        err = posix_spawnattr_setflags(attributes, (short)(flags | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
    if (!err)
        err = posix_spawnattr_setsigdefault(attributes, &all);
    if (!err)
        err = posix_spawnattr_setsigmask(attributes, &none);
    return -err;
}

/* Dispositions first, so that nobody's handler runs when the mask goes. Those that cannot be had refuse. */
int tocsin_exec_reset(void)
{
    struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t none;
    int was = errno;

    for (int signo = 1; signo <= SIGRTMAX; signo++)
        sigaction(signo, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    errno = was;
    return 0;
}
