/* Tests contract line E17 about questions. tocsin_ask() returns 0 only if no handler objects. */
#include <pthread.h>

#include "record.h"
#include "test.h"

struct request {
    const char *path;
    int asked;
};
#define MAY_GO(F) F(local, request) F(i32, level)
TOCSIN_LAYOUT(may_go, MAY_GO);

static int may;

static void begin(void)
{
    may = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "file.may.go", .layout = &may_go_layout, .kind = TOCSIN_DIRECT });
    ck_assert_int_gt(may, 0);
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record_take();
}

static int ask(struct request *request, struct tocsin_handler *ret_by)
{
    return tocsin_ask(may, TOCSIN_PAYLOAD(may_go, .request = request), ret_by);
}

static int agree(const struct tocsin_info *info, void *arg)
{
    struct request *request = may_go_of(info)->request;

    request->asked++;
    return record_call(info, arg);
}

static int refuse(const struct tocsin_info *info, void *arg)
{
    agree(info, arg);
    return -EACCES;
}

static int stop(const struct tocsin_info *info, void *arg)
{
    agree(info, arg);
    return TOCSIN_STOP;
}

static struct tocsin_handler add(tocsin_fn fn, const char *word, int priority)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_connect("file.may.go",
                                    &(struct tocsin_action){
                                        .fn = fn, .arg = (void *)word, .priority = priority },
                                    &handler),
                     0);
    return handler;
}

START_TEST(test_E17_nobody_objects)
{
    struct request request = { "/etc/passwd", 0 };
    struct tocsin_handler by = { 7 };

    /* ask() returns 0, since the question has no listener, even on a thread without a loop */
    ck_assert_int_eq(ask(&request, NULL), 0);
    add(agree, "b", 0);
    add(agree, "a", 1);
    ck_assert_int_eq(ask(&request, &by), 0);
    ck_assert_record("a b");
    ck_assert_int_eq(request.asked, 2);
    ck_assert_uint_eq(by.id, 0);
}
END_TEST

START_TEST(test_E17_the_objecting_handler_is_named)
{
    struct request request = { "/", 0 };
    struct tocsin_handler by = { 0 }, stopper;

    add(agree, "a", 2);
    stopper = add(stop, "b", 1);
    add(agree, "c", 0);
    ck_assert_int_eq(
        tocsin_observe("file.**",
                       &(struct tocsin_action){ .fn = refuse, .arg = "observer", .priority = -1 },
                       NULL),
        0);
    ck_assert_int_eq(ask(&request, &by), TOCSIN_STOPPED);
    ck_assert_uint_eq(by.id, stopper.id);
    ck_assert_record("a b observer");
    ck_assert_int_eq(ask(&request, NULL), TOCSIN_STOPPED);
}
END_TEST

START_TEST(test_E17_an_error_is_an_objection)
{
    struct request request = { "/", 0 };
    struct tocsin_handler by = { 0 }, refuser = add(refuse, "a", 1);

    add(stop, "b", 0);
    ck_assert_int_eq(tocsin_on("tocsin.handler.failed", record_call, "a fault"), 0);
    ck_assert_int_eq(ask(&request, &by), -EACCES);
    ck_assert_uint_eq(by.id, refuser.id);
    ck_assert_record("a");
}
END_TEST

static int disconnect_and_refuse(const struct tocsin_info *info, void *arg)
{
    ck_assert_int_eq(tocsin_disconnect(tocsin_handler_current()), 0);
    return refuse(info, arg);
}

START_TEST(test_E17_a_disconnected_objector_is_named)
{
    struct request request = { "/", 0 };
    struct tocsin_handler by, refuser = add(disconnect_and_refuse, "a", 0);

    ck_assert_int_eq(ask(&request, &by), -EACCES);
    ck_assert_uint_eq(by.id, refuser.id);
    ck_assert_int_eq(tocsin_disconnect(by), -ENOENT);
    ck_assert_int_eq(ask(&request, &by), 0);
    ck_assert_record("a");
}
END_TEST

static int free_all(const struct tocsin_info *info, void *arg)
{
    tocsin_loop_free();
    return agree(info, arg);
}

START_TEST(test_E17_a_handler_of_a_question_frees_the_loop)
{
    struct request request = { "/", 0 };

    add(free_all, "a", 1);
    add(refuse, "b", 0);
    ck_assert_int_eq(ask(&request, NULL), -EACCES);
    ck_assert_record("a b");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    ck_assert_int_eq(ask(&request, NULL), 0);
}
END_TEST

static int verdicts[40], depth;

