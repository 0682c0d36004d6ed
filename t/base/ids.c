/* Tests the table of ids. Each use of an entry has a new generation number, so the table recognises
   old ids. The table reuses a freed entry only after many other entries were freed. A chunk of
   entries never moves. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "test.h"

static struct tocsin__ids ids;

static void begin(void)
{
    ids = (struct tocsin__ids){ .prefix = 7ull << TOCSIN__ID_NUMBER_SHIFT };
}

static void end(void)
{
    for (int i = 0; i < TOCSIN__ID_CHUNKS; i++)
        tocsin__release(ids.chunk[i]);
    tocsin__release(ids.used.level[0]);
}

static uint32_t index_of(uint64_t id)
{
    return (uint32_t)id & ((1u << TOCSIN__ID_INDEX_BITS) - 1);
}

static uint32_t generation_of(uint64_t id)
{
    return (uint32_t)(id >> TOCSIN__ID_INDEX_BITS) & 0xffffff;
}

START_TEST(an_id_finds_its_object)
{
    int object;
    uint64_t id = tocsin__id_new(&ids, &object);

    ck_assert_uint_ne(id, 0);
    ck_assert_uint_eq(tocsin__id_number(id), 7);
    ck_assert_int_eq(tocsin_id_error(id), 0);
    ck_assert_ptr_eq(tocsin__id_object(&ids, id), &object);
    ck_assert_uint_eq(ids.live, 1);
    tocsin__id_free(&ids, id);
    ck_assert_ptr_null(tocsin__id_object(&ids, id));
    ck_assert_uint_eq(ids.live, 0);
    ck_assert_ptr_null(tocsin__id_object(&ids, 0));
    /* no chunk exists that contains this index */
    ck_assert_ptr_null(tocsin__id_object(&ids, id | 0xffffff));
}
END_TEST

START_TEST(an_entry_is_not_reused_soon)
{
    int object;
    uint64_t first = tocsin__id_new(&ids, &object), id;
    int others = 0;

    tocsin__id_free(&ids, first);
    while (id = tocsin__id_new(&ids, &object), index_of(id) != index_of(first)) {
        ck_assert_ptr_null(tocsin__id_object(&ids, first));
        tocsin__id_free(&ids, id);
        others++;
    }
    ck_assert_int_eq(others, TOCSIN__ID_REST - 1);
    ck_assert_uint_eq(generation_of(id), generation_of(first) + 1);
    ck_assert_ptr_eq(tocsin__id_object(&ids, id), &object);
    /* The old id stays invalid, although its entry is used again. */
    ck_assert_ptr_null(tocsin__id_object(&ids, first));
    /* the table has reused an entry instead of adding one */
    ck_assert_uint_eq(ids.made, TOCSIN__ID_REST);
}
END_TEST

START_TEST(a_generation_is_reused_after_all_others)
{
    int object;
    uint64_t id = tocsin__id_new(&ids, &object);
    struct tocsin__id_entry *entry = tocsin__id_entry(&ids, id);

    tocsin__id_free(&ids, id);
    entry->generation = 0xffffff;
    /* The test pretends that enough other entries were freed meanwhile, so that this entry may be
       reused. */
    ids.resting += TOCSIN__ID_REST;
    id = tocsin__id_new(&ids, &object);
    ids.resting -= TOCSIN__ID_REST;
    ck_assert_uint_eq(generation_of(id), 0);
    ck_assert_uint_eq(tocsin__id_number(id), 7);
    ck_assert_ptr_eq(tocsin__id_object(&ids, id), &object);
}
END_TEST

