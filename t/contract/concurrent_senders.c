/* Many threads send at the same time. Each accepted message must arrive once, and the messages of
   one thread must arrive in order. The thread sanitizer also looks for data races here. */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "contract/concurrent.h"

static void received(struct receiver *self, uint32_t sender, uint64_t value)
{
    self->wrong += value != self->next[sender];
    self->next[sender] = value + 1;
    self->items++;
}

static int receive(const struct tocsin_info *info, void *arg)
{
    if (item_of(info))
        received(arg, item_of(info)->sender, item_of(info)->value);
    else
        received(arg, text_of(info)->sender, text_of(info)->value);
    return TOCSIN_NEXT;
}

static int receive_coalesced(const struct tocsin_info *info, void *arg)
{
    ((struct receiver *)arg)->stood_for += 1 + info->overrun;
    return TOCSIN_NEXT;
}

static int listen_all(void *arg)
{
    struct receiver *self = arg;

    connect_to("test.item, test.text", receive, self);
    connect_to("test.latest, test.newest", receive_coalesced, self);
    self->loop = tocsin_loop_current();
    return tocsin_loop_turn(0);
}

static int send_item(struct sender *self, uint64_t value)
{
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(item, .sender = self->number,
                                                          .value = value);

    if (self->has_loop)
        return value % 3 ? tocsin_emit(item, payload) : tocsin_post(item, payload);
    return value % 3 ? tocsin_post(item, payload) : tocsin_post_wait(item, payload, -1);
}

static int send_text(struct sender *self, uint64_t value)
{
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(
        text, .sender = self->number, .value = value, .text = "text", .thing = { &refs, &thing });

    return self->has_loop && value % 2 ? tocsin_emit(text, payload) : tocsin_post(text, payload);
}

static int send_all(void *arg)
{
    struct sender *self = arg;
    int answer;

    for (uint64_t i = 0; i < EACH; i++)
        while ((answer = (i % 5 == 4 ? send_text : send_item)(self, i)) != TOCSIN_PENDED) {
            ck_assert_int_eq(answer, -EAGAIN);
            self->has_loop ? (void)tocsin_loop_turn(0) : (void)sched_yield();
        }
    return 0;
}

START_TEST(T2_order_per_sender_and_loop)
{
    receivers_begin(listen_all);
    for (int i = 0; i < RECEIVERS; i++)
        peer_starts(&receivers[i].peer, do_run, NULL);
    senders_begin(send_all);
    senders_end();
    receivers_stop();
    for (int i = 0; i < RECEIVERS; i++) {
        ck_assert_uint_eq(receivers[i].wrong, 0);
        ck_assert_uint_eq(receivers[i].items, SENDERS * EACH);
    }
    receivers_end();
    ck_assert_int_eq(refs, unrefs);
}
END_TEST

/* Runs a receiving loop that blocks and unblocks its signals in turn. Pending messages must be
   delivered before newer ones. */
