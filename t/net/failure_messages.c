/* Tests each way in which a fetch can fail. Each kind of failure must have its own status and its
   own message. */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/inspect.h>

#include "page.h"

#ifdef TOCSIN_FAULT
#include "base/mem.h"
#endif

static struct page page;

START_TEST(malformed_urls_are_refused)
{
    static const char *const urls[] = { "",
                                        "nothing",
                                        "127.0.0.1/x",
                                        "http:/127.0.0.1/",
                                        "http:///127.0.0.1/",
                                        "http:127.0.0.1",
                                        "/x",
                                        "http://",
                                        "http:///path",
                                        "http://127.0.0.1:99999/",
                                        "http://127.0.0.1:no/",
                                        "http://a b/",
                                        "http://a\nb/",
                                        "http://[::1/",
                                        "http://[fe80::zz]/",
                                        "http://exa mple.org/",
                                        "http://127.0.0.1/ space",
                                        "://" };

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        page_fail(urls[i], TOCSIN_EURL);
    page_get(&page, peer_url(peer, "/echo"));
    page_drop(&page);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        /* the result must be the same when the client already knows another origin */
        page_fail(urls[i], TOCSIN_EURL);
}
END_TEST

START_TEST(a_malformed_url_after_a_good_one)
{
    char url[128];

    page_get(&page, peer_url(peer, "/echo"));
    page_drop(&page);
    /* the result must be the same when the client already knows this origin */
    page_fail(peer_url(peer, "/a b"), TOCSIN_EURL);
    snprintf(url, sizeof url, "http://127.0.0.1:%d@/", peer_port(peer));
    page_fail(url, TOCSIN_EURL);
    ck_assert_int_eq(peer_requests(peer), 1);
}
END_TEST

START_TEST(unknown_schemes_are_refused)
{
    static const char *const urls[] = { "ftp://127.0.0.1/", "file:///etc/passwd",
                                        "htp://127.0.0.1/", "gopher://127.0.0.1/",
                                        "HTTPX://127.0.0.1/" };

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        page_fail(urls[i], TOCSIN_ESCHEME);
}
END_TEST

static int no_such_name(const char *host, const char *port, const struct addrinfo *hints,
                        struct addrinfo **ret_list)
{
    (void)host, (void)port, (void)hints, (void)ret_list;
    return EAI_NONAME;
}

START_TEST(no_such_host)
{
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .resolve = no_such_name }),
                     0);
    page_fail("http://nowhere.invalid/", TOCSIN_ENAME);
    page_get(&page, "http://nowhere.invalid/");
    ck_assert_str_eq(page.done->reason, gai_strerror(EAI_NONAME));
    page_drop(&page);
}
END_TEST

START_TEST(no_server_listens)
{
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", peer_free_port());
    page_fail(url, -ECONNREFUSED);
    snprintf(url, sizeof url, "http://[::1]:%d/", peer_free_port());
    page_get(&page, url);
    ck_assert(page.status == -ECONNREFUSED || page.status == -EADDRNOTAVAIL ||
              page.status == -ENETUNREACH || page.status == -EAFNOSUPPORT);
    page_drop(&page);
}
END_TEST

START_TEST(the_server_resets_the_connection)
{
    page_fail(peer_url(peer, "/reset"), -ECONNRESET);
}
END_TEST

START_TEST(the_server_closes_before_the_reply)
{
    page_fail(peer_url(peer, "/hang-up"), TOCSIN_ETRUNCATED);
}
END_TEST

START_TEST(a_truncated_body)
{
    page_fail(peer_url(peer, "/cut"), TOCSIN_ETRUNCATED);
    page_fail(peer_url(peer, "/cut-chunk"), TOCSIN_ETRUNCATED);
    page_get(&page, peer_url(peer, "/cut"));
    /* The page keeps the first part of the body, which was received. */
    ck_assert_int_eq(page.done->code, 200);
    ck_assert_uint_eq(page.done->body.size, 50);
    page_drop(&page);
}
END_TEST

START_TEST(replies_that_are_not_http)
{
    page_fail(peer_url(peer, "/garbage"), TOCSIN_EPEER);
    page_fail(peer_url(peer, "/bad-chunk"), TOCSIN_EPEER);
}
END_TEST

static void too_big(const char *path, size_t limit)
{
    page_fetch(&page,
               &(struct tocsin_http_request){ .url = peer_url(peer, path), .limit_bytes = limit });
    ck_assert_int_eq(page.status, TOCSIN_ETOOBIG);
    ck_assert_int_ne(page.done->reason[0], 0);
    ck_assert_uint_le(page.done->body.size, limit ? limit : 16 << 20);
    page_drop(&page);
}

START_TEST(a_body_over_the_limit)
{
    too_big("/bytes/1001", 1000);
    too_big("/chunked/1001", 1000);
    too_big("/bytes/20000000", 0);
    too_big("/to/302//echo", 1);
    page_get(&page, peer_url(peer, "/echo")); /* the next fetch must succeed */
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
}
END_TEST

START_TEST(a_header_without_end)
{
    page_fail(peer_url(peer, "/long-header"), TOCSIN_ETOOBIG);
}
END_TEST

START_TEST(the_deadline_ends_a_fetch)
{
    page_fetch(&page,
               &(struct tocsin_http_request){ .url = peer_url(peer, "/never"), .timeout_ms = 30 });
    ck_assert_int_eq(page.status, -ETIMEDOUT);
    ck_assert_int_ne(page.done->reason[0], 0);
    ck_assert_int_ge(page.done->total_us, 29000);
    page_drop(&page);
}
END_TEST

