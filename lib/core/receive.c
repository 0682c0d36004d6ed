#include <sched.h>

#include "core/box.h"
#include "core/cast.h"
#include "core/handler.h"
#include "core/layout.h"
#include "core/owner.h"
#include "core/receive.h"
#include "core/seam.h"

/* The default action of what nobody handled (T7) */

struct unhandled { struct tocsin__node node; struct tocsin__signal *signal; struct tocsin__info *info; };

static bool hand_over(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin__info *info);

static void on_unhandled(struct tocsin__node *node)
{
    struct unhandled *unhandled = tocsin__container(node, struct unhandled, node);
    struct tocsin__info *info = unhandled->info;

    if (!hand_over(tocsin__self, unhandled->signal, info))       /* another one may be the main loop by now */
        tocsin__default_action(tocsin__self, unhandled->signal, &info->seen);
    tocsin__release(unhandled);
    tocsin__info_put(info);
}

static void unhandled_drop(struct tocsin__node *node)
{
    struct unhandled *unhandled = tocsin__container(node, struct unhandled, node);

    tocsin__info_put(unhandled->info);
    tocsin__release(unhandled);
}

/* To the main loop; false: that is this one, or there is none, or no memory. */
static bool hand_over(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin__info *info)
{
    struct tocsin__loop *main = tocsin__loop_main();
    struct unhandled *unhandled = main && main != loop ? tocsin__alloc(sizeof *unhandled) : NULL;

    if (!unhandled)
        return false;
    unhandled->signal = signal;
    unhandled->node.run = on_unhandled;
    unhandled->node.drop = unhandled_drop;
    unhandled->info = (struct tocsin__info *)tocsin_info_ref(&info->seen);
    if (unhandled->info && tocsin__inbox_push(&main->inbox, &unhandled->node))
        return true;
    tocsin_info_unref(unhandled->info ? &unhandled->info->seen : NULL);
    tocsin__release(unhandled);
    return false;
}

static bool own(const struct tocsin__loop *loop, const struct tocsin_info *info)
{
    return info->code != TOCSIN_POSTED && info->code != TOCSIN_OS && tocsin__id_number(info->sequence) == loop->number;
}

/* Whether this was the last copy, and none of them was handled. */
static bool last_unhandled(struct tocsin__info *info, int result)
{
    if (result != TOCSIN_NOBODY)
        atomic_store(&info->handled, 1);
    return atomic_fetch_sub(&info->open, 1) == 1 && !atomic_load(&info->handled);
}

static bool counted(const struct tocsin__info *info)
{
    uint32_t refs = atomic_load_explicit(&info->refs, memory_order_relaxed);

    return refs && refs != TOCSIN__COPIED && atomic_load_explicit(&info->open, memory_order_relaxed);
}

void tocsin__met(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin__info *info, int result)
{
    bool several = counted(info), here;

    if (!several && result != TOCSIN_NOBODY)
        return;
    here = own(loop, &info->seen) && !several;
    if (several && !last_unhandled(info, result))
        return;
    if (!tocsin__has_default(signal))
        return;
    if (!here && !several && atomic_load_explicit(&info->handled, memory_order_relaxed) && !tocsin__listens_first(loop, signal))
        return;                                        /* one of several copies that are not counted: another one sees to it */
    if (here || !hand_over(loop, signal, info))
        tocsin__default_action(loop, signal, &info->seen);
}

/* One letter */

static bool shut(const struct tocsin__slot *slot, const struct tocsin_info *info)
{
    return slot->state & TOCSIN__GATED && !(slot->state & TOCSIN__IGNORED) && !tocsin__gates_open(slot, tocsin__payload_size(info->payload));
}

