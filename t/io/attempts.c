/* RFC 8305: a host with several addresses, which a resolver of the test gives. The first address is
   a black hole (a listener with a full backlog) and the second one alive; all are refused; a
   refusal starts the next attempt at once; the families alternate; a cancel and a time limit while
   two are under way; too few descriptors. The clock is moved, so no test waits 250 ms. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <tocsin/layer.h>

#include "io/connect/attempts.h"
#include "io/streams.h"

#include "faults.h"

enum { MOST = 4 };

static struct sockaddr_in addresses[MOST];
static struct tocsin_bytes found[MOST];
static int found_count, port, closed, closed_status, connected, accepted;
static int hole, hole_clients[3];
static char peer[112], reason[200];
static struct tocsin_op listener;

static int resolver_start(const char *name, uint64_t request, void **ret_state)
{
    (void)name;
    *ret_state = NULL;
    return tocsin_resolver_done(request, 0, found, (size_t)found_count);
}

static void resolver_cancel(void *state)
{
    (void)state;
}

static const struct tocsin_resolver_type resolver = { .start = resolver_start,
                                                      .cancel = resolver_cancel };

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_connected *up = tocsin_stream_connected_of(info);

    (void)arg;
    if (up) {
        connected++;
        snprintf(peer, sizeof peer, "%s", up->peer);
    }
    if (tocsin_stream_closed_of(info)) {
        closed++;
        closed_status = info->status;
        snprintf(reason, sizeof reason, "%s", tocsin_stream_closed_of(info)->reason);
    }
    return TOCSIN_NEXT;
}

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    accepted++;
    return TOCSIN_NEXT;
}

/* 127.0.0.N */
static void add(int last)
{
    char text[32];

    snprintf(text, sizeof text, "127.0.0.%d", last);
    addresses[found_count] = (struct sockaddr_in){ .sin_family = AF_INET };
    inet_pton(AF_INET, text, &addresses[found_count].sin_addr);
    found[found_count] = (struct tocsin_bytes){ &addresses[found_count], sizeof addresses[0] };
    found_count++;
}

/* 127.0.0.1 listens; 127.0.0.2 does with a backlog that is full: a connect to it hangs. The other
   addresses refuse. */
static void begin(void)
{
    struct sockaddr_in where = { .sin_family = AF_INET };
    char address[128];

    found_count = closed = closed_status = connected = accepted = 0;
    ck_assert_int_eq(tocsin_clock_move(0), 0);
    ck_assert_int_eq(tocsin_resolver_provide(&resolver), 0);
    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", NULL, TOCSIN_EACH(on_accepted), &listener),
                     0);
    address_of(listener, address);
    port = atoi(strrchr(address, ':') + 1);
    where.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, "127.0.0.2", &where.sin_addr);
    hole = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(hole, (struct sockaddr *)&where, sizeof where), 0);
    ck_assert_int_eq(listen(hole, 0), 0);
    for (int i = 0; i < 3; i++) {
        hole_clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        ck_assert(connect(hole_clients[i], (struct sockaddr *)&where, sizeof where) == 0 ||
                  errno == EINPROGRESS);
    }
}

static void end(void)
{
    for (int i = 0; i < 3; i++)
        close(hole_clients[i]);
    close(hole);
    tocsin_cancel(listener);
    drain_all();
}

static struct tocsin_op open_by_name(const struct tocsin_stream_options *options)
{
    struct tocsin_op stream;
    char address[64];

    snprintf(address, sizeof address, "tcp:several.test:%d", port);
    ck_assert_int_eq(tocsin_stream_open(address, options, TOCSIN_BOTH(on_stream), &stream), 0);
    return stream;
}

