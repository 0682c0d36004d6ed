/* Tests the JSON text of an info. The tests cover every type of field with its extreme values,
   invalid UTF-8, buffers of every size, and locales with another decimal point. In addition,
   100,000 random payloads are converted, and a strict checker reads the results. */
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/json.h"
#include "test.h"

#define EVERY(F) \
    F(bool, flag) \
    F(i32, i32) \
    F(u32, u32) \
    F(i64, i64) F(u64, u64) F(f64, real) F(string, text) F(bytes, data) F(error, error) F(op, op) \
        F(fd, fd) F(object, object) F(local, pointer)
TOCSIN_LAYOUT(every, EVERY);
#define SAID(F) F(string, text) F(u64, user) F(bool, urgent)
TOCSIN_LAYOUT(said, SAID);
#define ONE_REAL(F) F(f64, x)
TOCSIN_LAYOUT(one_real, ONE_REAL);
#define ONE_TEXT(F) F(string, x)
TOCSIN_LAYOUT(one_text, ONE_TEXT);
#define ONE_BYTES(F) F(bytes, x)
TOCSIN_LAYOUT(one_bytes, ONE_BYTES);

/* While this flag is true, printf() and strtod() behave as in an Arabic locale. The decimal point
   of that locale has two bytes. */
static bool arabic;
static int arabic_calls;

static int print_arabic(char *buffer, size_t size, const char *format, va_list values)
{
    int length = vsnprintf(buffer, size, format, values);
    char *point;

    point = arabic && length > 0 && (size_t)length + 1 < size ? strchr(buffer, '.') : NULL;
    if (!point)
        return length;
    arabic_calls++;
    memmove(point + 2, point + 1, strlen(point));
    memcpy(point, "\xd9\xab", 2);
    return length + 1;
}

#define PRINT_ARABIC(name, ...) \
    int name(__VA_ARGS__, const char *format, ...) \
    { \
        va_list values; \
        int length; \
\
        va_start(values, format); \
        length = print_arabic(buffer, size, format, values); \
        va_end(values); \
        return length; \
    }

/* A fortified build calls __snprintf_chk() instead of snprintf(). */
#if defined __USE_FORTIFY_LEVEL && __USE_FORTIFY_LEVEL > 0
int __snprintf_chk(char *buffer, size_t size, int flag, size_t room, const char *format, ...);
PRINT_ARABIC(__snprintf_chk, char *buffer, size_t size, int flag TOCSIN__UNUSED,
             size_t room TOCSIN__UNUSED)
#else
PRINT_ARABIC(snprintf, char *buffer, size_t size)
#endif

double strtod(const char *text, char **ret_end)
{
    const char *point = arabic ? strstr(text, "\xd9\xab") : NULL;
    double value = 0;
    char copy[64];
    int read = 0;

    if (point) {
        sprintf(copy, "%.*s.%s", (int)(point - text), text, point + 2);
        text = copy;
    }
    sscanf(text, "%lf%n", &value, &read);
    if (ret_end)
        *ret_end = (char *)text + read;
    return value;
}

static const char *json_of(const struct tocsin_payload *payload)
{
    static char text[8192];
    struct tocsin__json json;

    tocsin__json_begin(&json, text, sizeof text);
    tocsin__json_payload(&json, payload);
    ck_assert_int_eq(tocsin__json_end(&json), strlen(text));
    ck_assert_uint_lt(strlen(text), sizeof text - 1);
    return text;
}

static const char *info_of(const struct tocsin_info *info)
{
    static char text[8192];
    int length = tocsin_info_json(info, text, sizeof text);

    ck_assert_int_eq(length, strlen(text));
    ck_assert_int_eq(tocsin_info_json(info, NULL, 0), length);
    return text;
}

