/* The barrier of a reload: a state and three counters, which a lock protects. */
#include <stdatomic.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/fork.h"
#include "plugin/barrier.h"

static _Atomic(struct tocsin__barrier *) open_barrier; /* the open barrier of the process; NULL: no
                                                          barrier is open */

/* In the child of a fork (T8): no barrier is open, because the loops that wait at it exist only in
 * the parent. */
static void barriers_fork_child(void)
{
    atomic_store(&open_barrier, NULL);
}

static __attribute__((constructor)) void barriers_fork_register(void)
{
    static const struct tocsin__fork_step step = { .child = barriers_fork_child };

    tocsin__fork_register(TOCSIN__FORK_RELOADS, &step);
}

void tocsin__barrier_init(struct tocsin__barrier *barrier)
{
    pthread_mutex_init(&barrier->lock, NULL);
    pthread_cond_init(&barrier->changed, NULL);
}

void tocsin__barrier_destroy(struct tocsin__barrier *barrier)
{
    pthread_cond_destroy(&barrier->changed);
    pthread_mutex_destroy(&barrier->lock);
}

bool tocsin__barrier_open(struct tocsin__barrier *barrier)
{
    struct tocsin__barrier *none = NULL;

    if (!atomic_compare_exchange_strong(&open_barrier, &none, barrier) && none != barrier)
        return false;
    barrier->state = TOCSIN__BARRIER_GATHERING;
    barrier->arrived = barrier->waiting = barrier->muted = 0;
    return true;
}

void tocsin__barrier_close(struct tocsin__barrier *barrier)
{
    struct tocsin__barrier *own = barrier;

    atomic_compare_exchange_strong(&open_barrier, &own, NULL);
}

void tocsin__barrier_set(struct tocsin__barrier *barrier, enum tocsin__barrier_state state)
{
    pthread_mutex_lock(&barrier->lock);
    barrier->state = state;
    pthread_cond_broadcast(&barrier->changed);
    pthread_mutex_unlock(&barrier->lock);
}

bool tocsin__barrier_is_full(struct tocsin__barrier *barrier, uint32_t loops)
{
    bool is_full;

    pthread_mutex_lock(&barrier->lock);
    is_full = barrier->arrived == loops;
    pthread_mutex_unlock(&barrier->lock);
    return is_full;
}

void tocsin__barrier_await_muted(struct tocsin__barrier *barrier)
{
    pthread_mutex_lock(&barrier->lock);
    while (barrier->muted < barrier->waiting)
        pthread_cond_wait(&barrier->changed, &barrier->lock);
    pthread_mutex_unlock(&barrier->lock);
}

void tocsin__barrier_arrive(struct tocsin__barrier *barrier, bool waits)
{
    pthread_mutex_lock(&barrier->lock);
    barrier->arrived++;
    barrier->waiting += waits;
    pthread_mutex_unlock(&barrier->lock);
}

enum tocsin__barrier_state tocsin__barrier_wait(struct tocsin__barrier *barrier,
                                                enum tocsin__barrier_state state)
{
    pthread_mutex_lock(&barrier->lock);
    while (barrier->state <= state)
        pthread_cond_wait(&barrier->changed, &barrier->lock);
    state = barrier->state;
    pthread_mutex_unlock(&barrier->lock);
    return state;
}

void tocsin__barrier_add_muted(struct tocsin__barrier *barrier)
{
    pthread_mutex_lock(&barrier->lock);
    barrier->muted++;
    tocsin__assert(barrier->muted <= barrier->waiting && barrier->waiting <= barrier->arrived);
    pthread_cond_broadcast(&barrier->changed);
    pthread_mutex_unlock(&barrier->lock);
}
