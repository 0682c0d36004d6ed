/* Tests contract lines E7 and E11: the inbox of a loop, its limits, coalescing messages, and copies
   of payloads. Also tested is tocsin_post_wait, which waits until the inbox has room. */
#include <stdlib.h>
#include <unistd.h>

#include "contract/remote_signals.h"

#define BROAD(F) \
    F(u64, a) \
    F(u64, b) F(u64, c) F(u64, d) F(u64, e) F(u64, f) F(u64, g) F(u64, h) F(u64, i) F(u64, j)
TOCSIN_LAYOUT(broad, BROAD);

static int broad;

static void begin_inboxes(void)
{
    begin();
    broad = declare((struct tocsin_signal_spec){ .name = "test.broad", .layout = &broad_layout });
}

/* Tests of contract line E11: the limits of an inbox */

START_TEST(E11_an_inbox_is_bounded)
{
    struct tocsin_loop_facts facts;

    connect_to("test.number, test.note, test.broad", hear, &heard);
    ck_assert_int_eq(post_until_full(number), ROOM);
    ck_assert_int_eq(tocsin_post(note, NULL), -EAGAIN);
    ck_assert_int_eq(tocsin_post(broad, TOCSIN_PAYLOAD(broad, .a = 0)), -EAGAIN);
    ck_assert_int_eq(tocsin_loop_call(tocsin_loop_current(), do_turn, NULL, NULL), -EAGAIN);
    ck_assert_int_eq(tocsin_loop_get(&facts), 0);
    /* 3 counts the refused posts; the refused call of tocsin_loop_call() is not counted */
    ck_assert_uint_eq(facts.refused, 3);
    ck_assert_uint_eq(facts.received, 0);
    ck_assert_int_eq(tocsin_loop_turn(0), ROOM);
    check_values(&heard, ROOM);
    ck_assert_int_eq(post_until_full(number), ROOM); /* the whole inbox must be empty again */
    ck_assert_int_eq(tocsin_loop_turn(0), ROOM);
    ck_assert_int_eq(tocsin_loop_get(&facts), 0);
    ck_assert_uint_eq(facts.received, 2 * ROOM);
}
END_TEST

static int of_letter(const struct tocsin_info *info, void *arg)
{
    ck_assert_uint_eq(letter_of(info)->data.size, 1 << 20);
    return tell(info, arg);
}

START_TEST(E11_an_inbox_is_bounded_in_bytes)
{
    struct letter large = letter_make();
    int answer, count = 0;

    large.data = (struct tocsin_bytes){ calloc(1, 1 << 20), 1 << 20 };
    large.fd = -1;
    connect_to("test.letter", of_letter, &other.told);
    connect_to("test.number", hear, &heard);
    for (int round = 0; round < 3; round++) {
        for (count = 0; (answer = tocsin_post(letter, &large.tocsin)) == TOCSIN_PENDED; count++)
            ;
        ck_assert_int_eq(answer, -EAGAIN);
        /* the result is 15, since 16 payloads of this size exceed the limit in bytes */
        ck_assert_int_eq(count, 15);
        /* The payload is small enough to be stored in the inbox's ring itself, so it does not count
           against the limit of bytes. */
        ck_assert_int_eq(post_number(number, (uint64_t)round), TOCSIN_PENDED);
        ck_assert_int_eq(do_turns(NULL), count + 1);
    }
    ck_assert_int_eq(other.told.count, 3 * count);
    check_values(&heard, 3);
    free((void *)large.data.data);
}
END_TEST

/* A payload larger than the byte limit is posted to an empty inbox. The post must be accepted,
   since otherwise this payload could never be delivered. */
START_TEST(E11_an_empty_inbox_accepts_a_payload_over_the_limit)
{
    struct letter large = letter_make();

    large.data = (struct tocsin_bytes){ calloc(1, TOCSIN_INBOX_BYTES + 1), TOCSIN_INBOX_BYTES + 1 };
    large.fd = -1;
    connect_to("test.letter", tell, &other.told);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(post_text(letter, "small"), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(letter, &large.tocsin), -EAGAIN);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tocsin_post(letter, &large.tocsin), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_post(letter, &large.tocsin), -EAGAIN);
        ck_assert_int_eq(post_text(letter, "small"), -EAGAIN);
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
    }
    ck_assert_int_eq(other.told.count, 3);
    free((void *)large.data.data);
}
END_TEST