/* What has been accepted is not refused any more: what cannot be delivered now is pended, beyond the limit if need be. */
static bool meet_slowly(struct tocsin__loop *loop, struct tocsin__slot *slot, struct tocsin__info *info, struct tocsin__pend **place)
{
    bool held = tocsin__slot_held(slot), done = true;

    if (slot->state & TOCSIN__PENDED && !held)
        tocsin__flush_slot(loop, slot);
    held = tocsin__slot_held(slot);
    if (held || slot->state & TOCSIN__PENDED || shut(slot, &info->seen))
        done = tocsin__pend_accepted(slot, info, place);
    else
        tocsin__deliver_or_default(loop, slot, info);
    if (done && !held && slot->pend)
        tocsin__flush_slot(loop, slot);                /* finds that a queue is full, and waits for room there */
    return done;
}

/* False: there is no memory to keep it in. place: memory for that; NULL in it: it was taken. */
static bool meet(struct tocsin__loop *loop, struct tocsin__signal *signal, struct tocsin__info *info, struct tocsin__pend **place)
{
    struct tocsin__slot *slot;
    bool done;

    slot = tocsin__slot(loop, signal->signo);
    if (!slot || !tocsin__slot_heard(slot)) {
        tocsin__met(loop, signal, info, slot && slot->state & TOCSIN__IGNORED ? TOCSIN_DELIVERED : TOCSIN_NOBODY);
        return true;
    }
    if (!slot->state) {
        tocsin__met(loop, signal, info, tocsin__deliver_straight(loop, slot, tocsin__list_from(loop, slot, info->seen.source.id), info));
        return true;
    }
    loop->depth++;
    done = meet_slowly(loop, slot, info, place);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
    return done;
}

bool tocsin__meet_parcel(struct tocsin__loop *loop, struct tocsin__parcel *parcel)
{
    struct tocsin__info *info = parcel->info;
    struct tocsin__pend *place = &parcel->pend;

    tocsin__patterns_resolve(loop);                    /* short of memory: those that have joined hear it */
    meet(loop, tocsin__signal(info->seen.signo), info, &place);
    return !place;
}

/* What an inline letter says, borrowed from it. */
static void letter_read(struct tocsin__loop *loop, const struct tocsin__letter *letter, struct tocsin__info *info)
{
    const struct tocsin__signal *signal = tocsin__signal(letter->signo);

    tocsin__info_fill(info, loop, letter->signo, signal->name, 0, signal->spec.layout ? (const struct tocsin_payload *)letter->payload : NULL);
    info->seen.code = letter->code;
    if (letter->flags & TOCSIN__MORE) {
        info->seen.overrun = letter->overrun;
        info->seen.parent = letter->parent;
        info->seen.sequence = letter->sequence ? letter->sequence : info->seen.sequence;
    } else {
        info->seen.parent = 0;
    }
    atomic_init(&info->handled, letter->flags & TOCSIN__SEVERAL);
}

static bool letter_inline(struct tocsin__loop *loop, struct tocsin__letter *letter)
{
    struct tocsin__info info;
    bool done;

    letter_read(loop, letter, &info);
    done = meet(loop, tocsin__signal(letter->signo), &info, NULL);
    tocsin__info_end(&info);
    return done;
}

/* A post that this loop alone got has its sequence number and its turn. */
static void letter_own(struct tocsin__loop *loop, struct tocsin__info *info)
{
    if (info->seen.code == TOCSIN_EMITTED || info->seen.code >= TOCSIN_PROGRESS || atomic_load(&info->refs) > 1)
        return;
    info->seen.sequence = loop->sequence++;
    info->seen.turn_us = loop->turn_us;
}

static bool letter_shared(struct tocsin__loop *loop, struct tocsin__letter *letter)
{
    struct tocsin__info *info = letter->info;

    letter_own(loop, info);
    if (!meet(loop, tocsin__signal(letter->signo), info, NULL))
        return false;
    tocsin__info_put(info);
    return true;
}

/* Of one that several loops count down together, the copy does not count. */
struct tocsin__info *tocsin__letter_copy(struct tocsin__loop *loop, const struct tocsin__letter *letter)
{
    struct tocsin__info own, *info = letter->kind == TOCSIN__SHARED ? letter->info : &own, *copy;
    int err;

