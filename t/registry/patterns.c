/* Tests which patterns are well formed, and which names a pattern matches. */
#include <stdio.h>
#include <string.h>

#include "base/tree.h"
#include "delivery/loop.h"
#include "command_threads.h"
#include "registry/pattern.h"
#include "registry/registry.h"
#include "record.h"
#include "test.h"
#include "registry/lookup.h"

static const struct {
    const char *pattern, *name;
    bool matches;
} table[] = {
    { "a", "a", true },           { "a", "b", false },           { "a", "aa", false },
    { "aa", "a", false },         { "a", "a.b", false },         { "a.b", "a", false },
    { "a.b", "a.b", true },       { "a.b", "a.c", false },       { "a.b", "a.bc", false },
    { "a.bc", "a.b", false },     { "A", "a", false },           { "*", "a", true },
    { "*", "abc", true },         { "*", "a.b", false },         { "*.*", "a.b", true },
    { "*.*", "a", false },        { "*.*", "a.b.c", false },     { "a.*", "a.b", true },
    { "a.*", "a", false },        { "a.*", "a.b.c", false },     { "a.*", "b.b", false },
    { "*.b", "a.b", true },       { "*.b", "a.c", false },       { "*.b", "b", false },
    { "a.*.c", "a.b.c", true },   { "a.*.c", "a.c", false },     { "a.*.c", "a.b.b.c", false },
    { "**", "a", true },          { "**", "a.b.c", true },       { "a.**", "a", false },
    { "a.**", "a.b", true },      { "a.**", "a.b.c.d", true },   { "a.**", "ab.c", false },
    { "a.*.**", "a.b", false },   { "a.*.**", "a.b.c", true },   { "*.**", "a", false },
    { "*.**", "a.b", true },      { "a,b", "a", true },          { "a,b", "b", true },
    { "a,b", "a.b", false },      { "a, b", "b", true },         { " a , b ", "a", true },
    { " a , b ", "b", true },     { "a,b.*,c.**", "b.x", true }, { "a,b.*,c.**", "c.x.y", true },
    { "a,b.*,c.**", "b", false }, { "a,b.*,c.**", "d", false },  { "x.y,x.*", "x.y", true },
};

START_TEST(names_that_patterns_match)
{
    int count = sizeof table / sizeof table[0];

    for (int i = 0; i < count; i++)
        ck_assert_msg(tocsin__pattern_list_match(table[i].pattern, table[i].name) ==
                          table[i].matches,
                      "'%s' and '%s'", table[i].pattern, table[i].name);
    printf("registry/patterns: %d pairs of a pattern and a name\n", count);
}
END_TEST

START_TEST(the_parts_of_a_list)
{
    static const struct {
        const char *text;
        bool plain, out;
    } parts[] = {
        { "a.b", true, false }, { "c.*", false, false }, { "c.d", true, true },
        { "**", false, false }, { "e.*", false, true },
    };
    const char *cursor = "  a.b ,c.*,!c.d,  ** , ! e.* ";
    struct tocsin__pattern_item part;

    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(tocsin__pattern_part(&cursor, &part), 1);
        ck_assert_uint_eq(part.size, strlen(parts[i].text));
        ck_assert_int_eq(strncmp(part.text, parts[i].text, part.size), 0);
        ck_assert_int_eq(tocsin__pattern_is_plain(&part), parts[i].plain);
        ck_assert_int_eq(part.out, parts[i].out);
    }
    ck_assert_int_eq(tocsin__pattern_part(&cursor, &part), 0);
    cursor = NULL;
    ck_assert_int_eq(tocsin__pattern_part(&cursor, &part), 0);
}
END_TEST

/* Returns the number of patterns that match this name and that no loop has resolved for the name
   yet. */
static uint32_t unresolved(int signo)
{
    return tocsin__signal(signo)->unresolved;
}

static int name_only(const char *name)
{
    int signo = tocsin__signal_named(name, strlen(name), true);

    ck_assert_int_gt(signo, 0);
    return signo;
}

