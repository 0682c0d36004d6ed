/* The two sets of a loop: the patterns that tocsin_sigmask blocks, and the patterns that
   tocsin_ignore ignores. The text of a set is a pattern. A change computes a new text, and makes a
   new rule from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/signal.h>
#include <tocsin/posix.h>

#include "delivery/emit.h"
#include "delivery/pending/mask_set.h"
#include "delivery/pending/mask.h"
#include "registry/pattern.h"
#include "base/refusal.h"

/* The items of a pattern, sorted for bsearch. An item that the pattern covers is usually equal to
   one of these items, and then bsearch finds it. */
struct parts {
    struct tocsin__pattern_item *all;
    size_t count;
};

static int part_order(const void *one, const void *other)
{
    const struct tocsin__pattern_item *a = one, *b = other;

    return a->size != b->size ? (a->size < b->size ? -1 : 1) : memcmp(a->text, b->text, a->size);
}

static int parts_make(struct parts *parts, const char *pattern)
{
    size_t most = 1;

    for (const char *comma = pattern; (comma = strchr(comma, ',')) != NULL; comma++)
        most++;
    *parts = (struct parts){ tocsin__alloc(most * sizeof *parts->all), 0 };
    while (parts->all && parts->count < most &&
           tocsin__pattern_part(&pattern, &parts->all[parts->count]) > 0)
        parts->count++;
    if (parts->count)
        qsort(parts->all, parts->count, sizeof *parts->all, part_order);
    return parts->all ? 0 : -ENOMEM;
}

/* Returns true if the pattern covers every name that the item `part` matches. Then the item is no
   longer needed. */
static bool part_covered(const struct parts *parts, const struct tocsin__pattern_item *part)
{
    if (parts->count && bsearch(part, parts->all, parts->count, sizeof *parts->all, part_order))
        return true;
    for (size_t i = 0; i < parts->count; i++)
        if (tocsin__pattern_covers(&parts->all[i], part))
            return true;
    return false;
}

/* Appends the item to the text. An item with "!" that excludes nothing from the text is not
 * appended. */
static char *part_append(const char *text, char *end, const struct tocsin__pattern_item *part,
                         bool out)
{
    const char *cursor = text;
    struct tocsin__pattern_item front;
    bool matters = !out;

    while (!matters && tocsin__pattern_part(&cursor, &front) > 0)
        matters = !front.out && tocsin__pattern_overlaps(&front, part);
    return matters ? end + sprintf(end, "%s%s%.*s", *text ? ", " : "", out ? "!" : "",
                                   (int)part->size, part->text)
                   : end;
}

/* Returns the text of the set after the pattern was added to it or taken out of it, or NULL if
   there is no memory. */
static char *set_text(const char *was, enum tocsin_how how, const char *pattern)
{
    char *text = tocsin__alloc(4 * (strlen(was) + strlen(pattern)) +
                               4); /* the text needs at most 4 bytes for each byte: the item "a"
                                    * becomes ", !a" */
    struct tocsin__pattern_item part;
    struct parts parts;
    char *end = text;

    if (text && how == TOCSIN_SETMASK)
        return strcpy(text, pattern);
    if (!text || parts_make(&parts, pattern) < 0) {
        tocsin__release(text);
        return NULL;
    }
    while (tocsin__pattern_part(&was, &part) > 0)
        if (!part_covered(&parts, &part))
            end = part_append(text, end, &part, part.out);
    while (tocsin__pattern_part(&pattern, &part) > 0)
        end = part_append(text, end, &part, how == TOCSIN_UNBLOCK);
    tocsin__release(parts.all);
    return text;
}

/* Replaces the rule of a set. The new rule is made before the old rule ends. So a signal that
 * matches both is held back without interruption. */
static int set_change(struct tocsin__loop *loop, struct tocsin__mask_rule **set,
                      enum tocsin_how how, const char *pattern, struct tocsin__heap *due)
{
    const struct tocsin__subscription_ops *kind = set == &loop->masks.set
                                                      ? &tocsin__block_subscription_ops
                                                      : &tocsin__ignore_subscription_ops;
    char *text = set_text(*set ? (*set)->subscription.text : "", how, pattern);
    struct tocsin__mask_rule *fresh = NULL, *old = *set;
    int err = !text ? -ENOMEM : *text ? tocsin__mask_rule_new(loop, kind, text, &fresh) : 0;

    tocsin__release(text);
    if (err < 0)
        return err;
    *set = fresh;
    if (old)
        tocsin__mask_rule_end(loop, old, due);
    return 0;
}

/* Called when a handler takes signals out of the set. Then the handlers on the stack no longer hold
   these signals back either. */
static void stack_lift(struct tocsin__loop *loop, enum tocsin_how how, const char *pattern,
                       struct tocsin__heap *due)
{
    for (uint32_t signo = 1;
         loop->running && how != TOCSIN_BLOCK && signo < loop->loop_signals_count; signo++) {
        struct tocsin__loop_signal *loop_signal = loop->loop_signals[signo];
        bool held = loop_signal && tocsin__loop_signal_is_held(loop_signal);

        if (!loop_signal || !(loop_signal->masks.masked || loop_signal->state & TOCSIN__RUNNING) ||
            tocsin__pattern_list_match(pattern, loop_signal->name) != (how == TOCSIN_UNBLOCK))
            continue;
        loop_signal->masks.masked = 0;
        loop_signal->delivery.unblocked = loop_signal->state & TOCSIN__RUNNING;
        loop_signal->state |=
            loop_signal->delivery.unblocked
                ? TOCSIN__UNTIDY
                : 0; /* the handler's own signal stays unblocked until its delivery has ended */
        tocsin__loop_signal_state(loop_signal);
        tocsin__loop_signal_update_interest(loop_signal);
        if (held)
            tocsin__due_take(due, loop_signal);
    }
}

