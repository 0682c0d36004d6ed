/* Tests the text of a layout: which texts are well formed, at which offsets the fields lie, and
   which layouts are the same. Also tests how the fields are accessed by number. */
#include <stddef.h>
#include <string.h>

#include "registry/layout.h"
#include "test.h"

#define EVERY(F) \
    F(bool, flag) \
    F(i32, small) \
    F(bool, again) F(u64, large) F(u32, number) F(f64, real) F(string, text) F(i64, count) \
        F(bytes, data) F(error, error) F(op, op) F(fd, fd) F(object, object) F(local, local) \
            F(bool, last)
TOCSIN_LAYOUT(every, EVERY);
static const struct tocsin_layout nothing_layout = { "nothing", "", sizeof(struct tocsin_payload) };
#define ONE_FLAG(F) F(bool, flag)
TOCSIN_LAYOUT(one_flag, ONE_FLAG);

#define PLACE(type, field) { #field, offsetof(struct every, field) },
static const struct {
    const char *name;
    size_t offset;
} places[] = { EVERY(PLACE) };

START_TEST(field_offsets_are_the_compilers)
{
    struct tocsin__fields walk;
    struct tocsin__field field;
    size_t count = 0;

    tocsin__fields_begin(&walk, &every_layout);
    for (; tocsin__fields_next(&walk, &field) > 0; count++) {
        ck_assert_uint_eq(field.offset, places[count].offset);
        ck_assert_uint_eq(field.name_size, strlen(places[count].name));
        ck_assert_int_eq(strncmp(field.name, places[count].name, field.name_size), 0);
    }
    ck_assert_uint_eq(count, sizeof places / sizeof places[0]);
    /* This layout contains all thirteen types. */
    ck_assert_int_eq(tocsin__layout_check(&every_layout), (2 << TOCSIN_LOCAL) - 2);
    ck_assert_int_eq(tocsin__layout_check(&nothing_layout), 0);
    ck_assert_int_eq(tocsin__layout_check(&one_flag_layout), 1 << TOCSIN_BOOL);
    ck_assert_uint_eq(sizeof(struct one_flag), 16);
}
END_TEST

static const struct tocsin_layout malformed[] = {
    { "m", NULL, 8 },       { "m", "i32", 16 },     { "m", "i32 x", 16 },
    { "m", "i32 x,", 16 },  { "m", "i32 x ;", 16 }, { "m", "i32;x;", 16 },
    { "m", "i32 ;", 16 },   { "m", "i3 x;", 16 },   { "m", "i322 x;", 16 },
    { "m", "x i32;", 16 },  { "m", "i32 x; ", 16 }, { "m", "i32 x;bool", 16 },
    { "m", "\xff x;", 16 }, { "m", ";;", 8 },       { "m", "bool", 16 },
    { "m", "bool ", 16 },
};

START_TEST(malformed_layouts_are_refused)
{
    struct tocsin_field field = { .type = TOCSIN_LOCAL };
    struct {
        struct tocsin_payload tocsin;
        char room[64];
    } payload = { { NULL }, "" };

    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        int answer = 0;

        ck_assert_msg(tocsin__layout_check(&malformed[i]) == -EINVAL, "'%s'", malformed[i].fields);
        payload.tocsin.layout = &malformed[i];
        for (int index = 0; answer == 0; index++)
            answer = tocsin_payload_field(&payload.tocsin, index, &field);
        ck_assert_msg(answer == -EINVAL, "'%s'", malformed[i].fields);
    }
    for (size_t size = 0; size < 64; size++)
        ck_assert_int_eq(tocsin__layout_check(&(struct tocsin_layout){ "s", "i32 x;", size }),
                         size == 16 ? 1 << TOCSIN_I32 : -EINVAL);
}
END_TEST

START_TEST(equal_text_is_the_same_layout)
{
    char fields[] = "string text;u64 user;";
    struct tocsin_layout one = { "one", "string text;u64 user;", 24 },
                         same = { "other", fields, 24 }, shorter = { "one", "string text;", 16 };
    struct tocsin_layout larger = { "one", one.fields, 32 }, none = { "none", NULL, 24 };

    ck_assert(tocsin__layout_same(NULL, NULL));
    ck_assert(tocsin__layout_same(&one, &one));
    ck_assert(tocsin__layout_same(&one, &same));
    ck_assert(!tocsin__layout_same(&one, NULL));
    ck_assert(!tocsin__layout_same(NULL, &one));
    ck_assert(!tocsin__layout_same(&one, &shorter));
    ck_assert(!tocsin__layout_same(&one, &larger));
    ck_assert(!tocsin__layout_same(&one, &none));
    ck_assert(!tocsin__layout_same(&none, &one));
    fields[7] = 'T';
    ck_assert(!tocsin__layout_same(&one, &same));
}
END_TEST

