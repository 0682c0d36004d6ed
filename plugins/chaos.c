/* The plugin "chaos": delays, reorders, duplicates and fails events of a program. The events are
   completions of operations, posts, and receives from other threads. They are chosen at random,
   from a seed. The plugin uses the injection points of the library (tocsin/inject.h), so the
   program under test needs no change. Only two contracts may be broken: the messages of one sender
   arrive in their order, and each message arrives only once.

   patterns   which signals; default "**, !tocsin.**, !plugin.**, !loop.**, !host.**". The plugin
              never touches its own signals
   points     where: some of "completion, receive, post"; default all of them
   delay      probability, from 0 to 1, that a completion or a receive is delayed; default 0
   delay_ms   the delay: a number, or FROM-TO; default "1-100". With reorder, TO is the longest time
              to wait for the next event
   reorder    probability that a completion or a receive is delivered after the next event of the
              same signal on the same loop
   double     probability that a receive is delivered twice
   fail       probability that a completion fails, or that a post is refused
   error      the status of a failed completion: a name of errno, default "ETIMEDOUT". A refused
              post returns -EAGAIN, as if the inbox were full
   seed       a number; default: a random number, which chaos.started reports
   limit      the largest number of actions; default: no limit

   The action for the n-th event of a signal at a point depends only on the seed, the name, the
   point and n. So a program that does the same gets the same actions, in whatever order its threads
   and signals run. An event gets one action at most: fail, double, reorder and delay are tried in
   this order.

   The plugin posts chaos.started at the start, and chaos.injected for each action. At the end it
   emits chaos.done. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <tocsin.h>
#include <tocsin/inject.h>
#include <tocsin/plugin.h>

#include "number.h"

#define CHAOS_STARTED(F) F(u64, seed)
#define CHAOS_INJECTED(F) \
    F(string, signal) F(string, point) F(string, action) F(u64, event) F(i64, delay_ms)
#define CHAOS_DONE(F) \
    F(u64, seed) F(u64, events) F(u64, delayed) F(u64, reordered) F(u64, doubled) F(u64, failed)
TOCSIN_LAYOUT(chaos_started, CHAOS_STARTED);
TOCSIN_LAYOUT(chaos_injected, CHAOS_INJECTED);
TOCSIN_LAYOUT(chaos_done, CHAOS_DONE);

#define PATTERNS "**, !tocsin.**, !plugin.**, !loop.**, !host.**"
#define POINTS "completion, receive, post"
/* clang-format off */
TOCSIN_PLUGIN("chaos", "1.0",
    "Delays, reorders, doubles and fails completions, posts and receives at random, from a seed."
    TOCSIN_LICENCE("MIT")
    TOCSIN_EMITS("chaos.started", CHAOS_STARTED)
    TOCSIN_EMITS("chaos.injected", CHAOS_INJECTED)
    TOCSIN_EMITS("chaos.done", CHAOS_DONE)
    TOCSIN_SETTING("patterns", "pattern", PATTERNS, "Which signals are affected.")
    TOCSIN_SETTING("points", "string", POINTS, "Where: these words, or some of them.")
    TOCSIN_SETTING("delay", "f64 0..1", "0", "Probability that a completion or receive is delayed.")
    TOCSIN_SETTING("delay_ms", "string", "1-100",
        "The delay in milliseconds: a number, or FROM-TO.")
    TOCSIN_SETTING("reorder", "f64 0..1", "0",
        "Probability that a completion or receive is delivered after the next one.")
    TOCSIN_SETTING("double", "f64 0..1", "0", "Probability that a receive is delivered twice.")
    TOCSIN_SETTING("fail", "f64 0..1", "0",
        "Probability that a completion fails, or a post is refused.")
    TOCSIN_SETTING("error", "string", "ETIMEDOUT",
        "The status of a failed completion, a name of errno.")
    TOCSIN_SETTING_OPTIONAL("seed", "u64",
        "The same seed repeats the same choices; default: a random seed.")
    TOCSIN_SETTING_OPTIONAL("limit", "u64", "The largest number of actions; default: no limit."));
/* clang-format on */

enum { POINT_COUNT = 3 };

static const char *const point_names[POINT_COUNT] = { [TOCSIN_INJECT_COMPLETION] = "completion",
                                                      [TOCSIN_INJECT_POST] = "post",
                                                      [TOCSIN_INJECT_RECEIVE] = "receive" };

struct signal {
    /* whether the setting "patterns" includes the signal; UNCHECKED until its first event */
    enum { UNCHECKED, EXCLUDED, INCLUDED } state;
    uint64_t events[POINT_COUNT];
};

