/* Contract lines F1 and F2: a bad argument of a declaration, a connect or an emission returns an
   error code. Each kind of bad argument has its own code, and each code has a text. A failed call
   stores its error in the returned id, and later calls with this id return the same error. A failed
   call changes nothing. */
#include <pthread.h>
#include <string.h>

#include <tocsin/inspect.h>

#include "record.h"
#include "test.h"

#define WORD(F) F(string, text)
TOCSIN_LAYOUT(word, WORD);
#define LOCAL(F) F(local, pointer)
TOCSIN_LAYOUT(with_local, LOCAL);

static int bell;

static void begin(void)
{
    bell = record_signal("bell.rung");
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record_take();
}

static int declare(struct tocsin_signal_spec spec)
{
    return tocsin_declare(&spec);
}

START_TEST(test_F2_names)
{
    static const char *const bad[] = {
        "",   ".",   "..",  "a.",  ".a",   "a..b", "a b",         " a",       "a,b",  "a*",  "*",
        "**", "a.*", "a/b", "a\n", "\x7f", "\xff", "caf\xc3\xa9", "\xc3\x28", "a.b.", "a:b",
    };
    char name[TOCSIN_NAME_MAX + 2] = "";

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(declare((struct tocsin_signal_spec){ .name = bad[i] }) == -EINVAL,
                      "declared '%s'", bad[i]);
        ck_assert_int_eq(tocsin_find(bad[i]), -EINVAL);
    }
    memset(name, 'n', TOCSIN_NAME_MAX + 1);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){ .name = name }), -EINVAL);
    ck_assert_int_eq(tocsin_find(name), -EINVAL);
    name[TOCSIN_NAME_MAX] = '\0';
    ck_assert_int_eq(tocsin_find(name), -ENOENT);
    ck_assert_int_gt(declare((struct tocsin_signal_spec){ .name = name }), 0);
    ck_assert_int_gt(declare((struct tocsin_signal_spec){ .name = "A-z_0.9.-._" }), 0);
    ck_assert_int_eq(tocsin_find(NULL), -EINVAL);
    ck_assert_int_eq(tocsin_declare(NULL), -EINVAL);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){ .name = NULL }), -EINVAL);
}
END_TEST

