/* A model of the kernel, and the rules for sequences whose results must be the same in tocsin and
   in the kernel. The rules exclude sequences in which these differences show:
   - Linux prepares the frames of all deliverable signals before the first handler runs. So the
     highest number runs first, and with SA_NODEFER the newest signal. The rule: while a handler
     runs, no other signal may become deliverable.
   - A flush of tocsin delivers what was pending when the flush began. The rest waits for the next
     turn (T5), and only code outside of handlers can run a turn.
   - After action.mask, tocsin delivers the blocked signals when the outermost delivery of the
     signal ends. The kernel delivers them when any handler returns.
   - If a handler changes the mask, the kernel restores the mask after the handler. The test's
     handler for tocsin does the same at its end. A handler must not change what interrupted
     handlers block, since that could not be restored.
   - tocsin has a limit for each signal. The kernel has one limit for all signals, and also refuses
     signals that it would deliver at once. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "contract/oracle.h"

enum { PENDED_MAX = 24, FRAMES_MAX = 24 };

#define TALLIES(T) \
    T(BLOCKS, "block") \
    T(UNBLOCKS, "unblock") \
    T(SETS, "setmask") \
    T(QUEUES, "queue") T(IGNORES, "ignore") T(DEFAULTS, "default") T(HANDLES, "handle") T( \
        ASKS_PENDING, "pending") T(WAITS, "wait") T(IN_BLOCKS, "block, in a handler") \
        T(IN_UNBLOCKS, "unblock, in a handler") T(IN_SETS, "setmask, in a handler") T( \
            IN_QUEUES, "queue, in a handler") T(IN_IGNORES, "ignore, in a handler") \
            T(IN_DEFAULTS, "default, in a handler") T(IN_HANDLES, "handle, in a handler") T( \
                IN_ASKS_PENDING, "pending, in a handler") T(IN_WAITS, "wait, in a handler") \
                T(ONE_SHOTS, "handle: one-shot") T(NODEFERS, "handle: nodefer") T( \
                    NO_MASKS, "handle: empty mask") T(SOME_MASKS, "handle: mask of some") \
                    T(FULL_MASKS, "handle: full mask") T(TIMED, "wait: with time") T( \
                        AT_ONCE, "delivered at once") T(WAITED, "pended") \
                        T(REFUSED, "refused: EAGAIN") T(AFTER_UNBLOCK, "delivered by unblocking") \
                            T(AFTER_HANDLER, "delivered at a handler's end") T( \
                                LATE, "delivered a turn later") T(AFTER_RESTORE, \
                                                                  "delivered by restoring a mask") \
                                T(IN_A_HANDLER, "delivered in a handler of another") T( \
                                    NESTED, "nested by nodefer") T(NESTED_UNBLOCKED, \
                                                                   "nested by unblocking itself") \
                                    T(RESET, "one-shot: reset") T(IGNORED, "ignored: dropped") \
                                        T(KEPT, "ignored, blocked: pended") T( \
                                            DISCARDED, "ignored: dropped when unblocked") \
                                            T(EMPTIED, "pended: dropped by ignoring") T( \
                                                TAKEN, "taken by a wait") T(TAKEN_IGNORED, \
                                                                            "taken while ignored") \
                                                T(FOUND_NONE, "wait: nothing there") \
                                                    T(DIED_AT_ONCE, "died: queued") \
                                                        T(DIED_LATER, "died: was pended") \
                                                            T(DIED_ONE_SHOT, \
                                                              "died: the one after a one-shot") \
                                                                T(DIED_IN_HANDLER, \
                                                                  "died: in a handler")

enum {
#define T(name, text) name,
    TALLIES(T)
#undef T
        TALLIED
};
const char *const oracle_tallies[] = {
#define T(name, text) text,
    TALLIES(T)
#undef T
        NULL
};
long oracle_tally[TALLIED];

struct pended {
    int op, born;
};

static struct model {
    unsigned blocked;
    struct {
        enum { DIES, DISCARDS, RUNS } does;
        int flags;
        unsigned mask;
        bool was_one_shot;
    } now[NUMBERS];
    struct {
        int count;
        struct pended all[PENDED_MAX];
    } pend[NUMBERS];
    int clock, total;
    unsigned held; /* the set of signals that running handlers block */
    struct {
        int number;
        unsigned held;
        bool changed, unblocked;
    } frames[FRAMES_MAX]; /* The value of the member `held` before the handler ran. */
    int depth;
    bool broken; /* true if the sequence breaks a rule */
    int died;    /* 1 + the number of the signal that killed the process */
    long tally[TALLIED];
} m;

static struct sequence *drawn;
/* if true, an operation that breaks a rule is removed; if false, the whole sequence is refused */
static bool mending;

static int broken(void)
{
    m.broken = true;
    oracle_stop();
    return NOT_DONE;
}

static int breaks(const struct op *op)
{
    if (!mending)
        return broken();
    drawn->ops[op->at].kind = VOID;
    return NOT_DONE;
}

