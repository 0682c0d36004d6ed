/* A plugin that leaves one kind of object behind when it is unloaded. The setting "leaves" selects
   the kind. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/posix.h>

#include "host.h"

TOCSIN_PLUGIN("leaver", "1", "Leaves something behind.");

static int descriptor(void)
{
    host.alive = open("/dev/null", O_RDONLY);
    return host.alive;
}

static void *live(void *arg)
{
    while (!host.open)
        sched_yield();
    return arg;
}

static int thread(void)
{
    pthread_t id;

    return pthread_create(&id, NULL, live, NULL) || pthread_setname_np(id, "leaver's") ||
                   pthread_detach(id)
               ? -EAGAIN
               : 0;
}

static int child(void)
{
    char *const argv[] = { "sleep", "1000", NULL };
    pid_t id;
    int err = posix_spawnp(&id, "sleep", NULL, NULL, argv, NULL);

    host.alive = id;
    return -err;
}

static int action(void)
{
    return signal(SIGUSR2, SIG_IGN) == SIG_ERR ? -errno : 0;
}

static int on_signal(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    host.called++;
    return TOCSIN_NEXT;
}

/* This function frees each object that it makes, so it leaves nothing behind. */
static int nothing(void)
{
    return tocsin_on("os.sigusr1, os.sigrt1", on_signal, NULL);
}

static int blocked(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int mapped_file(void)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

    close(fd);
    return at == MAP_FAILED ? -errno : 0;
}

static int code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? -errno
               : 0;
}

static int alarm_clock(void)
{
    return setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_sec = 1000 }, NULL);
}

static int posix_timer(void)
{
    timer_t id;

    return timer_create(CLOCK_MONOTONIC, &(struct sigevent){ .sigev_notify = SIGEV_NONE }, &id);
}

static int set_variable(void)
{
    return setenv("LEAVER", "secret", 1);
}

static int put_variable(void)
{
    static char text[] = "LEAVER=secret";

    return putenv(text);
}

static int unset_variable(void)
{
    return unsetenv("HOST");
}

static int folder(void)
{
    return chdir("/proc");
}

static int file_mask(void)
{
    return umask(0127) == 0127 ? -EALREADY : 0;
}

static int language(void)
{
    return setlocale(LC_ALL, "C.UTF-8") ? 0 : -ENOENT;
}

static int closes(void)
{
    return close(atoi(tocsin_setting("descriptor", "-1")));
}

static int ignores(void)
{
    return tocsin_ignore("host.called");
}

static int masks(void)
{
    return tocsin_sigmask(TOCSIN_BLOCK, "host.called", NULL, 0);
}

static int file(void)
{
    return host.inits > 1 ? tocsin_plugin_fail(-EEXIST, "the lock is there") : 0;
}

static int later(void)
{
    return host.inits > 1 ? descriptor() : 0;
}

static const struct {
    const char *what;
    int (*leave)(void);
} all[] = {
    { "nothing", nothing },
    { "descriptor", descriptor },
    { "thread", thread },
    { "child", child },
    { "action", action },
    { "blocked", blocked },
    { "mapped", mapped_file },
    { "code", code },
    { "alarm", alarm_clock },
    { "timer", posix_timer },
    { "setenv", set_variable },
    { "putenv", put_variable },
    { "unsetenv", unset_variable },
    { "folder", folder },
    { "umask", file_mask },
    { "locale", language },
    { "closes", closes },
    { "ignores", ignores },
    { "masks", masks },
    { "file", file },
    { "later", later },
};

int tocsin_plugin_init(void)
{
    host.inits++;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(tocsin_setting("leaves", "nothing"), all[i].what) == 0)
            return all[i].leave();
    return -EINVAL;
}
