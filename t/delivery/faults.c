/* Contract line F3: a scenario on one loop runs in many child processes. In the nth child, the nth
   allocation or opened descriptor fails. The call that met the failure must return an error, and
   must succeed when it is repeated. All handlers must be called as without the failure, and nothing
   may leak. */
#include <stdio.h>
#include <string.h>

#include "delivery/loop.h"
#include "fault_children.h"
#include "record.h"

#define NOTE(F) F(string, text) F(bytes, data) F(fd, fd)
TOCSIN_LAYOUT(note, NOTE);

static int declare(const char *name, const struct tocsin_layout *layout)
{
    return retried(tocsin_declare(
        &(struct tocsin_signal_spec){ .name = name, .layout = layout, .doc = "Of a test." }));
}

static struct tocsin_handler handler;

static int connect_as(const char *pattern, const char *word, struct tocsin_source source,
                      unsigned flags)
{
    struct tocsin_action action = { .fn = record_call,
                                    .arg = (void *)word,
                                    .source = source,
                                    .flags = flags,
                                    .drop = record_drop };
    int answer = tocsin_connect(pattern, &action, &handler);

    if (failed(answer)) {
        require(tocsin_id_error(handler.id) == answer);
        require(tocsin_disconnect(handler) == answer);
        answer = tocsin_connect(pattern, &action, &handler);
    }
    return answer;
}

static const struct tocsin_source any;
static struct tocsin_info *kept;
static int signo;

static int emit(const struct tocsin_payload *payload)
{
    /* The library finds no memory to resolve a pattern. The emission must then fail before it calls
       any handler, so it can be repeated. */
    int answer = tocsin_emit(signo, payload);

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
    require(kept && strcmp(note_of(kept)->text, "text") == 0);
    require(retried(tocsin_emit(info->signo, info->payload)) == TOCSIN_PENDED);
    /* The delivery walks over the list of handlers here, so this connect must create a new list. */
    require(retried(tocsin_on("note.made", record_call, "new")) == 0);
    return TOCSIN_NEXT;
}

static int source_new(struct tocsin_source *ret_source)
{
    int answer = tocsin_source_new(NULL, ret_source);

    if (failed(answer)) {
        require(tocsin_id_error(ret_source->id) == answer);
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

    require(connect_as("note.*, else.**", "pattern", any, 0) == 0);
    signo = declare("note.made", &note_layout);
    require(signo > 0);
    require(declare("else.plain", NULL) > 0);
    require(retried(tocsin_on("note.made", keep_and_pend, "keep")) == 0);
    require(retried(tocsin_observe("note.made", &observer, NULL)) == 0);
    require(connect_as("note.made, else.plain, early.one, early.two", "list", any, TOCSIN_EARLY) ==
            0);
    for (int i = 0; i < 2; i++)
        require(source_new(&sources[i]) == 0);
    require(connect_as("note.made, else.plain", "own", sources[0], 0) == 0);
    require(connect_as("early.*", "late", sources[1], 0) == 0);
    require(emit(TOCSIN_PAYLOAD(note, .text = "text", .data = { "data", 4 }, .fd = 0)) ==
            TOCSIN_DELIVERED);
    require(strcmp(record_take(), "pattern keep observer list pattern keep observer list new") ==
            0);
    /* 60 handlers need a second chunk in the table of ids. */
    for (int i = 0; i < 60; i++)
        require(connect_as("else.plain", "many", any, 0) == 0);
    /* 20 names make the tables of names and of loop signals grow. */
    for (int i = 0; i < 20; i++) {
        sprintf(name, "early.n%d", i);
        born = declare(name, NULL);
        require(born > 0);
        require(connect_as(name, "n", any, 0) == 0);
    }
    require(retried(tocsin_emit(born, NULL)) == TOCSIN_DELIVERED);
    require(retried(tocsin_emit_from(sources[1], born, NULL)) == TOCSIN_DELIVERED);
    require(strcmp(record_take(), "n late n") == 0);
    require(tocsin_disconnect(handler) == 0);
    require(tocsin_source_free(sources[0]) == 0);
    require(tocsin_loop_free() == 1);
    tocsin_info_unref(kept);
    for (const char *word = record_take(); word;
         /* After the connection was removed, the record may contain destructors only, which begin
            with ~. */
         word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL)
        require(*word == '~');
    require(tocsin_has_listeners(signo) == 0 && tocsin_has_listeners(born) == 0);
}

START_TEST(each_allocation_fails_in_turn)
{
    char name[32];

    /* With 230 names declared before, the tables of names and loop signals must grow during the
       scenario. */
    for (int i = 0; i < 230; i++) {
        sprintf(name, "filler.n%d", i);
        record_signal(name);
    }
    each_child_in_turn("delivery/faults", scenario, 10, 100);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("delivery/faults");
    TCase *tests = test_case(suite, "faults");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, each_allocation_fails_in_turn);
    return suite;
}
