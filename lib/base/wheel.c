#include "base/assert.h"
#include "base/wheel.h"

enum { TIME_BITS = 63 - TOCSIN__WHEEL_TICK_BITS };
_Static_assert((TOCSIN__WHEEL_LEVELS - 1) * TOCSIN__WHEEL_DIGIT_BITS < TIME_BITS &&
                   TOCSIN__WHEEL_LEVELS * TOCSIN__WHEEL_DIGIT_BITS >= TIME_BITS,
               "each time has a level, and each level has times");

/* The position of a slot: its level, and its index in the level. */
struct place {
    unsigned level, digit;
};

static int64_t tick_of(int64_t us)
{
    return us >> TOCSIN__WHEEL_TICK_BITS;
}

/* Returns the position of the slot for a tick. The cursor has not reached this tick. */
static struct place place_of(const struct tocsin__wheel *wheel, int64_t tick)
{
    unsigned highest = 63 - (unsigned)__builtin_clzll((uint64_t)(tick ^ wheel->cursor));
    unsigned level = highest / TOCSIN__WHEEL_DIGIT_BITS;

    return (struct place){ level, (uint64_t)tick >> level * TOCSIN__WHEEL_DIGIT_BITS &
                                      (TOCSIN__WHEEL_SLOTS - 1) };
}

/* Returns true if the bit of the slot is set exactly when its list has a node, and if the first
   node links back to the list. */
static bool slot_is_sound(const struct tocsin__wheel *wheel, struct place place)
{
    const struct tocsin__wheel_level *level = &wheel->levels[place.level];
    const struct tocsin__wheel_slot *slot = &level->slots[place.digit];
    bool filled = level->filled >> place.digit & 1;

    return filled == (slot->first != 0) && (!filled || slot->first->link == &slot->first) &&
           (wheel->filled >> place.level & 1) == (level->filled != 0) &&
           (filled || !(level->stale >> place.digit & 1));
}

static void slot_put(struct tocsin__wheel *wheel, struct place place,
                     struct tocsin__heap_node *node)
{
    struct tocsin__wheel_level *level = &wheel->levels[place.level];
    struct tocsin__wheel_slot *slot = &level->slots[place.digit];

    if (!slot->first) {
        level->filled |= 1ull << place.digit;
        wheel->filled |= 1u << place.level;
        slot->least = node->major;
    } else {
        slot->first->link = &node->sibling;
        if (node->major <= slot->least) {
            slot->least = node->major;
            level->stale &= ~(1ull << place.digit);
        }
    }
    node->child = 0;
    node->sibling = slot->first;
    node->link = &slot->first;
    slot->first = node;
    tocsin__assert(slot_is_sound(wheel, place));
}

/* Clears the bits of slots that have become empty. */
static void level_clear(struct tocsin__wheel *wheel, unsigned which, uint64_t slots)
{
    struct tocsin__wheel_level *level = &wheel->levels[which];

    level->filled &= ~slots;
    level->stale &= ~slots;
    if (!level->filled)
        wheel->filled &= ~(1u << which);
}

static void wheel_insert(struct tocsin__wheel *wheel, struct tocsin__heap_node *node)
{
    int64_t tick = tick_of(node->major);

    if (tick <= wheel->cursor)
        tocsin__heap_put(&wheel->due, node);
    else
        slot_put(wheel, place_of(wheel, tick), node);
}

void tocsin__wheel_put(struct tocsin__wheel *wheel, struct tocsin__heap_node *node, int64_t due_us)
{
    tocsin__assert(!node->link);
    node->major = due_us;
    node->minor = wheel->order++;
    wheel_insert(wheel, node);
}

static void slot_remove(struct tocsin__wheel *wheel, struct place place,
                        struct tocsin__heap_node *node)
{
    struct tocsin__wheel_level *level = &wheel->levels[place.level];
    struct tocsin__wheel_slot *slot = &level->slots[place.digit];

