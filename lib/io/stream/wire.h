/* Reads from and writes to the descriptor of a stream, without waiting. */
#ifndef TOCSIN_IO_WIRE_H
#define TOCSIN_IO_WIRE_H

#include <sys/types.h>
#include <sys/uio.h>

#include "io/stream/stream.h"

enum { TOCSIN__PASSED_MOST = 64 }; /* the most descriptors that one message may carry */

/* Receives data as read(2), but returns -errno; -EAGAIN: there is no data. Descriptors that are
   received with the data are added to busy->passed. They are closed if there is no memory for
   them. */
ssize_t tocsin__wire_receive(struct tocsin__stream *stream, void *buffer, size_t size);
/* Sends data as writev(2), but returns -errno. fds: descriptors to pass with the first byte. */
ssize_t tocsin__wire_send(struct tocsin__stream *stream, struct iovec *pieces, int count,
                          const int *fds, uint32_t fds_count);
/* Looks whether the descriptor can be read. 1: there is data; 0: the peer's end; -EAGAIN: there is
   no data; another -errno. */
int tocsin__wire_peek(struct tocsin__stream *stream);
/* Returns and clears the pending error of a socket (SO_ERROR): -errno; 0: there is none, or the
   descriptor is not a socket. */
int tocsin__wire_take_error(struct tocsin__stream *stream);
/* As tocsin__wire_take_error, but returns -EPIPE instead of 0. */
int tocsin__wire_error(struct tocsin__stream *stream);
/* Lets the medium complete its work, without which the stream cannot end successfully. 0: the work
   is done; -EAGAIN: not yet, and the medium will wake the stream; another -errno */
int tocsin__wire_finish(struct tocsin__stream *stream);
/* Ends the outgoing side. Returns as tocsin__wire_finish. */
int tocsin__wire_shutdown(struct tocsin__stream *stream);
/* Fills in the facts that the medium knows. */
void tocsin__wire_describe(const struct tocsin__stream *stream, struct tocsin_stream_facts *facts);
/* Closes the descriptor. */
void tocsin__wire_close(struct tocsin__stream *stream);
/* Closes the descriptors that were received and not delivered. */
void tocsin__wire_drop_passed(struct tocsin__busy *busy);

#endif