START_TEST(hundreds_of_thousands_of_ids)
{
    int count = (int)test_scaled(300000, 1, 10);
    uint64_t *all = malloc((size_t)count * sizeof *all);
    struct tocsin__id_entry *early;
    int wrong = 0;

    ck_assert_ptr_nonnull(all);
    for (int i = 0; i < count; i++) {
        all[i] = tocsin__id_new(&ids, &all[i]);
        wrong += index_of(all[i]) != (uint32_t)i;
    }
    early = tocsin__id_entry(&ids, all[3]);
    for (int i = 0; i < count; i += 3)
        tocsin__id_free(&ids, all[i]);
    for (int i = 0; i < count; i++)
        wrong += tocsin__id_object(&ids, all[i]) != (i % 3 ? &all[i] : NULL);
    for (int i = 0; i < count; i += 3) {
        uint64_t was = all[i];

        all[i] = tocsin__id_new(&ids, &all[i]);
        wrong += all[i] == was;
    }
    for (int i = 0; i < count; i++)
        wrong += tocsin__id_object(&ids, all[i]) != &all[i];
    ck_assert_int_eq(wrong, 0);
    /* the entry is at the same address as before */
    ck_assert_ptr_eq(tocsin__id_entry(&ids, all[3]), early);
    ck_assert_uint_eq(ids.live, (uint32_t)count);
    ck_assert_uint_eq(ids.made, (uint32_t)count + TOCSIN__ID_REST - 1);
    free(all);
}
END_TEST

START_TEST(without_memory_no_id_is_created_or_lost)
{
    int object;

    tocsin__fault_at(1);
    ck_assert_uint_eq(tocsin__id_new(&ids, &object), 0);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_uint_eq(index_of(tocsin__id_new(&ids, &object)), i);
    tocsin__fault_at(1);
    /* the table needs a second chunk, and the allocation of this chunk fails */
    ck_assert_uint_eq(tocsin__id_new(&ids, &object), 0);
    tocsin__id_free(&ids, ids.prefix | 1ull << TOCSIN__ID_INDEX_BITS | 5);
    tocsin__fault_at(1);
    /* Without memory for a new chunk, the table reuses a freed entry early, before enough other
       entries were freed. */
    ck_assert_uint_eq(index_of(tocsin__id_new(&ids, &object)), 5);
    tocsin__fault_at(0);
    ck_assert_uint_eq(index_of(tocsin__id_new(&ids, &object)), 64);
}
END_TEST

/* The test walks over all ids. During the walk, random ids are freed; some of them are the ids that
   the walk has reached. The walk must find the next live id, even if few ids are left. */
START_TEST(the_next_id_is_found)
{
    uint32_t many = (uint32_t)test_scaled(300000, 1, 10);
    uint64_t *all = calloc(many, sizeof *all), at = 0;
    static int object;

    ck_assert_ptr_null(tocsin__id_after(&ids, 0));
    for (uint32_t i = 0; i < many; i++) {
        all[i] = tocsin__id_new(&ids, &all[i]);
        ck_assert_uint_eq(index_of(all[i]), i);
    }
    srand(3);
    for (uint32_t i = 0; i < many; i++)
        if (rand() % (int)(many / 60)) {
            tocsin__id_free(&ids, all[i]);
            all[i] = 0;
        }
    for (uint32_t i = 0; i < many; i++)
        if (all[i]) {
            ck_assert_ptr_eq(tocsin__id_after(&ids, at), &all[i]);
            at = all[i];
            if (rand() % 2)
                tocsin__id_free(&ids, at);
        }
    ck_assert_ptr_null(tocsin__id_after(&ids, at));
    ck_assert_ptr_null(tocsin__id_after(&ids, many + 5));
    /* The new id gets one of the freed entries, at an unknown place of the table. */
    at = tocsin__id_new(&ids, &object);
    ck_assert_ptr_eq(tocsin__id_after(&ids, index_of(at) ? at - 1 : 0), &object);
    free(all);
}
END_TEST

START_TEST(all_ids_of_the_table_can_be_used)
{
    int object;

    ids.made = (1u << TOCSIN__ID_INDEX_BITS) - (1u << TOCSIN__ID_FIRST_BITS);
    ck_assert_uint_eq(tocsin__id_new(&ids, &object), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/ids");
    TCase *tests = test_case(suite, "ids");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, an_id_finds_its_object);
    tcase_add_test(tests, an_entry_is_not_reused_soon);
    tcase_add_test(tests, a_generation_is_reused_after_all_others);
    tcase_add_test(tests, hundreds_of_thousands_of_ids);
    tcase_add_test(tests, without_memory_no_id_is_created_or_lost);
    tcase_add_test(tests, the_next_id_is_found);
    tcase_add_test(tests, all_ids_of_the_table_can_be_used);
    return suite;
}
