/* Loading: read, judged, what it needs before it, mapped, started. */
#include <stdio.h>
#include <string.h>

#include <tocsin/emit.h>
#include <tocsin/loop.h>

#include "core/catalogue.h"
#include "core/layout.h"
#include "core/loop.h"
#include "plugin/change.h"
#include "plugin/plugin.h"

/* Those that are being loaded on this thread, the innermost first: what needs one of them needs itself. */
struct chain { const struct chain *outer; const char *name; };
static __thread const struct chain *chain;

/* Judged */

static bool fields_same(const struct tocsin_layout *layout, const char *fields)
{
    return strcmp(layout ? layout->fields : "", fields) == 0;
}

static int signal_refused(const struct tocsin__reason *reason, const struct tocsin__image *image, const struct tocsin__note_signal *signal, const char *fields, const char *by)
{
    return tocsin__refuse(reason, -EPROTO, "%s: %s carries \"%s\" in its note, but \"%s\" %s", image->note.name, signal->name, signal->fields, fields, by);
}

static int signal_judge(const struct tocsin__image *image, const struct tocsin__note_signal *signal, const struct tocsin__reason *reason)
{
    int signo = tocsin_find(signal->name);
    const struct tocsin_layout *layout = signo > 0 ? tocsin__signal(signo)->spec.layout : NULL;

    if (signo <= 0 || fields_same(layout, signal->fields))
        return 0;
    return signal_refused(reason, image, signal, layout ? layout->fields : "", "where it is declared");
}

static int signals_judge_beside(const struct tocsin__image *image, const struct tocsin__plugin *other, const struct tocsin__reason *reason)
{
    const struct tocsin__note *theirs = &other->image->note;

    for (size_t i = 0; i < image->note.signals_count; i++)
        for (size_t k = 0; k < theirs->signals_count; k++) {
            const struct tocsin__note_signal *one = &image->note.signals[i], *two = &theirs->signals[k];

            if (strcmp(one->name, two->name) == 0 && strcmp(one->fields, two->fields) != 0)
                return signal_refused(reason, image, one, two->fields, other->name);
        }
    return 0;
}