    if (info == &own)
        letter_read(loop, letter, info);
    copy = tocsin__info_copy(&info->seen, tocsin__signal(letter->signo)->spec.layout, &err);
    if (copy)
        atomic_init(&copy->handled, atomic_load(&info->handled) || (info != &own && atomic_load(&info->open)));
    return copy;
}

/* Where it had the loop's own number, it has the one of now: its place is here. */
static void renumber(struct tocsin__loop *loop, struct tocsin__info *info)
{
    if (atomic_load(&info->refs) > 1 || tocsin__id_number(info->seen.sequence) != loop->number)
        return;
    info->seen.sequence = loop->sequence++;
    info->seen.turn_us = loop->turn_us;
}

bool tocsin__receive_late(struct tocsin__loop *loop, struct tocsin__info *info)
{
    struct tocsin__signal *signal = tocsin__signal(info->seen.signo);

    if (signal->unresolved && tocsin__patterns_resolve(loop) < 0)
        return false;
    renumber(loop, info);
    if (!meet(loop, signal, info, NULL))
        return false;
    tocsin__info_put(info);
    return true;
}

static void task_drop(const struct tocsin__letter *letter)
{
    if (letter->drop)
        letter->drop(letter->arg);
    tocsin__owner_give(tocsin__owner_numbered(letter->owner), TOCSIN_HOLDS_TASKS, 1);
}

void tocsin__receive_task(struct tocsin__loop *loop, const struct tocsin__letter *letter)
{
    struct tocsin__doing was = tocsin__doing(loop);

    tocsin__does(loop, (struct tocsin__doing){ .code = (const void *)letter->task });
    loop->depth++;
    letter->task(letter->arg);
    task_drop(letter);
    loop->depth--;
    tocsin__does(loop, was);
    tocsin__tidy_at_rest(loop);
}

static bool deliver_kind(struct tocsin__loop *loop, struct tocsin__letter *letter)
{
    switch (letter->kind) {
    case TOCSIN__INLINE: return letter_inline(loop, letter);
    case TOCSIN__SHARED: return letter_shared(loop, letter);
    case TOCSIN__TASK:   tocsin__receive_task(loop, letter); return true;
    default:             return true;
    }
}

/* False: there is no memory for it now, so it stays where it is, with all that is behind it. */
static bool deliver(struct tocsin__loop *loop, struct tocsin__letter *letter)
{
    bool done;

    if (letter->kind < TOCSIN__TASK && tocsin__signal(letter->signo)->unresolved && tocsin__patterns_resolve(loop) < 0)
        return false;
    if (tocsin__seam() && letter->kind < TOCSIN__TASK && loop->detains && loop->detains(loop, letter))
        return true;
    if (letter->flags & TOCSIN__OWNED)
        loop->poster = tocsin__owner_numbered(letter->owner);
    done = deliver_kind(loop, letter);
    loop->poster = NULL;
    return done;
}

static bool deliver_next(struct tocsin__loop *loop, struct tocsin__letter *letter)
{
    size_t size = letter->kind == TOCSIN__SHARED ? letter->info->size : 0;

    if (!deliver(loop, letter))
        return false;
    if (size)
        atomic_fetch_sub(&loop->inbox.bytes, size);
    tocsin__inbox_pass(&loop->inbox);
    return true;
}

/* How many it stands for is of this loop: others may have the same info. */
static bool overrun_set(struct tocsin__letter *letter)
{
    struct tocsin__info *info = letter->kind == TOCSIN__SHARED && letter->overrun ? letter->info : NULL;
    int err;

    if (info && atomic_load(&info->refs) > 1) {
        info = tocsin__info_copy(&letter->info->seen, tocsin__signal(letter->signo)->spec.layout, &err);
        if (!info)
            return false;
        tocsin__info_put(letter->info);
        letter->info = info;
    }
    if (info)
        info->seen.overrun = letter->overrun;
    return true;
}

