/* Tests contract lines E6, E7, E9, E12 and E18: the results of handlers and of emissions, and
   observers. A handler may keep a reference to its info; the tests check what that info holds after
   the delivery. */
#include <string.h>

#include "record.h"
#include "test.h"

#define NOTE(F) F(string, text) F(bytes, data) F(i32, number)
TOCSIN_LAYOUT(note, NOTE);

static int bell, noted;

static void begin(void)
{
    bell = record_signal("bell.rung");
    noted = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "note.made", .layout = &note_layout });
    ck_assert_int_gt(noted, 0);
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record_take();
}

static int answer(const struct tocsin_info *info, void *arg)
{
    (void)info;
    record("%d", *(int *)arg);
    return *(int *)arg;
}

START_TEST(test_E6_only_STOP_ends_the_delivery)
{
    static int positive[] = { 1, TOCSIN_PENDED, TOCSIN_STOP - 1, TOCSIN_STOP + 1, 0x7fffffff };

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(tocsin_on("bell.rung", answer, &positive[i]), 0);
    ck_assert_int_eq(tocsin_on("bell.rung", record_stop, "stop"), 0);
    ck_assert_int_eq(tocsin_on("bell.rung", record_call, "never"), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_STOPPED);
    ck_assert_record("1 3 461904 461906 2147483647 stop");
}
END_TEST

static int on_failed(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_handler_failed *failed = tocsin_handler_failed_of(info);

    ck_assert_ptr_nonnull(failed);
    ck_assert_uint_eq(failed->handler, ((struct tocsin_handler *)arg)->id);
    ck_assert_str_eq(failed->owner, "program");
    ck_assert_ptr_nonnull(strstr(failed->where, "emission_results.c:"));
    record("%s:%d:%d", failed->signal, failed->error, (int)failed->faults);
    /* This handler of tocsin.handler.failed returns an error. The library must count the error, and
       must not emit tocsin.handler.failed again. */
    return -EIO;
}

START_TEST(test_E6_an_error_is_announced_and_the_delivery_continues)
{
    static int error = -EPERM;
    struct tocsin_handler failing;

    ck_assert_int_eq(tocsin_connect("bell.rung",
                                    &(struct tocsin_action){ .fn = answer, .arg = &error },
                                    &failing),
                     0);
    ck_assert_int_eq(tocsin_on("bell.rung", record_call, "next"), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("-1 next"); /* no handler of tocsin.handler.failed is connected yet */
    ck_assert_int_eq(tocsin_on("tocsin.handler.failed", on_failed, &failing), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("-1 bell.rung:-1:2 next");
}
END_TEST

static struct tocsin_info *kept[2];

static int keep(const struct tocsin_info *info, void *arg)
{
    kept[*(int *)arg] = tocsin_info_ref(info);
    ck_assert_ptr_nonnull(kept[*(int *)arg]);
    return TOCSIN_NEXT;
}

START_TEST(test_E7_a_kept_info_is_copied_once_and_shared)
{
    static int which[] = { 0, 1 };
    char text[] = "text", data[] = { 1, 2, 3 };
    const struct note *note;

    ck_assert_int_eq(tocsin_on("note.made", keep, &which[0]), 0);
    ck_assert_int_eq(tocsin_on("note.made", keep, &which[1]), 0);
    ck_assert_int_eq(
        tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = text, .data = { data, 3 }, .number = 7)),
        TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_loop_free(), 0); /* the info that the test keeps outlives the loop */
    memset(text, 'x', 4);
    memset(data, 0, 3);
    ck_assert_ptr_eq(kept[0], kept[1]);
    note = note_of(kept[0]);
    ck_assert_str_eq(note->text, "text");
    ck_assert_mem_eq(note->data.data, "\1\2\3", 3);
    ck_assert_int_eq(note->number, 7);
    ck_assert_str_eq(kept[0]->name, "note.made");
    tocsin_info_unref(kept[0]);
    ck_assert_str_eq(note_of(kept[1])->text, "text");
    tocsin_info_unref(kept[1]);
    tocsin_info_unref(NULL);
}
END_TEST

