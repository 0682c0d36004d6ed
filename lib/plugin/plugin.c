#include <stdio.h>
#include <string.h>

#include "plugin/plugin.h"
#include "plugin/sweep.h"
#include "plugin/visit.h"

pthread_mutex_t tocsin__plugins_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tocsin__plugin *plugins;
static uint64_t loads;

static void fork_begins(void)
{
    pthread_mutex_lock(&tocsin__plugins_lock);
}

static void fork_over(void)
{
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(fork_begins, fork_over, fork_over);
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
    return image_needs(plugin->image, name) || image_needs(plugin->coming, name);
}

/* It was seen before, without the lock. */
static bool needs_are_there(const struct tocsin__image *image)
{
    for (size_t i = 0; i < image->note.needs_count; i++) {
        const struct tocsin__plugin *plugin = tocsin__plugin_named(image->note.needs[i]);

        if (!plugin || plugin->state != TOCSIN_PLUGIN_RUNNING)
            return false;
    }
    return true;
}

int tocsin__plugin_comes(struct tocsin__plugin *plugin, struct tocsin__image *image)
{
    bool may;

    pthread_mutex_lock(&tocsin__plugins_lock);
    may = needs_are_there(image);
    if (may)
        plugin->coming = image;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return may ? 0 : -ENOENT;
}

/* Settings */

void tocsin__settings_free(char **settings)
{
    for (char **one = settings; one && *one; one++)
        tocsin__release(*one);
    tocsin__release(settings);
}

int tocsin__settings_copy(const char *const *settings, char ***ret_copy)
{
    size_t count = 0;
    char **copy;

    *ret_copy = NULL;
    while (settings && settings[count]) {
        const char *equals = strchr(settings[count], '=');

        if (!equals || equals == settings[count])
            return -EINVAL;
        count++;
    }
    if (!count)
        return 0;
    copy = tocsin__alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = tocsin__copy_text(settings[i]))) {
            tocsin__settings_free(copy);
            copy = NULL;
        }
    *ret_copy = copy;
    return copy ? 0 : -ENOMEM;
}

/* The first of a key counts. */
static const char *setting(char *const *settings, const char *key, const char *otherwise)
{
    size_t size = strlen(key);

    for (; settings && *settings; settings++)
        if (strncmp(*settings, key, size) == 0 && (*settings)[size] == '=')
            return *settings + size + 1;
    return otherwise;
}

const char *tocsin_setting_at(const char *where, const char *key, const char *otherwise)
{
    const struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    const struct tocsin__plugin *plugin;
    const char *value = otherwise;

    if (!key || owner == &tocsin__program)
        return otherwise;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_of(owner);
    if (plugin)
        value = setting(plugin->settings, key, otherwise);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return value;
}

/* One that comes and goes */

static struct tocsin__plugin *plugin_alloc(struct tocsin__image *image, const char *const *settings, int *ret_err)
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
    tocsin__state_free(&plugin->left);
    tocsin__state_free(&plugin->taken);
    tocsin__release(plugin);
}

struct tocsin__plugin *tocsin__plugin_new(struct tocsin__image *image, const char *const *settings, int *ret_err)
{
    struct tocsin__plugin *plugin = plugin_alloc(image, settings, ret_err), **link = &plugins;

