/* Streams of files when something goes wrong: missing files and folders, folders, loops of links,
   wrong targets, wrong flags; a full disk and a limit of the file's size; a source that fails; a
   cancel, a time limit and the end of the loop at every moment, also while a thread works; a fork.
   A replaced file keeps its old content, and no temporary file and no descriptor is left. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "io/files.h"

static char block[300000];
static char reason[200];
static int closed, closed_status;

static void begin(void)
{
    folder_make();
    bytes_make(block, sizeof block);
    closed = closed_status = 0;
    reason[0] = 0;
}

static int on_closed(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    closed++;
    closed_status = info->status;
    snprintf(reason, sizeof reason, "%s", tocsin_stream_closed_of(info)->reason);
    return TOCSIN_NEXT;
}

/* Errors of opening */

static void fails(const char *path, unsigned flags, int status)
{
    struct tocsin_op stream = file_open(path, flags, TOCSIN_CALL(on_closed)), read;
    int before = closed;

    if (flags)
        tocsin_stream_write(stream, "lost", 4);
    else
        tocsin_stream_read(stream, NULL, TOCSIN_FUTURE, &read);
    turns_until_over(stream);
    ck_assert_int_eq(closed, before + 1);
    ck_assert_msg(closed_status == status, "%s: %d instead of %d", path, closed_status, status);
    if (!flags)
        ck_assert_int_eq(tocsin_wait(read, -1, NULL), status);
}

START_TEST(wrong_paths)
{
    static const unsigned writing[] = { TOCSIN_STREAM_CREATE, TOCSIN_STREAM_APPEND,
                                        TOCSIN_STREAM_REPLACE };

    file_make("f", "old", 3);
    ck_assert_int_eq(mkdir(path_of("folder"), 0755), 0);
    ck_assert_int_eq(symlink("loop", path_of("loop")), 0);
    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    fails(path_of("missing"), 0, -ENOENT);
    fails(path_of("folder"), 0, -EISDIR);
    fails(path_of("f/below"), 0, -ENOTDIR);
    fails(path_of("loop"), 0, -ELOOP);
    for (int i = 0; i < 3; i++) {
        fails(path_of("none/f"), writing[i], -ENOENT);
        fails(path_of("folder"), writing[i], -EISDIR);
        fails(path_of("f/below"), writing[i], -ENOTDIR);
        fails(path_of("loop"), writing[i], -ELOOP);
    }
    fails(path_of("fifo"), TOCSIN_STREAM_REPLACE, -EINVAL); /* it is no regular file */
    ck_assert_str_eq(reason, "only a regular file is replaced");
    fails("/dev/null", TOCSIN_STREAM_REPLACE, -EINVAL);
    fails(path_of("fifo"), TOCSIN_STREAM_APPEND, -ENXIO);
    file_has("f", "old", 3);
    ck_assert_int_eq(folder_count(false), 4);
}
END_TEST

static int open_with(const char *address, unsigned flags)
{
    struct tocsin_op stream;
    int err = tocsin_stream_open(address, &(struct tocsin_stream_options){ .flags = flags }, NULL,
                                 &stream);

    ck_assert_int_lt(err, 0);
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), err);
    return err;
}

START_TEST(wrong_arguments)
{
    static char longer[5000];

    memset(longer, 'x', sizeof longer - 1);
    memcpy(longer, "file:", 5);
    ck_assert_int_eq(open_with("file:", 0), -EINVAL);
    ck_assert_int_eq(open_with(longer, 0), -ENAMETOOLONG);
    ck_assert_int_eq(open_with("file:f", TOCSIN_STREAM_CREATE | TOCSIN_STREAM_APPEND), -EINVAL);
    ck_assert_int_eq(open_with("file:f", TOCSIN_STREAM_REPLACE | TOCSIN_STREAM_APPEND), -EINVAL);
    ck_assert_int_eq(open_with("tcp:127.0.0.1:1", TOCSIN_STREAM_CREATE), -EINVAL);
    ck_assert_int_eq(open_with("fd:1", TOCSIN_STREAM_REPLACE), -EINVAL);
    ck_assert_int_eq(tocsin_listen("file:f", NULL, NULL, NULL), -ENOTSUP);
}
END_TEST