static int seen(const struct tocsin_info *info, void *arg)
{
    ck_assert_ptr_eq(info->payload, arg);
    ck_assert_ptr_eq(note_of(info)->text, ((struct note *)arg)->text);
    return TOCSIN_NEXT;
}

START_TEST(test_E7_a_payload_is_borrowed_unless_it_is_kept)
{
    struct note note = note_make();

    note.text = "mine";
    ck_assert_int_eq(tocsin_on("note.made", seen, &note), 0);
    ck_assert_int_eq(tocsin_emit(noted, &note.tocsin), TOCSIN_DELIVERED);
}
END_TEST

static int free_source(const struct tocsin_info *info, void *arg)
{
    ck_assert_uint_eq(info->source.id, ((struct tocsin_source *)arg)->id);
    ck_assert_int_eq(tocsin_source_free(info->source), 0);
    return record_call(info, "freed");
}

START_TEST(test_E7_a_delivery_continues_when_its_source_is_freed)
{
    struct tocsin_source source;

    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_int_eq(tocsin_on("note.made", free_source, &source), 0);
    ck_assert_int_eq(tocsin_on("note.made", record_call, "next"), 0);
    ck_assert_int_eq(tocsin_emit_from(source, noted, TOCSIN_PAYLOAD(note, .text = "t")),
                     TOCSIN_DELIVERED);
    ck_assert_record("freed next");
}
END_TEST

static struct tocsin_source nested_source;

/* This handler emits its own signal with each kind of source and payload. These emissions are
   delivered inside the handler's call. Afterwards the handler checks that its own info has not
   changed. */
static int nest_and_compare(const struct tocsin_info *info, void *arg)
{
    struct tocsin_info before = *info;
    int *depth = arg;

    ck_assert_str_eq(info->name, "note.made");
    ck_assert_int_eq(info->code, TOCSIN_EMITTED);
    ck_assert_int_eq(info->status, 0);
    ck_assert_uint_eq(info->overrun, 0);
    if (++*depth < 3) {
        ck_assert_int_eq(tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = "nested")),
                         TOCSIN_DELIVERED);
        ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
        ck_assert_int_eq(tocsin_emit_from(nested_source, noted, TOCSIN_PAYLOAD(note, .number = 1)),
                         TOCSIN_DELIVERED);
    }
    --*depth;
    ck_assert_mem_eq(info, &before, sizeof before);
    return TOCSIN_NEXT;
}

static int note_source(const struct tocsin_info *info, void *arg)
{
    *(uint64_t *)arg = info->source.id;
    return TOCSIN_NEXT;
}

START_TEST(test_E7_nested_emissions_do_not_change_an_info)
{
    int depth = 0;
    uint64_t last = 0;

    ck_assert_int_eq(tocsin_source_new(NULL, &nested_source), 0);
    ck_assert_int_eq(tocsin_connect("note.made",
                                    &(struct tocsin_action){ .fn = nest_and_compare,
                                                             .arg = &depth,
                                                             .flags = TOCSIN_NODEFER,
                                                             .priority = 1 },
                                    NULL),
                     0);
    ck_assert_int_eq(tocsin_on("note.made", note_source, &last), 0);
    ck_assert_int_eq(tocsin_on("bell.rung", record_call, "bell"), 0);
    /* The first emission takes the library's slow path. The other two emissions take the fast
       path. */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(
            tocsin_emit_from(nested_source, noted, TOCSIN_PAYLOAD(note, .text = "outer")),
            TOCSIN_DELIVERED);
        ck_assert_uint_eq(last, nested_source.id);
        ck_assert_int_eq(tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = "outer")),
                         TOCSIN_DELIVERED);
        ck_assert_uint_eq(last, 0);
    }
    ck_assert_int_eq(tocsin_source_free(nested_source), 0);
    record_take();
}
END_TEST

