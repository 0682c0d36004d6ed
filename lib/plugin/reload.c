/* Reloads a plugin (P4). The plugin's handlers stay connected until the versions are exchanged at a
   barrier of all loops. So no emission is lost. */
#include <stdio.h>
#include <string.h>

#include <tocsin/loop.h>

#include "base/assert.h"
#include "base/cancel.h"
#include "base/refusal.h"
#include "op/complete.h"
#include "op/cancel.h"
#include "plugin/barrier.h"
#include "plugin/load.h"
#include "plugin/reclaim.h"
#include "plugin/note/setting.h"
#include "plugin/settings.h"
#include "plugin/swap.h"
#include "plugin/transition.h"
#include "plugin/unload.h"
#include "registry/catalogue.h"
#include "registry/declare.h"

/* clang-format off */
/*   READING ──► WAITING ◄──────────────────────────┐
                    │ no finite operation runs      │ the time is over: finite
                    ▼                               │ operations are cancelled
                REHEARSING ──► REHEARSED ───────────┘
                    │              │ no finite operation runs:
                    │              ▼ persistent ones are cancelled
                    │          CLEARING ◄────┐
                    │              │ nothing │ an operation runs
                    │              ▼ runs    │
                    │          GATHERING ────┘
       nothing runs │              │ nothing runs
                    └───► swap ◄───┘
                            ▼
                        FINISHED ◄── from every state, if the caller gave up

   In REHEARSING and GATHERING, all loops wait at a barrier. The first of these barriers only
   checks that all loops arrive. Persistent operations (timers, watches) do not end by themselves.
   They are cancelled after this check, since they must run if a loop does not arrive. */
/* clang-format on */
enum reload_state {
    READING,    /* the new file is read and checked */
    WAITING,    /* the finite operations and tasks of the plugin must end */
    REHEARSING, /* waits until all loops are at the barrier */
    REHEARSED,  /* the loops leave the barrier, and new finite operations must end */
    CLEARING,   /* all operations must end, also the persistent ones */
    GATHERING,  /* the loops arrive at the barrier; the versions are exchanged */
    FINISHED
};

/* The indices of transition->calls. In some states, each loop is called by one of these calls. */
enum { CALL_CANCEL_PERSISTENT, CALL_CANCEL_FINITE, CALL_BARRIER };

enum { FINITE_TIMEOUT_MS = 2000 }; /* finite operations are cancelled after this time */

struct reload {
    struct tocsin__transition transition; /* must be the first member */
    struct tocsin__swap swap;
    struct tocsin__barrier barrier;
    /* when finite operations are cancelled; INT64_MAX: they have been cancelled */
    int64_t cancel_at_us;
};

/* the memory of the operation of a reload */
struct reload_op {
    struct tocsin_plugin_reloaded done;
    struct reload *reload;
    struct tocsin__op *op;
    char name[TOCSIN__OWNER_NAME], version[64], reason[512];
};

static struct reload *reload_of(struct tocsin__transition *transition)
{
    return tocsin__container(transition, struct reload, transition);
}

/* The functions that each loop runs for the reload. The reload may have been given up when a loop
 * runs such a function. Then the function must do nothing, because the plugin continues. */

static void on_cancel_persistent(struct tocsin__call_all_loops *loops_call)
{
    const struct tocsin__transition *transition = tocsin__transition_of(loops_call);

    if (!atomic_load(&transition->is_abandoned))
        tocsin__reclaim_persistent(transition->owner);
}

static void on_cancel_finite(struct tocsin__call_all_loops *loops_call)
{
    const struct tocsin__transition *transition = tocsin__transition_of(loops_call);

    if (!atomic_load(&transition->is_abandoned))
        tocsin__reclaim_finite(transition->owner);
}

static void on_barrier(struct tocsin__call_all_loops *loops_call)
{
    struct tocsin__transition *transition = tocsin__transition_of(loops_call);
    struct reload *reload = reload_of(transition);
    struct tocsin__owner *owner = transition->owner;
    bool waits = tocsin__reclaim_finds(owner) || tocsin__signals_default(owner);

    if (atomic_load(&transition->is_abandoned))
        return;
    tocsin__reclaim_caches(owner);
    tocsin__barrier_arrive(&reload->barrier, waits);
    tocsin__transition_wake(transition);
    if (!waits ||
        tocsin__barrier_wait(&reload->barrier, TOCSIN__BARRIER_GATHERING) != TOCSIN__BARRIER_MUTING)
        return;
    tocsin__swap_mute(owner);
    tocsin__barrier_add_muted(&reload->barrier);
    tocsin__barrier_wait(&reload->barrier, TOCSIN__BARRIER_MUTING);
    tocsin__swap_release(reload->swap.started);
}

/* The end */

