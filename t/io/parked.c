/* Events that a parked descriptor reports: a table with a row for each kind of descriptor, each set
   of wanted events and each action of the peer. Also: an event is reported again until it is
   handled; a muted descriptor reports nothing; a closed one reports nothing, even if a duplicate is
   open; an active descriptor without events is parked again; many ready descriptors are all
   reported. */
#include <sys/wait.h>

#include "io/streams.h"

#include "loop/engine.h"
#include "loop/fd/readiness.h"

enum kind { TCP, UNIX, PIPE_READ, PIPE_WRITE };
enum act { NOTHING, SEND, SEND_AND_END, END, LEAVE, RESET };
enum {
    IN = TOCSIN__READY_IN,
    OUT = TOCSIN__READY_OUT,
    LEFT = TOCSIN__READY_LEFT,
    BROKEN = TOCSIN__READY_BROKEN
};
enum { MANY = 150 };

static const struct {
    const char *what;
    enum kind kind;
    unsigned wanted;
    enum act act;
    unsigned reported;
} rows[] = {
    { "quiet", TCP, IN, NOTHING, 0 },
    { "writable", TCP, OUT, NOTHING, OUT },
    { "data, wanted", TCP, IN, SEND, IN },
    { "data, not wanted", TCP, 0, SEND, 0 },
    { "end, input wanted", TCP, IN, END, IN | LEFT },
    { "end, nothing wanted", TCP, 0, END, LEFT },
    { "end behind unread data", TCP, 0, SEND_AND_END, LEFT },
    { "reset, nothing wanted", TCP, 0, RESET, LEFT | BROKEN },
    { "reset, input wanted", TCP, IN, RESET, IN | LEFT | BROKEN },
    { "Unix: end", UNIX, 0, END, LEFT },
    { "Unix: left, nothing wanted", UNIX, 0, LEAVE, LEFT | BROKEN },
    { "Unix: left, input wanted", UNIX, IN, LEAVE, IN | LEFT | BROKEN },
    { "pipe: data, not wanted", PIPE_READ, 0, SEND, 0 },
    { "pipe: data, wanted", PIPE_READ, IN, SEND, IN },
    { "pipe: the writer has left", PIPE_READ, 0, LEAVE, LEFT | BROKEN },
    { "pipe: the writer has left data", PIPE_READ, IN, SEND_AND_END, IN | LEFT | BROKEN },
    { "pipe: writable", PIPE_WRITE, OUT, NOTHING, OUT },
    { "pipe: the reader has left", PIPE_WRITE, 0, LEAVE, BROKEN },
};

/* A readiness, and the count of its reports. */
struct counted {
    struct tocsin__readiness readiness;
    unsigned what;
    int reports;
};

static struct tocsin__engine *engine;

static void begin(void)
{
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    engine = tocsin__self->engine;
}

static void on_report(struct tocsin__readiness *readiness, unsigned what)
{
    struct counted *counted = tocsin__container(readiness, struct counted, readiness);

    counted->what |= what;
    counted->reports++;
}

static void counted_open(struct counted *counted, int fd, unsigned wanted)
{
    *counted = (struct counted){ .readiness.report = on_report };
    ck_assert_int_eq(tocsin__readiness_open(engine, &counted->readiness, fd), 0);
    ck_assert_int_eq(tocsin__readiness_want(engine, &counted->readiness, wanted), 0);
}

static void counted_close(struct counted *counted)
{
    tocsin__readiness_close(engine, &counted->readiness);
}

static void turn(void)
{
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

/* Makes a pair of descriptors: ends[0] will be parked, ends[1] is its peer. */
static void pair(enum kind kind, int *ends)
{
    int pipe_ends[2];

    if (kind == TCP) {
        tcp_pair(ends);
    } else if (kind == UNIX) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    } else {
        ck_assert_int_eq(pipe(pipe_ends), 0);
        ends[0] = pipe_ends[kind == PIPE_WRITE];
        ends[1] = pipe_ends[kind != PIPE_WRITE];
    }
}

/* Does one action of the peer. Returns the descriptor of the peer, or -1 if it was closed. */
static int peer_act(enum kind kind, enum act act, int peer)
{
    if (act == SEND || act == SEND_AND_END)
        peer_write(peer, "data");
    if (kind <= UNIX && (act == END || act == SEND_AND_END)) {
        ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
        return peer;
    }
    if (act == RESET)
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    if (act < SEND_AND_END)
        return peer;
    close(peer);
    return -1;
}

/* Each event is reported again in the next turn, since the test does not handle it. */
START_TEST(row)
{
    struct counted counted;
    int ends[2], peer;

    pair(rows[_i].kind, ends);
    counted_open(&counted, ends[0], rows[_i].wanted);
    peer = peer_act(rows[_i].kind, rows[_i].act, ends[1]);
    for (int i = 1; i <= 3; i++) {
        counted.what = 0;
        turn();
        ck_assert_msg(counted.what == rows[_i].reported, "%s: reported %u, not %u", rows[_i].what,
                      counted.what, rows[_i].reported);
        ck_assert_int_eq(counted.reports, rows[_i].reported ? i : 0);
    }
    ck_assert_int_eq(counted.readiness.place, TOCSIN__PLACE_PARKED);
    counted_close(&counted);
    if (peer >= 0)
        close(peer);
}
END_TEST

