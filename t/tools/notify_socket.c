/* Usage: notify_socket PATH, or notify_socket @NAME for an abstract socket. The program acts as
   systemd does for sd_notify(3). It prints each message as a line, with | for each newline. The
   program ends after the message STOPPING=1, or after a minute. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t size = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (fd < 0 || size >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, name, size);
    if (*name == '@')
        address.sun_path[0] = '\0';
    return bind(fd, (struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (*name == '/'))) < 0
               ? -1
               : fd;
}

int main(int argc, char **argv)
{
    char message[4096];
    int fd = argc == 2 ? listen_at(argv[1]) : -1;

    if (fd < 0) {
        perror("notify_socket");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("listening");
    alarm(300);
    do {
        ssize_t size = recv(fd, message, sizeof message - 1, 0);

        message[size > 0 ? size : 0] = '\0';
        for (char *at = message; *at; at++)
            if (*at == '\n')
                *at = '|';
        puts(message);
    } while (strncmp(message, "STOPPING=1", 10) != 0);
    return 0;
}
