/* Unloads a plugin (P3). First its operations are cancelled, while its handlers still receive the
   ends. Then its handlers are disconnected, its fini is called, and its file is unmapped. */
#include <stdio.h>
#include <string.h>

#include "base/refusal.h"
#include "op/complete.h"
#include "op/cancel.h"
#include "plugin/reclaim.h"
#include "plugin/transition.h"
#include "plugin/unload.h"
#include "registry/catalogue.h"
#include "registry/declare.h"

/* clang-format off */
/*   DEPENDENTS ──► CANCELLING ──► DISCONNECTING ──► RESTING ──► FINISHED: unmapped
         │                              │              │
         │ a dependent                  └ time is over ┴───────► FINISHED: the plugin is stuck: it
         │ cannot be                                             is called no more, and a later
         │ unloaded                                              unload may unmap it
         └─────────────────────────────────────────────────────► FINISHED: the plugin continues

   If the caller of an unload gave up, a second caller takes it over, and it begins again. */
/* clang-format on */
enum unload_state {
    DEPENDENTS,    /* the plugins that need this one must be unloaded first */
    CANCELLING,    /* the operations of the plugin are cancelled; they and its tasks must end */
    DISCONNECTING, /* the handlers of the plugin are disconnected; nothing may refer to its
                    * functions any more */
    RESTING,       /* fini was called; all loops, and the plugin's own threads, are waited for */
    FINISHED
};

/* The calls to all loops. Each is made when its state begins. */
enum { CALL_CANCEL, CALL_DISCONNECT, CALL_FORGET };

enum { THREAD_POLL_MS = 10 };

/* the memory of the operation of an unload */
struct unload_op {
    struct tocsin_plugin_unloaded done;
    struct tocsin__transition *transition;
    struct tocsin__op *op;
    char name[TOCSIN__OWNER_NAME], reason[512];
};

static void on_cancel(struct tocsin__call_all_loops *loops_call)
{
    tocsin__reclaim_operations(tocsin__transition_of(loops_call)->owner);
}

static void on_disconnect(struct tocsin__call_all_loops *loops_call)
{
    tocsin__reclaim_connected(tocsin__transition_of(loops_call)->owner);
}

static void on_forget(struct tocsin__call_all_loops *loops_call)
{
    tocsin__reclaim_caches(tocsin__transition_of(loops_call)->owner);
}

/* The end */

/* Ends the operation of the caller, or does nothing if the operation has ended. If `reason` is
   NULL, the stored reason stays. */
static void op_finish(const struct tocsin__transition *transition, int status, bool mapped,
                      const char *reason)
{
    struct tocsin__op *op = transition->op ? tocsin__op_claim(transition->op) : NULL;
    struct unload_op *state;

    if (!op)
        return;
    state = (struct unload_op *)op->state;
    if (reason)
        snprintf(state->reason, sizeof state->reason, "%s", reason);
    state->done.mapped = mapped;
    tocsin__op_finish(op, status, &state->done.tocsin);
}

/* Gives up the unload. The plugin has not been changed, so it continues. */
static void unload_give_up(struct tocsin__transition *transition, const char *dependent)
{
    char reason[160];

    snprintf(reason, sizeof reason, "%s needs it, and cannot be unloaded", dependent);
    transition->state = FINISHED;
    atomic_store(&transition->owner->closed, false);
    pthread_mutex_lock(&tocsin__plugins_lock);
    transition->plugin->state = TOCSIN_PLUGIN_RUNNING;
    transition->plugin->transition = NULL;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    op_finish(transition, -EBUSY, true, reason);
    tocsin__transition_end(transition);
    tocsin__transition_unref(transition);
}

/* Marks the plugin as stuck, even if nothing uses it any more: the time limit was reached, and the
 * caller's operation has ended with -EBUSY. But if another caller has restarted the unload
 * meanwhile, the unload continues. */
