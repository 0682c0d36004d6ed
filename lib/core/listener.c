/* Which loops listen to a signal: read by any thread without a lock, also in a real signal handler. */
#include "core/box.h"
#include "core/loop.h"
#include "core/registry.h"

static struct tocsin__listener *find(struct tocsin__signal *signal, uint32_t number, struct tocsin__listener **ret_last)
{
    struct tocsin__listener *listener = &signal->first;

    for (; listener && listener->number && listener->number != number; listener = atomic_load_explicit(&listener->next, memory_order_acquire))
        *ret_last = listener;
    return listener;
}

struct tocsin__listener *tocsin__listener_of(struct tocsin__signal *signal, uint32_t number)
{
    struct tocsin__listener *last, *listener = &signal->first;

    listener = find(signal, number, &last);
    return listener && listener->number == number ? listener : NULL;
}

static bool elsewhere(const struct tocsin__loop *loop, struct tocsin__signal *signal, uint32_t but)
{
    struct tocsin__listener *listener = &signal->first;

    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word), number = word & TOCSIN__LOOP_BITS;

        if (number && number != loop->number && !(word & but))
            return true;
    }
    return false;
}

bool tocsin__heard_elsewhere(const struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    return elsewhere(loop, signal, TOCSIN__DEAF);
}

bool tocsin__wanted_elsewhere(const struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    return elsewhere(loop, signal, TOCSIN__DEAF | TOCSIN__OBSERVES);
}

bool tocsin__listens_first(const struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    struct tocsin__listener *listener = &signal->first;
    uint32_t word;

    if (tocsin__wanted_elsewhere(loop, signal))
        return false;
    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        word = atomic_load(&listener->word);
        if (word && !(word & TOCSIN__DEAF))
            return (word & TOCSIN__LOOP_BITS) == loop->number;
    }
    return true;
}

static int box_make(struct tocsin__signal *signal, struct tocsin__listener *listener)
{
    struct tocsin__box *box;

    if (atomic_load_explicit(&listener->box, memory_order_relaxed))
        return 0;
    box = tocsin__box_new(signal);
    if (!box)
        return -ENOMEM;
    atomic_store_explicit(&listener->box, box, memory_order_release);
    return 0;
}

struct tocsin__listener *tocsin__listener_add(struct tocsin__signal *signal, uint32_t number)
{
    struct tocsin__listener *last = NULL, *listener = find(signal, number, &last), *made = NULL;

    if (!listener)
        listener = made = tocsin__alloc(sizeof *made);
    if (!listener || (signal->declared && signal->spec.kind == TOCSIN_COALESCE && box_make(signal, listener) < 0)) {
        tocsin__release(made);
        return NULL;
    }
    if (listener->number != number)
        atomic_store_explicit(&listener->number, number, memory_order_release);
    if (made)
        atomic_store_explicit(&last->next, made, memory_order_release);
    return listener;
}

struct tocsin__listener *tocsin__listener_make(struct tocsin__signal *signal, uint32_t number)
{
    struct tocsin__listener *listener;

    pthread_mutex_lock(&tocsin__registry_lock);
    listener = tocsin__listener_add(signal, number);
    pthread_mutex_unlock(&tocsin__registry_lock);
    return listener;
}

int tocsin__listeners_boxes(struct tocsin__signal *signal)
{
    int err = 0;

    for (struct tocsin__listener *listener = &signal->first; listener && err == 0; listener = listener->next)
        err = listener->number ? box_make(signal, listener) : 0;
    return err;
}

void tocsin__listeners_free(struct tocsin__signal *signal)
{
    struct tocsin__listener *listener = signal->first.next, *next;

    for (; listener; listener = next) {
        next = listener->next;
        tocsin__release(listener);
    }
}

/* A change is one store, so whoever interrupts us in between sees the one state or the other. */
static void change(struct tocsin__signal *signal, struct tocsin__listener *listener, uint32_t by)
{
    bool had = listener->interests;

    listener->interests += by;
    if (had == (listener->interests != 0))
        return;
    atomic_store(&listener->word, had ? 0 : listener->number);
    atomic_fetch_add(&signal->changes, 1);
    signal->loops += had ? -1u : 1;
    signal->numbers += had ? -listener->number : listener->number;
    tocsin__interest_set(signal);
}

void tocsin__interest_change(struct tocsin__signal *signal, struct tocsin__listener *listener, uint32_t by)
{
    pthread_mutex_lock(&tocsin__registry_lock);
    change(signal, listener, by);
    pthread_mutex_unlock(&tocsin__registry_lock);
}

void tocsin__listener_resolved(struct tocsin__signal *signal, uint32_t number, uint32_t count)
{
    signal->unresolved -= count;
    change(signal, tocsin__listener_of(signal, number), -count);
    tocsin__interest_set(signal);
}

/* Nobody else sees the name yet. */
int tocsin__listener_awaits(struct tocsin__signal *signal, uint32_t number, bool handles)
{
    struct tocsin__listener *listener = tocsin__listener_add(signal, number);
    bool observes;

    if (!listener)
        return -ENOMEM;
    observes = !handles && (!listener->interests || listener->word & TOCSIN__OBSERVES);
    signal->unresolved++;
    change(signal, listener, 1);
    atomic_store(&listener->word, number | (observes ? TOCSIN__OBSERVES : 0));
    return 0;
}

void tocsin__interest_resolved(struct tocsin__signal *signal, uint32_t number, uint32_t count)
{
    pthread_mutex_lock(&tocsin__registry_lock);
    tocsin__listener_resolved(signal, number, count);
    pthread_mutex_unlock(&tocsin__registry_lock);
}

/* T8 */

static void silence(struct tocsin__signal *signal, struct tocsin__listener *listener)
{
    listener->interests = 0;
    atomic_store(&listener->word, 0);
    atomic_fetch_add(&signal->changes, 1);
    signal->loops--;
    signal->numbers -= listener->number;
}

void tocsin__listeners_inherit(struct tocsin__loop *own)
{
    for (int signo = 1; signo <= (int)tocsin__signals; signo++) {
        struct tocsin__signal *signal = tocsin__signal(signo);
        struct tocsin__slot *slot = tocsin__slot(own, signo);
        uint32_t loops = signal->loops, unresolved = 0;

        for (struct tocsin__listener *listener = &signal->first; listener; listener = listener->next)
            if (listener->interests && listener->number != own->number)
                silence(signal, listener);
            else if (listener->interests)
                unresolved = listener->interests - (slot && slot->interested);
        if (loops == signal->loops)
            continue;
        signal->unresolved = unresolved;
        tocsin__interest_set(signal);
    }
}

void tocsin__listeners_clear(uint32_t number)
{
    for (int signo = 1; signo <= (int)tocsin__signals; signo++) {
        struct tocsin__listener *listener = tocsin__listener_of(tocsin__signal(signo), number);
        struct tocsin__box *box = listener ? atomic_load_explicit(&listener->box, memory_order_acquire) : NULL;

        if (box)
            tocsin__box_reset(box);
    }
}
