#include "core/catalogue.h"
#include "core/emit.h"
#include "core/mask.h"
#include "core/owner.h"
#include "core/pattern.h"

static struct tocsin__hold *hold_of(struct tocsin__match *match)
{
    return (struct tocsin__hold *)match;
}

void tocsin__slot_state(struct tocsin__slot *slot)
{
    slot->state &= ~(uint32_t)(TOCSIN__BLOCKED | TOCSIN__IGNORED);
    slot->state |= (slot->blocks || slot->masked ? TOCSIN__BLOCKED : 0) | (slot->ignores ? TOCSIN__IGNORED : 0);
    tocsin__slot_flags(slot);
}

/* by: 1 or -1 */
static void holds_count(struct tocsin__slot *slot, uint32_t by)
{
    slot->holds += by;
    tocsin__slot_interest(slot);
}

/* What a hold does to the slots that it stands for */

static void block_count(struct tocsin__slot *slot, uint32_t by)
{
    slot->blocks += by;
    tocsin__slot_state(slot);
}

static int block_join(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot)
{
    (void)loop;
    holds_count(slot, 1);
    block_count(slot, hold_of(match)->active);
    return 0;
}

static void block_leave(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot)
{
    (void)loop;
    block_count(slot, -hold_of(match)->active);
    holds_count(slot, -1u);
}

static int mask_join(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot)
{
    (void)loop;
    holds_count(slot, 1);
    slot->masked += hold_of(match)->active;
    tocsin__slot_state(slot);
    return 0;
}

/* It has no calls on the stack any more. */
static void mask_quit(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot)
{
    (void)loop, (void)match;
    holds_count(slot, -1u);
}

static int ignore_join(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot)
{
    (void)loop, (void)match;
    slot->ignores++;
    tocsin__slot_state(slot);
    return 0;
}

static void ignore_leave(struct tocsin__loop *loop, struct tocsin__match *match, struct tocsin__slot *slot)
{
    (void)loop, (void)match;
    slot->ignores--;
    tocsin__slot_state(slot);
}

const struct tocsin__match_kind tocsin__block_kind = { .join = block_join, .leave = block_leave };
static const struct tocsin__match_kind mask_kind = { .join = mask_join, .leave = mask_quit };
const struct tocsin__match_kind tocsin__ignore_kind = { .join = ignore_join, .leave = ignore_leave };

/* Puts what it alone has held back among what is due; due may be NULL. */
void tocsin__hold_end(struct tocsin__loop *loop, struct tocsin__hold *hold, struct tocsin__heap *due)
{
    uint32_t count = hold->match.slots_count;

    tocsin__match_leave(loop, &hold->match);           /* the slots stay where they are, in the array */
    while (due && count--)
        tocsin__due_take(due, hold->match.slots[count]);
    tocsin__match_free(&hold->match);
    if (hold->owner)
        tocsin__owner_give(hold->owner, TOCSIN_HOLDS_BLOCKS, 1);
    tocsin__release(hold);
}

int tocsin__hold_new(struct tocsin__loop *loop, const struct tocsin__match_kind *kind, const char *pattern, struct tocsin__hold **ret_hold)
{
    struct tocsin__hold *hold = tocsin__alloc(sizeof *hold);
    int err;

    if (!hold)
        return -ENOMEM;
    hold->match.kind = kind;
    hold->active = kind != &mask_kind;
    err = tocsin__match_join(loop, &hold->match, pattern, false);
    if (err < 0) {
        tocsin__hold_end(loop, hold, NULL);
        return err;
    }
    *ret_hold = hold;
    return 0;
}

void tocsin__hold_activate(struct tocsin__hold *set, uint32_t active, struct tocsin__heap *due)
{
    if (!set)
        return;
    for (uint32_t i = 0; i < set->match.slots_count; i++)
        block_count(set->match.slots[i], active - set->active);
    set->active = active;
    for (uint32_t i = 0; i < set->match.slots_count && !active; i++)
        tocsin__due_take(due, set->match.slots[i]);
}

void tocsin__hold_free(struct tocsin__loop *loop, struct tocsin__hold *hold)
{
    if (hold)
        tocsin__hold_end(loop, hold, NULL);
}

/* What is paused may be wanted again, and what is due is delivered. */
void tocsin__lifted(struct tocsin__loop *loop, struct tocsin__heap *due)
{
    tocsin__stir(loop);
    tocsin__flush(loop, due);
    tocsin__tidy_at_rest(loop);
}

/* The mask of a handler */

int tocsin__mask_new(struct tocsin__loop *loop, const char *pattern, struct tocsin__hold **ret_mask)
{
    return tocsin__hold_new(loop, &mask_kind, pattern, ret_mask);
}

void tocsin__mask_enter(struct tocsin__hold *mask)
{
    mask->active++;
    for (uint32_t i = 0; i < mask->match.slots_count; i++) {
        mask->match.slots[i]->masked++;
        tocsin__slot_state(mask->match.slots[i]);
    }
}

