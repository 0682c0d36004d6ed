/* HTTP fetches, in libtocsin-net, by libcurl. HTTP/1.1; a connection is kept for reuse until the
   loop is freed (http.client.closed). No proxy, no cookies, and nothing from the environment.

   A host name is resolved when a connection is made. Fetches of a loop that need the same name at
   the same time share one lookup. A loop keeps the addresses of up to 256 names and ports for 5 s.
   Failures are not kept. */
#ifndef TOCSIN_HTTP_H
#define TOCSIN_HTTP_H

#include <tocsin.h>

TOCSIN__BEGIN

/* http.client.done: the result of a fetch. The status of the info is the result of the transfer. It
   is 0 for every whole response, even for one with code 404. url is the last URL, after redirects.
   header contains the lines of its response, each as "Name: value\r\n". body is empty if it was
   streamed. reason is a sentence if the fetch failed, else "".

   total_us is the duration of the fetch. It consists of six phases, which follow one another. With
   redirects, each phase is the sum over all requests. The fetch waits for a permit (at_once,
   per_host) in queued_us, resolves the name in names_us, connects in connect_us, and agrees on TLS
   in tls_us. first_us is the time from the request to the first byte of the response. The rest of
   total_us is the time of the body. */
#define TOCSIN_HTTP_CLIENT_DONE(F) \
    F(string, url) \
    F(i32, code) \
    F(string, header) \
    F(bytes, body) \
    F(string, reason) \
    F(u32, redirects) \
    F(i64, queued_us) \
    F(i64, names_us) F(i64, connect_us) F(i64, tls_us) F(i64, first_us) F(i64, total_us)
TOCSIN_LAYOUT(tocsin_http_client_done, TOCSIN_HTTP_CLIENT_DONE);

/* Progress of a fetch that is streamed. http.client.headers: the header of the response is
   complete. This signal is emitted only if it has listeners at that time. http.client.body: a part
   of the body, from offset on. The fetch pauses while this signal has no listeners. */
#define TOCSIN_HTTP_CLIENT_HEADERS(F) F(string, url) F(i32, code) F(string, header)
#define TOCSIN_HTTP_CLIENT_BODY(F) F(bytes, data) F(u64, offset)
TOCSIN_LAYOUT(tocsin_http_client_headers, TOCSIN_HTTP_CLIENT_HEADERS);
TOCSIN_LAYOUT(tocsin_http_client_body, TOCSIN_HTTP_CLIENT_BODY);

/* Flags of a request. */
enum {
    TOCSIN_HTTP_STREAM = 1,   /* header and body are progress, paused without listeners; TOCSIN_EACH
                                 implies it */
    TOCSIN_HTTP_INSECURE = 2, /* accepts any certificate */
    TOCSIN_HTTP_IDEMPOTENT = 4 /* may be sent twice: see tocsin_http_fetch */
};

/* A request. Members that are not set must be zero. */
struct tocsin_http_request {
    const char *url;    /* http or https; a non-ASCII host is UTF-8 in every locale */
    const char *method; /* NULL: GET, or POST if there is a body */
    const char *const
        *header; /* "Name: value", …, NULL; without Content-Length. NULL: no own lines */
    struct tocsin_bytes body;
    size_t limit_bytes;  /* of the response's body, streamed or not; 0: 16 MiB. The header may have
                            256 KiB, a line of it 100 KiB */
    int redirects;       /* how many are followed; 0: 10; -1: none, and a 3xx is the result */
    int64_t timeout_ms;  /* the deadline, from the start; 0: 60,000; -1: none */
    const char *ca_file; /* trusted authorities, as PEM; NULL: the system's */
    unsigned flags;      /* TOCSIN_HTTP_STREAM, … */
    uintptr_t spare[8];  /* zero */
};

struct addrinfo;
/* Options for the fetches of a loop. Members that are not set must be zero. */
struct tocsin_http_options {
    int at_once;  /* fetches of this loop at a time; further ones are queued. 0: 256 */
    int per_host; /* connections to one host and port at a time; 0: no limit */
    /* Resolves a name, on a thread of a pool for names only. The list is freed by freeaddrinfo(3).
       NULL: getaddrinfo(3), and the loopback address for localhost (RFC 6761). */
    int (*resolve)(const char *host, const char *port, const struct addrinfo *hints,
                   struct addrinfo **ret_list);
    uintptr_t spare[4]; /* zero */
};

/**
 * Fetches a page with GET.
 *
 * @owner   url is copied
 * @return  0; -EINVAL: url is NULL; -ENOTSUP: the loaded libcurl is older than 7.87; else as
 *          tocsin_op_new. A malformed URL is announced by http.client.done. On failure ret_op
 *          carries the error
 * @emits   http.client.done exactly once, with status 0 if a whole response came, whatever its
 *          code; else TOCSIN_EURL, TOCSIN_ESCHEME, TOCSIN_ENAME, -ECONNREFUSED, -ECONNRESET,
 *          TOCSIN_ETRUNCATED, TOCSIN_ETOOBIG, TOCSIN_ECERT, TOCSIN_EHOST, TOCSIN_EREDIRECTS,
 *          TOCSIN_EHANDSHAKE, TOCSIN_EPEER, -ETIMEDOUT, -ECANCELED, -ENOMEM, -EMFILE, or another
 *          errno of the connection
 * @thread  loop
 * @source  RFC 9110; libcurl-multi(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_http_get(const char *url, const struct tocsin_notify *notify,
                               struct tocsin_op *ret_op);

/**
 * Fetches as a request describes. GET, HEAD, PUT, DELETE, OPTIONS and TRACE are idempotent. An
 * idempotent request uses a kept connection, and is sent again over a new one if the peer closes
 * the kept one without a response. A request of any other method gets a new connection and is sent
 * once, unless flags has TOCSIN_HTTP_IDEMPOTENT. For a request that is sent once,
 * TOCSIN_ETRUNCATED means that the peer may or may not have processed it.
 *
 * A response is complete if its header has ended and its body has ended as the header states: by
 * Content-Length, by the last chunk, or by the end of the connection (over TLS, with
 * close_notify). An ambiguous response ends with TOCSIN_EPEER; so does a 417 to Expect:
 * 100-continue.
 *
 * 301 and 302 turn a POST into a GET, 303 any method but HEAD, 307 and 308 none. Authorization,
 * Cookie and Host are not sent on to another origin.
 *
 * @owner   request is copied, except that body.data is lent until the terminal signal
 * @return  as tocsin_http_get; -EINVAL also: a method, header line, number, flag or spare word is
 *          malformed, the method is CONNECT, or HEAD with a body, or a header line is
 *          Content-Length or Transfer-Encoding
 * @emits   http.client.headers and http.client.body while there are listeners, if it is streamed;
 *          http.client.done as tocsin_http_get
 * @thread  loop
 * @source  RFC 9110 sections 9, 15.4; libcurl-multi(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_http_fetch(const struct tocsin_http_request *request,
                                 const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Sets how the calling thread's loop fetches, from the next fetch on. options NULL: the defaults.
 *
 * @owner   options is copied; resolve is called for as long as fetches run
 * @return  0; -EINVAL: a number is negative, or a spare word is set; -ENOMEM; or the error of
 *          creating the thread's loop
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_http_setup(const struct tocsin_http_options *options);

TOCSIN__END
#endif
