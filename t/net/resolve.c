/* Host names are resolved on separate threads. Neither the loop nor a cancelled fetch waits for
   such a thread. */
#define _GNU_SOURCE /* for RTLD_NEXT */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "page.h"

static struct page page;

/* This resolver blocks until the test opens the gate. After that it returns a loopback address. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool shut;
    int began, ended;
    char host[256], port[8];
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER };

/* the number of calls of getaddrinfo() that do not come from the test's resolver */
static atomic_int strangers;
static __thread bool ours;

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!ours)
        atomic_fetch_add(&strangers, 1);
    return real(host, port, hints, ret_list);
}

static int numeric(const char *address, const char *port, const struct addrinfo *hints,
                   struct addrinfo **ret_list)
{
    int answer;

    ours = true;
    answer = getaddrinfo(address, port, hints, ret_list);
    ours = false;
    return answer;
}

static int loopback(const char *host, const char *port, const struct addrinfo *hints,
                    struct addrinfo **ret_list)
{
    pthread_mutex_lock(&gate.lock);
    gate.began++;
    snprintf(gate.host, sizeof gate.host, "%s", host);
    snprintf(gate.port, sizeof gate.port, "%s", port);
    while (gate.shut)
        pthread_cond_wait(&gate.change, &gate.lock);
    gate.ended++;
    pthread_cond_broadcast(&gate.change);
    pthread_mutex_unlock(&gate.lock);
    return numeric("127.0.0.1", port, hints, ret_list);
}

static void shut(bool is)
{
    pthread_mutex_lock(&gate.lock);
    gate.shut = is;
    pthread_cond_broadcast(&gate.change);
    pthread_mutex_unlock(&gate.lock);
}

static int began(void)
{
    int count;

    pthread_mutex_lock(&gate.lock);
    count = gate.began;
    pthread_mutex_unlock(&gate.lock);
    return count;
}

static int ended(void)
{
    int count;

    pthread_mutex_lock(&gate.lock);
    count = gate.ended;
    pthread_mutex_unlock(&gate.lock);
    return count;
}

static void open_for_good(void)
{
    shut(false);
    pthread_mutex_lock(&gate.lock);
    while (gate.ended < gate.began)
        pthread_cond_wait(&gate.change, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void with(int (*resolve)(const char *, const char *, const struct addrinfo *,
                                struct addrinfo **))
{
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .resolve = resolve }), 0);
}

static void begin(void)
{
    gate.began = gate.ended = 0;
    strangers = 0;
    page_begin();
}

static void end(void)
{
    open_for_good();
    page_end();
    ck_assert_int_eq(strangers, 0);
}

START_TEST(libtocsin_net_resolves_a_name)
{
    char port[8];

    with(loopback);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    page_get(&page, peer_url_at(peer, "Some.Name.test", "/echo"));
    ck_assert_int_eq(page.status, 0);
    ck_assert_str_eq(gate.host, "some.name.test");
    snprintf(port, sizeof port, "%d", peer_port(peer));
    ck_assert_str_eq(gate.port, port);
    ck_assert(page_has(&page, "\r\nHost: Some.Name.test:") ||
              page_has(&page, "\r\nHost: some.name.test:"));
    ck_assert_int_gt(page.done->names_us, 0);
    page_drop(&page);
    page_get(&page, peer_url_at(peer, "some.name.test", "/echo"));
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
    ck_assert_int_eq(began(), 1);
    ck_assert_int_eq(peer_connections(peer), 1);
}
END_TEST

/* This test uses the machine's own resolver, so it accepts any result. */
START_TEST(the_resolver_of_the_machine)
{
    page_get(&page, peer_url_at(peer, "localhost", "/echo"));
    ck_assert_msg(page.status == 0 || page.status == TOCSIN_ENAME, "%d: %s", page.status,
                  page.done->reason);
    page_drop(&page);
    /* only libtocsin-net has called getaddrinfo(), and libcurl has not */
    ck_assert_int_eq(strangers, 1);
    strangers = 0;
}
END_TEST

