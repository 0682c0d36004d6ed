/* The list of loaded plugins, and the facts that the public interface returns about them. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/cancel.h"
#include "base/fork.h"
#include "delivery/owner_here.h"
#include "base/refusal.h"
#include "plugin/load.h"
#include "plugin/plugin.h"
#include "plugin/reclaim.h"
#include "plugin/scope.h"
#include "plugin/settings.h"
#include "plugin/thread_buffers.h"
#include "remote/call_all_loops.h"

pthread_mutex_t tocsin__plugins_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tocsin__plugin *plugins;
static uint64_t loads;

static void plugins_fork_prepare(void)
{
    pthread_mutex_lock(&tocsin__plugins_lock);
}

static void plugins_fork_release(void)
{
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

static __attribute__((constructor)) void plugins_fork_register(void)
{
    static const struct tocsin__fork_step step = { .prepare = plugins_fork_prepare,
                                                   .parent = plugins_fork_release,
                                                   .child = plugins_fork_release };

    tocsin__fork_register(TOCSIN__FORK_PLUGINS, &step);
}

/* The list */

struct tocsin__plugin *tocsin__plugin_first(void)
{
    return plugins;
}

struct tocsin__plugin *tocsin__plugin_named(const char *name)
{
    struct tocsin__plugin *plugin = plugins;

    while (plugin && strcmp(plugin->name, name) != 0)
        plugin = plugin->next;
    return plugin;
}

struct tocsin__plugin *tocsin__plugin_of(const struct tocsin__owner *owner)
{
    struct tocsin__plugin *plugin = plugins;

    while (plugin && plugin->image->owner != owner)
        plugin = plugin->next;
    return plugin;
}

bool tocsin__plugin_has(const struct tocsin__plugin *plugin, const void *code)
{
    const struct tocsin__owner *owner = plugin->image->owner;

    return owner && tocsin__owner_has(owner, code);
}

static bool image_needs(const struct tocsin__image *image, const char *name)
{
    for (size_t i = 0; image && i < image->note.needs_count; i++)
        if (strcmp(image->note.needs[i], name) == 0)
            return true;
    return false;
}

bool tocsin__plugin_needs(const struct tocsin__plugin *plugin, const char *name)
{
    return image_needs(plugin->image, name) || image_needs(plugin->next_image, name);
}

static bool has_needs(const struct tocsin__image *image)
{
    for (size_t i = 0; i < image->note.needs_count; i++) {
        const struct tocsin__plugin *plugin = tocsin__plugin_named(image->note.needs[i]);

        if (!plugin || plugin->state != TOCSIN_PLUGIN_RUNNING)
            return false;
    }
    return true;
}

/* Adding and removing */

static struct tocsin__plugin *plugin_alloc(struct tocsin__image *image, const char *const *settings,
                                           int *ret_err)
{
    struct tocsin__plugin *plugin = tocsin__alloc(sizeof *plugin);

    *ret_err = plugin ? tocsin__settings_copy(settings, &plugin->settings) : -ENOMEM;
    if (*ret_err < 0) {
        tocsin__release(plugin);
        return NULL;
    }
    strcpy(plugin->name, image->note.name);
    plugin->image = image;
    plugin->state = TOCSIN_PLUGIN_LOADING;
    return plugin;
}

static void plugin_free(struct tocsin__plugin *plugin)
{
    tocsin__settings_free(plugin->settings);
    tocsin__saved_state_free(&plugin->saved);
    tocsin__saved_state_free(&plugin->restored);
    tocsin__release(plugin);
}

