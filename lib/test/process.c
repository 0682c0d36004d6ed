/* Lists the resources of the process. Each function adds one kind of resource, with one line for
   each resource. */
#define _GNU_SOURCE /* makes the headers declare dladdr and environ */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include <tocsin/inspect.h>
#include <tocsin/plugin.h>
#include <tocsin/host.h>

#include "test/mem.h"
#include "test/process.h"

/* The prefix of the name of a memfd. libtocsin copies a plugin's file into such a memfd and maps
   the copy. */
static const char copy_prefix[] = "/memfd:tocsin:";

static void folder_walk(struct tocsin__snapshot *snapshot, const char *path,
                        void (*add_entry)(struct tocsin__snapshot *snapshot, const char *name))
{
    DIR *folder = tocsin__fault() ? (errno = EMFILE, NULL) : opendir(path);
    const struct dirent *entry;

    if (!folder) {
        snapshot->err = -errno;
        return;
    }
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            add_entry(snapshot, entry->d_name);
    closedir(folder);
}

/* Reads the lines of a file. If this kernel does not have the file, it counts as an empty file. */
static void file_walk(struct tocsin__snapshot *snapshot, const char *path,
                      void (*add_line)(struct tocsin__snapshot *snapshot, char *line))
{
    FILE *file = tocsin__fault() ? (errno = EMFILE, NULL) : fopen(path, "re");
    char line[PATH_MAX + 128];

    if (!file) {
        snapshot->err = errno == ENOENT || errno == ESRCH ? snapshot->err : -errno;
        return;
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        add_line(snapshot, line);
    }
    fclose(file);
}

/* Returns true for the descriptors of plugin copies, and for the descriptor that reads the list. */
static bool is_own_descriptor(const char *target)
{
    return strncmp(target, copy_prefix, sizeof copy_prefix - 1) == 0 ||
           (strncmp(target, "/proc/", 6) == 0 && strcmp(strrchr(target, '/'), "/fd") == 0);
}

static void add_descriptor(struct tocsin__snapshot *snapshot, const char *name)
{
    char path[300], target[PATH_MAX];
    ssize_t length;

    snprintf(path, sizeof path, "/proc/self/fd/%s", name);
    length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    if (length > 0 && !is_own_descriptor(target))
        tocsin__snapshot_add(snapshot, "descriptor %s (%s)", name, target);
}

static void add_children(struct tocsin__snapshot *snapshot, char *line)
{
    for (char *at = line, *id; (id = strsep(&at, " "));)
        if (*id)
            tocsin__snapshot_add(snapshot, "child %s", id);
}

/* Adds a thread. Threads of the library may stay, so they are not added; their names begin with
   "tocsin-". */
static void add_thread(struct tocsin__snapshot *snapshot, const char *id)
{
    char path[300], name[17] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%s/comm", id);
    file = fopen(path, "re");
    if (!file)
        return; /* the thread has ended */
    if (fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    fclose(file);
    if (strncmp(name, "tocsin-", 7) != 0)
        tocsin__snapshot_add(snapshot, "thread (%s)\t%s", name, id);
    snprintf(path, sizeof path, "/proc/self/task/%s/children", id);
    file_walk(snapshot, path, add_children);
}

/* Adds a mapping of code. A library that stays mapped is not a leak, because the dynamic linker
 * cannot unmap many libraries; dladdr finds such mappings. But a plugin must be unmapped. */
static void add_mapping(struct tocsin__snapshot *snapshot, char *line)
{
    unsigned long start;
    char rights[5];
    int path_at = 0;

    if (sscanf(line, "%lx-%*x %4s %*x %*s %*u %n", &start, rights, &path_at) < 2 || !path_at)
        return;
    line += path_at;
    if (strncmp(line, copy_prefix, sizeof copy_prefix - 1) == 0) {
        line += sizeof copy_prefix - 1;
        if (rights[2] == 'x')
            tocsin__snapshot_add(snapshot, "file of %.*s, still mapped", (int)strcspn(line, " "),
                                 line);
    } else if (!dladdr((void *)start, &(Dl_info){ .dli_fname = NULL })) {
        if (*line == '/')
            tocsin__snapshot_add(snapshot, "mapping of %s", line);
        /* valgrind maps code itself, so under valgrind code is not listed */
        else if (rights[2] == 'x' && *line != '[' && !RUNNING_ON_VALGRIND)
            tocsin__snapshot_add(snapshot, "mapping with code\t%lx", start);
    }
}

/* Adds the action of a real signal. Without a handler, its flags have no effect. SA_RESTORER
   belongs to the C library, which never clears it. */
static void add_action(struct tocsin__snapshot *snapshot, int number, const struct sigaction *now)
{
    bool has_handler = now->sa_handler != SIG_DFL && now->sa_handler != SIG_IGN;
    unsigned compared = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTART | SA_NODEFER |
                        SA_RESETHAND | SA_ONSTACK;

    tocsin__snapshot_add(snapshot, "action of signal %d (%s)\t%p %x", number, strsignal(number),
                         *(void *const *)&now->sa_handler,
                         has_handler ? (unsigned)now->sa_flags & compared : 0);
}

static void add_signals(struct tocsin__snapshot *snapshot)
{
    sigset_t blocked;

    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number <= SIGRTMAX; number++) {
        struct sigaction now;

        if (sigaction(number, NULL, &now) < 0)
            continue; /* skips a real signal that the C library reserves */
        add_action(snapshot, number, &now);
        if (sigismember(&blocked, number))
            tocsin__snapshot_add(snapshot, "blocked signal %d (%s)", number, strsignal(number));
    }
}

