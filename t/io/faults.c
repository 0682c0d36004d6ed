/* Contract line F3 for streams: each allocation and each system call fails in turn, while an echo
   server and its client over a Unix socket, a pipe between two streams and a stream of lines work.
   Every operation that was started ends once, and no descriptor is left. */
#include "io/streams.h"

#include "faults.h"

enum { LISTENER, CLIENT, WRITTEN, READ, LEFT, RIGHT, PIPE, LINES, STARTS };

static struct started all[STARTS];
static int left, right, lines;

static void started(int which, int err)
{
    all[which].err = err;
}

static int on_echo(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size);
    return TOCSIN_NEXT;
}

static void start_echo(void)
{
    const struct tocsin_listen_options nine = { .most_per_address = 9 };
    char address[64];
    int err = tocsin_connect("stream.received", &(struct tocsin_action){ .fn = on_echo }, NULL);

    ck_assert(err == 0 || err == -ENOMEM);
    snprintf(address, sizeof address, "unix:@tocsin-io-faults-%d", getpid());
    started(LISTENER, tocsin_listen(address, &nine, TOCSIN_CALL(on_started_end, &all[LISTENER]),
                                    &all[LISTENER].op));
    started(CLIENT, tocsin_stream_open(address, &(struct tocsin_stream_options){ .open_ms = 200 },
                                       TOCSIN_CALL(on_started_end, &all[CLIENT]), &all[CLIENT].op));
    tocsin_stream_write(all[CLIENT].op, "hello", 5);
    started(WRITTEN, tocsin_stream_flush(all[CLIENT].op, TOCSIN_CALL(on_started_end, &all[WRITTEN]),
                                         &all[WRITTEN].op));
    started(READ, tocsin_stream_read(all[CLIENT].op,
                                     &(struct tocsin_part){ .size = 5, .flags = TOCSIN_EXACTLY },
                                     TOCSIN_CALL(on_started_end, &all[READ]), &all[READ].op));
}

static void open_pair(int which, const struct tocsin_stream_options *options, int *ret_peer)
{
    char address[32];
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    snprintf(address, sizeof address, "fd:%d", ends[0]);
    started(which, tocsin_stream_open(address, options, TOCSIN_CALL(on_started_end, &all[which]),
                                      &all[which].op));
    if (all[which].err < 0)
        close(ends[0]);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    *ret_peer = ends[1];
}

/* The other end is closed if its stream could not be opened. */
static void send_some(int peer, const void *data, size_t size)
{
    ssize_t sent = write(peer, data, size);

    ck_assert(sent > 0 || errno == EPIPE || errno == EAGAIN);
}

static void start_pipe(void)
{
    static const char block[100000];
    const struct tocsin_bytes part = { block, sizeof block };

    open_pair(LEFT, NULL, &left);
    open_pair(RIGHT, NULL, &right);
    started(PIPE, tocsin_stream_pipe(all[LEFT].op, all[RIGHT].op,
                                     TOCSIN_CALL(on_started_end, &all[PIPE]), &all[PIPE].op));
    send_some(left, block, sizeof block);
    tocsin_stream_write_with(
        all[LEFT].op,
        &(struct tocsin_outgoing){ .parts = &part, .count = 1, .fds = &left, .fds_count = 1 });
    open_pair(LINES,
              &(struct tocsin_stream_options){ .part = { .until = "\n" }, .idle_ms = 60000 },
              &lines);
    send_some(lines, "half", 4);
}

static bool runs(int which)
{
    return all[which].err == 0 && !all[which].ended;
}

static void read_away(int peer)
{
    char buffer[65536];

    while (read(peer, buffer, sizeof buffer) > 0)
        ;
}

/* If the handler or the listener is missing, the client waits in vain. */
static void work(void)
{
    for (int i = 0; i < 20 || (i < 40 && (runs(READ) || runs(WRITTEN))); i++) {
        ck_assert_int_ge(tocsin_loop_turn(i < 20 ? 0 : 10), 0);
        read_away(right);
        read_away(left);
        if (i == 10) {
            send_some(lines, "line\nrest", 9);
            shutdown(left, SHUT_WR);
        }
    }
}

static void job(void)
{
    int status;

    memset(all, 0, sizeof all);
    start_echo();
    start_pipe();
    work();
    for (int i = 0; i < STARTS; i++)
        if (runs(i))
            tocsin_cancel(all[i].op);
    close(left);
    close(right);
    close(lines);
    status = tocsin_loop_free();
    ck_assert_int_ge(status, 0);
    check_started(all, STARTS);
}

START_TEST(each_fails_in_turn)
{
    each_in_turn("io/faults", job);
}
END_TEST

/* A listener that cannot begin leaves no path behind. */
static void path_job(void)
{
    char path[64], address[80];
    struct tocsin_op listener;

    snprintf(path, sizeof path, "/tmp/tocsin-io-faults-%d", getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    if (tocsin_listen(address, NULL, TOCSIN_CALL(on_started_end, &all[LISTENER]), &listener) == 0)
        tocsin_cancel(listener);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    ck_assert_int_eq(access(path, F_OK), -1);
}

START_TEST(no_path_is_left)
{
    each_in_turn("io/faults: a path", path_job);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/faults");
    TCase *tests = test_case(suite, "faults");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_fails_in_turn);
    tcase_add_test(tests, no_path_is_left);
    return suite;
}