START_TEST(test_E7_later_emissions_do_not_change_a_kept_info)
{
    static int which[] = { 0, 1 };
    struct tocsin_handler first;

    tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = "nobody"));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tocsin_connect("note.made",
                                        &(struct tocsin_action){ .fn = keep, .arg = &which[0] },
                                        &first),
                         0);
        ck_assert_int_eq(tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = "first")),
                         TOCSIN_DELIVERED);
        ck_assert_int_eq(tocsin_disconnect(first), 0);
        ck_assert_int_eq(tocsin_connect("note.made",
                                        &(struct tocsin_action){ .fn = keep, .arg = &which[1] },
                                        &first),
                         0);
        ck_assert_int_eq(tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = "second")),
                         TOCSIN_DELIVERED);
        ck_assert_int_eq(tocsin_disconnect(first), 0);
        ck_assert_ptr_ne(kept[0], kept[1]);
        ck_assert_uint_lt(kept[0]->sequence, kept[1]->sequence);
        ck_assert_str_eq(note_of(kept[0])->text, "first");
        ck_assert_str_eq(note_of(kept[1])->text, "second");
        tocsin_info_unref(kept[0]);
        tocsin_info_unref(kept[1]);
    }
}
END_TEST

static void emit_and_keep(void *arg)
{
    static int second = 1;

    (void)arg;
    ck_assert_int_eq(tocsin_on("note.made", keep, &second), 0);
    ck_assert_int_eq(tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = "drop")), TOCSIN_DELIVERED);
}

/* A ONCE handler is disconnected by an emission, and its drop function emits the signal again. The
   drop function runs at the end of the emission that called the handler. */
START_TEST(test_E7_a_drop_function_may_emit_the_signal)
{
    int first = 0;
    struct tocsin_action action = { .fn = keep, .arg = &first, .drop = emit_and_keep };

    action.flags = TOCSIN_ONCE;
    ck_assert_int_eq(tocsin_on("note.made", record_call, "call"), 0);
    ck_assert_int_eq(tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = "nobody")), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_connect("note.made", &action, NULL), 0);
    ck_assert_int_eq(tocsin_emit(noted, TOCSIN_PAYLOAD(note, .text = "outer")), TOCSIN_DELIVERED);
    ck_assert_str_eq(note_of(kept[0])->text, "outer");
    ck_assert_str_eq(note_of(kept[1])->text, "drop");
    tocsin_info_unref(kept[0]);
    ck_assert_str_eq(note_of(kept[1])->text, "drop");
    tocsin_info_unref(kept[1]);
    record_take();
}
END_TEST

static int by_default(const struct tocsin_info *info, void *arg)
{
    ck_assert_ptr_null(arg);
    ck_assert_str_eq(info->name, "bell.minded");
    record("default");
    return 0;
}

START_TEST(test_E9_results_of_an_emission)
{
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_on("bell.rung", record_call, "a"), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_on("bell.rung", record_stop, "b"), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_STOPPED);
}
END_TEST

START_TEST(test_E9_without_a_handler_the_default_action_runs_once)
{
    int minded = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "bell.minded", .unhandled_fn = by_default });

    ck_assert_int_eq(tocsin_has_listeners(minded), 1);
    ck_assert_int_eq(tocsin_on("bell.rung", record_call, "makes the loop"), 0);
    ck_assert_int_eq(tocsin_emit(minded, NULL), TOCSIN_NOBODY);
    ck_assert_record("default");
    ck_assert_int_eq(tocsin_observe("bell.minded",
                                    &(struct tocsin_action){ .fn = record_call, .arg = "observer" },
                                    NULL),
                     0);
    ck_assert_int_eq(tocsin_emit(minded, NULL), TOCSIN_NOBODY);
    ck_assert_record("observer default");
    ck_assert_int_eq(tocsin_on("bell.minded", record_call, "handler"), 0);
    ck_assert_int_eq(tocsin_emit(minded, NULL), TOCSIN_DELIVERED);
    ck_assert_record("observer handler");
}
END_TEST

