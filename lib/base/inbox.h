/* The inbox of a loop: what other threads and real signal handlers send to the loop. It is a
   bounded ring of messages, and beside it a list of nodes for what must not be refused. A producer
   publishes its message, then checks whether the loop sleeps. The loop announces that it will
   sleep, then looks again. t/model has this protocol in Promela. */
#ifndef TOCSIN_BASE_INBOX_H
#define TOCSIN_BASE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <tocsin/post.h>

#include "base/assert.h"

struct tocsin__info;
struct tocsin__loop;
struct tocsin__signal;
struct tocsin__rt_overflow_entry;

/* A piece of work that the loop runs at rest, outside every callback of libevent (E16). The
 * code that pushes a node owns its memory. A node is on at most one list at a time. */
struct tocsin__node {
    struct tocsin__node *next;
    void (*run)(struct tocsin__node *node);
    /* called instead of run if the loop ends or drops its work; NULL: nothing to do */
    void (*drop)(struct tocsin__node *node);
    /* in the list of an inbox: the node runs after the messages in front of this ring position */
    uint64_t after;
};

enum tocsin__message_kind {
    TOCSIN__INLINE, /* the message contains the payload */
    TOCSIN__SHARED, /* the message has a reference to a counted info */
    TOCSIN__TASK,   /* a task of tocsin_loop_call */
    TOCSIN__EMPTY   /* no message: its producer did not use it, or it was discarded */
};

enum {
    TOCSIN__MESSAGE_BYTES = 80,     /* the largest payload that a message can contain */
    TOCSIN__MESSAGE_FIRST_LINE = 48 /* the part of it on the first cache line */
};

/* flags of a message */
enum {
    TOCSIN__HAS_EXTRAS = 1,     /* overrun, parent and sequence are set */
    TOCSIN__TWO_LINES = 2,      /* the second cache line is used */
    TOCSIN__ONE_OF_SEVERAL = 4, /* other loops got copies, and the copies are not counted */
    TOCSIN__HAS_OWNER = 8,      /* a plugin sent the message; owner is set */
    TOCSIN__INJECTED = 16       /* the injector has been asked about the message */
};

struct tocsin__message {
    int signo;
    uint8_t kind, code;
    uint16_t flags;
    union {
        _Alignas(8) unsigned char payload[TOCSIN__MESSAGE_BYTES]; /* unused if there is none */
        struct tocsin__info *info;
        struct {
            tocsin_task task;
            void *arg;
            tocsin_drop drop;
        };
    };
    uint64_t sequence, parent; /* sequence 0: the receiver numbers the emission */
    uint32_t overrun;
    uint32_t owner; /* number of the owner of a task, or of the sender (TOCSIN__HAS_OWNER) */
};

struct tocsin__cell {
    _Alignas(128) _Atomic uint64_t turn; /* ring position + 1: the message is published */
    struct tocsin__message message;
};

/* The parts of `tail`, the word at which producers claim cells: the position, whether the inbox is
 * closed, and the generation of the loop that uses this memory. */
#define TOCSIN__POSITION (((uint64_t)1 << 44) - 1)
#define TOCSIN__CLOSED ((uint64_t)1 << 44)
enum {
    TOCSIN__GENERATION_SHIFT = 45,
    TOCSIN__RESERVED_CELLS = 128 /* only real signal handlers use the last 128 free cells */
};

enum { TOCSIN__AWAKE, TOCSIN__ASLEEP };

/* Real-time signals that found no room in the inbox (lib/os/rt_overflow.c). Each set of signals has
   one bit per number. */
struct tocsin__rt_overflow {
    /* a real signal handler found no room here and blocked the signals; any thread sets it */
    _Atomic bool retry_wanted;
    _Atomic uint64_t at_limit; /* blocked until fewer emissions of them are pending on this loop */
    _Atomic uint64_t masked;   /* a real signal handler has blocked them on this loop's thread */
    struct tocsin__loop
        *_Atomic full_loop; /* the loop without room, for which the signals are masked */
    uint64_t unblocked;     /* unblocked on this thread, although the program had blocked them */
    struct tocsin__rt_overflow_entry *entries, *last_entry; /* signals that wait for room */
};

