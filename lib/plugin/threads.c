/* Lists the threads of the process, from /proc/self/task. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plugin/threads.h"

/* Calls `fn` for each thread of the process, until `fn` returns false. */
static int tasks_walk(bool (*fn)(int id, void *arg), void *arg)
{
    DIR *tasks = tocsin__fault() ? (errno = EMFILE, NULL) : opendir("/proc/self/task");
    const struct dirent *entry;
    bool on = true;

    if (!tasks)
        return -errno;
    while (on && (entry = readdir(tasks)))
        if (entry->d_name[0] != '.')
            on = fn(atoi(entry->d_name), arg);
    closedir(tasks);
    return 0;
}

static bool task_add(int id, void *arg)
{
    struct tocsin__threads *threads = arg;
    int *more = threads->count % 16
                    ? threads->ids
                    : tocsin__resize(threads->ids, (threads->count + 16) * sizeof *more);

    if (!more) {
        tocsin__threads_free(threads);
        return false;
    }
    threads->ids = more;
    threads->ids[threads->count++] = id;
    return true;
}

int tocsin__threads_note(struct tocsin__threads *threads)
{
    int err = tasks_walk(task_add, threads);

    return err < 0 ? err : threads->ids ? 0 : -ENOMEM;
}

/* Returns true for a thread of the library. The names of these threads begin with "tocsin-". */
static bool is_own(int id)
{
    char path[64], name[16] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/comm", id);
    file = fopen(path, "re");
    if (!file)
        return true; /* a thread that has ended is not counted */
    if (!fgets(name, sizeof name, file))
        name[0] = '\0';
    fclose(file);
    return strncmp(name, "tocsin-", 7) == 0;
}

struct found {
    const struct tocsin__threads *before;
    bool has_more;
};

static bool task_compare(int id, void *arg)
{
    struct found *found = arg;

    for (size_t i = 0; i < found->before->count; i++)
        if (found->before->ids[i] == id)
            return true;
    found->has_more = !is_own(id);
    return !found->has_more;
}

/* Returns true if there are new threads, or if the threads cannot be listed. */
bool tocsin__threads_has_more(const struct tocsin__threads *threads)
{
    struct found found = { threads, false };

    return tasks_walk(task_compare, &found) < 0 || found.has_more;
}

void tocsin__threads_free(struct tocsin__threads *threads)
{
    tocsin__release(threads->ids);
    *threads = (struct tocsin__threads){ NULL, 0 };
}
