/* The watchdog. It looks at what runs on a loop, now and then, from a thread of its own: what it sees again each time has not come to an end. */
#define _GNU_SOURCE                                    /* pthread_setname_np */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <tocsin/post.h>

#include "core/catalogue.h"
#include "core/handler.h"
#include "core/owner.h"
#include "core/quarantine.h"
#include "loop/engine.h"
#include "loop/watchdog.h"

enum { LOOKS = 4 };                                    /* in a limit; and so many it takes, lest a process that was stopped is taken for one that is blocked */

/* What runs. A handler meets an emission once: the same two are the same call. */
struct sight {
    uint64_t phase;
    const struct tocsin__handler *handler;
    uint64_t emission;
    struct tocsin__doing doing;
};

/* For how long one thing has been seen. */
struct stretch { int looks; int64_t since_us, next_us; };        /* next: how long it is when it is told */

struct tocsin__watched {
    struct tocsin__watched *next;
    struct tocsin__last last;
    struct tocsin__loop *loop;
    uint64_t id;
    int64_t limit_us;
    struct sight sight;                                /* the last one */
    struct stretch turn, call;
    struct tocsin__node strike;                        /* to the loop itself: a handler blocks it */
    _Atomic uint64_t struck;                           /* which; 0: the node is not on its way */
    bool over;                                         /* the engine has ended; what is on its way is the last to need this */
};

/* Held while the thread looks, so that no handler goes which it has seen. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct tocsin__watched *all;
static enum { NONE, RUNS, ENDS } state;
static pthread_t thread;
static int64_t paused_us;                              /* for how long it waits, between two looks */
static bool prepared;

/* One look */

static struct sight see(const struct tocsin__loop *loop)
{
    struct sight sight;

    sight.phase = atomic_load_explicit(&loop->phase, memory_order_relaxed);
    sight.handler = __atomic_load_n(&loop->running, __ATOMIC_ACQUIRE);
    sight.emission = __atomic_load_n(&loop->parent, __ATOMIC_RELAXED);
    sight.doing.signal = atomic_load_explicit(&loop->doing.signal, memory_order_acquire);
    sight.doing.code = atomic_load_explicit(&loop->doing.code, memory_order_relaxed);
    sight.doing.source = atomic_load_explicit(&loop->doing.source, memory_order_relaxed);
    return sight;
}

static bool works(const struct sight *sight)
{
    return sight->phase & 1;
}

static bool same_call(const struct sight *one, const struct sight *other)
{
    if (one->phase != other->phase || one->handler != other->handler || one->emission != other->emission)
        return false;
    return one->handler || (one->doing.code == other->doing.code && one->doing.source == other->doing.source);
}

static void seen(struct stretch *stretch, const struct tocsin__watched *watched, bool same, int64_t now_us)
{
    if (same && stretch->looks) {
        stretch->looks++;
        return;
    }
    stretch->looks = 1;
    stretch->since_us = now_us;
    stretch->next_us = watched->limit_us;
}

static bool lasts(const struct stretch *stretch, int64_t now_us)
{
    return stretch->looks >= LOOKS && now_us - stretch->since_us >= stretch->next_us;
}

static void told(struct stretch *stretch, int64_t now_us)
{
    while (stretch->looks && stretch->next_us <= now_us - stretch->since_us)
        stretch->next_us *= 2;
}

static void fill(struct tocsin_loop_blocked *what, const struct sight *sight, char *function, size_t size)
{
    const struct tocsin__handler *handler = sight->handler;

    what->emission = sight->emission;
    what->signal = what->pattern = what->function = what->where = what->owner = "";
    if (handler) {
        tocsin__handler_function(handler, function, size);
        what->signal = handler->match.pattern ? "" : handler->match.text;
        what->pattern = handler->match.text;
        what->function = function;
        what->where = handler->where;
        what->owner = handler->owner->name;
        what->source = handler->source;
    } else if (sight->doing.code) {
        what->signal = sight->doing.signal ? sight->doing.signal : "";
        what->owner = tocsin__owner_of(sight->doing.code)->name;
        what->source = sight->doing.source;
    }
}

