#include <string.h>

#include <tocsin/posix.h>

#include "delivery/model/model.h"

#define mutant(which) (model.mutant == MODEL_##which)
#define has(signals, signal) ((signals) >> (signal)&1)

struct model model;

/* Returns the blocked signals. If own is true, signals that their own running handlers block are
   included. */
static unsigned held(bool own)
{
    unsigned all = model.set;

    for (int i = 0; i < model.blocks_made; i++)
        all |= model.blocks[i];
    for (int i = 0; i < model.depth; i++)
        all |= model.masks[i];
    for (int i = 0; i < MODEL_SIGNALS && own; i++)
        all |= (unsigned)(model.signals[i].running && !model.signals[i].open) << i;
    return all;
}

/* Returns the index of the pending emission that must be delivered first. Only emissions of these
   signals that are older than the bound count. Returns -1 if there is no such emission. */
static int first(unsigned signals, long bound)
{
    for (int i = 0; i < model.pends_count; i++)
        if (has(signals, model.pends[i].signal) && model.pends[i].age < bound)
            return i;
    return -1;
}

static struct model_emission unpend(int at, bool flushed)
{
    struct model_emission taken = model.pends[at];

    memmove(&model.pends[at], &model.pends[at + 1],
            (size_t)(--model.pends_count - at) * sizeof taken);
    for (int i = 0; i < MODEL_SIGNALS && (flushed || first(1u << taken.signal, model.age) < 0); i++)
        model.signals[i].released &= ~(1u << taken.signal);
    return taken;
}

static int pend_up_to(struct model_emission emission, int limit)
{
    int signal = emission.signal, count = 0, at = model.pends_count,
        sign = mutant(HIGHEST_RANK_FIRST) ? -1 : 1;

    for (int i = 0; i < at; i++) {
        struct model_emission *other = &model.pends[i];

        if (model.signals[signal].kind == TOCSIN_COALESCE && other->signal == signal &&
            other->source == emission.source) {
            emission.overrun += other->overrun + 1;
            emission.age = other->age;
            emission.value = mutant(FIRST_IS_KEPT) ? other->value : emission.value;
            *other = emission;
            return TOCSIN_PENDED;
        }
        count += other->signal == signal;
    }
    if (count >= limit)
        return -EAGAIN;
    emission.age = model.age++;
    for (model.pends_count++;
         at > 0 &&
         (model.signals[model.pends[at - 1].signal].rank - model.signals[signal].rank) * sign > 0;
         at--)
        model.pends[at] = model.pends[at - 1];
    model.pends[at] = emission;
    return TOCSIN_PENDED;
}

static int pend(struct model_emission emission)
{
    return pend_up_to(emission, model.signals[emission.signal].limit);
}

/* Returns true if the pending emissions of the signal need not be delivered now, for one of two
   reasons. A delivery of pending emissions (a flush) is running and will deliver them, or they wait
   for the end of the delivery whose mask blocks them. */
static bool waits(int signal)
{
    bool found = false;

    for (int i = 0; i < model.flushes_count; i++)
        found |= !(mutant(A_FLUSH_NESTS) && model.flushes[i].current == signal) &&
                 first(model.flushes[i].signals & 1u << signal, model.flushes[i].bound) >= 0;
    for (int i = 0; i < MODEL_SIGNALS; i++)
        found |= has(model.signals[i].released, signal);
    return found;
}

enum { HANDLERS = 1, OBSERVERS = 2, DIRECTLY = -1, TAKEN = -2 };

static long place(int handler)
{
    return -(long)model.made[handler].priority * MODEL_MADE +
           (mutant(NEWEST_FIRST) ? -handler : handler);
}

/* Returns the handler that must be called after the handler with the index after; after is -1 for
   the first call. Only the first made handlers count, which existed at the emission. Returns -1 if
   no handler is left. */
