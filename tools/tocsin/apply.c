/* From what runs to what the file says: what has to go goes, what is new comes, what has changed is reloaded. What runs is asked of the library, each time anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "mem.h"

enum { INSTANT_MS = 100 };

/* What became of a change is told to its notify: a wait answers the status alone, and not what holds the plugin. */
struct told { struct tocsin_op done; char reason[512]; };

static int on_told(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_plugin_unloaded *unloaded = tocsin_plugin_unloaded_of(info);
    const struct tocsin_plugin_reloaded *reloaded = tocsin_plugin_reloaded_of(info);
    const char *reason = unloaded ? unloaded->reason : reloaded ? reloaded->reason : NULL;
    struct told *told = arg;

    snprintf(told->reason, sizeof told->reason, "%s", reason && *reason ? reason : tocsin_strerror(info->status));
    return tocsin_op_complete(told->done, info->status < 0 ? info->status : 0, NULL);
}

/* err: of what was to tell it. */
static int told_wait(struct told *told, int err)
{
    if (err == 0)
        return tocsin_wait(told->done, -1, NULL);
    snprintf(told->reason, sizeof told->reason, "%s", tocsin_strerror(err));
    promise_drop(told->done);
    return err;
}

static int unload(struct host *host, const char *name, int64_t limit_ms)
{
    struct told told = { .reason = "" };
    struct tocsin_op op;
    int err = tocsin_op_new(NULL, TOCSIN_FUTURE, &told.done);

    if (err == 0)
        err = tocsin_plugin_unload(name, TOCSIN_CALL(on_told, &told), &op);
    if (err == 0)
        tocsin_deadline(op, limit_ms);
    err = told_wait(&told, err);
    if (err < 0)
        host_failed(host, "plugin %s does not go: %s", name, told.reason);
    return err;
}

static int reload(struct host *host, const char *name, char *const *settings, int64_t limit_ms)
{
    struct told told = { .reason = "" };
    struct tocsin_op op;
    int err = tocsin_op_new(NULL, TOCSIN_FUTURE, &told.done);

    if (err == 0)
        err = tocsin_plugin_reload(name, (const char *const *)settings, TOCSIN_CALL(on_told, &told), &op);
    if (err == 0)
        tocsin_deadline(op, limit_ms);
    err = told_wait(&told, err);
    if (err < 0)
        host_failed(host, "plugin %s is not reloaded, the old one goes on: %s", name, told.reason);
    return err;
}

/* On the plugin's loop; the reason is that thread's. */
struct load { const struct wanted *wanted; char reason[512]; };

static int load_there(void *arg)
{
    struct load *load = arg;
    int err = tocsin_plugin_load(load->wanted->what, (const char *const *)load->wanted->settings);

    snprintf(load->reason, sizeof load->reason, "%s", err < 0 ? tocsin_plugin_reason() : "");
    return err < 0 ? err : 0;
}

/* What is known of those that are loaded */

static struct known *known_of(struct host *host, const char *name)
{
    struct known *known = host->known;

    while (known && strcmp(known->name, name) != 0)
        known = known->next;
    return known;
}

/* The texts may be those that are known already. */
static void known_set(struct host *host, const char *name, const char *loop, const char *said, const struct stamp *stamp)
{
    struct known *known = known_of(host, name);
    char *old_loop = known ? known->loop : NULL, *old_said = known ? known->said : NULL;

    if (!known) {
        known = must_alloc(sizeof *known);
        known->name = must_copy(name);
        known->next = host->known;
        host->known = known;
    }
    known->loop = must_copy(loop);
    known->said = must_copy(said);
    known->stamp = *stamp;
    free(old_loop);
    free(old_said);
}

static void known_drop(struct host *host, struct known *dropped)
{
    struct known **link = &host->known;

    while (*link != dropped)
        link = &(*link)->next;
    *link = dropped->next;
    free(dropped->name);
    free(dropped->loop);
    free(dropped->said);
    free(dropped);
}

