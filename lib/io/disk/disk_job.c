/* The blocking system calls on a file. Threads of the pool cannot be cancelled meanwhile. */
#define _GNU_SOURCE /* O_CLOEXEC */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/disk/disk_job.h"
#include "io/disk/replace.h"

/* O_NONBLOCK: a FIFO without a peer does not hold the thread. */
static int path_open(const struct tocsin__disk *disk)
{
    static const int flags[] = {
        [TOCSIN__DISK_READ] = O_RDONLY,
        [TOCSIN__DISK_CREATE] = O_WRONLY | O_CREAT | O_TRUNC,
        [TOCSIN__DISK_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
    };
    int fd;

    do
        fd = tocsin__fault()
                 ? (errno = EMFILE, -1)
                 : open(disk->path, flags[disk->mode] | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

static int replace_open(struct tocsin__disk *disk)
{
    int err = tocsin__replace_target(disk->path, &disk->target);

    return err < 0 ? err : tocsin__replace_begin(disk->target, &disk->temporary);
}

static int job_open(struct tocsin__disk *disk)
{
    struct stat stat;
    int fd = disk->mode == TOCSIN__DISK_REPLACE ? replace_open(disk) : path_open(disk);

    if (fd < 0)
        return fd;
    disk->fd = fd;
    if (tocsin__fault() || fstat(fd, &stat) < 0)
        return -EIO;
    return S_ISDIR(stat.st_mode) ? -EISDIR : 0;
}

static ssize_t job_read(struct tocsin__disk *disk)
{
    ssize_t count;

    do
        count = tocsin__fault() ? (errno = EIO, -1)
                                : read(disk->fd, disk->in.data, TOCSIN__DISK_READ_MOST);
    while (count < 0 && errno == EINTR);
    disk->in.begin = 0;
    disk->in.end = count > 0 ? (size_t)count : 0;
    return count < 0 ? -errno : count;
}

/* Writes all bytes. If a write fails behind a shorter one, the bytes of that one count: the next
   write reports the error. */
static ssize_t job_write(struct tocsin__disk *disk)
{
    struct tocsin__disk_side *out = &disk->out;
    size_t done = 0;
    ssize_t count;

    while (done < out->end) {
        count = tocsin__fault() ? (errno = ENOSPC, -1)
                                : write(disk->fd, out->data + done, out->end - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return done ? (ssize_t)done : count < 0 ? -errno : -EIO;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

/* The stream may end at any time. Whoever decides first wins: the content is renamed, or is not. */
static int job_finish(struct tocsin__disk *disk)
{
    int open = TOCSIN__DISK_OPEN, renamed = 0, err = tocsin__replace_sync(disk->fd);

    if (err == 0 && !atomic_compare_exchange_strong(&disk->fate, &open, TOCSIN__DISK_RENAMED))
        return -ECANCELED;
    if (err == 0)
        err = tocsin__replace_rename(disk->temporary, disk->target, &renamed);
    if (renamed) {
        tocsin__release(disk->temporary);
        disk->temporary = NULL;
    }
    return err;
}

void tocsin__disk_job(struct tocsin__disk *disk)
{
    switch ((enum tocsin__disk_verb)disk->verb) {
    case TOCSIN__DISK_DO_OPEN: disk->error = job_open(disk); break;
    case TOCSIN__DISK_DO_READ: disk->in.result = job_read(disk); break;
    case TOCSIN__DISK_DO_WRITE: disk->out.result = job_write(disk); break;
    case TOCSIN__DISK_DO_FINISH: disk->finished = job_finish(disk); break;
    }
}
