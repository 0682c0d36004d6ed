/* Lists of handlers: sorted by priority, then age; the dead removed when they are many; an old list kept for who walks over it. */
#include <stdlib.h>

#include "core/handler.h"
#include "test.h"

enum { COUNT = 2000 };

static struct tocsin__loop loop;
static struct tocsin__list *list;
static struct tocsin__slot slot;
static struct tocsin__handler *handlers;

static void begin(void)
{
    loop = (struct tocsin__loop){ .number = 1 };
    slot = (struct tocsin__slot){ .state = TOCSIN__RUNNING };
    list = &tocsin__list_empty;
    handlers = calloc(COUNT, sizeof *handlers);
    ck_assert_ptr_nonnull(handlers);
}

static void end(void)
{
    struct tocsin__list *next;

    loop.dead = NULL;                                  /* they are the test's */
    if (list != &tocsin__list_empty)
        tocsin__release(list);
    for (; loop.old_lists; loop.old_lists = next) {
        next = loop.old_lists->next;
        tocsin__release(loop.old_lists);
    }
    free(handlers);
}

static struct tocsin__handler *add(int i, uint64_t rank, unsigned flags, bool running)
{
    handlers[i].id = (uint64_t)i + 1;
    handlers[i].flags = flags;
    handlers[i].key = rank << 47 | loop.age++;
    ck_assert_int_eq(tocsin__list_add(&loop, &list, &handlers[i], running ? &slot : NULL), 0);
    return &handlers[i];
}

static int by_key(const void *a, const void *b)
{
    const struct tocsin__handler *one = *(struct tocsin__handler *const *)a, *other = *(struct tocsin__handler *const *)b;

    return one->key < other->key ? -1 : one->key > other->key;
}

static void kill_one(int i)
{
    handlers[i].id = 0;
    list->dead++;
    tocsin__list_handling(list, &handlers[i], -1u);
}

START_TEST(the_order_is_that_of_qsort)
{
    struct tocsin__handler *sorted[COUNT];

    srand(1);
    for (int i = 0; i < COUNT; i++) {
        sorted[i] = add(i, (uint64_t)(rand() % 7) * 10922, 0, false);
        ck_assert_ptr_null(list->items[list->count]);
    }
    qsort(sorted, COUNT, sizeof *sorted, by_key);
    ck_assert_uint_eq(list->count, COUNT);
    for (int i = 0; i < COUNT; i++)
        ck_assert_ptr_eq(list->items[i], sorted[i]);
    ck_assert_ptr_null(loop.old_lists);
}
END_TEST

START_TEST(the_outcome_is_that_of_those_who_handle)
{
    ck_assert_int_eq(list->outcome, TOCSIN_NOBODY);
    add(0, 1, TOCSIN__OBSERVER, false);
    ck_assert_int_eq(list->outcome, TOCSIN_NOBODY);
    add(1, 1, 0, false);
    ck_assert_int_eq(list->outcome, TOCSIN_DELIVERED);
    kill_one(0);
    ck_assert_int_eq(list->outcome, TOCSIN_DELIVERED);
    kill_one(1);
    ck_assert_int_eq(list->outcome, TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin__list_empty.outcome, TOCSIN_NOBODY);
}
END_TEST

/*     running      [a b c]            who walks goes on with this one
       a new list   [a d b c]          and this one is the list                */
START_TEST(a_list_that_is_walked_over_is_replaced)
{
    struct tocsin__list *walked;

    add(0, 5, 0, false), add(1, 7, 0, false), add(2, 9, 0, false);
    walked = list;
    add(3, 6, 0, true);
    ck_assert_ptr_ne(list, walked);
    ck_assert_ptr_eq(loop.old_lists, walked);
    ck_assert_uint_eq(loop.unrest, 1);
    ck_assert_uint_eq(walked->count, 3);
    ck_assert_ptr_eq(walked->items[1], &handlers[1]);
    ck_assert_ptr_null(walked->items[3]);
    ck_assert_uint_eq(list->count, 4);
    ck_assert_ptr_eq(list->items[1], &handlers[3]);
    ck_assert_uint_eq(handlers[0].places, 1);          /* the old one does not count */
}
END_TEST

