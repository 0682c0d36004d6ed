/* Implements the ring and the list of an inbox; see inbox.h. */
#include <errno.h>
#include <sched.h>

#include "base/assert.h"
#include "base/inbox.h"
#include "base/mem.h"

/* A closed list points to this node. */
static struct tocsin__node closed;

void tocsin__inbox_init(struct tocsin__inbox *inbox)
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
    inbox->cells = (struct tocsin__cell *)(((uintptr_t)inbox->memory + ALIGN - 1) &
                                           ~(uintptr_t)(ALIGN - 1));
    inbox->last = &inbox->first;
    inbox->bound = inbox->epoch_tail = position;
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

/* Returns the number of claimed cells, if `tail` is the current tail. If `tail` is out of date, the
   result may be larger than the ring. */
static uint64_t cells_taken(struct tocsin__inbox *inbox, uint64_t tail)
{
    return ((tail & TOCSIN__POSITION) - atomic_load_explicit(&inbox->head, memory_order_acquire)) &
           TOCSIN__POSITION;
}

static bool is_gone(uint64_t tail, uint64_t generation)
{
    return tail & TOCSIN__CLOSED ||
           (generation != TOCSIN__ANY_GENERATION &&
            (tail ^ generation << TOCSIN__GENERATION_SHIFT) >> TOCSIN__GENERATION_SHIFT);
}

int tocsin__inbox_claim(struct tocsin__inbox *inbox, uint64_t generation, uint32_t spare,
                        uint64_t *ret_at)
{
    uint64_t tail = atomic_load_explicit(&inbox->tail, memory_order_acquire), next, again;

    for (;;) {
        if (is_gone(tail, generation))
            return -ESHUTDOWN;
        if (tocsin__unlikely(cells_taken(inbox, tail) >= TOCSIN_INBOX - spare)) {
            again = atomic_load_explicit(&inbox->tail, memory_order_acquire);
            if (again == tail)
                return -EAGAIN;
            tail = again;
            continue;
        }
        next = (tail & ~TOCSIN__POSITION) | ((tail + 1) & TOCSIN__POSITION);
        if (atomic_compare_exchange_weak_explicit(&inbox->tail, &tail, next, memory_order_acq_rel,
                                                  memory_order_acquire))
            break;
    }
    *ret_at = tail & TOCSIN__POSITION;
    return 0;
}

/* Wakes the loop if it is asleep. Only the producer that changes the edge to AWAKE calls `wake`.
   The counter `waking` prevents the engine from closing its descriptor during this call. */
static void wake_if_asleep(struct tocsin__inbox *inbox)
{
    uint32_t asleep = TOCSIN__ASLEEP;

    if (tocsin__likely(atomic_load(&inbox->edge) != TOCSIN__ASLEEP))
        return;
    atomic_fetch_add(&inbox->waking, 1);
    if (atomic_compare_exchange_strong(&inbox->edge, &asleep, TOCSIN__AWAKE)) {
        atomic_fetch_add_explicit(&inbox->wakeups, 1, memory_order_relaxed);
        inbox->wake(inbox);
    }
    tocsin__assert(atomic_load(&inbox->waking) > 0);
    atomic_fetch_sub(&inbox->waking, 1);
}

/* Publishes a claimed cell. This is an exchange and not a store, because this thread must not read
   the edge before other threads can see the message. */
void tocsin__inbox_publish(struct tocsin__inbox *inbox, uint64_t at)
{
    tocsin__assert(atomic_load(&inbox->cells[at % TOCSIN_INBOX].turn) != at + 1);
    atomic_exchange(&inbox->cells[at % TOCSIN_INBOX].turn, at + 1);
    wake_if_asleep(inbox);
}

/* Value of `after` for a node that runs behind all messages that have been claimed so far. Any
 * other value of `after` is a ring position that has been claimed already. */
#define NOW UINT64_MAX

static bool inbox_push(struct tocsin__inbox *inbox, struct tocsin__node *node, uint64_t after)
{
    struct tocsin__node *newest = atomic_load(&inbox->list);

    do {
        if (newest == &closed)
            return false;
        node->next = newest;
        node->after = after == NOW ? tocsin__inbox_tail(inbox) : after;
    } while (!atomic_compare_exchange_weak(&inbox->list, &newest, node));
    wake_if_asleep(inbox);
    return true;
}

