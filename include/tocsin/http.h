/* libtocsin-net: fetching over HTTP, by libcurl. HTTP/1.1, with connections that are kept for reuse until the loop is freed
   (http.client.closed). No proxy, no cookies, nothing from the environment. */
#ifndef TOCSIN_HTTP_H
#define TOCSIN_HTTP_H

#include <tocsin.h>

TOCSIN__BEGIN

/* What came of a fetch. status (in info) is of the transfer: an HTTP 404 is a success that says 404. url is the last one, after
   redirects; header holds the lines of its response, "Name: value\r\n" each; body is empty if it was streamed.
   reason: a sentence if it failed, else "". The phases follow one another and add up to total_us, all redirects
   together: queued, for a free place; names, the resolver; connect; tls; first, from the request to the first byte of the reply;
   the rest of total is the body. */
#define TOCSIN_HTTP_CLIENT_DONE(F) F(string, url) F(i32, code) F(string, header) F(bytes, body) F(string, reason) F(u32, redirects) \
    F(i64, queued_us) F(i64, names_us) F(i64, connect_us) F(i64, tls_us) F(i64, first_us) F(i64, total_us)
TOCSIN_LAYOUT(tocsin_http_client_done, TOCSIN_HTTP_CLIENT_DONE);

/* Progress of a fetch that is streamed: the response's header is there; a part of its body is, from this offset on. The
   header is told if somebody wants it when it comes; the body waits until somebody does. */
#define TOCSIN_HTTP_CLIENT_HEADERS(F) F(string, url) F(i32, code) F(string, header)
#define TOCSIN_HTTP_CLIENT_BODY(F)    F(bytes, data) F(u64, offset)
TOCSIN_LAYOUT(tocsin_http_client_headers, TOCSIN_HTTP_CLIENT_HEADERS);
TOCSIN_LAYOUT(tocsin_http_client_body, TOCSIN_HTTP_CLIENT_BODY);

enum {
    TOCSIN_HTTP_STREAM = 1,               /* header and body come as progress, paused while nobody consumes them; TOCSIN_EACH implies it */
    TOCSIN_HTTP_INSECURE = 2              /* takes any certificate */
};

struct tocsin_http_request {
    const char *url;                      /* http or https */
    const char *method;                   /* NULL: GET, or POST if there is a body */
    const char *const *header;            /* "Name: value", …, NULL; NULL: none of one's own. Content-Length is ours */
    struct tocsin_bytes body;
    size_t limit_bytes;                   /* of the reply's body (what is streamed counts too); 0: 16 MiB. Its header may have 256 KiB */
    int redirects;                        /* how many are followed; 0: 10; -1: none, a 3xx is the result */
    int64_t timeout_ms;                   /* the deadline, from the start; 0: 60,000; -1: none */
    const char *ca_file;                  /* the authorities to trust, PEM; NULL: the system's */
    unsigned flags;
    uintptr_t spare[8];                   /* zero */
};

struct addrinfo;
struct tocsin_http_options {
    int at_once;                          /* fetches of this loop at a time, the others are queued; 0: 256 */
    int per_host;                         /* connections to one host and port at a time; 0: no limit of its own */
    /* Looks a name up, on a thread of a pool that is for names alone; what it makes is freed by freeaddrinfo(3). NULL: getaddrinfo(3), and the
       loopback for localhost (RFC 6761). */
    int (*resolve)(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret_list);
    uintptr_t spare[4];                   /* zero */
};

/**
 * Fetches a page with GET: the simple call.
 *
 * @owner   url is copied
 * @return  0; -EINVAL: url is NULL; else as tocsin_op_new. A malformed URL is announced by http.client.done. On failure
 *          ret_op carries the error
 * @emits   http.client.done exactly once, status 0 if a response came, whatever its code; else TOCSIN_EURL, TOCSIN_ESCHEME, TOCSIN_ENAME, -ECONNREFUSED,
 *          -ECONNRESET, TOCSIN_ETRUNCATED, TOCSIN_ETOOBIG, TOCSIN_ECERT, TOCSIN_EHOST, TOCSIN_EREDIRECTS, TOCSIN_EHANDSHAKE, TOCSIN_EPEER, -ETIMEDOUT,
 *          -ECANCELED, -ENOMEM, or another errno of the connection
 * @thread  loop
 * @source  RFC 9110; libcurl-multi(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_http_get(const char *url, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Fetches as a request says. 301 and 302 turn a POST into a GET, 303 any method but HEAD, 307 and 308 none; Authorization,
 * Cookie and Host are not sent on to another origin.
 *
 * @owner   all of request is copied, except that body.data is lent until the terminal signal
 * @return  as tocsin_http_get; -EINVAL also: a method, header line, number, flag or spare word is malformed, the method is
 *          CONNECT, or HEAD with a body, or a header line is Content-Length or Transfer-Encoding
 * @emits   http.client.headers and http.client.body while wanted, if it is streamed; http.client.done as tocsin_http_get
 * @thread  loop
 * @source  RFC 9110 sections 9, 15.4; libcurl-multi(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_http_fetch(const struct tocsin_http_request *request, const struct tocsin_notify *notify,
                                 struct tocsin_op *ret_op);

/**
 * Sets how the calling thread's loop fetches, from the next fetch on. options NULL: all defaults.
 *
 * @owner   options is copied; resolve is called for as long as fetches run
 * @return  0; -EINVAL: a number is negative, or a spare word is set; -ENOMEM; or what making the thread's loop answered
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_http_setup(const struct tocsin_http_options *options);

TOCSIN__END
#endif
