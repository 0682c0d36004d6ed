/* Tests the two limits of concurrent fetches: the limit of all fetches, and the limit for each
   origin. The server counts the requests, so the test can check both limits. */
#include <stdio.h>

#include "page.h"

enum { PAGES = 40 };

static struct page pages[2 * PAGES];
static struct peer *other;

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

static void start_all(struct peer *where, struct page *first, int count, const char *path)
{
    for (int i = 0; i < count; i++)
        page_start(&first[i], &(struct tocsin_http_request){ .url = peer_url(where, path) });
}

static void end_all(struct page *first, int count)
{
    for (int i = 0; i < count; i++) {
        if (first[i].count == 0)
            page_wait(&first[i]);
        ck_assert_int_eq(first[i].status, 0);
        page_drop(&first[i]);
    }
}

START_TEST(the_limit_of_all_fetches)
{
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 7 }), 0);
    start_all(peer, pages, PAGES, "/wait");
    while (peer_waiting(peer) < 7)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(peer_waiting(peer), 7);
    peer_release(peer, PAGES);
    for (int i = 0; i < PAGES; i++)
        if (pages[i].count == 0)
            page_wait(&pages[i]);
    ck_assert_int_gt(pages[PAGES - 1].done->queued_us, 10000);
    ck_assert_int_lt(pages[0].done->queued_us, pages[PAGES - 1].done->queued_us);
    end_all(pages, PAGES);
    ck_assert_int_eq(peer_busy_most(peer), 7);
    ck_assert_int_eq(peer_connections(peer), 7);
}
END_TEST

START_TEST(without_limits_all_run_at_once)
{
    start_all(peer, pages, PAGES, "/wait");
    while (peer_waiting(peer) < PAGES)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    peer_release(peer, PAGES);
    end_all(pages, PAGES);
}
END_TEST

START_TEST(the_limit_of_each_origin)
{
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .per_host = 3 }), 0);
    start_all(peer, pages, PAGES, "/wait");
    start_all(other, pages + PAGES, PAGES, "/wait");
    while (peer_waiting(peer) < 3 || peer_waiting(other) < 3)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    peer_release(other, PAGES); /* A slow origin does not delay fetches from the other origin. */
    end_all(pages + PAGES, PAGES);
    ck_assert_int_eq(peer_waiting(peer), 3);
    peer_release(peer, PAGES);
    end_all(pages, PAGES);
    ck_assert_int_eq(peer_busy_most(peer), 3);
    ck_assert_int_eq(peer_open_most(peer), 3);
    ck_assert_int_eq(peer_busy_most(other), 3);
    ck_assert_int_eq(peer_open_most(other), 3);
}
END_TEST

START_TEST(both_limits_hold)
{
    ck_assert_int_eq(
        tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 4, .per_host = 3 }), 0);
    start_all(peer, pages, PAGES, "/wait");
    start_all(other, pages + PAGES, PAGES, "/wait");
    while (peer_waiting(peer) < 3 || peer_waiting(other) < 1)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(peer_waiting(peer) + peer_waiting(other), 4);
    peer_release(peer, PAGES);
    peer_release(other, PAGES);
    end_all(pages, 2 * PAGES);
}
END_TEST

START_TEST(each_end_of_a_fetch_frees_its_permit)
{
    static const char *const paths[] = { "/reset", "/cut",     "/status/500",     "/loop",
                                         "/a b",   "/garbage", "/to/302/ftp://x/" };

    ck_assert_int_eq(
        tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 1, .per_host = 1 }), 0);
    for (int i = 0; i < PAGES; i++)
        page_start(&pages[i], &(struct tocsin_http_request){ .url = peer_url(peer, paths[i % 7]) });
    for (int i = 0; i < PAGES; i += 3)
        ck_assert_int_eq(tocsin_cancel(pages[i].op), 0);
    for (int i = 0; i < PAGES; i++) {
        if (pages[i].count == 0)
            page_wait(&pages[i]);
        page_drop(&pages[i]);
    }
    page_get(pages, peer_url(peer, "/echo"));
    ck_assert_int_eq(pages[0].status, 0);
    page_drop(pages);
}
END_TEST

START_TEST(a_higher_limit_starts_waiting_fetches)
{
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 1 }), 0);
    start_all(peer, pages, PAGES, "/wait");
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .per_host = 5 }), 0);
    while (peer_waiting(peer) < 5)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(peer_waiting(peer), 5);
    ck_assert_int_eq(tocsin_http_setup(NULL), 0);
    while (peer_waiting(peer) < PAGES)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    peer_release(peer, PAGES);
    end_all(pages, PAGES);
}
END_TEST

START_TEST(a_lower_limit_applies_to_waiting_fetches)
{
    start_all(peer, pages, 10, "/slow/100");
    while (peer_requests(peer) < 10)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .per_host = 2 }), 0);
    start_all(peer, pages + 10, 10, "/wait");
    end_all(pages, 10);
    while (peer_waiting(peer) < 2)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(peer_waiting(peer), 2);
    peer_release(peer, 10);
    end_all(pages + 10, 10);
    ck_assert_int_eq(peer_connections(peer), 10);
}
END_TEST

static int cancel_next(const struct tocsin_info *info, void *arg)
{
    struct page *page = arg;

    page_keep(info, page);
    if (page + 1 < pages + PAGES && page[1].count == 0)
        tocsin_cancel(page[1].op);
    return TOCSIN_NEXT;
}

START_TEST(each_fetch_cancels_the_next)
{
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 2 }), 0);
    for (int i = 0; i < PAGES; i++) {
        pages[i] = (struct page){ .count = 0 };
        ck_assert_int_eq(tocsin_http_get(peer_url(peer, "/echo"),
                                         TOCSIN_CALL(cancel_next, &pages[i]), &pages[i].op),
                         0);
    }
    for (int i = 0; i < PAGES; i++) {
        while (pages[i].count == 0)
            ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        ck_assert(pages[i].status == 0 || pages[i].status == -ECANCELED);
        page_drop(&pages[i]);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/permits");
    TCase *tests = tcase_create("permits");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_limit_of_all_fetches);
    tcase_add_test(tests, without_limits_all_run_at_once);
    tcase_add_test(tests, the_limit_of_each_origin);
    tcase_add_test(tests, both_limits_hold);
    tcase_add_test(tests, each_end_of_a_fetch_frees_its_permit);
    tcase_add_test(tests, a_higher_limit_starts_waiting_fetches);
    tcase_add_test(tests, a_lower_limit_applies_to_waiting_fetches);
    tcase_add_test(tests, each_fetch_cancels_the_next);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
