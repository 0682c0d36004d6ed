/* The medium of a stream that is a file: "file:PATH", and descriptors that epoll refuses. System
   calls on a file block, so a thread of the pool for files makes them. A file has at most one job
   at a time:

       IDLE ---- disk_start ----> a job is queued, or runs ---- disk_done, on the loop ----> IDLE

   The loop alone uses the members while no job works, the thread alone while one does. If the
   stream ends while a job works, the thread frees the file when the job is done. */
#ifndef TOCSIN_IO_DISK_H
#define TOCSIN_IO_DISK_H

#include <stdatomic.h>

#include "base/inbox.h"
#include "io/stream/medium.h"
#include "op/work/pool.h"

/* How a file is opened: what the flags of the stream say. */
enum tocsin__disk_mode {
    TOCSIN__DISK_READ,
    TOCSIN__DISK_CREATE,
    TOCSIN__DISK_APPEND,
    TOCSIN__DISK_REPLACE
};

enum tocsin__disk_verb {
    TOCSIN__DISK_DO_OPEN,
    TOCSIN__DISK_DO_READ,
    TOCSIN__DISK_DO_WRITE,
    TOCSIN__DISK_DO_FINISH
};

/* Whether the new content may still be renamed into place. */
enum tocsin__disk_fate {
    TOCSIN__DISK_OPEN,
    TOCSIN__DISK_RENAMED,  /* the thread renames it, or has done so */
    TOCSIN__DISK_ABANDONED /* the stream has ended before */
};

/* Bytes on their way between the stream and the file. */
struct tocsin__disk_side {
    unsigned char *data; /* NULL: no memory is held */
    size_t begin, end;
    ssize_t result; /* of the job that is done: bytes, or -errno */
    bool is_done;   /* the result was not taken yet */
};

/* Takes the descriptor, and returns 0; or leaves it to the disk: 1, or -errno. */
typedef int (*tocsin__disk_opened)(struct tocsin__stream *stream, int fd);

struct tocsin__disk {
    const struct tocsin__medium *medium; /* the first member */
    struct tocsin__job job;
    struct tocsin__node node;      /* tells the loop that the job is done */
    struct tocsin__loop *loop;     /* of the stream */
    struct tocsin__stream *stream; /* NULL: it has ended */
    tocsin__disk_opened opened;
    struct tocsin__pool *pool;
    _Atomic int refs;   /* references: one of the stream, one of the job */
    _Atomic int fate;   /* enum tocsin__disk_fate */
    pid_t pid;          /* of the process that made it: a child removes no file */
    bool is_working;    /* a job is queued or runs, or disk_done is to come */
    uint8_t mode, verb; /* enum tocsin__disk_mode, enum tocsin__disk_verb */
    int fd;             /* -1: not open yet */
    int error;          /* of opening */
    int finished;       /* of finishing: 0 or -errno; -EAGAIN: not done yet */
    struct tocsin__disk_side in, out;
    char *target;    /* REPLACE: the file that is replaced, behind all symbolic links */
    char *temporary; /* REPLACE: the path of the new content; NULL: there is none */
    char path[];     /* "": an adopted descriptor */
};

enum {
    TOCSIN__DISK_READ_MOST = 64 * 1024, /* bytes of one read, or of one write */
    TOCSIN__DISK_WRITE_MOST = 128 * 1024
};

/* Begins to open a file. If that fails, so does the stream; otherwise opened is called. */
int tocsin__disk_open(struct tocsin__stream *stream, const char *path, unsigned flags,
                      tocsin__disk_opened opened);
/* Gives a descriptor to the pool. After an error it is the caller's. */
int tocsin__disk_adopt(struct tocsin__stream *stream, int fd);

#endif
