/* Tests the escaping of text for C strings and JSON. A second, independent list of character
   classes checks the result for every code point. Every malformed form of UTF-8 is tested, also at
   the end of a text. Buffers of every size are tested.

   The edit distance of two words is tested, too. A recursive implementation checks the distance for
   20,000 pairs of words. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "test.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

static const struct {
    const char *what;
    uint32_t first, last;
} acting[] = {
    { "C0", 0x00, 0x1f },
    { "DEL", 0x7f, 0x7f },
    { "C1", 0x80, 0x9f },
    { "Arabic letter mark", 0x61c, 0x61c },
    { "Mongolian vowel separator", 0x180e, 0x180e },
    { "zero-width space", 0x200b, 0x200b },
    { "LRM and RLM", 0x200e, 0x200f },
    { "separators", 0x2028, 0x2029 },
    { "embeddings and overrides", 0x202a, 0x202e },
    { "word joiner, invisible operators", 0x2060, 0x2064 },
    { "not assigned, ignorable", 0x2065, 0x2065 },
    { "isolates", 0x2066, 0x2069 },
    { "deprecated format controls", 0x206a, 0x206f },
    { "byte order mark", 0xfeff, 0xfeff },
    { "annotation", 0xfff9, 0xfffb },
    { "tags", 0xe0000, 0xe007f },
};

static bool acts(uint32_t code)
{
    for (size_t i = 0; i < sizeof acting / sizeof acting[0]; i++)
        if (code >= acting[i].first && code <= acting[i].last)
            return true;
    return false;
}

static size_t encode(uint32_t code, char *at)
{
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = size - 1; i > 0; i--, code >>= 6)
        at[i] = (char)(0x80 | (code & 0x3f));
    at[0] = (char)(heads[size] | code);
    return size;
}

static void octal(const char *at, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++)
        out += sprintf(out, "\\%03o", (unsigned char)at[i]);
}

static void check_plain(const char *text, size_t size, const char *wanted)
{
    char got[256];

    ck_assert_uint_eq(tocsin_text_plain(text, size, got, sizeof got), strlen(wanted));
    ck_assert_msg(strcmp(got, wanted) == 0, "'%s', not '%s'", got, wanted);
}

static void check_json(const char *text, size_t size, const char *wanted)
{
    char got[256];

    ck_assert_uint_eq(tocsin_text_json(text, size, got, sizeof got), strlen(wanted));
    ck_assert_msg(strcmp(got, wanted) == 0, "'%s', not '%s'", got, wanted);
}

/* Returns the next code point to test. Under a sanitizer or valgrind the test is slow. There,
   ranges without a character to escape are tested with one of 32 or 512 code points only. */
static uint32_t code_next(uint32_t code)
{
    bool plain_range = (code >= 0x3100 && code < 0xd700) || (code >= 0xe100 && code < 0xf000) ||
                       (code >= 0x10100 && code < 0xdff00) || code >= 0xe1000;

    return code + (plain_range ? (uint32_t)(512 / test_scaled(512, 16, 1)) : 1);
}

START_TEST(every_code_point_is_copied_or_escaped)
{
    for (uint32_t code = 0; code <= 0x10ffff; code = code_next(code)) {
        char text[8] = "a", wanted[32], json[32];
        size_t size;

        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        size = 1 + encode(code, text + 1);
        text[size++] = 'z';
        memcpy(wanted, text, size);
        wanted[size] = '\0';
        strcpy(json, wanted);
        if (acts(code)) {
            octal(text + 1, size - 2, wanted + 1);
            strcat(wanted, "z");
            if (code < 0x10000)
                sprintf(json, "a\\u%04xz", code);
            else
                sprintf(json, "a\\u%04x\\u%04xz", 0xd800 + ((code - 0x10000) >> 10),
                        0xdc00 + ((code - 0x10000) & 0x3ff));
        }
        check_plain(text, size, wanted);
        if (code != '"' && code != '\\' && (code < '\b' || code > '\r' || code == '\v'))
            check_json(text, size, json);
    }
}
END_TEST

