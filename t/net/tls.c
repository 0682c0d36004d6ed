/* Tests fetches over TLS from a real server, with certificates that the test creates. */
#include <stdio.h>
#include <string.h>

#include "page.h"
#include "test.h"

static struct page page;
static struct authority authority, stranger;
static struct peer *secure;

static void begin(void)
{
    page_begin();
    authority_make(&authority);
    authority_make(&stranger);
    secure = NULL;
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    if (secure)
        peer_stop(secure);
    authority_free(&authority);
    authority_free(&stranger);
    page_end();
}

static void serve(const struct authority *by, const char *names)
{
    page_setup();
    secure = peer_start(authority_server(by, names));
}

static void fetch(const char *host, const char *path, const char *ca_file, unsigned flags)
{
    page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url_at(secure, host, path),
                                                     .ca_file = ca_file,
                                                     .flags = flags });
}

static void fails(const char *host, const char *path, const char *ca_file, int status)
{
    fetch(host, path, ca_file, 0);
    ck_assert_msg(page.status == status, "%s: %d (%s), not %d", path, page.status,
                  page.done->reason, status);
    ck_assert_int_ne(page.done->reason[0], 0);
    page_drop(&page);
}

START_TEST(a_certificate_that_is_trusted)
{
    serve(&authority, "DNS:here.test,IP:127.0.0.1");
    fetch("127.0.0.1", "/bytes/100000", authority.file, 0);
    page_is_bytes(&page, 100000);
    ck_assert_int_gt(page.done->tls_us, 0);
    ck_assert_int_gt(page.done->connect_us, 0);
    page_drop(&page);
    fetch("127.0.0.1", "/echo", authority.file, 0);
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
    ck_assert_int_eq(peer_connections(secure), 1);
    fetch("here.test", "/echo", authority.file, 0);
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
}
END_TEST

START_TEST(a_certificate_of_an_unknown_authority)
{
    serve(&authority, "DNS:here.test,IP:127.0.0.1");
    fails("127.0.0.1", "/echo", NULL, TOCSIN_ECERT);
    fails("127.0.0.1", "/echo", stranger.file, TOCSIN_ECERT);
    ck_assert_int_eq(peer_requests(secure), 0);
}
END_TEST

START_TEST(a_certificate_for_another_host)
{
    serve(&authority, "DNS:elsewhere.test");
    fails("127.0.0.1", "/echo", authority.file, TOCSIN_EHOST);
    fails("here.test", "/echo", authority.file, TOCSIN_EHOST);
    fails("here.test", "/echo", stranger.file, TOCSIN_ECERT);
    ck_assert_int_eq(peer_requests(secure), 0);
}
END_TEST

START_TEST(any_certificate_if_it_is_asked_for)
{
    serve(&authority, "DNS:elsewhere.test");
    fetch("127.0.0.1", "/echo", NULL, TOCSIN_HTTP_INSECURE);
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
    /* Later fetches must not reuse the insecure connection or the insecure setting. */
    fails("127.0.0.1", "/echo", NULL, TOCSIN_ECERT);
    fails("127.0.0.1", "/echo", authority.file, TOCSIN_EHOST);
    fetch("127.0.0.1", "/echo", NULL, TOCSIN_HTTP_INSECURE);
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
}
END_TEST

START_TEST(trusted_and_insecure_fetches_alternate)
{
    serve(&authority, "IP:127.0.0.1");
    ck_assert_int_eq(
        tocsin_http_setup(&(struct tocsin_http_options){ .per_host = 1, .resolve = page_resolve }),
        0);
    for (int i = 0; i < 6; i++) {
        fetch("127.0.0.1", "/echo", i % 2 ? authority.file : NULL,
              i % 2 ? 0 : TOCSIN_HTTP_INSECURE);
        ck_assert_msg(page.status == 0, "%d: %s", page.status, page.done->reason);
        page_drop(&page);
    }
    /* each fetch closed the connection that the previous fetch had kept */
    ck_assert_int_eq(peer_connections(secure), 6);
}
END_TEST

