#include <string.h>

#include "core/model.h"

#define mutant(which) (model.mutant == MODEL_##which)
#define has(signals, signal) ((signals) >> (signal) & 1)

struct model model;

/* own: also by its own handlers. */
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

/* What is to be delivered first of these, and is older than the bound. -1: nothing. */
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

    memmove(&model.pends[at], &model.pends[at + 1], (size_t)(--model.pends_count - at) * sizeof taken);
    for (int i = 0; i < MODEL_SIGNALS && (flushed || first(1u << taken.signal, model.age) < 0); i++)
        model.signals[i].released &= ~(1u << taken.signal);
    return taken;
}

static int pend(struct model_emission emission)
{
    int signal = emission.signal, count = 0, at = model.pends_count, sign = mutant(HIGHEST_RANK_FIRST) ? -1 : 1;

    for (int i = 0; i < at; i++) {
        struct model_emission *other = &model.pends[i];

        if (model.signals[signal].kind == TOCSIN_COALESCE && other->signal == signal && other->source == emission.source) {
            emission.overrun = other->overrun + 1;
            emission.age = other->age;
            emission.value = mutant(FIRST_IS_KEPT) ? other->value : emission.value;
            *other = emission;
            return TOCSIN_PENDED;
        }
        count += other->signal == signal;
    }
    if (count == model.signals[signal].limit)
        return -EAGAIN;
    emission.age = model.age++;
    for (model.pends_count++; at > 0 && (model.signals[model.pends[at - 1].signal].rank - model.signals[signal].rank) * sign > 0; at--)
        model.pends[at] = model.pends[at - 1];
    model.pends[at] = emission;
    return TOCSIN_PENDED;
}

/* It is somebody's to deliver: a flush's that has begun, or it goes when the delivery has ended whose mask held it back. */
static bool waits(int signal)
{
    bool found = false;

    for (int i = 0; i < model.flushes_count; i++)
        found |= model.flushes[i].current != signal && first(model.flushes[i].signals & 1u << signal, model.flushes[i].bound) >= 0;
    for (int i = 0; i < MODEL_SIGNALS; i++)
        found |= has(model.signals[i].released, signal);
    return found;
}

enum { HANDLERS = 1, OBSERVERS = 2, DIRECTLY = -1, TAKEN = -2 };

static long place(int handler)
{
    return -(long)model.made[handler].priority * MODEL_MADE + (mutant(NEWEST_FIRST) ? -handler : handler);
}

/* The one that comes after another one, -1: the first, among the oldest so many. -1: none. */
static int next(const struct model_emission *emission, int after, int made, int whom)
{
    int best = -1;

    for (int i = 0; i < made; i++) {
        const struct model_handler *one = &model.made[i];

        if (one->alive && has(one->signals, emission->signal) && (!one->source || one->source == emission->source) &&
            whom & (one->observer ? OBSERVERS : HANDLERS) && (after < 0 || place(i) > place(after)) && (best < 0 || place(i) < place(best)))
            best = i;
    }
    return best;
}

/* What its mask has held back waits for the end of the outermost delivery. */
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
        if (has(one->mask & ~held(true), i) && i != signal && first(1u << i, model.age) >= 0 && !waits(i))
            model.signals[signal].released |= 1u << i;
    one->alive &= !(one->flags & TOCSIN_ONCE);
    return answer;
}

/* flush: which one delivers it. Observers alone see what is discarded, and what a queue has taken. */
static int deliver(struct model_emission emission, int flush)
{
    int signal = emission.signal, made = model.made_count, open = model.signals[signal].open, result = TOCSIN_NOBODY;
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

/* Delivers what is pended of these by now. What is pended meanwhile is for the next turn; what is held back again when it is its turn stays. */
int model_flush(unsigned signals, unsigned released)
{
    int flush = model.flushes_count++, at, count = 0;

    model.flushes[flush].signals = (signals & ~held(true)) | released;
    model.flushes[flush].bound = model.age + (mutant(FLUSH_WITHOUT_BOUND) ? 1000 : 0);
    for (int i = 0; i < flush; i++)                    /* it takes them over from all others */
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

int model_emit(int signal, int source, long value)
{
    struct model_emission emission = { .signal = signal, .source = source, .value = value, .parent = model.parent };
    bool heard = has(held(false), signal) || model.signals[signal].running, ignored = has(model.ignored, signal);

    for (int i = 0; i < model.made_count; i++)
        heard |= model.made[i].alive && has(model.made[i].signals, signal);
    if (!heard && !ignored)
        model_unhandled(&emission);
    if (!heard || (source && !model.sources[source]))
        return heard ? -ENOENT : TOCSIN_NOBODY;
    if (!waits(signal))
        model_flush(1u << signal, 0);                   /* what is left from before comes first */
    if (has(held(true) & ~(mutant(IGNORED_NOT_PENDED) ? model.ignored : 0), signal) || first(1u << signal, model.age) >= 0)
        return pend(emission);
    return deliver(emission, DIRECTLY);
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

/* What is taken out of the set in a handler is not held back by those that run, either. */
int model_sigmask(enum tocsin_how how, unsigned signals)
{
    unsigned was = held(true), out = how == TOCSIN_BLOCK ? 0 : model.named & (how == TOCSIN_UNBLOCK ? signals : ~signals);

    model.set = how == TOCSIN_UNBLOCK ? model.set & ~signals : how == TOCSIN_BLOCK ? model.set | signals : signals;
    for (int i = 0; i < model.depth; i++)
        model.masks[i] &= ~out;
    for (int i = 0; i < MODEL_SIGNALS; i++)
        model.signals[i].open |= model.signals[i].running && has(out, i);
    model_flush(was & ~held(true), 0);
    return 0;
}
