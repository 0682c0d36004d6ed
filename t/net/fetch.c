/* Tests the request and the result of a fetch: methods, headers, bodies and limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "test.h"

static struct page page;

START_TEST(a_get_returns_the_page)
{
    page_get(&page, peer_url(peer, "/echo"));
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_eq(page.done->code, 200);
    ck_assert_str_eq(page.info->name, "http.client.done");
    ck_assert_str_eq(page.done->reason, "");
    ck_assert_str_eq(page.done->url, peer_url(peer, "/echo"));
    ck_assert_uint_eq(page.done->redirects, 0);
    ck_assert_ptr_nonnull(strstr(page.done->header, "X-Peer: yes\r\nContent-Length: "));
    /* the header does not begin with the status line */
    ck_assert(strncmp(page.done->header, "X-Peer", 6) == 0);
    /* the header does not contain the empty line at its end */
    ck_assert_ptr_null(strstr(page.done->header, "\r\n\r\n"));
    ck_assert(page_has(&page, "GET /echo HTTP/1.1\r\n"));
    page_drop(&page);
}
END_TEST

START_TEST(tocsin_http_get_fetches_a_page)
{
    page = (struct page){ .count = 0 };
    ck_assert_int_eq(
        tocsin_http_get(peer_url(peer, "/bytes/1000"), TOCSIN_CALL(page_keep, &page), &page.op), 0);
    page_wait(&page);
    page_is_bytes(&page, 1000);
    page_drop(&page);
}
END_TEST

START_TEST(status_404_is_a_successful_fetch)
{
    page_get(&page, peer_url(peer, "/status/404"));
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_eq(page.done->code, 404);
    ck_assert_uint_eq(page.done->body.size, 4);
    page_drop(&page);
}
END_TEST

START_TEST(bodies_of_every_size_arrive_completely)
{
    static const int sizes[] = { 0, 1, 1023, 16384, 16385, 100000, 5000000 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char path[64];

        snprintf(path, sizeof path, "/bytes/%d", sizes[i]);
        page_get(&page, peer_url(peer, path));
        page_is_bytes(&page, (size_t)sizes[i]);
        page_drop(&page);
        snprintf(path, sizeof path, "/chunked/%d", sizes[i]);
        page_get(&page, peer_url(peer, path));
        page_is_bytes(&page, (size_t)sizes[i]);
        /* the trailer is not in the header */
        ck_assert_ptr_null(strstr(page.done->header, "X-After: yes"));
        page_drop(&page);
    }
}
END_TEST

START_TEST(replies_without_a_body)
{
    page_get(&page, peer_url(peer, "/empty"));
    ck_assert_int_eq(page.done->code, 204);
    ck_assert_uint_eq(page.done->body.size, 0);
    ck_assert_str_eq(page.done->header, "X-Peer: yes\r\n");
    page_drop(&page);
}
END_TEST

START_TEST(a_reply_after_an_informational_reply)
{
    page_get(&page, peer_url(peer, "/early"));
    ck_assert_int_eq(page.done->code, 200);
    ck_assert_ptr_null(strstr(page.done->header, "style.css"));
    ck_assert(page_has(&page, "GET /early"));
    page_drop(&page);
}
END_TEST

static void sends(const struct tocsin_http_request *request, const char *begin,
                  const char *const *with, const char *const *without)
{
    page_fetch(&page, request);
    ck_assert_int_eq(page.status, 0);
    ck_assert_msg(strncmp(page.done->body.data, begin, strlen(begin)) == 0, "%.*s",
                  (int)page.done->body.size, (const char *)page.done->body.data);
    for (; with && *with; with++)
        ck_assert_msg(page_has(&page, *with), "no %s", *with);
    for (; without && *without; without++)
        ck_assert_msg(!page_has(&page, *without), "%s", *without);
    page_drop(&page);
}

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(each_method_sends_its_request)
{
    static const char *const methods[] = { "GET", "DELETE", "OPTIONS", "PROPFIND", "get" };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char begin[64];

        snprintf(begin, sizeof begin, "%s /echo HTTP/1.1\r\n", methods[i]);
        sends(&(struct tocsin_http_request){ .url = peer_url(peer, "/echo"), .method = methods[i] },
              begin, NULL, LINES("Content-Length", "Content-Type"));
    }
    page_fetch(&page,
               &(struct tocsin_http_request){ .url = peer_url(peer, "/echo"), .method = "HEAD" });
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_eq(page.done->code, 200);
    ck_assert_uint_eq(page.done->body.size, 0);
    ck_assert_ptr_nonnull(strstr(page.done->header, "Content-Length"));
    page_drop(&page);
    /* nothing of the previous requests is left in this request */
    sends(&(struct tocsin_http_request){ .url = peer_url(peer, "/echo") }, "GET /echo ", NULL,
          NULL);
}
END_TEST

