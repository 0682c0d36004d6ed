/* The rest of a stream is one byte shorter than the size of a part, exactly as long, or one byte
   longer: with every framing, read or pushed, the end with the bytes or behind them. At the end of
   the stream a rest without its delimiter is a part, as in getline(3), up to the whole size. */
#include "io/streams.h"

enum { SIZE = 8, RESULTS_MOST = 3 };

/* What reads return one after the other, or what stream.received announces and the stream ends
   with, if the stream carries `length` bytes. */
static const struct {
    struct tocsin_part part;
    size_t length;
    int reads[RESULTS_MOST];
    size_t pushed[RESULTS_MOST];
    int status;
} cases[] = {
    { { .size = SIZE }, SIZE - 1, { SIZE - 1 }, { SIZE - 1 }, 0 },
    { { .size = SIZE }, SIZE, { SIZE }, { SIZE }, 0 },
    { { .size = SIZE }, SIZE + 1, { SIZE, 1 }, { SIZE, 1 }, 0 },
    { { .size = SIZE, .until = "\n" }, SIZE - 1, { SIZE - 1 }, { SIZE - 1 }, 0 },
    { { .size = SIZE, .until = "\n" }, SIZE, { SIZE }, { SIZE }, 0 },
    { { .size = SIZE, .until = "\n" }, SIZE + 1, { TOCSIN_ETOOBIG }, { 0 }, TOCSIN_ETOOBIG },
    { { .size = SIZE, .until = "\r\n" }, SIZE - 1, { SIZE - 1 }, { SIZE - 1 }, 0 },
    { { .size = SIZE, .until = "\r\n" }, SIZE, { SIZE }, { SIZE }, 0 },
    { { .size = SIZE, .until = "\r\n" }, SIZE + 1, { TOCSIN_ETOOBIG }, { 0 }, TOCSIN_ETOOBIG },
    { { .size = SIZE, .flags = TOCSIN_EXACTLY },
      SIZE - 1,
      { TOCSIN_ETRUNCATED },
      { 0 },
      TOCSIN_ETRUNCATED },
    { { .size = SIZE, .flags = TOCSIN_EXACTLY }, SIZE, { SIZE }, { SIZE }, 0 },
    { { .size = SIZE, .flags = TOCSIN_EXACTLY },
      SIZE + 1,
      { SIZE, TOCSIN_ETRUNCATED },
      { SIZE },
      TOCSIN_ETRUNCATED },
    { { .size = SIZE, .flags = TOCSIN_TO_END }, SIZE - 1, { SIZE - 1 }, { SIZE - 1 }, 0 },
    { { .size = SIZE, .flags = TOCSIN_TO_END }, SIZE, { SIZE }, { SIZE }, 0 },
    { { .size = SIZE, .flags = TOCSIN_TO_END },
      SIZE + 1,
      { TOCSIN_ETOOBIG },
      { 0 },
      TOCSIN_ETOOBIG },
};

enum { CASES = sizeof cases / sizeof cases[0], VARIANTS = 2 * CASES };

static const char bytes[SIZE + 1] = "12345678";
static size_t pushed[RESULTS_MOST], pushed_count;
static int status, ends;

static void begin(void)
{
    memset(pushed, 0, sizeof pushed);
    pushed_count = 0;
    status = ends = 0;
}

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);

    (void)arg;
    if (came) {
        ck_assert_uint_lt(pushed_count, RESULTS_MOST);
        pushed[pushed_count++] = came->data.size;
    }
    if (tocsin_stream_closed_of(info)) {
        ends++;
        status = info->status;
    }
    return TOCSIN_NEXT;
}

/* The bytes end with a carriage return if a delimiter could begin there. */
static void send_all(int peer, size_t length, bool end_is_late)
{
    char text[SIZE + 1];

    memcpy(text, bytes, length);
    text[length - 1] = '\r';
    ck_assert_int_eq(write(peer, text, length), (ssize_t)length);
    if (end_is_late)
        turns_few();
    close(peer);
}

START_TEST(reads)
{
    int peer, which = _i / 2;
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peer), read;

    tocsin_stream_read(stream, &cases[which].part, TOCSIN_FUTURE, &read);
    send_all(peer, cases[which].length, _i % 2);
    for (int i = 0; i < RESULTS_MOST && cases[which].reads[i]; i++) {
        ck_assert_int_eq(tocsin_wait(read, -1, NULL), cases[which].reads[i]);
        tocsin_stream_read(stream, &cases[which].part, TOCSIN_FUTURE, &read);
    }
    tocsin_cancel(read);
    turns_until_over(read);
    tocsin_op_free(read);
    tocsin_cancel(stream);
    turns_until_over(stream);
}
END_TEST

START_TEST(pushes)
{
    int peer, which = _i / 2;
    const struct tocsin_stream_options options = { .part = cases[which].part };
    struct tocsin_op stream = stream_of_pair(&options, TOCSIN_BOTH(on_stream), &peer);

    send_all(peer, cases[which].length, _i % 2);
    turns_until_over(stream);
    ck_assert_mem_eq(pushed, cases[which].pushed, sizeof pushed);
    ck_assert_int_eq(status, cases[which].status);
    ck_assert_int_eq(ends, 1);
}
END_TEST

/* A delimiter that lies in the part, or behind it, by one byte. */
START_TEST(delimiters)
{
    static const char *const texts[] = { "123456\n", "1234567\n", "12345678\n" };
    const struct tocsin_part line = { .until = "\n", .size = SIZE };
    int peer, expected = _i < 2 ? SIZE - 1 + _i : TOCSIN_ETOOBIG;
    struct tocsin_op stream = stream_of_pair(NULL, NULL, &peer), read;

    for (const char *at = texts[_i]; *at; at++) {
        ck_assert_int_eq(write(peer, at, 1), 1);
        turns_few();
    }
    ck_assert_int_eq(read_part(stream, &line, NULL), expected);
    if (_i == 2) { /* nothing was taken */
        tocsin_stream_read(stream, &(struct tocsin_part){ .size = 99 }, TOCSIN_FUTURE, &read);
        ck_assert_int_eq(tocsin_wait(read, -1, NULL), SIZE + 1);
    }
    close(peer);
    tocsin_cancel(stream);
    turns_until_over(stream);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/parts");
    TCase *tests = test_case(suite, "parts");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, reads, 0, VARIANTS);
    tcase_add_loop_test(tests, pushes, 0, VARIANTS);
    tcase_add_loop_test(tests, delimiters, 0, 3);
    return suite;
}
