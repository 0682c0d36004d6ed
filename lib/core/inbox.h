/* The inbox of a loop: what other threads, and real signal handlers, have for it. A bounded ring of letters, and beside it a list of nodes for what
   must not be refused. Producers publish, then test the wake edge; the loop says that it sleeps, then looks again. t/model has it in Promela. */
#ifndef TOCSIN_CORE_INBOX_H
#define TOCSIN_CORE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <tocsin/post.h>

struct tocsin__info;
struct tocsin__loop;
struct tocsin__signal;
struct tocsin__stray;

/* Something to be done by the loop, at rest, outside every callback of libevent (E16). It is its owner's memory, on one list at a time. */
struct tocsin__node {
    struct tocsin__node *next;
    void (*run)(struct tocsin__node *node);
    void (*drop)(struct tocsin__node *node);           /* instead of run, if what waits is dropped; NULL: nothing is to be done */
    uint64_t after;                                    /* in the list of an inbox: it comes after what the ring had until then */
};

enum tocsin__letter_kind {
    TOCSIN__INLINE,                                    /* the payload lies in it */
    TOCSIN__SHARED,                                    /* a counted info, with a reference */
    TOCSIN__TASK,
    TOCSIN__VOID                                       /* claimed, and not needed */
};

enum { TOCSIN__LETTER_BYTES = 80, TOCSIN__LETTER_NEAR = 48 };    /* of a payload that is flat; on the first cache line */

enum {                                                 /* flags of a letter */
    TOCSIN__MORE = 1,                                  /* it has an overrun, a parent or a sequence number */
    TOCSIN__FAR = 2,                                   /* it reaches into its second cache line */
    TOCSIN__OWNED = 8,                                 /* a plugin sent it */
    TOCSIN__CROSSED = 16,                              /* the interposer has been asked about it */
    TOCSIN__SEVERAL = 4                                /* there are others like it, for other loops, and nobody counts them */
};

struct tocsin__letter {
    int signo;
    uint8_t kind, code;
    uint16_t flags;
    union {
        _Alignas(8) unsigned char payload[TOCSIN__LETTER_BYTES];     /* of a signal that has none: unused */
        struct tocsin__info *info;
        struct { tocsin_task task; void *arg; tocsin_drop drop; };
    };
    uint64_t sequence, parent;                         /* sequence 0: it gets the receiver's */
    uint32_t overrun;
    uint32_t owner;                                    /* the number of whose it is: of a task, and with OWNED */
};

struct tocsin__cell {
    _Alignas(128) _Atomic uint64_t turn;               /* its position + 1: published */
    struct tocsin__letter letter;
};

/* The word that producers claim at: position, whether it is closed, and which of the loops in this memory it is of. */
#define TOCSIN__POSITION  (((uint64_t)1 << 44) - 1)
#define TOCSIN__CLOSED    ((uint64_t)1 << 44)
enum { TOCSIN__GENERATION_SHIFT = 45, TOCSIN__SPARE = 128 };     /* so many cells are for real signals */

enum { TOCSIN__AWAKE, TOCSIN__ASLEEP };

/* Of real-time signals that find no room (caught.c). */
struct tocsin__flood {
    _Atomic bool seen;                                 /* somebody has found that there is no room here, and has blocked them: look */
    _Atomic uint64_t waits;                            /* they stay blocked while no more of them can be pended here */
    _Atomic uint64_t masked;                           /* blocked on this loop's thread, by their handler */
    struct tocsin__loop *_Atomic because;              /* of that one */
    uint64_t opened;                                   /* unblocked on it, though the program had them blocked */
    struct tocsin__stray *strays, *strays_last;
};

struct tocsin__inbox {
    _Alignas(128) _Atomic uint64_t tail;
    _Alignas(128) _Atomic uint64_t head;               /* as producers see it: late by a few */
    struct tocsin__cell *cells;
    void (*wake)(struct tocsin__inbox *inbox);         /* lib/loop's; NULL: there is no engine, nobody sleeps */
    _Alignas(128) _Atomic uint32_t edge;
    struct tocsin__node *_Atomic list;                 /* the newest first */
    _Atomic uint32_t asked;                            /* handlers that other threads want disconnected (id.h) */
    struct tocsin__flood flood;
    _Alignas(128) _Atomic uint32_t waking;             /* threads that are about to wake the loop */
    _Atomic uint64_t holders;                          /* those who hold it, in two halves, and which of them counts the next */
    _Atomic uint64_t bytes;                            /* of what is shared, and waits */
    _Atomic uint64_t refused, missed, wakeups;
    _Alignas(128) uint64_t at;                         /* the loop's own: where it reads */
    uint64_t bound, turned;                            /* how far it can read; how far the ring was when the halves changed places */
    struct tocsin__node *first, **last;                /* taken from the list, by what they come after */
    uint64_t last_after, received;
    void *memory;                                      /* of the cells */
};

void tocsin__inbox_make(struct tocsin__inbox *inbox);            /* nobody's yet: it takes nothing */
int  tocsin__inbox_open(struct tocsin__inbox *inbox, uint64_t generation);       /* -ENOMEM */

