/* A loop as delivery sees it: the table of its signals, the code that runs, and the emissions that
   are pending. Only the thread of the loop uses this data, unless a comment says otherwise.
   lib/loop adds the engine at the first turn. */
#ifndef TOCSIN_DELIVERY_LOOP_H
#define TOCSIN_DELIVERY_LOOP_H

#include <tocsin/base.h>

#include "base/assert.h"
#include "base/heap.h"
#include "base/id.h"
#include "base/inbox.h"
#include "delivery/frames.h"
#include "delivery/loop_signal.h"
#include "delivery/loop_tidy.h"
#include "registry/info.h"
#include "base/mem.h"
#include "registry/registry.h"

struct tocsin__latest;
struct tocsin__engine;
struct tocsin__handler;
struct tocsin__mask_rule;
struct tocsin__owner;

/* A sorted array of handlers. While a delivery walks over the array, the array is not changed but
   replaced. The old array is freed when the loop is at rest (E2). */
struct tocsin__list {
    uint32_t count, capacity;
    uint32_t dead;             /* number of disconnected handlers in the list */
    uint32_t sorted;           /* length of the sorted part; a delivery sorts the rest first */
    uint32_t handling;         /* number of connected handlers that are not observers (E9) */
    uint64_t walks; /* loop_signal->walks at the creation; another value: a delivery may use it */
    struct tocsin__list *next; /* next in the loop's list of arrays to be freed */
    int outcome;               /* TOCSIN_DELIVERED or _NOBODY, if no handler stops a delivery */
    struct tocsin__handler *items[]; /* the handlers, with NULL at the end */
};

/* An emission that waits because its signal is held back (E5, E10). The end of an operation waits
   in memory of the operation, so queuing an end cannot fail. */
struct tocsin__pending {
    struct tocsin__pending *next;
    struct tocsin__info *info; /* the info of the emission; this struct has a reference to it */
    uint64_t age; /* its sequence number; after a merge, that of the oldest merged emission */
    void (*gone)(
        struct tocsin__pending *pending); /* frees this struct; NULL: freed by tocsin__release */
    struct tocsin__owner *owner; /* the owner that is charged; NULL: an end of an operation */
    bool counted;                /* the emission is counted in source->pending */
};

struct tocsin__loop_signal;
struct tocsin__source;

/* A queue that listens to a signal, as delivery sees it. The code of queues (lib/style) sets the
   functions. */
struct tocsin__admission {
    /* returns true if the queue has room for a payload of this size; called before the emission
       does anything (E11) */
    bool (*open)(struct tocsin__admission *admission, size_t size);
    /* called when an emission of the signal was refused because the queue has no room */
    void (*refused)(struct tocsin__admission *admission, const char *name);
    /* called when the queue can take `by` more pending emissions; NULL: the queue takes none */
    void (*count_pending)(struct tocsin__admission *admission,
                          struct tocsin__loop_signal *loop_signal, uint32_t by);
};

/* State of a signal on a loop. If the state is 0, an emission takes the fast path. Each bit makes a
   delivery do something more. */
enum {
    TOCSIN__RUNNING = 1,    /* the handlers run, so the signal is blocked */
    TOCSIN__PENDING = 2,    /* emissions are pending */
    TOCSIN__FLUSHING = 4,   /* a running flush will deliver the pending emissions */
    TOCSIN__UNTIDY = 8,     /* disconnected handlers must be removed from a list */
    TOCSIN__GATED = 16,     /* a queue listens, so its room must be checked first */
    TOCSIN__KEPT = 32,      /* a handler made a copy of the info, which must be released */
    TOCSIN__BLOCKED = 64,   /* a block or a mask holds the signal back */
    TOCSIN__IGNORED = 128,  /* tocsin_ignore is in effect, so only observers are called */
    TOCSIN__QUIET = 256,    /* no handler listens; a mask rule may hold the signal back */
    TOCSIN__UNSORTED = 512, /* a list has an unsorted part */
};

