/* Streams carry bytes in order, in both directions or in one: a TCP or Unix connection, a pipe, a
   terminal, standard input, a file.

   I1  A stream is an operation. It begins when it is opened or accepted. It ends exactly once, with
       stream.closed, also after an error. The id of a stream is valid at once: the program may
       write, and may start reads, before the stream is connected.

   I2  A stream reads from the kernel only on demand. Without demand the stream holds no buffer, and
       the peer must wait. There is demand while there is a read (tocsin_stream_read), a pipe, or a
       notify, queue or handler of this stream that wants stream.received. A handler of all streams
       is demand, too, until a read, a pipe or a notify takes the data of the stream. Reads get data
       first, in the order of their start. Data that a read has taken is not announced by
       stream.received.

   I3  A write accepts all of its data, or refuses all of it. Data that the kernel does not accept
       at once is copied, or borrowed until it is sent.

   I4  While more than high_bytes wait to be sent to a peer, the stream does not read for
       stream.received. So a peer that sends requests and does not read the replies cannot make the
       program queue more replies.

   I5  When the peer has ended its side, the stream ends after all written data was sent. If no data
       is unread, the loop notices the peer's end even while the stream does not read. For a program
       that uses tocsin_stream_read, a read returns the end, as read(2) does.

   I7  A file is a stream in one direction: "file:PATH" is read to its end, or, with a flag, is
       written. A pool of threads makes the system calls, one at a time for each file, so a slow
       disk does not stop the loop. If a file is replaced, its path has the whole old content or the
       whole new content, also after a crash. */
#ifndef TOCSIN_STREAM_H
#define TOCSIN_STREAM_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* The id of a set of TLS options. Zero: none. */
struct tocsin_tls {
    uint64_t id;
};
/* The id of a limit of bytes per second, which streams of one loop share (tocsin_rate_new). Zero:
 * none. */
struct tocsin_rate {
    uint64_t id;
};

/* stream.connected: peer and local are addresses, such as "tcp:192.0.2.7:80". names_us, connect_us
   and tls_us: how long each step took.
   stream.received: data is borrowed until the handler returns. passed: a descriptor that was
   received with the data (Unix), which the library closes after the delivery; -1: none. A reference
   to the info (tocsin_info_ref) has a duplicate of the descriptor. Further descriptors are
   announced after the data, one by one, with empty data. Empty data without a descriptor: the peer
   has ended its side (TOCSIN_STREAM_HALF).
   stream.stalled: more than high_bytes wait to be sent.
   stream.drained: fewer than low_bytes wait again, after stalled_us.
   stream.closed: its status is 0 if both sides have ended, or if tocsin_stream_close ended the
   stream. Otherwise it is -ECANCELED; -ETIMEDOUT (idle_ms, open_ms); the error of connecting
   (-ECONNREFUSED, TOCSIN_ENAME, …) or of opening a file (-ENOENT, -EACCES, -EISDIR, -ENXIO: nobody
   reads the FIFO, …), of a read or of a write (-ECONNRESET, -EPIPE, -ENOSPC, …); -ENOMEM;
   TOCSIN_ETOOBIG, TOCSIN_ETRUNCATED: the data cannot be divided into parts as the options say.
   reason: a text that says what has failed, or "". If no connection was made, reason names the
   address that has failed last. */
#define TOCSIN_STREAM_CONNECTED(F) \
    F(string, peer) \
    F(string, local) \
    F(string, protocol) F(i64, names_us) F(i64, connect_us) F(i64, tls_us)
#define TOCSIN_STREAM_RECEIVED(F) F(bytes, data) F(fd, passed)
#define TOCSIN_STREAM_STALLED(F) F(u64, waiting_bytes)
#define TOCSIN_STREAM_DRAINED(F) F(u64, waiting_bytes) F(i64, stalled_us)
#define TOCSIN_STREAM_CLOSED(F) \
    F(string, reason) F(u64, received_bytes) F(u64, sent_bytes) F(i64, total_us)
