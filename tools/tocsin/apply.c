/* Changes the running host to the state that the plan describes. It unloads plugins that are not
   listed, loads new plugins, and reloads plugins that have changed. Each time, the library is asked
   which plugins are loaded. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/host.h>
#include <tocsin/watchdog.h>

#include "actions.h"
#include "apply.h"
#include "guard.h"
#include "mem.h"
#include "threads.h"

enum { INSTANT_MS = 100 };

static bool loaded_get(const char *name, struct tocsin_plugin_facts *ret_facts)
{
    for (const char *after = NULL; tocsin_plugin_next(after, ret_facts) == 0;
         after = ret_facts->name)
        if (strcmp(ret_facts->name, name) == 0)
            return true;
    return false;
}

/* Functions that wait for a change of a plugin. The notify of each change stores the result,
   because tocsin_wait() returns no reason. */

static int on_changed(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_plugin_unloaded *unloaded = tocsin_plugin_unloaded_of(info);
    const struct tocsin_plugin_reloaded *reloaded = tocsin_plugin_reloaded_of(info);
    const char *reason = unloaded ? unloaded->reason : reloaded ? reloaded->reason : NULL;
    struct promise *promise = arg;

    snprintf(promise->reason, sizeof promise->reason, "%s",
             reason && *reason ? reason : tocsin_strerror(info->status));
    promise_keep(promise, info->status < 0 ? info->status : 0);
    return TOCSIN_NEXT;
}

/* Waits for a change. The wait has no time limit, because each change has its own deadline. If the
   wait itself fails, the result is unknown. */
static int change_wait(struct promise *promise, char *reason)
{
    bool kept = promise_wait(promise, -1);
    int err = kept ? promise->result : -ECANCELED;

    snprintf(reason, sizeof promise->reason, "%s", kept ? promise->reason : tocsin_strerror(err));
    promise_put(promise);
    return err;
}

/* Reports a change that could not be started, and its cause `err`. */
static int change_refused(struct promise *promise, int err, char *reason)
{
    snprintf(reason, sizeof promise->reason, "%s", tocsin_strerror(err));
    if (promise) {
        promise_keep(promise, err);
        promise_put(promise);
    }
    return err;
}

/* Sets the deadline of a change. If the deadline cannot be set, the library's own deadline remains.
   -EALREADY and -ENOENT mean that the change has ended. */
static void change_limit(struct host *host, const char *name, struct tocsin_op op, int64_t limit_ms)
{
    int err = tocsin_op_deadline(op, limit_ms);

    if (err < 0 && err != -EALREADY && err != -ENOENT)
        host_failed(host, "cannot set the deadline of plugin %s to %lld ms: %s", name,
                    (long long)limit_ms, tocsin_strerror(err));
}

static int unload(struct host *host, const char *name, int64_t limit_ms)
{
    char reason[sizeof((struct promise *)0)->reason];
    struct tocsin_op op;
    int err;
    struct promise *promise = promise_new(&err);

    if (promise)
        err = tocsin_plugin_unload(name, HOST_CALL(on_changed, promise), &op);
    if (err == 0) {
        change_limit(host, name, op, limit_ms);
        err = change_wait(promise, reason);
    } else {
        change_refused(promise, err, reason);
    }
    if (err < 0)
        host_failed(host, "cannot unload plugin %s: %s", name, reason);
    return err;
}

static int reload(struct host *host, const char *name, char *const *settings, int64_t limit_ms)
{
    struct tocsin_plugin_facts facts;
    char reason[sizeof((struct promise *)0)->reason];
    struct tocsin_op op;
    int err;
    struct promise *promise = promise_new(&err);

    if (promise)
        err = tocsin_plugin_reload(name, (const char *const *)settings,
                                   HOST_CALL(on_changed, promise), &op);
    if (err == 0) {
        change_limit(host, name, op, limit_ms);
        err = change_wait(promise, reason);
    } else {
        change_refused(promise, err, reason);
    }
    if (err < 0)
        host_failed(host, "cannot reload plugin %s: %s%s", name, reason,
                    loaded_get(name, &facts) ? "; the old version keeps running" : "");
    return err;
}

