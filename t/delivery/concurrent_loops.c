/* Two threads, each with a loop, declare, connect and emit signals with the same names at the same
   time. Each thread also uses the handler ids and source ids of the other thread. In other tests,
   loops are created and freed one after the other in the same memory. These tests are mainly for
   the thread sanitizer. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <tocsin/inspect.h>

#include "delivery/loop.h"
#include "record.h"
#include "test.h"

enum { ROUNDS = 300, NAMES = 40, THREADS = 2 };

static _Atomic uint64_t their_handler[THREADS], their_source[THREADS];

struct tally {
    int number, calls, patterns, own_patterns;
    bool wrong;
};

static int tally(const struct tocsin_info *info, void *arg)
{
    struct tally *mine = arg;

    if (info->sequence >> 48 == tocsin_loop_current().id >> 48)
        mine->calls++;
    return TOCSIN_NEXT;
}

static bool is_foreign(int answer)
{
    return answer == -EXDEV || answer == -ENOENT;
}

static void use_theirs(struct tally *mine)
{
    int other = !mine->number;
    struct tocsin_handler handler = { atomic_load(&their_handler[other]) };
    struct tocsin_source source = { atomic_load(&their_source[other]) };
    struct tocsin_handler_facts facts;

    if (!handler.id || !source.id)
        return;
    mine->wrong |= !is_foreign(tocsin_source_free(source)) ||
                   !is_foreign(tocsin_source_set(source, NULL));
    mine->wrong |= tocsin_source_get(source) || !is_foreign(tocsin_handler_get(handler, &facts));
    mine->wrong |= !is_foreign(tocsin_connect(
        "shared.n0",
        &(struct tocsin_action){ .fn = tally, .source = source, .flags = TOCSIN_EARLY }, NULL));
}

/* Emits again and again while the result is -EAGAIN, which means that an inbox is full. Between two
   emissions, a turn of this loop empties this loop's own inbox. */
static int emit_all(struct tocsin_source source, int signo)
{
    int answer;

    while ((answer = tocsin_emit_from(source, signo, NULL)) == -EAGAIN)
        if (tocsin_loop_turn(0) < 0)
            return -EDEADLK;
    return answer;
}

static void round_of(struct tally *mine, int round)
{
    struct tocsin_action action = { .fn = tally, .arg = mine, .flags = TOCSIN_EARLY };
    struct tocsin_handler handler, pattern;
    struct tocsin_source source;
    char name[32], own[32];
    int signo, calls = mine->calls;

    snprintf(name, sizeof name, "shared.n%d", round % NAMES);
    snprintf(own, sizeof own, "own.t%d.n%d", mine->number, round % NAMES);
    mine->wrong |= tocsin_source_new(mine, &source) != 0;
    mine->wrong |= tocsin_connect(round % 2 ? "shared.*" : "shared.**, own.**", &action,
                                  &pattern) != 0;
    /* The handler is connected early (TOCSIN_EARLY), while the other thread declares the signal. */
    mine->wrong |= tocsin_connect(name, &action, &handler) != 0;
    atomic_store(&their_handler[mine->number], handler.id);
    atomic_store(&their_source[mine->number], source.id);
    signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = name, .doc = name });
    mine->wrong |= tocsin_find(name) != signo || tocsin_has_listeners(signo) != 1;
    mine->wrong |= emit_all((struct tocsin_source){ 0 }, signo) != TOCSIN_DELIVERED ||
                   emit_all(source, signo) != TOCSIN_DELIVERED;
    mine->patterns++, mine->own_patterns += round % 2 == 0;
    mine->wrong |= mine->calls != calls + 2 * (1 + mine->patterns);
    signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = own });
    mine->wrong |= tocsin_emit(signo, NULL) == TOCSIN_DELIVERED && !mine->own_patterns;
    use_theirs(mine);
    mine->wrong |= tocsin_disconnect(handler) != 0;
    if (round % 3) {
        mine->wrong |= tocsin_disconnect(pattern) != 0;
        mine->patterns--, mine->own_patterns -= round % 2 == 0;
    }
    mine->wrong |= round % 5 && tocsin_source_free(source) != 0;
    if (round % 10 == 9) {
        /* Of ten rounds, two leave a source that is not freed. After the tenth round the loop is
           freed, and tocsin_loop_free() returns 2, the number of these sources. */
        mine->wrong |= tocsin_loop_free() != 2;
        mine->patterns = mine->own_patterns = 0;
    }
}