START_TEST(an_info_has_the_documented_members)
{
    struct tocsin_info info = {
        .signo = 12, .code = TOCSIN_EMITTED, .name = "chat.said", .sequence = 281474976710657
    };

    info.payload = TOCSIN_PAYLOAD(said, .text = "good evening", .user = 7);
    ck_assert_str_eq(info_of(&info),
                     "{\"signal\":\"chat.said\",\"signo\":12,\"code\":\"emitted\",\"status\":0,"
                     "\"overrun\":0,\"source\":0,"
                     "\"sequence\":281474976710657,\"parent\":0,\"turn_us\":0,\"payload\":{"
                     "\"text\":\"good evening\",\"user\":7,\"urgent\":false}}");
    info = (struct tocsin_info){ .signo = INT_MAX,
                                 .code = TOCSIN_DONE,
                                 .status = -110,
                                 .overrun = UINT_MAX,
                                 .name = "timer.expired",
                                 .source = { UINT64_MAX },
                                 .sequence = 3,
                                 .parent = 2,
                                 .turn_us = INT64_MIN };
    ck_assert_str_eq(info_of(&info), "{\"signal\":\"timer.expired\",\"signo\":2147483647,\"code\":"
                                     "\"done\",\"status\":-110,\"overrun\":4294967295,"
                                     "\"source\":18446744073709551615,\"sequence\":3,\"parent\":2,"
                                     "\"turn_us\":-9223372036854775808,\"payload\":null}");
    info = (struct tocsin_info){ .code = TOCSIN_PROGRESS };
    ck_assert_ptr_nonnull(
        strstr(info_of(&info), "{\"signal\":null,\"signo\":0,\"code\":\"progress\","));
    info.code = -1;
    ck_assert_ptr_nonnull(strstr(info_of(&info), "\"code\":-1,"));
    info.code = 0;
    ck_assert_ptr_nonnull(strstr(info_of(&info), "\"code\":0,"));
    info.code = TOCSIN_DONE + 1;
    ck_assert_ptr_nonnull(strstr(info_of(&info), "\"code\":6,"));
}
END_TEST

static int take_json(const struct tocsin_info *info, void *arg)
{
    strcpy(arg, info_of(info));
    return TOCSIN_NEXT;
}

START_TEST(a_handler_writes_its_info)
{
    struct tocsin_signal_spec spec = { .name = "json.said", .layout = &said_layout };
    int signo = tocsin_declare(&spec);
    char text[8192];

    ck_assert_int_eq(tocsin_on("json.said", take_json, text), 0);
    ck_assert_int_eq(tocsin_emit(signo, TOCSIN_PAYLOAD(said, .text = "\"", .urgent = true)),
                     TOCSIN_DELIVERED);
    ck_assert_ptr_nonnull(strstr(text, "{\"signal\":\"json.said\","));
    ck_assert_ptr_nonnull(
        strstr(text, "\"payload\":{\"text\":\"\\\"\",\"user\":0,\"urgent\":true}}"));
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    struct tocsin_info info = { .name = "a" };
    char text[4] = "abc";

    ck_assert_int_eq(tocsin_info_json(NULL, text, sizeof text), -EINVAL);
    ck_assert_int_eq(tocsin_info_json(NULL, NULL, 0), -EINVAL);
    ck_assert_int_eq(tocsin_info_json(&info, NULL, 1), -EINVAL);
    ck_assert_str_eq(text, "abc");
    ck_assert_int_gt(tocsin_info_json(&info, NULL, 0), 50);
    ck_assert_int_gt(tocsin_info_json(&info, text, 0), 50);
    ck_assert_str_eq(text, "abc");
}
END_TEST

