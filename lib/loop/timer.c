#include <time.h>

#include "loop/engine.h"
#include "loop/mirror.h"

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t tocsin__now(const struct tocsin__engine *engine)
{
    return engine && engine->stopped ? engine->stopped_us : clock_us();
}

int64_t tocsin_now(void)
{
    return tocsin__now(tocsin__self->engine);
}

static bool before(const struct tocsin__timer *one, const struct tocsin__timer *other)
{
    return one->due_us != other->due_us ? one->due_us < other->due_us : one->order < other->order;
}

static void set(struct tocsin__timer **link, struct tocsin__timer *timer)
{
    *link = timer;
    if (timer)
        timer->link = link;
}

/* One heap of two; neither has siblings. */
static struct tocsin__timer *meld(struct tocsin__timer *one, struct tocsin__timer *other)
{
    struct tocsin__timer *top = before(other, one) ? other : one, *below = top == one ? other : one;

    set(&below->sibling, top->child);
    set(&top->child, below);
    top->sibling = NULL;
    return top;
}

/* One heap of a list of siblings: pairs from the left, then all from the right. */
static struct tocsin__timer *meld_all(struct tocsin__timer *list)
{
    struct tocsin__timer *pairs = NULL, *one, *other, *next;

    while (list) {
        one = list;
        other = one->sibling;
        next = other ? other->sibling : NULL;
        one->sibling = NULL;
        if (other) {
            other->sibling = NULL;
            one = meld(one, other);
        }
        one->sibling = pairs;
        pairs = one;
        list = next;
    }
    for (one = NULL; pairs; pairs = next) {
        next = pairs->sibling;
        pairs->sibling = NULL;
        one = one ? meld(one, pairs) : pairs;
    }
    return one;
}

static void take_out(struct tocsin__timer *timer)
{
    struct tocsin__timer *rest = meld_all(timer->child);

    if (rest)
        set(&rest->sibling, timer->sibling);
    else
        rest = timer->sibling;
    set(timer->link, rest);
    timer->link = NULL;
    timer->child = timer->sibling = NULL;
}

void tocsin__timer_arm(struct tocsin__engine *engine, struct tocsin__timer *timer, int64_t due_us)
{
    struct tocsin__timers *timers = &engine->timers;

    if (timer->link)
        take_out(timer);
    timer->due_us = due_us;
    timer->order = timers->order++;
    timer->child = timer->sibling = NULL;
    set(&timers->first, timers->first ? meld(timers->first, timer) : timer);
    tocsin__mirror_update(engine);
}

void tocsin__timer_disarm(struct tocsin__engine *engine, struct tocsin__timer *timer)
{
    (void)engine;
    if (timer->link)
        take_out(timer);
}

int64_t tocsin__timer_next(const struct tocsin__engine *engine)
{
    return engine->timers.first ? engine->timers.first->due_us : INT64_MAX;
}

int tocsin__timers_fire(struct tocsin__engine *engine)
{
    int64_t now = tocsin__now(engine);
    uint64_t order = engine->timers.order;             /* what is armed from here on waits for the next turn */
    int count = 0;

    while (engine->timers.first && engine->timers.first->due_us <= now && engine->timers.first->order < order) {
        struct tocsin__timer *timer = engine->timers.first;

        take_out(timer);
        timer->fire(timer);
        count++;
    }
    return count;
}
