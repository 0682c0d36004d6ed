/* A fetch starts with 0 to 8 free descriptors. The start must fail with a negative errno, or the
   fetch must end with a failure. When descriptors are free again, a fetch must succeed. */
#include <poll.h>

#include <tocsin/http.h>

#include "net/peer.h"
#include "few_descriptors.h"

static int on_ready(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static struct peer *peer;
static bool before;

static int fetch(void)
{
    struct tocsin_op op;
    int err = tocsin_http_get(peer_url(peer, "/"), TOCSIN_FUTURE, &op);

    return err < 0 ? err : tocsin_wait(op, 20000, NULL);
}

static void once(int room)
{
    int err;

    if (before)
        require(fetch() == 0);
    scarce_begin(room);
    err = fetch();
    require(err <= 0);
    scarce_end();
    require(fetch() == 0);
    require(tocsin_loop_free() == 0);
}

#ifdef __SANITIZE_THREAD__
enum { TSAN = 1 };
#else
enum { TSAN = 0 };
#endif

static void begin(void)
{
    peer = peer_start(NULL);
}

static void end(void)
{
    peer_stop(peer);
}

START_TEST(the_first_fetch)
{
    each_room("tocsin_http_get", once);
}
END_TEST

START_TEST(a_later_fetch)
{
    before = true;
    each_room("tocsin_http_get", once);
}
END_TEST

/* The program closes descriptors that it still watches. The sockets of the client get the same
   numbers, and the fetch must work. */
START_TEST(a_forgotten_watch_of_the_same_number)
{
    int ends[8];

    for (int i = 0; i < 8; i += 2)
        ck_assert_int_eq(pipe(&ends[i]), 0);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(
            tocsin_watch(ends[i], i % 2 ? POLLOUT : POLLIN, TOCSIN_EACH(on_ready), NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
    for (int i = 0; i < 8; i++)
        close(ends[i]);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(fetch(), 0);
    ck_assert_int_ge(tocsin_loop_free(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/descriptors");
    TCase *tests = tcase_create("few descriptors");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_forgotten_watch_of_the_same_number);
    if (TSAN) {
        puts("skip: net/descriptors: the thread sanitizer ends a child that starts threads");
    } else {
        tcase_add_test(tests, the_first_fetch);
        tcase_add_test(tests, a_later_fetch);
    }
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
