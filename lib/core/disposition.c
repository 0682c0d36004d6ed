/* Dispositions of real signals: taken over for the first handler, put back with the last (S3, S4). */
#include <pthread.h>
#include <string.h>

#include "core/os.h"
#include "core/pattern.h"

static struct { struct sigaction was; uint32_t holders; } reals[TOCSIN__OS_MOST + 1];     /* by number */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t queued;                        /* the real-time ones that have holders */

uint64_t tocsin__os_queued(void)
{
    return atomic_load(&queued);
}

/* S4: of SIGPIPE. It is not ignored, since a program that is executed would inherit that. */
static void nothing(int number)
{
    (void)number;
}

static bool ours(const struct sigaction *action)
{
    return action->sa_sigaction == tocsin__os_caught;
}

static bool foreign(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN && action->sa_handler != nothing && !ours(action);
}

static int look(int number, struct sigaction *ret_now)
{
    return tocsin__fault() ? -ENOSYS : sigaction(number, NULL, ret_now) < 0 ? -errno : 0;
}

static int install(int number, const struct sigaction *now)
{
    struct sigaction fresh = { .sa_sigaction = tocsin__os_caught, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

    sigfillset(&fresh.sa_mask);
    if (number == SIGCHLD && (now->sa_handler == SIG_IGN || now->sa_flags & SA_NOCLDWAIT))
        fresh.sa_flags |= SA_NOCLDWAIT;                /* nobody waits for the children */
    return tocsin__fault() ? -ENOSYS : sigaction(number, &fresh, &reals[number].was) < 0 ? -errno : 0;
}

/* All of it with the lock held. Somebody else may have changed what the first one installed: then it is looked at anew. */

static int may_take(int number, unsigned flags, struct sigaction *ret_now)
{
    int err = tocsin__os_excluded(number) ? -EINVAL : look(number, ret_now);

    return err < 0 ? err : foreign(ret_now) && !(flags & TOCSIN_REPLACE) ? -EBUSY : 0;
}

static int take(int number, unsigned flags)
{
    struct sigaction now;
    int err = may_take(number, flags, &now);

    if (err == 0 && !ours(&now))
        err = install(number, &now);
    if (err < 0)
        return err;
    reals[number].holders++;
    if (number >= SIGRTMIN)
        atomic_fetch_or(&queued, tocsin__os_bit(number));
    return 0;
}

/* This cannot fail: the same call has succeeded before. */
static void give(int number)
{
    struct sigaction now;

    if (!reals[number].holders || --reals[number].holders)
        return;                                        /* there may be none: a fork has put it back */
    atomic_fetch_and(&queued, ~tocsin__os_bit(number));
    if (sigaction(number, NULL, &now) == 0 && ours(&now))
        sigaction(number, &reals[number].was, NULL);
}

static void give_all(uint64_t numbers)
{
    pthread_mutex_lock(&lock);
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        if (numbers & tocsin__os_bit(number))
            give(number);
    pthread_mutex_unlock(&lock);
}

/* Of handlers */

enum meaning { NOT_BY_NAME, BY_STARS, BY_NAME };       /* by "os.*", by "os.sigterm" */

static enum meaning meant(const char *pattern, const char *name)
{
    enum meaning meaning = NOT_BY_NAME;
    struct tocsin__part part;

    while (meaning != BY_NAME && tocsin__pattern_part(&pattern, &part) > 0)
        if (!part.out && part.size > 3 && memcmp(part.text, "os.", 3) == 0 && tocsin__pattern_match(&part, name))
            meaning = tocsin__pattern_plain(&part) ? BY_NAME : BY_STARS;
    return meaning;
}

static int handler_may(struct tocsin__handler *handler, int number)
{
    struct sigaction now;

    return may_take(number, handler->flags, &now);
}

static int handler_take(struct tocsin__handler *handler, int number)
{
    int err = take(number, handler->flags);

    if (err == 0)
        handler->os |= tocsin__os_bit(number);
    return err;
}

/* Stars pass over what cannot be taken. */
static int for_all(struct tocsin__handler *handler, int (*step)(struct tocsin__handler *handler, int number))
{
    int err = 0;

    for (uint32_t i = 0; i < handler->match.slots_count && err == 0; i++) {
        const struct tocsin__signal *signal = handler->match.slots[i]->signal;
        int number = tocsin__os_number(signal);
        enum meaning meaning = number ? meant(handler->match.text, signal->name) : NOT_BY_NAME;

        err = meaning == NOT_BY_NAME ? 0 : step(handler, number);
        if (meaning == BY_STARS)
            err = 0;
    }
    return err;
}

int tocsin__os_take(struct tocsin__handler *handler)
{
    int err;

    if (handler->flags & TOCSIN__OBSERVER || !strstr(handler->match.text, "os."))
        return 0;
    pthread_mutex_lock(&lock);
    err = for_all(handler, handler_may);               /* first all of them: what is taken and given back at once may be lost */
    if (err == 0)
        err = for_all(handler, handler_take);
    pthread_mutex_unlock(&lock);
    return err;
}

void tocsin__os_give(struct tocsin__handler *handler)
{
    give_all(handler->os);
    handler->os = 0;
}

void tocsin__os_leave(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->handlers.made; i++) {
        struct tocsin__handler *handler = tocsin__id_entry(&loop->handlers, i)->object;

        if (handler && handler->os)
            tocsin__os_give(handler);
    }
}

