/* Loads a plugin: reads its file, checks it against the registry and the other plugins, and loads
   the plugins that it needs. Then maps the file, and calls the plugin's init. */
#include <stdio.h>
#include <string.h>

#include <tocsin/emit.h>
#include <tocsin/loop.h>

#include "base/cancel.h"
#include "base/refusal.h"
#include "registry/catalogue.h"
#include "registry/layout.h"
#include "registry/lookup.h"
#include "delivery/loop.h"
#include "plugin/linker.h"
#include "plugin/load.h"
#include "plugin/scope.h"
#include "plugin/note/setting.h"
#include "plugin/thread_buffers.h"
#include "plugin/transition.h"
#include "plugin/unload.h"

/* The list of the plugins that are being loaded on this thread, the innermost first. A plugin that
 * needs one of these plugins would depend on itself. */
struct chain {
    const struct chain *outer;
    const char *name;
};
static __thread const struct chain *chain;

/* Checks */

static bool has_fields(const struct tocsin_layout *layout, const char *fields)
{
    return strcmp(layout ? layout->fields : "", fields) == 0;
}

static int signal_refuse(const struct tocsin__reason *reason, const struct tocsin__image *image,
                         const struct tocsin__note_signal *signal, const char *fields,
                         const char *by)
{
    return tocsin__refuse(reason, -EPROTO, "%s: %s carries \"%s\" in its note, but \"%s\" %s",
                          image->note.name, signal->name, signal->fields, fields, by);
}

static int signal_check(const struct tocsin__image *image, const struct tocsin__note_signal *signal,
                        const struct tocsin__reason *reason)
{
    int signo = tocsin_find(signal->name);
    const struct tocsin_layout *layout = signo > 0 ? tocsin__signal(signo)->spec.layout : NULL;

    if (signo <= 0 || has_fields(layout, signal->fields))
        return 0;
    return signal_refuse(reason, image, signal, layout ? layout->fields : "",
                         "where it is declared");
}

static int signals_judge_beside(const struct tocsin__image *image,
                                const struct tocsin__plugin *other,
                                const struct tocsin__reason *reason)
{
    const struct tocsin__note *theirs = &other->image->note;

    for (size_t i = 0; i < image->note.signals_count; i++)
        for (size_t k = 0; k < theirs->signals_count; k++) {
            const struct tocsin__note_signal *one = &image->note.signals[i],
                                             *two = &theirs->signals[k];

            if (strcmp(one->name, two->name) == 0 && strcmp(one->fields, two->fields) != 0)
                return signal_refuse(reason, image, one, two->fields, other->name);
        }
    return 0;
}

