/* The member `reason` of stream.closed: a text that says what failed, and where. */
#ifndef TOCSIN_IO_REASON_H
#define TOCSIN_IO_REASON_H

#include "io/stream/stream.h"

/* Stores the reason of a stream that is about to fail. Only the first reason is stored, and none
   once the stream has failed. If there is no memory, the reason is empty. */
void tocsin__reason_set(struct tocsin__stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Stores a reason of the form "WHAT PEER: ERROR", such as "read from tcp:192.0.2.1:80: Connection
   reset by peer". */
void tocsin__reason_failed(struct tocsin__stream *stream, const char *what, int err);
/* Returns the address of the peer; "fd:N" if the descriptor is not a socket; "the peer" if the peer
   has no address or has closed the connection. */
const char *tocsin__reason_peer(const struct tocsin__stream *stream, char buffer[112]);
/* Returns the system's text for a negative errno, and the library's text for another error. */
const char *tocsin__reason_text(int err);
/* Frees the reason. Called when the operation is freed. */
void tocsin__reason_free(struct tocsin__stream *stream);

#endif
