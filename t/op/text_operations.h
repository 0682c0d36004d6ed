/* Helpers for tests of operations and blocks: operations whose payload is a text, and handlers that
   record the text. The payload is lent or copied. */
#ifndef TOCSIN_T_OP_TEXT_OPERATIONS_H
#define TOCSIN_T_OP_TEXT_OPERATIONS_H

#include <tocsin/inspect.h>
#include <tocsin/provider.h>

#include "blocks.h"
#include "handlers.h"
#include "record.h"

#define TEXT(F) F(string, text) F(object, object)
TOCSIN_LAYOUT(text, TEXT);

enum { LIMIT = 4 };

TOCSIN__UNUSED static struct told told;
TOCSIN__UNUSED static struct tocsin_block mask;
TOCSIN__UNUSED static int drops, resumed, steps;

/* The state of an operation whose payload is a text */
struct state {
    struct text done;
    char text[16];
};

TOCSIN__UNUSED static int text_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)state;
    return tocsin_op_complete(op, reason, NULL);
}

TOCSIN__UNUSED static void text_resume(struct tocsin_op op, void *state)
{
    (void)op, (void)state;
    resumed++;
}

TOCSIN__UNUSED static void text_drop(void *state)
{
    (void)state;
    drops++;
}

TOCSIN__UNUSED static const struct tocsin_signal_spec done_spec = { .name = "pended.done",
                                                                    .doc = "A text.",
                                                                    .layout = &text_layout };
TOCSIN__UNUSED static const struct tocsin_signal_spec part_spec = {
    .name = "pended.part", .doc = "A part.", .layout = &text_layout, .limit = LIMIT
};
TOCSIN__UNUSED static const struct tocsin_signal_spec few_spec = { .name = "pended.few",
                                                                   .doc = "A few.",
                                                                   .limit = LIMIT };
TOCSIN__UNUSED static const struct tocsin_op_type text_type = {
    .done = &done_spec,
    .progress = { &part_spec },
    .state_size = sizeof(struct state),
    .cancel = text_cancel,
    .resume = text_resume,
    .drop = text_drop,
};
TOCSIN__UNUSED static const struct tocsin_op_type few_type = { .done = &few_spec },
                                                  few_more_type = { .done = &few_spec };

TOCSIN__UNUSED static struct tocsin_op start(const struct tocsin_op_type *type,
                                             const struct tocsin_notify *notify)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(type, notify, &op), 0);
    ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
    return op;
}

TOCSIN__UNUSED static struct tocsin_op promise(const struct tocsin_notify *notify)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, notify, &op), 0);
    return op;
}

TOCSIN__UNUSED static struct tocsin_op done(struct tocsin_op op, int status)
{
    ck_assert_int_eq(tocsin_op_complete(op, status, NULL), 0);
    return op;
}

/* Completes the operation with this text as its payload. */
TOCSIN__UNUSED static struct tocsin_op text_done(struct tocsin_op op, const char *text, bool lent)
{
    struct state *state = tocsin_op_state(op);

    ck_assert_int_eq(tocsin_source_set(op.source, (void *)text), 0);
    state->done = text_make();
    state->done.text = strcpy(state->text, text);
    if (lent)
        ck_assert_int_eq(tocsin_op_complete(op, 7, &state->done.tocsin), 0);
    else
        ck_assert_int_eq(
            tocsin_op_complete(op, 7,
                               TOCSIN_PAYLOAD(text, .text = text, .object = { &refs, &shared })),
            0);
    return op;
}

TOCSIN__UNUSED static void turns(void)
{
    for (int i = 0; i < 4; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

/* Records the arg, a colon and the text of the payload. Checks that the payload is complete. */
TOCSIN__UNUSED static int write_text(const struct tocsin_info *info, void *arg)
{
    const struct text *text = text_of(info);

    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(info->code, TOCSIN_DONE);
    ck_assert_int_eq(info->status, 7);
    ck_assert_str_eq(tocsin_info_data(info), text->text);
    record("%s:%s", (const char *)arg, text->text);
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static int write_status(const struct tocsin_info *info, void *arg)
{
    record("%s%d", (const char *)arg, info->status);
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static int free_loop(const struct tocsin_info *info, void *arg)
{
    write_status(info, arg);
    tocsin_loop_free();
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static void hear_from(struct tocsin_op op, const char *pattern, tocsin_fn fn,
                                     void *arg)
{
    ck_assert_int_eq(
        tocsin_connect(pattern,
                       &(struct tocsin_action){ .fn = fn, .arg = arg, .source = op.source }, NULL),
        0);
}

TOCSIN__UNUSED static struct tocsin_queue open_queue(const char *pattern, size_t limit,
                                                     unsigned flags)
{
    struct tocsin_queue queue;

    ck_assert_int_eq(
        tocsin_queue_open(pattern, &(struct tocsin_queue_options){ .limit = limit, .flags = flags },
                          &queue),
        0);
    return queue;
}

TOCSIN__UNUSED static void write_queue(struct tocsin_queue queue, const char *who)
{
    struct tocsin_info *info;

    while (tocsin_queue_wait(queue, 0, &info) == 0) {
        record("%s%d", who, info->status);
        tocsin_info_unref(info);
    }
}

TOCSIN__UNUSED static void close_queue(struct tocsin_queue queue)
{
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}

TOCSIN__UNUSED static size_t reserved(struct tocsin_queue queue)
{
    struct tocsin_queue_facts facts = { .queue = { 0 } };

    do
        ck_assert_int_eq(tocsin_queue_next(facts.queue, &facts), 0);
    while (facts.queue.id != queue.id);
    return facts.reserved;
}

TOCSIN__UNUSED static void begin(void)
{
    memset(&told, 0, sizeof told);
    drops = resumed = refs = 0;
    ck_assert(tocsin_declare(&done_spec) > 0 && tocsin_declare(&part_spec) > 0 &&
              tocsin_declare(&few_spec) > 0);
    steps = 0;
    /* this turn creates the loop and declares the signals of the library */
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

#endif
