/* The state of "tocsin run", and its end. The main thread reads files, compares them, and requests
   changes. Each [loop] of the file has a thread of its own. */
#ifndef TOOLS_HOST_H
#define TOOLS_HOST_H

#include <pthread.h>
#include <tocsin.h>

#include "config/keys.h"
#include "plan.h"

/* The signals that the host declares. */
#define HOST_STARTED(F) F(u32, plugins) F(u32, loops)
#define HOST_RELOADED(F) F(u32, plugins) F(u32, loops) F(u32, failed) F(string, error)
#define HOST_TICKED(F) F(u64, count)
#define HOST_DRAINING(F) F(string, by)
TOCSIN_LAYOUT(host_started, HOST_STARTED);
TOCSIN_LAYOUT(host_reloaded, HOST_RELOADED);
TOCSIN_LAYOUT(host_ticked, HOST_TICKED);
TOCSIN_LAYOUT(host_draining, HOST_DRAINING);

struct host;

struct thread;

struct act { /* an entry of [actions] that is in force */
    struct act *next;
    struct host *host;
    char *pattern;
    enum action action;
    struct tocsin_handler handler;
};

struct known { /* a plugin that is loaded, and how it was loaded */
    struct known *next;
    char *name, *loop, *settings_text;
    struct stamp stamp; /* the version of the plugin's file */
};

struct host {
    const char *file;
    char *path; /* set at the start of the program, and never changed */
    struct plan *plan;
    struct thread *threads;
    struct act *acts;
    struct known *known;
    struct tocsin_op tick;
    int64_t tick_ms;
    int64_t asked_us;  /* the time when the end was requested; 0 means that it was not requested */
    int64_t end_by_us; /* the time when the drain times out */
    uint64_t ticks;
    unsigned failed; /* the number of changes of the current reload that could not be applied */
    bool ending, reloading;
    /* true if another reload was requested while one was running */
    bool again;
    int started, reloaded, ticked, draining; /* the numbers of the host's signals */
};

/* Prints an error, and counts the error in host->failed. */
void host_failed(struct host *host, const char *format, ...) __attribute__((format(printf, 2, 3)));
void host_watch_forks(void);
/* Ends the process if it is a child that a plugin has forked. */
void host_leave_child(void);
/* Requests the end of the program, which then drains. Only the first call has an effect. The
 * parameter `by` says what requested the end. */
void host_end(struct host *host, const char *by);
/* Does the same as host_end(), for a request that did not come from a signal. The next SIGTERM then
 * counts as a second request. */
void host_end_unasked(struct host *host, const char *by);
_Noreturn void host_end_now(const char *by); /* can be called on any thread */
/* Unloads all plugins, ends all loops and drains. Returns the exit status of the program. */
int host_drain(struct host *host);
/* requests that the host reads the file again */
void host_reload(struct host *host);
/* tells systemd that the host is ready */
void host_notify_ready(const struct host *host, const char *error);

#endif
