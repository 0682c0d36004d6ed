/* T8 for streams and listeners: a child of a fork neither changes the parent's epoll sets nor
   removes the path of a Unix listener, whether it calls tocsin_after_fork, frees the loop, or does
   neither. Streams and listeners of the parent work as before. */
#include <sys/wait.h>
#include <unistd.h>

#include "io/streams.h"

enum child { NOTHING, FREES, GOES_ON, CANCELS, CHILDREN };

static char path[64], address[80];
static struct tocsin_op listener;
static int accepted, echoed;

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    accepted += tocsin_listener_accepted_of(info) != NULL;
    (void)arg;
    return TOCSIN_NEXT;
}

static int on_echo(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    echoed++;
    return tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size);
}

static void echo_once(struct tocsin_op client)
{
    struct tocsin_op read;
    char into[4];

    ck_assert_int_eq(
        tocsin_stream_read(
            client,
            &(struct tocsin_part){ .into = into, .size = sizeof into, .flags = TOCSIN_EXACTLY },
            TOCSIN_FUTURE, &read),
        0);
    ck_assert_int_eq(tocsin_stream_write(client, "ping", 4), 0);
    ck_assert_int_eq(tocsin_wait(read, -1, NULL), 4);
    ck_assert_mem_eq(into, "ping", 4);
}

/* Runs the child's part of the test, and exits. */
static void child_run(enum child child, struct tocsin_op client)
{
    struct tocsin_op own;

    if (child == GOES_ON || child == CANCELS) {
        require(tocsin_after_fork() == 0);
        require(tocsin_op_status(client) == -ENOENT && tocsin_op_status(listener) == -ENOENT);
        require(tocsin_loop_turn(0) >= 0);
    } else {
        require(tocsin_loop_turn(0) == -EOWNERDEAD);
        require(tocsin_stream_write(client, "x", 1) < 0);
        require(tocsin_stream_open(address, NULL, NULL, &own) == -EOWNERDEAD);
        require(tocsin_listen("tcp:127.0.0.1:0", NULL, NULL, &own) == -EOWNERDEAD);
    }
    if (child == CANCELS) {
        require(tocsin_cancel(client) == -ENOENT && tocsin_cancel(listener) == -ENOENT);
        require(tocsin_listen("tcp:127.0.0.1:0", NULL, NULL, &own) == 0);
        require(tocsin_loop_turn(0) >= 0 && tocsin_cancel(own) == 0);
        while (tocsin_op_status(own) != -ENOENT)
            require(tocsin_loop_turn(0) >= 0);
    }
    if (child != NOTHING)
        require(tocsin_loop_free() == 0);
    require(access(path, F_OK) == 0);
    _exit(0);
}

static void child_runs(enum child child, struct tocsin_op client)
{
    int status = -1;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        child_run(child, client);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(the_parent_goes_on)
{
    struct tocsin_op client, later;

    snprintf(path, sizeof path, "/tmp/tocsin-fork-%d", getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    connect_to("stream.received", on_echo, NULL);
    ck_assert_int_eq(tocsin_listen(address, NULL, TOCSIN_EACH(on_accepted), &listener), 0);
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &client), 0);
    echo_once(client);
    child_runs((enum child)_i, client);
    ck_assert_int_eq(access(path, F_OK), 0);
    echo_once(client); /* the child has not changed the parent's epoll sets */
    ck_assert_int_eq(tocsin_stream_open(address, NULL, NULL, &later), 0);
    echo_once(later); /* the listener still accepts */
    ck_assert_int_eq(accepted, 2);
    tocsin_cancel(client);
    tocsin_cancel(later);
    tocsin_cancel(listener);
    drain_all();
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/fork");
    TCase *tests = test_case(suite, "fork");

    test_needs_processes();
    tcase_add_loop_test(tests, the_parent_goes_on, 0, CHILDREN);
    return suite;
}