static void unload_stick(struct tocsin__transition *transition)
{
    bool is_abandoned;

    pthread_mutex_lock(&tocsin__plugins_lock);
    is_abandoned = atomic_load(&transition->is_abandoned);
    if (is_abandoned && transition->plugin) {
        transition->plugin->state = TOCSIN_PLUGIN_STUCK;
        transition->plugin->transition = NULL;
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (!is_abandoned)
        return;
    transition->state = FINISHED;
    tocsin__transition_end(transition);
    tocsin__transitions_wake();
    tocsin__transition_unref(transition);
}

static void unload_unmap(struct tocsin__transition *transition)
{
    bool mapped = !tocsin__image_unmap(transition->image);
    struct tocsin__plugin *plugin = transition->plugin;

    transition->state = FINISHED;
    tocsin__transition_end(transition);
    if (plugin)
        tocsin__plugin_remove(plugin);
    transition->frees_image = true;
    op_finish(transition, 0, mapped, NULL);
    tocsin__transitions_wake();
    tocsin__transition_unref(transition);
}

/* Functions for dependents, which are the plugins that need this one */

/* Begins to unload the dependents. A dependent may be in a load or a reload. The end of the load or
 * reload wakes this transition. */
static void dependents_unload(const char *name)
{
    const struct tocsin_notify notify = { .mode = TOCSIN_NO_INJECT };
    const struct tocsin__plugin *other;
    char dependent[TOCSIN__OWNER_NAME];

    do {
        pthread_mutex_lock(&tocsin__plugins_lock);
        other = tocsin__plugin_first();
        while (other &&
               !(tocsin__plugin_needs(other, name) && other->state == TOCSIN_PLUGIN_RUNNING))
            other = other->next;
        if (other)
            strcpy(dependent, other->name);
        pthread_mutex_unlock(&tocsin__plugins_lock);
    } while (other && tocsin_plugin_unload(dependent, &notify, NULL) == 0);
}

/* Finds a plugin that needs this one. Returns false if there is none. */
static bool dependent_find(const char *name, char ret_dependent[TOCSIN__OWNER_NAME],
                           bool *ret_is_stuck)
{
    const struct tocsin__plugin *other;

    pthread_mutex_lock(&tocsin__plugins_lock);
    other = tocsin__plugin_first();
    while (other && !tocsin__plugin_needs(other, name))
        other = other->next;
    *ret_is_stuck = other && other->state == TOCSIN_PLUGIN_STUCK;
    if (other)
        strcpy(ret_dependent, other->name);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return other;
}

/* Functions for the steps. Each step enters the next state when its condition is true. */

static bool holds_any(const struct tocsin__owner *owner, enum tocsin_resource first,
                      enum tocsin_resource last)
{
    for (int what = first; what <= (int)last; what++)
        if (what != TOCSIN_RESOURCE_PENDING && what != TOCSIN_RESOURCE_PENDING_BYTES &&
            tocsin__owner_count(owner, (enum tocsin_resource)what))
            return true;
    return false;
}

static void state_enter(struct tocsin__transition *transition, enum unload_state state, int call)
{
    transition->state = state;
    tocsin__transition_call(transition, call);
}

static void dependents_step(struct tocsin__transition *transition, bool is_abandoned)
{
    const struct tocsin__plugin *plugin = transition->plugin;
    char dependent[TOCSIN__OWNER_NAME];
    bool is_stuck;

    if (plugin && !is_abandoned)
        dependents_unload(plugin->name);
    if (!plugin || !dependent_find(plugin->name, dependent, &is_stuck))
        state_enter(transition, CANCELLING, CALL_CANCEL);
    else if (is_stuck || is_abandoned)
        unload_give_up(transition, dependent);
}

static void cancelling_step(struct tocsin__transition *transition, bool is_abandoned)
{
    const struct tocsin__owner *owner = transition->owner;

    if (!is_abandoned && (tocsin__owner_count(owner, TOCSIN_RESOURCE_OPERATIONS) ||
                          tocsin__owner_count(owner, TOCSIN_RESOURCE_TASKS)))
        return;
    tocsin__signals_orphan(transition->owner);
    state_enter(transition, DISCONNECTING, CALL_DISCONNECT);
}

static void disconnecting_step(struct tocsin__transition *transition)
{
    if (holds_any(transition->owner, TOCSIN_RESOURCE_HANDLERS, TOCSIN_RESOURCE_TYPES))
        return;
    if (transition->plugin)
        tocsin__image_fini(transition->image);
    state_enter(transition, RESTING, CALL_FORGET);
}

/* Waits for the plugin's own threads. Nothing wakes the transition when a thread ends, so a timer
   does. */
static void resting_step(struct tocsin__transition *transition)
{
    if (holds_any(transition->owner, TOCSIN_RESOURCE_HANDLERS, TOCSIN_RESOURCE_OBJECTS))
        return;
    if (tocsin__image_is_busy(transition->image))
        tocsin__transition_wake_later(transition, THREAD_POLL_MS);
    else
        unload_unmap(transition);
}

static void unload_step(struct tocsin__transition *transition)
{
    bool is_abandoned;

    if (transition->state == FINISHED || atomic_load(&transition->is_calling))
        return;
    if (atomic_exchange(&transition->is_restarted, false))
        transition->state = DEPENDENTS;
    /* is_abandoned must be read after is_restarted; plugin_claim explains why. */
    is_abandoned = atomic_load(&transition->is_abandoned);
    switch ((enum unload_state)transition->state) {
    case DEPENDENTS: dependents_step(transition, is_abandoned); break;
    case CANCELLING: cancelling_step(transition, is_abandoned); break;
    case DISCONNECTING:
        if (is_abandoned)
            unload_stick(transition);
        else
            disconnecting_step(transition);
        break;
    case RESTING:
        if (is_abandoned)
            unload_stick(transition);
        else
            resting_step(transition);
        break;
    case FINISHED: break;
    }
}

static struct tocsin__transition *unload_new(void)
{
    struct tocsin__transition *transition = tocsin__alloc(sizeof *transition);

    if (!transition)
        return NULL;
    transition->step = unload_step;
    transition->refs = 1;
    if (tocsin__transition_call_new(transition, CALL_CANCEL, on_cancel) &&
        tocsin__transition_call_new(transition, CALL_DISCONNECT, on_disconnect) &&
        tocsin__transition_call_new(transition, CALL_FORGET, on_forget))
        return transition;
    tocsin__transition_unref(transition);
    return NULL;
}

/* Unloads an image that no plugin uses. If there is no memory, the image stays mapped, but is never
   called again. */
void tocsin__unload_image(struct tocsin__image *image)
{
    struct tocsin__transition *transition;

    if (!image->owner) {
        tocsin__image_free(image);
        return;
    }
    atomic_store(&image->owner->closed, true);
    tocsin__signals_orphan(image->owner);
    tocsin__reclaim_operations(image->owner);
    tocsin__reclaim_connected(image->owner);
    transition = unload_new();
    if (!transition)
        return;
    tocsin__transition_begin(transition, NULL, image);
    tocsin__transition_wake(transition);
}

/* The operation */

static int unload_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct unload_op *state = arg;
    struct tocsin__transition *transition = state->transition;

    if (!tocsin__op_claim(op.source.id))
        return -EBUSY; /* the unload ends at this moment, and cannot be cancelled any more */
    tocsin__transition_describe(transition, state->reason, sizeof state->reason);
    atomic_store(&transition->is_abandoned, true);
    tocsin__transition_wake(transition);
    state->done.mapped = true;
    tocsin__op_finish(state->op, reason == -ETIMEDOUT ? -EBUSY : reason, &state->done.tocsin);
    return 0;
}