static const struct {
    const char *what, *text;
    size_t size;
} malformed[] = {
    { "a continuation alone", TEXT("\x80") },
    { "the last one", TEXT("\xbf") },
    { "raw C1", TEXT("\x9b") },
    { "overlong in 2: NUL", TEXT("\xc0\x80") },
    { "overlong in 2: DEL", TEXT("\xc1\xbf") },
    { "overlong in 3", TEXT("\xe0\x80\xaf") },
    { "overlong in 3, the last", TEXT("\xe0\x9f\xbf") },
    { "overlong in 4", TEXT("\xf0\x80\x80\xaf") },
    { "overlong in 4, the last", TEXT("\xf0\x8f\xbf\xbf") },
    { "overlong: U+009B in 3", TEXT("\xe0\x82\x9b") },
    { "overlong: U+202E in 4", TEXT("\xf0\x82\x80\xae") },
    { "the first surrogate", TEXT("\xed\xa0\x80") },
    { "the last surrogate", TEXT("\xed\xbf\xbf") },
    { "a pair of surrogates", TEXT("\xed\xa0\xbd\xed\xb8\x80") },
    { "U+110000", TEXT("\xf4\x90\x80\x80") },
    { "a head beyond", TEXT("\xf5\x80\x80\x80") },
    { "5 bytes", TEXT("\xf8\x88\x80\x80\x80") },
    { "6 bytes", TEXT("\xfc\x84\x80\x80\x80\x80") },
    { "no head", TEXT("\xfe") },
    { "nor this", TEXT("\xff") },
    { "2, cut off", TEXT("\xc2") },
    { "3, cut off", TEXT("\xe2\x80") },
    { "3, cut off at once", TEXT("\xe2") },
    { "4, cut off", TEXT("\xf0\x9f\x98") },
    { "4, cut off before", TEXT("\xf0\x9f") },
    { "4, at once", TEXT("\xf0") },
    { "UTF-16", TEXT("\xff\xfe") },
    { "Latin-1", TEXT("\xe4\xf6\xfc") },
};

/* A malformed byte sequence must be escaped byte by byte. The sequence stands at the end of the
   text, or before bytes that could complete the character. */
START_TEST(malformed_bytes_are_escaped)
{
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        static const char *const behind[] = { "", "z", "\xc3\xa4", "\x1b[31m" },
                                 *const escaped[] = { "", "z", "\xc3\xa4", "\\033[31m" };
        static const char *const in_json[] = { "", "z", "\xc3\xa4", "\\u001b[31m" };

        for (size_t k = 0; k < sizeof behind / sizeof behind[0]; k++) {
            char text[64], wanted[128], json[128] = "a";
            size_t size = 1 + malformed[i].size;

            memcpy(text, "a", 1);
            memcpy(text + 1, malformed[i].text, malformed[i].size);
            strcpy(text + size, behind[k]);
            wanted[0] = 'a';
            octal(malformed[i].text, malformed[i].size, wanted + 1);
            strcat(wanted, escaped[k]);
            for (size_t n = 0; n < malformed[i].size; n++)
                strcat(json, "\xef\xbf\xbd");
            strcat(json, in_json[k]);
            check_plain(text, size + strlen(behind[k]), wanted);
            check_json(text, size + strlen(behind[k]), json);
        }
    }
}
END_TEST

START_TEST(json_escapes)
{
    check_json(TEXT("\"\\\b\f\n\r\t\v"), "\\\"\\\\\\b\\f\\n\\r\\t\\u000b");
    check_plain(TEXT("\"\\\b\n"), "\"\\\\010\\012");
    check_plain(NULL, 7, "");
    check_json(NULL, 7, "");
    check_plain("x", 0, "");
}
END_TEST

typedef size_t (*text_fn)(const char *text, size_t size, char *buffer, size_t room);

/* The buffer is too small for the text. The function must store a printable beginning of the text,
   and must return the length of the whole text. */