START_TEST(every_type_with_extreme_values)
{
    struct every every = every_make();
    struct tocsin_object_ops how = { "a \"thing\"", NULL, NULL };

    every.fd = -1;
    ck_assert_str_eq(json_of(&every.tocsin),
                     "{\"flag\":false,\"i32\":0,\"u32\":0,\"i64\":0,\"u64\":0,\"real\":0,\"text\":"
                     "null,\"data\":null,\"error\":0,\"op\":0,\"fd\":-1,"
                     "\"object\":null,\"pointer\":null}");
    every.flag = true, every.i32 = INT32_MIN, every.u32 = UINT32_MAX, every.i64 = INT64_MIN,
    every.u64 = UINT64_MAX, every.real = -DBL_MAX;
    every.text = "", every.data = (struct tocsin_bytes){ "", 0 }, every.error = -ECANCELED,
    every.op.source.id = UINT64_MAX, every.fd = INT_MAX;
    every.object = (struct tocsin_object){ &every, &how }, every.pointer = &every;
    ck_assert_str_eq(json_of(&every.tocsin),
                     "{\"flag\":true,\"i32\":-2147483648,\"u32\":4294967295,\"i64\":-"
                     "9223372036854775808,\"u64\":18446744073709551615,"
                     "\"real\":-1.7976931348623157e308,\"text\":\"\",\"data\":\"\",\"error\":-125,"
                     "\"op\":18446744073709551615,\"fd\":2147483647,"
                     "\"object\":\"a \\\"thing\\\"\",\"pointer\":null}");
    every.i32 = INT32_MAX, every.i64 = INT64_MAX, every.object.object = NULL;
    ck_assert_ptr_nonnull(strstr(json_of(&every.tocsin), "\"object\":null,"));
    every.object.object = &every;
    ck_assert_ptr_nonnull(strstr(json_of(&every.tocsin), "\"i32\":2147483647,"));
    ck_assert_ptr_nonnull(strstr(json_of(&every.tocsin), "\"i64\":9223372036854775807,"));
    how.name = NULL;
    ck_assert_ptr_nonnull(strstr(json_of(&every.tocsin), "\"object\":null,"));
    every.object.ops = NULL;
    ck_assert_ptr_nonnull(strstr(json_of(&every.tocsin), "\"object\":null,"));
}
END_TEST

static const struct {
    double value;
    const char *text;
} reals[] = {
    { 0.0, "0" },
    { -0.0, "-0" },
    { 1, "1" },
    { -1.5, "-1.5" },
    { 0.1, "0.1" },
    { 0.1 + 0.2, "0.30000000000000004" },
    { 100000, "100000" },
    { 123456.789, "123456.789" },
    { 1e300, "1e300" },
    { -1.25e-300, "-1.25e-300" },
    { 5e-324, "5e-324" },
    { DBL_MAX, "1.7976931348623157e308" },
    { DBL_MIN, "2.2250738585072014e-308" },
    { DBL_EPSILON, "2.220446049250313e-16" },
    { 9007199254740993.0, "9007199254740992" },
    { 1e20, "100000000000000000000" },
    { 123456789012345680000.0, "123456789012345680000" },
    { 1e21, "1e21" },
    { 1.5e21, "1.5e21" },
    { 1e-6, "0.000001" },
    { 1.25e-6, "0.00000125" },
    { 1e-7, "1e-7" },
    { 2.0 / 3, "0.6666666666666666" },
    { 1e23, "1e23" },
    { 4294967296, "4294967296" },
    { 0x1p-44, "5.684341886080802e-14" },
    { 0x1p-1017, "7.120236347223045e-307" },
    { INFINITY, "null" },
    { -INFINITY, "null" },
    { NAN, "null" },
};

static void reals_are_written(void)
{
    char text[64];

    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        sprintf(text, "{\"x\":%s}", reals[i].text);
        ck_assert_str_eq(json_of(TOCSIN_PAYLOAD(one_real, .x = reals[i].value)), text);
    }
}

START_TEST(the_shortest_number)
{
    reals_are_written();
}
END_TEST

/* Numbers with all kinds of bits, negative zero included, are written as JSON and read back. The
   number that is read must be the same as before. */
START_TEST(a_number_reads_back_the_same)
{
    uint64_t bits, back, state = 88172645463325252u;

    for (int i = 0; i < (int)test_scaled(60000, 4, 20); i++) {
        struct one_real real = one_real_make();
        double read;
        char *end;

        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        /* The number is a power of two, a tiny number, or a number with random bits, in turn. */
        bits = i % 4 == 0   ? (uint64_t)(i / 4 % 2046 + 1) << 52
               : i % 4 == 1 ? state & ((1ull << 53) - 1)
                            : state;
        memcpy(&real.x, &bits, sizeof bits);
        if (!isfinite(real.x))
            continue;
        read = strtod(json_of(&real.tocsin) + strlen("{\"x\":"), &end);
        ck_assert_str_eq(end, "}");
        memcpy(&back, &read, sizeof back);
        ck_assert_msg(back == bits, "%a: %s", real.x, json_of(&real.tocsin));
    }
}
END_TEST