static void tally_op(const struct op *op)
{
    m.tally[(m.depth ? IN_BLOCKS : BLOCKS) + op->kind - BLOCK]++;
}

/* Delivering signals */

static unsigned deliverable(void)
{
    unsigned set = 0;

    for (int n = 0; n < NUMBERS; n++)
        if (m.pend[n].count && !(m.blocked >> n & 1))
            set |= 1u << n;
    return set;
}

static int lowest(unsigned set)
{
    return __builtin_ctz(set);
}

static struct pended take(int n)
{
    struct pended one = m.pend[n].all[0];

    m.pend[n].count--;
    m.total--;
    memmove(m.pend[n].all, m.pend[n].all + 1, (size_t)m.pend[n].count * sizeof one);
    return one;
}

static bool running(int n)
{
    for (int i = 0; i < m.depth; i++)
        if (m.frames[i].number == n)
            return true;
    return false;
}

static void die(int n, bool at_once)
{
    m.tally[at_once ? DIED_AT_ONCE : DIED_LATER]++;
    m.tally[DIED_ONE_SHOT] += m.now[n].was_one_shot;
    m.tally[DIED_IN_HANDLER] += m.depth > 0;
    m.died = n + 1;
    oracle_stop();
}

static void tally_call(int n)
{
    m.tally[IN_A_HANDLER] += m.depth > 0 && m.frames[m.depth - 1].number != n;
    for (int i = m.depth - 1; i >= 0; i--)
        if (m.frames[i].number == n) {
            m.tally[m.frames[i].unblocked ? NESTED_UNBLOCKED : NESTED]++;
            break;
        }
}

static void push(int n, bool unblocked)
{
    m.frames[m.depth].number = n;
    m.frames[m.depth].held = m.held;
    m.frames[m.depth].changed = false;
    m.frames[m.depth].unblocked = unblocked;
    m.depth++;
}

static unsigned mask_of(int n)
{
    return m.now[n].mask | (m.now[n].flags & NODEFER ? 0 : 1u << n);
}

/* Calls a handler. Returns true if the handler has changed the mask. Then the interrupted handler
   must restore its own mask, too. The reason: in tocsin, a changed mask includes the signals that
   running handlers block. */
static bool call(int n, int value)
{
    unsigned blocked = m.blocked;

    tally_call(n);
    push(n, false);
    m.blocked |= mask_of(n);
    m.held |= mask_of(n);
    if (m.now[n].flags & ONE_SHOT) {
        m.tally[RESET]++;
        m.now[n].does = DIES;
        m.now[n].was_one_shot = true;
    }
    oracle_handle(n, value);
    m.blocked = blocked;
    m.held = m.frames[--m.depth].held;
    if (m.depth && m.frames[m.depth].changed)
        m.frames[m.depth - 1].changed = true;
    return m.frames[m.depth].changed;
}

/* Returns true if the next turn can deliver the signals that are still pending. No handler may be
   running, and these signals must have become pending after the delivery of pending signals
   began. */
static bool turns(unsigned ready, int began)
{
    for (int n = 0; n < NUMBERS; n++)
        if (ready >> n & 1 && m.pend[n].all[0].born <= began)
            return false;
    return !m.depth;
}

/* Calls a handler. Returns true if the handler restored the mask, and signals became deliverable by
   this. tocsin delivers these signals before the handler returns. */
static bool handle(int n, int value)
{
    bool changed;

    if (deliverable() & ~mask_of(n) || m.depth == FRAMES_MAX) {
        broken();
        return false;
    }
    changed = call(n, value);
    if (m.died || !deliverable())
        return false;
    if (!changed && running(n))
        broken();
    if (changed && m.depth < FRAMES_MAX)
        push(n, true);
    return changed;
}

enum why { EMITTED, UNBLOCKED };

static void deliver(const struct op *op, enum why why)
{
    int began = why == EMITTED ? INT_MAX : m.clock, depth = m.depth;
    int how = why == EMITTED ? AT_ONCE : AFTER_UNBLOCK;
    unsigned ready;

    while (!m.broken && !m.died && (ready = deliverable())) {
        int n = lowest(ready), value;

        if (m.pend[n].all[0].born > began) {
            if (!turns(ready, began)) {
                broken();
                return;
            }
            began = m.clock;
            how = LATE;
            drawn->ops[op->at].late = true;
        }
        value = take(n).op;
        if (m.now[n].does == DIES) {
            die(n, how == AT_ONCE);
        } else if (m.now[n].does == DISCARDS) {
            m.tally[DISCARDED]++;
        } else {
            bool restored;

            m.tally[how]++;
            restored = handle(n, value);
            began = how == AT_ONCE || restored ? m.clock : began;
            how = restored ? AFTER_RESTORE : how == AT_ONCE ? AFTER_HANDLER : how;
        }
    }
    m.depth = depth;
}

/* Functions that run the operations of a sequence */

