/* Contract lines E5, E11 and T5: emissions become pending while the handlers of their signal run.
   The tests check the limits of pending emissions, and how they coalesce. They also check when
   pending emissions are delivered, and how deep emissions may nest. */
#include <string.h>

#include "delivery/emit.h"
#include "record.h"
#include "test.h"

#define NOTE(F) F(bytes, data) F(i32, number)
TOCSIN_LAYOUT(note, NOTE);

static int signo, emitted, answers[16];

static int declare(const char *name, enum tocsin_kind kind, size_t limit, size_t limit_bytes)
{
    struct tocsin_signal_spec spec = { .name = name,
                                       .layout = &note_layout,
                                       .kind = kind,
                                       .limit = limit,
                                       .limit_bytes = limit_bytes };

    emitted = 0;
    signo = tocsin_declare(&spec);
    ck_assert_int_gt(signo, 0);
    return signo;
}

static int emit_sized(int number, size_t size)
{
    static const char data[100];

    return tocsin_emit(signo, TOCSIN_PAYLOAD(note, .number = number, .data = { data, size }));
}

static struct tocsin__loop_signal *slot(void)
{
    return tocsin__loop_signal(tocsin__self, signo);
}

/* The first call of the handler emits sizes_count emissions with payloads of these sizes. */
static const size_t *sizes;
static int sizes_count;

static int emit_many(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%d", note_of(info)->number);
    while (emitted < sizes_count) {
        answers[emitted] = emit_sized(emitted + 1, sizes[emitted]);
        emitted++;
    }
    return TOCSIN_NEXT;
}

START_TEST(the_number_of_pending_emissions_is_limited)
{
    static const size_t of[] = { 0, 0, 0, 0, 0 };

    declare("pend.entries", TOCSIN_QUEUED, 3, 0);
    sizes = of, sizes_count = 5;
    ck_assert_int_eq(tocsin_on("pend.entries", emit_many, NULL), 0);
    ck_assert_int_eq(emit_sized(0, 0), TOCSIN_DELIVERED);
    ck_assert_record("0 1 2 3");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(answers[i], i < 3 ? TOCSIN_PENDED : -EAGAIN);
    ck_assert_uint_eq(slot()->queued.count, 0);
    ck_assert_uint_eq(slot()->queued.bytes, 0);
    ck_assert_uint_eq(slot()->state, 0);
}
END_TEST

START_TEST(the_bytes_of_pending_emissions_are_limited)
{
    static const size_t of[] = { 50, 20, 10, 1, 100 };

    /* The library adds a NUL to each copy of bytes, and the NUL counts against the limit. */
    declare("pend.bytes", TOCSIN_QUEUED, 0, 2 * (sizeof(struct note) + 1) + 60);
    sizes = of, sizes_count = 5;
    ck_assert_int_eq(tocsin_on("pend.bytes", emit_many, NULL), 0);
    ck_assert_int_eq(emit_sized(0, 0), TOCSIN_DELIVERED);
    /* The accepted emissions of 50 and 10 bytes fill the limit exactly. */
    ck_assert_record("0 1 3");
    ck_assert_int_eq(answers[1], -EAGAIN);
    ck_assert_int_eq(answers[3], -EAGAIN);
    ck_assert_uint_eq(slot()->queued.bytes, 0);
}
END_TEST

static int emit_merged(const struct tocsin_info *info, void *arg)
{
    struct tocsin_source *sources = arg;

    record("%d:%u", note_of(info)->number, info->overrun);
    if (note_of(info)->number)
        return TOCSIN_NEXT;
    for (int i = 1; i <= 6; i++)
        ck_assert_int_eq(
            tocsin_emit_from(sources[i % 3], signo,
                             TOCSIN_PAYLOAD(note, .number = i, .data = { "datadata", (size_t)i })),
            TOCSIN_PENDED);
    ck_assert_uint_eq(slot()->queued.count, 3);
    ck_assert_uint_eq(slot()->queued.bytes, 3 * (sizeof(struct note) + 1) + 4 + 5 + 6);
    /* This emission is not refused for lack of room: it replaces the pending emission of the same
       source. */
    ck_assert_int_eq(emit_sized(7, 100), TOCSIN_PENDED);
    return TOCSIN_NEXT;
}

START_TEST(emissions_coalesce_for_each_source)
{
    struct tocsin_source sources[3] = { { 0 } };

    declare("pend.merged", TOCSIN_COALESCE, 3, 3 * sizeof(struct note) + 20);
    for (int i = 1; i < 3; i++)
        ck_assert_int_eq(tocsin_source_new(NULL, &sources[i]), 0);
    ck_assert_int_eq(tocsin_on("pend.merged", emit_merged, sources), 0);
    ck_assert_int_eq(emit_sized(0, 0), TOCSIN_DELIVERED);
    /* The newest emission of each source is delivered in the position of the first one. */
    ck_assert_record("0:0 4:1 5:1 7:2");
    ck_assert_int_eq(tocsin_loop_free(), 2);
}
END_TEST

static int emit_itself(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%d", note_of(info)->number);
    return emit_sized(note_of(info)->number + 1, 0);
}

