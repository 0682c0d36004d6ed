/* Helpers for tests of several threads. There are signals, a payload with one field of each type
   that must be copied, and handlers that record their calls. */
#ifndef TOCSIN_T_CONTRACT_REMOTE_SIGNALS_H
#define TOCSIN_T_CONTRACT_REMOTE_SIGNALS_H

#include <stdatomic.h>

#include "command_threads.h"

#define NUMBER(F) F(u64, value)
TOCSIN_LAYOUT(number, NUMBER);
#define LETTER(F) F(string, text) F(bytes, data) F(fd, fd) F(object, thing)
TOCSIN_LAYOUT(letter, LETTER);

enum {
    ROOM = TOCSIN_INBOX - 128,
    VALUES = 4096
}; /* ROOM is the number of entries of an inbox that are not reserved for real signals */

TOCSIN__UNUSED static int note, number, latest, letter, newest, few, guarded, question, filler;

TOCSIN__UNUSED static int declare(struct tocsin_signal_spec spec)
{
    int signo;

    spec.doc = "Of a test.";
    signo = tocsin_declare(&spec);
    ck_assert_int_gt(signo, 0);
    return signo;
}

/* These variables record the calls of the default action of the signal "guarded". */

TOCSIN__UNUSED static struct told acted;
TOCSIN__UNUSED static struct tocsin_loop acted_on;

TOCSIN__UNUSED static int act(const struct tocsin_info *info, void *arg)
{
    ck_assert_ptr_null(arg);
    acted_on = tocsin_loop_current();
    return tell(info, &acted);
}

/* What a handler has received: the infos, and the values of the numbers. */
TOCSIN__UNUSED static struct heard {
    struct told told;
    uint64_t values[VALUES];
    unsigned overruns;
} heard, other;

TOCSIN__UNUSED static int hear(const struct tocsin_info *info, void *arg)
{
    struct heard *self = arg;

    if (number_of(info))
        self->values[self->told.count % VALUES] = number_of(info)->value;
    self->overruns += info->overrun;
    return tell(info, &self->told);
}

TOCSIN__UNUSED static void check_values(const struct heard *self, int count)
{
    ck_assert_int_eq(self->told.count, count);
    for (int i = 0; i < count; i++)
        ck_assert_uint_eq(self->values[i], i);
}

TOCSIN__UNUSED static void begin(void)
{
    memset(&heard, 0, sizeof heard);
    memset(&other, 0, sizeof other);
    memset(&acted, 0, sizeof acted);
    written[0] = '\0';
    note = declare((struct tocsin_signal_spec){ .name = "test.note" });
    number = declare((struct tocsin_signal_spec){
        .name = "test.number", .layout = &number_layout, .flags = TOCSIN_ASYNC });
    latest = declare((struct tocsin_signal_spec){ .name = "test.latest",
                                                  .layout = &number_layout,
                                                  .kind = TOCSIN_COALESCE,
                                                  .flags = TOCSIN_ASYNC });
    letter = declare((struct tocsin_signal_spec){
        .name = "test.letter", .layout = &letter_layout, .limit_bytes = (size_t)1 << 30 });
    newest = declare((struct tocsin_signal_spec){
        .name = "test.newest", .layout = &letter_layout, .kind = TOCSIN_COALESCE });
    few = declare(
        (struct tocsin_signal_spec){ .name = "test.few", .layout = &number_layout, .limit = 4 });
    question = declare(
        (struct tocsin_signal_spec){ .name = "test.question", .kind = TOCSIN_DIRECT });
    guarded = declare((struct tocsin_signal_spec){
        .name = "guarded.plain", .layout = &number_layout, .unhandled_fn = act });
    filler = declare((struct tocsin_signal_spec){ .name = "filler" });
}

/* Functions that post */

TOCSIN__UNUSED static int post_number(int signo, uint64_t value)
{
    return tocsin_post(signo, TOCSIN_PAYLOAD(number, .value = value));
}

TOCSIN__UNUSED static int emit_number(int signo, uint64_t value)
{
    return tocsin_emit(signo, TOCSIN_PAYLOAD(number, .value = value));
}

TOCSIN__UNUSED static int post_text(int signo, const char *text)
{
    struct letter made = letter_make();

    made.text = text;
    made.fd = -1;
    return tocsin_post(signo, &made.tocsin);
}

/* Posts the numbers from 0 on, until a post is refused. Returns how many posts were accepted. */
TOCSIN__UNUSED static int post_until_full(int signo)
{
    int answer, count = 0;

    while ((answer = post_number(signo, (uint64_t)count)) == TOCSIN_PENDED)
        count++;
    ck_assert_int_eq(answer, -EAGAIN);
    return count;
}

/* The type of an object in a payload. Any thread may count references of such objects here. */
TOCSIN__UNUSED static atomic_int refs, unrefs;
TOCSIN__UNUSED static int ref_answer;

static int thing_ref(void *object)
{
    (void)object;
    refs += ref_answer == 0;
    return ref_answer;
}

static void thing_unref(void *object)
{
    (void)object;
    unrefs++;
}

static const struct tocsin_object_ops thing = { "thing", thing_ref, thing_unref };

TOCSIN__UNUSED static struct letter full_letter(const char *text, int fd)
{
    struct letter made = letter_make();

    refs = unrefs = ref_answer = 0;
    made.text = text;
    made.data = (struct tocsin_bytes){ "data", 4 };
    made.fd = fd;
    made.thing = (struct tocsin_object){ &refs, &thing };
    return made;
}

#endif
