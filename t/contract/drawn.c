/* Commands drawn at random for three loops and a thread without one, and what a model says of each of them: who is told what, in which order, and what
   the call answers (T2, T5, T6, T7, E1, E3, E9, E10, E11, E18). Handlers write that down; some emit or post the next signal, while its value is 1,000 or
   more, which it then is no longer. DRAWN=n runs one seed, and says what it does; SEEDS=n runs so many. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "peers.h"

#define NUMBER(F) F(u64, value)
TOCSIN_LAYOUT(number, NUMBER);

enum { LOOPS = 3, SIGNALS = 5, MOST = 4096, SEEDS = 150, STEPS = 400, LIMIT = 3 };
enum { QUEUED, FEW, LATEST, GUARDED, OTHER };          /* FEW: pended up to LIMIT; GUARDED: has a default action */

static int signos[SIGNALS];

/* The model */

struct group { int open; bool handled, own; };         /* the copies of one emission; own: the emitter's is the only one */
struct entry { int signal, value, overrun, group, age; bool unhandled; };      /* unhandled: handed to the main loop */
enum echo { SILENT, EMITS, POSTS, POSTS_TO };
struct ear { int signal, number, to; enum echo echo; bool observer, stops, asked, gone; };
struct list { int count; struct entry items[MOST]; };

static struct model {
    bool lives, ends;
    int before;                                        /* while it ends: what is pended from this age on is for later */
    int born, age, ears_count;
    struct ear ears[256];
    bool blocked[SIGNALS], ignored[SIGNALS];
    struct list inbox, pended;
} loops[LOOPS];

static struct group groups[MOST];
static int groups_count, born;
static char expected[1 << 20];

static __attribute__((format(printf, 1, 2))) void expect(const char *format, ...)
{
    size_t length = strlen(expected);
    va_list values;

    va_start(values, format);
    vsnprintf(expected + length, sizeof expected - length, format, values);
    va_end(values);
}

static void list_take(struct list *list, int at)
{
    memmove(&list->items[at], &list->items[at + 1], (size_t)(--list->count - at) * sizeof list->items[0]);
}

static int ears_of(const struct model *loop, int signal, bool observers)
{
    int count = 0;

    for (int i = 0; i < loop->ears_count; i++)
        count += !loop->ears[i].gone && loop->ears[i].signal == signal && loop->ears[i].observer == observers;
    return count;
}

static bool listens(const struct model *loop, int signal)
{
    return loop->lives && (ears_of(loop, signal, true) || ears_of(loop, signal, false) || loop->blocked[signal]);
}

static int pended_of(const struct model *loop, int signal)
{
    int count = 0;

    for (int i = 0; i < loop->pended.count; i++)
        count += loop->pended.items[i].signal == signal;
    return count;
}

static bool full(const struct model *loop, int signal)
{
    return signal == FEW && (ears_of(loop, signal, false) || loop->blocked[signal]) && pended_of(loop, signal) >= LIMIT;
}

static int main_loop(void)
{
    int oldest = -1;

    for (int i = 0; i < LOOPS; i++)
        if (loops[i].lives && (oldest < 0 || loops[i].born < loops[oldest].born))
            oldest = i;
    return oldest;
}

static void act_on(int number, const struct entry *entry)
{
    if (!loops[number].ignored[entry->signal])
        expect("%d!%d=%d ", number, entry->signal, entry->value);
}

static int model_emit(int number, int signal, int value);
static int model_post(int signal, int value);
static int model_post_to(int number, int signal, int value);

static void echo(int number, const struct ear *ear, const struct entry *entry)
{
    int value = entry->value - 1000, signal = entry->signal + 1, answer = 0;

    if (value < 0 || signal == SIGNALS || ear->echo == SILENT)
        return;
    switch (ear->echo) {
    case EMITS: answer = model_emit(number, signal, value); break;
    case POSTS: answer = model_post(signal, value); break;
    default:    answer = model_post_to(ear->to, signal, value);
    }
    expect(">%d ", answer);
}

/* The default action is taken here, or on the main loop in its next turn. */
static void unhandled(int where, int number, const struct entry *entry)
{
    struct list *inbox = &loops[where].inbox;

    if (where == number) {
        expect("%d!%d=%d ", number, entry->signal, entry->value);
        return;
    }
    inbox->items[inbox->count] = *entry;
    inbox->items[inbox->count++].unhandled = true;
}

