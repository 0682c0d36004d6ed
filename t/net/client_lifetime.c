/* Tests when the HTTP client of a loop is created and freed. Fetches end when their loop is freed
   or drained. Each thread has its own client. One test makes a thousand fetches. */
#include <pthread.h>
#include <string.h>

#include "page.h"

static struct page page;

START_TEST(a_freed_loop_ends_its_fetches)
{
    struct page pages[4];
    static const char *const paths[] = { "/never", "/stall", "/never", "/echo" };

    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 3 }), 0);
    for (int i = 0; i < 4; i++)
        page_start(&pages[i], &(struct tocsin_http_request){ .url = peer_url(peer, paths[i]) });
    while (peer_waiting(peer) < 3)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(tocsin_loop_free(), 4);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pages[i].count, 1);
        ck_assert_int_eq(pages[i].status, -ECANCELED);
        page_drop(&pages[i]);
    }
}
END_TEST

static int start_another(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op op;

    (void)info;
    *(int *)arg = tocsin_http_get("http://127.0.0.1/", NULL, &op);
    ck_assert_int_eq(tocsin_id_error(op.source.id), *(int *)arg);
    return TOCSIN_NEXT;
}

START_TEST(no_fetch_starts_while_the_loop_is_freed)
{
    int answer = 0;

    ck_assert_int_eq(
        tocsin_http_get(peer_url(peer, "/never"), TOCSIN_CALL(start_another, &answer), NULL), 0);
    turns_until(is_waiting, NULL);
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(answer, -ESHUTDOWN);
}
END_TEST

START_TEST(another_loop_after_the_freed_one)
{
    for (int i = 0; i < 5; i++) {
        page_get(&page, peer_url(peer, "/echo"));
        ck_assert_int_eq(page.status, 0);
        ck_assert_int_eq(tocsin_loop_free(), 0);
        page_drop(&page); /* the result of the fetch is valid after its loop is freed */
    }
    ck_assert_int_eq(peer_connections(peer), 5);
}
END_TEST

START_TEST(draining_lets_fetches_end)
{
    struct page queued;

    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 1 }), 0);
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/slow/30") });
    page_start(&queued, &(struct tocsin_http_request){ .url = peer_url(peer, "/to/302//slow/30") });
    ck_assert_int_eq(tocsin_drain(-1), 0);
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(page.count, 1);
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_eq(queued.count, 1);
    ck_assert_int_eq(queued.status, 0);
    page_drop(&page);
    page_drop(&queued);
}
END_TEST

static int start_next(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(info->status, 0);
    page_setup();
    page_start(arg,
               &(struct tocsin_http_request){ .url = peer_url_at(peer, "here.test", "/echo") });
    return TOCSIN_NEXT;
}

START_TEST(fetches_start_others_during_a_drain)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(start_next, &page), &op), 0);
    ck_assert_int_eq(tocsin_drain(-1), 0);
    /* The loop is already draining when the first fetch creates the client. */
    ck_assert_int_eq(tocsin_run(), 0);
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_eq(page.count, 1);
    page_drop(&page);
}
END_TEST

START_TEST(a_drain_with_a_time_limit)
{
    page_start(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/never") });
    ck_assert_int_eq(tocsin_drain(30), 0);
    ck_assert_int_eq(tocsin_run(), -ETIMEDOUT);
    ck_assert_int_eq(page.count, 1);
    ck_assert_int_lt(page.status, 0);
    page_drop(&page);
    page_get(&page, peer_url(peer, "/echo"));
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
}
END_TEST

START_TEST(an_idle_client_does_not_keep_the_loop_running)
{
    page_get(&page, peer_url(peer, "/echo"));
    page_drop(&page);
    ck_assert_int_eq(tocsin_drain(-1), 0);
    ck_assert_int_eq(tocsin_run(), 0);
}
END_TEST

static int closed_count;

static int on_closed(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    closed_count++;
    return TOCSIN_NEXT;
}

START_TEST(the_end_of_a_fetch_is_announced)
{
    page_get(&page, peer_url(peer, "/echo"));
    page_drop(&page);
    ck_assert_int_eq(tocsin_on("http.client.closed", on_closed, NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(closed_count, 1);
}
END_TEST

enum { THREADS = 4, EACH = 50 };

static void *run_thread(void *arg)
{
    struct tocsin_op op;
    int *good = arg;

    tocsin_http_setup(&(struct tocsin_http_options){ .resolve = page_resolve });
    for (int i = 0; i < EACH; i++) {
        tocsin_http_get(peer_url_at(peer, i % 2 ? "here.test" : "127.0.0.1", "/echo"),
                        TOCSIN_FUTURE, &op);
        if (tocsin_wait(op, -1, NULL) == 0)
            ++*good;
    }
    *good -= tocsin_loop_free();
    return NULL;
}

START_TEST(each_thread_has_its_own_client)
{
    pthread_t threads[THREADS];
    int good[THREADS] = { 0 };

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_thread, &good[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(good[i], EACH);
    }
    ck_assert_int_eq(peer_requests(peer), THREADS * EACH);
}
END_TEST

START_TEST(a_thousand_fetches_at_once)
{
    static struct page pages[1000];

    for (int i = 0; i < 1000; i++)
        page_start(&pages[i],
                   &(struct tocsin_http_request){ .url = peer_url(peer, "/bytes/1024") });
    for (int i = 0; i < 1000; i++) {
        if (pages[i].count == 0)
            page_wait(&pages[i]);
        page_is_bytes(&pages[i], 1024);
        page_drop(&pages[i]);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/client_lifetime");
    TCase *tests = tcase_create("client lifetime");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_freed_loop_ends_its_fetches);
    tcase_add_test(tests, no_fetch_starts_while_the_loop_is_freed);
    tcase_add_test(tests, another_loop_after_the_freed_one);
    tcase_add_test(tests, draining_lets_fetches_end);
    tcase_add_test(tests, fetches_start_others_during_a_drain);
    tcase_add_test(tests, a_drain_with_a_time_limit);
    tcase_add_test(tests, an_idle_client_does_not_keep_the_loop_running);
    tcase_add_test(tests, the_end_of_a_fetch_is_announced);
    tcase_add_test(tests, each_thread_has_its_own_client);
    tcase_add_test(tests, a_thousand_fetches_at_once);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
