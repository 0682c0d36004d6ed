/* A real signal that was caught: told as siginfo has it, posted by its handler; and what becomes of real-time ones where there is no room (S1). */
#include <pthread.h>
#include <ucontext.h>

#include "core/cast.h"
#include "core/emit.h"
#include "core/os.h"

/* What the kernel tells: which fields there are, as it decides it itself. */

enum { POLL_CODES = 6 };                               /* of a descriptor with F_SETSIG, whatever its signal */

static void tell_sender(struct tocsin_os_signal *what, const siginfo_t *info)
{
    what->pid = info->si_pid;
    what->uid = info->si_uid;
}

static void tell_poll(struct tocsin_os_signal *what, const siginfo_t *info)
{
    what->band = info->si_band;
    what->fd = info->si_fd;
}

static void tell_child(struct tocsin_os_signal *what, const siginfo_t *info)
{
    tell_sender(what, info);
    what->status = info->si_status;
    what->utime = info->si_utime;
    what->stime = info->si_stime;
}

static void tell_value(struct tocsin_os_signal *what, const siginfo_t *info)
{
    what->value = (intptr_t)info->si_value.sival_ptr;
}

static void tell_timer(struct tocsin_os_signal *what, const siginfo_t *info)
{
    what->timer = info->si_timerid;
    what->overrun = info->si_overrun;
    tell_value(what, info);
}

static void tell(struct tocsin_os_signal *what, const siginfo_t *info)
{
    bool kernel = info->si_code > SI_USER && info->si_code < SI_KERNEL;

    what->number = info->si_signo;
    what->code = info->si_code;
    what->error = info->si_errno;
    if (kernel && info->si_signo == SIGCHLD)
        tell_child(what, info);
    else if (info->si_code == SI_SIGIO || (kernel && info->si_code <= POLL_CODES))
        tell_poll(what, info);
    else if (info->si_code == SI_TIMER)
        tell_timer(what, info);
    else if (info->si_code <= SI_USER)
        tell_sender(what, info);
    if (info->si_code < 0 && info->si_code != SI_SIGIO)
        tell_value(what, info);
}

/* Real-time ones, when an inbox is nearly full: the thread blocks them, so that the kernel goes on queueing. Each thread can bring one more: for those
   there are the spare cells. One that finds not even such a cell strays: in memory of its own it waits for the loop that has no room. */

struct tocsin__stray {
    struct tocsin__node node;
    struct tocsin__stray *next;
    int signo;
    struct tocsin_os_signal what;
};

/* In a handler, on whichever thread. */
static void flood(struct tocsin__loop *loop)
{
    atomic_store(&loop->inbox.flood.seen, true);
    if (atomic_load(&loop->inbox.tail) & TOCSIN__CLOSED)
        atomic_store(&loop->inbox.flood.seen, false);  /* it ends: it will not look */
    tocsin__inbox_nudge(&loop->inbox);
}

/* Those that are to be blocked on this thread, since a loop that listens has no room for another one; which loop. */
static uint64_t floods(struct tocsin__signal *signal, int number, struct tocsin__loop **ret_because)
{
    struct tocsin__listener *listener = &signal->first;
    uint64_t numbers = 0;

    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word);
        struct tocsin__loop *loop = word && !(word & (TOCSIN__OBSERVES | TOCSIN__DEAF)) ? tocsin__loop_numbered(word & TOCSIN__LOOP_BITS) : NULL;
        bool room = !loop || tocsin__inbox_room(&loop->inbox, TOCSIN__SPARE) || atomic_load(&loop->inbox.tail) & TOCSIN__CLOSED;

        if (!loop || (room && !(word & TOCSIN__FULL)))
            continue;
        numbers |= room ? tocsin__os_bit(number) : tocsin__os_queued();
        *ret_because = loop;
        flood(loop);
    }
    return numbers;
}

/* On the thread that was interrupted, once it goes on. Its own loop, if it has one, keeps in mind which it has not blocked itself. */
static void block(sigset_t *mask, uint64_t numbers, struct tocsin__loop *because)
{
    struct tocsin__flood *own = tocsin__self == &tocsin__no_loop ? NULL : &tocsin__self->inbox.flood;

    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST; number++) {
        if (!(numbers & tocsin__os_bit(number)) || sigismember(mask, number) == 1)
            continue;
        sigaddset(mask, number);
        if (own) {
            atomic_store(&own->because, because);
            atomic_fetch_or(&own->masked, tocsin__os_bit(number));
        }
    }
}

