/* The medium of a stream that is a file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "io/disk/disk.h"
#include "io/disk/disk_job.h"
#include "io/stream/reason.h"
#include "op/work/worker.h"

static struct tocsin__disk *disk_of(const struct tocsin__stream *stream)
{
    return (struct tocsin__disk *)stream->busy->medium;
}

static void disk_close(struct tocsin__stream *stream);

/* Jobs */

/* Runs on the loop's thread and on pool threads. */
static void disk_unref(struct tocsin__disk *disk)
{
    if (atomic_fetch_sub(&disk->refs, 1) > 1)
        return;
    if (disk->temporary && disk->pid == getpid())
        unlink(disk->temporary);
    if (disk->fd >= 0)
        tocsin__fd_close(disk->fd);
    tocsin__pool_release(disk->pool);
    tocsin__release(disk->temporary);
    tocsin__release(disk->target);
    tocsin__release(disk->in.data);
    tocsin__release(disk->out.data);
    tocsin__release(disk);
}

/* Runs on a pool thread: reports to the loop that the job is done. If the loop has ended, its inbox
   does not accept the node. */
static void disk_tell(struct tocsin__disk *disk)
{
    if (atomic_load(&disk->fate) == TOCSIN__DISK_ABANDONED ||
        !tocsin__inbox_push(&disk->loop->inbox, &disk->node))
        disk_unref(disk);
}

static void disk_run(struct tocsin__job *job)
{
    struct tocsin__disk *disk = tocsin__container(job, struct tocsin__disk, job);

    if (atomic_load(&disk->fate) != TOCSIN__DISK_ABANDONED)
        tocsin__disk_job(disk);
    disk_tell(disk);
}

/* Called if the pool has no thread left to run the job. */
static void disk_died(struct tocsin__job *job, int status)
{
    struct tocsin__disk *disk = tocsin__container(job, struct tocsin__disk, job);

    disk->error = disk->finished = status;
    disk->in.result = disk->out.result = status;
    disk_tell(disk);
}

static void disk_opened(struct tocsin__disk *disk)
{
    struct tocsin__stream *stream = disk->stream;

    if (disk->error == -EINVAL && disk->mode == TOCSIN__DISK_REPLACE)
        tocsin__reason_set(stream, "only a regular file is replaced");
    if (disk->error < 0)
        tocsin__stream_fail(stream, disk->error);
    else if (disk->opened(stream, disk->fd) == 0) {
        disk->fd = -1;
        disk_close(stream);
    }
}

/* Runs on the loop's thread when a job is done. */
static void disk_done(struct tocsin__node *node)
{
    struct tocsin__disk *disk = tocsin__container(node, struct tocsin__disk, node);
    struct tocsin__stream *stream = disk->stream;

    disk->is_working = false;
    disk->in.is_done |= disk->verb == TOCSIN__DISK_DO_READ;
    disk->out.is_done |= disk->verb == TOCSIN__DISK_DO_WRITE;
    if (stream && disk->verb == TOCSIN__DISK_DO_OPEN) {
        disk_opened(disk);
    } else if (stream) {
        tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE | TOCSIN__STREAM_WRITABLE);
        tocsin__stream_wake(stream);
    }
    disk_unref(disk);
}

static void disk_forgotten(struct tocsin__node *node)
{
    disk_unref(tocsin__container(node, struct tocsin__disk, node));
}

/* Starts a job. -EAGAIN: the job has started; -ENOMEM: no thread could be created. */
static int disk_start(struct tocsin__disk *disk, enum tocsin__disk_verb verb)
{
    disk->verb = (uint8_t)verb;
    disk->is_working = true;
    atomic_fetch_add(&disk->refs, 1);
    if (tocsin__worker_run(disk->pool, &disk->job) == 0)
        return -EAGAIN;
    atomic_fetch_sub(&disk->refs, 1);
    disk->is_working = false;
    return -ENOMEM;
}

/* The medium */

static ssize_t disk_take(struct tocsin__disk_side *in, void *buffer, size_t size)
{
    size_t left = in->end - in->begin, count = size < left ? size : left;

    memcpy(buffer, in->data + in->begin, count);
    in->begin += count;
    in->is_done = in->begin < in->end;
    return (ssize_t)count;
}

static ssize_t disk_receive(struct tocsin__stream *stream, void *buffer, size_t size)
{
    struct tocsin__disk *disk = disk_of(stream);
    struct tocsin__disk_side *in = &disk->in;

    if (disk->is_working)
        return -EAGAIN;
    if (in->is_done && in->result > 0)
        return disk_take(in, buffer, size);
    if (in->is_done) {
        in->is_done = false;
        return in->result;
    }
    if (!in->data)
        in->data = tocsin__alloc(TOCSIN__DISK_READ_MOST);
    return in->data ? disk_start(disk, TOCSIN__DISK_DO_READ) : -ENOMEM;
}

/* Copies the bytes that the job will write. The job cannot use the bytes in place: they may be
   memory that the program has lent, and that it gets back when the stream ends. */
static size_t disk_gather(struct tocsin__disk_side *out, const struct iovec *pieces, int count)
{
    out->begin = out->end = 0;
    for (int i = 0; i < count && out->end < TOCSIN__DISK_WRITE_MOST; i++) {
        size_t room = TOCSIN__DISK_WRITE_MOST - out->end,
               size = pieces[i].iov_len < room ? pieces[i].iov_len : room;

        memcpy(out->data + out->end, pieces[i].iov_base, size);
        out->end += size;
    }
    return out->end;
}