/* This function is called on the loop of the plugin. */
static int on_load(void *arg)
{
    const struct wanted *wanted = arg;
    int err = tocsin_plugin_load(wanted->what, (const char *const *)wanted->settings);

    return err < 0 ? err : 0;
}

/* Functions for the records of loaded plugins */

static struct known *known_find(struct host *host, const char *name)
{
    struct known *known = host->known;

    while (known && strcmp(known->name, name) != 0)
        known = known->next;
    return known;
}

/* Creates or replaces the record of the plugin. The arguments may point into the old record. */
static void known_set(struct host *host, const char *name, const char *loop, const char *settings,
                      const struct stamp *stamp)
{
    struct known *known = known_find(host, name);
    char *old_loop = known ? known->loop : NULL,
         *old_settings = known ? known->settings_text : NULL;

    if (!known) {
        known = must_alloc(sizeof *known);
        known->name = must_copy(name);
        known->next = host->known;
        host->known = known;
    }
    known->loop = must_copy(loop);
    known->settings_text = must_copy(settings);
    known->stamp = *stamp;
    free(old_loop);
    free(old_settings);
}

static void known_drop(struct host *host, struct known *dropped)
{
    struct known **link = &host->known;

    while (*link != dropped)
        link = &(*link)->next;
    *link = dropped->next;
    free(dropped->name);
    free(dropped->loop);
    free(dropped->settings_text);
    free(dropped);
}

unsigned host_plugins(void)
{
    struct tocsin_plugin_facts facts;
    unsigned count = 0;

    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        count++;
    return count;
}

/* Drops the records of plugins that were unloaded together with another plugin. Also adds records
 * of plugins that were loaded because another plugin needs them. They run on the loop of the plugin
 * that needs them. */
static void known_refresh(struct host *host, const char *loop)
{
    struct tocsin_plugin_facts facts;
    struct known *next;

    for (struct known *known = host->known; known; known = next) {
        next = known->next;
        if (!loaded_get(known->name, &facts))
            known_drop(host, known);
    }
    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        if (!known_find(host, facts.name)) {
            struct stamp stamp = stamp_of(facts.file);

            known_set(host, facts.name, loop, "", &stamp);
        }
}

/* Unloading */

static bool is_needed(const struct plan *plan, const char *name)
{
    struct tocsin_plugin_facts facts;

    for (size_t i = 0; i < plan->count; i++)
        if (plan_needs(plan->wanted[i].needs, name))
            return true;
    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        if (plan_needs(facts.needs, name) && !plan_find(plan, facts.name) &&
            is_needed(plan, facts.name))
            return true;
    return false;
}

/* Returns true if the plugin is loaded on the wrong loop. A plugin without a section stays on its
   loop as long as the loop exists. */
static bool is_misplaced(const struct plan *plan, const struct wanted *wanted,
                         const struct known *known)
{
    if (wanted)
        return strcmp(known->loop, wanted->loop) != 0;
    return strcmp(known->loop, "main") != 0 &&
           !config_section(plan->config, SECTION_LOOP, known->loop);
}

/* Returns true if the plan does not need the plugin, or wants it on another loop or from another
   file. */
static bool must_unload(struct host *host, const struct plan *plan,
                        const struct tocsin_plugin_facts *facts)
{
    const struct wanted *wanted = plan ? plan_find(plan, facts->name) : NULL;
    const struct known *known = known_find(host, facts->name);

    if (!plan || (!wanted && !is_needed(plan, facts->name)))
        return true;
    return (known && is_misplaced(plan, wanted, known)) ||
           (wanted && strcmp(facts->file, wanted->file) != 0);
}

/* Returns the plugin that must be unloaded next, which is the one that was loaded last. The plugins
 * in `tried`, a list of names separated by spaces, are skipped. */
static char *next_to_unload(struct host *host, const struct plan *plan, const char *tried)
{
    struct tocsin_plugin_facts facts;
    char *name = NULL;

    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        if (!plan_needs(tried, facts.name) && must_unload(host, plan, &facts)) {
            free(name);
            name = must_copy(facts.name);
        }
    return name;
}