/* Posts it, under the lock: that waits for nothing, and borrows the texts of the handler. */
static bool tell(const struct tocsin__watched *watched, const struct sight *sight, bool single, int64_t blocked_us)
{
    struct tocsin_loop_blocked what = tocsin_loop_blocked_make();
    char function[64];

    fill(&what, sight, function, sizeof function);
    what.loop = watched->id;
    what.handler = single && sight->handler ? sight->handler->was : 0;
    what.blocked_us = blocked_us;
    return tocsin_post(tocsin__catalogue_signo(&tocsin__loop_blocked_spec), &what.tocsin) == TOCSIN_PENDED;
}

static uint64_t strike_taken(struct tocsin__node *node)
{
    struct tocsin__watched *watched = tocsin__container(node, struct tocsin__watched, strike);
    bool over = watched->over;
    uint64_t id = atomic_exchange(&watched->struck, 0);

    if (over)
        tocsin__release(watched);
    return id;
}

static void on_strike(struct tocsin__node *node)
{
    struct tocsin__handler *handler = tocsin__id_object(&tocsin__self->handlers, strike_taken(node));

    if (handler)
        tocsin__quarantine_stall(tocsin__self, handler);
}

static void strike_drop(struct tocsin__node *node)
{
    strike_taken(node);
}

/* Once in each stretch; the loop counts it when it can. */
static void strike(struct tocsin__watched *watched, const struct sight *sight)
{
    if (!sight->handler || !atomic_load(&tocsin__ration(sight->handler->owner)->stalls) || watched->call.next_us > watched->limit_us || atomic_exchange(&watched->struck, sight->handler->was))
        return;
    watched->strike.run = on_strike;
    watched->strike.drop = strike_drop;
    if (!tocsin__inbox_push(&watched->loop->inbox, &watched->strike))
        atomic_store(&watched->struck, 0);
}

static void look(struct tocsin__watched *watched, int64_t now_us)
{
    struct sight sight = see(watched->loop);
    bool single, done = false;

    seen(&watched->turn, watched, sight.phase == watched->sight.phase, now_us);
    seen(&watched->call, watched, same_call(&sight, &watched->sight), now_us);
    watched->sight = sight;
    if (!works(&sight))
        watched->turn.looks = 0;
    if (!works(&sight) && !sight.handler && !sight.doing.code)       /* what emits may do so outside of a turn, and what loads a plugin, whose init is called */
        watched->call.looks = 0;
    single = lasts(&watched->call, now_us);
    if (single)
        strike(watched, &sight);
    if (single)
        done = tell(watched, &sight, true, now_us - watched->call.since_us);
    else if (lasts(&watched->turn, now_us) && watched->call.looks == 1)      /* else it may be this call: soon it can be named */
        done = tell(watched, &sight, false, now_us - watched->turn.since_us);
    if (!done)
        return;
    told(&watched->turn, now_us);
    if (single)
        told(&watched->call, now_us);
}

void tocsin__watchdog_look(int64_t now_us)
{
    pthread_mutex_lock(&lock);
    for (struct tocsin__watched *watched = all; watched; watched = watched->next)
        look(watched, now_us);
    pthread_mutex_unlock(&lock);
}

/* The thread; all of it with the lock held, which it gives up while it waits */

static void wait_for(int64_t wait_us)
{
    int64_t until_us = tocsin__now(NULL) + wait_us;
    struct timespec until = { until_us / 1000000, until_us % 1000000 * 1000 };

    pthread_cond_timedwait(&changed, &lock, &until);
}

static int64_t pause_us(void)
{
    int64_t least_us = INT64_MAX / 4;

    for (struct tocsin__watched *watched = all; watched; watched = watched->next)
        least_us = watched->limit_us < least_us ? watched->limit_us : least_us;
    return least_us / LOOKS < 1000 ? 1000 : least_us / LOOKS;
}

