/* Stalled output. Covered: a writer that goes on at each stream.drained is called again after each
   write that returned 1, however fast the peer reads. */
#include "io/streams.h"

static int refills;

/* Writes until the stream is stalled, each time that it is drained. */
static int on_drained(const struct tocsin_info *info, void *arg)
{
    static const char block[30000];
    struct tocsin_op stream = tocsin_info_op(info);
    int result = 0;

    (void)arg;
    refills++;
    while (result == 0)
        result = tocsin_stream_write(stream, block, sizeof block);
    ck_assert_int_eq(result, 1);
    return TOCSIN_NEXT;
}

/* A write that returns 1 is followed by stream.drained, also if all was sent before stream.stalled
   could be announced. */
START_TEST(each_stall_is_followed_by_drained)
{
    static char buffer[1 << 20], block[250000];
    const struct tocsin_stream_options options = { .high_bytes = 100000, .low_bytes = 90000 };
    int peer, turns = 0, most = (int)test_scaled(200, 2, 10);
    struct tocsin_op stream = stream_of_pair(&options, NULL, &peer);

    refills = 0;
    ck_assert_int_eq(tocsin_on("stream.drained", on_drained, NULL), 0);
    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 0);
    turns_few();
    ck_assert_int_eq(tocsin_stream_write(stream, block, sizeof block), 1);
    for (; refills < most && turns < 50 * most; turns++) {
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        if (turns % 3 != 1)
            while (peer_read(peer, buffer, sizeof buffer) > 0)
                ;
    }
    ck_assert_int_ge(refills, most);
    ck_assert_int_eq(tocsin_cancel(stream), 0);
    turns_until_over(stream);
    close(peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/stalls");
    TCase *tests = test_case(suite, "stalls");

    tcase_add_test(tests, each_stall_is_followed_by_drained);
    return suite;
}