/* Returns the time left for a change. If one plugin used up all the time, each other plugin
   still gets INSTANT_MS. */
static int64_t time_left(const struct host *host)
{
    int64_t left_ms = (host->end_by_us - tocsin_now()) / 1000;

    return left_ms > INSTANT_MS ? left_ms : INSTANT_MS;
}

static void unload_unlisted(struct host *host, const struct plan *plan)
{
    char *tried = must_copy(""), *name;

    while ((name = next_to_unload(host, plan, tried)) && !(plan && host->ending)) {
        char *longer = must_format("%s %s", tried, name);

        unload(host, name, plan ? plan->config->drain_ms : time_left(host));
        free(name);
        free(tried);
        tried = longer;
    }
    free(name);
    free(tried);
    known_refresh(host, "main");
}

void host_unload_all(struct host *host)
{
    unload_unlisted(host, NULL);
    while (host->known)
        known_drop(host, host->known);
}

/* Loading and reloading */

static void load(struct host *host, const struct wanted *wanted)
{
    const struct tocsin_loop loop = host_loop(host, wanted->loop);
    char reason[sizeof((struct promise *)0)->reason] = "";
    int err = loop.id ? host_call(loop, (struct call){ on_load, (void *)wanted, NULL }, -1, reason)
                      : -ESHUTDOWN;

    if (!loop.id)
        host_failed(host, "cannot load plugin %s: there is no loop %s", wanted->name, wanted->loop);
    else if (err < 0)
        host_failed(host, "cannot load plugin %s: %s", wanted->name,
                    *reason ? reason : tocsin_strerror(err));
    else
        known_set(host, wanted->name, wanted->loop, wanted->settings_text, &wanted->stamp);
}

static void reload_if_changed(struct host *host, const struct wanted *wanted,
                              const struct known *known, int64_t limit_ms)
{
    bool resets = strcmp(known->settings_text, wanted->settings_text) != 0;

    if (!resets && stamp_same(&known->stamp, &wanted->stamp))
        return;
    if (reload(host, wanted->name, resets ? wanted->settings : NULL, limit_ms) == 0)
        known_set(host, wanted->name, wanted->loop, wanted->settings_text, &wanted->stamp);
}

static void load_listed(struct host *host, const struct plan *plan)
{
    struct tocsin_plugin_facts facts;

    for (size_t i = 0; i < plan->count && !host->ending; i++) {
        const struct wanted *wanted = &plan->wanted[i];

        if (loaded_get(wanted->name, &facts))
            reload_if_changed(host, wanted, known_find(host, wanted->name), plan->config->drain_ms);
        else
            load(host, wanted);
        known_refresh(host, wanted->loop);
    }
}

/* Reloads the changed plugins that have no section. Such plugins are loaded because other plugins
   need them. */
static void reload_needed(struct host *host, const struct plan *plan)
{
    struct tocsin_plugin_facts facts;

    for (struct known *known = host->known; known && !host->ending; known = known->next) {
        struct stamp stamp;

        if (plan_find(plan, known->name) || !is_needed(plan, known->name) ||
            !loaded_get(known->name, &facts))
            continue; /* a plugin that could not be unloaded is left as it is */
        stamp = stamp_of(facts.file);
        if ((!stamp_same(&stamp, &known->stamp) || *known->settings_text) &&
            reload(host, known->name, *known->settings_text ? (char *[]){ NULL } : NULL,
                   plan->config->drain_ms) == 0)
            known_set(host, known->name, known->loop, "", &stamp);
    }
}

/* Functions that set the limits. Limits are set before plugins are loaded, so that they also hold
   for the init of each plugin. */

static void limit_set(struct host *host, const struct config *config, const struct section *section,
                      bool lifts)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct entry *entry = &section->entries[i];
        int limit = limit_of(entry->key);
        int err = limit >= LIMIT_FAULTS
                      ? 0
                      : tocsin_owner_limit(section->name, (enum tocsin_resource)limit,
                                           lifts ? UINT64_MAX : strtoull(entry->value, NULL, 10));

        if (err < 0 && !lifts)
            host_failed(host, "%s:%d: cannot limit %s of %s: %s", config->file, entry->line,
                        entry->key, section->name, tocsin_strerror(err));
    }
}