/* A copy has met the handlers of a loop, or nobody. */
static void met(int number, const struct entry *entry, bool handled)
{
    struct group *group = &groups[entry->group];

    group->handled |= handled;
    if (--group->open || group->handled || entry->signal != GUARDED)
        return;
    unhandled(group->own ? number : main_loop(), number, entry);
}

/* True: it was handled, or stopped. */
static bool call_all(int number, const struct entry *entry, bool *ret_stopped)
{
    struct model *loop = &loops[number];
    bool stopped = false, handled = false, ignored = loop->ignored[entry->signal];

    for (int i = 0; i < loop->ears_count; i++) {
        const struct ear *ear = &loop->ears[i];

        if (ear->gone || ear->signal != entry->signal || (!ear->observer && (stopped || ignored)))
            continue;
        expect("%d:%d=%d+%d ", ear->number, entry->signal, entry->value, entry->overrun);
        if (ear->observer)
            continue;
        echo(number, ear, entry);
        handled = true;
        stopped |= ear->stops;
    }
    *ret_stopped = stopped;
    return handled;
}

static void flush(int number, int signal);

static void pend(struct model *loop, const struct entry *entry)
{
    for (int i = 0; i < loop->pended.count && entry->signal == LATEST; i++) {
        struct entry *older = &loop->pended.items[i];

        if (older->signal == LATEST) {
            older->value = entry->value;
            older->overrun += entry->overrun + 1;
            return;
        }
    }
    loop->pended.items[loop->pended.count] = *entry;
    loop->pended.items[loop->pended.count++].age = loop->age++;
}

static void meet(int number, const struct entry *entry)
{
    struct model *loop = &loops[number];
    bool stopped, handled;

    if (entry->unhandled) {
        unhandled(main_loop(), number, entry);
    } else if (!listens(loop, entry->signal)) {
        met(number, entry, loop->ignored[entry->signal]);
    } else if (loop->blocked[entry->signal]) {
        pend(loop, entry);
    } else {
        handled = call_all(number, entry, &stopped);
        met(number, entry, handled || loop->ignored[entry->signal]);
    }
}

/* The oldest that is pended of a signal (-1: of any), from before that age; -1: there is none. */
static int oldest(const struct model *loop, int signal, int before)
{
    int found = -1;

    for (int i = 0; i < loop->pended.count; i++) {
        const struct entry *entry = &loop->pended.items[i];

        if ((signal < 0 || entry->signal == signal) && entry->age < before && (found < 0 || entry->age < loop->pended.items[found].age))
            found = i;
    }
    return found;
}

static void flush(int number, int signal)
{
    struct model *loop = &loops[number];
    struct entry entry;
    int at, before = loop->age;

    while ((at = oldest(loop, signal, before)) >= 0) {
        entry = loop->pended.items[at];
        list_take(&loop->pended, at);
        meet(number, &entry);
    }
}

static void obey(struct model *loop)
{
    for (int i = 0; i < loop->ears_count; i++)
        loop->ears[i].gone |= loop->ears[i].asked;
}

static void turn(int number)
{
    struct model *loop = &loops[number];
    struct entry entry;

    obey(loop);
    for (int count = loop->inbox.count; count; count--) {
        entry = loop->inbox.items[0];
        list_take(&loop->inbox, 0);
        meet(number, &entry);
    }
}

static void end(int number)
{
    struct model *loop = &loops[number];

    loop->born = 1 << 30;                              /* any other one is the main loop; nobody can send to it */
    loop->ends = true;
    while (loop->inbox.count)
        turn(number);
    obey(loop);
    memset(loop->blocked, 0, sizeof loop->blocked);
    while (loop->pended.count || loop->inbox.count) {
        loop->before = loop->age;
        flush(number, -1);
        turn(number);
    }
    memset(loop, 0, sizeof *loop);
}

/* Into the inbox of a loop. */
static void deposit(int number, const struct entry *entry)
{
    struct list *inbox = &loops[number].inbox;

    for (int i = 0; i < inbox->count && entry->signal == LATEST; i++)
        if (inbox->items[i].signal == LATEST) {
            inbox->items[i].value = entry->value;
            inbox->items[i].overrun += 1;
            return;
        }
    inbox->items[inbox->count++] = *entry;
}

static int send_to_all(int signal, int value, int except, bool local)
{
    struct entry entry = { .signal = signal, .value = value, .group = groups_count };
    int count = 0;

    for (int i = 0; i < LOOPS; i++)
        if (i != except && !loops[i].ends && listens(&loops[i], signal) && full(&loops[i], signal))
            return -EAGAIN;
    for (int i = 0; i < LOOPS; i++)
        if (i != except && !loops[i].ends && listens(&loops[i], signal)) {
            deposit(i, &entry);
            count++;
        }
    groups[groups_count++] = (struct group){ .open = count + local, .own = !count };
    return count;
}

