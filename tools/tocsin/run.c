/* tocsin run: begins with the file, reads it again at SIGHUP, drains at SIGTERM, ends at the second. */
#define _GNU_SOURCE                                    /* setenv, unsetenv */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "default.h"
#include "host.h"
#include "mem.h"
#include "notify.h"
#include "usage.h"

static int run(int argc, char *argv[]);

const struct command command_run = {
    "run", "run [--check] [FILE]",
    "Runs what an INI file lists: loops, plugins with their settings, actions, limits. Without a file, a default that ticks.\n"
    "      SIGHUP reads the file again and applies what has changed, SIGTERM drains, a second one ends it now.",
    "  --check    look at the file and its plugins, start nothing\n  --default  print the default\n",
    (const char *const []){ "--check", "--default", "--help", "--version", NULL }, run,
};

void host_failed(struct host *host, const char *format, ...)
{
    va_list args;

    fputs("tocsin: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    host->failed++;
}

/* The end */

/* Now: what a plugin does at its end is not waited for either. Who comes second waits for the first. */
void host_end_now(const char *by)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;

    while (atomic_flag_test_and_set(&said))
        pause();
    fprintf(stderr, "tocsin: %s: ended before all was drained\n", by);
    _exit(EXIT_CUT_SHORT);
}

void host_end(struct host *host, const char *by)
{
    if (host->ending)
        host_end_now(by);
    host->ending = true;
    host->asked_us = tocsin_now();
    notify_stopping(by);
    tocsin_emit(host->draining, TOCSIN_PAYLOAD(host_draining, .by = by));
    tocsin_stop(0);
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    host_end(arg, info->name);
    return TOCSIN_NEXT;
}

static int drain(struct host *host)
{
    int64_t limit_ms = host->plan->config->drain_ms, left_ms;
    int status;

    host->failed = 0;
    host->end_by_us = (host->asked_us ? host->asked_us : tocsin_now()) + limit_ms * 1000;
    guard_start();
    host_unload_all(host);
    left_ms = (host->end_by_us - tocsin_now()) / 1000;
    threads_end(host, NULL, left_ms > 0 ? left_ms : 0);
    tocsin_drain(left_ms > 0 ? left_ms : 0);
    status = tocsin_run();
    actions_listen(host, NULL);
    if (status == -ETIMEDOUT)
        host_failed(host, "not all has ended in drain_ms = %lld", (long long)limit_ms);
    return host->failed ? EXIT_CUT_SHORT : EXIT_FINE;
}

/* Reading the file again */

static void say_ready(const struct host *host, const char *error)
{
    unsigned plugins = host_plugins(), loops = threads_count(host);
    char text[512];

    snprintf(text, sizeof text, "%u plugin%s on %u loop%s%s%s", plugins, plural(plugins), loops, plural(loops), error ? "; " : "", error ? error : "");
    notify_ready(text);
}

static bool path_same(const struct host *host, const struct config *config)
{
    return strcmp(host->path ? host->path : "", config->path ? config->path : "") == 0;
}

static void reload(struct host *host)
{
    struct config *config = config_read(host->file);
    struct plan *plan = config->errors ? NULL : plan_make(config);
    char *error = NULL;

    if (plan && !path_same(host, config))
        config_wrong(config, 0, "the path cannot change while it runs");
    if (config->errors) {
        error = must_copy(config->error);
        fputs("tocsin: nothing has changed\n", stderr);
        if (plan)
            plan_free(plan);
        else
            config_free(config);
    } else {
        host_apply(host, plan);
        error = host->failed ? must_format("%u thing%s could not be applied", host->failed, plural(host->failed)) : NULL;
    }
    tocsin_emit(host->reloaded, TOCSIN_PAYLOAD(host_reloaded, .plugins = host_plugins(), .loops = threads_count(host), .failed = host->failed, .error = error));
    say_ready(host, error);
    free(error);
}

/* A fiber: it waits for plugins to go while the main loop goes on. */
static int reload_task(void *arg)
{
    struct host *host = arg;

    do {
        host->again = false;
        notify_reloading();
        reload(host);
    } while (host->again && !host->ending);
    host->reloading = false;
    return 0;
}