/* Producers: any thread, async-signal-safe. generation: of the loop that is meant, or ANY. spare: cells that it leaves free. */
#define TOCSIN__ANY UINT64_MAX
int  tocsin__inbox_claim(struct tocsin__inbox *inbox, uint64_t generation, uint32_t spare, uint64_t *ret_at);    /* -EAGAIN, -ESHUTDOWN */
void tocsin__inbox_publish(struct tocsin__inbox *inbox, uint64_t at);                     /* what was claimed, once its letter has been filled in */
bool tocsin__inbox_push(struct tocsin__inbox *inbox, struct tocsin__node *node);          /* false: closed for good */
/* For what is not claimed in its ring: between these two the loop does not end, and what the ring gets meanwhile waits. A node that is pushed
   comes after what the ring had when it was held. */
int  tocsin__inbox_hold(struct tocsin__inbox *inbox, uint64_t generation, uint64_t *ret_hold);       /* -ESHUTDOWN */
bool tocsin__inbox_push_held(struct tocsin__inbox *inbox, struct tocsin__node *node, uint64_t hold);
void tocsin__inbox_let_go(struct tocsin__inbox *inbox, uint64_t hold);
void tocsin__inbox_nudge(struct tocsin__inbox *inbox);            /* something else has been published for the loop: asked */
bool tocsin__inbox_closed(const struct tocsin__inbox *inbox);
bool tocsin__inbox_room(struct tocsin__inbox *inbox, uint32_t spare);                     /* for one more, at this moment */

/* The loop's own thread. */
bool tocsin__inbox_sleeps(struct tocsin__inbox *inbox);          /* from now on it has to be woken; false: there is something */
void tocsin__inbox_wakes(struct tocsin__inbox *inbox);           /* it need not be, any more */
bool tocsin__inbox_holds(struct tocsin__inbox *inbox);           /* something that can be taken */
uint64_t tocsin__inbox_bound(struct tocsin__inbox *inbox);       /* the ring can be taken in front of it: nobody who came earlier still holds the inbox */
void tocsin__inbox_take_list(struct tocsin__inbox *inbox);       /* to first, once the bound is known: what comes after a node is behind the bound, or the node is here */
bool tocsin__inbox_push_next(struct tocsin__inbox *inbox, struct tocsin__node *node);     /* once more, in the next turn, in front of all that is behind now */
void tocsin__inbox_close(struct tocsin__inbox *inbox);           /* claims answer -ESHUTDOWN; what was claimed is still to be taken */
void tocsin__inbox_end(struct tocsin__inbox *inbox);             /* closes the list, too: what was in it is still to be run */
void tocsin__inbox_inherit(struct tocsin__inbox *inbox);         /* after a fork (T8): claims are refused, and nobody wakes the parent */
void tocsin__inbox_abandon(struct tocsin__inbox *inbox);           /* and nobody is there who takes out what is put in */
void tocsin__inbox_revive(struct tocsin__inbox *inbox);          /* it is empty, and claims are taken again */
void tocsin__inbox_quiet(struct tocsin__inbox *inbox);           /* waits for those who are about to wake us: its descriptor may go then */

static inline struct tocsin__letter *tocsin__inbox_letter(const struct tocsin__inbox *inbox, uint64_t at)
{
    return &inbox->cells[at % TOCSIN_INBOX].letter;
}

static inline uint64_t tocsin__inbox_tail(const struct tocsin__inbox *inbox)
{
    return atomic_load_explicit(&inbox->tail, memory_order_acquire) & TOCSIN__POSITION;
}

/* The next letter, if it is in front of this position and published; NULL. */
static inline struct tocsin__letter *tocsin__inbox_next(struct tocsin__inbox *inbox, uint64_t bound)
{
    struct tocsin__cell *cell = &inbox->cells[inbox->at % TOCSIN_INBOX];

    return inbox->at != bound && atomic_load_explicit(&cell->turn, memory_order_acquire) == inbox->at + 1 ? &cell->letter : NULL;
}

/* The letter has been dealt with: its cell can be used again. Producers see so every 16 letters. It is written to, since a cache line that was only
   read costs the producer twice as much: it has to be taken from two processors then. */
static inline void tocsin__inbox_pass(struct tocsin__inbox *inbox)
{
    struct tocsin__cell *cell = &inbox->cells[inbox->at % TOCSIN_INBOX];

    atomic_store_explicit(&cell->turn, 0, memory_order_relaxed);
    if (cell->letter.flags & TOCSIN__FAR)
        cell->letter.overrun = 0;
    inbox->received++;
    if ((++inbox->at & 15) == 0)
        atomic_store_explicit(&inbox->head, inbox->at, memory_order_release);
}

static inline void tocsin__inbox_passed(struct tocsin__inbox *inbox)
{
    if (atomic_load_explicit(&inbox->head, memory_order_relaxed) != inbox->at)
        atomic_store_explicit(&inbox->head, inbox->at, memory_order_release);
}

/* In what the list has been taken to: the next node that nothing in the ring comes before. */
static inline struct tocsin__node *tocsin__inbox_node(struct tocsin__inbox *inbox)
{
    struct tocsin__node *node = inbox->first;

    if (!node || node->after > inbox->at)
        return NULL;
    inbox->first = node->next;
    if (!inbox->first)
        inbox->last = &inbox->first;
    return node;
}

#endif
