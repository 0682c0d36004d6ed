#include <string.h>

#include "core/catalogue.h"
#include "core/emit.h"
#include "core/handler.h"
#include "core/os.h"
#include "core/owner.h"
#include "core/quarantine.h"
#include "core/pattern.h"
#include "core/receive.h"

/* Slots: a handler in the lists of its signals */

static struct tocsin__list **list_of(struct tocsin__slot *slot, struct tocsin__source *source)
{
    struct tocsin__listen *listens = source->listens;

    for (uint32_t i = 0; i < source->listens_count; i++)
        if (listens[i].slot == slot)
            return &listens[i].list;
    listens = tocsin__resize(listens, (source->listens_count + 1) * sizeof *listens);
    if (!listens)
        return NULL;
    source->listens = listens;
    listens[source->listens_count] = (struct tocsin__listen){ slot, &tocsin__list_empty };
    return &listens[source->listens_count++].list;
}

void tocsin__slot_interest(struct tocsin__slot *slot)
{
    bool listens = slot->handlers || slot->observers, interested = listens || slot->holds || slot->state & TOCSIN__RUNNING;

    slot->state &= ~(uint32_t)TOCSIN__QUIET;
    slot->state |= slot->holds && !listens ? TOCSIN__QUIET : 0;
    if (slot->interested != interested) {
        slot->interested = interested;
        tocsin__interest_change(slot->signal, slot->listener, interested ? 1 : -1u);
        slot->full = false;                            /* its flags have gone */
        tocsin__wanted_back(tocsin__self);
    }
    tocsin__slot_flags(slot);
}

/* What other threads see of it. */
void tocsin__slot_flags(struct tocsin__slot *slot)
{
    bool held = slot->state & (TOCSIN__BLOCKED | TOCSIN__RUNNING), deaf = !slot->handlers && !slot->observers && !held;
    bool observes = !slot->handlers && slot->observers && !held;

    if (slot->interested)
        tocsin__listener_flag(slot->listener, TOCSIN__DEAF | TOCSIN__OBSERVES, (deaf ? TOCSIN__DEAF : 0) | (observes ? TOCSIN__OBSERVES : 0));
    if (slot->handlers && !slot->told)
        tocsin__loops_news(tocsin__self);
    slot->told = slot->handlers;
}

static void gate_count(struct tocsin__slot *slot, struct tocsin__gate *gate, uint32_t by)
{
    slot->gated += by;
    slot->state = slot->gated ? slot->state | TOCSIN__GATED : slot->state & ~(uint32_t)TOCSIN__GATED;
    if (!gate->pended)
        return;
    slot->takers += by;
    if (slot->pended)
        gate->pended(gate, slot->pended * by);
}

/* by: 1 or -1 */
static void slot_count(struct tocsin__slot *slot, const struct tocsin__handler *handler, uint32_t by)
{
    if (handler->flags & TOCSIN__OBSERVER)
        slot->observers += by;
    else
        slot->handlers += by;
    if (handler->source)
        slot->sourced += by;
    if (handler->gate)
        gate_count(slot, handler->gate, by);
    tocsin__slot_interest(slot);
}

static struct tocsin__handler *handler_of(struct tocsin__match *match)
{
    return tocsin__container(match, struct tocsin__handler, match);
}

static int join(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot)
{
    struct tocsin__handler *handler = handler_of(match);
    struct tocsin__source *source = handler->source ? tocsin__id_object(&loop->sources, handler->source) : NULL;
    struct tocsin__list **list = source ? list_of(slot, source) : &slot->list;

    if (!list || tocsin__list_add(loop, list, handler, slot->state & TOCSIN__RUNNING ? slot : NULL) < 0)
        return -ENOMEM;
    slot_count(slot, handler, 1);
    return 0;
}

void tocsin__slot_compact(struct tocsin__loop *loop, struct tocsin__slot *slot)
{
    slot->state &= ~(uint32_t)TOCSIN__UNTIDY;
    if (slot->list->dead * 2 > slot->list->count)
        tocsin__list_compact(loop, slot->list);
}

static void leave(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot)
{
    struct tocsin__handler *handler = handler_of(match);
    struct tocsin__source *source = handler->source ? tocsin__id_object(&loop->sources, handler->source) : NULL;
    struct tocsin__list *list = handler->source ? (source ? tocsin__source_list(source, slot) : NULL) : slot->list;

    slot_count(slot, handler, -1u);
    if (!list)
        return;                                        /* the source is going, with its lists */
    list->dead++;
    tocsin__list_handling(list, handler, -1u);
    if (slot->state & TOCSIN__RUNNING)
        slot->state |= TOCSIN__UNTIDY;
    else if (list->dead * 2 > list->count)
        tocsin__list_compact(loop, list);
}

static bool handles(const struct tocsin__match *match)
{
    return !(tocsin__container(match, struct tocsin__handler, match)->flags & TOCSIN__OBSERVER);
}

const struct tocsin__match_kind tocsin__handler_kind = { .join = join, .leave = leave, .handles = handles, .questions = true };
const struct tocsin__match_kind tocsin__queue_kind = { .join = join, .leave = leave, .handles = handles };     /* a queue cannot answer */

/* Disconnecting */

