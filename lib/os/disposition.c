/* Dispositions of real signals. The first handler of a real signal installs the real handler. The
   last handler restores the disposition that was there before (S3, S4). */
#include <pthread.h>
#include <string.h>

#include <tocsin/os.h>

#include "delivery/hooks.h"
#include "os/disposition.h"
#include "os/os_handler.h"
#include "os/rt_overflow.h"
#include "registry/os_names.h"
#include "registry/pattern.h"
#include "base/fork.h"
#include "base/refusal.h"

static struct {
    struct sigaction was;     /* the disposition that the last handler will restore */
    uint32_t users;           /* number of handlers and running loops that use this real signal */
} reals[TOCSIN__OS_MOST + 1]; /* the index is the number of the real signal; the lock protects the
                                 array */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The real handler for SIGPIPE and SIGXFSZ (S4). The library does not use SIG_IGN, because a
 * program started by exec would inherit it. */
static void do_nothing(int number)
{
    (void)number;
}

static bool is_ours(const struct sigaction *action)
{
    return action->sa_sigaction == tocsin__os_handler;
}

static bool is_foreign(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN &&
           action->sa_handler != do_nothing && !is_ours(action);
}

static int disposition_read(int number, struct sigaction *ret_now)
{
    return tocsin__fault() ? -ENOSYS : sigaction(number, NULL, ret_now) < 0 ? -errno : 0;
}

static int disposition_install(int number, const struct sigaction *now)
{
    struct sigaction fresh = { .sa_sigaction = tocsin__os_handler,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

    sigfillset(&fresh.sa_mask);
    if (number == SIGCHLD && (now->sa_handler == SIG_IGN || now->sa_flags & SA_NOCLDWAIT))
        /* keeps SA_NOCLDWAIT if the program has set it, so that ended children leave no zombies */
        fresh.sa_flags |= SA_NOCLDWAIT;
    return tocsin__fault()                                     ? -ENOSYS
           : sigaction(number, &fresh, &reals[number].was) < 0 ? -errno
                                                               : 0;
}

/* The caller of the next functions holds the lock. The program may have changed a disposition after
   the library installed the real handler. So each function reads the disposition again. */

static int disposition_can_take(int number, unsigned flags, struct sigaction *ret_now)
{
    int err = tocsin__os_excluded(number) ? -EINVAL : disposition_read(number, ret_now);

    return err < 0 ? err : is_foreign(ret_now) && !(flags & TOCSIN_REPLACE) ? -EBUSY : 0;
}

static int disposition_take(int number, unsigned flags)
{
    struct sigaction now;
    int err = disposition_can_take(number, flags, &now);

    if (err == 0 && !is_ours(&now))
        err = disposition_install(number, &now);
    if (err < 0)
        return err;
    reals[number].users++;
    if (number >= SIGRTMIN)
        tocsin__os_queued_add(number);
    return 0;
}

/* Returns true if a real-time signal is marked as queued while it has users, and is not marked
   otherwise. */
static bool queued_is_sound(int number)
{
    return number < SIGRTMIN ||
           !(tocsin__os_queued() & tocsin__os_bit(number)) == !reals[number].users;
}

/* Ends one use of the real signal. This cannot fail, because sigaction has succeeded for this
   number before. */
static void disposition_give(int number)
{
    struct sigaction now;

    tocsin__assert(queued_is_sound(number));
    if (!reals[number].users || --reals[number].users)
        /* in the child of a fork nothing uses the signal: the fork step has restored the
         * disposition */
        return;
    tocsin__os_queued_remove(number);
    tocsin__assert(queued_is_sound(number));
    if (sigaction(number, NULL, &now) == 0 && is_ours(&now))
        sigaction(number, &reals[number].was, NULL);
}

static void disposition_give_set(uint64_t numbers)
{
    pthread_mutex_lock(&lock);
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        if (numbers & tocsin__os_bit(number))
            disposition_give(number);
    pthread_mutex_unlock(&lock);
}

/* Handlers */

/* How a pattern names a real signal: not at all, as "*" does; by a pattern such as "os.*"; or by a
   name such as "os.sigterm". */
enum meaning { NOT_BY_NAME, BY_STARS, BY_NAME };

static enum meaning pattern_meaning(const char *pattern, const char *name)
{
    enum meaning meaning = NOT_BY_NAME;
    struct tocsin__pattern_item part;

    while (meaning != BY_NAME && tocsin__pattern_part(&pattern, &part) > 0)
        if (!part.out && part.size > 3 && memcmp(part.text, "os.", 3) == 0 &&
            tocsin__pattern_match(&part, name))
            meaning = tocsin__pattern_is_plain(&part) ? BY_NAME : BY_STARS;
    return meaning;
}

static int handler_can_take(struct tocsin__handler *handler, int number)
{
    struct sigaction now;

    return disposition_can_take(number, handler->flags, &now);
}

static int handler_take(struct tocsin__handler *handler, int number)
{
    int err = disposition_take(number, handler->flags);

    if (err == 0)
        handler->os |= tocsin__os_bit(number);
    return err;
}

static int explain_refusal(const char *name, int err)
{
    if (err == -EINVAL)
        return tocsin__because(err,
                               "'%s' cannot be handled: the kernel does not allow it, or it is a "
                               "fault that cannot wait",
                               name);
    if (err == -EBUSY)
        return tocsin__because(err,
                               "the program has a handler for '%s' that is not tocsin's: "
                               "TOCSIN_REPLACE takes its place",
                               name);
    return err;
}

/* Calls `step` for each real signal that the pattern names. If `step` fails for a real signal that
   is named by stars only, this signal is skipped. */
static int handler_for_each(struct tocsin__handler *handler,
                            int (*step)(struct tocsin__handler *handler, int number))
{
    int err = 0;

    for (uint32_t i = 0; i < handler->subscription.loop_signals_count && err == 0; i++) {
        const struct tocsin__signal *signal = handler->subscription.loop_signals[i]->signal;
        int number = tocsin__os_number(signal);
        enum meaning meaning = number ? pattern_meaning(handler->subscription.text, signal->name)
                                      : NOT_BY_NAME;

        err = meaning == NOT_BY_NAME ? 0 : step(handler, number);
        err = meaning == BY_STARS ? 0 : explain_refusal(signal->name, err);
    }
    return err;
}

int tocsin__os_take(struct tocsin__handler *handler)
{
    int err;

    if (handler->flags & TOCSIN__OBSERVER || !strstr(handler->subscription.text, "os."))
        return 0;
    pthread_mutex_lock(&lock);
    /* First checks all signals, then takes them over. If a later check failed, signals that were
     * taken over before would have to be given back, and one that arrived in between could be
     * lost. */
    err = handler_for_each(handler, handler_can_take);
    if (err == 0)
        err = handler_for_each(handler, handler_take);
    pthread_mutex_unlock(&lock);
    return err;
}

void tocsin__os_give(struct tocsin__handler *handler)
{
    disposition_give_set(handler->os);
    handler->os = 0;
}

void tocsin__os_give_all(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->ids.handlers.made; i++) {
        struct tocsin__handler *handler = tocsin__id_entry(&loop->ids.handlers, i)->object;

        if (handler && handler->os)
            tocsin__os_give(handler);
    }
}

