/* Streams of files: reading each kind of part, by stream.received and by reads; a file that grows;
   creating, appending and replacing; flush and close; back-pressure; pipes between files and
   sockets; facts and options; regular files and devices by "fd:"; a FIFO. */
#include "io/files.h"

static char block[300000];
static int lines, stalled, drained, closed_status;
static size_t bytes;

static void begin(void)
{
    folder_make();
    bytes_make(block, sizeof block);
    lines = stalled = drained = closed_status = 0;
    bytes = 0;
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    lines += came != NULL;
    bytes += came ? came->data.size : 0;
    stalled += tocsin_stream_stalled_of(info) != NULL;
    drained += tocsin_stream_drained_of(info) != NULL;
    if (tocsin_stream_closed_of(info))
        closed_status = info->status;
    return TOCSIN_NEXT;
}

/* Reads */

START_TEST(pulled)
{
    struct tocsin_stream_facts facts;
    char into[1000], expected[600];
    struct tocsin_op stream, read;
    struct tocsin_info *info;

    file_make("f", block, sizeof block);
    stream = file_open(path_of("f"), 0, TOCSIN_FUTURE);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), -EINVAL);
    tocsin_stream_read(
        stream, &(struct tocsin_part){ .into = into, .size = sizeof into, .flags = TOCSIN_EXACTLY },
        TOCSIN_FUTURE, &read);
    ck_assert_int_eq(tocsin_wait(read, -1, NULL), sizeof into);
    ck_assert_mem_eq(into, block, sizeof into);
    ck_assert_int_eq(tocsin_stream_get(stream, &facts), 0);
    snprintf(expected, sizeof expected, "file:%s", path_of("f"));
    ck_assert_str_eq(facts.local, expected);
    /* the library does not read further than it must */
    ck_assert_uint_le(facts.received_bytes, 128 * 1024);
    ck_assert_int_eq(read_part(stream, &(struct tocsin_part){ .flags = TOCSIN_TO_END }, &info),
                     sizeof block - sizeof into);
    ck_assert_mem_eq(tocsin_stream_taken_of(info)->data.data, block + sizeof into,
                     sizeof block - sizeof into);
    tocsin_info_unref(info);
    ck_assert_int_eq(stream_end(stream), 0);
}
END_TEST

START_TEST(pushed_by_lines)
{
    const struct tocsin_stream_options options = { .part = { .until = "\n" } };
    struct tocsin_op stream;
    char text[6000 * 3 + 1], address[600];

    for (int i = 0; i < 6000; i++)
        memcpy(text + 3 * i, "ab\n", 4);
    file_make("f", text, 6000 * 3 - 1);
    snprintf(address, sizeof address, "file:%s", path_of("f"));
    ck_assert_int_eq(tocsin_stream_open(address, &options, TOCSIN_BOTH(on_stream), &stream), 0);
    turns_until_over(stream);
    ck_assert_int_eq(lines, 6000);
    ck_assert_uint_eq(bytes, 6000 * 3 - 1);
    ck_assert_int_eq(closed_status, 0);
}
END_TEST

START_TEST(an_empty_file)
{
    struct tocsin_op stream;

    file_make("f", "", 0);
    stream = file_open(path_of("f"), 0, TOCSIN_FUTURE);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 0);
    ck_assert_int_eq(stream_end(stream), 0);
    turns_until_over(file_open(path_of("f"), 0, TOCSIN_BOTH(on_stream)));
    ck_assert_int_eq(lines, 0);
}
END_TEST

/* Data that is appended before the stream has read the end of the file is read, too. */
START_TEST(a_file_that_grows)
{
    struct tocsin_op stream;
    struct tocsin_info *info;

    file_make("f", "one", 3);
    stream = file_open(path_of("f"), 0, TOCSIN_FUTURE);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 3);
    file_make("f", "one, two", 8);
    ck_assert_int_eq(read_part(stream, NULL, &info), 5);
    ck_assert_mem_eq(tocsin_stream_taken_of(info)->data.data, ", two", 5);
    tocsin_info_unref(info);
    ck_assert_int_eq(read_part(stream, NULL, NULL), 0);
    ck_assert_int_eq(stream_end(stream), 0);
}
END_TEST