static struct tocsin_field field_at(const struct tocsin_payload *payload, int index,
                                    const char *name, enum tocsin_type type)
{
    struct tocsin_field field;

    memset(&field, 0xff, sizeof field);
    ck_assert_int_eq(tocsin_payload_field(payload, index, &field), 0);
    ck_assert_str_eq(field.name, name);
    ck_assert_int_eq(field.type, type);
    return field;
}

START_TEST(fields_by_their_number)
{
    int thing;
    const struct tocsin_object_ops how = { "thing", NULL, NULL };
    struct tocsin_op op = { { 0x1234567890 } };
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(
        every, true, INT32_MIN, false, UINT64_MAX, UINT32_MAX, -0.5, "text", INT64_MIN,
        { "data", 3 }, -EPERM, op, 7, { &thing, &how }, &op, true);

    ck_assert(field_at(payload, 0, "flag", TOCSIN_BOOL).value.boolean);
    ck_assert_int_eq(field_at(payload, 1, "small", TOCSIN_I32).value.i32, INT32_MIN);
    ck_assert(!field_at(payload, 2, "again", TOCSIN_BOOL).value.boolean);
    ck_assert_uint_eq(field_at(payload, 3, "large", TOCSIN_U64).value.u64, UINT64_MAX);
    ck_assert_uint_eq(field_at(payload, 4, "number", TOCSIN_U32).value.u32, UINT32_MAX);
    ck_assert(field_at(payload, 5, "real", TOCSIN_F64).value.f64 == -0.5);
    ck_assert_str_eq(field_at(payload, 6, "text", TOCSIN_STRING).value.string, "text");
    ck_assert_int_eq(field_at(payload, 7, "count", TOCSIN_I64).value.i64, INT64_MIN);
    ck_assert_uint_eq(field_at(payload, 8, "data", TOCSIN_BYTES).value.bytes.size, 3);
    ck_assert_int_eq(field_at(payload, 9, "error", TOCSIN_ERROR).value.error, -EPERM);
    ck_assert_uint_eq(field_at(payload, 10, "op", TOCSIN_OP).value.op, op.source.id);
    ck_assert_int_eq(field_at(payload, 11, "fd", TOCSIN_FD).value.fd, 7);
    ck_assert_ptr_eq(field_at(payload, 12, "object", TOCSIN_OBJECT).value.object.object, &thing);
    ck_assert_ptr_eq(field_at(payload, 13, "local", TOCSIN_LOCAL).value.local, &op);
    ck_assert(field_at(payload, 14, "last", TOCSIN_BOOL).value.boolean);
}
END_TEST

#define LONG "a_name_that_is_longer_than_there_is_room_for_in_a_field_so_that_it_is_cut"

START_TEST(invalid_field_numbers)
{
    static const struct tocsin_layout wordy = { "wordy", "i32 " LONG ";", 16 };
    struct {
        struct tocsin_payload tocsin;
        int32_t value;
    } payload = { { &wordy }, 7 };
    struct tocsin_payload bare = { NULL };
    struct tocsin_field field;

    ck_assert_int_eq(tocsin_payload_field(&payload.tocsin, 1, &field), -ENOENT);
    ck_assert_int_eq(tocsin_payload_field(&payload.tocsin, 0x7fffffff, &field), -ENOENT);
    ck_assert_int_eq(tocsin_payload_field(&payload.tocsin, -1, &field), -EINVAL);
    ck_assert_int_eq(tocsin_payload_field(&payload.tocsin, 0, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_payload_field(NULL, 0, &field), -ENOENT);
    ck_assert_int_eq(tocsin_payload_field(&bare, 0, &field), -ENOENT);
    ck_assert_int_eq(tocsin_payload_field(&(struct tocsin_payload){ &nothing_layout }, 0, &field),
                     -ENOENT);
    ck_assert_int_eq(tocsin_payload_field(&payload.tocsin, 0, &field), 0);
    ck_assert_uint_eq(strlen(field.name), sizeof field.name - 1);
    ck_assert_int_eq(strncmp(field.name, LONG, sizeof field.name - 1), 0);
    ck_assert_int_eq(field.value.i32, 7);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("registry/layouts");
    TCase *tests = test_case(suite, "layouts");

    tcase_add_test(tests, field_offsets_are_the_compilers);
    tcase_add_test(tests, malformed_layouts_are_refused);
    tcase_add_test(tests, equal_text_is_the_same_layout);
    tcase_add_test(tests, fields_by_their_number);
    tcase_add_test(tests, invalid_field_numbers);
    return suite;
}
