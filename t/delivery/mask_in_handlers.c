/* Contract line E10 in handlers: a handler blocks and unblocks signals, its own signal included.
   Also tested are the mask of an action (action.mask), and the order and the end of a flush, which
   is one delivery of all pending emissions that are not blocked. */
#include <stdio.h>
#include <string.h>

#include "delivery/loop.h"
#include "mask_helpers.h"

/* Tests of blocks that a handler makes or removes */

static void block_and_emit(const struct tocsin_info *info, int call)
{
    record("a%d", call);
    if (call != 2)
        return;
    masks[0] = block("h.a");
    masks[1] = block("h.b");
    ck_assert_int_eq(emit(signos[1], 1), TOCSIN_PENDED);
    ck_assert_int_eq(emit(info->signo, 1), TOCSIN_PENDED);
    unblock(masks[1]);
    record("back");
}

START_TEST(a_handler_blocks_signals)
{
    signos[0] = ranked("h.a", 0), signos[1] = ranked("h.b", 0);
    steps_on("h.a", block_and_emit, NULL, 0);
    ck_assert_int_eq(tocsin_on("h.b", record_call, "b"), 0);
    emit_first(signos[0]);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
    /* The handler has returned, but the block that it made must stay. */
    ck_assert_record("a2 b back");
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_record("a3 a4");
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
    ck_assert_record("a5");
}
END_TEST

static void unblock_by_token(const struct tocsin_info *info, int call)
{
    record("a%d", call);
    if (call == 1) {
        masks[2] = block("h.*");
        ck_assert_int_eq(emit(info->signo, 0), TOCSIN_PENDED);
        unblock(masks[2]);
        ck_assert_int_eq(emit(info->signo, 0), TOCSIN_PENDED);
        record("still");
    }
}

START_TEST(a_token_does_not_unblock_a_running_signal)
{
    signos[0] = ranked("h.a", 0);
    steps_on("h.a", unblock_by_token, NULL, 0);
    masks[0] = block("h.a");
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    masks[1] = masks[0], masks[0] = block("h.a");
    unblock(masks[1]);
    mask_set(TOCSIN_BLOCK, "h.a");
    /* The set of tocsin_sigmask still blocks h.a, so nothing is delivered. */
    unblock(masks[0]);
    masks[0] = block("h.*, !h.b");
    ck_assert_record("");
    mask_set(TOCSIN_UNBLOCK, "h.a");
    /* The block of masks[0] still blocks h.a, so nothing is delivered. */
    ck_assert_record("");
    ck_assert_int_eq(tocsin_pending_count("h.a"), 1);
    masks[1] = masks[0], masks[0] = block("**");
    mask_set(TOCSIN_BLOCK, "h.a");
    unblock(masks[1]);
    ck_assert_record("");
    mask_set(TOCSIN_UNBLOCK, "h.a");
    unblock(masks[0]);
    ck_assert_record("a1 still");
    ck_assert_int_eq(tocsin_loop_turn(0), 2);
    ck_assert_record("a2 a3");
}
END_TEST

static void unblock_itself(const struct tocsin_info *info, int call)
{
    int number = number_of(info);

    record("<%d", number);
    if (number == 1 || number == 11)
        ck_assert_int_eq(emit(info->signo, number + 1), TOCSIN_PENDED);
    if (number == 1) {
        /* Unblocking delivers the pending emission 2 at once, nested in this call of the
           handler. */
        mask_set(TOCSIN_UNBLOCK, info->name);
        ck_assert_int_eq(emit(info->signo, 3), TOCSIN_DELIVERED);
    }
    /* The nested delivery of emission 3 blocks the signal again. */
    if (number == 3)
        ck_assert_int_eq(emit(info->signo, 4), TOCSIN_PENDED);
    record("%d>", number);
    (void)call;
}

static void emit_after(const struct tocsin_info *info, int call)
{
    (void)call;
    record("(%d)", number_of(info));
    if (number_of(info) == 1)
        /* The signal stays unblocked until its delivery ends, also for the handlers after this
           handler. */
        ck_assert_int_eq(emit(info->signo, 5), TOCSIN_DELIVERED);
}

