/* Files of the tests, in a folder of their own below /tmp, and streams of them. */
#ifndef TOCSIN_T_IO_FILES_H
#define TOCSIN_T_IO_FILES_H

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/streams.h"
#include "op/work/pool.h"

TOCSIN__UNUSED static char folder[64];

TOCSIN__UNUSED static void folder_make(void)
{
    strcpy(folder, "/tmp/tocsin-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* The path of a file in the folder. The four last results stay valid. */
TOCSIN__UNUSED static const char *path_of(const char *name)
{
    static char paths[4][512];
    static int at;
    char *path = paths[at++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* How many files the folder has; is_removed: removes them. */
TOCSIN__UNUSED static int folder_count(bool is_removed)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (is_removed)
            ck_assert_int_eq(remove(path_of(entry->d_name)), 0);
    }
    closedir(dir);
    return count;
}

TOCSIN__UNUSED static void folder_remove(void)
{
    folder_count(true);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Whether no thread of a pool has something to do. */
TOCSIN__UNUSED static bool pools_are_idle(void)
{
    bool is_idle = true;

    pthread_mutex_lock(&tocsin__pools_lock);
    for (const struct tocsin__pool *pool = tocsin__pools; pool; pool = pool->next)
        is_idle = is_idle && !pool->jobs && pool->idle == pool->threads;
    pthread_mutex_unlock(&tocsin__pools_lock);
    return is_idle;
}

/* A thread may still use the file of a stream that has ended. The descriptor is closed by the
   thread, or by a turn of the loop if the thread had told the loop already. */
TOCSIN__UNUSED static void descriptors_settle(int before, bool is_freed)
{
    while (!pools_are_idle())
        usleep(1000);
    if (!is_freed)
        turns_few();
    ck_assert_int_eq(test_descriptors(), before);
}

TOCSIN__UNUSED static void file_make(const char *name, const void *data, size_t size)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    close(fd);
}

TOCSIN__UNUSED static void file_has(const char *name, const void *data, size_t size)
{
    char *content = malloc(size + 2);
    int fd = open(path_of(name), O_RDONLY);

    ck_assert_ptr_nonnull(content);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, content, size + 1), (ssize_t)size);
    ck_assert_mem_eq(content, data, size);
    close(fd);
    free(content);
}

TOCSIN__UNUSED static struct tocsin_op file_open(const char *path, unsigned flags,
                                                 const struct tocsin_notify *notify)
{
    const struct tocsin_stream_options options = { .flags = flags };
    struct tocsin_op stream;
    char address[600];

    snprintf(address, sizeof address, "file:%s", path);
    ck_assert_int_eq(tocsin_stream_open(address, &options, notify, &stream), 0);
    return stream;
}

/* Waits until a stream has ended that was opened with TOCSIN_FUTURE. Returns its status. */
TOCSIN__UNUSED static int stream_end(struct tocsin_op stream)
{
    return tocsin_wait(stream, -1, NULL);
}

/* Bytes that do not repeat with a power of two. */
TOCSIN__UNUSED static void bytes_make(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 251);
}

#endif