static int run_with_masks(void *arg)
{
    struct receiver *self = arg;
    struct tocsin_block mask;

    while (!self->over || do_turns(NULL)) {
        ck_assert_int_eq(tocsin_block("test.item, test.text", &mask), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_unblock(mask), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    return 0;
}

/* Sends one message of each signal. A receiving loop that blocks one signal may deliver messages of
   different signals in another order (contract line E10). */
static int send_items(void *arg)
{
    struct sender *self = arg;
    int answer;

    for (uint64_t i = 0; i < EACH; i++)
        while ((answer = (self->number % 2 ? send_text : send_item)(self, i)) != TOCSIN_PENDED) {
            ck_assert_int_eq(answer, -EAGAIN);
            self->has_loop ? (void)tocsin_loop_turn(0) : (void)sched_yield();
        }
    return 0;
}

START_TEST(E10_the_receiving_loops_block_and_unblock)
{
    receivers_begin(listen_all);
    for (int i = 0; i < RECEIVERS; i++)
        peer_starts(&receivers[i].peer, run_with_masks, &receivers[i]);
    senders_begin(send_items);
    senders_end();
    for (int i = 0; i < RECEIVERS; i++) {
        receivers[i].over = true;
        ck_assert_int_eq(peer_finishes(&receivers[i].peer), 0);
        ck_assert_uint_eq(receivers[i].wrong, 0);
        ck_assert_uint_eq(receivers[i].items, SENDERS * EACH);
    }
    receivers_end();
    ck_assert_int_eq(refs, unrefs);
}
END_TEST

/* Posts a coalescing signal. Each receiving loop must count each message, and no message may be
   refused. */
static int send_coalesced(void *arg)
{
    struct sender *self = arg;

    for (uint64_t i = 0; i < 2 * EACH; i++) {
        int answer = i % 2 ? tocsin_post(latest, TOCSIN_PAYLOAD(item, .value = i))
                           : tocsin_post(newest, TOCSIN_PAYLOAD(text, .text = "text",
                                                                .thing = { &refs, &thing }));

        ck_assert_int_eq(answer, TOCSIN_PENDED);
        if (self->has_loop && i % 64 == 0)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    return 0;
}

START_TEST(E11_each_coalescing_message_is_counted)
{
    receivers_begin(listen_all);
    for (int i = 0; i < RECEIVERS; i++)
        peer_starts(&receivers[i].peer, do_run, NULL);
    senders_begin(send_coalesced);
    senders_end();
    receivers_stop();
    for (int i = 0; i < RECEIVERS; i++) {
        peer_does(&receivers[i].peer, do_turns, NULL);
        ck_assert_uint_eq(receivers[i].stood_for, 2 * SENDERS * EACH);
    }
    receivers_end();
    ck_assert_int_eq(refs, unrefs);
}
END_TEST

/* The value of a message is the number of coalescing messages that all threads had sent earlier.
   When such a message arrives, the receiver must already have counted at least as many coalescing
   messages. */
static atomic_uint_least64_t sent_first;

static int check_first(const struct tocsin_info *info, void *arg)
{
    struct receiver *self = arg;

    self->wrong += item_of(info)->value > self->stood_for;
    self->items++;
    return TOCSIN_NEXT;
}

static int listen_first(void *arg)
{
    connect_to("test.item", check_first, arg);
    connect_to("test.latest", receive_coalesced, arg);
    ((struct receiver *)arg)->loop = tocsin_loop_current();
    return tocsin_loop_turn(0);
}

static int send_first(void *arg)
{
    struct sender *self = arg;

    for (uint64_t i = 1; i <= 2 * EACH; i++) {
        ck_assert_int_eq(tocsin_post(latest, TOCSIN_PAYLOAD(item, .value = i)), TOCSIN_PENDED);
        sent_first++;
        if (self->number == 0)
            while (tocsin_post(item, TOCSIN_PAYLOAD(item, .value = sent_first)) == -EAGAIN)
                sched_yield();
        else if (i % 16)
            sched_yield();
    }
    return 0;
}

START_TEST(E11_later_messages_arrive_after_coalescing_ones)
{
    sent_first = 0;
    receivers_begin(listen_first);
    for (int i = 0; i < RECEIVERS; i++)
        peer_starts(&receivers[i].peer, do_run, NULL);
    senders_begin(send_first);
    senders_end();
    receivers_stop();
    for (int i = 0; i < RECEIVERS; i++) {
        ck_assert_uint_eq(receivers[i].items, 2 * EACH);
        ck_assert_uint_eq(receivers[i].wrong, 0);
    }
    receivers_end();
}
END_TEST

/* Contract line E13: signals get new names while other loops listen with patterns that match these
   names. */
static int listen_fresh(void *arg)
{
    connect_to("crowd.fresh.**", receive, arg);
    ((struct receiver *)arg)->loop = tocsin_loop_current();
    return tocsin_loop_turn(0);
}

static int name_and_send(void *arg)
{
    struct sender *self = arg;
    char name[64];

    for (uint64_t i = 0; i < 300; i++) {
        int signo, answer;

        snprintf(name, sizeof name, "crowd.fresh.n%u.m%u", self->number, (unsigned)i);
        signo = tocsin_declare(
            &(struct tocsin_signal_spec){ .name = name, .layout = &item_layout });
        ck_assert_int_gt(signo, 0);
        answer = (self->has_loop ? tocsin_emit : tocsin_post)(
            signo, TOCSIN_PAYLOAD(item, .sender = self->number, .value = i));
        while (answer == -EAGAIN)
            answer = tocsin_post(signo, TOCSIN_PAYLOAD(item, .sender = self->number, .value = i));
        ck_assert_int_eq(answer, TOCSIN_PENDED);
    }
    return 0;
}

START_TEST(E13_first_emissions_of_new_names)
{
    receivers_begin(listen_fresh);
    for (int i = 0; i < RECEIVERS; i++)
        peer_starts(&receivers[i].peer, do_run, NULL);
    senders_begin(name_and_send);
    senders_end();
    receivers_stop();
    for (int i = 0; i < RECEIVERS; i++) {
        ck_assert_uint_eq(receivers[i].wrong, 0);
        ck_assert_uint_eq(receivers[i].items, SENDERS * 300);
    }
    receivers_end();
}
END_TEST

/* A real signal handler posts to the loops. The kernel chooses the thread on which the real signal
   handler runs. */
static atomic_int really_posted;

static void on_alarm(int real)
{
    int was = errno;

    (void)real;
    really_posted += tocsin_post(latest, TOCSIN_PAYLOAD(item, .value = 1)) == TOCSIN_PENDED;
    errno = was;
}

static void on_alarm_in_order(int real)
{
    int was = errno;

    (void)real;
    if (tocsin_post(latest, TOCSIN_PAYLOAD(item, .value = 0)) == TOCSIN_PENDED)
        sent_first++;
    tocsin_post(item, TOCSIN_PAYLOAD(item, .value = sent_first));
    errno = was;
}

START_TEST(E11_sends_are_interrupted_by_real_signals)
{
    struct sigaction action = { .sa_handler = on_alarm_in_order, .sa_flags = SA_RESTART };
    struct itimerval every = { { 0, 100 }, { 0, 100 } }, never = { { 0, 0 }, { 0, 0 } };

    sent_first = 0;
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    receivers_begin(listen_first);
    for (int i = 0; i < RECEIVERS; i++)
        peer_starts(&receivers[i].peer, do_run, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    for (int i = 0; i < 20 * EACH; i++) {
        ck_assert_int_eq(tocsin_post(latest, TOCSIN_PAYLOAD(item, .value = 1)), TOCSIN_PENDED);
        sent_first++;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN);
    receivers_stop();
    for (int i = 0; i < RECEIVERS; i++) {
        ck_assert_uint_gt(receivers[i].items, 0);
        ck_assert_uint_eq(receivers[i].wrong, 0);
    }
    receivers_end();
}
END_TEST

START_TEST(T3_real_signal_handlers_post_on_any_thread)
{
    struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
    struct itimerval every = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };

    really_posted = 0;
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    receivers_begin(listen_all);
    for (int i = 0; i < RECEIVERS; i++)
        peer_starts(&receivers[i].peer, do_run, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    senders_begin(send_all);
    senders_end();
    while (really_posted < 100)
        sched_yield();
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN);
    receivers_stop();
    for (int i = 0; i < RECEIVERS; i++) {
        peer_does(&receivers[i].peer, do_turns, NULL);
        ck_assert_uint_eq(receivers[i].wrong, 0);
        ck_assert_uint_eq(receivers[i].items, SENDERS * EACH);
        ck_assert_uint_eq(receivers[i].stood_for, (uint64_t)really_posted);
    }
    receivers_end();
}
END_TEST

/* In these tests, seventy loops receive the same signals. */

enum { SIDES = 70 };

static struct receiver sides[SIDES];

static int count_text(const struct tocsin_info *info, void *arg)
{
    struct receiver *self = arg;

    self->items += !text_of(info) || strcmp(text_of(info)->text, "text") == 0;
    return TOCSIN_NEXT;
}

static int listen_to_two(void *arg)
{
    connect_to("test.item, test.text, test.note, test.latest", count_text, arg);
    ((struct receiver *)arg)->loop = tocsin_loop_current();
    return tocsin_loop_turn(0);
}

static void sides_turn(int count, uint64_t items)
{
    for (int i = 0; i < count; i++) {
        peer_does(&sides[i].peer, do_turns, NULL);
        ck_assert_uint_eq(sides[i].items, items);
        sides[i].items = 0;
    }
}

START_TEST(T3_a_post_to_seventy_loops)
{
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(item, .value = 1);

    memset(sides, 0, sizeof sides);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    for (int i = 0; i < SIDES; i++) {
        peer_begin(&sides[i].peer);
        ck_assert_int_eq(peer_does(&sides[i].peer, listen_to_two, &sides[i]), 0);
        ck_assert_int_eq(tocsin_post(item, payload), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_emit(item, payload), TOCSIN_PENDED);
        ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
        sides_turn(i + 1, 3);
    }
    ck_assert_int_eq(tocsin_post_to(sides[69].loop, item, payload), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(latest, payload), TOCSIN_PENDED);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            tocsin_emit(text, TOCSIN_PAYLOAD(text, .text = "text", .thing = { &refs, &thing })),
            TOCSIN_PENDED);
    ck_assert_int_eq(refs, 3);
    peer_does(&sides[69].peer, do_turns, NULL);
    ck_assert_uint_eq(sides[69].items, 5);
    sides_turn(69, 4);
    ck_assert_int_eq(unrefs, 3);
    for (int i = SIDES - 1; i >= 64; i--)
        peer_end(&sides[i].peer);
    ck_assert_int_eq(tocsin_post(item, payload), TOCSIN_PENDED);
    sides_turn(64, 1);
    for (int i = 0; i < 64; i++)
        peer_end(&sides[i].peer);
    ck_assert_int_eq(tocsin_post(item, payload), TOCSIN_NOBODY);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/concurrent_senders");
    TCase *tests = test_case(suite, "concurrent senders");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, T2_order_per_sender_and_loop);
    tcase_add_test(tests, E10_the_receiving_loops_block_and_unblock);
    tcase_add_test(tests, E11_each_coalescing_message_is_counted);
    tcase_add_test(tests, E11_sends_are_interrupted_by_real_signals);
    tcase_add_test(tests, E11_later_messages_arrive_after_coalescing_ones);
    tcase_add_test(tests, E13_first_emissions_of_new_names);
    tcase_add_test(tests, T3_real_signal_handlers_post_on_any_thread);
    tcase_add_test(tests, T3_a_post_to_seventy_loops);
    return suite;
}
