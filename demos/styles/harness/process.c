#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN_MAX = 4, TICK_MS = 100 };

static pid_t children[CHILDREN_MAX];
/* `ours` is the set of blocked signals; `theirs` is the signal mask before process_begin() */
static sigset_t ours, theirs;
/* the number of the signal that requested the end; 0 means that no signal did */
static int asked;

void process_begin(void)
{
    struct sigaction hangup;

    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 &&
        hangup.sa_handler != SIG_IGN) /* SIGHUP is ignored if the program runs under nohup(1) */
        sigaddset(&ours, SIGHUP);
    sigprocmask(SIG_BLOCK, &ours, &theirs);
}

static int remember(pid_t pid)
{
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (!children[i])
            return children[i] = pid, 0;
    return -EAGAIN;
}

static void forget(pid_t pid)
{
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (children[i] == pid)
            children[i] = 0;
}

pid_t process_fork(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        /* the terminal sends Ctrl-C to the whole process group, but only the parent handles it */
        signal(SIGINT, SIG_IGN);
        sigprocmask(SIG_SETMASK, &theirs, NULL);
        return 0;
    }
    remember(pid);
    return pid;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int process_wait(pid_t pid, int limit_ms, void (*tick)(void *arg), void *arg, int *ret_status)
{
    int64_t end_ms = now_ms() + limit_ms;

    while (waitpid(pid, ret_status, WNOHANG) == 0) {
        int signo = sigtimedwait(&ours, NULL, &(struct timespec){ .tv_nsec = TICK_MS * 1000000L });

        if (signo > 0 && signo != SIGCHLD)
            return asked = signo, -EINTR;
        if (now_ms() > end_ms)
            return -ETIMEDOUT;
        tick(arg);
    }
    forget(pid);
    return 0;
}

static void end_at_once(int signo)
{
    _exit(128 + signo);
}

int process_end(int status)
{
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (children[i]) {
            kill(children[i], SIGKILL);
            waitpid(children[i], NULL, 0);
            children[i] = 0;
        }
    signal(SIGINT, end_at_once);
    signal(SIGTERM, end_at_once);
    sigprocmask(SIG_SETMASK, &theirs, NULL);
    return asked ? 128 + asked : status;
}
