/* The plugin that most tests load. Its settings "init" and "fini" are lists of words. The table
   `words` has a function for each word, and the plugin calls the functions of all words in the
   list. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/inject.h>
#include <tocsin/host.h>
#include <tocsin/provider.h>

#include "host.h"

#ifndef NAME
#define NAME "guest"
#endif
#ifndef EDITION
#define EDITION 1
#endif
#ifndef NEEDS
#define NEEDS
#endif
#ifndef SAID
#define SAID GUEST_SAID
#endif

#define TEXT_(text) #text
#define TEXT(text) TEXT_(text)

TOCSIN_PLUGIN(NAME, TEXT(EDITION),
              "Does as it is told." NEEDS TOCSIN_EMITS("guest.said", SAID)
                  TOCSIN_EMITS("guest.alone") TOCSIN_EMITS("guest.done")
                      TOCSIN_CONSUMES("host.called", HOST_CALLED));

static int on_called(const struct tocsin_info *info, void *arg)
{
    const struct host_called *called = host_called_of(info);

    (void)arg;
    host.called++;
    if (host.seen && called)
        host.seen(called->number, EDITION);
    return host.during ? host.during() : TOCSIN_NEXT;
}

static int on_asked(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    host.asked++;
    return TOCSIN_NEXT;
}

static void on_drop(void *arg)
{
    (void)arg;
    host.dropped++;
}

static int on_tick(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    host.ticked++;
    return TOCSIN_NEXT;
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    host.ended++;
    return TOCSIN_NEXT;
}

static int work(void *arg)
{
    (void)arg;
    host.works++;
    while (!host.open)
        sched_yield();
    host.worked++;
    return 0;
}

static int sleeper(void *arg)
{
    struct tocsin_op op;
    int status;

    (void)arg;
    tocsin_timer(3600000, TOCSIN_FUTURE, &op);
    host.asleep++;
    status = tocsin_wait(op, -1, NULL);
    tocsin_op_free(op);
    host.woken++;
    return status;
}

static int stubborn(void *arg)
{
    (void)arg;
    host.asleep++;
    while (!host.open)
        tocsin_yield(); /* the fiber ignores the result -ECANCELED and continues */
    host.woken++;
    return 0;
}

static int on_alone(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    host.unhandled++;
    return host.in_default ? host.in_default() : 0;
}

/* An operation type that the plugin defines. The host starts operations of this type. */

struct state {
    struct {
        struct tocsin_payload tocsin;
    } done;
};

static const struct tocsin_signal_spec done_spec = { .name = "guest.done",
                                                     .doc = "Of a type that a plugin implements." };

static int type_cancel(struct tocsin_op op, void *state, int reason)
{
    (void)state;
    return host.open ? tocsin_op_complete(op, reason, NULL) : -EBUSY;
}

static void type_drop(void *state)
{
    (void)state;
    host.dropped++;
}

static const struct tocsin_op_type type = {
    .done = &done_spec, .state_size = 64, .cancel = type_cancel, .drop = type_drop
};

static int type_start(const struct tocsin_notify *notify, struct tocsin_op *ret_op)
{
    struct tocsin_op op;
    int err = tocsin_op_new(&type, notify, &op);

    if (err < 0) {
        *ret_op = op;
        return err;
    }
    return tocsin_op_start(op, 0, ret_op);
}

static int type_finish(struct tocsin_op op)
{
    return tocsin_op_complete(op, 7, NULL);
}

/* A type of object; the host counts the references to its objects */

static int thing_ref(void *object)
{
    (void)object;
    host.objects++;
    return 0;
}

static void thing_unref(void *object)
{
    (void)object;
    host.objects--;
}

static const struct tocsin_object_ops thing = { "thing", thing_ref, thing_unref };

static int say(void)
{
    return tocsin_emit(tocsin_find("guest.said"),
                       TOCSIN_PAYLOAD(guest_said, .text = "said", .thing = { &host, &thing }));
}

static int declare(const char *name, const struct tocsin_layout *layout,
                   int (*fn)(const struct tocsin_info *info, void *arg))
{
    return tocsin_declare(&(struct tocsin_signal_spec){
        .name = name, .doc = "Of a plugin.", .layout = layout, .unhandled_fn = fn });
}

static int connect_here(void *arg)
{
    host.tasks++;
    return tocsin_connect("host.called",
                          &(struct tocsin_action){ .fn = on_called, .arg = arg, .drop = on_drop },
                          NULL);
}

static int everywhere(void)
{
    int err = 0;

    for (int i = 0; i < HOST_LOOPS && err == 0; i++)
        if (host.loops[i].id)
            err = tocsin_loop_call(host.loops[i], connect_here, NULL, NULL);
    return err;
}

/* Restores the state that the previous version of this plugin saved. Returns -ENOENT if no state
   was saved. */
static int take(void)
{
    struct tocsin_bytes bytes;
    int err = tocsin_state_restore(1, &bytes);
    unsigned left;

    if (err < 0 || bytes.size != sizeof left)
        return err < 0 ? err : -EIO;
    memcpy(&left, bytes.data, sizeof left);
    host.left = left;
    return 0;
}

static int leave(void)
{
    unsigned left = host.left + 1;

    return tocsin_state_save(1, &left, sizeof left);
}

/* This injector delays each completion of the program's operations by an hour. */
static void hold_up(const struct tocsin_inject_event *crossing,
                    struct tocsin_inject_action *verdict, void *arg)
{
    (void)arg;
    host.crossed++;
    if (strcmp(crossing->name, "op.done") == 0)
        verdict->delay_ms = 3600000;
}