/* T8: what the child has not asked for itself is not caught there: nobody would hear of it, and SIGTERM would not end it. */

static void fork_begins(void)
{
    pthread_mutex_lock(&lock);
}

static void fork_over(void)
{
    pthread_mutex_unlock(&lock);
}

static void fork_child(void)
{
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        if (reals[number].holders) {
            reals[number].holders = 1;
            give(number);
        }
    fork_over();
}

static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(fork_begins, fork_over, fork_child);
}

/* What somebody else has taken meanwhile stays theirs. */
void tocsin__os_retake(struct tocsin__loop *loop)
{
    for (uint32_t i = 0; i < loop->handlers.made; i++) {
        struct tocsin__handler *handler = tocsin__id_entry(&loop->handlers, i)->object;

        if (!handler || !handler->os)
            continue;
        handler->os = 0;
        tocsin__os_take(handler);
    }
}

/* Of the main loop while it runs (T7). What finds no memory keeps its default, which is safe as well. */

static bool has_default(int number)
{
    struct sigaction now;

    return look(number, &now) == 0 && (ours(&now) ? &reals[number].was : &now)->sa_handler == SIG_DFL;
}

static bool run_take(struct tocsin__loop *loop, int number)
{
    int signo = tocsin_os_signo(number);
    bool taken;

    if (signo < 0 || !tocsin__listener_make(tocsin__signal(signo), loop->number))    /* its box: from then on it cannot be refused */
        return false;
    pthread_mutex_lock(&lock);
    taken = has_default(number) && take(number, 0) == 0;
    pthread_mutex_unlock(&lock);
    return taken;
}

uint64_t tocsin__os_run(struct tocsin__loop *loop)
{
    uint64_t taken = 0;

    if (loop != tocsin__loop_main())
        return 0;
    taken |= run_take(loop, SIGINT) ? tocsin__os_bit(SIGINT) : 0;
    taken |= run_take(loop, SIGTERM) ? tocsin__os_bit(SIGTERM) : 0;
    return taken;
}

void tocsin__os_ran(uint64_t taken)
{
    give_all(taken);
}

/* Of SIGPIPE */

void tocsin__os_pipe(void)
{
    struct sigaction now, does_nothing = { .sa_handler = nothing, .sa_flags = SA_RESTART | SA_ONSTACK };

    pthread_mutex_lock(&lock);
    if (look(SIGPIPE, &now) == 0) {
        if (now.sa_handler == SIG_DFL)
            sigaction(SIGPIPE, &does_nothing, NULL);
        else if (ours(&now) && reals[SIGPIPE].was.sa_handler == SIG_DFL)
            reals[SIGPIPE].was = does_nothing;         /* what will be put back */
    }
    pthread_mutex_unlock(&lock);
}