START_TEST(names_that_libcurl_treats_specially)
{
    static const char *const names[] = { "localhost",          "x.localhost",      "trailing.test.",
                                         "xn--bcher-kva.test", "under_score.test", "1.2.3.4.test" };

    with(loopback);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        page_get(&page, peer_url_at(peer, names[i], "/echo"));
        ck_assert_msg(page.status == 0, "%s: %d %s", names[i], page.status, page.done->reason);
        page_drop(&page);
    }
    ck_assert_int_eq(began(), 6);
}
END_TEST

START_TEST(addresses_are_not_looked_up)
{
    static const char *const hosts[] = { "127.0.0.1", "2130706433", "0x7f.1", "127.1" };

    with(loopback);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        page_get(&page, peer_url_at(peer, hosts[i], "/echo"));
        ck_assert_msg(page.status == 0, "%s: %d %s", hosts[i], page.status, page.done->reason);
        page_drop(&page);
    }
    /* no server listens there, but no resolver is needed, since the host is an address */
    page_get(&page, peer_url_at(peer, "[::1]", "/echo"));
    ck_assert_int_lt(page.status, 0);
    ck_assert_int_ne(page.status, TOCSIN_ENAME);
    page_drop(&page);
    ck_assert_int_eq(began(), 0);
}
END_TEST

static int two(const char *host, const char *port, const struct addrinfo *hints,
               struct addrinfo **ret_list)
{
    (void)host;
    if (numeric("127.0.0.2", port, hints, ret_list) != 0)
        return EAI_FAIL;
    return numeric("127.0.0.1", port, hints, &(*ret_list)->ai_next);
}

START_TEST(the_second_address_if_the_first_refuses)
{
    with(two);
    page_get(&page, peer_url_at(peer, "two.test", "/echo"));
    ck_assert_int_eq(page.status, 0);
    page_drop(&page);
}
END_TEST

static int none(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    (void)host, (void)port, (void)hints;
    *ret_list = NULL;
    return 0;
}

static int busy(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    (void)host, (void)port, (void)hints, (void)ret_list;
    return EAI_AGAIN;
}

static int poor(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    (void)host, (void)port, (void)hints, (void)ret_list;
    return EAI_MEMORY;
}

static int broken(const char *host, const char *port, const struct addrinfo *hints,
                  struct addrinfo **ret_list)
{
    (void)host, (void)port, (void)hints, (void)ret_list;
    errno = EMFILE;
    return EAI_SYSTEM;
}

START_TEST(results_that_a_resolver_may_return)
{
    with(none);
    page_fail("http://none.test/", TOCSIN_ENAME);
    with(busy);
    page_fail("http://busy.test/", TOCSIN_ENAME);
    with(poor);
    page_fail("http://poor.test/", -ENOMEM);
    with(broken);
    page_fail("http://broken.test/", -EMFILE);
}
END_TEST

START_TEST(each_hop_is_looked_up)
{
    char path[300];

    with(loopback);
    snprintf(path, sizeof path, "/to/302/%s", peer_url_at(peer, "second.test", "/echo"));
    page_get(&page, peer_url_at(peer, "first.test", path));
    ck_assert_int_eq(page.status, 0);
    ck_assert_str_eq(gate.host, "second.test");
    ck_assert_int_eq(began(), 2);
    page_drop(&page);
}
END_TEST

static void fetch_one(const char *host)
{
    page_get(&page, peer_url_at(peer, host, "/close"));
    ck_assert_msg(page.status == 0, "%d %s", page.status, page.done->reason);
    page_drop(&page);
}

START_TEST(addresses_are_kept_for_five_seconds)
{
    with(loopback);
    ck_assert_int_eq(tocsin_clock_move(0), 0); /* From here on, only the test moves the clock. */
    for (int i = 0; i < 20; i++)
        fetch_one("kept.test");
    ck_assert_int_eq(began(), 1);
    ck_assert_int_eq(peer_connections(peer), 20);
    ck_assert_int_eq(tocsin_clock_move(4000), 0);
    fetch_one("kept.test");
    ck_assert_int_eq(began(), 1);
    ck_assert_int_eq(tocsin_clock_move(2000), 0);
    fetch_one("kept.test");
    ck_assert_int_eq(began(), 2);
    fetch_one("other.test");
    ck_assert_int_eq(began(), 3);
    /* A new resolver may return other addresses, so the client does not use the addresses that it
       kept. */
    with(loopback);
    fetch_one("kept.test");
    ck_assert_int_eq(began(), 4);
}
END_TEST