struct tocsin__inbox {
    _Alignas(
        128) _Atomic uint64_t tail; /* position and state of the ring; producers claim cells here */
    _Alignas(128) _Atomic uint64_t head; /* read position as producers see it, a few cells late */
    struct tocsin__cell *cells;
    /* lib/loop sets it; NULL: the loop has no engine, so it never sleeps */
    void (*wake)(struct tocsin__inbox *inbox);
    _Alignas(128) _Atomic uint32_t edge; /* TOCSIN__ASLEEP: a producer must call wake */
    struct tocsin__node *_Atomic list;   /* the nodes that were pushed, the newest first */
    _Atomic uint32_t requests; /* handlers that other threads want to disconnect (base/id.h) */
    struct tocsin__rt_overflow overflow;
    _Alignas(128) _Atomic uint32_t waking; /* threads that are about to wake the loop */
    _Atomic uint64_t pins;                 /* see tocsin__inbox_pin */
    _Atomic uint64_t bytes;                /* bytes of the shared copies in the ring */
    _Atomic uint64_t refused, missed, wakeups;

    /* only the loop's own thread uses the rest */
    _Alignas(128) uint64_t at;          /* position of the next message to read */
    uint64_t bound;                     /* the ring can be read up to here */
    uint64_t epoch_tail;                /* tail when the present epoch of pins began (inbox.c) */
    struct tocsin__node *first, **last; /* nodes taken from the list, sorted by `after` */
    uint64_t last_after;                /* `after` of the last one */
    uint64_t received;                  /* messages read so far */
    void *memory;                       /* the block that contains the cells */
};

/* Initializes an inbox that is closed, since no loop uses it yet. */
void tocsin__inbox_init(struct tocsin__inbox *inbox);
/* Opens the inbox for the loop with this generation; -ENOMEM. */
int tocsin__inbox_open(struct tocsin__inbox *inbox, uint64_t generation);

/* For producers: any thread, async-signal-safe. generation: of the loop that the producer means;
 * TOCSIN__ANY_GENERATION: the loop that uses the inbox now. spare: cells that must stay free. */
#define TOCSIN__ANY_GENERATION UINT64_MAX
/* Claims a cell. -EAGAIN: there is no room; -ESHUTDOWN: the inbox is closed. */
int tocsin__inbox_claim(struct tocsin__inbox *inbox, uint64_t generation, uint32_t spare,
                        uint64_t *ret_at);
/* Publishes a claimed cell, whose message must be complete. */
void tocsin__inbox_publish(struct tocsin__inbox *inbox, uint64_t at);
/* Pushes a node on the list. False: the list is closed, so the loop has ended. */
bool tocsin__inbox_push(struct tocsin__inbox *inbox, struct tocsin__node *node);
/* A producer that claims no cell pins the inbox. While it is pinned, the loop does not end, and it
   does not read messages that were claimed after the pin. push_pinned: the node runs after the
   messages that were in the ring when the producer pinned the inbox. -ESHUTDOWN: closed. */
int tocsin__inbox_pin(struct tocsin__inbox *inbox, uint64_t generation, uint64_t *ret_pin);
bool tocsin__inbox_push_pinned(struct tocsin__inbox *inbox, struct tocsin__node *node,
                               uint64_t pin);
void tocsin__inbox_unpin(struct tocsin__inbox *inbox, uint64_t pin);
/* Wakes the loop if it sleeps. The caller has published something outside the ring and the list. */
void tocsin__inbox_wake(struct tocsin__inbox *inbox);
bool tocsin__inbox_is_closed(const struct tocsin__inbox *inbox);
/* Whether one more cell could be claimed at this moment. */
bool tocsin__inbox_has_room(struct tocsin__inbox *inbox, uint32_t spare);

/* For the loop's own thread. */
/* The loop wants to sleep. True: from now on producers wake it. False: there is work, so it stays
   awake. */