START_TEST(test_F2_patterns)
{
    static const char *const bad[] = {
        "",           " ",          ",",           "a,",
        ",a",         "bell.rung,", "bell.rung, ", "bell.rung,,bell.rung",
        "bell..rung", "bell.",      ".bell",       "***",
        "b*",         "*b",         "bell.r*",     "**.rung",
        "a.**.b",     "a.**,",      "bell .rung",  "bell.rung;x",
        "\xff",       "*.\xc3\xa9", "bell\n",
    };
    char pattern[TOCSIN_NAME_MAX + 3] = "*.";
    struct tocsin_handler handler = { 0 };
    struct tocsin_action action = { .fn = record_call, .flags = TOCSIN_EARLY, .drop = record_drop };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(tocsin_connect(bad[i], &action, &handler) == -EINVAL, "connected to '%s'",
                      bad[i]);
        ck_assert_int_eq(tocsin_id_error(handler.id), -EINVAL);
        ck_assert_int_eq(tocsin_observe(bad[i], &action, NULL), -EINVAL);
    }
    memset(pattern + 2, 'n', TOCSIN_NAME_MAX);
    ck_assert_int_eq(tocsin_connect(pattern, &action, &handler), -EINVAL);
    pattern[TOCSIN_NAME_MAX] = '\0';
    ck_assert_int_eq(tocsin_connect(pattern, &action, &handler), 0);
    ck_assert_record(""); /* a failed connect does not call the drop function */
    ck_assert_int_eq(tocsin_disconnect(handler), 0);
    record_take();
    ck_assert_int_eq(tocsin_on(NULL, record_call, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_on("bell.rung", NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_on("bell.*, nobody.declared.it", record_call, NULL), -ENOENT);
}
END_TEST

START_TEST(test_F2_actions)
{
    struct tocsin_handler handler = { 0 };
    struct tocsin_action bad[] = {
        { .fn = NULL },
        { .fn = record_call, .flags = 16 },
        { .fn = record_call, .flags = 1u << 31 },
        { .fn = record_call, .flags = 1u << 16 },
        { .fn = record_call, .priority = 32768 },
        { .fn = record_call, .priority = -32769 },
        { .fn = record_call, .priority = (int)0x80000000 },
        { .fn = record_call, .spare = { 1 } },
        { .fn = record_call, .spare = { 0, 1 } },
        { .fn = record_call, .spare = { 0, 0, 1 } },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bad[i].drop = record_drop;
        ck_assert_int_eq(tocsin_connect("bell.rung", &bad[i], &handler), -EINVAL);
        ck_assert_int_eq(tocsin_id_error(handler.id), -EINVAL);
        ck_assert_int_eq(tocsin_observe("bell.rung", &bad[i], NULL), -EINVAL);
    }
    ck_assert_int_eq(tocsin_connect("bell.rung", NULL, &handler), -EINVAL);
    ck_assert_int_eq(tocsin_has_listeners(bell), 0);
    ck_assert_record("");
}
END_TEST

START_TEST(test_F2_specs)
{
    static const struct tocsin_layout bad[] = {
        { "bad", NULL, 8 },       { "bad", "i32 x", 16 },     { "bad", "i32 x;", 12 },
        { "bad", "i32 x;", 8 },   { "bad", "i32 x;", 24 },    { "bad", "i32 x;", 0 },
        { "bad", "int x;", 16 },  { "bad", "i32;", 16 },      { "bad", "i32 ;", 16 },
        { "bad", "i32  x;", 16 }, { "bad", " i32 x;", 16 },   { "bad", ";", 8 },
        { "bad", "i32 x;;", 16 }, { "bad", "i32 x;u64", 24 }, { "bad", "i32 x y;", 16 },
        { "bad", "I32 x;", 16 },  { "bad", "i32\tx;", 16 },   { "bad", "string x; u64 y;", 24 },
        { "bad", "", 16 },
    };
    struct tocsin_signal_spec spare = { .name = "bad.spare" };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(declare((struct tocsin_signal_spec){ .name = "bad.layout",
                                                           .layout = &bad[i] }) == -EINVAL,
                      "declared '%s'", bad[i].fields);
    for (int kind = TOCSIN_QUEUED; kind <= TOCSIN_COALESCE; kind++)
        ck_assert_int_eq(declare((struct tocsin_signal_spec){ .name = "bad.local",
                                                              .layout = &with_local_layout,
                                                              .kind = (enum tocsin_kind)kind }),
                         -EINVAL);
    for (int i = 0; i < 4; i++) {
        spare.spare[i] = 1;
        ck_assert_int_eq(tocsin_declare(&spare), -EINVAL);
        spare.spare[i] = 0;
    }
    ck_assert_int_eq(
        declare((struct tocsin_signal_spec){ .name = "bad.kind", .kind = (enum tocsin_kind)3 }),
        -EINVAL);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){ .name = "bad.unhandled",
                                                          .unhandled = (enum tocsin_unhandled)3 }),
                     -EINVAL);
    ck_assert_int_eq(tocsin_find("bad.layout"), -ENOENT);
    ck_assert_int_eq(tocsin_find("bad.spare"), -ENOENT);
}
END_TEST

static int nothing(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return 0;
}

START_TEST(test_F2_a_second_declaration_must_be_the_same)
{
    struct tocsin_signal_spec spec = { .name = "word.said",
                                       .layout = &word_layout,
                                       .doc = "The first." };
    int signo = tocsin_declare(&spec);

    ck_assert_int_gt(signo, 0);
    spec.doc = NULL;
    ck_assert_int_eq(tocsin_declare(&spec), signo);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){ .name = "word.said" }), -EEXIST);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){
                         .name = "word.said", .layout = &word_layout, .kind = TOCSIN_COALESCE }),
                     -EEXIST);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){
                         .name = "word.said", .layout = &word_layout, .unhandled = TOCSIN_ABORT }),
                     -EEXIST);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){
                         .name = "word.said", .layout = &word_layout, .unhandled_fn = nothing }),
                     -EEXIST);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){
                         .name = "word.said", .layout = &word_layout, .limit = 1 }),
                     -EEXIST);
    ck_assert_int_eq(declare((struct tocsin_signal_spec){
                         .name = "word.said", .layout = &word_layout, .limit_bytes = 1 }),
                     -EEXIST);
    ck_assert_int_eq(tocsin_find("word.said"), signo);
}
END_TEST

START_TEST(test_F2_signos)
{
    static const int bad[] = {
        0, -1, -EINVAL, (int)0x80000000, 0x7fffffff, TOCSIN_SIGNALS_MAX, TOCSIN_SIGNALS_MAX - 1
    };
    struct tocsin_source source;

    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(tocsin_emit(bad[i], NULL), -EINVAL);
        ck_assert_int_eq(tocsin_emit_from(source, bad[i], NULL), -EINVAL);
        ck_assert_int_eq(tocsin_ask(bad[i], NULL, NULL), -EINVAL);
        ck_assert_int_eq(tocsin_has_listeners(bad[i]), -EINVAL);
    }
    ck_assert_int_eq(tocsin_source_free(source), 0);
}
END_TEST

