/* Real-time signals for which an inbox has no room (S1).

   When an inbox is nearly full, the thread that has caught a real-time signal blocks all real-time
   signals. Then the kernel queues them, and refuses them to their senders when its own queue is
   full.

   Each thread can catch one more signal before it blocks them. The spare cells of the ring are for
   these signals. If a signal finds no spare cell either, it becomes an entry, which is memory of
   its own. The entry waits on the loop that has no room. When this loop has room again, it posts
   the entries again and unblocks the signals on its own thread. */
#include <pthread.h>

#include "base/refusal.h"
#include "delivery/emit.h"
#include "os/disposition.h"
#include "os/rt_overflow.h"
#include "registry/os_names.h"
#include "remote/post.h"

/* A signal that waits for room. It is allocated with mmap, because a real signal handler makes
   it. */
struct tocsin__rt_overflow_entry {
    /* node in the inbox of the loop that had no room, until this loop takes the entry */
    struct tocsin__node node;
    /* next entry in the loop's list overflow.entries, after the loop has taken the node */
    struct tocsin__rt_overflow_entry *next;
    int signo;
    struct tocsin_os_signal what;
};

static _Atomic uint64_t queued; /* the real-time signals that the library has taken over */

uint64_t tocsin__os_queued(void)
{
    return atomic_load(&queued);
}

void tocsin__os_queued_add(int number)
{
    atomic_fetch_or(&queued, tocsin__os_bit(number));
}

void tocsin__os_queued_remove(int number)
{
    atomic_fetch_and(&queued, ~tocsin__os_bit(number));
}

/* Called in the real handler, on any thread. Requests that the loop tries again when it has room. A
   loop that ends does not read the request any more. */
static void overflow_note(struct tocsin__loop *loop)
{
    atomic_store(&loop->inbox.overflow.retry_wanted, true);
    if (atomic_load(&loop->inbox.tail) & TOCSIN__CLOSED)
        atomic_store(&loop->inbox.overflow.retry_wanted, false);
    tocsin__inbox_wake(&loop->inbox);
}

/* Returns the real-time signals that this thread must block. If the inbox of a loop that listens is
 * nearly full, these are all real-time signals. If such a loop has only reached the limit of this
 * one signal, it is this signal. *ret_full_loop is set to the loop that has no room. */
static uint64_t overflow_find_full(struct tocsin__signal *signal, int number,
                                   struct tocsin__loop **ret_full_loop)
{
    struct tocsin__listener *listener = &signal->first;
    uint64_t numbers = 0;

    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word);
        struct tocsin__loop *loop = word && !(word & (TOCSIN__OBSERVES | TOCSIN__DEAF))
                                        ? tocsin__loop_numbered(word & TOCSIN__LOOP_BITS)
                                        : NULL;
        bool room = !loop || tocsin__inbox_has_room(&loop->inbox, TOCSIN__RESERVED_CELLS) ||
                    atomic_load(&loop->inbox.tail) & TOCSIN__CLOSED;

        if (!loop || (room && !(word & TOCSIN__FULL)))
            continue;
        numbers |= room ? tocsin__os_bit(number) : tocsin__os_queued();
        *ret_full_loop = loop;
        overflow_note(loop);
    }
    return numbers;
}

/* Adds signals to the mask that the interrupted thread gets when the real handler returns. If the
   thread has a loop, records which of them the program has not blocked itself. */
static void overflow_block(sigset_t *mask, uint64_t numbers, struct tocsin__loop *full_loop)
{
    struct tocsin__rt_overflow *own = tocsin__self == &tocsin__no_loop
                                          ? NULL
                                          : &tocsin__self->inbox.overflow;

    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST; number++) {
        if (!(numbers & tocsin__os_bit(number)) || sigismember(mask, number) == 1)
            continue;
        sigaddset(mask, number);
        if (own) {
            atomic_store(&own->full_loop, full_loop);
            atomic_fetch_or(&own->masked, tocsin__os_bit(number));
        }
    }
}

/* Posts the entry again and frees it. If another loop has no room, pushes the entry to that loop.
   Returns false if `loop` itself has no room; then the caller must keep the entry. */
static bool entry_post(struct tocsin__rt_overflow_entry *entry, struct tocsin__loop *loop)
{
    struct tocsin__loop *full = NULL;

    while (tocsin__post(entry->signo, &entry->what.tocsin, TOCSIN_OS, 0, &full) == -EAGAIN)
        if (full == loop || tocsin__inbox_push(&full->inbox, &entry->node))
            return full != loop;
    tocsin__pages_release(entry, sizeof *entry);
    return true;
}