START_TEST(header_lines_of_the_request)
{
    const struct tocsin_http_request request = { .url = peer_url(peer, "/echo"),
                                                 .header = LINES("X-One: 1", "x-two:2", "X-Empty:",
                                                                 "X-Blank:  ", "Accept: text/html",
                                                                 "User-Agent: it") };

    sends(&request, "GET ",
          LINES("X-One: 1\r\n", "x-two:2\r\n", "X-Empty:\r\n", "X-Blank:\r\n",
                "Accept: text/html\r\n", "User-Agent: it\r\n"),
          LINES("Accept: */*"));
    sends(&(struct tocsin_http_request){ .url = peer_url(peer, "/echo") }, "GET ",
          LINES("Accept: */*"), LINES("X-One", "User-Agent"));
}
END_TEST

START_TEST(bodies_of_the_request)
{
    const struct tocsin_bytes body = { "a=1&b=2", 7 };
    struct tocsin_http_request request = { .url = peer_url(peer, "/echo"), .body = body };

    sends(&request, "POST /echo ", LINES("Content-Length: 7\r\n", "\r\n\r\na=1&b=2"),
          LINES("Content-Type", "Expect"));
    request.method = "PUT", request.header = LINES("Content-Type: text/plain");
    sends(&request, "PUT /echo ",
          LINES("Content-Length: 7\r\n", "Content-Type: text/plain\r\n", "\r\n\r\na=1&b=2"), NULL);
    request.body.size = 0, request.header = NULL;
    sends(&request, "PUT /echo ", LINES("Content-Length: 0\r\n"), LINES("Content-Type"));
    request.method = "GET", request.body = (struct tocsin_bytes){ "x\0y", 3 };
    sends(&request, "GET /echo ", LINES("Content-Length: 3\r\n"), NULL);
}
END_TEST

START_TEST(a_body_of_two_megabytes)
{
    struct tocsin_http_request request = { .url = peer_url(peer, "/echo"),
                                           .body = { NULL, 2 << 20 } };
    char *bytes = malloc(request.body.size);

    memset(bytes, 'x', request.body.size);
    bytes[request.body.size - 1] = '!';
    request.body.data = bytes;
    page_fetch(&page, &request);
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_eq(((const char *)page.done->body.data)[page.done->body.size - 1], '!');
    ck_assert_uint_gt(page.done->body.size, request.body.size);
    page_drop(&page);
    free(bytes);
}
END_TEST

START_TEST(a_body_is_received_up_to_its_limit)
{
    struct tocsin_http_request request = { .url = peer_url(peer, "/bytes/1000"),
                                           .limit_bytes = 1000 };

    page_fetch(&page, &request);
    page_is_bytes(&page, 1000);
    page_drop(&page);
    request.url = peer_url(peer, "/chunked/1000");
    page_fetch(&page, &request);
    page_is_bytes(&page, 1000);
    page_drop(&page);
}
END_TEST

START_TEST(a_connection_is_reused)
{
    for (int i = 0; i < 10; i++) {
        page_get(&page, peer_url(peer, "/echo"));
        ck_assert_int_eq(page.status, 0);
        page_drop(&page);
    }
    ck_assert_int_eq(peer_connections(peer), 1);
    page_get(&page, peer_url(peer, "/close"));
    page_drop(&page);
    /* The new socket may get the number of the descriptor that was just closed. */
    page_get(&page, peer_url(peer, "/echo"));
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
    ck_assert_int_eq(peer_connections(peer), 2);
}
END_TEST

