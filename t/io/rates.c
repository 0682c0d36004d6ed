/* Rates: bytes per second in both directions, the burst, equal shares of waiting streams (none
   starves), a rate that is changed or freed while streams wait, new options while a stream waits,
   the idle limit of a stream that waits for its rate, close, pipes, no wake-up while no stream
   waits, bad arguments, rates of another loop, loops that are freed. The test moves the clock, so
   the numbers are exact. */
#include <pthread.h>

#include "io/streams.h"

#include "loop/engine.h"
#include "loop/timer.h"

enum { SECOND = 1000, STREAMS = 20 };

static int closed, closed_status, drops;
static size_t bytes;

static void begin(void)
{
    closed = closed_status = drops = 0;
    bytes = 0;
    ck_assert_int_eq(tocsin_clock_move(0), 0);
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);
    size_t *count = arg;

    if (came)
        *count += came->data.size;
    if (tocsin_stream_closed_of(info)) {
        closed++;
        closed_status = info->status;
    }
    return TOCSIN_NEXT;
}

static struct tocsin_rate rate_new(uint64_t bytes_s, uint64_t burst)
{
    struct tocsin_rate rate;

    ck_assert_int_eq(tocsin_rate_new(bytes_s, burst, &rate), 0);
    return rate;
}

/* Moves the clock by `ms` milliseconds in steps, as if the loop ran all the time. */
static void pass(int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= 10)
        ck_assert_int_eq(tocsin_clock_move(left < 10 ? left : 10), 0);
}

/* Writes as many bytes as the peer's socket accepts. Returns their number. */
static size_t peer_fill(int peer)
{
    static const char block[65536];
    size_t total = 0;
    ssize_t count;

    while ((count = write(peer, block, sizeof block)) > 0)
        total += (size_t)count;
    return total;
}

static size_t peer_drain(int peer)
{
    static char block[65536];
    size_t total = 0;
    ssize_t count;

    while ((count = read(peer, block, sizeof block)) > 0)
        total += (size_t)count;
    return total;
}

static int64_t next_timer(void)
{
    struct tocsin__engine *engine;

    ck_assert_int_eq(tocsin__engine_make(&engine), 0);
    return tocsin__timer_next(engine);
}

static void end(struct tocsin_op stream, int peer)
{
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}

/* A stream reads the burst at once, then bytes_s in each second. The rest stays unread in the
   socket. */
START_TEST(reads)
{
    const struct tocsin_stream_options options = { .rate_in = rate_new(10000, 3000) };
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_BOTH(on_stream, &bytes), &peer);

    ck_assert_uint_gt(peer_fill(peer), 50000);
    turns_few();
    ck_assert_uint_eq(bytes, 3000);
    pass(SECOND);
    ck_assert_uint_ge(bytes, 3000 + 9800);
    ck_assert_uint_le(bytes, 3000 + 10000);
    pass(3 * SECOND);
    ck_assert_uint_ge(bytes, 3000 + 39800);
    ck_assert_uint_le(bytes, 3000 + 40000);
    end(stream, peer);
    ck_assert_int_eq(tocsin_rate_free(options.rate_in), 0);
}
END_TEST

static void count_drop(void *arg)
{
    (void)arg;
    drops++;
}

/* The rate limits writes, of data that is copied and of data that is lent. The rate has the default
   burst: as many bytes as it allows in a tenth of a second. */
START_TEST(writes)
{
    static char block[50000];
    const struct tocsin_stream_options options = { .rate_out = rate_new(10000, 0) };
    const struct tocsin_bytes parts[] = { { block, 20000 }, { block + 20000, 30000 } };
    const struct tocsin_outgoing outgoing = { .parts = parts,
                                              .count = 2,
                                              .drop = _i ? count_drop : NULL };
    size_t got;
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_CALL(on_stream, &bytes), &peer),
                     flush;

    ck_assert_int_ge(tocsin_stream_write_with(stream, &outgoing), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    ck_assert_uint_eq(peer_drain(peer), 1000);
    pass(SECOND);
    got = peer_drain(peer);
    ck_assert_uint_ge(got, 9800);
    ck_assert_uint_le(got, 10000);
    ck_assert_int_eq(tocsin_op_status(flush), -EINPROGRESS);
    for (int i = 0; i < 50; i++) {
        pass(SECOND / 10);
        got += peer_drain(peer);
    }
    ck_assert_uint_eq(got, 49000);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
    ck_assert_int_eq(drops, _i);
    end(stream, peer);
}
END_TEST

