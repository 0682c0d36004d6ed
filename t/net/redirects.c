/* Tests redirects: how many are followed, with which method, and with which header lines. */
#include <stdio.h>
#include <string.h>

#include "page.h"

static struct page page;
static struct peer *other; /* a second server: its port differs, so its origin differs, too */

static void begin(void)
{
    page_begin();
    other = peer_start(NULL);
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    peer_stop(other);
    page_end();
}

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(a_redirect_is_followed)
{
    static const int codes[] = { 301, 302, 303, 307, 308 };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char path[64];

        snprintf(path, sizeof path, "/to/%d//echo", codes[i]);
        page_get(&page, peer_url(peer, path));
        ck_assert_int_eq(page.status, 0);
        ck_assert_int_eq(page.done->code, 200);
        ck_assert_uint_eq(page.done->redirects, 1);
        ck_assert_str_eq(page.done->url, peer_url(peer, "/echo"));
        ck_assert_ptr_null(strstr(page.done->header, "Location"));
        ck_assert(page_has(&page, "GET /echo "));
        page_drop(&page);
    }
    ck_assert_int_eq(peer_connections(peer), 1);
}
END_TEST

START_TEST(other_codes_are_not_followed)
{
    static const char *const paths[] = { "/to/300//echo", "/to/304//echo", "/to/305//echo",
                                         "/to/201//echo", "/status/302",   "/to/302/" };
    static const int codes[] = { 300, 304, 305, 201, 302, 302 };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        page_get(&page, peer_url(peer, paths[i]));
        ck_assert_int_eq(page.status, 0);
        ck_assert_int_eq(page.done->code, codes[i]);
        ck_assert_uint_eq(page.done->redirects, 0);
        page_drop(&page);
    }
}
END_TEST

START_TEST(no_redirect_is_followed_by_default)
{
    page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/to/302//echo"),
                                                     .redirects = -1 });
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_eq(page.done->code, 302);
    ck_assert_ptr_nonnull(strstr(page.done->header, "Location: /echo\r\n"));
    ck_assert(page_has(&page, "there"));
    page_drop(&page);
}
END_TEST

START_TEST(redirects_are_followed_up_to_the_limit)
{
    struct tocsin_http_request request = { .url = peer_url(peer, "/hops/3"), .redirects = 3 };

    page_fetch(&page, &request);
    ck_assert_int_eq(page.status, 0);
    ck_assert_uint_eq(page.done->redirects, 3);
    page_drop(&page);
    request.redirects = 2;
    page_fetch(&page, &request);
    ck_assert_int_eq(page.status, TOCSIN_EREDIRECTS);
    ck_assert_int_eq(page.done->code, 302);
    ck_assert_uint_eq(page.done->redirects, 2);
    ck_assert_int_ne(page.done->reason[0], 0);
    page_drop(&page);
    page_get(&page, peer_url(peer, "/hops/10"));
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
    page_fail(peer_url(peer, "/loop"), TOCSIN_EREDIRECTS);
}
END_TEST

START_TEST(locations_are_relative_to_their_page)
{
    /* The path /to/302/ redirects to itself, so each fetch ends at its limit of redirects. */
    page_fail(peer_url(peer, "/to/302/echo"), TOCSIN_EREDIRECTS);
    page_fail(peer_url(peer, "/to/302/?x=1"), TOCSIN_EREDIRECTS);
    /* the client keeps the fragment for the new URL, but does not send it to the server */
    page_get(&page, peer_url(peer, "/to/302//to/302//echo#part"));
    ck_assert_int_eq(page.status, 0);
    ck_assert_uint_eq(page.done->redirects, 2);
    ck_assert_str_eq(page.done->url, peer_url(peer, "/echo#part"));
    ck_assert(page_has(&page, "GET /echo HTTP"));
    page_drop(&page);
    page_get(&page, peer_url(peer, "/fragment#part"));
    ck_assert_str_eq(page.done->url, peer_url(peer, "/echo#own"));
    page_drop(&page);
    page_get(&page, peer_url(peer, "/to/302//a%20b?c=d"));
    ck_assert_int_eq(page.done->code, 404);
    ck_assert_str_eq(page.done->url, peer_url(peer, "/a%20b?c=d"));
    page_drop(&page);
}
END_TEST

static void goes_on_as(const char *method, int code, const char *then)
{
    const struct tocsin_bytes body = {
        "the body", strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ? 8 : 0
    };
    bool kept = strcmp(method, then) == 0;
    char path[64], begin_with[64];

    snprintf(path, sizeof path, "/to/%d//echo", code);
    snprintf(begin_with, sizeof begin_with, "%s /echo HTTP/1.1\r\n", then);
    page_fetch(&page, &(struct tocsin_http_request){
                          .url = peer_url(peer, path),
                          .method = method,
                          .body = body,
                          .header = LINES("Content-Type: text/plain", "X-Mine: 1") });
    ck_assert_int_eq(page.status, 0);
    if (strcmp(method, "HEAD") != 0) {
        ck_assert_msg(page_has(&page, begin_with), "%d %s: %.*s", code, method,
                      (int)page.done->body.size, (const char *)page.done->body.data);
        ck_assert_int_eq(page_has(&page, "the body"), kept && body.size > 0);
        ck_assert_msg(page_has(&page, "Content-Type") == kept, "%d %s: %.*s", code, method,
                      (int)page.done->body.size, (const char *)page.done->body.data);
        ck_assert(page_has(&page, "X-Mine: 1"));
    } else
        ck_assert_uint_eq(page.done->body.size, 0);
    page_drop(&page);
}

