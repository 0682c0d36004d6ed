/* Fences. A fence lets a thread without a loop wait for a loop. */
#include <pthread.h>
#include <time.h>

#include "delivery/loop.h"
#include "remote/fence.h"

struct tocsin__fence {
    struct tocsin__node node;
    pthread_mutex_t lock;
    pthread_cond_t passed;
    bool is_over;
    _Atomic int refs;
};

/* Releases one reference to the fence. The caller holds the lock. The lock is released first,
 * because the other thread may free the fence as soon as the reference is released. */
static void fence_put(struct tocsin__fence *fence)
{
    pthread_mutex_unlock(&fence->lock);
    if (atomic_fetch_sub(&fence->refs, 1) > 1)
        return;
    pthread_cond_destroy(&fence->passed);
    pthread_mutex_destroy(&fence->lock);
    tocsin__release(fence);
}

static void on_fence(struct tocsin__node *node)
{
    struct tocsin__fence *fence = tocsin__container(node, struct tocsin__fence, node);

    pthread_mutex_lock(&fence->lock);
    fence->is_over = true;
    pthread_cond_signal(&fence->passed);
    fence_put(fence);
}

struct tocsin__fence *tocsin__fence_new(void)
{
    struct tocsin__fence *fence = tocsin__alloc(sizeof *fence);
    pthread_condattr_t attributes;

    if (!fence)
        return NULL;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fence->passed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&fence->lock, NULL);
    fence->node.run = on_fence;
    fence->refs = 2;
    return fence;
}

/* Called when the waiting thread is cancelled. The thread holds the lock. */
static void fence_cancelled(void *fence)
{
    fence_put(fence);
}

int tocsin__fence_wait(struct tocsin__fence *fence, struct tocsin__loop *loop,
                       const struct timespec *until)
{
    int err = 0;

    pthread_mutex_lock(&fence->lock);
    if (!tocsin__inbox_push(&loop->inbox, &fence->node)) {
        /* the loop has ended, so the fence never runs, and there is nothing to wait for */
        fence->refs--;
        fence->is_over = true;
    }
    pthread_cleanup_push(fence_cancelled, fence);
    while (!fence->is_over && err == 0)
        err = until ? pthread_cond_timedwait(&fence->passed, &fence->lock, until)
                    : pthread_cond_wait(&fence->passed, &fence->lock);
    pthread_cleanup_pop(0);
    err = fence->is_over ? 0 : -ETIMEDOUT;
    fence_put(fence);
    return err;
}

const struct timespec *tocsin__fence_deadline(int64_t timeout_ms, struct timespec *when)
{
    if (timeout_ms < 0 || timeout_ms > INT64_MAX / 4000)
        return NULL;
    clock_gettime(CLOCK_MONOTONIC, when);
    when->tv_sec += timeout_ms / 1000;
    when->tv_nsec += timeout_ms % 1000 * 1000000;
    if (when->tv_nsec >= 1000000000)
        when->tv_sec++, when->tv_nsec -= 1000000000;
    return when;
}

int tocsin__fence_check(int64_t timeout_ms)
{
    if (timeout_ms < -1)
        return -EINVAL;
    if (tocsin__inherited(tocsin__self))
        return -EOWNERDEAD;
    return tocsin__self == &tocsin__no_loop ? 0 : -EDEADLK;
}

void tocsin__fence_free(struct tocsin__fence *fence)
{
    fence->refs = 1;
    pthread_mutex_lock(&fence->lock);
    fence_put(fence);
}
