/* Tests fetches that deliver the header and the body as progress. A fetch pauses while nothing
   takes its progress. */
#include <stdio.h>
#include <string.h>

#include "page.h"

static struct page page;

/* The progress that the handlers received. Each part of the body must begin where the previous part
   ended. */
static struct told {
    int headers, parts, code;
    size_t size;
    char url[256];
    bool bad;
} told;

static int on_progress(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_http_client_headers *headers = tocsin_http_client_headers_of(info);
    const struct tocsin_http_client_body *body = tocsin_http_client_body_of(info);

    (void)arg;
    ck_assert_int_eq(info->code, TOCSIN_PROGRESS);
    if (headers) {
        ck_assert_int_eq(told.parts, 0);
        ck_assert_ptr_nonnull(strstr(headers->header, "\r\n"));
        told.headers++;
        told.code = headers->code;
        snprintf(told.url, sizeof told.url, "%s", headers->url);
        return TOCSIN_NEXT;
    }
    ck_assert_ptr_nonnull(body);
    ck_assert_uint_eq(body->offset, told.size);
    told.bad = told.bad || !are_bytes(&body->data, told.size);
    told.parts++;
    told.size += body->data.size;
    return TOCSIN_NEXT;
}

static void start(const struct tocsin_http_request *request, const struct tocsin_notify *notify)
{
    page = (struct page){ .count = 0 };
    told = (struct told){ .headers = 0 };
    ck_assert_int_eq(tocsin_http_fetch(request, notify, &page.op), 0);
    ck_assert_int_eq(tocsin_connect("http.client.done",
                                    &(struct tocsin_action){
                                        .fn = page_keep, .arg = &page, .source = page.op.source },
                                    NULL),
                     0);
}

static void each(const struct tocsin_http_request *request)
{
    start(request, TOCSIN_EACH(on_progress));
    page_wait(&page);
    ck_assert_uint_eq(page.done->body.size, 0);
    ck_assert(!told.bad);
}

START_TEST(each_part_is_delivered)
{
    static const int sizes[] = { 1, 1000, 100000, 5000000 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char path[64];

        snprintf(path, sizeof path, i % 2 ? "/chunked/%d" : "/bytes/%d", sizes[i]);
        each(&(struct tocsin_http_request){ .url = peer_url(peer, path) });
        ck_assert_int_eq(page.status, 0);
        ck_assert_int_eq(told.headers, 1);
        ck_assert_int_eq(told.code, 200);
        ck_assert_str_eq(told.url, peer_url(peer, path));
        ck_assert_uint_eq(told.size, (size_t)sizes[i]);
        page_drop(&page);
    }
    ck_assert_int_eq(peer_connections(peer), 1);
}
END_TEST

START_TEST(a_header_without_a_body)
{
    each(&(struct tocsin_http_request){ .url = peer_url(peer, "/empty") });
    ck_assert_int_eq(told.headers, 1);
    ck_assert_int_eq(told.code, 204);
    ck_assert_int_eq(told.parts, 0);
    page_drop(&page);
    each(&(struct tocsin_http_request){
        .url = peer_url(peer, "/bytes/100"), .method = "HEAD", .timeout_ms = -1 });
    ck_assert_int_eq(told.headers, 1);
    page_drop(&page);
}
END_TEST

START_TEST(a_redirect_is_no_progress)
{
    each(&(struct tocsin_http_request){ .url = peer_url(peer, "/to/302//bytes/1000") });
    ck_assert_int_eq(told.headers, 1);
    ck_assert_int_eq(told.code, 200);
    ck_assert_str_eq(told.url, peer_url(peer, "/bytes/1000"));
    ck_assert_uint_eq(told.size, 1000);
    page_drop(&page);
}
END_TEST

