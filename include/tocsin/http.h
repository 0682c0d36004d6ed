/* HTTP fetches, in libtocsin-net, made with libcurl. The protocol is HTTP/1.1. A connection is kept
   for reuse until the loop is freed (http.client.closed). Fetches use no proxy, no cookies, and
   nothing from the environment.

   A host name is resolved when a connection is made. Fetches of a loop that need the same name at
   the same time share one lookup. A loop keeps the addresses of up to 256 names and ports for 5 s.
   Failures are not kept. */
#ifndef TOCSIN_HTTP_H
#define TOCSIN_HTTP_H

#include <tocsin.h>

TOCSIN__BEGIN

/* The payload of http.client.done, the result of a fetch. The status of the info is the result of
 * the transfer. It is 0 for every complete response, even for one with code 404. url is the last
 * URL, after redirects. header contains the header lines of the response from this URL, each as
 * "Name: value\r\n". body is empty if the body was streamed. If the fetch failed, reason is a
 * sentence, else "".
 *
 * total_us is the duration of the fetch in microseconds. The fetch has six phases, one after the
 * other. With redirects, each phase is the sum over all requests. In queued_us the fetch waits for
 * a permit (at_once, per_host). In names_us it resolves the name, in connect_us it connects, and in
 * tls_us it establishes TLS. first_us is the time from the request to the first byte of the
 * response. The rest of total_us is the time of the body. */
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

/* The progress signals of a streamed fetch. http.client.headers: the header of the response is
   complete. This signal is emitted only if it has listeners at that time. http.client.body: a part
   of the body; offset is the position of the part in the body. The fetch pauses while
   http.client.body has no listeners. */
#define TOCSIN_HTTP_CLIENT_HEADERS(F) F(string, url) F(i32, code) F(string, header)
#define TOCSIN_HTTP_CLIENT_BODY(F) F(bytes, data) F(u64, offset)
TOCSIN_LAYOUT(tocsin_http_client_headers, TOCSIN_HTTP_CLIENT_HEADERS);
TOCSIN_LAYOUT(tocsin_http_client_body, TOCSIN_HTTP_CLIENT_BODY);

/* The flags of a request. */
enum {
    TOCSIN_HTTP_STREAM = 1,    /* the header and the body are announced as progress, and the fetch
                                  pauses without listeners; TOCSIN_EACH implies this flag */
    TOCSIN_HTTP_INSECURE = 2,  /* accepts any certificate */
    TOCSIN_HTTP_IDEMPOTENT = 4 /* the request may be sent a second time, as tocsin_http_fetch
                                * describes */
};

/* A request. Members that are not set must be zero. */
struct tocsin_http_request {
    const char *url;           /* an http or https URL; a non-ASCII host is UTF-8 in every locale */
    const char *method;        /* the method; NULL: GET, or POST if there is a body */
    const char *const *header; /* header lines: "Name: value", …, NULL; Content-Length is not
                                  allowed. NULL: no lines */
    struct tocsin_bytes body;
    size_t limit_bytes;  /* limit of the response's body, streamed or not; 0: 16 MiB. The header may
                            have 256 KiB, and each of its lines 100 KiB */
    int redirects;       /* the most redirects that are followed; 0: 10; -1: none, so a 3xx response
                            is the result */
    int64_t timeout_ms;  /* time limit of the whole fetch, in milliseconds; 0: 60,000; -1: no
                          * limit */
    const char *ca_file; /* PEM file of the trusted certificate authorities; NULL: those of the
                          * system */
    unsigned flags;      /* set of TOCSIN_HTTP_STREAM and the other flags */
    uintptr_t spare[8];  /* must be zero */
};

struct addrinfo;
/* Options for the fetches of a loop. Members that are not set must be zero. */
struct tocsin_http_options {
    int at_once;  /* the most fetches of this loop at the same time; further fetches are queued. 0:
                     256 */
    int per_host; /* the most connections to one host and port at the same time; 0: no limit */
    /* Resolves a name. It is called on a thread of a pool that only resolves names. The library
       frees the list by freeaddrinfo(3). If this member is NULL, getaddrinfo(3) is used, but
       localhost is always the loopback address (RFC 6761). */
    int (*resolve)(const char *host, const char *port, const struct addrinfo *hints,
                   struct addrinfo **ret_list);
    uintptr_t spare[4]; /* must be zero */
};

/**
 * Fetches the page at a URL with the method GET.
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
 * Makes the HTTP request that `request` describes.
 *
 * The methods GET, HEAD, PUT, DELETE, OPTIONS and TRACE are idempotent. An idempotent request uses
 * a kept connection. If the peer closes this connection without a response, the request is sent
 * again over a new connection. A request of any other method gets a new connection and is sent
 * once, unless the flags have TOCSIN_HTTP_IDEMPOTENT. For a request that is sent once,
 * TOCSIN_ETRUNCATED means that the peer may or may not have processed the request.
 *
 * A response is complete if its header has ended, and its body has ended as the header states. This
 * is by Content-Length, by the last chunk, or by the end of the connection (over TLS, with
 * close_notify). An ambiguous response ends with TOCSIN_EPEER, and so does a 417 response to
 * Expect: 100-continue.
 *
 * The redirects 301 and 302 turn a POST into a GET. 303 turns any method except HEAD into a GET.
 * 307 and 308 change no method. Authorization, Cookie and Host are not sent to another origin.
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
 * Sets how the calling thread's loop fetches, from the next fetch on. If `options` is NULL, sets
 * the defaults.
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
