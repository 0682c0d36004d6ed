/* Usage: run_blocked pipe|socket|terminal 1|2|12 COMMAND [ARGUMENT...]   Runs a command whose
   standard output (1), standard error (2) or both are blocked. A blocked output is a full pipe, a
   full socket or a stopped terminal, and nothing reads its other end. The command keeps the process
   id. */
#define _GNU_SOURCE /* for posix_openpt() and ptsname() */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static int terminal(int ends[2])
{
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
    if (ends[0] < 0 || grantpt(ends[0]) < 0 || unlockpt(ends[0]) < 0)
        return -1;
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
    return ends[1] < 0 ? -1 : tcflow(ends[1], TCOOFF);
}

static int made(const char *kind, int ends[2])
{
    if (strcmp(kind, "pipe") == 0)
        return pipe(ends);
    if (strcmp(kind, "socket") == 0)
        return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    return terminal(ends);
}

static void fill(int fd)
{
    static const char much[4096];

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (write(fd, much, sizeof much) > 0 || write(fd, much, 1) > 0)
        ;
    fcntl(fd, F_SETFL, 0);
}

/* A child keeps the other end open until the command has ended. When the command ends, the child
   reads an end of file from a second pipe. */
static void hold(int end)
{
    int gone[2];
    char unused;

    if (pipe(gone) < 0 || fork() != 0) {
        close(gone[0]);
        close(end);
        return;
    }
    close(gone[1]);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        close(fd);
    while (read(gone[0], &unused, 1) > 0)
        ;
    _exit(0);
}

int main(int argc, char **argv)
{
    int ends[2];

    if (argc < 4 || made(argv[1], ends) < 0) {
        perror("run_blocked");
        return 2;
    }
    hold(ends[0]);
    if (strcmp(argv[1], "terminal") != 0)
        fill(ends[1]);
    for (const char *fd = argv[2]; *fd; fd++)
        dup2(ends[1], *fd - '0');
    close(ends[1]);
    execvp(argv[3], argv + 3);
    perror(argv[3]);
    return 2;
}