static bool loaded_get(const char *name, struct tocsin_plugin_facts *ret_facts)
{
    for (const char *after = NULL; tocsin_plugin_next(after, ret_facts) == 0; after = ret_facts->name)
        if (strcmp(ret_facts->name, name) == 0)
            return true;
    return false;
}

unsigned host_plugins(void)
{
    struct tocsin_plugin_facts facts;
    unsigned count = 0;

    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        count++;
    return count;
}

/* Those that go with another are forgotten, those that came with another become known: on its loop. */
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
        if (!known_of(host, facts.name)) {
            struct stamp stamp = stamp_of(facts.file);

            known_set(host, facts.name, loop, "", &stamp);
        }
}

/* What goes */

static bool is_needed(const struct plan *plan, const char *name)
{
    struct tocsin_plugin_facts facts;

    for (size_t i = 0; i < plan->count; i++)
        if (plan_needs(plan->wanted[i].needs, name))
            return true;
    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        if (plan_needs(facts.needs, name) && !plan_find(plan, facts.name) && is_needed(plan, facts.name))
            return true;
    return false;
}

/* One without a section of its own stays on its loop while there is that. */
static bool is_misplaced(const struct plan *plan, const struct wanted *wanted, const struct known *known)
{
    if (wanted)
        return strcmp(known->loop, wanted->loop) != 0;
    return strcmp(known->loop, "main") != 0 && !config_section(plan->config, SECTION_LOOP, known->loop);
}

/* It is not wanted any more; or it is to be on another loop, or another file's. */
static bool has_to_go(struct host *host, const struct plan *plan, const struct tocsin_plugin_facts *facts)
{
    const struct wanted *wanted = plan ? plan_find(plan, facts->name) : NULL;
    const struct known *known = known_of(host, facts->name);

    if (!plan || (!wanted && !is_needed(plan, facts->name)))
        return true;
    return (known && is_misplaced(plan, wanted, known)) || (wanted && strcmp(facts->file, wanted->file) != 0);
}

/* The one that was loaded last. tried: names, each with spaces around. */
static char *next_to_go(struct host *host, const struct plan *plan, const char *tried)
{
    struct tocsin_plugin_facts facts;
    char *name = NULL;

    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        if (!plan_needs(tried, facts.name) && has_to_go(host, plan, &facts)) {
            free(name);
            name = must_copy(facts.name);
        }
    return name;
}

/* One that does not go may have used up the time of the others: those that can go in an instant shall. */
static int64_t time_left(const struct host *host)
{
    int64_t left_ms = (host->end_by_us - tocsin_now()) / 1000;

    return left_ms > INSTANT_MS ? left_ms : INSTANT_MS;
}

