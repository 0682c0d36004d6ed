/* Infos: the data about an emission that a handler receives, like POSIX's siginfo_t. */
#ifndef TOCSIN_INFO_H
#define TOCSIN_INFO_H

#include <tocsin/payload.h>

TOCSIN__BEGIN

/* The cause of an emission, like si_code in siginfo_t. */
enum tocsin_code {
    TOCSIN_EMITTED = 1, /* tocsin_emit or tocsin_ask */
    TOCSIN_POSTED,      /* made by tocsin_post, tocsin_post_to or tocsin_post_wait */
    TOCSIN_OS,          /* a real signal of the system: os.* */
    TOCSIN_PROGRESS,    /* progress of an operation, before its end */
    TOCSIN_DONE         /* the end of an operation: its terminal signal */
};

/* The info of one emission. A handler may read every member, but must not write one. The struct has
   64 bytes, which is one cache line. */
struct tocsin_info {
    int signo;
    int code;                    /* an enum tocsin_code */
    int status;                  /* status of an operation: 0 or more, or -errno; for other
                                    emissions 0 */
    unsigned overrun;            /* number of further emissions that were merged into this
                                    emission */
    const char *name;            /* name of the signal; the text lasts as long as the program */
    struct tocsin_source source; /* the operation, or the source passed to tocsin_emit_from; zero:
                                  * none */
    /* sequence is the number of this emission (E15). parent is the number of the emission whose
     * handler made this emission; 0: none. The upper 16 bits are the number of the loop, so numbers
     * are unique in the process. A post has a number of the loop that receives it. If several loops
     * share the payload, the number belongs to no loop. */
    uint64_t sequence, parent;
    /* Start time of the turn in which the loop emitted or received the emission, in microseconds of
     * tocsin_now. */
    int64_t turn_us;
    const struct tocsin_payload *payload; /* the payload, which x_of(info) reads; see
                                             TOCSIN_LAYOUT */
};
TOCSIN__ASSERT(sizeof(struct tocsin_info) == 64 || sizeof(void *) < 8, "one cache line");

/**
 * Returns the payload of an emission if the payload has this layout. The functions x_of(info),
 * which TOCSIN_LAYOUT defines, call this function.
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
 * Keeps an info after its handler has returned (E7). For the end of an operation, this only counts
 * a reference. Any other info is copied, together with everything that its payload points to. All
 * handlers of one delivery share the copy.
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
 * Returns the data pointer of the source of an emission (tocsin_source_new, tocsin_source_set). It
 * is for programs that take infos out of a queue, and must find the object that an info is about.
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
 * Writes an info and its payload as one JSON object (RFC 8259). Its members are signal, signo,
 * code, status, overrun, source, sequence, parent, turn_us, and payload. The payload is an object
 * of the payload's fields. As snprintf does, the function writes at most `size` bytes, with a NUL
 * at the end if `size` is not 0.
 *
 * All digits of 64-bit numbers are written, although some readers keep only 53 bits. In texts, each
 * byte that is not UTF-8 becomes U+FFFD. Bytes are written in base64 (RFC 4648 section 4). A number
 * that JSON cannot express (infinite, not a number), a bare pointer, and an object without a name
 * become null.
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
