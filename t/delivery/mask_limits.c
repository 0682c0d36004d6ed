/* Contract line E11: the pending emissions of a blocked signal have two limits, one in entries and
   one in bytes. The library must emit the signal tocsin.queue.full once for each overflow. */
#include <tocsin/inspect.h>

#include "delivery/loop.h"
#include "mask_helpers.h"

static struct tocsin_queue_full full;
static int full_count;

static int on_full(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    full = *tocsin_queue_full_of(info);
    full_count++;
    ck_assert_str_eq(full.signal, "l.a"); /* the text is valid only until this handler returns */
    return TOCSIN_NEXT;
}

static int sized(int signo, size_t size)
{
    static const char data[200];

    return tocsin_emit(signo, TOCSIN_PAYLOAD(note, .data = { data, size }));
}

START_TEST(entries_are_limited_and_queue_full_is_emitted_once)
{
    struct tocsin_signal_spec spec = { .name = "l.a", .limit = 10, .layout = &note_layout };
    uint64_t sequence;

    signos[0] = tocsin_declare(&spec);
    ck_assert_int_eq(tocsin_on("l.a", write_number, NULL), 0);
    ck_assert_int_eq(tocsin_on("tocsin.queue.full", on_full, NULL), 0);
    masks[0] = block("l.a");
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(emit(signos[0], i), TOCSIN_PENDED);
    for (int i = 0; i < 3; i++) {
        sequence = tocsin__self->sequence;
        ck_assert_int_eq(emit(signos[0], 99), -EAGAIN);
        /* The first refused emission emits tocsin.queue.full, which takes one sequence number. */
        ck_assert_uint_eq(tocsin__self->sequence, sequence + (i == 0));
        ck_assert_int_eq(full_count, 1);
    }
    ck_assert(full.queue == 0 && full.entries == 10 && full.limit == 10 &&
              full.limit_bytes == 1 << 20 && full.refused == 1);
    ck_assert_uint_eq(full.bytes, 10 * sizeof(struct note));
    unblock(masks[0]);
    ck_assert_record("0 1 2 3 4 5 6 7 8 9");
    masks[0] = block("l.a");
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(emit(signos[0], i), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[0], 99), -EAGAIN);
    ck_assert_int_eq(full_count, 2);
    ck_assert_uint_eq(full.refused, 4);
    unblock(masks[0]);
    record_take();
}
END_TEST

START_TEST(an_overflow_lasts_until_half_of_the_room_is_free)
{
    struct tocsin_signal_spec spec = { .name = "l.a", .limit = 10, .layout = &note_layout };
    struct tocsin_queue_options options = { .flags = TOCSIN_TAKE };
    struct tocsin_queue queue;

    signos[0] = tocsin_declare(&spec);
    ck_assert_int_eq(tocsin_on("tocsin.queue.full", on_full, NULL), 0);
    ck_assert_int_eq(tocsin_queue_open("l.a", &options, &queue), 0);
    masks[0] = block("l.a");
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(emit(signos[0], i), TOCSIN_PENDED);
    for (int free_again = 1; free_again <= 5; free_again++) {
        ck_assert_int_eq(emit(signos[0], 99), -EAGAIN);
        ck_assert_int_eq(full_count, 1);
        for (int i = 0; i < free_again; i++)
            ck_assert_int_ge(taken(queue), 0);
        for (int i = 0; i < free_again; i++)
            ck_assert_int_eq(emit(signos[0], i), TOCSIN_PENDED);
    }
    /* Half of the entries are free, so the first overflow has ended. The next refused emission
       begins a new overflow. */
    ck_assert_int_eq(emit(signos[0], 99), -EAGAIN);
    ck_assert_int_eq(full_count, 2);
    /* tocsin_ignore frees all of the room, so the second overflow ends. A third overflow
       follows. */
    ck_assert_int_eq(tocsin_ignore("l.a"), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(emit(signos[0], i), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[0], 99), -EAGAIN);
    ck_assert_int_eq(full_count, 3);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    unblock(masks[0]);
}
END_TEST

