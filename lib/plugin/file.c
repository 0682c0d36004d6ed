/* Finds a plugin's file, and copies it into a sealed memfd. */
#define _GNU_SOURCE /* makes the headers declare memfd_create, F_ADD_SEALS and secure_getenv */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin/base.h>

#include "base/id.h"
#include "os/disposition.h"
#include "base/mem.h"
#include "plugin/file.h"
#include "plugin/permissions.h"
#include "plugin/note/note.h"
#include "plugin/reason.h"
#include "base/error.h"

#ifndef TOCSIN_PLUGINDIR
/* the default value; the build system defines another one */
#define TOCSIN_PLUGINDIR "/usr/local/lib/tocsin/plugins"
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* a flag of memfd_create since Linux 6.3 */
#endif

enum { SIZE_MAX_BYTES = 1 << 30, PIECE = 64 * 1024 };

static int refuse_errno(const struct tocsin__reason *reason, const char *path)
{
    int err = -errno;

    return tocsin__refuse(reason, err, "%s: %s", path, tocsin__system_text(err));
}

/* Finding the file */

static int path_make_absolute(char ret_path[PATH_MAX], const char *text, size_t size)
{
    size_t head = 0;

    if (*text != '/') {
        if (tocsin__fault() ? (errno = EMFILE, true) : !getcwd(ret_path, PATH_MAX - 1))
            return errno == ERANGE ? -ENAMETOOLONG : -errno;
        head = strlen(ret_path);
        if (ret_path[head - 1] != '/')
            ret_path[head++] = '/';
    }
    if (size >= PATH_MAX - head)
        return -ENAMETOOLONG;
    memcpy(ret_path + head, text, size);
    ret_path[head + size] = '\0';
    return 0;
}

int tocsin__file_folder(unsigned number, char ret_folder[PATH_MAX])
{
    const char *at = secure_getenv("TOCSIN_PLUGIN_PATH");
    size_t size;

    for (; at && *at; at += size + (at[size] == ':')) {
        size = strcspn(at, ":");
        if (size && number-- == 0)
            return path_make_absolute(ret_folder, at, size);
    }
    return number == 0 ? path_make_absolute(ret_folder, TOCSIN_PLUGINDIR, strlen(TOCSIN_PLUGINDIR))
                       : -ENOENT;
}

/* Opens a file. O_NONBLOCK is needed because the file may be a pipe or a terminal; its kind is
   checked after opening. */
static int open_path(const char *path)
{
    int fd = tocsin__fault() ? (errno = EMFILE, -1)
                             : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return fd < 0 ? -errno : fd;
}

static int path_opened(int fd, const char *path, const struct tocsin__reason *reason)
{
    if (fd == -ENXIO) /* ENXIO: the file is a socket, or a device without a driver */
        return tocsin__refuse(reason, -ENOEXEC, "%s is not a regular file", path);
    return fd < 0 ? tocsin__refuse(reason, fd, "%s: %s", path, tocsin__system_text(fd)) : fd;
}

static int refuse_not_found(const char *name, const struct tocsin__reason *reason)
{
    char folder[PATH_MAX];

    tocsin__refuse(reason, -ENOENT, "cannot find %s.so in ", name);
    for (unsigned i = 0; tocsin__file_folder(i, folder) == 0; i++)
        if (!tocsin__reason_add(reason, "%s%s", i ? ", " : "", folder))
            break;
    return -ENOENT;
}

/* Searches the folders for the file. If a file exists but cannot be opened, the search ends. A file
   with the same name in a later folder is not the file that the user expects. */
static int path_search(struct tocsin__file *file, const char *name,
                       const struct tocsin__reason *reason)
{
    for (unsigned i = 0;; i++) {
        int err = tocsin__file_folder(i, file->path), fd;
        size_t length;

        if (err == -ENOENT)
            return refuse_not_found(name, reason);
        if (err < 0)
            return tocsin__refuse(reason, err, "TOCSIN_PLUGIN_PATH: %s", tocsin_strerror(err));
        length = strlen(file->path);
        if ((size_t)snprintf(file->path + length, PATH_MAX - length, "/%s.so", name) >=
            PATH_MAX - length)
            return tocsin__refuse(reason, -ENAMETOOLONG, "%s: %s", name,
                                  tocsin_strerror(-ENAMETOOLONG));
        fd = open_path(file->path);
        if (fd != -ENOENT && fd != -ENOTDIR)
            return path_opened(fd, file->path, reason);
    }
}

static int file_find(struct tocsin__file *file, const char *name,
                     const struct tocsin__reason *reason)
{
    int err;

    if (!strchr(name, '/')) {
        if (!tocsin__is_plugin_name(name))
            return tocsin__refuse(reason, -EINVAL,
                                  "'%s' is not a plugin name: 1 to 63 of a-z, 0-9, _ and -, or a "
                                  "path with a slash",
                                  name);
        return path_search(file, name, reason);
    }
    err = path_make_absolute(file->path, name, strlen(name));
    if (err < 0)
        return tocsin__refuse(reason, err, "%s: %s", name, tocsin_strerror(err));
    return path_opened(open_path(file->path), file->path, reason);
}

/* Functions that check the kind and the size of the file */