static int act_mask(const struct op *op, int *detail)
{
    unsigned set = op->kind == BLOCK     ? m.blocked | op->set
                   : op->kind == UNBLOCK ? m.blocked & ~op->set
                                         : op->set;
    unsigned released = m.blocked & ~set;

    if (m.depth && released & m.frames[m.depth - 1].held)
        return breaks(op);
    tally_op(op);
    if (m.depth) {
        m.frames[m.depth - 1].changed = true;
        m.frames[m.depth - 1].unblocked |= released >> m.frames[m.depth - 1].number & 1;
    }
    *detail = m.depth ? 0 : (int)m.blocked;
    m.blocked = set;
    m.held &= set;
    deliver(op, UNBLOCKED);
    return 0;
}

static int act_queue(const struct op *op, int *detail)
{
    int n = op->number;
    bool held = m.blocked >> n & 1, ignored = m.now[n].does == DISCARDS;
    bool full = drawn->limit && m.total == drawn->limit;

    (void)detail;
    if (ignored && !held) {
        tally_op(op);
        m.tally[IGNORED]++;
        return DROPPED;
    }
    if (m.pend[n].count == PENDED_MAX ||
        full != (drawn->limit && held && m.pend[n].count == drawn->limit))
        return breaks(op);
    tally_op(op);
    if (full) {
        m.tally[REFUSED]++;
        return -EAGAIN;
    }
    m.pend[n].all[m.pend[n].count++] = (struct pended){ op->at, ++m.clock };
    m.total++;
    if (held) {
        m.tally[ignored ? KEPT : WAITED]++;
        return PENDED;
    }
    deliver(op, EMITTED);
    return DELIVERED;
}

static int act_ignore(const struct op *op, int *detail)
{
    int n = op->number;

    (void)detail;
    tally_op(op);
    m.tally[EMPTIED] += m.pend[n].count;
    m.total -= m.pend[n].count;
    m.pend[n].count = 0;
    m.now[n].does = DISCARDS;
    return 0;
}

static int act_default(const struct op *op, int *detail)
{
    (void)detail;
    tally_op(op);
    m.now[op->number].does = DIES;
    m.now[op->number].was_one_shot = false;
    return 0;
}

static int act_handle(const struct op *op, int *detail)
{
    (void)detail;
    tally_op(op);
    m.tally[ONE_SHOTS] += !!(op->flags & ONE_SHOT);
    m.tally[NODEFERS] += !!(op->flags & NODEFER);
    m.tally[op->set == EVERY ? FULL_MASKS : op->set ? SOME_MASKS : NO_MASKS]++;
    m.now[op->number].does = RUNS;
    m.now[op->number].flags = op->flags;
    m.now[op->number].mask = op->set;
    return 0;
}

static int act_pending(const struct op *op, int *detail)
{
    tally_op(op);
    for (int n = 0; n < NUMBERS; n++)
        *detail |= m.pend[n].count ? 1 << n : 0;
    return 0;
}

static int act_wait(const struct op *op, int *detail)
{
    unsigned there = 0;
    int n;

    for (n = 0; n < NUMBERS; n++)
        there |= op->set >> n & 1 && m.pend[n].count ? 1u << n : 0;
    if (!there && op->timed)
        return breaks(op); /* a wait would block here, so the operation breaks a rule */
    tally_op(op);
    m.tally[TIMED] += op->timed;
    if (!there) {
        m.tally[FOUND_NONE]++;
        return -EAGAIN;
    }
    n = *detail = lowest(there);
    m.tally[m.now[n].does == DISCARDS ? TAKEN_IGNORED : TAKEN]++;
    return take(n).op;
}

static const struct world model = { .act = { [BLOCK] = act_mask,
                                             [UNBLOCK] = act_mask,
                                             [SETMASK] = act_mask,
                                             [QUEUE] = act_queue,
                                             [IGNORE] = act_ignore,
                                             [DEFAULT] = act_default,
                                             [HANDLE] = act_handle,
                                             [PENDING] = act_pending,
                                             [WAIT] = act_wait } };

/* Runs the model on a sequence while it is being chosen, or on a complete sequence. */

static struct model before;

static void start(struct sequence *sequence, struct log *log, bool mends)
{
    memset(&m, 0, sizeof m);
    drawn = sequence;
    mending = mends;
    oracle_begin(&model, sequence, log);
}

void oracle_model_begin(struct sequence *sequence, struct log *log)
{
    start(sequence, log, true);
}

enum fate oracle_model_try(int op)
{
    before = m;
    oracle_keep();
    oracle_do(op);
    if (m.broken || drawn->ops[op].kind == VOID)
        return BROKE;
    return !m.died ? WENT : m.tally[DIED_IN_HANDLER] ? DIED_INSIDE : DIED;
}

void oracle_model_undo(void)
{
    m = before;
    oracle_back();
}

void oracle_model_end(struct log *log)
{
    log->died = m.died;
    for (int i = 0; i < TALLIED; i++)
        oracle_tally[i] += m.tally[i];
}

bool oracle_model_expect(struct sequence *sequence, struct log *log)
{
    for (int at = 0; at < sequence->count; at++)
        sequence->ops[at].late = false;
    start(sequence, log, false);
    oracle_do(sequence->first);
    log->died = m.died;
    return !m.broken;
}
