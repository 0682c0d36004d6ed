/* One test for each of the contracts I1 to I5 and I8 of streams: the operation, demand, writes,
   back-pressure, the peer's end, accepting. */
#include "io/streams.h"

static struct told told;
static size_t bytes;
static int accepted, closed, closed_status, stalled, drained;
static struct tocsin_op last;

static void begin(void)
{
    memset(&told, 0, sizeof told);
    bytes = 0;
    accepted = closed = closed_status = stalled = drained = 0;
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    bytes += came ? came->data.size : 0;
    stalled += tocsin_stream_stalled_of(info) != NULL;
    drained += tocsin_stream_drained_of(info) != NULL;
    if (tocsin_stream_closed_of(info)) {
        closed++;
        closed_status = info->status;
    }
    return TOCSIN_NEXT;
}

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    last = tocsin_listener_accepted_of(info)->stream;
    accepted++;
    return TOCSIN_NEXT;
}

/* I1: the id of a stream is valid at once; each stream ends once, also after an error; the
   functions of streams refuse other operations. */
START_TEST(I1)
{
    struct tocsin_op timer, stream;

    ck_assert_int_eq(tocsin_timer(60000, NULL, &timer), 0);
    ck_assert_int_eq(tocsin_stream_write(timer, "x", 1), -EINVAL);
    ck_assert_int_eq(tocsin_stream_close(timer), -EINVAL);
    ck_assert_int_eq(tocsin_stream_read(timer, NULL, NULL, &stream), -EINVAL);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -EINVAL); /* the id contains an error */
    tocsin_cancel(timer);
    ck_assert_int_eq(tocsin_stream_open("tcp:nohost", NULL, NULL, &stream), -EINVAL);
    ck_assert_int_eq(tocsin_stream_flush(stream, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_stream_open("gopher:x:70", NULL, NULL, &stream), -ENOTSUP);
    ck_assert_int_eq(
        tocsin_stream_open("unix:/nowhere/at/all", NULL, TOCSIN_CALL(on_stream), &stream), 0);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), 0);
    turns_until_over(stream);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(closed_status, -ENOENT);
    drain_all();
}
END_TEST

static size_t fill_socket(int peer)
{
    static const char block[4096];
    size_t total = 0;
    ssize_t count;

    while ((count = write(peer, block, sizeof block)) > 0)
        total += (size_t)count;
    return total;
}

/* I2: without demand nothing is read, and the peer must wait; with demand all data arrives. */
START_TEST(I2)
{
    struct tocsin_stream_facts facts;
    struct tocsin_handler handler;
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peer);
    size_t total = fill_socket(peer);

    turns_few();
    ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
    ck_assert_uint_eq(facts.received_bytes, 0);
    ck_assert_uint_eq(fill_socket(peer), 0);
    ck_assert_int_eq(
        tocsin_connect("stream.received",
                       &(struct tocsin_action){ .fn = on_stream, .source = stream.source },
                       &handler),
        0);
    while (bytes < total)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_uint_eq(bytes, total);
    total = fill_socket(peer);
    turns_few();
    ck_assert_uint_eq(bytes, facts.received_bytes + bytes);
    ck_assert_int_eq(read_part(stream, &(struct tocsin_part){ .size = 100 }, NULL), 100);
    turns_few(); /* the read takes 100 bytes only; the stream keeps the rest of one block */
    ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
    ck_assert_uint_le(facts.received_bytes, bytes + 64 * 1024);
    /* a handler of all streams is not demand for a stream that a read has taken */
    connect_to("stream.received", on_stream, NULL);
    turns_few();
    ck_assert_uint_le(bytes, facts.received_bytes);
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
}
END_TEST

static int drops;

static void count_drop(void *arg)
{
    ck_assert_ptr_eq(arg, &drops);
    drops++;
}

