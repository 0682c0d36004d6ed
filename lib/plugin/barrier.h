/* The barrier of a reload. All loops on which the plugin has objects stop between two turns.
 * Meanwhile the home loop of the plugin exchanges the old version and the new one. The home loop
 * leads; the other loops take part. */
#ifndef TOCSIN_PLUGIN_BARRIER_H
#define TOCSIN_PLUGIN_BARRIER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* The states of a barrier. The versions are exchanged in MUTING.
   GATHERING ──► MUTING ──► RELEASED
       └──► BROKEN */
enum tocsin__barrier_state {
    TOCSIN__BARRIER_GATHERING, /* loops arrive; a loop on which the plugin has objects waits */
    TOCSIN__BARRIER_MUTING,    /* the loops mute the plugin's handlers, and then wait again */
    TOCSIN__BARRIER_RELEASED,  /* the versions have been exchanged, so the loops continue */
    TOCSIN__BARRIER_BROKEN     /* the reload gives up the barrier: the loops continue with the old
                                  version */
};

struct tocsin__barrier {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum tocsin__barrier_state state;
    uint32_t arrived; /* number of loops that have arrived at the barrier */
    uint32_t waiting; /* number of arrived loops that wait for MUTING */
    uint32_t muted;   /* number of arrived loops that have muted their handlers */
};

void tocsin__barrier_init(struct tocsin__barrier *barrier);
void tocsin__barrier_destroy(struct tocsin__barrier *barrier);

/* Opens the barrier, on the home loop. A process has at most one open barrier: a loop that waits at
 * one barrier cannot arrive at another, so two reloads would wait for each other. Returns false if
 * another barrier is open. */
bool tocsin__barrier_open(struct tocsin__barrier *barrier);
void tocsin__barrier_close(
    struct tocsin__barrier *barrier); /* does nothing if no barrier is open */
void tocsin__barrier_set(struct tocsin__barrier *barrier, enum tocsin__barrier_state state);
bool tocsin__barrier_is_full(struct tocsin__barrier *barrier, uint32_t loops);
void tocsin__barrier_await_muted(struct tocsin__barrier *barrier);

/* The other loops call the following functions. */
void tocsin__barrier_arrive(struct tocsin__barrier *barrier, bool waits);
/* Waits until the barrier has a later state than `state`, and returns the new state. */
enum tocsin__barrier_state tocsin__barrier_wait(struct tocsin__barrier *barrier,
                                                enum tocsin__barrier_state state);
void tocsin__barrier_add_muted(struct tocsin__barrier *barrier);

#endif
