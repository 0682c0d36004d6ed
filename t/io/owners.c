/* Streams and the bytes that they have still to send are counted for their owner: opened and
   accepted streams, bytes that are copied or lent, sent, dropped. The limits of the owner refuse
   both with -EDQUOT, and tocsin.owner.limited is emitted once. The report names what waits. */
#include <tocsin/inspect.h>
#include <tocsin/owner.h>

#include "io/streams.h"

static int accepted, refused, limited, drops;

static void begin(void)
{
    accepted = refused = limited = drops = 0;
}

static uint64_t held(enum tocsin_resource what)
{
    struct tocsin_owner_facts facts;

    ck_assert_int_eq(tocsin_owner_next(0, &facts), 0);
    return facts.held[what];
}

static void limit(enum tocsin_resource what, uint64_t most)
{
    ck_assert_int_eq(tocsin_owner_limit("program", what, most), 0);
}

static void end(struct tocsin_op stream, int peer)
{
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static int on_limited(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    limited++;
    return TOCSIN_NEXT;
}

START_TEST(streams)
{
    int peers[2];
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peers[0]), other;

    connect_to("tocsin.owner.limited", on_limited, NULL);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_STREAMS), 1);
    limit(TOCSIN_RESOURCE_STREAMS, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_stream_open("unix:@nobody", NULL, NULL, &other), -EDQUOT);
    ck_assert_int_eq(limited, 1);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_STREAMS), 1);
    end(stream, peers[0]);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_STREAMS), 0);
    stream = stream_of_pair(NULL, NULL, &peers[1]);
    limit(TOCSIN_RESOURCE_STREAMS, UINT64_MAX);
    end(stream, peers[1]);
}
END_TEST

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    accepted++;
    return tocsin_op_notify(tocsin_listener_accepted_of(info)->stream, TOCSIN_CALL(on_end));
}

static int on_refused(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tocsin_listener_refused_of(info)->error, -EDQUOT);
    refused++;
    return TOCSIN_NEXT;
}

/* A listener at the limit refuses, pauses, and goes on when the limit is lifted. */
START_TEST(accepted_streams)
{
    struct tocsin_op listener, clients[2];
    char address[64];

    connect_to("listener.refused", on_refused, NULL);
    snprintf(address, sizeof address, "unix:@tocsin-owners-%d", getpid());
    ck_assert_int_eq(tocsin_listen(address, NULL, TOCSIN_EACH(on_accepted), &listener), 0);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &clients[0]), 0);
    turns_until(&accepted, 1);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_STREAMS), 2);
    limit(TOCSIN_RESOURCE_STREAMS, 3);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &clients[1]), 0);
    turns_until(&refused, 1);
    ck_assert_int_eq(accepted, 1);
    tocsin_cancel(clients[1]);
    limit(TOCSIN_RESOURCE_STREAMS, UINT64_MAX);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &clients[1]), 0);
    turns_until(&accepted, 2);
    tocsin_cancel(clients[0]);
    tocsin_cancel(clients[1]);
    tocsin_cancel(listener);
    drain_all();
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_STREAMS), 0);
}
END_TEST

static void count_drop(void *arg)
{
    (void)arg;
    drops++;
}

static uint64_t waiting(struct tocsin_op stream)
{
    struct tocsin_stream_facts facts;

    ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
    return facts.waiting_bytes;
}

START_TEST(waiting_bytes)
{
    static char block[900000], got[65536];
    const struct tocsin_bytes part = { block, sizeof block };
    const struct tocsin_outgoing outgoing = { .parts = &part,
                                              .count = 1,
                                              .drop = _i ? count_drop : NULL };
    const struct tocsin_stream_options options = { .limit_bytes = 4000000 };
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, NULL, &peer);

    ck_assert_int_eq(tocsin_stream_write_with(stream, &outgoing), 1);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_WAITING_BYTES), waiting(stream));
    limit(TOCSIN_RESOURCE_WAITING_BYTES, waiting(stream) + 100);
    ck_assert_int_eq(tocsin_stream_write_with(stream, &outgoing), -EDQUOT);
    ck_assert_int_eq(drops, _i);
    ck_assert_int_eq(tocsin_stream_write(stream, block, 101), -EDQUOT);
    ck_assert_int_eq(tocsin_stream_write(stream, block, 100), 1);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_WAITING_BYTES), waiting(stream));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(read(peer, got, sizeof got), 0);
        turns_few();
        ck_assert_uint_eq(held(TOCSIN_RESOURCE_WAITING_BYTES), waiting(stream));
    }
    ck_assert_uint_gt(waiting(stream), 0);
    end(stream, peer);
    ck_assert_uint_eq(held(TOCSIN_RESOURCE_WAITING_BYTES), 0);
    ck_assert_int_eq(drops, 2 * _i);
    limit(TOCSIN_RESOURCE_WAITING_BYTES, UINT64_MAX);
}
END_TEST

START_TEST(report)
{
    static char block[400000];
    char text[1000], expected[64];
    int peer, ends[2];
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peer);
    ssize_t count;

    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(tocsin_report(ends[1]), 1);
    count = read(ends[0], text, sizeof text - 1);
    ck_assert_int_gt(count, 0);
    text[count] = 0;
    snprintf(expected, sizeof expected, "%llu bytes wait to be sent\n",
             (unsigned long long)waiting(stream));
    ck_assert_ptr_nonnull(strstr(text, "operation stream.closed, program, "));
    ck_assert_ptr_nonnull(strstr(text, expected));
    close(ends[0]);
    close(ends[1]);
    end(stream, peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/owners");
    TCase *tests = test_case(suite, "owners");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, streams);
    tcase_add_test(tests, accepted_streams);
    tcase_add_loop_test(tests, waiting_bytes, 0, 2);
    tcase_add_test(tests, report);
    return suite;
}
