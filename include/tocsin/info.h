/* What a handler is told: POSIX's siginfo_t. */
#ifndef TOCSIN_INFO_H
#define TOCSIN_INFO_H

#include <tocsin/payload.h>

TOCSIN__BEGIN

enum tocsin_code {                        /* who generated it: si_code */
    TOCSIN_EMITTED = 1,                   /* tocsin_emit, tocsin_ask */
    TOCSIN_POSTED,                        /* tocsin_post and its kin; sequence is the receiving loop's, or of no loop, if several share the payload */
    TOCSIN_OS,                            /* a real signal: os.* */
    TOCSIN_PROGRESS,                      /* an operation goes on */
    TOCSIN_DONE                           /* an operation has ended: its terminal signal */
};

struct tocsin_info {                      /* 64 bytes, one cache line */
    int signo;
    int code;
    int status;                           /* of an operation: 0 or more, or -errno */
    unsigned overrun;                     /* how many more this one stands for */
    const char *name;
    struct tocsin_source source;          /* the operation, or what tocsin_emit_from named; zero: none */
    uint64_t sequence, parent;            /* E15; the loop's number in the upper 16 bits: unique in the process. 0: none */
    int64_t turn_us;                      /* when the turn began in which it was emitted, or received, microseconds of the clock (tocsin_now) */
    const struct tocsin_payload *payload; /* read it through x_of(info) */
};
TOCSIN__ASSERT(sizeof(struct tocsin_info) == 64 || sizeof(void *) < 8, "one cache line");

/**
 * The payload of an emission if it has this layout. The x_of(info) that TOCSIN_LAYOUT defines calls it.
 *
 * @owner   borrowed, like info: until the handler returns, or for as long as a reference is held
 * @return  the payload; NULL: it has another layout, or there is none, or info is NULL
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  POSIX sigaction(2): the fields of siginfo_t that are valid depend on what sent the signal
 * @since   0.1
 */
TOCSIN_API const struct tocsin_payload *tocsin_info_payload(const struct tocsin_info *info, const struct tocsin_layout *layout);

/**
 * E7. Keeps an info beyond the return of its handler. What an operation emits at its end is counted; anything else is
 * copied, once for all who ask during one delivery, with all that its payload points to.
 *
 * @owner   the answer is the caller's, who ends it with tocsin_info_unref. It may be another pointer than info
 * @return  an info with the same content; NULL: no memory, or a descriptor of it cannot be duplicated, or it
 *          holds a bare pointer (TOCSIN_LOCAL), or info is NULL
 * @emits   none
 * @thread  any for an info that one holds a reference to; a borrowed one: its handler's
 * @source  none
 * @since   0.1
 */
TOCSIN_API struct tocsin_info *tocsin_info_ref(const struct tocsin_info *info);

/**
 * The word of data that the source of an emission, or an operation, was given (tocsin_source_new, tocsin_source_set): what the
 * emission is about, for whoever takes it out of a queue.
 *
 * @owner   as it was given
 * @return  the data, as it was when the operation ended or the info was kept; NULL: none was given, there is no source, or info is NULL
 * @emits   none
 * @thread  any for an info that one holds a reference to; a borrowed one: its handler's
 * @source  POSIX sigqueue(3): sigev_value
 * @since   0.1
 */
TOCSIN_API void *tocsin_info_data(const struct tocsin_info *info);

/**
 * Gives up a reference that tocsin_info_ref, tocsin_wait or tocsin_queue_wait handed out. NULL is allowed.
 *
 * @owner   the info is gone with its last reference
 * @return  nothing
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API void tocsin_info_unref(struct tocsin_info *info);

/**
 * Writes an info and its payload as one JSON object (RFC 8259): signal, signo, code, status, overrun, source, sequence, parent, turn_us, payload,
 * which has the names of the fields. Numbers of 64 bits are written whole: not every reader keeps more than 53. As snprintf would: what fits into size bytes, always with a NUL if size
 * is not 0. Text that is not UTF-8 gets U+FFFD for each byte that is wrong; bytes are base64 (RFC 4648 section 4); a number
 * that JSON has not (infinite, not a number), a bare pointer and an object without a name are null.
 *
 * @owner   buffer is the caller's; NULL if size is 0
 * @return  the length of the whole text, without its NUL: size or more means that it was cut off; -EINVAL: info is NULL, or buffer is
 *          and size is not 0; -EOVERFLOW: the text would be longer than an int can say
 * @emits   none
 * @thread  any for an info that one holds a reference to; a borrowed one: its handler's
 * @source  RFC 8259; RFC 4648 section 4; POSIX snprintf(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_info_json(const struct tocsin_info *info, char *buffer, size_t size);

TOCSIN__END
#endif
