/* Helpers for tests of several loops: threads that have a loop and a handler each, and the loop of
   the test's own thread. */
#ifndef TOCSIN_T_CONTRACT_LOOP_THREADS_H
#define TOCSIN_T_CONTRACT_LOOP_THREADS_H

#include <stdio.h>

#include "contract/remote_signals.h"

enum { SIDES = 3, LOG = 1 << 16 };

/* A loop of another thread. The handler on this loop keeps the last info that it received, and
   writes a log. */
static struct side {
    struct peer peer;
    struct tocsin_loop loop;
    struct tocsin_handler handler;
    struct tocsin_block mask;
    const char *pattern;
    struct tocsin_action action;
    bool observes;
    struct told told;
    char log[LOG];
} sides[SIDES], ours;

/* Keeps the info and checks that the handler runs on its own loop. */
TOCSIN__UNUSED static int side_hear(const struct tocsin_info *info, void *arg)
{
    struct side *side = arg;

    ck_assert_uint_eq(tocsin_loop_current().id, side->loop.id);
    return tell(info, &side->told);
}

TOCSIN__UNUSED static void side_log(struct side *side, const char *word)
{
    size_t length = strlen(side->log);

    ck_assert_int_lt(snprintf(side->log + length, LOG - length, "%s ", word), (int)(LOG - length));
}

/* Appends an entry for the emission to the log: the emission's number, the text in its payload, or
   the name of its signal. */
TOCSIN__UNUSED static int log_it(const struct tocsin_info *info, void *arg)
{
    const struct letter *seen = letter_of(info);
    char word[24];

    if (number_of(info))
        snprintf(word, sizeof word, "%d", (int)number_of(info)->value);
    else if (!seen)
        snprintf(word, sizeof word, "%d", info->status);
    side_log(arg, seen ? seen->text : word);
    return side_hear(info, arg);
}

TOCSIN__UNUSED static int do_listen(void *arg)
{
    struct side *side = arg;
    struct tocsin_action action = side->action;
    int err;

    action.fn = action.fn ? action.fn : side_hear;
    action.arg = action.arg ? action.arg : side;
    if (tocsin_loop_turn(0) < 0)
        return -1;
    side->loop = tocsin_loop_current();
    err = side->observes ? tocsin_observe(side->pattern, &action, &side->handler)
                         : tocsin_connect(side->pattern, &action, &side->handler);
    return err;
}

TOCSIN__UNUSED static struct side *side_begin(int i, const char *pattern, tocsin_fn fn)
{
    struct side *side = &sides[i];

    peer_begin(&side->peer);
    side->pattern = pattern;
    side->action.fn = fn;
    ck_assert_int_eq(peer_does(&side->peer, do_listen, side), 0);
    return side;
}

TOCSIN__UNUSED static struct side *observer_begin(int i, const char *pattern)
{
    sides[i].observes = true;
    return side_begin(i, pattern, NULL);
}

TOCSIN__UNUSED static void own_begin(const char *pattern, tocsin_fn fn)
{
    ours.pattern = pattern;
    ours.action.fn = fn;
    ck_assert_int_eq(do_listen(&ours), 0);
}

TOCSIN__UNUSED static int side_turns(struct side *side)
{
    return peer_does(&side->peer, do_turns, NULL);
}

TOCSIN__UNUSED static void sides_end(int count)
{
    for (int i = 0; i < count; i++)
        peer_end(&sides[i].peer);
}

TOCSIN__UNUSED static void fill(struct tocsin_loop loop)
{
    int answer;

    while ((answer = tocsin_post_to(loop, filler, NULL)) == TOCSIN_PENDED)
        ;
    ck_assert_int_eq(answer, -EAGAIN);
}

TOCSIN__UNUSED static int do_block(void *arg)
{
    struct side *side = arg;

    return tocsin_block("test.**", &side->mask);
}

TOCSIN__UNUSED static int do_unblock(void *arg)
{
    struct side *side = arg;

    return tocsin_unblock(side->mask);
}

TOCSIN__UNUSED static int do_facts(void *arg)
{
    return tocsin_loop_get(arg);
}

TOCSIN__UNUSED static int do_disconnect(void *arg)
{
    struct side *side = arg;

    return tocsin_disconnect(side->handler);
}

TOCSIN__UNUSED static int yes(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static void begin_sides(void)
{
    begin();
    memset(sides, 0, sizeof sides);
    memset(&ours, 0, sizeof ours);
}

#endif