bool tocsin__inbox_push(struct tocsin__inbox *inbox, struct tocsin__node *node)
{
    return inbox_push(inbox, node, NOW);
}

/* Pins. A producer may find that another thread is writing the latest cell. Then it increments the
   cell's count, returns, and may post to the ring. To keep this order, the loop must not read the
   ring past the position at which the writer of the cell pinned the inbox. Pins are counted in two
   epochs, as in RCU. When the older epoch has no pins left, the epochs swap, and the ring becomes
   readable up to the tail at the previous swap. So new pins cannot delay the loop for ever. A pin
   consists of a ring position and its epoch. */
#define ODD_EPOCH ((uint64_t)1 << 63)
#define EPOCH_UNIT(epoch) ((epoch) ? (uint64_t)1 << 31 : 1)
#define EPOCH_COUNT(word, epoch) ((word) / EPOCH_UNIT(epoch) & INT32_MAX)

int tocsin__inbox_pin(struct tocsin__inbox *inbox, uint64_t generation, uint64_t *ret_pin)
{
    uint64_t word = atomic_load(&inbox->pins), tail;

    while (!atomic_compare_exchange_weak(&inbox->pins, &word, word + EPOCH_UNIT(word & ODD_EPOCH)))
        ;
    tail = atomic_load(&inbox->tail);
    *ret_pin = (tail & TOCSIN__POSITION) << 1 | word >> 63;
    if (!is_gone(tail, generation))
        return 0;
    tocsin__inbox_unpin(inbox, *ret_pin);
    return -ESHUTDOWN;
}

bool tocsin__inbox_push_pinned(struct tocsin__inbox *inbox, struct tocsin__node *node, uint64_t pin)
{
    return inbox_push(inbox, node, pin >> 1);
}

void tocsin__inbox_unpin(struct tocsin__inbox *inbox, uint64_t pin)
{
    tocsin__assert(EPOCH_COUNT(atomic_load(&inbox->pins), pin & 1) > 0);
    atomic_fetch_sub(&inbox->pins, EPOCH_UNIT(pin & 1));
    wake_if_asleep(inbox);
}

void tocsin__inbox_wake(struct tocsin__inbox *inbox)
{
    wake_if_asleep(inbox);
}

bool tocsin__inbox_is_closed(const struct tocsin__inbox *inbox)
{
    return atomic_load_explicit(&inbox->tail, memory_order_acquire) & TOCSIN__CLOSED;
}

bool tocsin__inbox_has_room(struct tocsin__inbox *inbox, uint32_t spare)
{
    uint64_t tail = atomic_load_explicit(&inbox->tail, memory_order_acquire);

    /* A count out of range means that the loop has read messages since `tail` was read, so there is
     * room. */
    uint64_t count = cells_taken(inbox, tail);

    return !(tail & TOCSIN__CLOSED) && (count < TOCSIN_INBOX - spare || count > TOCSIN_INBOX);
}

/* Functions for the loop's own thread */

uint64_t tocsin__inbox_bound(struct tocsin__inbox *inbox)
{
    uint64_t tail = tocsin__inbox_tail(inbox), word = atomic_load(&inbox->pins);

    if (tocsin__likely(!(word & ~ODD_EPOCH))) {
        inbox->bound = inbox->epoch_tail = tail;
    } else if (!EPOCH_COUNT(word, !(word & ODD_EPOCH))) {
        inbox->bound = inbox->epoch_tail;
        inbox->epoch_tail = tail;
        atomic_fetch_xor(&inbox->pins, ODD_EPOCH);
    }
    tocsin__assert(((inbox->bound - inbox->at) & TOCSIN__POSITION) <= TOCSIN_INBOX);
    return inbox->bound;
}