static int model_post(int signal, int value)
{
    struct entry entry = { .signal = signal, .value = value };
    int count = send_to_all(signal, value, -1, false);

    if (count < 0)
        return count;
    if (count || signal != GUARDED)
        return count ? TOCSIN_PENDED : TOCSIN_NOBODY;
    if (main_loop() < 0 || loops[main_loop()].ends)
        return -ESHUTDOWN;
    entry.group = groups_count - 1;
    groups[entry.group] = (struct group){ .open = 1 };
    deposit(main_loop(), &entry);
    return TOCSIN_PENDED;
}

static int model_post_to(int number, int signal, int value)
{
    struct entry entry = { .signal = signal, .value = value, .group = groups_count };

    if (!loops[number].lives || loops[number].ends)
        return -ESHUTDOWN;
    if (full(&loops[number], signal))
        return -EAGAIN;
    groups[groups_count++] = (struct group){ .open = 1 };
    deposit(number, &entry);
    return TOCSIN_PENDED;
}

static int model_emit(int number, int signal, int value)
{
    struct entry entry = { .signal = signal, .value = value, .group = groups_count };
    struct model *loop = &loops[number];
    bool here = listens(loop, signal), held = loop->blocked[signal], stopped, handled;
    int count;

    if (here && !held && pended_of(loop, signal)) {    /* it ends: a flush has them, and this one waits behind them; else they go first */
        held = oldest(loop, signal, loop->before) >= 0;
        if (!held)
            flush(number, signal);
    }
    if (here && held && signal == FEW && pended_of(loop, signal) >= LIMIT)
        return -EAGAIN;
    count = send_to_all(signal, value, number, here);
    if (count < 0)
        return count;
    if (!here && !count && signal == GUARDED)
        act_on(number, &entry);
    if (!here)
        return count ? TOCSIN_PENDED : TOCSIN_NOBODY;
    if (held) {
        pend(loop, &entry);
        return TOCSIN_PENDED;
    }
    handled = call_all(number, &entry, &stopped);
    met(number, &entry, handled || loop->ignored[signal]);
    return stopped ? TOCSIN_STOPPED : handled ? TOCSIN_DELIVERED : TOCSIN_NOBODY;
}

/* What really happens */

static struct real { struct peer peer; struct tocsin_loop loop; struct tocsin_handler handlers[256]; struct tocsin_mask masks[SIGNALS]; } reals[LOOPS];
static char heard[1 << 20];

static void say(int number, int sign, const struct tocsin_info *info)
{
    size_t length = strlen(heard);
    int signal = 0;

    while (signos[signal] != info->signo)
        signal++;
    if (sign == '!')
        snprintf(heard + length, sizeof heard - length, "%d!%d=%d ", number, signal, (int)number_of(info)->value);
    else
        snprintf(heard + length, sizeof heard - length, "%d:%d=%d+%u ", number, signal, (int)number_of(info)->value, info->overrun);
}

static __thread int own_number;

struct ear_of { int number, to; enum echo echo; bool stops, observer; };

static void really_echo(const struct ear_of *ear, const struct tocsin_info *info)
{
    int signal = 0, value = (int)number_of(info)->value - 1000, answer;
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(number, .value = (uint64_t)value);

    while (signos[signal++] != info->signo)
        ;
    if (value < 0 || signal == SIGNALS || ear->echo == SILENT || ear->observer)
        return;
    switch (ear->echo) {
    case EMITS: answer = tocsin_emit(signos[signal], payload); break;
    case POSTS: answer = tocsin_post(signos[signal], payload); break;
    default:    answer = tocsin_post_to(reals[ear->to].loop, signos[signal], payload);
    }
    snprintf(heard + strlen(heard), 16, ">%d ", answer);
}

static int on_ear(const struct tocsin_info *info, void *arg)
{
    const struct ear_of *ear = arg;

    say(ear->number, ':', info);
    really_echo(ear, info);
    return ear->stops ? TOCSIN_STOP : TOCSIN_NEXT;
}

static int act(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    say(own_number, '!', info);
    return 0;
}

/* A command, for one of the threads */
enum what { CONNECT, OBSERVE, DISCONNECT, BLOCK, UNBLOCK, IGNORE, DEFAULT, EMIT, POST, POST_TO, TURN, FREE };