/* Writes */

/* A file exists before the first byte is written, but a new file replaces another one only at the
   end. */
START_TEST(each_way_to_write)
{
    static const unsigned flags[] = { TOCSIN_STREAM_CREATE, TOCSIN_STREAM_APPEND,
                                      TOCSIN_STREAM_REPLACE };
    char expected[sizeof block + 3];
    size_t kept = flags[_i] == TOCSIN_STREAM_APPEND ? 3 : 0;
    struct tocsin_op stream, flush;

    memcpy(expected, "old", 3);
    memcpy(expected + kept, block, sizeof block);
    for (int i = 0; i < 2; i++) {
        if (i)
            file_make("f", "old", 3);
        stream = file_open(path_of("f"), flags[_i], TOCSIN_FUTURE);
        ck_assert_int_eq(tocsin_stream_read(stream, NULL, NULL, NULL), -EINVAL);
        ck_assert_int_eq(tocsin_stream_write(stream, block, 1000), 0);
        ck_assert_int_eq(tocsin_stream_write(stream, block + 1000, sizeof block - 1000), 1);
        tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush);
        ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
        if (flags[_i] != TOCSIN_STREAM_REPLACE)
            file_has("f", i ? expected : block, sizeof block + (i ? kept : 0));
        else if (i)
            file_has("f", "old", 3);
        else
            ck_assert_int_lt(access(path_of("f"), F_OK), 0);
        ck_assert_int_eq(i ? tocsin_stream_close(stream) : tocsin_stream_shutdown(stream), 0);
        ck_assert_int_eq(stream_end(stream), 0);
        file_has("f", i ? expected : block, sizeof block + (i ? kept : 0));
        ck_assert_int_eq(folder_count(false), 1);
    }
}
END_TEST

/* A stream that is closed before its file is open still writes all data. Without data, it makes an
   empty file. */
