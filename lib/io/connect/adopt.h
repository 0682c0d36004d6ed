/* Opens streams of descriptors that are open already, and of files. */
#ifndef TOCSIN_IO_ADOPT_H
#define TOCSIN_IO_ADOPT_H

#include "io/address.h"
#include "io/stream/stream.h"

/* Makes a stream of a descriptor that is open already. After a failure the caller still owns the
   descriptor. */
int tocsin__adopt(struct tocsin__stream *stream, int fd);
/* Begins to open a file. */
int tocsin__adopt_file(struct tocsin__stream *stream, const struct tocsin__address *address);

#endif
