/* Tests the text that tocsin_report() writes about the objects that a loop still has. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/inspect.h>
#include <tocsin/provider.h>

#include "record.h"
#include "test.h"

#define TEXT(F) F(string, text)
TOCSIN_LAYOUT(text, TEXT);

static int bell;

static void begin(void)
{
    bell = record_signal("bell.rung");
}

static void end(void)
{
    tocsin_loop_free();
    record_take();
}

static int nothing(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static const char *report_text(int *ret_left)
{
    static char text[4096];
    ssize_t size;
    int pipes[2];

    ck_assert_int_eq(pipe(pipes), 0);
    *ret_left = tocsin_report(pipes[1]);
    close(pipes[1]);
    size = read(pipes[0], text, sizeof text - 1);
    ck_assert_int_ge(size, 0);
    text[size] = '\0';
    close(pipes[0]);
    return text;
}

static void check_report(int count, const char *wanted)
{
    int left;
    const char *text = report_text(&left);

    ck_assert_str_eq(text, wanted);
    ck_assert_int_eq(left, count);
}

START_TEST(without_objects_nothing_is_reported)
{
    struct tocsin_source source;

    check_report(0, "");
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_int_eq(tocsin_source_free(source), 0);
    check_report(0, "");
    /* tocsin_report() returns 0, since there is nothing to report */
    ck_assert_int_eq(tocsin_report(-1), 0);
}
END_TEST

/* The objects that the program has not freed, and that the report must list. */
static struct {
    struct tocsin_queue queues[2];
    struct tocsin_source source;
    struct tocsin_block block;
    struct tocsin_op ops[3];
} left;

static void leave_operations(void)
{
    const struct tocsin_notify background = { .mode = TOCSIN_BACKGROUND };

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &left.ops[0]), 0);
    ck_assert_int_eq(tocsin_op_new(NULL, NULL, &left.ops[1]), 0);
    /* A background operation ends after the other operations, so it is not reported. */
    ck_assert_int_eq(tocsin_op_new(NULL, &background, &left.ops[2]), 0);
    ck_assert_int_eq(tocsin_op_complete(left.ops[0], 0, NULL), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

/* Leaves the objects, and returns the line number of the first call. The other calls follow, one on
   each line. */
static int leave_objects(void)
{
    const struct tocsin_action action = { .fn = nothing, .flags = TOCSIN_EARLY };
    const struct tocsin_action seen = { .fn = record_call, .arg = "seen", .name = "record_call" };
    int at = __LINE__ + 2;

    ck_assert_int_eq(tocsin_queue_open("text.*, bell.rung", NULL, &left.queues[0]), 0);
    ck_assert_int_eq(tocsin_queue_open(NULL, NULL, &left.queues[1]), 0);
    ck_assert_int_eq(tocsin_source_new(NULL, &left.source), 0);
    ck_assert_int_eq(tocsin_block("text.*", &left.block), 0);
    ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    ck_assert_int_eq(tocsin_observe("**, !tocsin.**", &seen, NULL), 0);
    ck_assert_int_eq(tocsin_connect("misspelt.name", &action, NULL), 0);
    ck_assert_int_eq(tocsin_on_at("", "", "bell.rung", nothing, NULL), 0);
    return at;
}

static void end_objects(void)
{
    ck_assert_int_eq(tocsin_op_free(left.ops[0]), 0);
    ck_assert_int_eq(tocsin_op_complete(left.ops[1], 0, NULL), 0);
    ck_assert_int_eq(tocsin_op_complete(left.ops[2], 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_close(left.queues[0]), 0);
    ck_assert_int_eq(tocsin_queue_close(left.queues[1]), 0);
    ck_assert_int_eq(tocsin_source_free(left.source), 0);
    ck_assert_int_eq(tocsin_unblock(left.block), 0);
    ck_assert_int_ge(tocsin_loop_turn(0), 0);
}

START_TEST(remaining_objects_are_reported)
{
    int texts = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "text.left", .layout = &text_layout, .doc = "Of a test." });
    char wanted[4096];
    int at;

    leave_operations();
    at = leave_objects();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_emit(texts, TOCSIN_PAYLOAD(text, .text = "words")), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    snprintf(wanted, sizeof wanted,
             "tocsin: left: result of op.done, program\n"
             "tocsin: left: operation op.done, program\n"
             "tocsin: left: queue of text.*, bell.rung, program, %1$s:%2$d\n"
             "tocsin: left: queue, program, %1$s:%3$d\n"
             "tocsin: left: source, program, %1$s:%4$d\n"
             "tocsin: left: block of text.*, program, %1$s:%5$d\n"
             "tocsin: left: 3 pending emissions of text.left, program\n"
             "tocsin: left: a name that nobody declared: misspelt.name, program, %1$s:%8$d\n"
             "tocsin: connected: nothing to bell.rung, 1 calls, program, %1$s:%6$d\n"
             "tocsin: connected: record_call to **, !tocsin.**, 1 calls, program, %1$s:%7$d\n"
             "tocsin: connected: handler to misspelt.name, 0 calls, program, %1$s:%8$d\n"
             "tocsin: connected: handler to bell.rung, 1 calls, program\n",
             __FILE__, at, at + 1, at + 2, at + 3, at + 4, at + 5, at + 6);
    check_report(8, wanted);
    check_report(8, wanted); /* the report has changed nothing */
    end_objects();
    record_signal("misspelt.name");
    /* tocsin_report() returns -EBADF, since it must print the handler, and -1 is not a descriptor.
       The number of remaining objects does not include handlers. */
    ck_assert_int_eq(tocsin_report(-1), -EBADF);
    ck_assert_int_eq(strncmp(report_text(&at), "tocsin: connected: ", 19), 0);
    ck_assert_int_eq(at, 0);
}
END_TEST

