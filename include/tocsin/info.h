/* Infos: what a handler learns of an emission. POSIX's siginfo_t. */
#ifndef TOCSIN_INFO_H
#define TOCSIN_INFO_H

#include <tocsin/payload.h>

TOCSIN__BEGIN

/* Cause of an emission, as si_code in siginfo_t. */
enum tocsin_code {
    TOCSIN_EMITTED = 1, /* tocsin_emit or tocsin_ask */
    TOCSIN_POSTED,      /* tocsin_post, tocsin_post_to or tocsin_post_wait */
    TOCSIN_OS,          /* a real signal: os.* */
    TOCSIN_PROGRESS,    /* progress of an operation */
    TOCSIN_DONE         /* the end of an operation: its terminal signal */
};

/* An emission. A handler may read every member, and write none. 64 bytes, one cache line. */
struct tocsin_info {
    int signo;
    int code;                    /* enum tocsin_code */
    int status;                  /* of an operation: 0 or more, or -errno; else 0 */
    unsigned overrun;            /* number of further emissions that this one stands for */
    const char *name;            /* the signal's; it lasts as long as the program */
    struct tocsin_source source; /* the operation, or the source of tocsin_emit_from; zero: none */
    /* E15: number of this emission, and of the emission in whose handler it was made; 0: none. The
       upper 16 bits are the loop's, so numbers are unique in the process. A post has a number of
       the loop that receives it, or of no loop if several loops share the payload. */
    uint64_t sequence, parent;
    /* the begin of the turn in which it was emitted or received: microseconds of tocsin_now */
    int64_t turn_us;
    const struct tocsin_payload *payload; /* read it with x_of(info), see TOCSIN_LAYOUT */
};
TOCSIN__ASSERT(sizeof(struct tocsin_info) == 64 || sizeof(void *) < 8, "one cache line");

/**
 * Returns the payload of an emission if it has this layout. x_of(info), which TOCSIN_LAYOUT
 * defines, calls this.
 *
 * @owner   borrowed, like info: until the handler returns, or until a kept info is given up
 * @return  the payload; NULL: it has another layout, there is no payload, or info is NULL
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  POSIX sigaction(2): the valid members of siginfo_t depend on what sent the signal
 * @since   0.1
 */
TOCSIN_API const struct tocsin_payload *tocsin_info_payload(const struct tocsin_info *info,
                                                            const struct tocsin_layout *layout);

/**
 * E7. Keeps an info after its handler has returned. The end of an operation is counted by
 * reference; any other info is copied, with everything that its payload points to. All handlers of
 * one delivery share the copy.
 *
 * @owner   the result is the caller's, who gives it up with tocsin_info_unref; it may differ from
 *          info
 * @return  an info with the same content; NULL: there is no memory, a descriptor in the payload
 *          cannot be duplicated, the payload contains a bare pointer (TOCSIN_LOCAL), or info is
 *          NULL
 * @emits   none
 * @thread  any, for an info to which the caller has a reference; for a borrowed info, the thread
 *          of its handler
 * @source  none
 * @since   0.1
 */
TOCSIN_API struct tocsin_info *tocsin_info_ref(const struct tocsin_info *info);

/**
 * Returns the data of the source of an emission (tocsin_source_new, tocsin_source_set): what the
 * emission is about. For programs that take infos out of a queue.
 *
 * @owner   as agreed where the data was set
 * @return  the data, as it was when the operation ended or the info was kept; NULL: none was set,
 *          there is no source, or info is NULL
 * @emits   none
 * @thread  any, for an info to which the caller has a reference; for a borrowed info, the thread
 *          of its handler
 * @source  POSIX sigqueue(3): sigev_value
 * @since   0.1
 */
TOCSIN_API void *tocsin_info_data(const struct tocsin_info *info);

/**
 * Gives up a reference that tocsin_info_ref, tocsin_wait or tocsin_queue_wait returned. NULL is
 * allowed.
 *
 * @owner   the info is freed with its last reference
 * @return  none
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API void tocsin_info_unref(struct tocsin_info *info);

/**
 * Writes an info and its payload as one JSON object (RFC 8259), with the members signal, signo,
 * code, status, overrun, source, sequence, parent, turn_us, and payload, an object of the
 * payload's fields. It writes at most size bytes, and a NUL if size is not 0, as snprintf does.
 *
 * Numbers of 64 bits are written whole, although some readers keep 53 bits only. In text, each
 * byte that is not UTF-8 becomes U+FFFD. Bytes are base64 (RFC 4648 section 4). A number that JSON
 * cannot express (infinite, not a number), a bare pointer, and an object without a name are null.
 *
 * @owner   buffer is the caller's; NULL if size is 0
 * @return  the length of the whole text, without its NUL: the text is cut off if this is size or
 *          more; -EINVAL: info is NULL, or buffer is NULL and size is not 0; -EOVERFLOW: the text
 *          would be longer than INT_MAX
 * @emits   none
 * @thread  any, for an info to which the caller has a reference; for a borrowed info, the thread
 *          of its handler
 * @source  RFC 8259; RFC 4648 section 4; POSIX snprintf(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_info_json(const struct tocsin_info *info, char *buffer, size_t size);

TOCSIN__END
#endif
