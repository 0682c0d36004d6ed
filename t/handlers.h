/* Handlers that several tests use. The handler `tell` records the last info. The handler
   `write_down` appends a word to a text in each call. Another function runs turns until a handler
   has been called often enough. */
#ifndef TOCSIN_T_HANDLERS_H
#define TOCSIN_T_HANDLERS_H

#include <stdio.h>
#include <string.h>

#include "test.h"

struct told {
    /* The member `count` is the number of calls. The other members are copies of the last info's
       members. */
    int count, status, code, signo;
    unsigned overrun;
    uint64_t source, sequence, parent;
    int answer; /* the value that the handler returns */
};

TOCSIN__UNUSED static int tell(const struct tocsin_info *info, void *arg)
{
    struct told *told = arg;

    told->count++;
    told->status = info->status;
    told->code = info->code;
    told->signo = info->signo;
    told->overrun = info->overrun;
    told->source = info->source.id;
    told->sequence = info->sequence;
    told->parent = info->parent;
    return told->answer;
}

/* The handler `write_down` appends its arg, a string, to the text written. */
TOCSIN__UNUSED static char written[4096];

TOCSIN__UNUSED static int write_down(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_uint_lt(strlen(written) + strlen(arg) + 1, sizeof written);
    strcat(written, arg);
    return TOCSIN_NEXT;
}

/* The arg of these handlers points to the handler that they disconnect, or to the operation that
   they cancel. */
TOCSIN__UNUSED static int disconnect_arg(const struct tocsin_info *info, void *arg)
{
    (void)info;
    return tocsin_disconnect(*(struct tocsin_handler *)arg);
}

TOCSIN__UNUSED static int cancel_arg(const struct tocsin_info *info, void *arg)
{
    (void)info;
    return tocsin_cancel(*(struct tocsin_op *)arg);
}

TOCSIN__UNUSED static void turns_until(const int *count, int least)
{
    while (*(const volatile int *)count < least)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
}

TOCSIN__UNUSED static void connect_to(const char *pattern, tocsin_fn fn, void *arg)
{
    ck_assert_int_eq(tocsin_connect(pattern, &(struct tocsin_action){ .fn = fn, .arg = arg }, NULL),
                     0);
}

/* Waits until all operations of the loop have ended. */
TOCSIN__UNUSED static void drain_all(void)
{
    ck_assert_int_eq(tocsin_drain(-1), 0);
    ck_assert_int_eq(tocsin_run(), 0);
}

#endif