static int next(const struct model_emission *emission, int after, int made, int whom)
{
    int best = -1;

    for (int i = 0; i < made; i++) {
        const struct model_handler *one = &model.made[i];

        if (one->alive && has(one->signals, emission->signal) &&
            (!one->source || one->source == emission->source) &&
            whom & (one->observer ? OBSERVERS : HANDLERS) &&
            (after < 0 || place(i) > place(after)) && (best < 0 || place(i) < place(best)))
            best = i;
    }
    return best;
}

/* Calls a handler. Signals that the handler's mask has blocked wait until the outermost delivery
   ends. */
static int call(int handler, const struct model_emission *emission)
{
    struct model_handler *one = &model.made[handler];
    int answer, signal = emission->signal;

    one->alive = !(one->flags & TOCSIN_ONCE) || mutant(ONCE_AFTER_ITS_CALL);
    model.signals[signal].open |= one->flags & TOCSIN_NODEFER;
    model.masks[model.depth++] = one->mask;
    answer = model_calls(handler, emission);
    model.depth--;
    model.set |= mutant(MASK_IS_NOT_LIFTED) ? one->mask : 0;
    model.signals[signal].open &= ~TOCSIN_NODEFER;
    for (int i = 0; i < MODEL_SIGNALS; i++)
        if (has(one->mask & ~held(true), i) && i != signal && first(1u << i, model.age) >= 0 &&
            !waits(i))
            model.signals[signal].released |= 1u << i;
    one->alive &= !(one->flags & TOCSIN_ONCE);
    return answer;
}

/* Delivers an emission. The parameter `flush` is the index of the flush that delivers the emission,
   or DIRECTLY, or TAKEN. Observers also see emissions that are discarded, or that a queue takes. */
static int deliver(struct model_emission emission, int flush)
{
    int signal = emission.signal, made = model.made_count, open = model.signals[signal].open,
        result = TOCSIN_NOBODY;
    bool discarded = has(model.ignored, signal) || flush == TAKEN;
    int whom = discarded ? OBSERVERS : HANDLERS | OBSERVERS;
    long parent = model.parent;

    if (next(&emission, -1, made, mutant(OBSERVERS_HANDLE) ? whom : whom & HANDLERS) >= 0)
        result = TOCSIN_DELIVERED;
    model.signals[signal].running++;
    model.signals[signal].open = 0;
    model.parent = emission.value;
    for (int i = next(&emission, -1, made, whom); i >= 0; i = next(&emission, i, made, whom)) {
        if (call(i, &emission) == TOCSIN_STOP && !model.made[i].observer) {
            result = TOCSIN_STOPPED;
            whom = mutant(STOP_STOPS_ALL) ? 0 : OBSERVERS;
        }
        made = mutant(YOUNG_ARE_CALLED) ? model.made_count : made;
    }
    model.parent = parent;
    model.signals[signal].open = open;
    if (--model.signals[signal].running == 0) {
        unsigned released = model.signals[signal].released;

        model.signals[signal].released = 0;
        if (flush < 0)
            model_flush(waits(signal) ? 0 : 1u << signal, released);
        else
            model.flushes[flush].signals |= released;
    }
    if (result == TOCSIN_NOBODY && !discarded)
        model_unhandled(&emission);
    return result;
}

/* Delivers the pending emissions of these signals. An emission that becomes pending meanwhile waits
   for the next turn. A signal that is blocked again keeps its emissions. */
static int flush_until(unsigned signals, unsigned released, long bound)
{
    int flush = model.flushes_count++, at, count = 0;

    model.flushes[flush].signals = (signals & ~held(true)) | released;
    model.flushes[flush].bound = bound + (mutant(FLUSH_WITHOUT_BOUND) ? 1000 : 0);
    /* this delivery of pending emissions replaces the outer ones for its signals */
    for (int i = 0; i < flush; i++)
        model.flushes[i].signals &= ~model.flushes[flush].signals | 1u << model.flushes[i].current;
    for (int i = 0; i < MODEL_SIGNALS; i++)
        model.signals[i].released &= ~model.flushes[flush].signals;
    while ((at = first(model.flushes[flush].signals, model.flushes[flush].bound)) >= 0) {
        int signal = model.flushes[flush].current = model.pends[at].signal;

        if (has(held(true), signal)) {
            model.flushes[flush].signals &= ~(1u << signal);
            continue;
        }
        deliver(unpend(at, true), flush);
        count++;
    }
    model.flushes_count--;
    return count;
}