START_TEST(a_handler_unblocks_its_own_signal)
{
    signos[0] = ranked("own.a", 0);
    steps_on("own.a", unblock_itself, NULL, 0);
    steps_on("own.a", emit_after, NULL, 0);
    emit_first(signos[0]);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(emit(signos[0], 1), TOCSIN_DELIVERED);
        ck_assert_record("<1 <2 2> (2) <3 3> (3) 1> (1) <4 4> (4) <5 5> (5)");
        /* The next delivery blocks the signal again. */
        ck_assert_int_eq(emit(signos[0], 11), TOCSIN_DELIVERED);
        ck_assert_record("<11 11> (11) <12 12> (12)");
        ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[0])->state, 0);
    }
}
END_TEST

/* A handler changes the set and restores the old set at the end of a critical section. Afterwards
   the own signal and the signals of the handler's mask must be blocked as before. */
static void critical_section(const struct tocsin_info *info, int call)
{
    char old[64];

    if (call > 1)
        return;
    ck_assert_int_gt(tocsin_sigmask(TOCSIN_BLOCK, "own.c", old, sizeof old), 0);
    ck_assert_str_eq(old, "own.set, @handlers");
    ck_assert_int_eq(tocsin_match(old, "own.set"), 1);
    ck_assert_int_eq(tocsin_match(old, "own.a"), 0);
    /* The pattern and the buffer for the old set may be the same memory. */
    ck_assert_int_gt(tocsin_sigmask(TOCSIN_SETMASK, old, old, sizeof old), 0);
    ck_assert_str_eq(old, "own.set, own.c, @handlers");
    ck_assert_int_eq(emit(info->signo, 2), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[1], 3), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "own.set", NULL, 0),
                     strlen("own.set, @handlers"));
    /* A set without the word @handlers unblocks the handler's own signal and the handler's mask, as
       sigprocmask() does in a signal handler. */
    ck_assert_int_eq(emit(signos[1], 4), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "own.set, @handlers", old, sizeof old),
                     strlen("own.set"));
}

START_TEST(a_handler_restores_the_old_set)
{
    signos[0] = ranked("own.a", 0), signos[1] = ranked("own.b", 0);
    ck_assert_int_gt(ranked("own.c", 0), 0);
    ck_assert_int_gt(ranked("own.set", 0), 0);
    mask_set(TOCSIN_SETMASK, "own.set");
    steps_on("own.a", critical_section, "own.b", 0);
    emit_first(signos[0]);
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_SETMASK, "@handlers", NULL, 0), strlen("own.set"));
    ck_assert_int_eq(tocsin_sigmask(TOCSIN_BLOCK, NULL, NULL, 0), 0);
    record_take();
}
END_TEST

static void empty_the_set(const struct tocsin_info *info, int call)
{
    int result;

    mask_set(TOCSIN_SETMASK, call % 2 ? "" : "own.b");
    result = emit(info->signo, 0);
    if (result != TOCSIN_DELIVERED)
        ck_assert_int_eq(result, -ELOOP);
    record(result < 0 ? "%d!" : "%d", call);
}

START_TEST(unblocked_emissions_nest_to_the_limit)
{
    const char *line, *end;

    signos[0] = ranked("own.a", 0), signos[1] = ranked("own.b", 0);
    steps_on("own.a", empty_the_set, NULL, 0);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
    line = record_take();
    ck_assert_int_eq(strncmp(line, "32! 31 30 ", 10), 0);
    end = strstr(line, " 2 1");
    ck_assert(end && !end[4]);
    ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[0])->state, 0);
    ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[0])->delivery.nested, 0);
}
END_TEST

/* Tests of the mask of a handler */

static void emit_all_masked(const struct tocsin_info *info, int call)
{
    (void)call;
    record("x%d", number_of(info));
    if (number_of(info))
        return;
    for (int i = 1; i < 4; i++)
        ck_assert_int_eq(emit(signos[i], 10 * i), TOCSIN_PENDED);
    for (int i = 3; i > 0; i--)
        ck_assert_int_eq(emit(signos[i], 10 * i + 1), TOCSIN_PENDED);
    ck_assert_int_eq(emit(info->signo, 1), TOCSIN_PENDED);
}

static void emit_unmasked(const struct tocsin_info *info, int call)
{
    (void)call;
    record("y%d", number_of(info));
    /* The handler has no mask, but older emissions of y.a are pending, so this emission waits
       behind them. All of them are delivered when the delivery of x.x ends. */
    if (number_of(info) == 0)
        ck_assert_int_eq(emit(signos[1], 12), TOCSIN_PENDED);
}

