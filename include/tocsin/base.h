/* Ids, callback types, errors and the version. Every other header of tocsin includes this
   header. */
#ifndef TOCSIN_BASE_H
#define TOCSIN_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOCSIN_API __attribute__((visibility("default")))
#define TOCSIN_CHECKED __attribute__((warn_unused_result))
#define TOCSIN__UNUSED __attribute__((unused))
#define TOCSIN__TEXT_(x) #x
#define TOCSIN__TEXT(x) TOCSIN__TEXT_(x)
/* The place of a call. The address of this text shows whether the program or a plugin has made the
 * call (P1). */
#define TOCSIN__HERE __FILE__ ":" TOCSIN__TEXT(__LINE__)

#ifdef __cplusplus
#define TOCSIN__BEGIN extern "C" {
#define TOCSIN__END }
#define TOCSIN__ZERO \
    { \
    }
#define TOCSIN__UNSET \
    { \
    } /* empty braces set all members that are not named to zero, also in C++ */
#define TOCSIN__ASSERT static_assert
#else
#define TOCSIN__BEGIN
#define TOCSIN__END
#define TOCSIN__ZERO \
    { \
        0 \
    }
#define TOCSIN__UNSET
#define TOCSIN__ASSERT _Static_assert
#endif

TOCSIN__BEGIN

#define TOCSIN_VERSION 0x000100 /* the version 0.1.0; each number has two hexadecimal digits */

/* Cancellation by pthread_cancel. These functions run turns, wait or write, so they are
   cancellation points: tocsin_run, tocsin_loop_turn, tocsin_loop_free, tocsin_clock_move,
   tocsin_wait, tocsin_suspend, tocsin_queue_wait, tocsin_post_wait, tocsin_disconnect_wait,
   tocsin_leak_check_begin, tocsin_leak_check_end and tocsin_report. No other function of the
   library is a cancellation point. A thread may be cancelled in one of these functions, or in a
   function of the program that the library calls. At that moment the thread holds no lock, and its
   loop is closed (T6, <tocsin/loop.h>).

   Cancellation is disabled while one of these functions runs: init or fini of a plugin, an inject
   function, `ref` or `unref` of an object. The library holds a lock or an incomplete copy then, so
   these functions must not call pthread_exit either. PTHREAD_CANCEL_ASYNCHRONOUS is not
   supported. */

/* An id has a generation (F1). So a call with the id of an object that does not exist any longer
 * returns -ENOENT. The id zero is not an object. If a call fails, it stores the error in the id
 * that its ret_ parameter receives. Every call with such an id returns the error. So a program can
 * make several calls and check only the last one. */
struct tocsin_source {
    uint64_t id;
};
struct tocsin_op {
    struct tocsin_source source;
}; /* an operation is a source, whose id is op.source (O8) */
struct tocsin_handler {
    uint64_t id;
};
struct tocsin_block {
    uint64_t id;
};
struct tocsin_queue {
    uint64_t id;
};
struct tocsin_pool {
    uint64_t id;
};
struct tocsin_loop {
    uint64_t id;
};

struct tocsin_info;
/* the type of handlers and notifies */
typedef int (*tocsin_fn)(const struct tocsin_info *info, void *arg);
/* In the flags of an action, and in the mode of a notify beside TOCSIN_AT_EACH: each call runs on a
   fiber of its own. <tocsin/fiber.h> has the rules. */
enum { TOCSIN_ON_FIBER = 64 };
/* The type of the functions that tocsin_work, tocsin_spawn and tocsin_loop_call run. */
typedef int (*tocsin_task)(void *arg);
/* the destructor of an argument `arg`: called once, after the last use of `arg` */
typedef void (*tocsin_drop)(void *arg);

/* Errors of protocols, for which errno has no number. They are negative, like every error. */
enum tocsin_error {
    TOCSIN_EURL = -3001,       /* the URL is malformed */
    TOCSIN_ESCHEME = -3002,    /* the scheme is not supported */
    TOCSIN_ENAME = -3003,      /* the host does not exist */
    TOCSIN_ETRUNCATED = -3004, /* the peer closed the connection before the end of the message */
    TOCSIN_ETOOBIG = -3005,    /* the message is larger than the limit */
    TOCSIN_ECERT = -3006,      /* the certificate of the peer is not trusted */
    TOCSIN_EHOST = -3007,      /* the certificate is for another host */
    TOCSIN_EREDIRECTS = -3008, /* there were too many redirects */
    TOCSIN_EHANDSHAKE = -3009, /* the TLS handshake failed */
    TOCSIN_EPEER = -3010       /* the peer broke the protocol */
};

/**
 * Returns the error that an id carries.
 *
 * @owner   none
 * @return  the negative errno that the call which set the id returned; 0: the id carries no error
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  ERR_PTR of Linux, include/linux/err.h
 * @since   0.1
 */
TOCSIN_API int tocsin_id_error(uint64_t id);

/**
 * Returns the text of a status. For 0 the text is "done"; for a negative errno or a TOCSIN_E…, the
 * text says what went wrong. A positive number is read as if it were negative. If an errno has a
 * special meaning in this library, the text states this meaning first, then the system's meaning.
 * TOCSIN_DEBUG=1 prints the cause of each error.
 *
 * @owner   the text is constant
 * @return  the text, never NULL; "unknown error" for a number without a text
 * @emits   none
 * @thread  any
 * @source  POSIX strerror(3)
 * @since   0.1
 */
TOCSIN_API const char *tocsin_strerror(int status);

/**
 * Returns the version of the library that is running, as text. TOCSIN_VERSION is the version of
 * the header.
 *
 * @owner   the text is constant
 * @return  the text, "0.1.0"
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  none
 * @since   0.1
 */
TOCSIN_API const char *tocsin_version(void);

TOCSIN__END
#endif
