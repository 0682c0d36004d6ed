/* Sets that change, of which the loop has two: what tocsin_sigmask blocks, and what is ignored. Their text is a pattern. */
#include <stdio.h>
#include <string.h>

#include <tocsin/signal.h>

#include "core/emit.h"
#include "core/mask.h"
#include "core/pattern.h"

/* What is said of all that the part matches is said anew by the pattern. */
static bool part_covered(const char *pattern, const struct tocsin__part *part)
{
    struct tocsin__part other;

    while (tocsin__pattern_part(&pattern, &other) > 0)
        if (tocsin__pattern_covers(&other, part))
            return true;
    return false;
}

/* What is taken out of nothing is left away. */
static char *part_append(const char *text, char *end, const struct tocsin__part *part, bool out)
{
    const char *cursor = text;
    struct tocsin__part front;
    bool matters = !out;

    while (!matters && tocsin__pattern_part(&cursor, &front) > 0)
        matters = !front.out && tocsin__pattern_meets(&front, part);
    return matters ? end + sprintf(end, "%s%s%.*s", *text ? ", " : "", out ? "!" : "", (int)part->size, part->text) : end;
}

/* The set with what the pattern adds to it or takes out of it; NULL: no memory. */
static char *set_text(const char *was, enum tocsin_how how, const char *pattern)
{
    char *text = tocsin__alloc(4 * (strlen(was) + strlen(pattern)) + 4);     /* ", !a" of "a" */
    struct tocsin__part part;
    char *end = text;

    if (text && how == TOCSIN_SETMASK)
        return strcpy(text, pattern);
    while (text && tocsin__pattern_part(&was, &part) > 0)
        if (!part_covered(pattern, &part))
            end = part_append(text, end, &part, part.out);
    while (text && tocsin__pattern_part(&pattern, &part) > 0)
        end = part_append(text, end, &part, how == TOCSIN_UNBLOCK);
    return text;
}

/* The new one is there before the old one goes, so a signal that is in both is in the set all the time. */
static int set_change(struct tocsin__loop *loop, struct tocsin__hold **set, enum tocsin_how how, const char *pattern, struct tocsin__heap *due)
{
    const struct tocsin__match_kind *kind = set == &loop->set ? &tocsin__block_kind : &tocsin__ignore_kind;
    char *text = set_text(*set ? (*set)->match.text : "", how, pattern);
    struct tocsin__hold *fresh = NULL, *old = *set;
    int err = !text ? -ENOMEM : *text ? tocsin__hold_new(loop, kind, text, &fresh) : 0;

    tocsin__release(text);
    if (err < 0)
        return err;
    *set = fresh;
    if (old)
        tocsin__hold_end(loop, old, due);
    return 0;
}

/* In a handler: what it takes out of the set is not held back by the handlers on the stack any more, either. */
static void stack_lift(struct tocsin__loop *loop, enum tocsin_how how, const char *pattern, struct tocsin__heap *due)
{
    for (uint32_t signo = 1; loop->running && how != TOCSIN_BLOCK && signo < loop->slots_count; signo++) {
        struct tocsin__slot *slot = loop->slots[signo];
        bool held = slot && tocsin__slot_held(slot);

        if (!slot || !(slot->masked || slot->state & TOCSIN__RUNNING) ||
            tocsin__pattern_list_match(pattern, slot->name) != (how == TOCSIN_UNBLOCK))
            continue;
        slot->masked = 0;
        slot->unblocked = slot->state & TOCSIN__RUNNING;
        slot->state |= slot->unblocked ? TOCSIN__UNTIDY : 0;     /* until its delivery has ended */
        tocsin__slot_state(slot);
        if (held)
            tocsin__due_take(due, slot);
    }
}

static bool stack_holds(const struct tocsin__loop *loop)
{
    for (uint32_t signo = 1; loop->running && signo < loop->slots_count; signo++) {
        const struct tocsin__slot *slot = loop->slots[signo];

        if (slot && (slot->masked || (slot->state & TOCSIN__RUNNING && !slot->unblocked && !slot->nodefer)))
            return true;
    }
    return false;
}

/* NULL: no memory. */
static char *old_text(const struct tocsin__loop *loop)
{
    const char *set = loop->set ? loop->set->match.text : "";
    char *text = tocsin__alloc(strlen(set) + sizeof TOCSIN__ON_STACK + 2);

    if (text && stack_holds(loop))
        sprintf(text, "%s%s%s", set, *set ? ", " : "", TOCSIN__ON_STACK);
    else if (text)
        strcpy(text, set);
    return text;
}

