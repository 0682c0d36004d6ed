/* Replaces a file as a whole. */
#define _GNU_SOURCE /* O_CLOEXEC, O_DIRECTORY */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/disk/replace.h"

enum {
    LINKS_MOST = 40, /* symbolic links behind each other, as in path_resolution(7) */
    NAMES_MOST = 100 /* names of temporary files that are tried */
};

/* How many bytes of a path are its folder, with the slash. */
static size_t folder_size(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Puts a name into the folder of a path. */
static char *beside(const char *path, const char *name)
{
    size_t folder = *name == '/' ? 0 : folder_size(path), size = strlen(name) + 1;
    char *all = tocsin__alloc(folder + size);

    if (all) {
        memcpy(all, path, folder);
        memcpy(all + folder, name, size);
    }
    return all;
}

/* Follows one link. 1: *path is what the link says; 0: it is no link. */
static int link_follow(char **path)
{
    char link[PATH_MAX], *next;
    ssize_t size = tocsin__fault() ? (errno = EIO, -1) : readlink(*path, link, sizeof link - 1);

    if (size < 0)
        return errno == EINVAL || errno == ENOENT ? 0 : -errno;
    link[size] = 0;
    next = beside(*path, link);
    if (!next)
        return -ENOMEM;
    tocsin__release(*path);
    *path = next;
    return 1;
}

int tocsin__replace_target(const char *path, char **ret_target)
{
    char *target = tocsin__copy_text(path);
    int err = target ? 1 : -ENOMEM;

    for (int i = 0; err == 1; i++)
        err = i < LINKS_MOST ? link_follow(&target) : -ELOOP;
    if (err < 0) {
        tocsin__release(target);
        return err;
    }
    *ret_target = target;
    return 0;
}

/* A name that no other process and no other thread takes. */
static void name_make(char *name, size_t size)
{
    static _Atomic unsigned count;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, size, ".tocsin-%d-%u-%08lx", (int)getpid(), atomic_fetch_add(&count, 1),
             (unsigned long)now.tv_nsec);
}

static int temporary_open(const char *target, unsigned mode, char **ret_temporary)
{
    char name[64], *path;
    int fd = -1, err = EEXIST;

    for (int i = 0; fd < 0 && err == EEXIST && i < NAMES_MOST; i++) {
        name_make(name, sizeof name);
        path = beside(target, name);
        if (!path)
            return -ENOMEM;
        fd = tocsin__fault() ? (errno = ENOSPC, -1)
                             : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        err = errno;
        if (fd >= 0)
            *ret_temporary = path;
        else
            tocsin__release(path);
        if (fd < 0 && err == EINTR)
            err = EEXIST;
    }
    return fd < 0 ? -err : fd;
}

/* If the owner cannot be kept, neither can the bits that give the owner's rights to others. */
static int permissions_keep(int fd, const struct stat *before)
{
    mode_t mode = before->st_mode & 07777;

    if (fchown(fd, before->st_uid, before->st_gid) < 0)
        mode &= (mode_t) ~(S_ISUID | S_ISGID);
    return tocsin__fault() ? -EIO : fchmod(fd, mode) < 0 ? -errno : 0;
}

int tocsin__replace_begin(const char *target, char **ret_temporary)
{
    struct stat before;
    int is_there = stat(target, &before) == 0, fd, err = 0;

    if (!is_there && errno != ENOENT)
        return -errno;
    if (is_there && S_ISDIR(before.st_mode))
        return -EISDIR;
    if (is_there && !S_ISREG(before.st_mode))
        return -EINVAL;
    fd = temporary_open(target, is_there ? 0600 : 0644, ret_temporary);
    if (fd >= 0 && is_there)
        err = permissions_keep(fd, &before);
    if (err == 0)
        return fd;
    unlink(*ret_temporary);
    tocsin__release(*ret_temporary);
    *ret_temporary = NULL;
    close(fd);
    return err;
}

int tocsin__replace_sync(int fd)
{
    int err;

    do
        err = tocsin__fault() ? (errno = EIO, -1) : fsync(fd);
    while (err < 0 && errno == EINTR);
    return err < 0 ? -errno : 0;
}

/* Some file systems cannot write a folder to the disk: EINVAL. */
static int folder_sync(const char *target)
{
    char *folder = beside(target, ".");
    int fd, err;

    if (!folder)
        return -ENOMEM;
    fd = tocsin__fault() ? (errno = EMFILE, -1) : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    err = fd < 0 ? -errno : tocsin__replace_sync(fd);
    if (fd >= 0)
        close(fd);
    tocsin__release(folder);
    return err == -EINVAL || err == -EACCES ? 0 : err;
}

int tocsin__replace_rename(const char *temporary, const char *target, int *ret_renamed)
{
    int err = tocsin__fault() ? (errno = EIO, -1) : rename(temporary, target);

    *ret_renamed = err == 0;
    return err < 0 ? -errno : folder_sync(target);
}
