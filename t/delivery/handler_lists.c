/* Tests the handler list of a signal. The list is sorted by priority, then by age. When more than
   half of a list are disconnected handlers, they are removed from the list. While a delivery walks
   over a list, that list is never changed: a new list replaces it. */
#include <stdlib.h>

#include "delivery/handler.h"
#include "test.h"

enum { COUNT = 2000 };

static struct tocsin__loop loop;
static struct tocsin__list *list;
static struct tocsin__loop_signal slot;
static struct tocsin__handler *handlers;

static void begin(void)
{
    loop = (struct tocsin__loop){ .life.number = 1 };
    slot = (struct tocsin__loop_signal){ .state = TOCSIN__RUNNING };
    list = &tocsin__list_empty;
    handlers = calloc(COUNT, sizeof *handlers);
    ck_assert_ptr_nonnull(handlers);
}

static void end(void)
{
    struct tocsin__list *next;

    /* empties the list of disconnected handlers, since the test frees these handlers itself */
    loop.cleanup.dead = NULL;
    if (list != &tocsin__list_empty)
        tocsin__release(list);
    for (; loop.cleanup.lists; loop.cleanup.lists = next) {
        next = loop.cleanup.lists->next;
        tocsin__release(loop.cleanup.lists);
    }
    free(handlers);
}

static struct tocsin__handler *add(int i, uint64_t rank, unsigned flags, bool running)
{
    handlers[i].id = (uint64_t)i + 1;
    handlers[i].flags = flags;
    handlers[i].key = rank << 47 | loop.age++;
    slot.state = running ? slot.state | TOCSIN__RUNNING : slot.state & ~(uint32_t)TOCSIN__RUNNING;
    ck_assert_int_eq(tocsin__list_add(&loop, &slot, &list, &handlers[i]), 0);
    return &handlers[i];
}

static int by_key(const void *a, const void *b)
{
    const struct tocsin__handler *one = *(struct tocsin__handler *const *)a,
                                 *other = *(struct tocsin__handler *const *)b;

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
    tocsin__list_sort(&slot, list);
    ck_assert_uint_eq(slot.unsorted_lists, 0);
    qsort(sorted, COUNT, sizeof *sorted, by_key);
    ck_assert_uint_eq(list->count, COUNT);
    for (int i = 0; i < COUNT; i++)
        ck_assert_ptr_eq(list->items[i], sorted[i]);
    ck_assert_ptr_null(loop.cleanup.lists);
}
END_TEST

static void is_sorted(void)
{
    for (uint32_t i = 1; i < list->count; i++)
        ck_assert(list->items[i - 1]->key < list->items[i]->key);
    ck_assert_ptr_null(list->items[list->count]);
    ck_assert_uint_eq(list->sorted, list->count);
    ck_assert_uint_eq(slot.unsorted_lists, 0);
    ck_assert(!(slot.state & TOCSIN__UNSORTED));
}

/* The test adds a handler that belongs in front of many others. The list appends this handler, and
   is sorted later. A handler that belongs in front of a few others only is inserted at once. */
START_TEST(an_appended_handler_is_sorted_later)
{
    /* the number of the allocation that fails; 0 means that none fails */
    int failing_allocation = _i;

    for (int i = 0; i < 200; i++)
        add(i, 5, 0, false);
    is_sorted();
    add(200, 4, 0, false);
    ck_assert_uint_eq(slot.unsorted_lists, 1);
    ck_assert(slot.state & TOCSIN__UNSORTED);
    /* While the list is unsorted, each new handler is appended. */
    add(201, 5, 0, false);
    ck_assert_uint_eq(list->sorted, 200);
    tocsin__fault_at(failing_allocation);
    tocsin__list_sort(&slot, list); /* sorting must succeed without memory, too */
    tocsin__fault_at(0);
    is_sorted();
    ck_assert_ptr_eq(list->items[0], &handlers[200]);
    add(202, 5, 0, false);
    is_sorted();
}
END_TEST

/* Adds, removes and replaces handlers in random order, and sorts the list at random times. Just
   after a sort, the order of the list must be right. */
START_TEST(random_changes_and_sorts)
{
    unsigned alive = 0;

    srand(2);
    for (int i = 0; i < COUNT; i++) {
        add(i, (uint64_t)(rand() % 3000), 0, rand() % 20 == 0);
        alive++;
        slot.walks += rand() % 30 == 0;
        if (rand() % 3 == 0 && handlers[i / 2].id)
            kill_one(i / 2), alive--;
        slot.state &= ~(uint32_t)TOCSIN__RUNNING;
        if (rand() % 50 == 0)
            tocsin__list_compact(&loop, &slot, list);
        ck_assert_uint_eq(slot.unsorted_lists, list->sorted < list->count);
        if (rand() % 40 == 0)
            tocsin__list_sort(&slot, list), is_sorted();
    }
    tocsin__list_compact(&loop, &slot, list);
    ck_assert_uint_eq(list->count, alive);
    tocsin__list_sort(&slot, list);
    is_sorted();
}
END_TEST

