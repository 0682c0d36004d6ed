#include <string.h>

#include "net/chunks.h"

/* The most bytes of chunk extensions in a line, and of the trailer. */
enum { OVERHEAD_MAX = 64 << 10 };

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool size_add_digit(struct tocsin__net_chunks *chunks, char c)
{
    int n = digit_value(c);

    if (n < 0 || chunks->left > UINT64_MAX >> 4)
        return false;
    chunks->left = chunks->left << 4 | (unsigned)n;
    return true;
}

static void part_begin(struct tocsin__net_chunks *chunks, enum tocsin__net_chunk_part part)
{
    chunks->part = part;
    chunks->returned = false;
    chunks->overhead = 0;
}

/* Handles the end of a line that states a chunk size. A size of 0 begins the trailer. */
static void size_end(struct tocsin__net_chunks *chunks)
{
    part_begin(chunks, chunks->left > 0 ? TOCSIN__NET_CHUNK_DATA : TOCSIN__NET_CHUNK_TRAILER);
}

static bool size_line(struct tocsin__net_chunks *chunks, char c)
{
    if (c == '\n') {
        size_end(chunks);
        return true;
    }
    if (chunks->returned)
        return false;
    chunks->returned = c == '\r';
    if (chunks->part == TOCSIN__NET_CHUNK_DIGITS && digit_value(c) >= 0)
        return size_add_digit(chunks, c);
    if (chunks->part == TOCSIN__NET_CHUNK_DIGITS && !strchr("\r; \t", c))
        return false;
    chunks->part = TOCSIN__NET_CHUNK_EXTENSION;
    return c != 0 && ++chunks->overhead < OVERHEAD_MAX;
}

static bool data_end(struct tocsin__net_chunks *chunks, char c)
{
    if (c == '\r' && !chunks->returned)
        return chunks->returned = true;
    part_begin(chunks, TOCSIN__NET_CHUNK_SIZE);
    return c == '\n';
}

static bool trailer(struct tocsin__net_chunks *chunks, char c)
{
    if (chunks->part == TOCSIN__NET_CHUNK_TRAILER && c == '\r')
        chunks->part = TOCSIN__NET_CHUNK_TRAILER_END;
    else if (chunks->part == TOCSIN__NET_CHUNK_TRAILER && c == '\n')
        chunks->part = TOCSIN__NET_CHUNK_OVER;
    else
        chunks->part = c == '\n' ? TOCSIN__NET_CHUNK_TRAILER : TOCSIN__NET_CHUNK_TRAILER_LINE;
    return ++chunks->overhead < OVERHEAD_MAX;
}

/* Parses one byte outside the data of a chunk. Returns false if the byte is malformed. */
static bool chunks_step(struct tocsin__net_chunks *chunks, char c)
{
    switch (chunks->part) {
    case TOCSIN__NET_CHUNK_SIZE:
        chunks->left = 0;
        chunks->part = TOCSIN__NET_CHUNK_DIGITS;
        return size_add_digit(chunks, c);
    case TOCSIN__NET_CHUNK_DIGITS:
    case TOCSIN__NET_CHUNK_EXTENSION: return size_line(chunks, c);
    case TOCSIN__NET_CHUNK_DATA_END: return data_end(chunks, c);
    case TOCSIN__NET_CHUNK_TRAILER:
    case TOCSIN__NET_CHUNK_TRAILER_LINE: return trailer(chunks, c);
    case TOCSIN__NET_CHUNK_TRAILER_END: chunks->part = TOCSIN__NET_CHUNK_OVER; return c == '\n';
    default: return true;
    }
}

const char *tocsin__net_chunks_read(struct tocsin__net_chunks *chunks, const char *in, size_t size,
                                    char *ret_data, size_t *ret_size)
{
    const char *end = in + size;

    *ret_size = 0;
    while (in < end && chunks->part != TOCSIN__NET_CHUNK_OVER) {
        size_t here = (size_t)(end - in);

        if (chunks->part != TOCSIN__NET_CHUNK_DATA) {
            if (!chunks_step(chunks, *in++))
                return "The reply's body is not valid chunked coding";
            continue;
        }
        here = here < chunks->left ? here : (size_t)chunks->left;
        memcpy(ret_data + *ret_size, in, here);
        *ret_size += here, in += here, chunks->left -= here;
        if (chunks->left == 0)
            part_begin(chunks, TOCSIN__NET_CHUNK_DATA_END);
    }
    return NULL;
}