START_TEST(a_kept_connection_needs_no_name)
{
    with(loopback);
    for (int i = 0; i < 20; i++) {
        page_get(&page, peer_url_at(peer, "kept.test", "/echo"));
        ck_assert_int_eq(page.status, 0);
        page_drop(&page);
        if (i == 10) {
            ck_assert_int_eq(tocsin_clock_move(60000), 0);
        }
    }
    ck_assert_int_eq(began(), 1);
    ck_assert_int_eq(peer_connections(peer), 1);
}
END_TEST

/* The server closes a kept connection as soon as the client uses that connection. The client
   repeats the request, and resolves the name again. */
START_TEST(a_broken_kept_connection_resolves_again)
{
    with(loopback);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    for (int i = 0; i < 5; i++) {
        page_get(&page, peer_url_at(peer, "kept.test", "/echo"));
        ck_assert_int_eq(page.status, 0);
        page_drop(&page);
        page_get(&page, peer_url_at(peer, "kept.test", "/hang-up"));
        ck_assert_int_eq(page.status, TOCSIN_ETRUNCATED);
        page_drop(&page);
    }
    ck_assert_int_eq(began(), 1);
    ck_assert_int_eq(peer_requests(peer), 15);
}
END_TEST

START_TEST(concurrent_fetches_resolve_a_name_once)
{
    static struct page pages[50];

    with(loopback);
    shut(true);
    for (int i = 0; i < 50; i++)
        page_start(&pages[i],
                   &(struct tocsin_http_request){
                       .url = peer_url_at(peer, i % 2 ? "one.test" : "two.test", "/echo"),
                       .method = i % 3 ? "GET" : "POST" });
    while (began() < 2)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    ck_assert_int_eq(tocsin_cancel(pages[0].op), 0);
    ck_assert_int_eq(tocsin_cancel(pages[1].op), 0);
    shut(false);
    for (int i = 0; i < 50; i++) {
        if (pages[i].count == 0)
            page_wait(&pages[i]);
        ck_assert_int_eq(pages[i].status, i < 2 ? -ECANCELED : 0);
        page_drop(&pages[i]);
    }
    ck_assert_int_eq(began(), 2);
}
END_TEST

static int failing(const char *host, const char *port, const struct addrinfo *hints,
                   struct addrinfo **ret_list)
{
    struct addrinfo *list = NULL;

    if (loopback(host, port, hints, &list) == 0)
        freeaddrinfo(list);
    (void)ret_list;
    return EAI_NONAME;
}

START_TEST(a_failure_is_shared_but_not_kept)
{
    static struct page pages[10];

    with(failing);
    shut(true);
    for (int i = 0; i < 10; i++)
        page_start(&pages[i], &(struct tocsin_http_request){ .url = "http://none.test/" });
    shut(false);
    for (int i = 0; i < 10; i++) {
        if (pages[i].count == 0)
            page_wait(&pages[i]);
        ck_assert_int_eq(pages[i].status, TOCSIN_ENAME);
        ck_assert_str_eq(pages[i].done->reason, gai_strerror(EAI_NONAME));
        page_drop(&pages[i]);
    }
    ck_assert_int_eq(began(), 1);
    page_fail("http://none.test/", TOCSIN_ENAME);
    ck_assert_int_eq(began(), 2);
}
END_TEST

START_TEST(each_port_is_looked_up)
{
    struct peer *second = peer_start(NULL);

    with(loopback);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    for (int i = 0; i < 4; i++) {
        page_get(&page, peer_url_at(i % 2 ? peer : second, "both.test", "/close"));
        ck_assert_int_eq(page.status, 0);
        page_drop(&page);
    }
    ck_assert_int_eq(began(), 2);
    ck_assert_int_eq(peer_requests(second), 2);
    peer_stop(second);
}
END_TEST

