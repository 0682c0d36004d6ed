/* A transition is the unload or the reload of one plugin. It is a state machine (unload.c,
 * reload.c). Its step function runs on the thread of the plugin's home loop, between turns. It runs
 * each time another thread wakes the transition: when an owner releases a resource, when a loop has
 * been called, or at a deadline. */
#ifndef TOCSIN_PLUGIN_TRANSITION_H
#define TOCSIN_PLUGIN_TRANSITION_H

#include "op/op.h"
#include "plugin/plugin.h"
#include "remote/call_all_loops.h"

enum {
    TOCSIN__TRANSITION_TIMEOUT_MS = 10000
}; /* time limit of a transition in milliseconds, if the caller sets no deadline */
enum { TOCSIN__TRANSITION_CALLS = 3 };

struct tocsin__transition {
    struct tocsin__transition *next; /* link of the list of all transitions */
    _Atomic uint32_t refs;

    /* unload.c or reload.c sets the following members */
    void (*step)(struct tocsin__transition *transition); /* takes all steps that are possible now */
    void (*on_move)(struct tocsin__transition *transition); /* called before the home loop changes;
                                                             * may be NULL */
    void (*on_free)(struct tocsin__transition *transition); /* called before the transition is
                                                               freed; may be NULL */
    bool ignores_persistent; /* true if the transition does not wait for TOCSIN_PERSISTENT
                                operations */
    int state;               /* the state: a value of an enum of unload.c or reload.c; only the
                                step function writes it */
    _Atomic uint64_t op;     /* id of the operation of the caller; 0: none */

    struct tocsin__plugin *plugin; /* the plugin; NULL: the image does not belong to a plugin any
                                    * more */
    struct tocsin__image *image;   /* the version that is to be unmapped */
    struct tocsin__owner *owner;   /* the owner of the image */
    bool frees_image;              /* true if the transition also frees the image */
    struct tocsin__loop *home;     /* the loop whose thread calls step */

    /* other threads set the following members for the step function */
    _Atomic bool is_abandoned; /* the operation has ended, so no caller waits for the result any
                                * more */
    _Atomic bool is_restarted; /* a second caller has requested the same, so the transition begins
                                * again */
    _Atomic bool is_calling;   /* true if some loops have not run the last call yet */

    /* the members that wake the transition */
    struct tocsin__node node; /* node in the inbox of the home loop, if is_queued is true */
    _Atomic bool is_queued;
    struct tocsin__timer timer;
    uint64_t timer_loop; /* id of the loop that has the timer; 0: the timer is not armed */

    /* Calls to all loops. They are allocated in advance, so that no step fails because there is no
     * memory. */
    struct tocsin__call_all_loops *calls[TOCSIN__TRANSITION_CALLS];
};

/* Begins a transition. Its home loop is the loop that called the plugin's init. If there is no
   plugin, or if that loop was freed, the home loop is the loop of this thread. */
void tocsin__transition_begin(struct tocsin__transition *transition, struct tocsin__plugin *plugin,
                              struct tocsin__image *image);
/* Takes the transition out of the list, and cancels its timer. Then nothing wakes the transition
   any more. */
void tocsin__transition_end(struct tocsin__transition *transition);

void tocsin__transition_ref(struct tocsin__transition *transition);
void tocsin__transition_unref(struct tocsin__transition *transition);

void tocsin__transition_wake(struct tocsin__transition *transition);
/* Wakes all transitions, because a plugin was loaded or unloaded. A transition may wait for
   this. */
void tocsin__transitions_wake(void);
/* Wakes the transition after `ms` milliseconds. Only the thread of the home loop calls this. */
void tocsin__transition_wake_later(struct tocsin__transition *transition, int64_t ms);

/* Allocates calls[which], which will run `fn` on every loop. Returns false if there is no
   memory. */
bool tocsin__transition_call_new(struct tocsin__transition *transition, int which,
                                 void (*fn)(struct tocsin__call_all_loops *loops_call));
/* Begins the call calls[which] to all loops, and sets is_calling until all loops have run it. */
void tocsin__transition_call(struct tocsin__transition *transition, int which);

static inline struct tocsin__transition *
tocsin__transition_of(const struct tocsin__call_all_loops *loops_call)
{
    return loops_call->arg;
}

/* Makes the operation of the caller. `err` is the result of a first check of the plugin. If it is
   an error, it is written as this thread's reason and returned. */
int tocsin__transition_op_new(const struct tocsin_op_type *type, const char *name,
                              const struct tocsin_notify *notify, int err,
                              struct tocsin__op **ret_op);
/* Allows another thread than the starting one to end the operation. */
void tocsin__transition_op_share(struct tocsin__op *op);
/* Sets the deadline of the operation, and takes the first step of the transition. */
void tocsin__transition_op_started(struct tocsin__op *op, struct tocsin__transition *transition);

/* Writes what the transition waits for, such as "still running: 1 task, 2 timers". */
void tocsin__transition_describe(const struct tocsin__transition *transition, char *text,
                                 size_t size);

#endif