static void *run(void *arg)
{
    struct tally *mine = arg;

    for (int round = 0; round < ROUNDS; round++)
        round_of(mine, round);
    tocsin_loop_free();
    return NULL;
}

START_TEST(two_loops_at_the_same_time)
{
    struct tally tallies[THREADS] = { { .number = 0 }, { .number = 1 } };
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run, &tallies[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(!tallies[i].wrong);
        ck_assert_int_gt(tallies[i].calls, 4 * ROUNDS);
    }
    ck_assert_int_eq(tocsin_has_listeners(tocsin_find("shared.n0")), 0);
    ck_assert_uint_eq(tocsin__signal(tocsin_find("shared.n0"))->unresolved, 0);
}
END_TEST

static void *come_and_go(void *arg)
{
    struct tocsin_handler handler;
    uint64_t *last = arg;

    ck_assert_int_eq(tocsin_connect("comes",
                                    &(struct tocsin_action){ .fn = record_call, .arg = "here" },
                                    &handler),
                     0);
    ck_assert_uint_ne(handler.id, *last);
    if (*last)
        ck_assert_int_eq(tocsin_disconnect((struct tocsin_handler){ *last }), -ENOENT);
    *last = handler.id;
    ck_assert_int_eq(tocsin_emit(tocsin_find("comes"), NULL), TOCSIN_DELIVERED);
    ck_assert_record("here");
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

START_TEST(loops_are_created_and_freed)
{
    uint64_t last = 0, id, previous = 0;
    unsigned number;
    pthread_t thread;

    record_signal("comes");
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, come_and_go, &last), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    number = tocsin__id_number(last);
    /* come_and_go() makes a new loop of this thread in the same memory, and frees it */
    come_and_go(&last);
    ck_assert_uint_eq(tocsin__id_number(last), number);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_loop_turn(0), 0);
        id = tocsin_loop_current().id;
        ck_assert_uint_ne(id, previous);
        ck_assert_uint_eq(id >> 48, number);
        previous = id;
        ck_assert_int_eq(tocsin_loop_free(), 0);
        ck_assert_uint_eq(tocsin_loop_current().id, 0);
    }
}
END_TEST

/* Creates a loop while the allocation of the loop's inbox fails. The loop's number then belongs to
   a loop that was never opened. Such a loop must accept no message, since no thread would deliver
   the message. */
static void *make_none(void *ret_err)
{
    struct tocsin__loop *loop;

    /* The loop needs three allocations: the destructor for the end of the thread, the loop, and the
       inbox. The third allocation fails. */
    tocsin__fault_at(3);
    *(int *)ret_err = tocsin__loop_make(&loop);
    tocsin__fault_at(0);
    return NULL;
}

START_TEST(a_loop_that_was_never_opened)
{
    struct tocsin__node node = { .run = NULL };
    struct tocsin__loop *loop;
    pthread_t thread;
    uint64_t at;
    unsigned number = 1;
    int err;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    while (tocsin__loop_numbered(number))
        number++;
    ck_assert_int_eq(pthread_create(&thread, NULL, make_none, &err), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(err, -ENOMEM);
    loop = tocsin__loop_numbered(number);
    ck_assert_ptr_nonnull(loop);
    ck_assert(!tocsin__inbox_push(&loop->inbox, &node));
    ck_assert_int_eq(
        tocsin__inbox_claim(&loop->inbox, TOCSIN__ANY_GENERATION, TOCSIN__RESERVED_CELLS, &at),
        -ESHUTDOWN);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/concurrent_loops");
    TCase *tests = test_case(suite, "threads");

    test_needs_processes();
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, two_loops_at_the_same_time);
    tcase_add_test(tests, loops_are_created_and_freed);
    tcase_add_test(tests, a_loop_that_was_never_opened);
    return suite;
}
