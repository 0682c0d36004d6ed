#include <stdio.h>
#include <string.h>

#include <tocsin/loop.h>

#include "plugin/change.h"

/* What is under way, and whom the owners that let something go are to tell. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tocsin__change *changes;

/* T8: whoever held it is not in the child; what it was about to do is one store. What was under way in the parent is nudged by nobody here. */
static void fork_child(void)
{
    pthread_mutex_init(&lock, NULL);
    changes = NULL;
}

static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(NULL, NULL, fork_child);
}

void tocsin__change_hold(struct tocsin__change *change)
{
    atomic_fetch_add(&change->refs, 1);
}

void tocsin__change_put(struct tocsin__change *change)
{
    if (atomic_fetch_sub(&change->refs, 1) > 1)
        return;
    for (int i = 0; i < 3; i++)
        tocsin__release(change->visits[i]);
    if (change->forgotten)
        change->forgotten(change);
    if (change->unmapped)
        tocsin__image_free(change->image);
    tocsin__release(change);
}

/* A timer of a loop that has gone is none. */
static void later_off(struct tocsin__change *change)
{
    if (change->later_on && change->later_on == tocsin_loop_current().id && tocsin__self->engine)
        tocsin__timer_disarm(tocsin__self->engine, &change->later);
    change->later_on = 0;
}

/* Its home goes, or has gone. False: there is no other loop. */
static bool moved(struct tocsin__change *change)
{
    struct tocsin__loop *main = tocsin__loop_main();

    if (!main)
        return false;
    if (change->moves)
        change->moves(change);
    change->home = main;                               /* before: who takes it from there may nudge at once */
    return tocsin__inbox_push(&main->inbox, &change->node);
}

static void on_node(struct tocsin__node *node)
{
    struct tocsin__change *change = tocsin__container(node, struct tocsin__change, node);

    if (tocsin__self->freeing) {
        later_off(change);
        if (moved(change))
            return;
    }
    atomic_store(&change->queued, false);
    change->step(change);
    tocsin__change_put(change);
}

/* In a child: what was under way in the parent stays as it was. */
static void on_drop(struct tocsin__node *node)
{
    (void)node;
}

void tocsin__change_nudge(struct tocsin__change *change)
{
    if (atomic_exchange(&change->queued, true))
        return;
    tocsin__change_hold(change);
    if (tocsin__inbox_push(&change->home->inbox, &change->node) || moved(change))
        return;
    atomic_store(&change->queued, false);              /* and nobody is there who could go on, until a loop is made and something asks */
    tocsin__change_put(change);
}

static void on_later(struct tocsin__timer *timer)
{
    tocsin__change_nudge(tocsin__container(timer, struct tocsin__change, later));
}

/* A loop that has such timers goes: they are to be another one's. */
static void timers_last(struct tocsin__last *last, struct tocsin__engine *engine)
{
    tocsin__release(last);
    if (!tocsin__inherited(engine->loop))
        tocsin__changes_nudge();
}

/* Once for an engine; without memory, what it waits for may come late. */
static void timers_kept(struct tocsin__engine *engine)
{
    struct tocsin__last *last = engine->lasts;

    while (last && last->run != timers_last)
        last = last->next;
    if (last || !(last = tocsin__alloc(sizeof *last)))
        return;
    last->run = timers_last;
    tocsin__engine_last(engine, last);
}

void tocsin__change_later(struct tocsin__change *change, int64_t ms)
{
    struct tocsin__engine *engine;

    later_off(change);
    change->later = (struct tocsin__timer){ .fire = on_later };
    if (tocsin__engine_make(&engine) < 0)
        return;
    timers_kept(engine);
    tocsin__timer_arm(engine, &change->later, tocsin__due_in(engine, ms));
    change->later_on = tocsin_loop_current().id;
}

static void owner_let_go(struct tocsin__owner *owner)
{
    pthread_mutex_lock(&lock);
    for (struct tocsin__change *change = changes; change; change = change->next)
        if (change->owner == owner)
            tocsin__change_nudge(change);
    pthread_mutex_unlock(&lock);
}

void tocsin__changes_nudge(void)
{
    pthread_mutex_lock(&lock);
    for (struct tocsin__change *change = changes; change; change = change->next)
        tocsin__change_nudge(change);
    pthread_mutex_unlock(&lock);
}

void tocsin__change_begin(struct tocsin__change *change, struct tocsin__plugin *plugin, struct tocsin__image *image)
{
    uint64_t generation;

    change->node.run = on_node;
    change->node.drop = on_drop;
    change->plugin = plugin;
    change->image = image;
    change->owner = image->owner;
    if (!plugin || tocsin__loop_of(plugin->home.id, &change->home, &generation) < 0)
        change->home = tocsin__self;
    pthread_mutex_lock(&lock);
    tocsin__owner_let_go = owner_let_go;
    change->next = changes;
    changes = change;
    atomic_store(&change->owner->watched, true);
    pthread_mutex_unlock(&lock);
}

void tocsin__change_end(struct tocsin__change *change)
{
    struct tocsin__change **link = &changes;
    bool watched = false;

    later_off(change);
    pthread_mutex_lock(&lock);
    while (*link && *link != change)
        link = &(*link)->next;
    if (*link)                                         /* else it was begun before a fork */
        *link = change->next;
    for (const struct tocsin__change *other = changes; other; other = other->next)
        watched |= other->owner == change->owner;      /* it may be used again already */
    atomic_store(&change->owner->watched, watched);
    pthread_mutex_unlock(&lock);
}

/* Visits */

static void on_over(struct tocsin__visit *visit)
{
    struct tocsin__change *change = visit->arg;

    atomic_store(&change->visiting, false);
    tocsin__change_nudge(change);
    tocsin__change_put(change);
}

struct tocsin__visit *tocsin__change_visit(struct tocsin__change *change, void (*does)(struct tocsin__visit *visit))
{
    return tocsin__visit_new(does, on_over, change);
}

void tocsin__change_visits(struct tocsin__change *change, int which)
{
    tocsin__change_hold(change);
    atomic_store(&change->visiting, true);
    change->visits[which] = tocsin__visit_grown(change->visits[which]);
    tocsin__visit_begin(change->visits[which]);
}

/* In words */

static bool holds(const struct tocsin__owner *owner, char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (int what = 0; what < TOCSIN_HOLDS; what++) {
        uint64_t held = tocsin__owner_held(owner, (enum tocsin_holding)what);

        if (!held || what == TOCSIN_HOLDS_PENDED || what == TOCSIN_HOLDS_PENDED_BYTES)
            continue;                                  /* copies, which call nothing of it */
        if (used < size)                               /* each name is a plural, by its last letter */
            used += (size_t)snprintf(text + used, size - used, "%s%llu %.*s", used ? ", " : "", (unsigned long long)held,
                                     (int)strlen(tocsin_holding_name((enum tocsin_holding)what)) - (held == 1), tocsin_holding_name((enum tocsin_holding)what));
    }
    return used;
}

void tocsin__change_describe(const struct tocsin__change *change, char *text, size_t size)
{
    bool away = atomic_load(&change->visiting);        /* what is held may be held there */
    char held[400];

    if (holds(change->owner, held, sizeof held))
        snprintf(text, size, "%sit has %s", away ? "a loop does not turn, and " : "", held);
    else
        snprintf(text, size, "%s", away ? "a loop does not turn" : "it runs a thread of its own");
}