START_TEST(closed_at_once)
{
    const unsigned flags = _i ? TOCSIN_STREAM_REPLACE : TOCSIN_STREAM_CREATE;
    struct tocsin_op stream = file_open(path_of("f"), flags, TOCSIN_FUTURE);

    ck_assert_int_eq(tocsin_stream_write(stream, "text", 4), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(stream_end(stream), 0);
    file_has("f", "text", 4);
    stream = file_open(path_of("f"), flags, TOCSIN_FUTURE);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(stream_end(stream), 0);
    file_has("f", "", 0);
}
END_TEST

/* A replaced file keeps its permissions. If the path is a symbolic link, the link stays, and its
   target is replaced. */
START_TEST(replaced_behind_links)
{
    struct tocsin_op stream;
    struct stat stat;

    file_make("f", "old", 3);
    ck_assert_int_eq(chmod(path_of("f"), 0640), 0);
    ck_assert_int_eq(symlink("f", path_of("link")), 0);
    ck_assert_int_eq(symlink(path_of("link"), path_of("far")), 0);
    ck_assert_int_eq(symlink("new", path_of("dangling")), 0);
    stream = file_open(path_of("far"), TOCSIN_STREAM_REPLACE, TOCSIN_FUTURE);
    ck_assert_int_eq(tocsin_stream_write(stream, "fresh", 5), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(stream_end(stream), 0);
    file_has("f", "fresh", 5);
    ck_assert_int_eq(lstat(path_of("far"), &stat), 0);
    ck_assert(S_ISLNK(stat.st_mode));
    ck_assert_int_eq(lstat(path_of("f"), &stat), 0);
    ck_assert_uint_eq(stat.st_mode & 07777, 0640);
    stream = file_open(path_of("dangling"), TOCSIN_STREAM_REPLACE, TOCSIN_FUTURE);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(stream_end(stream), 0);
    file_has("new", "", 0);
    ck_assert_int_eq(folder_count(false), 5);
}
END_TEST

/* At every moment a reader finds either the whole old content or the whole new content. */
START_TEST(replaced_many_times)
{
    struct tocsin_op stream;
    int count = (int)test_scaled(60, 1, 6);

    for (int i = 0; i < count; i++) {
        stream = file_open(path_of("f"), TOCSIN_STREAM_REPLACE, TOCSIN_FUTURE);
        tocsin_stream_write(stream, block, (size_t)(1 + i));
        ck_assert_int_eq(tocsin_stream_close(stream), 0);
        while (tocsin_op_status(stream) == -EINPROGRESS) {
            if (i && access(path_of("f"), F_OK) == 0) {
                struct stat stat;

                ck_assert_int_eq(lstat(path_of("f"), &stat), 0);
                ck_assert(stat.st_size == i || stat.st_size == i + 1);
            } else {
                ck_assert_int_eq(i, 0);
            }
            ck_assert_int_ge(tocsin_loop_turn(-1), 0);
        }
        ck_assert_int_eq(stream_end(stream), 0);
    }
    file_has("f", block, (size_t)count);
}
END_TEST

/* The program writes faster than the disk: a write beyond the limit is refused, no data is lost,
   and stream.stalled and stream.drained are emitted. */
START_TEST(back_pressure)
{
    struct tocsin_op stream;
    size_t total = 0;
    struct stat stat;
    int err;

    stream = file_open(path_of("f"), TOCSIN_STREAM_CREATE, TOCSIN_BOTH(on_stream));
    for (int i = 1; i <= 3; i++) {
        while ((err = tocsin_stream_write(stream, block, 100000)) >= 0)
            total += 100000;
        ck_assert_int_eq(err, -EAGAIN);
        turns_until(&drained, i);
    }
    ck_assert_int_ge(stalled, 3);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, 0);
    ck_assert_int_eq(lstat(path_of("f"), &stat), 0);
    ck_assert_uint_eq((size_t)stat.st_size, total);
}
END_TEST

/* Pipes */

START_TEST(piped_from_file_to_file)
{
    struct tocsin_op from, to, pipe;

    file_make("f", block, sizeof block);
    from = file_open(path_of("f"), 0, TOCSIN_FUTURE);
    to = file_open(path_of("g"), TOCSIN_STREAM_REPLACE, TOCSIN_FUTURE);
    ck_assert_int_eq(tocsin_stream_pipe(from, to, TOCSIN_FUTURE, &pipe), 0);
    ck_assert_int_eq(tocsin_wait(pipe, -1, NULL), 0);
    file_has("g", block, sizeof block); /* the new file is in place when the pipe has ended */
    ck_assert_int_eq(stream_end(from), 0);
    ck_assert_int_eq(stream_end(to), 0);
}
END_TEST

/* A peer's data is piped into a file, and the file back to a peer. */
START_TEST(piped_over_sockets)
{
    struct tocsin_op socket, file, pipe;
    static char back[sizeof block];
    size_t sent = 0, got = 0;
    ssize_t count;
    int peer;

    socket = stream_of_pair(NULL, NULL, &peer);
    file = file_open(path_of("f"), TOCSIN_STREAM_REPLACE, NULL);
    ck_assert_int_eq(tocsin_stream_pipe(socket, file, TOCSIN_FUTURE, &pipe), 0);
    while (sent < sizeof block) {
        count = write(peer, block + sent, sizeof block - sent);
        sent += count > 0 ? (size_t)count : 0;
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    ck_assert_int_eq(tocsin_wait(pipe, -1, NULL), 0);
    close(peer);
    file_has("f", block, sizeof block);
    socket = stream_of_pair(NULL, NULL, &peer);
    file = file_open(path_of("f"), 0, NULL);
    ck_assert_int_eq(tocsin_stream_pipe(file, socket, NULL, &pipe), 0);
    do {
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        count = read(peer, back + got, sizeof back - got);
        got += count > 0 ? (size_t)count : 0;
    } while (got < sizeof back);
    ck_assert_mem_eq(back, block, sizeof block);
    turns_until_over(pipe);
    ck_assert_int_eq(read(peer, back, 1), 0);
    close(peer);
    turns_until_over(file);
    tocsin_cancel(socket); /* it has not ended: the peer's end waits for a read */
    turns_until_over(socket);
}
END_TEST

/* Descriptors that epoll cannot watch, and a FIFO */

static struct tocsin_op fd_open(int fd)
{
    struct tocsin_op stream;
    char address[32];

    ck_assert_int_ge(fd, 0);
    snprintf(address, sizeof address, "fd:%d", fd);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, TOCSIN_FUTURE, &stream), 0);
    return stream;
}