/* Ends the caller's operation. `op` is the claimed operation; NULL if it has ended already. */
static void op_finish(const struct reload *reload, struct tocsin__op *op, int status,
                      const char *reason)
{
    const struct tocsin__plugin *plugin = reload->transition.plugin;
    struct reload_op *state;

    if (!op)
        return;
    state = (struct reload_op *)op->state;
    state->done.mapped = reload->swap.stays_mapped;
    snprintf(state->reason, sizeof state->reason, "%s", reason);
    snprintf(state->version, sizeof state->version, "%s",
             plugin ? plugin->image->note.version : "");
    tocsin__op_finish(op, status, &state->done.tocsin);
}

static void reload_finish(struct reload *reload, enum tocsin_plugin_state state)
{
    struct tocsin__plugin *plugin = reload->transition.plugin;

    reload->transition.state = FINISHED;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->state = state;
    plugin->transition = NULL;
    plugin->next_image = NULL;
    plugin->reloads += reload->swap.is_new;
    tocsin__saved_state_free(&plugin->restored);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    tocsin__transition_end(&reload->transition);
    tocsin__barrier_close(&reload->barrier);
    tocsin__transitions_wake();
}

/* Gives up the reload. The plugin has not been changed, so it continues. */
static void reload_give_up(struct reload *reload, int err, const char *reason)
{
    tocsin__barrier_set(&reload->barrier, TOCSIN__BARRIER_BROKEN);
    tocsin__owner_reopen(reload->transition.owner);
    reload_finish(reload, TOCSIN_PLUGIN_RUNNING);
    op_finish(reload, tocsin__op_claim(reload->transition.op), err, reason);
    tocsin__image_free(reload->swap.next);
    tocsin__transition_unref(&reload->transition);
}

/* Exchanges the versions; all loops are at the barrier. If neither version starts, the plugin is
   removed. Its state is ENDING until then, so that no other thread uses the plugin. */
static void reload_swap(struct reload *reload, struct tocsin__op *op)
{
    struct tocsin__transition *transition = &reload->transition;
    struct tocsin__plugin *plugin = transition->plugin;
    char text[512] = "";
    const struct tocsin__reason reason = { text, sizeof text };
    int err;

    tocsin__assert(transition->plugin && reload->swap.next);
    tocsin__barrier_set(&reload->barrier, TOCSIN__BARRIER_MUTING);
    tocsin__swap_mute(transition->owner);
    tocsin__barrier_await_muted(&reload->barrier);
    plugin->home = tocsin_loop_current();
    err = tocsin__swap_versions(&reload->swap, transition, &reason);
    tocsin__barrier_set(&reload->barrier, TOCSIN__BARRIER_RELEASED);
    tocsin__swap_release(reload->swap.started);
    reload_finish(reload, reload->swap.started ? TOCSIN_PLUGIN_RUNNING : TOCSIN_PLUGIN_ENDING);
    if (!reload->swap.started) {
        transition->plugin = NULL;
        tocsin__plugin_remove(plugin);
    }
    op_finish(reload, op, err, text);
    transition->frees_image = !reload->swap.has_thread;
    if (reload->swap.has_thread)
        tocsin__unload_image(transition->image);
    tocsin__transition_unref(transition);
}

/* The steps */

static uint64_t held(const struct reload *reload, int what)
{
    return tocsin__owner_count(reload->transition.owner, what);
}

static bool has_persistent(const struct reload *reload)
{
    return held(reload, TOCSIN__PERSISTENT) || held(reload, TOCSIN__PERSISTENT_TYPES);
}

/* Returns true if a finite operation, task or object exists. Persistent operations are subtracted
   from the number of all operations. */
static bool has_finite(const struct reload *reload)
{
    return held(reload, TOCSIN_RESOURCE_OPERATIONS) > held(reload, TOCSIN__PERSISTENT) ||
           held(reload, TOCSIN_RESOURCE_TYPES) > held(reload, TOCSIN__PERSISTENT_TYPES) ||
           held(reload, TOCSIN_RESOURCE_TASKS) || held(reload, TOCSIN_RESOURCE_OBJECTS);
}

/* Reads and checks the new file. The operation has already started, so an error in the file is
   reported by the operation's end. */
static void file_read(struct reload *reload)
{
    struct tocsin__plugin *plugin = reload->transition.plugin;
    struct tocsin__swap *swap = &reload->swap;
    char **settings = swap->has_settings ? swap->settings : plugin->settings;
    char text[512] = "";
    const struct tocsin__reason reason = { text, sizeof text };
    int err;

    swap->next = tocsin__load_read(plugin->image->file.path, plugin->name, true, &reason, &err);
    if (err == 0)
        err = tocsin__settings_check(plugin->name, swap->next->note.text,
                                     (const char *const *)settings, &reason);
    if (err == 0)
        err = tocsin__plugin_set_next(plugin, swap->next);
    if (err < 0) {
        reload_give_up(reload, err, *text ? text : tocsin_strerror(err));
        return;
    }
    reload->transition.state = WAITING;
    reload->cancel_at_us = tocsin_now() + FINITE_TIMEOUT_MS * 1000;
    tocsin__transition_wake_later(&reload->transition, FINITE_TIMEOUT_MS);
    tocsin__transition_wake(&reload->transition);
}

