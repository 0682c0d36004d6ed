/* Datagram sockets against a model. Sockets of both kinds send single datagrams and several of one
   size to each other at random, with small limits, with readers that pause, and with readers whose
   queue is often full.

   The first test ends no socket before everything has arrived: what a socket has accepted is sent,
   and what was sent to a receiver is received by it, or dropped by the kernel; Unix datagrams are
   never dropped. The kernel counts several datagrams that it drops together as one, so of the UDP
   receivers only one, which gets single datagrams, is compared exactly. The second test also
   closes, cancels and reopens sockets: each ends once, what it has accepted was sent or is lost,
   and nothing arrives twice or out of order.

   TOCSIN_TEST_SEED repeats a run. */
#include <stdlib.h>
#include <time.h>

#include "io/datagrams.h"

enum { SINGLE = 0, SOCKETS = 6, ROUNDS = 3000, SIZE_MOST = 3000, QUIET_TURNS = 20 };

struct message {
    int from, generation, number, to;
};

struct member {
    struct tocsin_op socket;
    struct tocsin_queue queue; /* 0: it has a handler */
    bool is_unix, is_open, is_paused;
    int generation, closed;
    int sent_to[SOCKETS]; /* the next number of a datagram to this member */
    int seen_from[SOCKETS], seen_generation[SOCKETS]; /* the last number that came from it */
    uint64_t accepted, received;
    uint64_t expected; /* datagrams that others have sent to it */
    char address[240];
    struct tocsin_datagram_closed end;
};

static struct member members[SOCKETS];
static unsigned long seed;

static unsigned draw(unsigned most)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % most;
}

static bool is_filled(const unsigned char *data, size_t size, unsigned char byte)
{
    while (size && *data == byte)
        data++, size--;
    return !size;
}

static void check_message(struct member *member, const struct tocsin_bytes *data)
{
    struct message message;
    int from;

    ck_assert_uint_ge(data->size, sizeof message);
    memcpy(&message, data->data, sizeof message);
    from = message.from;
    ck_assert_int_eq(message.to, (int)(member - members));
    if (member->seen_generation[from] == message.generation)
        ck_assert_int_gt(message.number, member->seen_from[from]);
    else
        ck_assert_int_gt(message.generation, member->seen_generation[from]);
    member->seen_generation[from] = message.generation;
    member->seen_from[from] = message.number;
    member->received++;
    ck_assert(is_filled((const unsigned char *)data->data + sizeof message,
                        data->size - sizeof message, (unsigned char)message.number));
}

static int on_member(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_datagram_received *came = tocsin_datagram_received_of(info);
    const struct tocsin_datagram_closed *end = tocsin_datagram_closed_of(info);
    struct member *member = arg;

    if (came) {
        ck_assert_uint_eq(came->truncated_bytes, 0);
        check_message(member, &came->data);
    }
    if (end) {
        member->closed++;
        member->end = *end;
    }
    return TOCSIN_NEXT;
}

static void member_open(struct member *member)
{
    const struct tocsin_datagram_options options = { .most = (int)draw(5),
                                                     .high_bytes = 2000,
                                                     .limit_bytes = 20000,
                                                     .buffer_bytes = draw(2) ? 0 : 20000 };
    struct tocsin_datagram_facts facts;

    member->socket = opened(member->is_unix ? "unix:@" : "udp:127.0.0.1:0", &options,
                            member->queue.id ? TOCSIN_QUEUE(member->queue)
                                             : TOCSIN_BOTH(on_member, member));
    ck_assert_int_eq(tocsin_datagram_get(member->socket, &facts), 0);
    strcpy(member->address, facts.local);
    member->generation++;
    member->is_open = true;
    member->accepted = member->received = member->expected = 0;
    memset(member->sent_to, 0, sizeof member->sent_to);
    memset(member->seen_from, 0xff, sizeof member->seen_from);
    memset(member->seen_generation, 0, sizeof member->seen_generation);
}

/* Takes up to `most` entries of a queue. */
static void queue_take(struct member *member, int most)
{
    struct tocsin_info *info;

    while (member->queue.id && most-- && tocsin_queue_wait(member->queue, 0, &info) == 0) {
        on_member(info, member);
        tocsin_info_unref(info);
    }
}

static void check_end(const struct member *member)
{
    ck_assert_uint_le(member->end.sent, member->accepted);
    ck_assert_uint_ge(member->end.sent + member->end.lost, member->accepted);
    if (member->is_unix)
        ck_assert_uint_eq(member->end.sent + member->end.lost, member->accepted);
    ck_assert_uint_eq(member->end.received, member->received);
}

/* Sends up to 20 datagrams of one size in one call. */
static void step_send(struct member *from)
{
    static unsigned char data[20 * SIZE_MOST];
    struct member *to = &members[draw(SOCKETS)];
    size_t size = sizeof(struct message) + draw(draw(2) ? 20 : SIZE_MOST - 20);
    int index = (int)(to - members), count = draw(4) || index == SINGLE ? 1 : 1 + (int)draw(20),
        result;
    const struct tocsin_bytes part = { data, size * (size_t)count };

    if (from->is_unix != to->is_unix || !from->is_open || !to->is_open)
        return;
    for (int i = 0; i < count; i++) {
        const struct message message = { (int)(from - members), from->generation,
                                         from->sent_to[index] + i, index };

        memset(data + (size_t)i * size, (unsigned char)message.number, size);
        memcpy(data + (size_t)i * size, &message, sizeof message);
    }
    result = tocsin_datagram_send_with(
        from->socket,
        &(struct tocsin_datagram_outgoing){
            .peer = to->address, .parts = &part, .count = 1, .segment = count > 1 ? size : 0 });
    ck_assert_msg(result >= 0 || result == -EAGAIN, "%d", result);
    if (result < 0)
        return;
    from->sent_to[index] += count;
    from->accepted += (unsigned)count;
    to->expected += (unsigned)count;
}

