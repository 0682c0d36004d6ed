/* Measures posts to a bare ring buffer, with which bench/post compares all other sides. The ring is
   bounded, and has several producers and one consumer. A producer claims a cell by
   compare-and-swap, publishes the cell by a store, and then tests whether the consumer sleeps. The
   handler reads the message in the cell. */
#include "peer_post.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CELLS = 1024 };

/* While a cell is free, its member `turn` is the position for which the cell is free. When a
   message is published, turn is that position plus 1. */
static struct cell {
    _Alignas(64) _Atomic uint64_t turn;
    struct post_message message;
} cells[CELLS];
static _Alignas(128) _Atomic uint64_t tail;
static _Alignas(128) _Atomic bool asleep;
static _Alignas(128) uint64_t head;
static uint64_t woken;
static int waker;

static void open_ring(void)
{
    waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    post_must(waker >= 0, "eventfd");
    for (uint64_t i = 0; i < CELLS; i++)
        cells[i].turn = i;
}

/* Producers */

/* Returns NULL if the ring is full. */
static inline struct cell *claim(uint64_t *ret_at)
{
    uint64_t at = atomic_load_explicit(&tail, memory_order_relaxed);

    for (;;) {
        struct cell *cell = &cells[at % CELLS];
        int64_t ahead = (int64_t)(atomic_load_explicit(&cell->turn, memory_order_acquire) - at);

        if (ahead < 0)
            return NULL;
        if (ahead > 0) {
            at = atomic_load_explicit(&tail, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(&tail, &at, at + 1, memory_order_relaxed,
                                                         memory_order_relaxed)) {
            *ret_at = at;
            return cell;
        }
    }
}

static __attribute__((noinline)) void wake(void)
{
    const uint64_t one = 1;

    if (atomic_exchange(&asleep, false))
        post_must(write(waker, &one, sizeof one) == sizeof one, "write");
}

static inline bool post(uint64_t producer, uint64_t number)
{
    uint64_t at;
    struct cell *cell = claim(&at);

    if (!cell)
        return false;
    cell->message = (struct post_message){ .producer = producer,
                                           .number = number,
                                           .value = post_value(producer, number) };
    /* The atomic store is a full barrier: the store must come before the load of the variable
       `asleep`. */
    atomic_store(&cell->turn, at + 1);
    if (atomic_load(&asleep))
        wake();
    return true;
}

static void flood(struct post_producer *producer)
{
    post_flood(producer, post);
}

/* The consumer */

static __attribute__((noinline)) bool handle(const struct post_message *message)
{
    return post_heard(message->producer, message->number, message->value);
}

static inline struct cell *published(void)
{
    struct cell *cell = &cells[head % CELLS];

    return atomic_load(&cell->turn) == head + 1 ? cell : NULL;
}

static void sleep_until_posted(void)
{
    struct pollfd wanted = { .fd = waker, .events = POLLIN };
    uint64_t count;

    atomic_store(&asleep, true);
    if (published()) {
        atomic_store(&asleep, false);
        return;
    }
    post_must(poll(&wanted, 1, -1) == 1, "poll");
    woken += read(waker, &count, sizeof count) == sizeof count;
}

static void receive(void)
{
    for (bool over = false; !over;) {
        struct cell *cell = published();

        if (!cell) {
            sleep_until_posted();
            continue;
        }
        over = handle(&cell->message);
        atomic_store_explicit(&cell->turn, head + CELLS, memory_order_release);
        head++;
    }
}

static uint64_t wakeups(void)
{
    return woken;
}

static void close_ring(void)
{
    close(waker);
}

int main(int argc, char **argv)
{
    return post_main(&(struct post_side){ open_ring, post, flood, receive, wakeups, close_ring },
                     argc, argv);
}