/* Cancels the finite operations at their time limit. Then the plugin cannot begin new ones. */
static void finite_cancel_when_due(struct reload *reload)
{
    struct tocsin__transition *transition = &reload->transition;
    int64_t now = tocsin_now();

    if (reload->cancel_at_us == INT64_MAX)
        return;
    if (now < reload->cancel_at_us) {
        /* The timer is armed again in each step, because the home loop may have changed. */
        tocsin__transition_wake_later(transition, (reload->cancel_at_us - now) / 1000 + 1);
        return;
    }
    reload->cancel_at_us = INT64_MAX;
    atomic_store(&transition->owner->closed, true);
    if (transition->state == REHEARSED)
        transition->state = WAITING;
    tocsin__transition_call(transition, CALL_CANCEL_FINITE);
}

static void persistent_cancel(struct reload *reload)
{
    reload->transition.state = CLEARING;
    tocsin__transition_call(&reload->transition, CALL_CANCEL_PERSISTENT);
}

/* Opens the barrier and calls all loops to it. If another reload has it, its end wakes this one. */
static void barrier_open(struct reload *reload, enum reload_state state)
{
    struct tocsin__transition *transition = &reload->transition;

    if (!tocsin__barrier_open(&reload->barrier))
        return;
    atomic_store(&transition->owner->closed, true);
    transition->calls[CALL_BARRIER]->except = tocsin__self;
    transition->state = state;
    tocsin__transition_call(transition, CALL_BARRIER);
    tocsin__transition_wake(transition); /* wakes this loop, too, because it may be the only loop */
}

static void barrier_break(struct reload *reload)
{
    tocsin__barrier_set(&reload->barrier, TOCSIN__BARRIER_BROKEN);
    reload->transition.state = reload->transition.state == REHEARSING ? REHEARSED : CLEARING;
}

/* Waits until all loops have arrived, then exchanges the versions. If an operation of the plugin
 * runs at this moment, the barrier is broken and the loops continue. */
static void barrier_step(struct reload *reload)
{
    struct tocsin__transition *transition = &reload->transition;
    uint32_t loops = atomic_load(&transition->calls[CALL_BARRIER]->called);
    struct tocsin__op *op;

    if (!tocsin__barrier_is_full(&reload->barrier, loops))
        return;
    if (has_finite(reload) || has_persistent(reload)) {
        barrier_break(reload);
        tocsin__transition_wake(transition);
    } else if ((op = tocsin__op_claim(transition->op))) {
        reload_swap(reload, op);
    } /* otherwise the caller is giving up now, and will wake the transition */
}

/* Takes one step of the reload. In a barrier state, the loops wait inside their call. In every
   other state, the call must have returned on all loops before the next step. */
static void reload_step(struct tocsin__transition *transition)
{
    struct reload *reload = reload_of(transition);
    bool is_calling = atomic_load(&transition->is_calling);
    bool is_abandoned = atomic_load(&transition->is_abandoned);
    enum reload_state state = (enum reload_state)transition->state;

    if (state != FINISHED && (is_abandoned || tocsin__self->life.freeing)) {
        reload_give_up(reload, is_abandoned ? -EBUSY : -ECANCELED, "");
        return;
    }
    if (is_calling && state != REHEARSING && state != GATHERING)
        return;
    switch (state) {
    case READING: file_read(reload); break;
    case WAITING:
        if (has_finite(reload))
            finite_cancel_when_due(reload);
        else
            barrier_open(reload, REHEARSING);
        break;
    case REHEARSED:
        if (has_finite(reload))
            finite_cancel_when_due(reload);
        else
            persistent_cancel(reload);
        break;
    case CLEARING:
        if (has_finite(reload) || has_persistent(reload))
            finite_cancel_when_due(reload);
        else
            barrier_open(reload, GATHERING);
        break;
    case REHEARSING:
    case GATHERING: barrier_step(reload); break;
    case FINISHED: break;
    }
}

/* Called when the home loop is being freed. The loop that becomes the home loop may be waiting at
   the barrier now, so the barrier is broken. */
static void reload_on_move(struct tocsin__transition *transition)
{
    if (transition->state == REHEARSING || transition->state == GATHERING)
        barrier_break(reload_of(transition));
}

static void reload_on_free(struct tocsin__transition *transition)
{
    struct reload *reload = reload_of(transition);

    tocsin__settings_free(reload->swap.settings);
    tocsin__barrier_destroy(&reload->barrier);
}

