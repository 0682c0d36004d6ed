/* A transition: the unload or the reload of one plugin. It is a state machine (unload.c, reload.c).
   Its step function runs on the thread of the plugin's home loop, between turns, each time another
   thread wakes it: an owner that released something, a loop that has been called, a deadline. */
#ifndef TOCSIN_PLUGIN_TRANSITION_H
#define TOCSIN_PLUGIN_TRANSITION_H

#include "op/op.h"
#include "plugin/plugin.h"
#include "remote/call_all_loops.h"

enum {
    TOCSIN__TRANSITION_TIMEOUT_MS = 10000
}; /* limit of a transition in milliseconds, unless the caller sets a deadline */
enum { TOCSIN__TRANSITION_CALLS = 3 };

struct tocsin__transition {
    struct tocsin__transition *next; /* list of all transitions that run */
    _Atomic uint32_t refs;

    /* set by unload.c or reload.c */
    void (*step)(
        struct tocsin__transition *transition); /* goes through the states as far as possible */
    void (*on_move)(
        struct tocsin__transition *transition); /* called before the home changes; may be NULL */
    void (*on_free)(struct tocsin__transition *transition); /* or NULL */
    bool ignores_persistent; /* the transition does not wait for TOCSIN_PERSISTENT operations */
    int state;           /* an enum of unload.c or reload.c; the step function alone writes it */
    _Atomic uint64_t op; /* id of the operation of the caller; 0: none */

    struct tocsin__plugin *plugin; /* NULL: the image is in no plugin any more */
    struct tocsin__image *image;   /* the version to unmap */
    struct tocsin__owner *owner;   /* of that image */
    bool frees_image;              /* the image is freed with the transition */
    struct tocsin__loop *home;     /* the loop whose thread calls step */

    /* what other threads tell the step function */
    _Atomic bool is_abandoned; /* the operation has ended: nobody waits for the result any more */
    _Atomic bool is_restarted; /* a second caller asked for the same: begin again */
    _Atomic bool is_calling;   /* some loops have not run the last call yet */

    /* how it is woken */
    struct tocsin__node node; /* node in the inbox of the home loop while is_queued */
    _Atomic bool is_queued;
    struct tocsin__timer timer;
    uint64_t timer_loop; /* id of the loop that has the timer; 0: not armed */

    /* calls to all loops, allocated ahead so that no step can fail for memory */
    struct tocsin__call_all_loops *calls[TOCSIN__TRANSITION_CALLS];
};

/* The home is the loop that called the plugin's init; without a plugin, or if that loop is freed,
   the loop of this thread. */
void tocsin__transition_begin(struct tocsin__transition *transition, struct tocsin__plugin *plugin,
                              struct tocsin__image *image);
/* Takes the transition out of the list, and cancels its timer: nothing wakes it any more. */
void tocsin__transition_end(struct tocsin__transition *transition);

void tocsin__transition_ref(struct tocsin__transition *transition);
void tocsin__transition_unref(struct tocsin__transition *transition);

void tocsin__transition_wake(struct tocsin__transition *transition);
/* Wakes all transitions: a plugin was loaded or unloaded, and they may wait for that. */
void tocsin__transitions_wake(void);
/* Wakes the transition in ms milliseconds. Home thread only. */
void tocsin__transition_wake_later(struct tocsin__transition *transition, int64_t ms);

/* Allocates calls[which], which will run `fn` on every loop. False: no memory. */
bool tocsin__transition_call_new(struct tocsin__transition *transition, int which,
                                 void (*fn)(struct tocsin__call_all_loops *loops_call));
/* Begins calls[which], and sets is_calling until all loops have run it. */
void tocsin__transition_call(struct tocsin__transition *transition, int which);

static inline struct tocsin__transition *
tocsin__transition_of(const struct tocsin__call_all_loops *loops_call)
{
    return loops_call->arg;
}

/* The operation of the caller. `err` is what a first look at the plugin found: an error is written
   as this thread's reason and returned. */
int tocsin__transition_op_new(const struct tocsin_op_type *type, const char *name,
                              const struct tocsin_notify *notify, int err,
                              struct tocsin__op **ret_op);
/* Another thread than the one that started the operation may end it. */
void tocsin__transition_op_share(struct tocsin__op *op);
/* Sets the deadline, and takes the first step. */
void tocsin__transition_op_started(struct tocsin__op *op, struct tocsin__transition *transition);

/* Writes what the transition waits for: "still running: 1 task, 2 timers". */
void tocsin__transition_describe(const struct tocsin__transition *transition, char *text,
                                 size_t size);

#endif
