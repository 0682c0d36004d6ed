#define _GNU_SOURCE                                    /* SOCK_CLOEXEC */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

/* A path, or with an @ in front an abstract name. 0: it is neither. */
static socklen_t address_of(const char *name, struct sockaddr_un *ret_address)
{
    size_t size = strlen(name);

    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if ((*name != '/' && *name != '@') || size < 2 || size >= sizeof ret_address->sun_path)
        return 0;
    memcpy(ret_address->sun_path, name, size);
    if (*name == '@')
        ret_address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (*name == '/'));
}

/* The message is whole or not at all: a datagram. */
static int tell(const char *message)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size;
    ssize_t sent;
    int fd, err;

    if (!name || !*name)
        return 0;
    size = address_of(name, &address);
    if (!size)
        return EAFNOSUPPORT;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    do
        sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    while (sent < 0 && errno == EINTR);
    err = sent < 0 ? errno : 0;
    close(fd);
    return err;
}

static void say(const char *message)
{
    int err = tell(message);

    if (err)
        fprintf(stderr, "tocsin: NOTIFY_SOCKET: %s\n", strerror(err));
}

/* One line each: a newline in a status would begin another assignment. */
static void say_with(const char *state, const char *status)
{
    char message[512];
    size_t head = (size_t)snprintf(message, sizeof message, "%s\nSTATUS=", state);

    snprintf(message + head, sizeof message - head, "%s", status);
    for (char *at = message + head; *at; at++)
        if (*at == '\n')
            *at = ' ';
    say(message);
}

void notify_ready(const char *status)
{
    say_with("READY=1", status);
}

/* Type=notify-reload compares the time with that of its SIGHUP. */
void notify_reloading(void)
{
    char message[80];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    say(message);
}

void notify_stopping(const char *status)
{
    say_with("STOPPING=1", status);
}
