/* P3, in the order in which it happens: those that need it go; what it runs is cancelled, and ends while its handlers hear it; what it has connected goes; its fini is
   called; every loop has been at rest since; it is unmapped. */
#include <stdio.h>
#include <string.h>

#include "core/catalogue.h"
#include "plugin/change.h"
#include "plugin/sweep.h"

enum phase { WAITS_FOR_OTHERS, CANCELS, DISCONNECTS, RESTS, OVER };
enum { RUNNING, CONNECTED, KNOWN };                    /* the visits */
enum { LOOK_AGAIN_MS = 10 };

/* The state of the operation. */
struct state { struct tocsin_plugin_unloaded done; struct tocsin__change *change; struct tocsin__op *op; char name[TOCSIN__OWNER_NAME], reason[512]; };

static void on_running(struct tocsin__visit *visit)
{
    tocsin__sweep_running(tocsin__visit_owner(visit));
}

static void on_connected(struct tocsin__visit *visit)
{
    tocsin__sweep_connected(tocsin__visit_owner(visit));
}

static void on_known(struct tocsin__visit *visit)
{
    tocsin__sweep_known(tocsin__visit_owner(visit));
}

/* Told: by whichever thread claims the operation */

static void tell(struct tocsin__op *op, int status, bool mapped)
{
    struct state *state = (struct state *)op->state;

    state->done.mapped = mapped;
    tocsin__op_finish(op, status, &state->done.tocsin);
}

static void told(const struct tocsin__change *change, int status, bool mapped, const char *reason)
{
    struct tocsin__op *op = change->op ? tocsin__op_claim(change->op) : NULL;

    if (!op)
        return;
    if (reason)
        snprintf(((struct state *)op->state)->reason, sizeof ((struct state *)op->state)->reason, "%s", reason);
    tell(op, status, mapped);
}

/* Those that need it */

static const struct tocsin__plugin *needs_it(const struct tocsin__plugin *plugin)
{
    const struct tocsin__plugin *other = tocsin__plugin_first();

    while (other && !tocsin__plugin_needs(other, plugin->name))
        other = other->next;
    return other;
}

/* Nothing has been done to it yet: it goes on. */
static void give_up(struct tocsin__change *change, const char *by)
{
    char reason[160];

    snprintf(reason, sizeof reason, "%s needs it, and is held", by);
    change->phase = OVER;
    atomic_store(&change->owner->closed, false);
    pthread_mutex_lock(&tocsin__plugins_lock);
    change->plugin->state = TOCSIN_PLUGIN_RUNNING;
    change->plugin->change = NULL;
    pthread_mutex_unlock(&tocsin__plugins_lock);
    told(change, -EBUSY, true, reason);
    tocsin__change_end(change);
    tocsin__change_put(change);
}

/* Those that need it are unloaded on their own; it waits until they are gone. One that is being loaded, or reloaded, is asked when that is over. */
static void others_begin(const char *of)
{
    char name[TOCSIN__OWNER_NAME];
    const struct tocsin__plugin *other;

    do {
        pthread_mutex_lock(&tocsin__plugins_lock);
        other = tocsin__plugin_first();
        while (other && !(tocsin__plugin_needs(other, of) && other->state == TOCSIN_PLUGIN_RUNNING))
            other = other->next;
        if (other)
            strcpy(name, other->name);
        pthread_mutex_unlock(&tocsin__plugins_lock);
    } while (other && tocsin_plugin_unload(name, NULL, NULL) == 0);
}

static bool others_gone(struct tocsin__change *change)
{
    char by[TOCSIN__OWNER_NAME] = "";
    const struct tocsin__plugin *other;
    bool held;

    if (!change->plugin)
        return true;
    if (!atomic_load(&change->late))
        others_begin(change->plugin->name);
    pthread_mutex_lock(&tocsin__plugins_lock);
    other = needs_it(change->plugin);
    held = other && other->state == TOCSIN_PLUGIN_STUCK;
    if (other)
        strcpy(by, other->name);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (other && (held || atomic_load(&change->late)))
        give_up(change, by);
    return !other;
}

/* Step by step */

static bool holds(const struct tocsin__owner *owner, enum tocsin_holding from, enum tocsin_holding to)
{
    for (int what = from; what <= (int)to; what++)
        if (what != TOCSIN_HOLDS_PENDED && what != TOCSIN_HOLDS_PENDED_BYTES && tocsin__owner_held(owner, (enum tocsin_holding)what))
            return true;
    return false;
}