/* The running deliveries of one signal on one loop. */
struct tocsin__loop_signal_delivery {
    const void *frame; /* stack pointer of the outermost delivery (frames.c); set while RUNNING */
    uint32_t nested;   /* number of deliveries inside the outermost delivery */
    bool nodefer;      /* the running handler has TOCSIN_NODEFER: the signal is not held back */
    bool unblocked;    /* a handler unblocked its own signal; the end of the delivery clears this */
    /* a running flush delivers the emissions that are older than this number; 0: no flush runs */
    uint64_t flush_before;
};

/* The part of a loop_signal that other threads read. The loop copies it into the listener. */
struct tocsin__loop_signal_listening {
    bool published;  /* other loops know that a handler listens on this loop */
    bool full;       /* the pending emissions are at their limit, so posts are refused */
    bool interested; /* this loop is counted in the interest word of the signal */
};

/* Why emissions of the signal are held back or ignored: how many rules match the signal
   (mask.c). */
struct tocsin__loop_signal_masks {
    uint32_t rules;   /* blocks and handlers' masks that match the signal, active or not; if there
                       * are any, the loop stays interested */
    uint32_t blocks;  /* number of active blocks, including the loop's set */
    uint32_t masked;  /* number of running handlers whose mask matches */
    uint32_t ignores; /* active ignores */
};

/* The emissions of the signal that are pending on this loop (pending.c). */
struct tocsin__loop_signal_queued {
    struct tocsin__pending *first, **last;
    struct tocsin__pending_sources *by_source; /* index by source; NULL: the list is short */
    uint32_t count;                            /* length of the list */
    uint32_t ends;      /* ends of operations in the list, for which queues have reserved places */
    uint32_t announced; /* number of ends that are being announced behind older emissions */
    size_t bytes;       /* bytes of the payloads in the list */
    uint64_t refused;   /* number of emissions refused because the list was full */
    bool overflowing;   /* reported as full, and not half empty since the report */
};

/* The signal in the heap of a flush (flush.c). A loop_signal is in at most one heap. */
struct tocsin__loop_signal_flush {
    struct tocsin__heap_node node; /* node in the heap, which is ordered by rank, then by the age of
                                      the oldest emission */
    uint64_t before; /* the flush delivers emissions older than this number, and no others */
    /* The signals that masks of this signal's handlers held back until the delivery ends. */
    struct tocsin__heap released;
};

/* One signal on one loop. Its memory never moves. Only the loop's thread uses it. */
struct tocsin__loop_signal {
    /* An emission on the fast path uses only the first two cache lines. */
    /* The info that handlers receive if an emission takes the fast path. Members that are equal for
     * all emissions of the signal are set once. The other members are valid while the emission is
     * delivered: no other emission of the signal takes the fast path at that time. */
    struct tocsin__info info;
    uint32_t state;            /* a set of the bits TOCSIN__RUNNING and so on */
    uint32_t sourced;          /* number of handlers that are limited to one source */
    struct tocsin__list *list; /* the handlers that are not limited to one source; never NULL */
    /* layout of the last payload that passed the check; &tocsin__layout_none if that emission had
       no payload */
    const struct tocsin_layout *layout;
    struct tocsin__loop_signal_delivery delivery;
    uint64_t walks; /* number of deliveries so far */
    const char *name;
    uint32_t handlers, observers; /* numbers of the connected handlers and observers */
    struct tocsin__signal *signal;
    struct tocsin__listener *listener; /* what other threads read about this signal and loop */
    struct tocsin__loop_signal_listening listening;
    uint32_t unsorted_lists; /* number of lists of the signal that have an unsorted part */
    struct {
        uint32_t gated;  /* number of queues that listen */
        uint32_t takers; /* number of queues that listen and can take pending emissions */
    } queues;
    struct tocsin__loop_signal_masks masks;
    struct tocsin__loop_signal_queued queued;
    struct tocsin__loop_signal_flush flush;
};

/* The code that runs, if it is not a handler but a notify, a task, a fiber or a default action. If
 * none of these runs, all members are NULL or 0. */
struct tocsin__activity {
    const void *code;   /* the function of the notify, task, fiber or default action */
    const char *signal; /* name of the signal, for messages */
    uint64_t source;    /* id of the operation; 0: none */
};