START_TEST(a_name_counts_its_unresolved_patterns)
{
    struct tocsin_handler one, two;
    int signo, unmatched;

    ck_assert_int_eq(tocsin_connect("count.*", &(struct tocsin_action){ .fn = record_call }, &one),
                     0);
    ck_assert_int_eq(tocsin_connect("count.**", &(struct tocsin_action){ .fn = record_call }, &two),
                     0);
    ck_assert_int_eq(tocsin_on("else.*", record_call, NULL), 0);
    signo = name_only("count.a");
    unmatched = name_only("uncounted");
    ck_assert_uint_eq(unresolved(signo), 2);
    ck_assert_uint_eq(unresolved(unmatched), 0);
    /* The handler is disconnected before its loop has resolved the pattern. */
    ck_assert_int_eq(tocsin_disconnect(one), 0);
    ck_assert_uint_eq(unresolved(signo), 1);
    /* A new pattern is resolved when it is connected, together with all unresolved patterns of
       the loop. */
    ck_assert_int_eq(tocsin_on("count.*", record_call, NULL), 0);
    ck_assert_uint_eq(unresolved(signo), 0);
    ck_assert_uint_eq(tocsin__signal(signo)->loops, 1);
    signo = name_only("count.b");
    ck_assert_uint_eq(unresolved(signo), 2);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_uint_eq(unresolved(signo), 0);
    ck_assert_uint_eq(tocsin__signal(signo)->loops, 0);
}
END_TEST

START_TEST(patterns_without_memory_resolve_later)
{
    int signo = 0;

    ck_assert_int_eq(tocsin_on("short.*", record_call, "a"), 0);
    ck_assert_int_eq(tocsin_on("short.**", record_call, "b"), 0);
    /* The first three allocations are for the name itself. One of the later allocations fails. */
    for (int nth = 4; nth <= 8; nth++) {
        char name[] = "short.0";

        name[6] = (char)('0' + nth);
        tocsin__fault_at(nth);
        signo = record_signal(name);
        if (unresolved(signo)) {
            tocsin__fault_at(1);
            ck_assert_int_eq(tocsin_emit(signo, NULL), -ENOMEM);
            ck_assert_record("");
        }
        tocsin__fault_at(0);
        ck_assert_int_eq(tocsin_emit(signo, NULL), TOCSIN_DELIVERED);
        ck_assert_record("a b");
        ck_assert_uint_eq(unresolved(signo), 0);
    }
}
END_TEST

static int do_connect(void *none)
{
    (void)none;
    return tocsin_on("short.**", record_call, "there");
}

/* The declaration of a new name needs memory for the name, and for each further loop whose patterns
   match. In each round, one of these allocations fails. After a failure, the tree of names must not
   contain the name. */
START_TEST(a_name_without_memory_leaves_no_node)
{
    static struct peer peer;
    int signo = -ENOMEM;
    long nth = 0;

    ck_assert_int_eq(tocsin_on("short.**", record_call, "here"), 0);
    peer_begin(&peer);
    ck_assert_int_eq(peer_does(&peer, do_connect, NULL), 0);
    while (signo < 0) {
        tocsin__fault_at(++nth);
        signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = "short.of.memory" });
        tocsin__fault_at(0);
        if (signo > 0 || tocsin_find("short.of.memory") > 0)
            /* The name was created; only its declaration failed. */
            continue;
        ck_assert_int_eq(signo, -ENOMEM);
        ck_assert_ptr_null(tocsin__tree_find("short.of", 8));
    }
    /* At least four allocations failed in turn: one for the name, two for tree nodes, and one for
       the listener on the other loop. */
    ck_assert_int_gt(nth, 4);
    ck_assert_ptr_nonnull(tocsin__tree_find("short.of", 8));
    peer_end(&peer);
}
END_TEST

START_TEST(the_number_of_names_is_limited)
{
    uint32_t were = tocsin__signals;

    tocsin__signals = TOCSIN_SIGNALS_MAX - 1;
    ck_assert_int_eq(tocsin_declare(&(struct tocsin_signal_spec){ .name = "one.too.many" }),
                     -ENOSPC);
    tocsin__signals = were;
    record_signal("one.too.many");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("registry/patterns");
    TCase *tests = test_case(suite, "patterns");

    tcase_add_test(tests, names_that_patterns_match);
    tcase_add_test(tests, the_parts_of_a_list);
    tcase_add_test(tests, a_name_counts_its_unresolved_patterns);
    tcase_add_test(tests, patterns_without_memory_resolve_later);
    tcase_add_test(tests, a_name_without_memory_leaves_no_node);
    tcase_add_test(tests, the_number_of_names_is_limited);
    return suite;
}
