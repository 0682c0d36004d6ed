/* The table of signals by signo, and their interest words. */
#include <string.h>

#include "registry/layout.h"
#include "registry/registry.h"

_Atomic uint32_t tocsin__interest[TOCSIN_SIGNALS_MAX];
_Atomic uint32_t tocsin__signals;

static struct tocsin__signal *_Atomic by_signo[TOCSIN_SIGNALS_MAX];
pthread_mutex_t tocsin__registry_lock = PTHREAD_MUTEX_INITIALIZER;

struct tocsin__signal *tocsin__signal(int signo)
{
    uint32_t last = atomic_load_explicit(&tocsin__signals, memory_order_acquire);

    return (uint32_t)signo - 1 < last ? atomic_load_explicit(&by_signo[signo], memory_order_acquire)
                                      : NULL;
}

const struct tocsin_layout *tocsin__signal_layout(int signo, const struct tocsin_payload *payload)
{
    struct tocsin__signal *signal = tocsin__signal(signo);

    if (!payload)
        return NULL;
    return signal && signal->spec.layout &&
                   tocsin__layout_same(signal->spec.layout, payload->layout)
               ? signal->spec.layout
               : payload->layout;
}

/* Interest */

void tocsin__interest_set(struct tocsin__signal *signal)
{
    bool slow = !signal->declared || signal->unresolved || signal->loops > 1 ||
                signal->spec.kind == TOCSIN_DIRECT || tocsin__has_default(signal);
    uint32_t word = slow            ? (uint32_t)TOCSIN__SLOW
                    : signal->loops ? signal->numbers
                                    : TOCSIN__NOBODY;

    atomic_store_explicit(&tocsin__interest[signal->signo], word, memory_order_release);
}

int tocsin__name_check(const char *name, size_t size)
{
    bool dot = true; /* true: the next character begins a segment */

    if (size > TOCSIN_NAME_MAX)
        return -EINVAL;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];

        if (c == '.' ? dot
                     : !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return -EINVAL;
        dot = c == '.';
    }
    return dot ? -EINVAL : 0;
}

void tocsin__signal_publish(struct tocsin__signal *signal)
{
    tocsin__interest_set(signal);
    atomic_store_explicit(&by_signo[signal->signo], signal, memory_order_release);
    atomic_store_explicit(&tocsin__signals, (uint32_t)signal->signo, memory_order_release);
}
