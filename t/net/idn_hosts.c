/* Tests host names with non-ASCII characters. The names are UTF-8 in every locale. If a host name
   cannot be converted, the fetch must end with an error, and must not leak memory. */
#include <locale.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "page.h"

#ifdef TOCSIN_IDN2
static struct page page;
static char asked[300];

static int note(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    snprintf(asked, sizeof asked, "%s", host);
    return page_resolve(host, port, hints, ret_list);
}

static void begin(void)
{
    page_begin();
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .resolve = note }), 0);
}

static const char *const locales[] = { "C", "C.UTF-8" };

static void leads_to(const char *host, const char *ascii)
{
    const char *url = peer_url_at(peer, host, "/echo");
    char line[300];

    asked[0] = 0;
    page_get(&page, url);
    ck_assert_msg(page.status == 0, "%s: %d (%s)", host, page.status, page.done->reason);
    ck_assert_str_eq(page.done->url, url);
    ck_assert_msg(!*asked || strcmp(asked, ascii) == 0, "%s: %s, not %s", host, asked, ascii);
    snprintf(line, sizeof line, "\r\nHost: %s:%d\r\n", ascii, peer_port(peer));
    ck_assert_msg(page_has(&page, line), "%.*s", (int)page.done->body.size,
                  (const char *)page.done->body.data);
    ck_assert(page_has(&page, "GET /echo HTTP"));
    page_drop(&page);
}

START_TEST(hosts_in_utf_8)
{
    ck_assert_ptr_nonnull(setlocale(LC_ALL, locales[_i]));
    leads_to("b\xc3\xbc"
             "cher.test",
             "xn--bcher-kva.test");
    leads_to("B\xc3\x9c"
             "CHER.Test",
             "xn--bcher-kva.test");
    leads_to("b%c3%bccher.test", "xn--bcher-kva.test");
    leads_to("xn--bcher-kva.test", "xn--bcher-kva.test");
    leads_to("stra\xc3\x9f"
             "e.test",
             "xn--strae-oqa.test");
    leads_to("\xe4\xbe\x8b\xe3\x81\x88.test", "xn--r8jz45g.test");
    leads_to("b\xc3\xbc"
             "cher.localhost",
             "xn--bcher-kva.localhost");
    /* this name has the letter u and a combining diaeresis, not the letter ü */
    leads_to("bu\xcc\x88"
             "cher.test",
             "xn--bcher-kva.test");
    /* These fullwidth digits are converted to an IPv4 address. */
    leads_to("\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", "127.0.0.1");
}
END_TEST

START_TEST(hosts_that_cannot_be_converted)
{
    static const char *const urls[] = {
        "http://\xff/",
        "http://\xc3/",
        "http://a.\xc3\x28.test/",
        "http://%ff/",
        "http://%c3/",
        "http://\xe2\x84\x80.test/",
        "http://\xc2\xad/",
        "http://\xf0\x9f\x92\xa9\xef\xbf\xbf.test/",
        "http://\xed\xa0\x80.test/",
        "http://a\xef\xbc\x8f"
        "b.test/",
        "http://a\xef\xbc\xa0"
        "b.test/",
        "http://"
        "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
        "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
        "\xc3\xa4\xc3\xa5\xc3\xa6\xc3\xa7\xc3\xa8\xc3\xa9\xc3\xaa\xc3\xab\xc3\xac\xc3\xad\xc3\xae"
        "\xc3\xaf\xc3\xb0\xc3\xb1\xc3\xb2\xc3\xb3\xc3\xb4\xc3\xb5\xc3\xb6"
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz.test/"
    };

    ck_assert_ptr_nonnull(setlocale(LC_ALL, locales[_i]));
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
            page_fail(urls[i], TOCSIN_EURL);
}
END_TEST

START_TEST(a_redirect_to_a_non_ascii_host)
{
    static const char *const hosts[] = { "b\xc3\xbc"
                                         "cher.test",
                                         "b%c3%bccher.test" };
    char path[300];

    ck_assert_ptr_nonnull(setlocale(LC_ALL, locales[_i]));
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/to/302/http://%s:%d/echo", hosts[i], peer_port(peer));
        page_get(&page, peer_url_at(peer, "first.test", path));
        ck_assert_msg(page.status == 0, "%d (%s)", page.status, page.done->reason);
        ck_assert(page_has(&page, "\r\nHost: xn--bcher-kva.test:"));
        page_drop(&page);
    }
    /* the path redirects to a relative URL */
    page_get(&page, peer_url_at(peer,
                                "b\xc3\xbc"
                                "cher.test",
                                "/to/302//echo"));
    ck_assert_int_eq(page.status, 0);
    ck_assert(page_has(&page, "\r\nHost: xn--bcher-kva.test:"));
    page_drop(&page);
    page_get(&page, peer_url_at(peer, "first.test", "/to/302/http://\xff/echo"));
    ck_assert_int_eq(page.status, TOCSIN_EURL);
    page_drop(&page);
}
END_TEST
#endif

static Suite *suite(void)
{
    Suite *all = suite_create("net/idn_hosts");
    TCase *tests = tcase_create("hosts");

    tcase_set_timeout(tests, 60);
#ifdef TOCSIN_IDN2
    tcase_add_checked_fixture(tests, begin, page_end);
    tcase_add_loop_test(tests, hosts_in_utf_8, 0, 2);
    tcase_add_loop_test(tests, hosts_that_cannot_be_converted, 0, 2);
    tcase_add_loop_test(tests, a_redirect_to_a_non_ascii_host, 0, 2);
#else
    tcase_add_checked_fixture(tests, page_begin, page_end);
    printf("skip: net/idn_hosts: libidn2 is left out\n");
#endif
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
