/* A hierarchical timing wheel. It contains nodes, each of which is due at a certain time. It keeps
 * the exact times, and allocates no memory. It has no clock: the caller moves its cursor.
 *
 * A tick is 1024 us. The cursor is a tick, written in digits of 6 bits, and each digit has a level
 * with 64 slots. A node whose tick the cursor has not reached lies in the level of the highest
 * digit in which its tick differs from the cursor, in the slot of its own digit:
 *
 *     cursor          ... 0  2  7   (three digits of nine)
 *                         |  |  |
 *     level 0, 1 tick     |  |  slot 9: tick 0 2 9
 *     level 1, 64 ticks   |  slot 5: ticks 0 5 0 to 0 5 63
 *     level 2, 4096 ticks slot 1: ticks 1 0 0 to 1 63 63
 *     due                 a heap of the nodes up to tick 0 2 7, ordered by (due, order)
 *
 * So the nodes of a level are due before all nodes of higher levels, and the first filled slot of
 * the lowest filled level contains the node that is due first. When the cursor moves, the nodes of
 * the slots that it passes move into the heap. The nodes of the slot that it enters move to lower
 * levels. All other nodes stay where they are. A slot is an unordered list, linked through
 * `sibling`.
 *
 * Adding and removing a node costs O(1) in the slots, and O(log n) in the heap. Moving the cursor
 * by one tick costs as much as moving it by a thousand years: only the slots that are emptied are
 * read. */
#ifndef TOCSIN_BASE_WHEEL_H
#define TOCSIN_BASE_WHEEL_H

#include "base/heap.h"

enum {
    TOCSIN__WHEEL_TICK_BITS = 10,
    TOCSIN__WHEEL_DIGIT_BITS = 6,
    TOCSIN__WHEEL_SLOTS = 1 << TOCSIN__WHEEL_DIGIT_BITS,
    TOCSIN__WHEEL_LEVELS = 9 /* enough levels for every time that an int64_t can hold */
};

struct tocsin__wheel_slot {
    struct tocsin__heap_node *first;
    int64_t least; /* lower bound of the due times of the nodes in this slot */
};

struct tocsin__wheel_level {
    uint64_t filled; /* bit n is set: slots[n] has nodes */
    uint64_t stale;  /* bit n is set: slots[n].least may be too early, since the node that was due
                      * then has been removed */
    struct tocsin__wheel_slot slots[TOCSIN__WHEEL_SLOTS];
};

struct tocsin__wheel {
    struct tocsin__heap due; /* heap of the nodes whose tick the cursor has reached */
    int64_t cursor;
    uint64_t order;  /* value of `minor` for the next node that is added */
    uint32_t filled; /* bit n is set: levels[n] has nodes */
    struct tocsin__wheel_level levels[TOCSIN__WHEEL_LEVELS];
};

/* Adds a node, which must be in no wheel. Its key `major` becomes due_us. Its key `minor` becomes a
 * number that is larger than those of all nodes added before. */
void tocsin__wheel_put(struct tocsin__wheel *wheel, struct tocsin__heap_node *node, int64_t due_us);
/* Removes a node, which must be in this wheel. */
void tocsin__wheel_remove(struct tocsin__wheel *wheel, struct tocsin__heap_node *node);

/* Moves the cursor forward to this time. Only the cursor of an empty wheel can move back. */
void tocsin__wheel_advance(struct tocsin__wheel *wheel, int64_t now_us);

/* Returns the time at which the first node is due, or INT64_MAX if the wheel is empty. If the first
 * node was removed, the result may be too early, but never before the tick of the cursor. Then the
 * caller advances to this time and calls the function again, which returns a later time. */
int64_t tocsin__wheel_next(struct tocsin__wheel *wheel);

/* Removes and returns the first node whose tick the cursor has reached, if it is due at now_us and
 * was added before `order`. Returns NULL if there is no such node. */
struct tocsin__heap_node *tocsin__wheel_take(struct tocsin__wheel *wheel, int64_t now_us,
                                             uint64_t order);

/* Removes all nodes. */
void tocsin__wheel_clear(struct tocsin__wheel *wheel);

static inline bool tocsin__wheel_is_empty(const struct tocsin__wheel *wheel)
{
    return !wheel->filled && !wheel->due.first;
}

#endif
