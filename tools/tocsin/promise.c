#include <errno.h>
#include <stdlib.h>

#include <tocsin/provider.h>

#include "mem.h"
#include "promise.h"

static const struct tocsin_notify quietly = { .mode = TOCSIN_KEEP | TOCSIN_NO_INJECT };

struct promise *promise_new(int *ret_err)
{
    struct promise *promise = must_alloc(sizeof *promise);

    *ret_err = tocsin_op_new(NULL, &quietly, &promise->op);
    if (*ret_err < 0) {
        free(promise);
        return NULL;
    }
    pthread_mutex_init(&promise->lock, NULL);
    atomic_init(&promise->refs, 2);
    return promise;
}

static void put(struct promise *promise)
{
    if (atomic_fetch_sub(&promise->refs, 1) > 1)
        return;
    pthread_mutex_destroy(&promise->lock);
    free(promise);
}

void promise_keep(struct promise *promise, int result)
{
    promise->result = result;
    pthread_mutex_lock(&promise->lock);
    atomic_store(&promise->kept, true);
    tocsin_op_complete(promise->op, 0, NULL);
    pthread_mutex_unlock(&promise->lock);
    put(promise);
}

bool promise_wait(struct promise *promise, int64_t limit_ms)
{
    int status = atomic_load(&promise->kept) ? 0 : tocsin_wait(promise->op, limit_ms, NULL);
    bool kept;

    pthread_mutex_lock(&promise->lock);
    kept = atomic_load(&promise->kept);
    /* The wait has failed, which has ended the operation. The next wait needs a new operation. */
    if (!kept && status < 0)
        tocsin_op_new(NULL, &quietly, &promise->op);
    pthread_mutex_unlock(&promise->lock);
    return kept;
}

/* Completes the operation, since a drain would wait for it. */
void promise_put(struct promise *promise)
{
    tocsin_op_complete(promise->op, -ECANCELED, NULL);
    tocsin_op_free(promise->op);
    put(promise);
}