START_TEST(endless_emissions_wait_for_the_next_turn)
{
    declare("pend.ever", TOCSIN_QUEUED, 0, 0);
    ck_assert_int_eq(tocsin_on("pend.ever", emit_itself, NULL), 0);
    ck_assert_int_eq(emit_sized(0, 0), TOCSIN_DELIVERED);
    ck_assert_record("0 1");
    ck_assert_uint_eq(slot()->queued.count, 1);
    for (int i = 2; i < 5; i++) {
        /* A turn does not wait for an event while an emission is left over from the turn before. */
        ck_assert_int_eq(tocsin_loop_turn(-1), 1);
        ck_assert_int_eq(*record_take(), '0' + i);
    }
    tocsin__flush_late(tocsin__self, tocsin__self->sequence);
    ck_assert_record("5");
    ck_assert_int_eq(tocsin_loop_free(), 0);
    /* tocsin_loop_free() delivers the pending emissions. Emissions that handlers make after this
       delivery are refused. */
    ck_assert_int_eq(*record_take(), '6');
}
END_TEST

/* The handler of emission 0 emits 10, and the handler of 10 emits 20. Both new emissions become
   pending. Emission 20 is delivered in the next turn, or earlier if a newer emission would overtake
   it. */
static int emit_tens(const struct tocsin_info *info, void *arg)
{
    int number = note_of(info)->number;

    (void)arg;
    record("%d", number);
    if (number < 20)
        ck_assert_int_eq(emit_sized(number + 10, 0), TOCSIN_PENDED);
    return TOCSIN_NEXT;
}

START_TEST(new_emissions_do_not_overtake_late_ones)
{
    declare("pend.tens", TOCSIN_QUEUED, 0, 0);
    ck_assert_int_eq(tocsin_on("pend.tens", emit_tens, NULL), 0);
    emit_sized(0, 0);
    ck_assert_record("0 10");
    emit_sized(1, 0);
    ck_assert_record("20 1 11");
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("21");
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}
END_TEST

START_TEST(pending_emissions_call_the_handlers_at_delivery)
{
    struct tocsin_handler handler;

    declare("pend.gone", TOCSIN_QUEUED, 0, 0);
    ck_assert_int_eq(
        tocsin_connect("pend.gone", &(struct tocsin_action){ .fn = emit_itself }, &handler), 0);
    emit_sized(0, 0);
    ck_assert_record("0 1");
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    ck_assert_int_eq(emit_sized(9, 0), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_on("pend.gone", record_call, "late"), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_record("late");
}
END_TEST

static int refusals;

static int emit_from_deep(const struct tocsin_info *info, void *arg)
{
    int number = note_of(info)->number, err = emit_sized(number + 1, 0);

    ck_assert_int_le(slot()->delivery.nested, TOCSIN__NEST_MAX - 1);
    refusals += err == -ELOOP;
    if (number == 3 && arg)
        ck_assert_int_eq(tocsin_disconnect(*(struct tocsin_handler *)arg), 0);
    return TOCSIN_NEXT;
}

START_TEST(nesting_is_limited)
{
    struct tocsin_handler handler;
    struct tocsin_action action = { .fn = emit_from_deep,
                                    .arg = &handler,
                                    .flags = TOCSIN_NODEFER };

    declare("pend.deep", TOCSIN_QUEUED, 0, 0);
    refusals = 0;
    ck_assert_int_eq(tocsin_connect("pend.deep", &action, &handler), 0);
    ck_assert_int_eq(emit_sized(0, 0), TOCSIN_DELIVERED);
    ck_assert_int_eq(refusals, 1);
    ck_assert_uint_eq(slot()->delivery.nested, 0);
    ck_assert_uint_eq(slot()->state, 0);
    ck_assert(!slot()->delivery.nodefer);
    ck_assert_int_eq(tocsin_has_listeners(signo), 0);
}
END_TEST

START_TEST(without_memory_an_emission_does_nothing)
{
    static const size_t of[] = { 10, 10, 10, 10 };

    declare("pend.short", TOCSIN_QUEUED, 0, 0);
    sizes = of, sizes_count = 4;
    ck_assert_int_eq(tocsin_on("pend.short", emit_many, NULL), 0);
    ck_assert_int_eq(emit_sized(0, 0), TOCSIN_DELIVERED);
    record_take();
    for (int nth = 1; nth <= 2; nth++) {
        emitted = 3;
        tocsin__fault_at(nth);
        ck_assert_int_eq(emit_sized(0, 0), TOCSIN_DELIVERED);
        ck_assert_int_eq(answers[3], -ENOMEM);
        ck_assert_record("0");
        ck_assert_uint_eq(slot()->queued.count, 0);
        ck_assert_uint_eq(slot()->queued.bytes, 0);
    }
    tocsin__fault_at(0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/pending");
    TCase *tests = test_case(suite, "pending");

    tcase_add_test(tests, the_number_of_pending_emissions_is_limited);
    tcase_add_test(tests, the_bytes_of_pending_emissions_are_limited);
    tcase_add_test(tests, emissions_coalesce_for_each_source);
    tcase_add_test(tests, endless_emissions_wait_for_the_next_turn);
    tcase_add_test(tests, new_emissions_do_not_overtake_late_ones);
    tcase_add_test(tests, pending_emissions_call_the_handlers_at_delivery);
    tcase_add_test(tests, nesting_is_limited);
    tcase_add_test(tests, without_memory_an_emission_does_nothing);
    return suite;
}
