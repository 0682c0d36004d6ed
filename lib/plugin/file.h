/* The file of a plugin: found, judged by who may write to it, and copied, so that what is read, judged and mapped are the same bytes, whatever becomes of the file. */
#ifndef TOCSIN_PLUGIN_FILE_H
#define TOCSIN_PLUGIN_FILE_H

#include <limits.h>
#include <stddef.h>

struct tocsin__file {
    char path[PATH_MAX];                               /* absolute */
    int fd;                                            /* of the copy, sealed (memfd); -1: none */
    const unsigned char *data;                         /* of the copy, mapped for reading */
    size_t size;
};

/* name: as tocsin_plugin_load has it. reason: a sentence, where it fails. 0; -ENOENT, -EINVAL, -EPERM, -ENOEXEC (no regular file, empty, larger than 1 GiB), -ENOMEM,
   -errno of open, read. */
int  tocsin__file_open(struct tocsin__file *file, const char *name, char *reason, size_t reason_size);
int  tocsin__file_again(struct tocsin__file *again, const struct tocsin__file *file);          /* another copy of one that is open: 0; -ENOMEM, -errno */
void tocsin__file_close(struct tocsin__file *file);   /* what was opened, once; one that failed needs none */

/* The folders that are searched, in their order: the one with this number, from 0 on, absolute. 0; -ENOENT: there are no more; -ENAMETOOLONG; -errno of getcwd. */
int  tocsin__file_folder(unsigned number, char ret_folder[PATH_MAX]);

#endif
