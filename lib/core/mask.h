/* E10: what holds signals back, or has them ignored: blocks with a token, the loop's set, the masks of handlers, ignores. */
#ifndef TOCSIN_CORE_MASK_H
#define TOCSIN_CORE_MASK_H

#include <tocsin/mask.h>

#include "core/match.h"

struct tocsin__hold {
    struct tocsin__match match;                        /* the first member */
    uint64_t id;                                       /* of a block; 0: it has no token */
    uint32_t active;                                   /* so many times it counts; the mask of a handler: calls on the stack */
    const char *where;
    struct tocsin__owner *owner;                       /* of a block */
};

extern const struct tocsin__match_kind tocsin__block_kind, tocsin__ignore_kind;

int  tocsin__hold_new(struct tocsin__loop *loop, const struct tocsin__match_kind *kind, const char *pattern, struct tocsin__hold **ret_hold);
void tocsin__hold_end(struct tocsin__loop *loop, struct tocsin__hold *hold, struct tocsin__heap *due);     /* what it alone has held back is due; due may be NULL */
void tocsin__hold_activate(struct tocsin__hold *set, uint32_t active, struct tocsin__heap *due);           /* or not; set may be NULL */
void tocsin__slot_state(struct tocsin__slot *slot);              /* blocked and ignored, by the counts */
void tocsin__lifted(struct tocsin__loop *loop, struct tocsin__heap *due);        /* delivers what is due; what paused may be wanted again */
void tocsin__set_end(struct tocsin__loop *loop, struct tocsin__hold **set, struct tocsin__heap *due);

/* Plain names that a public call was given must have been declared, and not as questions: -ENOENT, -EINVAL. */
int  tocsin__operand_check(const char *pattern, bool out_allowed);
int  tocsin__loop_to_change(struct tocsin__loop **ret_loop);     /* the thread's, made if need be; -ESHUTDOWN: it is being freed */

/* The mask of a handler: made with it, active while it runs. */
int  tocsin__mask_new(struct tocsin__loop *loop, const char *pattern, struct tocsin__hold **ret_mask);
void tocsin__mask_enter(struct tocsin__hold *mask);
void tocsin__mask_leave(struct tocsin__hold *mask, struct tocsin__slot *by);     /* what it has held back waits for the end of by's delivery */

void tocsin__hold_free(struct tocsin__loop *loop, struct tocsin__hold *hold);    /* NULL is allowed */

/* tocsin_suspend's: another set for a while. */
int  tocsin__set_swap(struct tocsin__loop *loop, const char *pattern);           /* -EBUSY: there is another one already */
void tocsin__set_back(struct tocsin__loop *loop);

/* The end. lift: blocks go, and what they held back is delivered; clear: whatever there is goes, and nothing is delivered. */
void tocsin__holds_lift(struct tocsin__loop *loop);
void tocsin__holds_clear(struct tocsin__loop *loop);

#endif
