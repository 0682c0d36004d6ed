/* Helpers for the tests of blocks and masks. They declare signals whose payload is a number, and
   signals with a given rank. Their handlers record the number, or run a step of a test. Several
   patterns match the same names. */
#ifndef TOCSIN_T_DELIVERY_MASK_HELPERS_H
#define TOCSIN_T_DELIVERY_MASK_HELPERS_H

#include <limits.h>

#include <tocsin/posix.h>

#include "record.h"
#include "test.h"

#define NOTE(F) F(i32, number) F(bytes, data)
TOCSIN_LAYOUT(note, NOTE);

TOCSIN__UNUSED static struct tocsin_block masks[64];
TOCSIN__UNUSED static int signos[16];

TOCSIN__UNUSED static int ranked(const char *name, int rank)
{
    int signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = name, .rank = rank, .layout = &note_layout });

    ck_assert_int_gt(signo, 0);
    return signo;
}

TOCSIN__UNUSED static int emit(int signo, int number)
{
    return tocsin_emit(signo, TOCSIN_PAYLOAD(note, .number = number));
}

TOCSIN__UNUSED static int number_of(const struct tocsin_info *info)
{
    return note_of(info)->number;
}

TOCSIN__UNUSED static int write_number(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%d", number_of(info));
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static struct tocsin_block block(const char *pattern)
{
    struct tocsin_block mask;

    ck_assert_int_eq(tocsin_block(pattern, &mask), 0);
    ck_assert_int_eq(tocsin_id_error(mask.id), 0);
    return mask;
}

TOCSIN__UNUSED static void unblock(struct tocsin_block mask)
{
    ck_assert_int_eq(tocsin_unblock(mask), 0);
}

TOCSIN__UNUSED static void connect_as(const char *pattern, tocsin_fn fn, void *arg,
                                      const char *mask, unsigned flags)
{
    ck_assert_int_eq(
        tocsin_connect(
            pattern, &(struct tocsin_action){ .fn = fn, .arg = arg, .mask = mask, .flags = flags },
            NULL),
        0);
}

TOCSIN__UNUSED static void mask_set(enum tocsin_how how, const char *pattern)
{
    ck_assert_int_ge(tocsin_sigmask(how, pattern, NULL, 0), 0);
}

/* The arg of a handler that runs a function of a test. The function gets the number of the
   handler's call. */
struct steps {
    void (*step)(const struct tocsin_info *info, int call);
    int calls;
};

TOCSIN__UNUSED static int make_step(const struct tocsin_info *info, void *arg)
{
    struct steps *steps = arg;

    steps->step(info, ++steps->calls);
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static void steps_on(const char *name,
                                    void (*step)(const struct tocsin_info *info, int call),
                                    const char *mask, unsigned flags)
{
    static struct steps all[16];
    static int count;

    all[count] = (struct steps){ step, 0 };
    connect_as(name, make_step, &all[count++], mask, flags);
}

/* The library takes a slower path for the first emission of a signal. A test of the fast path calls
   this function first. */
TOCSIN__UNUSED static void emit_first(int signo)
{
    tocsin_emit(signo, TOCSIN_PAYLOAD(note, .number = -1));
    record_take();
}

TOCSIN__UNUSED static const char *const patterns[] = {
    "m.a.x",      "m.**", "m.*.x", "m.a.*, n.*", "**, !n.**", "*.a, m.b.y", "m.**, !m.a.*, m.a.y",
    "n.b, m.a.y",
};
TOCSIN__UNUSED static const char *const names[] = {
    "m.a.x", "m.a.y", "m.b.x", "m.b.y", "n.a", "n.b"
};
TOCSIN__UNUSED static const int ranks[] = { 3, 1, 3, INT_MIN, -1, INT_MAX };
enum { PATTERNS = sizeof patterns / sizeof *patterns, NAMES = sizeof names / sizeof *names };

TOCSIN__UNUSED static void names_listen(void)
{
    for (int i = 0; i < NAMES; i++) {
        signos[i] = ranked(names[i], ranks[i]);
        ck_assert_int_eq(tocsin_on(names[i], write_number, NULL), 0);
    }
}

/* Takes the next entry of the queue. Returns the number in the entry's payload, or the error of
   tocsin_queue_wait(). */
TOCSIN__UNUSED static int taken(struct tocsin_queue queue)
{
    struct tocsin_info *info;
    int err = tocsin_queue_wait(queue, 0, &info), number;

    if (err < 0)
        return err;
    ck_assert_ptr_nonnull(info);
    number = number_of(info);
    tocsin_info_unref(info);
    return number;
}

#endif