    if (!plugin)
        return NULL;
    pthread_mutex_lock(&tocsin__plugins_lock);
    if (tocsin__plugin_named(plugin->name)) {
        *ret_err = -EEXIST;
    } else if (!needs_are_there(image)) {
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
    while (*link != plugin)
        link = &(*link)->next;
    *link = plugin->next;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    plugin_free(plugin);
}

/* What a version leaves for the next one */

void tocsin__state_free(struct tocsin__state *state)
{
    tocsin__release(state->data);
    *state = (struct tocsin__state){ .there = false };
}

int tocsin_state_leave_at(const char *where, uint32_t version, const void *data, size_t size)
{
    const struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    struct tocsin__plugin *plugin;
    void *copy;

    if (!data && size)
        return -EINVAL;
    copy = tocsin__alloc(size + 1);
    if (!copy)
        return -ENOMEM;
    if (size)
        memcpy(copy, data, size);
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = owner == &tocsin__program ? NULL : tocsin__plugin_of(owner);
    if (plugin) {
        tocsin__release(plugin->left.data);
        plugin->left = (struct tocsin__state){ true, version, copy, size };
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (!plugin)
        tocsin__release(copy);
    return plugin ? 0 : -EPERM;
}

int tocsin_state_take_at(const char *where, uint32_t version, struct tocsin_bytes *ret_state)
{
    const struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    const struct tocsin__plugin *plugin;
    int err = ret_state ? -ENOENT : -EINVAL;

    if (!ret_state || owner == &tocsin__program)
        return err;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_of(owner);
    if (plugin && plugin->taken.there) {
        err = plugin->taken.version == version ? 0 : -EPROTO;
        if (err == 0)
            *ret_state = (struct tocsin_bytes){ plugin->taken.data, plugin->taken.size };
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

/* What is lent to a thread. It is no thread-local storage: of that a library that is mapped late has little. */

struct lent { struct tocsin__reason reason; char text[512], said[256], needs[2048]; struct tocsin__image *checked; };

static pthread_key_t lent_key;
static pthread_once_t lent_once = PTHREAD_ONCE_INIT;
static int lent_error;

static void lent_free(void *arg)
{
    struct lent *lent = arg;

    tocsin__image_free(lent->checked);
    tocsin__release(lent);
}

static void lent_begin(void)
{
    lent_error = tocsin__fault() ? EAGAIN : pthread_key_create(&lent_key, lent_free);
}

static struct lent *lent_here(void)
{
    struct lent *lent;

    pthread_once(&lent_once, lent_begin);
    lent = lent_error ? NULL : pthread_getspecific(lent_key);
    if (lent || lent_error)
        return lent;
    lent = tocsin__alloc(sizeof *lent);
    if (lent && pthread_setspecific(lent_key, lent) != 0) {
        tocsin__release(lent);
        return NULL;
    }
    if (lent)
        lent->reason = (struct tocsin__reason){ lent->text, sizeof lent->text };
    return lent;
}

const struct tocsin__reason *tocsin__reason_new(void)
{
    struct lent *lent = lent_here();

    if (!lent)
        return NULL;
    lent->text[0] = '\0';
    return &lent->reason;
}

const char *tocsin_plugin_reason(void)
{
    const struct lent *lent = lent_here();

    return lent ? lent->text : "";
}

int tocsin_plugin_refuse(int error, const char *reason)
{
    struct lent *lent = lent_here();

    if (lent)
        snprintf(lent->said, sizeof lent->said, "%s", reason ? reason : "");
    return error;
}

const char *tocsin__said(void)
{
    const struct lent *lent = lent_here();

    return lent ? lent->said : "";
}

/* Asked */

static const char *needs_of(const struct tocsin__note *note, char *buffer, size_t size)
{
    size_t used = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < note->needs_count && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? " " : "", note->needs[i]);
    return buffer;
}

static void note_facts(const struct tocsin__image *image, struct tocsin_plugin_facts *facts)
{
    const struct tocsin__note *note = &image->note;
    struct lent *lent = lent_here();

    *facts = (struct tocsin_plugin_facts){ .name = note->name, .version = note->version, .about = note->about, .licence = note->licence,
                                           .file = image->file.path, .note = note->text, .needs = lent ? needs_of(note, lent->needs, sizeof lent->needs) : "" };
}

int tocsin_plugin_next(const char *after, struct tocsin_plugin_facts *ret_facts)
{
    const struct tocsin__plugin *plugin;
    int err = ret_facts ? -ENOENT : -EINVAL;

    if (!ret_facts)
        return err;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = after ? tocsin__plugin_named(after) : plugins;
    if (after && plugin)
        plugin = plugin->next;
    if (plugin) {
        note_facts(plugin->image, ret_facts);
        ret_facts->state = plugin->state;
        ret_facts->reloads = plugin->reloads;
        ret_facts->id = plugin->id;
        err = 0;
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

int tocsin_plugin_check(const char *name, struct tocsin_plugin_facts *ret_facts)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    struct lent *lent = lent_here();
    struct tocsin__image *image;
    int err;

    if (!reason)
        return -ENOMEM;
    if (!name)
        return tocsin__refuse(reason, -EINVAL, "no name");
    image = tocsin__plugin_judged(name, NULL, false, reason, &err);
    if (!image)
        return err;
    tocsin__image_free(lent->checked);
    lent->checked = image;
    if (ret_facts)
        note_facts(image, ret_facts);
    return err;
}

/* Out of quarantine */

static void on_release(struct tocsin__visit *visit)
{
    tocsin__sweep_release(visit->arg);
}

static void on_released(struct tocsin__visit *visit)
{
    tocsin__release(visit);
}

int tocsin_plugin_release(const char *name)
{
    const struct tocsin__plugin *plugin;
    struct tocsin__owner *owner;
    struct tocsin__visit *visit;

    if (!name)
        return -EINVAL;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_named(name);
    owner = plugin ? plugin->image->owner : NULL;      /* never freed */
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (!owner)
        return -ENOENT;
    visit = tocsin__visit_new(on_release, on_released, owner);
    if (!visit)
        return -ENOMEM;
    tocsin__visit_begin(visit);
    return 0;
}
