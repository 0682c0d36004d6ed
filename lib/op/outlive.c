/* Operations that outlive the thread of their loop (T6), since their provider has not completed
 * them yet. Their end was announced, but the provider may still use the state. So the state is kept
 * until the provider completes the operation. */
#include <pthread.h>

#include "base/fork.h"
#include "op/op.h"
#include "op/outlive.h"

struct outliving {
    struct outliving *next;
    uint64_t id;
    /* a reference to the info of the end; NULL: the end was not announced yet */
    struct tocsin_info *info;
    bool completed; /* the provider completed the operation before its end was announced */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct outliving *all;

/* In the child of a fork (T8) no provider has threads, so the list is emptied. */
static void outliving_fork_child(void)
{
    pthread_mutex_init(&lock, NULL);
    all = NULL;
}

static __attribute__((constructor)) void outliving_fork_register(void)
{
    static const struct tocsin__fork_step step = { .child = outliving_fork_child };

    tocsin__fork_register(TOCSIN__FORK_OUTLIVING, &step);
}

/* If there is no memory for an entry, the state is never freed (a known limit in HACKING.md). */
void tocsin__op_outlives(struct tocsin__op *op)
{
    struct outliving *one = tocsin__alloc(sizeof *one);

    op->outlives = true;
    if (!one)
        return;
    one->id = op->source.id;
    pthread_mutex_lock(&lock);
    one->next = all;
    all = one;
    pthread_mutex_unlock(&lock);
}

/* Returns the link of the list that points to the entry of this id, or the link at the end of the
 * list. */
static struct outliving **outliving_find(uint64_t id)
{
    struct outliving **link = &all;

    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

void tocsin__op_outlives_announced(struct tocsin__op *op)
{
    struct outliving **link, *one, *over = NULL;

    pthread_mutex_lock(&lock);
    link = outliving_find(op->source.id);
    one = *link;
    if (one && one->completed) {
        over = one;
        *link = one->next;
    } else {
        struct tocsin_info *info = tocsin_info_ref(&op->info.pub);

        if (one)
            one->info = info;
    }
    pthread_mutex_unlock(&lock);
    tocsin__release(over);
}

void tocsin__outlived(uint64_t id)
{
    struct outliving **link, *one;

    pthread_mutex_lock(&lock);
    link = outliving_find(id);
    one = *link;
    if (one && !one->info) {
        one->completed = true;
        one = NULL;
    }
    if (one)
        *link = one->next;
    pthread_mutex_unlock(&lock);
    if (!one)
        return;
    tocsin_info_unref(one->info);
    tocsin__release(one);
}