TOCSIN_LAYOUT(tocsin_stream_connected, TOCSIN_STREAM_CONNECTED);
TOCSIN_LAYOUT(tocsin_stream_received, TOCSIN_STREAM_RECEIVED);
TOCSIN_LAYOUT(tocsin_stream_stalled, TOCSIN_STREAM_STALLED);
TOCSIN_LAYOUT(tocsin_stream_drained, TOCSIN_STREAM_DRAINED);
TOCSIN_LAYOUT(tocsin_stream_closed, TOCSIN_STREAM_CLOSED);

/* The payloads of the operations on a stream.
 * stream.taken: the status is the number of bytes, as the result of read(2). data is empty if the
 * bytes are in the caller's buffer. */
#define TOCSIN_STREAM_TAKEN(F) F(bytes, data)
#define TOCSIN_STREAM_FLUSHED(F) F(u64, sent_bytes)
#define TOCSIN_STREAM_PIPED(F) F(op, from) F(op, to) F(u64, moved_bytes)
TOCSIN_LAYOUT(tocsin_stream_taken, TOCSIN_STREAM_TAKEN);
TOCSIN_LAYOUT(tocsin_stream_flushed, TOCSIN_STREAM_FLUSHED);
TOCSIN_LAYOUT(tocsin_stream_piped, TOCSIN_STREAM_PIPED);

/* Flags of struct tocsin_part. */
enum {
    TOCSIN_EXACTLY = 1, /* exactly `size` bytes, not fewer */
    TOCSIN_TO_END = 2   /* all data until the stream ends */
};

/* Says how received data is divided into parts. If all members are zero, a part is the data that
 * has arrived. */
struct tocsin_part {
    size_t size; /* the most bytes of a part. 0: 64 KiB, or 16 MiB with TOCSIN_TO_END */
    /* a delimiter: each part ends with this text, which is included, as in getline(3); the last
       part may end without it. NULL: none */
    const char *until;
    void *into;     /* for a read: a buffer of `size` bytes, lent until stream.taken. NULL: the
                     * read has its own buffer, which is freed with its result */
    unsigned flags; /* TOCSIN_EXACTLY or TOCSIN_TO_END; only if `until` is NULL */
};

/* Flags of a stream. */
enum {
    /* the stream stays open for writing after the peer has ended its side; an empty stream.received
       announces the peer's end */
    TOCSIN_STREAM_HALF = 1,
    TOCSIN_STREAM_DUPLEX = 2, /* a stalled stream is read for stream.received, too (I4) */
    TOCSIN_STREAM_GATHER = 4, /* the kernel gathers small writes: TCP_NODELAY is not set */
    /* At most one of the next three, for "file:" only; without one, the file is read. A file that
       does not exist is created. */
    TOCSIN_STREAM_APPEND = 8, /* write at the end of the file */
    /* write a new file in the same folder, and rename it to PATH when the stream ends without an
       error */
    TOCSIN_STREAM_REPLACE = 16,
    TOCSIN_STREAM_CREATE = 256, /* truncate the file at once, and write from its beginning */
    TOCSIN_STREAM_PROBE = 128 /* the kernel tests whether an idle peer still exists: SO_KEEPALIVE */
};

/* Options of one stream, or of all streams that a listener accepts. Members that are not set must
   be zero. */
struct tocsin_stream_options {
    struct tocsin_part part; /* the parts of stream.received; if no part ends within its size, the
                              * stream ends with TOCSIN_ETOOBIG */
    size_t high_bytes, low_bytes; /* numbers of unsent bytes for stream.stalled and stream.drained;
                                   * 0: 64 KiB, and a quarter of high_bytes */
    size_t limit_bytes;           /* the most bytes that wait to be sent; 0: 1 MiB */
    int64_t open_ms; /* time limit for name lookup, connecting and TLS together; 0: 30,000; -1: no
                      * limit */
    int64_t idle_ms; /* time limit without data in either direction; 0: no limit */
    struct tocsin_tls tls;
    const char *host;  /* the name that the peer's certificate must have; NULL: the host in the
                        * address */
    const char *local; /* the local address to connect from, such as "tcp:192.0.2.1:0"; NULL: any */
    struct tocsin_rate rate_in, rate_out; /* how fast the stream reads and sends; zero: no limit */
    unsigned flags;                       /* set of the flags TOCSIN_STREAM_… */
    uintptr_t spare[4];                   /* must be zero */
};

