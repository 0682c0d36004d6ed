/* The inbox of a loop receives what other threads and real signal handlers send to the loop. It
   consists of a bounded ring of messages, and a list of nodes for work that must not be refused. A
   producer publishes its message, then checks whether the loop sleeps. The loop announces that it
   will sleep, then looks for messages again. t/model has this protocol in Promela. */
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

/* A piece of work that the loop runs at rest (with no handler on its stack), outside every callback
   of libevent (E16). The code that pushes a node owns the memory of the node. A node is on at most
   one list at a time. */
struct tocsin__node {
    struct tocsin__node *next;
    void (*run)(struct tocsin__node *node);
    /* called instead of `run` if the loop ends or discards its work; NULL: nothing to do */
    void (*drop)(struct tocsin__node *node);
    /* Used while the node is in the list of an inbox: the node runs after the messages in front of
     * this ring position. */
    uint64_t after;
};

enum tocsin__message_kind {
    TOCSIN__INLINE, /* the message contains the payload */
    TOCSIN__SHARED, /* the message has a reference to a counted info */
    TOCSIN__TASK,   /* the message is a task of tocsin_loop_call */
    TOCSIN__EMPTY   /* the cell has no message: its producer did not use the cell, or the message
                       was discarded */
};

enum {
    TOCSIN__MESSAGE_BYTES = 80,     /* the largest payload that a message can contain */
    TOCSIN__MESSAGE_FIRST_LINE = 48 /* bytes of the payload on the first cache line of the
                                     * message */
};

/* flags of a message */
enum {
    TOCSIN__HAS_EXTRAS = 1,     /* overrun, parent and sequence are set */
    TOCSIN__TWO_LINES = 2,      /* the message uses the second cache line */
    TOCSIN__ONE_OF_SEVERAL = 4, /* other loops received copies, too, and the library does not count
                                 * the copies */
    TOCSIN__HAS_OWNER = 8,      /* a plugin sent the message; owner is set */
    TOCSIN__INJECTED = 16       /* the inject function was already called for the message */
};

struct tocsin__message {
    int signo;
    uint8_t kind, code;
    uint16_t flags;
    union {
        _Alignas(8) unsigned char payload[TOCSIN__MESSAGE_BYTES]; /* unused if the emission has no
                                                                     payload */
        struct tocsin__info *info;
        struct {
            tocsin_task task;
            void *arg;
            tocsin_drop drop;
        };
    };
    uint64_t sequence, parent; /* sequence numbers of the emission and of its parent; sequence 0:
                                * the receiving loop sets the number */
    uint32_t overrun;
    uint32_t owner; /* number of the owner of a task, or of the sender (TOCSIN__HAS_OWNER) */
};

struct tocsin__cell {
    _Alignas(128) _Atomic uint64_t turn; /* ring position + 1 if the message is published */
    struct tocsin__message message;
};

/* The parts of `tail`, the word at which producers claim cells: the position, whether the inbox is
 * closed, and the generation of the loop that uses this memory. */
#define TOCSIN__POSITION (((uint64_t)1 << 44) - 1)
#define TOCSIN__CLOSED ((uint64_t)1 << 44)
enum {
    TOCSIN__GENERATION_SHIFT = 45,
    TOCSIN__RESERVED_CELLS = 128 /* the number of cells that only real signal handlers use: the last
                                    128 free cells */
};

enum { TOCSIN__AWAKE, TOCSIN__ASLEEP };

/* Real-time signals for which the inbox had no room (lib/os/rt_overflow.c). Each set of signals has
   one bit for each signal number. */