extern tocsin__hidden const struct tocsin_layout tocsin__layout_none;

/* Tables of the objects that a program names by an id. */
struct tocsin__loop_ids {
    struct tocsin__ids handlers, sources, queues, blocks, rates;
};

/* Memory that the loop frees when it is at rest (no handler, notify or drop is on its stack). */
struct tocsin__loop_cleanup {
    struct tocsin__handler *dead;     /* disconnected handlers, linked by their member `next` */
    struct tocsin__handler *dropping; /* the handler whose drop function runs now; NULL: none */
    struct tocsin__list *lists; /* lists that were replaced while a delivery walked over them */
};

/* Counts of the patterns that may match names that do not exist yet. */
struct tocsin__loop_patterns {
    uint32_t count;    /* number of handlers, blocks and ignores that have such a pattern */
    uint32_t resolved; /* the highest signo with which the patterns have been matched */
};

/* Two heaps of signals that have pending emissions although they are not held back. */
struct tocsin__loop_pending {
    struct tocsin__heap next_turn;     /* signals whose pending emissions the next turn delivers */
    struct tocsin__heap awaiting_room; /* signals that wait for room in a full queue */
    struct tocsin__pending
        *delivering; /* emissions that have been taken from a list and are being delivered */
};

/* The patterns that a program blocks and ignores (mask_set.c). */
struct tocsin__loop_masks {
    struct tocsin__mask_rule *set;       /* the set of tocsin_sigmask; NULL: it is empty */
    struct tocsin__mask_rule *saved_set; /* the program's set during tocsin_suspend */
    struct tocsin__mask_rule *ignored;   /* the ignored patterns; NULL: nothing is ignored */
    bool suspended;                      /* tocsin_suspend runs */
};

enum {
    TOCSIN__INHERITED = 1, /* in the child of a fork: the thread has called fork */
    TOCSIN__ABANDONED      /* in the child of a fork: the thread does not exist there */
};

/* The state of a loop from its creation to its end. Only the thread of the loop writes these
   members, unless a comment says otherwise. */
struct tocsin__loop_life {
    _Atomic uint64_t generation; /* number of loops that have used this memory */
    uint32_t number;             /* number of this memory, used in ids; 0xfffffffe in
                                  * tocsin__no_loop */
    int tid;                     /* kernel id of the thread, for messages */
    bool freeing;                /* tocsin_loop_free runs: calls for new work return -ESHUTDOWN */
    bool thread_ended;         /* the thread ends (T6), so of the program's functions only drops and
                                * providers are called */
    bool exempt;               /* inject functions do not see the events of this loop */
    _Atomic uint8_t inherited; /* 0 for a loop of this process; else the loop was inherited by a
                                * fork (T8) */
    bool stop_wanted;          /* tocsin_stop was called; lib/loop will stop the loop */
    bool free_wanted; /* tocsin_loop_free was called in a handler; lib/loop will free the loop */
    int stop_status;  /* the result that tocsin_run will return */
    _Atomic uint64_t
        name[4]; /* the name that the program gave to the loop, with a NUL; any thread reads it */
    /* the living loops, the oldest first, or the list of retired ones; loop.c's lock protects it */
    struct tocsin__loop *next, *previous;
};

/* Stack frames of functions that the loop has called. They show that a handler has left its
 * delivery by a jump (longjmp): otherwise the frames of later calls have lower addresses
 * (frames.c). */
struct tocsin__loop_stack {
    const void *frame;      /* frame of the outermost default action or drop; NULL: none runs */
    const void *checked_at; /* frame of the public function that checked for a jump last */
    bool in_turn;           /* true while a turn runs; lib/loop writes it */
    bool left; /* one delivery was left by a jump and was reset; the remaining state is reset when
                * the loop is at rest */
    const char *low, *high; /* bounds of the thread's own stack; NULL: not determined yet */
    const char *fiber_low,
        *fiber_high; /* bounds of the running fiber's stack; NULL: no fiber runs */
};