static void unload_drop(void *arg)
{
    struct unload_op *state = arg;

    if (state->transition)
        tocsin__transition_unref(state->transition);
}

static const struct tocsin_op_type unload_type = {
    .done = &tocsin__plugin_unloaded_spec,
    .state_size = sizeof(struct unload_op),
    .cancel = unload_cancel,
    .drop = unload_drop,
    .flags = TOCSIN__OWN,
};

static void unload_op_init(struct unload_op *state, struct tocsin__op *op, const char *name)
{
    state->op = op;
    state->done = tocsin_plugin_unloaded_make();
    snprintf(state->name, sizeof state->name, "%s", name);
    state->done.name = state->name;
    state->done.reason = state->reason;
}

/* Returns true if the transition is an unload whose caller gave up. The next caller takes it
   over. */
static bool is_abandoned_unload(const struct tocsin__transition *transition)
{
    return transition && transition->step == unload_step && atomic_load(&transition->is_abandoned);
}

/* Returns 0 if the plugin can be unloaded. The caller holds the lock. */
static int plugin_check(const struct tocsin__plugin *plugin, const struct tocsin_notify *notify)
{
    if (!plugin)
        return -ENOENT;
    if (plugin->state == TOCSIN_PLUGIN_LOADING)
        return -EBUSY;
    if (plugin->state == TOCSIN_PLUGIN_ENDING && !is_abandoned_unload(plugin->transition))
        return -EALREADY;
    if (notify && notify->fn && tocsin__plugin_has(plugin, (const void *)notify->fn))
        /* refused: the notify's function would be unmapped before it is called */
        return -EINVAL;
    return 0;
}

