#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "plugin/threads.h"

/* Calls for each thread of the process, until one answers false. */
static int each(bool (*with)(int id, void *arg), void *arg)
{
    DIR *tasks = tocsin__fault() ? (errno = EMFILE, NULL) : opendir("/proc/self/task");
    const struct dirent *entry;
    bool on = true;

    if (!tasks)
        return -errno;
    while (on && (entry = readdir(tasks)))
        if (entry->d_name[0] != '.')
            on = with(atoi(entry->d_name), arg);
    closedir(tasks);
    return 0;
}

static bool keep(int id, void *arg)
{
    struct tocsin__threads *threads = arg;
    int *more = threads->count % 16 ? threads->ids : tocsin__resize(threads->ids, (threads->count + 16) * sizeof *more);

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
    int err = each(keep, threads);

    return err < 0 ? err : threads->ids ? 0 : -ENOMEM;
}

/* The library's own say so (lib/op/pool.c, lib/loop/watchdog.c). */
static bool ours(int id)
{
    char path[64], name[16] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/comm", id);
    file = fopen(path, "re");
    if (!file)
        return true;                                   /* it has ended meanwhile */
    if (!fgets(name, sizeof name, file))
        name[0] = '\0';
    fclose(file);
    return strncmp(name, "tocsin-", 7) == 0;
}

struct found { const struct tocsin__threads *before; bool more; };

static bool look(int id, void *arg)
{
    struct found *found = arg;

    for (size_t i = 0; i < found->before->count; i++)
        if (found->before->ids[i] == id)
            return true;
    found->more = !ours(id);
    return !found->more;
}

/* What cannot be looked at may be so. */
bool tocsin__threads_more(const struct tocsin__threads *threads)
{
    struct found found = { threads, false };

    return each(look, &found) < 0 || found.more;
}

void tocsin__threads_free(struct tocsin__threads *threads)
{
    tocsin__release(threads->ids);
    *threads = (struct tocsin__threads){ NULL, 0 };
}
