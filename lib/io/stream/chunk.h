/* A chunk of queued data: pieces that are lent until drop is called, or one piece that is a
   copy. */
#ifndef TOCSIN_IO_CHUNK_H
#define TOCSIN_IO_CHUNK_H

#include <sys/uio.h>

#include "io/drops.h"
#include "io/stream/stream.h"

struct tocsin__chunk {
    struct tocsin__drop drop; /* must be the first member; if drop.fn is NULL, the data is a copy */
    struct tocsin__chunk *next;
    int *fds; /* descriptors to pass with the first byte; NULL: none */
    uint32_t fds_count;
    uint32_t count, at; /* number of pieces; the first `at` pieces were sent */
    size_t room;        /* unused bytes after the data of a copy */
    struct iovec pieces[];
};

/* Makes a chunk with room for the pieces, or for a copy of `size` bytes. NULL: no memory */
struct tocsin__chunk *tocsin__chunk_new(const struct tocsin_outgoing *outgoing, size_t size);
/* Notes that the pieces are lent, if outgoing has a drop function. */
void tocsin__chunk_lend(struct tocsin__chunk *chunk, const struct tocsin_outgoing *outgoing);
/* Frees a copy. Gives a lent chunk to the drops of the loop (drops.h). */
void tocsin__chunk_free(struct tocsin__io *io, struct tocsin__chunk *chunk);
/* Removes sent bytes from the beginning of the chunk. *sent is reduced to the sent bytes after the
   chunk. */
void tocsin__chunk_advance(struct tocsin__chunk *chunk, size_t *sent);
/* Replaces a chunk that code of this owner has lent by a copy, and frees it. -ENOMEM */
int tocsin__chunk_own(struct tocsin__io *io, struct tocsin__chunk **link,
                      const struct tocsin__owner *owner);

/* Duplicates the descriptors to pass. -ENOMEM, -EMFILE, another -errno */
int tocsin__fds_copy(const struct tocsin_outgoing *outgoing, int **ret_fds);
void tocsin__fds_close(int *fds, uint32_t count);

#endif
