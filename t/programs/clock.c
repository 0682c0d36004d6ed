#undef NDEBUG
#include <assert.h>
#include <tocsin.h>

static int count(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ++*(int *)arg;
    return TOCSIN_NEXT;
}

int main(void)
{
    int ticks = 0, ends = 0;
    struct tocsin_op timer;

    assert(tocsin_every(1000, TOCSIN_EACH(count, &ticks), &timer) == 0);
    assert(
        tocsin_connect("timer.expired",
                       &(struct tocsin_action){ .fn = count, .arg = &ends, .source = timer.source },
                       NULL) == 0);

    /* moves the clock, and expires each timer that is due, until the loop has nothing left to do */
    tocsin_clock_move(3500);
    assert(ticks == 3 && ends == 0);
    tocsin_cancel(timer);
    assert(ends == 0);    /* tocsin_cancel() itself delivers nothing */
    tocsin_clock_move(0); /* run the loop until it has nothing left to do */
    assert(ticks == 3 && ends == 1);
    assert(tocsin_cancel(timer) == -ENOENT);
    return tocsin_loop_free(); /* the result says how many operations and handlers were left */
}