START_TEST(a_decimal_point_of_another_locale)
{
    static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "es_ES.UTF-8", "pl_PL.UTF-8",
                                         "ru_RU.UTF-8", "ps_AF.UTF-8", "de_DE" };
    bool found = false;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!setlocale(LC_ALL, names[i]) || strcmp(localeconv()->decimal_point, ".") == 0)
            continue;
        found = true;
        reals_are_written();
    }
    setlocale(LC_ALL, "C");
    arabic = true;
    reals_are_written();
    arabic = false;
    ck_assert_msg(found || arabic_calls,
                  "no such locale is installed, and snprintf of this build is not ours");
}
END_TEST

#define BAD "\xef\xbf\xbd"
static const struct {
    const char *text, *json;
} texts[] = {
    { "good evening", "good evening" },
    { "\"\\/", "\\\"\\\\/" },
    { "\b\f\n\r\t", "\\b\\f\\n\\r\\t" },
    { "\1\2\3\4\5\6\7\13\16\17\20\21\22\23\24\25\26\27\30\31\32\33\34\35\36\37",
      "\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\u000b\\u000e\\u000f\\u0010\\u0011\\u0012"
      "\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019"
      "\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f" },
    { "a\177b", "a\\u007fb" },
    { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
    { "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf"
      "\xbf", /* the first and the last code point of each length that UTF-8 has */
      "\\u0080\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf"
      "\xbf" },
    { "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },
    { "\x80", BAD },
    { "a\xbfz", "a" BAD "z" }, /* this continuation byte has no first byte */
    { "\xc0\x80", BAD BAD },
    { "\xc1\xbf", BAD BAD },
    { "\xe0\x80\x80", BAD BAD BAD },
    { "\xe0\x9f\xbf", BAD BAD BAD }, /* this form and the next two are overlong */
    { "\xf0\x80\x80\x80", BAD BAD BAD BAD },
    { "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD },
    { "\xed\xa0\x80", BAD BAD BAD },
    { "\xed\xbf\xbf", BAD BAD BAD },
    /* the two surrogates are not allowed in UTF-8 */
    { "\xed\xa0\xbd\xed\xb8\x80", BAD BAD BAD BAD BAD BAD },
    { "\xf4\x90\x80\x80", BAD BAD BAD BAD },
    { "\xf5\x80\x80\x80", BAD BAD BAD BAD },
    { "\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD },
    { "\xfe", BAD },
    { "\xff", BAD },
    { "\xc3", BAD },
    { "\xe2\x82", BAD BAD },
    { "\xf0\x9f\x98", BAD BAD BAD }, /* this text ends in the middle of a character */
    { "\xc3(", BAD "(" },
    { "\xe2\x82(", BAD BAD "(" },
    { "\xe2(\xa1", BAD "(" BAD },
    { "\xf0\x9f\x98\"", BAD BAD BAD "\\\"" },
    { "\xe2\x82\xc3\xbc", BAD BAD "\xc3\xbc" },
    { "\xc3\xc3\xbc", BAD "\xc3\xbc" },
    { "\xf0\xe2\x82\xac", BAD "\xe2\x82\xac" },
    { "\xc3\x01", BAD "\\u0001" },
};

START_TEST(text_is_escaped_and_repaired)
{
    char text[256];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        sprintf(text, "{\"x\":\"%s\"}", texts[i].json);
        ck_assert_str_eq(json_of(TOCSIN_PAYLOAD(one_text, .x = texts[i].text)), text);
    }
}
END_TEST

START_TEST(bytes_are_base64)
{
    /* These test vectors are those of RFC 4648, section 10. */
    static const char *const known[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
                                         "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
    unsigned char all[256];
    char text[64];

    for (size_t size = 0; size < 7; size++) {
        char *exact = malloc(size ? size : 1);

        sprintf(text, "{\"x\":\"%s\"}", known[size]);
        /* the function must not read the bytes behind the given size */
        memcpy(exact, "foobar", size);
        ck_assert_str_eq(json_of(TOCSIN_PAYLOAD(one_bytes, .x = { exact, size })), text);
        free(exact);
    }
    ck_assert_str_eq(json_of(TOCSIN_PAYLOAD(one_bytes, .x = { NULL, 7 })), "{\"x\":null}");
    ck_assert_str_eq(json_of(TOCSIN_PAYLOAD(one_bytes, .x = { "\0\xff\xfe\xfb\xf0\x3f", 6 })),
                     "{\"x\":\"AP/++/A/\"}");
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    ck_assert_uint_eq(strlen(json_of(TOCSIN_PAYLOAD(one_bytes, .x = { all, 256 }))),
                      strlen("{\"x\":\"\"}") + 344);
}
END_TEST

START_TEST(long_names_are_not_truncated)
{
    char fields[1024] = "i32 ", json[2048] = "{\"";
    struct tocsin_layout layout = { "long", fields, 24 };
    struct {
        struct tocsin_payload tocsin;
        int32_t one, two, three;
    } payload = { { &layout }, 1, 2, 3 };

    for (int i = 0; i < 300; i++) {
        strcat(fields, "n");
        strcat(json, "n");
    }
    strcat(fields, ";i32 \"\\\x01;i32 \xc3\xbc\xff;");
    strcat(json, "\":1,\"\\\"\\\\\\u0001\":2,\"\xc3\xbc" BAD "\":3}");
    ck_assert_str_eq(json_of(&payload.tocsin), json);
}
END_TEST

START_TEST(unknown_layouts)
{
    struct tocsin_layout layout = { NULL, "i32 first;i64 second;", 24 };
    struct {
        struct tocsin_payload tocsin;
        int32_t first;
        int64_t second;
    } payload = { { &layout }, 1, 2 };

    ck_assert_str_eq(json_of(&payload.tocsin), "{\"first\":1,\"second\":2}");
    layout = (struct tocsin_layout){ "empty", "", sizeof(struct tocsin_payload) };
    ck_assert_str_eq(json_of(&payload.tocsin), "{}");
    layout = (struct tocsin_layout){ "malformed", "i32 first;i65 second;", 24 };
    ck_assert_str_eq(json_of(&payload.tocsin), "null");
    layout = (struct tocsin_layout){ "malformed", "i32 first;i64 second", 24 };
    ck_assert_str_eq(json_of(&payload.tocsin), "null");
    layout = (struct tocsin_layout){ "too small", "i32 first;i64 second;string third;", 24 };
    ck_assert_str_eq(json_of(&payload.tocsin), "null");
    layout = (struct tocsin_layout){ "no fields", NULL, 24 };
    ck_assert_str_eq(json_of(&payload.tocsin), "null");
    payload.tocsin.layout = NULL;
    ck_assert_str_eq(json_of(&payload.tocsin), "null");
    ck_assert_str_eq(json_of(NULL), "null");
}
END_TEST

/* For every size, the buffer must contain what snprintf() would write. The buffer ends where its
   memory ends, so AddressSanitizer finds a write beyond the end. */
START_TEST(buffers_of_every_size)
{
    struct every every = every_make();
    struct tocsin_info info = { .name = "a.b", .code = 9, .payload = &every.tocsin };
    const char *whole;
    int length;

    every.text = "\"\\\x01\xff\xe2\x82\xac\n end",
    every.data = (struct tocsin_bytes){ "abcdefgh", 8 }, every.real = -1.25e-300;
    whole = info_of(&info);
    length = (int)strlen(whole);
    for (int size = 0; size <= length + 3; size++) {
        /* One byte stands before the buffer, so that the test finds a write before the buffer. */
        char *exact = malloc((size_t)size + 1), *buffer = exact + 1;

        memset(exact, '#', (size_t)size + 1);
        ck_assert_int_eq(tocsin_info_json(&info, size ? buffer : NULL, (size_t)size), length);
        ck_assert_int_eq(*exact, '#');
        if (size > 0) {
            ck_assert_uint_eq(strlen(buffer), size <= length ? size - 1 : length);
            ck_assert_mem_eq(buffer, whole, strlen(buffer));
        }
        for (int i = length + 1; i < size; i++)
            ck_assert_int_eq(buffer[i], '#');
        free(exact);
    }
}
END_TEST

START_TEST(output_longer_than_INT_MAX)
{
    struct one_bytes bytes = one_bytes_make();
    struct tocsin_info info = { .name = "a.b", .payload = &bytes.tocsin };
    int rest = tocsin_info_json(&info, NULL, 0) - (int)strlen("null") + 2;
    char text[256], data[256] = { 0 };

    /* The data is huge, and the buffer is small. The function must not read more data than it can
       write. */
    bytes.x.data = data;
    bytes.x.size = (size_t)(INT_MAX - rest) / 4 * 3;
    ck_assert_int_eq(tocsin_info_json(&info, NULL, 0), rest + (INT_MAX - rest) / 4 * 4);
    ck_assert_int_eq(tocsin_info_json(&info, text, sizeof text), rest + (INT_MAX - rest) / 4 * 4);
    ck_assert_uint_eq(strlen(text), sizeof text - 1);
    for (size_t size = bytes.x.size + 1; size; size = size < SIZE_MAX / 4 ? size * 4
                                                      : size < SIZE_MAX / 4 * 3
                                                          ? (SIZE_MAX / 4 + 1) * 3
                                                          : 0) {
        bytes.x.size = size;
        ck_assert_int_eq(tocsin_info_json(&info, NULL, 0), -EOVERFLOW);
        memset(text, '#', sizeof text);
        ck_assert_int_eq(tocsin_info_json(&info, text, sizeof text), -EOVERFLOW);
        ck_assert_uint_eq(strlen(text), sizeof text - 1);
    }
}
END_TEST

START_TEST(commas_between_members)
{
    struct tocsin__json json;
    char text[128];

    tocsin__json_begin(&json, text, sizeof text);
    tocsin__json_open(&json, '[');
    tocsin__json_signed(&json, -1);
    tocsin__json_open(&json, '{');
    tocsin__json_close(&json, '}');
    tocsin__json_open(&json, '[');
    tocsin__json_close(&json, ']');
    tocsin__json_open(&json, '{');
    tocsin__json_name(&json, "a");
    tocsin__json_open(&json, '[');
    tocsin__json_null(&json);
    tocsin__json_bool(&json, true);
    tocsin__json_close(&json, ']');
    tocsin__json_name(&json, "b");
    tocsin__json_real(&json, 0.5);
    tocsin__json_close(&json, '}');
    tocsin__json_text(&json, NULL);
    tocsin__json_bytes(&json, (struct tocsin_bytes){ "a", 1 });
    tocsin__json_unsigned(&json, 1);
    tocsin__json_close(&json, ']');
    ck_assert_int_eq(tocsin__json_end(&json), strlen(text));
    ck_assert_str_eq(text, "[-1,{},[],{\"a\":[null,true],\"b\":0.5},null,\"YQ==\",1]");
}
END_TEST

/* A strict checker of JSON, which follows the grammar of RFC 8259. Each function checks one part of
   a text. It returns the end of the part, or NULL if the part is malformed. */

static const char *check_value(const char *at);

static const char *check_digits(const char *at)
{
    size_t count = at ? strspn(at, "0123456789") : 0;

    return count ? at + count : NULL;
}

static const char *check_number(const char *at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : check_digits(at);
    if (at && *at == '.')
        at = check_digits(at + 1);
    if (at && (*at == 'e' || *at == 'E'))
        at = check_digits(at + 1 + (at[1] == '+' || at[1] == '-'));
    return at;
}

/* Checks the bits of a UTF-8 character. The value of the character must need exactly this number of
   bytes, and must be a valid code point. */
static const char *check_character(const char *at)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)*at;
    int size = first < 0x80       ? 1
               : first >> 5 == 6  ? 2
               : first >> 4 == 14 ? 3
               : first >> 3 == 30 ? 4
                                  : 0;
    uint32_t value = size == 1 ? first : first & (0x7fu >> size);

    for (int i = 1; i < size; i++) {
        if (((unsigned char)at[i] & 0xc0) != 0x80)
            return NULL;
        value = value << 6 | ((unsigned char)at[i] & 0x3f);
    }
    return size && value >= least[size] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff)
               ? at + size
               : NULL;
}

static const char *check_escape(const char *at)
{
    if (*at == 'u')
        return strspn(at + 1, "0123456789abcdefABCDEF") >= 4 ? at + 5 : NULL;
    return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
}

static const char *check_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (at && *at != '"') {
        if ((unsigned char)*at < 0x20)
            return NULL;
        at = *at == '\\' ? check_escape(at + 1) : check_character(at);
    }
    return at ? at + 1 : NULL;
}