static void check_rooms(text_fn fn)
{
    static const char text[] = "\xc3\xa4"
                               "b\x1b\xf0\x9f\x98\x80\xe2\x80\xae\xff\"\xe2\x82\xac";
    char whole[128], part[128];
    size_t length = fn(TEXT(text), whole, sizeof whole);

    ck_assert_uint_eq(fn(TEXT(text), NULL, 0), length);
    for (size_t room = 1; room <= length + 1; room++) {
        size_t size;

        memset(part, '#', sizeof part);
        ck_assert_uint_eq(fn(TEXT(text), part, room), length);
        ck_assert(part[room] == '#');
        size = strlen(part);
        ck_assert_uint_lt(size, room);
        ck_assert_int_eq(memcmp(part, whole, size), 0);
        ck_assert_uint_eq(tocsin__text_span(part, size, ""), size);
        ck_assert(room == length + 1 ? size == length : size + TOCSIN__ESCAPE_MOST > room - 1);
    }
}

START_TEST(small_buffers_are_cut_between_characters)
{
    check_rooms(tocsin_text_plain);
    check_rooms(tocsin_text_json);
}
END_TEST

/* A slow and simple second implementation, which follows the definition of the distance. */
static size_t distance_by_definition(const char *one, size_t size, const char *other, size_t length)
{
    size_t least, far;

    if (!size || !length)
        return size + length;
    least = distance_by_definition(one, size - 1, other, length - 1) +
            (tolower(one[size - 1]) != tolower(other[length - 1]));
    far = distance_by_definition(one, size - 1, other, length) + 1;
    least = far < least ? far : least;
    far = distance_by_definition(one, size, other, length - 1) + 1;
    least = far < least ? far : least;
    if (size > 1 && length > 1 && tolower(one[size - 1]) == tolower(other[length - 2]) &&
        tolower(one[size - 2]) == tolower(other[length - 1])) {
        far = distance_by_definition(one, size - 2, other, length - 2) + 1;
        least = far < least ? far : least;
    }
    return least;
}

/* Makes the word that a number stands for: each digit in base 4 is one letter. */
static size_t word_of(unsigned number, char *word)
{
    size_t size = number % 6;

    for (size_t i = 0; i < size; i++)
        word[i] = "abBc"[number / 6 >> 2 * i & 3];
    word[size] = '\0';
    return size;
}

START_TEST(the_distance_follows_its_definition)
{
    unsigned seed = 1;

    for (int i = 0; i < 20000; i++) {
        char one[6], other[6];
        size_t size, length;

        seed = seed * 1103515245 + 12345;
        size = word_of(seed >> 8, one);
        seed = seed * 1103515245 + 12345;
        length = word_of(seed >> 8, other);
        ck_assert_uint_eq(tocsin_text_distance(one, size, other),
                          distance_by_definition(one, size, other, length));
        ck_assert_uint_eq(tocsin_text_distance(one, size, one), 0);
    }
}
END_TEST

START_TEST(words_longer_than_255_bytes_have_no_distance)
{
    char word[300];

    memset(word, 'a', sizeof word);
    word[255] = '\0';
    ck_assert_uint_eq(tocsin_text_distance(word, 255, word), 0);
    ck_assert_uint_eq(tocsin_text_distance("", 0, word), 255);
    ck_assert_uint_eq(tocsin_text_distance(word, 256, "a"), SIZE_MAX);
    word[255] = 'a';
    word[256] = '\0';
    ck_assert_uint_eq(tocsin_text_distance("a", 1, word), SIZE_MAX);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/text");
    TCase *tests = test_case(suite, "text");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_code_point_is_copied_or_escaped);
    tcase_add_test(tests, malformed_bytes_are_escaped);
    tcase_add_test(tests, json_escapes);
    tcase_add_test(tests, small_buffers_are_cut_between_characters);
    tcase_add_test(tests, the_distance_follows_its_definition);
    tcase_add_test(tests, words_longer_than_255_bytes_have_no_distance);
    return suite;
}
