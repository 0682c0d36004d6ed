/* The code that unload.c and reload.c share: the list of all transitions, how they are woken, and
   their home loop. */
#include <string.h>

#include <tocsin/loop.h>

#include "base/assert.h"
#include "base/fork.h"
#include "base/cancel.h"
#include "base/refusal.h"
#include "base/words.h"
#include "loop/clock.h"
#include "loop/watchdog/sight.h"
#include "op/lifecycle.h"
#include "op/op_owner.h"
#include "plugin/thread_buffers.h"
#include "plugin/transition.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tocsin__transition *transitions; /* the list of all transitions; the lock protects
                                                  it */

/* In the child of a fork (T8), the thread that held the lock does not exist, so the lock is
 * initialized again. If this thread was changing the list, the list is still complete, because the
 * last change is one store. The transitions of the parent do not continue in the child. */
static void transitions_fork_child(void)
{
    pthread_mutex_init(&lock, NULL);
    transitions = NULL;
}

static __attribute__((constructor)) void transitions_fork_register(void)
{
    static const struct tocsin__fork_step step = { .child = transitions_fork_child };

    tocsin__fork_register(TOCSIN__FORK_TRANSITIONS, &step);
}

void tocsin__transition_ref(struct tocsin__transition *transition)
{
    atomic_fetch_add(&transition->refs, 1);
}

void tocsin__transition_unref(struct tocsin__transition *transition)
{
    tocsin__assert(atomic_load(&transition->refs) > 0);
    if (atomic_fetch_sub(&transition->refs, 1) > 1)
        return;
    for (int i = 0; i < TOCSIN__TRANSITION_CALLS; i++)
        tocsin__release(transition->calls[i]);
    if (transition->on_free)
        transition->on_free(transition);
    if (transition->frees_image)
        tocsin__image_free(transition->image);
    tocsin__release(transition);
}

/* Waking */

/* Disarms the timer of the transition. If the timer belongs to another loop, this loop has been
 * freed, and the timer with it. */
static void timer_cancel(struct tocsin__transition *transition)
{
    if (transition->timer_loop && transition->timer_loop == tocsin_loop_current().id &&
        tocsin__self->engine)
        tocsin__timer_disarm(tocsin__self->engine, &transition->timer);
    transition->timer_loop = 0;
}

/* Makes the main loop the home loop, because the home loop is being freed or does not exist any
   more. Returns false if there is no loop. */
static bool home_move(struct tocsin__transition *transition)
{
    struct tocsin__loop *main = tocsin__loop_main();

    if (!main)
        return false;
    if (transition->on_move)
        transition->on_move(transition);
    /* stored before the node is pushed, because the new home loop may take a step immediately */
    transition->home = main;
    return tocsin__inbox_push(&main->inbox, &transition->node);
}

static void on_node(struct tocsin__node *node)
{
    struct tocsin__transition *transition = tocsin__container(node, struct tocsin__transition,
                                                              node);
    int cancel;

    if (tocsin__self->life.freeing) {
        timer_cancel(transition);
        if (home_move(transition))
            return;
    }
    /* Cancellation is disabled, because other threads wait for this thread while it is in init, in
       fini or in the dynamic linker. */
    cancel = tocsin__cancel_off();
    atomic_store(&transition->is_queued, false);
    transition->step(transition);
    tocsin__transition_unref(transition);
    tocsin__cancel_back(cancel);
}

/* Called only in the child of a fork. The transitions of the parent do not continue, and are not
 * changed. */
static void on_drop(struct tocsin__node *node)
{
    (void)node;
}

void tocsin__transition_wake(struct tocsin__transition *transition)
{
    if (atomic_exchange(&transition->is_queued, true))
        return;
    tocsin__transition_ref(transition);
    if (tocsin__inbox_push(&transition->home->inbox, &transition->node) || home_move(transition))
        return;
    /* There is no loop now. A later wake uses the loop that is made next. */
    atomic_store(&transition->is_queued, false);
    tocsin__transition_unref(transition);
}

static void on_timer(struct tocsin__timer *timer)
{
    tocsin__transition_wake(tocsin__container(timer, struct tocsin__transition, timer));
}