static const char *check_members(const char *at, bool named, char end)
{
    if (*at == end)
        return at + 1;
    for (;; at++) {
        at = named ? check_string(at) : at;
        if (at && named)
            at = *at == ':' ? at + 1 : NULL;
        at = at ? check_value(at) : NULL;
        if (!at || *at != ',')
            return at && *at == end ? at + 1 : NULL;
    }
}

static const char *check_value(const char *at)
{
    static const char *const words[] = { "true", "false", "null" };

    for (int i = 0; i < 3; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    if (*at == '{' || *at == '[')
        return check_members(at + 1, *at == '{', *at == '{' ? '}' : ']');
    return *at == '"' ? check_string(at) : check_number(at);
}

static bool is_json(const char *text)
{
    const char *end = check_value(text);

    return end && !*end;
}

static const char *const good_json[] = {
    "0",
    "-0",
    "1.5e-7",
    "10E+2",
    "\"\"",
    "\"\\u00fF\\n\xc3\xbc\"",
    "{}",
    "[]",
    "{\"a\":[1,2,{\"b\":null}],\"c\":false}",
    "true",
    "\"\xf4\x8f\xbf\xbf\"",
};
static const char *const bad_json[] = {
    "",
    "01",
    "+1",
    "1.",
    ".5",
    "1e",
    "-",
    "nan",
    "inf",
    "1,5",
    "0x1",
    "\"",
    "\"\\x\"",
    "\"\\u00g0\"",
    "\"\n\"",
    "\"\xff\"",
    "\"\xc3\"",
    "\"\xed\xa0\x80\"",
    "\"\xc0\x80\"",
    "\"\xe0\x9f\xbf\"",
    "\"\xf4\x90\x80\x80\"",
    "{",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "[1,]",
    "[1 2]",
    "[",
    "1 ",
    "truee",
    "{}}",
    "{\"a\":1;\"b\":2}",
};

START_TEST(the_json_checker_itself)
{
    for (size_t i = 0; i < sizeof good_json / sizeof *good_json; i++)
        ck_assert_msg(is_json(good_json[i]), "%s", good_json[i]);
    for (size_t i = 0; i < sizeof bad_json / sizeof *bad_json; i++)
        ck_assert_msg(!is_json(bad_json[i]), "%s", bad_json[i]);
}
END_TEST

/* Tests with random payloads */

static uint64_t random_state = 2463534242u;

static unsigned random_below(unsigned limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 11) % limit);
}

