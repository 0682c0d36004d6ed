/* with _FORTIFY_SOURCE, longjmp() would treat a jump to another stack as an error */
#undef _FORTIFY_SOURCE
/* Measures the cost of a switch to a fiber and back. The public interface has no call for a single
   switch. So each side makes the same rounds over a hundred fibers, and the cost of a round is
   divided by the number of fibers. For tocsin, a round is a turn. */
#include "bench.h"

#include <setjmp.h>
#include <stdlib.h>
#include <tocsin.h>
#include <tocsin/provider.h>
#include <ucontext.h>

enum { FIBERS = 100, STACK = 64 * 1024 };

/* Measures tocsin with a yield: each yield switches to the loop. In the next turn, the loop
   switches back to the fiber. */

static bool ending;

static int yielding(void *arg)
{
    uint64_t *switched = arg;
    int err = 0;

    while (!ending && !err) {
        ++*switched;
        err = tocsin_yield();
    }
    return err;
}

static void run_turns(void *arg, long count)
{
    uint64_t *switched = arg, enough = *switched + (uint64_t)count * FIBERS;

    while (*switched < enough)
        if (tocsin_loop_turn(0) < 0)
            exit(1);
}

static double measure_yield(void *arg)
{
    uint64_t switched = 0;
    double ns;

    (void)arg;
    for (int i = 0; i < FIBERS; i++)
        if (tocsin_spawn(yielding, &switched, NULL, NULL))
            return NAN;
    run_turns(&switched, 1);
    ns = bench_time(run_turns, &switched) / FIBERS;
    ending = true;
    tocsin_loop_free();
    return ns;
}

/* Measures tocsin with a wait: a fiber waits for an operation, which the loop's own stack
   completes. */

struct waiter {
    struct tocsin_op op;
    uint64_t woken;
};

static int waiting(void *arg)
{
    struct waiter *waiter = arg;
    int err = 0;

    while (!ending && !err) {
        err = tocsin_op_new(NULL, TOCSIN_FUTURE, &waiter->op);
        if (!err)
            err = tocsin_wait(waiter->op, -1, NULL);
        waiter->woken++;
    }
    return err;
}

/* Completes the operation of each fiber, and runs turns until the last fiber waits again. */
static void run_round(struct waiter *waiters)
{
    uint64_t before = waiters[FIBERS - 1].woken;

    for (int i = 0; i < FIBERS; i++)
        if (tocsin_op_complete(waiters[i].op, 0, NULL))
            exit(1);
    while (waiters[FIBERS - 1].woken == before)
        if (tocsin_loop_turn(0) < 0)
            exit(1);
}

static void run_rounds(void *arg, long count)
{
    while (count-- > 0)
        run_round(arg);
}

static double measure_await(void *arg)
{
    struct waiter waiters[FIBERS] = { { { { 0 } }, 0 } };
    double ns;

    (void)arg;
    for (int i = 0; i < FIBERS; i++)
        if (tocsin_spawn(waiting, &waiters[i], NULL, NULL))
            return NAN;
    while (!waiters[FIBERS - 1].op.source.id)
        if (tocsin_loop_turn(0) < 0)
            return NAN;
    ns = bench_time(run_rounds, waiters) / FIBERS;
    ending = true;
    tocsin_loop_free();
    return ns;
}

/* Measures tocsin with a new fiber: the loop starts a fiber, and the fiber ends at once. */

/* The number of fibers that exist at the same time. A loop keeps some unused stacks. In one case
   the fibers need fewer stacks than the loop keeps. In the other case they need more, so most
   fibers get a new stack. */
static int at_a_time;

static int counting(void *arg)
{
    ++*(uint64_t *)arg;
    return 0;
}

static void spawn_and_end(void *arg, long count)
{
    uint64_t *ended = arg;

    while (count-- > 0) {
        uint64_t before = *ended;

        for (int i = 0; i < at_a_time; i++)
            if (tocsin_spawn(counting, ended, NULL, NULL))
                exit(1);
        while (*ended < before + (uint64_t)at_a_time)
            tocsin_loop_turn(0);
    }
}

static double measure_spawn(void *arg)
{
    uint64_t ended = 0;
    double ns;

    at_a_time = *(int *)arg;
    ns = bench_time(spawn_and_end, &ended) / at_a_time;
    tocsin_loop_free();
    return ns;
}

/* Measures the same rounds without tocsin, by longjmp() and by swapcontext(). */

static struct hand {
    ucontext_t context;
    sigjmp_buf place;
    uint64_t switched;
} home, hands[FIBERS];

