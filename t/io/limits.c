/* Idle limits of streams: an idle stream ends with -ETIMEDOUT, opened or accepted, parked, stalled
   or being closed; data in either direction postpones it; input that waits is read first, however
   many streams have some; nothing wakes a loop whose streams have no limit. */
#include "io/streams.h"

#include "loop/engine.h"
#include "loop/timer.h"

enum { IDLE_MS = 1000, MANY = 200 };

static const struct tocsin_stream_options limited = { .idle_ms = IDLE_MS };
static int closed, closed_status;
static size_t bytes;
static char reason[100];

static void begin(void)
{
    closed = closed_status = 0;
    bytes = 0;
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);
    const struct tocsin_stream_closed *end = tocsin_stream_closed_of(info);

    (void)arg;
    bytes += came ? came->data.size : 0;
    if (end) {
        closed++;
        closed_status = info->status;
        snprintf(reason, sizeof reason, "%s", end->reason);
    }
    return TOCSIN_NEXT;
}

static void pass(int64_t ms)
{
    ck_assert_int_eq(tocsin_clock_move(ms), 0);
}

START_TEST(idle_ends)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(&limited, _i ? TOCSIN_BOTH(on_stream)
                                                          : TOCSIN_CALL(on_stream), &peer);

    pass(IDLE_MS - 10);
    ck_assert_int_eq(closed, 0);
    pass(IDLE_MS);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, -ETIMEDOUT);
    ck_assert_str_ne(reason, "");
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -ENOENT);
    ck_assert_int_eq(peer_read(peer, reason, 1), 0);
    close(peer);
}
END_TEST

/* Reads of the program end with the status of the stream. */
START_TEST(idle_ends_a_read)
{
    struct tocsin_op read;
    int peer;
    struct tocsin_op stream = stream_of_pair(&limited, NULL, &peer);

    ck_assert_int_eq(tocsin_stream_read(stream, NULL, TOCSIN_FUTURE, &read), 0);
    pass(2 * IDLE_MS);
    ck_assert_int_eq(tocsin_wait(read, -1, NULL), -ETIMEDOUT);
    close(peer);
}
END_TEST

START_TEST(idle_is_postponed)
{
    char buffer[16];
    int peer;
    struct tocsin_op stream = stream_of_pair(&limited, TOCSIN_BOTH(on_stream), &peer);

    for (int i = 0; i < 20; i++) {
        pass(IDLE_MS - 100);
        if (i % 2)
            peer_write(peer, "in");
        else
            ck_assert_int_eq(tocsin_stream_write(stream, "out", 3), 0);
        pass(0);
        ck_assert_int_eq(closed, 0);
    }
    ck_assert_uint_eq(bytes, 20);
    ck_assert_int_eq(peer_read(peer, buffer, 3), 3);
    pass(3 * IDLE_MS);
    ck_assert_int_eq(closed_status, -ETIMEDOUT);
    close(peer);
}
END_TEST

/* Data that nobody reads, and output that the peer does not read, do not move. */
START_TEST(idle_while_stalled)
{
    static const char block[400000];
    int peer;
    struct tocsin_op stream = stream_of_pair(&limited, TOCSIN_CALL(on_stream), &peer);

    peer_write(peer, "unread");
    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    if (_i)
        ck_assert_int_eq(tocsin_stream_close(stream), 0);
    pass(3 * IDLE_MS);
    ck_assert_int_eq(closed_status, -ETIMEDOUT);
    close(peer);
}
END_TEST

/* tocsin_stream_set begins the limit anew, sets one, or removes it. */
START_TEST(idle_is_set)
{
    const struct tocsin_stream_options longer = { .idle_ms = 10 * IDLE_MS };
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_CALL(on_stream), &peer);

    pass(3 * IDLE_MS);
    ck_assert_int_eq(tocsin_stream_set(stream, &longer), 0);
    pass(9 * IDLE_MS);
    ck_assert_int_eq(tocsin_stream_set(stream, NULL), 0);
    pass(30 * IDLE_MS);
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(tocsin_stream_set(stream, &limited), 0);
    pass(2 * IDLE_MS);
    ck_assert_int_eq(closed_status, -ETIMEDOUT);
    ck_assert_int_eq(tocsin_stream_set(stream, &limited), -ENOENT);
    close(peer);
}
END_TEST