/* Called when a loop that has timers of transitions is freed. Each transition is woken, and arms
   its timer again on its next home loop. */
static void timers_move(struct tocsin__cleanup *cleanup, struct tocsin__engine *engine)
{
    tocsin__release(cleanup);
    if (!tocsin__inherited(engine->loop))
        tocsin__transitions_wake();
}

/* Adds the cleanup to the engine, once. If there is no memory, a transition may be woken late. */
static void cleanup_add_once(struct tocsin__engine *engine)
{
    struct tocsin__cleanup *cleanup = engine->cleanups;

    while (cleanup && cleanup->run != timers_move)
        cleanup = cleanup->next;
    if (cleanup || !(cleanup = tocsin__alloc(sizeof *cleanup)))
        return;
    cleanup->run = timers_move;
    tocsin__engine_add_cleanup(engine, cleanup);
}

void tocsin__transition_wake_later(struct tocsin__transition *transition, int64_t ms)
{
    struct tocsin__engine *engine;

    timer_cancel(transition);
    transition->timer = (struct tocsin__timer){ .fire = on_timer };
    if (tocsin__engine_make(&engine) < 0)
        return;
    cleanup_add_once(engine);
    tocsin__timer_arm(engine, &transition->timer, tocsin__due_in(engine, ms));
    transition->timer_loop = tocsin_loop_current().id;
}

/* The list */

static void on_release(struct tocsin__owner *owner)
{
    pthread_mutex_lock(&lock);
    for (struct tocsin__transition *one = transitions; one; one = one->next)
        if (one->owner == owner)
            tocsin__transition_wake(one);
    pthread_mutex_unlock(&lock);
}

void tocsin__transitions_wake(void)
{
    pthread_mutex_lock(&lock);
    for (struct tocsin__transition *one = transitions; one; one = one->next)
        tocsin__transition_wake(one);
    pthread_mutex_unlock(&lock);
}

void tocsin__transition_begin(struct tocsin__transition *transition, struct tocsin__plugin *plugin,
                              struct tocsin__image *image)
{
    uint64_t generation;

    transition->node.run = on_node;
    transition->node.drop = on_drop;
    transition->plugin = plugin;
    transition->image = image;
    transition->owner = image->owner;
    if (!plugin || tocsin__loop_of(plugin->home.id, &transition->home, &generation) < 0)
        transition->home = tocsin__self;
    pthread_mutex_lock(&lock);
    tocsin__owner_on_release = on_release;
    transition->next = transitions;
    transitions = transition;
    atomic_store(&transition->owner->watched, true);
    pthread_mutex_unlock(&lock);
}

void tocsin__transition_end(struct tocsin__transition *transition)
{
    struct tocsin__transition **link = &transitions;
    void (*on_changed)(const char *plugin) = atomic_load(&tocsin__owner_on_changed);
    bool is_watched = false;

    timer_cancel(transition);
    if (on_changed && transition->plugin)
        on_changed(transition->plugin->name);
    pthread_mutex_lock(&lock);
    while (*link && *link != transition)
        link = &(*link)->next;
    if (*link) /* a transition that began before a fork is not in the list of the child */
        *link = transition->next;
    /* Another plugin may already use the record of an owner that has ended. So another transition
     * may have the same owner. */
    for (const struct tocsin__transition *other = transitions; other; other = other->next)
        is_watched |= other->owner == transition->owner;
    atomic_store(&transition->owner->watched, is_watched);
    pthread_mutex_unlock(&lock);
}

/* Functions that call all loops */

static void on_called(struct tocsin__call_all_loops *loops_call)
{
    struct tocsin__transition *transition = tocsin__transition_of(loops_call);

    atomic_store(&transition->is_calling, false);
    tocsin__transition_wake(transition);
    tocsin__transition_unref(transition);
}

bool tocsin__transition_call_new(struct tocsin__transition *transition, int which,
                                 void (*fn)(struct tocsin__call_all_loops *loops_call))
{
    transition->calls[which] = tocsin__call_all_loops_new(fn, on_called, transition);
    return transition->calls[which];
}

