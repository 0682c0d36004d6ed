/* Contract line F3 for libtocsin-net: each of its allocations fails in turn. Allocations of
   libcurl also fail while a fetch is prepared, but not during the transfer, where libcurl 7.88
   would divide by zero. Each started fetch must end once. */
#include <stdio.h>
#include <string.h>

#include "page.h"
#include "test.h"

#ifdef TOCSIN_FAULT
#include "base/mem.h"
#include "net/mem.h"

static struct page pages[5];
static int ended;
/* If libcurl_too is true, allocations of libcurl fail, too. If `below` is true, allocations of
   libtocsin fail. */
static bool libcurl_too, below;
static long nth, count;

static int on_part(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    for (int i = 0; i < 5; i++)
        if (pages[i].op.source.id == info->source.id)
            page_keep(info, &pages[i]);
    ended++;
    return TOCSIN_NEXT;
}

static int start(const struct tocsin_http_request *request, const struct tocsin_notify *notify,
                 struct page *page)
{
    int err;

    *page = (struct page){ .count = 0 };
    err = tocsin_http_fetch(request, notify, &page->op);
    ck_assert(err == 0 || err == -ENOMEM || (below && err < 0));
    ck_assert_int_eq(tocsin_id_error(page->op.source.id), err);
    return err == 0;
}

/* Runs one fetch of each kind. Returns the number of fetches that failed. */
static int job(void)
{
    static const char *const header[] = { "X-Mine: 1", "X-Empty:", NULL };
    struct tocsin_http_request request[5] = {
        { .url = peer_url(peer, "/bytes/100000") },
        { .url = peer_url(peer, "/echo"), .header = header, .body = { "body", 4 } },
        { .url = peer_url(peer, "/to/302//echo#x"), .header = header },
        { .url = peer_url_at(peer, "name.test", "/echo") },
        { .url = peer_url(peer, "/chunked/50000"), .timeout_ms = -1 }
    };
    int started = 0, wrong = 0, err;

    ended = 0;
    tocsin__net_fault_libcurl(libcurl_too);
    tocsin__net_fault_at(below ? 0 : nth);
    err = tocsin_http_setup(&(struct tocsin_http_options){ .at_once = 3, .resolve = page_resolve });
    ck_assert(err == 0 || err == -ENOMEM);
    if (err == 0) {
        ck_assert_int_eq(
            tocsin_connect("http.client.**", &(struct tocsin_action){ .fn = on_part }, NULL), 0);
        ck_assert_int_eq(
            tocsin_connect("http.client.done", &(struct tocsin_action){ .fn = on_end }, NULL), 0);
        tocsin__fault_at(below ? nth : 0);
        for (int i = 0; i < 5; i++)
            started += start(&request[i], i == 4 ? TOCSIN_EACH(on_part) : NULL, &pages[i]);
        tocsin__net_fault_libcurl(false);
        while (ended < started)
            tocsin_loop_turn(-1);
        count = below ? tocsin__fault_count() : tocsin__net_fault_count();
        tocsin__fault_at(0);
        for (int i = 0; i < 5; i++) {
            wrong += pages[i].status < 0;
            ck_assert_int_le(pages[i].count, 1);
            page_drop(&pages[i]);
        }
    }
    tocsin__net_fault_libcurl(false);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(ended, started);
    return wrong + 5 - started;
}

/* Runs the job once without a failure, since some allocations are made only once in a process. Then
   each allocation of the job fails in turn; under valgrind every third one. */
static void each_in_turn(const char *what)
{
    long all, wrong = 0, tried = 0, step = 3 / test_scaled(3, 1, 3);

    nth = 0;
    job();
    ck_assert_int_eq(job(), 0);
    all = count;
    for (nth = 1; nth <= all; nth += step, tried++)
        wrong += job() > 0;
    nth = 0;
    ck_assert_int_eq(job(), 0);
    ck_assert_int_gt(wrong, 0);
    printf("net/faults: %ld %s made to fail, %ld of them reported\n", tried, what, wrong);
}

START_TEST(allocations_of_libtocsin_net_fail)
{
    each_in_turn("allocations of libtocsin-net");
}
END_TEST

START_TEST(allocations_of_libcurl_fail_too)
{
    libcurl_too = true;
    each_in_turn("allocations of libtocsin-net and libcurl");
}
END_TEST

START_TEST(calls_of_libtocsin_fail)
{
    below = true;
    each_in_turn("allocations and system calls of libtocsin");
}
END_TEST
#endif

static Suite *suite(void)
{
    Suite *all = suite_create("net/faults");
    TCase *tests = tcase_create("faults");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 300);
#ifdef TOCSIN_FAULT
    tcase_add_test(tests, allocations_of_libtocsin_net_fail);
    tcase_add_test(tests, allocations_of_libcurl_fail_too);
    tcase_add_test(tests, calls_of_libtocsin_fail);
#endif
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
