/* Runs operations with signals of tocsin. Signal n is named "rt.n" and has rank n. The signals are
   queued, carry a value, and by default end the process. Two variants have an error on purpose,
   which the test must find. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/posix.h>

#include "contract/oracle.h"

#define RT_VALUE(F) F(i32, value)
TOCSIN_LAYOUT(rt_value, RT_VALUE);

enum { TEXT_MAX = 1024 };

static struct {
    int signo;
    struct tocsin_handler handler;
    bool connected, one_shot, ignored;
    unsigned mask; /* the signals that are blocked while the handler of this signal runs */
} twins[NUMBERS];

static struct frame {
    struct frame *outer;
    bool changed;
    /* the handler that is running now; of nested handlers, the innermost one */
} * frame;
static unsigned blocked; /* the mask that the kernel would have at this point */
static enum twin kind;
static struct log *seen;

static const char *const names[NUMBERS] = { "rt.0", "rt.1", "rt.2", "rt.3", "rt.4" };

static const char *list(unsigned set, char text[TEXT_MAX])
{
    strcpy(text, set == EVERY ? "rt.*" : "");
    for (int n = 0; n < NUMBERS && set != EVERY; n++)
        if (set >> n & 1) {
            strcat(text, text[0] ? "," : "");
            strcat(text, names[n]);
        }
    return text;
}

/* Returns a pattern for the set. If only one or two numbers are missing from the set, the pattern
   excludes them from "rt.*". */
static const char *pattern(unsigned set, char text[TEXT_MAX])
{
    if (__builtin_popcount(set) < NUMBERS - 2)
        return list(set, text);
    strcpy(text, "rt.*");
    for (int n = 0; n < NUMBERS; n++)
        if (!(set >> n & 1)) {
            strcat(text, ", !");
            strcat(text, names[n]);
        }
    return text;
}

static void must(int result)
{
    if (result < 0)
        oracle_complain(0, result);
}

static int number_of(const struct tocsin_info *info)
{
    int n = 0;

    while (n < NUMBERS && twins[n].signo != info->signo)
        n++;
    return n;
}

static int value_of(const struct tocsin_info *info)
{
    const struct rt_value *value = rt_value_of(info);

    return value ? value->value : -1;
}

/* The kernel restores the mask when a handler returns. tocsin does not restore a changed mask, so
   this function does. The new mask must include the signals that the interrupted handlers block. So
   each interrupted handler must restore its own mask later. */
static void put_back(const struct frame *here)
{
    char text[TEXT_MAX];

    must(tocsin_sigmask(TOCSIN_SETMASK, pattern(blocked, text), NULL, 0));
    if (here->outer)
        here->outer->changed = true;
}

static int handler(const struct tocsin_info *info, void *arg)
{
    struct frame here = { .outer = frame };
    int n = number_of(info);
    unsigned before = blocked;

    (void)arg;
    frame = &here;
    blocked |= twins[n].mask;
    if (twins[n].one_shot)
        twins[n].connected = false;
    oracle_handle(n, value_of(info));
    blocked = before;
    if (here.changed)
        put_back(&here);
    frame = here.outer;
    return TOCSIN_NEXT;
}

static int act_mask(const struct op *op, int *detail)
{
    enum tocsin_how how = op->kind == BLOCK     ? TOCSIN_BLOCK
                          : op->kind == UNBLOCK ? TOCSIN_UNBLOCK
                                                : TOCSIN_SETMASK;
    char text[TEXT_MAX], before[TEXT_MAX];
    int length;

    if (frame)
        frame->changed = true;
    blocked = op->kind == BLOCK     ? blocked | op->set
              : op->kind == UNBLOCK ? blocked & ~op->set
                                    : op->set;
    length = tocsin_sigmask(how,
                            how == TOCSIN_SETMASK ? pattern(op->set, text) : list(op->set, text),
                            before, sizeof before);
    if (length < 0)
        return length;
    if (length != (int)strlen(before))
        return -EOVERFLOW;
    for (int n = 0; n < NUMBERS && !frame && length; n++)
        *detail |= tocsin_match(before, names[n]) << n;
    return 0;
}

static int act_queue(const struct op *op, int *detail)
{
    (void)detail;
    if (kind == DROPS_BLOCKED && twins[op->number].ignored)
        return DROPPED;
    switch (tocsin_emit(twins[op->number].signo, TOCSIN_PAYLOAD(rt_value, .value = op->at))) {
    case TOCSIN_NOBODY: return DROPPED;
    case TOCSIN_DELIVERED: return DELIVERED;
    case TOCSIN_PENDED: return PENDED;
    case -EAGAIN: return -EAGAIN;
    default: return -EPROTO;
    }
}