START_TEST(test_F1_a_failed_id_carries_its_error_through_a_chain)
{
    struct tocsin_source none = { (uint64_t)(int64_t)-ENOMEM };
    struct tocsin_handler_facts facts;
    struct tocsin_handler handler;
    struct tocsin_action action = { .fn = record_call, .arg = "a", .source = none };

    ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    ck_assert_int_eq(tocsin_id_error(none.id), -ENOMEM);
    ck_assert_int_eq(tocsin_connect("bell.rung", &action, &handler), -ENOMEM);
    ck_assert_int_eq(tocsin_id_error(handler.id), -ENOMEM);
    ck_assert_int_eq(tocsin_disconnect(handler), -ENOMEM);
    ck_assert_int_eq(tocsin_source_free(none), -ENOMEM);
    ck_assert_int_eq(tocsin_source_set(none, NULL), -ENOMEM);
    ck_assert_ptr_null(tocsin_source_get(none));
    ck_assert_int_eq(tocsin_emit_from(none, bell, NULL), -ENOMEM);
    ck_assert_int_eq(tocsin_handler_get(handler, &facts), -ENOMEM);
    ck_assert_int_eq(tocsin_id_error(0), 0);
    ck_assert_int_eq(tocsin_id_error((uint64_t)-4095), -4095);
    ck_assert_int_eq(tocsin_id_error((uint64_t)-4096), 0);
}
END_TEST

START_TEST(test_F1_zero_and_stale_ids_return_ENOENT)
{
    struct tocsin_handler handler, nobody = { 0 };
    struct tocsin_source source, nowhere = { 0 };
    struct tocsin_handler_facts facts;
    struct tocsin_action action = { .fn = record_call };

    ck_assert_int_eq(tocsin_disconnect(nobody), -ENOENT);
    ck_assert_int_eq(tocsin_source_free(nowhere), -ENOENT);
    ck_assert_int_eq(tocsin_connect("bell.rung", &action, &handler), 0);
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    ck_assert_int_eq(tocsin_source_new(NULL, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_handler_get(handler, &facts), 0);
    ck_assert_ptr_nonnull(strstr(facts.where, "error_codes.c:"));
    ck_assert_str_eq(facts.function, "");
    /* the result 1 counts the source that the test did not free */
    ck_assert_int_eq(tocsin_loop_free(), 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tocsin_disconnect(handler), -ENOENT);
        ck_assert_int_eq(tocsin_source_free(source), -ENOENT);
        action.source = source;
        ck_assert_int_eq(tocsin_connect("bell.rung", &action, NULL), -ENOENT);
        ck_assert_int_eq(tocsin_handler_get(handler, &facts), -ENOENT);
        handler.id ^= 1u << (8 * i); /* the library never issued the id with this changed bit */
    }
    handler.id = source.id = 0xfffefffffffffffe;
    ck_assert_int_eq(tocsin_disconnect(handler), -ENOENT);
    ck_assert_int_eq(tocsin_source_free(source), -ENOENT);
}
END_TEST

static struct {
    struct tocsin_handler handler;
    struct tocsin_source source;
} theirs;

static void *beside(void *arg)
{
    struct tocsin_action action = { .fn = record_call, .source = theirs.source };
    struct tocsin_handler_facts facts;

    for (int has_loop = 0; has_loop < 2; has_loop++) {
        ck_assert_int_eq(tocsin_source_free(theirs.source), -EXDEV);
        ck_assert_int_eq(tocsin_source_set(theirs.source, NULL), -EXDEV);
        ck_assert_ptr_null(tocsin_source_get(theirs.source));
        ck_assert_int_eq(tocsin_handler_get(theirs.handler, &facts), -EXDEV);
        if (!has_loop)
            ck_assert_int_eq(tocsin_emit(*(int *)arg, NULL), -ENODEV);
        ck_assert_int_eq(tocsin_connect("bell.rung", &action, NULL), -EXDEV);
        ck_assert_int_eq(tocsin_on("bell.rung", record_call, "beside"), 0);
    }
    ck_assert_int_eq(tocsin_loop_free(), 0);
    return NULL;
}