struct tocsin__plugin *tocsin__plugin_new(struct tocsin__image *image, const char *const *settings,
                                          int *ret_err)
{
    struct tocsin__plugin *plugin = plugin_alloc(image, settings, ret_err), **link = &plugins;

    if (!plugin)
        return NULL;
    pthread_mutex_lock(&tocsin__plugins_lock);
    if (tocsin__plugin_named(plugin->name)) {
        *ret_err = -EEXIST;
    } else if (!has_needs(image)) {
        *ret_err = -ENOENT;
    } else {
        while (*link)
            link = &(*link)->next;
        *link = plugin;
        plugin->id = ++loads;
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (*ret_err == 0)
        return plugin;
    plugin_free(plugin);
    return NULL;
}

void tocsin__plugin_remove(struct tocsin__plugin *plugin)
{
    struct tocsin__plugin **link = &plugins;

    pthread_mutex_lock(&tocsin__plugins_lock);
    while (*link && *link != plugin)
        link = &(*link)->next;
    tocsin__assert(*link == plugin);
    *link = plugin->next;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    plugin_free(plugin);
}

int tocsin__plugin_set_next(struct tocsin__plugin *plugin, struct tocsin__image *image)
{
    bool may;

    pthread_mutex_lock(&tocsin__plugins_lock);
    may = has_needs(image);
    if (may)
        plugin->next_image = image;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return may ? 0 : -ENOENT;
}

/* Facts */

static const char *needs_join(const struct tocsin__note *note, char *buffer, size_t size)
{
    size_t used = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < note->needs_count && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? " " : "", note->needs[i]);
    return buffer;
}

static void facts_fill(struct tocsin_plugin_facts *facts, const struct tocsin__image *image)
{
    const struct tocsin__note *note = &image->note;
    struct tocsin__thread_buffers *buffers = tocsin__thread_buffers();

    *facts = (struct tocsin_plugin_facts){
        .name = note->name,
        .version = note->version,
        .about = note->about,
        .licence = note->licence,
        .file = image->file.path,
        .note = note->text,
        .needs = buffers ? needs_join(note, buffers->needs, sizeof buffers->needs) : "",
        .brings = ""
    };
}

int tocsin_plugin_next(const char *after, struct tocsin_plugin_facts *ret_facts)
{
    const struct tocsin__plugin *plugin;
    int err = ret_facts ? -ENOENT : -EINVAL;

    if (!ret_facts)
        return tocsin__traced_but(-ENOENT, err);
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = after ? tocsin__plugin_named(after) : plugins;
    if (after && plugin)
        plugin = plugin->next;
    if (plugin) {
        facts_fill(ret_facts, plugin->image);
        ret_facts->state = plugin->state;
        ret_facts->reloads = plugin->reloads;
        ret_facts->id = plugin->id;
        err = 0;
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return tocsin__traced_but(-ENOENT, err);
}

int tocsin_plugin_check(const char *name, struct tocsin_plugin_facts *ret_facts)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    struct tocsin__thread_buffers *buffers = tocsin__thread_buffers();
    struct tocsin__image *image;
    int err, cancel;

    if (!reason)
        return tocsin__traced(-ENOMEM);
    if (!name)
        return tocsin__traced(tocsin__refuse(reason, -EINVAL, "the name is NULL"));
    cancel = tocsin__cancel_off();
    image = tocsin__load_read(name, NULL, false, reason, &err);
    tocsin__cancel_back(cancel);
    if (err < 0 && !*reason->text)
        tocsin__refuse(reason, err, "%s: %s", name, tocsin_strerror(err));
    if (!image)
        return tocsin__traced(err);
    tocsin__image_free(buffers->checked);
    buffers->checked = image;
    if (err == 0)
        tocsin__scope_warn(image, reason);
    if (ret_facts) {
        facts_fill(ret_facts, image);
        ret_facts->brings = tocsin__scope_brings(image, buffers->brings, sizeof buffers->brings);
    }
    return tocsin__traced(err);
}

/* Quarantine */

static void on_unquarantine(struct tocsin__call_all_loops *loops_call)
{
    tocsin__reclaim_unquarantine(loops_call->arg);
}

static void on_unquarantined(struct tocsin__call_all_loops *loops_call)
{
    tocsin__release(loops_call);
}

int tocsin_plugin_unquarantine(const char *name)
{
    const struct tocsin__plugin *plugin;
    struct tocsin__owner *owner;
    struct tocsin__call_all_loops *loops_call;

    if (!name)
        return tocsin__traced(-EINVAL);
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_named(name);
    /* the pointer stays valid without the lock, because owners are never freed */
    owner = plugin ? plugin->image->owner : NULL;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (!owner)
        return tocsin__traced(-ENOENT);
    loops_call = tocsin__call_all_loops_new(on_unquarantine, on_unquarantined, owner);
    if (!loops_call)
        return tocsin__traced(-ENOMEM);
    tocsin__call_all_loops_begin(loops_call);
    return 0;
}
