/* The plugin "chaos": has operations end late, in another order or as failures, posts refused, and what comes from other threads come late, twice or in another order: by chance,
   from a seed. It stands at the seams of the library (tocsin/interpose.h), so a program is tried as it is; every contract of the library still holds but the order and the
   once of what is sent.

   patterns   of which signals: "**, !tocsin.**, !plugin.**, !loop.**, !host.**" unless said otherwise; its own are left alone whatever is said
   seams      where: "end, receipt, post" unless said otherwise
   delay      how probable it is that an end or a receipt comes late, from 0 to 1: 0, as of the next three
   delay_ms   by how much: a number, or FROM-TO: "1-100"; with reorder TO is how long it waits for another one
   reorder    that an end or a receipt comes behind the next one of its signal on its loop
   double     that a receipt comes twice
   fail       that an end fails, or a post is refused
   error      as what an end fails: "ETIMEDOUT", or another name of errno; a post is answered -EAGAIN, as by an inbox that is full
   seed       a number; without it one is drawn. chaos.started says which it was
   limit      so often at most it does anything: a number; without it there is no limit

   What becomes of the n-th crossing of a signal at a seam depends on the seed, the name, the seam and n alone: so as long as the program does the same, the same befalls it, however threads
   and signals are mixed. One thing befalls a crossing at most: it is asked whether it fails, is doubled, reordered, late, in this order.

   It posts chaos.started when it begins, and chaos.struck for each that something befell, where somebody listens; when it goes it emits chaos.done. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <tocsin.h>
#include <tocsin/interpose.h>

#include "number.h"

#define CHAOS_STARTED(F) F(u64, seed)
#define CHAOS_STRUCK(F) F(string, signal) F(string, seam) F(string, what) F(u64, crossing) F(i64, delay_ms)
#define CHAOS_DONE(F) F(u64, seed) F(u64, crossed) F(u64, delayed) F(u64, reordered) F(u64, doubled) F(u64, failed)
TOCSIN_LAYOUT(chaos_started, CHAOS_STARTED);
TOCSIN_LAYOUT(chaos_struck, CHAOS_STRUCK);
TOCSIN_LAYOUT(chaos_done, CHAOS_DONE);
TOCSIN_PLUGIN("chaos", "1.0", "Delays, reorders, doubles and fails ends, posts and receipts by chance, from a seed." TOCSIN_LICENCE("MIT")
              TOCSIN_EMITS("chaos.started", CHAOS_STARTED) TOCSIN_EMITS("chaos.struck", CHAOS_STRUCK) TOCSIN_EMITS("chaos.done", CHAOS_DONE));

enum { SEAMS = 3, UNKNOWN = 0, LEFT_ALONE, MEANT };

static const char *const seams[SEAMS] = { [TOCSIN_SEAM_END] = "end", [TOCSIN_SEAM_POST] = "post", [TOCSIN_SEAM_RECEIPT] = "receipt" };

struct kind { char is; uint64_t crossed[SEAMS]; };     /* of one signal */

static struct kind *kinds;                             /* by signo */
static int room;
static const char *patterns;
static bool stands[SEAMS];
static double delay, reorder, twice, fail;
static long from_ms, to_ms;
static int error;
static uint64_t limit, struck;
static struct chaos_done done;
static int started_signo, struck_signo, done_signo;

/* Chance: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014; Vigna's constants). Each crossing has a stream of its own. */

