#include <errno.h>
#include <sched.h>

#include "core/inbox.h"
#include "core/mem.h"

static struct tocsin__node closed;                     /* what the list of one that is closed for good points to */

void tocsin__inbox_make(struct tocsin__inbox *inbox)
{
    atomic_init(&inbox->list, &closed);
    atomic_init(&inbox->tail, TOCSIN__CLOSED);
}

int tocsin__inbox_open(struct tocsin__inbox *inbox, uint64_t generation)
{
    enum { ALIGN = _Alignof(struct tocsin__cell) };
    uint64_t position = atomic_load_explicit(&inbox->tail, memory_order_relaxed) & TOCSIN__POSITION;

    if (!inbox->memory)
        inbox->memory = tocsin__alloc(TOCSIN_INBOX * sizeof(struct tocsin__cell) + ALIGN);
    if (!inbox->memory)
        return -ENOMEM;
    inbox->cells = (struct tocsin__cell *)(((uintptr_t)inbox->memory + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
    inbox->last = &inbox->first;
    inbox->bound = inbox->turned = position;
    inbox->received = 0;
    atomic_store(&inbox->refused, 0);
    atomic_store(&inbox->missed, 0);
    atomic_store(&inbox->wakeups, 0);
    atomic_store(&inbox->edge, TOCSIN__AWAKE);
    atomic_store(&inbox->list, NULL);
    atomic_store(&inbox->tail, generation << TOCSIN__GENERATION_SHIFT | position);
    return 0;
}

/* Producers */

/* How many cells are taken at this position; more than there are: the position is old by now. */
static uint64_t taken(struct tocsin__inbox *inbox, uint64_t tail)
{
    return ((tail & TOCSIN__POSITION) - atomic_load_explicit(&inbox->head, memory_order_acquire)) & TOCSIN__POSITION;
}

static bool gone(uint64_t tail, uint64_t generation)
{
    return tail & TOCSIN__CLOSED || (generation != TOCSIN__ANY && (tail ^ generation << TOCSIN__GENERATION_SHIFT) >> TOCSIN__GENERATION_SHIFT);
}

int tocsin__inbox_claim(struct tocsin__inbox *inbox, uint64_t generation, uint32_t spare, uint64_t *ret_at)
{
    uint64_t tail = atomic_load_explicit(&inbox->tail, memory_order_acquire), next, again;

    for (;;) {
        if (gone(tail, generation))
            return -ESHUTDOWN;
        if (tocsin__unlikely(taken(inbox, tail) >= TOCSIN_INBOX - spare)) {
            again = atomic_load_explicit(&inbox->tail, memory_order_acquire);
            if (again == tail)
                return -EAGAIN;
            tail = again;
            continue;
        }
        next = (tail & ~TOCSIN__POSITION) | ((tail + 1) & TOCSIN__POSITION);
        if (atomic_compare_exchange_weak_explicit(&inbox->tail, &tail, next, memory_order_acq_rel, memory_order_acquire))
            break;
    }
    *ret_at = tail & TOCSIN__POSITION;
    return 0;
}

/* Only who changes the edge wakes, once. While waking says that we are here, the engine does not close its descriptor. */
static void edge_test(struct tocsin__inbox *inbox)
{
    uint32_t asleep = TOCSIN__ASLEEP;

    if (tocsin__likely(atomic_load(&inbox->edge) != TOCSIN__ASLEEP))
        return;
    atomic_fetch_add(&inbox->waking, 1);
    if (atomic_compare_exchange_strong(&inbox->edge, &asleep, TOCSIN__AWAKE)) {
        atomic_fetch_add_explicit(&inbox->wakeups, 1, memory_order_relaxed);
        inbox->wake(inbox);
    }
    atomic_fetch_sub(&inbox->waking, 1);
}

/* An exchange, not a store: the edge must not be read before the letter can be seen. */
void tocsin__inbox_publish(struct tocsin__inbox *inbox, uint64_t at)
{
    atomic_exchange(&inbox->cells[at % TOCSIN_INBOX].turn, at + 1);
    edge_test(inbox);
}

/* after: NOW, or a position that the ring has passed already. */
#define NOW UINT64_MAX

static bool push(struct tocsin__inbox *inbox, struct tocsin__node *node, uint64_t after)
{
    struct tocsin__node *newest = atomic_load(&inbox->list);

    do {
        if (newest == &closed)
            return false;
        node->next = newest;
        node->after = after == NOW ? tocsin__inbox_tail(inbox) : after;
    } while (!atomic_compare_exchange_weak(&inbox->list, &newest, node));
    edge_test(inbox);
    return true;
}

bool tocsin__inbox_push(struct tocsin__inbox *inbox, struct tocsin__node *node)
{
    return push(inbox, node, NOW);
}

/* Holding. Who finds that somebody else writes what he has to say is done, and may go on to the ring: so the loop must not read on past the writer. Those who
   hold are counted in one of two halves; when the other one is empty, they change places, and what the ring had then can be read when the first is empty, however
   many have come since. A hold is the position of the ring, and its half. */
#define ODD   ((uint64_t)1 << 63)
#define UNIT(half) ((half) ? (uint64_t)1 << 31 : 1)
#define HALF(word, half) ((word) / UNIT(half) & INT32_MAX)

int tocsin__inbox_hold(struct tocsin__inbox *inbox, uint64_t generation, uint64_t *ret_hold)
{
    uint64_t word = atomic_load(&inbox->holders), tail;

    while (!atomic_compare_exchange_weak(&inbox->holders, &word, word + UNIT(word & ODD)))
        ;
    tail = atomic_load(&inbox->tail);
    *ret_hold = (tail & TOCSIN__POSITION) << 1 | word >> 63;
    if (!gone(tail, generation))
        return 0;
    tocsin__inbox_let_go(inbox, *ret_hold);
    return -ESHUTDOWN;
}

bool tocsin__inbox_push_held(struct tocsin__inbox *inbox, struct tocsin__node *node, uint64_t hold)
{
    return push(inbox, node, hold >> 1);
}

void tocsin__inbox_let_go(struct tocsin__inbox *inbox, uint64_t hold)
{
    atomic_fetch_sub(&inbox->holders, UNIT(hold & 1));
    edge_test(inbox);
}

void tocsin__inbox_nudge(struct tocsin__inbox *inbox)
{
    edge_test(inbox);
}

bool tocsin__inbox_closed(const struct tocsin__inbox *inbox)
{
    return atomic_load_explicit(&inbox->tail, memory_order_acquire) & TOCSIN__CLOSED;
}

bool tocsin__inbox_room(struct tocsin__inbox *inbox, uint32_t spare)
{
    uint64_t tail = atomic_load_explicit(&inbox->tail, memory_order_acquire);

    uint64_t count = taken(inbox, tail);               /* more than there are: the loop has gone on meanwhile */

    return !(tail & TOCSIN__CLOSED) && (count < TOCSIN_INBOX - spare || count > TOCSIN_INBOX);
}

/* The loop's own thread */

uint64_t tocsin__inbox_bound(struct tocsin__inbox *inbox)
{
    uint64_t tail = tocsin__inbox_tail(inbox), word = atomic_load(&inbox->holders);

    if (tocsin__likely(!(word & ~ODD))) {
        inbox->bound = inbox->turned = tail;
    } else if (!HALF(word, !(word & ODD))) {
        inbox->bound = inbox->turned;
        inbox->turned = tail;
        atomic_fetch_xor(&inbox->holders, ODD);
    }
    return inbox->bound;
}

bool tocsin__inbox_holds(struct tocsin__inbox *inbox)
{
    if (atomic_load(&inbox->list) || atomic_load(&inbox->asked) || (inbox->first && inbox->first->after <= inbox->at))
        return true;
    return atomic_load(&inbox->cells[inbox->at % TOCSIN_INBOX].turn) == inbox->at + 1 && tocsin__inbox_bound(inbox) != inbox->at;
}

bool tocsin__inbox_sleeps(struct tocsin__inbox *inbox)
{
    atomic_exchange(&inbox->edge, TOCSIN__ASLEEP);
    if (!tocsin__inbox_holds(inbox) && !atomic_load(&inbox->flood.seen))
        return true;
    tocsin__inbox_wakes(inbox);
    return false;
}

void tocsin__inbox_wakes(struct tocsin__inbox *inbox)
{
    if (atomic_load_explicit(&inbox->edge, memory_order_acquire) != TOCSIN__AWAKE)
        atomic_exchange(&inbox->edge, TOCSIN__AWAKE);
}

/* Behind those that come no later. */
static void insert(struct tocsin__inbox *inbox, struct tocsin__node *node)
{
    struct tocsin__node **link = inbox->last;

    if (inbox->first && inbox->last_after > node->after)
        for (link = &inbox->first; (*link)->after <= node->after;)
            link = &(*link)->next;
    node->next = *link;
    *link = node;
    if (link == inbox->last) {
        inbox->last = &node->next;
        inbox->last_after = node->after;
    }
}

static void take(struct tocsin__inbox *inbox, struct tocsin__node *node)
{
    struct tocsin__node *oldest = NULL, *next;

    for (; node; node = next) {
        next = node->next;
        node->next = oldest;
        oldest = node;
    }
    for (; oldest; oldest = next) {
        next = oldest->next;
        insert(inbox, oldest);
    }
}

void tocsin__inbox_take_list(struct tocsin__inbox *inbox)
{
    if (atomic_load_explicit(&inbox->list, memory_order_relaxed))
        take(inbox, atomic_exchange(&inbox->list, NULL));
}

bool tocsin__inbox_push_next(struct tocsin__inbox *inbox, struct tocsin__node *node)
{
    return push(inbox, node, inbox->at);
}

void tocsin__inbox_close(struct tocsin__inbox *inbox)
{
    atomic_fetch_or(&inbox->tail, TOCSIN__CLOSED);
    while (atomic_load(&inbox->holders) & ~ODD)        /* they have something for the list */
        sched_yield();
}

void tocsin__inbox_end(struct tocsin__inbox *inbox)
{
    take(inbox, atomic_exchange(&inbox->list, &closed));
}

void tocsin__inbox_inherit(struct tocsin__inbox *inbox)
{
    atomic_fetch_or(&inbox->tail, TOCSIN__CLOSED);
    atomic_store(&inbox->edge, TOCSIN__AWAKE);
}

/* Of a thread that is not here: what it was just doing to what it has taken is left alone. */
void tocsin__inbox_abandon(struct tocsin__inbox *inbox)
{
    tocsin__inbox_inherit(inbox);
    atomic_store(&inbox->list, &closed);
}

void tocsin__inbox_revive(struct tocsin__inbox *inbox)
{
    atomic_fetch_and(&inbox->tail, ~TOCSIN__CLOSED);
}

void tocsin__inbox_quiet(struct tocsin__inbox *inbox)
{
    tocsin__inbox_wakes(inbox);
    while (atomic_load(&inbox->waking))
        sched_yield();
}
