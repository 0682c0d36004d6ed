/* Contract lines T3, T5, T6, E2 and E15: threads and real signal handlers post to all loops, or to
   one loop. */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "contract/remote_signals.h"

#define BROAD(F) \
    F(u64, a) \
    F(u64, b) F(u64, c) F(u64, d) F(u64, e) F(u64, f) F(u64, g) F(u64, h) F(u64, i) F(u64, j)
TOCSIN_LAYOUT(broad, BROAD);

/* Tests of contract line T3: any thread may post */

static int do_post_number(void *value)
{
    return post_number(number, *(uint64_t *)value);
}

static int post_without_a_loop(void *value)
{
    int answer = do_post_number(value);

    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    return answer;
}

START_TEST(T3_post_works_on_a_thread_without_a_loop)
{
    struct peer peer;
    uint64_t value = 0;

    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, post_without_a_loop, &value), TOCSIN_NOBODY);
    connect_to("test.number", hear, &heard);
    ck_assert_int_eq(peer_does(&peer, post_without_a_loop, &value), TOCSIN_PENDED);
    /* The post is not delivered during the call, but in the next turn of this loop. */
    ck_assert_int_eq(heard.told.count, 0);
    ck_assert_int_eq(tocsin_loop_turn(-1), 1);
    check_values(&heard, 1);
    ck_assert_int_eq(heard.told.code, TOCSIN_POSTED);
    ck_assert_uint_eq(heard.told.sequence >> 48, tocsin_loop_current().id >> 48);
    peer_leaves(&peer);
}
END_TEST

static int on_own(void *none)
{
    (void)none;
    connect_to("test.number", hear, &other);
    ck_assert_int_eq(post_number(number, 0), TOCSIN_PENDED);
    ck_assert_int_eq(other.told.count, 0);
    return do_turns(NULL);
}

START_TEST(T3_a_post_reaches_the_posting_loop_too)
{
    struct peer peer;

    connect_to("test.number", hear, &heard);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, on_own, NULL), 1);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    check_values(&heard, 1);
    check_values(&other, 1);
    peer_end(&peer);
}
END_TEST

static int turn_without_limit(void *none)
{
    (void)none;
    return tocsin_loop_turn(-1);
}

static int listen_there(void *none)
{
    (void)none;
    connect_to("test.number", hear, &other);
    return tocsin_loop_turn(0);
}

/* The other thread goes to sleep while this thread posts. Each post must wake the other thread. If
   a post does not wake it, the test hangs. */
START_TEST(T3_each_post_wakes_a_sleeping_loop)
{
    struct peer peer;

    peer_begin(&peer);
    peer_does(&peer, listen_there, NULL);
    for (int i = 0; i < 2000; i++) {
        peer_starts(&peer, turn_without_limit, NULL);
        ck_assert_int_eq(post_number(number, (uint64_t)i), TOCSIN_PENDED);
        ck_assert_int_eq(peer_finishes(&peer), 1);
    }
    check_values(&other, 2000);
    peer_end(&peer);
}
END_TEST

/* Tests of contract line T3: a real signal handler posts */

static volatile sig_atomic_t posted, refused, wrong;
static volatile int signo_posted;

static void on_real(int real)
{
    uint64_t value = (uint64_t)posted;
    int answer, was = errno;

    (void)real;
    errno = 77;
    answer = post_number(signo_posted, value);
    wrong |= errno != 77;
    errno = was;
    posted += answer == TOCSIN_PENDED;
    refused += answer == -EAGAIN;
    wrong |= answer != TOCSIN_PENDED && answer != -EAGAIN;
}

static void real_begin(int real, int signo)
{
    struct sigaction action = { .sa_handler = on_real, .sa_flags = SA_RESTART };

    posted = refused = wrong = 0;
    signo_posted = signo;
    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(real, &action, NULL), 0);
}

START_TEST(T3_post_in_a_real_signal_handler_keeps_errno)
{
    connect_to("test.number", hear, &heard);
    real_begin(SIGUSR1, number);
    for (int i = 0; i < TOCSIN_INBOX + 10; i++)
        raise(SIGUSR1);
    ck_assert(!wrong);
    ck_assert_int_eq(posted, ROOM);
    ck_assert_int_eq(refused, TOCSIN_INBOX + 10 - ROOM);
    ck_assert_int_eq(do_turns(NULL), ROOM);
    check_values(&heard, ROOM);
    signal(SIGUSR1, SIG_DFL);
}
END_TEST

