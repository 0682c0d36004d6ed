/* A stream whose bytes arrive in pieces gives the same parts, whatever the pieces are. Each random
   text is sent whole, cut in two at every position, byte by byte, and cut at random, with every
   framing, and received by push, by reads that wait, and by reads that start after the end. The
   expected parts are computed here, from the whole text. As it comes, and at most n bytes, depend
   on the pieces: there the bytes, and the longest part, are the same.
   TOCSIN_CUTS=n sets the number of cases, TOCSIN_TEST_SEED=n the seed. */
#include <stdlib.h>

#include "io/streams.h"

enum { TEXT_MOST = 28, PARTS_MOST = 64, CASES = 10000 };
enum how { PUSHED, READ_EARLY, READ_LATE, HOWS };
enum framing { AS_IT_COMES, AT_MOST, EXACTLY, UNTIL, TO_END, FRAMINGS };

static const char *const framing_names[] = { "as it comes", "at most", "exactly", "until",
                                             "to the end" };
static const char *const how_names[] = { "pushed", "read early", "read late" };

/* The parts of one stream, and how they ended: 0, TOCSIN_ETOOBIG or TOCSIN_ETRUNCATED. */
struct parts {
    size_t sizes[PARTS_MOST], count, size;
    char bytes[TEXT_MOST + 1];
    int status, ends;
};

static char text[TEXT_MOST + 1];
static size_t text_size;
static bool cuts[TEXT_MOST + 1]; /* cuts[i]: a piece ends before byte i */
static enum framing framing;
static struct tocsin_part part;
static unsigned seed = 12;

static unsigned draw(unsigned most)
{
    return (unsigned)rand_r(&seed) % most;
}

static void parts_add(struct parts *parts, const void *data, size_t size)
{
    ck_assert_uint_lt(parts->count, PARTS_MOST);
    ck_assert_uint_le(parts->size + size, text_size);
    memcpy(parts->bytes + parts->size, data, size);
    parts->size += size;
    parts->sizes[parts->count++] = size;
}

static void draw_text(void)
{
    text_size = draw(TEXT_MOST + 1);
    for (size_t i = 0; i < text_size; i++)
        text[i] = "ab\r\n"[draw(4)];
    text[text_size] = 0;
}

static void draw_part(void)
{
    static const char *const delimiters[] = { "\n", "\r\n", "aab", "abab" };

    part = (struct tocsin_part){ 0 };
    switch (framing) {
    case AS_IT_COMES: break;
    case AT_MOST: part.size = 1 + draw(9); break;
    case EXACTLY: part.size = 1 + draw(9), part.flags = TOCSIN_EXACTLY; break;
    case UNTIL: part.until = delimiters[draw(4)], part.size = 4 + draw(12); break;
    case TO_END: part.size = draw(3) ? 0 : 1 + draw(TEXT_MOST), part.flags = TOCSIN_TO_END; break;
    case FRAMINGS: break;
    }
}

/* Expected parts */

static void expect_lines(struct parts *parts)
{
    for (size_t at = 0, size; at < text_size; at += size) {
        const char *found = strstr(text + at, part.until);

        size = found ? (size_t)(found - text) + strlen(part.until) - at : text_size - at;
        if (size > part.size) { /* the last part may lack its delimiter, as in getline(3) */
            parts->status = TOCSIN_ETOOBIG;
            return;
        }
        parts_add(parts, text + at, size);
    }
}

static void expect_exactly(struct parts *parts)
{
    size_t at = 0;

    for (; text_size - at >= part.size; at += part.size)
        parts_add(parts, text + at, part.size);
    parts->status = at < text_size ? TOCSIN_ETRUNCATED : 0;
}

static void expect(struct parts *parts)
{
    *parts = (struct parts){ 0 };
    if (framing == UNTIL)
        expect_lines(parts);
    else if (framing == EXACTLY)
        expect_exactly(parts);
    else if (framing == TO_END && part.size && text_size > part.size)
        parts->status = TOCSIN_ETOOBIG;
    else if (text_size)
        parts_add(parts, text, text_size);
}

/* Received parts */

static int on_stream(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_stream_received *came = tocsin_stream_received_of(info);
    struct parts *parts = arg;

    if (came)
        parts_add(parts, came->data.data, came->data.size);
    if (tocsin_stream_closed_of(info)) {
        parts->status = info->status;
        parts->ends++;
    }
    return TOCSIN_NEXT;
}

