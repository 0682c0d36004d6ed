/* What the core knows of a loop: for each signal that it listens to, a slot; who is running; what waits for the end of the
   outermost delivery. Only its own thread looks into it. The engine, libevent and all that moves by itself, is lib/loop's,
   and hangs on it from the first start on. */
#ifndef TOCSIN_CORE_LOOP_H
#define TOCSIN_CORE_LOOP_H

#include <tocsin/base.h>

#include "core/heap.h"
#include "core/id.h"
#include "core/inbox.h"
#include "core/info.h"
#include "core/mem.h"
#include "core/registry.h"

struct tocsin__engine;
struct tocsin__handler;
struct tocsin__hold;
struct tocsin__owner;

/* A sorted array of handlers. It is changed only while nobody walks over it: during a delivery of its signal it is replaced
   instead, and the old one waits until the loop is at rest (E2). */
struct tocsin__list {
    uint32_t count, capacity, dead;
    uint32_t handling;                                 /* how many are alive and no observers (E9) */
    struct tocsin__list *next;                         /* among those that wait */
    int outcome;                                       /* of a delivery that nobody stops: TOCSIN_DELIVERED or _NOBODY */
    struct tocsin__handler *items[];                   /* NULL at the end */
};

/* One that waits because its signal is held back (E5, E10). That of an operation's end is the operation's own, and needs no memory. */
struct tocsin__pend {
    struct tocsin__pend *next;
    struct tocsin__info *info;
    uint64_t age;                                      /* the sequence number of the emission; of a coalesced one, of the first */
    void (*gone)(struct tocsin__pend *pend);           /* it is not pended any more; NULL: it is freed */
    struct tocsin__owner *owner;                       /* who sent it; NULL: an operation's */
};

/* What a queue is to those that deliver. */
struct tocsin__gate {
    bool (*open)(struct tocsin__gate *gate, size_t size);        /* false: it refuses, before anything is done (E11) */
    void (*refused)(struct tocsin__gate *gate, const char *name);     /* an emission of this name, because it is not */
    void (*pended)(struct tocsin__gate *gate, uint32_t by);      /* so many more (or less) are pended that it can take; NULL: it takes none */
};

/* 0 is the straight way; each of these makes a delivery look closer, before it or after it. */
enum {
    TOCSIN__RUNNING = 1,                               /* its handlers are running: the signal is blocked */
    TOCSIN__PENDED = 2,                                /* something waits */
    TOCSIN__FLUSHING = 4,                              /* what waits will be delivered by a flush that is on the stack, in its order */
    TOCSIN__UNTIDY = 8,                                /* its lists have dead handlers to be removed */
    TOCSIN__GATED = 16,                                /* a queue listens: is there room? */
    TOCSIN__KEPT = 32,                                 /* a handler keeps the info: there is a copy to let go */
    TOCSIN__BLOCKED = 64,
    TOCSIN__IGNORED = 128,
    TOCSIN__QUIET = 256                                /* nobody listens: there is a mask that may block it, no more */
};

struct tocsin__slot {                                  /* one signal on one loop; it never moves */
    uint32_t state;
    uint32_t sourced;                                  /* handlers that listen to one source */
    struct tocsin__list *list;                         /* those that listen to all; never NULL */
    const struct tocsin__list *fresh;                  /* made while the signal is running: nobody walks over it yet */
    const struct tocsin_layout *layout;                /* of the last payload that fitted, the quick way; of none: tocsin__layout_none */
    const char *name;
    uint32_t handlers, observers;                      /* that are alive */
    struct tocsin__signal *signal;
    struct tocsin__listener *listener;                 /* what other threads see of it */
    uint32_t nested;                                   /* deliveries on the stack beyond the first */
    bool nodefer;                                      /* of the handler that runs */
    bool unblocked;                                    /* a handler took its own signal out of the mask: for the rest of the delivery */
    uint32_t flushed;                                  /* deliveries on the stack that a flush makes */
    bool told;                                         /* other loops know that a handler listens */
    bool full;                                         /* its listener says so: other threads' posts are refused */
    bool overflowing;                                  /* it has refused, and has not recovered yet */
    bool interested;                                   /* the interest word knows of it */
    uint32_t gated, takers;                            /* queues that listen; those that take what is pended */
    uint32_t holds;                                    /* blocks, and masks of handlers, that stand for it, active or not: an interest */
    uint32_t blocks, masked, ignores;                  /* that are active: blocks, masks of handlers that run, ignores */
    struct tocsin__pend *pend, **pend_last;
    uint32_t pended, ends;                             /* ends: of operations, which have their places in queues already */
    size_t pended_bytes;
    uint64_t refused;
    struct tocsin__heap_node due;                      /* among the slots that have something to be flushed, by rank and age */
    uint64_t due_before;                               /* of those, what is younger is for the next turn */
    struct tocsin__heap released;                      /* slots that the masks of its handlers held back, until its delivery has ended */
};

