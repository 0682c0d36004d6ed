/* The inject function of the process, and its calls for posts. */
#include <errno.h>
#include <pthread.h>

#include "base/fork.h"
#include "base/cancel.h"
#include "delivery/loop.h"
#include "registry/owner.h"
#include "base/refusal.h"
#include "registry/registry.h"
#include "remote/inject.h"
#include "delivery/owner_here.h"

_Atomic bool tocsin__inject_is_active;

/* held while the inject function runs, so that its removal waits for the end of the call */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    tocsin_inject_fn fn;
    void *arg;
    const struct tocsin__owner *owner;
} injector;
static __thread bool inside; /* true while the inject function runs on this thread */

static void injector_set(tocsin_inject_fn fn, void *arg, const struct tocsin__owner *owner)
{
    injector.fn = fn;
    injector.arg = arg;
    injector.owner = owner;
    atomic_store(&tocsin__inject_is_active, fn != NULL);
}

int tocsin_inject_exempt(void)
{
    struct tocsin__loop *loop;
    int err = tocsin__loop_make(&loop);

    if (err == 0)
        loop->life.exempt = true;
    return tocsin__traced(err);
}

/* Sets the inject function of the process. When a plugin is unloaded, its owner is closed first,
 * and its inject function is removed later. So an inject function that is set before the owner is
 * closed will be removed. */
int tocsin_inject(tocsin_inject_fn fn, void *arg)
{
    struct tocsin__owner *owner = tocsin__owner_whose((const void *)fn, NULL);
    int err = 0;

    if (inside)
        return tocsin__traced(-EDEADLK);
    pthread_mutex_lock(&lock);
    if (fn && injector.fn)
        err = -EBUSY;
    else if (fn && atomic_load(&owner->closed))
        err = -ESHUTDOWN;
    else
        injector_set(fn, arg, owner);
    pthread_mutex_unlock(&lock);
    return tocsin__traced(err);
}

void tocsin__inject_remove(const struct tocsin__owner *owner)
{
    if (!atomic_load(&tocsin__inject_is_active))
        return;
    pthread_mutex_lock(&lock);
    if (injector.fn && injector.owner == owner)
        injector_set(NULL, NULL, NULL);
    pthread_mutex_unlock(&lock);
}

static void injector_sanitize(struct tocsin_inject_action *action)
{
    action->delay_ms = action->delay_ms > 0 ? action->delay_ms : 0;
    action->behind = action->behind && action->delay_ms;
    action->error = action->error < 0 ? action->error : 0;
}

struct tocsin_inject_action tocsin__inject_ask(const struct tocsin_inject_event *event)
{
    struct tocsin_inject_action action = { .delay_ms = 0 };
    int saved = errno, cancel;

    if (inside)
        return action;
    cancel = tocsin__cancel_off();
    pthread_mutex_lock(&lock);
    inside = true;
    if (injector.fn)
        injector.fn(event, &action, injector.arg);
    inside = false;
    pthread_mutex_unlock(&lock);
    tocsin__cancel_back(cancel);
    errno = saved;
    injector_sanitize(&action);
    return action;
}

int tocsin__inject_post(int signo)
{
    const struct tocsin__signal *signal = tocsin__self->life.exempt ? NULL : tocsin__signal(signo);

    if (!signal || !signal->declared || signal->spec.flags & TOCSIN_ASYNC ||
        signal->spec.kind == TOCSIN_DIRECT)
        return 0; /* the post is invalid: the caller of this function refuses it */
    return tocsin__inject_ask(&(struct tocsin_inject_event){ .point = TOCSIN_INJECT_POST,
                                                             .signo = signo,
                                                             .name = signal->name,
                                                             .code = TOCSIN_POSTED })
        .error;
}

/* In the child of a fork (T8), the lock is initialized again, because another thread of the parent
 * may have held it. If the forking thread itself holds the lock, the lock is left alone, because
 * this thread will unlock it later. */
static void inject_fork_child(void)
{
    if (!inside)
        pthread_mutex_init(&lock, NULL);
}

static __attribute__((constructor)) void inject_fork_register(void)
{
    static const struct tocsin__fork_step step = { .child = inject_fork_child };

    tocsin__fork_register(TOCSIN__FORK_INJECT, &step);
}