START_TEST(a_handlers_mask_holds_until_the_delivery_ends)
{
    signos[0] = ranked("x.x", 5), signos[1] = ranked("y.a", 2), signos[2] = ranked("y.b", 9),
    signos[3] = ranked("y.c", 2);
    steps_on("x.x", emit_all_masked, "y.*", 0);
    steps_on("x.x", emit_unmasked, NULL, 0);
    ck_assert_int_eq(tocsin_on("y.*", write_number, NULL), 0);
    /* The order is by rank: first y.a and y.c, then x.x itself, then y.b. From the second round
       on, the emissions take the fast path. */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
        ck_assert_record("x0 y0 10 30 31 11 12 x1 y1 20 21");
        ck_assert_int_eq(tocsin_pending_count(NULL), 0);
        for (int j = 0; j < 4; j++)
            ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[j])->state, 0);
        ck_assert_int_eq(emit(signos[1], 7), TOCSIN_DELIVERED);
        ck_assert_record("7");
    }
    /* In this part, x.x is pending, and an unblock delivers it. Emissions that become pending
       during this delivery must wait for the next turn. */
    masks[0] = block("x.x");
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_record("x0 y0");
    ck_assert_int_eq(tocsin_loop_turn(0), 8);
    ck_assert_record("10 30 31 11 12 x1 y1 20 21");
    ck_assert_int_eq(tocsin_pending_count(NULL), 0);
}
END_TEST

static void drop_what_is_masked(const struct tocsin_info *info, int call)
{
    (void)info, (void)call;
    record("ignore");
    ck_assert_int_eq(tocsin_ignore("y.*"), 0);
    ck_assert_int_eq(tocsin_unignore("y.*"), 0);
}

START_TEST(ignoring_in_a_handler_discards_masked_emissions)
{
    signos[0] = ranked("x.x", 5), signos[1] = ranked("y.a", 2), signos[2] = ranked("y.b", 9),
    signos[3] = ranked("y.c", 2);
    steps_on("x.x", emit_all_masked, "y.*", 0);
    steps_on("x.x", drop_what_is_masked, NULL, 0);
    ck_assert_int_eq(tocsin_on("y.*", write_number, NULL), 0);
    for (int i = 0; i < 3; i++) {
        masks[0] = block("x.x");
        ck_assert_int_eq(emit(signos[0], 0), TOCSIN_PENDED);
        unblock(masks[0]);
        ck_assert_record("x0 ignore");
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
        ck_assert_record("x1 ignore");
        ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
        ck_assert_record("x0 ignore x1 ignore");
        ck_assert_int_eq(emit(signos[1], 7), TOCSIN_DELIVERED);
        ck_assert_record("7");
    }
}
END_TEST

static void lift_the_mask(const struct tocsin_info *info, int call)
{
    record("x%d", call);
    ck_assert_int_eq(emit(signos[1], call), TOCSIN_PENDED);
    mask_set(TOCSIN_UNBLOCK, "y.a");
    ck_assert_int_eq(emit(signos[1], call), TOCSIN_DELIVERED);
    if (call == 2)
        /* The handler of signos[2] has the same mask as the running handler. */
        ck_assert_int_eq(emit(signos[2], call), TOCSIN_DELIVERED);
    ck_assert_int_eq(emit(signos[1], call), TOCSIN_DELIVERED);
    (void)info;
}

static void mask_again(const struct tocsin_info *info, int call)
{
    (void)info;
    record("z");
    ck_assert_int_eq(emit(signos[1], call), TOCSIN_PENDED);
}

START_TEST(a_handler_removes_its_own_mask)
{
    signos[0] = ranked("x.x", 0), signos[1] = ranked("y.a", 0), signos[2] = ranked("z.z", 0);
    steps_on("x.x", lift_the_mask, "y.a", 0);
    steps_on("z.z", mask_again, "y.*", 0);
    ck_assert_int_eq(tocsin_on("y.a", record_call, "y"), 0);
    emit(signos[0], 0);
    ck_assert_record("x1 y y y");
    emit(signos[0], 0);
    ck_assert_record("x2 y y z y y");
    emit(signos[0], 0);
    ck_assert_record("x3 y y y");
    ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[1])->state, 0);
    ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[1])->masks.masked, 0);
}
END_TEST