static void entry_keep(struct tocsin__rt_overflow *overflow,
                       struct tocsin__rt_overflow_entry *entry)
{
    tocsin__assert(!overflow->entries || !overflow->last_entry->next);
    entry->next = NULL;
    *(overflow->entries ? &overflow->last_entry->next : &overflow->entries) = entry;
    overflow->last_entry = entry;
}

static void on_entry(struct tocsin__node *node)
{
    struct tocsin__rt_overflow *overflow = &tocsin__self->inbox.overflow;

    entry_keep(overflow, tocsin__container(node, struct tocsin__rt_overflow_entry, node));
    atomic_store(&overflow->retry_wanted, true);
}

static void entry_drop(struct tocsin__node *node)
{
    tocsin__pages_release(tocsin__container(node, struct tocsin__rt_overflow_entry, node),
                          sizeof(struct tocsin__rt_overflow_entry));
}

/* Makes an entry for the signal, and posts it. If there is no memory, the signal is lost. The loop
   has already counted it as refused. */
void tocsin__rt_overflow_add(int signo, const struct tocsin_os_signal *what)
{
    struct tocsin__rt_overflow_entry *entry = tocsin__pages(sizeof *entry);

    if (!entry)
        return;
    entry->node.run = on_entry;
    entry->node.drop = entry_drop;
    entry->signo = signo;
    entry->what = *what;
    entry_post(entry, NULL);
}

void tocsin__rt_overflow_block(struct tocsin__signal *signal, int number, sigset_t *mask)
{
    struct tocsin__loop *full_loop = NULL;
    uint64_t numbers = overflow_find_full(signal, number, &full_loop);

    if (numbers)
        overflow_block(mask, numbers, full_loop);
}

/* Functions that the loop calls when it has room again */

static int overflow_set_mask(int how, uint64_t numbers, sigset_t *ret_old)
{
    sigset_t set;

    sigemptyset(&set);
    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST; number++)
        if (numbers & tocsin__os_bit(number))
            sigaddset(&set, number);
    return -pthread_sigmask(how, &set, ret_old);
}

static int overflow_unblock(struct tocsin__rt_overflow *overflow, uint64_t numbers)
{
    /* The bits are cleared before the signals are unblocked. Signals arrive immediately after that,
       and their real handler may block them again. */
    uint64_t masked = atomic_fetch_and(&overflow->masked, ~numbers);
    sigset_t old;
    int err = overflow_set_mask(SIG_UNBLOCK, numbers, &old);

    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST && err == 0; number++)
        if (numbers & ~masked & tocsin__os_bit(number) && sigismember(&old, number) == 1)
            overflow->unblocked |= tocsin__os_bit(number);
    return err;
}

/* Returns the signals in `numbers` whose limit of pending emissions is reached on this loop. */
static uint64_t signals_full(const struct tocsin__loop *loop, uint64_t numbers)
{
    uint64_t full = 0;

    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST; number++) {
        const struct tocsin__loop_signal *loop_signal =
            numbers & tocsin__os_bit(number) ? tocsin__loop_signal(loop, tocsin__os_signo(number))
                                             : NULL;

        full |= loop_signal && loop_signal->listening.full ? tocsin__os_bit(number) : 0;
    }
    return full;
}

/* Posts the entries of the loop. Entries of a signal whose limit is reached stay in the list.
 * Returns false if other entries stay, too, because the inbox has no room. */
static bool entries_post(struct tocsin__loop *loop)
{
    struct tocsin__rt_overflow *overflow = &loop->inbox.overflow;
    struct tocsin__rt_overflow_entry *entry, *next = overflow->entries;
    bool room = true;

    overflow->entries = NULL;
    while ((entry = next)) {
        next = entry->next;
        if (signals_full(loop, tocsin__os_bit(entry->what.number)))
            entry_keep(overflow, entry);
        else if (!room || !(room = entry_post(entry, loop)))
            entry_keep(overflow, entry);
    }
    return room;
}

bool tocsin__rt_overflow_is_pending(const struct tocsin__loop *loop)
{
    const struct tocsin__rt_overflow *overflow = &loop->inbox.overflow;
    uint64_t at_limit = atomic_load_explicit(&overflow->at_limit, memory_order_relaxed);

    return atomic_load_explicit(&overflow->retry_wanted, memory_order_relaxed) ||
           (at_limit && signals_full(loop, at_limit) != at_limit);
}

static bool overflow_is_over(struct tocsin__rt_overflow *overflow)
{
    return !atomic_load(&overflow->retry_wanted) && !atomic_load(&overflow->at_limit);
}

/* Ends the overflow. At least the loop's own thread must have these signals unblocked. Other
   threads that have blocked the signals unblock them in the next turn of their own loop. A thread
   without a loop calls tocsin_os_unblock_here(). */