static struct command { enum what what; int loop, signal, value, ear, to; enum echo echo; bool stops; } command;
static struct ear_of ears[8192];
static int ears_made;

static int really_connect(struct real *real)
{
    struct tocsin_action action = { .fn = on_ear, .arg = &ears[command.value] };
    const char *name = (const char *[]){ "drawn.queued", "drawn.few", "drawn.latest", "drawn.guarded", "drawn.other" }[command.signal];
    int err;

    own_number = command.loop;
    ears[command.value] = (struct ear_of){ command.value, command.to, command.echo, command.stops, command.what == OBSERVE };
    err = command.what == OBSERVE ? tocsin_observe(name, &action, &real->handlers[command.ear]) : tocsin_connect(name, &action, &real->handlers[command.ear]);
    real->loop = tocsin_loop_current();
    return err;
}

static int really(void *none)
{
    static const char *const names[] = { "drawn.queued", "drawn.few", "drawn.latest", "drawn.guarded", "drawn.other" };
    struct real *real = &reals[command.loop], *other = &reals[command.to];
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(number, .value = (uint64_t)command.value);

    (void)none;
    switch (command.what) {
    case CONNECT:
    case OBSERVE:    return really_connect(real);
    case DISCONNECT: return tocsin_disconnect(other->handlers[command.ear]);
    case BLOCK:      return tocsin_block(names[command.signal], &real->masks[command.signal]);
    case UNBLOCK:    return tocsin_unblock(real->masks[command.signal]);
    case IGNORE:     return tocsin_ignore(names[command.signal]);
    case DEFAULT:    return tocsin_default(names[command.signal]);
    case EMIT:       return tocsin_emit(signos[command.signal], payload);
    case POST:       return tocsin_post(signos[command.signal], payload);
    case POST_TO:    return tocsin_post_to(other->loop, signos[command.signal], payload);
    case TURN:       return tocsin_turn(0) < 0 ? -1 : 0;
    default:         return tocsin_free() < 0 ? -1 : 0;
    }
}

/* Drawn */

static unsigned long long state;

static int draw(int below)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (int)((state >> 33) % (unsigned)below);
}

static bool draw_ear(struct model *loop)
{
    if (!loop->ears_count)
        return false;
    command.ear = draw(loop->ears_count);
    return !loop->ears[command.ear].gone || draw(4) == 0;
}

static int model_disconnect(void)
{
    struct ear *ear = &loops[command.to].ears[command.ear];

    if (ear->gone || (ear->asked && command.loop != command.to))
        return -ENOENT;
    *(command.loop == command.to ? &ear->gone : &ear->asked) = true;
    return 0;
}

static int model_connect(void)
{
    struct model *loop = &loops[command.loop];

    if (!loop->lives) {
        loop->lives = true;
        loop->born = ++born;
    }
    loop->ears[loop->ears_count++] = (struct ear){ .signal = command.signal, .number = command.value, .observer = command.what == OBSERVE, .to = command.to,
                                                   .echo = command.echo,
                                                   .stops = command.stops };
    return 0;
}

static int model_ignore(struct model *loop)
{
    for (int i = loop->pended.count; i--;)
        if (loop->pended.items[i].signal == command.signal) {
            groups[loop->pended.items[i].group].handled = true;
            groups[loop->pended.items[i].group].open--;
            list_take(&loop->pended, i);
        }
    loop->ignored[command.signal] = true;
    return 0;
}

static int model(void)
{
    struct model *loop = &loops[command.loop];

    switch (command.what) {
    case CONNECT:
    case OBSERVE:    return model_connect();
    case DISCONNECT: return model_disconnect();
    case BLOCK:      loop->blocked[command.signal] = true; return 0;
    case UNBLOCK:    loop->blocked[command.signal] = false; flush(command.loop, command.signal); return 0;
    case IGNORE:     return model_ignore(loop);
    case DEFAULT:    loop->ignored[command.signal] = false; return 0;
    case EMIT:       return model_emit(command.loop, command.signal, command.value);
    case POST:       return model_post(command.signal, command.value);
    case POST_TO:    return model_post_to(command.to, command.signal, command.value);
    case TURN:       turn(command.loop); return 0;
    default:         end(command.loop); return 0;
    }
}

