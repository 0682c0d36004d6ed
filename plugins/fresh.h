/* Replaces a file atomically. The new file first gets a random name in the same folder, and is
   renamed when it is complete. A failure before the rename leaves the old file unchanged. The name
   is random so that no other user can have put a link, a FIFO or a file there. */
#ifndef PLUGINS_FRESH_H
#define PLUGINS_FRESH_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

/* Creates the temporary file, and stores its name in the buffer `name`. Returns the descriptor of
   the file, or -errno. */
static inline int fresh_open(const char *path, mode_t mode, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path + 1) : 0, fd = -1;
    uint64_t number;

    errno = EEXIST;
    for (int tries = 0; fd < 0 && errno == EEXIST && tries < 16; tries++) {
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            return -EAGAIN;
        if ((size_t)snprintf(name, size, "%.*s.tocsin-%016llx", folder, path,
                             (unsigned long long)number) >= size)
            return -ENAMETOOLONG;
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, mode);
    }
    return fd < 0 ? -errno : fd;
}

/* Returns true if the path is unused, or if it is a regular file. For other paths the caller must
   not rename, since the rename would replace a device, a FIFO or a link. */
static inline bool fresh_fits(const char *path)
{
    struct stat it;

    return lstat(path, &it) < 0 || S_ISREG(it.st_mode);
}

#endif