/* What runs besides handlers: a notify, a task, a fiber. All NULL and 0: none of them. */
struct tocsin__doing { const void *code; const char *signal; uint64_t source; };

extern tocsin__hidden const struct tocsin_layout tocsin__layout_none;

enum { TOCSIN__INHERITED = 1, TOCSIN__ABANDONED };     /* T8, in a child: of the thread that forked; of a thread that the child does not have */

struct tocsin__loop {
    struct tocsin__handler *running;                   /* NULL: no delivery is on the stack. First, or gcc keeps its address in a register */
    uint32_t word;                                     /* as the interest word has it: the number; of one that is inherited, no loop's */
    uint32_t depth;                                    /* beyond running: notifies, flushes, drops on the stack */
    struct tocsin__slot **slots;                       /* by signo */
    uint64_t sequence;                                 /* the next one; apart from parent, or gcc loads both at once right after storing each */
    int64_t turn_us;
    uint64_t parent;                                   /* the one whose handler runs */
    uint32_t unrest;                                   /* something waits until the loop is at rest */
    uint32_t slots_count;
    uint64_t age;                                      /* handlers connected so far, and whatever else may want what paused */

    struct tocsin__ids handlers, sources, queues, blocks;
    struct tocsin__handler *dead;
    uint32_t patterns;                                 /* how many of its handlers, blocks and ignores hold for names to come */
    uint32_t seen;                                     /* they have been looked through for the signos up to this */
    struct tocsin__list *old_lists;
    struct tocsin__heap late, shut;                    /* slots with something for the next turn; that wait for room in a queue */
    struct tocsin__hold *set, *set_aside, *ignored;    /* tocsin_sigmask's set; while tocsin_suspend has another one; what is ignored */
    bool suspended;
    struct tocsin__pend *telling;                      /* of those that were pended, the ones that are being delivered, the innermost first */
    void (*watch)(struct tocsin__loop *loop);          /* a handler or a notify has run; NULL: nobody wants to know */
    void *watcher;
    _Atomic uint64_t generation;
    bool freeing;                                      /* starts answer -ESHUTDOWN */
    _Atomic uint8_t inherited;                         /* T8; 0: it is of this process */
    uint32_t number;                                   /* ~1: no loop */

    struct tocsin__owner *poster;                      /* of the letter that is being delivered, if a plugin sent it; NULL */

    bool stop_wanted, free_wanted;                     /* asked in a handler; lib/loop obeys */
    int stop_status;
    void (*rest)(struct tocsin__loop *loop);           /* lib/loop's, called at rest when free_wanted */
    void (*stir)(struct tocsin__loop *loop);           /* lib/loop's: the next turn has something to do, tell who polls; NULL: nobody */
    bool (*detains)(struct tocsin__loop *loop, struct tocsin__letter *letter);     /* lib/loop's: an interposer holds it up, and it has been taken; NULL: there is no engine */
    struct { const void *_Atomic code; const char *_Atomic signal; _Atomic uint64_t source; } doing;
    _Atomic uint64_t phase;                            /* odd while a turn works */
    void (*unseen)(void);                              /* lib/loop's: waits until no other thread looks at what runs; NULL: none does */
    struct tocsin__engine *engine;
    struct tocsin__loop *next, *previous;              /* among those that live, the oldest first; or among those that can be used again */

    struct tocsin__node want;                          /* on its way through another loop's inbox, to find room there */
    _Atomic uint32_t wanting;                          /* for which signal; 0: it is not on its way */
    struct tocsin__node *wanted;                       /* those of other loops that stay here for a while */
    struct tocsin__node news;                          /* from other loops: somebody has begun to listen */
    _Atomic bool told, progresses;                     /* it has had operations that make progress, and may pause */
    struct tocsin__parcel *parcels;                    /* made for the end that is about to be told */
    _Atomic uint32_t parcels_out;                      /* that other loops have not taken yet */
    uint64_t turns;
    int64_t lag_us, lag_most_us, busy_us;
    struct tocsin__inbox inbox;
};

/* The thread's loop; one whose number no interest word has, if it has none. */
extern tocsin__hidden __thread struct tocsin__loop *tocsin__self __attribute__((tls_model("initial-exec")));
extern tocsin__hidden struct tocsin__loop tocsin__no_loop;

enum { TOCSIN__NO_WORD = 0xfffffffd };                 /* no interest word is that, so the emission path finds out at no cost */

/* T8: every call answers -EOWNERDEAD, since its descriptors are still the parent's. */
static inline bool tocsin__inherited(const struct tocsin__loop *loop)
{
    return atomic_load_explicit(&loop->inherited, memory_order_relaxed);
}

/* Called on a loop's thread, when it has been made and before it ends; NULL: nobody wants to know. */
extern tocsin__hidden void (*tocsin__loop_born)(void), (*tocsin__loop_dies)(void);