/* I3: a write accepts all data or none; data is copied, or lent until drop is called. */
START_TEST(I3)
{
    static char block[300000], got[sizeof block];
    const struct tocsin_stream_options options = { .limit_bytes = 400000 };
    const struct tocsin_bytes parts[] = { { block, 1000 }, { block + 1000, sizeof block - 1000 } };
    const struct tocsin_outgoing lent = {
        .parts = parts, .count = 2, .drop = count_drop, .arg = &drops
    };
    int peer;
    struct tocsin_op stream = stream_of_pair(&options, NULL, &peer), flush;
    struct tocsin_stream_facts facts;
    size_t total = 0;
    ssize_t count;

    drops = 0;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7 + i / 251);
    /* all data was accepted, and the stream is stalled */
    ck_assert_int_eq(tocsin_stream_write_with(stream, &lent), 1);
    ck_assert_int_eq(drops, 0);
    ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
    ck_assert_int_eq(tocsin_stream_write(stream, block, 400000 - facts.waiting_bytes + 1), -EAGAIN);
    ck_assert_int_eq(tocsin_stream_write(stream, "tail", 4), 1);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    while (total < sizeof block) {
        count = read(peer, got + total, sizeof block - total);
        total += count > 0 ? (size_t)count : 0;
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_mem_eq(got, block, sizeof block);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(peer_read(peer, got, 10), 4);
    ck_assert_int_eq(tocsin_stream_write_with(stream, &(struct tocsin_outgoing){ .parts = parts,
                                                                                 .count = 1,
                                                                                 .drop = count_drop,
                                                                                 .arg = &drops }),
                     0);
    ck_assert_int_eq(drops, 2); /* the data was sent at once */
    tocsin_cancel(stream);
    ck_assert_int_eq(tocsin_stream_write_with(stream, &lent), -EPIPE);
    ck_assert_int_eq(drops, 3);
    turns_until_over(stream);
    close(peer);
}
END_TEST

static int echo_back(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    on_stream(info, arg);
    return came ? tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size)
                : TOCSIN_NEXT;
}

/* I4: the peer of an echo server sends for ever and never reads. */
START_TEST(I4)
{
    static char buffer[65536];
    struct tocsin_stream_facts facts;
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_BOTH(echo_back), &peer);
    size_t sent = 0, more, back = 0;
    ssize_t count;

    do {
        more = fill_socket(peer);
        sent += more;
        turns_few();
    } while (more);
    ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
    ck_assert_uint_gt(facts.waiting_bytes, 64 * 1024);
    ck_assert_uint_le(facts.waiting_bytes, 128 * 1024 + 1);
    ck_assert_int_eq(stalled, 1);
    ck_assert_int_eq(drained, 0);
    while (back < sent) {
        count = read(peer, buffer, sizeof buffer);
        back += count > 0 ? (size_t)count : 0;
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_ge(drained, 1);
    ck_assert_uint_eq(bytes, sent);
    close(peer);
    turns_until_over(stream);
}
END_TEST

/* I5: a stream that is not read notices the peer's end, if there is no unread data. */
START_TEST(I5)
{
    int peer;
    struct tocsin_op stream = stream_of_pair(NULL, TOCSIN_CALL(on_stream), &peer);

    turns_few();
    close(peer);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, 0);
    stream = stream_of_pair(NULL, TOCSIN_CALL(on_stream), &peer);
    peer_write(peer, "unread");
    close(peer);
    turns_few();
    ck_assert_int_eq(tocsin_op_status(stream), -EINPROGRESS);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 6);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 0);
    turns_until_over(stream);
    ck_assert_int_eq(closed, 2);
}
END_TEST

static void open_client(struct tocsin_op listener, struct tocsin_op *client)
{
    struct tocsin_op flush;
    char address[128];

    address_of(listener, address);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, client), 0);
    ck_assert_int_eq(tocsin_stream_flush(*client, TOCSIN_FUTURE, &flush), 0);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
}

/* I8: a listener accepts no connection that nobody wants, and closes streams that nobody takes. */
START_TEST(I8)
{
    struct tocsin_op listener, client;
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", NULL, NULL, &listener), 0);
    open_client(listener, &client); /* the kernel connects the client, in the backlog */
    turns_few();
    ck_assert_int_eq(
        tocsin_connect("listener.accepted", &(struct tocsin_action){ .fn = on_accepted }, &handler),
        0);
    turns_until(&accepted, 1);
    /* the listener has closed its stream, since no handler took it */
    ck_assert_int_eq(read_part(client, NULL, NULL), 0);
    turns_until_over(client);
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    connect_to("stream.received", on_stream, NULL);
    open_client(listener, &client);
    ck_assert_int_eq(tocsin_stream_write(client, "for all", 7), 0);
    while (bytes < 7)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    tocsin_cancel(client);
    tocsin_cancel(listener);
    drain_all();
}
END_TEST

static int takes_it(const struct tocsin_info *info, void *arg)
{
    on_accepted(info, arg);
    return tocsin_op_notify(last, TOCSIN_BOTH(on_stream));
}

