/* Tests whether a signal handler can change the signal mask of the interrupted code through its
   ucontext. Valgrind ignores that change, so tests that need it are skipped there. */
#ifndef TOCSIN_T_MASKS_HOLD_H
#define TOCSIN_T_MASKS_HOLD_H

#include <signal.h>
#include <stdbool.h>
#include <ucontext.h>

static void add_to_mask(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGRTMIN + 9);
}

/* Returns true if a signal that a handler adds to uc_sigmask is blocked after the handler has
   returned. The two signals must not be blocked before: the handler would not run. */
static bool masks_hold(void)
{
    struct sigaction was, probe = { .sa_sigaction = add_to_mask, .sa_flags = SA_SIGINFO };
    sigset_t mask, old, both;

    sigemptyset(&both);
    sigaddset(&both, SIGRTMIN + 8);
    sigaddset(&both, SIGRTMIN + 9);
    sigaction(SIGRTMIN + 8, &probe, &was);
    pthread_sigmask(SIG_UNBLOCK, &both, &old);
    raise(SIGRTMIN + 8);
    pthread_sigmask(SIG_SETMASK, &old, &mask);
    sigaction(SIGRTMIN + 8, &was, NULL);
    return sigismember(&mask, SIGRTMIN + 9) == 1;
}

#endif