/* Reading and writing use the same position of the open file, as read(2) and write(2) do. */
START_TEST(descriptors)
{
    struct tocsin_op stream;
    int fd;

    file_make("f", "0123456789", 10);
    fd = open(path_of("f"), O_RDWR);
    ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
    stream = fd_open(fd);
    ck_assert_int_eq(tocsin_stream_write(stream, "ab", 2), 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(stream_end(stream), 0);
    file_has("f", "01ab456789", 10);
    stream = fd_open(open(path_of("f"), O_RDWR));
    ck_assert_int_eq(read_part(stream, &(struct tocsin_part){ .flags = TOCSIN_TO_END }, NULL), 10);
    ck_assert_int_eq(stream_end(stream), 0);
    stream = fd_open(open("/dev/null", O_RDWR));
    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(stream_end(stream), 0);
    stream = fd_open(open("/dev/null", O_RDONLY));
    ck_assert_int_eq(read_part(stream, NULL, NULL), 0);
    ck_assert_int_eq(stream_end(stream), 0);
    stream = fd_open(open("/dev/zero", O_RDONLY));
    ck_assert_int_eq(
        read_part(stream, &(struct tocsin_part){ .size = 100000, .flags = TOCSIN_EXACTLY }, NULL),
        100000);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    ck_assert_int_eq(stream_end(stream), 0);
}
END_TEST

/* A stream that reads a FIFO waits for a writer without blocking a thread. */
START_TEST(a_fifo)
{
    struct tocsin_op reader, writer;
    struct tocsin_info *info;
    int status;

    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    writer = file_open(path_of("fifo"), TOCSIN_STREAM_CREATE, TOCSIN_FUTURE);
    ck_assert_int_eq(stream_end(writer), -ENXIO); /* no process has opened the FIFO for reading */
    reader = file_open(path_of("fifo"), 0, TOCSIN_FUTURE);
    do { /* until a thread has opened the FIFO for the reader */
        writer = file_open(path_of("fifo"), TOCSIN_STREAM_APPEND, TOCSIN_FUTURE);
        tocsin_stream_write(writer, "hello", 5);
        tocsin_stream_close(writer);
        status = stream_end(writer);
    } while (status == -ENXIO);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(tocsin_op_status(reader), -EINPROGRESS);
    ck_assert_int_eq(read_part(reader, &(struct tocsin_part){ .flags = TOCSIN_TO_END }, &info), 5);
    ck_assert_mem_eq(tocsin_stream_taken_of(info)->data.data, "hello", 5);
    tocsin_info_unref(info);
    ck_assert_int_eq(stream_end(reader), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/files");
    TCase *tests = test_case(suite, "files");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, folder_remove);
    tcase_add_test(tests, pulled);
    tcase_add_test(tests, pushed_by_lines);
    tcase_add_test(tests, an_empty_file);
    tcase_add_test(tests, a_file_that_grows);
    tcase_add_loop_test(tests, each_way_to_write, 0, 3);
    tcase_add_loop_test(tests, closed_at_once, 0, 2);
    tcase_add_test(tests, replaced_behind_links);
    tcase_add_test(tests, replaced_many_times);
    tcase_add_test(tests, back_pressure);
    tcase_add_test(tests, piped_from_file_to_file);
    tcase_add_test(tests, piped_over_sockets);
    tcase_add_test(tests, descriptors);
    tcase_add_test(tests, a_fifo);
    return suite;
}