void tocsin__receive_box(struct tocsin__node *node)
{
    struct tocsin__box *box = tocsin__container(node, struct tocsin__box, node);
    struct tocsin__letter *letter = tocsin__box_take(box);
    struct tocsin__loop *loop = tocsin__self;

    if (letter && !(overrun_set(letter) && deliver(loop, letter)))
        tocsin__box_back(box, letter);                 /* no memory: in the next turn */
    else if (letter)
        letter->kind = TOCSIN__VOID;
    if (!tocsin__box_done(box))
        tocsin__inbox_push_next(&loop->inbox, node);
}

/* All of it */

static int receive(struct tocsin__loop *loop, uint64_t bound)
{
    struct tocsin__inbox *inbox = &loop->inbox;
    struct tocsin__letter *letter;
    struct tocsin__node *node;
    bool outside = loop->freeing;                      /* of a turn: what is called may not begin one */
    int count = 0;

    loop->depth += outside;
    do {
        if ((node = tocsin__inbox_node(inbox))) {
            count += tocsin__node_tells(node);         /* not afterwards: it may be gone */
            node->run(node);
        } else if ((letter = tocsin__inbox_next(inbox, bound)) && deliver_next(loop, letter)) {
            count++;
        } else {
            break;
        }
    } while (!loop->free_wanted && !tocsin__inherited(loop));
    tocsin__inbox_passed(inbox);
    loop->depth -= outside;
    tocsin__tidy_at_rest(loop);
    return count;
}

int tocsin__receive(struct tocsin__loop *loop)
{
    uint64_t bound = tocsin__inbox_bound(&loop->inbox);     /* first */

    tocsin__inbox_take_list(&loop->inbox);
    tocsin__handlers_asked(loop);
    return receive(loop, bound);
}

void tocsin__receive_last(struct tocsin__loop *loop)
{
    while (!tocsin__inherited(loop) && (tocsin__inbox_tail(&loop->inbox) != loop->inbox.at || tocsin__inbox_holds(&loop->inbox)))
        if (!tocsin__receive(loop))
            sched_yield();
}

void tocsin__receive_end(struct tocsin__loop *loop)
{
    tocsin__wanted_back(loop);
    tocsin__inbox_end(&loop->inbox);
    tocsin__handlers_asked(loop);
    receive(loop, loop->inbox.at);
}

/* T8 */

static void letter_drop(const struct tocsin__letter *letter)
{
    if (letter->kind == TOCSIN__SHARED)
        tocsin__info_put(letter->info);
    else if (letter->kind == TOCSIN__TASK)
        task_drop(letter);
}

/* What was claimed by a thread that is not here, and not published, is passed over. */
static void ring_drop(struct tocsin__inbox *inbox)
{
    uint64_t bound = tocsin__inbox_tail(inbox);

    while (inbox->at != bound) {
        const struct tocsin__letter *letter = tocsin__inbox_next(inbox, bound);

        if (letter)
            letter_drop(letter);
        tocsin__inbox_pass(inbox);
    }
    tocsin__inbox_passed(inbox);
    atomic_store(&inbox->bytes, 0);
}

void tocsin__receive_drop(struct tocsin__loop *loop)
{
    struct tocsin__inbox *inbox = &loop->inbox;
    struct tocsin__node *node;

    tocsin__inbox_take_list(inbox);
    while ((node = inbox->first)) {
        inbox->first = node->next;
        if (node->drop)
            node->drop(node);
    }
    inbox->last = &inbox->first;
    ring_drop(inbox);
    tocsin__listeners_clear(loop->number);
    tocsin__handlers_asked(loop);
    atomic_store(&loop->wanting, 0);
    atomic_store(&loop->told, false);
    loop->wanted = NULL;
    tocsin__parcels_drop(loop);
    atomic_store(&loop->parcels_out, 0);
}
