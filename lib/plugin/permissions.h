/* Checks who may write to a plugin's file. A program with privileges loads only files that no other
   user can write to or replace. */
#ifndef TOCSIN_PLUGIN_PERMISSIONS_H
#define TOCSIN_PLUGIN_PERMISSIONS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "plugin/reason.h"

/* Returns true if this process runs as root, or has more rights than the user who started it. */
bool tocsin__is_privileged(void);

/* Checks the permissions of a plugin's file. `path` is absolute; `opened` is the status of the open
   file. Returns 0, -EPERM, -ELOOP, -ENAMETOOLONG, or -errno of reading the path. */
int tocsin__permissions_check(const char *path, const struct stat *opened,
                              const struct tocsin__reason *reason);

#endif
