/* Finds, checks and copies the file of a plugin. The checked bytes are the bytes that are mapped,
   even if another process writes to the file. */
#ifndef TOCSIN_PLUGIN_FILE_H
#define TOCSIN_PLUGIN_FILE_H

#include <limits.h>
#include <stddef.h>

struct tocsin__file {
    char path[PATH_MAX];       /* the absolute path of the file */
    int fd;                    /* descriptor of the sealed copy (memfd); -1: none */
    const unsigned char *data; /* bytes of the copy, mapped for reading */
    size_t size;
};

/* Finds and copies a file. `name` is the name as in tocsin_plugin_load. Returns 0; -ENOENT, -EINVAL
   or -EPERM; -ENOEXEC if the file is not a regular file, is empty, or is larger than 1 GiB;
   -ENOMEM; or -errno of open or read. On failure, writes the reason. */
int tocsin__file_open(struct tocsin__file *file, const char *name, char *reason,
                      size_t reason_size);
/* Makes another copy of the same bytes. Returns 0, -ENOMEM or another -errno. */
int tocsin__file_copy(struct tocsin__file *copy, const struct tocsin__file *file);
/* Closes an open file. This may be called only once, and not after tocsin__file_open has failed. */
void tocsin__file_close(struct tocsin__file *file);

/* Returns the absolute path of a folder that is searched for plugins. `number` counts the folders
   in their order, from 0 on. Returns 0; -ENOENT if there are no more folders; -ENAMETOOLONG; or
   -errno of getcwd. */
int tocsin__file_folder(unsigned number, char ret_folder[PATH_MAX]);

#endif
