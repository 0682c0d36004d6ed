/* Chunks of queued data. */
#include <fcntl.h>
#include <string.h>

#include "base/cancel.h"
#include "io/stream/chunk.h"
#include "registry/owner.h"

enum { ROOM_LEAST = 2048 }; /* least size of a copy, so that further small writes fit into it */

void tocsin__fds_close(int *fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        tocsin__fd_close(fds[i]);
    tocsin__release(fds);
}

int tocsin__fds_copy(const struct tocsin_outgoing *outgoing, int **ret_fds)
{
    int *fds = tocsin__alloc(outgoing->fds_count * sizeof *fds);

    if (!fds)
        return -ENOMEM;
    for (size_t i = 0; i < outgoing->fds_count; i++) {
        fds[i] = tocsin__fault() ? (errno = EMFILE, -1)
                                 : fcntl(outgoing->fds[i], F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0) {
            int err = -errno;

            tocsin__fds_close(fds, (uint32_t)i);
            return err;
        }
    }
    *ret_fds = fds;
    return 0;
}

static struct tocsin__chunk *chunk_alloc(size_t count, size_t bytes)
{
    struct tocsin__chunk *chunk = tocsin__alloc(sizeof *chunk + count * sizeof(struct iovec) +
                                                bytes);

    if (chunk && bytes) {
        chunk->pieces[0].iov_base = chunk->pieces + 1;
        chunk->count = 1;
        chunk->room = bytes;
    }
    return chunk;
}

struct tocsin__chunk *tocsin__chunk_new(const struct tocsin_outgoing *outgoing, size_t size)
{
    return outgoing->drop ? chunk_alloc(outgoing->count, 0)
                          : chunk_alloc(1, size > ROOM_LEAST ? size : ROOM_LEAST);
}

void tocsin__chunk_lend(struct tocsin__chunk *chunk, const struct tocsin_outgoing *outgoing)
{
    struct tocsin__owner *lender = tocsin__owner_of((const void *)outgoing->drop);

    chunk->drop.fn = outgoing->drop;
    chunk->drop.arg = outgoing->arg;
    chunk->drop.lender = outgoing->drop && lender != &tocsin__program ? lender : NULL;
    if (chunk->drop.lender)
        tocsin__owner_charge_force(chunk->drop.lender, TOCSIN_RESOURCE_OBJECTS, 1);
}

void tocsin__chunk_free(struct tocsin__io *io, struct tocsin__chunk *chunk)
{
    tocsin__fds_close(chunk->fds, chunk->fds_count);
    if (chunk->drop.fn)
        tocsin__drops_add(io, &chunk->drop);
    else
        tocsin__release(chunk);
}

void tocsin__chunk_advance(struct tocsin__chunk *chunk, size_t *sent)
{
    while (chunk->at < chunk->count && *sent >= chunk->pieces[chunk->at].iov_len)
        *sent -= chunk->pieces[chunk->at++].iov_len;
    if (chunk->at < chunk->count && *sent) {
        chunk->pieces[chunk->at].iov_base = (char *)chunk->pieces[chunk->at].iov_base + *sent;
        chunk->pieces[chunk->at].iov_len -= *sent;
        *sent = 0;
    }
}

static size_t chunk_size(const struct tocsin__chunk *chunk)
{
    size_t size = 0;

    for (uint32_t i = chunk->at; i < chunk->count; i++)
        size += chunk->pieces[i].iov_len;
    return size;
}

int tocsin__chunk_own(struct tocsin__io *io, struct tocsin__chunk **link,
                      const struct tocsin__owner *owner)
{
    struct tocsin__chunk *lent = *link, *copy;

    if (!lent->drop.lender || lent->drop.lender != owner)
        return 0;
    copy = chunk_alloc(1, chunk_size(lent));
    if (!copy)
        return -ENOMEM;
    for (uint32_t i = lent->at; i < lent->count; i++) {
        memcpy((char *)copy->pieces[0].iov_base + copy->pieces[0].iov_len, lent->pieces[i].iov_base,
               lent->pieces[i].iov_len);
        copy->pieces[0].iov_len += lent->pieces[i].iov_len;
    }
    copy->room = 0;
    copy->next = lent->next;
    copy->fds = lent->fds;
    copy->fds_count = lent->fds_count;
    *link = copy;
    lent->fds = NULL;
    lent->fds_count = 0;
    tocsin__chunk_free(io, lent);
    return 0;
}