/* Streams that share a rate get equal shares, even if one of them began earlier. */
START_TEST(shares)
{
    struct tocsin_rate rate = rate_new(1000000, 50000);
    const struct tocsin_stream_options options = { .rate_in = rate };
    struct tocsin_op streams[STREAMS];
    size_t counts[STREAMS] = { 0 }, all = 0;
    int peers[STREAMS];

    for (int i = 0; i < STREAMS; i++) {
        streams[i] = stream_of_pair(&options, TOCSIN_BOTH(on_stream, &counts[i]), &peers[i]);
        peer_fill(peers[i]);
        if (i == 0)
            pass(SECOND / 10);
    }
    memset(counts, 0, sizeof counts);
    for (int step = 0; step < 20; step++) {
        pass(SECOND / 10);
        for (int i = 0; i < STREAMS; i++)
            peer_fill(peers[i]);
    }
    for (int i = 0; i < STREAMS; i++) {
        all += counts[i];
        ck_assert_uint_ge(counts[i], 2000000 / STREAMS * 8 / 10);
        ck_assert_uint_le(counts[i], 2000000 / STREAMS * 12 / 10);
        end(streams[i], peers[i]);
    }
    ck_assert_uint_ge(all, 1900000);
    ck_assert_uint_le(all, 2050000);
}
END_TEST

/* Many streams share a rate of few bytes: each of them gets some bytes in turn. */
START_TEST(shares_of_little)
{
    struct tocsin_rate rate = rate_new(1000, 10);
    const struct tocsin_stream_options options = { .rate_in = rate };
    struct tocsin_op streams[STREAMS];
    size_t counts[STREAMS] = { 0 };
    int peers[STREAMS];

    for (int i = 0; i < STREAMS; i++) {
        streams[i] = stream_of_pair(&options, TOCSIN_BOTH(on_stream, &counts[i]), &peers[i]);
        peer_fill(peers[i]);
    }
    pass(2 * SECOND);
    for (int i = 0; i < STREAMS; i++) {
        ck_assert_uint_ge(counts[i], 80);
        ck_assert_uint_le(counts[i], 120);
        end(streams[i], peers[i]);
    }
}
END_TEST

/* A stream that needs few bytes is not delayed by streams that need many. */
START_TEST(shares_with_the_modest)
{
    struct tocsin_rate rate = rate_new(100000, 0);
    const struct tocsin_stream_options options = { .rate_in = rate };
    size_t greedy = 0;
    int peers[2];
    struct tocsin_op streams[2] = {
        stream_of_pair(&options, TOCSIN_BOTH(on_stream, &greedy), &peers[0]),
        stream_of_pair(&options, TOCSIN_BOTH(on_stream, &bytes), &peers[1])
    };

    for (size_t i = 1; i <= 20; i++) {
        peer_fill(peers[0]);
        peer_write(peers[1], "modest");
        pass(SECOND / 20);
        ck_assert_uint_eq(bytes, 6 * i);
    }
    ck_assert_uint_ge(greedy, 95000);
    end(streams[0], peers[0]);
    end(streams[1], peers[1]);
}
END_TEST

START_TEST(set_while_waiting)
{
    struct tocsin_rate rate = rate_new(100, 100);
    const struct tocsin_stream_options options = { .rate_in = rate };
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_BOTH(on_stream, &bytes), &peer);

    peer_fill(peer);
    turns_few();
    ck_assert_uint_eq(bytes, 100);
    ck_assert_int_eq(tocsin_rate_set(rate, 10000, 0), 0);
    pass(SECOND);
    ck_assert_uint_ge(bytes, 100 + 9800);
    ck_assert_uint_le(bytes, 100 + 10000);
    bytes = 0;
    ck_assert_int_eq(tocsin_rate_set(rate, 1, 0), 0);
    pass(10 * SECOND);
    ck_assert_uint_le(bytes, 11 + 100); /* a share granted at the former rate may be left */
    end(stream, peer);
}
END_TEST

START_TEST(freed_while_waiting)
{
    struct tocsin_rate rate = rate_new(1, 1);
    const struct tocsin_stream_options options = { .rate_in = rate, .rate_out = rate };
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_BOTH(on_stream, &bytes), &peer);
    size_t filled = peer_fill(peer);

    turns_few();
    ck_assert_int_eq(tocsin_stream_write(stream, "waits", 5), 0);
    turns_few();
    ck_assert_uint_le(bytes, 1);
    ck_assert_int_eq(tocsin_rate_free(rate), 0);
    ck_assert_int_eq(tocsin_rate_free(rate), -ENOENT);
    ck_assert_int_eq(tocsin_rate_set(rate, 1, 1), -ENOENT);
    while (bytes < filled)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_uint_eq(peer_drain(peer), 5);
    ck_assert_int_eq(tocsin_stream_open("fd:0", &options, NULL, &stream), -ENOENT);
    tocsin_cancel(stream);
    close(peer);
    turns_until(&closed, 1);
}
END_TEST

