/* Quarantine: a handler that fails or stalls too often is not called for a while. Its emissions are
   kept. */
#include <string.h>

#include <tocsin/plugin.h>
#include <tocsin/host.h>

#include "registry/catalogue.h"
#include "delivery/emit.h"
#include "registry/layout.h"
#include "registry/owner.h"
#include "registry/pattern.h"
#include "delivery/quarantine.h"
#include "base/refusal.h"
#include "registry/payload.h"

enum { BYTES_MOST = 1 << 20 };

/* The emissions that are kept during a quarantine, in a list with limits */

static void entries_begin(struct tocsin__quarantine *quarantine)
{
    quarantine->first = NULL;
    quarantine->last = &quarantine->first;
    quarantine->count = 0;
    quarantine->bytes = 0;
}

static void entry_free(struct tocsin__quarantine_entry *entry)
{
    tocsin_info_unref(entry->info);
    tocsin__release(entry);
}

static struct tocsin__quarantine_entry *entry_take(struct tocsin__quarantine *quarantine)
{
    struct tocsin__quarantine_entry *entry = quarantine->first;

    if (!entry)
        return NULL;
    quarantine->first = entry->next;
    if (!quarantine->first)
        entries_begin(quarantine);
    else
        quarantine->count--;
    return entry;
}

static bool entry_add(struct tocsin__quarantine *quarantine, const struct tocsin_info *info)
{
    size_t size = tocsin__payload_size(info->payload);
    struct tocsin__quarantine_entry *entry;

    if (quarantine->count >= TOCSIN__DELAYED_MOST || quarantine->bytes + size > BYTES_MOST)
        return false;
    entry = tocsin__alloc(sizeof *entry);
    if (!entry)
        return false;
    entry->info = tocsin_info_ref(info);
    if (!entry->info) {
        tocsin__release(entry);
        return false;
    }
    *quarantine->last = entry;
    quarantine->last = &entry->next;
    quarantine->count++;
    quarantine->bytes += size;
    return true;
}

/* Called instead of a handler in quarantine. Keeps the emission, but refuses a question (E17). */
static int quarantine_hold(const struct tocsin_info *info, void *arg)
{
    struct tocsin__handler *handler = arg;

    handler->calls--;
    if (tocsin__signal(info->signo)->spec.kind == TOCSIN_DIRECT)
        return handler->flags & TOCSIN__OBSERVER ? TOCSIN_NEXT : -EACCES;
    if (!entry_add(handler->quarantine, info))
        handler->quarantine->missed++;
    return TOCSIN_NEXT;
}

/* Functions that begin and end a quarantine */

static struct tocsin__quarantine *quarantine_of(struct tocsin__handler *handler)
{
    if (!handler->quarantine && (handler->quarantine = tocsin__alloc(sizeof *handler->quarantine)))
        entries_begin(handler->quarantine);
    return handler->quarantine;
}

/* Announces that the handler is in quarantine (plugin.quarantined). */
static void quarantine_announce(const struct tocsin__handler *handler, const char *reason,
                                uint32_t count)
{
    int signo = tocsin__catalogue_signo(&tocsin__plugin_quarantined_spec);

    if (tocsin_has_listeners(signo) <= 0)
        return;
    tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_plugin_quarantined, .owner = handler->owner->name,
                                      .pattern = handler->subscription.text,
                                      .function = handler->name, .where = handler->where,
                                      .handler = handler->id, .reason = reason, .count = count));
}

static void quarantine_shut(struct tocsin__handler *handler, const char *reason, uint32_t count)
{
    handler->quarantine->active = true;
    handler->fn = quarantine_hold;
    handler->arg = handler;
    quarantine_announce(handler, reason, count);
}

/* Counts one more fault or stall in the present period. Returns true if the limit of the owner is
   reached. */
static bool count_in_period(int64_t now_us, int64_t *since_us, uint32_t *count, uint32_t most)
{
    if (!*count || now_us - *since_us > TOCSIN__PATIENCE_US) {
        *since_us = now_us;
        *count = 0;
    }
    return ++*count >= most;
}

/* Returns true if the handler may go into quarantine: it is connected, and its owner has a
   limit. */
static bool is_eligible(struct tocsin__handler *handler, uint32_t most)
{
    return most && handler->id && !tocsin__quarantined(handler) && quarantine_of(handler);
}

void tocsin__quarantine_fault(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    uint32_t most = atomic_load_explicit(&tocsin__quota(handler->owner)->faults,
                                         memory_order_relaxed);

    if (is_eligible(handler, most) &&
        count_in_period(loop->turn_us, &handler->quarantine->faults_us,
                        &handler->quarantine->faults, most))
        quarantine_shut(handler, "it answers errors", handler->quarantine->faults);
}

void tocsin__quarantine_stall(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    uint32_t most = atomic_load_explicit(&tocsin__quota(handler->owner)->stalls,
                                         memory_order_relaxed);

    if (is_eligible(handler, most) &&
        count_in_period(loop->turn_us, &handler->quarantine->stalls_us,
                        &handler->quarantine->stalls, most))
        quarantine_shut(handler, "it blocks its loop", handler->quarantine->stalls);
}

