/* P4, in the order in which it happens: the new file is read and judged; what the old version has begun ends, while it is connected; all loops that it has something on
   meet once to see that they can, and its timers and watches end, which it keeps until then; they meet again, so that nothing is delivered on them; there its handlers are made to call nothing of it, and stay, so that what is sent is kept for these loops; fini, unmapping,
   mapping, init, on its home loop; the old handlers go, and what waits meets the new ones. Where the new version does not come up, a copy of the old one does. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tocsin/loop.h>

#include "core/catalogue.h"
#include "plugin/change.h"
#include "plugin/sweep.h"

enum { LOOKS = 50 };                                   /* a millisecond each */
enum { PATIENCE_MS = 2000 };                           /* with what it has begun, and what ends by itself */
enum phase { BEGINS, ENDS, MEETS, PARTS, OVER };
enum { STANDING, PASSING, MEETING };                   /* the visits */
enum { GATHER, GO, OFF, DONE };                        /* what those who meet are told */

struct reload {
    struct tocsin__change change;                      /* the first member */
    struct tocsin__image *next;
    char **settings;
    bool resets;                                       /* the settings are to be put in the place of the old ones */
    int64_t patience_us;                               /* until when what ends by itself may do so */
    bool hurried, rehearsed, swapped;
    bool stays;                                        /* the old version has a thread that has not ended */

    pthread_mutex_t lock;                              /* of the meeting */
    pthread_cond_t met;
    int word;
    uint32_t arrived, parked, defused;
    struct tocsin__owner *started;                     /* the version that goes on: the new one, or the old one again; NULL: none does */
    struct tocsin__op *told;                           /* the operation, once it is claimed: it is too late to give up */
};

struct state { struct tocsin_plugin_reloaded done; struct reload *reload; struct tocsin__op *op; char name[TOCSIN__OWNER_NAME], version[64], reason[512]; };

/* One meeting at a time: a loop that has come to one cannot call another, and those who wait for it would wait for each other. */
static _Atomic(struct reload *) meeting;

static void meeting_over(struct reload *reload)
{
    struct reload *its = reload;

    atomic_compare_exchange_strong(&meeting, &its, NULL);
}

/* T8: those who meet do so in the parent. */
static void fork_child(void)
{
    atomic_store(&meeting, NULL);
}

static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(NULL, NULL, fork_child);
}

static struct reload *reload_of(struct tocsin__change *change)
{
    return tocsin__container(change, struct reload, change);
}

/* A loop may come late, when it has been given up. */
static bool over_already(const struct tocsin__visit *visit)
{
    return atomic_load(&((const struct tocsin__change *)visit->arg)->late);
}

static void on_standing(struct tocsin__visit *visit)
{
    if (!over_already(visit))
        tocsin__sweep_standing(tocsin__visit_owner(visit));
}

static void on_passing(struct tocsin__visit *visit)
{
    if (!over_already(visit))
        tocsin__sweep_passing(tocsin__visit_owner(visit));
}

/* The meeting, as the other loops have it */

static void say(struct reload *reload, int word)
{
    pthread_mutex_lock(&reload->lock);
    reload->word = word;
    pthread_cond_broadcast(&reload->met);
    pthread_mutex_unlock(&reload->lock);
}

static void clear(struct tocsin__owner *owner)
{
    tocsin__sweep_defuse(owner);
    tocsin__sweep_connected(owner);
    tocsin__sweep_known(owner);
}

static void arrive(struct reload *reload, bool parks)
{
    pthread_mutex_lock(&reload->lock);
    reload->arrived++;
    reload->parked += parks;
    pthread_mutex_unlock(&reload->lock);
    tocsin__change_nudge(&reload->change);
}

/* Until it is said. */
static int hear(struct reload *reload, int after)
{
    int word;

    pthread_mutex_lock(&reload->lock);
    while (reload->word <= after)
        pthread_cond_wait(&reload->met, &reload->lock);
    word = reload->word;
    pthread_mutex_unlock(&reload->lock);
    return word;
}

static void defused(struct reload *reload)
{
    pthread_mutex_lock(&reload->lock);
    reload->defused++;
    pthread_cond_broadcast(&reload->met);
    pthread_mutex_unlock(&reload->lock);
}

