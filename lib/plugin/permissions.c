/* Walks the path of a plugin's file, and checks who may write to each folder. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <tocsin/base.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/id.h"
#include "plugin/permissions.h"

static int refuse_errno(const struct tocsin__reason *reason, const char *path)
{
    int err = -errno;

    return tocsin__refuse(reason, err, "%s: %s", path, tocsin__system_text(err));
}

bool tocsin__is_privileged(void)
{
    return geteuid() == 0 || getauxval(AT_SECURE);
}

/* Returns true if the user is trusted: root, and the owner of a program with a set-user-id bit. The
   user who started the program is not trusted, even as the effective user. In that case the
   privileges come from a group or from capabilities. */
static bool is_trusted(uid_t owner)
{
    return owner == 0 || (owner == geteuid() && owner != (uid_t)getauxval(AT_UID));
}

static int remedy_add(const struct tocsin__reason *reason, const char *what, const char *path)
{
    tocsin__reason_add(reason, ": %s %s, or put the plugin where only root may write", what, path);
    return -EPERM;
}

static int owner_check(const struct stat *it, const char *path, const struct tocsin__reason *reason)
{
    if (is_trusted(it->st_uid))
        return 0;
    tocsin__refuse(reason, -EPERM, "this program has privileges, and %s belongs to user %u", path,
                   (unsigned)it->st_uid);
    return remedy_add(reason, "chown root", path);
}

/* Checks one file or folder of the path. No group may have write permission, because the members of
   a group are not known here. */
static int entry_check(const struct stat *it, const char *path, const struct tocsin__reason *reason)
{
    int err = owner_check(it, path, reason);

    if (err < 0 || !(it->st_mode & (S_IWGRP | S_IWOTH)))
        return err;
    tocsin__refuse(reason, -EPERM, "this program has privileges, and %s may write to %s",
                   it->st_mode & S_IWOTH ? "everybody" : "a group", path);
    return remedy_add(reason, "chmod go-w", path);
}

/* Checks one folder of the path. In a sticky folder, other users cannot remove or rename an entry
   of a trusted user. So write permission for others is accepted if the next path component has a
   trusted owner. */
static int folder_check(const struct stat *it, const char *path, const struct stat *next,
                        const char *next_path, const struct tocsin__reason *reason)
{
    int err;

    if (!(it->st_mode & S_ISVTX) || !(it->st_mode & (S_IWGRP | S_IWOTH)))
        return entry_check(it, path, reason);
    err = owner_check(it, path, reason);
    return err < 0 ? err : owner_check(next, next_path, reason);
}

/* The state of a walk along a path. The path is resolved as the kernel does: component by
   component, with symbolic links followed. */
struct walk {
    const struct tocsin__reason *reason;
    /* the current folder, without symbolic links; "": the root */
    char at[PATH_MAX];
    char rest[PATH_MAX]; /* components of the path that are not resolved yet */
    struct stat last;    /* status of the last component that was resolved */
    unsigned links;
};

static int entry_stat(const char *path, struct stat *ret_it)
{
    return tocsin__fault() ? (errno = EIO, -1) : lstat(path, ret_it);
}

static int refuse_too_long(const struct walk *walk)
{
    return tocsin__refuse(walk->reason, -ENAMETOOLONG, "%s/%s: %s", walk->at, walk->rest,
                          tocsin_strerror(-ENAMETOOLONG));
}

/* Puts the target of a link in front of the remaining components. */
static int walk_follow(struct walk *walk, const char *link)
{
    enum { LINKS_MAX = 40 }; /* the most links in a path; the kernel has the same limit */
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t size = tocsin__fault() ? (errno = EIO, -1) : readlink(link, target, sizeof target - 1);

    if (size < 0)
        return refuse_errno(walk->reason, link);
    if (++walk->links > LINKS_MAX)
        return tocsin__refuse(walk->reason, -ELOOP, "%s: %s", link, tocsin_strerror(-ELOOP));
    target[size] = '\0';
    if ((size_t)size == sizeof target - 1 || (size_t)size + 1 + strlen(walk->rest) >= sizeof rest)
        return refuse_too_long(walk);
    memcpy(rest, target, (size_t)size);
    rest[size] = '/';
    strcpy(rest + size + 1, walk->rest);
    strcpy(walk->rest, rest);
    if (*target == '/')
        walk->at[0] = '\0';
    return 0;
}

static void walk_up(struct walk *walk)
{
    char *slash = strrchr(walk->at, '/');

    if (slash)
        *slash = '\0';
}

/* Removes the next name from the remaining components. Returns false if no name is left. */
static bool walk_next(struct walk *walk, char ret_name[PATH_MAX])
{
    const char *name = walk->rest + strspn(walk->rest, "/");
    size_t size = strcspn(name, "/");

    memcpy(ret_name, name, size);
    ret_name[size] = '\0';
    memmove(walk->rest, name + size, strlen(name + size) + 1);
    return size > 0;
}

static int walk_step(struct walk *walk, const char *name)
{
    const char *folder = *walk->at ? walk->at : "/";
    char next[PATH_MAX];
    struct stat here;
    int err;

    if (strlen(walk->at) + 1 + strlen(name) >= sizeof next)
        return refuse_too_long(walk);
    strcpy(next, walk->at);
    strcat(next, "/");
    strcat(next, name);
    if (entry_stat(folder, &here) < 0)
        return refuse_errno(walk->reason, folder);
    if (entry_stat(next, &walk->last) < 0)
        return refuse_errno(walk->reason, next);
    err = folder_check(&here, folder, &walk->last, next, walk->reason);
    if (err < 0)
        return err;
    if (S_ISLNK(walk->last.st_mode))
        return walk_follow(walk, next);
    strcpy(walk->at, next);
    return 0;
}

/* Checks every folder of the path. A user with write permission to any of these folders can replace
   the file. */
static int path_check(const char *path, const struct stat *opened,
                      const struct tocsin__reason *reason)
{
    struct walk walk = { .reason = reason };
    char name[PATH_MAX];
    int err = 0;

    strcpy(walk.rest, path);
    while (err == 0 && walk_next(&walk, name))
        if (strcmp(name, "..") == 0)
            walk_up(&walk);
        else if (strcmp(name, ".") != 0)
            err = walk_step(&walk, name);
    if (err == 0 && (walk.last.st_dev != opened->st_dev || walk.last.st_ino != opened->st_ino))
        return tocsin__refuse(reason, -EPERM,
                              "this program has privileges, and %s was replaced during the check",
                              path);
    return err;
}

int tocsin__permissions_check(const char *path, const struct stat *opened,
                              const struct tocsin__reason *reason)
{
    int err = entry_check(opened, path, reason);

    return err < 0 ? err : path_check(path, opened, reason);
}