/* In the child of a fork (T8), all dispositions are restored until its loop is usable again
 * (tocsin__os_retake). Until then no loop would deliver the signals, and SIGTERM would not end the
 * child. */

static void dispositions_fork_prepare(void)
{
    pthread_mutex_lock(&lock);
}

static void dispositions_fork_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void dispositions_fork_child(void)
{
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        if (reals[number].users) {
            reals[number].users = 1;
            disposition_give(number);
        }
    dispositions_fork_parent();
}

static __attribute__((constructor)) void dispositions_fork_register(void)
{
    static const struct tocsin__fork_step step = { .prepare = dispositions_fork_prepare,
                                                   .parent = dispositions_fork_parent,
                                                   .child = dispositions_fork_child };

    tocsin__fork_register(TOCSIN__FORK_DISPOSITIONS, &step);
}

void tocsin__os_retake(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->ids.handlers.made; i++) {
        struct tocsin__handler *handler = tocsin__id_entry(&loop->ids.handlers, i)->object;

        if (!handler || !handler->os)
            continue;
        handler->os = 0;
        tocsin__os_take(handler);
    }
}

/* Functions for SIGINT and SIGTERM while the main loop runs (T7). If there is no memory, the
 * default disposition stays, which is safe. */

static bool disposition_is_default(int number)
{
    struct sigaction now;

    return disposition_read(number, &now) == 0 &&
           (is_ours(&now) ? &reals[number].was : &now)->sa_handler == SIG_DFL;
}

static bool take_stop_signal(struct tocsin__loop *loop, int number)
{
    int signo = tocsin_os_signo(number);
    bool taken;

    if (signo < 0 ||
        /* Makes the cell that keeps the newest post, so that no post can be refused from now on. */
        !tocsin__listener_make(tocsin__signal(signo), loop->life.number))
        return false;
    pthread_mutex_lock(&lock);
    taken = disposition_is_default(number) && disposition_take(number, 0) == 0;
    pthread_mutex_unlock(&lock);
    return taken;
}

uint64_t tocsin__os_take_stop_signals(struct tocsin__loop *loop)
{
    uint64_t taken = 0;

    if (loop != tocsin__loop_main())
        return 0;
    taken |= take_stop_signal(loop, SIGINT) ? tocsin__os_bit(SIGINT) : 0;
    taken |= take_stop_signal(loop, SIGTERM) ? tocsin__os_bit(SIGTERM) : 0;
    return taken;
}

void tocsin__os_give_stop_signals(uint64_t taken)
{
    disposition_give_set(taken);
}

/* Sets the disposition of SIGPIPE or SIGXFSZ (S4). The caller holds the lock. */
static void disposition_quiet(int number)
{
    struct sigaction now,
        does_nothing = { .sa_handler = do_nothing, .sa_flags = SA_RESTART | SA_ONSTACK };

    if (disposition_read(number, &now) < 0)
        return;
    if (now.sa_handler == SIG_DFL)
        sigaction(number, &does_nothing, NULL);
    else if (is_ours(&now) && reals[number].was.sa_handler == SIG_DFL)
        reals[number].was = does_nothing; /* the disposition that the last handler will restore */
}

void tocsin__os_quiet(void)
{
    pthread_mutex_lock(&lock);
    disposition_quiet(SIGPIPE);
    disposition_quiet(SIGXFSZ);
    pthread_mutex_unlock(&lock);
}

static __attribute__((constructor)) void disposition_register_hooks(void)
{
    tocsin__hooks.os_take = tocsin__os_take;
    tocsin__hooks.os_give = tocsin__os_give;
}