/**
 * Opens a stream. address: "tcp:HOST:PORT" ("tcp:[2001:db8::1]:80"), "unix:/PATH", "unix:@NAME" (an
 * abstract name), "fd:N", "file:PATH", "tls:HOST:PORT", or the scheme of another layer
 * (<tocsin/layer.h>). The addresses of a host are tried as RFC 8305 says: both families in turn,
 * the next one after 250 ms or when one has failed; the first that connects wins. options NULL: all
 * defaults.
 *
 * @owner   options are copied. The descriptor of "fd:N" belongs to the stream after success
 * @return  0; -EINVAL: address or options are malformed; -ENOTSUP: the scheme is not supported, or
 *          no library has registered TLS; -EBADF: the descriptor of "fd:N" is not open;
 *          -ENAMETOOLONG: the path of a file; -EMFILE, -ENOSPC: no descriptor, or no room in the
 *          kernel's tables; else as tocsin_op_new. On failure ret_stream carries the error
 * @emits   stream.connected; stream.received, stream.stalled and stream.drained while they are
 *          wanted; stream.closed exactly once
 * @thread  loop
 * @source  POSIX connect(3); RFC 3986 section 3.2.2; RFC 8305 sections 4 and 5
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_open(const char *address, const struct tocsin_stream_options *options,
                                  const struct tocsin_notify *notify, struct tocsin_op *ret_stream);

/**
 * Starts an operation that reads one part. Reads get data in the order of their start, before
 * stream.received. If `part` is NULL, the read returns the data that has arrived. A cancelled read
 * takes no data: the data is left for the next read.
 *
 * @owner   part is copied; part.into is lent until stream.taken
 * @return  0; -EINVAL: part is malformed, or the operation is not a stream that can be read;
 *          -ENOENT: the stream does not exist; -EXDEV: it belongs to the loop of another thread;
 *          else as tocsin_op_new. On failure ret_read carries the error
 * @emits   stream.taken exactly once. Its status is the number of bytes; 0: the end;
 *          TOCSIN_ETRUNCATED: the stream has ended with fewer bytes than exactly; TOCSIN_ETOOBIG:
 *          more than size bytes without a delimiter, or more to the end, and nothing was taken; or
 * the status of stream.closed
 * @thread  loop
 * @source  POSIX read(3), getline(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_read(struct tocsin_op stream, const struct tocsin_part *part,
                                  const struct tocsin_notify *notify, struct tocsin_op *ret_read);

/**
 * Writes data. The data that the kernel accepts is sent at once; the rest is copied and sent later.
 * Memory is allocated only if data must wait. Data larger than limit_bytes is accepted if no other
 * data waits.
 *
 * @owner   data is borrowed until this returns
 * @return  0; 1: accepted, and the stream is stalled: continue after stream.drained; -EAGAIN: more
 *          than limit_bytes would wait, and nothing was accepted; -EDQUOT: more than the limit of
 *          the owner would wait (TOCSIN_RESOURCE_WAITING_BYTES), and nothing was accepted; -EPIPE:
 *          the outgoing side has ended; -EINVAL: the operation is not a stream, or data is NULL;
 * -ENOENT: the stream does not exist; -EXDEV: it belongs to the loop of another thread; -ENOMEM: if
 * a part was sent already, the stream ends with -ENOMEM
 * @emits   stream.stalled, from the loop
 * @thread  loop
 * @source  POSIX write(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_write(struct tocsin_op stream, const void *data, size_t size);

/* The data for tocsin_stream_write_with. Members that are not set must be zero. */
struct tocsin_outgoing {
    const struct tocsin_bytes *parts; /* the pieces of data, which are sent in their order */
    size_t count;
    tocsin_drop drop; /* If `drop` is not NULL, the bytes of `parts` are lent until drop(arg) is
                       * called. It is called once, on the loop, perhaps before the function
                       * returns, and also if nothing is accepted. If `drop` is NULL, the bytes that
                       * must wait are copied. */
    void *arg;
    const int *fds; /* descriptors to send with the data (Unix); they are duplicated */
    size_t fds_count;
    uintptr_t spare[2]; /* must be zero */
};

