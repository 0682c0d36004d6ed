/* A fetch finds no free descriptor in one of its phases: socket, certificates, resolver or
   redirect. The fetch must end with -EMFILE. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "page.h"

static struct page page;
static int taken[4096], count;

/* Lowers the descriptor limit of this process. Afterwards only free_count descriptors are free. */
static void leave(int free_count)
{
    struct rlimit few;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &few), 0);
    few.rlim_cur = 200;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int fd; count < 4096 && (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        taken[count++] = fd;
    while (free_count-- > 0 && count > 0)
        close(taken[--count]);
}

static void give_back(void)
{
    while (count > 0)
        close(taken[--count]);
}

static void fails(const struct tocsin_http_request *request, int status)
{
    page_fetch(&page, request);
    ck_assert_msg(page.status == status, "%s: %d (%s), not %d", request->url, page.status,
                  page.done->reason, status);
    ck_assert_str_eq(page.done->reason, tocsin_strerror(status));
    page_drop(&page);
}

static void works(const char *url)
{
    page_get(&page, url);
    ck_assert_msg(page.status == 0, "%s: %d (%s)", url, page.status, page.done->reason);
    page_drop(&page);
}

START_TEST(no_descriptor_for_a_socket)
{
    page_setup();
    leave(0);
    for (int i = 0; i < 3; i++) {
        fails(&(struct tocsin_http_request){ .url = peer_url(peer, "/echo") }, -EMFILE);
        fails(&(struct tocsin_http_request){ .url = peer_url(peer, "/echo"), .method = "POST" },
              -EMFILE);
        fails(&(struct tocsin_http_request){ .url = peer_url_at(peer, "[::1]", "/echo") }, -EMFILE);
        fails(&(struct tocsin_http_request){ .url = "http://127.0.0.1:1/" }, -EMFILE);
    }
    give_back();
    works(peer_url(peer, "/echo"));
    /* A later fetch finds a free descriptor, so it fails for another reason. */
    page_fail("http://127.0.0.1:1/", -ECONNREFUSED);
}
END_TEST

START_TEST(no_descriptor_in_the_resolver)
{
    /* The first fetch opens files that the process needs only once. */
    page_get(&page, "http://localhost:1/");
    page_drop(&page);
    leave(0);
    fails(&(struct tocsin_http_request){ .url = "http://localhost:1/" }, -EMFILE);
    fails(&(struct tocsin_http_request){ .url = "http://some.name.invalid/" }, -EMFILE);
    give_back();
    page_fail("http://localhost:1/", -ECONNREFUSED);
}
END_TEST

/* The first request reuses a connection, which needs no descriptor. The redirect needs a new
   connection, and no descriptor is free. */
START_TEST(no_descriptor_after_a_redirect)
{
    struct peer *second = peer_start(NULL);
    char path[300];

    page_setup();
    works(peer_url(peer, "/echo"));
    leave(0);
    works(peer_url(peer, "/hops/3"));
    snprintf(path, sizeof path, "/to/302/%s", peer_url(second, "/echo"));
    page_get(&page, peer_url(peer, path));
    ck_assert_msg(page.status == -EMFILE, "%d (%s)", page.status, page.done->reason);
    ck_assert_str_eq(page.done->url, peer_url(second, "/echo"));
    ck_assert_uint_eq(page.done->redirects, 1);
    page_drop(&page);
    give_back();
    works(peer_url(peer, path));
    ck_assert_int_eq(tocsin_loop_free(), 0);
    peer_stop(second);
}
END_TEST

/* One descriptor is free. The socket uses it, so the file of the certificate authorities cannot
   be opened. */
START_TEST(no_descriptor_for_the_certificates)
{
    struct authority authority;
    struct peer *secure;

    authority_make(&authority);
    secure = peer_start(authority_server(&authority, "IP:127.0.0.1"));
    page_setup();
    for (int left = 0; left < 2; left++) {
        leave(left);
        fails(&(struct tocsin_http_request){ .url = peer_url(secure, "/echo"),
                                             .ca_file = authority.file },
              -EMFILE);
        give_back();
    }
    page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(secure, "/echo"),
                                                     .ca_file = authority.file });
    ck_assert_msg(page.status == 0, "%d (%s)", page.status, page.done->reason);
    page_drop(&page);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    peer_stop(secure);
    authority_free(&authority);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/descriptor_limit_phases");
    TCase *tests = tcase_create("limits");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, no_descriptor_for_a_socket);
    tcase_add_test(tests, no_descriptor_in_the_resolver);
    tcase_add_test(tests, no_descriptor_after_a_redirect);
    tcase_add_test(tests, no_descriptor_for_the_certificates);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
