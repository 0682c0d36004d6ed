/* Contract line E14: each kind of malformed layout is passed to each function that takes a payload.
   Each call must return an error before it reads the payload. */
#include <stdlib.h>

#include <tocsin/provider.h>

#include "handlers.h"

#define GOOD(F) F(u32, number) F(string, text)
TOCSIN_LAYOUT(good, GOOD);

static const struct {
    const char *what;
    struct tocsin_layout layout;
} bad[] = {
    { "of size 0", { "bad", "", 0 } },
    { "smaller than a payload's head", { "bad", "", sizeof(struct tocsin_payload) - 1 } },
    { "larger than its fields", { "bad", "", sizeof(struct tocsin_payload) + 8 } },
    { "as large as can be", { "bad", "", SIZE_MAX } },
    { "almost as large", { "bad", "", SIZE_MAX / 2 } },
    { "without a text", { "bad", NULL, sizeof(struct tocsin_payload) } },
    { "smaller than its fields", { "bad", "u64 a;u64 b;", sizeof(struct tocsin_payload) + 8 } },
    { "not rounded up", { "bad", "u64 a;bool b;", sizeof(struct tocsin_payload) + 9 } },
    { "a type that is none", { "bad", "u65 a;", sizeof(struct tocsin_payload) + 8 } },
    { "no type", { "bad", " a;", sizeof(struct tocsin_payload) + 8 } },
    { "no name", { "bad", "u64 ;", sizeof(struct tocsin_payload) + 8 } },
    { "no semicolon", { "bad", "u64 a", sizeof(struct tocsin_payload) + 8 } },
    { "an end too many", { "bad", "u64 a;;", sizeof(struct tocsin_payload) + 8 } },
    { "a space too many", { "bad", "u64  a;", sizeof(struct tocsin_payload) + 8 } },
    { "a text, and no room for it", { "bad", "string text;", sizeof(struct tocsin_payload) } },
    { "good, and then not", { "bad", "u32 number;string text;what", sizeof(struct good) } },
};
enum { BAD = sizeof bad / sizeof *bad };

static const struct tocsin_signal_spec good_spec = { .name = "malformed.good",
                                                     .layout = &good_layout };
static const struct tocsin_signal_spec asked_spec = { .name = "malformed.asked",
                                                      .layout = &good_layout,
                                                      .kind = TOCSIN_DIRECT };
static const struct tocsin_signal_spec nothing_spec = { .name = "malformed.nothing" };
static const struct tocsin_op_type good_type = { .done = &good_spec,
                                                 .progress = { &good_spec },
                                                 .state_size = sizeof(struct good) };
static struct told told;

/* Returns a payload that ends right after its layout pointer. If the library reads more, a
   sanitizer reports an error. */
static struct tocsin_payload *payload_of(const struct tocsin_layout *layout)
{
    struct tocsin_payload *payload = malloc(sizeof *payload);

    ck_assert_ptr_nonnull(payload);
    payload->layout = layout;
    return payload;
}

static void declared(const struct tocsin_layout *layout)
{
    struct tocsin_signal_spec spec = { .name = "malformed.bad", .layout = layout };
    const struct tocsin_op_type done = { .done = &spec },
                                progress = { .done = &good_spec, .progress = { &spec } };
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_declare(&spec), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(&done, NULL, &op), -EINVAL);
    ck_assert_int_eq(tocsin_id_error(op.source.id), -EINVAL);
    ck_assert_int_eq(tocsin_op_new(&progress, NULL, &op), -EINVAL);
    spec.kind = TOCSIN_DIRECT;
    ck_assert_int_eq(tocsin_declare(&spec), -EINVAL);
    ck_assert_int_lt(tocsin_find("malformed.bad"), 0);
}

static void sent(const struct tocsin_payload *payload)
{
    int good = tocsin_find("malformed.good"), nothing = tocsin_find("malformed.nothing");

    for (int heard = 0; heard < 2; heard++) {
        if (heard)
            connect_to("malformed.good, malformed.nothing", tell, &told);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(tocsin_emit(i ? good : nothing, payload),
                             heard ? -EPROTO : TOCSIN_NOBODY);
            ck_assert_int_eq(tocsin_post(i ? good : nothing, payload), -EPROTO);
            ck_assert_int_eq(tocsin_post_to(tocsin_loop_current(), i ? good : nothing, payload),
                             -EPROTO);
        }
    }
    ck_assert_int_eq(tocsin_ask(tocsin_find("malformed.asked"), payload, NULL), -EPROTO);
}

/* Completes a promise with the payload. A promise accepts any valid layout. The malformed layout
   must be refused, and the promise must then still be running. */
static void completed(const struct tocsin_payload *payload)
{
    struct tocsin_info *info = NULL;
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, payload), -EINVAL);
    ck_assert_int_eq(tocsin_op_status(op), -EINPROGRESS);
    ck_assert_int_eq(tocsin_op_complete(op, 0, TOCSIN_PAYLOAD(good, .number = 1, .text = "text")),
                     0);
    ck_assert_int_eq(tocsin_wait(op, -1, &info), 0);
    ck_assert_str_eq(good_of(info)->text, "text");
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_op_new(&good_type, TOCSIN_EACH(tell, &told), &op), 0);
    ck_assert_int_eq(tocsin_op_start(op, 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_progress(op, 0, payload, 0), -EPROTO);
    ck_assert_int_eq(tocsin_op_complete(op, 0, payload), -EPROTO);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
}

/* Calls the functions by which language bindings read payloads of any layout. */
static void read_all(const struct tocsin_payload *payload)
{
    struct tocsin_info info = { .name = "malformed", .payload = payload };
    struct tocsin_field field;
    char text[256];

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_payload_field(payload, i, &field), -EINVAL);
    ck_assert_ptr_null(tocsin_info_payload(&info, &good_layout));
    ck_assert_int_gt(tocsin_info_json(&info, text, sizeof text), 0);
}

START_TEST(E14_a_malformed_layout)
{
    const struct tocsin_layout *layout = &bad[_i].layout;
    struct tocsin_payload *payload = payload_of(layout);

    ck_assert_int_gt(tocsin_declare(&good_spec), 0);
    ck_assert_int_gt(tocsin_declare(&asked_spec), 0);
    ck_assert_int_gt(tocsin_declare(&nothing_spec), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    declared(layout);
    sent(payload);
    completed(payload);
    read_all(payload);
    drain_all();
    free(payload);
}
END_TEST

/* A promise must also refuse a payload without a layout, and a payload with a TOCSIN_LOCAL
   pointer. */
START_TEST(E14_payloads_that_a_promise_refuses)
{
    static const struct tocsin_layout local = { "local", "local pointer;",
                                                sizeof(struct tocsin_payload) + sizeof(void *) };
    struct {
        struct tocsin_payload tocsin;
        void *pointer;
    } payload = { { &local }, &payload };
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
    ck_assert_int_eq(tocsin_op_complete(op, 0, &payload.tocsin), -EINVAL);
    payload.tocsin.layout = NULL;
    ck_assert_int_eq(tocsin_op_complete(op, 0, &payload.tocsin), -EPROTO);
    ck_assert_int_eq(tocsin_op_complete(op, 0, NULL), 0);
    drain_all();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/malformed_layouts");
    TCase *tests = test_case(suite, "malformed");

    tcase_add_loop_test(tests, E14_a_malformed_layout, 0, BAD);
    tcase_add_test(tests, E14_payloads_that_a_promise_refuses);
    return suite;
}