/* A stream gets another rate, or none, while it waits for the first one. */
START_TEST(other_options_while_waiting)
{
    const struct tocsin_stream_options slow = { .rate_in = rate_new(1, 1) },
                                       fast = { .rate_in = rate_new(100000, 100000) };
    int peer;
    struct tocsin_op stream = stream_of_pair(&slow, TOCSIN_BOTH(on_stream, &bytes), &peer);
    size_t filled = peer_fill(peer);

    turns_few();
    ck_assert_uint_le(bytes, 1);
    ck_assert_int_eq(tocsin_stream_set(stream, &fast), 0);
    turns_few();
    ck_assert_uint_ge(bytes, 99999);
    ck_assert_uint_le(bytes, 100001);
    ck_assert_int_eq(tocsin_stream_set(stream, NULL), 0);
    while (bytes < filled)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    end(stream, peer);
    pass(5 * SECOND);
    ck_assert_int_eq(next_timer(), INT64_MAX);
}
END_TEST

/* A stream that waits only for its rate is not idle, however slow the rate is. */
START_TEST(waiting_is_not_idle)
{
    static const char block[20000];
    const struct tocsin_stream_options options = { .rate_in = rate_new(1, 1),
                                                   .rate_out = rate_new(1, 1),
                                                   .idle_ms = SECOND / 5 };
    int peer;
    struct tocsin_op stream = stream_of_pair(
        &options, _i ? TOCSIN_CALL(on_stream, &bytes) : TOCSIN_BOTH(on_stream, &bytes), &peer);

    if (_i)
        ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 0);
    else
        peer_fill(peer);
    pass(5 * SECOND);
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(
        tocsin_stream_set(stream, &(struct tocsin_stream_options){ .idle_ms = SECOND / 5 }), 0);
    pass(3 * SECOND); /* without a rate the stream moves all data, and is idle then */
    ck_assert_int_eq(closed_status, -ETIMEDOUT);
    close(peer);
}
END_TEST

/* A stream that is closed sends its queued data at the rate. */
START_TEST(closed_while_waiting)
{
    static const char block[5000];
    const struct tocsin_stream_options options = { .rate_out = rate_new(1000, 0),
                                                   .rate_in = rate_new(1, 1) };
    size_t got = 0;
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_BOTH(on_stream, &bytes), &peer);

    peer_write(peer, "unread");
    turns_few();
    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    shutdown(peer, SHUT_WR);
    for (int i = 0; i < 60; i++) {
        pass(SECOND / 10);
        got += peer_drain(peer);
        ck_assert(i > 30 || !closed);
    }
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, 0);
    ck_assert_uint_eq(got, sizeof block);
    close(peer);
}
END_TEST

/* The rate of its source, or of its target, limits a pipe. */
START_TEST(piped)
{
    const struct tocsin_stream_options slow = { .rate_in = rate_new(20000, 1000),
                                                .rate_out = rate_new(10000, 1000) };
    const struct tocsin_stream_options none = { 0 };
    int from_peer, to_peer;
    struct tocsin_op from = stream_of_pair(_i ? &slow : &none, NULL, &from_peer),
                     to = stream_of_pair(_i ? &none : &slow, NULL, &to_peer), pipe;
    size_t got = 0, expected = _i ? 40000 : 20000;

    peer_fill(from_peer);
    ck_assert_int_eq(tocsin_stream_pipe(from, to, NULL, &pipe), 0);
    for (int i = 0; i < 20; i++) {
        pass(SECOND / 10);
        got += peer_drain(to_peer);
    }
    ck_assert_uint_ge(got, expected * 98 / 100);
    ck_assert_uint_le(got, expected + 1000);
    tocsin_cancel(pipe);
    end(from, from_peer);
    end(to, to_peer);
}
END_TEST

