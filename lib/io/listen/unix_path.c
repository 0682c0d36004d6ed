/* The path of a Unix socket. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/listen/unix_path.h"

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