/* The operation */

static int reload_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct reload_op *state = arg;
    struct tocsin__transition *transition = &state->reload->transition;

    if (!tocsin__op_claim(op.source.id))
        return -EBUSY; /* too late: the versions are being exchanged now */
    tocsin__transition_describe(transition, state->reason, sizeof state->reason);
    atomic_store(&transition->is_abandoned, true);
    tocsin__transition_wake(transition);
    tocsin__op_finish(state->op, reason == -ETIMEDOUT ? -EBUSY : reason, &state->done.tocsin);
    return 0;
}

static void reload_drop(void *arg)
{
    struct reload_op *state = arg;

    if (state->reload)
        tocsin__transition_unref(&state->reload->transition);
}

static const struct tocsin_op_type reload_type = {
    .done = &tocsin__plugin_reloaded_spec,
    .state_size = sizeof(struct reload_op),
    .cancel = reload_cancel,
    .drop = reload_drop,
    .flags = TOCSIN__OWN,
};

static struct reload *reload_new(void)
{
    struct reload *reload = tocsin__alloc(sizeof *reload);
    struct tocsin__transition *transition;
    bool has_calls;

    if (!reload)
        return NULL;
    transition = &reload->transition;
    transition->step = reload_step;
    transition->on_move = reload_on_move;
    transition->on_free = reload_on_free;
    transition->refs = 1;
    transition->ignores_persistent = true;
    tocsin__barrier_init(&reload->barrier);
    has_calls = tocsin__transition_call_new(transition, CALL_CANCEL_PERSISTENT,
                                            on_cancel_persistent) &&
                tocsin__transition_call_new(transition, CALL_CANCEL_FINITE, on_cancel_finite) &&
                tocsin__transition_call_new(transition, CALL_BARRIER, on_barrier);
    if (has_calls)
        return reload;
    tocsin__transition_unref(transition);
    return NULL;
}

static void reload_op_init(struct reload_op *state, struct tocsin__op *op, const char *name)
{
    state->op = op;
    state->done = tocsin_plugin_reloaded_make();
    snprintf(state->name, sizeof state->name, "%s", name);
    state->done.name = state->name;
    state->done.version = state->version;
    state->done.reason = state->reason;
}

/* Checks that the plugin can be reloaded. If `reload` is not NULL, also makes it the transition of
   the plugin. */
static int plugin_claim(const char *name, const struct tocsin_notify *notify, struct reload *reload)
{
    struct tocsin__plugin *plugin;
    int err = 0;

    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_named(name);
    if (!plugin) {
        err = -ENOENT;
    } else if (plugin->state != TOCSIN_PLUGIN_RUNNING) {
        err = plugin->state == TOCSIN_PLUGIN_ENDING ? -EALREADY : -EBUSY;
    } else if (notify && notify->fn && tocsin__plugin_has(plugin, (const void *)notify->fn)) {
        /* refused: the notify's function would be unmapped before it is called */
        err = -EINVAL;
    } else if (reload) {
        plugin->state = TOCSIN_PLUGIN_ENDING;
        plugin->transition = &reload->transition;
        reload->transition.plugin = plugin;
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

static int reload_begin(struct tocsin__op *op, const char *name, const char *const *settings)
{
    struct reload_op *state = (struct reload_op *)op->state;
    struct reload *reload = reload_new();
    int err = reload ? tocsin__settings_copy(settings, &reload->swap.settings) : -ENOMEM;

    if (err == 0) {
        reload->swap.has_settings = settings;
        reload->transition.op = op->source.id;
        reload_op_init(state, op, name);
        err = plugin_claim(name, NULL, reload);
    }
    if (err < 0) {
        if (reload)
            tocsin__transition_unref(&reload->transition);
        return err;
    }
    tocsin__transition_ref(&reload->transition);
    state->reload = reload;
    tocsin__transition_op_share(op);
    tocsin__transition_begin(&reload->transition, reload->transition.plugin,
                             reload->transition.plugin->image);
    return 0;
}

int tocsin_plugin_reload(const char *name, const char *const *settings,
                         const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin__op *op;
    int err = name ? plugin_claim(name, notify, NULL) : -EINVAL, cancel;

    err = tocsin__transition_op_new(&reload_type, name, notify, err, &op);
    if (err < 0)
        return tocsin__traced(tocsin__op_failed(err, ret_op));
    cancel = tocsin__cancel_off();
    err = tocsin__op_started(
        op, tocsin__op_deadline_make(op) < 0 ? -ENOMEM : reload_begin(op, name, settings), ret_op);
    tocsin__cancel_back(cancel);
    if (err < 0)
        return tocsin__traced(err);
    tocsin__transition_op_started(op, &((struct reload_op *)op->state)->reload->transition);
    return 0;
}