/* Nobody walks over a list that was made while the signal is running, until an emission nests. */
START_TEST(but_only_once)
{
    struct tocsin__list *walked;

    add(0, 1, 0, false);
    walked = list;
    for (int i = 1; i < 1000; i++)
        add(i, (uint64_t)(1000 - i), 0, true);
    ck_assert_ptr_eq(loop.old_lists, walked);
    ck_assert_ptr_null(walked->next);
    ck_assert_uint_eq(list->count, 1000);
    ck_assert_uint_ne(slot.state & TOCSIN__UNTIDY, 0);
    slot.fresh = NULL;                                 /* as one that nests does */
    walked = list;
    add(1000, 1, 0, true);
    ck_assert_ptr_eq(loop.old_lists, walked);
    ck_assert_uint_eq(walked->count, 1000);
    ck_assert_uint_eq(list->count, 1001);
}
END_TEST

START_TEST(the_dead_are_removed_when_they_are_more_than_half)
{
    for (int i = 0; i < 10; i++)
        add(i, 1, 0, false);
    for (int i = 0; i < 5; i++)
        kill_one(2 * i);
    add(10, 1, 0, false);
    ck_assert_uint_eq(list->count, 11);                /* five of ten are not more than half */
    kill_one(1);
    add(11, 0, 0, false);
    ck_assert_uint_eq(list->count, 6);
    ck_assert_uint_eq(list->dead, 0);
    ck_assert_uint_eq(list->handling, 6);
    for (uint32_t i = 0; i < list->count; i++)
        ck_assert_uint_ne(list->items[i]->id, 0);
    ck_assert_ptr_null(list->items[6]);
    ck_assert_uint_eq(handlers[0].places, 0);
    ck_assert_uint_eq(handlers[3].places, 1);
    ck_assert_ptr_null(loop.dead);                     /* drop has yet to be called: who does that frees them */
}
END_TEST

START_TEST(who_was_dropped_and_left_the_last_list_is_buried)
{
    struct tocsin__list *second = &tocsin__list_empty;

    add(0, 1, 0, false);
    ck_assert_int_eq(tocsin__list_add(&loop, &second, &handlers[0], NULL), 0);
    ck_assert_uint_eq(handlers[0].places, 2);
    kill_one(0);
    second->dead++;
    handlers[0].flags |= TOCSIN__DROPPED;
    tocsin__list_compact(&loop, list);
    ck_assert_ptr_null(loop.dead);
    tocsin__list_compact(&loop, second);
    ck_assert_ptr_eq(loop.dead, &handlers[0]);
    tocsin__release(second);
}
END_TEST

START_TEST(without_memory_it_is_as_it_was)
{
    struct tocsin__list *was;

    add(0, 1, 0, false);
    was = list;
    handlers[1].key = 0;
    tocsin__fault_at(1);
    ck_assert_int_eq(tocsin__list_add(&loop, &list, &handlers[1], &slot), -ENOMEM);
    tocsin__fault_at(0);
    ck_assert_ptr_eq(list, was);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_uint_eq(handlers[1].places, 0);
    ck_assert_ptr_null(loop.old_lists);
    ck_assert_uint_eq(tocsin__list_empty.count, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("core/lists");
    TCase *tests = test_case(suite, "lists");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_order_is_that_of_qsort);
    tcase_add_test(tests, the_outcome_is_that_of_those_who_handle);
    tcase_add_test(tests, a_list_that_is_walked_over_is_replaced);
    tcase_add_test(tests, but_only_once);
    tcase_add_test(tests, the_dead_are_removed_when_they_are_more_than_half);
    tcase_add_test(tests, who_was_dropped_and_left_the_last_list_is_buried);
    tcase_add_test(tests, without_memory_it_is_as_it_was);
    return suite;
}