struct tocsin__rt_overflow {
    /* a real signal handler found no room in this inbox and blocked the signals; any thread sets
       it */
    _Atomic bool retry_wanted;
    _Atomic uint64_t at_limit; /* signals that stay blocked until fewer of their emissions are
                                  pending on this loop */
    _Atomic uint64_t masked;   /* signals that a real signal handler has blocked on this loop's
                                  thread */
    struct tocsin__loop *_Atomic full_loop; /* the loop that had no room, because of which signals
                                             * are masked on this thread */
    uint64_t unblocked; /* signals that the overflow has unblocked on this thread although the
                         * program had blocked them */
    struct tocsin__rt_overflow_entry *entries, *last_entry; /* signals that wait for room */
};

struct tocsin__inbox {
    _Alignas(
        128) _Atomic uint64_t tail; /* position and state of the ring; producers claim cells here */
    _Alignas(128) _Atomic uint64_t head; /* the read position that producers see, which may be a few
                                            cells too low */
    struct tocsin__cell *cells;
    /* wakes the loop; lib/loop sets it; NULL: the loop has no engine, so it never sleeps */
    void (*wake)(struct tocsin__inbox *inbox);
    _Alignas(128) _Atomic uint32_t edge; /* TOCSIN__ASLEEP if the loop sleeps, so that a producer
                                            must call `wake` */
    struct tocsin__node *_Atomic list;   /* list of the pushed nodes, the newest first */
    _Atomic uint32_t requests; /* head of the list of handlers that other threads want to disconnect
                                  (base/id.h) */
    struct tocsin__rt_overflow overflow;
    _Alignas(128) _Atomic uint32_t waking; /* number of threads that are about to wake the loop */
    _Atomic uint64_t pins;                 /* pins of both epochs; see tocsin__inbox_pin */
    _Atomic uint64_t bytes;                /* number of bytes of the shared copies in the ring */
    _Atomic uint64_t refused, missed, wakeups;

    /* only the loop's own thread uses the following members */
    _Alignas(128) uint64_t at;          /* position of the next message to read */
    uint64_t bound;                     /* position up to which the ring can be read */
    uint64_t epoch_tail;                /* value of `tail` when the present epoch of pins began
                                           (inbox.c) */
    struct tocsin__node *first, **last; /* nodes taken from the list, sorted by `after` */
    uint64_t last_after;                /* value of `after` in the last node that was taken from the
                                           list */
    uint64_t received;                  /* number of messages read so far */
    void *memory;                       /* the block that contains the cells */
};

/* Initializes an inbox. At first it is closed, because no loop uses it yet. */
void tocsin__inbox_init(struct tocsin__inbox *inbox);
/* Opens the inbox for the loop with this generation. Returns 0, or -ENOMEM if there is no
   memory. */
int tocsin__inbox_open(struct tocsin__inbox *inbox, uint64_t generation);

/* Functions for producers. Any thread and any real signal handler may call them. `generation` is
   the generation of the loop that the producer means; TOCSIN__ANY_GENERATION means the loop that
   uses the inbox now. `spare` is the number of cells that must stay free. */
#define TOCSIN__ANY_GENERATION UINT64_MAX
/* Claims a cell. Returns 0, -EAGAIN if there is no room, or -ESHUTDOWN if the inbox is closed. */
int tocsin__inbox_claim(struct tocsin__inbox *inbox, uint64_t generation, uint32_t spare,
                        uint64_t *ret_at);
/* Publishes a claimed cell. The producer must have written the whole message before. */
void tocsin__inbox_publish(struct tocsin__inbox *inbox, uint64_t at);
/* Pushes a node on the list. Returns false if the list is closed because the loop has ended. */
bool tocsin__inbox_push(struct tocsin__inbox *inbox, struct tocsin__node *node);
/* A producer that claims no cell pins the inbox instead. While the inbox is pinned, the loop does
   not end, and does not read messages that were claimed after the pin. Returns -ESHUTDOWN if the
   inbox is closed. With tocsin__inbox_push_pinned, the node runs after the messages that were in
   the ring when the producer pinned the inbox. */
int tocsin__inbox_pin(struct tocsin__inbox *inbox, uint64_t generation, uint64_t *ret_pin);
bool tocsin__inbox_push_pinned(struct tocsin__inbox *inbox, struct tocsin__node *node,
                               uint64_t pin);