static int on_hup(const struct tocsin_info *info, void *arg)
{
    struct host *host = arg;
    int err;

    (void)info;
    if (host->ending)
        return TOCSIN_NEXT;
    if (host->reloading || !host->plan) {
        host->again = true;
        return TOCSIN_NEXT;
    }
    err = tocsin_spawn(reload_task, host, NULL, NULL);
    host->reloading = err == 0;
    return err;
}

/* The beginning */

static int connect_signals(struct host *host)
{
    const struct tocsin_action end = { .fn = on_end, .arg = host, .priority = 32767 };
    int err = tocsin_connect("os.sigterm, os.sigint", &end, NULL);

    if (err >= 0)
        err = tocsin_on("os.sighup", on_hup, host);
    return err < 0 ? err : guard_begin();
}

/* Before there is another thread: nobody reads the environment meanwhile. */
static void path_set(const struct config *config)
{
    const char *before = getenv("TOCSIN_PLUGIN_PATH");
    char *path;

    if (!config->path || !*config->path)
        return;
    path = must_format("%s%s%s", config->path, before && *before ? ":" : "", before ? before : "");
    setenv("TOCSIN_PLUGIN_PATH", path, 1);
    free(path);
}

static struct plan *plan_of(const char *file)
{
    struct config *config = config_read(file);
    struct plan *plan;

    if (!config->errors)
        path_set(config);
    plan = config->errors ? NULL : plan_make(config);
    if (!config->errors)
        return plan;
    if (plan)
        plan_free(plan);
    else
        config_free(config);
    return NULL;
}

static int serve(struct host *host)
{
    if (host->again)
        on_hup(NULL, host);
    tocsin_emit(host->started, TOCSIN_PAYLOAD(host_started, .plugins = host_plugins(), .loops = threads_count(host)));
    say_ready(host, NULL);
    tocsin_run();
    if (!host->ending)
        host_end(host, "the main loop, which was stopped");
    while (host->reloading && tocsin_turn(-1) >= 0)
        ;
    return drain(host);
}

static int begin(struct host *host, struct plan *plan)
{
    int status, err = host_declare(host);

    host->path = must_copy(plan->config->path);
    if (err >= 0)
        err = connect_signals(host);
    if (err < 0) {
        fprintf(stderr, "tocsin: it cannot begin: %s\n", tocsin_strerror(err));
        plan_free(plan);
        free(host->path);
        return EXIT_BAD;
    }
    host_apply(host, plan);
    if (host->failed) {
        host->ending = true;
        notify_stopping("it could not begin");
        drain(host);
        status = EXIT_BAD;
    } else {
        status = serve(host);
    }
    plan_free(host->plan);
    free(host->path);
    return status;
}

static int check(const struct plan *plan, const char *file)
{
    unsigned loops = 1;

    for (size_t i = 0; i < plan->config->count; i++)
        loops += plan->config->sections[i].kind == SECTION_LOOP;
    printf("%s: good, %zu plugin%s on %u loop%s\n", file ? file : "the default", plan->count, plural(plan->count), loops, plural(loops));
    return printed(EXIT_FINE);
}

static int run(int argc, char *argv[])
{
    struct host host = { .failed = 0 };
    const char *option, *file = NULL;
    bool checks = false;
    struct plan *plan;
    int at = 0, status;

    while (at < argc) {
        option = option_take(&command_run, &at, argc, argv);
        if (!option && at < argc && file)
            misused(&command_run, "one file, and not '%s' as well", argv[at]);
        if (!option && at < argc)
            file = argv[at++];
        if (option && strcmp(option, "--default") == 0)
            return default_print();
        checks |= option && strcmp(option, "--check") == 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    plan = plan_of(file);
    if (!plan)
        return EXIT_BAD;
    if (checks) {
        status = check(plan, file);
        plan_free(plan);
        return status;
    }
    host.file = file;
    status = begin(&host, plan);
    guard_end();
    tocsin_free();
    return printed(status);
}