static ssize_t disk_send(struct tocsin__stream *stream, const struct iovec *pieces, int count)
{
    struct tocsin__disk *disk = disk_of(stream);
    struct tocsin__disk_side *out = &disk->out;

    if (disk->is_working)
        return -EAGAIN;
    if (out->is_done) {
        out->is_done = false;
        return out->result;
    }
    if (!out->data)
        out->data = tocsin__alloc(TOCSIN__DISK_WRITE_MOST);
    if (!out->data)
        return -ENOMEM;
    disk_gather(out, pieces, count);
    return disk_start(disk, TOCSIN__DISK_DO_WRITE);
}

static int disk_finish(struct tocsin__stream *stream)
{
    struct tocsin__disk *disk = disk_of(stream);

    if (disk->mode != TOCSIN__DISK_REPLACE)
        return 0;
    if (disk->is_working || disk->finished != -EAGAIN)
        return disk->is_working ? -EAGAIN : disk->finished;
    return disk_start(disk, TOCSIN__DISK_DO_FINISH);
}

/* Frees the buffers that the stream does not need now. */
static unsigned disk_want(struct tocsin__stream *stream, unsigned wanted)
{
    struct tocsin__disk *disk = disk_of(stream);

    if (disk->is_working) {
        tocsin__stream_unmark(stream, TOCSIN__STREAM_READABLE | TOCSIN__STREAM_WRITABLE);
        return wanted;
    }
    tocsin__stream_mark(stream, TOCSIN__STREAM_READABLE | TOCSIN__STREAM_WRITABLE);
    if (!(wanted & TOCSIN__READY_IN) && !disk->in.is_done) {
        tocsin__release(disk->in.data);
        disk->in.data = NULL;
    }
    if (!(wanted & TOCSIN__READY_OUT) && !disk->out.is_done) {
        tocsin__release(disk->out.data);
        disk->out.data = NULL;
    }
    return wanted;
}

static void disk_describe(const struct tocsin__stream *stream, struct tocsin_stream_facts *facts)
{
    const struct tocsin__disk *disk = disk_of(stream);

    if (disk->path[0])
        snprintf(facts->local, sizeof facts->local, "file:%s", disk->path);
}

/* Also runs in the child of a fork, where a job of the parent's threads never completes (T8). */
static void disk_close(struct tocsin__stream *stream)
{
    struct tocsin__disk *disk = disk_of(stream);
    int open = TOCSIN__DISK_OPEN;

    stream->busy->medium = NULL;
    disk->stream = NULL;
    atomic_compare_exchange_strong(&disk->fate, &open, TOCSIN__DISK_ABANDONED);
    if (disk->pid != getpid() && disk->fd >= 0) {
        tocsin__fd_close(disk->fd);
        disk->fd = -1;
    }
    if (disk->is_working && (disk->job.forgotten || tocsin__job_remove(&disk->job)))
        disk_unref(disk);
    disk_unref(disk);
}

static const struct tocsin__medium disk_medium = {
    .receive = disk_receive,
    .send = disk_send,
    .finish = disk_finish,
    .want = disk_want,
    .describe = disk_describe,
    .close = disk_close,
    .is_queued = true,
};

/* Making */

static int disk_make(struct tocsin__stream *stream, const char *path, struct tocsin__disk **ret)
{
    struct tocsin__disk *disk = tocsin__stream_occupy(stream) == 0
                                    ? tocsin__alloc(sizeof *disk + strlen(path) + 1)
                                    : NULL;

    if (!disk)
        return -ENOMEM;
    if (tocsin__pool_of_files(&disk->pool) < 0) {
        tocsin__release(disk);
        return -ENOMEM;
    }
    disk->medium = &disk_medium;
    disk->job.run = disk_run;
    disk->job.died = disk_died;
    disk->node.run = disk_done;
    disk->node.drop = disk_forgotten;
    disk->loop = tocsin__stream_engine(stream)->loop;
    disk->stream = stream;
    atomic_init(&disk->refs, 1);
    disk->pid = getpid();
    disk->fd = -1;
    disk->finished = -EAGAIN;
    strcpy(disk->path, path);
    stream->busy->medium = &disk->medium;
    *ret = disk;
    return 0;
}

int tocsin__disk_open(struct tocsin__stream *stream, const char *path, unsigned flags,
                      tocsin__disk_opened opened)
{
    struct tocsin__disk *disk;
    int err = disk_make(stream, path, &disk);

    if (err < 0)
        return err;
    disk->mode = flags & TOCSIN_STREAM_CREATE    ? TOCSIN__DISK_CREATE
                 : flags & TOCSIN_STREAM_APPEND  ? TOCSIN__DISK_APPEND
                 : flags & TOCSIN_STREAM_REPLACE ? TOCSIN__DISK_REPLACE
                                                 : TOCSIN__DISK_READ;
    if (disk->mode == TOCSIN__DISK_READ)
        stream->out = TOCSIN__SIDE_NONE;
    else
        stream->in = TOCSIN__SIDE_NONE;
    disk->opened = opened;
    err = disk_start(disk, TOCSIN__DISK_DO_OPEN);
    return err == -EAGAIN ? 0 : err;
}

int tocsin__disk_adopt(struct tocsin__stream *stream, int fd)
{
    struct tocsin__disk *disk;
    int err = disk_make(stream, "", &disk);

    if (err == 0)
        disk->fd = fd;
    return err;
}