static int note_sequence(const struct tocsin_info *info, void *arg)
{
    *(uint64_t *)arg = info->sequence;
    return TOCSIN_NEXT;
}

START_TEST(test_E12_an_emission_without_a_listener_does_nothing)
{
    uint64_t sequence, before;
    struct note wild = {
        { &note_layout }, (const char *)8, { (void *)8, 1 << 20 }, 0
    }; /* the pointers are invalid, so nobody may read this payload */

    ck_assert_int_eq(tocsin_on("bell.rung", note_sequence, &sequence), 0);
    tocsin_emit(bell, NULL);
    before = sequence;
    ck_assert_int_eq(tocsin_has_listeners(noted), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tocsin_emit(noted, &wild.tocsin), TOCSIN_NOBODY);
    tocsin_emit(bell, NULL);
    ck_assert_uint_eq(sequence, before + 1);
    ck_assert_int_eq(tocsin_has_listeners(bell), 1);
}
END_TEST

START_TEST(test_E18_an_observer_sees_stopped_emissions_too)
{
    struct tocsin_action observer = { .fn = record_stop, .arg = "first", .priority = 1 },
                         last = { .fn = record_call, .arg = "last", .priority = -1 };

    ck_assert_int_eq(tocsin_observe("bell.rung", &observer, NULL), 0);
    ck_assert_int_eq(tocsin_observe("bell.rung", &last, NULL), 0);
    ck_assert_int_eq(tocsin_has_listeners(bell), 1);
    /* an observer does not count as a handler, and cannot stop the delivery */
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_NOBODY);
    ck_assert_record("first last");
    ck_assert_int_eq(tocsin_on("bell.rung", record_stop, "stop"), 0);
    ck_assert_int_eq(tocsin_on("bell.rung", record_call, "never"), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_STOPPED);
    ck_assert_record("first stop last");
}
END_TEST

START_TEST(test_E18_an_observer_is_disconnected_as_a_handler_is)
{
    struct tocsin_handler observer;
    struct tocsin_action once = {
        .fn = record_call, .arg = "once", .flags = TOCSIN_ONCE, .drop = record_drop
    };

    ck_assert_int_eq(tocsin_observe("bell.*", &once, &observer), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_NOBODY);
    ck_assert_record("once ~once");
    ck_assert_int_eq(tocsin_disconnect(observer), -ENOENT);
    ck_assert_int_eq(tocsin_has_listeners(bell), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/emission_results");
    TCase *tests = test_case(suite, "E6, E7, E9, E12, E18");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, test_E6_only_STOP_ends_the_delivery);
    tcase_add_test(tests, test_E6_an_error_is_announced_and_the_delivery_continues);
    tcase_add_test(tests, test_E7_a_kept_info_is_copied_once_and_shared);
    tcase_add_test(tests, test_E7_a_payload_is_borrowed_unless_it_is_kept);
    tcase_add_test(tests, test_E7_a_delivery_continues_when_its_source_is_freed);
    tcase_add_test(tests, test_E7_nested_emissions_do_not_change_an_info);
    tcase_add_test(tests, test_E7_later_emissions_do_not_change_a_kept_info);
    tcase_add_test(tests, test_E7_a_drop_function_may_emit_the_signal);
    tcase_add_test(tests, test_E9_results_of_an_emission);
    tcase_add_test(tests, test_E9_without_a_handler_the_default_action_runs_once);
    tcase_add_test(tests, test_E12_an_emission_without_a_listener_does_nothing);
    tcase_add_test(tests, test_E18_an_observer_sees_stopped_emissions_too);
    tcase_add_test(tests, test_E18_an_observer_is_disconnected_as_a_handler_is);
    return suite;
}