static int signals_check(const struct tocsin__image *image, const char *reloaded,
                         const struct tocsin__reason *reason)
{
    int err = 0;

    for (size_t i = 0; i < image->note.signals_count && err == 0; i++)
        err = signal_check(image, &image->note.signals[i], reason);
    pthread_mutex_lock(&tocsin__plugins_lock);
    for (const struct tocsin__plugin *other = tocsin__plugin_first(); other && err == 0;
         other = other->next)
        if (!reloaded || strcmp(reloaded, other->name) != 0)
            err = signals_judge_beside(image, other, reason);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

static int name_check(const struct tocsin__image *image, const char *reloaded,
                      const struct tocsin__reason *reason)
{
    const char *name = image->note.name;
    bool is_loaded;

    for (const struct chain *outer = chain; outer; outer = outer->outer)
        if (strcmp(outer->name, name) == 0)
            return tocsin__refuse(reason, -ELOOP, "%s needs %s, which is being loaded for it",
                                  chain->name, name);
    if (strcmp(name, tocsin__program.name) == 0)
        return tocsin__refuse(reason, -EEXIST, "'%s' is a reserved plugin name", name);
    if (reloaded)
        return strcmp(name, reloaded) == 0
                   ? 0
                   : tocsin__refuse(reason, -EBADMSG,
                                    "%s: the file now contains the plugin '%s' instead of '%s'",
                                    image->file.path, name, reloaded);
    pthread_mutex_lock(&tocsin__plugins_lock);
    is_loaded = tocsin__plugin_named(name);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return is_loaded ? tocsin__refuse(reason, -EEXIST, "%s is already loaded", name) : 0;
}

/* Checks that a plugin has no unique symbol. Such a symbol stays in the process after an unload,
   and the next version would be bound to it. */
static int reload_check(const struct tocsin__image *image, const char *reloaded,
                        const struct tocsin__reason *reason)
{
    const struct tocsin__plugin *plugin;
    int err = 0;

    if (image->note.uniques)
        return tocsin__scope_refuse_reload(image, reason);
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_named(reloaded);
    if (plugin && plugin->image->note.uniques)
        err = tocsin__scope_refuse_reload(plugin->image, reason);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

/* Dependencies */

static int need_state(const char *name)
{
    const struct tocsin__plugin *plugin;
    int state;

    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_named(name);
    state = plugin ? (int)plugin->state : -1;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return state;
}

static int plugin_load(const char *name, const char *const *settings,
                       const struct tocsin__reason *reason);

/* Puts "A needs B: " in front of the reason why the needed plugin B failed. */
static int need_refuse(const struct tocsin__image *image, const char *name, int err,
                       const struct tocsin__reason *reason)
{
    char inner[400];

    snprintf(inner, sizeof inner, "%s", reason->text);
    return tocsin__refuse(reason, err, "%s needs %s: %s", image->note.name, name,
                          *inner ? inner : tocsin_strerror(err));
}

static int need_check(const struct tocsin__image *image, const char *name,
                      const struct tocsin__reason *reason)
{
    struct tocsin__image *needed;
    int err;

    if (strcmp(name, image->note.name) == 0)
        return tocsin__refuse(reason, -ELOOP, "%s needs itself", name);
    needed = tocsin__load_read(name, NULL, false, reason, &err);
    if (err == 0)
        err = tocsin__settings_check(name, needed->note.text, NULL, reason);
    tocsin__image_free(needed);
    return err < 0 ? need_refuse(image, name, err, reason) : 0;
}

static int need_load(const struct tocsin__image *image, const char *name,
                     const struct tocsin__reason *reason)
{
    int err;

    if (strcmp(name, image->note.name) == 0)
        return tocsin__refuse(reason, -ELOOP, "%s needs itself", name);
    err = plugin_load(name, NULL, reason);
    return err < 0 ? need_refuse(image, name, err, reason) : 0;
}

static int needs_check(const struct tocsin__image *image, bool loads_needs,
                       const struct tocsin__reason *reason)
{
    const struct chain here = { chain, image->note.name };
    int err = 0;

    chain = &here;
    for (size_t i = 0; i < image->note.needs_count && err == 0; i++) {
        const char *name = image->note.needs[i];
        int state = need_state(name);

        if (state < 0)
            err = (loads_needs ? need_load : need_check)(image, name, reason);
        else if (state != TOCSIN_PLUGIN_RUNNING)
            err = tocsin__refuse(reason, state == TOCSIN_PLUGIN_LOADING ? -ELOOP : -ENOENT,
                                 "%s needs %s, which is being %s", image->note.name, name,
                                 state == TOCSIN_PLUGIN_LOADING ? "loaded" : "unloaded");
    }
    chain = here.outer;
    return err;
}

struct tocsin__image *tocsin__load_read(const char *name, const char *reloaded, bool loads_needs,
                                        const struct tocsin__reason *reason, int *ret_err)
{
    struct tocsin__image *image;

    if (tocsin__linker_is_lost()) {
        *ret_err = tocsin__refuse(reason, -EOWNERDEAD,
                                  "%s: this process was forked while another thread was in the "
                                  "dynamic linker, so no plugin can be checked or loaded here: "
                                  "load plugins before the fork, or execute the program again",
                                  name);
        return NULL;
    }
    image = tocsin__image_read(name, reason, ret_err);
    if (!image)
        return NULL;
    *ret_err = name_check(image, reloaded, reason);
    if (*ret_err == 0)
        *ret_err = signals_check(image, reloaded, reason);
    if (*ret_err == 0 && reloaded)
        *ret_err = reload_check(image, reloaded, reason);
    if (*ret_err == 0)
        *ret_err = tocsin__scope_check(image, reason);
    if (*ret_err == 0)
        *ret_err = needs_check(image, false, reason);
    if (*ret_err == 0 && loads_needs) /* this is the last check, so that no needed plugin is loaded
                                       * if this plugin is refused */
        *ret_err = needs_check(image, true, reason);
    return image;
}

/* Start */

static bool note_emits(const struct tocsin__note *note, const struct tocsin__signal *signal)
{
    const char *fields = signal->spec.layout ? signal->spec.layout->fields : "";

    for (size_t i = 0; i < note->signals_count; i++)
        if (note->signals[i].emits && strcmp(note->signals[i].name, signal->name) == 0 &&
            strcmp(note->signals[i].fields, fields) == 0)
            return true;
    return false;
}

/* Checks that every signal that the plugin declared is in its note. */
static int declared_check(const struct tocsin__image *image, const struct tocsin__reason *reason)
{
    uint32_t last = atomic_load(&tocsin__signals);

    for (uint32_t signo = 1; signo <= last; signo++) {
        const struct tocsin__signal *signal = tocsin__signal((int)signo);

        if (signal->declared && signal->owner == image->owner && !note_emits(&image->note, signal))
            return tocsin__refuse(
                reason, -EPROTO,
                "%s declares %s with \"%s\", which is missing from its TOCSIN_EMITS",
                image->note.name, signal->name,
                signal->spec.layout ? signal->spec.layout->fields : "");
    }
    return 0;
}

/* Marks the signals that the plugin consumes. Another plugin or library may declare them later. So
   they are marked before the plugin's init, which may connect to them. */
static int consumed_mark(const struct tocsin__image *image)
{
    int signo = 0;

    for (size_t i = 0; i < image->note.signals_count && signo >= 0; i++) {
        const char *name = image->note.signals[i].name;

        signo = tocsin__signal_named(name, strlen(name), true);
        if (signo > 0)
            atomic_store(&tocsin__signal(signo)->consumed, true);
    }
    return signo < 0 ? signo : 0;
}

static int init_refuse(const struct tocsin__plugin *plugin, int err,
                       const struct tocsin__reason *reason)
{
    const char *hint = err == -ENOENT ? "; does it connect to a signal that is not declared?" : "";

    if (*tocsin__init_error())
        return tocsin__refuse(reason, err, "%s: %s", plugin->name, tocsin__init_error());
    return tocsin__refuse(reason, err, "%s: tocsin_plugin_init returned %d: %s%s", plugin->name,
                          err, tocsin_strerror(err), hint);
}

int tocsin__load_start(struct tocsin__plugin *plugin, struct tocsin__image *image,
                       const struct tocsin__reason *reason)
{
    int err = consumed_mark(image);

    if (err == 0)
        err = tocsin__image_map(image, reason);
    if (err < 0)
        return err;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->image = image;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    tocsin_plugin_fail(0, NULL);
    err = tocsin__image_init(image);
    if (err < 0)
        return init_refuse(plugin, err, reason);
    return tocsin__owner_count(image->owner, TOCSIN_RESOURCE_SIGNALS)
               ? declared_check(image, reason)
               : 0;
}

static void loaded_emit(const struct tocsin__plugin *plugin)
{
    int signo = tocsin__catalogue_signo(&tocsin__plugin_loaded_spec);

    if (tocsin_has_listeners(signo) > 0)
        tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_plugin_loaded, .name = plugin->name,
                                          .version = plugin->image->note.version,
                                          .file = plugin->image->file.path));
}

