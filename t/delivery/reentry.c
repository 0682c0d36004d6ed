/* The library calls a function of the program, and this function calls the library again. Such
   functions are default actions, the ref and unref functions of an object, and handlers of the
   library's own signals. They free the loop or its sources, and disconnect handlers. */
#include <setjmp.h>

#include "delivery/loop.h"
#include "record.h"
#include "test.h"

#define TOKEN(F) F(object, object)
TOCSIN_LAYOUT(token, TOKEN);

static int bell, minded, carried;
/* the test's function that do_deed() calls once, from inside the library */
static void (*deed)(void);
/* the number of calls of do_deed() that do nothing, before the call that runs the function
   `deed` */
static int deed_after;

static void do_deed(void)
{
    void (*now)(void) = deed;

    if (!now || deed_after-- > 0)
        return;
    deed = NULL;
    now();
}

static int by_default(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    record("default");
    do_deed();
    return 0;
}

static int references;

static int object_ref(void *object)
{
    (void)object;
    references++;
    do_deed();
    return 0;
}

static void object_unref(void *object)
{
    (void)object;
    references--;
    do_deed();
}

static int thing;
static const struct tocsin_object_ops shared = { "token", object_ref, object_unref };

static void begin(void)
{
    deed = NULL;
    deed_after = 0;
    references = 0;
    minded = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "bell.minded", .unhandled_fn = by_default });
    bell = record_signal("bell.rung");
    carried = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "bell.carried", .layout = &token_layout });
    ck_assert_int_gt(carried, 0);
}

static void end(void)
{
    deed = NULL;
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(references, 0);
    record_take();
}

static struct tocsin_handler handler;
static struct tocsin_source source;

static void free_loop(void)
{
    tocsin_loop_free(); /* this call returns 1 or more if a source is left */
}

static void disconnect(void)
{
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
}

static void free_source(void)
{
    ck_assert_int_eq(tocsin_source_free(source), 0);
}

static void emit_bell(void)
{
    record("emit:%d", tocsin_emit(bell, NULL));
}

static void emit_minded(void)
{
    record("emit:%d", tocsin_emit(minded, NULL));
}

static void add(const char *pattern, tocsin_fn fn, const char *word)
{
    struct tocsin_action action = { .fn = fn, .arg = (void *)word, .drop = record_drop };

    ck_assert_int_eq(tocsin_connect(pattern, &action, &handler), 0);
}

