#include <stdlib.h>
#include <string.h>

#include "core/handler.h"
#include "core/match.h"
#include "core/os.h"
#include "core/pattern.h"

/* One signal */

static int slots_room(struct tocsin__match *match)
{
    uint32_t capacity = match->slots_count * 2 + 2;
    struct tocsin__slot **slots;

    if (match->slots_count == 0 && !match->slots_capacity)
        match->slots = &match->one_slot;
    if (match->slots_count < (match->slots_capacity ? match->slots_capacity : 1))
        return 0;
    slots = tocsin__resize(match->slots_capacity ? match->slots : NULL, capacity * sizeof *slots);
    if (!slots)
        return -ENOMEM;
    slots[0] = match->slots_capacity ? slots[0] : match->one_slot;
    match->slots = slots;
    match->slots_capacity = capacity;
    return 0;
}

static int join_one(struct tocsin__loop *loop, struct tocsin__match *match, int signo)
{
    struct tocsin__signal *signal = tocsin__signal(signo);
    bool question = signal->declared && signal->spec.kind == TOCSIN_DIRECT;
    struct tocsin__slot *slot;

    if (question && !match->kind->questions)
        return match->pattern ? 0 : -EINVAL;
    slot = tocsin__slot_make(loop, signal);
    if (!slot || slots_room(match) < 0 || match->kind->join(loop, match, slot) < 0)
        return -ENOMEM;
    match->slots[match->slots_count++] = slot;
    return 0;
}

static int join_all(struct tocsin__loop *loop, struct tocsin__match *match, const struct tocsin__signos *signos)
{
    int err = 0;

    for (uint32_t i = 0; i < signos->count && err == 0; i++)
        err = join_one(loop, match, signos->items[i]);
    return err;
}

/* A single plain name, which is the usual case */

static int signo_of(const struct tocsin__part *part, bool early)
{
    int signo = tocsin__signal_named(part->text, part->size, early);
    const struct tocsin__signal *signal = signo > 0 ? tocsin__signal(signo) : NULL;

    return signal && !early && !signal->declared && !signal->consumed ? -ENOENT : signo;
}

static int join_name(struct tocsin__loop *loop, struct tocsin__match *match, const char *name, bool early)
{
    struct tocsin__part part;
    int signo;

    tocsin__pattern_part(&name, &part);
    signo = signo_of(&part, early);
    if (signo < 0)
        return signo;
    match->text = tocsin__signal(signo)->name;
    return join_one(loop, match, signo);
}

/* Lists, and what has stars */

static int names_check(const char *pattern, bool early)
{
    struct tocsin__part part;
    int signo = 0;

    while (signo >= 0 && tocsin__pattern_part(&pattern, &part) > 0)
        if (!part.out)
            signo = tocsin__pattern_plain(&part) ? signo_of(&part, early) : tocsin__os_named(part.text, part.size);
    return signo < 0 ? signo : 0;
}

static int join_pattern(struct tocsin__loop *loop, struct tocsin__match *match, const char *text, bool early)
{
    struct tocsin__signos signos = { 0 };
    int err = names_check(text, early);

    if (err == 0)
        err = tocsin__patterns_resolve(loop);
    if (err == 0)
        err = tocsin__pattern_new(text, loop, match, &match->pattern);
    if (err < 0)
        return err;
    match->text = match->pattern->text;
    match->pattern->handles = match->kind->handles && match->kind->handles(match);
    err = tocsin__pattern_add(match->pattern, &signos);
    if (err == 0 && match->pattern->starred && !loop->patterns++)
        loop->seen = match->pattern->from;
    if (err == 0)
        err = join_all(loop, match, &signos);
    tocsin__release(signos.items);
    return err;
}

int tocsin__match_join(struct tocsin__loop *loop, struct tocsin__match *match, const char *pattern, bool early)
{
    int shape = tocsin__pattern_check(pattern);

    if (shape < 0)
        return shape;
    return shape ? join_pattern(loop, match, pattern, early) : join_name(loop, match, pattern, early);
}

void tocsin__match_leave(struct tocsin__loop *loop, struct tocsin__match *match)
{
    if (match->pattern && tocsin__pattern_remove(match->pattern, loop->seen))
        loop->patterns--;
    while (match->slots_count)
        match->kind->leave(loop, match, match->slots[--match->slots_count]);
}

void tocsin__match_free(struct tocsin__match *match)
{
    if (match->slots_capacity)
        tocsin__release(match->slots);
    match->slots_capacity = 0;
    tocsin__release(match->pattern);
    match->pattern = NULL;
}

/* Names that are younger than the pattern */

static bool joined_last(const struct tocsin__match *match, int signo)
{
    return match->slots_count && match->slots[match->slots_count - 1]->signal->signo == signo;
}

/* The patterns that are older than the name; those that have joined, when memory ran out, are passed over. */
static int join_older(struct tocsin__loop *loop, int signo)
{
    uint32_t count = 0;
    int err = 0;

    if (!tocsin__signal(signo)->unresolved)
        return 0;
    for (struct tocsin__pattern *pattern = tocsin__patterns_of(loop, signo); pattern && err == 0; pattern = pattern->found, count++)
        if (!joined_last(pattern->match, signo))
            err = join_one(loop, pattern->match, signo);
    if (err == 0 && count)
        tocsin__interest_resolved(tocsin__signal(signo), loop->number, count);
    return err;
}

int tocsin__patterns_resolve(struct tocsin__loop *loop)
{
    uint32_t last = atomic_load_explicit(&tocsin__signals, memory_order_acquire);
    int err = 0;

    while (loop->patterns && loop->seen < last && err == 0) {
        err = join_older(loop, (int)loop->seen + 1);
        loop->seen += err == 0;
    }
    return err;
}
