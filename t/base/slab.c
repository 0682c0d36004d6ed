/* Tests slabs, from which a loop allocates small blocks of memory. Blocks must be zeroed and
   aligned, and must not overlap. The blocks have all sizes, and are allocated and freed in random
   order. Other threads free blocks while the loop's thread allocates, and after the loop has ended.
   The memory of freed blocks must be used again, and empty slabs must be unmapped. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slab.h"
#include "test.h"

static struct tocsin__slabs slabs;
static unsigned seed = 1;

static unsigned draw(unsigned most)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % most;
}

struct made {
    unsigned char *block;
    size_t size;
    unsigned char mark;
};

static void make(struct made *made, size_t size)
{
    made->size = size;
    made->mark = (unsigned char)(1 + draw(255));
    made->block = tocsin__slab_alloc(&slabs, size);
    ck_assert_ptr_nonnull(made->block);
    ck_assert_uint_eq((uintptr_t)made->block % 16, 0);
    for (size_t i = 0; i < size; i++)
        if (made->block[i] != 0)
            ck_abort_msg("byte %zu of a new block is not zero", i);
    memset(made->block, made->mark, size);
}

static void check(const struct made *made)
{
    for (size_t i = 0; i < made->size; i++)
        if (made->block[i] != made->mark)
            ck_abort_msg("byte %zu of a block was changed", i);
}

static void end(struct made *made)
{
    check(made);
    tocsin__slab_free(made->block, made->size, &slabs);
    made->block = NULL;
}

START_TEST(fuzz_sizes_and_orders)
{
    enum { MADE = 3000 };
    struct made *all = calloc(MADE, sizeof *all);

    for (long i = test_scaled(100000, 4, 20); i; i--) {
        struct made *made = &all[draw(MADE)];

        if (made->block)
            end(made);
        else
            make(made, 1 + draw(draw(4) ? 256 : 700));
    }
    for (int i = 0; i < MADE; i++)
        if (all[i].block)
            end(&all[i]);
    tocsin__slabs_end(&slabs);
    free(all);
}
END_TEST

/* The number of allocated blocks of one size rises and falls. The number of slabs must rise and
   fall, too. */
START_TEST(freed_memory_is_used_again)
{
    enum { MADE = 20000 };
    const struct tocsin__slab_list *open = &slabs.open[208 / TOCSIN__SLAB_STEP];
    struct made *all = calloc(MADE, sizeof *all);

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < MADE; i++)
            make(&all[i], 208);
        for (int i = 0; i < MADE; i++)
            end(&all[(i * 7919) % MADE]);
    }
    /* At most one empty slab may stay, for the next block. So the first and the last link of the
       list lie in the same slab. */
    if (open->first)
        ck_assert_uint_lt((uintptr_t)open->last - (uintptr_t)open->first, TOCSIN__SLAB_BYTES);
    tocsin__slabs_end(&slabs);
    free(all);
}
END_TEST

/* Another thread frees the blocks that this thread allocates. A ring with one producer and one
   consumer passes the blocks on. */
enum { RING = 1024 };
static struct made ring[RING];
static atomic_long written, read_so_far;
static long blocks;

static void *frees(void *arg)
{
    (void)arg;
    for (long at = 0; at < blocks; at++) {
        while (atomic_load_explicit(&written, memory_order_acquire) == at)
            sched_yield();
        check(&ring[at % RING]);
        tocsin__slab_free(ring[at % RING].block, ring[at % RING].size, NULL);
        atomic_store_explicit(&read_so_far, at + 1, memory_order_release);
    }
    return NULL;
}

START_TEST(another_thread_frees)
{
    pthread_t thread;

    blocks = test_scaled(300000, 4, 20);
    ck_assert_int_eq(pthread_create(&thread, NULL, frees, NULL), 0);
    for (long at = 0; at < blocks; at++) {
        while (at - atomic_load_explicit(&read_so_far, memory_order_acquire) == RING)
            sched_yield();
        make(&ring[at % RING], 16 * (1 + (size_t)at % 20));
        atomic_store_explicit(&written, at + 1, memory_order_release);
        if (at == blocks / 2 || at == blocks - 1)
            tocsin__slabs_end(&slabs); /* the blocks that are not freed yet must stay valid */
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* The loop has ended, but blocks of its slabs still exist. Several threads free the last blocks of
   such a slab at the same time. */
enum { THREADS = 4, EACH = 50 };
static struct made shared[THREADS][EACH];
static pthread_barrier_t barrier;

static void *frees_own(void *arg)
{
    struct made *mine = arg;

    pthread_barrier_wait(&barrier);
    for (int i = 0; i < EACH; i++) {
        check(&mine[i]);
        tocsin__slab_free(mine[i].block, mine[i].size, NULL);
    }
    return NULL;
}

START_TEST(the_last_block_of_an_ended_loop_unmaps_its_slab)
{
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (long round = test_scaled(500, 4, 20); round; round--) {
        pthread_t threads[THREADS];

        for (int i = 0; i < THREADS; i++) {
            for (int k = 0; k < EACH; k++)
                make(&shared[i][k], 64);
            ck_assert_int_eq(pthread_create(&threads[i], NULL, frees_own, shared[i]), 0);
        }
        pthread_barrier_wait(&barrier);
        tocsin__slabs_end(&slabs);
        for (int i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    pthread_barrier_destroy(&barrier);
}
END_TEST

START_TEST(F3_allocations_fail)
{
    void *block;

    tocsin__fault_at(1);
    ck_assert_ptr_null(tocsin__slab_alloc(&slabs, 64));
    /* with slabs, the mapping of a slab fails; without slabs, the allocation of the second block
       fails */
    tocsin__fault_at(2);
    block = tocsin__slab_alloc(&slabs, 64);
    if (block) {
        ck_assert_ptr_null(tocsin__slab_alloc(&slabs, 64));
        tocsin__slab_free(block, 64, &slabs);
    }
    tocsin__fault_at(0);
    tocsin__slabs_end(&slabs);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/slab");
    TCase *tests = test_case(suite, "slab");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, fuzz_sizes_and_orders);
    tcase_add_test(tests, freed_memory_is_used_again);
    tcase_add_test(tests, another_thread_frees);
    tcase_add_test(tests, the_last_block_of_an_ended_loop_unmaps_its_slab);
    tcase_add_test(tests, F3_allocations_fail);
    return suite;
}
