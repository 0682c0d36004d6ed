#include <string.h>

#include <tocsin/plugin.h>

#include "core/catalogue.h"
#include "core/emit.h"
#include "core/layout.h"
#include "core/owner.h"
#include "core/pattern.h"
#include "core/quarantine.h"

enum { BYTES_MOST = 1 << 20 };

/* What is held */

static void held_begin(struct tocsin__quarantine *quarantine)
{
    quarantine->first = NULL;
    quarantine->last = &quarantine->first;
    quarantine->count = 0;
    quarantine->bytes = 0;
}

static void held_free(struct tocsin__held *held)
{
    tocsin_info_unref(held->info);
    tocsin__release(held);
}

static struct tocsin__held *held_next(struct tocsin__quarantine *quarantine)
{
    struct tocsin__held *held = quarantine->first;

    if (!held)
        return NULL;
    quarantine->first = held->next;
    if (!quarantine->first)
        held_begin(quarantine);
    else
        quarantine->count--;
    return held;
}

static bool held_add(struct tocsin__quarantine *quarantine, const struct tocsin_info *info)
{
    size_t size = tocsin__payload_size(info->payload);
    struct tocsin__held *held;

    if (quarantine->count >= TOCSIN__HELD_MOST || quarantine->bytes + size > BYTES_MOST)
        return false;
    held = tocsin__alloc(sizeof *held);
    if (!held)
        return false;
    held->info = tocsin_info_ref(info);
    if (!held->info) {
        tocsin__release(held);
        return false;
    }
    *quarantine->last = held;
    quarantine->last = &held->next;
    quarantine->count++;
    quarantine->bytes += size;
    return true;
}

/* In its place; of a question that it would have been asked, nobody can say yes (E17). */
static int hold_back(const struct tocsin_info *info, void *arg)
{
    struct tocsin__handler *handler = arg;

    handler->calls--;
    if (tocsin__signal(info->signo)->spec.kind == TOCSIN_DIRECT)
        return handler->flags & TOCSIN__OBSERVER ? TOCSIN_NEXT : -EACCES;
    if (!held_add(handler->quarantine, info))
        handler->quarantine->missed++;
    return TOCSIN_NEXT;
}

/* In and out */

static struct tocsin__quarantine *quarantine_of(struct tocsin__handler *handler)
{
    if (!handler->quarantine && (handler->quarantine = tocsin__alloc(sizeof *handler->quarantine)))
        held_begin(handler->quarantine);
    return handler->quarantine;
}

static void announce(const struct tocsin__handler *handler, const char *reason, uint32_t count)
{
    int signo = tocsin__catalogue_signo(&tocsin__plugin_quarantined_spec);
    char function[64];

    if (tocsin_heard(signo) <= 0)
        return;
    tocsin__handler_function(handler, function, sizeof function);
    tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_plugin_quarantined, .owner = handler->owner->name, .pattern = handler->match.text, .function = function,
                                      .where = handler->where, .handler = handler->id, .reason = reason, .count = count));
}

static void shut(struct tocsin__handler *handler, const char *reason, uint32_t count)
{
    handler->quarantine->shut = true;
    handler->fn = hold_back;
    handler->arg = handler;
    announce(handler, reason, count);
}

/* One more within the time; true: as many as the owner may have. */
static bool too_many(int64_t now_us, int64_t *since_us, uint32_t *count, uint32_t most)
{
    if (!*count || now_us - *since_us > TOCSIN__PATIENCE_US) {
        *since_us = now_us;
        *count = 0;
    }
    return ++*count >= most;
}

/* One that is gone already, or that hears what is told here, is left alone. */
static bool concerned(struct tocsin__handler *handler, uint32_t most)
{
    return most && handler->id && !tocsin__quarantined(handler) && quarantine_of(handler);
}

void tocsin__quarantine_fault(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    uint32_t most = atomic_load_explicit(&tocsin__ration(handler->owner)->faults, memory_order_relaxed);

    if (concerned(handler, most) && too_many(loop->turn_us, &handler->quarantine->faults_us, &handler->quarantine->faults, most))
        shut(handler, "it answers errors", handler->quarantine->faults);
}

void tocsin__quarantine_stall(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    uint32_t most = atomic_load_explicit(&tocsin__ration(handler->owner)->stalls, memory_order_relaxed);

    if (concerned(handler, most) && too_many(loop->turn_us, &handler->quarantine->stalls_us, &handler->quarantine->stalls, most))
        shut(handler, "it blocks its loop", handler->quarantine->stalls);
}