static int stalled, drained;

static int on_output(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    stalled += tocsin_stream_stalled_of(info) != NULL;
    drained += tocsin_stream_drained_of(info) != NULL;
    return TOCSIN_NEXT;
}

/* stream.drained comes also if everything that waited is sent at once, and nothing follows. */
START_TEST(drained_at_once)
{
    static char block[400000];
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_BOTH(on_output), &peer);

    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    turns_until(&stalled, 1);
    while (read(peer, block, sizeof block) > 0)
        ;
    turns_until(&drained, 1);
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}
END_TEST

static struct tocsin__engine *engine_of_thread(void)
{
    struct tocsin__engine *engine;

    ck_assert_int_eq(tocsin__engine_make(&engine), 0);
    return engine;
}

/* The loop does not run for so long. */
static void stall(int64_t ms)
{
    engine_of_thread()->clock_us += ms * 1000;
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

/* One pass takes the reports of some parked descriptors only: the others are asked. */
START_TEST(input_is_read_first)
{
    int peers[MANY];

    for (int i = 0; i < MANY; i++)
        stream_of_pair(&limited, TOCSIN_BOTH(on_stream), &peers[i]);
    pass(0);
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < MANY; i++)
            peer_write(peers[i], "late");
        stall(5 * IDLE_MS);
        ck_assert_int_eq(closed, 0);
        ck_assert_uint_eq(bytes, (size_t)round * MANY * 4);
    }
    pass(5 * IDLE_MS);
    ck_assert_int_eq(closed, MANY);
    for (int i = 0; i < MANY; i++)
        close(peers[i]);
}
END_TEST

static struct tocsin_op last;

static int takes_it(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    last = tocsin_listener_accepted_of(info)->stream;
    return tocsin_op_notify(last, TOCSIN_BOTH(on_stream));
}

START_TEST(accepted_streams)
{
    const struct tocsin_listen_options options = { .stream = &limited };
    struct tocsin_op listener, client;
    char address[128];

    ck_assert_int_eq(
        tocsin_listen("tcp:127.0.0.1:0", &options, TOCSIN_EACH(takes_it), &listener), 0);
    address_of(listener, address);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &client), 0);
    ck_assert_int_eq(tocsin_stream_write(client, "hello", 5), 0);
    while (bytes < 5)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    pass(3 * IDLE_MS);
    ck_assert_int_eq(closed_status, -ETIMEDOUT);
    tocsin_cancel(client);
    tocsin_cancel(listener);
    drain_all();
}
END_TEST

START_TEST(nothing_wakes)
{
    int peers[2];
    struct tocsin_op plain = stream_of_pair(NULL, TOCSIN_BOTH(on_stream), &peers[0]), stream;

    pass(5000); /* the open limit is gone, the descriptor is parked */
    ck_assert_int_eq(tocsin__timer_next(engine_of_thread()), INT64_MAX);
    stream = stream_of_pair(&limited, TOCSIN_BOTH(on_stream), &peers[1]);
    pass(0);
    ck_assert_int_lt(tocsin__timer_next(engine_of_thread()), INT64_MAX);
    tocsin_cancel(stream);
    turns_until_over(stream);
    ck_assert_int_eq(tocsin__timer_next(engine_of_thread()), INT64_MAX);
    tocsin_cancel(plain);
    turns_until_over(plain);
    close(peers[0]);
    close(peers[1]);
}
END_TEST

/* Freeing the loop ends streams that have a limit. */
START_TEST(freed_with_the_loop)
{
    int peer;

    stream_of_pair(&limited, TOCSIN_CALL(on_stream), &peer);
    pass(10);
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(closed_status, -ECANCELED);
    close(peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/limits");
    TCase *tests = test_case(suite, "limits");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, idle_ends, 0, 2);
    tcase_add_test(tests, idle_ends_a_read);
    tcase_add_test(tests, idle_is_postponed);
    tcase_add_loop_test(tests, idle_while_stalled, 0, 2);
    tcase_add_test(tests, input_is_read_first);
    tcase_add_test(tests, idle_is_set);
    tcase_add_test(tests, drained_at_once);
    tcase_add_test(tests, accepted_streams);
    tcase_add_test(tests, nothing_wakes);
    tcase_add_test(tests, freed_with_the_loop);
    return suite;
}