int  tocsin__loop_make(struct tocsin__loop **ret_loop);          /* the thread's, made if there is none; -ENOMEM, -EAGAIN, -ESHUTDOWN */
struct tocsin__loop *tocsin__loop_main(void);                    /* any thread: the oldest one; NULL: there is none */
int  tocsin__loop_of(uint64_t id, struct tocsin__loop **ret_loop, uint64_t *ret_generation);   /* any thread; -EINVAL, -ESHUTDOWN, the error it carries */
void tocsin__loop_close(struct tocsin__loop *loop);              /* nothing can be posted to it any more; another one is the main loop */
void tocsin__loops_news(const struct tocsin__loop *loop);        /* somebody has begun to listen on this loop: tells the others */
struct tocsin__loop *tocsin__loop_numbered(unsigned number);     /* any thread: the loop that has or had this number; NULL */
/* What an id names, in a table of the thread's loop (offsetof(struct tocsin__loop, …)): 0; -ENOENT; -EXDEV: in that of another thread's; the error it carries. */
int  tocsin__loop_find(size_t table, uint64_t id, void **ret_object);
void tocsin__loop_clear(struct tocsin__loop *loop);              /* disconnects all, drops what is pended */
void tocsin__loop_unpend(struct tocsin__loop *loop);             /* drops what is pended, while there still is an engine */
void tocsin__loop_retire(struct tocsin__loop *loop);             /* its memory waits for the next loop */
void tocsin__loop_take_over(struct tocsin__loop *loop);          /* nothing in it is the parent's any more */
void tocsin__loop_revive(struct tocsin__loop *loop);             /* after that: it is among those that live, and can be posted to */

struct tocsin__slot *tocsin__slot_make(struct tocsin__loop *loop, struct tocsin__signal *signal);   /* NULL: no memory */

static inline struct tocsin__slot *tocsin__slot(const struct tocsin__loop *loop, int signo)
{
    return (uint32_t)signo < loop->slots_count ? loop->slots[signo] : NULL;
}

/* An emission has something to do here: somebody listens, it is blocked, or its handlers are running, even if they have gone meanwhile. */
static inline bool tocsin__slot_heard(const struct tocsin__slot *slot)
{
    return slot->handlers || slot->observers || slot->state & (TOCSIN__RUNNING | TOCSIN__BLOCKED);
}

/* 1: this thread's loop has an interest in a signal that nobody on it hears. */
static inline uint32_t tocsin__quiet(int signo)
{
    const struct tocsin__slot *slot = tocsin__slot(tocsin__self, signo);

    return slot && slot->interested && !tocsin__slot_heard(slot);
}

/* Other loops than the thread's, whose slot this is (or NULL), listen to it. */
static inline bool tocsin__elsewhere(const struct tocsin__signal *signal, const struct tocsin__slot *own)
{
    return signal->loops > (own && own->interested);
}

/* An emission of it cannot be delivered now: it is blocked, or its handlers are running (E5, E10). */
static inline bool tocsin__slot_held(const struct tocsin__slot *slot)
{
    return slot->state & TOCSIN__BLOCKED || (slot->state & TOCSIN__RUNNING && !slot->nodefer && !slot->unblocked);
}

/* What the watchdog's thread reads of what runs. The fields of the first two are not _Atomic, since their own thread's loads would be too, and gcc joins
   no such loads with those beside them; nor are the stores plain. So it costs an emission nothing. */
static inline void tocsin__runs(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    __atomic_store_n(&loop->running, handler, __ATOMIC_RELEASE);
}

static inline void tocsin__descends(struct tocsin__loop *loop, uint64_t parent)
{
    __atomic_store_n(&loop->parent, parent, __ATOMIC_RELAXED);
}

static inline struct tocsin__doing tocsin__doing(const struct tocsin__loop *loop)
{
    return (struct tocsin__doing){ loop->doing.code, loop->doing.signal, loop->doing.source };
}

static inline void tocsin__does(struct tocsin__loop *loop, struct tocsin__doing now)
{
    atomic_store_explicit(&loop->doing.code, now.code, memory_order_relaxed);
    atomic_store_explicit(&loop->doing.source, now.source, memory_order_relaxed);
    atomic_store_explicit(&loop->doing.signal, now.signal, memory_order_release);
}

/* What paused may be wanted again: the loop asks in the next turn. */
static inline void tocsin__stir(struct tocsin__loop *loop)
{
    loop->age++;
    if (loop->stir)
        loop->stir(loop);
}

/* No handler, notify or drop is on the stack. */
static inline bool tocsin__at_rest(const struct tocsin__loop *loop)
{
    return !loop->running && !loop->depth;
}

/* Frees what waited for the loop to be at rest; any handler of a drop may do anything meanwhile. */
void tocsin__loop_tidy(struct tocsin__loop *loop);

#endif
