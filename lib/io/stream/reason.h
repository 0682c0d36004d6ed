/* The sentence of stream.closed: what failed, and where. */
#ifndef TOCSIN_IO_REASON_H
#define TOCSIN_IO_REASON_H

#include "io/stream/stream.h"

/* Keeps the sentence of a stream that is about to fail. The first one counts, and none if the
   stream fails already. Without memory the reason is empty. */
void tocsin__reason_set(struct tocsin__stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "WHAT PEER: the error", such as "read from tcp:192.0.2.1:80: Connection reset by peer". */
void tocsin__reason_failed(struct tocsin__stream *stream, const char *what, int err);
/* The address of the peer; "fd:N" of what is no socket; "the peer" if it has no address or is gone.
 */
const char *tocsin__reason_peer(const struct tocsin__stream *stream, char buffer[112]);
/* The system's text of a negative errno, or the library's of another error. */
const char *tocsin__reason_text(int err);
/* Frees the sentence, with the state of the operation. */
void tocsin__reason_free(struct tocsin__stream *stream);

#endif
