/* Helpers that open queues for test.note or for completions, and that list the entries of a queue
   as letters. */
#ifndef TOCSIN_T_STYLE_QUEUE_CODES_H
#define TOCSIN_T_STYLE_QUEUE_CODES_H

#include "handlers.h"

TOCSIN__UNUSED static struct told told;
TOCSIN__UNUSED static int note; /* the number of the signal test.note, which has no payload */

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

/* Takes all entries of the queue. Each entry is recorded as a letter: e for emitted, p for
   progress, d for done. */
TOCSIN__UNUSED static const char *codes(struct tocsin_queue queue)
{
    static char text[256];
    struct tocsin_info *info;
    size_t count = 0;

    while (count < sizeof text - 1 && tocsin_queue_wait(queue, 0, &info) == 0) {
        text[count++] = "?e??pd"[info->code];
        tocsin_info_unref(info);
    }
    text[count] = '\0';
    return text;
}

TOCSIN__UNUSED static void begin(void)
{
    memset(&told, 0, sizeof told);
    note = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .doc = "A note." });
    ck_assert_int_gt(note, 0);
}

#endif