void tocsin__transition_call(struct tocsin__transition *transition, int which)
{
    tocsin__transition_ref(transition);
    /* the lock is needed because tocsin__transition_describe reads `calls` */
    pthread_mutex_lock(&lock);
    transition->calls[which] = tocsin__call_all_loops_grow(transition->calls[which]);
    pthread_mutex_unlock(&lock);
    atomic_store(&transition->is_calling, true);
    tocsin__call_all_loops_begin(transition->calls[which]);
}

/* The operation */

int tocsin__transition_op_new(const struct tocsin_op_type *type, const char *name,
                              const struct tocsin_notify *notify, int err,
                              struct tocsin__op **ret_op)
{
    const struct tocsin__reason *reason = tocsin__reason_new();
    const char *text = err == -ENOENT ? "no plugin of this name is loaded" : NULL;

    if (!reason)
        return -ENOMEM;
    if (err == 0)
        err = tocsin__op_new(type, notify, ret_op);
    if (err < 0)
        return tocsin__refuse(reason, err, "%s: %s", name ? name : "the name is NULL",
                              text ? text : tocsin_strerror(err));
    tocsin__op_set_program_owner(*ret_op);
    return 0;
}

void tocsin__transition_op_share(struct tocsin__op *op)
{
    tocsin__op_set_threaded(op);
}

void tocsin__transition_op_started(struct tocsin__op *op, struct tocsin__transition *transition)
{
    tocsin_op_deadline((struct tocsin_op){ { op->source.id } }, TOCSIN__TRANSITION_TIMEOUT_MS);
    tocsin__transition_wake(transition);
}

/* In words */

/* Writes what may still refer to addresses of the plugin, although nothing of the plugin runs.
   Pending emissions are not counted, because they are copies. */
static void held_describe(const struct tocsin__owner *owner, struct tocsin__text_builder *words)
{
    for (int what = 0; what < TOCSIN_RESOURCE_COUNT; what++) {
        const char *plural = tocsin_resource_name((enum tocsin_resource)what);
        char noun[24] = "";

        if (what == TOCSIN_RESOURCE_PENDING || what == TOCSIN_RESOURCE_PENDING_BYTES)
            continue;
        memcpy(noun, plural, strlen(plural) - 1);
        tocsin__text_add_count(words, tocsin__owner_count(owner, (enum tocsin_resource)what), noun);
    }
}

/* Writes the names of the loops that have not run the call yet. */
static void calls_describe(const struct tocsin__transition *transition,
                           struct tocsin__text_builder *words)
{
    bool any = false;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < TOCSIN__TRANSITION_CALLS; i++)
        for (uint32_t at = 0; transition->calls[i] && at < transition->calls[i]->count; at++) {
            if (!atomic_load(&transition->calls[i]->calls[at].is_out))
                continue;
            tocsin__text_add(words, any ? "; " : "waits for ");
            tocsin__sight_describe(tocsin__loop_numbered(at + 1), words);
            any = true;
        }
    pthread_mutex_unlock(&lock);
    tocsin__text_add(words, any ? "" : "waits for a loop");
}

void tocsin__transition_describe(const struct tocsin__transition *transition, char *text,
                                 size_t size)
{
    struct tocsin__text_builder words = tocsin__text_builder(text, size), held;
    char holds[400];

    held = tocsin__text_builder(holds, sizeof holds);
    tocsin__owner_describe(transition->owner,
                           transition->ignores_persistent ? TOCSIN__PASSING : TOCSIN__ALL, &held);
    if (atomic_load(&transition->is_calling)) {
        calls_describe(transition, &words);
    } else if (transition->home != tocsin__self && tocsin__sight_is_busy(transition->home)) {
        tocsin__text_add(&words, "waits for ");
        tocsin__sight_describe(transition->home, &words);
    }
    tocsin__text_add(&words, words.used && *holds ? "; " : "");
    if (*holds) {
        tocsin__text_add(&words, "still running: ");
    } else if (!words.used) {
        held_describe(transition->owner, &held);
        tocsin__text_add(&words, *holds ? "still held: " : "still running: a thread of its own");
    }
    tocsin__text_add(&words, holds);
}