static void *watch(void *arg)
{
    (void)arg;
    pthread_setname_np(pthread_self(), "tocsin-watchdog");
    pthread_mutex_lock(&lock);
    while (state == RUNS) {
        paused_us = pause_us();
        wait_for(paused_us);
        for (struct tocsin__watched *watched = all; watched; watched = watched->next)
            look(watched, tocsin__now(NULL));
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void changed_init(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* In a child there is no such thread, and whoever held the lock is not there either. */
static void in_child(void)
{
    pthread_mutex_init(&lock, NULL);
    changed_init();
    all = NULL;
    state = NONE;
}

static int start(void)
{
    sigset_t every, was;
    int err = 0;

    if (!prepared)
        err = tocsin__fault() ? ENOMEM : pthread_atfork(NULL, NULL, in_child);
    if (err)
        return -err;
    if (!prepared)
        changed_init();
    prepared = true;
    while (state == ENDS)
        pthread_cond_wait(&changed, &lock);
    if (state == RUNS)
        return 0;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &was);
    err = tocsin__fault() ? EAGAIN : pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    state = err ? NONE : RUNS;
    paused_us = 0;                                     /* it does not wait yet */
    return -err;
}

/* The lock is given up meanwhile. */
static void end(void)
{
    state = ENDS;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    pthread_mutex_lock(&lock);
    state = NONE;
    pthread_cond_broadcast(&changed);
}

/* Loops */

static void unseen(void)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
}

/* What points to it; where that is NULL, it is not watched: as in a child, which has forgotten all. */
static struct tocsin__watched **link_of(const struct tocsin__watched *watched)
{
    struct tocsin__watched **link = &all;

    while (*link && *link != watched)
        link = &(*link)->next;
    return link;
}

static void forget(struct tocsin__watched *watched)
{
    struct tocsin__watched **link;

    pthread_mutex_lock(&lock);
    link = link_of(watched);
    if (*link)
        *link = watched->next;
    watched->loop->unseen = NULL;
    if (!all && state == RUNS)
        end();
    pthread_mutex_unlock(&lock);
}

static void watched_last(struct tocsin__last *last, struct tocsin__engine *engine)
{
    struct tocsin__watched *watched = tocsin__container(last, struct tocsin__watched, last);

    forget(watched);
    engine->watched = NULL;
    watched->over = true;
    if (!atomic_load(&watched->struck))
        tocsin__release(watched);
}

static int watched_make(struct tocsin__engine *engine)
{
    struct tocsin__watched *watched = engine->watched ? engine->watched : tocsin__alloc(sizeof *watched);

    if (!watched || engine->watched)
        return watched ? 0 : -ENOMEM;
    watched->loop = engine->loop;
    watched->id = tocsin_loop_current().id;
    watched->last.run = watched_last;
    tocsin__engine_last(engine, &watched->last);
    engine->watched = watched;
    return 0;
}

static int begin(struct tocsin__watched *watched, int64_t limit_ms)
{
    int err;

    pthread_mutex_lock(&lock);
    err = start();
    if (err == 0) {
        if (!*link_of(watched)) {
            watched->next = all;
            all = watched;
        }
        watched->limit_us = limit_ms > INT64_MAX / 4000 ? INT64_MAX / 4 : limit_ms * 1000;
        watched->turn.looks = watched->call.looks = 0;
        watched->loop->unseen = unseen;
        if (pause_us() < paused_us)
            pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return err;
}

int tocsin_watchdog(int64_t limit_ms)
{
    struct tocsin__engine *engine = tocsin__self->engine;
    int err = limit_ms < 0 ? -EINVAL : 0;

    if (err == 0 && limit_ms == 0) {
        if (engine && engine->watched)
            forget(engine->watched);
        return 0;
    }
    if (err == 0)
        err = tocsin__engine_make(&engine);
    if (err == 0)
        err = watched_make(engine);
    return err < 0 ? err : begin(engine->watched, limit_ms);
}