START_TEST(I8_taken_by_a_notify)
{
    struct tocsin_op listener, client;
    const struct tocsin_listen_options two = { .most = 2 };
    struct tocsin_op clients[3];

    ck_assert_int_eq(tocsin_listen("tcp:127.0.0.1:0", &two, TOCSIN_EACH(takes_it), &listener), 0);
    open_client(listener, &client);
    turns_until(&accepted, 1);
    ck_assert_int_eq(tocsin_stream_write(client, "mine", 4), 0);
    while (bytes < 4)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    clients[0] = client;
    open_client(listener, &clients[1]);
    open_client(listener, &clients[2]);
    turns_few();
    ck_assert_int_eq(accepted, 2); /* the third client waits in the backlog */
    tocsin_cancel(clients[0]);
    turns_until(&accepted, 3);
    tocsin_cancel(clients[1]);
    tocsin_cancel(clients[2]);
    turns_until(&closed, 3);
    tocsin_cancel(listener);
    drain_all();
}
END_TEST

static int refused;

static int on_refused(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tocsin_listener_refused_of(info)->error, -EUSERS);
    ck_assert_str_ne(tocsin_listener_refused_of(info)->peer, "");
    refused++;
    return TOCSIN_NEXT;
}

/* An address may have two streams at a time. A client of another address is accepted, and so is one
 * of the same address after a stream has ended. */
START_TEST(I8_most_per_address)
{
    const struct tocsin_listen_options two = { .most_per_address = 2 };
    struct tocsin_op listener, clients[4];
    char address[128], name[64];

    refused = 0;
    snprintf(name, sizeof name, "unix:@tocsin-per-address-%d", getpid());
    connect_to("listener.refused", on_refused, NULL);
    ck_assert_int_eq(tocsin_listen(_i ? name : "tcp:127.0.0.1:0", &two,
                                   TOCSIN_EACH(takes_it), &listener),
                     0);
    address_of(listener, address);
    for (int i = 0; i < 3; i++)
        open_client(listener, &clients[i]);
    turns_until(&refused, 1);
    ck_assert_int_eq(accepted, 2);
    ck_assert_int_eq(read_part(clients[2], NULL, NULL), 0);
    if (!_i) {
        const struct tocsin_stream_options other = { .local = "tcp:127.0.0.2:0" };

        ck_assert_int_eq(tocsin_stream_open(address, &other, NULL, &clients[3]), 0);
        turns_until(&accepted, 3);
        tocsin_cancel(clients[3]);
        turns_until(&closed, 1);
    }
    closed = accepted = 0;
    tocsin_cancel(clients[0]);
    turns_until(&closed, 1);
    open_client(listener, &clients[0]);
    turns_until(&accepted, 1);
    ck_assert_int_eq(refused, 1);
    tocsin_cancel(listener); /* the streams do not end with the listener */
    tocsin_cancel(clients[0]);
    tocsin_cancel(clients[1]);
    turns_until(&closed, 3);
    drain_all();
}
END_TEST

START_TEST(I8_unix_path)
{
    struct tocsin_op listener, other, client;
    struct tocsin_stream_facts facts;
    char path[64], address[80];

    snprintf(path, sizeof path, "/tmp/tocsin-contracts-%d", getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    ck_assert_int_eq(tocsin_listen(address, NULL, TOCSIN_EACH(takes_it), &listener), 0);
    ck_assert_int_eq(tocsin_listen(address, NULL, NULL, &other), -EADDRINUSE);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &client), 0);
    turns_until(&accepted, 1);
    ck_assert_int_eq(tocsin_stream_get(last, &facts), 0);
    ck_assert_int_eq(facts.pid, getpid());
    ck_assert_str_eq(facts.local, address);
    tocsin_cancel(client);
    turns_until(&closed, 1);
    tocsin_cancel(listener);
    turns_few();
    ck_assert_int_lt(access(path, F_OK), 0);
    /* the new socket replaces the path of a dead one */
    ck_assert_int_eq(tocsin_listen(address, NULL, TOCSIN_EACH(takes_it), &listener), 0);
    ck_assert_int_eq(rename(path, "/tmp/tocsin-contracts-stale"), 0);
    tocsin_cancel(listener);
    turns_few();
    ck_assert_int_eq(rename("/tmp/tocsin-contracts-stale", path), 0);
    ck_assert_int_eq(tocsin_listen(address, NULL, TOCSIN_EACH(takes_it), &listener), 0);
    tocsin_cancel(listener);
    drain_all();
    ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/contracts");
    TCase *tests = test_case(suite, "contracts");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, I1);
    tcase_add_test(tests, I2);
    tcase_add_test(tests, I3);
    tcase_add_test(tests, I4);
    tcase_add_test(tests, I5);
    tcase_add_test(tests, I8);
    tcase_add_test(tests, I8_taken_by_a_notify);
    tcase_add_loop_test(tests, I8_most_per_address, 0, 2);
    tcase_add_test(tests, I8_unix_path);
    return suite;
}