static int unload_check(const char *name, const struct tocsin_notify *notify)
{
    int err;

    pthread_mutex_lock(&tocsin__plugins_lock);
    err = plugin_check(tocsin__plugin_named(name), notify);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

/* Gives the transition to the plugin. If the plugin already has a transition, restarts it for this
 * operation. Returns the plugin's transition. The caller holds the lock.
 *
 * The home loop may run a step of this transition at the same time. So is_restarted is set last,
 * and a step reads is_restarted first. Then a step that sees the restart does not see the old
 * is_abandoned. */
static struct tocsin__transition *plugin_claim(struct tocsin__plugin *plugin,
                                               struct tocsin__transition *transition, uint64_t op)
{
    if (plugin->state == TOCSIN_PLUGIN_ENDING) {
        transition = plugin->transition;
        atomic_store(&transition->op, op);
        atomic_store(&transition->is_abandoned, false);
        atomic_store(&transition->is_restarted, true);
    } else {
        atomic_store(&transition->op, op);
        plugin->state = TOCSIN_PLUGIN_ENDING;
        plugin->transition = transition;
        transition->plugin = plugin;
        atomic_store(&plugin->image->owner->closed, true);
    }
    tocsin__transition_ref(transition);
    return transition;
}

static int unload_begin(struct tocsin__op *op, const char *name)
{
    struct unload_op *state = (struct unload_op *)op->state;
    struct tocsin__transition *transition = unload_new();
    struct tocsin__plugin *plugin;
    int err;

    if (!transition)
        return -ENOMEM;
    unload_op_init(state, op, name);
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_named(name);
    err = plugin_check(plugin, NULL);
    if (err == 0)
        state->transition = plugin_claim(plugin, transition, op->source.id);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (err == 0 && state->transition == transition)
        tocsin__transition_begin(transition, plugin, plugin->image);
    else
        tocsin__transition_unref(transition);
    if (err == 0)
        tocsin__transition_op_share(op);
    return err;
}

int tocsin_plugin_unload(const char *name, const struct tocsin_notify *notify,
                         struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = name ? unload_check(name, notify) : -EINVAL;

    err = tocsin__transition_op_new(&unload_type, name, notify, err, &op);
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_op));
    err = tocsin__op_started(
        op, tocsin__op_deadline_make(op) < 0 ? -ENOMEM : unload_begin(op, name), ret_op);
    if (err < 0)
        return tocsin__traced(err);
    tocsin__transition_op_started(op, ((struct unload_op *)op->state)->transition);
    return 0;
}