/* What was called over from the new version's init comes before all that has waited. */
static void go_on(const struct reload *reload)
{
    if (reload->started)
        tocsin__sweep_tasks(reload->started);
    tocsin__sweep_defused();
    tocsin__sweep_held(reload->started);
}

static void on_meeting(struct tocsin__visit *visit)
{
    struct tocsin__owner *owner = tocsin__visit_owner(visit);
    struct reload *reload = reload_of(visit->arg);
    bool parks = tocsin__sweep_finds(owner) || tocsin__signals_default(owner);

    if (over_already(visit))
        return;
    tocsin__sweep_known(owner);
    arrive(reload, parks);
    if (!parks || hear(reload, GATHER) != GO)
        return;
    clear(owner);
    defused(reload);
    hear(reload, GO);
    go_on(reload);
}

/* And as the home loop has it */

static void await_defused(struct reload *reload)
{
    pthread_mutex_lock(&reload->lock);
    while (reload->defused < reload->parked)
        pthread_cond_wait(&reload->met, &reload->lock);
    pthread_mutex_unlock(&reload->lock);
}

static void settings_swap(struct reload *reload)
{
    char **settings = reload->settings;

    if (!reload->resets)
        return;
    pthread_mutex_lock(&tocsin__plugins_lock);
    reload->settings = reload->change.plugin->settings;
    reload->change.plugin->settings = settings;
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

/* A thread that fini has ended may be seen a moment longer. */
static bool still_busy(const struct tocsin__image *image)
{
    static const struct timespec moment = { 0, 1000000 };

    for (int i = 0; i < LOOKS && tocsin__image_busy(image); i++)
        nanosleep(&moment, NULL);
    return tocsin__image_busy(image);
}

/* What it has left is for those that come: for each that does not start, as for the one that does. */
static void state_pass(struct tocsin__plugin *plugin)
{
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->taken = plugin->left;
    plugin->left = (struct tocsin__state){ .there = false };
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

/* A default action of its, on a loop that was made since the others were asked to meet. */
static void await_actions(const struct tocsin__owner *owner)
{
    static const struct timespec moment = { 0, 1000000 };

    while (tocsin__owner_held(owner, TOCSIN_HOLDS_TASKS))
        nanosleep(&moment, NULL);
}

/* The old version goes. What keeps it mapped is no hindrance: nothing of it is called; a thread of its own goes on with it. */
static bool old_goes(struct reload *reload)
{
    struct tocsin__plugin *plugin = reload->change.plugin;
    struct tocsin__image *old = reload->change.image;

    tocsin__signals_orphan(reload->change.owner);
    await_actions(reload->change.owner);
    tocsin__image_fini(old);
    state_pass(plugin);
    reload->stays = still_busy(old);
    return !reload->stays && tocsin__image_unmap(old);
}

/* A version that did not start: half begun, it is swept up; where it called over to, it finds itself closed. */
static void goes(struct reload *reload, struct tocsin__image *image)
{
    struct tocsin__plugin *plugin = reload->change.plugin;

    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->image = reload->change.image;                  /* others may read its note */
    tocsin__state_free(&plugin->left);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    tocsin__image_discard(image);
}

/* A copy of it, since what was mapped once need not have gone. */
static int old_returns(struct reload *reload, const struct tocsin__reason *reason)
{
    struct tocsin__plugin *plugin = reload->change.plugin;
    struct tocsin__image *again;
    int err;

    settings_swap(reload);
    again = tocsin__image_again(reload->change.image, &err);
    if (again && (err = tocsin__plugin_starts(plugin, again, reason)) < 0)
        goes(reload, again);
    return err;
}

static void told(const struct reload *reload, int status, bool mapped, const char *reason)
{
    struct tocsin__op *op = reload->told ? reload->told : tocsin__op_claim(reload->change.op);
    struct state *state;

    if (!op)
        return;
    state = (struct state *)op->state;
    state->done.mapped = mapped;
    snprintf(state->reason, sizeof state->reason, "%s", reason);
    snprintf(state->version, sizeof state->version, "%s", reload->change.plugin ? reload->change.plugin->image->note.version : "");
    tocsin__op_finish(op, status, &state->done.tocsin);
}

static void over(struct reload *reload, enum tocsin_plugin_state state)
{
    struct tocsin__plugin *plugin = reload->change.plugin;

    reload->change.phase = OVER;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin->state = state;
    plugin->change = NULL;
    plugin->coming = NULL;
    plugin->reloads += reload->swapped;
    tocsin__state_free(&plugin->taken);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    tocsin__change_end(&reload->change);
    meeting_over(reload);
    tocsin__changes_nudge();
}

/* Nothing has been done to it: it goes on. */
static void give_up(struct reload *reload, int err, const char *reason)
{
    atomic_store(&reload->change.owner->closed, false);
    over(reload, TOCSIN_PLUGIN_RUNNING);
    told(reload, err, true, reason);
    tocsin__image_free(reload->next);
    tocsin__change_put(&reload->change);
}

static int swap(struct reload *reload, bool *ret_mapped, const struct tocsin__reason *reason)
{
    struct tocsin__plugin *plugin = reload->change.plugin;
    struct tocsin__image *next = reload->next;
    char again[200];
    int err, back;

    *ret_mapped = !old_goes(reload);
    settings_swap(reload);
    err = tocsin__plugin_starts(plugin, next, reason);
    reload->next = NULL;
    if (err == 0) {
        reload->started = plugin->image->owner;
        reload->swapped = true;
        return 0;
    }
    goes(reload, next);
    back = old_returns(reload, &(struct tocsin__reason){ again, sizeof again });
    reload->started = back < 0 ? NULL : plugin->image->owner;
    if (back < 0)
        tocsin__reason_add(reason, "; and the old one does not start again: %s", again);
    return err;
}

/* The version that was to return did not: there is none. */
static void plugin_goes(struct reload *reload)
{
    struct tocsin__plugin *plugin = reload->change.plugin;

    reload->change.plugin = NULL;
    tocsin__plugin_remove(plugin);
}

static void meet(struct reload *reload)
{
    char text[512] = "";
    const struct tocsin__reason reason = { text, sizeof text };
    bool mapped = false;
    int err;

    say(reload, GO);
    clear(reload->change.owner);
    await_defused(reload);
    reload->change.plugin->home = tocsin_loop_current();
    err = swap(reload, &mapped, &reason);
    say(reload, DONE);
    go_on(reload);
    over(reload, reload->started ? TOCSIN_PLUGIN_RUNNING : TOCSIN_PLUGIN_ENDING);      /* nobody asks for what is about to go */
    if (!reload->started)
        plugin_goes(reload);
    told(reload, err, mapped, text);
    reload->change.unmapped = !reload->stays;
    if (reload->stays)
        tocsin__image_discard(reload->change.image);
    tocsin__change_put(&reload->change);
}

/* Step by step */

static uint64_t held(const struct reload *reload, int what)
{
    return tocsin__owner_held(reload->change.owner, what);
}

static bool stands(const struct reload *reload)
{
    return held(reload, TOCSIN__STANDING) || held(reload, TOCSIN__STANDING_TYPES);
}

/* But for what stands. */
static bool idle(const struct reload *reload)
{
    return held(reload, TOCSIN_HOLDS_OPERATIONS) <= held(reload, TOCSIN__STANDING) && held(reload, TOCSIN_HOLDS_TYPES) <= held(reload, TOCSIN__STANDING_TYPES) &&
           !held(reload, TOCSIN_HOLDS_TASKS) && !held(reload, TOCSIN_HOLDS_OBJECTS);
}

static void visit(struct reload *reload, enum phase phase, int which)
{
    reload->change.phase = phase;
    tocsin__change_visits(&reload->change, which);
}

static void wait_for_end(struct reload *reload)
{
    reload->change.phase = ENDS;
    reload->patience_us = tocsin_now() + PATIENCE_MS * 1000;
    tocsin__change_later(&reload->change, PATIENCE_MS);
}

/* From now on it can begin nothing more. */
static void hurry(struct reload *reload)
{
    reload->hurried = true;
    atomic_store(&reload->change.owner->closed, true);
    visit(reload, ENDS, PASSING);
}

static void gather(struct reload *reload)
{
    struct reload *none = NULL;

    if (!atomic_compare_exchange_strong(&meeting, &none, reload) && none != reload)
        return;                                        /* its end nudges us */
    atomic_store(&reload->change.owner->closed, true);
    reload->word = GATHER;
    reload->arrived = reload->parked = reload->defused = 0;
    reload->change.visits[MEETING]->except = tocsin__self;
    visit(reload, MEETS, MEETING);
    tocsin__change_nudge(&reload->change);
}

/* Something has come up, or this was to see that it can be done: they part, and meet again. */
static void part(struct reload *reload)
{
    say(reload, OFF);
    reload->change.phase = PARTS;
    tocsin__change_nudge(&reload->change);
}

static bool all_here(struct reload *reload)
{
    bool all;

    pthread_mutex_lock(&reload->lock);
    all = reload->arrived == atomic_load(&reload->change.visits[MEETING]->called);
    pthread_mutex_unlock(&reload->lock);
    return all;
}

static void met(struct reload *reload)
{
    if (!all_here(reload))
        return;
    if (!idle(reload) || stands(reload))
        part(reload);
    else if ((reload->told = tocsin__op_claim(reload->change.op)))
        meet(reload);                                  /* else it is being given up just now */
}

/* The file is read when the operation has started: what is wrong with it is told by its end. */
static void read_next(struct reload *reload)
{
    struct tocsin__plugin *plugin = reload->change.plugin;
    char text[512] = "";
    const struct tocsin__reason reason = { text, sizeof text };
    int err;

    reload->next = tocsin__plugin_judged(plugin->image->file.path, plugin->name, true, &reason, &err);
    if (err == 0)
        err = tocsin__plugin_comes(plugin, reload->next);
    if (err < 0) {
        give_up(reload, err, *text ? text : tocsin_strerror(err));
        return;
    }
    wait_for_end(reload);
    tocsin__change_nudge(&reload->change);
}

static void step(struct tocsin__change *change)
{
    struct reload *reload = reload_of(change);
    bool visiting = atomic_load(&change->visiting), late = atomic_load(&change->late);

    if (change->phase == OVER) {
        return;
    } else if (late || tocsin__self->freeing) {        /* also where a loop has not come yet: that finds it over; and no other one is there */
        say(reload, OFF);
        give_up(reload, late ? -EBUSY : -ECANCELED, "");   /* as was told */
    } else if (change->phase == BEGINS) {
        read_next(reload);
    } else if (change->phase == MEETS) {
        met(reload);
    } else if (visiting) {
        return;
    } else if (change->phase == PARTS && !reload->rehearsed && idle(reload)) {
        reload->rehearsed = true;
        visit(reload, ENDS, STANDING);
    } else if (idle(reload) && !(reload->rehearsed && stands(reload))) {
        gather(reload);
    } else if (!reload->hurried && tocsin_now() >= reload->patience_us) {
        hurry(reload);
    } else if (!reload->hurried) {
        tocsin__change_later(change, (reload->patience_us - tocsin_now()) / 1000 + 1);       /* another loop may be the home by now */
    }
}

/* Where its home goes amid the meeting, the others part: the one that goes on is perhaps one of them. */
static void moves(struct tocsin__change *change)
{
    struct reload *reload = reload_of(change);

    if (change->phase != MEETS)
        return;
    say(reload, OFF);
    change->phase = PARTS;
}

static void forgotten(struct tocsin__change *change)
{
    struct reload *reload = reload_of(change);

    tocsin__settings_free(reload->settings);
    pthread_cond_destroy(&reload->met);
    pthread_mutex_destroy(&reload->lock);
}

/* The operation */

static int reload_cancel(struct tocsin_op op, void *arg, int reason)
{
    struct state *state = arg;
    struct tocsin__change *change = &state->reload->change;

    if (!tocsin__op_claim(op.source.id))
        return -EBUSY;                                     /* it is just being done */
    tocsin__change_describe(change, state->reason, sizeof state->reason);
    atomic_store(&change->late, true);
    tocsin__change_nudge(change);
    state->done.mapped = true;
    tocsin__op_finish(state->op, reason == -ETIMEDOUT ? -EBUSY : reason, &state->done.tocsin);
    return 0;
}

static void reload_drop(void *arg)
{
    struct state *state = arg;

    if (state->reload)
        tocsin__change_put(&state->reload->change);
}

static const struct tocsin_op_type reload_type = {
    .done = &tocsin__plugin_reloaded_spec, .state_size = sizeof(struct state), .cancel = reload_cancel, .drop = reload_drop, .flags = TOCSIN__OWN,
};

static struct reload *reload_new(void)
{
    struct reload *reload = tocsin__alloc(sizeof *reload);

    if (!reload)
        return NULL;
    reload->change.step = step;
    reload->change.moves = moves;
    reload->change.forgotten = forgotten;
    reload->change.refs = 1;
    pthread_mutex_init(&reload->lock, NULL);
    pthread_cond_init(&reload->met, NULL);
    reload->change.visits[STANDING] = tocsin__change_visit(&reload->change, on_standing);
    reload->change.visits[PASSING] = tocsin__change_visit(&reload->change, on_passing);
    reload->change.visits[MEETING] = tocsin__change_visit(&reload->change, on_meeting);
    if (reload->change.visits[STANDING] && reload->change.visits[PASSING] && reload->change.visits[MEETING])
        return reload;
    tocsin__change_put(&reload->change);
    return NULL;
}

static void state_begin(struct state *state, struct tocsin__op *op, const char *name)
{
    state->op = op;
    state->done = tocsin_plugin_reloaded_make();
    snprintf(state->name, sizeof state->name, "%s", name);
    state->done.name = state->name;
    state->done.version = state->version;
    state->done.reason = state->reason;
}

/* Under the lock, since others may ask for the same. */
static int claim(const char *name, const struct tocsin_notify *notify, struct reload *reload)
{
    struct tocsin__plugin *plugin = tocsin__plugin_named(name);

    if (!plugin)
        return -ENOENT;
    if (plugin->state != TOCSIN_PLUGIN_RUNNING)
        return plugin->state == TOCSIN_PLUGIN_ENDING ? -EALREADY : -EBUSY;
    if (notify && notify->fn && tocsin__plugin_has(plugin, (const void *)notify->fn))
        return -EINVAL;                                    /* it would be called when it is not there any more */
    if (!reload)
        return 0;
    plugin->state = TOCSIN_PLUGIN_ENDING;
    plugin->change = &reload->change;
    reload->change.plugin = plugin;
    return 0;
}

static int may_reload(const char *name, const struct tocsin_notify *notify, struct reload *reload)
{
    int err;

    pthread_mutex_lock(&tocsin__plugins_lock);
    err = claim(name, notify, reload);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return err;
}

static int begin(struct tocsin__op *op, const char *name, const char *const *settings)
{
    struct state *state = (struct state *)op->state;
    struct reload *reload = reload_new();
    int err = reload ? tocsin__settings_copy(settings, &reload->settings) : -ENOMEM;

    if (err == 0) {
        reload->resets = settings;
        reload->change.op = op->source.id;
        state_begin(state, op, name);
        err = may_reload(name, NULL, reload);
    }
    if (err < 0) {
        if (reload)
            tocsin__change_put(&reload->change);
        return err;
    }
    tocsin__change_hold(&reload->change);
    state->reload = reload;
    op->threaded = true;                                   /* it is some loop that ends it */
    op->engine->tenant->threads++;
    tocsin__change_begin(&reload->change, reload->change.plugin, reload->change.plugin->image);
    return 0;
}

int tocsin_plugin_reload(const char *name, const char *const *settings, const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    struct tocsin__op *op;
    int err = !reason ? -ENOMEM : name ? may_reload(name, notify, NULL) : -EINVAL;

    if (err == 0)
        err = tocsin__op_new(&reload_type, notify, &op);
    if (err < 0) {
        if (reason)
            tocsin__refuse(reason, err, "%s: %s", name ? name : "no name", tocsin_strerror(err));
        return tocsin__op_failed(err, ret_op);
    }
    tocsin__op_owned_by_program(op);
    err = tocsin__op_started(op, begin(op, name, settings), ret_op);
    if (err < 0)
        return err;
    tocsin_deadline((struct tocsin_op){ { op->source.id } }, TOCSIN__PATIENCE_MS);
    tocsin__change_nudge(&((struct state *)op->state)->reload->change);
    return 0;
}