START_TEST(a_kept_connection_that_the_peer_closes)
{
    for (int i = 0; i < 5; i++) {
        page_get(&page, peer_url(peer, "/echo"));
        ck_assert_int_eq(page.status, 0);
        page_drop(&page);
        peer_stop(peer);
        for (int turn = 0; turn < 3; turn++)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
        peer = peer_start(NULL);
    }
}
END_TEST

START_TEST(malformed_requests_are_refused)
{
    const char *url = peer_url(peer, "/echo");
    const struct tocsin_http_request wrong[] = {
        { .url = NULL },
        { .url = url, .method = "" },
        { .url = url, .method = "G T" },
        { .url = url, .method = "GET\r\nX: y" },
        { .url = url, .method = "CONNECT" },
        { .url = url, .method = "HEAD", .body = { "x", 1 } },
        { .url = url, .body = { NULL, 1 } },
        { .url = url, .header = LINES("no colon") },
        { .url = url, .header = LINES(": no name") },
        { .url = url, .header = LINES("A b: c") },
        { .url = url, .header = LINES("A: b\r\nC: d") },
        { .url = url, .header = LINES("A: b\nC: d") },
        { .url = url, .header = LINES("A: b\x7f") },
        { .url = url, .header = LINES("content-length: 7") },
        { .url = url, .header = LINES("Transfer-Encoding: chunked") },
        { .url = url, .header = LINES("A;") },
        { .url = url, .header = LINES("") },
        { .url = url, .redirects = -2 },
        { .url = url, .timeout_ms = -2 },
        { .url = url, .flags = 8 },
        { .url = url, .spare = { 0, 0, 0, 0, 0, 0, 0, 1 } }
    };
    struct tocsin_op op;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(tocsin_http_fetch(&wrong[i], NULL, &op) == -EINVAL, "%zu", i);
        ck_assert_int_eq(tocsin_id_error(op.source.id), -EINVAL);
        ck_assert_int_eq(tocsin_http_fetch(&wrong[i], NULL, NULL), -EINVAL);
    }
    ck_assert_int_eq(tocsin_http_fetch(NULL, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_http_get(NULL, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .at_once = -1 }), -EINVAL);
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .per_host = -1 }), -EINVAL);
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .spare = { 1 } }), -EINVAL);
    ck_assert_int_eq(peer_requests(peer), 0);
}
END_TEST

static int64_t sum(const struct tocsin_http_client_done *done)
{
    ck_assert_int_ge(done->queued_us, 0);
    ck_assert_int_ge(done->names_us, 0);
    ck_assert_int_ge(done->connect_us, 0);
    ck_assert_int_ge(done->tls_us, 0);
    ck_assert_int_ge(done->first_us, 0);
    return done->queued_us + done->names_us + done->connect_us + done->tls_us + done->first_us;
}

START_TEST(the_phases_add_up)
{
    static const char bytes[300000];
    const struct tocsin_http_request posted = { .url = peer_url(peer, "/slow/50"),
                                                .body = { bytes, sizeof bytes } };

    page_get(&page, peer_url(peer, "/slow/50"));
    ck_assert_int_ge(page.done->first_us, 49000);
    ck_assert_int_gt(page.done->connect_us, 0);
    ck_assert_int_eq(page.done->tls_us, 0);
    ck_assert_int_le(sum(page.done), page.done->total_us);
    page_drop(&page);
    /* first_us must be the time until the first byte of the reply, not the time until the body is
       sent */
    page_fetch(&page, &posted);
    ck_assert_int_ge(page.done->first_us, 49000);
    ck_assert_int_le(sum(page.done), page.done->total_us);
    page_drop(&page);
}
END_TEST