/* The real signal of a timer interrupts this thread inside the library, at random places of a post,
   an emission, a turn or a connect. The handler of the real signal posts. The accepted posts must
   arrive in order. */
static void interrupted(int signo)
{
    struct itimerval every = { { 0, 150 }, { 0, 150 } }, never = { { 0, 0 }, { 0, 0 } };
    struct tocsin_handler handler;

    real_begin(SIGALRM, signo);
    setitimer(ITIMER_REAL, &every, NULL);
    while (posted < 1000) {
        ck_assert_int_eq(tocsin_connect("test.**",
                                        &(struct tocsin_action){ .fn = tell, .arg = &other.told },
                                        &handler),
                         0);
        post_number(few, 1);
        post_number(latest, 1);
        tocsin_emit(note, NULL);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
        ck_assert_int_eq(tocsin_disconnect(handler), 0);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    /* the process ignores a last SIGALRM, which may arrive after the timer was stopped */
    signal(SIGALRM, SIG_IGN);
    do_turns(NULL);
    ck_assert(!wrong);
}

START_TEST(T3_a_real_signal_interrupts_any_call)
{
    connect_to("test.number", hear, &heard);
    interrupted(number);
    ck_assert_int_le(posted, VALUES);
    check_values(&heard, posted);
}
END_TEST

static unsigned total;

static int count_all(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    total += 1 + info->overrun;
    return TOCSIN_NEXT;
}

START_TEST(T3_a_real_signal_interrupts_a_coalescing_post)
{
    static int ours;
    struct itimerval every = { { 0, 150 }, { 0, 150 } }, never = { { 0, 0 }, { 0, 0 } };

    connect_to("test.latest", count_all, NULL);
    real_begin(SIGALRM, latest);
    setitimer(ITIMER_REAL, &every, NULL);
    for (ours = 0; posted < 1000; ours++) {
        ck_assert_int_eq(post_number(latest, 1), TOCSIN_PENDED);
        if (ours % 3 == 0)
            ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    /* the process ignores a last SIGALRM, which may arrive after the timer was stopped */
    signal(SIGALRM, SIG_IGN);
    do_turns(NULL);
    ck_assert(!wrong);
    ck_assert_int_eq(refused, 0);
    ck_assert_uint_eq(total, (unsigned)(ours + posted));
}
END_TEST

/* Tests of contract line T5: a message that is posted in a turn waits for the next turn */

static int post_again(const struct tocsin_info *info, void *arg)
{
    hear(info, arg);
    return tocsin_post(info->signo, info->payload);
}

static int call_again(void *told)
{
    ((struct told *)told)->count++;
    return tocsin_loop_call(tocsin_loop_current(), call_again, told, NULL);
}

static void once_a_turn(const char *name, int signo)
{
    struct tocsin_handler handler;

    memset(&heard, 0, sizeof heard);
    ck_assert_int_eq(
        tocsin_connect(name, &(struct tocsin_action){ .fn = post_again, .arg = &heard }, &handler),
        0);
    ck_assert_int_eq(post_number(signo, 7), TOCSIN_PENDED);
    for (int i = 1; i <= 20; i++) {
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
        ck_assert_int_eq(heard.told.count, i);
    }
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    do_turns(NULL);
}

START_TEST(T5_posts_of_a_turn_wait_for_the_next_turn)
{
    once_a_turn("test.number", number);
    once_a_turn("test.latest", latest);
    ck_assert_int_eq(call_again(&other.told), 0);
    for (int i = 2; i <= 20; i++) {
        ck_assert_int_eq(tocsin_loop_turn(0), 1);
        ck_assert_int_eq(other.told.count, i);
    }
    /* The loop is being freed. The task that runs now calls tocsin_loop_call() for the same loop,
       and the call must be refused. */
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(other.told.count, 21);
}
END_TEST

START_TEST(T5_endless_posts_do_not_starve_timers_or_descriptors)
{
    static struct told timer, ready;
    struct tocsin_op watch;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    connect_to("test.number, test.latest, test.note", post_again, &heard);
    ck_assert_int_eq(post_number(number, 1), TOCSIN_PENDED);
    ck_assert_int_eq(post_number(latest, 1), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    call_again(&other.told);
    ck_assert_int_eq(tocsin_timer(1, TOCSIN_CALL(tell, &timer), NULL), 0);
    ck_assert_int_eq(tocsin_watch(ends[0], POLLIN, TOCSIN_EACH(tell, &ready), &watch), 0);
    turns_until(&timer.count, 1);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    turns_until(&ready.count, 1);
    ck_assert_int_ge(heard.told.count, 3);
    ck_assert_int_eq(tocsin_cancel(watch), 0);
    /* freeing the loop ends the watch, so the result is 1 */
    ck_assert_int_eq(tocsin_loop_free(), 1);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* Tests of contract line E2: a post calls the handlers that exist when it is delivered */

START_TEST(E2_a_post_calls_the_handlers_at_its_delivery)
{
    struct tocsin_handler first;

    ck_assert_int_eq(tocsin_connect("test.note",
                                    &(struct tocsin_action){ .fn = write_down, .arg = "a" },
                                    &first),
                     0);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    connect_to("test.note", write_down, "b");
    ck_assert_int_eq(tocsin_disconnect(first), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 1);
    ck_assert_str_eq(written, "b");
}
END_TEST

/* Tests of contract line T6: posts to one loop, by its id */

struct there {
    struct tocsin_loop loop;
    struct tocsin_handler handler;
};

static int make_there(void *arg)
{
    struct there *there = arg;
    int err = tocsin_connect("test.number, test.latest, test.note",
                             &(struct tocsin_action){ .fn = hear, .arg = &other }, &there->handler);

    there->loop = tocsin_loop_current();
    return err;
}

static int post_to(struct tocsin_loop loop, int signo, uint64_t value)
{
    return tocsin_post_to(loop, signo,
                          signo == note ? NULL : TOCSIN_PAYLOAD(number, .value = value));
}

static void check_gone(struct tocsin_loop gone)
{
    ck_assert_int_eq(post_to(gone, number, 1), -ESHUTDOWN);
    ck_assert_int_eq(post_to(gone, latest, 1), -ESHUTDOWN);
    ck_assert_int_eq(post_to(gone, note, 1), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_post_to(gone, letter, TOCSIN_PAYLOAD(letter, .fd = -1)), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_loop_call(gone, call_again, NULL, NULL), -ESHUTDOWN);
}

START_TEST(T6_a_post_to_a_freed_loop_returns_ESHUTDOWN)
{
    struct there there, again;
    struct peer peer;

    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, make_there, &there), 0);
    ck_assert_int_eq(post_to(there.loop, number, 0), TOCSIN_PENDED);
    ck_assert_int_eq(peer_does(&peer, do_free, NULL), 0);
    check_values(&other, 1);
    check_gone(there.loop);
    ck_assert_int_eq(post_number(number, 1), TOCSIN_NOBODY);
    /* the new loop may lie in the memory of the freed loop */
    ck_assert_int_eq(peer_does(&peer, make_there, &again), 0);
    ck_assert_uint_eq(again.loop.id >> 48, there.loop.id >> 48);
    ck_assert_uint_ne(again.loop.id, there.loop.id);
    check_gone(there.loop);
    ck_assert_int_eq(tocsin_disconnect(there.handler), -ENOENT);
    ck_assert_int_eq(post_to(again.loop, number, 1), TOCSIN_PENDED);
    ck_assert_int_eq(peer_does(&peer, do_turns, NULL), 1);
    check_values(&other, 2);
    peer_end(&peer);
}
END_TEST

static void on_dropped(void *told)
{
    ((struct told *)told)->status++;
}

START_TEST(T6_a_freed_loop_delivers_accepted_posts)
{
    struct there there;
    struct peer peer;
    int count;

    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, make_there, &there), 0);
    ck_assert_int_eq(post_number(latest, 0), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_call(there.loop, call_again, &heard.told, on_dropped), 0);
    count = post_until_full(number);
    ck_assert_int_eq(count, ROOM - 1);
    ck_assert_int_eq(peer_does(&peer, do_free, NULL), 0);
    ck_assert_int_eq(other.told.count, count + 1);
    ck_assert_uint_eq(other.values[0], 0);
    for (int i = 0; i < count; i++)
        ck_assert_uint_eq(other.values[i + 1], i);
    ck_assert_int_eq(heard.told.count, 1);
    ck_assert_int_eq(heard.told.status, 1);
    peer_leaves(&peer);
}
END_TEST