static uint32_t tolerance(const struct section *section, const char *key, uint32_t otherwise)
{
    const char *value = section_get(section, key);

    return value ? (uint32_t)strtoul(value, NULL, 10) : otherwise;
}

static void fault_limit_set(const struct section *section, bool lifts)
{
    bool program = strcmp(section->name, "program") == 0;
    uint32_t faults = program ? 0 : TOCSIN_FAULTS, stalls = program ? 0 : TOCSIN_STALLS;

    if (lifts)
        tocsin_owner_fault_limit(section->name, faults, stalls);
    else
        tocsin_owner_fault_limit(section->name, tolerance(section, "faults", faults),
                                 tolerance(section, "stalls", stalls));
}

static void limits_apply(struct host *host, const struct plan *plan, bool lifts)
{
    for (size_t i = 0; plan && i < plan->config->count; i++)
        if (plan->config->sections[i].kind == SECTION_LIMITS) {
            limit_set(host, plan->config, &plan->config->sections[i], lifts);
            fault_limit_set(&plan->config->sections[i], lifts);
        }
}

/* Functions that set the watchdog. It is set before plugins are loaded, so that it also notices an
   init that blocks. */

static int on_watch(void *limit_ms)
{
    return tocsin_watchdog(*(int64_t *)limit_ms);
}

static void watch_thread(struct host *host, struct thread *thread, int64_t limit_ms)
{
    int err = host_call_with(thread->loop, on_watch, &limit_ms, sizeof limit_ms);

    if (err < 0)
        host_failed(host, "cannot set watchdog_ms on loop %s: %s", thread->name,
                    tocsin_strerror(err));
    else
        thread->watchdog_ms = limit_ms;
}

/* Sets the limit of the watchdog on each loop. Loops that already have this limit, or that are
   ending, are skipped. On a loop that hangs, the call would time out. */
static void watchdog_apply(struct host *host, const struct plan *plan)
{
    int64_t limit_ms = plan->config->watchdog_ms;
    int err = tocsin_watchdog(limit_ms);

    for (struct thread *thread = host->threads; thread; thread = thread->next)
        if (!thread->leaving && thread->watchdog_ms != limit_ms &&
            config_section(plan->config, SECTION_LOOP, thread->name))
            watch_thread(host, thread, limit_ms);
    if (err < 0)
        host_failed(host, "cannot set watchdog_ms on loop main: %s", tocsin_strerror(err));
}

/* The tick */

static int on_tick(const struct tocsin_info *info, void *arg)
{
    struct host *host = arg;

    (void)info;
    host->ticks++;
    return tocsin_emit(host->ticked, TOCSIN_PAYLOAD(host_ticked, .count = host->ticks));
}

static void tick_apply(struct host *host, int64_t tick_ms)
{
    int err = 0;

    if (tick_ms == host->tick_ms)
        return;
    if (host->tick_ms)
        tocsin_cancel(host->tick);
    host->tick_ms = tick_ms;
    if (tick_ms)
        err = tocsin_every(tick_ms, TOCSIN_EACH(on_tick, host), &host->tick);
    if (err < 0)
        host_failed(host, "cannot set tick_ms: %s", tocsin_strerror(err));
}

void host_apply(struct host *host, struct plan *plan)
{
    struct plan *before = host->plan;

    host->failed = 0;
    guard_limit(plan->config->drain_ms);
    actions_listen(host, plan);
    threads_begin(host, plan);
    watchdog_apply(host, plan);
    limits_apply(host, before, true);
    limits_apply(host, plan, false);
    unload_unlisted(host, plan);
    load_listed(host, plan);
    reload_needed(host, plan);
    threads_end(host, plan, plan->config->drain_ms);
    actions_ignore(host, plan);
    tick_apply(host, plan->config->tick_ms);
    host->plan = plan;
    plan_free(before);
}
