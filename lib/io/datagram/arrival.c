/* The result of one read of a datagram socket. */
#include <string.h>

#include "base/assert.h"
#include "io/datagram/arrival.h"

enum { CAPACITY_LEAST = 65536 }; /* the most bytes that the kernel joins for one read */

static struct tocsin__arrival *arrival_new(void)
{
    struct tocsin__arrival *arrival = tocsin__alloc(sizeof *arrival);

    if (!arrival)
        return NULL;
    arrival->data = tocsin__alloc(CAPACITY_LEAST + 1);
    arrival->capacity = CAPACITY_LEAST;
    if (arrival->data)
        return arrival;
    tocsin__release(arrival);
    return NULL;
}

void tocsin__arrival_free(struct tocsin__arrival *arrival)
{
    if (arrival)
        tocsin__release(arrival->data);
    tocsin__release(arrival);
}

static bool arrival_grow(struct tocsin__arrival *arrival, size_t capacity)
{
    unsigned char *data;

    capacity = capacity < CAPACITY_LEAST ? CAPACITY_LEAST : capacity;
    if (arrival->capacity >= capacity)
        return true;
    data = tocsin__resize(arrival->data, capacity + 1);
    if (!data)
        return false;
    arrival->data = data;
    arrival->capacity = capacity;
    return true;
}

struct tocsin__arrival *tocsin__arrival_open(struct tocsin__socket *socket)
{
    struct tocsin__datagrams *shared = tocsin__socket_shared(socket);

    tocsin__arrival_close(shared);
    if (!shared->arrival)
        shared->arrival = arrival_new();
    if (!shared->arrival || !arrival_grow(shared->arrival, socket->size))
        return NULL;
    shared->arrival->socket = NULL;
    shared->arrival->text[0] = 0;
    return shared->arrival;
}

uint64_t tocsin__arrival_count(const struct tocsin__arrival *arrival)
{
    return arrival->is_empty
               ? 1
               : (arrival->end - arrival->begin + arrival->segment - 1) / arrival->segment;
}

static size_t first_size(const struct tocsin__arrival *arrival)
{
    size_t left = arrival->end - arrival->begin;

    return left < arrival->segment ? left : arrival->segment;
}

struct tocsin_datagram_received tocsin__arrival_first(struct tocsin__arrival *arrival, size_t most)
{
    struct tocsin_datagram_received received = tocsin_datagram_received_make();
    size_t size = first_size(arrival), shown = size < most ? size : most;

    arrival->saved_at = arrival->data + arrival->begin + shown;
    arrival->saved_byte = *arrival->saved_at;
    *arrival->saved_at = 0;
    received.data = (struct tocsin_bytes){ arrival->data + arrival->begin, shown };
    received.peer = arrival->text;
    received.truncated_bytes = size - shown;
    if (arrival->begin + size == arrival->end)
        received.truncated_bytes += arrival->truncated;
    return received;
}

void tocsin__arrival_pass(struct tocsin__arrival *arrival, bool is_taken)
{
    if (arrival->saved_at)
        *arrival->saved_at = arrival->saved_byte;
    arrival->saved_at = NULL;
    if (!is_taken)
        return;
    arrival->begin += first_size(arrival);
    arrival->is_empty = false;
}

/* Copies the datagrams that are left in an arrival. NULL: no memory. */
static struct tocsin__arrival *arrival_copy(const struct tocsin__arrival *from)
{
    size_t size = from->end - from->begin;
    struct tocsin__arrival *copy = tocsin__alloc(sizeof *copy);

    if (!copy)
        return NULL;
    *copy = *from;
    copy->data = tocsin__alloc(size + 1);
    if (!copy->data) {
        tocsin__release(copy);
        return NULL;
    }
    memcpy(copy->data, from->data + from->begin, size);
    copy->begin = 0;
    copy->end = copy->capacity = size;
    return copy;
}

/* Ends the use of the loop's arrival by a socket. A datagram that was announced is removed, even if
   a handler has jumped (longjmp) out of its delivery. The socket keeps a copy of the datagrams that
   were not announced. Without memory for a copy, the socket keeps the arrival, and the loop makes a
   new one. */
void tocsin__arrival_close(struct tocsin__datagrams *shared)
{
    struct tocsin__arrival *arrival = shared->arrival, *copy;
    struct tocsin__socket *socket;

    if (!arrival || !arrival->socket)
        return;
    if (arrival->saved_at)
        tocsin__arrival_pass(arrival, true);
    socket = (struct tocsin__socket *)arrival->socket;
    if (tocsin__arrival_has(arrival)) {
        bool has_busy = tocsin__socket_occupy(socket) == 0;

        copy = has_busy ? arrival_copy(arrival) : NULL;
        if (has_busy && !copy) {
            copy = arrival;
            shared->arrival = NULL;
        }
        if (has_busy)
            socket->busy->kept = copy;
        else
            socket->closed.dropped += tocsin__arrival_count(arrival);
        tocsin__socket_wake(socket);
    }
    if (shared->arrival)
        shared->arrival->socket = NULL;
}

/* If the loop's arrival is too small, it is freed, and the kept arrival replaces it. */
struct tocsin__arrival *tocsin__arrival_restore(struct tocsin__socket *socket)
{
    struct tocsin__datagrams *shared = tocsin__socket_shared(socket);
    struct tocsin__arrival *kept = socket->busy->kept, *arrival;
    unsigned char *data;
    size_t capacity;

    tocsin__arrival_close(shared);
    socket->busy->kept = NULL;
    arrival = shared->arrival;
    if (!arrival || arrival->capacity < kept->end) {
        tocsin__arrival_free(arrival);
        shared->arrival = kept;
        return kept;
    }
    data = arrival->data;
    capacity = arrival->capacity;
    memcpy(data, kept->data, kept->end);
    *arrival = *kept;
    arrival->data = data;
    arrival->capacity = capacity;
    tocsin__arrival_free(kept);
    return arrival;
}

uint64_t tocsin__arrival_left(const struct tocsin__socket *socket)
{
    const struct tocsin__datagrams *shared = tocsin__socket_shared(socket);
    const struct tocsin__arrival *arrival = shared ? shared->arrival : NULL;
    uint64_t count = socket->busy && socket->busy->kept ? tocsin__arrival_count(socket->busy->kept)
                                                        : 0;

    if (arrival && arrival->socket == socket && tocsin__arrival_has(arrival))
        count += tocsin__arrival_count(arrival) - (arrival->saved_at ? 1 : 0);
    return count;
}

void tocsin__arrival_forget(struct tocsin__socket *socket)
{
    struct tocsin__datagrams *shared = tocsin__socket_shared(socket);

    if (shared && shared->arrival && shared->arrival->socket == socket)
        shared->arrival->socket = NULL;
    if (!socket->busy)
        return;
    tocsin__arrival_free(socket->busy->kept);
    socket->busy->kept = NULL;
}

const struct tocsin__endpoint *tocsin__arrival_peer(const struct tocsin__socket *socket,
                                                    const char *text)
{
    const struct tocsin__datagrams *shared = tocsin__socket_shared(socket);
    const struct tocsin__arrival *arrival = shared ? shared->arrival : NULL;

    return arrival && arrival->text[0] && strcmp(arrival->text, text) == 0 ? &arrival->peer : NULL;
}