static int both_families(const char *host, const char *port, const struct addrinfo *hints,
                         struct addrinfo **ret_list)
{
    (void)host, (void)hints;
    if (numeric("::1", port,
                &(struct addrinfo){
                    .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST },
                ret_list) != 0)
        return EAI_FAIL;
    return numeric("127.0.0.1", port, &(struct addrinfo){ .ai_socktype = SOCK_STREAM },
                   &(*ret_list)->ai_next);
}

START_TEST(both_families_are_kept)
{
    with(both_families);
    for (int i = 0; i < 3; i++)
        fetch_one("both.test");
}
END_TEST

/* The client keeps a limited number of addresses. When the limit is exceeded, the client drops the
   oldest address. */
START_TEST(a_limited_number_of_addresses_is_kept)
{
    char host[32];

    with(loopback);
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    for (int i = 0; i < 300; i++) {
        snprintf(host, sizeof host, "h%d.test", i);
        fetch_one(host);
    }
    ck_assert_int_eq(began(), 300);
    fetch_one("h299.test");
    fetch_one("h60.test");
    ck_assert_int_eq(began(), 300);
    fetch_one("h0.test");
    ck_assert_int_eq(began(), 301);
}
END_TEST

/* Tests: the loop runs while a resolver sleeps */

static int on_tick(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

static void start_one(int count)
{
    page_start(&page,
               &(struct tocsin_http_request){ .url = peer_url_at(peer, "slow.test", "/echo") });
    while (began() < count)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
}

START_TEST(the_loop_runs_while_a_name_is_resolved)
{
    struct tocsin_op timer;
    int ticks = 0;

    with(loopback);
    shut(true);
    ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(on_tick, &ticks), &timer), 0);
    start_one(1);
    ticks = 0;
    while (ticks < 100)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(ended(), 0);
    ck_assert_int_eq(page.count, 0);
    shut(false);
    page_wait(&page);
    ck_assert_int_eq(page.status, 0);
    ck_assert_int_ge(page.done->names_us, 90000);
    page_drop(&page);
    ck_assert_int_eq(tocsin_cancel(timer), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}
END_TEST

START_TEST(a_cancel_does_not_wait_for_the_resolver)
{
    with(loopback);
    shut(true);
    start_one(1);
    ck_assert_int_eq(tocsin_cancel(page.op), 0);
    page_wait(&page);
    ck_assert_int_eq(page.status, -ECANCELED);
    ck_assert_int_eq(ended(), 0);
    ck_assert_int_gt(page.done->names_us, 0);
    page_drop(&page);
}
END_TEST

START_TEST(a_deadline_does_not_wait_for_the_resolver)
{
    with(loopback);
    shut(true);
    page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url_at(peer, "slow.test", "/echo"),
                                                     .timeout_ms = 30 });
    ck_assert_int_eq(page.status, -ETIMEDOUT);
    ck_assert_int_eq(ended(), 0);
    page_drop(&page);
}
END_TEST

START_TEST(freeing_the_loop_does_not_wait_for_the_resolver)
{
    with(loopback);
    shut(true);
    start_one(1);
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(page.count, 1);
    ck_assert_int_eq(page.status, -ECANCELED);
    ck_assert_int_eq(ended(), 0);
    page_drop(&page);
}
END_TEST

START_TEST(many_fetches_of_one_slow_name_are_cancelled)
{
    struct page pages[100];

    with(loopback);
    shut(true);
    for (int i = 0; i < 100; i++)
        page_start(&pages[i],
                   &(struct tocsin_http_request){ .url = peer_url_at(peer, "slow.test", "/echo") });
    while (began() < 1)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tocsin_cancel(pages[i].op), 0);
    for (int i = 0; i < 100; i++) {
        if (pages[i].count == 0)
            page_wait(&pages[i]);
        ck_assert_int_eq(pages[i].status, -ECANCELED);
        page_drop(&pages[i]);
    }
    ck_assert_int_eq(ended(), 0);
}
END_TEST

