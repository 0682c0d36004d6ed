/* The server cuts each reply after each of its bytes. There is a reply for each way in which a body
   can be delimited. Only the complete reply may lead to a success. The body is collected, or
   delivered as progress. The connection is plain, or it uses TLS with or without close_notify. */
#include <stdio.h>
#include <string.h>

#include "page.h"
#include "test.h"

enum { TO_THE_END = 1, FOLLOWED = 2 };

struct reply {
    const char *name, *method;
    /* TO_THE_END means that the end of the connection ends the reply. FOLLOWED means that the reply
       is a redirect. */
    unsigned flags;
    const char *text;
    const char *body; /* the body that the complete reply has */
};

#define OK "HTTP/1.1 200 OK\r\n"
#define TEN "0123456789"

static const struct reply replies[] = {
    { "a length", NULL, 0, OK "X-Signature: 1\r\nContent-Length: 10\r\n\r\n" TEN, TEN },
    { "a length of zero", NULL, 0, OK "Content-Length: 0\r\n\r\n", "" },
    { "the same length twice", NULL, 0, OK "Content-Length: 3\r\nContent-Length: 3, 3\r\n\r\nabc",
      "abc" },
    { "bare line feeds", NULL, 0, "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc" },
    { "no reason", NULL, 0, "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", "abc" },
    { "HTTP/1.0 with a length", NULL, 0, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc" },
    { "HTTP/1.0 that is kept", NULL, 0,
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", "abc" },
    { "HTTP/1.0 to the end", NULL, TO_THE_END, "HTTP/1.0 200 OK\r\nX-Signature: 1\r\n\r\n" TEN,
      TEN },
    { "to the end", NULL, TO_THE_END, OK "X-Signature: 1\r\n\r\n" TEN, TEN },
    { "to the end, said", NULL, TO_THE_END, OK "Connection: close\r\n\r\n" TEN, TEN },
    { "chunks", NULL, 0,
      OK "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", TEN },
    { "no chunk", NULL, 0, OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "" },
    { "chunks with extensions and trailers", NULL, 0,
      OK "Transfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n"
         "5;a=b\r\n01234\r\n5;c=\"d;e\"\r\n56789\r\n0;last\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
      TEN },
    { "chunks and a length", NULL, 0,
      OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n\r\n",
      "01234" },
    { "HEAD with a length", "HEAD", 0, OK "Content-Length: 10\r\n\r\n", "" },
    { "HEAD with chunks", "HEAD", 0, OK "Transfer-Encoding: chunked\r\n\r\n", "" },
    { "HEAD with nothing", "HEAD", 0, OK "X-Signature: 1\r\n\r\n", "" },
    { "204", NULL, 0, "HTTP/1.1 204 No Content\r\nX-Signature: 1\r\n\r\n", "" },
    { "304 with a length", NULL, 0, "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "" },
    { "1xx before it", NULL, 0,
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" OK
      "Content-Length: 10\r\n\r\n" TEN,
      TEN },
    { "POST", "POST", 0, OK "Content-Length: 10\r\n\r\n" TEN, TEN },
    { "a redirect with a length", NULL, FOLLOWED,
      "HTTP/1.1 302 Found\r\nLocation: /bytes/3\r\nContent-Length: 5\r\n\r\nthere", "abc" },
    { "a redirect with chunks", NULL, FOLLOWED,
      "HTTP/1.1 301 Moved\r\nLocation: /bytes/3\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
      "abc" },
    { "a redirect to the end", NULL, TO_THE_END | FOLLOWED,
      "HTTP/1.1 302 Found\r\nLocation: /bytes/3\r\n\r\nthere", "abc" },
    { "an error with a length", NULL, 0, "HTTP/1.1 503 Not Now\r\nContent-Length: 3\r\n\r\nabc",
      "abc" }
};
enum { REPLIES = sizeof replies / sizeof *replies };

static struct page page;
static struct authority authority;
static struct peer *secure;
static int headers, failures;
static size_t streamed;

static int on_part(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (tocsin_http_client_headers_of(info))
        headers++;
    else if (tocsin_http_client_body_of(info))
        streamed += tocsin_http_client_body_of(info)->data.size;
    return TOCSIN_NEXT;
}

/* One way in which the server ends the connection, and the address of a server that does so. */
struct way {
    const char *name;
    bool tls, stream;
    enum peer_end end;
};

static size_t header_size(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");

    return end ? (size_t)(end - text) + 4 : (size_t)(strstr(text, "\n\n") - text) + 2;
}

/* Returns true if the cut comes after the whole final header. Headers with a 1xx code may come
   before the final header. */
static bool header_is_there(const struct reply *reply, size_t cut)
{
    const char *final = strstr(reply->text, OK);
    size_t before = final ? (size_t)(final - reply->text) : 0;

    return cut >= before + header_size(reply->text + before);
}

static void try_one(const struct reply *reply, const struct way *way, size_t cut)
{
    struct peer *at = way->tls ? secure : peer;
    size_t size = strlen(reply->text);
    bool open_end = reply->flags & TO_THE_END, header = header_is_there(reply, cut);
    bool whole = open_end ? header && (!way->tls || way->end == PEER_NOTIFIES) : cut == size;
    size_t body = reply->flags & FOLLOWED || !open_end ? strlen(reply->body)
                  : header                             ? cut - header_size(reply->text)
                                                       : 0,
           got;

    headers = 0, streamed = 0;
    peer_raw(at, reply->text, cut, way->end);
    page_fetch(&page,
               &(struct tocsin_http_request){ .url = peer_url(at, "/raw"),
                                              .method = reply->method,
                                              .ca_file = way->tls ? authority.file : NULL,
                                              .flags = way->stream ? TOCSIN_HTTP_STREAM : 0 });
    got = way->stream ? streamed : page.done->body.size;
    if (page.status != (whole ? 0 : TOCSIN_ETRUNCATED) || (whole && got != body) ||
        !page.done->reason[0] != whole ||
        (way->stream && !(reply->flags & FOLLOWED) && headers != header)) {
        printf("%s, %s, cut at %zu of %zu: %d (%s), code %d, %d headers, body of %zu\n",
               reply->name, way->name, cut, size, page.status, page.done->reason, page.done->code,
               headers, got);
        fflush(stdout);
        failures++;
    }
    page_drop(&page);
}

/* Returns true if this cut is not tested. A TLS handshake for each cut would take too long. Over
   TLS, only cuts near the end of the header or body are tested, and a few others. Under valgrind
   every 21st cut is tested, or every 147th over TLS. These cuts differ from reply to reply.
   The complete reply is always tested. */
static bool is_skipped(const struct way *way, const struct reply *reply, size_t cut)
{
    size_t size = strlen(reply->text), header = header_size(reply->text);
    long step = 21 / test_scaled(21, 1, 21);

    if (step > 1)
        return cut != size && (cut + (size_t)(reply - replies)) % (way->tls ? 147 : 21) != 0;
    return way->tls && cut % 7 != 0 && cut + 3 < size && (cut + 2 < header || cut > header + 1);
}

static void try_way(const struct way *way)
{
    ck_assert_int_eq(tocsin_connect("http.client.headers, http.client.body",
                                    &(struct tocsin_action){ .fn = on_part }, NULL),
                     0);
    for (int i = 0; i < REPLIES; i++)
        for (size_t cut = 0; cut <= strlen(replies[i].text); cut++)
            if (!is_skipped(way, &replies[i], cut))
                try_one(&replies[i], way, cut);
    ck_assert_int_eq(failures, 0);
}

static const struct way ways[] = { { "collected", false, false, PEER_CLOSES },
                                   { "streamed", false, true, PEER_CLOSES },
                                   { "collected over TLS, notified", true, false, PEER_NOTIFIES },
                                   { "collected over TLS, cut off", true, false, PEER_CLOSES },
                                   { "streamed over TLS, cut off", true, true, PEER_CLOSES } };

START_TEST(only_a_complete_reply_succeeds)
{
    if (ways[_i].tls) {
        authority_make(&authority);
        secure = peer_start(authority_server(&authority, "IP:127.0.0.1"));
    }
    try_way(&ways[_i]);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    if (secure) {
        peer_stop(secure);
        authority_free(&authority);
    }
}
END_TEST

/* Malformed replies that libcurl accepts or misreads, and the status of the fetch. */
static const struct {
    const char *text;
    size_t size;
    int status;
} malformed_replies[] = {
/* If a header line begins with a NUL, libcurl 7.88 stops reading at this line and reports
   success. */
#define CASE(text, status) \
    { \
        text, sizeof(text) - 1, status \
    }
    CASE(OK "A: b\r\n\0C: d\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_ETRUNCATED),
    CASE(OK "\0A: b\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_ETRUNCATED),
    CASE(OK "A: b\0\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE("HTTP/1.1 200 O\0K\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "\0\r\n\r\nabc", TOCSIN_ETRUNCATED),
    CASE(OK "Tran\rsfer: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length\r: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length: 3\r\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "\rContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length: 3x\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length: -3\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length: +3\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length:\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", TOCSIN_EPEER),
    CASE(OK "Content-Length: 3, 4\r\n\r\nabcd", TOCSIN_EPEER),
    CASE(OK "Content-Length : 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length:\r\n 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Content-Length: 9223372036854775808\r\n\r\nabc", TOCSIN_ETOOBIG),
    CASE(OK "Content-Length: 99999999999999999999999999999\r\n\r\nabc", TOCSIN_ETOOBIG),
    CASE(OK "Transfer-Encoding: gzip\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Transfer-Encoding: chunked, gzip\r\n\r\nabc", TOCSIN_EPEER),
    CASE(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         TOCSIN_EPEER),
    CASE(OK "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", TOCSIN_EPEER),
    CASE(OK "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", TOCSIN_EPEER),
    CASE("HTTP/1.1 103 Early\r\nContent-Length: 3\r\n\r\n" OK "\r\nabcdef", TOCSIN_EPEER),
    CASE("HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\n" OK
         "Content-Length: 5\r\n\r\n0\r\n\r\n",
         TOCSIN_EPEER),
    CASE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nabc", TOCSIN_EPEER),
    CASE("HTTP/1.1 99 Low\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE("HTTP/1.1 2000 High\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE("HTTP/1.1 20 Short\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE("HTTP/1.1 abc\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE("HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE("HTTP/9.9 200 OK\r\nContent-Length: 3\r\n\r\nabc", TOCSIN_EPEER),
    CASE("ICY 200 OK\r\n\r\nabc", TOCSIN_EPEER)
#undef CASE
};

START_TEST(malformed_replies_fail)
{
    bool stream = _i;

    for (size_t i = 0; i < sizeof malformed_replies / sizeof *malformed_replies; i++) {
        peer_raw(peer, malformed_replies[i].text, malformed_replies[i].size, PEER_CLOSES);
        page_fetch(&page,
                   &(struct tocsin_http_request){ .url = peer_url(peer, "/raw"),
                                                  .flags = stream ? TOCSIN_HTTP_STREAM : 0 });
        ck_assert_msg(page.status == malformed_replies[i].status,
                      "%zu, \"%s\": %d (%s), code %d, header \"%s\", body of %zu", i,
                      malformed_replies[i].text, page.status, page.done->reason, page.done->code,
                      page.done->header, page.done->body.size);
        ck_assert_int_ne(page.done->reason[0], 0);
        page_drop(&page);
    }
}
END_TEST

/* The first header line of this reply is folded. If a handle were reused, libcurl before 8.1.1
   would write to freed memory. */
START_TEST(a_header_that_begins_with_a_folded_line)
{
    static const char good[] = OK "X-A: 1\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n",
                      folded[] = OK " X-A: 1\r\n\tX-B: 2\r\nContent-Length: 0\r\n\r\n";

    for (int i = 0; i < 20; i++) {
        peer_raw(peer, i % 2 ? folded : good, i % 2 ? sizeof folded - 1 : sizeof good - 1,
                 PEER_CLOSES);
        page_get(&page, peer_url(peer, "/raw"));
        ck_assert_msg(i % 2 || page.status == 0, "%d (%s)", page.status, page.done->reason);
        page_drop(&page);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/truncated_replies");
    TCase *tests = tcase_create("truncated replies");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, only_a_complete_reply_succeeds, 0, sizeof ways / sizeof *ways);
    tcase_add_loop_test(tests, malformed_replies_fail, 0, 2);
    tcase_add_test(tests, a_header_that_begins_with_a_folded_line);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