START_TEST(the_limit_counts_delivered_bytes)
{
    each(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1000000"),
                                        .limit_bytes = 300000 });
    ck_assert_int_eq(page.status, TOCSIN_ETOOBIG);
    ck_assert_uint_le(told.size, 300000);
    ck_assert_uint_gt(told.size, 0);
    page_drop(&page);
    each(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/300000"),
                                        .limit_bytes = 300000 });
    ck_assert_int_eq(page.status, 0);
    ck_assert_uint_eq(told.size, 300000);
    page_drop(&page);
}
END_TEST

START_TEST(a_truncated_body_is_delivered_up_to_its_end)
{
    each(&(struct tocsin_http_request){ .url = peer_url(peer, "/cut") });
    ck_assert_int_eq(page.status, TOCSIN_ETRUNCATED);
    ck_assert_uint_eq(told.size, 50);
    page_drop(&page);
}
END_TEST

/* No handler wants the progress. The fetch pauses, and the server cannot send the rest of the
   body. */
START_TEST(a_fetch_without_a_listener_pauses)
{
    struct tocsin_handler handler;

    start(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/8000000"),
                                         .flags = TOCSIN_HTTP_STREAM },
          NULL);
    for (int i = 0; i < 100; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(page.count, 0);
    ck_assert_int_eq(
        tocsin_connect("http.client.body", &(struct tocsin_action){ .fn = on_progress }, &handler),
        0);
    while (told.parts < 3)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    /* The fetch must pause again when the handler is disconnected during the body. */
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    struct told before = told;
    for (int i = 0; i < 100; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(told.parts, before.parts);
    ck_assert_int_eq(page.count, 0);
    ck_assert_int_eq(
        tocsin_connect("http.client.body", &(struct tocsin_action){ .fn = on_progress }, &handler),
        0);
    page_wait(&page);
    ck_assert_int_eq(page.status, 0);
    ck_assert(!told.bad);
    ck_assert_uint_eq(told.size, 8000000);
    page_drop(&page);
}
END_TEST

START_TEST(a_fetch_waits_for_room_in_a_queue)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;
    size_t size = 0;
    int headers = 0, ended = 0;

    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 2 }, &queue),
                     0);
    ck_assert_int_eq(
        tocsin_http_fetch(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1000000"),
                                                         .flags = TOCSIN_HTTP_STREAM },
                          TOCSIN_QUEUE(queue), NULL),
        0);
    while (!ended) {
        const struct tocsin_http_client_body *body;

        for (int i = 0; i < 5; i++)
            ck_assert_int_ge(tocsin_loop_turn(1), 0);
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        body = tocsin_http_client_body_of(info);
        headers += tocsin_http_client_headers_of(info) != NULL;
        ended += tocsin_http_client_done_of(info) != NULL;
        if (body) {
            ck_assert_uint_eq(body->offset, size);
            ck_assert(are_bytes(&body->data, size));
            size += body->data.size;
        }
        tocsin_info_unref(info);
    }
    ck_assert_int_eq(headers, 1);
    ck_assert_uint_eq(size, 1000000);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(two_fetches_share_a_queue)
{
    struct tocsin_queue queue;
    struct tocsin_op op[2];
    struct tocsin_info *info;
    size_t size[2] = { 0, 0 };
    int ended = 0;

    ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 3 }, &queue),
                     0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(
            tocsin_http_fetch(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/300000"),
                                                             .flags = TOCSIN_HTTP_STREAM },
                              TOCSIN_QUEUE(queue), &op[i]),
            0);
    while (ended < 2) {
        const struct tocsin_http_client_body *body;
        size_t *at;

        for (int i = 0; i < 5; i++)
            ck_assert_int_ge(tocsin_loop_turn(1), 0);
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &info), 0);
        at = &size[info->source.id == op[1].source.id];
        body = tocsin_http_client_body_of(info);
        ended += tocsin_http_client_done_of(info) != NULL;
        if (body) {
            ck_assert_uint_eq(body->offset, *at);
            *at += body->data.size;
        }
        tocsin_info_unref(info);
    }
    ck_assert_uint_eq(size[0], 300000);
    ck_assert_uint_eq(size[1], 300000);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(kept_progress_does_not_change)
{
    struct tocsin_queue queue;
    struct tocsin_info *kept[512];
    size_t size = 0;
    int count = 0;

    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &queue), 0);
    ck_assert_int_eq(
        tocsin_http_fetch(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1000000"),
                                                         .flags = TOCSIN_HTTP_STREAM },
                          TOCSIN_QUEUE(queue), NULL),
        0);
    do {
        ck_assert_int_lt(count, 512);
        ck_assert_int_eq(tocsin_queue_wait(queue, -1, &kept[count]), 0);
    } while (!tocsin_http_client_done_of(kept[count++]));
    for (int i = 0; i < count; i++) {
        const struct tocsin_http_client_body *body = tocsin_http_client_body_of(kept[i]);

        if (body) {
            ck_assert(are_bytes(&body->data, size));
            size += body->data.size;
        }
        tocsin_info_unref(kept[i]);
    }
    ck_assert_uint_eq(size, 1000000);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(cancelled_while_paused)
{
    start(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1000000"),
                                         .flags = TOCSIN_HTTP_STREAM },
          NULL);
    for (int i = 0; i < 50; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(tocsin_cancel(page.op), 0);
    page_wait(&page);
    ck_assert_int_eq(page.status, -ECANCELED);
    ck_assert_int_eq(page.done->code, 200);
    page_drop(&page);
}
END_TEST