/* False: the loop has no room for it itself. One that others have no room for goes there, to try again. */
static bool stray_place(struct tocsin__stray *stray, struct tocsin__loop *loop)
{
    struct tocsin__loop *full = NULL;

    while (tocsin__post(stray->signo, &stray->what.tocsin, TOCSIN_OS, 0, &full) == -EAGAIN)
        if (full == loop || tocsin__inbox_push(&full->inbox, &stray->node))
            return full != loop;
    tocsin__pages_release(stray, sizeof *stray);
    return true;
}

static void stray_keep(struct tocsin__flood *flood, struct tocsin__stray *stray)
{
    stray->next = NULL;
    *(flood->strays ? &flood->strays_last->next : &flood->strays) = stray;
    flood->strays_last = stray;
}

static void on_stray(struct tocsin__node *node)
{
    struct tocsin__flood *flood = &tocsin__self->inbox.flood;

    stray_keep(flood, tocsin__container(node, struct tocsin__stray, node));
    atomic_store(&flood->seen, true);
}

static void stray_drop(struct tocsin__node *node)
{
    tocsin__pages_release(tocsin__container(node, struct tocsin__stray, node), sizeof(struct tocsin__stray));
}

/* Without memory for it there is nothing left to be done: that loop has counted it as refused. */
static void stray_make(int signo, const struct tocsin_os_signal *what)
{
    struct tocsin__stray *stray = tocsin__pages(sizeof *stray);

    if (!stray)
        return;
    stray->node.run = on_stray;
    stray->node.drop = stray_drop;
    stray->signo = signo;
    stray->what = *what;
    stray_place(stray, NULL);
}

static void queued(struct tocsin__signal *signal, const struct tocsin_os_signal *what, ucontext_t *context)
{
    struct tocsin__loop *because = NULL;
    uint64_t numbers;

    if (tocsin__post(signal->signo, &what->tocsin, TOCSIN_OS, 0, NULL) == -EAGAIN)
        stray_make(signal->signo, what);
    numbers = floods(signal, what->number, &because);
    if (numbers)
        block(&context->uc_sigmask, numbers, because);
}

void tocsin__os_caught(int number, siginfo_t *info, void *context)
{
    struct tocsin__signal *signal = tocsin__signal(tocsin__os_signo(number));
    struct tocsin_os_signal what = { .tocsin = { signal->spec.layout } };
    int was = errno;

    tell(&what, info);
    if (signal->spec.kind == TOCSIN_QUEUED)
        queued(signal, &what, context);
    else
        tocsin__post(signal->signo, &what.tocsin, TOCSIN_OS, 0, NULL);
    errno = was;
}

/* The loop has caught up */

static int change(int how, uint64_t numbers, sigset_t *ret_old)
{
    sigset_t set;

    sigemptyset(&set);
    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST; number++)
        if (numbers & tocsin__os_bit(number))
            sigaddset(&set, number);
    return -pthread_sigmask(how, &set, ret_old);
}

static int unblock(struct tocsin__flood *flood, uint64_t numbers)
{
    uint64_t masked = atomic_fetch_and(&flood->masked, ~numbers);    /* first: what is unblocked comes at once, and may block them again */
    sigset_t old;
    int err = change(SIG_UNBLOCK, numbers, &old);

    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST && err == 0; number++)
        if (numbers & ~masked & tocsin__os_bit(number) && sigismember(&old, number) == 1)
            flood->opened |= tocsin__os_bit(number);
    return err;
}

/* Those of which no more can be pended here. */
static uint64_t full(const struct tocsin__loop *loop, uint64_t numbers)
{
    uint64_t full = 0;

    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST; number++) {
        const struct tocsin__slot *slot = numbers & tocsin__os_bit(number) ? tocsin__slot(loop, tocsin__os_signo(number)) : NULL;

        full |= slot && slot->full ? tocsin__os_bit(number) : 0;
    }
    return full;
}