/* Without permission; the owner of the process is changed, since root may do everything. */
START_TEST(without_permission)
{
    file_make("f", "old", 3);
    ck_assert_int_eq(chmod(path_of("f"), 0400), 0);
    ck_assert_int_eq(chmod(folder, 0555), 0);
    if (geteuid() == 0) {
        fflush(NULL);
        ck_assert_int_eq(chmod(path_of("f"), 0), 0);
        ck_assert_int_eq(seteuid(65534), 0);
    } else {
        ck_assert_int_eq(chmod(path_of("f"), 0), 0);
    }
    fails(path_of("f"), 0, -EACCES);
    fails(path_of("f"), TOCSIN_STREAM_APPEND, -EACCES);
    fails(path_of("g"), TOCSIN_STREAM_CREATE, -EACCES);
    fails(path_of("f"), TOCSIN_STREAM_REPLACE, -EACCES);
    if (geteuid() == 65534 && getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
}
END_TEST

/* Errors of writing */

START_TEST(a_full_disk)
{
    struct tocsin_op stream, flush, from, to, pipe;

    stream = file_open("/dev/full", TOCSIN_STREAM_CREATE, TOCSIN_CALL(on_closed));
    ck_assert_int_eq(tocsin_stream_write(stream, "x", 1), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), -ENOSPC);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, -ENOSPC);
    file_make("f", block, sizeof block);
    from = file_open(path_of("f"), 0, TOCSIN_FUTURE);
    to = file_open("/dev/full", TOCSIN_STREAM_CREATE, TOCSIN_CALL(on_closed));
    ck_assert_int_eq(tocsin_stream_pipe(from, to, TOCSIN_FUTURE, &pipe), 0);
    ck_assert_int_eq(tocsin_wait(pipe, -1, NULL), -ENOSPC);
    turns_until_over(to);
    ck_assert_int_eq(closed, 2);
    tocsin_cancel(from); /* it stays when its target fails */
    ck_assert_int_eq(stream_end(from), -ECANCELED);
}
END_TEST

