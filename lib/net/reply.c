#include <string.h>
#include <strings.h>

#include "net/catalogue.h"
#include "net/redirect.h"
#include "net/reply.h"
#include "net/transfer.h"

enum {                                                     /* bytes */
    HEADER_ROOM = 500,                                     /* to begin with */
    HEADER_MAX = 256 << 10,
    BODY_AHEAD = 1 << 20                                   /* a Content-Length is believed so far, before the body is there */
};

static size_t give_up(struct tocsin__net_fetch *fetch, int status)
{
    fetch->status = status;
    return CURL_WRITEFUNC_ERROR;
}

/* "HTTP/1.1 200 OK" */
static size_t status_line(struct tocsin__net_fetch *fetch, const char *line, size_t size)
{
    const char *code = memchr(line, ' ', size);

    fetch->code = 0;
    for (code = code ? code + 1 : line; code < line + size && *code >= '0' && *code <= '9' && fetch->code < 100; code++)
        fetch->code = fetch->code * 10 + *code - '0';
    fetch->header.size = 0;
    fetch->part = TOCSIN__NET_FIELDS;
    if (!fetch->first_us && fetch->request && fetch->request->body.size > 0)
        fetch->first_us = tocsin_now();                    /* libcurl takes the first byte that is sent for it */
    return size;
}

/* Each line ends as HTTP says, also if the peer's did not. */
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

static size_t field(struct tocsin__net_fetch *fetch, const char *line, size_t size)
{
    if (fetch->header.size + size > HEADER_MAX)
        return give_up(fetch, TOCSIN_ETOOBIG);
    return add_line(&fetch->header, line, size) < 0 ? give_up(fetch, -ENOMEM) : size;
}

static size_t tell_header(struct tocsin__net_fetch *fetch, size_t size)
{
    struct tocsin_http_client_headers *headers = &fetch->headers;
    int err;

    headers->tocsin.layout = tocsin__net_headers_spec.layout;
    headers->url = fetch->url;
    headers->code = fetch->code;
    headers->header = fetch->header.data ? fetch->header.data : "";
    err = tocsin_op_progress(fetch->op, TOCSIN__NET_HEADERS, &headers->tocsin, 0);
    if (err >= 0)                                          /* 0: nobody wants to know; then the body waits, not the header */
        return size;
    if (err != -EAGAIN)
        return give_up(fetch, err);
    fetch->paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

static size_t end_of_header(struct tocsin__net_fetch *fetch, size_t size)
{
    if (fetch->code < 200) {                               /* 100 Continue, 103 Early Hints: another header follows */
        fetch->part = TOCSIN__NET_STATUS_LINE;
        return size;
    }
    fetch->following = tocsin__net_redirect_is(fetch);
    if (fetch->streamed && !fetch->following)
        size = tell_header(fetch, size);
    if (!fetch->paused)
        fetch->part = TOCSIN__NET_CONTENT;
    return size;
}

size_t tocsin__net_reply_header(struct tocsin__net_fetch *fetch, const char *line, size_t size)
{
    if (fetch->part == TOCSIN__NET_CONTENT)                /* a trailer */
        return size;
    if (fetch->part == TOCSIN__NET_STATUS_LINE)
        return status_line(fetch, line, size);
    return line[0] == '\r' || line[0] == '\n' ? end_of_header(fetch, size) : field(fetch, line, size);
}

const char *tocsin__net_reply_find(const struct tocsin__net_fetch *fetch, const char *name, size_t *ret_size)
{
    size_t size = strlen(name);

    for (const char *line = fetch->header.data, *end; line && *line; line = end + 2) {
        end = strstr(line, "\r\n");
        if (strncasecmp(line, name, size) != 0 || line[size] != ':')
            continue;
        line += size + 1 + strspn(line + size + 1, " \t");
        *ret_size = (size_t)(end - line);
        return line;
    }
    return NULL;
}

/* The part is lent, so it stays where it is until it has been told. */
static size_t tell_body(struct tocsin__net_fetch *fetch, const char *data, size_t size)
{
    int told = tocsin_op_wanted(fetch->op, TOCSIN__NET_BODY);

    if (told == 1) {
        fetch->body.size = 0;
        if (tocsin__net_buffer_add(&fetch->body, data, size) < 0)
            return give_up(fetch, -ENOMEM);
        fetch->piece.tocsin.layout = tocsin__net_body_spec.layout;
        fetch->piece.data = (struct tocsin_bytes){ fetch->body.data, size };
        fetch->piece.offset = fetch->received;
        told = tocsin_op_progress(fetch->op, TOCSIN__NET_BODY, &fetch->piece.tocsin, 0);
    }
    if (told == 1) {
        fetch->received += size;
        return size;
    }
    if (told < 0 && told != -EAGAIN)
        return give_up(fetch, told);
    fetch->paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

/* Room for all of it, if the peer says how much it is. */
static int reserve(struct tocsin__net_fetch *fetch, size_t size)
{
    curl_off_t length = 0;
    size_t want;

    if (fetch->body.room > 0)
        return 0;
    curl_easy_getinfo(fetch->transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    want = length > BODY_AHEAD ? BODY_AHEAD : length > 0 ? (size_t)length : 0;
    return tocsin__net_buffer_reserve(&fetch->body, want > size ? want : size);
}

size_t tocsin__net_reply_body(struct tocsin__net_fetch *fetch, const char *data, size_t size)
{
    if (size == 0)
        return 0;
    if (fetch->received > fetch->limit_bytes || size > fetch->limit_bytes - fetch->received)
        return give_up(fetch, TOCSIN_ETOOBIG);
    if (fetch->streamed && !fetch->following)
        return tell_body(fetch, data, size);
    if (!fetch->following && (reserve(fetch, size) < 0 || tocsin__net_buffer_add(&fetch->body, data, size) < 0))
        return give_up(fetch, -ENOMEM);
    fetch->received += size;
    return size;
}