int model_flush(unsigned signals, unsigned released)
{
    return flush_until(signals, released, model.age);
}

/* Returns true if the signal has a listener. A handler that was disconnected while it runs is no
   listener. A blocked signal counts as having a listener, since its emission becomes pending. */
static bool heard_now(int signal)
{
    bool heard = has(held(!mutant(THE_GONE_ARE_NOT_HELD)), signal);

    for (int i = 0; i < model.made_count; i++)
        heard |= model.made[i].alive && has(model.made[i].signals, signal);
    return heard;
}

int model_heard(int signal)
{
    return heard_now(signal) || (model.signals[signal].unhandled && !has(model.ignored, signal));
}

int model_emit(int signal, int source, long value)
{
    struct model_emission emission = {
        .signal = signal, .source = source, .value = value, .parent = model.parent
    };
    bool heard = heard_now(signal), ignored = has(model.ignored, signal);
    bool behind = !heard && !ignored && model.signals[signal].unhandled &&
                  first(1u << signal, model.age) >= 0 && !mutant(DEFAULTS_OVERTAKE);

    if (!heard && !ignored && !behind)
        model_unhandled(&emission);
    if (!heard && !behind)
        return TOCSIN_NOBODY;
    if (heard && source && !model.sources[source])
        return -ENOENT;
    if (!waits(signal))
        model_flush(1u << signal, 0); /* pending emissions are older, so they are delivered first */
    if (has(held(true) & ~(mutant(IGNORED_NOT_PENDED) ? model.ignored : 0), signal) ||
        first(1u << signal, model.age) >= 0)
        return pend(emission);
    return deliver(emission, DIRECTLY);
}

/* Puts an emission into the inbox, at the place that the parameter order says. Message n of the
   ring has the order 2n + 1. A coalescing message before it has the order 2n. */
static void deposit(struct model_emission emission, long order)
{
    int at = model.inbox_count++;

    for (emission.order = order; at > model.due && model.inbox[at - 1].order > order; at--)
        model.inbox[at] = model.inbox[at - 1];
    model.inbox[at] = emission;
}

static struct model_emission *waiting(int signal)
{
    if (model.read == signal)
        return model.reads_again ? &model.again : NULL;
    for (int i = 0; i < model.inbox_count; i++)
        if (model.inbox[i].signal == signal)
            return &model.inbox[i];
    return NULL;
}

/* Posts an emission. A coalescing message replaces the waiting message of its signal, and takes its
   place. If the loop is just reading the older message, the new message comes before the messages
   that are still in the ring. */
int model_post(int signal, long value)
{
    struct model_emission emission = { .signal = signal,
                                       .value = value,
                                       .parent = model.parent,
                                       .posted = true },
                          *older;
    bool merges = model.signals[signal].kind == TOCSIN_COALESCE && !mutant(POSTS_DO_NOT_MERGE);

    if (!heard_now(signal) && !model.signals[signal].unhandled)
        return TOCSIN_NOBODY;
    older = merges ? waiting(signal) : NULL;
    if (older) {
        emission.overrun = older->overrun + 1;
        emission.order = older->order;
        *older = emission;
    } else if (merges && model.read == signal) {
        model.again = emission;
        model.reads_again = true;
    } else {
        deposit(emission, 2 * model.inbox_put + !merges);
        model.inbox_put += !merges;
    }
    return TOCSIN_PENDED;
}

/* Delivers a message that the inbox has accepted. If the signal is blocked, the message becomes
   pending, even beyond the limit. Older pending emissions are delivered first. */
