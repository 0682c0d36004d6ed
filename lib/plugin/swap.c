/* Exchanges the versions of a plugin: calls fini, unmaps the old version, maps the new one and
   calls its init. If the new version does not start, starts the old one again. */
#include <time.h>

#include "registry/declare.h"
#include "plugin/load.h"
#include "plugin/reclaim.h"
#include "plugin/swap.h"
#include "plugin/unload.h"

static const struct timespec pause_1ms = { 0, 1000000 };

static void settings_swap(struct tocsin__swap *swap, struct tocsin__plugin *plugin)
{
    char **settings = swap->settings;

    if (!swap->has_settings)
        return;
    pthread_mutex_lock(&tocsin__plugins_lock);
    swap->settings = plugin->settings;
    plugin->settings = settings;
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

/* Passes the state that the old version has saved to the new version. If the new version fails, the
 * old version receives the same state. */
static void state_pass(struct tocsin__plugin *plugin)
{
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->restored = plugin->saved;
    plugin->saved = (struct tocsin__saved_state){ .exists = false };
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

/* Returns true if a thread of the plugin still runs. A thread that fini has joined is listed in
 * /proc for a short time longer, so this function checks several times. */
static bool has_thread(const struct tocsin__image *image)
{
    enum { LOOKS = 50 };

    for (int i = 0; i < LOOKS && tocsin__image_is_busy(image); i++)
        nanosleep(&pause_1ms, NULL);
    return tocsin__image_is_busy(image);
}

/* Waits until no default action of the plugin runs. A loop that was made after the barrier opened
   is not at the barrier, so it may run one. */
static void default_actions_await(const struct tocsin__owner *owner)
{
    while (tocsin__owner_count(owner, TOCSIN_RESOURCE_TASKS))
        nanosleep(&pause_1ms, NULL);
}

/* Ends the old version. It may stay mapped, which is harmless, because none of its functions is
 * called any more. If a thread of its own still runs, it is not unmapped. */
static void old_end(struct tocsin__swap *swap, struct tocsin__transition *transition)
{
    tocsin__signals_orphan(transition->owner);
    default_actions_await(transition->owner);
    tocsin__image_fini(transition->image);
    state_pass(transition->plugin);
    swap->has_thread = has_thread(transition->image);
    swap->stays_mapped = swap->has_thread || !tocsin__image_unmap(transition->image);
}

/* Reclaims everything that a version began before its init failed. */
static void version_discard(struct tocsin__transition *transition, struct tocsin__image *image)
{
    struct tocsin__plugin *plugin = transition->plugin;

    pthread_mutex_lock(&tocsin__plugins_lock);
    /* the lock is needed because other threads may read the note of this image */
    plugin->image = transition->image;
    tocsin__saved_state_free(&plugin->saved);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (image->owner)
        atomic_store(&image->owner->reloading, true); /* its sockets are for the old version */
    tocsin__unload_image(image);
}

static int old_restart(struct tocsin__swap *swap, struct tocsin__transition *transition,
                       const struct tocsin__reason *reason)
{
    struct tocsin__image *copy;
    int err;

    settings_swap(swap, transition->plugin);
    copy = tocsin__image_copy(transition->image, &err);
    if (copy && (err = tocsin__load_start(transition->plugin, copy, reason)) < 0)
        version_discard(transition, copy);
    return err;
}

int tocsin__swap_versions(struct tocsin__swap *swap, struct tocsin__transition *transition,
                          const struct tocsin__reason *reason)
{
    struct tocsin__plugin *plugin = transition->plugin;
    struct tocsin__image *next = swap->next;
    char why[200] = "";
    int err, old_err;

    old_end(swap, transition);
    settings_swap(swap, plugin);
    err = tocsin__load_start(plugin, next, reason);
    swap->next = NULL;
    if (err == 0) {
        swap->started = plugin->image->owner;
        swap->is_new = true;
        return 0;
    }
    version_discard(transition, next);
    old_err = old_restart(swap, transition, &(struct tocsin__reason){ why, sizeof why });
    if (old_err == 0)
        swap->started = plugin->image->owner;
    else
        tocsin__reason_add(reason, "; and the old version does not start again: %s", why);
    return err;
}

void tocsin__swap_mute(struct tocsin__owner *owner)
{
    tocsin__reclaim_mute(owner);
    tocsin__reclaim_connected(owner);
    tocsin__reclaim_caches(owner);
}

void tocsin__swap_release(const struct tocsin__owner *started)
{
    if (started)
        tocsin__reclaim_tasks(started);
    tocsin__reclaim_muted();
    tocsin__reclaim_quarantined(started);
}