static int connect(void)
{
    return tocsin_on("host.called", on_called, NULL);
}

static int connect_with_drop(void)
{
    return connect_here(NULL);
}

/* The fiber of this handler sleeps until it is cancelled. */
static int on_called_asleep(const struct tocsin_info *info, void *arg)
{
    return tocsin_info_payload(info, &host_called_layout) ? sleeper(arg) : -EPROTO;
}

static void count_dropped(void *arg)
{
    (void)arg;
    host.dropped++;
}

static int connect_fibers(void)
{
    return tocsin_connect("host.called",
                          &(struct tocsin_action){ .fn = on_called_asleep,
                                                   .drop = count_dropped,
                                                   .flags = TOCSIN_ON_FIBER },
                          NULL);
}

static int connect_to_question(void)
{
    return tocsin_on("host.asks", on_asked, NULL);
}

static int observe(void)
{
    return tocsin_observe("host.**", &(struct tocsin_action){ .fn = on_tick }, NULL);
}

static int repeat(void)
{
    struct tocsin_op op;

    return tocsin_every(1, TOCSIN_EACH(on_tick), &op);
}

static int long_timer(void)
{
    struct tocsin_op op;

    return tocsin_timer(3600000, TOCSIN_CALL(on_end), &op);
}

static int expire_future(void)
{
    struct tocsin_op op;

    return tocsin_timer(0, TOCSIN_FUTURE, &op);
}

static int wait_future(void)
{
    struct tocsin_op op;

    return tocsin_timer(3600000, TOCSIN_FUTURE, &op);
}

static int spawn_sleeper(void)
{
    struct tocsin_op op;

    return tocsin_spawn(sleeper, NULL, TOCSIN_CALL(on_end), &op);
}

static int spawn_stubborn(void)
{
    struct tocsin_op op;

    return tocsin_spawn(stubborn, NULL, NULL, &op);
}

static int start_work(void)
{
    struct tocsin_op op;

    return tocsin_work(work, NULL, NULL, &op);
}

static int block_called(void)
{
    struct tocsin_block mask;

    return tocsin_block("host.called", &mask);
}

static int open_queue(void)
{
    struct tocsin_queue queue;

    return tocsin_queue_open("host.called", NULL, &queue);
}

static int new_source(void)
{
    struct tocsin_source source;

    return tocsin_source_new(NULL, &source);
}

static int declare_said(void)
{
    return declare("guest.said", &guest_said_layout, NULL);
}

static int declare_alone(void)
{
    return declare("guest.alone", NULL, on_alone);
}

static int declare_unsaid(void)
{
    return declare("guest.unsaid", NULL, NULL);
}

static int declare_otherwise(void)
{
    return declare("guest.alone", &host_called_layout, NULL);
}

static int load_itself(void)
{
    return tocsin_plugin_load(NAME, NULL);
}

static int load_other(void)
{
    host.init_answer = tocsin_plugin_load(tocsin_setting("self", ""), NULL);
    return 0;
}

static int post_called(void)
{
    return tocsin_post(tocsin_find("host.called"), TOCSIN_PAYLOAD(host_called, .number = 77));
}

static int restore_if_saved(void)
{
    int err = take();

    return err == -ENOENT ? 0 : err;
}

static int save_second_format(void)
{
    return tocsin_state_save(2, "two", 3);
}

static int block_init(void)
{
    return work(NULL);
}

static int delay_all_ends(void)
{
    return tocsin_inject(hold_up, NULL);
}

static int fail(void)
{
    return -EIO;
}

static int fail_second_edition(void)
{
    return EDITION == 2 ? -EIO : 0;
}

/* The words of the settings "init" and "fini". */
static const struct {
    const char *word;
    int (*fn)(void);
} words[] = {
    { "handler", connect },
    { "drop", connect_with_drop },
    { "answer", connect_to_question },
    { "observer", observe },
    { "everywhere", everywhere },
    { "timer", repeat },
    { "long", long_timer },
    { "future", expire_future },
    { "promise", wait_future },
    { "fiber", spawn_sleeper },
    { "fibers", connect_fibers },
    { "stubborn", spawn_stubborn },
    { "work", start_work },
    { "block", block_called },
    { "queue", open_queue },
    { "source", new_source },
    { "declare", declare_said },
    { "alone", declare_alone },
    { "unsaid", declare_unsaid },
    { "otherwise", declare_otherwise },
    { "load", load_itself },
    { "self", load_other },
    { "post", post_called },
    { "take", take },
    { "retake", restore_if_saved },
    { "leave", leave },
    { "leave2", save_second_format },
    { "hang", block_init },
    { "interpose", delay_all_ends },
    { "fail", fail },
    { "fail2", fail_second_edition },
};

static int run_word(const char *word)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i].word) == 0)
            return words[i].fn();
    return -ENOSYS;
}

/* Calls the function of each word, in the order of the list. Stops at the first function that
   fails, and returns the error of this function. */
static int run_words(const char *text)
{
    char word[32];
    int err = 0;

    for (; *text && err >= 0; text += strcspn(text, " "), text += *text == ' ') {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(text, " "), text);
        err = run_word(word);
    }
    return err < 0 ? err : 0;
}

int tocsin_plugin_init(void)
{
    host.inits++;
    host.version = EDITION;
    host.start = type_start;
    host.finish = type_finish;
    host.say = say;
    host.handler = on_called;
    return run_words(tocsin_setting("init", ""));
}

void tocsin_plugin_fini(void)
{
    host.finis++;
    host.fini_answer = run_words(tocsin_setting("fini", ""));
    if (host.in_fini)
        host.in_fini();
}