static void name_in_a_mask(const struct tocsin_info *info, int call)
{
    char name[16];
    int signo;

    (void)info;
    sprintf(name, "w.n%d", call);
    signo = ranked(name, 0);
    ck_assert_int_eq(tocsin_on(name, record_call, "w"), 0);
    ck_assert_int_eq(emit(signo, 0), TOCSIN_PENDED);
    if (call < 3)
        ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
    record("x%d", call);
}

START_TEST(masks_of_nested_handlers_that_are_disconnected)
{
    struct tocsin_handler handler;
    struct tocsin_action once = {
        .fn = record_call, .arg = "once", .mask = "x.x", .flags = TOCSIN_ONCE
    };

    signos[0] = ranked("x.x", 0);
    steps_on("x.x", name_in_a_mask, "w.*", TOCSIN_NODEFER);
    ck_assert_int_eq(tocsin_connect("x.x", &once, &handler), 0);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
    ck_assert_record("x3 once x2 x1 w w w");
    ck_assert_int_eq(tocsin_connect("x.x",
                                    &(struct tocsin_action){ .fn = record_call, .mask = "no.such" },
                                    &handler),
                     -ENOENT);
    ck_assert_int_eq(
        tocsin_connect("x.x", &(struct tocsin_action){ .fn = record_call, .mask = "" }, &handler),
        -EINVAL);
    ck_assert_int_eq(tocsin_connect("x.x",
                                    &(struct tocsin_action){ .fn = record_call, .mask = "a..b" },
                                    &handler),
                     -EINVAL);
}
END_TEST

/* Tests of the order in which pending emissions are delivered, and of the end of this delivery */

static struct {
    int rank, signo;
} many[3000];
static int many_heard[6000], many_count;

static int hear_many(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    many_heard[many_count++] = number_of(info);
    return TOCSIN_NEXT;
}

START_TEST(a_flush_of_thousands_is_ordered_by_rank)
{
    /* by_emission[] is indexed by the number of an emission, and holds the index of its signal in
       many[]. */
    static int by_emission[6000];
    unsigned state = 777;
    char name[32];

    for (int i = 0; i < 3000; i++) {
        state = state * 1103515245 + 12345;
        sprintf(name, "rank.n%d", i);
        many[i].rank = i % 500 == 0   ? INT_MIN
                       : i % 500 == 1 ? INT_MAX
                                      : (int)(state >> 16 & 1023) - 512;
        many[i].signo = ranked(name, many[i].rank);
    }
    ck_assert_int_eq(tocsin_on("rank.*", hear_many, NULL), 0);
    masks[0] = block("rank.**");
    for (int i = 0; i < 6000; i++) {
        state = state * 1103515245 + 12345;
        by_emission[i] = (int)((state >> 16) % 3000);
        ck_assert_int_eq(emit(many[by_emission[i]].signo, i), TOCSIN_PENDED);
    }
    ck_assert_int_eq(tocsin_pending_count("rank.*"), 6000);
    unblock(masks[0]);
    ck_assert_int_eq(many_count, 6000);
    for (int i = 1; i < 6000; i++) {
        int before = many[by_emission[many_heard[i - 1]]].rank,
            rank = many[by_emission[many_heard[i]]].rank;

        ck_assert_msg(before < rank || (before == rank && many_heard[i - 1] < many_heard[i]), "%d",
                      i);
    }
}
END_TEST

/* The first call emits f.b and its own signal f.a, while the loop delivers its pending emissions (a
   flush). The call also blocks f.c, which is pending, and unblocks f.d, which the flush does not
   include. */
static void disturb(const struct tocsin_info *info, int call)
{
    record("a%d", number_of(info));
    if (call != 1)
        return;
    ck_assert_int_eq(emit(signos[1], 12), TOCSIN_PENDED);
    ck_assert_int_eq(emit(info->signo, 2), TOCSIN_PENDED);
    masks[1] = block("f.c");
    unblock(masks[2]);
    ck_assert_int_eq(emit(signos[4], 1), TOCSIN_DELIVERED);
}