/* Whether it makes sense now. */
static bool drawn(void)
{
    struct model *loop;

    command = (struct command){ .what = (enum what[]){ CONNECT, OBSERVE, DISCONNECT, BLOCK, UNBLOCK, IGNORE, DEFAULT, EMIT, EMIT, EMIT, POST, POST,
                                                       POST_TO, TURN, TURN, TURN, TURN, FREE }[draw(18)],
                                .loop = draw(LOOPS), .signal = draw(SIGNALS), .to = draw(LOOPS), .stops = draw(4) == 0,
                                .echo = (enum echo)draw(4) };
    loop = &loops[command.loop];
    command.value = command.what == CONNECT || command.what == OBSERVE ? ears_made++ : draw(4000);
    if (command.what == FREE && draw(4))
        return false;
    if (command.what == CONNECT || command.what == OBSERVE) {
        command.ear = loop->ears_count;
        return loop->ears_count < 200;
    }
    if (command.what == POST)
        return true;
    if (!loop->lives)
        return false;
    if (command.what == DISCONNECT)
        return loops[command.to].lives && draw_ear(&loops[command.to]);
    if (command.what == POST_TO)
        return loops[command.to].lives;
    if (command.what == BLOCK || command.what == UNBLOCK)
        return loop->blocked[command.signal] == (command.what == UNBLOCK);
    return true;
}

static const char *const whats[] = { "connect", "observe", "disconnect", "block", "unblock", "ignore", "default", "emit", "post", "post to", "turn", "free" };

/* Where they begin to differ. */
static size_t same(void)
{
    size_t at = 0, word = 0;

    for (; heard[at] && heard[at] == expected[at]; at++)
        word = heard[at] == ' ' ? at + 1 : word;
    return word;
}

static void step(int seed, int number)
{
    int answer, really_answered;
    size_t at;

    expected[0] = heard[0] = '\0';
    answer = model();
    really_answered = peer_does(&reals[command.loop].peer, really, NULL);
    at = same();
    ck_assert_msg(answer == really_answered && !heard[at] && !expected[at],
                  "seed %d, step %d: %s on %d, signal %d, value %d, to %d, ear %d: answered %d, expected %d; after \"%s%.*s\": heard \"%.60s\", expected \"%.60s\"",
                  seed, number, whats[command.what], command.loop, command.signal, command.value, command.to, command.ear, really_answered, answer,
                  at > 200 ? "…" : "", at > 200 ? 200 : (int)at, heard + (at > 200 ? at - 200 : 0), heard + at, expected + at);
}

static void run(int seed)
{
    state = (unsigned long long)seed;
    memset(loops, 0, sizeof loops);
    groups_count = born = ears_made = 0;
    for (int i = 0; i < STEPS; i++) {
        while (!drawn())
            ;
        step(seed, i);
        if (getenv("DRAWN"))
            fprintf(stderr, "%d: %s on %d, signal %d, value %d, to %d, ear %d, stops %d, echo %d: %s\n", i, whats[command.what], command.loop, command.signal,
                    command.value, command.to, command.ear, command.stops, command.echo, heard);
    }
    for (int i = 0; i < LOOPS; i++) {
        command = (struct command){ .what = FREE, .loop = i };
        if (loops[i].lives)
            step(seed, STEPS + i);
    }
}

START_TEST(what_a_model_says)
{
    const char *only = getenv("DRAWN");

    for (int i = 0; i < LOOPS; i++)
        peer_begin(&reals[i].peer);
    signos[QUEUED] = tocsin_declare(&(struct tocsin_spec){ .name = "drawn.queued", .layout = &number_layout });
    signos[FEW] = tocsin_declare(&(struct tocsin_spec){ .name = "drawn.few", .layout = &number_layout, .limit = LIMIT });
    signos[LATEST] = tocsin_declare(&(struct tocsin_spec){ .name = "drawn.latest", .layout = &number_layout, .kind = TOCSIN_COALESCE });
    signos[GUARDED] = tocsin_declare(&(struct tocsin_spec){ .name = "drawn.guarded", .layout = &number_layout, .unhandled_fn = act });
    signos[OTHER] = tocsin_declare(&(struct tocsin_spec){ .name = "drawn.other", .layout = &number_layout, .flags = TOCSIN_ASYNC });
    for (int seed = only ? atoi(only) : 1; seed <= (only ? atoi(only) : getenv("SEEDS") ? atoi(getenv("SEEDS")) : SEEDS); seed++)
        run(seed);
    for (int i = 0; i < LOOPS; i++)
        peer_end(&reals[i].peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/drawn");
    TCase *tests = test_case(suite, "drawn");

    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, what_a_model_says);
    return suite;
}
