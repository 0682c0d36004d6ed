/* Tests the timing wheel, which keeps the timers of a loop. The tests compare the wheel with an
   array that is searched from end to end.

   Random tests put, move and remove nodes, and take nodes that are due. The times lie between
   microseconds and the largest possible time, and many nodes have the same time. The clock moves by
   ticks, to the next node, by thousands of years, and back.

   Other tests check each digit of the cursor's time that changes, the time of the next node after
   the first node was removed, and a wheel that is cleared. */
#include <string.h>

#include "base/mem.h"
#include "base/wheel.h"
#include "test.h"

enum { NODES_MOST = 2000 };

struct modelled {
    struct tocsin__heap_node node;
    bool present;
    int64_t due;
    uint64_t order;
};

static struct tocsin__wheel wheel;
static struct modelled nodes[NODES_MOST];
static int used; /* the nodes that the running test uses */
static int64_t now;
static uint64_t order, seed;
static long taken;

/* Returns a pseudo-random number. Each run of the test gets the same sequence of numbers. */
static uint64_t any(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 11) % below;
}

static void begin_at(int64_t time, int count)
{
    memset(&wheel, 0, sizeof wheel);
    memset(nodes, 0, sizeof nodes);
    used = count;
    now = time;
    order = 0;
    taken = 0;
    seed = 1;
    tocsin__wheel_advance(&wheel, now);
}

static void put(struct modelled *one, int64_t due)
{
    if (one->present)
        tocsin__wheel_remove(&wheel, &one->node);
    tocsin__wheel_put(&wheel, &one->node, due);
    one->present = true;
    one->due = due;
    one->order = order++;
}

static void take_out(struct modelled *one)
{
    if (one->present)
        tocsin__wheel_remove(&wheel, &one->node);
    one->present = false;
}

static struct modelled *first_of(void)
{
    struct modelled *first = NULL;

    for (struct modelled *one = nodes; one < nodes + used; one++)
        if (one->present && (!first || one->due < first->due ||
                             (one->due == first->due && one->order < first->order)))
            first = one;
    return first;
}

/* Moves the clock, and takes all nodes that are due at the new time. */
static void advance(int64_t time)
{
    struct tocsin__heap_node *node;
    const struct modelled *first;

    now = time;
    tocsin__wheel_advance(&wheel, now);
    while ((node = tocsin__wheel_take(&wheel, now, wheel.order))) {
        struct modelled *one = tocsin__container(node, struct modelled, node);

        ck_assert_ptr_eq(one, first_of());
        ck_assert_int_le(one->due, now);
        ck_assert(!tocsin__heap_has(node));
        one->present = false;
        taken++;
    }
    first = first_of();
    ck_assert(!first || first->due > now);
}

/* Functions that check all lists of the wheel */

static int heap_count(const struct tocsin__heap_node *node)
{
    int count = 0;

    for (; node; node = node->sibling) {
        ck_assert_ptr_eq(*node->link, node);
        ck_assert_int_le(node->major >> TOCSIN__WHEEL_TICK_BITS, wheel.cursor);
        count += 1 + heap_count(node->child);
    }
    return count;
}

static int slot_count(int level, int digit)
{
    const struct tocsin__wheel_slot *slot = &wheel.levels[level].slots[digit];
    int shift = level * TOCSIN__WHEEL_DIGIT_BITS, count = 0;
    int64_t least = INT64_MAX;

    for (const struct tocsin__heap_node *node = slot->first; node; node = node->sibling) {
        int64_t tick = node->major >> TOCSIN__WHEEL_TICK_BITS;

        ck_assert_ptr_eq(*node->link, node);
        ck_assert_int_eq(tick >> shift & (TOCSIN__WHEEL_SLOTS - 1), digit);
        ck_assert_int_eq((tick >> shift ^ wheel.cursor >> shift) >> TOCSIN__WHEEL_DIGIT_BITS, 0);
        ck_assert_int_gt(tick >> shift, wheel.cursor >> shift);
        least = node->major < least ? node->major : least;
        count++;
    }
    ck_assert_int_eq(wheel.levels[level].filled >> digit & 1, count > 0);
    ck_assert(!count || slot->least <= least);
    return count;
}