static int free_in_handler(const struct tocsin_info *info, void *arg)
{
    hear(info, arg);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return TOCSIN_NEXT;
}

START_TEST(T6_the_handler_of_a_post_frees_the_loop)
{
    connect_to("test.number", free_in_handler, &heard);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(post_number(number, (uint64_t)i), TOCSIN_PENDED);
    ck_assert_int_ge(tocsin_loop_turn(0), 1);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    check_values(&heard, 10);
}
END_TEST

static int post_to_self(const struct tocsin_info *info, void *arg)
{
    hear(info, arg);
    return post_to(tocsin_loop_current(), number, 1) == -ESHUTDOWN ? -ESTALE : TOCSIN_NEXT;
}

static int faults(const struct tocsin_info *info, void *arg)
{
    *(int *)arg += tocsin_handler_failed_of(info)->error == -ESTALE;
    return TOCSIN_NEXT;
}

START_TEST(T6_a_loop_that_is_being_freed_refuses_posts)
{
    int count = 0;

    connect_to("tocsin.handler.failed", faults, &count);
    connect_to("test.number", post_to_self, &heard);
    ck_assert_int_eq(post_number(number, 0), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(heard.told.count, 1);
    ck_assert_int_eq(count, 1);
}
END_TEST

/* A post gets its sequence number from the loop that receives it, whatever its payload. */
static int check_ours(const struct tocsin_info *info, void *arg)
{
    ck_assert_uint_eq(info->sequence >> 48, tocsin_loop_current().id >> 48);
    ck_assert_int_le(info->turn_us, tocsin_now());
    ck_assert_int_ge(info->turn_us, *(int64_t *)arg);
    return TOCSIN_NEXT;
}

START_TEST(E15_sequence_and_turn_belong_to_the_receiving_loop)
{
    static int64_t from;

    from = tocsin_now();
    connect_to("test.**", check_ours, &from);
    connect_to("test.**", tell, &heard.told);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(post_number(number, 1), TOCSIN_PENDED);
    ck_assert_int_eq(post_number(latest, 1), TOCSIN_PENDED);
    ck_assert_int_eq(post_text(letter, "text"), TOCSIN_PENDED);
    ck_assert_int_eq(post_text(newest, "text"), TOCSIN_PENDED);
    ck_assert_int_eq(do_turns(NULL), 4);
    ck_assert_int_eq(heard.told.count, 4);
}
END_TEST

static int post_in_handler(const struct tocsin_info *info, void *arg)
{
    *(uint64_t *)arg = info->sequence;
    return tocsin_post(note, NULL);
}

START_TEST(E15_a_post_carries_its_parent)
{
    uint64_t parent = 0;

    connect_to("test.number", post_in_handler, &parent);
    connect_to("test.note", tell, &heard.told);
    ck_assert_int_eq(post_number(number, 1), TOCSIN_PENDED);
    ck_assert_int_eq(do_turns(NULL), 2);
    ck_assert_uint_ne(parent, 0);
    ck_assert_uint_eq(heard.told.parent, parent);
}
END_TEST

/* Tests of posts with bad arguments */

START_TEST(bad_posts_are_refused)
{
    struct tocsin_payload bare = { NULL };
    struct tocsin_loop here, none = { 0 }, failed = { (uint64_t)(int64_t)-EMFILE },
                             never = { (uint64_t)999 << 48 | 1 };
    int asked = declare(
        (struct tocsin_signal_spec){ .name = "test.question", .kind = TOCSIN_DIRECT });

    connect_to("test.**", hear, &heard);
    here = tocsin_loop_current();
    ck_assert_int_eq(tocsin_post(0, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_post(-1, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_post(INT_MAX, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_post(asked, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_post_to(here, asked, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_post(number, NULL), -EPROTO);
    ck_assert_int_eq(tocsin_post(number, &bare), -EPROTO);
    ck_assert_int_eq(tocsin_post(note, &bare), -EPROTO);
    ck_assert_int_eq(tocsin_post(note, TOCSIN_PAYLOAD(number, 1)), -EPROTO);
    ck_assert_int_eq(tocsin_post(number, TOCSIN_PAYLOAD(broad, .a = 0)), -EPROTO);
    ck_assert_int_eq(tocsin_post_to(here, number, NULL), -EPROTO);
    ck_assert_int_eq(tocsin_post_to(none, note, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_post_to(failed, note, NULL), -EMFILE);
    ck_assert_int_eq(tocsin_post_to(never, note, NULL), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_post_to((struct tocsin_loop){ 5 }, note, NULL), -ESHUTDOWN);
    ck_assert_int_eq(tocsin_post_to((struct tocsin_loop){ here.id + 1 }, note, NULL), -ESHUTDOWN);
    ck_assert_int_eq(
        tocsin_post_to((struct tocsin_loop){ here.id + ((uint64_t)1 << 19) }, note, NULL),
        -ESHUTDOWN);
    ck_assert_int_eq(
        tocsin_post_to((struct tocsin_loop){ here.id & ~(((uint64_t)1 << 48) - 1) }, note, NULL),
        -ESHUTDOWN);
    ck_assert_int_eq(do_turns(NULL), 0);
    ck_assert_int_eq(heard.told.count, 0);
}
END_TEST

START_TEST(bad_declarations_of_async_signals)
{
    static const struct tocsin_layout large = { "large",
                                                "u64 a;u64 b;u64 c;u64 d;u64 e;u64 f;u64 g;u64 h;",
                                                72 };
    static const struct tocsin_layout fits = { "fits", "u64 a;u64 b;u64 c;u64 d;u64 e;u64 f;u64 g;",
                                               64 };
    static const struct tocsin_layout of_bytes = { "of_bytes", "bytes data;", sizeof(void *) * 3 };
    static const struct tocsin_layout of_fd = { "of_fd", "fd fd;", 16 };
    static const struct tocsin_layout *const bad[] = { &large, &letter_layout, &of_bytes, &of_fd,
                                                       &broad_layout };
    struct tocsin_signal_spec spec = { .name = "test.refused", .flags = TOCSIN_ASYNC };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        spec.layout = bad[i];
        ck_assert_int_eq(tocsin_declare(&spec), -EINVAL);
    }
    spec.layout = &number_layout;
    spec.kind = TOCSIN_DIRECT;
    ck_assert_int_eq(tocsin_declare(&spec), -EINVAL);
    spec.kind = TOCSIN_QUEUED;
    for (unsigned bit = 1; bit < 32; bit++) {
        spec.flags = TOCSIN_ASYNC | 1u << bit;
        ck_assert_msg(tocsin_declare(&spec) == -EINVAL, "flag %u", bit);
    }
    ck_assert_int_eq(tocsin_find("test.refused"), -ENOENT);
    ck_assert_int_gt(tocsin_declare(&(struct tocsin_signal_spec){
                         .name = "test.fits", .layout = &fits, .flags = TOCSIN_ASYNC }),
                     0);
    ck_assert_int_eq(
        tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.fits", .layout = &fits }),
        -EEXIST);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/posts");
    TCase *tests = test_case(suite, "posts");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, T3_post_works_on_a_thread_without_a_loop);
    tcase_add_test(tests, T3_a_post_reaches_the_posting_loop_too);
    tcase_add_test(tests, T3_each_post_wakes_a_sleeping_loop);
    tcase_add_test(tests, T3_post_in_a_real_signal_handler_keeps_errno);
    tcase_add_test(tests, T3_a_real_signal_interrupts_any_call);
    tcase_add_test(tests, T3_a_real_signal_interrupts_a_coalescing_post);
    tcase_add_test(tests, T5_posts_of_a_turn_wait_for_the_next_turn);
    tcase_add_test(tests, T5_endless_posts_do_not_starve_timers_or_descriptors);
    tcase_add_test(tests, E2_a_post_calls_the_handlers_at_its_delivery);
    tcase_add_test(tests, T6_a_post_to_a_freed_loop_returns_ESHUTDOWN);
    tcase_add_test(tests, T6_a_freed_loop_delivers_accepted_posts);
    tcase_add_test(tests, T6_the_handler_of_a_post_frees_the_loop);
    tcase_add_test(tests, T6_a_loop_that_is_being_freed_refuses_posts);
    tcase_add_test(tests, E15_sequence_and_turn_belong_to_the_receiving_loop);
    tcase_add_test(tests, E15_a_post_carries_its_parent);
    tcase_add_test(tests, bad_posts_are_refused);
    tcase_add_test(tests, bad_declarations_of_async_signals);
    return suite;
}
