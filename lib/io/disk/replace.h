/* Replaces a file as a whole. The new content is written into a temporary file in the same folder.
   When all of it is on the disk, the temporary file is renamed to the old name. */
#ifndef TOCSIN_IO_REPLACE_H
#define TOCSIN_IO_REPLACE_H

/* Resolves the symbolic links at the end of a path. The file itself need not exist. The caller must
   free *ret_target. -ENOMEM, -ELOOP, -errno of readlink(2) */
int tocsin__replace_target(const char *path, char **ret_target);
/* Makes an empty temporary file in the folder of the target. If the target exists, the file gets
   its permissions and owner. Returns the descriptor and, in memory that the caller must free, the
   path. -EISDIR: the target is a folder; -EINVAL: it is not a regular file; -ENOMEM, -errno of
   open(2) */
int tocsin__replace_begin(const char *target, char **ret_temporary);
/* Waits until the content of a file is on the disk. -errno of fsync(2) */
int tocsin__replace_sync(int fd);
/* Renames the temporary file to the target, and waits until the folder is on the disk. *ret_renamed
   says whether the target has the new content, which is possible after an error, too. */
int tocsin__replace_rename(const char *temporary, const char *target, int *ret_renamed);

#endif
