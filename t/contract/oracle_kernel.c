/* Runs operations with real-time signals of the kernel. A single thread sends them to itself by
   sigqueue(). */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract/oracle.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif

static int first; /* the real signal that stands for the signal number 0 of a sequence */

/* ThreadSanitizer replaces sigaction() by its own function, which delays signals and merges equal
   ones. So this test then calls the kernel directly. The kernel needs flags and a restorer, which
   one sigaction() of the C library provides. Other calls that ThreadSanitizer replaces are also
   made directly. */
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
struct action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

static unsigned long words(const sigset_t *set)
{
    unsigned long mask;

    memcpy(&mask, set, sizeof mask);
    return mask;
}

static int set_action(int signal, const struct sigaction *wanted)
{
    struct action action;

    if (sigaction(signal, wanted, NULL) ||
        syscall(SYS_rt_sigaction, signal, NULL, &action, sizeof action.mask))
        return -errno;
    action.handler = wanted->sa_sigaction;
    action.flags = (action.flags & 0x04000000ul) |
                   (unsigned long)wanted->sa_flags; /* this bit is SA_RESTORER */
    action.mask = words(&wanted->sa_mask);
    return syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof action.mask) ? -errno : 0;
}
#else
static int set_action(int signal, const struct sigaction *wanted)
{
    return sigaction(signal, wanted, NULL) ? -errno : 0;
}
#endif

static void to_set(unsigned numbers, sigset_t *set)
{
    sigemptyset(set);
    for (int n = 0; n < NUMBERS; n++)
        if (numbers >> n & 1)
            sigaddset(set, first + n);
}

static int from_set(const sigset_t *set)
{
    int numbers = 0;

    for (int n = 0; n < NUMBERS; n++)
        if (sigismember(set, first + n))
            numbers |= 1 << n;
    return numbers;
}

static void handler(int signal, siginfo_t *info, void *context)
{
    int err = errno;

    (void)context;
    oracle_handle(info->si_code == SI_QUEUE ? signal - first : -1, info->si_value.sival_int);
    errno = err;
}

static int act_mask(const struct op *op, int *detail)
{
    int how = op->kind == BLOCK ? SIG_BLOCK : op->kind == UNBLOCK ? SIG_UNBLOCK : SIG_SETMASK;
    sigset_t set, old;

    to_set(op->set, &set);
    if (sigprocmask(how, &set, &old))
        return -errno;
    *detail = oracle_depth() ? 0 : from_set(&old);
    return 0;
}

static int act_pending(const struct op *op, int *detail)
{
    sigset_t set;

    (void)op;
    if (sigpending(&set))
        return -errno;
    *detail = from_set(&set);
    return 0;
}

/* sigqueue returns only success or failure. This function finds out what happened to the signal:
   its handler was called, or the signal is pending, or it was dropped. */
static int act_queue(const struct op *op, int *detail)
{
    int pending = 0;

    (void)detail;
    if (sigqueue(getpid(), first + op->number, (union sigval){ .sival_int = op->at }))
        return -errno;
    if (oracle_handled(op->at))
        return DELIVERED;
    act_pending(op, &pending);
    return pending >> op->number & 1 ? PENDED : DROPPED;
}

static int dispose(int number, void (*what)(int))
{
    struct sigaction action = { .sa_handler = what };

    sigemptyset(&action.sa_mask);
    return sigaction(first + number, &action, NULL) ? -errno : 0;
}

static int act_ignore(const struct op *op, int *detail)
{
    (void)detail;
    return dispose(op->number, SIG_IGN);
}

static int act_default(const struct op *op, int *detail)
{
    (void)detail;
    return dispose(op->number, SIG_DFL);
}

static int act_handle(const struct op *op, int *detail)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

    (void)detail;
    if (op->flags & ONE_SHOT)
        action.sa_flags |= (int)SA_RESETHAND;
    if (op->flags & NODEFER)
        action.sa_flags |= SA_NODEFER;
    to_set(op->set, &action.sa_mask);
    return set_action(first + op->number, &action);
}

