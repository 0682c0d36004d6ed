/* The path of a Unix socket that was bound, which is removed at its end. */
#ifndef TOCSIN_IO_UNIX_PATH_H
#define TOCSIN_IO_UNIX_PATH_H

#include <stdbool.h>
#include <stdint.h>

struct tocsin__endpoint;

struct tocsin__unix_path {
    char *text; /* NULL: none */
    uint64_t device, inode;
};

/* Returns true if a path is a socket of this type (SOCK_STREAM, SOCK_DGRAM) that no process uses
   any more. */
bool tocsin__unix_path_is_stale(const struct tocsin__endpoint *endpoint, int type);
/* Notes a path that was just bound, and sets its permissions. -ENOMEM, or an error of chmod(2) */
int tocsin__unix_path_note(struct tocsin__unix_path *path, const char *text, unsigned mode);
/* Removes the path, unless another socket has replaced it there, and forgets it. */
void tocsin__unix_path_remove(struct tocsin__unix_path *path);
/* Forgets the path, and leaves it where it is: in the child of a fork. */
void tocsin__unix_path_forget(struct tocsin__unix_path *path);

#endif