START_TEST(bytes_are_limited)
{
    struct tocsin_signal_spec spec = { .name = "l.a",
                                       .limit_bytes = 4 * sizeof(struct note) + 100,
                                       .layout = &note_layout };

    signos[0] = tocsin_declare(&spec);
    ck_assert_int_eq(tocsin_on("l.a", record_call, "a"), 0);
    ck_assert_int_eq(tocsin_on("tocsin.queue.full", on_full, NULL), 0);
    masks[0] = block("l.a");
    /* A payload that is larger than the limit never fits. All room is free before each attempt, so
       each attempt is an overflow of its own. */
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(sized(signos[0], 200 + 3 * sizeof(struct note)), -EAGAIN);
        ck_assert_int_eq(full_count, i);
        ck_assert(full.entries == 0 && full.bytes == 0);
    }
    ck_assert_int_eq(sized(signos[0], 50), TOCSIN_PENDED);
    ck_assert_int_eq(sized(signos[0], 51 + 2 * sizeof(struct note)), -EAGAIN);
    ck_assert_int_eq(sized(signos[0], 50), TOCSIN_PENDED);
    ck_assert_int_eq(sized(signos[0], 1), TOCSIN_PENDED);
    ck_assert_int_eq(sized(signos[0], 0), -EAGAIN);
    unblock(masks[0]);
    ck_assert_record("a a a");
    ck_assert_uint_eq(tocsin__loop_signal(tocsin__self, signos[0])->queued.bytes, 0);
}
END_TEST

START_TEST(coalescing_emissions_are_never_refused)
{
    struct tocsin_signal_spec spec = { .name = "l.a",
                                       .kind = TOCSIN_COALESCE,
                                       .limit = 2,
                                       .limit_bytes = 2 * sizeof(struct note),
                                       .layout = &note_layout };
    struct tocsin_source sources[3];
    struct tocsin_info *info;

    signos[0] = tocsin_declare(&spec);
    signos[1] = ranked("l.b", 0);
    ck_assert_int_eq(tocsin_on("l.*", write_number, NULL), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_source_new(NULL, &sources[i]), 0);
    masks[0] = block("l.*");
    ck_assert_int_eq(tocsin_emit_from(sources[0], signos[0], TOCSIN_PAYLOAD(note, .number = 1)),
                     TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[1], 2), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit_from(sources[1], signos[0], TOCSIN_PAYLOAD(note, .number = 3)),
                     TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit_from(sources[2], signos[0], TOCSIN_PAYLOAD(note, .number = 4)),
                     -EAGAIN);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_emit_from(sources[0], signos[0],
                                          TOCSIN_PAYLOAD(note, .number = 5 + i,
                                                         .data = { names, sizeof names })),
                         TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_pending_count("l.a"), 2);
    ck_assert_int_eq(tocsin_pending_peek(signos[0], 0, &info), 0);
    ck_assert_int_eq(number_of(info), 9);
    ck_assert_uint_eq(info->overrun, 5);
    tocsin_info_unref(info);
    unblock(masks[0]);
    /* The last emission replaced the first emission of the same source, and kept its position. */
    ck_assert_record("9 2 3");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_source_free(sources[i]), 0);
}
END_TEST

static int make_room(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    unblock(masks[0]);
    return TOCSIN_NEXT;
}

START_TEST(a_handler_of_queue_full_may_end_the_overflow)
{
    struct tocsin_signal_spec spec = { .name = "l.a", .limit = 2, .layout = &note_layout };

    signos[0] = tocsin_declare(&spec);
    ck_assert_int_eq(tocsin_on("l.a", write_number, NULL), 0);
    ck_assert_int_eq(tocsin_on("tocsin.queue.full", make_room, NULL), 0);
    masks[0] = block("l.a");
    ck_assert_int_eq(emit(signos[0], 1), TOCSIN_PENDED);
    ck_assert_int_eq(emit(signos[0], 2), TOCSIN_PENDED);
    /* a refused emission must not be delivered later */
    ck_assert_int_eq(emit(signos[0], 3), -EAGAIN);
    ck_assert_record("1 2");
    ck_assert_int_eq(emit(signos[0], 4), TOCSIN_DELIVERED);
    ck_assert_record("4");
}
END_TEST

START_TEST(queue_full_does_not_announce_itself)
{
    int signo;

    ck_assert_int_eq(tocsin_on("tocsin.queue.full", record_call, "full"), 0);
    signo = tocsin_find("tocsin.queue.full");
    masks[0] = block("**");
    for (int i = 0; i < 1024; i++)
        ck_assert_int_eq(tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_queue_full, .signal = "a")),
                         TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit(signo, TOCSIN_PAYLOAD(tocsin_queue_full, .signal = "a")), -EAGAIN);
    ck_assert_int_eq(tocsin_ignore("tocsin.*.*"), 0);
    unblock(masks[0]);
    ck_assert_record("");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/mask_limits");
    TCase *tests = test_case(suite, "mask_limits");

    test_needs_processes();
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, entries_are_limited_and_queue_full_is_emitted_once);
    tcase_add_test(tests, an_overflow_lasts_until_half_of_the_room_is_free);
    tcase_add_test(tests, bytes_are_limited);
    tcase_add_test(tests, coalescing_emissions_are_never_refused);
    tcase_add_test(tests, a_handler_of_queue_full_may_end_the_overflow);
    tcase_add_test(tests, queue_full_does_not_announce_itself);
    return suite;
}