static void visit(struct tocsin__change *change, enum phase phase, int which)
{
    change->phase = phase;
    tocsin__change_visits(change, which);
}

/* Its time is over: it is called no more, and stays; unless it has just been asked for again. */
static void stuck(struct tocsin__change *change)
{
    bool late;

    pthread_mutex_lock(&tocsin__plugins_lock);
    late = atomic_load(&change->late);
    if (late && change->plugin) {
        change->plugin->state = TOCSIN_PLUGIN_STUCK;
        change->plugin->change = NULL;
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (!late)
        return;
    change->phase = OVER;
    tocsin__change_end(change);
    tocsin__changes_nudge();
    tocsin__change_put(change);
}

static void unmap(struct tocsin__change *change)
{
    bool gone = tocsin__image_unmap(change->image);
    struct tocsin__plugin *plugin = change->plugin;

    change->phase = OVER;
    tocsin__change_end(change);
    if (plugin)
        tocsin__plugin_remove(plugin);
    change->unmapped = true;
    told(change, 0, !gone, NULL);
    tocsin__changes_nudge();
    tocsin__change_put(change);
}

static void fini(struct tocsin__change *change)
{
    if (change->plugin)
        tocsin__image_fini(change->image);
    visit(change, RESTS, KNOWN);
}

static void step(struct tocsin__change *change)
{
    const struct tocsin__owner *owner = change->owner;
    bool late = atomic_load(&change->late);

    if (change->phase == OVER || atomic_load(&change->visiting))
        return;
    if (atomic_exchange(&change->again, false))
        change->phase = WAITS_FOR_OTHERS;
    if (change->phase == WAITS_FOR_OTHERS && others_gone(change)) {
        visit(change, CANCELS, RUNNING);
    } else if (change->phase == CANCELS && (late || !(holds(owner, TOCSIN_HOLDS_OPERATIONS, TOCSIN_HOLDS_OPERATIONS) || holds(owner, TOCSIN_HOLDS_TASKS, TOCSIN_HOLDS_TASKS)))) {
        tocsin__signals_orphan(change->owner);
        visit(change, DISCONNECTS, CONNECTED);
    } else if (change->phase == DISCONNECTS && !late && !holds(owner, TOCSIN_HOLDS_HANDLERS, TOCSIN_HOLDS_TYPES)) {
        fini(change);
    } else if (late && (change->phase == DISCONNECTS || change->phase == RESTS)) {
        stuck(change);                                     /* as was told, even if nothing holds it just now */
    } else if (change->phase == RESTS && !holds(owner, TOCSIN_HOLDS_HANDLERS, TOCSIN_HOLDS_OBJECTS) && !tocsin__image_busy(change->image)) {
        unmap(change);
    } else if (change->phase == RESTS && !holds(owner, TOCSIN_HOLDS_HANDLERS, TOCSIN_HOLDS_OBJECTS)) {
        tocsin__change_later(change, LOOK_AGAIN_MS);   /* nobody tells when a thread has ended */
    }
}

static struct tocsin__change *change_new(void)
{
    struct tocsin__change *change = tocsin__alloc(sizeof *change);

    if (!change)
        return NULL;
    change->step = step;
    change->refs = 1;
    change->visits[RUNNING] = tocsin__change_visit(change, on_running);
    change->visits[CONNECTED] = tocsin__change_visit(change, on_connected);
    change->visits[KNOWN] = tocsin__change_visit(change, on_known);
    if (change->visits[RUNNING] && change->visits[CONNECTED] && change->visits[KNOWN])
        return change;
    tocsin__change_put(change);
    return NULL;
}

/* Without memory it stays, closed, and nobody knows of it. */
void tocsin__image_discard(struct tocsin__image *image)
{
    struct tocsin__change *change;

    if (!image->owner) {
        tocsin__image_free(image);
        return;
    }
    atomic_store(&image->owner->closed, true);
    tocsin__signals_orphan(image->owner);
    tocsin__sweep_running(image->owner);                   /* here at once: nothing of it is called when this has returned */
    tocsin__sweep_connected(image->owner);
    change = change_new();
    if (!change)
        return;
    tocsin__change_begin(change, NULL, image);
    tocsin__change_nudge(change);
}

/* The operation */

static int unload_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct state *state = arg;
    struct tocsin__change *change = state->change;

    if (!tocsin__op_claim(op.source.id))
        return -EBUSY;                                     /* it is just being told */
    tocsin__change_describe(change, state->reason, sizeof state->reason);
    atomic_store(&change->late, true);
    tocsin__change_nudge(change);
    tell(state->op, reason == -ETIMEDOUT ? -EBUSY : reason, true);
    return 0;
}