static uint64_t mixed(uint64_t word)
{
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

static uint64_t draw(uint64_t *state)
{
    return mixed(*state += 0x9e3779b97f4a7c15);
}

static uint64_t hash(const char *name)                 /* FNV-1a */
{
    uint64_t sum = 0xcbf29ce484222325;

    while (*name)
        sum = (sum ^ (unsigned char)*name++) * 0x100000001b3;
    return sum;
}

static uint64_t stream(const struct tocsin_crossing *crossing, uint64_t nth)
{
    return mixed(mixed(mixed(done.seed) + hash(crossing->name)) + nth * SEAMS + crossing->seam);
}

static bool happens(uint64_t *state, double probability)
{
    return (double)(draw(state) >> 11) * 0x1p-53 < probability;
}

static int64_t how_late(uint64_t *state)
{
    return from_ms + (int64_t)(draw(state) % (uint64_t)(to_ms - from_ms + 1));
}

/* What befalls it */

static const char *strike_post(uint64_t *state, struct tocsin_verdict *verdict)
{
    if (!happens(state, fail))
        return NULL;
    verdict->error = -EAGAIN;
    done.failed++;
    return "fail";
}

static const char *strike(uint64_t *state, enum tocsin_seam seam, struct tocsin_verdict *verdict)
{
    if (seam == TOCSIN_SEAM_END && happens(state, fail)) {
        verdict->error = error;
        done.failed++;
        return "fail";
    }
    if (seam == TOCSIN_SEAM_RECEIPT && happens(state, twice)) {
        verdict->twice = true;
        done.doubled++;
        return "double";
    }
    if (happens(state, reorder)) {
        verdict->behind = true;
        verdict->delay_ms = to_ms;
        done.reordered++;
        return "reorder";
    }
    if (!happens(state, delay))
        return NULL;
    verdict->delay_ms = how_late(state);
    done.delayed++;
    return "delay";
}

/* NULL: it is left alone, or there is no memory. */
static struct kind *kind_of(const struct tocsin_crossing *crossing)
{
    int more = crossing->signo < 64 ? 128 : crossing->signo * 2;
    struct kind *kind, *larger;

    if (crossing->signo >= room) {
        larger = realloc(kinds, (size_t)more * sizeof *kinds);
        if (!larger)
            return NULL;
        memset(larger + room, 0, (size_t)(more - room) * sizeof *kinds);
        kinds = larger;
        room = more;
    }
    kind = &kinds[crossing->signo];
    if (kind->is == UNKNOWN)
        kind->is = strncmp(crossing->name, "chaos.", 6) != 0 && tocsin_match(patterns, crossing->name) == 1 ? MEANT : LEFT_ALONE;
    return kind->is == MEANT ? kind : NULL;
}

static void say(const struct tocsin_crossing *crossing, const struct tocsin_verdict *verdict, const char *what, uint64_t nth)
{
    tocsin_post(struck_signo, TOCSIN_PAYLOAD(chaos_struck, .signal = crossing->name, .seam = seams[crossing->seam], .what = what, .crossing = nth, .delay_ms = verdict->delay_ms));
}

/* By one thread at a time. */
static void on_crossing(const struct tocsin_crossing *crossing, struct tocsin_verdict *verdict, void *arg)
{
    struct kind *kind = stands[crossing->seam] ? kind_of(crossing) : NULL;
    const char *what;
    uint64_t state, nth;

    (void)arg;
    if (!kind)
        return;
    nth = kind->crossed[crossing->seam]++;
    done.crossed++;
    if (struck >= limit)
        return;
    state = stream(crossing, nth);
    what = crossing->seam == TOCSIN_SEAM_POST ? strike_post(&state, verdict) : strike(&state, crossing->seam, verdict);
    if (!what)
        return;
    struck++;
    say(crossing, verdict, what, nth);
}

/* Settings */

static int probability(const char *key, double *ret_value)
{
    if (number_read(tocsin_setting(key, "0"), ret_value) && *ret_value >= 0 && *ret_value <= 1)
        return 0;
    return tocsin_plugin_refuse(-EINVAL, "delay, reorder, double, fail: a probability each, from 0 to 1");
}

static int read_number(const char *key, uint64_t *ret_value)
{
    const char *text = tocsin_setting(key, "");
    char *end;

    errno = 0;
    *ret_value = strtoull(text, &end, 0);
    if (*text >= '0' && *text <= '9' && !*end && !errno)
        return 0;
    return tocsin_plugin_refuse(-EINVAL, "seed, limit: a number from 0 on");
}

static int read_delay(void)
{
    const char *text = tocsin_setting("delay_ms", "1-100");
    char *end;

    errno = 0;
    from_ms = to_ms = strtol(text, &end, 10);
    if (end != text && *end == '-' && end[1] >= '0' && end[1] <= '9')
        to_ms = strtol(end + 1, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && from_ms >= 1 && from_ms <= to_ms && to_ms <= INT_MAX)
        return 0;
    return tocsin_plugin_refuse(-EINVAL, "delay_ms: milliseconds from 1 on, or FROM-TO");
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
    return tocsin_plugin_refuse(-EINVAL, "error: a name of errno, such as ETIMEDOUT");
}

/* Words with commas between, and blanks about them. */
static int read_seams(void)
{
    const char *text = tocsin_setting("seams", "end, receipt, post");
    size_t length;
    int seam;

    for (text += strspn(text, ", "); *text; text += length, text += strspn(text, ", ")) {
        length = strcspn(text, ", ");
        for (seam = 0; seam < SEAMS && (strlen(seams[seam]) != length || memcmp(seams[seam], text, length) != 0); )
            seam++;
        if (seam == SEAMS)
            return tocsin_plugin_refuse(-EINVAL, "seams: end, receipt, post, or some of them with commas between");
        stands[seam] = true;
    }
    return 0;
}

static int read_seed(void)
{
    if (*tocsin_setting("seed", ""))
        return read_number("seed", &done.seed);
    return getrandom(&done.seed, sizeof done.seed, GRND_NONBLOCK) < 0 ? tocsin_plugin_refuse(-errno, "seed: none could be drawn") : 0;
}

static int read_chances(void)
{
    int err = probability("delay", &delay);

    if (err == 0)
        err = probability("reorder", &reorder);
    if (err == 0)
        err = probability("double", &twice);
    if (err == 0)
        err = probability("fail", &fail);
    if (err == 0 && !(delay + reorder + twice + fail > 0))
        err = tocsin_plugin_refuse(-EINVAL, "delay, reorder, double, fail: one of them has to be said");
    return err;
}

static int read_all(void)
{
    int err = read_chances();

    limit = UINT64_MAX;
    done = chaos_done_make();
    if (err == 0)
        err = read_delay();
    if (err == 0)
        err = read_error();
    if (err == 0)
        err = read_seams();
    if (err == 0 && *tocsin_setting("limit", ""))
        err = read_number("limit", &limit);
    if (err == 0)
        err = read_seed();
    patterns = tocsin_setting("patterns", "**, !tocsin.**, !plugin.**, !loop.**, !host.**");
    if (err == 0 && tocsin_match(patterns, "chaos") < 0)
        err = tocsin_plugin_refuse(-EINVAL, "patterns: malformed");
    return err;
}

static int declare(const char *name, const char *doc, const struct tocsin_layout *layout)
{
    return tocsin_declare(&(struct tocsin_spec){ .name = name, .doc = doc, .layout = layout });
}

static int declare_all(void)
{
    started_signo = declare("chaos.started", "Chance rules from now on, from this seed.", &chaos_started_layout);
    struck_signo = declare("chaos.struck", "Something has befallen a crossing.", &chaos_struck_layout);
    done_signo = declare("chaos.done", "Chance rules no more; what it did.", &chaos_done_layout);
    return started_signo < 0 ? started_signo : struck_signo < 0 ? struck_signo : done_signo < 0 ? done_signo : 0;
}

int tocsin_plugin_init(void)
{
    int err = read_all();

    if (err == 0)
        err = declare_all();
    if (err == 0)
        err = tocsin_interpose(on_crossing, NULL);
    if (err == -EBUSY)
        return tocsin_plugin_refuse(err, "somebody else stands at the seams");
    if (err < 0)
        return err;
    tocsin_post(started_signo, TOCSIN_PAYLOAD(chaos_started, .seed = done.seed));
    return 0;
}

/* It stands at no seam any more. */
void tocsin_plugin_fini(void)
{
    tocsin_emit(done_signo, &done.tocsin);
    free(kinds);
}
