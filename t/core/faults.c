/* F3: each allocation, and each duplication of a descriptor, that a scenario comes to is made to fail, one in each process. The call that
   fails says so, the same call again succeeds, all is heard as if nothing had been, and nothing leaks (with ASan the process says so). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop.h"
#include "record.h"
#include "test.h"

#define NOTE(F) F(string, text) F(bytes, data) F(fd, fd)
TOCSIN_LAYOUT(note, NOTE);

static int failures;                                   /* calls that answered -ENOMEM or -EMFILE, or NULL */

#define check(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1); \
        } \
    } while (0)

static bool failed(int answer)
{
    failures += answer == -ENOMEM || answer == -EMFILE;
    return answer == -ENOMEM || answer == -EMFILE;
}

/* The call, and the call again if it failed. */
#define retried(call) \
    ({ \
        int answer_ = (call); \
        if (failed(answer_)) \
            answer_ = (call); \
        answer_; \
    })

static int declare(const char *name, const struct tocsin_layout *layout)
{
    return retried(tocsin_declare(&(struct tocsin_spec){ .name = name, .layout = layout, .doc = "Of a test." }));
}

static struct tocsin_handler handler;

static int connect_as(const char *pattern, const char *word, struct tocsin_source source, unsigned flags)
{
    struct tocsin_action action = { .fn = record_call, .arg = (void *)word, .source = source, .flags = flags, .drop = record_drop };
    int answer = tocsin_connect(pattern, &action, &handler);

    if (failed(answer)) {
        check(tocsin_id_error(handler.id) == answer);
        check(tocsin_disconnect(handler) == answer);
        answer = tocsin_connect(pattern, &action, &handler);
    }
    return answer;
}

static const struct tocsin_source any;
static struct tocsin_info *kept;
static int signo;

static int emit(const struct tocsin_payload *payload)
{
    int answer = tocsin_emit(signo, payload);          /* short of memory for a pattern: nobody was called */

    return failed(answer) ? tocsin_emit(signo, payload) : answer;
}

static int keep_and_pend(const struct tocsin_info *info, void *arg)
{
    static int calls;

    record_call(info, arg);
    if (calls++)
        return TOCSIN_NEXT;
    kept = tocsin_info_ref(info);
    if (!kept) {
        failures++;
        kept = tocsin_info_ref(info);
    }
    check(kept && strcmp(note_of(kept)->text, "text") == 0);
    check(retried(tocsin_emit(info->signo, info->payload)) == TOCSIN_PENDED);
    check(retried(tocsin_on("note.made", record_call, "new")) == 0);       /* the list is replaced */
    return TOCSIN_NEXT;
}

static int source_new(struct tocsin_source *ret_source)
{
    int answer = tocsin_source_new(NULL, ret_source);

    if (failed(answer)) {
        check(tocsin_id_error(ret_source->id) == answer);
        answer = tocsin_source_new(NULL, ret_source);
    }
    return answer;
}

static void scenario(void)
{
    struct tocsin_source sources[2];
    struct tocsin_action observer = { .fn = record_call, .arg = "observer" };
    char name[32];
    int born = 0;

    check(connect_as("note.*, else.**", "pattern", any, 0) == 0);
    signo = declare("note.made", &note_layout);
    check(signo > 0);
    check(declare("else.plain", NULL) > 0);
    check(retried(tocsin_on("note.made", keep_and_pend, "keep")) == 0);
    check(retried(tocsin_observe("note.made", &observer, NULL)) == 0);
    check(connect_as("note.made, else.plain, early.one, early.two", "list", any, TOCSIN_EARLY) == 0);
    for (int i = 0; i < 2; i++)
        check(source_new(&sources[i]) == 0);
    check(connect_as("note.made, else.plain", "own", sources[0], 0) == 0);
    check(connect_as("early.*", "late", sources[1], 0) == 0);
    check(emit(TOCSIN_PAYLOAD(note, .text = "text", .data = { "data", 4 }, .fd = 0)) == TOCSIN_DELIVERED);
    check(strcmp(record_take(), "pattern keep observer list pattern keep observer list new") == 0);
    for (int i = 0; i < 60; i++)                       /* a second chunk of ids */
        check(connect_as("else.plain", "many", any, 0) == 0);
    for (int i = 0; i < 20; i++) {                     /* more buckets for names, a longer table of slots */
        sprintf(name, "early.n%d", i);
        born = declare(name, NULL);
        check(born > 0);
        check(connect_as(name, "n", any, 0) == 0);
    }
    check(retried(tocsin_emit(born, NULL)) == TOCSIN_DELIVERED);
    check(retried(tocsin_emit_from(sources[1], born, NULL)) == TOCSIN_DELIVERED);
    check(strcmp(record_take(), "n late n") == 0);
    check(tocsin_disconnect(handler) == 0);
    check(tocsin_source_free(sources[0]) == 0);
    check(tocsin_free() == 1);
    tocsin_info_unref(kept);
    for (const char *word = record_take(); word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL)
        check(*word == '~');                           /* drops, and nothing else */
    check(tocsin_heard(signo) == 0 && tocsin_heard(born) == 0);
}

/* In a process of its own: how many calls failed; -1: it went wrong; -2: there is no nth. */
static int fail_at(long nth)
{
    pid_t pid = fork();
    int status;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        tocsin__fault_at(nth);
        scenario();
        if (tocsin__fault_count() < nth)
            exit(100);
        exit(10 + failures);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) < 10)
        return -1;
    return WEXITSTATUS(status) == 100 ? -2 : WEXITSTATUS(status) - 10;
}

START_TEST(each_in_turn)
{
    int answered = 0, unnoticed = 0, answer;
    char name[32];
    long nth;

    for (int i = 0; i < 230; i++) {                    /* so that the scenario comes to where the tables of names and slots grow */
        sprintf(name, "filler.n%d", i);
        record_signal(name);
    }
    for (nth = 1; (answer = fail_at(nth)) != -2; nth++) {
        ck_assert_msg(answer >= 0, "the %ldth to fail", nth);
        ck_assert_msg(answer <= 1, "one failed, %d calls noticed: the %ldth", answer, nth);
        answered += answer;
        unnoticed += !answer;
    }
    ck_assert_int_gt(answered, 100);
    printf("core/faults: %ld failed in turn, %d answered by a call, %d made good without\n", nth - 1, answered, unnoticed);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("core/faults");
    TCase *tests = test_case(suite, "faults");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, each_in_turn);
    return suite;
}