static int act_wait(const struct op *op, int *detail)
{
    struct timespec time = { .tv_nsec = op->timed ? 20000000 : 0 };
    siginfo_t info;
    sigset_t set;
    int took;

    to_set(op->set, &set);
    took = sigtimedwait(&set, &info, &time);
    if (took < 0)
        return -errno;
    *detail = took - first;
    return info.si_value.sival_int;
}

static const struct world kernel = { .act = { [BLOCK] = act_mask,
                                              [UNBLOCK] = act_mask,
                                              [SETMASK] = act_mask,
                                              [QUEUE] = act_queue,
                                              [IGNORE] = act_ignore,
                                              [DEFAULT] = act_default,
                                              [HANDLE] = act_handle,
                                              [PENDING] = act_pending,
                                              [WAIT] = act_wait } };

/* Functions about the kernel's limit of queued signals */

/* Returns how many signals of this user are queued. Returns -1 if /proc does not contain this
   number. */
static int queued(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    int count = -1;

    if (!status)
        return -1;
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "SigQ: %d/", &count) == 1)
            break;
    fclose(status);
    return count;
}

/* changes the user of this thread only, which is the only thread of the process */
static int become(unsigned uid)
{
    return (int)syscall(SYS_setresuid, uid, uid, uid);
}

/* Sets the kernel's limit so that this user can queue `limit` more signals. */
static int allow(const struct room *room, int limit)
{
    struct rlimit most;
    int base;

    if (room->how == OF_A_USER && become(room->uid))
        return -errno;
    base = queued();
    if (base < 0 || getrlimit(RLIMIT_SIGPENDING, &most))
        return -errno;
    most.rlim_cur = (rlim_t)(base + limit);
    return most.rlim_cur > most.rlim_max || setrlimit(RLIMIT_SIGPENDING, &most) ? -EPERM : base;
}

/* A child sets a limit of two signals, and queues two signals. Returns true if the kernel then
   refuses a third signal. */
static bool fills(const struct room *room)
{
    int status = 0;
    pid_t child = fork();

    if (!child) {
        sigset_t set;
        int base, refused;

        to_set(EVERY, &set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        base = allow(room, 2);
        if (base < 0 || (room->how == OF_A_USER && base))
            _exit(1);
        for (int i = 0; i < 2; i++)
            if (sigqueue(getpid(), first, (union sigval){ .sival_int = i }))
                _exit(1);
        refused = sigqueue(getpid(), first, (union sigval){ .sival_int = 2 });
        _exit(refused != -1 || errno != EAGAIN || queued() != base + 2);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool unused(unsigned uid)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    struct stat status;
    bool found = false;

    if (!processes)
        return false;
    while ((entry = readdir(processes)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            !fstatat(dirfd(processes), entry->d_name, &status, 0))
            found = found || status.st_uid == uid;
    closedir(processes);
    return !found;
}

struct room oracle_room(void)
{
    unsigned uids[] = { 0x70000000u + (unsigned)getpid(), 50000u + (unsigned)getpid() % 10000 };
    struct room room = { .how = OF_A_USER };

    first = SIGRTMIN;
    for (size_t i = 0; i < 2; i++) {
        room.uid = uids[i];
        if (geteuid() == 0 && unused(room.uid) && fills(&room))
            return room;
    }
    room.how = ABOVE_BASE;
    if (fills(&room))
        return room;
    return (struct room){ NO_ROOM, 0,
                          queued() < 0 ? "no SigQ in /proc/self/status"
                                       : "sigqueue does not refuse where RLIMIT_SIGPENDING says" };
}

void oracle_kernel(const struct room *room, const struct sequence *sequence, struct log *log)
{
    sigset_t none;

    first = SIGRTMIN;
    sigemptyset(&none);
    oracle_begin(&kernel, sequence, log);
    for (int n = 0; n < NUMBERS; n++)
        dispose(n, SIG_DFL);
    if (sigprocmask(SIG_SETMASK, &none, NULL) ||
        (sequence->limit && allow(room, sequence->limit) < 0))
        oracle_complain(0, -errno);
    oracle_do(sequence->first);
    _exit(0);
}