START_TEST(the_deadline_while_paused)
{
    start(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1000000"),
                                         .flags = TOCSIN_HTTP_STREAM,
                                         .timeout_ms = 100 },
          NULL);
    page_wait(&page);
    ck_assert_int_eq(page.status, -ETIMEDOUT);
    page_drop(&page);
}
END_TEST

static int cancel_it(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (tocsin_http_client_body_of(info) && ++told.parts == 2)
        ck_assert_int_eq(tocsin_cancel((struct tocsin_op){ info->source }), 0);
    return TOCSIN_NEXT;
}

START_TEST(cancelled_by_a_handler)
{
    start(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1000000") },
          TOCSIN_EACH(cancel_it));
    page_wait(&page);
    ck_assert_int_eq(page.status, -ECANCELED);
    ck_assert_int_eq(told.parts, 2);
    page_drop(&page);
}
END_TEST

static int free_it(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (++told.parts == 2)
        ck_assert_int_eq(tocsin_loop_free(), 0);
    return TOCSIN_NEXT;
}

START_TEST(the_loop_is_freed_by_a_handler)
{
    start(&(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1000000") },
          TOCSIN_EACH(free_it));
    while (tocsin_loop_current().id)
        tocsin_loop_turn(-1);
    ck_assert_int_eq(page.count, 1);
    ck_assert_int_eq(page.status, -ECANCELED);
    page_drop(&page);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/stream");
    TCase *tests = tcase_create("stream");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_part_is_delivered);
    tcase_add_test(tests, a_header_without_a_body);
    tcase_add_test(tests, a_redirect_is_no_progress);
    tcase_add_test(tests, the_limit_counts_delivered_bytes);
    tcase_add_test(tests, a_truncated_body_is_delivered_up_to_its_end);
    tcase_add_test(tests, a_fetch_without_a_listener_pauses);
    tcase_add_test(tests, a_fetch_waits_for_room_in_a_queue);
    tcase_add_test(tests, two_fetches_share_a_queue);
    tcase_add_test(tests, kept_progress_does_not_change);
    tcase_add_test(tests, cancelled_while_paused);
    tcase_add_test(tests, the_deadline_while_paused);
    tcase_add_test(tests, cancelled_by_a_handler);
    tcase_add_test(tests, the_loop_is_freed_by_a_handler);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
