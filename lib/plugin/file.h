/* The file of a plugin: found, checked, and copied. The bytes that are checked are the bytes that
   are mapped, even if another process writes to the file. */
#ifndef TOCSIN_PLUGIN_FILE_H
#define TOCSIN_PLUGIN_FILE_H

#include <limits.h>
#include <stddef.h>

struct tocsin__file {
    char path[PATH_MAX];       /* absolute */
    int fd;                    /* descriptor of the sealed copy (memfd); -1: none */
    const unsigned char *data; /* bytes of the copy, mapped for reading */
    size_t size;
};

/* name: as in tocsin_plugin_load. 0; -ENOENT, -EINVAL, -EPERM; -ENOEXEC: not a regular file, empty,
   or larger than 1 GiB; -ENOMEM; -errno of open or read. On failure, writes the reason. */
int tocsin__file_open(struct tocsin__file *file, const char *name, char *reason,
                      size_t reason_size);
/* Another copy of the same bytes. 0; -ENOMEM, -errno. */
int tocsin__file_copy(struct tocsin__file *copy, const struct tocsin__file *file);
/* Closes an open file, once. A call that failed needs no close. */
void tocsin__file_close(struct tocsin__file *file);

/* The folders that are searched, in their order: the absolute path of the one with this number,
   from 0 on. 0; -ENOENT: there are no more; -ENAMETOOLONG; -errno of getcwd. */
int tocsin__file_folder(unsigned number, char ret_folder[PATH_MAX]);

#endif