/**
 * Writes several pieces of data at once. May also lend the data instead of copying it, and send
 * descriptors.
 *
 * @owner   the pieces are borrowed until this returns, or, with drop, until it is called
 * @return  as tocsin_stream_write; -EINVAL also: outgoing is NULL or malformed, or the stream
 *          cannot pass descriptors; -EMFILE: a descriptor could not be duplicated
 * @emits   stream.stalled, from the loop
 * @thread  loop
 * @source  POSIX writev(3), sendmsg(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_write_with(struct tocsin_op stream,
                                        const struct tocsin_outgoing *outgoing);

/**
 * Starts an operation that ends when the stream is connected and the kernel has accepted all data
 * that was written before.
 *
 * @owner   none
 * @return  0; -EINVAL: the operation is not a stream; -ENOENT: the stream does not exist; -EXDEV:
 *          it belongs to the loop of another thread; else as tocsin_op_new. On failure ret_flush
 *          carries the error
 * @emits   stream.flushed exactly once. Its status is 0; the error of a write that has failed; or
 *          the status of stream.closed
 * @thread  loop
 * @source  POSIX fflush(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_flush(struct tocsin_op stream, const struct tocsin_notify *notify,
                                   struct tocsin_op *ret_flush);

/**
 * Starts an operation that moves all data of the stream `from` to the stream `to`, and then ends
 * the outgoing side of `to`. At most high_bytes of `to` wait to be sent. If `from` fails, `to` is
 * cancelled, and its TCP connection is reset, so incomplete data never looks complete. If `to`
 * fails, `from` stays open. If the peer of `to` ends its side, `to` does not end before the pipe
 * has ended.
 *
 * @owner   none
 * @return  0; -EINVAL: an operation is not a stream, from cannot be read, or to not be written;
 *          -EBUSY: another pipe takes the data of from; -ENOENT: a stream does not exist; -EXDEV:
 *          it belongs to the loop of another thread; else as tocsin_op_new. On failure ret_pipe
 *          carries the error
 * @emits   stream.piped exactly once, with status 0, or with the status that one of the streams
 *          failed with
 * @thread  loop
 * @source  Node.js stream.pipeline
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_pipe(struct tocsin_op from, struct tocsin_op to,
                                  const struct tocsin_notify *notify, struct tocsin_op *ret_pipe);

/**
 * Ends the outgoing side of the stream after all written data was sent. The stream can still be
 * read.
 *
 * @owner   none
 * @return  0; -EPIPE: the outgoing side has ended; -EINVAL: the operation is not a stream; -ENOENT:
 *          the stream does not exist; -EXDEV: it belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  POSIX shutdown(3), SHUT_WR
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_shutdown(struct tocsin_op stream);

/**
 * Ends the stream after all written data was sent, within 10 seconds, or within its deadline. Data
 * that is received meanwhile is dropped. If there is such data, the stream ends its own side first,
 * and waits, within the same limit, for the peer's end: otherwise the peer could lose what was
 * written last. tocsin_cancel ends a stream at once.
 *
 * @owner   the id is invalid after stream.closed
 * @return  0; -EALREADY: the stream is being closed, or has ended; -EINVAL: the operation is not a
 *          stream; -ENOENT: the stream does not exist; -EXDEV: it belongs to the loop of another
 *          thread; -ENOMEM
 * @emits   stream.closed, from the loop
 * @thread  loop
 * @source  POSIX close(3); RFC 9112 section 9.6
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_close(struct tocsin_op stream);

/**
 * Replaces the options of a stream. If `options` is NULL, sets the defaults. The time of idle_ms
 * begins again. open_ms, host and local have no effect. Other streams of the same listener keep
 * their options.
 *
 * @owner   options are copied
 * @return  0; -EINVAL: options are malformed, or the operation is not a stream; -EALREADY: the
 *          stream has ended; -ENOTSUP: an option is not supported; -ENOENT: the stream or a
 *          rate does not exist; -EXDEV: it belongs to the loop of another thread; -ENOMEM. After an
 *          error the stream has its former options
 * @emits   stream.stalled, stream.drained, if the new limits mean that; from the loop
 * @thread  loop
 * @source  POSIX setsockopt(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_set(struct tocsin_op stream,
                                 const struct tocsin_stream_options *options);

/**
 * Makes a rate, which limits all streams together whose options name it as rate_in or rate_out. A
 * rate is a token bucket of burst_bytes, full at first, into which bytes_s bytes flow in a second.
 * When the bucket is empty, streams wait, and then get equal shares. A stream that waits only for
 * its rate does not count as idle. burst_bytes 0: the bytes of a tenth of a second.
 *
 * @owner   the rate belongs to the loop of this thread until tocsin_rate_free; the end of the loop
 *          frees it
 * @return  0 and ret_rate set; -EINVAL: bytes_s is 0, or ret_rate is NULL; -ESHUTDOWN: the loop is
 *          being freed; -ENOMEM; or the error of creating the thread's loop. On failure ret_rate
 *          carries the error
 * @emits   none
 * @thread  loop
 * @source  tc-tbf(8)
 * @since   0.1
 */