START_TEST(test_F1_ids_of_another_thread_return_EXDEV)
{
    pthread_t thread;

    ck_assert_int_eq(tocsin_source_new(NULL, &theirs.source), 0);
    ck_assert_int_eq(tocsin_connect("bell.rung",
                                    &(struct tocsin_action){ .fn = record_call, .arg = "here" },
                                    &theirs.handler),
                     0);
    ck_assert_int_eq(pthread_create(&thread, NULL, beside, &bell), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("here");
    ck_assert_int_eq(tocsin_source_free(theirs.source), 0);
}
END_TEST

START_TEST(test_F1_every_status_has_a_text)
{
    static const int odd[] = { -4095, -4096, -2999, -3011, (int)0x80000000, 0x7fffffff };

    ck_assert_str_eq(tocsin_strerror(0), "done");
    ck_assert_str_eq(tocsin_strerror(EPERM), tocsin_strerror(-EPERM));
    for (int status = TOCSIN_EURL; status >= TOCSIN_EPEER; status--)
        ck_assert_str_ne(tocsin_strerror(status), "unknown error");
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        ck_assert_str_eq(tocsin_strerror(odd[i]), "unknown error");
    ck_assert_str_eq(tocsin_version(), "0.1.0");
}
END_TEST

/* The text of an errno states its meaning in this library. If a file or a socket may also return
   the errno, the text includes the meaning in the system. */
static const struct {
    int err;
    const char *here, *system;
} meant[] = {
    { -EINVAL, "argument", "argument" },
    { -ENOENT, "no such name or id", "no such file" },
    { -ENODEV, "has no loop", "no such device" },
    { -EXDEV, "loop of another thread", "another file system" },
    { -EAGAIN, "inbox", "try again" },
    { -EDQUOT, "owner's limit", "disk quota" },
    { -EPROTO, "another layout", "protocol error" },
    { -EEXIST, "declared otherwise", "file exists" },
    { -EBUSY, "waits for it", "uses it" },
    { -EALREADY, "has ended", "under way" },
    { -EINPROGRESS, "running", "running" },
    { -ESHUTDOWN, "the loop", "connection" },
    { -EDEADLK, "handler", "deadlock" },
    { -ELOOP, "nested too deeply", "symbolic links" },
    { -EOWNERDEAD, "tocsin_after_fork", "lock's owner" },
    { -ESTALE, "replaced", "stale file handle" },
    { -EACCES, "quarantine", "permission denied" },
    { -EPERM, "permitted", "permitted" },
    { -ENOSPC, "names", "no space left" },
    { -ENOTEMPTY, "left behind", "not empty" },
    { -ENOTSUP, "not supported", "not supported" },
    { -ENOEXEC, "no plugin", "no program" },
    { -ELIBACC, "dynamic linker", "load" },
    { -EBADMSG, "malformed", "malformed" },
    { -EBADF, "not open", "descriptor" },
    { -EMFILE, "the process", "no descriptors left" },
    { -ENFILE, "the system", "no descriptors left" },
    { -ETIMEDOUT, "timed out", "timed out" },
    { -ECANCELED, "canceled", "canceled" },
    { -ENOMEM, "memory", "memory" },
    { -EIO, "Input/output", "error" },
};

START_TEST(test_F1_a_text_is_what_the_errno_means_here)
{
    const char *text = tocsin_strerror(meant[_i].err);

    ck_assert_msg(strstr(text, meant[_i].here) != NULL, "%d: %s", meant[_i].err, text);
    ck_assert_msg(strstr(text, meant[_i].system) != NULL, "%d: %s", meant[_i].err, text);
    ck_assert_str_eq(tocsin_strerror(-meant[_i].err), text);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/error_codes");
    TCase *tests = test_case(suite, "F1, F2");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, test_F2_names);
    tcase_add_test(tests, test_F2_patterns);
    tcase_add_test(tests, test_F2_actions);
    tcase_add_test(tests, test_F2_specs);
    tcase_add_test(tests, test_F2_a_second_declaration_must_be_the_same);
    tcase_add_test(tests, test_F2_signos);
    tcase_add_test(tests, test_F1_a_failed_id_carries_its_error_through_a_chain);
    tcase_add_test(tests, test_F1_zero_and_stale_ids_return_ENOENT);
    tcase_add_test(tests, test_F1_ids_of_another_thread_return_EXDEV);
    tcase_add_test(tests, test_F1_every_status_has_a_text);
    tcase_add_loop_test(tests, test_F1_a_text_is_what_the_errno_means_here, 0,
                        sizeof meant / sizeof meant[0]);
    return suite;
}