/* The timer of a rate is armed only while a stream waits. */
START_TEST(nothing_wakes)
{
    const struct tocsin_stream_options options = { .rate_in = rate_new(1000, 10),
                                                   .rate_out = rate_new(1000, 10) };
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_BOTH(on_stream, &bytes), &peer);

    pass(5 * SECOND);
    ck_assert_int_eq(next_timer(), INT64_MAX);
    peer_write(peer, "more than ten bytes");
    ck_assert_int_eq(tocsin_stream_write(stream, "more than ten bytes", 19), 0);
    turns_few();
    ck_assert_int_lt(next_timer(), INT64_MAX);
    pass(5 * SECOND);
    ck_assert_uint_eq(bytes, 19);
    ck_assert_uint_eq(peer_drain(peer), 19);
    ck_assert_int_eq(next_timer(), INT64_MAX);
    peer_fill(peer);
    turns_few();
    end(stream, peer);
    pass(5 * SECOND);
    ck_assert_int_eq(next_timer(), INT64_MAX);
}
END_TEST

START_TEST(bad_arguments)
{
    struct tocsin_rate rate = { 1 };
    struct tocsin_op stream, timer;
    int peer;

    ck_assert_int_eq(tocsin_rate_new(0, 5, &rate), -EINVAL);
    ck_assert_int_eq(tocsin_rate_new(5, 5, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_rate_set(rate, 5, 5), -EINVAL); /* the id contains an error */
    ck_assert_int_eq(tocsin_rate_free(rate), -EINVAL);
    ck_assert_int_eq(tocsin_stream_open("fd:0", &(struct tocsin_stream_options){ .rate_in = rate },
                                        NULL, &stream),
                     -EINVAL);
    ck_assert_int_eq(tocsin_timer(60000, NULL, &timer), 0);
    ck_assert_int_eq(tocsin_rate_free((struct tocsin_rate){ timer.source.id }), -ENOENT);
    tocsin_cancel(timer);
    turns_until_over(timer);
    rate = rate_new(UINT64_MAX, UINT64_MAX);
    ck_assert_int_eq(tocsin_rate_set(rate, 0, 5), -EINVAL);
    stream = stream_of_pair(&(struct tocsin_stream_options){ .rate_in = rate, .rate_out = rate },
                            TOCSIN_BOTH(on_stream, &bytes), &peer);
    peer_write(peer, "fast");
    turns_few();
    ck_assert_uint_eq(bytes, 4);
    end(stream, peer);
    /* the loop frees the rate */
}
END_TEST

static void *on_thread(void *arg)
{
    const struct tocsin_rate *rate = arg;
    const struct tocsin_stream_options options = { .rate_out = *rate };
    struct tocsin_op timer, op;
    bool ok = tocsin_timer(60000, NULL, &timer) == 0 && tocsin_rate_set(*rate, 1, 1) == -EXDEV &&
              tocsin_rate_free(*rate) == -EXDEV &&
              tocsin_stream_open("unix:@nobody", &options, NULL, &op) == -EXDEV &&
              tocsin_listen("tcp:127.0.0.1:0",
                            &(struct tocsin_listen_options){ .stream = &options }, NULL,
                            &op) == -EXDEV;

    tocsin_loop_free();
    return ok ? arg : NULL;
}

START_TEST(another_loop)
{
    struct tocsin_rate rate = rate_new(1, 1);
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, on_thread, &rate), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_nonnull(result);
}
END_TEST

/* The loop is freed while streams wait, or after the rate was freed. A new loop does not know the
   rate. */
START_TEST(freed_with_the_loop)
{
    struct tocsin_rate rate = rate_new(1, 1);
    const struct tocsin_stream_options options = { .rate_in = rate, .rate_out = rate };
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_BOTH(on_stream, &bytes), &peer);

    peer_fill(peer);
    turns_few();
    tocsin_stream_write(stream, "waits", 5);
    if (_i)
        ck_assert_int_eq(tocsin_rate_free(rate), 0);
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_int_eq(closed_status, -ECANCELED);
    ck_assert_int_eq(tocsin_rate_free(rate), -ENOENT);
    close(peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/rates");
    TCase *tests = test_case(suite, "rates");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, reads);
    tcase_add_loop_test(tests, writes, 0, 2);
    tcase_add_test(tests, shares);
    tcase_add_test(tests, shares_of_little);
    tcase_add_test(tests, shares_with_the_modest);
    tcase_add_test(tests, set_while_waiting);
    tcase_add_test(tests, freed_while_waiting);
    tcase_add_test(tests, other_options_while_waiting);
    tcase_add_loop_test(tests, waiting_is_not_idle, 0, 2);
    tcase_add_test(tests, closed_while_waiting);
    tcase_add_loop_test(tests, piped, 0, 2);
    tcase_add_test(tests, nothing_wakes);
    tcase_add_test(tests, bad_arguments);
    tcase_add_test(tests, another_loop);
    tcase_add_loop_test(tests, freed_with_the_loop, 0, 2);
    return suite;
}
