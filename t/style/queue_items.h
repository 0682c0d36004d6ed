/* Helpers for tests of queues with a pattern. There are signals whose payload is a number,
   functions that open queues, and functions that record the entries of a queue. */
#ifndef TOCSIN_T_STYLE_QUEUE_ITEMS_H
#define TOCSIN_T_STYLE_QUEUE_ITEMS_H

#include <tocsin/inspect.h>

#include "blocks.h"
#include "handlers.h"
#include "record.h"

#define ITEM(F) F(i32, number) F(bytes, data) F(object, object)
TOCSIN_LAYOUT(item, ITEM);

TOCSIN__UNUSED static struct tocsin_block mask;
/* the signals `a`, `b` and `c` have the ranks 3, 2 and 1; the signal `note` coalesces */
TOCSIN__UNUSED static int a, b, c, note;

TOCSIN__UNUSED static int emit(int signo, int number)
{
    return tocsin_emit(signo, TOCSIN_PAYLOAD(item, .number = number, .object = { &refs, &shared }));
}

TOCSIN__UNUSED static int emit_bytes(int signo, size_t size)
{
    static char data[4096];

    return tocsin_emit(signo, TOCSIN_PAYLOAD(item, .data = { data, size }));
}

TOCSIN__UNUSED static void emits(int signo, int first, int last)
{
    for (int i = first; i <= last; i++)
        ck_assert_int_eq(emit(signo, i), TOCSIN_PENDED);
}

TOCSIN__UNUSED static int write_item(const struct tocsin_info *info, void *arg)
{
    record("%s%s%d", (const char *)arg, info->name + strlen("take."), item_of(info)->number);
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static struct tocsin_queue open_queue(const char *pattern, unsigned flags,
                                                     size_t limit, size_t limit_bytes)
{
    struct tocsin_queue_options options = { .flags = flags,
                                            .limit = limit,
                                            .limit_bytes = limit_bytes };
    struct tocsin_queue queue;

    ck_assert_int_eq(tocsin_queue_open(pattern, &options, &queue), 0);
    return queue;
}

TOCSIN__UNUSED static struct tocsin_queue open_take(const char *pattern)
{
    return open_queue(pattern, TOCSIN_TAKE, 0, 0);
}

TOCSIN__UNUSED static void close_queue(struct tocsin_queue queue)
{
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}

/* Waits for an entry of the queue, and records the entry. If the wait fails, the function records
   the word `who` and the error. */
TOCSIN__UNUSED static void wait_for(struct tocsin_queue queue, int64_t timeout_ms, const char *who)
{
    struct tocsin_info *info;
    int err = tocsin_queue_wait(queue, timeout_ms, &info);

    if (err == 0) {
        write_item(info, (void *)who);
        tocsin_info_unref(info);
    } else {
        record("%s%d", who, err);
    }
}

TOCSIN__UNUSED static void wait_all(struct tocsin_queue queue)
{
    struct tocsin_info *info;

    while (tocsin_queue_wait(queue, 0, &info) == 0) {
        write_item(info, "");
        tocsin_info_unref(info);
    }
}

TOCSIN__UNUSED static struct tocsin_queue_facts facts_of(struct tocsin_queue queue)
{
    struct tocsin_queue_facts facts = { .queue = { 0 } };

    do
        ck_assert_int_eq(tocsin_queue_next(facts.queue, &facts), 0);
    while (facts.queue.id != queue.id);
    return facts;
}

TOCSIN__UNUSED static void turns(void)
{
    for (int i = 0; i < 4; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

TOCSIN__UNUSED static int declare(const char *name, int rank, enum tocsin_kind kind)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = name, .rank = rank, .kind = kind, .layout = &item_layout });

    ck_assert_int_gt(signo, 0);
    return signo;
}

TOCSIN__UNUSED static void begin(void)
{
    record_take();
    refs = 0;
    a = declare("take.a", 3, TOCSIN_QUEUED);
    b = declare("take.b", 2, TOCSIN_QUEUED);
    c = declare("take.c", 1, TOCSIN_QUEUED);
    note = declare("take.note", 0, TOCSIN_COALESCE);
    ck_assert_int_ge(tocsin_loop_turn(0), 0); /* this turn creates the loop */
}

TOCSIN__UNUSED static void end(void)
{
    ck_assert_int_eq(refs, 0);
}

#endif
