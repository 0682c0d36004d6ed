/* Replacing a file as a whole: the new content is written into a temporary file beside it, which is
   renamed into place when all of it is on the disk. */
#ifndef TOCSIN_IO_REPLACE_H
#define TOCSIN_IO_REPLACE_H

/* Finds the file that a path means, behind symbolic links. The last one may be missing. Returns
   memory of the caller. -ENOMEM, -ELOOP, -errno of readlink(2) */
int tocsin__replace_target(const char *path, char **ret_target);
/* Makes an empty temporary file in the folder of the target, with the permissions and the owner of
   the target, if that exists. Returns its descriptor and its path, which is memory of the caller.
   -EISDIR, -EINVAL: the target is a folder, or no regular file; -ENOMEM, -errno of open(2) */
int tocsin__replace_begin(const char *target, char **ret_temporary);
/* Writes the content to the disk. -errno of fsync(2) */
int tocsin__replace_sync(int fd);
/* Renames the temporary file into place, and writes the folder to the disk. ret_renamed: whether
   the target has the new content, also if this fails. */
int tocsin__replace_rename(const char *temporary, const char *target, int *ret_renamed);

#endif
