/* A plugin that crashes or blocks its program. The settings select how and when. */
#define _GNU_SOURCE /* for close_range() */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/plugin.h>

TOCSIN_PLUGIN("fatal", "1", "Does what ends or stops its program.");

static const char *does;
static volatile int zero;
static volatile char *volatile nowhere = (volatile char *)16;

static int deeper(int depth)
{
    volatile char much[512];

    much[0] = (char)depth;
    return zero ? 0 : deeper(depth + 1) + much[0];
}

static void bus(void)
{
    char path[] = "/tmp/fatalXXXXXX";
    int fd = mkstemp(path);
    volatile char *beyond;

    unlink(path);
    beyond = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    *beyond = 1;
}

static void lock_twice(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
}

static void *send_signals(void *arg)
{
    for (;;)
        kill(getpid(), SIGUSR1);
    return arg;
}

static void in_a_storm(void)
{
    pthread_t thread;

    signal(SIGUSR1, SIG_IGN);
    pthread_create(&thread, NULL, send_signals, NULL);
    *nowhere = 1;
}

static void *crash(void *arg)
{
    *nowhere = 1;
    return arg;
}

static void on_its_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, crash, NULL);
    pthread_join(thread, NULL);
}

static void close_all(void)
{
    close_range(0, ~0U, 0);
}

static void close_error(void)
{
    close(STDERR_FILENO);
}

static void forks(void)
{
    if (fork() > 0)
        wait(NULL);
}

static void hang(void)
{
    for (;;)
        pause();
}

static void hang_deaf(void)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    hang();
}

static void spin(void)
{
    while (!zero)
        ;
}

/* Without this attribute, the undefined behaviour sanitizer would end the program before the
   signal is raised. */
#define FATAL __attribute__((no_sanitize("undefined")))
FATAL static void segv(void)
{
    *nowhere = 1;
}
FATAL static void fpe(void)
{
    zero = 7 / zero;
}
static void ill(void)
{
    __builtin_trap();
}
static void overflow(void)
{
    zero = deeper(0);
}

static const struct {
    const char *name;
    void (*run)(void);
} deeds[] = {
    { "segv", segv },
    { "bus", bus },
    { "fpe", fpe },
    { "ill", ill },
    { "abort", abort },
    { "overflow", overflow },
    { "storm", in_a_storm },
    { "thread", on_its_thread },
    { "hang", hang },
    { "deaf", hang_deaf },
    { "spin", spin },
    { "lock", lock_twice },
    { "fork", forks },
    { "close error", close_error },
    { "close all", close_all },
};

static void run(void)
{
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        if (strcmp(deeds[i].name, does) == 0)
            deeds[i].run();
}

static int on_tick(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    run();
    return TOCSIN_NEXT;
}

static int in_task(void *arg)
{
    (void)arg;
    run();
    return 0;
}

static __attribute__((constructor)) void constructed(void)
{
    const char *said = getenv("FATAL_CONSTRUCTOR");

    if (said) {
        does = said;
        run();
    }
}

int tocsin_plugin_init(void)
{
    const char *when = tocsin_setting("when", "handler");

    does = tocsin_setting("does", "");
    if (strcmp(when, "init") == 0)
        run();
    if (strcmp(when, "task") == 0)
        return tocsin_work(in_task, NULL, NULL, NULL);
    if (strcmp(when, "fiber") == 0)
        return tocsin_spawn(in_task, NULL, NULL, NULL);
    if (strcmp(when, "call") == 0)
        return tocsin_loop_call(tocsin_loop_current(), in_task, NULL, NULL);
    if (strcmp(when, "notify") == 0)
        return tocsin_timer(1, TOCSIN_CALL(on_tick), NULL);
    return strcmp(when, "handler") == 0 ? tocsin_on("host.ticked", on_tick, NULL) : 0;
}

void tocsin_plugin_fini(void)
{
    if (strcmp(tocsin_setting("when", ""), "fini") == 0)
        run();
}