static void state_set(struct tocsin__plugin *plugin, enum tocsin_plugin_state state)
{
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->state = state;
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

static int image_start(struct tocsin__image *image, const char *const *settings,
                       const struct tocsin__reason *reason)
{
    struct tocsin__plugin *plugin;
    int err;

    plugin = tocsin__plugin_new(image, settings, &err);
    if (!plugin) {
        tocsin__image_free(image);
        return err == -EINVAL ? tocsin__refuse(reason, err, "a setting is \"key=value\"") : err;
    }
    plugin->home = tocsin_loop_current();
    err = tocsin__load_start(plugin, image, reason);
    if (err < 0) {
        tocsin__plugin_remove(plugin);
        tocsin__unload_image(image);
        return err;
    }
    state_set(plugin, TOCSIN_PLUGIN_RUNNING);
    /* wakes an unload of a needed plugin, which may have waited for the end of this load */
    tocsin__transitions_wake();
    loaded_emit(plugin);
    return 0;
}

/* Puts the name of the file in front of a reason that does not contain it, such as a reason about
   the file's content. */
static int name_refuse(const char *name, int err, const struct tocsin__reason *reason)
{
    if (!*reason->text || strstr(reason->text, name))
        return err;
    return tocsin__refuse(reason, err, "%s: %s", name, reason->text);
}

static int plugin_load(const char *name, const char *const *settings,
                       const struct tocsin__reason *reason)
{
    int err;
    struct tocsin__image *image = tocsin__load_read(name, NULL, false, reason, &err);

    if (!image)
        return name_refuse(name, err, reason);
    if (err == 0)
        err = tocsin__settings_check(image->note.name, image->note.text, settings, reason);
    /* The needed plugins are loaded after the check of the settings. So no plugin is loaded because
     * of a plugin that is then refused. */
    if (err == 0)
        err = needs_check(image, true, reason);
    if (err == 0)
        return image_start(image, settings, reason);
    tocsin__image_free(image);
    return err;
}

int tocsin_plugin_load(const char *name, const char *const *settings)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    struct tocsin__loop *loop;
    int err = !reason ? -ENOMEM
              : name  ? tocsin__loop_make(&loop)
                      : tocsin__refuse(reason, -EINVAL, "the name is NULL");
    /* Cancellation is disabled during init, too, because the thread holds the dynamic linker's lock
       then. */
    int cancel = tocsin__cancel_off();

    if (err == 0)
        err = loop->life.freeing ? -ESHUTDOWN : plugin_load(name, settings, reason);
    tocsin__cancel_back(cancel);
    if (err < 0 && reason && !*reason->text)
        tocsin__refuse(reason, err, "%s: %s", name ? name : "", tocsin_strerror(err));
    if (err == 0)
        reason->text[0] =
            '\0'; /* clears a reason that a failed call in the plugin's init has left */
    return tocsin__traced(err);
}
