/* A plugin that does as it is told: its settings "init" and "fini" list what, in words. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/interpose.h>

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

TOCSIN_PLUGIN(NAME, TEXT(EDITION), "Does as it is told." NEEDS
              TOCSIN_EMITS("guest.said", SAID)
              TOCSIN_EMITS("guest.alone")
              TOCSIN_EMITS("guest.done")
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
        tocsin_yield();                                /* -ECANCELED does not impress it */
    host.woken++;
    return 0;
}

static int on_alone(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    host.unhandled++;
    return host.in_default ? host.in_default() : 0;
}

/* An operation type that others use */

struct state { struct { struct tocsin_payload tocsin; } done; };

static const struct tocsin_spec done_spec = { .name = "guest.done", .doc = "Of a type that a plugin implements." };

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

static const struct tocsin_op_type type = { .done = &done_spec, .state_size = 64, .cancel = type_cancel, .drop = type_drop };

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

/* An object that it counts */

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

static const struct tocsin_shared thing = { "thing", thing_ref, thing_unref };

static int say(void)
{
    return tocsin_emit(tocsin_find("guest.said"), TOCSIN_PAYLOAD(guest_said, .text = "said", .thing = { &host, &thing }));
}

static int declare(const char *name, const struct tocsin_layout *layout, int (*fn)(const struct tocsin_info *info, void *arg))
{
    return tocsin_declare(&(struct tocsin_spec){ .name = name, .doc = "Of a plugin.", .layout = layout, .unhandled_fn = fn });
}

static int connect_here(void *arg)
{
    host.tasks++;
    return tocsin_connect("host.called", &(struct tocsin_action){ .fn = on_called, .arg = arg, .drop = on_drop }, NULL);
}

static int everywhere(void)
{
    int err = 0;

    for (int i = 0; i < HOST_LOOPS && err == 0; i++)
        if (host.loops[i].id)
            err = tocsin_loop_call(host.loops[i], connect_here, NULL, NULL);
    return err;
}

/* -ENOENT: nothing was left. */
static int take(void)
{
    struct tocsin_bytes bytes;
    int err = tocsin_state_take(1, &bytes);
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

    return tocsin_state_leave(1, &left, sizeof left);
}

/* An hour, for the host's own. */
static void hold_up(const struct tocsin_crossing *crossing, struct tocsin_verdict *verdict, void *arg)
{
    (void)arg;
    host.crossed++;
    if (strcmp(crossing->name, "op.done") == 0)
        verdict->delay_ms = 3600000;
}

static int does(const char *word)
{
    struct tocsin_source source;
    struct tocsin_queue queue;
    struct tocsin_mask mask;
    struct tocsin_op op;
    int err;

    if (strcmp(word, "handler") == 0)
        return tocsin_on("host.called", on_called, NULL);
    if (strcmp(word, "drop") == 0)
        return connect_here(NULL);
    if (strcmp(word, "answer") == 0)
        return tocsin_on("host.asks", on_asked, NULL);
    if (strcmp(word, "observer") == 0)
        return tocsin_observe("host.**", &(struct tocsin_action){ .fn = on_tick }, NULL);
    if (strcmp(word, "everywhere") == 0)
        return everywhere();
    if (strcmp(word, "timer") == 0)
        return tocsin_every(1, TOCSIN_EACH(on_tick), &op);
    if (strcmp(word, "long") == 0)
        return tocsin_timer(3600000, TOCSIN_CALL(on_end), &op);
    if (strcmp(word, "future") == 0)
        return tocsin_timer(0, TOCSIN_FUTURE, &op);
    if (strcmp(word, "promise") == 0)
        return tocsin_timer(3600000, TOCSIN_FUTURE, &op);
    if (strcmp(word, "fiber") == 0)
        return tocsin_spawn(sleeper, NULL, TOCSIN_CALL(on_end), &op);
    if (strcmp(word, "stubborn") == 0)
        return tocsin_spawn(stubborn, NULL, NULL, &op);
    if (strcmp(word, "work") == 0)
        return tocsin_work(work, NULL, NULL, &op);
    if (strcmp(word, "block") == 0)
        return tocsin_block("host.called", &mask);
    if (strcmp(word, "queue") == 0)
        return tocsin_queue_open("host.called", NULL, &queue);
    if (strcmp(word, "source") == 0)
        return tocsin_source_new(NULL, &source);
    if (strcmp(word, "declare") == 0)
        return declare("guest.said", &guest_said_layout, NULL);
    if (strcmp(word, "alone") == 0)
        return declare("guest.alone", NULL, on_alone);
    if (strcmp(word, "unsaid") == 0)
        return declare("guest.unsaid", NULL, NULL);
    if (strcmp(word, "otherwise") == 0)
        return declare("guest.alone", &host_called_layout, NULL);
    if (strcmp(word, "load") == 0)
        return tocsin_plugin_load(NAME, NULL);
    if (strcmp(word, "self") == 0) {
        host.init_answer = tocsin_plugin_load(tocsin_setting("self", ""), NULL);
        return 0;
    }
    if (strcmp(word, "post") == 0)
        return tocsin_post(tocsin_find("host.called"), TOCSIN_PAYLOAD(host_called, .number = 77));
    if (strcmp(word, "take") == 0)
        return take();
    if (strcmp(word, "retake") == 0)
        return (err = take()) == -ENOENT ? 0 : err;
    if (strcmp(word, "leave") == 0)
        return leave();
    if (strcmp(word, "leave2") == 0)
        return tocsin_state_leave(2, "two", 3);
    if (strcmp(word, "hang") == 0)
        return work(NULL);
    if (strcmp(word, "interpose") == 0)
        return tocsin_interpose(hold_up, NULL);
    if (strcmp(word, "fail") == 0)
        return -EIO;
    if (strcmp(word, "fail2") == 0)
        return EDITION == 2 ? -EIO : 0;
    return -ENOSYS;
}

static int does_all(const char *words)
{
    char word[32];
    int err = 0;

    for (; *words && err >= 0; words += strcspn(words, " "), words += *words == ' ') {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(words, " "), words);
        err = does(word);
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
    return does_all(tocsin_setting("init", ""));
}

void tocsin_plugin_fini(void)
{
    host.finis++;
    host.fini_answer = does_all(tocsin_setting("fini", ""));
    if (host.in_fini)
        host.in_fini();
}
