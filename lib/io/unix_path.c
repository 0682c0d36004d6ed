/* The path of a Unix socket. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "io/address.h"
#include "io/unix_path.h"

bool tocsin__unix_path_is_stale(const struct tocsin__endpoint *endpoint, int type)
{
    struct stat stat;
    int fd, refused;

    if (lstat(endpoint->un.sun_path, &stat) < 0 || !S_ISSOCK(stat.st_mode))
        return false;
    fd = tocsin__fault() ? -1 : socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    refused = connect(fd, &endpoint->any, endpoint->size) < 0 && errno == ECONNREFUSED;
    tocsin__fd_close(fd);
    return refused;
}

int tocsin__unix_path_note(struct tocsin__unix_path *path, const char *text, unsigned mode)
{
    struct stat stat;

    path->text = tocsin__copy_text(text);
    if (!path->text)
        return -ENOMEM;
    if (chmod(text, mode) < 0 || lstat(text, &stat) < 0)
        return -errno;
    path->device = stat.st_dev;
    path->inode = stat.st_ino;
    return 0;
}

void tocsin__unix_path_remove(struct tocsin__unix_path *path)
{
    struct stat stat;

    if (path->text && lstat(path->text, &stat) == 0 && stat.st_dev == path->device &&
        stat.st_ino == path->inode)
        unlink(path->text);
    tocsin__unix_path_forget(path);
}

void tocsin__unix_path_forget(struct tocsin__unix_path *path)
{
    tocsin__release(path->text);
    path->text = NULL;
}
