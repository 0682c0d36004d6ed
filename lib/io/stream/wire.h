/* Reads from and writes to the descriptor of a stream, without waiting. */
#ifndef TOCSIN_IO_WIRE_H
#define TOCSIN_IO_WIRE_H

#include <sys/types.h>
#include <sys/uio.h>

#include "io/stream/stream.h"

enum { TOCSIN__PASSED_MOST = 64 }; /* descriptors that come or go with one message */

/* As read(2), or -errno; -EAGAIN: nothing is there. Descriptors that come with the data go to
   busy->passed; without memory for them they are closed. */
ssize_t tocsin__wire_receive(struct tocsin__stream *stream, void *buffer, size_t size);
/* As writev(2), or -errno. fds: descriptors to pass with the first byte. */
ssize_t tocsin__wire_send(struct tocsin__stream *stream, struct iovec *pieces, int count,
                          const int *fds, uint32_t fds_count);
/* Whether something is there to be read: 1; 0: the end; -EAGAIN: nothing; -errno. */
int tocsin__wire_peek(struct tocsin__stream *stream);
/* Takes the error that the descriptor has reported: -errno; 0: none, or it is not a socket. */
int tocsin__wire_take_error(struct tocsin__stream *stream);
/* As tocsin__wire_take_error; -EPIPE if there is none. */
int tocsin__wire_error(struct tocsin__stream *stream);
/* What the medium has to do before the stream can end well. 0: nothing more; -EAGAIN: it is at
   work, and wakes the stream; -errno */
int tocsin__wire_finish(struct tocsin__stream *stream);
/* Ends the outgoing side. Returns as tocsin__wire_finish. */
int tocsin__wire_shutdown(struct tocsin__stream *stream);
/* Adds what the medium knows to the facts. */
void tocsin__wire_describe(const struct tocsin__stream *stream, struct tocsin_stream_facts *facts);
/* Closes the descriptor. */
void tocsin__wire_close(struct tocsin__stream *stream);
/* Closes the descriptors that came and were not delivered. */
void tocsin__wire_drop_passed(struct tocsin__busy *busy);

#endif