static void unload_drop(void *arg)
{
    struct state *state = arg;

    if (state->change)
        tocsin__change_put(state->change);
}

static const struct tocsin_op_type unload_type = {
    .done = &tocsin__plugin_unloaded_spec, .state_size = sizeof(struct state), .cancel = unload_cancel, .drop = unload_drop, .flags = TOCSIN__OWN,
};

static void state_begin(struct state *state, struct tocsin__op *op, const char *name)
{
    state->op = op;
    state->done = tocsin_plugin_unloaded_make();
    snprintf(state->name, sizeof state->name, "%s", name);
    state->done.name = state->name;
    state->done.reason = state->reason;
}

/* Whoever asked before waits no more, but it is under way still: then it is not begun once more, but is this one's. */
static bool takes_over(const struct tocsin__plugin *plugin)
{
    return plugin->change && plugin->change->step == step && atomic_load(&plugin->change->late);
}

/* Under the lock, since others may ask for the same. */
static int claim(const char *name, const struct tocsin_notify *notify, struct tocsin__change *change, struct tocsin__change **ret_change)
{
    struct tocsin__plugin *plugin = tocsin__plugin_named(name);

    if (!plugin)
        return -ENOENT;
    if (plugin->state == TOCSIN_PLUGIN_LOADING)
        return -EBUSY;
    if (plugin->state == TOCSIN_PLUGIN_ENDING && !takes_over(plugin))
        return -EALREADY;
    if (notify && notify->fn && tocsin__plugin_has(plugin, (const void *)notify->fn))
        return -EINVAL;                                    /* it would be called when it is not there any more */
    *ret_change = plugin->state == TOCSIN_PLUGIN_ENDING ? plugin->change : change;
    if (!change)
        return 0;
    plugin->state = TOCSIN_PLUGIN_ENDING;
    plugin->change = *ret_change;
    tocsin__change_hold(*ret_change);
    if (*ret_change == change) {
        change->plugin = plugin;
        atomic_store(&plugin->image->owner->closed, true);
    }
    return 0;
}

static void take_over(struct tocsin__change *change)
{
    atomic_store(&change->again, true);
    atomic_store(&change->late, false);
}

static int begin(struct tocsin__op *op, const char *name)
{
    struct state *state = (struct state *)op->state;
    struct tocsin__change *change = change_new(), *its = NULL;
    int err;

    if (!change)
        return -ENOMEM;
    state_begin(state, op, name);
    pthread_mutex_lock(&tocsin__plugins_lock);
    err = claim(name, NULL, change, &its);
    if (err == 0) {
        state->change = its;
        atomic_store(&its->op, op->source.id);
        if (its != change)
            take_over(its);
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (err == 0 && its == change)
        tocsin__change_begin(change, change->plugin, change->plugin->image);
    else
        tocsin__change_put(change);
    if (err < 0)
        return err;
    op->threaded = true;                                   /* it is some loop that ends it */
    op->engine->tenant->threads++;
    return 0;
}

static int may_unload(const char *name, const struct tocsin_notify *notify)
{
    struct tocsin__change *unused;
    int err;

    pthread_mutex_lock(&tocsin__plugins_lock);
    err = claim(name, notify, NULL, &unused);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

int tocsin_plugin_unload(const char *name, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    struct tocsin__op *op;
    int err = !reason ? -ENOMEM : name ? may_unload(name, notify) : -EINVAL;

    if (err == 0)
        err = tocsin__op_new(&unload_type, notify, &op);
    if (err < 0) {
        if (reason)
            tocsin__refuse(reason, err, "%s: %s", name ? name : "no name", tocsin_strerror(err));
        return tocsin__op_failed(err, ret_op);
    }
    tocsin__op_owned_by_program(op);
    err = tocsin__op_started(op, begin(op, name), ret_op);
    if (err < 0)
        return err;
    tocsin_deadline((struct tocsin_op){ { op->source.id } }, TOCSIN__PATIENCE_MS);
    tocsin__change_nudge(((struct state *)op->state)->change);
    return 0;
}