static unsigned char random_byte(void)
{
    static const unsigned char liked[] = {
        '"',  '\\', 0x7f, 0x1f, 1,    0x80, 0xbf, 0xc0, 0xc2, 0xe0,
        0xed, 0xa0, 0x9f, 0xf0, 0x90, 0x8f, 0xf4, 0xf5, 0xff, 0xef,
    };

    return (unsigned char)(random_below(3) ? liked[random_below(sizeof liked)]
                                           : 1 + random_below(255));
}

static void random_text(char *text, unsigned most, const char *but)
{
    unsigned size = random_below(most);

    for (unsigned i = 0; i < size; i++)
        do
            text[i] = (char)random_byte();
        while (strchr(but, text[i]));
    text[size] = '\0';
}

static const struct {
    const char *name;
    unsigned size, align;
} types[] = {
#define TYPE(type) \
    { \
#type, sizeof(TOCSIN__C_##type), _Alignof(TOCSIN__C_##type) \
    }
    TYPE(bool),  TYPE(i32),   TYPE(u32), TYPE(i64), TYPE(u64),    TYPE(f64),   TYPE(string),
    TYPE(bytes), TYPE(error), TYPE(op),  TYPE(fd),  TYPE(object), TYPE(local),
#undef TYPE
};

static void random_value(const char *type, void *value, unsigned size)
{
    static char text[8][32];
    static const struct tocsin_object_ops how = { "\xfe thing", NULL, NULL }, nameless;
    char *one = text[random_below(8)];

    random_text(one, sizeof text[0], "");
    for (unsigned i = 0; i < size; i++)
        ((unsigned char *)value)[i] = random_byte();
    if (strcmp(type, "bool") == 0)
        *(bool *)value = random_below(2);
    else if (strcmp(type, "string") == 0)
        *(const char **)value = random_below(5) ? one : NULL;
    else if (strcmp(type, "bytes") == 0)
        *(struct tocsin_bytes *)value = (struct tocsin_bytes){ random_below(5) ? one : NULL,
                                                               random_below(sizeof text[0]) };
    else if (strcmp(type, "object") == 0)
        *(struct tocsin_object *)value = (struct tocsin_object){ random_below(4) ? value : NULL,
                                                                 random_below(4)   ? &how
                                                                 : random_below(2) ? &nameless
                                                                                   : NULL };
}