static void turns_two(void)
{
    for (int i = 0; i < 2; i++)
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

/* Starts a read if none waits, and notes its end: again and again. false: no further part comes. */
static bool reads_go_on(struct tocsin_op stream, struct tocsin_op *read, char *into,
                        struct parts *parts)
{
    struct tocsin_part wanted = part;
    struct tocsin_info *info;

    wanted.into = into && part.size ? into : NULL;
    for (;;) {
        int status;

        if (!read->source.id)
            ck_assert_int_eq(tocsin_stream_read(stream, &wanted, TOCSIN_FUTURE, read), 0);
        if (tocsin_op_status(*read) == -EINPROGRESS)
            turns_two();
        if (tocsin_op_status(*read) == -EINPROGRESS)
            return true;
        status = tocsin_wait(*read, -1, &info);
        *read = (struct tocsin_op){ 0 };
        if (status > 0)
            parts_add(parts, wanted.into ? into : tocsin_stream_taken_of(info)->data.data,
                      (size_t)status);
        if (status >= 0)
            tocsin_info_unref(info);
        if (status <= 0 || framing == TO_END) { /* the read to the end includes the end */
            parts->status = status < 0 ? status : 0;
            parts->ends++;
            return false;
        }
    }
}

/* Sends the text in its pieces. The stream may have ended before the last one. */
static void receive(enum how how, struct parts *parts)
{
    const struct tocsin_stream_options options = { .part = part };
    char into[TEXT_MOST + 1], *lent = draw(2) ? into : NULL;
    int peer;
    struct tocsin_op read = { 0 };
    struct tocsin_op stream = how == PUSHED
                                  ? stream_of_pair(&options, TOCSIN_BOTH(on_stream, parts), &peer)
                                  : stream_of_pair(NULL, NULL, &peer);
    bool goes_on = true, ends_at_once = draw(2); /* the end arrives with the last bytes */

    *parts = (struct parts){ 0 };
    for (size_t begin = 0, end; begin < text_size && goes_on; begin = end) {
        for (end = begin + 1; end < text_size && !cuts[end];)
            end++;
        send(peer, text + begin, end - begin, MSG_NOSIGNAL);
        if (end == text_size && ends_at_once)
            break;
        if (how == READ_EARLY)
            goes_on = reads_go_on(stream, &read, lent, parts);
        else
            turns_two();
    }
    close(peer);
    if (how == PUSHED) {
        turns_until_over(stream);
        return;
    }
    while (goes_on)
        goes_on = reads_go_on(stream, &read, lent, parts);
    tocsin_cancel(stream);
    turns_until_over(stream);
}

/* Comparing */

static void compare(enum how how, const struct parts *got, const struct parts *wanted)
{
    char where[TEXT_MOST + 1];

    for (size_t i = 0; i < text_size; i++)
        where[i] = cuts[i] ? '|' : '.';
    where[text_size] = 0;
    for (size_t i = 0; i < got->count; i++)
        if (framing <= AT_MOST && part.size)
            ck_assert_uint_le(got->sizes[i], part.size);
    ck_assert_msg(got->ends == 1 && got->status == wanted->status && got->size == wanted->size &&
                      memcmp(got->bytes, wanted->bytes, got->size) == 0 &&
                      (framing <= AT_MOST ||
                       (got->count == wanted->count &&
                        memcmp(got->sizes, wanted->sizes, got->count * sizeof got->sizes[0]) == 0)),
                  "%s, %s %zu %s: text of %zu '%s', cuts '%s': %d ends with %d instead of %d, "
                  "%zu bytes in %zu parts instead of %zu in %zu",
                  how_names[how], framing_names[framing], part.size, part.until ? part.until : "",
                  text_size, text, where, got->ends, got->status, wanted->status, got->size,
                  got->count, wanted->size, wanted->count);
}

static long run_case(const struct parts *wanted)
{
    struct parts got;

    for (int how = 0; how < HOWS; how++) {
        receive((enum how)how, &got);
        compare((enum how)how, &got, wanted);
    }
    return HOWS;
}

static long run_text(void)
{
    struct parts wanted;
    long count = 0;

    expect(&wanted);
    for (size_t at = 0; at < text_size; at++) { /* at 0: whole */
        memset(cuts, 0, sizeof cuts);
        cuts[at] = true;
        count += run_case(&wanted);
    }
    memset(cuts, 1, sizeof cuts);
    count += run_case(&wanted);
    for (size_t i = 0; i < sizeof cuts; i++)
        cuts[i] = draw(4) == 0;
    return count + run_case(&wanted);
}

START_TEST(the_same_parts_whatever_the_cuts)
{
    const char *wish = getenv("TOCSIN_CUTS"), *wanted_seed = getenv("TOCSIN_TEST_SEED");
    long count = 0, most = wish ? atol(wish) : test_scaled(CASES, 4, 25);

    if (wanted_seed)
        seed = (unsigned)strtoul(wanted_seed, NULL, 0);

    for (int round = 0; count < most; round++) {
        framing = (enum framing)(round % FRAMINGS);
        draw_text();
        draw_part();
        count += run_text();
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/fuzz_cuts");
    TCase *tests = test_case(suite, "cuts");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_same_parts_whatever_the_cuts);
    return suite;
}