bool tocsin__inbox_try_sleep(struct tocsin__inbox *inbox);
/* The loop does not sleep any more, so producers need not wake it. */
void tocsin__inbox_set_awake(struct tocsin__inbox *inbox);
/* Whether there is something to take out. */
bool tocsin__inbox_is_nonempty(struct tocsin__inbox *inbox);
/* Computes how far the ring can be read: up to the position of the oldest pin. */
uint64_t tocsin__inbox_bound(struct tocsin__inbox *inbox);
/* Takes the pushed nodes into the sorted list. Call it after tocsin__inbox_bound: then every node
   that must run before a readable message has been taken. */
void tocsin__inbox_take_list(struct tocsin__inbox *inbox);
/* Pushes a node that runs in the next turn, before all messages that are unread now. */
bool tocsin__inbox_push_next(struct tocsin__inbox *inbox, struct tocsin__node *node);
/* Closes the ring: claims return -ESHUTDOWN. Claimed cells must still be read. */
void tocsin__inbox_close(struct tocsin__inbox *inbox);
/* Closes the list as well. The nodes in it must still be run. */
void tocsin__inbox_close_list(struct tocsin__inbox *inbox);
/* T8, in the child: closes the ring. Producers do not wake the parent any more. */
void tocsin__inbox_inherit(struct tocsin__inbox *inbox);
/* T8, for the loop of a thread that does not exist in the child: closes the list, too. */
void tocsin__inbox_abandon(struct tocsin__inbox *inbox);
/* Opens an inherited inbox again. It must be empty. */
void tocsin__inbox_revive(struct tocsin__inbox *inbox);
/* Waits until no producer is in `wake`, so that its descriptor can be closed. */
void tocsin__inbox_await_wakers(struct tocsin__inbox *inbox);

static inline struct tocsin__message *tocsin__inbox_message(const struct tocsin__inbox *inbox,
                                                            uint64_t at)
{
    return &inbox->cells[at % TOCSIN_INBOX].message;
}

static inline uint64_t tocsin__inbox_tail(const struct tocsin__inbox *inbox)
{
    return atomic_load_explicit(&inbox->tail, memory_order_acquire) & TOCSIN__POSITION;
}

/* Returns the next message if it is published and in front of bound; else NULL. */
static inline struct tocsin__message *tocsin__inbox_peek(struct tocsin__inbox *inbox,
                                                         uint64_t bound)
{
    struct tocsin__cell *cell = &inbox->cells[inbox->at % TOCSIN_INBOX];

    return inbox->at != bound &&
                   atomic_load_explicit(&cell->turn, memory_order_acquire) == inbox->at + 1
               ? &cell->message
               : NULL;
}

/* Frees the cell of the message that was read. Producers see this after every 16 messages. The
   function writes to each cache line that was read: a line in the shared state would cost the next
   producer twice as much as a modified one. */
static inline void tocsin__inbox_consume(struct tocsin__inbox *inbox)
{
    struct tocsin__cell *cell = &inbox->cells[inbox->at % TOCSIN_INBOX];

    tocsin__assert(inbox->at != tocsin__inbox_tail(inbox));
    atomic_store_explicit(&cell->turn, 0, memory_order_relaxed);
    if (cell->message.flags & TOCSIN__TWO_LINES)
        cell->message.overrun = 0;
    inbox->received++;
    if ((++inbox->at & 15) == 0)
        atomic_store_explicit(&inbox->head, inbox->at, memory_order_release);
}

/* Shows producers the current read position. */
static inline void tocsin__inbox_publish_head(struct tocsin__inbox *inbox)
{
    if (atomic_load_explicit(&inbox->head, memory_order_relaxed) != inbox->at)
        atomic_store_explicit(&inbox->head, inbox->at, memory_order_release);
}

/* Takes the next node of the sorted list whose turn has come: every message in front of it has been
   read. NULL: there is none. */
static inline struct tocsin__node *tocsin__inbox_take_node(struct tocsin__inbox *inbox)
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