static int signals_judge(const struct tocsin__image *image, const char *except, const struct tocsin__reason *reason)
{
    int err = 0;

    for (size_t i = 0; i < image->note.signals_count && err == 0; i++)
        err = signal_judge(image, &image->note.signals[i], reason);
    pthread_mutex_lock(&tocsin__plugins_lock);
    for (const struct tocsin__plugin *other = tocsin__plugin_first(); other && err == 0; other = other->next)
        if (!except || strcmp(except, other->name) != 0)
            err = signals_judge_beside(image, other, reason);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

static int name_judge(const struct tocsin__image *image, const char *except, const struct tocsin__reason *reason)
{
    const char *name = image->note.name;
    bool there;

    for (const struct chain *outer = chain; outer; outer = outer->outer)
        if (strcmp(outer->name, name) == 0)
            return tocsin__refuse(reason, -ELOOP, "%s needs %s, which is being loaded for it", chain->name, name);
    if (strcmp(name, tocsin__program.name) == 0)
        return tocsin__refuse(reason, -EEXIST, "%s is what the program itself is called", name);
    if (except)
        return strcmp(name, except) == 0 ? 0 : tocsin__refuse(reason, -EBADMSG, "%s: it is %s now, and not %s", image->file.path, name, except);
    pthread_mutex_lock(&tocsin__plugins_lock);
    there = tocsin__plugin_named(name);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return there ? tocsin__refuse(reason, -EEXIST, "%s is loaded already", name) : 0;
}

/* What it needs */

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

static int load(const char *name, const char *const *settings, const struct tocsin__reason *reason);

/* A sentence of what is needed becomes part of that of what needs it. */
static int need_failed(const struct tocsin__image *image, const char *name, int err, const struct tocsin__reason *reason)
{
    char inner[400];

    snprintf(inner, sizeof inner, "%s", reason->text);
    return tocsin__refuse(reason, err, "%s needs %s: %s", image->note.name, name, *inner ? inner : tocsin_strerror(err));
}

static int need_judge(const struct tocsin__image *image, const char *name, const struct tocsin__reason *reason)
{
    int err;

    if (strcmp(name, image->note.name) == 0)
        return tocsin__refuse(reason, -ELOOP, "%s needs itself", name);
    tocsin__image_free(tocsin__plugin_judged(name, NULL, false, reason, &err));
    return err < 0 ? need_failed(image, name, err, reason) : 0;
}

static int need_load(const struct tocsin__image *image, const char *name, const struct tocsin__reason *reason)
{
    int err;

    if (strcmp(name, image->note.name) == 0)
        return tocsin__refuse(reason, -ELOOP, "%s needs itself", name);
    err = load(name, NULL, reason);
    return err < 0 ? need_failed(image, name, err, reason) : 0;
}

static int needs_judge(const struct tocsin__image *image, bool loads, const struct tocsin__reason *reason)
{
    const struct chain here = { chain, image->note.name };
    int err = 0;

    chain = &here;
    for (size_t i = 0; i < image->note.needs_count && err == 0; i++) {
        const char *name = image->note.needs[i];
        int state = need_state(name);

        if (state < 0)
            err = (loads ? need_load : need_judge)(image, name, reason);
        else if (state != TOCSIN_PLUGIN_RUNNING)
            err = tocsin__refuse(reason, state == TOCSIN_PLUGIN_LOADING ? -ELOOP : -ENOENT, "%s needs %s, which is %s", image->note.name, name,
                                 state == TOCSIN_PLUGIN_LOADING ? "not loaded yet" : "being unloaded");
    }
    chain = here.outer;
    return err;
}

struct tocsin__image *tocsin__plugin_judged(const char *name, const char *except, bool loads, const struct tocsin__reason *reason, int *ret_err)
{
    struct tocsin__image *image = tocsin__image_read(name, reason, ret_err);

    if (!image)
        return NULL;
    *ret_err = name_judge(image, except, reason);
    if (*ret_err == 0)
        *ret_err = signals_judge(image, except, reason);
    if (*ret_err == 0)
        *ret_err = needs_judge(image, false, reason);
    if (*ret_err == 0 && loads)                        /* not before: where one of them is not fit, none is loaded */
        *ret_err = needs_judge(image, true, reason);
    return image;
}

/* Started */

/* It declares nothing that its note does not say. */
static int declared_judge(const struct tocsin__image *image, const struct tocsin__reason *reason)
{
    uint32_t last = atomic_load(&tocsin__signals);

    for (uint32_t signo = 1; signo <= last; signo++) {
        const struct tocsin__signal *signal = tocsin__signal((int)signo);
        const char *fields = signal->spec.layout ? signal->spec.layout->fields : "";
        bool said = false;

        if (!signal->declared || signal->owner != image->owner)
            continue;
        for (size_t i = 0; i < image->note.signals_count && !said; i++)
            said = image->note.signals[i].emits && strcmp(image->note.signals[i].name, signal->name) == 0 && strcmp(image->note.signals[i].fields, fields) == 0;
        if (!said)
            return tocsin__refuse(reason, -EPROTO, "%s declares %s with \"%s\", which its note does not say", image->note.name, signal->name, fields);
    }
    return 0;
}

/* What it consumes may be declared later: by a plugin that comes after it, by a library that is loaded then. */
static int consume(const struct tocsin__image *image)
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

int tocsin__plugin_starts(struct tocsin__plugin *plugin, struct tocsin__image *image, const struct tocsin__reason *reason)
{
    int err = consume(image);

    if (err == 0)
        err = tocsin__image_map(image, reason);
    if (err < 0)
        return err;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->image = image;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    tocsin_plugin_refuse(0, NULL);
    err = tocsin__image_init(image);
    if (err < 0)
        return *tocsin__said() ? tocsin__refuse(reason, err, "%s: %s", plugin->name, tocsin__said())
                               : tocsin__refuse(reason, err, "%s: its init answered %d: %s%s", plugin->name, err, tocsin_strerror(err),
                                                err == -ENOENT ? "; does it connect to a signal that nobody has declared?" : "");
    return tocsin__owner_held(image->owner, TOCSIN_HOLDS_SIGNALS) ? declared_judge(image, reason) : 0;
}

static void announce(const struct tocsin__plugin *plugin)
{
    int signo = tocsin__catalogue_signo(&tocsin__plugin_loaded_spec);

    if (tocsin_heard(signo) > 0)
        tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_plugin_loaded, .name = plugin->name, .version = plugin->image->note.version, .file = plugin->image->file.path));
}

static void state_set(struct tocsin__plugin *plugin, enum tocsin_plugin_state state)
{
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->state = state;
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

static int start(struct tocsin__image *image, const char *const *settings, const struct tocsin__reason *reason)
{
    struct tocsin__plugin *plugin;
    int err;

    plugin = tocsin__plugin_new(image, settings, &err);
    if (!plugin) {
        tocsin__image_free(image);
        return err == -EINVAL ? tocsin__refuse(reason, err, "a setting is \"key=value\"") : err;
    }
    plugin->home = tocsin_loop_current();
    err = tocsin__plugin_starts(plugin, image, reason);
    if (err < 0) {
        tocsin__plugin_remove(plugin);
        tocsin__image_discard(image);
        return err;
    }
    state_set(plugin, TOCSIN_PLUGIN_RUNNING);
    tocsin__changes_nudge();                               /* what it needs may be asked to go already */
    announce(plugin);
    return 0;
}

static int load(const char *name, const char *const *settings, const struct tocsin__reason *reason)
{
    int err;
    struct tocsin__image *image = tocsin__plugin_judged(name, NULL, true, reason, &err);

    if (!image)
        return err;
    if (err == 0)
        return start(image, settings, reason);
    tocsin__image_free(image);
    return err;
}

int tocsin_plugin_load(const char *name, const char *const *settings)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    struct tocsin__loop *loop;
    int err = !reason ? -ENOMEM : name ? tocsin__loop_make(&loop) : tocsin__refuse(reason, -EINVAL, "no name");

    if (err == 0)
        err = loop->freeing ? -ESHUTDOWN : load(name, settings, reason);
    if (err < 0 && reason && !*reason->text)
        tocsin__refuse(reason, err, "%s: %s", name ? name : "", tocsin_strerror(err));
    if (err == 0)
        reason->text[0] = '\0';                            /* its init may have tried what was refused */
    return err;
}
