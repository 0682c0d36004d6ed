/* A plugin's life in a test, and what of the process is not as it was. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/handler.h>
#include <tocsin/trial.h>

#include "core/mem.h"
#include "loop/engine.h"
#include "loop/watch.h"
#include "plugin/plugin.h"
#include "plugin/snapshot.h"

enum { LOOKS = 25, LOOK_AGAIN_MS = 10 };               /* a thread that was joined is in /proc for a moment more */

struct tocsin_trial {
    struct tocsin__snapshot before;
    char *name, **settings;
    char unloading[TOCSIN__OWNER_NAME];                /* the plugin that goes, and how it went */
    bool over;
    int status;
    char held[256];
};

/* What a loop opens when it first needs it is not the plugin's. */
static int warm(void)
{
    struct tocsin__engine *engine;
    struct tocsin__watch watch = { .events = 0 };
    int err = tocsin_turn(0);

    if (err >= 0)
        err = tocsin__engine_make(&engine);
    if (err == 0)
        err = tocsin__watch_open(engine, &watch, engine->wake_fd);
    if (err == 0)
        tocsin__watch_end(&watch);
    return err;
}

static void trial_free(struct tocsin_trial *trial)
{
    tocsin__snapshot_free(&trial->before);
    tocsin__settings_free(trial->settings);
    tocsin__release(trial->name);
    tocsin__release(trial);
}

static int begin(struct tocsin_trial *trial, const char *name, const char *const *settings)
{
    int err = name ? tocsin__settings_copy(settings, &trial->settings) : -EINVAL;

    if (err == 0)
        trial->name = tocsin__copy_text(name);
    if (err == 0)
        err = trial->name ? warm() : -ENOMEM;
    if (err == 0)
        err = tocsin__snapshot_take(&trial->before);
    if (err == 0)
        return tocsin_plugin_load(name, settings);
    return err;
}

int tocsin_trial_begin(const char *name, const char *const *settings, struct tocsin_trial **ret_trial)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    struct tocsin_trial *trial = reason && ret_trial ? tocsin__alloc(sizeof *trial) : NULL;
    int err = trial ? begin(trial, name, settings) : reason && !ret_trial ? -EINVAL : -ENOMEM;

    if (err == 0) {
        *ret_trial = trial;
        return 0;
    }
    if (trial)
        trial_free(trial);
    if (reason && !reason->text[0])
        tocsin__refuse(reason, err, "%s: %s", name ? name : "no name", tocsin_strerror(err));
    return err;
}

/* Unloaded */

static int on_unloaded(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_plugin_unloaded *unloaded = tocsin_plugin_unloaded_of(info);
    struct tocsin_trial *trial = arg;

    if (!unloaded || strcmp(unloaded->name, trial->unloading) != 0)
        return TOCSIN_NEXT;
    trial->over = true;
    trial->status = info->status;
    snprintf(trial->held, sizeof trial->held, "%s", unloaded->reason);
    return TOCSIN_NEXT;
}

/* One that came after the trial had begun, the last of them. */
static bool newest(struct tocsin_trial *trial)
{
    struct tocsin_plugin_facts facts;
    char line[TOCSIN__OWNER_NAME + 16];
    bool found = false;

    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name) {
        snprintf(line, sizeof line, "plugin %s", facts.name);
        if (tocsin__snapshot_has(&trial->before, line))
            continue;
        snprintf(trial->unloading, sizeof trial->unloading, "%s", facts.name);
        found = true;
    }
    return found;
}

/* Where the test has begun that, or a reload: until it is over, and then it is asked for again if it is there. */
static int unload(struct tocsin_trial *trial, int64_t timeout_ms)
{
    struct tocsin_op op;
    int err = tocsin_plugin_unload(trial->unloading, NULL, &op);

    if (err < 0)
        return err == -EALREADY ? tocsin_turn(LOOK_AGAIN_MS) : err;
    if (timeout_ms >= 0)
        tocsin_deadline(op, timeout_ms);
    trial->over = false;
    do
        err = tocsin_turn(-1);
    while (!trial->over && (err >= 0 || err == -ENOMEM));
    return trial->over ? trial->status : err;
}

static int unload_all(struct tocsin_trial *trial, int64_t timeout_ms)
{
    struct tocsin_handler handler;
    int err = tocsin_observe("plugin.unloaded", &(struct tocsin_action){ .fn = on_unloaded, .arg = trial }, &handler);

    while (err >= 0 && newest(trial))
        err = unload(trial, timeout_ms);
    tocsin_disconnect(handler);
    return err < 0 ? err : 0;
}

/* Compared */

static int compare(const struct tocsin_trial *trial, const struct tocsin__reason *reason)
{
    size_t said = strlen(reason->text);
    struct tocsin__snapshot now;
    bool differs = true;

    for (int look = 0; differs && look < LOOKS; look++) {
        int err;

        poll(NULL, 0, look ? LOOK_AGAIN_MS : 0);
        err = tocsin_turn(0);
        if (err >= 0)
            err = tocsin__snapshot_take(&now);
        if (err < 0)
            return err;
        reason->text[said] = '\0';
        differs = tocsin__snapshot_differs(&trial->before, &now, reason);
        tocsin__snapshot_free(&now);
    }
    if (!differs)
        reason->text[0] = '\0';
    return differs ? -ENOTEMPTY : 0;
}

static int life_ends(struct tocsin_trial *trial, int64_t timeout_ms, const char *which)
{
    int err = unload_all(trial, timeout_ms), left;
    const struct tocsin__reason *reason = tocsin__reason_new();

    tocsin__refuse(reason, err, "%s%s ", trial->name, which);
    if (err == -EBUSY)
        tocsin__reason_add(reason, "is held: %s: %s; ", trial->unloading, trial->held);
    else if (err < 0)
        return tocsin__refuse(reason, err, "%s: %s", trial->name, tocsin_strerror(err));
    left = compare(trial, reason);
    return err < 0 ? err : left;
}

static int load_again(const struct tocsin_trial *trial)
{
    int err = tocsin_plugin_load(trial->name, (const char *const *)trial->settings);
    char why[256];

    snprintf(why, sizeof why, "%s", tocsin_plugin_reason());
    return err < 0 ? tocsin__refuse(tocsin__reason_new(), err, "a second time: %s", why) : 0;
}

static int lives_end(struct tocsin_trial *trial, int64_t timeout_ms)
{
    int err = tocsin_turn(0);                          /* whether that can be done here */

    if (err >= 0)
        err = life_ends(trial, timeout_ms, "");
    if (err == 0)
        err = load_again(trial);
    if (err == 0)
        err = life_ends(trial, timeout_ms, ", a second time,");
    return err;
}

int tocsin_trial_end(struct tocsin_trial *trial, int64_t timeout_ms)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    int err = reason ? -EINVAL : -ENOMEM;

    if (trial && reason && timeout_ms >= -1)
        err = lives_end(trial, timeout_ms);
    if (err < 0 && reason && !reason->text[0])
        tocsin__refuse(reason, err, "%s", tocsin_strerror(err));
    if (trial)
        trial_free(trial);
    return err;
}