START_TEST(a_deadline_counts_for_the_running_phase)
{
    int64_t limit_ms = test_longer_ms(500);
    const struct tocsin_http_request never = { .url = peer_url(peer, "/never"),
                                               .timeout_ms = limit_ms };
    const struct tocsin_http_request stall = { .url = peer_url(peer, "/stall"),
                                               .timeout_ms = 2 * limit_ms };
    const struct tocsin_http_request posted = { .url = peer_url(peer, "/stall"),
                                                .body = { "x", 1 },
                                                .timeout_ms = 2 * limit_ms };

    page_fetch(&page, &never);
    ck_assert_int_eq(page.status, -ETIMEDOUT);
    ck_assert_int_ge(page.done->first_us, limit_ms * 1000 / 2);
    ck_assert_int_le(sum(page.done), page.done->total_us);
    page_drop(&page);
    page_fetch(&page, &stall);
    ck_assert_int_eq(page.status, -ETIMEDOUT);
    ck_assert_int_eq(page.done->code, 200);
    /* the page has the part of the body that was received */
    ck_assert_uint_eq(page.done->body.size, 50);
    ck_assert_int_lt(sum(page.done), page.done->total_us);
    page_drop(&page);
    page_fetch(&page, &posted);
    ck_assert_int_eq(page.status, -ETIMEDOUT);
    ck_assert_int_lt(sum(page.done), page.done->total_us);
    page_drop(&page);
}
END_TEST

/* A fetch works with every kind of notify: as a future, in a queue, and so on. */

START_TEST(a_fetch_as_a_future)
{
    struct tocsin_op op;
    struct tocsin_info *info;

    ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/bytes/10"), TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    ck_assert_uint_eq(tocsin_http_client_done_of(info)->body.size, 10);
    tocsin_info_unref(info);
}
END_TEST

START_TEST(fetches_into_a_queue)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/bytes/10"), TOCSIN_QUEUE(queue), NULL),
                         0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        ck_assert_str_eq(info->name, "http.client.done");
        ck_assert_uint_eq(tocsin_http_client_done_of(info)->body.size, 10);
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(fetches_announced_by_the_signal_only)
{
    struct tocsin_op other;

    page = (struct page){ .count = 0 };
    ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/wait"), TOCSIN_FUTURE, &other), 0);
    ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/bytes/10"), NULL, &page.op), 0);
    ck_assert_int_eq(tocsin_connect("http.client.done",
                                    &(struct tocsin_action){
                                        .fn = page_keep, .arg = &page, .source = page.op.source },
                                    NULL),
                     0);
    page_wait(&page);
    page_is_bytes(&page, 10);
    peer_release(peer, 1);
    ck_assert_int_eq(tocsin_wait(other, -1, NULL), 0);
    ck_assert_int_eq(page.count, 1);
    page_drop(&page);
}
END_TEST

static int again(const struct tocsin_info *info, void *arg)
{
    int *left = arg;

    ck_assert_int_eq(info->status, 0);
    if (--*left > 0)
        ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/echo"), TOCSIN_CALL(again, left), NULL),
                         0);
    else
        tocsin_stop(0);
    return TOCSIN_NEXT;
}

START_TEST(a_handler_starts_the_next_fetch)
{
    int left = 50;

    ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/echo"), TOCSIN_CALL(again, &left), NULL), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(left, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/fetch");
    TCase *tests = tcase_create("fetch");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_get_returns_the_page);
    tcase_add_test(tests, tocsin_http_get_fetches_a_page);
    tcase_add_test(tests, status_404_is_a_successful_fetch);
    tcase_add_test(tests, bodies_of_every_size_arrive_completely);
    tcase_add_test(tests, replies_without_a_body);
    tcase_add_test(tests, a_reply_after_an_informational_reply);
    tcase_add_test(tests, each_method_sends_its_request);
    tcase_add_test(tests, header_lines_of_the_request);
    tcase_add_test(tests, bodies_of_the_request);
    tcase_add_test(tests, a_body_of_two_megabytes);
    tcase_add_test(tests, a_body_is_received_up_to_its_limit);
    tcase_add_test(tests, a_connection_is_reused);
    tcase_add_test(tests, a_kept_connection_that_the_peer_closes);
    tcase_add_test(tests, malformed_requests_are_refused);
    tcase_add_test(tests, the_phases_add_up);
    tcase_add_test(tests, a_deadline_counts_for_the_running_phase);
    tcase_add_test(tests, a_fetch_as_a_future);
    tcase_add_test(tests, fetches_into_a_queue);
    tcase_add_test(tests, fetches_announced_by_the_signal_only);
    tcase_add_test(tests, a_handler_starts_the_next_fetch);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