/* False: some are left that wait for room in the inbox. Those that wait for more of them to be pended are left as well. */
static bool strays_place(struct tocsin__loop *loop)
{
    struct tocsin__flood *flood = &loop->inbox.flood;
    struct tocsin__stray *stray, *next = flood->strays;
    bool room = true;

    flood->strays = NULL;
    while ((stray = next)) {
        next = stray->next;
        if (full(loop, tocsin__os_bit(stray->what.number)))
            stray_keep(flood, stray);
        else if (!room || !(room = stray_place(stray, loop)))
            stray_keep(flood, stray);
    }
    return room;
}

bool tocsin__os_ebbs(const struct tocsin__loop *loop)
{
    const struct tocsin__flood *flood = &loop->inbox.flood;
    uint64_t waits = atomic_load_explicit(&flood->waits, memory_order_relaxed);

    return atomic_load_explicit(&flood->seen, memory_order_relaxed) || (waits && full(loop, waits) != waits);
}

static bool over(struct tocsin__flood *flood)
{
    return !atomic_load(&flood->seen) && !atomic_load(&flood->waits);
}

/* One thread has to have them unblocked: this one. The others of those that have blocked them have them unblocked again if they have loops. */
static void ebb(struct tocsin__loop *loop)
{
    struct tocsin__flood *flood = &loop->inbox.flood;
    uint64_t numbers = tocsin__os_queued(), waits;

    atomic_store(&flood->seen, false);                 /* first: who finds no room from now on says so again */
    if (!strays_place(loop))
        atomic_store(&flood->seen, true);
    waits = full(loop, numbers);
    atomic_store(&flood->waits, waits);
    if (!atomic_load(&flood->seen))
        unblock(flood, (numbers | atomic_load(&flood->masked)) & ~waits);
}

void tocsin__os_ebb(struct tocsin__loop *loop)
{
    struct tocsin__flood *flood = &loop->inbox.flood;
    struct tocsin__loop *because = atomic_load(&flood->because);

    if (tocsin__os_ebbs(loop) && tocsin__inbox_room(&loop->inbox, TOCSIN_INBOX / 2))
        ebb(loop);
    else if (atomic_load(&flood->masked) && because != loop && over(&because->inbox.flood))
        unblock(flood, atomic_load(&flood->masked));
}

/* The loop cannot be posted to any more, nor does it hold anything back. */
static void stray_deliver(struct tocsin__stray *stray, struct tocsin__loop *loop)
{
    struct tocsin__slot *slot = tocsin__slot(loop, stray->signo);
    struct tocsin_os_signal what = stray->what;
    struct tocsin__info info;

    stray_place(stray, NULL);                          /* to the others */
    if (!slot || !tocsin__slot_heard(slot))
        return;
    tocsin__info_fill(&info, loop, slot->signal->signo, slot->name, 0, &what.tocsin);
    info.seen.code = TOCSIN_OS;
    tocsin__deliver_or_default(loop, slot, &info);
    tocsin__info_end(&info);
}

void tocsin__os_dry(struct tocsin__loop *loop)
{
    struct tocsin__flood *flood = &loop->inbox.flood;
    struct tocsin__stray *stray;

    while ((stray = flood->strays)) {
        flood->strays = stray->next;
        stray_deliver(stray, loop);
    }
    atomic_store(&flood->seen, false);
    atomic_store(&flood->waits, 0);
    if (atomic_load(&flood->masked))
        unblock(flood, atomic_load(&flood->masked));
    if (flood->opened)
        change(SIG_BLOCK, flood->opened, NULL);
    flood->opened = 0;
}

void tocsin__os_drop(struct tocsin__loop *loop)
{
    struct tocsin__flood *flood = &loop->inbox.flood;
    struct tocsin__stray *stray;

    while ((stray = flood->strays)) {
        flood->strays = stray->next;
        stray_drop(&stray->node);
    }
    tocsin__os_dry(loop);
}

int tocsin_os_here(void)
{
    uint64_t numbers = tocsin__os_queued();

    if (tocsin__fault())
        return -ENOSYS;
    if (tocsin__self != &tocsin__no_loop)
        atomic_fetch_and(&tocsin__self->inbox.flood.masked, ~numbers);
    return change(SIG_UNBLOCK, numbers, NULL);
}