/* Checks that each node is in exactly one list, and in the right one, and that the bitmaps show
   which lists have nodes. */
static void check_lists(void)
{
    int count = heap_count(wheel.due.first), expected = 0;

    for (int level = 0; level < TOCSIN__WHEEL_LEVELS; level++) {
        ck_assert_int_eq(wheel.filled >> level & 1, wheel.levels[level].filled != 0);
        for (int digit = 0; digit < TOCSIN__WHEEL_SLOTS; digit++)
            count += slot_count(level, digit);
    }
    for (int i = 0; i < used; i++) {
        ck_assert_int_eq(nodes[i].present, tocsin__heap_has(&nodes[i].node));
        expected += nodes[i].present;
    }
    ck_assert_int_eq(count, expected);
    ck_assert_int_eq(tocsin__wheel_is_empty(&wheel), expected == 0);
}

/* Checks the time of the next node. If `exact` is true, the time must be exact; otherwise it may be
   too early. */
static void check_next(bool exact)
{
    const struct modelled *first = first_of();
    int64_t next = tocsin__wheel_next(&wheel);

    ck_assert_int_le(next, first ? first->due : INT64_MAX);
    if (exact || !first)
        ck_assert_int_eq(next, first ? first->due : INT64_MAX);
    if (first && next != first->due)
        ck_assert_int_gt(next >> TOCSIN__WHEEL_TICK_BITS, wheel.cursor);
}

/* Tests with random operations */

static const struct scale {
    int64_t delays; /* the delays of nodes are below this number of microseconds */
    /* the number of different delays; if it is small, many nodes have the same time */
    uint64_t choices;
    int64_t steps; /* one step of the clock is smaller than this number of microseconds */
} scales[] = {
    { 50, 50, 10 },
    { 5000, 1000, 2000 },
    { 1000000, 100, 50000 },
    { 3600000000, 1u << 20, 100000000 },
    { 1000000000000000, 1u << 20, 50000000000000 }, /* 10^12 ms */
    { INT64_MAX / 2, 1u << 20, 1000000000000000 },
};
enum { SCALES = sizeof scales / sizeof *scales };

/* Chooses a random time of this scale, or of a smaller scale. */
static int64_t draw_due(const struct scale *scale)
{
    scale = any(2) ? scale : &scales[any((uint64_t)(scale - scales) + 1)];
    return now + (int64_t)any(scale->choices) * (scale->delays / (int64_t)scale->choices);
}

static void move_clock(const struct scale *scale)
{
    uint64_t what = any(20);
    int64_t next = tocsin__wheel_next(&wheel);

    if (what < 6 && next != INT64_MAX)
        advance(next);
    else if (what < 8 && next != INT64_MAX && next > now)
        advance(next - 1);
    else if (what == 8)
        advance(now - (int64_t)any((uint64_t)now / 1000)); /* the clock of a test may go back */
    else if (now < INT64_MAX / 4)
        advance(now + (int64_t)any((uint64_t)scale->steps));
}

static void run_scale(const struct scale *scale, int count)
{
    long steps = test_scaled(count < 100 ? 100000 : 20000, 5, 100);

    begin_at(1000000000, count);
    for (long step = 0; step < steps; step++) {
        struct modelled *one = &nodes[any((uint64_t)used)];
        uint64_t what = any(100);

        if (what < 60)
            put(one, draw_due(scale));
        else if (what < 85)
            take_out(one);
        else
            move_clock(scale);
        check_next(count <= 64);
        if (step % 512 == 0)
            check_lists();
    }
    ck_assert_int_gt(taken, steps / 200);
    advance(INT64_MAX);
    ck_assert_ptr_null(first_of());
    check_lists();
}