static int ask_again(const struct tocsin_info *info, void *arg)
{
    int level = depth++;

    (void)arg;
    ck_assert_int_lt(depth, 40);
    verdicts[level] = tocsin_ask(info->signo, info->payload, NULL);
    return verdicts[level] == -ELOOP ? TOCSIN_NEXT : verdicts[level];
}

START_TEST(test_E17_questions_nest_to_a_limit)
{
    struct request request = { "/", 0 };

    add(ask_again, NULL, 0);
    depth = 0;
    ck_assert_int_eq(ask(&request, NULL), 0);
    ck_assert_int_eq(depth, 32);
    ck_assert_int_eq(verdicts[31], -ELOOP);
    ck_assert_int_eq(verdicts[30], 0);
}
END_TEST

static pthread_barrier_t barrier;

static void *listen_elsewhere(void *arg)
{
    ck_assert_int_eq(tocsin_on(arg, agree, "elsewhere"), 0);
    /* this wait ends when the other thread has connected its handler */
    pthread_barrier_wait(&barrier);
    /* this wait tells the other thread that the question was asked */
    pthread_barrier_wait(&barrier);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

/* Asks a question while another loop has a handler of this pattern. Returns the result of
   tocsin_ask(). */
static int ask_beside(const char *pattern, const char *question)
{
    struct request request = { "/", 0 };
    pthread_t thread;
    int signo, verdict;

    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, listen_elsewhere, (void *)pattern), 0);
    pthread_barrier_wait(&barrier);
    signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = question, .layout = &may_go_layout, .kind = TOCSIN_DIRECT });
    verdict = tocsin_ask(signo, TOCSIN_PAYLOAD(may_go, .request = &request), NULL);
    pthread_barrier_wait(&barrier);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(pthread_barrier_destroy(&barrier), 0);
    ck_assert(verdict == 0 || request.asked == 0);
    return verdict;
}

START_TEST(test_E17_another_loop_listens)
{
    ck_assert_int_eq(ask_beside("file.may.go", "file.may.go"), -EXDEV);
    add(agree, "here", 0);
    ck_assert_int_eq(ask_beside("file.may.go", "file.may.go"), -EXDEV);
    ck_assert_record("");
}
END_TEST

START_TEST(test_E17_another_loop_listens_with_an_older_pattern)
{
    ck_assert_int_eq(ask_beside("disk.may.*", "disk.may.go"), -EXDEV);
    ck_assert_int_eq(tocsin_on("disk.**", agree, "here"), 0);
    ck_assert_int_eq(ask_beside("disk.may.*", "disk.may.come"), -EXDEV);
    /* ask_beside() returns 0, since the pattern does not match the question */
    ck_assert_int_eq(ask_beside("tape.*", "disk.may.stay"), 0);
    ck_assert_record("here");
}
END_TEST

static int alter(const struct tocsin_info *info, void *arg)
{
    ((struct request *)may_go_of(info)->request)->path = arg;
    return TOCSIN_NEXT;
}

START_TEST(test_E17_a_handler_may_change_the_payload)
{
    struct request request = { "/", 0 };

    add(alter, "/else", 0);
    ck_assert_int_eq(ask(&request, NULL), 0);
    ck_assert_str_eq(request.path, "/else");
}
END_TEST

static int keep(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    /* tocsin_info_ref() returns NULL, since the payload has a pointer that cannot be copied */
    ck_assert_ptr_null(tocsin_info_ref(info));
    return record_call(info, "kept");
}

START_TEST(test_E17_a_question_is_neither_emitted_nor_kept)
{
    struct request request = { "/", 0 };
    int plain = record_signal("file.done");

    add(keep, NULL, 0);
    ck_assert_int_eq(tocsin_emit(may, TOCSIN_PAYLOAD(may_go, .level = 0)), -EINVAL);
    ck_assert_int_eq(tocsin_ask(plain, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_ask(may, NULL, NULL), -EPROTO);
    ck_assert_int_eq(ask(&request, NULL), 0);
    ck_assert_record("kept");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/questions");
    TCase *tests = test_case(suite, "E17");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, test_E17_nobody_objects);
    tcase_add_test(tests, test_E17_the_objecting_handler_is_named);
    tcase_add_test(tests, test_E17_an_error_is_an_objection);
    tcase_add_test(tests, test_E17_a_disconnected_objector_is_named);
    tcase_add_test(tests, test_E17_a_handler_of_a_question_frees_the_loop);
    tcase_add_test(tests, test_E17_questions_nest_to_a_limit);
    tcase_add_test(tests, test_E17_another_loop_listens);
    tcase_add_test(tests, test_E17_another_loop_listens_with_an_older_pattern);
    tcase_add_test(tests, test_E17_a_handler_may_change_the_payload);
    tcase_add_test(tests, test_E17_a_question_is_neither_emitted_nor_kept);
    return suite;
}
