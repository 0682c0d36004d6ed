/* The command "tocsin run": starts what the file lists, runs until the end is requested, and then
   drains. */
#define _GNU_SOURCE /* makes the headers declare setenv() */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "apply.h"
#include "catalogue.h"
#include "config/default.h"
#include "guard.h"
#include "host.h"
#include "mem.h"
#include "notify.h"
#include "print/plain.h"
#include "print/say.h"
#include "threads.h"
#include "usage.h"

static int run(int argc, char *argv[]);

const struct command command_run = {
    "run",
    "run [--check | --default] [FILE]",
    "Runs the loops and plugins that an INI file lists, with their settings, actions and limits. "
    "Without a file, runs a built-in default that emits host.ticked every second.\n"
    "      SIGHUP reads the file again and applies the changes. SIGTERM drains and exits; a second "
    "SIGTERM exits at once.",
    "  --check    check the file and its plugins, start nothing\n"
    "  --default  print the built-in default file\n",
    (const char *const[]){ "--check", "--default", "--help", "--version", NULL },
    run,
};

/* Sets the search path in the environment. This must be done before the first thread is created,
   because another thread could read the environment. */
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

/* Reads and checks the file. Returns NULL if there were errors, which were printed. */
static struct plan *plan_read(const char *file, bool checks)
{
    struct config *config = config_read(file);
    struct plan *plan;

    if (!config->errors)
        path_set(config);
    plan = config->errors ? NULL : plan_make(config);
    if (!config->errors)
        catalogue_actions(plan->catalogue, config, checks);
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
        host_reload(host);
    tocsin_emit(host->started, TOCSIN_PAYLOAD(host_started, .plugins = host_plugins(),
                                              .loops = threads_count(host)));
    host_notify_ready(host, NULL);
    tocsin_run();
    host_end_unasked(host, "loop main, because it was stopped");
    while (host->reloading && tocsin_loop_turn(-1) >= 0)
        ;
    return host_drain(host);
}

static int start(struct host *host, struct plan *plan)
{
    int status, err;

    host_watch_forks();
    host->path = must_copy(plan->config->path);
    err = tocsin_loop_turn(0); /* this turn creates the main loop, which must be the first loop */
    if (err >= 0)
        err = tocsin_loop_name("main");
    if (err >= 0)
        err = guard_begin(host);
    if (err < 0) {
        say("cannot start: %s", tocsin_strerror(err));
        plan_free(plan);
        free(host->path);
        return EXIT_BAD;
    }
    host_apply(host, plan);
    host_leave_child();
    if (host->failed) {
        host->ending = true;
        notify_stopping("startup failed");
        host_drain(host);
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
    file = file ? file : "the built-in default";
    print_plain(stdout, file, strlen(file));
    printf(": valid, %zu plugin%s on %u loop%s\n", plan->count, plural(plan->count), loops,
           plural(loops));
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
            misused(&command_run, "only one FILE is allowed: remove '%s'", argv[at]);
        if (!option && at < argc)
            file = argv[at++];
        if (option && strcmp(option, "--default") == 0)
            return default_print();
        checks |= option && strcmp(option, "--check") == 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* Declare the host's signals before plugins are checked, because plugins may consume them. */
    if (host_declare(&host) < 0)
        return say("cannot start: %s", tocsin_strerror(-ENOMEM)), EXIT_BAD;
    plan = plan_read(file, checks);
    if (!plan)
        return EXIT_BAD;
    if (checks) {
        status = check(plan, file);
        plan_free(plan);
        return status;
    }
    host.file = file;
    status = start(&host, plan);
    guard_end();
    tocsin_loop_free();
    return printed(status);
}