/* Functions of higher floors for this loop. A member that is NULL is not called. */
struct tocsin__loop_hooks {
    /* set by lib/style: called after each handler and notify, for tocsin_suspend */
    void (*watch)(struct tocsin__loop *loop);
    void *watcher; /* argument of watch */
    /* set by lib/op: called when the operation has no pending emission left */
    void (*source_unpended)(struct tocsin__source *source);
    /* lib/op: called when a handler or a queue was connected to this source alone */
    void (*source_heard)(struct tocsin__source *source);
    /* lib/loop sets the following members when the loop gets an engine */
    void (*rest)(struct tocsin__loop *loop);         /* called at rest if free_wanted is true */
    void (*kick_pollers)(struct tocsin__loop *loop); /* called when there is new work for the next
                                                      * turn */
    /* returns true if tocsin_inject delays the message; then the message belongs to lib/loop */
    bool (*delay_message)(struct tocsin__loop *loop, struct tocsin__message *message);
    void (*wait_unseen)(void); /* waits until the watchdog's thread does not read a handler */
    void (*recover)(struct tocsin__loop *loop); /* resets the engine after a longjmp */
};

/* The code that runs besides loop->running; owners and the watchdog read it. */
struct tocsin__loop_runs {
    struct tocsin__owner
        *sender; /* the plugin that sent the message that is being delivered; NULL: not a plugin */
    struct {
        const void *_Atomic code;
        const char *_Atomic signal;
        _Atomic uint64_t source;
    } activity; /* the running notify, task, fiber or default action; see struct tocsin__activity */
    _Atomic uint64_t phase; /* increases twice in each turn; odd while the turn works */
    /* the plugin whose init, fini or constructors run, and the name of this function; NULL: none */
    const struct tocsin__owner *_Atomic entered;
    const char *_Atomic entered_by;
};

/* Data for messages to and from other loops (lib/remote). */
struct tocsin__loop_remote {
    /* The node that asks another loop for room. The other loop sends it back when it has room. */
    struct tocsin__node room_request;
    _Atomic uint32_t
        room_request_signo; /* the signal that needs room; 0: room_request is not in use */
    struct tocsin__node *room_requests; /* room requests of other loops that wait on this loop */
    struct tocsin__node news;           /* a node that announces a new listener on another loop */
    _Atomic bool news_sent;             /* the node `news` is in the inbox; any thread writes it */
    _Atomic bool progresses;            /* the loop has had operations that may pause */
    struct tocsin__completion_message
        *completions; /* the messages for the end of the operation that is announced next */
    _Atomic uint32_t completions_sent;  /* completion messages that are not delivered yet; the
                                           receiving loops decrement it */
    struct tocsin__latest *latest_open; /* the latest cell that is being delivered; NULL: none */
    bool message_open;                  /* a message of the ring is being delivered */
    size_t message_bytes;               /* bytes of this message that inbox.bytes contains */
};

/* The figures that tocsin_loop_get returns. */
struct tocsin__loop_figures {
    uint64_t turns;
    int64_t lag_us, lag_most_us, busy_us;
};

struct tocsin__loop {
    /* An emission uses only the first cache line. `running` is the first member, and `parent` is
       not beside `sequence`, because then gcc generates better code. */
    struct tocsin__handler *running; /* the handler that runs; NULL: no handler is on the stack */
    uint32_t word;                   /* life.number or TOCSIN__NO_WORD, for interest words */
    uint32_t depth; /* number of notifies, flushes, drops and similar calls on the stack */
    struct tocsin__loop_signal **loop_signals; /* an array; the index is the signo */
    uint64_t sequence;                         /* sequence number of the next emission */
    int64_t turn_us;                           /* time at which the turn began */
    uint64_t parent;             /* sequence number of the emission whose handler runs; 0: none */
    uint32_t cleanup_pending;    /* not 0: the loop has something to do when it is at rest */
    uint32_t loop_signals_count; /* length of loop_signals */
    /* connected handlers and other events that paused operations await; wide: not of one source */
    uint64_t age, wide_age;

