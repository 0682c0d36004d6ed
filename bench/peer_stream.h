/* The load of bench/stream and bench/idle. A server is a process of its own, and so its time,
   memory and wake-ups are read from outside. The client is this process, and the same for each
   server: plain sockets. */
#ifndef PEER_STREAM_H
#define PEER_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
    STREAM_LINE = 64,        /* bytes of a message */
    STREAM_BLOCK = 1 << 16,  /* bytes of a write in bulk */
    STREAM_QUEUED = 1 << 18, /* bytes that a source keeps waiting, in user space */
    STREAM_SERVERS = 4
};

/* The task of a server for each stream that it has accepted. The server closes a stream when the
   peer has ended it. All servers set TCP_NODELAY. */
enum stream_mode {
    STREAM_ECHO,  /* sends back what it receives */
    STREAM_SINK,  /* drops what it receives */
    STREAM_SOURCE /* sends blocks, as fast as the peer reads */
};

/* Serves the listening socket until the process is killed. */
typedef void (*stream_serve)(int listener, enum stream_mode mode, bool is_unix);

struct stream_server {
    const char *who;
    stream_serve serve;  /* called in a forked child; NULL: a program is executed */
    const char *program; /* called with the listener, the mode and is_unix, as numbers */
};

/* The servers that are available, tocsin first. */
extern const char *const stream_names[STREAM_SERVERS];
void stream_servers_find(struct stream_server servers[STREAM_SERVERS]);

/* How a server is started. */
struct stream_setup {
    const struct stream_server *server;
    enum stream_mode mode;
    bool is_unix;
    rlim_t descriptors; /* that the server may have; 0: as many as this process */
};

/* A running server. */
struct stream_load {
    pid_t pid;
    bool is_unix;
    struct sockaddr_storage address;
    socklen_t size;
};

/* These end the program if they fail. */
void stream_begin(struct stream_load *load, const struct stream_setup *setup);
void stream_end(struct stream_load *load);
/* Connects. TCP: from an address that depends on the number, so that ports do not run out. */
int stream_connect(const struct stream_load *load, int number);
void stream_send(int fd, const void *data, size_t size);
/* Waits for exactly so many bytes. false: the peer has closed */
bool stream_receive(int fd, void *data, size_t size);
/* Sends a line and waits for its echo. Whatever was connected before has been accepted then. */
void stream_echo(int fd);
/* Closes with a reset, so that no port is kept. */
void stream_reset(int fd);

double stream_cpu_ns(const struct stream_load *load); /* of the server */
double stream_bytes(const struct stream_load *load);  /* memory that the server has written to */
double stream_wakeups(const struct stream_load *load);
void stream_sleep_ms(long ms);
/* Raises the soft limit of descriptors to the hard one, and returns it. */
long stream_descriptors(void);

__attribute__((noreturn, format(printf, 1, 2))) void stream_die(const char *format, ...);

#endif
