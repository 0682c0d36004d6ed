#include <string.h>

#include <tocsin/provider.h>

#include "net/catalogue.h"
#include "net/redirect.h"
#include "net/reply.h"
#include "net/tls.h"
#include "net/transfer.h"

/* Sizes in bytes. HEADER_ROOM is the first allocation for a header. BODY_AHEAD is the most that is
   allocated for a Content-Length before the body arrives. */
enum { HEADER_ROOM = 500, HEADER_MAX = 256 << 10, BODY_AHEAD = 1 << 20 };

static size_t reply_fail(struct tocsin__net_fetch *fetch, int status, const char *fault)
{
    fetch->status = status;
    fetch->fault = fault;
    return CURL_WRITEFUNC_ERROR;
}

/* Returns the status code of a line such as "HTTP/1.1 200 OK", or 0 if the line is not a status
   line. */
static int parse_code(const char *line, size_t size)
{
    size_t at = 8;
    int code = 0, digits;

    if (size < at || strncmp(line, "HTTP/1.", 7) != 0 || line[7] < '0' || line[7] > '9')
        return 0;
    while (at < size && line[at] == ' ')
        at++;
    for (digits = 0; at < size && line[at] >= '0' && line[at] <= '9' && digits < 4; at++, digits++)
        code = code * 10 + line[at] - '0';
    return digits == 3 && line[at - 4] == ' ' && (at == size || strchr(" \r\n", line[at])) ? code
                                                                                           : 0;
}

static size_t take_status_line(struct tocsin__net_fetch *fetch, const char *line, size_t size)
{
    int code = parse_code(line, size);

    fetch->code = code;
    if (code < 100)
        return reply_fail(fetch, TOCSIN_EPEER,
                          "The reply does not begin with a status line of HTTP/1");
    if (code == 101)
        return reply_fail(fetch, TOCSIN_EPEER, "The peer switches to another protocol");
    fetch->header.size = 0;
    fetch->framing = (struct tocsin__net_framing){ .fault = NULL };
    fetch->part = TOCSIN__NET_FIELDS;
    if (!fetch->first_us && fetch->request && fetch->request->body.size > 0)
        /* for a request with a body, libcurl reports the time of the first byte that was sent, not
         * of the first one that was received */
        fetch->first_us = tocsin_now();
    return size;
}

/* Adds a line to the header. Each line is ended with CR LF, even if the peer did not do so. */
static int add_line(struct tocsin__net_buffer *header, const char *line, size_t size)
{
    size_t text = size;
    int err = tocsin__net_buffer_reserve(header, header->room ? size + 2 : size + HEADER_ROOM);

    if (err < 0)
        return err;
    while (text > 0 && (line[text - 1] == '\n' || line[text - 1] == '\r'))
        text--;
    memcpy(header->data + header->size, line, text);
    memcpy(header->data + header->size + text, "\r\n", 3);
    header->size += text + 2;
    return 0;
}

static size_t take_field(struct tocsin__net_fetch *fetch, const char *line, size_t size)
{
    if (fetch->header.size + size > HEADER_MAX)
        return reply_fail(fetch, TOCSIN_ETOOBIG, "The reply's header is larger than 256 KiB");
    tocsin__net_framing_line(&fetch->framing, line, size);
    if (fetch->framing.fault)
        return reply_fail(fetch, TOCSIN_EPEER, fetch->framing.fault);
    return add_line(&fetch->header, line, size) < 0 ? reply_fail(fetch, -ENOMEM, NULL) : size;
}