static int let_go(int n)
{
    int result = twins[n].connected ? tocsin_disconnect(twins[n].handler) : 0;

    twins[n].connected = false;
    return result;
}

/* Ignores a signal. In tocsin, the handler of an ignored signal may stay connected. */
static int act_ignore(const struct op *op, int *detail)
{
    (void)detail;
    if (op->flags & DISCONNECTS)
        must(let_go(op->number));
    twins[op->number].ignored = true;
    return tocsin_ignore(names[op->number]);
}

static int act_default(const struct op *op, int *detail)
{
    (void)detail;
    must(let_go(op->number));
    twins[op->number].ignored = false;
    return tocsin_unignore(names[op->number]);
}

static int act_handle(const struct op *op, int *detail)
{
    int n = op->number;
    char text[TEXT_MAX];
    struct tocsin_action action = { .fn = handler,
                                    .mask = op->set ? pattern(op->set, text) : NULL };

    must(act_default(op, detail));
    action.flags = (op->flags & ONE_SHOT ? TOCSIN_ONCE : 0) |
                   (op->flags & NODEFER ? TOCSIN_NODEFER : 0);
    twins[n].one_shot = op->flags & ONE_SHOT;
    twins[n].mask = op->set | (op->flags & NODEFER ? 0 : 1u << n);
    twins[n].connected = true;
    return tocsin_connect(names[n], &action, &twins[n].handler);
}

static int act_pending(const struct op *op, int *detail)
{
    (void)op;
    for (int n = 0; n < NUMBERS; n++) {
        int count = tocsin_pending_count(names[n]);

        if (count < 0)
            return count;
        *detail |= (count > 0) << n;
    }
    return 0;
}

/* Opens a queue for this wait only. Without an open queue, emissions go to the handlers. */
static int act_wait(const struct op *op, int *detail)
{
    struct tocsin_queue_options options = { .flags = TOCSIN_TAKE };
    struct tocsin_queue queue;
    struct tocsin_info *info;
    char text[TEXT_MAX];
    int result, value;

    must(tocsin_queue_open(pattern(op->set, text), &options, &queue));
    result = tocsin_queue_wait(queue, op->timed ? 20 : 0, &info);
    must(tocsin_queue_close(queue));
    if (result < 0)
        return result == -ETIMEDOUT ? -EAGAIN : result;
    *detail = number_of(info);
    value = value_of(info);
    tocsin_info_unref(info);
    return value;
}

static void late(void)
{
    int ran;

    while ((ran = tocsin_loop_turn(0)) > 0) {}
    must(ran);
}

static const struct world tocsin = { .act = { [BLOCK] = act_mask,
                                              [UNBLOCK] = act_mask,
                                              [SETMASK] = act_mask,
                                              [QUEUE] = act_queue,
                                              [IGNORE] = act_ignore,
                                              [DEFAULT] = act_default,
                                              [HANDLE] = act_handle,
                                              [PENDING] = act_pending,
                                              [WAIT] = act_wait },
                                     .late = late };

/* An observer. If TOCSIN_ABORT kills the process, the log names the last signal that this observer
   received. If the default action is a function, that function writes the signal to the log and
   ends the process. */
static int see(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    seen->seen = number_of(info) + 1;
    return TOCSIN_NEXT;
}

static int die(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    seen->died = number_of(info) + 1;
    return raise(SIGKILL);
}

/* Declares the signals, the highest number first. So a wrong order shows if tocsin delivers in the
   order of declaration and not by rank. */
static void declare(const struct sequence *sequence)
{
    for (int n = NUMBERS; n-- > 0;) {
        struct tocsin_signal_spec spec = { .name = names[n],
                                           .doc = "A twin of a real-time signal.",
                                           .layout = &rt_value_layout };

        spec.unhandled = TOCSIN_ABORT;
        spec.unhandled_fn = sequence->aborts ? NULL : die;
        spec.rank = kind == HIGHEST_FIRST ? -n : n;
        spec.limit = (size_t)sequence->limit;
        twins[n].signo = tocsin_declare(&spec);
        must(twins[n].signo);
    }
    must(tocsin_unignore("rt.*")); /* this call also makes the loop of this thread */
    if (sequence->aborts)
        must(tocsin_observe("rt.*", &(struct tocsin_action){ .fn = see }, NULL));
}

void oracle_tocsin(enum twin twin, const struct sequence *sequence, struct log *log)
{
    int left;

    kind = twin;
    seen = log;
    oracle_begin(&tocsin, sequence, log);
    declare(sequence);
    oracle_do(sequence->first);
    must(tocsin_ignore("rt.*")); /* ignoring a signal discards its pending emissions */
    left = tocsin_loop_free();
    if (left)
        oracle_complain(0, left);
    _exit(0);
}
