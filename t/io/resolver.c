/* A resolver that is registered: it replies later, before its start returns, never (the stream is
   cancelled, or out of time), with an error, without an address, or cannot start; its replies are
   refused if nobody waits. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <tocsin/layer.h>

#include "io/streams.h"

enum reply { LATER, AT_ONCE, NOT_STARTED };

static enum reply how;
static uint64_t asked;
static int starts, cancels, closed, closed_status, accepted;
static char host[64];
static struct tocsin_op listener;
static struct sockaddr_in where; /* port 1: the port of the address is not used */
static const struct tocsin_bytes found[] = { { &where, sizeof where }, { "odd", 3 } };

static int resolver_start(const char *name, uint64_t request, void **ret_state)
{
    starts++;
    asked = request;
    snprintf(host, sizeof host, "%s", name);
    *ret_state = &starts;
    if (how == AT_ONCE)
        ck_assert_int_eq(tocsin_resolver_done(request, 0, found, 2), 0);
    return how == NOT_STARTED ? -EMFILE : 0;
}

static void resolver_cancel(void *state)
{
    ck_assert_ptr_eq(state, &starts);
    cancels++;
}

static const struct tocsin_resolver_type resolver = { .start = resolver_start,
                                                      .cancel = resolver_cancel };

static int on_closed(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    closed++;
    closed_status = info->status;
    return TOCSIN_NEXT;
}

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    accepted++;
    return TOCSIN_NEXT;
}

static void begin(void)
{
    how = LATER;
    starts = cancels = closed = closed_status = accepted = 0;
    where = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(1) };
    inet_pton(AF_INET, "127.0.0.1", &where.sin_addr);
    ck_assert_int_eq(tocsin_resolver_provide(&resolver), 0);
    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", NULL, TOCSIN_EACH(on_accepted), &listener),
                     0);
}

static void end(void)
{
    tocsin_cancel(listener);
    drain_all();
}

static struct tocsin_op open_by_name(const struct tocsin_stream_options *options)
{
    char address[128], named[160];
    struct tocsin_op stream;

    address_of(listener, address);
    snprintf(named, sizeof named, "tcp:somewhere.test:%s", strrchr(address, ':') + 1);
    ck_assert_int_eq(tocsin_stream_open(named, options, TOCSIN_CALL(on_closed), &stream), 0);
    return stream;
}

START_TEST(replies)
{
    struct tocsin_op stream;

    how = _i ? AT_ONCE : LATER;
    stream = open_by_name(NULL);
    ck_assert_int_eq(starts, 0); /* it is asked from the loop */
    turns_few();
    ck_assert_int_eq(starts, 1);
    ck_assert_str_eq(host, "somewhere.test");
    if (how == LATER) {
        ck_assert_int_eq(accepted, 0);
        ck_assert_int_eq(tocsin_resolver_done(asked, 0, found, 2), 0);
    }
    ck_assert_int_eq(tocsin_resolver_done(asked, 0, found, 2), -ENOENT); /* once */
    turns_until(&accepted, 1);
    tocsin_cancel(stream);
    turns_until(&closed, 1);
    ck_assert_int_eq(tocsin_resolver_done(asked, 0, found, 2), -ENOENT);
    ck_assert_int_eq(cancels, 0);
}
END_TEST

START_TEST(fails)
{
    static const int statuses[] = { TOCSIN_ENAME, -EIO, -EMFILE, TOCSIN_ENAME };

    how = _i == 2 ? NOT_STARTED : LATER;
    open_by_name(NULL);
    turns_few();
    if (_i == 0) /* no usable address */
        ck_assert_int_eq(tocsin_resolver_done(asked, 0, found + 1, 1), 0);
    else if (_i == 1)
        ck_assert_int_eq(tocsin_resolver_done(asked, -EIO, NULL, 0), 0);
    else if (_i == 3)
        ck_assert_int_eq(tocsin_resolver_done(asked, 0, NULL, 0), 0);
    turns_until(&closed, 1);
    ck_assert_int_eq(closed_status, statuses[_i]);
    ck_assert_int_eq(cancels, 0);
}
END_TEST

START_TEST(never_replies)
{
    const struct tocsin_stream_options soon = { .open_ms = 30 };
    struct tocsin_op stream;

    ck_assert_int_eq(tocsin_clock_move(0), 0); /* it stands still */
    stream = open_by_name(_i ? &soon : NULL);
    if (_i == 0) { /* it was not asked yet */
        tocsin_cancel(stream);
        turns_until(&closed, 1);
        ck_assert_int_eq(starts + cancels, 0);
        stream = open_by_name(NULL);
        closed = 0;
    }
    turns_few();
    if (_i == 0)
        tocsin_cancel(stream);
    else if (_i == 1)
        ck_assert_int_eq(tocsin_clock_move(30), 0);
    else
        ck_assert_int_ge(tocsin_loop_free(), 0);
    if (_i < 2)
        turns_until(&closed, 1);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, _i == 1 ? -ETIMEDOUT : -ECANCELED);
    ck_assert_int_eq(cancels, 1);
    ck_assert_int_eq(tocsin_resolver_done(asked, 0, found, 1), -ENOENT);
}
END_TEST

START_TEST(refused)
{
    struct tocsin_resolver_type half = { .start = resolver_start };

    ck_assert_int_eq(tocsin_resolver_provide(&half), -EINVAL);
    ck_assert_int_eq(tocsin_resolver_provide(NULL), -EINVAL);
    ck_assert_int_eq(tocsin_resolver_provide(&resolver), -EEXIST);
    ck_assert_int_eq(tocsin_resolver_done(listener.source.id, 0, NULL, 0), -EINVAL);
    ck_assert_int_eq(tocsin_resolver_done(0, 0, NULL, 0), -ENOENT);
    ck_assert_int_eq(tocsin_resolver_done(1, 1, NULL, 0), -EINVAL);
    ck_assert_int_eq(tocsin_resolver_done(1, 0, NULL, 1), -EINVAL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/resolver");
    TCase *tests = test_case(suite, "resolver");

    test_needs_processes();
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, replies, 0, 2);
    tcase_add_loop_test(tests, fails, 0, 4);
    tcase_add_loop_test(tests, never_replies, 0, 3);
    tcase_add_test(tests, refused);
    return suite;
}