static struct signal *signals; /* an array; the index is the signo */
static int signals_room;
static const char *patterns;
static bool point_used[POINT_COUNT];
static double delay, reorder, twice, fail;
static long from_ms, to_ms;
static int error;
static uint64_t limit, actions;
static struct chaos_done done;
static int started_signo, injected_signo, done_signo;

/* Random numbers by SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
   OOPSLA 2014; with Vigna's constants). Each event has a stream of random numbers of its own. */

static uint64_t mix(uint64_t word)
{
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

static uint64_t draw(uint64_t *state)
{
    return mix(*state += 0x9e3779b97f4a7c15);
}

static uint64_t hash(const char *name) /* returns the FNV-1a hash of the name */
{
    uint64_t sum = 0xcbf29ce484222325;

    while (*name)
        sum = (sum ^ (unsigned char)*name++) * 0x100000001b3;
    return sum;
}

static uint64_t stream_begin(const struct tocsin_inject_event *event, uint64_t nth)
{
    return mix(mix(mix(done.seed) + hash(event->name)) + nth * POINT_COUNT + event->point);
}

static bool draw_bool(uint64_t *state, double probability)
{
    return (double)(draw(state) >> 11) * 0x1p-53 < probability;
}

static int64_t draw_delay_ms(uint64_t *state)
{
    return from_ms + (int64_t)(draw(state) % (uint64_t)(to_ms - from_ms + 1));
}

/* Functions that choose the action for an event */

static const char *draw_post_action(uint64_t *state, struct tocsin_inject_action *action)
{
    if (!draw_bool(state, fail))
        return NULL;
    action->error = -EAGAIN;
    done.failed++;
    return "fail";
}

static const char *draw_action(uint64_t *state, enum tocsin_inject_point point,
                               struct tocsin_inject_action *action)
{
    if (point == TOCSIN_INJECT_COMPLETION && draw_bool(state, fail)) {
        action->error = error;
        done.failed++;
        return "fail";
    }
    if (point == TOCSIN_INJECT_RECEIVE && draw_bool(state, twice)) {
        action->twice = true;
        done.doubled++;
        return "double";
    }
    if (draw_bool(state, reorder)) {
        action->behind = true;
        action->delay_ms = to_ms;
        done.reordered++;
        return "reorder";
    }
    if (!draw_bool(state, delay))
        return NULL;
    action->delay_ms = draw_delay_ms(state);
    done.delayed++;
    return "delay";
}

/* Returns the entry of the event's signal. Returns NULL if the patterns exclude the signal, or if
   no memory is left. */
static struct signal *signal_get(const struct tocsin_inject_event *event)
{
    int more = event->signo < 64 ? 128 : event->signo * 2;
    struct signal *signal, *larger;

    if (event->signo >= signals_room) {
        larger = realloc(signals, (size_t)more * sizeof *signals);
        if (!larger)
            return NULL;
        memset(larger + signals_room, 0, (size_t)(more - signals_room) * sizeof *signals);
        signals = larger;
        signals_room = more;
    }
    signal = &signals[event->signo];
    if (signal->state == UNCHECKED)
        signal->state = strncmp(event->name, "chaos.", 6) != 0 &&
                                tocsin_match(patterns, event->name) == 1
                            ? INCLUDED
                            : EXCLUDED;
    return signal->state == INCLUDED ? signal : NULL;
}

static void report(const struct tocsin_inject_event *event,
                   const struct tocsin_inject_action *action, const char *name, uint64_t nth)
{
    tocsin_post(injected_signo, TOCSIN_PAYLOAD(chaos_injected, .signal = event->name,
                                               .point = point_names[event->point], .action = name,
                                               .event = nth, .delay_ms = action->delay_ms));
}

/* The library calls this function on one thread at a time. */
static void on_event(const struct tocsin_inject_event *event, struct tocsin_inject_action *action,
                     void *arg)
{
    struct signal *signal = point_used[event->point] ? signal_get(event) : NULL;
    const char *name;
    uint64_t state, nth;

    (void)arg;
    if (!signal)
        return;
    nth = signal->events[event->point]++;
    done.events++;
    if (actions >= limit)
        return;
    state = stream_begin(event, nth);
    name = event->point == TOCSIN_INJECT_POST ? draw_post_action(&state, action)
                                              : draw_action(&state, event->point, action);
    if (!name)
        return;
    actions++;
    report(event, action, name, nth);
}

/* Settings */

static int read_probability(const char *key, double *ret_value)
{
    if (number_read(tocsin_setting(key, "0"), ret_value) && *ret_value >= 0 && *ret_value <= 1)
        return 0;
    return tocsin_plugin_fail(-EINVAL,
                              "delay, reorder, double, fail: each must be a number from 0 to 1");
}

static int read_number(const char *key, uint64_t *ret_value)
{
    const char *text = tocsin_setting(key, "");
    char *end;

    errno = 0;
    *ret_value = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno)
        return 0;
    return tocsin_plugin_fail(-EINVAL, "seed, limit: must be a whole number from 0");
}