START_TEST(names_are_still_reported_after_a_loop)
{
    struct tocsin_action action = { .fn = nothing, .flags = TOCSIN_EARLY };

    ck_assert_int_eq(tocsin_connect("misspelt.name, bell.rung", &action, NULL), 0);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    check_report(1, "tocsin: left: a name that nobody declared: misspelt.name, somewhere\n");
    /* if the thread has a loop, the handlers of this loop are reported */
    ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    ck_assert_int_eq(strncmp(report_text(&(int){ 0 }), "tocsin: connected: ", 19), 0);
}
END_TEST

START_TEST(a_report_that_cannot_be_written)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC), closed = dup(fd);

    ck_assert_int_ge(fd, 0);
    close(closed);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    ck_assert_int_eq(tocsin_report(fd), -ENOSPC);
    ck_assert_int_eq(tocsin_report(closed), -EBADF);
    ck_assert_int_eq(tocsin_report(-1), -EBADF);
    close(fd);
}
END_TEST

START_TEST(a_long_line_is_truncated)
{
    char pattern[2000] = "bell.rung";
    int reported;
    const char *text;

    while (strlen(pattern) < 1800)
        strcat(pattern, ", bell.rung");
    ck_assert_int_eq(tocsin_on(pattern, nothing, NULL), 0);
    ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    text = report_text(&reported);
    ck_assert_int_eq(strncmp(text, "tocsin: connected: nothing to bell.rung, bell.rung", 50), 0);
    ck_assert_ptr_nonnull(
        strstr(text, "\ntocsin: connected: nothing to bell.rung, 0 calls, program, "));
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/report");
    TCase *report = test_case(suite, "report");

    test_needs_processes();
    tcase_add_checked_fixture(report, begin, end);
    tcase_add_test(report, without_objects_nothing_is_reported);
    tcase_add_test(report, remaining_objects_are_reported);
    tcase_add_test(report, names_are_still_reported_after_a_loop);
    tcase_add_test(report, a_report_that_cannot_be_written);
    tcase_add_test(report, a_long_line_is_truncated);
    return suite;
}