START_TEST(fuzz_few_nodes)
{
    run_scale(&scales[_i], 60);
}
END_TEST

START_TEST(fuzz_many_nodes)
{
    run_scale(&scales[_i], 300);
}
END_TEST

/* Tests of chosen operations, one case in each test */

/* The cursor stands at a time whose base-64 digits are all 63. Nodes are put just before, at and
   just after each power of two that follows. So each step of the cursor changes all lower
   digits. */
START_TEST(each_digit_of_the_cursor)
{
    for (int bits = 0; bits < 51; bits++) {
        int64_t tick = (int64_t)1 << (bits + TOCSIN__WHEEL_TICK_BITS), start = tick - 1;

        begin_at(start, 5);
        put(&nodes[0], tick + 1024);
        put(&nodes[1], tick);
        put(&nodes[2], start);
        put(&nodes[3], tick * 2);
        put(&nodes[4], tick * 2 - 1);
        check_lists();
        check_next(true);
        for (int i = 0; i < 5; i++)
            advance(tocsin__wheel_next(&wheel));
        ck_assert_int_eq(taken, 5);
        check_lists();
    }
}
END_TEST

START_TEST(nodes_put_while_others_are_taken)
{
    uint64_t before;

    begin_at(1000000, 3);
    put(&nodes[0], now);
    put(&nodes[1], now + 5000);
    before = wheel.order;
    put(&nodes[2], now + 4000);
    now += 6000;
    tocsin__wheel_advance(&wheel, now);
    ck_assert_ptr_eq(tocsin__wheel_take(&wheel, now, before), &nodes[0].node);
    ck_assert_ptr_null(tocsin__wheel_take(&wheel, now, before));
    nodes[0].present = false;
    advance(now);
    ck_assert_int_eq(taken, 2);
}
END_TEST

/* One list of the wheel has thousands of nodes, and the first node is removed again and again. The
   reported time of the next node may then be too early. But each advance to this time must move the
   nodes at least one level down. */
START_TEST(next_after_the_first_was_removed)
{
    begin_at(0, NODES_MOST);
    for (int i = 0; i < used; i++)
        put(&nodes[i], ((int64_t)1 << 40) + (int64_t)i * 100000);
    for (int i = 0; i + 1 < used; i++) {
        int looks = 0;

        take_out(&nodes[i]);
        check_next(false);
        if (i % 100)
            continue;
        while (tocsin__wheel_next(&wheel) != nodes[i + 1].due) {
            advance(tocsin__wheel_next(&wheel));
            ck_assert_int_le(++looks, TOCSIN__WHEEL_LEVELS);
        }
    }
    ck_assert_int_eq(taken, 0);
    check_lists();
}
END_TEST

START_TEST(a_cleared_wheel_is_empty)
{
    begin_at(1000000, 100);
    for (int i = 0; i < used; i++)
        put(&nodes[i], now - 10 + ((int64_t)1 << i % 50));
    tocsin__wheel_clear(&wheel);
    for (int i = 0; i < used; i++) {
        ck_assert(!tocsin__heap_has(&nodes[i].node));
        nodes[i].present = false;
    }
    check_lists();
    put(&nodes[0], now + 1000000);
    ck_assert_uint_ne(wheel.filled, 0);
    advance(now + 1000000);
    ck_assert_int_eq(taken, 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/wheel");
    TCase *tests = test_case(suite, "wheel");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, fuzz_few_nodes, 0, SCALES);
    tcase_add_loop_test(tests, fuzz_many_nodes, 0, SCALES);
    tcase_add_test(tests, each_digit_of_the_cursor);
    tcase_add_test(tests, nodes_put_while_others_are_taken);
    tcase_add_test(tests, next_after_the_first_was_removed);
    tcase_add_test(tests, a_cleared_wheel_is_empty);
    return suite;
}