static struct hand *current;

static void swapping(void)
{
    for (struct hand *self = current;;) {
        self->switched++;
        swapcontext(&self->context, &home.context);
    }
}

static void swap_rounds(void *arg, long count)
{
    (void)arg;
    while (count-- > 0)
        for (int i = 0; i < FIBERS; i++) {
            current = &hands[i];
            swapcontext(&home.context, &current->context);
        }
}

static void jumping(void)
{
    struct hand *self = current;

    for (;;) {
        self->switched++;
        if (!sigsetjmp(self->place, 0))
            siglongjmp(home.place, 1);
    }
}

/* Runs on a stack of its own. Local variables are not valid after the jump, so the function reads
   its values from *hand. */
__attribute__((noinline)) static void jump_to(struct hand *hand)
{
    if (!sigsetjmp(home.place, 0))
        siglongjmp(hand->place, 1);
}

static void jump_rounds(void *arg, long count)
{
    (void)arg;
    while (count-- > 0)
        for (int i = 0; i < FIBERS; i++)
            jump_to(&hands[i]);
}

/* Enters the context of makecontext(3) once. getcontext() and sigsetjmp() may return twice, so no
   local variable may be used after their return. */
__attribute__((noinline)) static bool make_hand(struct hand *hand, void (*function)(void))
{
    if (getcontext(&hand->context) || !(hand->context.uc_stack.ss_sp = malloc(STACK)))
        return false;
    hand->context.uc_stack.ss_size = STACK;
    makecontext(&hand->context, function, 0);
    current = hand;
    if (!sigsetjmp(home.place, 0))
        swapcontext(&home.context, &current->context);
    return true;
}

static bool make_hands(void (*function)(void))
{
    for (int i = 0; i < FIBERS; i++)
        if (!make_hand(&hands[i], function))
            return false;
    return true;
}

static double measure_swapcontext(void *arg)
{
    (void)arg;
    return make_hands(swapping) ? bench_time(swap_rounds, NULL) / FIBERS : NAN;
}

static double measure_jump(void *arg)
{
    (void)arg;
    return make_hands(jumping) ? bench_time(jump_rounds, NULL) / FIBERS : NAN;
}

/* Functions that compare all ways of switching */

/* Measures each way of switching in a process of its own. The end of this process also frees the
   stacks that are left. */
static double forked_yield(void *arg)
{
    return bench_forked(measure_yield, arg);
}
static double forked_swapcontext(void *arg)
{
    return bench_forked(measure_swapcontext, arg);
}
static double forked_jump(void *arg)
{
    return bench_forked(measure_jump, arg);
}
static double forked_await(void *arg)
{
    return bench_forked(measure_await, arg);
}
static double forked_spawn(void *arg)
{
    return bench_forked(measure_spawn, arg);
}

int main(int argc, char **argv)
{
    int few = 32, many = 512;
    struct bench_side sides[] = {
        { "tocsin", forked_yield, NULL, NAN }, { "swapcontext", forked_swapcontext, NULL, NAN },
        { "raw", forked_jump, NULL, NAN },     { "tocsin", forked_await, NULL, NAN },
        { "tocsin", forked_spawn, &few, NAN }, { "tocsin", forked_spawn, &many, NAN }
    };

    bench_begin(argc, argv, "Measures a switch to a fiber and back.");
    bench_remark("round-trip: two switches; tocsin: tocsin_yield by each of %d fibers a turn, a "
                 "hundredth of the turn in it; raw: sigsetjmp and "
                 "siglongjmp by hand",
                 FIBERS);
    bench_interleave(sides, 6, bench_quick ? 3 : 9);
    bench_row("tocsin", "round-trip", sides[0].value, "ns", "swapcontext", sides[1].value);
    bench_row("swapcontext", "round-trip", sides[1].value, "ns", NULL, 0);
    bench_row("raw", "round-trip", sides[2].value, "ns", "swapcontext", sides[1].value);
    bench_remark("await: tocsin_op_new, tocsin_wait on a fiber, tocsin_op_complete by the loop's "
                 "stack, %d a turn",
                 FIBERS);
    bench_row("tocsin", "await", sides[3].value, "ns", NULL, 0);
    bench_remark("spawn=N: N fibers are made, run, and end, for each of them; a loop keeps some "
                 "stacks for the next");
    bench_row("tocsin", "spawn=32", sides[4].value, "ns", NULL, 0);
    bench_row("tocsin", "spawn=512", sides[5].value, "ns", NULL, 0);
    return bench_end();
}