static size_t header_announce(struct tocsin__net_fetch *fetch, size_t size)
{
    struct tocsin_http_client_headers *headers = &fetch->headers;
    int err;

    headers->tocsin.layout = tocsin__net_headers_spec.layout;
    headers->url = fetch->url;
    headers->code = fetch->code;
    headers->header = fetch->header.data ? fetch->header.data : "";
    err = tocsin_op_progress(fetch->op, TOCSIN__NET_HEADERS, &headers->tocsin, 0);
    if (err >= 0) /* err is 0 if the header has no listeners yet; then the body waits */
        return size;
    if (err != -EAGAIN)
        return reply_fail(fetch, err, NULL);
    fetch->paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

/* Handles the end of a 1xx header (100 Continue, 103 Early Hints), which another header follows.
   RFC 9110 section 8.6 and RFC 9112 section 6.1 forbid framing fields in a 1xx header. libcurl
   would apply such fields to the final reply. */
static size_t take_early_end(struct tocsin__net_fetch *fetch, size_t size)
{
    if (fetch->framing.has_length || fetch->framing.coded)
        return reply_fail(fetch, TOCSIN_EPEER,
                          "A 1xx reply has Content-Length or Transfer-Encoding");
    fetch->part = TOCSIN__NET_STATUS_LINE;
    return size;
}

/* Returns true if the reply has no body, whatever its header states (RFC 9112 section 6.3). */
static bool is_bodyless(const struct tocsin__net_fetch *fetch)
{
    return fetch->code == 204 || fetch->code == 304 ||
           (fetch->request && strcmp(fetch->request->method, "HEAD") == 0);
}

static bool is_to_the_end(const struct tocsin__net_fetch *fetch)
{
    return !is_bodyless(fetch) && !fetch->framing.coded && !fetch->framing.has_length;
}

static size_t take_header_end(struct tocsin__net_fetch *fetch, size_t size)
{
    if (fetch->code < 200)
        return take_early_end(fetch, size);
    if (fetch->framing.length > INT64_MAX)
        return reply_fail(fetch, TOCSIN_ETOOBIG,
                          "The reply's Content-Length is larger than 2^63 - 1");
    if (is_to_the_end(fetch) && fetch->origin && fetch->origin->site.secure)
        tocsin__net_tls_observe(fetch);
    fetch->following = tocsin__net_redirect_is(fetch);
    if (fetch->streamed && !fetch->following)
        size = header_announce(fetch, size);
    if (!fetch->paused)
        fetch->part = TOCSIN__NET_CONTENT;
    return size;
}

/* Returns the size of a line without its line end. A carriage return before the line end is invalid
   (RFC 9112 section 2.2). */
static size_t text_size(const char *line, size_t size)
{
    size -= size > 0 && line[size - 1] == '\n';
    return size - (size > 0 && line[size - 1] == '\r');
}

size_t tocsin__net_reply_header(struct tocsin__net_fetch *fetch, const char *line, size_t size)
{
    size_t text = text_size(line, size);

    if (fetch->part == TOCSIN__NET_CONTENT) /* the line belongs to a trailer */
        return size;
    if (memchr(line, 0, size))
        return reply_fail(fetch, TOCSIN_EPEER, "The reply's header has a NUL byte");
    if (memchr(line, '\r', text))
        return reply_fail(fetch, TOCSIN_EPEER,
                          "The reply's header has a carriage return within a line");
    if (fetch->part == TOCSIN__NET_STATUS_LINE)
        return take_status_line(fetch, line, size);
    return text == 0 ? take_header_end(fetch, size) : take_field(fetch, line, size);
}

int tocsin__net_reply_check(const struct tocsin__net_fetch *fetch, const char **ret_fault)
{
    curl_off_t length = -1;

    *ret_fault = fetch->part == TOCSIN__NET_FIELDS ? "The reply ends inside its header"
                                                   : "The reply ends before its header";
    if (fetch->part != TOCSIN__NET_CONTENT)
        return TOCSIN_ETRUNCATED;
    if (is_bodyless(fetch))
        return 0;
    *ret_fault = "The reply ends inside its body";
    if (fetch->framing.coded)
        return fetch->chunks.part == TOCSIN__NET_CHUNK_OVER ? 0 : TOCSIN_ETRUNCATED;
    if (fetch->framing.has_length)
        return fetch->received == fetch->framing.length ? 0 : TOCSIN_ETRUNCATED;
    *ret_fault = "The connection ended without close_notify of TLS: the reply may have been cut";
    if (fetch->tls && !fetch->tls_closed)
        return TOCSIN_ETRUNCATED;
    *ret_fault = "The reply's header can be understood in two ways";
    curl_easy_getinfo(fetch->transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length < 0 ? 0 : TOCSIN_EPEER;
}

const char *tocsin__net_reply_find(const struct tocsin__net_fetch *fetch, const char *name,
                                   size_t *ret_size)
{
    const char *line = fetch->header.data, *end = line + fetch->header.size;
    size_t size = strlen(name);

    for (const char *next; line < end; line = next) {
        const char *lf = memchr(line, '\n', (size_t)(end - line)), *value = line + size + 1;

        /* add_line has ended each line with "\r\n". */
        next = lf ? lf + 1 : end;
        if ((size_t)(next - line) < size + 3 || !curl_strnequal(line, name, size) ||
            line[size] != ':')
            continue;
        while (value < next - 2 && (*value == ' ' || *value == '\t'))
            value++;
        *ret_size = (size_t)(next - 2 - value);
        return value;
    }
    return NULL;
}

/* Reserves room for the whole body if Content-Length is known, but at most BODY_AHEAD bytes at
   first. */
static int body_reserve(struct tocsin__net_fetch *fetch, size_t size)
{
    uint64_t length = fetch->streamed || fetch->body.room > 0 ? 0 : fetch->framing.length;
    size_t want = length > BODY_AHEAD ? BODY_AHEAD : (size_t)length;

    return tocsin__net_buffer_reserve(&fetch->body, want > size ? want : size);
}

static bool reply_refuse(struct tocsin__net_fetch *fetch, int status, const char *fault)
{
    reply_fail(fetch, status, fault);
    return false;
}

/* Appends the data to the body, but does not count it yet. If the fetch pauses, libcurl passes the
   same data again. */
static bool body_put(struct tocsin__net_fetch *fetch, const char *data, size_t size,
                     struct tocsin__net_chunks *chunks, size_t *ret_size)
{
    const char *fault = NULL;
    char *to;

    *ret_size = size;
    if (body_reserve(fetch, size) < 0)
        return reply_refuse(fetch, -ENOMEM, NULL);
    to = fetch->body.data + fetch->body.size;
    if (fetch->framing.coded)
        fault = tocsin__net_chunks_read(chunks, data, size, to, ret_size);
    else
        memcpy(to, data, size);
    to[*ret_size] = 0;
    if (fault)
        return reply_refuse(fetch, TOCSIN_EPEER, fault);
    if (fetch->received > fetch->limit_bytes || *ret_size > fetch->limit_bytes - fetch->received)
        return reply_refuse(fetch, TOCSIN_ETOOBIG, "The reply's body is larger than its limit");
    return true;
}

/* Announces a part of the body. The payload points into fetch->body, so the part stays there until
   it has been delivered. */
static int body_announce(struct tocsin__net_fetch *fetch, size_t size)
{
    if (size == 0)
        return 1; /* the bytes contained only the framing between chunks, and no data */
    fetch->piece.tocsin.layout = tocsin__net_body_spec.layout;
    fetch->piece.data = (struct tocsin_bytes){ fetch->body.data, size };
    fetch->piece.offset = fetch->received;
    return tocsin_op_progress(fetch->op, TOCSIN__NET_BODY, &fetch->piece.tocsin, 0);
}

static size_t body_stream(struct tocsin__net_fetch *fetch, const char *data, size_t size)
{
    struct tocsin__net_chunks chunks = fetch->chunks;
    int result = tocsin_op_wanted(fetch->op, TOCSIN__NET_BODY);
    size_t got;

    if (result == 1) {
        fetch->body.size = 0;
        if (!body_put(fetch, data, size, &chunks, &got))
            return CURL_WRITEFUNC_ERROR;
        result = body_announce(fetch, got);
    }
    if (result == 1) {
        fetch->chunks = chunks;
        fetch->received += got;
        return size;
    }
    if (result < 0 && result != -EAGAIN)
        return reply_fail(fetch, result, NULL);
    fetch->paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

size_t tocsin__net_reply_body(struct tocsin__net_fetch *fetch, const char *data, size_t size)
{
    size_t got;

    if (size == 0)
        return 0;
    if (fetch->streamed && !fetch->following)
        return body_stream(fetch, data, size);
    if (!body_put(fetch, data, size, &fetch->chunks, &got))
        return CURL_WRITEFUNC_ERROR;
    fetch->received += got;
    if (!fetch->following)
        fetch->body.size += got;
    return size;
}