    tocsin__assert(*node->link == node && slot_is_sound(wheel, place));
    *node->link = node->sibling;
    if (node->sibling)
        node->sibling->link = node->link;
    node->sibling = 0;
    node->link = 0;
    if (!slot->first)
        level_clear(wheel, place.level, 1ull << place.digit);
    else if (node->major == slot->least)
        level->stale |= 1ull << place.digit;
    tocsin__assert(slot_is_sound(wheel, place));
}

void tocsin__wheel_remove(struct tocsin__wheel *wheel, struct tocsin__heap_node *node)
{
    int64_t tick = tick_of(node->major);

    if (tick <= wheel->cursor)
        tocsin__heap_remove(node);
    else
        slot_remove(wheel, place_of(wheel, tick), node);
}

/* Empties these slots, and inserts their nodes again. The new position of the cursor determines
 * their new slots. */
static void level_distribute(struct tocsin__wheel *wheel, unsigned which, uint64_t slots)
{
    struct tocsin__wheel_level *level = &wheel->levels[which];

    slots &= level->filled;
    level_clear(wheel, which, slots);
    for (; slots; slots &= slots - 1) {
        struct tocsin__wheel_slot *slot = &level->slots[__builtin_ctzll(slots)];
        struct tocsin__heap_node *node = slot->first, *next;

        for (slot->first = 0; node; node = next) {
            next = node->sibling;
            node->link = 0;
            wheel_insert(wheel, node);
        }
    }
}

void tocsin__wheel_advance(struct tocsin__wheel *wheel, int64_t now_us)
{
    int64_t tick = tick_of(now_us);
    struct place place;
    uint32_t passed;

    tocsin__assert(tick >= 0);
    if (tick <= wheel->cursor) {
        if (tocsin__wheel_is_empty(wheel))
            wheel->cursor = tick;
        return;
    }
    place = place_of(wheel, tick);
    wheel->cursor = tick;
    passed = wheel->filled & ((1u << place.level) - 1);
    for (; passed; passed &= passed - 1)
        level_distribute(wheel, (unsigned)__builtin_ctz(passed), UINT64_MAX);
    if (wheel->filled >> place.level & 1)
        level_distribute(wheel, place.level, (2ull << place.digit) - 1);
}

/* Computes the exact time of a slot that has few nodes. If a slot has many nodes, a wakeup that is
 * too early costs less than this. */
static void slot_refresh(struct tocsin__wheel_slot *slot)
{
    enum { NODES_MOST = 64 };
    int64_t least = INT64_MAX;
    int count = 0;

    for (const struct tocsin__heap_node *node = slot->first; node; node = node->sibling) {
        if (count++ == NODES_MOST)
            return;
        if (node->major < least)
            least = node->major;
    }
    slot->least = least;
}

int64_t tocsin__wheel_next(struct tocsin__wheel *wheel)
{
    struct tocsin__wheel_level *level;
    unsigned digit;

    if (wheel->due.first)
        return wheel->due.first->major;
    if (!wheel->filled)
        return INT64_MAX;
    level = &wheel->levels[__builtin_ctz(wheel->filled)];
    digit = (unsigned)__builtin_ctzll(level->filled);
    if (level->stale >> digit & 1) {
        level->stale &= ~(1ull << digit);
        slot_refresh(&level->slots[digit]);
    }
    return level->slots[digit].least;
}

struct tocsin__heap_node *tocsin__wheel_take(struct tocsin__wheel *wheel, int64_t now_us,
                                             uint64_t order)
{
    struct tocsin__heap_node *first = wheel->due.first;

    if (!first || first->major > now_us || first->minor >= order)
        return 0;
    tocsin__heap_remove(first);
    return first;
}

void tocsin__wheel_clear(struct tocsin__wheel *wheel)
{
    int64_t cursor = wheel->cursor;

    /* the cursor passes all ticks, so all nodes go into the heap */
    wheel->cursor = INT64_MAX;
    while (wheel->filled)
        level_distribute(wheel, (unsigned)__builtin_ctz(wheel->filled), UINT64_MAX);
    while (wheel->due.first)
        tocsin__heap_remove(wheel->due.first);
    wheel->cursor = cursor;
}
