/* A request that is not idempotent must be sent only once, whatever the server does. Such a request
   must not use a kept connection. */
#include <stdio.h>
#include <string.h>

#include "page.h"

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct page page;
static struct authority authority;
static struct peer *other;

/* Fetches from a server that closes the connection after it has read the request. Returns how
   many requests the server received. */
static int sent(const struct tocsin_http_request *request)
{
    struct peer *at = other ? other : peer;
    int before;

    page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(at, "/bytes/1"),
                                                     .ca_file = request->ca_file });
    page_is_bytes(&page, 1);
    page_drop(&page);
    before = peer_requests(at);
    page_fetch(&page, request);
    ck_assert_msg(page.status == TOCSIN_ETRUNCATED || page.status == -ECONNRESET, "%s: %d (%s)",
                  request->url, page.status, page.done->reason);
    ck_assert_int_ne(page.done->reason[0], 0);
    page_drop(&page);
    return peer_requests(at) - before;
}

static const struct tocsin_bytes bodies[] = { { "", 0 }, { "1000", 4 } };

START_TEST(a_request_that_is_not_idempotent_is_sent_once)
{
    static const char *const methods[] = {
        "POST", "PATCH", "PROPFIND", "LOCK", "FROB", "get", "put"
    };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        for (int b = 0; b < 2; b++) {
            struct tocsin_http_request request = { .url = peer_url(peer, "/hang-up"),
                                                   .method = methods[i],
                                                   .body = bodies[b] };

            ck_assert_msg(sent(&request) == 1, "%s", methods[i]);
            request.url = peer_url(peer, "/reset");
            ck_assert_msg(sent(&request) == 1, "%s", methods[i]);
        }
}
END_TEST

START_TEST(an_idempotent_request_is_sent_again)
{
    static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        ck_assert_msg(sent(&(struct tocsin_http_request){ .url = peer_url(peer, "/hang-up"),
                                                          .method = methods[i] }) == 2,
                      "%s", methods[i]);
}
END_TEST

START_TEST(sent_again_on_request)
{
    for (int b = 0; b < 2; b++)
        ck_assert_int_eq(sent(&(struct tocsin_http_request){ .url = peer_url(peer, "/hang-up"),
                                                             .method = "POST",
                                                             .body = bodies[b],
                                                             .flags = TOCSIN_HTTP_IDEMPOTENT }),
                         2);
}
END_TEST

START_TEST(a_redirected_request_is_sent_once)
{
    static const char *const paths[] = { "/to/307//hang-up", "/to/308//hang-up" };

    for (size_t i = 0; i < 2; i++)
        for (int b = 0; b < 2; b++)
            ck_assert_int_eq(sent(&(struct tocsin_http_request){ .url = peer_url(peer, paths[i]),
                                                                 .method = "POST",
                                                                 .body = bodies[b] }),
                             2);
    /* the server receives three requests: the POST, and after the redirect a GET, which the client
       repeats once */
    ck_assert_int_eq(sent(&(struct tocsin_http_request){ .url = peer_url(peer, "/to/303//hang-up"),
                                                         .method = "POST" }),
                     3);
}
END_TEST

START_TEST(a_request_with_expect_is_sent_once)
{
    struct tocsin_http_request request = { .url = peer_url(peer, "/hang-up"),
                                           .method = "POST",
                                           .body = bodies[1],
                                           .header = LINES("Expect: 100-continue") };
    int before;

    ck_assert_int_eq(sent(&request), 1);
    for (int put = 0; put < 2; put++) {
        before = peer_requests(peer);
        request.url = peer_url(peer, "/refuse"), request.method = put ? "PUT" : "POST";
        page_fetch(&page, &request);
        ck_assert_msg(page.status == TOCSIN_EPEER, "%d (%s)", page.status, page.done->reason);
        ck_assert_ptr_nonnull(strstr(page.done->reason, "100-continue"));
        ck_assert_int_eq(page.done->code, 417);
        ck_assert_int_eq(peer_requests(peer) - before, 1);
        page_drop(&page);
    }
}
END_TEST

