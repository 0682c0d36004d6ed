/* Helpers for tests in which several threads send and several threads with loops receive. */
#ifndef TOCSIN_T_CONTRACT_CONCURRENT_H
#define TOCSIN_T_CONTRACT_CONCURRENT_H

#include <sched.h>
#include <stdatomic.h>

#include "command_threads.h"

#define ITEM(F) F(u32, sender) F(u64, value)
TOCSIN_LAYOUT(item, ITEM);
#define TEXT(F) F(u32, sender) F(u64, value) F(string, text) F(object, thing)
TOCSIN_LAYOUT(text, TEXT);

enum { SENDERS = 4, RECEIVERS = 2, EACH = 2000 };

TOCSIN__UNUSED static int item, text, latest, newest, note;

static atomic_int refs, unrefs;

static int thing_ref(void *object)
{
    (void)object;
    refs++;
    return 0;
}

static void thing_unref(void *object)
{
    (void)object;
    unrefs++;
}

static const struct tocsin_object_ops thing = { "thing", thing_ref, thing_unref };

TOCSIN__UNUSED static int declare(struct tocsin_signal_spec spec)
{
    int signo;

    spec.doc = "Of a test.";
    signo = tocsin_declare(&spec);
    ck_assert_int_gt(signo, 0);
    return signo;
}

TOCSIN__UNUSED static void begin(void)
{
    refs = unrefs = 0;
    item = declare((struct tocsin_signal_spec){
        .name = "test.item", .layout = &item_layout, .flags = TOCSIN_ASYNC });
    text = declare((struct tocsin_signal_spec){ .name = "test.text", .layout = &text_layout });
    latest = declare((struct tocsin_signal_spec){ .name = "test.latest",
                                                  .layout = &item_layout,
                                                  .kind = TOCSIN_COALESCE,
                                                  .flags = TOCSIN_ASYNC });
    newest = declare((struct tocsin_signal_spec){
        .name = "test.newest", .layout = &text_layout, .kind = TOCSIN_COALESCE });
    note = declare((struct tocsin_signal_spec){ .name = "test.note" });
}

/* A loop that receives. Its handler checks that the values of each sender arrive in order, and that
   no value arrives twice. */
struct receiver {
    struct peer peer;
    struct tocsin_loop loop;
    uint64_t next[SENDERS], items, stood_for, wrong;
    atomic_bool over;
    int round;
};

TOCSIN__UNUSED static struct receiver receivers[RECEIVERS];

TOCSIN__UNUSED static int do_run(void *none)
{
    (void)none;
    return tocsin_run();
}

TOCSIN__UNUSED static int stop_there(void *none)
{
    (void)none;
    return tocsin_stop(0);
}

TOCSIN__UNUSED static void receivers_begin(int (*listens)(void *arg))
{
    memset(receivers, 0, sizeof receivers);
    for (int i = 0; i < RECEIVERS; i++) {
        peer_begin(&receivers[i].peer);
        ck_assert_int_eq(peer_does(&receivers[i].peer, listens, &receivers[i]), 0);
    }
}

TOCSIN__UNUSED static void call_until_taken(struct tocsin_loop loop, tocsin_task task)
{
    int err;

    while ((err = tocsin_loop_call(loop, task, NULL, NULL)) == -EAGAIN)
        sched_yield();
    ck_assert_int_eq(err, 0);
}

TOCSIN__UNUSED static void receivers_stop(void)
{
    for (int i = 0; i < RECEIVERS; i++) {
        call_until_taken(receivers[i].loop, stop_there);
        ck_assert_int_eq(peer_finishes(&receivers[i].peer), 0);
    }
}

TOCSIN__UNUSED static void receivers_end(void)
{
    for (int i = 0; i < RECEIVERS; i++)
        peer_end(&receivers[i].peer);
}

/* A thread that sends to all receivers. It uses each function of the library that sends. */
struct sender {
    struct peer peer;
    uint32_t number;
    bool has_loop;
    uint64_t value;
};

TOCSIN__UNUSED static struct sender senders[SENDERS];

TOCSIN__UNUSED static void senders_begin(int (*does)(void *arg))
{
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ .number = (uint32_t)i, .has_loop = i % 2 };
        peer_begin(&senders[i].peer);
        if (senders[i].has_loop)
            ck_assert_int_eq(peer_does(&senders[i].peer, do_turn, NULL), 0);
        peer_starts(&senders[i].peer, does, &senders[i]);
    }
}

TOCSIN__UNUSED static void senders_end(void)
{
    for (int i = 0; i < SENDERS; i++) {
        ck_assert_int_eq(peer_finishes(&senders[i].peer), 0);
        peer_end(&senders[i].peer);
    }
}

#endif
