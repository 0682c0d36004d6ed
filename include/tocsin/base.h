/* Ids, the two callback types, errors, the version: what every other header stands on. */
#ifndef TOCSIN_BASE_H
#define TOCSIN_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOCSIN_API     __attribute__((visibility("default")))
#define TOCSIN_CHECKED __attribute__((warn_unused_result))
#define TOCSIN__UNUSED __attribute__((unused))
#define TOCSIN__TEXT_(x) #x
#define TOCSIN__TEXT(x)  TOCSIN__TEXT_(x)
#define TOCSIN__HERE     __FILE__ ":" TOCSIN__TEXT(__LINE__)   /* where; its address also says whose (P1) */

#ifdef __cplusplus
#define TOCSIN__BEGIN  extern "C" {
#define TOCSIN__END    }
#define TOCSIN__ZERO   {}
#define TOCSIN__UNSET  {}                 /* a member that is not named starts as zero, also in C++ */
#define TOCSIN__ASSERT static_assert
#else
#define TOCSIN__BEGIN
#define TOCSIN__END
#define TOCSIN__ZERO   { 0 }
#define TOCSIN__UNSET
#define TOCSIN__ASSERT _Static_assert
#endif

TOCSIN__BEGIN

#define TOCSIN_VERSION 0x000100           /* 0.1.0: two digits each */

/* F1. Ids have a generation: a stale one answers -ENOENT, never a crash. Zero is nothing. A call that fails sets its
   ret_ id to one that carries the error, and each call that is handed it answers that error, so that a chain of calls
   is checked once, at its end. */
struct tocsin_source  { uint64_t id; };
struct tocsin_op      { struct tocsin_source source; };       /* O8: an operation is a source, op.source */
struct tocsin_handler { uint64_t id; };
struct tocsin_mask    { uint64_t id; };
struct tocsin_queue   { uint64_t id; };
struct tocsin_pool    { uint64_t id; };
struct tocsin_loop    { uint64_t id; };

struct tocsin_info;
typedef int  (*tocsin_fn)(const struct tocsin_info *info, void *arg);   /* the one handler type */
typedef int  (*tocsin_task)(void *arg);                                 /* what work and fibers run */
typedef void (*tocsin_drop)(void *arg);                                 /* the last word about an arg: it is not used again */

/* What can go wrong in a protocol and has no errno: negative, like every status. */
enum tocsin_error {
    TOCSIN_EURL = -3001,                  /* the URL is malformed */
    TOCSIN_ESCHEME = -3002,               /* the scheme is not spoken here */
    TOCSIN_ENAME = -3003,                 /* no such host */
    TOCSIN_ETRUNCATED = -3004,            /* the peer closed before the end of the message */
    TOCSIN_ETOOBIG = -3005,               /* larger than the limit */
    TOCSIN_ECERT = -3006,                 /* the peer's certificate is not trusted */
    TOCSIN_EHOST = -3007,                 /* the certificate is for another host */
    TOCSIN_EREDIRECTS = -3008,            /* too many redirects */
    TOCSIN_EHANDSHAKE = -3009,            /* the TLS handshake failed */
    TOCSIN_EPEER = -3010                  /* the peer broke the protocol */
};

/**
 * The error that an id carries: 0 if it carries none.
 *
 * @owner   none
 * @return  0; the negative errno that the call which made the id answered
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  ERR_PTR of Linux, include/linux/err.h
 * @since   0.1
 */
TOCSIN_API int tocsin_id_error(uint64_t id);

/**
 * The text of a status: of 0 it is "done", of a negative errno or TOCSIN_E… what went wrong. A positive number is
 * read as if it were negative.
 *
 * @owner   the text is constant
 * @return  never NULL; "unknown error" for a number that has no text
 * @emits   none
 * @thread  any
 * @source  POSIX strerror(3)
 * @since   0.1
 */
TOCSIN_API const char *tocsin_strerror(int status);

/**
 * The version of the library that is running, as text; TOCSIN_VERSION is that of the header.
 *
 * @owner   the text is constant
 * @return  "0.1.0"
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  none
 * @since   0.1
 */
TOCSIN_API const char *tocsin_version(void);

TOCSIN__END
#endif