START_TEST(authorities_that_cannot_be_read)
{
    serve(&authority, "IP:127.0.0.1");
    fails("127.0.0.1", "/echo", "/nowhere/authorities.pem", TOCSIN_ECERT);
}
END_TEST

START_TEST(a_peer_that_closes_in_the_handshake)
{
    char url[64];

    secure = peer_start_rude();
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", peer_port(secure));
    for (int i = 0; i < (int)test_scaled(10, 1, 5); i++)
        page_fail(url, TOCSIN_EHANDSHAKE);
}
END_TEST

START_TEST(a_peer_that_speaks_no_tls)
{
    char url[64];

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", peer_port(peer));
    page_start(&page, &(struct tocsin_http_request){ /* the server waits for the end of the request,
                                                        so only this deadline ends the fetch */
                                                     .url = url,
                                                     .timeout_ms = test_longer_ms(200) });
    page_wait(&page);
    ck_assert_int_eq(page.status, -ETIMEDOUT);
    ck_assert_int_gt(page.done->tls_us, 0);
    page_drop(&page);
}
END_TEST

START_TEST(a_truncated_body)
{
    serve(&authority, "IP:127.0.0.1");
    fails("127.0.0.1", "/cut", authority.file, TOCSIN_ETRUNCATED);
    fails("127.0.0.1", "/cut-chunk", authority.file, TOCSIN_ETRUNCATED);
    fails("127.0.0.1", "/hang-up", authority.file, TOCSIN_ETRUNCATED);
    fails("127.0.0.1", "/reset", authority.file, -ECONNRESET);
    fails("127.0.0.1", "/bad-chunk", authority.file, TOCSIN_EPEER);
}
END_TEST

START_TEST(cancelled_in_the_handshake)
{
    char url[64];

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", peer_port(peer));
    page_start(&page, &(struct tocsin_http_request){ .url = url });
    while (peer_connections(peer) == 0)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(tocsin_cancel(page.op), 0);
    page_wait(&page);
    ck_assert_int_eq(page.status, -ECANCELED);
    page_drop(&page);
}
END_TEST

START_TEST(redirects_from_tls_to_plain_and_back)
{
    char path[300];

    serve(&authority, "IP:127.0.0.1");
    snprintf(path, sizeof path, "/to/302/%s", peer_url(peer, "/echo"));
    page_fetch(&page, &(struct tocsin_http_request){
                          .url = peer_url(secure, path),
                          .ca_file = authority.file,
                          .header = (const char *const[]){ "Cookie: secret", NULL } });
    ck_assert_int_eq(page.status, 0);
    ck_assert(!page_has(&page, "secret"));
    page_drop(&page);
    snprintf(path, sizeof path, "/to/302/%s", peer_url(secure, "/echo"));
    page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(peer, path),
                                                     .ca_file = authority.file });
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
    page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(peer, path) });
    ck_assert_int_eq(page.status, TOCSIN_ECERT);
    page_drop(&page);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/tls");
    TCase *tests = tcase_create("tls");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_certificate_that_is_trusted);
    tcase_add_test(tests, a_certificate_of_an_unknown_authority);
    tcase_add_test(tests, a_certificate_for_another_host);
    tcase_add_test(tests, any_certificate_if_it_is_asked_for);
    tcase_add_test(tests, trusted_and_insecure_fetches_alternate);
    tcase_add_test(tests, authorities_that_cannot_be_read);
    tcase_add_test(tests, a_peer_that_closes_in_the_handshake);
    tcase_add_test(tests, a_peer_that_speaks_no_tls);
    tcase_add_test(tests, a_truncated_body);
    tcase_add_test(tests, cancelled_in_the_handshake);
    tcase_add_test(tests, redirects_from_tls_to_plain_and_back);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