/* Chooses a random layout, with the field offsets that a compiler would use, and a random payload
   of that layout. */
static void random_payload(char *memory, char *fields, struct tocsin_layout *layout)
{
    unsigned end = sizeof(struct tocsin_payload), align = _Alignof(struct tocsin_payload),
             count = random_below(9);

    *fields = '\0';
    while (count--) {
        unsigned type = random_below(sizeof types / sizeof *types),
                 at = (end + types[type].align - 1) / types[type].align * types[type].align;
        char name[90];

        random_text(name, sizeof name, " ;");
        sprintf(fields + strlen(fields), "%s %s;", types[type].name, *name ? name : "n");
        random_value(types[type].name, memory + at, types[type].size);
        end = at + types[type].size;
        align = align > types[type].align ? align : types[type].align;
    }
    *layout = (struct tocsin_layout){ "random", fields, (end + align - 1) / align * align };
    ((struct tocsin_payload *)memory)->layout = layout;
}

START_TEST(a_hundred_thousand_random_payloads)
{
    _Alignas(16) char memory[512];
    char fields[1024], whole[16384], cut[64];
    struct tocsin_layout layout;

    for (int i = 0; i < (int)test_scaled(100000, 4, 20); i++) {
        struct tocsin_info info = { .name = "a.b",
                                    .signo = i,
                                    .code = (int)random_below(5),
                                    .payload = (struct tocsin_payload *)memory };
        size_t size = 1 + random_below(sizeof cut);
        int length;

        random_payload(memory, fields, &layout);
        length = tocsin_info_json(&info, whole, sizeof whole);
        ck_assert_int_lt(length, sizeof whole);
        ck_assert_int_eq(length, strlen(whole));
        ck_assert_msg(is_json(whole), "%d: %s", i, whole);
        ck_assert_ptr_nonnull(strstr(whole, "\"payload\":{"));
        ck_assert_int_eq(tocsin_info_json(&info, cut, size), length);
        ck_assert_uint_eq(strlen(cut), size - 1);
        ck_assert_mem_eq(cut, whole, size - 1);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("report/json");
    TCase *tests = test_case(suite, "json");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, an_info_has_the_documented_members);
    tcase_add_test(tests, a_handler_writes_its_info);
    tcase_add_test(tests, wrong_arguments_are_refused);
    tcase_add_test(tests, every_type_with_extreme_values);
    tcase_add_test(tests, the_shortest_number);
    tcase_add_test(tests, a_number_reads_back_the_same);
    tcase_add_test(tests, a_decimal_point_of_another_locale);
    tcase_add_test(tests, text_is_escaped_and_repaired);
    tcase_add_test(tests, bytes_are_base64);
    tcase_add_test(tests, long_names_are_not_truncated);
    tcase_add_test(tests, unknown_layouts);
    tcase_add_test(tests, buffers_of_every_size);
    tcase_add_test(tests, output_longer_than_INT_MAX);
    tcase_add_test(tests, commas_between_members);
    tcase_add_test(tests, the_json_checker_itself);
    tcase_add_test(tests, a_hundred_thousand_random_payloads);
    return suite;
}
