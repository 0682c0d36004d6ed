#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for accept4() and IP_BIND_ADDRESS_NO_PORT */
#endif
#include "peer_stream.h"
#include "bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void stream_die(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, ": %s\n", strerror(errno));
    _exit(1);
}

long stream_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        stream_die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        stream_die("setrlimit");
    return (long)limit.rlim_max;
}

void stream_sleep_ms(long ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

/* The server */

static int listener_open(struct stream_load *load)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    struct sockaddr *address = load->is_unix ? (struct sockaddr *)&name : (struct sockaddr *)&any;
    socklen_t size = load->is_unix ? sizeof(sa_family_t) : sizeof any; /* the kernel chooses */
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

    load->size = sizeof load->address;
    if (fd < 0 || bind(fd, address, size) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&load->address, &load->size))
        stream_die("cannot listen");
    return fd;
}

static void server_run(const struct stream_setup *setup, int listener)
{
    char number[16], mode[16];

    if (setup->descriptors &&
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){ setup->descriptors, setup->descriptors }))
        stream_die("setrlimit");
    if (setup->server->serve) {
        setup->server->serve(listener, setup->mode, setup->is_unix);
        stream_die("the server of %s has ended", setup->server->who);
    }
    snprintf(number, sizeof number, "%d", listener);
    snprintf(mode, sizeof mode, "%d", (int)setup->mode);
    execl(setup->server->program, setup->server->program, number, mode, setup->is_unix ? "1" : "0",
          (char *)NULL);
    stream_die("cannot execute %s", setup->server->program);
}

void stream_begin(struct stream_load *load, const struct stream_setup *setup)
{
    int listener;

    *load = (struct stream_load){ .is_unix = setup->is_unix };
    listener = listener_open(load);
    load->pid = bench_fork();
    if (load->pid < 0)
        stream_die("fork");
    if (load->pid == 0)
        server_run(setup, listener);
    close(listener);
}

void stream_end(struct stream_load *load)
{
    int status;

    kill(load->pid, SIGKILL);
    if (waitpid(load->pid, &status, 0) != load->pid || !WIFSIGNALED(status) ||
        WTERMSIG(status) != SIGKILL)
        stream_die("the server has ended");
}

/* Connections */

int stream_connect(const struct stream_load *load, int number)
{
    struct sockaddr_in from = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)number % 64)
    };
    int fd = socket(load->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        stream_die("socket");
    if (!load->is_unix && (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) ||
                           bind(fd, (struct sockaddr *)&from, sizeof from)))
        stream_die("bind");
    while (connect(fd, (const struct sockaddr *)&load->address, load->size))
        if (errno != EAGAIN)
            stream_die("connect");
        else
            stream_sleep_ms(1); /* the backlog of a Unix socket is full */
    return fd;
}

void stream_send(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t count = send(fd, at, size, MSG_NOSIGNAL);

        if (count <= 0)
            stream_die("send");
        at += count;
        size -= (size_t)count;
    }
}

bool stream_receive(int fd, void *data, size_t size)
{
    char *at = data;

    while (size > 0) {
        ssize_t count = recv(fd, at, size, 0);

        if (count == 0 || (count < 0 && errno == ECONNRESET))
            return false;
        if (count < 0)
            stream_die("recv");
        at += count;
        size -= (size_t)count;
    }
    return true;
}

void stream_echo(int fd)
{
    char line[STREAM_LINE];

    memset(line, 'x', sizeof line);
    stream_send(fd, line, sizeof line);
    if (!stream_receive(fd, line, sizeof line))
        stream_die("the server has closed a stream");
}

void stream_reset(int fd)
{
    struct linger linger = { 1, 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

/* Figures of the server */

double stream_cpu_ns(const struct stream_load *load)
{
    struct timespec time;
    clockid_t clock;

    if (clock_getcpuclockid(load->pid, &clock) || clock_gettime(clock, &time))
        stream_die("the clock of the server");
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The number behind a name at the beginning of a line. */
static double proc_number(const struct stream_load *load, const char *file, const char *name)
{
    char path[64], line[256];
    double value = -1;
    FILE *from;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)load->pid, file);
    from = fopen(path, "r");
    if (!from)
        stream_die("%s", path);
    while (fgets(line, sizeof line, from))
        if (!strncmp(line, name, strlen(name)))
            value = strtod(line + strlen(name), NULL);
    fclose(from);
    if (value < 0)
        stream_die("%s has no %s", path, name);
    return value;
}

double stream_bytes(const struct stream_load *load)
{
    return 1024 * proc_number(load, "smaps_rollup", "Private_Dirty:");
}

double stream_wakeups(const struct stream_load *load)
{
    return proc_number(load, "status", "voluntary_ctxt_switches:");
}
