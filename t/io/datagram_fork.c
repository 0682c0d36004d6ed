/* T8 for datagram sockets: a child of a fork neither changes the parent's epoll sets nor removes
   the path of a Unix socket, nor takes a datagram, whether it calls tocsin_after_fork, frees the
   loop, or does neither. The sockets of the parent work as before. A fork in the middle of
   datagrams that the kernel has joined: only the parent gets the others. */
#include <sys/wait.h>
#include <unistd.h>

#include "io/datagrams.h"

enum child { NOTHING, FREES, GOES_ON, CANCELS, CHILDREN };

static char path[64], address[80];
static struct tocsin_op server, client;
static struct heard a;

/* Runs in the child, and never returns. */
static void child_run(enum child child)
{
    struct tocsin_op own;

    if (child == GOES_ON || child == CANCELS) {
        require(tocsin_after_fork() == 0);
        require(tocsin_op_status(server) == -ENOENT && tocsin_op_status(client) == -ENOENT);
        require(tocsin_loop_turn(0) >= 0);
    } else {
        require(tocsin_loop_turn(0) == -EOWNERDEAD);
        require(tocsin_datagram_send(client, address, "x", 1) < 0);
        require(tocsin_datagram_close(client) < 0);
        require(tocsin_datagram_open("udp:*:0", NULL, NULL, &own) == -EOWNERDEAD);
    }
    if (child == CANCELS) {
        require(tocsin_cancel(client) == -ENOENT && tocsin_cancel(server) == -ENOENT);
        require(tocsin_datagram_open("udp:*:0", NULL, NULL, &own) == 0);
        require(tocsin_loop_turn(0) >= 0 && tocsin_cancel(own) == 0);
        while (tocsin_op_status(own) != -ENOENT)
            require(tocsin_loop_turn(0) >= 0);
    }
    if (child != NOTHING)
        require(tocsin_loop_free() == 0);
    require(access(path, F_OK) == 0);
    _exit(a.received != 0);
}

static void child_runs(enum child child)
{
    int status = -1;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        child_run(child);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(the_parent_goes_on)
{
    int count = 0, result;

    snprintf(path, sizeof path, "/tmp/tocsin-datagram-fork-%d", getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    server = opened(address, NULL, NULL);
    client = opened("unix:@", &(struct tocsin_datagram_options){ .high_bytes = 2000 }, NULL);
    do { /* some wait to be sent, some to be received */
        result = tocsin_datagram_send(client, address, "12345", 5);
        ck_assert_int_ge(result, 0);
        count++;
    } while (result == 0);
    ck_assert_int_eq(tocsin_loop_turn(0) >= 0, 1);
    child_runs((enum child)_i);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(tocsin_op_notify(server, HEARS(&a)), 0);
    turns_until(&a.received, count);
    end(client);
    end(server);
    ck_assert_int_eq(a.received, count);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

static pid_t forked;

static int fork_within(const struct tocsin_info *info, void *arg)
{
    hear(info, arg);
    if (a.received == 3)
        forked = fork();
    return TOCSIN_NEXT;
}

START_TEST(within_a_handler)
{
    char block[1000] = "";
    const struct tocsin_bytes part = { block, sizeof block };
    int status;

    server = opened("udp:*:0", NULL, TOCSIN_EACH(fork_within, &a));
    client = opened("udp:*:0", NULL, NULL);
    ck_assert_int_eq(tocsin_datagram_send_with(
                         client, &(struct tocsin_datagram_outgoing){ .peer = loopback_of(server),
                                                                     .parts = &part,
                                                                     .count = 1,
                                                                     .segment = 100 }),
                     0);
    forked = -1;
    fflush(NULL);
    while (a.received < 3)
        tocsin_loop_turn(-1);
    if (forked == 0) { /* the turn has ended with the handler */
        require(a.received == 3);
        require(tocsin_after_fork() == 0);
        require(tocsin_loop_turn(0) >= 0 && a.received == 3);
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    ck_assert_int_gt(forked, 0);
    turns_until(&a.received, 10);
    ck_assert_int_eq(waitpid(forked, &status, 0), forked);
    ck_assert_int_eq(status, 0);
    end(client);
    end(server);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/datagram_fork");
    TCase *tests = test_case(suite, "fork");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_parent_goes_on, 0, CHILDREN);
    tcase_add_test(tests, within_a_handler);
    return suite;
}