/* The pattern without that word at its end, if it has it; NULL: no memory. */
static char *without_stack(const char *pattern, bool *ret_had)
{
    char *text = tocsin__copy_text(pattern);
    size_t size = text ? strlen(text) : 0, word = sizeof TOCSIN__ON_STACK - 1;

    *ret_had = size >= word && strcmp(text + size - word, TOCSIN__ON_STACK) == 0 && (size == word || strchr(", ", text[size - word - 1]));
    if (*ret_had)
        for (size -= word, text[size] = '\0'; size && strchr(", ", text[size - 1]);)
            text[--size] = '\0';
    return text;
}

static int set_and_lift(struct tocsin__loop *loop, enum tocsin_how how, const char *pattern, struct tocsin__heap *due)
{
    bool stays = false;
    char *text = how == TOCSIN_SETMASK ? without_stack(pattern, &stays) : tocsin__copy_text(pattern);
    int err = !text ? -ENOMEM : *text || how != TOCSIN_SETMASK ? tocsin__operand_check(text, how == TOCSIN_SETMASK) : 0;

    if (err == 0)
        err = set_change(loop, &loop->set, how, text, due);
    if (err == 0 && !stays)
        stack_lift(loop, how, text, due);
    tocsin__release(text);
    return err;
}

int tocsin_sigmask(enum tocsin_how how, const char *pattern, char *ret_old, size_t size)
{
    struct tocsin__heap due = { NULL };
    struct tocsin__loop *loop;
    bool known = how == TOCSIN_BLOCK || how == TOCSIN_UNBLOCK || how == TOCSIN_SETMASK;
    int err = !known || (size && !ret_old) ? -EINVAL : 0, length;
    char none[1], *old = NULL;

    if (err == 0)
        err = tocsin__loop_to_change(&loop);
    if (err == 0)
        old = old_text(loop);
    if (err == 0 && !old)
        err = -ENOMEM;
    if (err == 0 && pattern)
        err = set_and_lift(loop, how, pattern, &due);
    if (err < 0) {
        tocsin__release(old);
        return err;
    }
    length = snprintf(size ? ret_old : none, size ? size : 1, "%s", old);       /* not before: pattern may lie there */
    tocsin__release(old);
    if (pattern)
        tocsin__lifted(loop, &due);
    return length;
}

/* Ignoring */

static int ignore(enum tocsin_how how, const char *pattern, struct tocsin__loop **ret_loop)
{
    int err = tocsin__operand_check(pattern, false);

    if (err == 0)
        err = tocsin__loop_to_change(ret_loop);
    return err < 0 ? err : set_change(*ret_loop, &(*ret_loop)->ignored, how, pattern, NULL);
}

int tocsin_ignore(const char *pattern)
{
    struct tocsin__loop *loop;
    int err = ignore(TOCSIN_BLOCK, pattern, &loop);

    if (err < 0)
        return err;
    loop->depth++;                                     /* what an object does when its payload goes may be anything */
    for (uint32_t signo = 1; signo < loop->slots_count; signo++) {
        struct tocsin__slot *slot = loop->slots[signo];

        if (slot && slot->pend && tocsin__pattern_list_match(pattern, slot->name))
            tocsin__pend_drop(slot);
    }
    tocsin__stir(loop);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
    return 0;
}

int tocsin_default(const char *pattern)
{
    struct tocsin__loop *loop;
    int err = ignore(TOCSIN_UNBLOCK, pattern, &loop);

    if (err == 0)
        tocsin__stir(loop);
    return err;
}

void tocsin__set_end(struct tocsin__loop *loop, struct tocsin__hold **set, struct tocsin__heap *due)
{
    struct tocsin__hold *old = *set;

    *set = NULL;
    if (old)
        tocsin__hold_end(loop, old, due);
}

/* Suspending: the old set stands aside, so that putting it back cannot fail. */

int tocsin__set_swap(struct tocsin__loop *loop, const char *pattern)
{
    struct tocsin__heap due = { NULL };
    struct tocsin__hold *fresh = NULL;
    int err = *pattern ? tocsin__operand_check(pattern, true) : 0;

    if (err == 0 && loop->suspended)
        err = -EBUSY;
    if (err == 0 && *pattern)
        err = tocsin__hold_new(loop, &tocsin__block_kind, pattern, &fresh);
    if (err < 0)
        return err;
    loop->suspended = true;
    loop->set_aside = loop->set;
    loop->set = fresh;
    tocsin__hold_activate(loop->set_aside, 0, &due);
    tocsin__lifted(loop, &due);
    return 0;
}

void tocsin__set_back(struct tocsin__loop *loop)
{
    struct tocsin__heap due = { NULL };

    tocsin__hold_activate(loop->set_aside, 1, &due);
    tocsin__set_end(loop, &loop->set, &due);
    loop->set = loop->set_aside;
    loop->set_aside = NULL;
    loop->suspended = false;
    tocsin__lifted(loop, &due);
}