START_TEST(sent_once_over_http_1_0)
{
    static const char text[] =
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
    int connections = 0;

    peer_raw(peer, text, sizeof text - 1, PEER_KEEPS);
    for (int i = 0; i < 3; i++) {
        page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/raw"),
                                                         .method = i == 2 ? "POST" : "GET" });
        ck_assert_int_eq(page.status, 0);
        page_drop(&page);
        if (i == 1)
            connections = peer_connections(peer);
    }
    ck_assert_int_eq(connections, 1);
    ck_assert_int_eq(peer_connections(peer), 2);
    ck_assert_int_eq(
        sent(&(struct tocsin_http_request){ .url = peer_url(peer, "/hang-up"), .method = "POST" }),
        1);
}
END_TEST

START_TEST(sent_once_over_tls)
{
    authority_make(&authority);
    other = peer_start(authority_server(&authority, "IP:127.0.0.1"));
    for (int b = 0; b < 2; b++)
        ck_assert_int_eq(sent(&(struct tocsin_http_request){ .url = peer_url(other, "/hang-up"),
                                                             .method = "POST",
                                                             .body = bodies[b],
                                                             .ca_file = authority.file }),
                         1);
    ck_assert_int_eq(sent(&(struct tocsin_http_request){ .url = peer_url(other, "/hang-up"),
                                                         .ca_file = authority.file }),
                     2);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    peer_stop(other);
    authority_free(&authority);
}
END_TEST

/* The server serves one connection at a time. If the client kept the old connection open, its new
   connection would never be served. */
START_TEST(a_server_that_serves_one_at_a_time)
{
    static const char *const methods[] = { "GET", "POST", "POST",  "GET",
                                           "GET", "PUT",  "PATCH", "GET" };

    other = peer_start_alone();
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(other, "/bytes/1"),
                                                         .method = methods[i] });
        ck_assert_msg(page.status == 0, "%zu: %d (%s)", i, page.status, page.done->reason);
        page_drop(&page);
    }
    ck_assert_int_eq(peer_requests(other), 8);
    /* the client makes one connection for the first request, and one for each POST and PATCH */
    ck_assert_int_eq(peer_connections(other), 4);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    peer_stop(other);
}
END_TEST

START_TEST(one_connection_for_each_host)
{
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .per_host = 1 }), 0);
    for (int i = 0; i < 6; i++) {
        page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1"),
                                                         .method = i % 3 == 0 ? "GET" : "POST" });
        page_is_bytes(&page, 1);
        page_drop(&page);
    }
    ck_assert_int_eq(peer_requests(peer), 6);
}
END_TEST

/* Many requests run at a time. Afterwards the client must keep only a few connections. */
START_TEST(many_requests_at_a_time)
{
    static struct page pages[40];

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 40; i++)
            page_start(&pages[i], &(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1"),
                                                                 .method = "POST" });
        for (int i = 0; i < 40; i++) {
            if (pages[i].count == 0)
                page_wait(&pages[i]);
            page_is_bytes(&pages[i], 1);
            page_drop(&pages[i]);
        }
    }
    ck_assert_int_eq(peer_requests(peer), 200);
    ck_assert_int_eq(peer_connections(peer), 200);
    ck_assert_int_le(peer_open_most(peer), 80);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/sent_once");
    TCase *tests = tcase_create("sent once");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_request_that_is_not_idempotent_is_sent_once);
    tcase_add_test(tests, an_idempotent_request_is_sent_again);
    tcase_add_test(tests, sent_again_on_request);
    tcase_add_test(tests, a_redirected_request_is_sent_once);
    tcase_add_test(tests, a_request_with_expect_is_sent_once);
    tcase_add_test(tests, sent_once_over_http_1_0);
    tcase_add_test(tests, sent_once_over_tls);
    tcase_add_test(tests, a_server_that_serves_one_at_a_time);
    tcase_add_test(tests, one_connection_for_each_host);
    tcase_add_test(tests, many_requests_at_a_time);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