static void unload_those(struct host *host, const struct plan *plan)
{
    char *tried = must_copy(""), *name;

    while ((name = next_to_go(host, plan, tried)) && !(plan && host->ending)) {
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
    unload_those(host, NULL);
    while (host->known)
        known_drop(host, host->known);
}

/* What comes, what has changed */

static void bring(struct host *host, const struct wanted *wanted)
{
    const struct tocsin_loop loop = host_loop(host, wanted->loop);
    struct load load = { .wanted = wanted };
    int err = loop.id ? host_call(loop, load_there, &load) : -ESHUTDOWN;

    if (!loop.id)
        host_failed(host, "plugin %s is not loaded: the loop %s could not begin", wanted->name, wanted->loop);
    else if (err < 0)
        host_failed(host, "plugin %s is not loaded: %s", wanted->name, *load.reason ? load.reason : tocsin_strerror(err));
    else
        known_set(host, wanted->name, wanted->loop, wanted->said, &wanted->stamp);
}

static void renew(struct host *host, const struct wanted *wanted, const struct known *known, int64_t limit_ms)
{
    bool resets = strcmp(known->said, wanted->said) != 0;

    if (!resets && stamp_same(&known->stamp, &wanted->stamp))
        return;
    if (reload(host, wanted->name, resets ? wanted->settings : NULL, limit_ms) == 0)
        known_set(host, wanted->name, wanted->loop, wanted->said, &wanted->stamp);
}

static void load_those(struct host *host, const struct plan *plan)
{
    struct tocsin_plugin_facts facts;

    for (size_t i = 0; i < plan->count && !host->ending; i++) {
        const struct wanted *wanted = &plan->wanted[i];

        if (loaded_get(wanted->name, &facts))
            renew(host, wanted, known_of(host, wanted->name), plan->config->drain_ms);
        else
            bring(host, wanted);
        known_refresh(host, wanted->loop);
    }
}

/* Those that are there because others need them have no section. */
static void renew_needed(struct host *host, const struct plan *plan)
{
    struct tocsin_plugin_facts facts;

    for (struct known *known = host->known; known && !host->ending; known = known->next) {
        struct stamp stamp;

        if (plan_find(plan, known->name) || !loaded_get(known->name, &facts))
            continue;
        stamp = stamp_of(facts.file);
        if ((!stamp_same(&stamp, &known->stamp) || *known->said) && reload(host, known->name, *known->said ? (char *[]){ NULL } : NULL, plan->config->drain_ms) == 0)
            known_set(host, known->name, known->loop, "", &stamp);
    }
}

/* Limits: before anything is loaded, so that they hold for an init */

static void limit_set(struct host *host, const struct config *config, const struct section *section, bool lifts)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct entry *entry = &section->entries[i];
        int limit = limit_of(entry->key);
        int err = limit >= LIMIT_FAULTS ? 0 : tocsin_owner_limit(section->name, (enum tocsin_holding)limit, lifts ? UINT64_MAX : strtoull(entry->value, NULL, 10));

        if (err < 0 && !lifts)
            host_failed(host, "%s:%d: %s of %s: %s", config->file, entry->line, entry->key, section->name, tocsin_strerror(err));
    }
}

static uint32_t borne(const struct section *section, const char *key, uint32_t otherwise)
{
    const char *value = section_get(section, key);

    return value ? (uint32_t)strtoul(value, NULL, 10) : otherwise;
}

static void patience_set(const struct section *section, bool lifts)
{
    bool program = strcmp(section->name, "program") == 0;
    uint32_t faults = program ? 0 : TOCSIN_FAULTS, stalls = program ? 0 : TOCSIN_STALLS;

    if (lifts)
        tocsin_owner_patience(section->name, faults, stalls);
    else
        tocsin_owner_patience(section->name, borne(section, "faults", faults), borne(section, "stalls", stalls));
}

static void limits_apply(struct host *host, const struct plan *plan, bool lifts)
{
    for (size_t i = 0; plan && i < plan->config->count; i++)
        if (plan->config->sections[i].kind == SECTION_LIMITS) {
            limit_set(host, plan->config, &plan->config->sections[i], lifts);
            patience_set(&plan->config->sections[i], lifts);
        }
}

/* The watchdog: a plugin whose init blocks is to be named as well */

static int watch(void *limit_ms)
{
    return tocsin_watchdog(*(int64_t *)limit_ms);
}

static void watchdog_apply(struct host *host, int64_t limit_ms)
{
    int err = host_call_all(host, watch, &limit_ms);

    if (err < 0)
        host_failed(host, "watchdog_ms: %s", tocsin_strerror(err));
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
        host_failed(host, "tick_ms: %s", tocsin_strerror(err));
}

void host_apply(struct host *host, struct plan *plan)
{
    struct plan *before = host->plan;

    host->failed = 0;
    guard_limit(plan->config->drain_ms);
    actions_listen(host, plan);
    threads_begin(host, plan);
    watchdog_apply(host, plan->config->watchdog_ms);
    limits_apply(host, before, true);
    limits_apply(host, plan, false);
    unload_those(host, plan);
    load_those(host, plan);
    renew_needed(host, plan);
    threads_end(host, plan, plan->config->drain_ms);
    actions_ignore(host, plan);
    tick_apply(host, plan->config->tick_ms);
    host->plan = plan;
    plan_free(before);
}