/* A write is short at the limit, and the next one fails: those bytes were written. */
START_TEST(a_limit_of_the_size)
{
    const unsigned flags = _i ? TOCSIN_STREAM_REPLACE : TOCSIN_STREAM_CREATE;
    const struct rlimit small = { 100000, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
    struct tocsin_op stream;
    struct stat stat;

    file_make("f", "old", 3);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    stream = file_open(path_of("f"), flags, TOCSIN_CALL(on_closed));
    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_until_over(stream);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert_int_eq(closed_status, -EFBIG);
    ck_assert_int_eq(lstat(path_of("f"), &stat), 0);
    ck_assert_int_eq(stat.st_size, _i ? 3 : 100000);
    ck_assert_int_eq(folder_count(false), 1);
}
END_TEST

/* Cut data never looks complete. */
START_TEST(a_source_that_fails)
{
    struct tocsin_op source, file, pipe;
    int peer;

    file_make("f", "old", 3);
    source = stream_of_pair(NULL, NULL, &peer);
    file = file_open(path_of("f"), TOCSIN_STREAM_REPLACE, TOCSIN_CALL(on_closed));
    ck_assert_int_eq(tocsin_stream_pipe(source, file, TOCSIN_FUTURE, &pipe), 0);
    peer_write(peer, "new, but not all");
    for (int i = 0; i < _i; i++)
        ck_assert_int_ge(tocsin_loop_turn(10), 0);
    tocsin_cancel(source);
    ck_assert_int_eq(tocsin_wait(pipe, -1, NULL), -ECANCELED);
    turns_until_over(file);
    ck_assert_int_eq(closed_status, -ECANCELED);
    close(peer);
    file_has("f", "old", 3);
}
END_TEST

/* Ends at any moment */

enum how { BY_CANCEL, BY_DEADLINE, BY_FREE, HOWS };

/* Only an end that comes while the file is renamed may find the new content. */
static void end_after(enum how how, int turns, unsigned flags)
{
    struct tocsin_op stream = file_open(path_of("f"), flags, TOCSIN_CALL(on_closed));

    tocsin_stream_write(stream, block, sizeof block);
    if (turns % 2)
        tocsin_stream_close(stream);
    for (int i = 0; i < turns / 2; i++)
        ck_assert_int_ge(tocsin_loop_turn(turns % 3), 0);
    if (how == BY_CANCEL)
        tocsin_cancel(stream);
    else if (how == BY_DEADLINE)
        tocsin_op_deadline(stream, 0);
    else
        ck_assert_int_ge(tocsin_loop_free(), 0);
    if (how != BY_FREE)
        turns_until_over(stream);
    ck_assert_int_eq(closed, 1);
    ck_assert(closed_status == 0 || closed_status == -ECANCELED || closed_status == -ETIMEDOUT);
    closed = 0;
}

/* How many descriptors are open when the loop has what it needs for streams, or is freed. */
static int descriptors_used(bool is_freed)
{
    struct tocsin_op stream;
    int peer;

    stream = stream_of_pair(NULL, NULL, &peer);
    tocsin_cancel(stream);
    turns_until_over(stream);
    close(peer);
    if (is_freed)
        ck_assert_int_eq(tocsin_loop_free(), 0);
    return test_descriptors();
}

START_TEST(ended_at_any_moment)
{
    int rounds = (int)test_scaled(60, 2, 12), before;

    before = descriptors_used(_i == BY_FREE);
    for (int i = 0; i < rounds; i++) {
        struct stat stat;

        file_make("f", "old", 3);
        end_after((enum how)_i, i % 20, TOCSIN_STREAM_REPLACE);
        descriptors_settle(before, _i == BY_FREE);
        ck_assert_int_eq(lstat(path_of("f"), &stat), 0);
        ck_assert(stat.st_size == 3 || stat.st_size == sizeof block);
        ck_assert_int_eq(folder_count(false), 1);
        end_after((enum how)_i, i % 20, TOCSIN_STREAM_APPEND);
        descriptors_settle(before, _i == BY_FREE);
    }
}
END_TEST

/* Reads that are cancelled, and streams whose reader goes away, while a thread reads. */
START_TEST(reads_ended_at_any_moment)
{
    int rounds = (int)test_scaled(60, 2, 12), before;

    file_make("f", block, sizeof block);
    before = descriptors_used(false);
    for (int i = 0; i < rounds; i++) {
        struct tocsin_op stream = file_open(path_of("f"), 0, TOCSIN_CALL(on_closed)), read;

        tocsin_stream_read(stream, &(struct tocsin_part){ .size = 100000, .flags = TOCSIN_EXACTLY },
                           TOCSIN_FUTURE, &read);
        for (int j = 0; j < i % 12; j++)
            ck_assert_int_ge(tocsin_loop_turn(j % 2), 0);
        tocsin_cancel(read);
        if (i % 2) { /* a read that is cancelled takes nothing */
            ck_assert_int_ge(tocsin_wait(read, -1, NULL), -ECANCELED);
        } else {
            tocsin_cancel(stream);
            ck_assert_int_ge(tocsin_wait(read, -1, NULL), -ECANCELED);
        }
        tocsin_cancel(stream);
        turns_until_over(stream);
        descriptors_settle(before, false);
    }
    ck_assert_int_eq(closed, rounds);
}
END_TEST

/* A fork */

/* The temporary file is the parent's, whatever the child does. */
static void child_run(int which)
{
    if (which == 1)
        require(tocsin_after_fork() == 0);
    if (which < 2)
        require(tocsin_loop_free() == 0);
    require(folder_count(false) == 2);
    _exit(0);
}

START_TEST(a_fork)
{
    struct tocsin_op stream, flush;
    int status = -1;
    pid_t pid;

    file_make("f", "old", 3);
    stream = file_open(path_of("f"), TOCSIN_STREAM_REPLACE, TOCSIN_CALL(on_closed));
    ck_assert_int_eq(tocsin_stream_write(stream, block, 1000), 0);
    ck_assert_int_eq(tocsin_stream_flush(stream, TOCSIN_FUTURE, &flush), 0);
    ck_assert_int_eq(tocsin_wait(flush, -1, NULL), 0);
    ck_assert_int_eq(folder_count(false), 2);
    tocsin_stream_write(stream, block + 1000, sizeof block - 1000); /* a job may be queued */
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        child_run(_i);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(tocsin_stream_close(stream), 0);
    turns_until_over(stream);
    ck_assert_int_eq(closed_status, 0);
    file_has("f", block, sizeof block);
    ck_assert_int_eq(folder_count(false), 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/files_bad");
    TCase *tests = test_case(suite, "files_bad");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, folder_remove);
    tcase_add_test(tests, wrong_paths);
    tcase_add_test(tests, wrong_arguments);
    tcase_add_test(tests, without_permission);
    tcase_add_test(tests, a_full_disk);
    tcase_add_loop_test(tests, a_limit_of_the_size, 0, 2);
    tcase_add_loop_test(tests, a_source_that_fails, 0, 4);
    tcase_add_loop_test(tests, ended_at_any_moment, 0, HOWS);
    tcase_add_test(tests, reads_ended_at_any_moment);
    tcase_add_loop_test(tests, a_fork, 0, 3);
    return suite;
}