START_TEST(the_deadline_of_a_wait)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/never"), TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, 30, NULL), -ETIMEDOUT);
}
END_TEST

/* A fetch is cancelled in each phase: just after its start, during the transfer, while the body
   is received, and while the fetch is queued. resolve.c tests a cancel while the name is
   resolved. */

static void cancelled(struct page *it)
{
    ck_assert_int_eq(tocsin_cancel(it->op), 0);
    ck_assert_int_eq(tocsin_cancel(it->op), -EALREADY);
    ck_assert_int_eq(it->count, 0);
    page_wait(it);
    ck_assert_int_eq(it->status, -ECANCELED);
    ck_assert_int_ne(it->done->reason[0], 0);
    page_drop(it);
}

START_TEST(cancel_before_anything_is_sent)
{
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/echo") });
    cancelled(&page);
    ck_assert_int_eq(peer_requests(peer), 0);
}
END_TEST

START_TEST(cancel_while_the_reply_is_waited_for)
{
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/never") });
    turns_until(is_waiting, NULL);
    cancelled(&page);
}
END_TEST

static void cancel_all_watches(void)
{
    struct tocsin_op_facts facts = { .name = "" };
    int count = 0;

    while (tocsin_op_next(facts.op, &facts) == 0)
        if (strcmp(facts.name, "fd.done") == 0) {
            ck_assert_int_eq(tocsin_cancel(facts.op), 0);
            count++;
        }
    ck_assert_int_gt(count, 0);
}

static int on_watch_done(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(info->status, -ECANCELED);
#ifdef TOCSIN_FAULT
    tocsin__fault_at(1);
#endif
    return TOCSIN_NEXT;
}

START_TEST(a_watch_is_cancelled_by_the_program)
{
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/wait") });
    turns_until(is_waiting, NULL);
    cancel_all_watches();
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    peer_release(peer, 1);
    /* the fetch must end, although the program cancelled the watches of the client's sockets */
    page_wait(&page);
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
}
END_TEST

START_TEST(each_new_watch_is_cancelled)
{
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/never") });
    turns_until(is_waiting, NULL);
    ck_assert_int_eq(
        tocsin_connect("fd.done", &(struct tocsin_action){ .fn = on_watch_done }, NULL), 0);
    cancel_all_watches();
    page_wait(&page);
    ck_assert_int_lt(page.status, 0);
    page_drop(&page);
}
END_TEST

START_TEST(cancelled_during_the_body)
{
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/stall") });
    turns_until(is_waiting, NULL);
    for (int i = 0; i < 10; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    cancelled(&page);
}
END_TEST

START_TEST(cancel_while_queued)
{
    struct page first;

    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 1 }), 0);
    page_start(&first, &(struct tocsin_http_request){ .url = peer_url(peer, "/wait") });
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/echo") });
    turns_until(is_waiting, NULL);
    cancelled(&page);
    page_start(&page,
               &(struct tocsin_http_request){ .url = peer_url(peer, "/echo"), .timeout_ms = 20 });
    /* The deadline also counts the time in the queue, so it ends the queued fetch. */
    page_wait(&page);
    ck_assert_int_eq(page.status, -ETIMEDOUT);
    ck_assert_int_ge(page.done->queued_us, 19000);
    page_drop(&page);
    peer_release(peer, 1);
    page_wait(&first);
    ck_assert_int_eq(first.status, 0);
    page_drop(&first);
    ck_assert_int_eq(peer_requests(peer), 1);
}
END_TEST

START_TEST(cancelled_after_the_end)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/echo"), TOCSIN_FUTURE, &op), 0);
    while (tocsin_op_status(op) == -EINPROGRESS)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(tocsin_cancel(op), -EALREADY);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    ck_assert_int_eq(tocsin_cancel(op), -ENOENT);
}
END_TEST

START_TEST(nothing_raises_sigpipe)
{
    static const char *const paths[] = { "/reset", "/hang-up", "/cut", "/garbage" };
    static char bytes[200000];

    ck_assert_int_eq(tocsin_http_setup(NULL), 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(peer, paths[i]),
                                                         .body = { bytes, sizeof bytes } });
        ck_assert_int_lt(page.status, 0);
        page_drop(&page);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/failure_messages");
    TCase *tests = tcase_create("failures");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, malformed_urls_are_refused);
    tcase_add_test(tests, a_malformed_url_after_a_good_one);
    tcase_add_test(tests, unknown_schemes_are_refused);
    tcase_add_test(tests, no_such_host);
    tcase_add_test(tests, no_server_listens);
    tcase_add_test(tests, the_server_resets_the_connection);
    tcase_add_test(tests, the_server_closes_before_the_reply);
    tcase_add_test(tests, a_truncated_body);
    tcase_add_test(tests, replies_that_are_not_http);
    tcase_add_test(tests, a_body_over_the_limit);
    tcase_add_test(tests, a_header_without_end);
    tcase_add_test(tests, the_deadline_ends_a_fetch);
    tcase_add_test(tests, the_deadline_of_a_wait);
    tcase_add_test(tests, cancel_before_anything_is_sent);
    tcase_add_test(tests, cancel_while_the_reply_is_waited_for);
    tcase_add_test(tests, a_watch_is_cancelled_by_the_program);
#ifdef TOCSIN_FAULT
    tcase_add_test(tests, each_new_watch_is_cancelled);
#endif
    tcase_add_test(tests, cancelled_during_the_body);
    tcase_add_test(tests, cancel_while_queued);
    tcase_add_test(tests, cancelled_after_the_end);
    tcase_add_test(tests, nothing_raises_sigpipe);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
