/* The loops that listen to a signal. Any thread reads the list without a lock, also in a real
   signal handler. So a listener is not freed after its signal has become visible. */
#ifndef TOCSIN_REGISTRY_LISTENER_H
#define TOCSIN_REGISTRY_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct tocsin__latest;
struct tocsin__signal;

struct tocsin__listener {
    struct tocsin__listener *_Atomic next;
    _Atomic uint32_t word;   /* number of the loop and flags; 0: the loop has no interest */
    _Atomic uint32_t number; /* number of the loop; 0: this entry is unused */
    /* 1 if the loop's loop_signal is interested, plus the number of unresolved patterns: patterns
     * of the loop that match the name, but that the loop has not joined with it yet. The registry's
     * lock protects this number. */
    uint32_t interests;
    struct tocsin__latest *_Atomic latest; /* the latest cell, if the signal coalesces; else NULL */
};

/* Flags of the word, in the bits above the number of the loop. */
enum {
    TOCSIN__LOOP_BITS = 0xffff,
    TOCSIN__OBSERVES = 1 << 16, /* only observers listen, so the loop never refuses a post (E18) */
    TOCSIN__DEAF = 1 << 18,     /* no handler is connected, but a mask may hold the signal back */
    TOCSIN__FULL = 1 << 17      /* the pending emissions have reached the limit */
};

/* Sets the given flags to the given values. Only the loop's own thread calls this. */
static inline void tocsin__listener_flag(struct tocsin__listener *listener, uint32_t flags,
                                         uint32_t values)
{
    uint32_t word = atomic_load_explicit(&listener->word, memory_order_relaxed);

    if ((word & flags) != values)
        atomic_store(&listener->word, (word & ~flags) | values);
}

/* Returns the listener of the loop with this number, or NULL if the loop has none. */
struct tocsin__listener *tocsin__listener_of(struct tocsin__signal *signal, uint32_t number);
/* Returns the listener of the loop with this number, or NULL if there is no memory. A missing
   listener is created, with a latest cell if the signal coalesces. The caller of listener_add holds
   the registry's lock. */
struct tocsin__listener *tocsin__listener_make(struct tocsin__signal *signal, uint32_t number);
struct tocsin__listener *tocsin__listener_add(struct tocsin__signal *signal, uint32_t number);

/* Returns true if a loop other than `number` listens. others_want counts only loops that listen
   with a handler or a queue. */
bool tocsin__others_listen(uint32_t number, struct tocsin__signal *signal);
bool tocsin__others_want(uint32_t number, struct tocsin__signal *signal);
/* Returns true if the loop with this number is the first listener in the list, and all listeners
   only observe. */
bool tocsin__listens_first(uint32_t number, struct tocsin__signal *signal);

/* Changes the number of interests of a listener by 1 or -1, and then the interest word of the
   signal. */
void tocsin__interest_change(struct tocsin__signal *signal, struct tocsin__listener *listener,
                             uint32_t by);
/* Counts a pattern of a loop that matches the name being created. The loop has not joined the
 * pattern with the name yet: the pattern is unresolved. `handles` is true if the pattern belongs to
 * a handler or a queue. Returns 0, or -ENOMEM if there is no memory. The caller holds the
 * registry's lock. */
int tocsin__listener_add_unresolved(struct tocsin__signal *signal, uint32_t number, bool handles);
/* Subtracts `count` patterns that tocsin__listener_add_unresolved counted and that are resolved
   now. The caller of tocsin__listener_resolved holds the registry's lock. */
void tocsin__interest_resolved(struct tocsin__signal *signal, uint32_t number, uint32_t count);
void tocsin__listener_resolved(struct tocsin__signal *signal, uint32_t number, uint32_t count);

/* The caller of the following functions holds the registry's lock. */
/* Creates the missing latest cells of the signal's listeners. Returns 0, or -ENOMEM if there is no
   memory. */
int tocsin__listeners_make_latest(struct tocsin__signal *signal);
/* Creates a listener on every loop, for a signal that a real signal handler may post. Returns 0, or
   -ENOMEM if there is no memory. */
int tocsin__listeners_make_all(struct tocsin__signal *signal);
/* Marks the signal, so that each new loop gets a listener for this signal, too. */
void tocsin__listeners_async(struct tocsin__signal *signal);
/* Creates the listeners that a new loop needs for the marked signals. Returns 0, or -ENOMEM if
   there is no memory. */
int tocsin__listeners_loop(uint32_t number);
/* In the child of a fork (T8): only the loop with this number still listens. is_interested returns
 * true if the loop_signal of this loop is interested. */
void tocsin__listeners_inherit(uint32_t number, bool (*is_interested)(int signo));
/* In the child of a fork (T8): empties the latest cells of a loop. The caller does not hold the
 * lock. */
void tocsin__listeners_clear(uint32_t number);
/* Frees the listeners of a signal that no other thread has seen yet. */
void tocsin__listeners_free(struct tocsin__signal *signal);

#endif
