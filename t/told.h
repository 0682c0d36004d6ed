/* Handlers for tests: one that remembers what it was told, one that writes down who was called. And turns until something is so. */
#ifndef TOCSIN_T_TOLD_H
#define TOCSIN_T_TOLD_H

#include <stdio.h>
#include <string.h>

#include "test.h"

struct told {
    int count, status, code, signo;                    /* the last one's, but for count */
    unsigned overrun;
    uint64_t source, sequence, parent;
    int answer;                                        /* what it is to return */
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

/* A handler whose arg is a text adds it to this one. */
TOCSIN__UNUSED static char written[4096];

TOCSIN__UNUSED static int write_down(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_uint_lt(strlen(written) + strlen(arg) + 1, sizeof written);
    strcat(written, arg);
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static void turns_until(const int *count, int least)
{
    while (*(const volatile int *)count < least)
        ck_assert_int_ge(tocsin_turn(-1), 0);
}

TOCSIN__UNUSED static void connect_to(const char *pattern, tocsin_fn fn, void *arg)
{
    ck_assert_int_eq(tocsin_connect(pattern, &(struct tocsin_action){ .fn = fn, .arg = arg }, NULL), 0);
}

/* The catalogue's signals are there once the thread has a loop. */
TOCSIN__UNUSED static void drain_all(void)
{
    ck_assert_int_eq(tocsin_drain(-1), 0);
    ck_assert_int_eq(tocsin_run(), 0);
}

#endif