TOCSIN_API int tocsin_rate_new(uint64_t bytes_s, uint64_t burst_bytes,
                               struct tocsin_rate *ret_rate);

/**
 * Changes a rate for all streams that use it. burst_bytes 0: the bytes of a tenth of a second.
 *
 * @owner   none
 * @return  0; -EINVAL: bytes_s is 0; -ENOENT: the rate does not exist; -EXDEV: it belongs to the
 *          loop of another thread; or the error that rate carries
 * @emits   none
 * @thread  loop
 * @source  tc-tbf(8)
 * @since   0.1
 */
TOCSIN_API int tocsin_rate_set(struct tocsin_rate rate, uint64_t bytes_s, uint64_t burst_bytes);

/**
 * Frees a rate. Streams that use it have no limit any more.
 *
 * @owner   the id is invalid afterwards
 * @return  0; -ENOENT: the rate does not exist; -EXDEV: it belongs to the loop of another thread;
 *          or the error that rate carries
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_rate_free(struct tocsin_rate rate);

/* The facts of a stream or a listener, for tocsin_stream_get. */
struct tocsin_stream_facts {
    /* addresses, as in stream.connected. For a listener, local is the address where it listens,
       with its actual port. "": unknown */
    char peer[112], local[112];
    char protocol[32], tls_version[16]; /* the protocol and the version of TLS; "": none */
    char subject[256];                  /* subject of the peer's certificate, if it is trusted; "":
                                         * none */
    int pid, uid, gid;                  /* process and user of the peer of a Unix stream; -1:
                                         * unknown */
    uint64_t received_bytes, sent_bytes, waiting_bytes;
};

/**
 * Reads the facts of a stream or a listener.
 *
 * @owner   none
 * @return  0 and ret_facts set; -EINVAL: ret_facts is NULL, or the operation is neither a stream
 *          nor a listener; -ENOENT: it does not exist; -EXDEV: it belongs to the loop of another
 *          thread
 * @emits   none
 * @thread  loop
 * @source  POSIX getpeername(3), getsockname(3); unix(7), SO_PEERCRED
 * @since   0.1
 */
TOCSIN_API int tocsin_stream_get(struct tocsin_op stream, struct tocsin_stream_facts *ret_facts);

TOCSIN__END
#endif
