/* The barrier of a reload: all loops that have something of the plugin stop between two turns while
   the home loop exchanges the versions. The home loop leads, the other loops take part. */
#ifndef TOCSIN_PLUGIN_BARRIER_H
#define TOCSIN_PLUGIN_BARRIER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* GATHERING ──► MUTING ──► RELEASED; the versions are exchanged in MUTING
       └──► BROKEN */
enum tocsin__barrier_state {
    TOCSIN__BARRIER_GATHERING, /* loops arrive; those that have something of the plugin wait */
    TOCSIN__BARRIER_MUTING,    /* the loops mute the plugin's handlers, then wait again */
    TOCSIN__BARRIER_RELEASED,  /* the versions have been exchanged: the loops go on */
    TOCSIN__BARRIER_BROKEN     /* the loops go on, and nothing has happened */
};

struct tocsin__barrier {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum tocsin__barrier_state state;
    uint32_t arrived; /* number of loops that have arrived */
    uint32_t waiting; /* arrived loops that wait for MUTING */
    uint32_t muted;   /* arrived loops that have muted their handlers */
};

void tocsin__barrier_init(struct tocsin__barrier *barrier);
void tocsin__barrier_destroy(struct tocsin__barrier *barrier);

/* The leader opens the barrier. A process has one open barrier at a time: a loop that waits at a
 * barrier cannot come to another one, so two leaders would wait for each other. False: another
 * barrier is open. */
bool tocsin__barrier_open(struct tocsin__barrier *barrier);
void tocsin__barrier_close(
    struct tocsin__barrier *barrier); /* does nothing if no barrier is open */
void tocsin__barrier_set(struct tocsin__barrier *barrier, enum tocsin__barrier_state state);
bool tocsin__barrier_is_full(struct tocsin__barrier *barrier, uint32_t loops);
void tocsin__barrier_await_muted(struct tocsin__barrier *barrier);

/* The other loops. */
void tocsin__barrier_arrive(struct tocsin__barrier *barrier, bool waits);
/* Waits until the state is a later one, and returns it. */
enum tocsin__barrier_state tocsin__barrier_wait(struct tocsin__barrier *barrier,
                                                enum tocsin__barrier_state state);
void tocsin__barrier_add_muted(struct tocsin__barrier *barrier);

#endif