int tocsin__silent(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

void tocsin__handler_bury(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    handler->next = loop->dead;
    loop->dead = handler;
    loop->unrest = 1;
}

static void source_unlink(struct tocsin__handler *handler)
{
    if (!handler->link)
        return;
    *handler->link = handler->next;
    if (handler->next)
        handler->next->link = handler->link;
    handler->link = NULL;
}

void tocsin__handler_disconnect(struct tocsin__loop *loop, struct tocsin__handler *handler)
{
    uint64_t id = handler->id;

    handler->fn = tocsin__silent;
    if (handler->os)
        tocsin__os_give(handler);
    source_unlink(handler);
    tocsin__id_free(&loop->handlers, id);
    handler->id = 0;
    tocsin__match_leave(loop, &handler->match);
    loop->depth++;                                     /* it is there until that has been announced */
    tocsin__handler_bury(loop, handler);
    if (handler->flags & TOCSIN__CONNECTED && !loop->freeing)
        tocsin__handler_announce(handler, id, &tocsin__disconnected_spec);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
}

int tocsin__handler_find(uint64_t id, struct tocsin__handler **ret_handler)
{
    return tocsin__loop_find(offsetof(struct tocsin__loop, handlers), id, (void **)ret_handler);
}

/* Of another thread's loop: that does it, in its next turn. */
static int ask(uint64_t id)
{
    struct tocsin__loop *loop = tocsin__loop_numbered(tocsin__id_number(id));

    if (!tocsin__id_ask(&loop->handlers, id, &loop->inbox.asked))
        return -ENOENT;
    tocsin__inbox_nudge(&loop->inbox);
    return 0;
}

void tocsin__handlers_asked(struct tocsin__loop *loop)
{
    uint32_t next = atomic_load_explicit(&loop->inbox.asked, memory_order_relaxed) ? atomic_exchange(&loop->inbox.asked, 0) : 0;
    void *handler;

    while (next) {
        next = tocsin__id_asked(&loop->handlers, next, &handler);
        if (handler)
            tocsin__handler_disconnect(loop, handler);
    }
}

int tocsin_disconnect(struct tocsin_handler id)
{
    struct tocsin__handler *handler;
    int err = tocsin__handler_find(id.id, &handler);

    if (err == -EXDEV)
        return ask(id.id);
    if (err == 0 && handler->gate)
        err = -ENOENT;                                 /* a queue's: that is closed */
    if (err == 0)
        tocsin__handler_disconnect(tocsin__self, handler);
    return err;
}

/* What is known of a handler */

struct tocsin_handler tocsin_current(void)
{
    const struct tocsin__handler *running = tocsin__self->running;

    return (struct tocsin_handler){ running ? running->id : 0 };
}

const char *tocsin_handler_owner(struct tocsin_handler id)
{
    struct tocsin__handler *handler;

    return tocsin__handler_find(id.id, &handler) < 0 ? "unknown" : handler->owner->name;
}

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t\n");
}

/* The next character that is in no quotes: what stands in them is passed over. */
static const char *next_plain(const char *text)
{
    char quote = *text;

    if (quote != '"' && quote != '\'')
        return text + 1;
    for (text++; *text && *text != quote; text++)
        text += *text == '\\' && text[1];
    return text + !!*text;
}

/* The end of an argument, or of a member: the next comma in no brackets, or the bracket that closes those around it. */
static const char *argument_end(const char *text)
{
    int depth = 0;

    for (; *text && (depth || !strchr(",)]}", *text)); text = next_plain(text))
        depth += strchr("([{", *text) ? 1 : strchr(")]}", *text) ? -1 : 0;
    return text;
}

/* What .fn is set to in the action that an argument writes out; NULL: it writes none. */
static const char *member_fn(const char *text, const char *end)
{
    for (int depth = 0; text < end; text = next_plain(text)) {
        depth += strchr("([{", *text) ? 1 : strchr(")]}", *text) ? -1 : 0;
        if (depth == 1 && strncmp(text, ".fn", 3) == 0 && *skip_space(text + 3) == '=')
            return skip_space(skip_space(text + 3) + 1);
    }
    return NULL;
}

/* The function in the text of a call's arguments: the second one, or what .fn is set to in it. */
void tocsin__handler_function(const struct tocsin__handler *handler, char *buffer, size_t size)
{
    const char *at = argument_end(handler->call), *fn;
    size_t length;

    at = skip_space(at + (*at == ','));
    fn = member_fn(at, argument_end(at));
    at = fn ? fn : at;
    length = (size_t)(argument_end(at) - at);
    while (length && strchr(" \t\n", at[length - 1]))
        length--;
    length = length < size ? length : size - 1;
    memcpy(buffer, at, length);
    buffer[length] = '\0';
}

/* What is said of handlers, by signals */

void tocsin__handler_announce(const struct tocsin__handler *handler, uint64_t id, const struct tocsin_spec *spec)
{
    int signo = tocsin__catalogue_signo(spec);
    struct tocsin_connected what = tocsin_connected_make();
    char function[64];

    if (handler->gate || tocsin_heard(signo) <= 0)
        return;
    tocsin__handler_function(handler, function, sizeof function);
    what.pattern = handler->match.text;
    what.function = function;
    what.where = handler->where;
    what.owner = handler->owner->name;
    what.handler = id;
    what.priority = handler->priority;
    what.observer = handler->flags & TOCSIN__OBSERVER;
    tocsin_emit(signo, &what.tocsin);
}

void tocsin__handler_failed(struct tocsin__loop *loop, struct tocsin__handler *handler, const struct tocsin_info *info, int err)
{
    int signo = tocsin__catalogue_signo(&tocsin__handler_failed_spec);

    handler->faults++;
    tocsin__quarantine_fault(loop, handler);
    if (strncmp(info->name, "tocsin.", 7) != 0 && tocsin_heard(signo) > 0)
        tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_handler_failed, .signal = info->name, .error = err, .where = handler->where,
                                          .owner = handler->owner->name, .handler = handler->id, .faults = handler->faults));
}