static void meet(struct model_emission emission)
{
    unsigned one = 1u << emission.signal;
    bool due = has(held(true), emission.signal);

    if (!heard_now(emission.signal) &&
        (first(one, model.age) < 0 || has(model.ignored, emission.signal) ||
         !model.signals[emission.signal].unhandled)) {
        if (!has(model.ignored, emission.signal))
            model_unhandled(&emission);
        return;
    }
    if (!due && !mutant(POSTS_OVERTAKE))
        model_flush(one, 0);
    due = has(held(true), emission.signal);
    if (!due && (first(one, model.age) < 0 || mutant(POSTS_OVERTAKE))) {
        deliver(emission, DIRECTLY);
        return;
    }
    pend_up_to(emission, MODEL_PENDS);
    if (!due)
        model_flush(one, 0);
}

/* If the previous turn was interrupted, newer messages may be in front of the messages that it
   left. */
static void inbox_sort(void)
{
    int left = model.inbox_count;

    model.due = model.inbox_count = 0;
    for (int i = 0; i < left; i++)
        deposit(model.inbox[i], model.inbox[i].order);
}

int model_receive(void)
{
    int count = 0;

    inbox_sort();
    model.due = model.inbox_count;
    for (; model.due > 0 && !model.ends; count++) {
        struct model_emission emission = model.inbox[0];

        memmove(&model.inbox[0], &model.inbox[1], (size_t)--model.inbox_count * sizeof emission);
        model.due--;
        model.inbox_taken += emission.order & 1;
        model.read = emission.signal;
        meet(emission);
        model.read = -1;
        if (model.reads_again)
            deposit(model.again, 2 * model.inbox_taken);
        model.reads_again = false;
    }
    model.due = 0;
    return count;
}

int model_turn(void)
{
    long bound = model.age;
    int count = model_receive();

    /* emissions that become pending in this turn are not older than this bound, so they wait for
       the next turn */
    return count + flush_until(~0u, 0, bound);
}

int model_take(unsigned signals, struct model_emission *ret_emission)
{
    int at = first(signals, model.age);

    if (at < 0)
        return -ETIMEDOUT;
    *ret_emission = unpend(at, false);
    if (next(ret_emission, -1, model.made_count, OBSERVERS) >= 0)
        deliver(*ret_emission, TAKEN);
    return 0;
}

int model_source_free(int source)
{
    bool was = model.sources[source];

    model.sources[source] = false;
    for (int i = 0; i < model.made_count; i++)
        model.made[i].alive &= model.made[i].source != source;
    return was ? 0 : -ENOENT;
}

int model_unblock(int token)
{
    unsigned was = held(true), signals = model.blocks[token];

    model.blocks[token] = 0;
    for (int i = 0; i < model.blocks_made && mutant(BLOCKS_DO_NOT_COUNT); i++)
        model.blocks[i] &= ~signals | MODEL_THERE;
    model_flush(was & ~held(true), 0);
    return signals ? 0 : -ENOENT;
}

int model_ignore(unsigned signals)
{
    model.ignored |= signals;
    for (int i = model.pends_count - 1; i >= 0; i--)
        if (has(signals, model.pends[i].signal))
            unpend(i, false);
    return 0;
}

/* If a handler removes a signal from the set, the running handlers do not block the signal any
   more. */
int model_sigmask(enum tocsin_how how, unsigned signals)
{
    unsigned was = held(true),
             out = how == TOCSIN_BLOCK ? 0
                                       : model.named & (how == TOCSIN_UNBLOCK ? signals : ~signals);

    model.set = how == TOCSIN_UNBLOCK ? model.set & ~signals
                : how == TOCSIN_BLOCK ? model.set | signals
                                      : signals;
    for (int i = 0; i < model.depth; i++)
        model.masks[i] &= ~out;
    for (int i = 0; i < MODEL_SIGNALS; i++)
        model.signals[i].open |= model.signals[i].running && has(out, i);
    model_flush(was & ~held(true), 0);
    return 0;
}
