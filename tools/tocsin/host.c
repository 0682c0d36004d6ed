/* The running host: functions for its end, for its reloads, and for children that plugins fork. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/watchdog.h>

#include "actions.h"
#include "apply.h"
#include "catalogue.h"
#include "guard.h"
#include "host.h"
#include "mem.h"
#include "notify.h"
#include "print/say.h"
#include "threads.h"
#include "usage.h"

/* Functions against forks of plugins. A child that a plugin has forked may return into the host.
 * Then the host ends the child. */

static pid_t host_pid;
static char forked_by[LINE_MOST / 2];

static void on_fork_child(void)
{
    tocsin_still_running(forked_by, sizeof forked_by);
}

void host_watch_forks(void)
{
    host_pid = getpid();
    pthread_atfork(NULL, NULL, on_fork_child);
}

void host_leave_child(void)
{
    if (!host_pid || getpid() == host_pid)
        return;
    say("%s called fork in process %d; the child %d has returned to the host: ending the child",
        *forked_by ? forked_by : "an unknown thread", (int)host_pid, (int)getpid());
    _exit(EXIT_CUT_SHORT);
}

void host_failed(struct host *host, const char *format, ...)
{
    char text[LINE_MOST];
    va_list args;

    host_leave_child();
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("%s", text);
    host->failed++;
}

/* The end */

/* Ends the program without calling the fini of the plugins. If two threads call this function, the
   second thread waits until the first has ended the program. */
void host_end_now(const char *by)
{
    static atomic_flag is_ending = ATOMIC_FLAG_INIT;
    char runs[LINE_MOST / 2];

    while (atomic_flag_test_and_set(&is_ending))
        pause();
    tocsin_still_running(runs, sizeof runs);
    say("%s: exiting before everything is drained%s%s", by, *runs ? ": still running: " : "", runs);
    _exit(EXIT_CUT_SHORT);
}

void host_end(struct host *host, const char *by)
{
    host_leave_child();
    if (host->ending)
        return;
    host->ending = true;
    host->asked_us = tocsin_now();
    guard_start();
    notify_stopping(by);
    tocsin_emit(host->draining, TOCSIN_PAYLOAD(host_draining, .by = by));
    tocsin_stop(0);
}

void host_end_unasked(struct host *host, const char *by)
{
    if (!host->ending)
        guard_asked();
    host_end(host, by);
}

/* Records which operations still run, shortly before drain_ms is over. After drain_ms everything is
   cancelled. The timer is a background operation, so tocsin_drain() does not wait for the timer. */
static char still_running[LINE_MOST / 2];

static int on_nearly_over(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    tocsin_still_running(still_running, sizeof still_running);
    return TOCSIN_NEXT;
}

static void drain_main_loop(int64_t left_ms)
{
    const struct tocsin_notify notify = { .mode = TOCSIN_AT_END | TOCSIN_BACKGROUND,
                                          .fn = on_nearly_over };

    tocsin_timer(left_ms > 1 ? left_ms - 1 : 0, &notify, NULL);
    tocsin_drain(left_ms > 0 ? left_ms : 0);
}

int host_drain(struct host *host)
{
    int64_t limit_ms = host->plan->config->drain_ms, left_ms;
    int status;

    host->failed = 0;
    host->end_by_us = (host->asked_us ? host->asked_us : tocsin_now()) + limit_ms * 1000;
    guard_start();
    host_unload_all(host);
    left_ms = (host->end_by_us - tocsin_now()) / 1000;
    threads_end(host, NULL, left_ms > 0 ? left_ms : 0);
    drain_main_loop(left_ms);
    status = tocsin_run();
    actions_listen(host, NULL);
    if (status == -ETIMEDOUT)
        host_failed(host, "drain timed out after %lld ms%s%s", (long long)limit_ms,
                    *still_running ? ": still running: " : "", still_running);
    return host->failed ? EXIT_CUT_SHORT : EXIT_FINE;
}

/* Reload */

void host_notify_ready(const struct host *host, const char *error)
{
    unsigned plugins = host_plugins(), loops = threads_count(host);
    char text[512];

    snprintf(text, sizeof text, "%u plugin%s on %u loop%s%s%s", plugins, plural(plugins), loops,
             plural(loops), error ? "; " : "", error ? error : "");
    notify_ready(text);
}

static bool is_path_same(const struct host *host, const struct config *config)
{
    return strcmp(host->path ? host->path : "", config->path ? config->path : "") == 0;
}

static void reload(struct host *host)
{
    struct config *config = config_read(host->file);
    struct plan *plan = config->errors ? NULL : plan_make(config);
    char *error = NULL;

    host->failed = 0;
    if (plan && !is_path_same(host, config))
        config_wrong(config, 0, "path cannot change while the program runs: restart it");
    if (!config->errors)
        catalogue_actions(plan->catalogue, config, false);
    if (config->errors) {
        error = must_copy(config->error);
        say("reload failed, nothing has changed: correct the file and send SIGHUP again");
        if (plan)
            plan_free(plan);
        else
            config_free(config);
    } else {
        host_apply(host, plan);
        error = host->failed ? must_format("%u change%s could not be applied", host->failed,
                                           plural(host->failed))
                             : NULL;
    }
    tocsin_emit(host->reloaded, TOCSIN_PAYLOAD(host_reloaded, .plugins = host_plugins(),
                                               .loops = threads_count(host), .failed = host->failed,
                                               .error = error));
    host_notify_ready(host, error);
    free(error);
}

/* Reloads the file. This function runs on a fiber. So it can wait for plugins to be unloaded while
   the main loop runs. */
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

void host_reload(struct host *host)
{
    int err;

    if (host->ending)
        return;
    if (host->reloading || !host->plan) {
        host->again = true;
        return;
    }
    err = tocsin_spawn(reload_task, host, &(const struct tocsin_notify){ .mode = TOCSIN_NO_INJECT },
                       NULL);
    host->reloading = err == 0;
    if (err < 0)
        say("cannot reload the file: %s", tocsin_strerror(err));
}