    struct tocsin__loop_ids ids;
    struct tocsin__loop_cleanup cleanup;
    struct tocsin__loop_patterns patterns;
    struct tocsin__loop_pending pending;
    struct tocsin__loop_masks masks;
    struct tocsin__loop_life life;
    struct tocsin__loop_stack stack;
    struct tocsin__loop_hooks hooks;
    struct tocsin__loop_runs runs;
    struct tocsin__loop_remote remote;
    struct tocsin__loop_figures figures;
    struct tocsin__engine *engine; /* the engine, owned by lib/loop; NULL: no turn has run yet */
    struct tocsin__inbox inbox;
};

/* The loop of this thread; if it has none, &tocsin__no_loop, whose number no interest word has. */
extern tocsin__hidden __thread struct tocsin__loop *tocsin__self
    __attribute__((tls_model("initial-exec")));
extern tocsin__hidden struct tocsin__loop tocsin__no_loop;

/* Value of loop->word for an inherited loop. No interest word has this value, so an emission takes
   the slow path, which checks for an inherited loop. */
enum { TOCSIN__NO_WORD = 0xfffffffd };

/* Returns true if the loop belongs to the parent of a fork (T8). Its descriptors are still the
 * parent's, so every call returns -EOWNERDEAD. */
static inline bool tocsin__inherited(const struct tocsin__loop *loop)
{
    return atomic_load_explicit(&loop->life.inherited, memory_order_relaxed);
}

struct tocsin__text_builder;
/* Writes "loop main", "loop 3" or the name of the loop. Any thread; async-signal-safe. */
void tocsin__loop_describe(const struct tocsin__loop *loop, struct tocsin__text_builder *words);
/* Finds the loop of this thread, and makes it if there is none. Returns 0, -ENOMEM, -EAGAIN,
   -ESHUTDOWN or -EOWNERDEAD. */
int tocsin__loop_make(struct tocsin__loop **ret_loop);
/* Returns the oldest living loop, or NULL if there is none. Any thread may call this. */
struct tocsin__loop *tocsin__loop_main(void);
/* Finds the loop that a struct tocsin_loop names. Returns 0, -EINVAL, -ESHUTDOWN, -EOWNERDEAD, or
   the error that the id carries. Any thread may call this. */
int tocsin__loop_of(uint64_t id, struct tocsin__loop **ret_loop, uint64_t *ret_generation);
/* Closes the loop: posts to the loop are refused, and it is not the main loop any more. */
void tocsin__loop_close(struct tocsin__loop *loop);
/* Notifies all other loops that a handler has begun to listen on this loop. */
void tocsin__loops_news(const struct tocsin__loop *loop);
/* Returns the loop whose memory has this number, living or not, or NULL if there was never such a
   loop. Any thread may call this. */
struct tocsin__loop *tocsin__loop_numbered(unsigned number);

/* Finds an object by its id. `table` is offsetof(struct tocsin__loop, ids.handlers) or the like.
   Returns 0; -ENOENT; -EXDEV if the object belongs to another loop; or the error that the id
   carries. */
int tocsin__loop_find(size_t table, uint64_t id, void **ret_object);
/* Finds the object after this id, which may be stale; id 0 gives the first object. Returns the same
   errors as tocsin__loop_find. */
int tocsin__loop_after(size_t table, uint64_t id, void **ret_object);

/* Keeps the memory of the loop for the next loop. The caller has called tocsin__loop_clear before,
   and calls nothing else for this loop. */
void tocsin__loop_retire(struct tocsin__loop *loop);

/* Both functions are for the child of a fork, which adopts its loop (T8). tocsin__loop_take_over
 * takes the loop from the parent. tocsin__loop_revive adds it to the living loops, so that posts
 * can reach it. */
void tocsin__loop_take_over(struct tocsin__loop *loop);
void tocsin__loop_revive(struct tocsin__loop *loop);

/* Returns the signal on this loop, or NULL if the signal was never used on this loop. */
static inline struct tocsin__loop_signal *tocsin__loop_signal(const struct tocsin__loop *loop,
                                                              int signo)
{
    return (uint32_t)signo < loop->loop_signals_count ? loop->loop_signals[signo] : NULL;
}

/* Returns true if other loops listen to the signal. `own` is the signal on this loop, or NULL. */
static inline bool tocsin__has_other_listeners(const struct tocsin__signal *signal,
                                               const struct tocsin__loop_signal *own)
{
    return signal->loops > (own && own->listening.interested);
}

