/* Usage: origin COMMAND...   Serves a page. Meanwhile the program runs the command; the variable
   URL contains the URL of the page. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
                            "6\r\nConnection: close\r\n\r\nhello\n";

static void answer(int peer)
{
    char request[4096];
    size_t size = 0;
    ssize_t got;

    do {
        got = read(peer, request + size, sizeof request - 1 - size);
        if (got <= 0)
            return;
        request[size += (size_t)got] = 0;
    } while (!strstr(request, "\r\n\r\n"));
    if (write(peer, reply, sizeof reply - 1) < 0)
        perror("origin: write");
}

static void serve(int listener)
{
    for (;;) {
        int peer = accept(listener, NULL, NULL);

        if (peer < 0)
            exit(1);
        answer(peer);
        close(peer);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char url[64];
    pid_t self = getpid(), child;

    if (argc < 2 || listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, 16) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        return perror("origin"), 2;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    setenv("URL", url, 1);
    child = fork();
    if (child < 0)
        return perror("origin"), 2;
    if (child == 0) {
        close(STDOUT_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == self)
            serve(listener);
        return 0;
    }
    execvp(argv[1], argv + 1);
    return perror(argv[1]), 2;
}