START_TEST(E11_bytes_are_freed_whatever_happens_to_the_message)
{
    struct tocsin_block mask;
    char text[1000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    connect_to("test.newest, test.letter", tell, &heard.told);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(post_text(newest, text), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(post_text(letter, ""), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_block("test.**", &mask), 0);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(post_text(newest, text), TOCSIN_PENDED);
        ck_assert_int_eq(post_text(letter, text), TOCSIN_PENDED);
        ck_assert_int_gt(do_turns(NULL), 0);
    }
    /* Ignoring a signal discards its pending emissions. */
    ck_assert_int_eq(tocsin_ignore("test.letter"), 0);
    ck_assert_int_eq(tocsin_unignore("test.letter"), 0);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(heard.told.count, 3);
    ck_assert_uint_eq(heard.told.overrun, 49);
    ck_assert_int_eq(post_text(letter, text), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
}
END_TEST

/* The inbox is full, and a coalescing signal is posted 5,000 times. No post may be refused: each
   post replaces the waiting message, and the overrun of the message counts the post. */
START_TEST(E11_a_coalescing_post_replaces_the_waiting_one)
{
    connect_to("test.latest", hear, &heard);
    connect_to("test.number", hear, &other);
    ck_assert_int_eq(post_until_full(number), ROOM);
    for (int i = 0; i < 5000; i++)
        ck_assert_int_eq(post_number(latest, (uint64_t)i), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_turn(0), ROOM + 1);
    ck_assert_int_eq(heard.told.count, 1);
    ck_assert_uint_eq(heard.values[0], 4999);
    ck_assert_uint_eq(heard.told.overrun, 4999);
    ck_assert_int_eq(heard.told.code, TOCSIN_POSTED);
    check_values(&other, ROOM);
    /* the older message is delivered already, so the post has no waiting message to replace */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(post_number(latest, 9), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
        ck_assert_uint_eq(heard.told.overrun, 0);
    }
    ck_assert_int_eq(heard.told.count, 4);
}
END_TEST

/* A coalescing signal is blocked, and posts arrive in several turns. The first post becomes
   pending. Each later post replaces the pending emission, and is counted. */
START_TEST(E11_posts_coalesce_while_the_signal_is_blocked)
{
    struct tocsin_block mask;

    connect_to("test.latest", hear, &heard);
    ck_assert_int_eq(tocsin_block("test.latest", &mask), 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(post_number(latest, (uint64_t)i), TOCSIN_PENDED);
        if (i % 3 == 0)
            ck_assert_int_eq(tocsin_loop_turn(0), 1);
    }
    do_turns(NULL);
    ck_assert_int_eq(tocsin_pending_count(NULL), 1);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(heard.told.count, 1);
    ck_assert_uint_eq(heard.values[0], 9);
    ck_assert_uint_eq(heard.told.overrun, 9);
}
END_TEST

/* The limit of pending emissions of a blocked signal is 4. When 4 are pending, posts and emissions
   of this signal are refused, and other signals are still accepted. */
START_TEST(E11_blocked_posts_are_refused_beyond_the_limit)
{
    struct tocsin_block mask;
    int count;

    connect_to("test.few", hear, &heard);
    connect_to("test.number", hear, &other);
    ck_assert_int_eq(tocsin_block("test.few", &mask), 0);
    for (count = 0; count < 4; count++) {
        ck_assert_int_eq(post_number(few, (uint64_t)count), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
    }
    ck_assert_int_eq(post_number(few, 99), -EAGAIN);
    ck_assert_int_eq(tocsin_emit(few, TOCSIN_PAYLOAD(number, .value = 99)), -EAGAIN);
    /* The inbox itself has room for other signals. */
    ck_assert_int_eq(post_number(number, 0), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_int_eq(tocsin_pending_count("test.few"), 4);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    check_values(&heard, 4);
    ck_assert_int_eq(post_number(few, 4), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    check_values(&heard, 5);
}
END_TEST

START_TEST(E11_accepted_messages_are_not_lost_at_the_limit)
{
    struct tocsin_block mask;

    connect_to("test.few", hear, &heard);
    ck_assert_int_eq(tocsin_block("test.few", &mask), 0);
    ck_assert_int_eq(post_until_full(few), ROOM); /* all of these posts wait in the inbox */
    ck_assert_int_eq(tocsin_loop_turn(0), ROOM);
    ck_assert_int_eq(tocsin_pending_count("test.few"), ROOM);
    ck_assert_int_eq(post_number(few, 0), -EAGAIN);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    check_values(&heard, ROOM);
    ck_assert_int_eq(tocsin_block("test.few", &mask), 0);
    /* The inbox is filled a second time. The first filling must have left no entry behind. */
    ck_assert_int_eq(post_until_full(few), ROOM);
    ck_assert_int_eq(tocsin_loop_free(), 1);
    /* a loop that is freed first delivers the blocked messages */
    ck_assert_int_eq(heard.told.count, 2 * ROOM);
}
END_TEST

/* Emissions and posts of a blocked signal alternate. After the unblock they must be delivered in
   the order in which they were made. */
START_TEST(E11_posts_and_emissions_keep_their_order_while_blocked)
{
    struct tocsin_block mask;

    connect_to("test.number", hear, &heard);
    ck_assert_int_eq(tocsin_block("test.number", &mask), 0);
    for (uint64_t i = 0; i < 20; i += 2) {
        ck_assert_int_eq(tocsin_emit(number, TOCSIN_PAYLOAD(number, .value = i)), TOCSIN_PENDED);
        ck_assert_int_eq(post_number(number, i + 1), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
    }
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    check_values(&heard, 20);
}
END_TEST

/* Tests of contract line E7: copies of payloads */

static int check_letter(const struct tocsin_info *info, void *arg)
{
    const struct letter *seen = letter_of(info);
    char byte;

    ck_assert_str_eq(seen->text, "text");
    ck_assert(memcmp(seen->data.data, "data", 4) == 0);
    ck_assert_int_eq(read(seen->fd, &byte, 1), 1);
    ck_assert_ptr_eq(seen->thing.object, &refs);
    return tell(info, arg);
}

START_TEST(E7_a_post_copies_the_whole_payload_once)
{
    struct letter made;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "abc", 3), 3);
    connect_to("test.letter, test.newest", check_letter, &heard.told);
    made = full_letter("text", ends[0]);
    ck_assert_int_eq(tocsin_post(letter, &made.tocsin), TOCSIN_PENDED);
    ck_assert_int_eq(refs, 1);
    ck_assert_int_eq(tocsin_post(newest, &made.tocsin), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(newest, &made.tocsin), TOCSIN_PENDED);
    memset(&made, 0, sizeof made);
    close(ends[0]);
    ck_assert_int_eq(tocsin_loop_turn(0), 2);
    ck_assert_int_eq(heard.told.count, 2);
    ck_assert_int_eq(refs, 3);
    close(ends[1]);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(unrefs, 3);
}
END_TEST

START_TEST(E7_a_payload_that_cannot_be_copied_is_refused)
{
    struct letter made = full_letter("text", -1);

    connect_to("test.letter", tell, &heard.told);
    ref_answer = -EIO;
    ck_assert_int_eq(tocsin_post(letter, &made.tocsin), -EIO);
    made.fd = 12345;
    ck_assert_int_eq(tocsin_post(letter, &made.tocsin), -EBADF);
    ck_assert_int_eq(do_turns(NULL), 0);
    ck_assert_int_eq(refs + unrefs, 0);
}
END_TEST

START_TEST(E11_a_refused_post_keeps_no_reference)
{
    struct letter made = full_letter("text", 0);
    int count = test_descriptors();

    connect_to("test.**", tell, &heard.told);
    ck_assert_int_eq(post_until_full(number), ROOM);
    ck_assert_int_eq(tocsin_post(letter, &made.tocsin), -EAGAIN);
    ck_assert_int_eq(refs, unrefs);
    ck_assert_int_eq(test_descriptors(), count);
    do_turns(NULL);
}
END_TEST

static int keep(const struct tocsin_info *info, void *arg)
{
    return (*(struct tocsin_info **)arg = tocsin_info_ref(info)) ? TOCSIN_NEXT : -ENOMEM;
}

START_TEST(E7_a_posted_info_can_be_kept)
{
    static struct tocsin_info *kept[3];

    connect_to("test.letter", keep, &kept[0]);
    connect_to("test.number", keep, &kept[1]);
    connect_to("test.broad", keep, &kept[2]);
    ck_assert_int_eq(post_text(letter, "kept"), TOCSIN_PENDED);
    ck_assert_int_eq(post_number(number, 42), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(broad, TOCSIN_PAYLOAD(broad, .a = 1, .j = 12)), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_turn(0), 3);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_str_eq(letter_of(kept[0])->text, "kept");
    ck_assert_uint_eq(number_of(kept[1])->value, 42);
    ck_assert_uint_eq(broad_of(kept[2])->a + broad_of(kept[2])->j, 13);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(kept[i]->code, TOCSIN_POSTED);
        tocsin_info_unref(kept[i]);
    }
}
END_TEST

/* The unref function of an object calls tocsin_loop_turn(). In this test the library releases each
   object inside a delivery or a post, so each of these turns must be refused. */
static int turns_run;

static void unref_and_turn(void *object)
{
    static int depth;

    (void)object;
    if (depth++ == 0)
        turns_run += tocsin_loop_turn(0) >= 0;
    depth--;
}

static const struct tocsin_object_ops turning = { "turning", thing_ref, unref_and_turn };

START_TEST(E7_an_unref_function_may_call_for_a_turn)
{
    struct letter made = full_letter("text", -1);

    turns_run = 0;
    made.thing.ops = &turning;
    connect_to("test.letter, test.newest", tell, &heard.told);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_post(letter, &made.tocsin), TOCSIN_PENDED);
        if (i)
            ck_assert_int_eq(tocsin_post(newest, &made.tocsin), TOCSIN_PENDED);
        if (i == 0)
            ck_assert_int_eq(do_turns(NULL), 1);
    }
    ck_assert_int_eq(turns_run, 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(heard.told.count, 4);
}
END_TEST

/* Tests: tocsin_post_wait waits while the inbox is full */

static int wait_to_post(void *timeout_ms)
{
    return tocsin_post_wait(number, TOCSIN_PAYLOAD(number, .value = ROOM), *(int64_t *)timeout_ms);
}

START_TEST(post_wait_waits_for_room)
{
    struct peer peer;
    int64_t ms = -1;

    connect_to("test.number", hear, &heard);
    peer_begin(&peer);
    ck_assert_int_eq(post_until_full(number), ROOM);
    peer_starts(&peer, wait_to_post, &ms);
    while (heard.told.count <= ROOM)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(peer_finishes(&peer), TOCSIN_PENDED);
    check_values(&heard, ROOM + 1);
    ck_assert_int_eq(post_until_full(number), ROOM);
    ms = 2;
    ck_assert_int_eq(peer_does(&peer, wait_to_post, &ms), -ETIMEDOUT);
    ms = 0;
    ck_assert_int_eq(peer_does(&peer, wait_to_post, &ms), -ETIMEDOUT);
    ms = -2;
    ck_assert_int_eq(peer_does(&peer, wait_to_post, &ms), -EINVAL);
    ms = INT64_MAX;
    peer_starts(&peer, wait_to_post, &ms);
    while (heard.told.count < 2 * ROOM + 2)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(peer_finishes(&peer), TOCSIN_PENDED);
    ck_assert_int_eq(wait_to_post(&ms), -EDEADLK);
    peer_leaves(&peer);
}
END_TEST

static int wait_to_post_few(void *none)
{
    (void)none;
    return tocsin_post_wait(few, TOCSIN_PAYLOAD(number, .value = 4), -1);
}

START_TEST(post_wait_waits_while_the_signal_is_blocked)
{
    struct tocsin_block mask;
    struct peer peer;

    peer_begin(&peer);
    connect_to("test.few", hear, &heard);
    ck_assert_int_eq(tocsin_block("test.few", &mask), 0);
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_int_eq(post_number(few, i), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
    }
    peer_starts(&peer, wait_to_post_few, NULL);
    /* The signal is blocked, so its messages stay. The waiting thread asks the loop for room in
       each turn, and must get no room. */
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    turns_until(&heard.told.count, 5);
    ck_assert_int_eq(peer_finishes(&peer), TOCSIN_PENDED);
    check_values(&heard, 5);
    peer_leaves(&peer);
}
END_TEST

START_TEST(post_wait_ends_when_the_loop_is_freed)
{
    struct peer peer;
    int64_t ms = -1;

    connect_to("test.number", hear, &heard);
    peer_begin(&peer);
    ck_assert_int_eq(post_until_full(number), ROOM);
    peer_starts(&peer, wait_to_post, &ms);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    /* If the result is TOCSIN_PENDED, the thread has posted before the loop was freed. */
    if (peer_finishes(&peer) == TOCSIN_PENDED)
        check_values(&heard, ROOM + 1);
    else
        ck_assert_int_eq(peer.answer, TOCSIN_NOBODY);
    peer_leaves(&peer);
}
END_TEST

static int wait_to_post_letter(void *made)
{
    return tocsin_post_wait(letter, made, -1);
}

/* The ref function of an object in the payload returns -EAGAIN or -EBUSY. tocsin_post_wait must
   return this error at once. It must not take -EAGAIN for a full inbox and wait. */
START_TEST(post_wait_of_a_payload_that_cannot_be_copied)
{
    struct letter made = full_letter("text", -1);
    struct peer peer;

    connect_to("test.letter", tell, &heard.told);
    peer_begin(&peer);
    ref_answer = -EAGAIN;
    ck_assert_int_eq(peer_does(&peer, wait_to_post_letter, &made), -EAGAIN);
    ref_answer = -EBUSY;
    ck_assert_int_eq(peer_does(&peer, wait_to_post_letter, &made), -EBUSY);
    ck_assert_int_eq(do_turns(NULL), 0);
    peer_leaves(&peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/inboxes");
    TCase *tests = test_case(suite, "inboxes");

    tcase_add_checked_fixture(tests, begin_inboxes, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, E11_an_inbox_is_bounded);
    tcase_add_test(tests, E11_an_inbox_is_bounded_in_bytes);
    tcase_add_test(tests, E11_an_empty_inbox_accepts_a_payload_over_the_limit);
    tcase_add_test(tests, E11_bytes_are_freed_whatever_happens_to_the_message);
    tcase_add_test(tests, E11_a_coalescing_post_replaces_the_waiting_one);
    tcase_add_test(tests, E11_posts_coalesce_while_the_signal_is_blocked);
    tcase_add_test(tests, E11_blocked_posts_are_refused_beyond_the_limit);
    tcase_add_test(tests, E11_accepted_messages_are_not_lost_at_the_limit);
    tcase_add_test(tests, E11_posts_and_emissions_keep_their_order_while_blocked);
    tcase_add_test(tests, E7_a_post_copies_the_whole_payload_once);
    tcase_add_test(tests, E7_a_payload_that_cannot_be_copied_is_refused);
    tcase_add_test(tests, E11_a_refused_post_keeps_no_reference);
    tcase_add_test(tests, E7_a_posted_info_can_be_kept);
    tcase_add_test(tests, E7_an_unref_function_may_call_for_a_turn);
    tcase_add_test(tests, post_wait_waits_for_room);
    tcase_add_test(tests, post_wait_waits_while_the_signal_is_blocked);
    tcase_add_test(tests, post_wait_ends_when_the_loop_is_freed);
    tcase_add_test(tests, post_wait_of_a_payload_that_cannot_be_copied);
    return suite;
}