static bool stack_holds(const struct tocsin__loop *loop)
{
    for (uint32_t signo = 1; loop->running && signo < loop->loop_signals_count; signo++) {
        const struct tocsin__loop_signal *loop_signal = loop->loop_signals[signo];

        if (loop_signal && (loop_signal->masks.masked ||
                            (loop_signal->state & TOCSIN__RUNNING &&
                             !loop_signal->delivery.unblocked && !loop_signal->delivery.nodefer)))
            return true;
    }
    return false;
}

/* Returns the old text of the set, or NULL if there is no memory. The item "@handlers" is added if
   handlers on the stack hold signals back. */
static char *old_text(const struct tocsin__loop *loop)
{
    const char *set = loop->masks.set ? loop->masks.set->subscription.text : "";
    char *text = tocsin__alloc(strlen(set) + sizeof TOCSIN__ON_STACK + 2);

    if (text && stack_holds(loop))
        sprintf(text, "%s%s%s", set, *set ? ", " : "", TOCSIN__ON_STACK);
    else if (text)
        strcpy(text, set);
    return text;
}

/* Returns a copy of the pattern without the item "@handlers" at its end, or NULL if there is no
   memory. *ret_had is true if the pattern had this item. */
static char *without_stack(const char *pattern, bool *ret_had)
{
    char *text = tocsin__copy_text(pattern);
    size_t size = text ? strlen(text) : 0, word = sizeof TOCSIN__ON_STACK - 1;

    *ret_had = size >= word && strcmp(text + size - word, TOCSIN__ON_STACK) == 0 &&
               (size == word || strchr(", ", text[size - word - 1]));
    if (*ret_had)
        for (size -= word, text[size] = '\0'; size && strchr(", ", text[size - 1]);)
            text[--size] = '\0';
    return text;
}

static int set_and_lift(struct tocsin__loop *loop, enum tocsin_how how, const char *pattern,
                        struct tocsin__heap *due)
{
    /* true if nothing changes: the empty set is blocked or unblocked */
    bool stays = false, none = !*pattern && how != TOCSIN_SETMASK;
    char *text = how == TOCSIN_SETMASK ? without_stack(pattern, &stays)
                                       : tocsin__copy_text(pattern);
    int err = !text ? -ENOMEM : *text ? tocsin__operand_check(text, how == TOCSIN_SETMASK) : 0;

    if (err == 0 && !none)
        err = set_change(loop, &loop->masks.set, how, text, due);
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
        return tocsin__traced(err);
    }
    length = snprintf(size ? ret_old : none, size ? size : 1, "%s",
                      old); /* freed at the end, because `pattern` may point into this text */
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
    return err < 0 ? err : set_change(*ret_loop, &(*ret_loop)->masks.ignored, how, pattern, NULL);
}

int tocsin_ignore(const char *pattern)
{
    struct tocsin__loop *loop;
    int err = ignore(TOCSIN_BLOCK, pattern, &loop);

    if (err < 0)
        return tocsin__traced(err);
    /* so that the loop is not freed: the unref of an object may call any function of the library */
    tocsin__loop_enter(loop);
    for (uint32_t signo = 1; signo < loop->loop_signals_count; signo++) {
        struct tocsin__loop_signal *loop_signal = loop->loop_signals[signo];

        if (loop_signal && loop_signal->queued.first &&
            tocsin__pattern_list_match(pattern, loop_signal->name))
            tocsin__pending_drop(loop_signal);
    }
    tocsin__kick_pollers(loop);
    tocsin__loop_leave(loop);
    return 0;
}

int tocsin_unignore(const char *pattern)
{
    struct tocsin__loop *loop;
    int err = ignore(TOCSIN_UNBLOCK, pattern, &loop);

    if (err == 0)
        tocsin__kick_pollers(loop);
    return tocsin__traced(err);
}

void tocsin__set_end(struct tocsin__loop *loop, struct tocsin__mask_rule **set,
                     struct tocsin__heap *due)
{
    struct tocsin__mask_rule *old = *set;

    *set = NULL;
    if (old)
        tocsin__mask_rule_end(loop, old, due);
}

/* tocsin_suspend saves the program's set and does not free it. So restoring the set cannot fail. */

int tocsin__set_swap(struct tocsin__loop *loop, const char *pattern)
{
    struct tocsin__heap due = { NULL };
    struct tocsin__mask_rule *fresh = NULL;
    int err = *pattern ? tocsin__operand_check(pattern, true) : 0;

    if (err == 0 && loop->masks.suspended)
        err = -EBUSY;
    if (err == 0 && *pattern)
        err = tocsin__mask_rule_new(loop, &tocsin__block_subscription_ops, pattern, &fresh);
    if (err < 0)
        return err;
    loop->masks.suspended = true;
    loop->masks.saved_set = loop->masks.set;
    loop->masks.set = fresh;
    tocsin__mask_rule_activate(loop->masks.saved_set, 0, &due);
    tocsin__lifted(loop, &due);
    return 0;
}

void tocsin__set_back(struct tocsin__loop *loop)
{
    struct tocsin__heap due = { NULL };

    tocsin__mask_rule_activate(loop->masks.saved_set, 1, &due);
    tocsin__set_end(loop, &loop->masks.set, &due);
    loop->masks.set = loop->masks.saved_set;
    loop->masks.saved_set = NULL;
    loop->masks.suspended = false;
    tocsin__lifted(loop, &due);
}