START_TEST(a_flush_does_not_deliver_new_emissions)
{
    static const char *const five[] = { "f.a", "f.b", "f.c", "f.d", "f.e" };

    for (int i = 0; i < 5; i++)
        signos[i] = ranked(five[i], i);
    steps_on("f.a", disturb, NULL, 0);
    for (int i = 1; i < 5; i++)
        ck_assert_int_eq(tocsin_on(five[i], write_number, NULL), 0);
    masks[0] = block("f.a, f.b, f.c");
    masks[2] = block("f.d");
    for (int i = 3; i >= 0; i--)
        ck_assert_int_eq(emit(signos[i], 10 * i + 1), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_record("a1 31 1 11");
    /* Pending are: emission 2 of f.a, 12 of f.b and 21 of f.c. */
    ck_assert_int_eq(tocsin_pending_count(NULL), 3);
    unblock(masks[1]);
    ck_assert_record("21");
    ck_assert_int_eq(tocsin_loop_turn(0), 2);
    ck_assert_record("a2 12");
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

static void pend_for_the_turn(const struct tocsin_info *info, int call)
{
    record("%s%d", info->name + 2, number_of(info));
    if (call < 3)
        ck_assert_int_eq(emit(info->signo, 10 + number_of(info)), TOCSIN_PENDED);
}

START_TEST(late_emissions_are_delivered_by_rank)
{
    static const char *const three[] = { "t.a", "t.b", "t.c" };
    static const int ranks_of[] = { 5, -5, 0 };

    for (int i = 0; i < 3; i++) {
        signos[i] = ranked(three[i], ranks_of[i]);
        steps_on(three[i], pend_for_the_turn, NULL, 0);
    }
    masks[0] = block("t.*");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(emit(signos[i], i), TOCSIN_PENDED);
    unblock(masks[0]);
    ck_assert_record("b1 c2 a0");
    ck_assert_int_eq(tocsin_loop_turn(0), 3);
    ck_assert_record("b11 c12 a10");
    /* Emission 20 is older and still pending, so it must be delivered before this emission 7. */
    ck_assert_int_eq(emit(signos[0], 7), TOCSIN_DELIVERED);
    ck_assert_record("a20 a7");
    ck_assert_int_eq(tocsin_loop_turn(0), 2);
    ck_assert_record("b21 c22");
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

enum { CHAIN = 20000 };
static struct tocsin_block chain[CHAIN];
static int chain_heard;

static int unblock_next(const struct tocsin_info *info, void *arg)
{
    int at = number_of(info);

    (void)arg;
    chain_heard++;
    if (at + 1 < CHAIN)
        unblock(chain[at + 1]);
    return TOCSIN_NEXT;
}

START_TEST(nested_unblocks_have_a_limit)
{
    char name[32];

    ck_assert_int_eq(tocsin_on("chain.*", unblock_next, NULL), 0);
    for (int i = 0; i < CHAIN; i++) {
        int signo;

        sprintf(name, "chain.n%d", i);
        signo = ranked(name, 0);
        chain[i] = block(name);
        ck_assert_int_eq(emit(signo, i), TOCSIN_PENDED);
    }
    unblock(chain[0]);
    while (tocsin_loop_turn(0) > 0)
        ;
    ck_assert_int_eq(chain_heard, CHAIN);
}
END_TEST

/* Contract line E10: a pending emission is delivered, and its handler emits the same signal again.
   The new emission must not be delivered inside this delivery, even if the signal is unblocked
   meanwhile. */
static void enter(const struct tocsin_info *info, int call)
{
    (void)call;
    record("%s%d(", info->name + 2, number_of(info));
    if (number_of(info) == 1)
        ck_assert_int_eq(emit(signos[1], 0), TOCSIN_DELIVERED);
    record(")");
}

static void emit_into(const struct tocsin_info *info, int call)
{
    (void)info, (void)call;
    if (number_of(info) == 9)
        ck_assert_int_eq(emit(signos[0], 3), TOCSIN_PENDED);
    record("b");
}

static void pend_two(const char *pattern)
{
    masks[0] = block(pattern);
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[0], 2), TOCSIN_PENDED);
    unblock(masks[0]);
}

START_TEST(a_mask_does_not_nest_emissions_of_a_flush)
{
    static const char *const held[] = { "e.a", "e.*", "**, !tocsin.**" };

    signos[0] = ranked("e.a", 0);
    signos[1] = ranked("e.b", 0);
    steps_on("e.a", enter, NULL, TOCSIN_NODEFER);
    steps_on("e.b", emit_into, held[_i], 0);
    pend_two("e.a");
    ck_assert_record("a1( b ) a2( )");
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

/* The pending emissions of a signal are delivered, and its NODEFER handler emits the signal again.
   The signal is not blocked. The new emission must nevertheless wait behind the older pending
   emissions. */
static void emit_own(const struct tocsin_info *info, int call)
{
    (void)call;
    record("a%d(", number_of(info));
    if (number_of(info) == 1)
        ck_assert_int_eq(emit(signos[0], 3), TOCSIN_PENDED);
    record(")");
}

START_TEST(an_emission_of_a_flushed_signal_waits)
{
    signos[0] = ranked("e.a", 0);
    steps_on("e.a", emit_own, NULL, TOCSIN_NODEFER);
    pend_two("e.a");
    ck_assert_record("a1( ) a2( )");
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("a3( )");
}
END_TEST

/* Contract line E10: emissions that one turn leaves for the next turn ("late" ones) follow the same
   rule. An emission that a handler makes meanwhile is not delivered inside the handler's call. */
static void in_the_turn(const struct tocsin_info *info, int call)
{
    (void)call;
    record("a%d(", number_of(info));
    if (number_of(info) == 0) {
        masks[1] = block("e.a");
        ck_assert_int_eq(emit(signos[0], 1), TOCSIN_PENDED);
        ck_assert_int_eq(emit(signos[0], 2), TOCSIN_PENDED);
    } else if (number_of(info) == 1) {
        ck_assert_int_eq(emit(signos[1], 9), TOCSIN_DELIVERED);
    }
    record(")");
}

START_TEST(late_emissions_do_not_nest_in_a_turn)
{
    signos[0] = ranked("e.a", 0);
    signos[1] = ranked("e.b", 0);
    steps_on("e.a", in_the_turn, NULL, TOCSIN_NODEFER);
    steps_on("e.b", emit_into, "e.a", 0);
    ck_assert_int_eq(emit(signos[0], 0), TOCSIN_DELIVERED);
    unblock(masks[1]);
    ck_assert_record("a0( ) a1( b ) a2( )");
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("a3( )");
}
END_TEST

/* A handler unblocks its own signal. The unblock delivers the pending emissions of the signal at
   once, nested in the call of that handler. */
static void unblock_inside(const struct tocsin_info *info, int call)
{
    (void)call;
    record("a%d(", number_of(info));
    if (number_of(info) == 1)
        unblock(block("e.a"));
    record(")");
}

START_TEST(an_unblock_in_a_handler_delivers_before_it_returns)
{
    signos[0] = ranked("e.a", 0);
    steps_on("e.a", unblock_inside, NULL, TOCSIN_NODEFER);
    pend_two("e.a");
    ck_assert_record("a1( a2( ) )");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/mask_in_handlers");
    TCase *tests = test_case(suite, "mask_handlers");

    test_needs_processes();
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_handler_blocks_signals);
    tcase_add_test(tests, a_token_does_not_unblock_a_running_signal);
    tcase_add_test(tests, a_handler_unblocks_its_own_signal);
    tcase_add_test(tests, a_handler_restores_the_old_set);
    tcase_add_test(tests, unblocked_emissions_nest_to_the_limit);
    tcase_add_test(tests, a_handlers_mask_holds_until_the_delivery_ends);
    tcase_add_test(tests, ignoring_in_a_handler_discards_masked_emissions);
    tcase_add_test(tests, a_handler_removes_its_own_mask);
    tcase_add_test(tests, masks_of_nested_handlers_that_are_disconnected);
    tcase_add_test(tests, a_flush_of_thousands_is_ordered_by_rank);
    tcase_add_test(tests, a_flush_does_not_deliver_new_emissions);
    tcase_add_test(tests, late_emissions_are_delivered_by_rank);
    tcase_add_test(tests, nested_unblocks_have_a_limit);
    tcase_add_loop_test(tests, a_mask_does_not_nest_emissions_of_a_flush, 0, 3);
    tcase_add_test(tests, an_emission_of_a_flushed_signal_waits);
    tcase_add_test(tests, late_emissions_do_not_nest_in_a_turn);
    tcase_add_test(tests, an_unblock_in_a_handler_delivers_before_it_returns);
    return suite;
}