START_TEST(only_handlers_determine_the_result)
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

/* A delivery walks over the list [a b c], and handler d is added meanwhile. The delivery continues
   with the old list. The signal gets the new list [a d b c]. */
START_TEST(a_list_that_is_walked_over_is_replaced)
{
    struct tocsin__list *walked;

    add(0, 5, 0, false), add(1, 7, 0, false), add(2, 9, 0, false);
    walked = list;
    add(3, 6, 0, true);
    ck_assert_ptr_ne(list, walked);
    ck_assert_ptr_eq(loop.cleanup.lists, walked);
    ck_assert_uint_eq(loop.cleanup_pending, 1);
    ck_assert_uint_eq(walked->count, 3);
    ck_assert_ptr_eq(walked->items[1], &handlers[1]);
    ck_assert_ptr_null(walked->items[3]);
    ck_assert_uint_eq(list->count, 4);
    tocsin__list_sort(&slot, list);
    ck_assert_ptr_eq(list->items[1], &handlers[3]);
    /* `places` counts the lists that contain the handler. The old list is gone, so only the new
       list counts. */
    ck_assert_uint_eq(handlers[0].places, 1);
}
END_TEST

/* While the signal runs, 999 handlers are added. Only the first of them replaces the list. The
   other ones are added to the new list itself, since no delivery walks over the new list. */
START_TEST(a_list_is_replaced_only_once)
{
    struct tocsin__list *walked;

    add(0, 1, 0, false);
    walked = list;
    for (int i = 1; i < 1000; i++)
        add(i, (uint64_t)(1000 - i), 0, true);
    ck_assert_ptr_eq(loop.cleanup.lists, walked);
    ck_assert_ptr_null(walked->next);
    ck_assert_uint_eq(list->count, 1000);
    ck_assert_uint_ne(slot.state & TOCSIN__UNTIDY, 0);
    slot.walks++; /* a nested emission increments this member in the same way */
    walked = list;
    add(1000, 1, 0, true);
    ck_assert_ptr_eq(loop.cleanup.lists, walked);
    ck_assert_uint_eq(walked->count, 1000);
    ck_assert_uint_eq(list->count, 1001);
}
END_TEST

START_TEST(disconnected_handlers_are_removed_when_more_than_half)
{
    for (int i = 0; i < 10; i++)
        add(i, 1, 0, false);
    for (int i = 0; i < 5; i++)
        kill_one(2 * i);
    add(10, 1, 0, false);
    /* five of ten handlers are disconnected: not more than half, so they stay in the list */
    ck_assert_uint_eq(list->count, 11);
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
    /* The caller still has to call the destructors of the removed handlers' arguments, and to free
       these handlers. */
    ck_assert_ptr_null(loop.cleanup.dead);
}
END_TEST

START_TEST(a_handler_is_freed_after_it_left_its_last_list)
{
    struct tocsin__list *second = &tocsin__list_empty;

    add(0, 1, 0, false);
    ck_assert_int_eq(tocsin__list_add(&loop, &slot, &second, &handlers[0]), 0);
    ck_assert_uint_eq(handlers[0].places, 2);
    kill_one(0);
    second->dead++;
    tocsin__list_handling(second, &handlers[0], -1u);
    handlers[0].flags |= TOCSIN__DROPPED;
    tocsin__list_compact(&loop, &slot, list);
    ck_assert_ptr_null(loop.cleanup.dead);
    tocsin__list_compact(&loop, &slot, second);
    ck_assert_ptr_eq(loop.cleanup.dead, &handlers[0]);
    tocsin__release(second);
}
END_TEST

START_TEST(without_memory_the_list_is_unchanged)
{
    struct tocsin__list *was;

    add(0, 1, 0, false);
    was = list;
    handlers[1].key = 0;
    tocsin__fault_at(1);
    slot.state |= TOCSIN__RUNNING;
    ck_assert_int_eq(tocsin__list_add(&loop, &slot, &list, &handlers[1]), -ENOMEM);
    tocsin__fault_at(0);
    ck_assert_ptr_eq(list, was);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_uint_eq(handlers[1].places, 0);
    ck_assert_ptr_null(loop.cleanup.lists);
    ck_assert_uint_eq(tocsin__list_empty.count, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/handler_lists");
    TCase *tests = test_case(suite, "lists");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_order_is_that_of_qsort);
    tcase_add_loop_test(tests, an_appended_handler_is_sorted_later, 0, 2);
    tcase_add_test(tests, random_changes_and_sorts);
    tcase_add_test(tests, only_handlers_determine_the_result);
    tcase_add_test(tests, a_list_that_is_walked_over_is_replaced);
    tcase_add_test(tests, a_list_is_replaced_only_once);
    tcase_add_test(tests, disconnected_handlers_are_removed_when_more_than_half);
    tcase_add_test(tests, a_handler_is_freed_after_it_left_its_last_list);
    tcase_add_test(tests, without_memory_the_list_is_unchanged);
    return suite;
}
