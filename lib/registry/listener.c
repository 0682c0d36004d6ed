/* The list of the loops that listen to a signal; see listener.h. */
#include "base/assert.h"
#include "registry/latest.h"
#include "registry/listener.h"
#include "registry/registry.h"

static struct tocsin__listener *listener_find(struct tocsin__signal *signal, uint32_t number,
                                              struct tocsin__listener **ret_last)
{
    struct tocsin__listener *listener = &signal->first;

    for (; listener && listener->number && listener->number != number;
         listener = atomic_load_explicit(&listener->next, memory_order_acquire))
        *ret_last = listener;
    return listener;
}

struct tocsin__listener *tocsin__listener_of(struct tocsin__signal *signal, uint32_t number)
{
    struct tocsin__listener *last, *listener = &signal->first;

    listener = listener_find(signal, number, &last);
    return listener && listener->number == number ? listener : NULL;
}

static bool has_listener_elsewhere(uint32_t number, struct tocsin__signal *signal, uint32_t but)
{
    struct tocsin__listener *listener = &signal->first;

    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word), other = word & TOCSIN__LOOP_BITS;

        if (other && other != number && !(word & but))
            return true;
    }
    return false;
}

bool tocsin__others_listen(uint32_t number, struct tocsin__signal *signal)
{
    return has_listener_elsewhere(number, signal, TOCSIN__DEAF);
}

bool tocsin__others_want(uint32_t number, struct tocsin__signal *signal)
{
    return has_listener_elsewhere(number, signal, TOCSIN__DEAF | TOCSIN__OBSERVES);
}

bool tocsin__listens_first(uint32_t number, struct tocsin__signal *signal)
{
    struct tocsin__listener *listener = &signal->first;
    uint32_t word;

    if (tocsin__others_want(number, signal))
        return false;
    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        word = atomic_load(&listener->word);
        if (word && !(word & TOCSIN__DEAF))
            return (word & TOCSIN__LOOP_BITS) == number;
    }
    return true;
}

static int latest_make(struct tocsin__signal *signal, struct tocsin__listener *listener)
{
    struct tocsin__latest *latest;

    if (atomic_load_explicit(&listener->latest, memory_order_relaxed))
        return 0;
    latest = tocsin__latest_new(signal);
    if (!latest)
        return -ENOMEM;
    atomic_store_explicit(&listener->latest, latest, memory_order_release);
    return 0;
}

struct tocsin__listener *tocsin__listener_add(struct tocsin__signal *signal, uint32_t number)
{
    struct tocsin__listener *last = NULL, *listener = listener_find(signal, number, &last),
                            *made = NULL;