/* tocsin_sigmask may have lifted it, and all that were entered before it. */
void tocsin__mask_leave(struct tocsin__hold *mask, struct tocsin__slot *by)
{
    mask->active--;
    for (uint32_t i = 0; i < mask->match.slots_count; i++) {
        struct tocsin__slot *slot = mask->match.slots[i];

        slot->masked -= slot->masked > 0;
        tocsin__slot_state(slot);
        if (slot != by)
            tocsin__due_release(&by->released, slot);
    }
    by->state |= TOCSIN__UNTIDY;                       /* until its delivery has ended */
    tocsin__stir(tocsin__self);
}

/* Plain names that a call was given must have been declared, and not as questions. */
int tocsin__operand_check(const char *pattern, bool out_allowed)
{
    int shape = pattern ? tocsin__pattern_check(pattern) : -EINVAL;
    struct tocsin__part part;

    tocsin__catalogue();                               /* the library's own names are there before the first loop */
    if (shape < 0 || (shape & TOCSIN__OUT && !out_allowed))
        return -EINVAL;
    while (tocsin__pattern_part(&pattern, &part) > 0) {
        int signo = part.out || !tocsin__pattern_plain(&part) ? 0 : tocsin__signal_named(part.text, part.size, false);

        if (signo < 0 || (signo && !tocsin__signal(signo)->declared))
            return -ENOENT;
        if (signo && tocsin__signal(signo)->spec.kind == TOCSIN_DIRECT)
            return -EINVAL;
    }
    return 0;
}

int tocsin__loop_to_change(struct tocsin__loop **ret_loop)
{
    int err = tocsin__loop_make(ret_loop);

    return err == 0 && (*ret_loop)->freeing ? -ESHUTDOWN : err;
}

/* Blocks with a token */

static int block(struct tocsin__loop *loop, const char *where, const char *pattern, struct tocsin__hold **ret_hold)
{
    struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    struct tocsin__hold *hold;
    int err = tocsin__owner_admit(owner, TOCSIN_HOLDS_BLOCKS);

    if (err < 0)
        return err;
    err = tocsin__hold_new(loop, &tocsin__block_kind, pattern, &hold);
    if (err < 0) {
        tocsin__owner_give(owner, TOCSIN_HOLDS_BLOCKS, 1);
        return err;
    }
    hold->id = tocsin__id_new(&loop->blocks, hold);
    hold->where = where ? where : "";
    hold->owner = owner;
    if (!hold->id) {
        tocsin__hold_end(loop, hold, NULL);
        return -ENOMEM;
    }
    *ret_hold = hold;
    return 0;
}

int tocsin_block_at(const char *where, const char *pattern, struct tocsin_mask *ret_mask)
{
    struct tocsin__hold *hold = NULL;
    struct tocsin__loop *loop;
    int err = ret_mask ? tocsin__operand_check(pattern, true) : -EINVAL;

    if (err == 0)
        err = tocsin__loop_to_change(&loop);
    if (err == 0)
        err = block(loop, where, pattern, &hold);
    if (ret_mask)
        ret_mask->id = err < 0 ? (uint64_t)(int64_t)err : hold->id;
    return err;
}

int tocsin_unblock(struct tocsin_mask mask)
{
    struct tocsin__heap due = { NULL };
    void *hold = NULL;
    int err = tocsin__loop_find(offsetof(struct tocsin__loop, blocks), mask.id, &hold);

    if (err < 0)
        return err;
    tocsin__id_free(&tocsin__self->blocks, mask.id);
    tocsin__hold_end(tocsin__self, hold, &due);
    tocsin__lifted(tocsin__self, &due);
    return 0;
}

/* The end */

static void blocks_end(struct tocsin__loop *loop, struct tocsin__heap *due)
{
    tocsin__set_end(loop, &loop->set, due);
    tocsin__set_end(loop, &loop->set_aside, due);
    for (uint32_t i = 0; i < loop->blocks.made; i++) {
        struct tocsin__hold *hold = tocsin__id_entry(&loop->blocks, i)->object;

        if (!hold)
            continue;
        tocsin__id_free(&loop->blocks, hold->id);
        tocsin__hold_end(loop, hold, due);
    }
}

void tocsin__holds_lift(struct tocsin__loop *loop)
{
    struct tocsin__heap due = { NULL };

    blocks_end(loop, &due);
    tocsin__lifted(loop, &due);
}

void tocsin__holds_clear(struct tocsin__loop *loop)
{
    blocks_end(loop, NULL);
    tocsin__set_end(loop, &loop->ignored, NULL);
    loop->suspended = false;
}

/* What is pended */

int tocsin_pending(const char *pattern)
{
    const struct tocsin__loop *loop = tocsin__self;
    int count = 0;

    if (pattern && tocsin__set_check(pattern) < 0)
        return -EINVAL;
    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    for (uint32_t signo = 1; signo < loop->slots_count; signo++) {
        const struct tocsin__slot *slot = loop->slots[signo];

        if (slot && slot->pended && (!pattern || tocsin__pattern_list_match(pattern, slot->name)))
            count += (int)slot->pended;
    }
    return count;
}
