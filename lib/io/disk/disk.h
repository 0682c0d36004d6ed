/* The medium of streams that are files: "file:PATH", and descriptors that epoll cannot watch.
   System calls on a file block, so a thread of the pool for files makes them. A file has at most
   one job at a time:

       IDLE ---- disk_start ----> a job is queued, or runs ---- disk_done, on the loop ----> IDLE

   While a job is queued or runs, only the pool thread uses the members of the struct; otherwise
   only the loop's thread does. If the stream ends meanwhile, the pool thread frees the struct after
   the job. */
#ifndef TOCSIN_IO_DISK_H
#define TOCSIN_IO_DISK_H

#include <stdatomic.h>

#include "base/inbox.h"
#include "io/stream/medium.h"
#include "op/work/pool.h"

/* How a file is opened. The flags of the stream decide it. */
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

/* Whether a new file may still replace the old one. The loop and the pool thread change this
   atomically, and the first change counts. */
enum tocsin__disk_fate {
    TOCSIN__DISK_OPEN,
    TOCSIN__DISK_RENAMED,  /* the pool thread renames the new file, or has done so */
    TOCSIN__DISK_ABANDONED /* the stream has ended, so the new file is removed */
};

/* Bytes on their way between the stream and the file. */
struct tocsin__disk_side {
    unsigned char *data; /* NULL: no memory is held */
    size_t begin, end;
    ssize_t result; /* result of the last job: a number of bytes, or -errno */
    bool is_done;   /* the stream has not taken the result yet */
};

/* Called when the file is open. Returns 0 if the stream uses fd without the disk; 1 if the disk
   must serve it; or -errno. After 1 and -errno, fd still belongs to the disk. */
typedef int (*tocsin__disk_opened)(struct tocsin__stream *stream, int fd);

struct tocsin__disk {
    const struct tocsin__medium *medium; /* the first member */
    struct tocsin__job job;
    struct tocsin__node node;      /* put into the loop's inbox when the job is done */
    struct tocsin__loop *loop;     /* the loop of the stream */
    struct tocsin__stream *stream; /* NULL: the stream has ended */
    tocsin__disk_opened opened;
    struct tocsin__pool *pool;
    _Atomic int refs; /* references: one of the stream, and one of a job that is queued or runs */
    _Atomic int fate; /* enum tocsin__disk_fate */
    /* the process that made the struct: the child of a fork must not remove the temporary file */
    pid_t pid;
    bool is_working;    /* a job is queued or runs, or disk_done has not run yet */
    uint8_t mode, verb; /* values of enum tocsin__disk_mode and enum tocsin__disk_verb */
    int fd;             /* -1: not open yet */
    int error;          /* result of opening: 0 or -errno */
    int finished;       /* result of finishing: 0 or -errno; -EAGAIN: not finished yet */
    struct tocsin__disk_side in, out;
    char *target;    /* REPLACE: path of the file that is replaced, with symbolic links resolved */
    char *temporary; /* REPLACE: path of the temporary file; NULL: there is none */
    char path[];     /* "": the program has passed a descriptor */
};

enum {
    TOCSIN__DISK_READ_MOST = 64 * 1024, /* the most bytes of one read, and of one write */
    TOCSIN__DISK_WRITE_MOST = 128 * 1024
};

/* Begins to open a file, on a pool thread. Later the loop calls `opened`; if the file cannot be
   opened, the stream fails. */
int tocsin__disk_open(struct tocsin__stream *stream, const char *path, unsigned flags,
                      tocsin__disk_opened opened);
/* Makes the disk serve a descriptor that is open already. After an error the caller still owns
   it. */
int tocsin__disk_adopt(struct tocsin__stream *stream, int fd);

#endif