START_TEST(each_method_is_redirected)
{
    static const int codes[] = { 301, 302, 303, 307, 308 };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        goes_on_as("GET", codes[i], "GET");
        goes_on_as("HEAD", codes[i], "HEAD");
        goes_on_as("POST", codes[i], codes[i] <= 303 ? "GET" : "POST");
        goes_on_as("PUT", codes[i], codes[i] == 303 ? "GET" : "PUT");
        goes_on_as("X", codes[i], codes[i] == 303 ? "GET" : "X");
    }
}
END_TEST

static void secrets(const char *to, bool kept)
{
    char path[256];

    snprintf(path, sizeof path, "/to/302/%s", to);
    page_fetch(&page,
               &(struct tocsin_http_request){
                   .url = peer_url(peer, path),
                   .header = LINES("Authorization: Basic c2VjcmV0", "cookie: secret=1", "X-Mine: 1",
                                   "Proxy-Authorization: secret", "Host: secret.example") });
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_eq(page_has(&page, "c2VjcmV0"), kept);
    ck_assert_int_eq(page_has(&page, "secret=1"), kept);
    ck_assert_int_eq(page_has(&page, "secret.example"), kept);
    ck_assert(page_has(&page, "X-Mine: 1"));
    page_drop(&page);
}

START_TEST(credentials_stay_with_their_origin)
{
    secrets("/echo", true);
    secrets(peer_url(peer, "/echo"), true);
    secrets(peer_url(other, "/echo"), false);
    page_setup();
    secrets(peer_url_at(peer, "here.test", "/echo"), false);
}
END_TEST

START_TEST(credentials_stay_with_their_url)
{
    char url[512], path[256];

    snprintf(path, sizeof path, "/to/302/%s", peer_url(other, "/echo"));
    snprintf(url, sizeof url, "http://me:secret@127.0.0.1:%d%s", peer_port(peer), path);
    page_get(&page, url);
    ck_assert_int_eq(page.status, 0);
    ck_assert(!page_has(&page, "Authorization"));
    page_drop(&page);
    snprintf(url, sizeof url, "http://me:secret@127.0.0.1:%d/echo", peer_port(peer));
    page_get(&page, url);
    ck_assert(page_has(&page, "Authorization: Basic bWU6c2VjcmV0"));
    page_drop(&page);
    page_get(&page, peer_url(peer, "/echo"));
    ck_assert(!page_has(&page, "Authorization"));
    page_drop(&page);
}
END_TEST

START_TEST(redirects_that_cannot_be_followed)
{
    static const char *const wrong[] = { "ftp://127.0.0.1/", "file:///etc/passwd", "http://",
                                         "http://[::1/" };
    static const int status[] = { TOCSIN_ESCHEME, TOCSIN_ESCHEME, TOCSIN_EURL, TOCSIN_EURL };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char path[256];

        snprintf(path, sizeof path, "/to/302/%s", wrong[i]);
        page_fail(peer_url(peer, path), status[i]);
    }
}
END_TEST

START_TEST(a_redirect_to_an_origin_at_its_limit)
{
    struct page first;
    char path[256];

    ck_assert_int_eq(
        tocsin_http_setup(&(struct tocsin_http_options){ .per_host = 1, .at_once = 2 }), 0);
    snprintf(path, sizeof path, "/to/302/%s", peer_url(other, "/echo"));
    page_start(&first, &(struct tocsin_http_request){ .url = peer_url(other, "/wait") });
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, path) });
    while (peer_requests(peer) == 0 || peer_waiting(other) == 0)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(page.count, 0);
    ck_assert_int_eq(peer_requests(other), 1);
    peer_release(other, 1);
    page_wait(&page);
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_gt(page.done->queued_us, 10000);
    page_drop(&page);
    if (first.count == 0)
        page_wait(&first);
    page_drop(&first);
    ck_assert_int_eq(peer_busy_most(other), 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/redirects");
    TCase *tests = tcase_create("redirects");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_redirect_is_followed);
    tcase_add_test(tests, other_codes_are_not_followed);
    tcase_add_test(tests, no_redirect_is_followed_by_default);
    tcase_add_test(tests, redirects_are_followed_up_to_the_limit);
    tcase_add_test(tests, locations_are_relative_to_their_page);
    tcase_add_test(tests, each_method_is_redirected);
    tcase_add_test(tests, credentials_stay_with_their_origin);
    tcase_add_test(tests, credentials_stay_with_their_url);
    tcase_add_test(tests, redirects_that_cannot_be_followed);
    tcase_add_test(tests, a_redirect_to_an_origin_at_its_limit);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