static int read_delay(void)
{
    const char *text = tocsin_setting("delay_ms", "1-100");
    char *end;

    errno = 0;
    from_ms = to_ms = strtol(text, &end, 10);
    if (end != text && *end == '-' && end[1] >= '0' && end[1] <= '9')
        to_ms = strtol(end + 1, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && from_ms >= 1 && from_ms <= to_ms &&
        to_ms <= INT_MAX)
        return 0;
    return tocsin_plugin_fail(-EINVAL,
                              "delay_ms: must be a number of milliseconds from 1, or FROM-TO");
}

static int read_error(void)
{
    const char *name = tocsin_setting("error", "ETIMEDOUT"), *known;

    for (int number = 1; number < 4096; number++) {
        known = strerrorname_np(number);
        if (known && strcmp(known, name) == 0) {
            error = -number;
            return 0;
        }
    }
    return tocsin_plugin_fail(-EINVAL, "error: must be a name of errno, such as ETIMEDOUT");
}

/* Reads the words of a setting. They are separated by commas and blanks. */
static int read_points(void)
{
    const char *text = tocsin_setting("points", POINTS);
    size_t length;
    int point;

    for (text += strspn(text, ", "); *text; text += length, text += strspn(text, ", ")) {
        length = strcspn(text, ", ");
        for (point = 0; point < POINT_COUNT && (strlen(point_names[point]) != length ||
                                                memcmp(point_names[point], text, length) != 0);)
            point++;
        if (point == POINT_COUNT)
            return tocsin_plugin_fail(
                -EINVAL, "points: must be some of completion, receive, post, with commas between");
        point_used[point] = true;
    }
    return 0;
}

static int read_seed(void)
{
    if (*tocsin_setting("seed", ""))
        return read_number("seed", &done.seed);
    return getrandom(&done.seed, sizeof done.seed, GRND_NONBLOCK) < 0
               ? tocsin_plugin_fail(-errno, "seed: cannot get a random number: set one")
               : 0;
}

static int read_probabilities(void)
{
    int err = read_probability("delay", &delay);

    if (err == 0)
        err = read_probability("reorder", &reorder);
    if (err == 0)
        err = read_probability("double", &twice);
    if (err == 0)
        err = read_probability("fail", &fail);
    if (err == 0 && !(delay + reorder + twice + fail > 0))
        err = tocsin_plugin_fail(-EINVAL, "delay, reorder, double, fail: set at least one of them");
    return err;
}

static int read_all(void)
{
    int err = read_probabilities();

    limit = UINT64_MAX;
    done = chaos_done_make();
    if (err == 0)
        err = read_delay();
    if (err == 0)
        err = read_error();
    if (err == 0)
        err = read_points();
    if (err == 0 && *tocsin_setting("limit", ""))
        err = read_number("limit", &limit);
    if (err == 0)
        err = read_seed();
    patterns = tocsin_setting("patterns", PATTERNS);
    if (err == 0 && tocsin_match(patterns, "chaos") < 0)
        err = tocsin_plugin_fail(-EINVAL, "patterns: not a valid pattern of signals");
    return err;
}

static int declare(const char *name, const char *doc, const struct tocsin_layout *layout)
{
    return tocsin_declare(
        &(struct tocsin_signal_spec){ .name = name, .doc = doc, .layout = layout });
}

static int declare_all(void)
{
    started_signo = declare("chaos.started", "The plugin begins to act, with this seed.",
                            &chaos_started_layout);
    injected_signo = declare("chaos.injected", "The plugin acted on an event.",
                             &chaos_injected_layout);
    done_signo = declare("chaos.done", "The plugin ends; counts of its actions.",
                         &chaos_done_layout);
    return started_signo < 0    ? started_signo
           : injected_signo < 0 ? injected_signo
           : done_signo < 0     ? done_signo
                                : 0;
}

int tocsin_plugin_init(void)
{
    int err = read_all();

    if (err == 0)
        err = declare_all();
    if (err == 0)
        err = tocsin_inject(on_event, NULL);
    if (err == -EBUSY)
        return tocsin_plugin_fail(
            err, "another function is injected already (tocsin_inject): unload its plugin first");
    if (err < 0)
        return err;
    tocsin_post(started_signo, TOCSIN_PAYLOAD(chaos_started, .seed = done.seed));
    return 0;
}

/* From here on, the library does not call on_event() any more. */
void tocsin_plugin_fini(void)
{
    tocsin_emit(done_signo, &done.tocsin);
    free(signals);
}