static void overflow_end(struct tocsin__loop *loop)
{
    struct tocsin__rt_overflow *overflow = &loop->inbox.overflow;
    uint64_t numbers = tocsin__os_queued(), at_limit;

    /* The flag is cleared first. If a real signal handler finds no room from now on, it sets the
     * flag again. */
    atomic_store(&overflow->retry_wanted, false);
    if (!entries_post(loop))
        atomic_store(&overflow->retry_wanted, true);
    at_limit = signals_full(loop, numbers);
    atomic_store(&overflow->at_limit, at_limit);
    if (!atomic_load(&overflow->retry_wanted))
        overflow_unblock(overflow, (numbers | atomic_load(&overflow->masked)) & ~at_limit);
}

void tocsin__rt_overflow_retry(struct tocsin__loop *loop)
{
    struct tocsin__rt_overflow *overflow = &loop->inbox.overflow;
    struct tocsin__loop *full_loop = atomic_load(&overflow->full_loop);

    if (tocsin__rt_overflow_is_pending(loop) &&
        tocsin__inbox_has_room(&loop->inbox, TOCSIN_INBOX / 2))
        overflow_end(loop);
    else if (atomic_load(&overflow->masked) && full_loop != loop &&
             overflow_is_over(&full_loop->inbox.overflow))
        overflow_unblock(overflow, atomic_load(&overflow->masked));
}

/* Called when the loop ends. It refuses posts then, but does not block signals. This function
 * delivers the entry on this loop, and posts it to the other loops that listen. */
static void entry_deliver(struct tocsin__rt_overflow_entry *entry, struct tocsin__loop *loop)
{
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(loop, entry->signo);
    struct tocsin_os_signal what = entry->what;
    struct tocsin__info info;

    entry_post(entry, NULL);
    if (!loop_signal || !tocsin__loop_signal_has_effect(loop_signal))
        return;
    tocsin__info_fill(&info, loop, loop_signal->signal->signo, loop_signal->name, 0, &what.tocsin);
    info.pub.code = TOCSIN_OS;
    tocsin__deliver_or_default(loop, loop_signal, &info);
    tocsin__info_end(&info);
}

void tocsin__rt_overflow_finish(struct tocsin__loop *loop)
{
    struct tocsin__rt_overflow *overflow = &loop->inbox.overflow;
    struct tocsin__rt_overflow_entry *entry;

    while ((entry = overflow->entries)) {
        overflow->entries = entry->next;
        entry_deliver(entry, loop);
    }
    atomic_store(&overflow->retry_wanted, false);
    atomic_store(&overflow->at_limit, 0);
    if (atomic_load(&overflow->masked))
        overflow_unblock(overflow, atomic_load(&overflow->masked));
    if (overflow->unblocked)
        overflow_set_mask(SIG_BLOCK, overflow->unblocked, NULL);
    overflow->unblocked = 0;
}

void tocsin__rt_overflow_drop(struct tocsin__loop *loop)
{
    struct tocsin__rt_overflow *overflow = &loop->inbox.overflow;
    struct tocsin__rt_overflow_entry *entry;

    while ((entry = overflow->entries)) {
        overflow->entries = entry->next;
        entry_drop(&entry->node);
    }
    tocsin__rt_overflow_finish(loop);
}

/* true if a thread has called tocsin_os_unblock_here */
static _Atomic bool has_own_thread;

static uint64_t overflow_find_blocked(uint64_t numbers)
{
    struct tocsin__loop *full_loop;
    uint64_t full = 0;

    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST; number++)
        if (numbers & tocsin__os_bit(number))
            full |= overflow_find_full(tocsin__signal(tocsin__os_signo(number)), number,
                                       &full_loop);
    return full;
}

void tocsin__rt_overflow_task_mask(sigset_t *ret_mask)
{
    uint64_t numbers = tocsin__os_queued();

    if (numbers && !atomic_load(&has_own_thread))
        numbers = overflow_find_blocked(numbers);
    sigemptyset(ret_mask);
    for (int number = SIGRTMIN; number <= TOCSIN__OS_MOST; number++)
        if (numbers & tocsin__os_bit(number))
            sigaddset(ret_mask, number);
}

int tocsin_os_unblock_here(void)
{
    uint64_t numbers = tocsin__os_queued();

    if (tocsin__fault())
        return tocsin__traced(-ENOSYS);
    atomic_store(&has_own_thread, true);
    if (tocsin__self != &tocsin__no_loop)
        atomic_fetch_and(&tocsin__self->inbox.overflow.masked, ~numbers);
    return tocsin__traced(overflow_set_mask(SIG_UNBLOCK, numbers, NULL));
}
