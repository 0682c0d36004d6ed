/* What there is of the process. */
#define _GNU_SOURCE                                    /* dladdr, environ */
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

#include "core/mem.h"
#include "plugin/snapshot.h"

#define add tocsin__snapshot_add

static const char copies[] = "/memfd:tocsin:";         /* of plugins' files (file.c) */

/* The names in a folder. */
static void each_in(struct tocsin__snapshot *snapshot, const char *path, void (*with)(struct tocsin__snapshot *snapshot, const char *name))
{
    DIR *folder = tocsin__fault() ? (errno = EMFILE, NULL) : opendir(path);
    const struct dirent *entry;

    if (!folder) {
        snapshot->err = -errno;
        return;
    }
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            with(snapshot, entry->d_name);
    closedir(folder);
}

/* The lines of a file; one that this kernel does not have has none. */
static void each_of(struct tocsin__snapshot *snapshot, const char *path, void (*with)(struct tocsin__snapshot *snapshot, char *line))
{
    FILE *file = tocsin__fault() ? (errno = EMFILE, NULL) : fopen(path, "re");
    char line[PATH_MAX + 128];

    if (!file) {
        snapshot->err = errno == ENOENT || errno == ESRCH ? snapshot->err : -errno;
        return;
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        with(snapshot, line);
    }
    fclose(file);
}

/* That of the folder itself, and those of copies. */
static bool is_ours(const char *target)
{
    return strncmp(target, copies, sizeof copies - 1) == 0 || (strncmp(target, "/proc/", 6) == 0 && strcmp(strrchr(target, '/'), "/fd") == 0);
}

static void on_descriptor(struct tocsin__snapshot *snapshot, const char *name)
{
    char path[300], target[PATH_MAX];
    ssize_t length;

    snprintf(path, sizeof path, "/proc/self/fd/%s", name);
    length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    if (length > 0 && !is_ours(target))
        add(snapshot, "descriptor %s (%s)", name, target);
}

static void on_children(struct tocsin__snapshot *snapshot, char *line)
{
    for (char *at = line, *id; (id = strsep(&at, " "));)
        if (*id)
            add(snapshot, "child %s", id);
}

/* The library's own threads say so (threads.c). */
static void on_thread(struct tocsin__snapshot *snapshot, const char *id)
{
    char path[300], name[17] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%s/comm", id);
    file = fopen(path, "re");
    if (!file)
        return;                                        /* it has ended meanwhile */
    if (fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    fclose(file);
    if (strncmp(name, "tocsin-", 7) != 0)
        add(snapshot, "thread (%s)\t%s", name, id);
    snprintf(path, sizeof path, "/proc/self/task/%s/children", id);
    each_of(snapshot, path, on_children);
}

/* A library that stays is the business of the dynamic linker: many cannot be unmapped. But a plugin can. */
static void on_mapping(struct tocsin__snapshot *snapshot, char *line)
{
    unsigned long from;
    char may[5];
    int at = 0;

    if (sscanf(line, "%lx-%*x %4s %*x %*s %*u %n", &from, may, &at) < 2 || !at)
        return;
    line += at;
    if (strncmp(line, copies, sizeof copies - 1) == 0) {
        if (may[2] == 'x')
            add(snapshot, "file of %.*s, still mapped", (int)strcspn(line + sizeof copies - 1, " "), line + sizeof copies - 1);
    } else if (!dladdr((void *)from, &(Dl_info){ .dli_fname = NULL })) {
        if (*line == '/')
            add(snapshot, "mapping of %s", line);
        else if (may[2] == 'x' && *line != '[' && !RUNNING_ON_VALGRIND)     /* which keeps translations there */
            add(snapshot, "mapping with code\t%lx", from);
    }
}

/* The flags of one that has its default, or is ignored, mean nothing; and the C library leaves one of its own (SA_RESTORER) there for good. */
static void add_action(struct tocsin__snapshot *snapshot, int number, const struct sigaction *now)
{
    bool handled = now->sa_handler != SIG_DFL && now->sa_handler != SIG_IGN;
    unsigned meant = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_ONSTACK;

    add(snapshot, "action of signal %d (%s)\t%p %x", number, strsignal(number), *(void *const *)&now->sa_handler, handled ? (unsigned)now->sa_flags & meant : 0);
}

static void add_signals(struct tocsin__snapshot *snapshot)
{
    sigset_t blocked;

    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number <= SIGRTMAX; number++) {
        struct sigaction now;

        if (sigaction(number, NULL, &now) < 0)
            continue;                                  /* the C library's own */
        add_action(snapshot, number, &now);
        if (sigismember(&blocked, number))
            add(snapshot, "blocked signal %d (%s)", number, strsignal(number));
    }
}