/* A resolver takes two seconds, and four fetches wait for it. One succeeds, one reaches its
   deadline, one is cancelled, and one is freed with its loop. Meanwhile a timer must continue to
   tick. */
static int two_seconds(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **ret_list)
{
    nanosleep(&(struct timespec){ .tv_sec = 2 }, NULL);
    return loopback(host, port, hints, ret_list);
}

static int gap_most_us(const struct tocsin_info *info, void *arg)
{
    int64_t *last_us = arg, now_us = tocsin_now();

    (void)info;
    if (last_us[0] && now_us - last_us[0] > last_us[1])
        last_us[1] = now_us - last_us[0];
    last_us[0] = now_us;
    last_us[2]++;
    return TOCSIN_NEXT;
}

START_TEST(a_resolver_takes_two_seconds)
{
    struct page fetched, late, cancelled, freed;
    const char *url = peer_url_at(peer, "slow.test", "/echo");
    int64_t tick[3] = { 0 };

    with(two_seconds);
    ck_assert_int_eq(tocsin_every(1, TOCSIN_EACH(gap_most_us, tick), NULL), 0);
    page_start(&fetched, &(struct tocsin_http_request){ .url = url });
    page_start(&late, &(struct tocsin_http_request){ .url = url, .timeout_ms = 100 });
    page_start(&cancelled, &(struct tocsin_http_request){ .url = url });
    page_wait(&late);
    ck_assert_int_eq(late.status, -ETIMEDOUT);
    ck_assert_int_eq(tocsin_cancel(cancelled.op), 0);
    page_wait(&cancelled);
    ck_assert_int_eq(began(), 0);
    page_wait(&fetched);
    ck_assert_int_eq(fetched.status, 0);
    ck_assert_int_ge(fetched.done->names_us, 1900000);
    page_start(&freed,
               &(struct tocsin_http_request){ .url = peer_url_at(peer, "slower.test", "/echo") });
    for (int i = 0; i < 50; i++)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(tocsin_loop_free(), 2);
    ck_assert_int_eq(freed.status, -ECANCELED);
    /* about 2000 ticks are expected; if the resolver blocked the loop, fewer ticks would arrive */
    ck_assert_int_ge(tick[2], 200);
    printf("net/resolve: %lld ticks of 1 ms during 2 s of resolving, longest gap %lld us\n",
           (long long)tick[2], (long long)tick[1]);
    page_drop(&late);
    page_drop(&cancelled);
    page_drop(&fetched);
    page_drop(&freed);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/resolve");
    TCase *tests = tcase_create("names");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, libtocsin_net_resolves_a_name);
    tcase_add_test(tests, the_resolver_of_the_machine);
    tcase_add_test(tests, names_that_libcurl_treats_specially);
    tcase_add_test(tests, addresses_are_not_looked_up);
    tcase_add_test(tests, the_second_address_if_the_first_refuses);
    tcase_add_test(tests, results_that_a_resolver_may_return);
    tcase_add_test(tests, each_hop_is_looked_up);
    tcase_add_test(tests, addresses_are_kept_for_five_seconds);
    tcase_add_test(tests, a_kept_connection_needs_no_name);
    tcase_add_test(tests, a_broken_kept_connection_resolves_again);
    tcase_add_test(tests, concurrent_fetches_resolve_a_name_once);
    tcase_add_test(tests, a_failure_is_shared_but_not_kept);
    tcase_add_test(tests, each_port_is_looked_up);
    tcase_add_test(tests, both_families_are_kept);
    tcase_add_test(tests, a_limited_number_of_addresses_is_kept);
    tcase_add_test(tests, the_loop_runs_while_a_name_is_resolved);
    tcase_add_test(tests, a_cancel_does_not_wait_for_the_resolver);
    tcase_add_test(tests, a_deadline_does_not_wait_for_the_resolver);
    tcase_add_test(tests, freeing_the_loop_does_not_wait_for_the_resolver);
    tcase_add_test(tests, many_fetches_of_one_slow_name_are_cancelled);
    tcase_add_test(tests, a_resolver_takes_two_seconds);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
