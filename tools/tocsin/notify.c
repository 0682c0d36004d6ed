#define _GNU_SOURCE /* makes the headers declare SOCK_CLOEXEC */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/text.h>

#include "notify.h"
#include "print/say.h"

/* Makes a socket address. The parameter `name` is a path, or an abstract name after an @. Returns
   the size of the address, or 0 for any other name. */
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

/* Sends one datagram. Returns 0, or a positive errno. */
static int send_message(const char *message)
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
    /* a time limit, since the receiver may have stopped reading */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ .tv_sec = 1 },
               sizeof(struct timeval));
    do
        sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                      size);
    while (sent < 0 && errno == EINTR);
    err = sent < 0 ? errno : 0;
    close(fd);
    return err;
}

static void send_or_report(const char *message)
{
    int err = send_message(message);

    if (err)
        say("cannot send to NOTIFY_SOCKET: %s", strerror(err));
}

/* Sends a state and a status. The status is escaped, since a newline in the status would begin
   another assignment. */
static void send_state(const char *state, const char *status)
{
    char message[512];
    size_t head = (size_t)snprintf(message, sizeof message, "%s\nSTATUS=", state);

    tocsin_text_plain(status, strlen(status), message + head, sizeof message - head);
    send_or_report(message);
}

void notify_ready(const char *status)
{
    send_state("READY=1", status);
}

/* Sends the present time, too: for Type=notify-reload, systemd compares it with the time of its own
   SIGHUP. */
void notify_reloading(void)
{
    char message[80];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    send_or_report(message);
}

void notify_stopping(const char *status)
{
    send_state("STOPPING=1", status);
}
