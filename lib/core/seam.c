#include <errno.h>
#include <pthread.h>

#include "core/owner.h"
#include "core/registry.h"
#include "core/seam.h"

_Atomic bool tocsin__interposed;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;       /* held while it is called: so taking it away waits for that */
static struct { tocsin_interposer fn; void *arg; const struct tocsin__owner *owner; } stands;
static __thread bool inside;                           /* it runs on this thread */

static void stand(tocsin_interposer fn, void *arg, const struct tocsin__owner *owner)
{
    stands.fn = fn;
    stands.arg = arg;
    stands.owner = owner;
    atomic_store(&tocsin__interposed, fn != NULL);
}

/* An owner is closed before it is swept, so one that is not closed here will be. */
int tocsin_interpose(tocsin_interposer fn, void *arg)
{
    struct tocsin__owner *owner = tocsin__owner_whose((const void *)fn, NULL);
    int err = 0;

    if (inside)
        return -EDEADLK;
    pthread_mutex_lock(&lock);
    if (fn && stands.fn)
        err = -EBUSY;
    else if (fn && atomic_load(&owner->closed))
        err = -ESHUTDOWN;
    else
        stand(fn, arg, owner);
    pthread_mutex_unlock(&lock);
    return err;
}

void tocsin__interpose_end(const struct tocsin__owner *owner)
{
    if (!atomic_load(&tocsin__interposed))
        return;
    pthread_mutex_lock(&lock);
    if (stands.fn && stands.owner == owner)
        stand(NULL, NULL, NULL);
    pthread_mutex_unlock(&lock);
}

static void sane(struct tocsin_verdict *verdict)
{
    verdict->delay_ms = verdict->delay_ms > 0 ? verdict->delay_ms : 0;
    verdict->behind = verdict->behind && verdict->delay_ms;
    verdict->error = verdict->error < 0 ? verdict->error : 0;
}

struct tocsin_verdict tocsin__cross(const struct tocsin_crossing *crossing)
{
    struct tocsin_verdict verdict = { .delay_ms = 0 };
    int was = errno;

    if (inside)
        return verdict;
    pthread_mutex_lock(&lock);
    inside = true;
    if (stands.fn)
        stands.fn(crossing, &verdict, stands.arg);
    inside = false;
    pthread_mutex_unlock(&lock);
    errno = was;
    sane(&verdict);
    return verdict;
}

int tocsin__cross_post(int signo)
{
    const struct tocsin__signal *signal = tocsin__signal(signo);

    if (!signal || !signal->declared || signal->spec.flags & TOCSIN_ASYNC || signal->spec.kind == TOCSIN_DIRECT)
        return 0;                                      /* the call finds out itself what is wrong */
    return tocsin__cross(&(struct tocsin_crossing){ .seam = TOCSIN_SEAM_POST, .signo = signo, .name = signal->name, .code = TOCSIN_POSTED }).error;
}

/* T8: whoever held the lock is not in the child, unless it is this thread. */
static void fork_child(void)
{
    if (!inside)
        pthread_mutex_init(&lock, NULL);
}

static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(NULL, NULL, fork_child);
}