/* Returns true if emissions cannot be delivered now: the signal is blocked, or its handlers are
   running (E5, E10). */
static inline bool tocsin__loop_signal_is_held(const struct tocsin__loop_signal *loop_signal)
{
    return loop_signal->state & TOCSIN__BLOCKED ||
           (loop_signal->state & TOCSIN__RUNNING && !loop_signal->delivery.nodefer &&
            !loop_signal->delivery.unblocked);
}

/* Returns true if the signal has connected handlers. A handler that was disconnected while it runs
   does not count. */
static inline bool tocsin__loop_signal_has_handlers(const struct tocsin__loop_signal *loop_signal)
{
    return loop_signal->handlers || loop_signal->observers;
}

/* Returns true if an emission has any effect on this loop: a handler is connected, or the emission
 * would become pending. In the latter case a handler may be connected before its delivery. */
static inline bool tocsin__loop_signal_has_effect(const struct tocsin__loop_signal *loop_signal)
{
    return tocsin__loop_signal_has_handlers(loop_signal) ||
           tocsin__loop_signal_is_held(loop_signal);
}

/* Returns true if older emissions are pending for their default action, which comes first. */
static inline bool
tocsin__loop_signal_has_pending_default(const struct tocsin__loop_signal *loop_signal)
{
    return loop_signal->state & TOCSIN__PENDING && !(loop_signal->state & TOCSIN__IGNORED) &&
           tocsin__has_default(loop_signal->signal);
}

/* These functions store what the watchdog's thread reads. Only the stores are atomic. The members
 * `running` and `parent` are not _Atomic: gcc does not join atomic loads with neighbouring loads,
 * and each emission loads these members. */
static inline void tocsin__set_running(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    __atomic_store_n(&loop->running, handler, __ATOMIC_RELEASE);
}

static inline void tocsin__set_parent(struct tocsin__loop *loop, uint64_t parent)
{
    __atomic_store_n(&loop->parent, parent, __ATOMIC_RELAXED);
}

static inline struct tocsin__activity tocsin__activity(const struct tocsin__loop *loop)
{
    return (struct tocsin__activity){ loop->runs.activity.code, loop->runs.activity.signal,
                                      loop->runs.activity.source };
}

static inline void tocsin__set_activity(struct tocsin__loop *loop, struct tocsin__activity now)
{
    atomic_store_explicit(&loop->runs.activity.code, now.code, memory_order_relaxed);
    atomic_store_explicit(&loop->runs.activity.source, now.source, memory_order_relaxed);
    atomic_store_explicit(&loop->runs.activity.signal, now.signal, memory_order_release);
}

/* Called when something has changed that a paused operation may wait for. The next turn tries to
   resume all paused operations. */
static inline void tocsin__kick_pollers(struct tocsin__loop *loop)
{
    loop->age++, loop->wide_age++;
    if (loop->hooks.kick_pollers)
        loop->hooks.kick_pollers(loop);
}

/* Returns true if the loop is at rest: no handler, notify or drop is on its stack. */
static inline bool tocsin__at_rest(const struct tocsin__loop *loop)
{
    return !loop->running && !loop->depth;
}

static inline void tocsin__tidy_at_rest(struct tocsin__loop *loop)
{
    if (loop->cleanup_pending && tocsin__at_rest(loop))
        tocsin__loop_tidy(loop);
}

/* tocsin__loop_enter and tocsin__loop_leave surround code that may call the program. Between them
   neither the loop nor its handlers are freed. tocsin__loop_leave may free the loop. */
static inline void tocsin__loop_enter(struct tocsin__loop *loop)
{
    loop->depth++;
}

/* Ends tocsin__loop_enter without freeing anything; the caller calls tocsin__tidy_at_rest. */
static inline void tocsin__loop_leave_untidy(struct tocsin__loop *loop)
{
    tocsin__assert(loop->depth > 0);
    loop->depth--;
}

static inline void tocsin__loop_leave(struct tocsin__loop *loop)
{
    tocsin__loop_leave_untidy(loop);
    tocsin__tidy_at_rest(loop);
}

#endif
