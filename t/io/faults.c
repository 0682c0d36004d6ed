/* Contract line F3 for streams: each allocation and each system call fails in turn, while an echo
   server and its client over a Unix socket, a pipe between two streams and a stream of lines with a
   rate work, or while files are read, created, appended to and replaced, and piped into each other,
   or while a stream with a layer (record_layer.h) connects, reads, writes and closes.
   Every operation that was started ends once, and no descriptor is left. */
#include <netinet/in.h>

#include "io/files.h"
#include "io/record_layer.h"

#include "faults.h"

enum { LISTENER, CLIENT, WRITTEN, READ, LEFT, RIGHT, PIPE, LINES, STARTS, ALL = 9 };


static struct started all[ALL];
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

/* Writes to a plain socket. Its other end is closed if the stream there could not be opened. */
static void send_some(int peer, const void *data, size_t size)
{
    ssize_t sent = write(peer, data, size);

    ck_assert(sent > 0 || errno == EPIPE || errno == EAGAIN);
}

static void start_pipe(void)
{
    static const char block[100000];
    const struct tocsin_bytes part = { block, sizeof block };
    struct tocsin_rate rate;

    open_pair(LEFT, NULL, &left);
    open_pair(RIGHT, NULL, &right);
    started(PIPE, tocsin_stream_pipe(all[LEFT].op, all[RIGHT].op,
                                     TOCSIN_CALL(on_started_end, &all[PIPE]), &all[PIPE].op));
    send_some(left, block, sizeof block);
    tocsin_stream_write_with(
        all[LEFT].op,
        &(struct tocsin_outgoing){ .parts = &part, .count = 1, .fds = &left, .fds_count = 1 });
    tocsin_rate_new(100, 3, &rate); /* after a failure the id of the rate contains the error */
    open_pair(LINES,
              &(struct tocsin_stream_options){
                  .part = { .until = "\n" }, .idle_ms = 60000, .rate_in = rate, .rate_out = rate },
              &lines);
    tocsin_stream_write(all[LINES].op, "slow", 4);
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

/* Runs turns until the job is done. If a handler or the listener could not be made, the client
   waits in vain, so the number of turns is limited. */
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

enum { FROM, COPY, COPIED, APPENDED, CREATED, CREATED_FLUSH, ADOPTED, ADOPTED_READ, FILES };

static void start_file(int which, const char *path, unsigned flags)
{
    char address[600];

    snprintf(address, sizeof address, "file:%s", path);
    started(which, tocsin_stream_open(address, &(struct tocsin_stream_options){ .flags = flags },
                                      TOCSIN_CALL(on_started_end, &all[which]), &all[which].op));
}

static void start_adopted(void)
{
    char address[32];
    int fd = open(path_of("from"), O_RDONLY);

    ck_assert_int_ge(fd, 0);
    snprintf(address, sizeof address, "fd:%d", fd);
    started(ADOPTED, tocsin_stream_open(address, NULL, TOCSIN_CALL(on_started_end, &all[ADOPTED]),
                                        &all[ADOPTED].op));
    if (all[ADOPTED].err < 0)
        close(fd);
    started(ADOPTED_READ,
            tocsin_stream_read(all[ADOPTED].op, &(struct tocsin_part){ .flags = TOCSIN_TO_END },
                               TOCSIN_CALL(on_started_end, &all[ADOPTED_READ]),
                               &all[ADOPTED_READ].op));
}

static void start_files(void)
{
    start_file(FROM, path_of("from"), 0);
    start_file(COPY, path_of("copy"), TOCSIN_STREAM_REPLACE);
    started(COPIED, tocsin_stream_pipe(all[FROM].op, all[COPY].op,
                                       TOCSIN_CALL(on_started_end, &all[COPIED]), &all[COPIED].op));
    start_file(APPENDED, path_of("appended"), TOCSIN_STREAM_APPEND);
    tocsin_stream_write(all[APPENDED].op, "more", 4);
    tocsin_stream_close(all[APPENDED].op);
    start_file(CREATED, path_of("created"), TOCSIN_STREAM_CREATE);
    tocsin_stream_write(all[CREATED].op, "some", 4);
    started(CREATED_FLUSH,
            tocsin_stream_flush(all[CREATED].op, TOCSIN_CALL(on_started_end, &all[CREATED_FLUSH]),
                                &all[CREATED_FLUSH].op));
    start_adopted();
}

/* Afterwards the replaced file has the old content or the new one, and no temporary file is
   left. */
static void files_job(void)
{
    static char block[100000];
    struct stat stat;

    memset(all, 0, sizeof all);
    folder_make();
    file_make("from", block, sizeof block);
    file_make("copy", "old", 3);
    start_files();
    while (runs(COPIED) || runs(APPENDED) || runs(CREATED_FLUSH) || runs(ADOPTED_READ))
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    for (int i = 0; i < FILES; i++)
        if (runs(i))
            tocsin_cancel(all[i].op);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    check_started(all, FILES);
    while (!pools_are_idle())
        usleep(100);
    ck_assert_int_eq(lstat(path_of("copy"), &stat), 0);
    ck_assert(stat.st_size == 3 || stat.st_size == sizeof block);
    unlink(path_of("appended"));
    unlink(path_of("created"));
    ck_assert_int_eq(folder_count(true), 2);
    folder_remove();
}

START_TEST(each_of_files_fails_in_turn)
{
    each_in_turn("io/faults, files", files_job);
}
END_TEST

enum { LAYERED, LAYERED_READ, LAYERED_FLUSH, LAYERED_STREAMS };

/* A peer that greets, sends a record, and reads what comes. */
static void layered_peer(int server)
{
    int peer;

    for (int i = 0; i < 6; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    peer = accept(server, NULL, NULL);
    if (peer >= 0) {
        ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
        send_some(peer, "S\1x", 3);
    }
    for (int i = 0; i < 12; i++)
        ck_assert_int_ge(tocsin_loop_turn(i / 6), 0);
    if (peer >= 0)
        close(peer);
}

static int server;
static char server_address[64];

static void layered_job(void)
{
    memset(all, 0, sizeof all);
    started(LAYERED,
            tocsin_stream_open(server_address, NULL, TOCSIN_CALL(on_started_end, &all[LAYERED]),
                               &all[LAYERED].op));
    started(LAYERED_READ, tocsin_stream_read(all[LAYERED].op, NULL,
                                             TOCSIN_CALL(on_started_end, &all[LAYERED_READ]),
                                             &all[LAYERED_READ].op));
    tocsin_stream_write(all[LAYERED].op, "hello", 5);
    started(LAYERED_FLUSH,
            tocsin_stream_flush(all[LAYERED].op, TOCSIN_CALL(on_started_end, &all[LAYERED_FLUSH]),
                                &all[LAYERED_FLUSH].op));
    layered_peer(server);
    tocsin_stream_close(all[LAYERED].op);
    for (int i = 0; i < 4; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    for (int i = 0; i < LAYERED_STREAMS; i++)
        if (runs(i))
            tocsin_cancel(all[i].op);
    ck_assert_int_ge(tocsin_loop_free(), 0);
    check_started(all, LAYERED_STREAMS);
    ck_assert_int_eq(record_layers, 0);
}

START_TEST(each_of_a_layer_fails_in_turn)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof any;

    server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(server, (struct sockaddr *)&any, sizeof any), 0);
    ck_assert_int_eq(listen(server, 5), 0);
    ck_assert_int_eq(getsockname(server, (struct sockaddr *)&any, &size), 0);
    snprintf(server_address, sizeof server_address, "record:127.0.0.1:%d", ntohs(any.sin_port));
    ck_assert_int_eq(tocsin_layer_provide("record", &record_type), 0);
    each_in_turn("io/faults, layer", layered_job);
    close(server);
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
    tcase_add_test(tests, each_of_files_fails_in_turn);
    tcase_add_test(tests, each_of_a_layer_fails_in_turn);
    tcase_add_test(tests, no_path_is_left);
    return suite;
}