/* The peer acts before the descriptor is parked. The reports must be the same as in `row`. */
START_TEST(row_that_happened_before)
{
    struct counted counted;
    int ends[2], peer;

    pair(rows[_i].kind, ends);
    peer = peer_act(rows[_i].kind, rows[_i].act, ends[1]);
    counted_open(&counted, ends[0], rows[_i].wanted);
    turn();
    ck_assert_msg(counted.what == rows[_i].reported, "%s: reported %u, not %u", rows[_i].what,
                  counted.what, rows[_i].reported);
    counted_close(&counted);
    if (peer >= 0)
        close(peer);
}
END_TEST

/* A muted descriptor reports nothing, not even a reset. The reset is reported when the descriptor
   is not muted any more. */
START_TEST(muted)
{
    struct counted counted;
    int ends[2];

    tcp_pair(ends);
    counted_open(&counted, ends[0], TOCSIN__READY_IN);
    tocsin__readiness_mute(engine, &counted.readiness);
    peer_act(TCP, RESET, ends[1]);
    turn();
    ck_assert_int_eq(counted.reports, 0);
    ck_assert_int_eq(tocsin__readiness_want(engine, &counted.readiness, 0), 0);
    turn();
    ck_assert_uint_eq(counted.what, LEFT | BROKEN);
    counted_close(&counted);
}
END_TEST

static void check_closed(struct counted *counted, int peer)
{
    counted_close(counted);
    peer_write(peer, "data");
    close(peer);
    turn();
    turn();
    ck_assert_int_eq(counted->reports, 0);
}

/* A duplicate keeps the open file description of a closed descriptor. The closed descriptor must
   not be reported any more. */
START_TEST(closed_while_a_duplicate_is_open)
{
    struct counted counted;
    int ends[2], copy;

    tcp_pair(ends);
    copy = dup(ends[0]);
    counted_open(&counted, ends[0], TOCSIN__READY_IN);
    check_closed(&counted, ends[1]);
    close(copy);
}
END_TEST

START_TEST(closed_while_a_child_has_it)
{
    struct counted counted;
    int ends[2], stop[2], status;
    pid_t child;
    char byte;

    tcp_pair(ends);
    ck_assert_int_eq(pipe(stop), 0);
    counted_open(&counted, ends[0], TOCSIN__READY_IN);
    child = fork();
    if (child == 0) {
        close(stop[1]);
        close(ends[1]);
        _exit(read(stop[0], &byte, 1) != 0);
    }
    ck_assert_int_gt(child, 0);
    close(stop[0]);
    check_closed(&counted, ends[1]);
    close(stop[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* The kernel cannot poll these descriptors, so they count as always ready. */
START_TEST(what_cannot_be_polled)
{
    static const char *const paths[] = { "/dev/null", "/proc/self/exe" };
    struct counted counted;
    int fd = open(paths[_i], O_RDONLY);

    ck_assert_int_ge(fd, 0);
    counted_open(&counted, fd, TOCSIN__READY_IN);
    ck_assert(tocsin__readiness_is_always(&counted.readiness));
    turn();
    ck_assert_int_eq(counted.reports, 0);
    counted_close(&counted);
}
END_TEST

/* A parked descriptor that is reported twice within a second becomes active. After two sweeps
 * without an event it is parked again. */
START_TEST(active_and_parked_again)
{
    struct counted counted;
    int ends[2];
    char text[8];

    tcp_pair(ends);
    counted_open(&counted, ends[0], TOCSIN__READY_IN);
    peer_write(ends[1], "data");
    turn();
    ck_assert_uint_eq(counted.what, IN);
    ck_assert_int_eq(tocsin__readiness_want(engine, &counted.readiness, TOCSIN__READY_IN), 0);
    ck_assert_int_eq(counted.readiness.place, TOCSIN__PLACE_PARKED);
    turn();
    ck_assert_int_eq(tocsin__readiness_want(engine, &counted.readiness, TOCSIN__READY_IN), 0);
    ck_assert_int_eq(counted.readiness.place, TOCSIN__PLACE_ACTIVE);
    turn();
    ck_assert_int_eq(counted.reports, 3);
    ck_assert_int_eq(recv(ends[0], text, sizeof text, MSG_DONTWAIT), 4);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_clock_move(1100), 0);
    ck_assert_int_eq(counted.readiness.place, TOCSIN__PLACE_PARKED);
    counted.reports = 0;
    peer_write(ends[1], "data");
    turn();
    ck_assert_int_eq(counted.reports, 1);
    counted_close(&counted);
    close(ends[1]);
}
END_TEST

/* One pass reports at most 64 descriptors. The kernel continues with the others in the next pass,
   so each descriptor is reported within three passes. */
START_TEST(many_at_once)
{
    static struct counted all[MANY];
    int ends[2], peers[MANY];

    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        peers[i] = ends[1];
        counted_open(&all[i], ends[0], TOCSIN__READY_IN);
        peer_write(ends[1], "data");
    }
    for (int pass = 0; pass < 3; pass++)
        turn();
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_ge(all[i].reports, 1);
        counted_close(&all[i]);
        close(peers[i]);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/parked");
    TCase *tests = test_case(suite, "parked");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, row, 0, sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(tests, row_that_happened_before, 0, sizeof rows / sizeof rows[0]);
    tcase_add_test(tests, muted);
    tcase_add_test(tests, closed_while_a_duplicate_is_open);
    tcase_add_test(tests, closed_while_a_child_has_it);
    tcase_add_loop_test(tests, what_cannot_be_polled, 0, 2);
    tcase_add_test(tests, active_and_parked_again);
    tcase_add_test(tests, many_at_once);
    return suite;
}