/* Delivers an emission to this handler only. */
static void deliver_to(struct tocsin__loop *loop, struct tocsin__handler *handler,
                       struct tocsin_info *info)
{
    struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(loop, info->signo);
    struct tocsin__handler *running = loop->running;
    uint64_t parent = loop->parent;
    bool outer = loop_signal && !(loop_signal->state & TOCSIN__RUNNING);

    if (outer)
        loop_signal->state |= TOCSIN__RUNNING;
    tocsin__set_parent(loop, info->sequence);
    tocsin__handler_result(loop, handler, info,
                           tocsin__call(loop, handler, (struct tocsin__info *)info));
    tocsin__set_running(loop, running);
    tocsin__set_parent(loop, parent);
    if (outer)
        tocsin__delivery_finish(loop, loop_signal);
}

/* Delivers the kept emissions to the handler with this id, until the handler may not be called any
   more. */
static void deliver_entries(struct tocsin__loop *loop, uint64_t id, struct tocsin__quarantine *all)
{
    struct tocsin__handler *handler;
    struct tocsin__quarantine_entry *entry;

    while ((handler = tocsin__id_object(&loop->ids.handlers, id)) &&
           !tocsin__quarantined(handler) && (entry = entry_take(all))) {
        deliver_to(loop, handler, entry->info);
        entry_free(entry);
    }
}

/* Called if the handler went into quarantine again. Puts the undelivered emissions in front of the
 * emissions that were kept meanwhile. */
static void entries_put_back(struct tocsin__quarantine *quarantine, struct tocsin__quarantine *rest)
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

static void entries_drop_all(struct tocsin__quarantine *all)
{
    struct tocsin__quarantine_entry *entry;

    while ((entry = entry_take(all)))
        entry_free(entry);
}

static void entries_move(struct tocsin__quarantine *from, struct tocsin__quarantine *to)
{
    entries_begin(to);
    if (!from->first)
        return;
    to->first = from->first;
    to->last = from->last;
    to->count = from->count;
    to->bytes = from->bytes;
    entries_begin(from);
}

void tocsin__quarantine_release(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    struct tocsin__quarantine rest;
    uint64_t id = handler->id;

    if (!tocsin__quarantined(handler))
        return;
    handler->quarantine->active = false;
    handler->quarantine->faults = handler->quarantine->stalls = 0;
    entries_move(handler->quarantine, &rest);
    tocsin__handler_select_trampoline(handler);
    tocsin__loop_enter(loop); /* keeps the handler in memory while its emissions are delivered */
    deliver_entries(loop, id, &rest);
    if (tocsin__id_object(&loop->ids.handlers, id))
        entries_put_back(handler->quarantine, &rest);
    else
        entries_drop_all(&rest);
    tocsin__loop_leave(loop);
}

void tocsin__quarantine_free(struct tocsin__handler *handler)
{
    if (!handler->quarantine)
        return;
    entries_drop_all(handler->quarantine);
    tocsin__release(handler->quarantine);
    handler->quarantine = NULL;
}

/* Functions that move kept emissions from one handler to another (P4) */

void tocsin__quarantine_take_entries(struct tocsin__handler *handler,
                                     struct tocsin__quarantine *all)
{
    struct tocsin__quarantine taken;

    if (!all->last)
        entries_begin(all);
    if (!handler->quarantine)
        return;
    entries_move(handler->quarantine, &taken);
    entries_put_back(&taken, all);
    entries_move(&taken, all);
    handler->quarantine->active = false;
}

static bool is_subscribed(const struct tocsin__handler *handler, const struct tocsin__owner *owner,
                          const struct tocsin_info *info)
{
    return handler->owner == owner && !handler->admission &&
           (!handler->source || handler->source == info->source.id) &&
           tocsin__pattern_list_match(handler->subscription.text, info->name);
}

static void deliver_to_owner(struct tocsin__loop *loop, const struct tocsin__owner *owner,
                             struct tocsin_info *info)
{
    struct tocsin__handler *handler;

    for (uint64_t id = 0; (handler = tocsin__id_after(&loop->ids.handlers, id));) {
        id = handler->id;
        if (!is_subscribed(handler, owner, info))
            continue;
        if (tocsin__quarantined(handler))
            quarantine_hold(info, handler);
        else
            deliver_to(loop, handler, info);
    }
}

void tocsin__quarantine_deliver_entries(struct tocsin__loop *loop, struct tocsin__quarantine *all,
                                        const struct tocsin__owner *owner)
{
    struct tocsin__quarantine_entry *entry;

    if (!all->last)
        return;
    tocsin__loop_enter(loop);
    while ((entry = entry_take(all))) {
        if (owner)
            deliver_to_owner(loop, owner, entry->info);
        entry_free(entry);
    }
    tocsin__loop_leave(loop);
}

/* Public */

int tocsin_handler_unquarantine(struct tocsin_handler id)
{
    struct tocsin__handler *handler;
    int err = tocsin__handler_find(id.id, &handler);

    if (err < 0)
        return tocsin__traced(err);
    if (!tocsin__quarantined(handler))
        return tocsin__traced(-EALREADY);
    tocsin__quarantine_release(tocsin__self, handler);
    return 0;
}