static void on_timer(struct tocsin__snapshot *snapshot, char *line)
{
    if (strncmp(line, "ID: ", 4) == 0)
        add(snapshot, "timer of timer_create\t%s", line + 4);
}

static void add_alarms(struct tocsin__snapshot *snapshot)
{
    static const char *const names[] = { "ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF" };
    static const int which[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

    for (int i = 0; i < 3; i++) {
        struct itimerval now;

        if (getitimer(which[i], &now) == 0 && (now.it_value.tv_sec || now.it_value.tv_usec))
            add(snapshot, "timer %s", names[i]);
    }
}

static bool is_there(const char *text)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char unused;

    return mincore((void *)((uintptr_t)text & ~(page - 1)), 1, &unused) == 0;
}

/* A text of the plugin's own that it put there went with it: something else in its place, or the next getenv crashes. */
static void add_environment(struct tocsin__snapshot *snapshot)
{
    static char gone[] = "(unmapped)=";

    for (char **variable = environ; variable && *variable; variable++) {
        if (!is_there(*variable))
            *variable = gone;
        add(snapshot, "variable %.*s\t%s", (int)strcspn(*variable, "="), *variable, *variable);
    }
}

static void add_places(struct tocsin__snapshot *snapshot)
{
    char folder[PATH_MAX];
    mode_t mask = umask(077);

    umask(mask);
    add(snapshot, "umask %03o", (unsigned)mask);
    add(snapshot, "working directory %s", getcwd(folder, sizeof folder) ? folder : strerror(errno));
    add(snapshot, "locale %s", setlocale(LC_ALL, NULL));
}

static void add_plugins(struct tocsin__snapshot *snapshot)
{
    struct tocsin_plugin_facts facts;

    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        add(snapshot, "plugin %s", facts.name);
}

/* Ignoring a signal, and the loop's set of blocked ones, are nobody's; all else that is made in the registry has an owner, and goes with it. */
static void add_registry(struct tocsin__snapshot *snapshot)
{
    struct tocsin_signal_facts facts;

    for (int signo = 1; tocsin_signal_get(signo, &facts) == 0; signo++) {
        if (facts.ignored)
            add(snapshot, "ignored %s", facts.name);
        if (facts.blocked)
            add(snapshot, "blocked %s", facts.name);
    }
}

int tocsin__snapshot_take(struct tocsin__snapshot *ret_snapshot)
{
    struct tocsin__snapshot snapshot = { .lines = NULL };

    add_environment(&snapshot);                        /* first: who else calls getenv crashes by what it finds */
    add_places(&snapshot);
    each_in(&snapshot, "/proc/self/fd", on_descriptor);
    each_in(&snapshot, "/proc/self/task", on_thread);
    each_of(&snapshot, "/proc/self/maps", on_mapping);
    each_of(&snapshot, "/proc/self/timers", on_timer);
    add_alarms(&snapshot);
    add_signals(&snapshot);
    add_plugins(&snapshot);
    add_registry(&snapshot);
    if (snapshot.err < 0)
        tocsin__snapshot_free(&snapshot);
    else
        *ret_snapshot = snapshot;
    return snapshot.err;
}