void tocsin__inbox_unpin(struct tocsin__inbox *inbox, uint64_t pin);
/* Wakes the loop if it sleeps. A caller that has published something outside the ring and the list
   must call this function. */
void tocsin__inbox_wake(struct tocsin__inbox *inbox);
bool tocsin__inbox_is_closed(const struct tocsin__inbox *inbox);
/* Returns true if one more cell could be claimed at this moment, so that `spare` cells stay
   free. */
bool tocsin__inbox_has_room(struct tocsin__inbox *inbox, uint32_t spare);

/* Only the loop's own thread calls the following functions. */
/* Announces that the loop wants to sleep. If the result is true, producers wake the loop from now
   on. If it is false, there is work, so the loop stays awake. */
bool tocsin__inbox_try_sleep(struct tocsin__inbox *inbox);
/* Announces that the loop does not sleep any more, so producers need not wake it. */
void tocsin__inbox_set_awake(struct tocsin__inbox *inbox);
/* Returns true if the loop has something to take out of the inbox. */
bool tocsin__inbox_is_nonempty(struct tocsin__inbox *inbox);
/* Returns the position up to which the loop may read the ring: the position of the oldest pin. */
uint64_t tocsin__inbox_bound(struct tocsin__inbox *inbox);
/* Moves the pushed nodes into the sorted list. The caller must have called tocsin__inbox_bound
   before. Then the list has every node that must run before a readable message. */
void tocsin__inbox_take_list(struct tocsin__inbox *inbox);
/* Pushes a node that runs in the next turn, before all messages that are unread now. */
bool tocsin__inbox_push_next(struct tocsin__inbox *inbox, struct tocsin__node *node);
/* Closes the ring, so claims return -ESHUTDOWN. The loop must still read the cells that were
   claimed before. */
void tocsin__inbox_close(struct tocsin__inbox *inbox);
/* Closes the list as well. The loop must still run the nodes that are in the list. */
void tocsin__inbox_close_list(struct tocsin__inbox *inbox);
/* In the child of a fork (T8): closes the ring, so that producers in the child do not wake the
 * parent. */
void tocsin__inbox_inherit(struct tocsin__inbox *inbox);
/* Closes the ring and the list. It is called in the child of a fork, for a loop whose thread does
   not exist in the child (T8). */
void tocsin__inbox_abandon(struct tocsin__inbox *inbox);
/* Opens an inbox that was inherited from the parent process. The inbox must be empty. */
void tocsin__inbox_revive(struct tocsin__inbox *inbox);
/* Waits until no producer is in `wake`, so that the descriptor of the loop can be closed. */
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

/* Returns the next message if it is published and its position is below `bound`. Otherwise returns
   NULL. */
static inline struct tocsin__message *tocsin__inbox_peek(struct tocsin__inbox *inbox,
                                                         uint64_t bound)
{
    struct tocsin__cell *cell = &inbox->cells[inbox->at % TOCSIN_INBOX];

    return inbox->at != bound &&
                   atomic_load_explicit(&cell->turn, memory_order_acquire) == inbox->at + 1
               ? &cell->message
               : NULL;
}

/* Frees the cell of the message that was read. Producers see the freed cells after every 16
 * messages. The function also writes to each cache line that it has read. The reason is the cost of
 * the next write to this line by a producer, which is twice as high if the line is shared as if it
 * is modified. */
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

/* Makes the current read position visible to producers. */
static inline void tocsin__inbox_publish_head(struct tocsin__inbox *inbox)
{
    if (atomic_load_explicit(&inbox->head, memory_order_relaxed) != inbox->at)
        atomic_store_explicit(&inbox->head, inbox->at, memory_order_release);
}

/* Takes the first node of the sorted list, if every message in front of this node has been read.
   Otherwise returns NULL. */
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