static void add_timer(struct tocsin__snapshot *snapshot, char *line)
{
    if (strncmp(line, "ID: ", 4) == 0)
        tocsin__snapshot_add(snapshot, "timer of timer_create\t%s", line + 4);
}

static void add_interval_timers(struct tocsin__snapshot *snapshot)
{
    static const char *const names[] = { "ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF" };
    static const int which[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

    for (int i = 0; i < 3; i++) {
        struct itimerval now;

        if (getitimer(which[i], &now) == 0 && (now.it_value.tv_sec || now.it_value.tv_usec))
            tocsin__snapshot_add(snapshot, "timer %s", names[i]);
    }
}

static bool is_mapped(const char *text)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char unused;

    return mincore((void *)((uintptr_t)text & ~(page - 1)), 1, &unused) == 0;
}

/* Adds the environment. A plugin may have passed a string of its own to putenv, and this string was
   unmapped together with the plugin. Such a string is replaced here, because the next getenv would
   crash. */
static void add_environment(struct tocsin__snapshot *snapshot)
{
    static char unmapped[] = "(unmapped)=";

    for (char **variable = environ; variable && *variable; variable++) {
        if (!is_mapped(*variable))
            *variable = unmapped;
        tocsin__snapshot_add(snapshot, "variable %.*s\t%s", (int)strcspn(*variable, "="), *variable,
                             *variable);
    }
}

static void add_settings(struct tocsin__snapshot *snapshot)
{
    char folder[PATH_MAX];
    mode_t mask = umask(077);

    umask(mask);
    tocsin__snapshot_add(snapshot, "umask %03o", (unsigned)mask);
    tocsin__snapshot_add(snapshot, "working directory %s",
                         getcwd(folder, sizeof folder) ? folder : strerror(errno));
    tocsin__snapshot_add(snapshot, "locale %s", setlocale(LC_ALL, NULL));
}

static void add_plugins(struct tocsin__snapshot *snapshot)
{
    struct tocsin_plugin_facts facts;

    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        tocsin__snapshot_add(snapshot, "plugin %s", facts.name);
}

/* Adds the loop's sets of ignored and blocked signals, because they have no owner. All other
   objects of the registry have an owner, and are freed with it. */
static void add_tocsin_signals(struct tocsin__snapshot *snapshot)
{
    struct tocsin_signal_facts facts;

    for (int signo = 1; tocsin_signal_get(signo, &facts) == 0; signo++) {
        if (facts.ignored)
            tocsin__snapshot_add(snapshot, "ignored %s", facts.name);
        if (facts.blocked)
            tocsin__snapshot_add(snapshot, "blocked %s", facts.name);
    }
}

int tocsin__snapshot_take(struct tocsin__snapshot *ret_snapshot)
{
    struct tocsin__snapshot snapshot = { .lines = NULL };
    int cancel;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    add_environment(&snapshot); /* the environment is read first, because setlocale calls getenv */
    add_settings(&snapshot);
    folder_walk(&snapshot, "/proc/self/fd", add_descriptor);
    folder_walk(&snapshot, "/proc/self/task", add_thread);
    file_walk(&snapshot, "/proc/self/maps", add_mapping);
    file_walk(&snapshot, "/proc/self/timers", add_timer);
    add_interval_timers(&snapshot);
    add_signals(&snapshot);
    add_plugins(&snapshot);
    add_tocsin_signals(&snapshot);
    pthread_setcancelstate(cancel, NULL);
    if (snapshot.err < 0)
        tocsin__snapshot_free(&snapshot);
    else
        *ret_snapshot = snapshot;
    return snapshot.err;
}