/* Turns without waiting: the clock does not move meanwhile. */
static void settle(void)
{
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

static void pass(int64_t ms)
{
    ck_assert_int_eq(tocsin_clock_move(ms), 0);
    settle();
}

static void gone(struct tocsin_op stream, int descriptors)
{
    tocsin_cancel(stream);
    turns_until(&closed, 1);
    settle();
    ck_assert_int_eq(test_descriptors(), descriptors);
}

/* How many descriptors are open when the loop has what it needs for streams. */
static int descriptors_before(void)
{
    settle();
    return test_descriptors();
}

START_TEST(first_address_hangs)
{
    int before = descriptors_before();
    struct tocsin_op stream;

    add(2);
    add(1);
    stream = open_by_name(NULL);
    settle();
    ck_assert_int_eq(test_descriptors(), before + 1); /* one attempt */
    pass(249);
    ck_assert_int_eq(accepted, 0);
    pass(1);
    turns_until(&connected, 1);
    turns_until(&accepted, 1);
    ck_assert_ptr_nonnull(strstr(peer, "127.0.0.1:"));
    gone(stream, before);
}
END_TEST

/* The first one, though slow, may still win: its peer makes room. */
START_TEST(first_address_wins_late)
{
    int before = descriptors_before(), other;
    struct tocsin_op stream;

    add(2);
    add(3);
    stream = open_by_name(NULL);
    pass(250); /* 127.0.0.3 refuses; the first one goes on */
    ck_assert_int_eq(connected + closed, 0);
    for (int i = 0; i < 3; i++)
        close(hole_clients[i]);
    while (!connected) { /* the kernel sends its SYN again after a second */
        other = accept(hole, NULL, NULL);
        if (other >= 0)
            close(other);
        ck_assert_int_ge(tocsin_loop_turn(100), 0);
    }
    for (int i = 0; i < 3; i++)
        hole_clients[i] = dup(hole);
    ck_assert_ptr_nonnull(strstr(peer, "127.0.0.2:"));
    gone(stream, before);
}
END_TEST

/* No time passes between refusals. */
START_TEST(all_are_refused)
{
    int before = descriptors_before();
    char expected[200];

    for (int i = 0; i < _i; i++)
        add(3 + i);
    open_by_name(NULL);
    turns_until(&closed, 1);
    ck_assert_int_eq(closed_status, -ECONNREFUSED);
    if (_i == 1)
        snprintf(expected, sizeof expected,
                 "connect to tcp:127.0.0.3:%d, the address of several.test: Connection refused",
                 port);
    else
        snprintf(expected, sizeof expected,
                 "connect to tcp:127.0.0.%d:%d, the last of %d addresses of several.test: "
                 "Connection refused",
                 2 + _i, port, _i);
    ck_assert_str_eq(reason, expected);
    settle();
    ck_assert_int_eq(test_descriptors(), before);
}
END_TEST

START_TEST(refusals_before_the_one_that_lives)
{
    int before = descriptors_before();
    struct tocsin_op stream;

    add(3);
    add(4);
    add(1);
    stream = open_by_name(NULL);
    turns_until(&connected, 1);
    turns_until(&accepted, 1);
    gone(stream, before);
}
END_TEST

/* Two attempts are under way. */
START_TEST(ended_meanwhile)
{
    const struct tocsin_stream_options soon = { .open_ms = 1000 };
    int before = descriptors_before();
    struct tocsin_op stream;

    add(2);
    add(2);
    stream = open_by_name(&soon);
    settle();
    pass(250);
    ck_assert_int_eq(test_descriptors(), before + 2);
    ck_assert_int_eq(connected + closed, 0);
    if (_i == 0)
        tocsin_cancel(stream);
    else if (_i == 1)
        pass(750);
    else
        ck_assert_int_ge(tocsin_loop_free(), 0);
    if (_i < 2)
        turns_until(&closed, 1);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, _i == 1 ? -ETIMEDOUT : -ECANCELED);
    if (_i < 2)
        ck_assert_int_eq(test_descriptors(), before);
}
END_TEST

/* There is one descriptor: the second address is tried when the first one has failed, or not at
 * all.
 */
START_TEST(one_descriptor)
{
    struct rlimit limit, few;
    struct tocsin_op stream;
    int before;

    add(2);
    add(1);
    before = descriptors_before();
    stream = open_by_name(NULL);
    settle();
    ck_assert_int_eq(test_descriptors(), before + 1);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = 1; /* no number is free any more */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    pass(250);
    pass(250);
    ck_assert_int_eq(connected + closed, 0); /* it goes on with the one that it has */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    pass(250);
    turns_until(&connected, 1);
    turns_until(&accepted, 1);
    gone(stream, before);
}
END_TEST

/* F3: each allocation and system call fails in turn, while the first address hangs, the second one
   is refused and the third one connects. */
static struct started one;
static int alive;

static void fault_job(void)
{
    char address[64];
    int taken;

    memset(&one, 0, sizeof one);
    snprintf(address, sizeof address, "tcp:several.test:%d", port);
    one.err = tocsin_stream_open(address, NULL, TOCSIN_CALL(on_started_end, &one), &one.op);
    settle();
    for (int i = 0; i < 3; i++)
        pass(250);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    check_started(&one, 1);
    while ((taken = accept(alive, NULL, NULL)) >= 0)
        close(taken);
}

START_TEST(each_fails_in_turn)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

    inet_pton(AF_INET, "127.0.0.5", &where.sin_addr);
    alive = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(alive, (struct sockaddr *)&where, sizeof where), 0);
    ck_assert_int_eq(listen(alive, 100), 0);
    add(2);
    add(3);
    add(5);
    each_in_turn("io/attempts", fault_job);
    close(alive);
}
END_TEST

/* The order, from inside: 4 4 6 6 becomes 4 6 4 6. */
START_TEST(families_alternate)
{
    static const char *const orders[][2] = { { "4466", "4646" },    { "6664", "6466" },
                                             { "444", "444" },      { "64", "64" },
                                             { "4", "4" },          { "", "" },
                                             { "446646", "464646" } };
    static struct tocsin__connecting connecting;
    const char *given = orders[_i][0], *expected = orders[_i][1];

    connecting.count = (int)strlen(given);
    for (int i = 0; given[i]; i++)
        connecting.endpoints[i].any.sa_family = given[i] == '4' ? AF_INET : AF_INET6;
    tocsin__attempts_order(&connecting);
    for (int i = 0; given[i]; i++)
        ck_assert_int_eq(connecting.endpoints[i].any.sa_family,
                         expected[i] == '4' ? AF_INET : AF_INET6);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/attempts");
    TCase *tests = test_case(suite, "attempts");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, first_address_hangs);
    tcase_add_test(tests, first_address_wins_late);
    tcase_add_loop_test(tests, all_are_refused, 1, 4);
    tcase_add_test(tests, refusals_before_the_one_that_lives);
    tcase_add_loop_test(tests, ended_meanwhile, 0, 3);
    tcase_add_test(tests, one_descriptor);
    tcase_add_test(tests, each_fails_in_turn);
    tcase_add_loop_test(tests, families_alternate, 0, 7);
    return suite;
}
