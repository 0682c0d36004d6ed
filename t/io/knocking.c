/* More clients than descriptors: 64 descriptors are allowed, and 2,000 clients of another
   process connect. The streams that were accepted are served, the listener pauses, listener.refused
   is emitted once for each pause, and accepting is resumed without a call of the program.
   Everything runs in a child, since a limit of descriptors is never raised again. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "io/streams.h"

enum { ALLOWED = 64, KNOCKING = 2000, HELD_AT_LEAST = 20 };

static struct tocsin_op held[KNOCKING];
static int held_count, served, refused, errors, closed;

/* The process of the clients needs a descriptor for each of them. */
static void limit_raise(void)
{
    struct rlimit limit;

    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Each client sends a byte, and waits for its echo. 0: every client was served. */
static int clients_run(int port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct pollfd clients[KNOCKING];
    char byte;

    limit_raise();
    for (int i = 0; i < KNOCKING; i++) {
        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        require(connect(clients[i].fd, (const struct sockaddr *)&at, sizeof at) == 0);
        require(write(clients[i].fd, "k", 1) == 1);
    }
    for (int i = 0; i < KNOCKING; i++) {
        require(read(clients[i].fd, &byte, 1) == 1 && byte == 'k');
        close(clients[i].fd);
    }
    return 0;
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    if (came) {
        served++;
        require(tocsin_stream_write(tocsin_info_op(info), came->data.data, came->data.size) == 0);
    }
    if (tocsin_stream_closed_of(info))
        closed++;
    return TOCSIN_NEXT;
}

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_listener_accepted *accepted = tocsin_listener_accepted_of(info);

    (void)arg;
    if (accepted)
        held[held_count++] = accepted->stream;
    return TOCSIN_NEXT;
}

static int on_refused(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_listener_refused *what = tocsin_listener_refused_of(info);

    (void)arg;
    refused++;
    errors += what->error != -EMFILE || what->peer[0] != '\0';
    return TOCSIN_NEXT;
}

static void turn(void)
{
    require(tocsin_loop_turn(-1) >= 0);
}

/* The peers stay until they are served, so descriptors run out. The echo answers the first ones. */
static void serve_all(void)
{
    const struct tocsin_listen_options options = { .notify = TOCSIN_BOTH(on_stream) };
    struct rlimit limit;
    struct tocsin_op listener;
    struct tocsin_stream_facts facts;
    int status, before = test_descriptors();
    pid_t clients;

    require(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max > KNOCKING + 20);
    require(tocsin_connect("listener.refused", &(struct tocsin_action){ .fn = on_refused }, NULL) ==
            0);
    require(tocsin_listen("tcp:127.0.0.1:0", &options, TOCSIN_EACH(on_accepted), &listener) == 0);
    require(tocsin_stream_get(listener, &facts) == 0);
    clients = fork();
    if (clients == 0)
        _exit(clients_run(atoi(strrchr(facts.local, ':') + 1)));
    limit.rlim_cur = ALLOWED;
    require(clients > 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (closed < KNOCKING) /* the clients that were served leave, and descriptors are free */
        turn();
    require(waitpid(clients, &status, 0) == clients && status == 0);
    require(served == KNOCKING && held_count == KNOCKING);
    require(refused >= 1 && errors == 0);
    require(tocsin_cancel(listener) == 0);
    require(tocsin_drain(-1) == 0 && tocsin_run() == 0 && tocsin_loop_free() == 0);
    require(test_descriptors() <= before);
}

/* In another process: the clients connect, write a byte, and stay. */
static void clients_stay(int port)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    limit_raise();
    for (int i = 0; i < KNOCKING; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        require(connect(fd, (const struct sockaddr *)&at, sizeof at) == 0);
        require(write(fd, "k", 1) == 1);
    }
    for (;;)
        pause();
}

/* Nobody leaves: the listener must stay paused, refuse once, and still serve. Then one stream is
   closed by the program, and one more is accepted. */
static void pause_once(void)
{
    const struct tocsin_listen_options options = { .notify = TOCSIN_BOTH(on_stream) };
    struct rlimit limit;
    struct tocsin_op listener, tick;
    struct tocsin_stream_facts facts;
    int status, accepted;
    pid_t clients;

    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    require(tocsin_connect("listener.refused", &(struct tocsin_action){ .fn = on_refused }, NULL) ==
            0);
    require(tocsin_listen("tcp:127.0.0.1:0", &options, TOCSIN_EACH(on_accepted), &listener) == 0);
    require(tocsin_stream_get(listener, &facts) == 0);
    clients = fork();
    if (clients == 0)
        clients_stay(atoi(strrchr(facts.local, ':') + 1));
    limit.rlim_cur = ALLOWED;
    require(clients > 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (!refused || served < held_count)
        turn();
    accepted = held_count;
    require(accepted >= HELD_AT_LEAST);
    for (int i = 0; i < 10; i++) { /* longer than the longest pause */
        require(tocsin_timer(20, TOCSIN_FUTURE, &tick) == 0 && tocsin_wait(tick, -1, NULL) == 0);
    }
    require(refused == 1 && errors == 0);
    for (int i = 0; i < 4; i++)
        require(tocsin_cancel(held[i]) == 0);
    while (held_count < accepted + 3 || served < held_count)
        turn();
    require(kill(clients, SIGKILL) == 0 && waitpid(clients, &status, 0) == clients);
    require(tocsin_cancel(listener) == 0);
    require(tocsin_drain(-1) == 0 && tocsin_run() == 0 && tocsin_loop_free() == 0);
}

static void in_child(void (*job)(void))
{
    int status = -1;
    pid_t child;

    if (!test_scaled(1, 1, 2)) {
        test_skip("io/knocking", "valgrind closes an accepted descriptor that is above the limit");
        return;
    }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        job();
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

START_TEST(all_are_served_in_the_end)
{
    in_child(serve_all);
}
END_TEST

START_TEST(refused_once)
{
    in_child(pause_once);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/knocking");
    TCase *tests = test_case(suite, "knocking");

    tcase_add_test(tests, all_are_served_in_the_end);
    tcase_add_test(tests, refused_once);
    return suite;
}