static void step_pause(struct member *member)
{
    if (member->queue.id || !member->is_open)
        return;
    member->is_paused = !member->is_paused;
    ck_assert_int_eq(tocsin_op_notify(member->socket, member->is_paused
                                                          ? TOCSIN_CALL(on_member, member)
                                                          : TOCSIN_BOTH(on_member, member)),
                     0);
}

static void member_end(struct member *member, bool is_cancelled)
{
    int before = member->closed;

    ck_assert_int_eq(
        is_cancelled ? tocsin_cancel(member->socket) : tocsin_datagram_close(member->socket), 0);
    while (member->closed == before) {
        queue_take(member, -1);
        for (int i = 0; i < SOCKETS; i++) /* a receiver that does not read delays closing */
            queue_take(&members[i], 3);
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
    }
    ck_assert_int_eq(member->closed, before + 1);
    check_end(member);
    member->is_open = member->is_paused = false;
}

static void step(bool ends)
{
    struct member *member = &members[draw(SOCKETS)];

    switch (draw(ends ? 40 : 38)) {
    default: step_send(member); break;
    case 30:
    case 31:
    case 32:
    case 33: ck_assert_int_ge(tocsin_loop_turn(0), 0); break;
    case 34:
    case 35:
    case 36: queue_take(member, (int)draw(6)); break;
    case 37: step_pause(member); break;
    case 38:
    case 39:
        member_end(member, true);
        member_open(member);
        break;
    }
}

static void begin(void)
{
    const char *text = getenv("TOCSIN_TEST_SEED");

    seed = text ? strtoul(text, NULL, 0) : (unsigned long)time(NULL) * 100000 + (unsigned)getpid();
    printf("io/fuzz_datagrams: TOCSIN_TEST_SEED=%lu\n", seed);
    fflush(stdout);
    memset(members, 0, sizeof members);
    for (int i = 0; i < SOCKETS; i++) {
        members[i].is_unix = i % 2;
        if (i / 2 == 1)
            ck_assert_int_eq(tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = 5 },
                                               &members[i].queue),
                             0);
        member_open(&members[i]);
    }
}

/* Nothing waits to be sent. */
static bool all_are_sent(void)
{
    struct tocsin_datagram_facts facts;

    for (int i = 0; i < SOCKETS; i++) {
        ck_assert_int_eq(tocsin_datagram_get(members[i].socket, &facts), 0);
        if (facts.waiting_bytes)
            return false;
    }
    return true;
}

static uint64_t all_received(void)
{
    uint64_t count = 0;

    for (int i = 0; i < SOCKETS; i++)
        count += members[i].received;
    return count;
}

/* A datagram that was sent over the loopback interface is at its receiver at once, and each turn
   announces at least one that is there. */
static void wait_for_all(void)
{
    uint64_t before = all_received();

    for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
        for (int i = 0; i < SOCKETS; i++)
            queue_take(&members[i], -1);
        ck_assert_int_ge(tocsin_loop_turn(all_are_sent() ? 0 : 1), 0);
        if (!all_are_sent() || all_received() != before)
            quiet = 0;
        before = all_received();
    }
}

static void read_all(void)
{
    for (int i = 0; i < SOCKETS; i++)
        if (members[i].is_paused)
            step_pause(&members[i]);
}

static void finish(void)
{
    for (int i = 0; i < SOCKETS; i++) {
        if (members[i].is_open)
            member_end(&members[i], i % 4 < 2);
        if (members[i].queue.id)
            ck_assert_int_eq(tocsin_queue_close(members[i].queue), 0);
    }
}

START_TEST(all_arrives)
{
    begin();
    for (long i = test_scaled(ROUNDS, 3, 20); i; i--)
        step(false);
    read_all();
    wait_for_all();
    finish();
    for (int i = 0; i < SOCKETS; i++) {
        ck_assert_uint_eq(members[i].end.lost, 0);
        ck_assert_uint_eq(members[i].end.sent, members[i].accepted);
        ck_assert_uint_le(members[i].end.received + members[i].end.dropped, members[i].expected);
        if (members[i].is_unix || i == SINGLE || !members[i].end.dropped)
            ck_assert_uint_eq(members[i].end.received + members[i].end.dropped,
                              members[i].expected);
        if (members[i].is_unix)
            ck_assert_uint_eq(members[i].end.dropped, 0);
    }
}
END_TEST

START_TEST(some_end)
{
    begin();
    for (long i = test_scaled(ROUNDS, 3, 20); i; i--)
        step(true);
    read_all();
    finish();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/fuzz_datagrams");
    TCase *tests = test_case(suite, "fuzz");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, all_arrives);
    tcase_add_test(tests, some_end);
    return suite;
}