/* A delivery to this handler alone. */
static void call_alone(struct tocsin__loop *loop, struct tocsin__handler *handler, struct tocsin_info *info)
{
    struct tocsin__slot *slot = tocsin__slot(loop, info->signo);
    struct tocsin__handler *running = loop->running;
    uint64_t parent = loop->parent;
    bool outer = slot && !(slot->state & TOCSIN__RUNNING);

    if (outer)
        slot->state |= TOCSIN__RUNNING;
    tocsin__descends(loop, info->sequence);
    tocsin__answered(loop, handler, info, tocsin__call(loop, handler, (struct tocsin__info *)info));
    tocsin__runs(loop, running);
    tocsin__descends(loop, parent);
    if (outer)
        tocsin__settle(loop, slot);
}

static void give(struct tocsin__loop *loop, uint64_t id, struct tocsin__quarantine *all)
{
    struct tocsin__handler *handler;
    struct tocsin__held *held;

    while ((handler = tocsin__id_object(&loop->handlers, id)) && !tocsin__quarantined(handler) && (held = held_next(all))) {
        call_alone(loop, handler, held->info);
        held_free(held);
    }
}

/* Where it is shut again meanwhile, the rest comes before what was held since. */
static void put_back(struct tocsin__quarantine *quarantine, struct tocsin__quarantine *rest)
{
    if (!rest->first)
        return;
    *rest->last = quarantine->first;
    if (!quarantine->first)
        quarantine->last = rest->last;
    quarantine->first = rest->first;
    quarantine->count += rest->count;
    quarantine->bytes += rest->bytes;
}

static void drop(struct tocsin__quarantine *all)
{
    struct tocsin__held *held;

    while ((held = held_next(all)))
        held_free(held);
}

static void move(struct tocsin__quarantine *from, struct tocsin__quarantine *to)
{
    held_begin(to);
    if (!from->first)
        return;
    to->first = from->first;
    to->last = from->last;
    to->count = from->count;
    to->bytes = from->bytes;
    held_begin(from);
}

void tocsin__quarantine_release(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    struct tocsin__quarantine rest;
    uint64_t id = handler->id;

    if (!tocsin__quarantined(handler))
        return;
    handler->quarantine->shut = false;
    handler->quarantine->faults = handler->quarantine->stalls = 0;
    move(handler->quarantine, &rest);
    tocsin__handler_aim(handler);
    loop->depth++;                                     /* whatever becomes of it, it is there */
    give(loop, id, &rest);
    if (tocsin__id_object(&loop->handlers, id))
        put_back(handler->quarantine, &rest);
    else
        drop(&rest);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
}

void tocsin__quarantine_free(struct tocsin__handler *handler)
{
    if (!handler->quarantine)
        return;
    drop(handler->quarantine);
    tocsin__release(handler->quarantine);
    handler->quarantine = NULL;
}

/* P4 */

void tocsin__held_take(struct tocsin__handler *handler, struct tocsin__quarantine *all)
{
    struct tocsin__quarantine taken;

    if (!all->last)
        held_begin(all);
    if (!handler->quarantine)
        return;
    move(handler->quarantine, &taken);
    put_back(&taken, all);
    move(&taken, all);
    handler->quarantine->shut = false;
}

static bool hears(const struct tocsin__handler *handler, const struct tocsin__owner *owner, const struct tocsin_info *info)
{
    return handler->owner == owner && !handler->gate && (!handler->source || handler->source == info->source.id) &&
           tocsin__pattern_list_match(handler->match.text, info->name);
}

static void tell_all(struct tocsin__loop *loop, const struct tocsin__owner *owner, struct tocsin_info *info)
{
    struct tocsin__handler *handler;

    for (uint64_t id = 0; (handler = tocsin__id_after(&loop->handlers, id));) {
        id = handler->id;
        if (!hears(handler, owner, info))
            continue;
        if (tocsin__quarantined(handler))
            hold_back(info, handler);
        else
            call_alone(loop, handler, info);
    }
}

void tocsin__held_give(struct tocsin__loop *loop, struct tocsin__quarantine *all, const struct tocsin__owner *owner)
{
    struct tocsin__held *held;

    if (!all->last)
        return;
    loop->depth++;
    while ((held = held_next(all))) {
        if (owner)
            tell_all(loop, owner, held->info);
        held_free(held);
    }
    loop->depth--;
    tocsin__tidy_at_rest(loop);
}

/* For programs */

int tocsin_handler_release(struct tocsin_handler id)
{
    struct tocsin__handler *handler;
    int err = tocsin__handler_find(id.id, &handler);

    if (err < 0)
        return err;
    if (!tocsin__quarantined(handler))
        return -EALREADY;
    tocsin__quarantine_release(tocsin__self, handler);
    return 0;
}