    if (!listener)
        listener = made = tocsin__alloc(sizeof *made);
    if (!listener || (signal->declared && signal->spec.kind == TOCSIN_COALESCE &&
                      latest_make(signal, listener) < 0)) {
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

int tocsin__listeners_make_latest(struct tocsin__signal *signal)
{
    int err = 0;

    for (struct tocsin__listener *listener = &signal->first; listener && err == 0;
         listener = listener->next)
        err = listener->number ? latest_make(signal, listener) : 0;
    return err;
}

/* Latest cells of TOCSIN_ASYNC signals. A real signal handler may post to a loop that has never
   listened, and cannot allocate memory, so every loop gets the cells in advance. */

static struct tocsin__signal *async_signals;
static uint32_t last_loop; /* the highest number that any loop has had */

void tocsin__listeners_async(struct tocsin__signal *signal)
{
    signal->next_async = async_signals;
    async_signals = signal;
}

int tocsin__listeners_make_all(struct tocsin__signal *signal)
{
    for (uint32_t number = 1; number <= last_loop; number++)
        if (!tocsin__listener_add(signal, number))
            return -ENOMEM;
    return 0;
}

int tocsin__listeners_loop(uint32_t number)
{
    if (number > last_loop)
        last_loop = number;
    for (struct tocsin__signal *signal = async_signals; signal; signal = signal->next_async)
        if (!tocsin__listener_add(signal, number))
            return -ENOMEM;
    return 0;
}

void tocsin__listeners_free(struct tocsin__signal *signal)
{
    struct tocsin__listener *listener = signal->first.next, *next;

    for (; listener; listener = next) {
        next = listener->next;
        tocsin__release(listener);
    }
}

/* Returns true if the signal's counters of loops equal what its listeners say. The caller holds the
   registry's lock. */
static bool counters_are_sound(struct tocsin__signal *signal)
{
    const struct tocsin__listener *listener = &signal->first;
    uint32_t loops = 0, numbers = 0;

    for (; listener; listener = listener->next) {
        loops += listener->interests > 0;
        numbers += listener->interests ? listener->number : 0;
    }
    return loops == signal->loops && numbers == signal->numbers;
}

/* Changes the number of interests. Each change of the listener's word is one store. So a real
   signal handler that interrupts this function reads either the old or the new state. */
static void interest_add(struct tocsin__signal *signal, struct tocsin__listener *listener,
                         uint32_t by)
{
    bool had = listener->interests;

    listener->interests += by;
    tocsin__assert(listener->interests <= INT32_MAX);
    if (had == (listener->interests != 0))
        return;
    atomic_store(&listener->word, had ? 0 : listener->number);
    atomic_fetch_add(&signal->changes, 1);
    signal->loops += had ? -1u : 1;
    signal->numbers += had ? -listener->number : listener->number;
    tocsin__assert(counters_are_sound(signal));
    tocsin__interest_set(signal);
}

void tocsin__interest_change(struct tocsin__signal *signal, struct tocsin__listener *listener,
                             uint32_t by)
{
    pthread_mutex_lock(&tocsin__registry_lock);
    interest_add(signal, listener, by);
    pthread_mutex_unlock(&tocsin__registry_lock);
}

void tocsin__listener_resolved(struct tocsin__signal *signal, uint32_t number, uint32_t count)
{
    tocsin__assert(signal->unresolved >= count);
    signal->unresolved -= count;
    interest_add(signal, tocsin__listener_of(signal, number), -count);
    tocsin__interest_set(signal);
}

/* No other thread can see the name yet, so the listener's word may be set in two steps. */
int tocsin__listener_add_unresolved(struct tocsin__signal *signal, uint32_t number, bool handles)
{
    struct tocsin__listener *listener = tocsin__listener_add(signal, number);
    bool observes;

    if (!listener)
        return -ENOMEM;
    observes = !handles && (!listener->interests || listener->word & TOCSIN__OBSERVES);
    signal->unresolved++;
    interest_add(signal, listener, 1);
    atomic_store(&listener->word, number | (observes ? TOCSIN__OBSERVES : 0));
    return 0;
}

void tocsin__interest_resolved(struct tocsin__signal *signal, uint32_t number, uint32_t count)
{
    pthread_mutex_lock(&tocsin__registry_lock);
    tocsin__listener_resolved(signal, number, count);
    pthread_mutex_unlock(&tocsin__registry_lock);
}

/* Sets the listener to "not interested", in the child of a fork (T8). */

static void listener_silence(struct tocsin__signal *signal, struct tocsin__listener *listener)
{
    listener->interests = 0;
    atomic_store(&listener->word, 0);
    atomic_fetch_add(&signal->changes, 1);
    signal->loops--;
    signal->numbers -= listener->number;
}

void tocsin__listeners_inherit(uint32_t number, bool (*is_interested)(int signo))
{
    for (int signo = 1; signo <= (int)tocsin__signals; signo++) {
        struct tocsin__signal *signal = tocsin__signal(signo);
        uint32_t loops = signal->loops, unresolved = 0;

        for (struct tocsin__listener *listener = &signal->first; listener;
             listener = listener->next)
            if (listener->interests && listener->number != number)
                listener_silence(signal, listener);
            else if (listener->interests)
                unresolved = listener->interests - is_interested(signo);
        if (loops == signal->loops)
            continue;
        tocsin__assert(counters_are_sound(signal));
        signal->unresolved = unresolved;
        tocsin__interest_set(signal);
    }
}

void tocsin__listeners_clear(uint32_t number)
{
    for (int signo = 1; signo <= (int)tocsin__signals; signo++) {
        struct tocsin__listener *listener = tocsin__listener_of(tocsin__signal(signo), number);
        struct tocsin__latest *latest =
            listener ? atomic_load_explicit(&listener->latest, memory_order_acquire) : NULL;

        if (latest)
            tocsin__latest_reset(latest);
    }
}