START_TEST(a_default_action_frees_the_loop)
{
    add("bell.rung", record_call, "a");
    deed = free_loop;
    ck_assert_int_eq(tocsin_emit(minded, NULL), TOCSIN_NOBODY);
    ck_assert_record("default ~a");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

START_TEST(a_default_action_frees_the_loop_after_an_observer)
{
    struct tocsin_action action = { .fn = record_call, .arg = "observer", .drop = record_drop };

    ck_assert_int_eq(tocsin_observe("bell.minded", &action, NULL), 0);
    deed = free_loop;
    ck_assert_int_eq(tocsin_emit(minded, NULL), TOCSIN_NOBODY);
    ck_assert_record("observer default ~observer");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

START_TEST(a_default_action_disconnects_after_an_observer)
{
    struct tocsin_action action = { .fn = record_call, .arg = "observer", .drop = record_drop };

    ck_assert_int_eq(tocsin_observe("bell.minded", &action, &handler), 0);
    deed = disconnect;
    ck_assert_int_eq(tocsin_emit(minded, NULL), TOCSIN_NOBODY);
    ck_assert_record("observer default ~observer");
    ck_assert_int_eq(tocsin_emit(minded, NULL), TOCSIN_NOBODY);
    ck_assert_record("default");
}
END_TEST

static int observer_frees(const struct tocsin_info *info, void *arg)
{
    free_loop();
    return record_call(info, arg);
}

START_TEST(an_observer_frees_the_loop_before_the_default_action)
{
    ck_assert_int_eq(
        tocsin_observe("bell.minded",
                       &(struct tocsin_action){ .fn = observer_frees, .arg = "observer" }, NULL),
        0);
    ck_assert_int_eq(tocsin_emit(minded, NULL), TOCSIN_NOBODY);
    ck_assert_record("observer default");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

static int default_emits_itself(const struct tocsin_info *info, void *arg)
{
    static int depth;

    (void)arg;
    ck_assert_int_lt(depth, 1000);
    depth++;
    (void)tocsin_emit(info->signo, NULL);
    depth--;
    return 0;
}

START_TEST(a_default_action_that_emits_its_signal_ends)
{
    int endless = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "bell.endless", .unhandled_fn = default_emits_itself });

    ck_assert_int_eq(tocsin_on("bell.rung", record_call, "a loop"), 0);
    ck_assert_int_eq(tocsin_emit(endless, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_observe("bell.endless",
                                    &(struct tocsin_action){ .fn = record_call, .arg = "observer" },
                                    NULL),
                     0);
    ck_assert_int_eq(tocsin_emit(endless, NULL), TOCSIN_NOBODY);
}
END_TEST

static int keep_and_drop(const struct tocsin_info *info, void *arg)
{
    record_call(info, arg);
    /* The reference keeps a copy of the payload, which is freed when the delivery ends. */
    tocsin_info_unref(tocsin_info_ref(info));
    return TOCSIN_NEXT;
}

static int emitted;

static int emit_again(const struct tocsin_info *info, void *arg)
{
    record_call(info, arg);
    if (emitted++ < 2)
        ck_assert_int_eq(tocsin_emit(carried, info->payload), TOCSIN_PENDED);
    return TOCSIN_NEXT;
}

static const struct {
    const char *name;
    void (*deed)(void);
} deeds[] = {
    { "free the loop", free_loop },     { "disconnect", disconnect },
    { "free the source", free_source }, { "emit", emit_bell },
    { "default", emit_minded },
};

/* Runs the test's function `deed` inside a function of the payload's object: inside its ref
   function if `after` is 0, inside its unref function if `after` is 1. With keep_and_drop, the
   library calls this function while it frees a kept info. With emit_again, the library calls it
   while pending emissions are delivered. If `own` is true, the source also has a handler of its
   own. */
static void carry(int which, int after, bool own, tocsin_fn fn)
{
    struct tocsin_action action = { .fn = record_call, .arg = "own" };

    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    action.source = source;
    add("bell.rung", record_call, "bell");
    add("bell.carried", fn, "first");
    add("bell.carried", record_call, "second");
    if (own)
        ck_assert_int_eq(tocsin_connect("bell.carried", &action, NULL), 0);
    for (int quick = 0; quick < 2;
         /* The first emission of a signal takes a slower path than later ones, so the function
            `deed` runs in the second emission. */
         quick++) {
        emitted = 0;
        deed = quick ? deeds[which].deed : NULL;
        deed_after = after;
        /* With emit_again, this emission waits behind the pending emissions that the first delivery
           left. */
        ck_assert_int_eq(
            tocsin_emit_from(source, carried, TOCSIN_PAYLOAD(token, .object = { &thing, &shared })),
            quick && fn == emit_again ? TOCSIN_PENDED : TOCSIN_DELIVERED);
    }
    ck_assert_msg(!deed, "%s: not done", deeds[which].name);
    tocsin_loop_free();
    ck_assert_int_eq(references, 0);
    record_take();
}

START_TEST(ref_and_unref_functions_call_the_library)
{
    for (int after = 0; after < 2; after++)
        for (int own = 0; own < 2; own++) {
            carry(_i, after, own, keep_and_drop);
            carry(_i, after, own, emit_again);
        }
}
END_TEST

static int emit_for_ever(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    return tocsin_emit(info->signo, info->payload);
}

/* The loop is freed while an emission is pending. The unref function of the emission's object emits
   another signal, which has a default action. That default action must run. */
START_TEST(an_unref_while_the_loop_is_freed)
{
    int last = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "bell.last", .layout = &token_layout });

    /* The loop signal of bell.minded has a smaller number, so it is freed first. */
    add("bell.minded", record_call, "minded");
    disconnect();
    add("bell.last", emit_for_ever, "self");
    ck_assert_int_eq(tocsin_emit(last, TOCSIN_PAYLOAD(token, .object = { &thing, &shared })),
                     TOCSIN_DELIVERED);
    /* one emission is pending and holds this reference; the next turn would deliver it */
    ck_assert_int_eq(references, 1);
    record_take();
    deed = emit_minded;
    /* the first two calls are the ref and unref calls of the delivery, and do not run the function
       `deed` */
    deed_after = 2;
    tocsin_loop_free();
    ck_assert_ptr_null(deed);
    ck_assert_int_eq(references, 0);
    ck_assert_record("~self default emit:0");
}
END_TEST

START_TEST(coalescing_while_the_older_emission_is_released)
{
    int merged = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "bell.merged", .layout = &token_layout, .kind = TOCSIN_COALESCE });

    add("bell.merged", emit_for_ever, "self");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_emit(merged, TOCSIN_PAYLOAD(token, .object = { &thing, &shared })),
                         i ? TOCSIN_PENDED : TOCSIN_DELIVERED);
    ck_assert_int_eq(references, 1);
}
END_TEST

/* A payload with a text does not fit into the inbox's ring. The inbox counts the bytes of such a
   payload until its delivery has ended, also if a longjmp ends it. */
#define LEFT_TEXT(F) F(string, text)
TOCSIN_LAYOUT(left_text, LEFT_TEXT);

static jmp_buf out;

static int jump_out(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    longjmp(out, 1);
}

START_TEST(a_jump_out_of_a_large_message)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "left.text", .layout = &left_text_layout, .doc = "Left." });

    ck_assert_int_eq(tocsin_on("left.text", jump_out, NULL), 0);
    ck_assert_int_ge(tocsin_post(signo, TOCSIN_PAYLOAD(left_text, .text = "away")), 0);
    ck_assert_uint_gt(atomic_load(&tocsin__self->inbox.bytes), 0);
    if (!setjmp(out))
        tocsin_loop_turn(0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    ck_assert_uint_eq(atomic_load(&tocsin__self->inbox.bytes), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/reentry");
    TCase *tests = test_case(suite, "reentry");
    int count = sizeof deeds / sizeof deeds[0];

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_default_action_frees_the_loop);
    tcase_add_test(tests, a_default_action_frees_the_loop_after_an_observer);
    tcase_add_test(tests, a_default_action_disconnects_after_an_observer);
    tcase_add_test(tests, an_observer_frees_the_loop_before_the_default_action);
    tcase_add_test(tests, a_default_action_that_emits_its_signal_ends);
    tcase_add_loop_test(tests, ref_and_unref_functions_call_the_library, 0, count);
    tcase_add_test(tests, an_unref_while_the_loop_is_freed);
    tcase_add_test(tests, coalescing_while_the_older_emission_is_released);
    tcase_add_test(tests, a_jump_out_of_a_large_message);
    return suite;
}
