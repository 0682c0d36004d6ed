#include "core/receive.h"
#include "core/seam.h"
#include "loop/detain.h"
#include "loop/engine.h"

struct tocsin__detained {
    struct tocsin__timer timer;                        /* it waits for this; once it has rung, on the ready list */
    struct tocsin__node node;
    struct tocsin__detained *next, **link;
    struct tocsin__engine *engine;
    struct tocsin__info *info;                         /* a reference to it */
    bool behind;
};

static void enter(struct tocsin__detained *one)
{
    struct tocsin__engine *engine = one->engine;

    one->next = NULL;
    one->link = engine->detained_last;
    *one->link = one;
    engine->detained_last = &one->next;
    engine->detained_count++;
}

static void leave(struct tocsin__detained *one)
{
    *one->link = one->next;
    *(one->next ? &one->next->link : &one->engine->detained_last) = one->link;
    one->engine->detained_count--;
}

/* While it is delivered it is nobody's but ours. */
static void on_turn(struct tocsin__node *node)
{
    struct tocsin__detained *one = tocsin__container(node, struct tocsin__detained, node);

    leave(one);
    if (tocsin__receive_late(one->engine->loop, one->info)) {
        tocsin__release(one);
        return;
    }
    enter(one);                                        /* short of memory: in the next turn */
    tocsin__ready(one->engine, node);
}

static void on_due(struct tocsin__timer *timer)
{
    struct tocsin__detained *one = tocsin__container(timer, struct tocsin__detained, timer);

    one->behind = false;
    tocsin__ready(one->engine, &one->node);
}

static void go(struct tocsin__detained *one)
{
    if (!tocsin__timer_armed(&one->timer))
        return;                                        /* it goes already */
    tocsin__timer_disarm(one->engine, &one->timer);
    on_due(&one->timer);
}

static struct tocsin__detained *behind(const struct tocsin__engine *engine, int signo)
{
    struct tocsin__detained *one = engine->detained;

    while (one && !(one->behind && one->info->seen.signo == signo))
        one = one->next;
    return one;
}

/* info: a reference, which is taken over; NULL, or without memory for it: false. */
static bool detain(struct tocsin__engine *engine, struct tocsin__info *info, const struct tocsin_verdict *verdict)
{
    struct tocsin__detained *one = info ? tocsin__alloc(sizeof *one) : NULL;

    if (!one)
        return false;
    one->engine = engine;
    one->info = info;
    one->behind = verdict->behind;
    one->node.run = on_turn;
    one->timer.fire = on_due;
    enter(one);
    if (verdict->delay_ms)
        tocsin__timer_arm(engine, &one->timer, tocsin__due_in(engine, verdict->delay_ms));
    else
        tocsin__ready(engine, &one->node);
    return true;
}

/* Without memory it comes once. */
static void detain_again(struct tocsin__engine *engine, const struct tocsin__letter *letter, const struct tocsin_verdict *verdict)
{
    struct tocsin__info *info = tocsin__letter_copy(engine->loop, letter);

    if (info && !detain(engine, info, verdict))
        tocsin__info_put(info);
}

/* What is shared is taken out of the letter, the reference with it; without memory it is delivered now. */
static bool detain_it(struct tocsin__engine *engine, const struct tocsin__letter *letter, const struct tocsin_verdict *verdict)
{
    struct tocsin__info *info = letter->kind == TOCSIN__SHARED ? letter->info : tocsin__letter_copy(engine->loop, letter);
    bool detained = detain(engine, info, verdict);

    if (info && !detained && letter->kind != TOCSIN__SHARED)
        tocsin__info_put(info);
    return detained;
}

static struct tocsin_verdict ask(const struct tocsin__letter *letter)
{
    struct tocsin_crossing crossing = { .seam = TOCSIN_SEAM_RECEIPT, .signo = letter->signo, .name = tocsin__signal(letter->signo)->name, .code = letter->code };

    if (letter->kind == TOCSIN__SHARED)
        crossing.source = letter->info->seen.source;
    return tocsin__cross(&crossing);
}

bool tocsin__detains(struct tocsin__loop *loop, struct tocsin__letter *letter)
{
    struct tocsin__engine *engine = loop->engine;
    struct tocsin__detained *overtaken;
    struct tocsin_verdict verdict;

    if (loop->freeing || letter->flags & TOCSIN__CROSSED || letter->code >= TOCSIN_PROGRESS)
        return false;
    letter->flags |= TOCSIN__CROSSED;                  /* asked once, even if there is no memory to deliver it now */
    verdict = ask(letter);
    overtaken = behind(engine, letter->signo);
    if (engine->detained_count >= TOCSIN_HELD_UP || (verdict.behind && overtaken))
        verdict = (struct tocsin_verdict){ .delay_ms = 0 };
    if (verdict.twice)
        detain_again(engine, letter, &verdict);
    if (verdict.delay_ms && detain_it(engine, letter, &verdict))
        return true;
    if (overtaken)
        go(overtaken);
    return false;
}

void tocsin__detained_go(struct tocsin__engine *engine)
{
    for (struct tocsin__detained *one = engine->detained; one; one = one->next)
        go(one);
}

void tocsin__detained_drop(struct tocsin__engine *engine)
{
    struct tocsin__detained *one;

    while ((one = engine->detained)) {
        leave(one);
        tocsin__timer_disarm(engine, &one->timer);
        tocsin__info_put(one->info);
        tocsin__release(one);
    }
}