bool tocsin__inbox_is_nonempty(struct tocsin__inbox *inbox)
{
    if (atomic_load(&inbox->list) || atomic_load(&inbox->requests) ||
        (inbox->first && inbox->first->after <= inbox->at))
        return true;
    return atomic_load(&inbox->cells[inbox->at % TOCSIN_INBOX].turn) == inbox->at + 1 &&
           tocsin__inbox_bound(inbox) != inbox->at;
}

bool tocsin__inbox_try_sleep(struct tocsin__inbox *inbox)
{
    atomic_exchange(&inbox->edge, TOCSIN__ASLEEP);
    if (!tocsin__inbox_is_nonempty(inbox) && !atomic_load(&inbox->overflow.retry_wanted))
        return true;
    tocsin__inbox_set_awake(inbox);
    return false;
}

void tocsin__inbox_set_awake(struct tocsin__inbox *inbox)
{
    if (atomic_load_explicit(&inbox->edge, memory_order_acquire) != TOCSIN__AWAKE)
        atomic_exchange(&inbox->edge, TOCSIN__AWAKE);
}

/* Inserts the node behind all nodes whose `after` is smaller or equal. */
static void list_insert(struct tocsin__inbox *inbox, struct tocsin__node *node)
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

enum { CHECKED_MOST = 64 };

/* Returns true if the taken nodes are sorted by `after`, and `last` points to the end of the
   list. */
static bool taken_is_sound(const struct tocsin__inbox *inbox)
{
    const struct tocsin__node *node = inbox->first;

    for (int i = 0; node && i < CHECKED_MOST; i++, node = node->next)
        if (node->next ? node->after > node->next->after
                       : inbox->last != &node->next || inbox->last_after != node->after)
            return false;
    return *inbox->last == NULL && (inbox->first || inbox->last == &inbox->first);
}

/* Takes the list, whose newest node is first. The list is reversed, so that the oldest node is
   inserted first. */
static void list_take(struct tocsin__inbox *inbox, struct tocsin__node *node)
{
    struct tocsin__node *oldest = NULL, *next;

    for (; node; node = next) {
        next = node->next;
        node->next = oldest;
        oldest = node;
    }
    for (; oldest; oldest = next) {
        next = oldest->next;
        list_insert(inbox, oldest);
    }
    tocsin__assert(taken_is_sound(inbox));
}

void tocsin__inbox_take_list(struct tocsin__inbox *inbox)
{
    if (atomic_load_explicit(&inbox->list, memory_order_relaxed))
        list_take(inbox, atomic_exchange(&inbox->list, NULL));
}

bool tocsin__inbox_push_next(struct tocsin__inbox *inbox, struct tocsin__node *node)
{
    return inbox_push(inbox, node, inbox->at);
}

void tocsin__inbox_close(struct tocsin__inbox *inbox)
{
    atomic_fetch_or(&inbox->tail, TOCSIN__CLOSED);
    while (atomic_load(&inbox->pins) & ~ODD_EPOCH) /* not closed yet, because a producer that has
                                                    * pinned the inbox may still push a node */
        sched_yield();
}

void tocsin__inbox_close_list(struct tocsin__inbox *inbox)
{
    struct tocsin__node *newest = atomic_exchange(&inbox->list, &closed);

    if (newest != &closed)
        list_take(inbox, newest);
}

void tocsin__inbox_inherit(struct tocsin__inbox *inbox)
{
    atomic_fetch_or(&inbox->tail, TOCSIN__CLOSED);
    atomic_store(&inbox->edge, TOCSIN__AWAKE);
}

/* Called in the child of a fork. The thread of the loop does not exist in the child. It may have
 * been changing its sorted list at the moment of the fork, so the nodes of this list are not
 * used. */
void tocsin__inbox_abandon(struct tocsin__inbox *inbox)
{
    tocsin__inbox_inherit(inbox);
    atomic_store(&inbox->list, &closed);
}

void tocsin__inbox_revive(struct tocsin__inbox *inbox)
{
    atomic_fetch_and(&inbox->tail, ~TOCSIN__CLOSED);
}

void tocsin__inbox_await_wakers(struct tocsin__inbox *inbox)
{
    tocsin__inbox_set_awake(inbox);
    while (atomic_load(&inbox->waking))
        sched_yield();
}