static int size_check(int64_t size, const char *path, const struct tocsin__reason *reason)
{
    if (size == 0)
        return tocsin__refuse(reason, -ENOEXEC, "%s is empty", path);
    return size > SIZE_MAX_BYTES ? tocsin__refuse(reason, -ENOEXEC, "%s is larger than 1 GiB", path)
                                 : 0;
}

static int kind_check(const char *path, int fd, const struct tocsin__reason *reason)
{
    struct stat it;
    int err;

    if (tocsin__fault() ? (errno = EIO, true) : fstat(fd, &it) < 0)
        return refuse_errno(reason, path);
    if (!S_ISREG(it.st_mode))
        return tocsin__refuse(reason, -ENOEXEC, "%s is not a regular file", path);
    err = size_check(it.st_size, path, reason);
    return err == 0 && tocsin__is_privileged() ? tocsin__permissions_check(path, &it, reason) : err;
}

/* The copy */

static int copy_new(const char *path)
{
    char name[8 + NAME_MAX];
    const char *base = strrchr(path, '/') + 1;
    size_t size = strlen(base);
    int fd;

    if (size > 3 && strcmp(base + size - 3, ".so") == 0)
        size -= 3;
    snprintf(name, sizeof name, "tocsin:%.*s", size < 200 ? (int)size : 200,
             base); /* the length is limited, because the name of a memfd has at most 249 bytes */
    if (tocsin__fault())
        return errno = EMFILE, -1;
    fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    return fd < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

static ssize_t read_piece(int fd, char *piece)
{
    ssize_t got;

    do
        got = tocsin__fault() ? (errno = EIO, -1) : read(fd, piece, PIECE);
    while (got < 0 && errno == EINTR);
    return got;
}

static int write_piece(int fd, const char *piece, size_t size)
{
    while (size) {
        ssize_t wrote = tocsin__fault() ? (errno = ENOSPC, -1) : write(fd, piece, size);

        if (wrote < 0 && errno != EINTR)
            return -1;
        piece += wrote < 0 ? 0 : wrote;
        size -= wrote < 0 ? 0 : (size_t)wrote;
    }
    return 0;
}

/* Copies the bytes of the file. Another process may write to the file meanwhile, so the checks read
 * the copy and not the file. */
static int copy_bytes(struct tocsin__file *file, int from, char *piece,
                      const struct tocsin__reason *reason)
{
    ssize_t got;

    while ((got = read_piece(from, piece)) > 0) {
        file->size += (size_t)got;
        if (file->size > SIZE_MAX_BYTES)
            break;
        if (write_piece(file->fd, piece, (size_t)got) < 0)
            return refuse_errno(reason, file->path);
    }
    return got < 0 ? refuse_errno(reason, file->path)
                   : size_check((int64_t)file->size, file->path, reason);
}

static int copy_fill(struct tocsin__file *file, int from, const struct tocsin__reason *reason)
{
    char *piece = tocsin__alloc(PIECE);
    int err = piece
                  ? copy_bytes(file, from, piece, reason)
                  : tocsin__refuse(reason, -ENOMEM, "%s: %s", file->path, tocsin_strerror(-ENOMEM));

    tocsin__release(piece);
    return err;
}

static int copy_seal(struct tocsin__file *file, const struct tocsin__reason *reason)
{
    const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    void *data;

    if (tocsin__fault() ? (errno = EBUSY, true) : fcntl(file->fd, F_ADD_SEALS, seals) < 0)
        return refuse_errno(reason, file->path);
    data = tocsin__fault() ? (errno = ENOMEM, MAP_FAILED)
                           : mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (data == MAP_FAILED)
        return refuse_errno(reason, file->path);
    file->data = data;
    return 0;
}

static int file_fill(struct tocsin__file *file, int from, const struct tocsin__reason *reason)
{
    int err;

    /* RLIMIT_FSIZE also applies to the copy. If no loop has an engine yet, the disposition of
     * SIGXFSZ has not been set, so it is set here. */
    tocsin__os_quiet();
    file->fd = copy_new(file->path);
    if (file->fd < 0)
        return refuse_errno(reason, file->path);
    err = copy_fill(file, from, reason);
    if (err == 0)
        err = copy_seal(file, reason);
    if (err < 0)
        tocsin__file_close(file);
    return err;
}

int tocsin__file_open(struct tocsin__file *file, const char *name, char *reason, size_t reason_size)
{
    struct tocsin__reason why = { reason, reason_size };
    int from, err;

    *file = (struct tocsin__file){ .fd = -1 };
    from = file_find(file, name ? name : "", &why);
    if (from < 0)
        return from;
    err = kind_check(file->path, from, &why);
    if (err == 0)
        err = file_fill(file, from, &why);
    close(from);
    return err;
}

int tocsin__file_copy(struct tocsin__file *copy, const struct tocsin__file *file)
{
    const struct tocsin__reason unwanted = { NULL, 0 };
    int err = 0;

    *copy = *file;
    copy->data = NULL;
    copy->fd = copy_new(file->path);
    if (copy->fd < 0)
        return -errno;
    if (write_piece(copy->fd, (const char *)file->data, file->size) < 0)
        err = -errno;
    if (err == 0)
        err = copy_seal(copy, &unwanted);
    if (err < 0)
        tocsin__file_close(copy);
    return err;
}

void tocsin__file_close(struct tocsin__file *file)
{
    if (file->data)
        munmap((void *)file->data, file->size);
    close(file->fd);
    file->data = NULL;
    file->fd = -1;
}
